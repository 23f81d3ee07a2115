//! What must be told so that one list of rows becomes another.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::LiveChange;
use super::row::{Key, Row};

/// So many changes are told one by one; beyond, or where nearly every row changes, the rows themselves are shorter.
const MOST: usize = 256;

/// The changes that make `new` of `old`; `None` where telling all rows is better. Keys are unique in either list.
pub(super) fn diff(old: &[Arc<Row>], new: &[Arc<Row>]) -> Option<Vec<LiveChange>> {
    let places: BTreeMap<&Key, usize> = new.iter().enumerate().map(|(at, row)| (&row.key, at)).collect();
    let mut changes = Vec::new();
    // For each row that stays its place in the new list.
    let mut now: Vec<usize> = Vec::with_capacity(old.len());
    let mut before: Vec<Option<&Row>> = vec![None; new.len()];
    let mut gone = Vec::new();
    for (at, row) in old.iter().enumerate() {
        match places.get(&row.key) {
            Some(place) => {
                now.push(*place);
                if let Some(known) = before.get_mut(*place) {
                    *known = Some(row.as_ref());
                }
            }
            None => gone.push(at),
        }
    }
    let entered = new.len().saturating_sub(now.len());
    if gone.len().saturating_add(entered) > MOST {
        return None;
    }
    // From behind, so that the places of the others stay.
    changes.extend(gone.iter().rev().map(|at| LiveChange::Leave { at: number(*at) }));
    let mut placed = in_place(&now, new.len());
    for (place, row) in new.iter().enumerate() {
        if placed.get(place).copied().unwrap_or(false) {
            continue;
        }
        if changes.len() >= MOST {
            return None;
        }
        // Everything before it in the new list is in order already; it goes behind the last of them.
        let target = match place.checked_sub(1) {
            None => 0,
            Some(previous) => now.iter().position(|known| *known == previous)?.saturating_add(1),
        };
        let values = row.values.to_vec();
        match now.iter().position(|known| *known == place) {
            Some(from) => {
                now.remove(from);
                let to = if from < target { target.saturating_sub(1) } else { target };
                now.insert(to, place);
                changes.push(LiveChange::Move { from: number(from), to: number(to), row: values });
            }
            None => {
                now.insert(target, place);
                changes.push(LiveChange::Enter { at: number(target), row: values });
            }
        }
        if let Some(placed) = placed.get_mut(place) {
            *placed = true;
        }
        if let Some(before) = before.get_mut(place) {
            *before = None;
        }
    }
    for (at, (before, row)) in before.iter().zip(new).enumerate() {
        if before.is_some_and(|before| before.values != row.values) {
            if changes.len() >= MOST {
                return None;
            }
            changes.push(LiveChange::Update { at: number(at), row: row.values.to_vec() });
        }
    }
    Some(changes)
}

/// A place as it is told.
pub(super) fn number(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}

/// Which of `length` places hold a row that need not move: the longest ascending part of the list.
fn in_place(now: &[usize], length: usize) -> Vec<bool> {
    // For each length of an ascending part the row with which the least one ends, by its place in `now`.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(now.len());
    for (at, place) in now.iter().enumerate() {
        let longer = ends.partition_point(|end| now.get(*end).is_some_and(|known| known < place));
        previous.push(longer.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(longer) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut staying = vec![false; length];
    let mut next = ends.last().copied();
    while let Some(at) = next {
        if let Some(stays) = now.get(at).and_then(|place| staying.get_mut(*place)) {
            *stays = true;
        }
        next = previous.get(at).copied().flatten();
    }
    staying
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::change::change_rows;
    use super::super::list::LiveList;
    use super::super::row::Ordered;
    use super::*;
    use crate::value::Value;

    fn row(key: u8, value: u8) -> Arc<Row> {
        let key = Key::Values([Value::Int(i64::from(key))].into());
        Arc::new(Row {
            key,
            first: None,
            order: Ordered::default(),
            values: [Value::Int(i64::from(value))].into(),
        })
    }

    fn list() -> impl Strategy<Value = Vec<Arc<Row>>> {
        let rows = proptest::collection::btree_map(0..20_u8, 0..3_u8, 0..16);
        rows.prop_flat_map(|rows| Just(rows.into_iter().collect::<Vec<_>>()).prop_shuffle()).prop_map(
            |rows| rows.into_iter().map(|(key, value)| row(key, key.wrapping_mul(10) + value)).collect(),
        )
    }

    proptest! {
        #[test]
        fn the_changes_make_one_of_the_other(old in list(), new in list()) {
            let changes = diff(&old, &new).unwrap();
            let mut rows: LiveList<Vec<Value>> = old.iter().map(|row| row.values.to_vec()).collect();
            for change in &changes {
                change_rows(&mut rows, change).unwrap();
            }
            prop_assert_eq!(rows, new.iter().map(|row| row.values.to_vec()).collect());
        }
    }

    #[track_caller]
    fn check(old: &[u8], new: &[u8], expected: usize) {
        let rows = |list: &[u8]| list.iter().map(|key| row(*key, *key)).collect::<Vec<_>>();
        let changes = diff(&rows(old), &rows(new)).unwrap();
        assert_eq!(changes.len(), expected, "{changes:?}");
    }

    #[test]
    fn few_changes_are_told() {
        check(&[1, 2, 3], &[1, 2, 3], 0);
        check(&[1, 2, 3, 4], &[2, 3, 4, 1], 1);
        check(&[1, 2, 3, 4], &[4, 1, 2, 3], 1);
        check(&[1, 2, 3], &[3, 2, 1], 2);
        check(&[1, 2, 3], &[0, 1, 3, 4], 3);
    }

    #[test]
    fn many_changes_are_not_told_one_by_one() {
        let many: Vec<Arc<Row>> = (0..=255)
            .chain(0..=255)
            .enumerate()
            .map(|(at, value)| {
                Arc::new(Row {
                    key: Key::Number(at as u64),
                    first: None,
                    order: Ordered::default(),
                    values: [Value::Int(value)].into(),
                })
            })
            .collect();
        assert_eq!(diff(&[], &many), None);
    }
}
