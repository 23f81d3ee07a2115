//! The chosen entity: its operations, and what they give.

use std::collections::BTreeSet;
use std::sync::Arc;

use ankurah_core::id::{EntityId, OpId, PropertyId};
use ankurah_core::value::Value;

use super::list::List;
use super::names::Names;
use crate::dag::{Graph, Layout, Op, Search};
use crate::message::{Image, Summary};

/// An entity and everything that was read of it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The entity.
    pub entity: EntityId,
    /// Its operations, as far as they were read.
    pub graph: Graph,
    /// While they are read again: those that were.
    again: Option<Graph>,
    /// Whether all operations were read.
    pub whole: bool,
    /// What all operations give.
    pub image: Option<Image>,
    /// Why not everything could be read.
    pub failure: Option<String>,
    /// Where one is among its properties.
    pub properties: List,
    /// Where one is in its graph.
    pub list: List,
    /// Rows and lanes of the graph.
    pub layout: Layout,
    /// Whether linear runs are folded.
    pub fold: bool,
    /// Runs that are shown all the same.
    pub open: BTreeSet<Op>,
    /// What was searched for.
    pub search: Option<(String, Search)>,
}

/// A property of an entity, as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The property.
    pub property: PropertyId,
    /// Its value; `None` where it was never set.
    pub value: Option<Value>,
    /// The operation that set it.
    pub winner: Option<OpId>,
    /// Whether it is collaborative text.
    pub text: bool,
}

impl Subject {
    /// An entity of which nothing was read yet.
    pub fn new(entity: EntityId) -> Self {
        Subject {
            entity,
            graph: Graph::default(),
            again: None,
            whole: false,
            image: None,
            failure: None,
            properties: List::default(),
            list: List::default(),
            layout: Layout::default(),
            fold: true,
            open: BTreeSet::new(),
            search: None,
        }
    }

    /// Everything is read again; until then it is shown as it is.
    pub fn restart(&mut self) {
        self.again = Some(Graph::default());
        self.failure = None;
    }

    /// Takes operations in.
    pub fn take(&mut self, summaries: &[Summary]) {
        if let Some(again) = &mut self.again {
            summaries.iter().for_each(|summary| again.push(summary));
            return;
        }
        let selected = self.selected();
        let at_top = self.list.selected == 0;
        for summary in summaries {
            self.graph.push(summary);
        }
        self.lay_out();
        if let Some(op) = selected.filter(|_| !at_top) {
            self.select(op);
        }
    }

    /// Lays the graph out again.
    pub fn lay_out(&mut self) {
        self.layout = Layout::new(&self.graph, self.fold, &self.open);
    }

    /// Everything was read.
    pub fn finish(&mut self) {
        self.whole = true;
        if let Some(again) = self.again.take() {
            let selected = self.selected().map(|op| self.graph.id(op)).filter(|_| self.list.selected > 0);
            // Numbers mean other operations now.
            self.open.clear();
            self.search = None;
            self.graph = again;
            self.lay_out();
            if let Some(op) = selected.and_then(|id| self.graph.find(id)) {
                self.select(op);
            }
        }
        self.graph.shrink();
    }

    /// The selected operation.
    pub fn selected(&self) -> Option<Op> {
        self.layout.at(self.list.selected).map(|row| row.op)
    }

    /// Goes to an operation, and shows it where it is folded away.
    pub fn select(&mut self, op: Op) {
        if let Some(row) = self.layout.row_of(op) {
            if let Some(found) = self.layout.at(row).filter(|found| found.count > 1 && found.op != op) {
                self.open.insert(found.op);
                self.lay_out();
            }
            let row = self.layout.row_of(op).unwrap_or(row);
            self.list.select(row, self.layout.len());
        }
    }

    /// Folds linear runs or shows them: the selected one where it is one, all otherwise.
    pub fn fold(&mut self) {
        let selected = self.selected();
        let run = self.layout.at(self.list.selected).filter(|row| row.count > 1);
        match run {
            Some(run) => {
                self.open.insert(run.op);
            }
            None if self.open.is_empty() => self.fold = !self.fold,
            None => {
                self.open.clear();
                self.fold = true;
            }
        }
        self.lay_out();
        if let Some(row) = selected.and_then(|op| self.layout.row_of(op)) {
            self.list.select(row, self.layout.len());
        }
    }

    /// The operations one step away from the selected one: its parents, the newest first, or its children, the oldest
    /// first.
    pub fn ways(&self, parents: bool) -> Vec<Op> {
        let Some(row) = self.layout.at(self.list.selected) else { return Vec::new() };
        if !parents {
            return self.graph.all_children(row.op);
        }
        let mut ways: Vec<Op> = self.graph.parents(row.last).collect();
        ways.reverse();
        ways
    }

    /// Goes to the next operation of the head, from the newest round to the newest again.
    pub fn to_head(&mut self) {
        let selected = self.selected().unwrap_or(0);
        let heads = || self.graph.ops().rev().filter(|op| self.graph.is_head(*op));
        let next = heads().find(|op| *op < selected).or_else(|| heads().next());
        if let Some(next) = next {
            self.select(next);
        }
    }

    /// Searches, and goes to the first find from the selected operation on; false where there is none.
    pub fn search(&mut self, text: &str, names: &Names) -> bool {
        let search = Search::new(&self.graph, text, |property| names.property_name(property));
        let start = self.selected();
        let found = start.and_then(|op| self.find(&search, op, false, true));
        self.search = Some((text.to_owned(), search));
        found.map(|op| self.select(op)).is_some()
    }

    /// Goes to the next find, or the one before; false where there is none.
    pub fn search_on(&mut self, back: bool) -> bool {
        let Some((_, search)) = &self.search else { return false };
        let found = self.selected().and_then(|op| self.find(search, op, back, false));
        found.map(|op| self.select(op)).is_some()
    }

    /// The next operation that a search finds: towards older ones, or `back` towards newer ones, round the end.
    fn find(&self, search: &Search, from: Op, back: bool, here: bool) -> Option<Op> {
        let length = u32::try_from(self.graph.len()).ok()?;
        let start = u32::from(!here);
        (start..=length)
            .map(|step| {
                let step = u64::from(step);
                let (from, length) = (u64::from(from), u64::from(length));
                let at = if back { (from + step) % length } else { (from + 2 * length - step) % length };
                u32::try_from(at).unwrap_or(0)
            })
            .find(|op| search.finds(&self.graph, *op))
    }

    /// The operations with smaller ids than one that it does not know of: those outside its closure. Ascending.
    pub fn outside(&self, op: Op) -> Arc<[OpId]> {
        let mut inside = vec![false; usize::try_from(op).unwrap_or(0) + 1];
        if let Some(last) = inside.last_mut() {
            *last = true;
        }
        // Parents have smaller numbers than their children, so one pass downwards is enough.
        let mut outside = Vec::new();
        for one in (0..=op).rev() {
            let is_inside = usize::try_from(one).ok().and_then(|place| inside.get(place)).copied();
            if is_inside != Some(true) {
                outside.push(self.graph.id(one));
                continue;
            }
            for parent in self.graph.parents(one) {
                if let Some(flag) = usize::try_from(parent).ok().and_then(|place| inside.get_mut(place)) {
                    *flag = true;
                }
            }
        }
        outside.reverse();
        outside.into()
    }
}

/// The properties of an entity as they are shown: those of its model in their order, then others that were set.
pub fn shown(image: &Image, names: &Names) -> Vec<Shown> {
    let model = names.model(image.state.model);
    let declared = model.map(|model| model.columns().map(|property| property.id).collect::<Vec<_>>());
    let declared = declared.unwrap_or_default();
    let set = image.state.registers.keys().chain(image.texts.iter().map(|(property, ..)| property));
    let others: BTreeSet<PropertyId> = set.copied().filter(|property| !declared.contains(property)).collect();
    declared.into_iter().chain(others).map(|property| one(image, property)).collect()
}

/// One property of an entity.
pub fn one(image: &Image, property: PropertyId) -> Shown {
    let text = image.texts.iter().find(|(known, ..)| *known == property);
    let register = image.state.registers.get(&property);
    Shown {
        property,
        value: text
            .map(|(_, text, _)| Value::String(Arc::clone(text)))
            .or_else(|| register.map(|register| register.value.clone())),
        winner: text.map(|(.., last)| *last).or_else(|| register.map(|register| register.winner)),
        text: text.is_some(),
    }
}
