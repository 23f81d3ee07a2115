//! Planning: how the rows of a bound `select` are read.

mod access;
mod explain;
mod set;

use std::ops::Bound;
use std::sync::Arc;

use self::access::{Candidate, Question, exists};
pub(crate) use self::explain::took;
pub(crate) use self::set::{Interval, Set, lower_order, possible, upper_order};
use super::bound::{BoundSelect, Hop, OrderKey, Slot};
use super::expr::{AggregateFunction, Expr};
use crate::id::{EntityId, ModelId, OpId};
use crate::node::protocol::Column;
use crate::storage::{Deleted, Index, IndexDefinition, IndexId, IndexPart, IndexRange, ReadView};
use crate::value::{Value, key};

/// A planned `select`: what [`run`](super::run()) runs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) select: BoundSelect,
    pub(crate) reading: Reading,
    /// Whether rows are read of which the filter may not hold, where `reading` is as planned.
    pub(crate) filters: bool,
    /// Whether rows must still be brought into the order that `order by` asks for.
    pub(crate) sorts: bool,
    /// Whether the entities that are read were named by their keys.
    by_key: bool,
    /// Whether the first value that is not null is all that is asked for: the least or greatest one.
    pub(crate) first_only: bool,
    /// When what each hop leads to is needed.
    pub(crate) stages: Vec<Stage>,
    /// The indexes that `reading` uses.
    indexes: Vec<IndexDefinition>,
    wanted: Option<IndexDefinition>,
}

/// How input rows are read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    /// There is no `from`: one row without slots.
    One,
    /// The filter can never hold.
    Nothing,
    /// All entities between two ids, by id.
    All {
        /// Those after this one.
        after: Option<EntityId>,
        /// Those up to this one.
        until: Option<EntityId>,
    },
    /// These entities in this order.
    Entities(Vec<EntityId>),
    /// By an index, which gives them in the order that is wanted.
    InOrder {
        /// The index.
        index: IndexId,
        /// The ranges of keys.
        ranges: Vec<IndexRange>,
        /// Backwards.
        reverse: bool,
    },
    /// By indexes that give the ids only, those of any of them, which are then read in their order: at least one
    /// index, with the ranges of its keys.
    Collected(Vec<(IndexId, Vec<IndexRange>)>),
}

/// An `or` of more cases is not looked up case by case.
const MAX_CASES: usize = 16;

/// When the entities that a hop leads to are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// For the filter.
    Filter,
    /// For the order or the groups, of rows that the filter kept.
    Order,
    /// For the output, of rows that are given.
    Output,
}

/// What a store offers besides reading all entities of a model.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// Indexes. Those that are not ready or of other models are passed over.
    pub indexes: Arc<Vec<Index>>,
    /// Whether every entity of the model has the id that follows from its key.
    pub by_key: bool,
}

impl Lookups {
    /// What a view offers for a query.
    pub fn of(view: &dyn ReadView, select: &BoundSelect) -> Self {
        let Some(model) = &select.input.model else { return Lookups::default() };
        let by_key = !model.key.is_empty() && view.named_by(model.id, &model.key);
        Lookups { indexes: view.indexes(), by_key }
    }
}

/// Chooses how to read the rows of `select`, given what the store offers.
pub fn plan(mut select: BoundSelect, lookups: &Lookups) -> Plan {
    let stages = stages(&select);
    let sets = sets(&select.input.slots, select.filter.as_ref());
    let plain = select.grouping.is_none() && !select.distinct;
    if plain {
        simplify_order(&mut select, &sets);
    }
    let sorts = !select.order.is_empty();
    let mut reading = without_index(&select, &sets);
    let named = match reading {
        Reading::All { after, until } if lookups.by_key => named_by_key(&select, &sets, after, until),
        _ => None,
    };
    let by_key = named.is_some();
    if let Some(entities) = named {
        reading = Reading::Entities(entities);
    }
    let mut plan = Plan {
        filters: select.filter.is_some(),
        select,
        reading,
        sorts,
        by_key,
        first_only: false,
        stages,
        indexes: Vec::new(),
        wanted: None,
    };
    // Indexes are over what is.
    let now = plan.select.input.deleted == Deleted::Exclude && !plan.select.is_past();
    if matches!(plan.reading, Reading::All { .. }) && now {
        plan.choose_index(sets, &lookups.indexes);
    }
    plan
}

/// The values that a condition leaves possible for each slot.
fn sets(slots: &[Slot], condition: Option<&Expr>) -> Vec<Option<Set>> {
    let sets = slots.iter().enumerate().map(|(slot, kind)| match kind {
        Slot::Property(property) if property.is_text() => None,
        Slot::Property(_) | Slot::Id => possible(condition?, slot),
        Slot::Hop(_) => None,
    });
    sets.collect()
}

/// The condition as cases of which one must hold: those of the first `or` among its conditions, each with all the
/// other conditions.
fn cases(condition: &Expr) -> Option<Vec<Expr>> {
    let all = condition.conjuncts();
    let (place, cases) = all.iter().enumerate().find_map(|(place, part)| match part {
        Expr::Or(cases) if cases.len() <= MAX_CASES => Some((place, cases)),
        _ => None,
    })?;
    let others: Vec<Expr> =
        all.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, part)| part.clone()).collect();
    let with = |case: &Expr| Expr::And(others.iter().chain([case]).cloned().collect());
    Some(cases.iter().map(with).collect())
}

/// How rows are read where no index helps.
fn without_index(select: &BoundSelect, sets: &[Option<Set>]) -> Reading {
    if select.input.model.is_none() {
        return Reading::One;
    }
    if let Some(entities) = &select.input.entities {
        return Reading::Entities(entities.clone());
    }
    if sets.iter().flatten().any(Set::is_empty) || never(select.filter.as_ref()) {
        return Reading::Nothing;
    }
    let id = select.input.slots.iter().position(|slot| *slot == Slot::Id);
    let ids = id.and_then(|slot| sets.get(slot)).and_then(Option::as_ref);
    match ids.and_then(points) {
        Some(entities) => Reading::Entities(entities),
        None => {
            let (after, until) = ids.map_or((None, None), between);
            Reading::All { after, until }
        }
    }
}

/// The entities that the filter leaves, ascending, where it leaves only some values of each property of the key
/// and the entities are named by those.
fn named_by_key(
    select: &BoundSelect,
    sets: &[Option<Set>],
    after: Option<EntityId>,
    until: Option<EntityId>,
) -> Option<Vec<EntityId>> {
    let model = select.input.model.as_ref()?;
    let question = Question { slots: &select.input.slots, sets, order: &[], limited: false };
    let entities = question.named(model)?;
    let inside =
        |id: &EntityId| after.is_none_or(|after| *id > after) && until.is_none_or(|until| *id <= until);
    Some(entities.into_iter().filter(inside).collect())
}

impl Plan {
    /// Reads by the index that serves best, if one does.
    fn choose_index(&mut self, mut sets: Vec<Option<Set>>, indexes: &[Index]) {
        let select = &self.select;
        let Some(model) = select.input.model.as_ref().map(|model| model.id) else { return };
        let own: Vec<&Index> = indexes.iter().filter(|index| index.definition.model == model).collect();
        let plain = select.grouping.is_none() && !select.distinct;
        // Where a row may fail, all of them are looked at, with or without an index.
        let may_stop = !select.filter.as_ref().is_some_and(Expr::can_fail);
        let extreme = extreme(select).filter(|_| may_stop);
        if let Some(OrderKey { expr: Expr::Column(slot, _), .. }) = extreme.as_ref() {
            if let Some(set) = sets.get_mut(*slot) {
                set.get_or_insert_with(Set::not_null).null = false;
            }
        }
        let order = match &extreme {
            Some(key) => std::slice::from_ref(key),
            None if plain => &select.order,
            None => &[],
        };
        let limited = may_stop && (extreme.is_some() || (plain && select.limit.is_some()));
        let question = Question { slots: &select.input.slots, sets: &sets, order, limited };
        let candidate = question.best(&own);
        self.wanted = question
            .wanted(candidate.as_ref().map_or(0, |candidate| candidate.score))
            .map(|parts| IndexDefinition { model, parts })
            .filter(|definition| !exists(&own, definition));
        let Some(Candidate { index, ranges, in_order, reverse, narrowed, .. }) = candidate else {
            if self.wanted.is_none() {
                self.choose_for_cases(model, &own);
            }
            return;
        };
        self.indexes = definitions(&own, [index]);
        if let (Some(definition), Some(filter)) = (self.indexes.first(), &select.filter) {
            let read = definition.parts.get(..narrowed).unwrap_or_default();
            self.filters = !filter.conjuncts().iter().all(|part| says_only(part, &select.input.slots, read));
        }
        self.first_only = in_order && extreme.is_some();
        if in_order && plain {
            self.sorts = false;
        }
        self.reading = if in_order {
            Reading::InOrder { index, ranges, reverse }
        } else {
            Reading::Collected(vec![(index, ranges)])
        };
    }

    /// Reads by an index for each case of an `or`, where there is one for each.
    fn choose_for_cases(&mut self, model: ModelId, own: &[&Index]) {
        let Some(cases) = self.select.filter.as_ref().and_then(cases) else { return };
        let slots = &self.select.input.slots;
        let (mut found, mut wanted) = (Vec::new(), Vec::new());
        for case in cases {
            let sets = sets(slots, Some(&case));
            if sets.iter().flatten().any(Set::is_empty) {
                continue;
            }
            let question = Question { slots, sets: &sets, order: &[], limited: false };
            match (question.best(own), question.wanted(0)) {
                (Some(candidate), _) => found.push((candidate.index, candidate.ranges)),
                (None, Some(parts)) => wanted.push(IndexDefinition { model, parts }),
                (None, None) => return,
            }
        }
        if wanted.is_empty() && !found.is_empty() {
            self.indexes = definitions(own, found.iter().map(|(index, _)| *index));
            self.reading = Reading::Collected(found);
        }
        // One at a time: the next one is wanted when this one is there.
        self.wanted = wanted.into_iter().find(|definition| !exists(own, definition));
    }
}

/// Whether a condition says nothing but which values one of some parts of an index has, so that it holds for every
/// entry that is read because of these values.
fn says_only(condition: &Expr, slots: &[Slot], parts: &[IndexPart]) -> bool {
    let (column, constants) = match condition {
        Expr::Compare(_, left, right) => match (&**left, &**right) {
            (Expr::Column(slot, _), Expr::Constant(value))
            | (Expr::Constant(value), Expr::Column(slot, _)) => (*slot, std::slice::from_ref(value)),
            _ => return false,
        },
        Expr::InSet { expr, set, .. } => match &**expr {
            Expr::Column(slot, _) => (*slot, &**set),
            _ => return false,
        },
        _ => return false,
    };
    let Some(Slot::Property(property)) = slots.get(column) else { return false };
    parts.iter().any(|part| part.property == property.id) && !constants.iter().any(key::is_cut)
}

/// The definitions of indexes, in their order.
fn definitions(own: &[&Index], ids: impl IntoIterator<Item = IndexId>) -> Vec<IndexDefinition> {
    let definition = |id| own.iter().find(|known| known.id == id).map(|known| known.definition.clone());
    ids.into_iter().filter_map(definition).collect()
}

/// The order whose first row has the only aggregate of a query, where that is the least or greatest value of a
/// property over all rows.
fn extreme(select: &BoundSelect) -> Option<OrderKey> {
    let grouping = select.grouping.as_ref().filter(|grouping| grouping.keys.is_empty())?;
    let [aggregate] = grouping.aggregates.as_slice() else { return None };
    let descending = match aggregate.function {
        AggregateFunction::Minimum => false,
        AggregateFunction::Maximum => true,
        _ => return None,
    };
    let argument = aggregate.argument.as_ref().filter(|_| aggregate.filter.is_none())?;
    let Expr::Column(slot, _) = argument else { return None };
    match select.input.slots.get(*slot)? {
        Slot::Property(property) if !property.is_text() => {
            Some(OrderKey { expr: argument.clone(), descending, nulls_first: false })
        }
        Slot::Property(_) | Slot::Id | Slot::Hop(_) => None,
    }
}

/// Whether a condition is constant and not true.
fn never(filter: Option<&Expr>) -> bool {
    matches!(filter, Some(Expr::Constant(value)) if *value != Value::Bool(true))
}

/// Leaves away what orders nothing: properties of which the filter leaves one value, and everything after the
/// id. The order of ids needs no order.
fn simplify_order(select: &mut BoundSelect, sets: &[Option<Set>]) {
    let mut kept: Vec<OrderKey> = Vec::with_capacity(select.order.len());
    for key in select.order.drain(..) {
        let slot = match &key.expr {
            Expr::Column(slot, _) => Some(*slot),
            _ => None,
        };
        let set = slot.and_then(|slot| sets.get(slot)).and_then(Option::as_ref);
        if set.is_some_and(|set| set.single().is_some()) {
            continue;
        }
        let is_id = slot.is_some_and(|slot| select.input.slots.get(slot) == Some(&Slot::Id));
        if !is_id || key.descending {
            kept.push(key);
        }
        if is_id {
            break;
        }
    }
    select.order = kept;
}

/// The ids of a set of single ones, ascending.
fn points(set: &Set) -> Option<Vec<EntityId>> {
    set.point_count()?;
    let id = |value: Option<&Value>| match value {
        Some(Value::Ref(id)) => Some(*id),
        _ => None,
    };
    set.intervals.iter().map(|interval| id(interval.as_point())).collect()
}

/// The ids between which all of a set lie: those after the first and up to the second.
fn between(set: &Set) -> (Option<EntityId>, Option<EntityId>) {
    let before = |id: &EntityId| id.0.bits().checked_sub(1).map(|bits| EntityId(OpId::from_bits(bits)));
    let after = match set.intervals.first().map(|interval| &interval.lower) {
        Some(Bound::Excluded(Value::Ref(id))) => Some(*id),
        Some(Bound::Included(Value::Ref(id))) => before(id),
        _ => None,
    };
    let until = match set.intervals.last().map(|interval| &interval.upper) {
        Some(Bound::Excluded(Value::Ref(id)) | Bound::Included(Value::Ref(id))) => Some(*id),
        _ => None,
    };
    (after, until)
}

/// When what each slot holds is needed; a hop also as soon as what leads on from it.
fn stages(select: &BoundSelect) -> Vec<Stage> {
    let mut stages = vec![Stage::Output; select.input.slots.len()];
    let mut need = |expr: &Expr, stage: Stage| {
        expr.slots(&mut |slot| {
            if let Some(known) = stages.get_mut(slot) {
                *known = stage.min(*known);
            }
        });
    };
    if let Some(filter) = &select.filter {
        need(filter, Stage::Filter);
    }
    match &select.grouping {
        Some(grouping) => {
            grouping.keys.iter().for_each(|key| need(key, Stage::Order));
            for aggregate in &grouping.aggregates {
                let parts = [&aggregate.argument, &aggregate.separator, &aggregate.filter];
                parts.into_iter().flatten().for_each(|part| need(part, Stage::Order));
            }
        }
        None if select.distinct => select.output.iter().for_each(|expr| need(expr, Stage::Order)),
        None => select.order.iter().for_each(|key| need(&key.expr, Stage::Order)),
    }
    for at in (0..select.input.slots.len()).rev() {
        if let Some(Slot::Hop(Hop { from, .. })) = select.input.slots.get(at) {
            let stage = stages.get(at).copied().unwrap_or(Stage::Output);
            if let Some(known) = stages.get_mut(*from) {
                *known = stage.min(*known);
            }
        }
    }
    stages
}

impl Plan {
    /// The columns of the result.
    pub fn columns(&self) -> &[Column] {
        self.select.columns()
    }

    /// The index that would have served this query better than those that there are: what to make when such
    /// queries examine many rows and keep few.
    pub fn wanted_index(&self) -> Option<&IndexDefinition> {
        self.wanted.as_ref()
    }

    /// The indexes that are read.
    pub fn used_indexes(&self) -> &[IndexDefinition] {
        &self.indexes
    }
}
