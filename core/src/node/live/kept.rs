//! Rows in their order, and the window of them that is shown.

use std::collections::HashSet;
use std::sync::Arc;

use super::change::LiveChange;
use super::diff::number;
use super::list::LiveList;
use super::row::{ByKey, Key, Row};
use crate::id::EntityId;
use crate::query::OrderKey;

/// At least so many rows are kept behind a window.
const SPARE: usize = 16;

/// Rows are searched with every change and hardly ever copied: their list is wide and flat.
const WIDE: usize = 512;

/// Which part of the rows is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) offset: usize,
    pub(super) limit: Option<usize>,
}

impl Window {
    /// All rows.
    pub(super) const WHOLE: Window = Window { offset: 0, limit: None };

    /// The row after the last one that is shown.
    fn end(&self) -> Option<usize> {
        self.limit.map(|limit| self.offset.saturating_add(limit))
    }

    /// How many rows are asked for to fill it: as many again as it needs, so that what is asked for anew is no more
    /// than what left meanwhile.
    pub(super) fn asked(&self) -> Option<usize> {
        self.end().map(|end| end.saturating_add(end.max(SPARE)))
    }

    /// How many rows are kept at most.
    fn most(&self) -> usize {
        self.end().map_or(usize::MAX, |end| end.saturating_add(end.max(SPARE).saturating_mul(2)))
    }

    /// Whether it shows a place.
    fn shows(&self, place: usize) -> bool {
        place >= self.offset && !self.is_behind(place)
    }

    /// Whether a place is behind what it shows.
    fn is_behind(&self, place: usize) -> bool {
        self.end().is_some_and(|end| place >= end)
    }

    /// The place that is shown nearest to a place of all rows, counted from the first one that is shown.
    fn nearest(&self, place: usize) -> usize {
        let place = place.saturating_sub(self.offset);
        self.limit.map_or(place, |limit| place.min(limit.saturating_sub(1)))
    }
}

/// The first rows in their order, and the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    rows: LiveList<Arc<Row>, WIDE>,
    members: Members,
    pub(super) window: Window,
    /// Whether there are no rows but these.
    complete: bool,
}

/// How a row is found by what it is known by.
#[derive(Clone, Debug, Default)]
#[expect(clippy::box_collection, reason = "there are as many of these as queries, and most are none")]
enum Members {
    /// Rows stand in the order of that.
    #[default]
    InOrder,
    /// By a map; none, as for most of many small results, where there are no rows.
    Mapped(Option<Box<HashSet<ByKey>>>),
}

impl Members {
    fn get(&self, key: &Key) -> Option<&Row> {
        match self {
            Members::InOrder | Members::Mapped(None) => None,
            Members::Mapped(Some(map)) => map.get(key).map(|row| row.0.as_ref()),
        }
    }

    /// Puts a row in the place of the one that is known by the same.
    fn put(&mut self, row: &Arc<Row>) {
        if let Members::Mapped(map) = self {
            map.get_or_insert_default().replace(ByKey(Arc::clone(row)));
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Members::Mapped(Some(map)) = self {
            map.remove(key);
            if map.is_empty() {
                *self = Members::Mapped(None);
            }
        }
    }
}

/// What became of rows: the changes of the window, and the entities that are kept from now on or no longer.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) changes: Vec<LiveChange>,
    pub(super) moved: Vec<(EntityId, bool)>,
}

impl Kept {
    /// These rows, the first ones in their order; all that there are where they are `complete`.
    pub(super) fn new(rows: Vec<Arc<Row>>, window: Window, complete: bool, by_key: bool) -> Self {
        let mut members = if by_key { Members::InOrder } else { Members::Mapped(None) };
        rows.iter().for_each(|row| members.put(row));
        Kept { rows: rows.into_iter().collect(), members, window, complete }
    }

    /// Rows of which nothing is known but that they are shown.
    pub(super) fn shown_only(rows: Vec<Arc<Row>>) -> Self {
        Kept::new(rows, Window::WHOLE, true, true)
    }

    /// How many rows are kept.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many rows are shown.
    pub(super) fn shown_len(&self) -> usize {
        let behind = self.rows.len().saturating_sub(self.window.offset);
        self.window.limit.map_or(behind, |limit| behind.min(limit))
    }

    /// The rows that are kept.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.iter()
    }

    /// The rows that are shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.iter_from(self.window.offset).take(self.shown_len())
    }

    /// A copy that costs little.
    pub(super) fn snapshot(&self) -> Kept {
        let (rows, members) = (self.rows.clone(), Members::InOrder);
        Kept { rows, members, window: self.window, complete: self.complete }
    }

    /// Whether the window cannot be filled any more once these rows changed: what would come next is not known.
    pub(super) fn runs_dry<'a>(
        &self,
        order: &[OrderKey],
        changed: impl Iterator<Item = (&'a Key, Option<&'a Row>)>,
    ) -> bool {
        let Some(end) = self.window.end().filter(|_| !self.complete) else { return false };
        let leaving = changed.filter(|(key, row)| match (self.place(order, key), row) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(at), Some(row)) => {
                let stays = self.rows.get(at).is_some_and(|known| known.compare(order, row).is_eq());
                !stays
                    && self
                        .rows
                        .last()
                        .is_some_and(|last| last.key == row.key || last.compare(order, row).is_lt())
            }
        });
        self.rows.len().saturating_sub(leaving.count()) < end
    }

    /// Takes in what became of a row: how it is now, or that there is none any more.
    pub(super) fn put(&mut self, order: &[OrderKey], key: &Key, row: Option<Row>, told: &mut Told) {
        let old = self.place(order, key);
        match (old, row) {
            (None, None) => {}
            (Some(at), None) => self.take_away(at, told),
            (None, Some(row)) => {
                let at = self.place_of(order, &row);
                if at == self.rows.len() && !self.complete {
                    return;
                }
                note(&row, true, told);
                self.add(at, row);
                self.tell_entered(at, told);
                self.trim(told);
            }
            (Some(from), Some(row)) => {
                let Some(before) = self.rows.get(from) else { return };
                let same_values = before.values == row.values;
                if before.compare(order, &row).is_eq() {
                    if !same_values {
                        self.exchange(from, row, told);
                    }
                    return;
                }
                let Some(gone) = self.rows.remove(from) else { return };
                self.members.remove(&gone.key);
                let to = self.place_of(order, &row);
                if to == self.rows.len() && !self.complete {
                    note(&gone, false, told);
                    self.tell_left(from, told);
                    return;
                }
                self.add(to, row);
                self.tell_moved(from, to, same_values, told);
            }
        }
    }

    /// The place of the row that is known by a key.
    fn place(&self, order: &[OrderKey], key: &Key) -> Option<usize> {
        if matches!(self.members, Members::InOrder) {
            return self.rows.search(|row| row.key.cmp(key)).ok();
        }
        let row = self.members.get(key)?;
        self.rows.search(|known| known.compare(order, row)).ok()
    }

    /// Where a row that is not there belongs.
    fn place_of(&self, order: &[OrderKey], row: &Row) -> usize {
        match self.rows.search(|known| known.compare(order, row)) {
            Ok(at) | Err(at) => at,
        }
    }

    fn add(&mut self, at: usize, row: Row) {
        let row = Arc::new(row);
        self.members.put(&row);
        self.rows.insert(at, row);
    }

    /// Puts a row in the place of one that is known and ordered alike.
    fn exchange(&mut self, at: usize, row: Row, told: &mut Told) {
        let row = Arc::new(row);
        self.members.put(&row);
        if self.window.shows(at) {
            let at = number(at.saturating_sub(self.window.offset));
            told.changes.push(LiveChange::Update { at, row: row.values.to_vec() });
        }
        self.rows.replace(at, row);
    }

    fn take_away(&mut self, at: usize, told: &mut Told) {
        let Some(gone) = self.rows.remove(at) else { return };
        self.members.remove(&gone.key);
        note(&gone, false, told);
        self.tell_left(at, told);
    }

    /// Lets go of rows far behind the window.
    fn trim(&mut self, told: &mut Told) {
        // What is grouped or distinct cannot be asked for in part.
        while self.rows.len() > self.window.most()
            && self.rows.last().is_some_and(|row| row.entity().is_some())
        {
            let Some(gone) = self.rows.pop() else { return };
            self.members.remove(&gone.key);
            note(&gone, false, told);
            self.complete = false;
        }
    }

    /// The values of a row that is shown.
    fn values(&self, shown: usize) -> Option<Vec<crate::value::Value>> {
        self.rows.get(self.window.offset.saturating_add(shown)).map(|row| row.values.to_vec())
    }

    /// A row was put to a place.
    fn tell_entered(&self, at: usize, told: &mut Told) {
        if self.window.is_behind(at) || self.window.limit == Some(0) {
            return;
        }
        let place = at.saturating_sub(self.window.offset);
        let Some(row) = self.values(place) else { return };
        // The last one is pushed out.
        if let (Some(limit), Some(end)) = (self.window.limit, self.window.end()) {
            if self.rows.len() > end {
                told.changes.push(LiveChange::Leave { at: number(limit.saturating_sub(1)) });
            }
        }
        told.changes.push(LiveChange::Enter { at: number(place), row });
    }

    /// A row was taken from a place.
    fn tell_left(&self, at: usize, told: &mut Told) {
        let at = at.max(self.window.offset);
        // Where it stood before the window, and the window was empty, nothing is seen.
        if self.window.is_behind(at) || self.rows.len() < at || self.window.limit == Some(0) {
            return;
        }
        told.changes.push(LiveChange::Leave { at: number(at.saturating_sub(self.window.offset)) });
        // The next one comes into sight.
        if let (Some(limit), Some(end)) = (self.window.limit, self.window.end()) {
            if self.rows.len() >= end {
                let last = limit.saturating_sub(1);
                if let Some(row) = self.values(last) {
                    told.changes.push(LiveChange::Enter { at: number(last), row });
                }
            }
        }
    }

    /// A row was taken from a place and put to another.
    fn tell_moved(&self, from: usize, to: usize, same_values: bool, told: &mut Told) {
        let window = &self.window;
        let before = from < window.offset && to < window.offset;
        let behind = window.is_behind(from) && window.is_behind(to);
        if before || behind || self.rows.len() <= window.offset || window.limit == Some(0) {
            return;
        }
        let (left, entered) = (window.nearest(from), window.nearest(to));
        let Some(row) = self.values(entered) else { return };
        let (at, from_place) = (number(entered), number(left));
        if !window.shows(from) || !window.shows(to) {
            told.changes.push(LiveChange::Leave { at: from_place });
            told.changes.push(LiveChange::Enter { at, row });
        } else if from != to {
            told.changes.push(LiveChange::Move { from: from_place, to: at, row });
        } else if !same_values {
            told.changes.push(LiveChange::Update { at, row });
        }
    }
}

/// Notes that an entity is kept from now on, or no longer.
fn note(row: &Row, kept: bool, told: &mut Told) {
    if let Some(entity) = row.entity() {
        told.moved.push((entity, kept));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::change::change_rows;
    use super::*;
    use crate::id::OpId;
    use crate::query::expr::Expr;
    use crate::value::Value;

    fn row(id: u8, value: i64) -> Row {
        Row {
            key: key(id),
            first: None,
            order: vec![Value::Int(value)].into(),
            values: [Value::Int(i64::from(id)), Value::Int(value)].into(),
        }
    }

    fn key(id: u8) -> Key {
        Key::Entity(EntityId(OpId::from_bits(u128::from(id))))
    }

    proptest! {
        /// A window is that part of all rows, and its changes make one of the other; where it runs dry it is filled.
        #[test]
        fn it_shows_a_part_of_all_rows(
            offset in 0..4_usize,
            limit in proptest::option::of(0..6_usize),
            start in proptest::collection::btree_map(0..120_u8, 0..8_i64, 0..80),
            steps in proptest::collection::vec((0..120_u8, proptest::option::of(0..8_i64)), 0..200),
        ) {
            let order = [OrderKey { expr: Expr::Column(1, Default::default()), descending: false, nulls_first: false }];
            let window = Window { offset, limit };
            let mut all = start;
            let sorted = |all: &std::collections::BTreeMap<u8, i64>| {
                let mut rows: Vec<Arc<Row>> = all.iter().map(|(id, value)| Arc::new(row(*id, *value))).collect();
                rows.sort_by(|a, b| a.compare(&order, b));
                rows
            };
            let fill = |all: &std::collections::BTreeMap<u8, i64>| {
                let mut rows = sorted(all);
                let asked = window.asked().unwrap_or(usize::MAX);
                rows.truncate(asked);
                let complete = rows.len() < asked;
                Kept::new(rows, window, complete, false)
            };
            let shown = |kept: &Kept| kept.shown().map(|row| row.values.to_vec()).collect::<Vec<_>>();
            let mut kept = fill(&all);
            for (id, value) in steps {
                let mut followed = shown(&kept).into_iter().collect();
                match value {
                    Some(value) => drop(all.insert(id, value)),
                    None => drop(all.remove(&id)),
                }
                let new = value.map(|value| row(id, value));
                if kept.runs_dry(&order, [(&key(id), new.as_ref())].into_iter()) {
                    kept = fill(&all);
                } else {
                    let mut told = Told::default();
                    kept.put(&order, &key(id), new, &mut told);
                    for change in &told.changes {
                        change_rows(&mut followed, change).unwrap();
                    }
                    prop_assert!(told.changes.len() <= 2);
                    prop_assert_eq!(followed.iter().cloned().collect::<Vec<_>>(), shown(&kept));
                }
                let end = limit.map_or(usize::MAX, |limit| offset + limit);
                let expected: Vec<_> =
                    sorted(&all).into_iter().take(end).skip(offset).map(|row| row.values.to_vec()).collect();
                prop_assert_eq!(shown(&kept), expected);
                prop_assert!(kept.len() <= window.most());
            }
        }
    }
}
