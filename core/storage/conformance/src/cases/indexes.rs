//! Indexes: whatever they give equals what a walk over everything gives.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use ankurah_core::entity::State;
use ankurah_core::id::EntityId;
use ankurah_core::storage::{
    Access, Deleted, Engine, IndexDefinition, IndexId, IndexPart, IndexRange, IndexState, ReadView, Scan,
};
use ankurah_core::value::{Value, ValueType};
use futures::FutureExt;
use futures::executor::block_on;

use super::{all_of, commit, entities, try_rows, view};
use crate::data::{Dice, Write, Writer, batch, deleted, model, property, text};
use crate::{Call, Case, Factory, Faults, Faulty, Place, dynamic, open, open_kv};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case { name: "index::ranges_equal_a_walk_over_everything", run: |f: &F| random(&f.place()) },
        Case { name: "index::building_beside_writers_misses_nothing", run: |f: &F| beside(&f.place()) },
        Case { name: "index::building_beside_threads_misses_nothing", run: |f: &F| threads(&f.place()) },
        Case {
            name: "index::an_unfinished_index_is_built_after_reopening",
            run: |f: &F| reopened(&f.place()),
        },
        Case { name: "index::views_keep_the_indexes_that_they_had", run: |f: &F| views(&f.place()) },
        Case { name: "index::long_values_are_cut_and_said_to_be", run: |f: &F| long(&f.place()) },
        Case { name: "index::a_failed_build_hurts_nobody", run: |f: &F| failed(&f.place()) },
        Case { name: "index::dropping_and_making_again", run: |f: &F| dropped(&f.place()) },
        Case { name: "index::wrong_uses_are_errors", run: |f: &F| wrong(&f.place()) },
    ]
}

/// Property 0 is a number, property 1 a string.
fn part(number: u64, descending: bool) -> IndexPart {
    let value_type = if number == 0 { ValueType::Int } else { ValueType::String };
    IndexPart { property: property(number), value_type, descending }
}

fn over(parts: &[IndexPart]) -> IndexDefinition {
    IndexDefinition { model: model(0), parts: parts.to_vec() }
}

fn make(engine: &dyn Engine, definition: &IndexDefinition) -> IndexId {
    let id = block_on(engine.create_index(definition.clone())).unwrap();
    block_on(engine.build_index(id)).unwrap();
    assert!(matches!(state_of(engine, id), Some(IndexState::Ready { .. })));
    id
}

fn state_of(engine: &dyn Engine, id: IndexId) -> Option<IndexState> {
    engine.indexes().into_iter().find(|index| index.id == id).map(|index| index.state)
}

const FREE: IndexRange = IndexRange { equal: Vec::new(), lower: Bound::Unbounded, upper: Bound::Unbounded };

fn by(index: IndexId, ranges: Vec<IndexRange>, reverse: bool) -> Scan {
    Scan { access: Access::Index { index, ranges, reverse }, ..all_of(model(0), &[]) }
}

/// Nulls are last in either direction.
fn compare(a: &Value, b: &Value, descending: bool) -> Ordering {
    let ordering = match (a, b) {
        (Value::Null, Value::Null) => return Ordering::Equal,
        (Value::Null, _) => return Ordering::Greater,
        (_, Value::Null) => return Ordering::Less,
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        other => panic!("{other:?}"),
    };
    if descending { ordering.reverse() } else { ordering }
}

fn within(value: &Value, range: &IndexRange) -> bool {
    if (&range.lower, &range.upper) == (&Bound::Unbounded, &Bound::Unbounded) {
        return true;
    }
    let above = match &range.lower {
        Bound::Unbounded => true,
        Bound::Included(bound) => compare(value, bound, false).is_ge(),
        Bound::Excluded(bound) => compare(value, bound, false).is_gt(),
    };
    let below = match &range.upper {
        Bound::Unbounded => true,
        Bound::Included(bound) => compare(value, bound, false).is_le(),
        Bound::Excluded(bound) => compare(value, bound, false).is_lt(),
    };
    *value != Value::Null && above && below
}

type Rows = BTreeMap<EntityId, State>;

/// The oracle: a filter and a sort.
fn expected(rows: &Rows, parts: &[IndexPart], ranges: &[IndexRange], reverse: bool) -> Vec<EntityId> {
    let keys = |state: &State| -> Vec<Value> {
        parts.iter().map(|part| state.get(part.property).cloned().unwrap_or(Value::Null)).collect()
    };
    let mut found = Vec::new();
    let order: Vec<&IndexRange> =
        if reverse { ranges.iter().rev().collect() } else { ranges.iter().collect() };
    for range in order {
        let mut of_range: Vec<(Vec<Value>, EntityId)> = rows
            .iter()
            .filter(|(_, state)| !state.is_deleted())
            .map(|(entity, state)| (keys(state), *entity))
            .filter(|(keys, _)| {
                let next = keys.get(range.equal.len());
                keys.starts_with(&range.equal) && next.is_none_or(|value| within(value, range))
            })
            .collect();
        of_range.sort_by(|(a, a_id), (b, b_id)| {
            let parts = a.iter().zip(b).zip(parts).map(|((a, b), part)| compare(a, b, part.descending));
            let ordering = parts.fold(Ordering::Equal, Ordering::then);
            if reverse { ordering.reverse() } else { ordering }.then(a_id.cmp(b_id))
        });
        found.extend(of_range.into_iter().map(|(_, entity)| entity));
    }
    found
}

fn any_value(dice: &mut Dice, part: &IndexPart) -> Value {
    if part.property == property(0) {
        const NUMBERS: [i64; 7] = [0, 1, -1, 2, i64::MIN, i64::MAX, 255];
        Value::Int(NUMBERS[dice.below(NUMBERS.len())])
    } else {
        const WORDS: [&str; 7] = ["", "a", "ab", "b", "\u{1}", "z\u{10ffff}", "é"];
        text(WORDS[dice.below(WORDS.len())])
    }
}

fn value_or_null(dice: &mut Dice, part: &IndexPart) -> Value {
    if dice.below(4) == 0 { Value::Null } else { any_value(dice, part) }
}

fn any_bound(dice: &mut Dice, part: &IndexPart) -> Bound<Value> {
    match dice.below(3) {
        0 => Bound::Unbounded,
        1 => Bound::Included(any_value(dice, part)),
        _ => Bound::Excluded(any_value(dice, part)),
    }
}

/// One range, or several that differ in the last of their equal values.
fn any_ranges(dice: &mut Dice, parts: &[IndexPart]) -> Vec<IndexRange> {
    let equal = dice.below(parts.len() + 1);
    let prefix: Vec<Value> = parts[..equal].iter().map(|part| value_or_null(dice, part)).collect();
    let mut ranges: Vec<IndexRange> = Vec::new();
    for _ in 0..if equal == 0 { 1 } else { dice.below(3) + 1 } {
        let mut range = IndexRange { equal: prefix.clone(), ..FREE };
        if let (Some(last), Some(part)) = (range.equal.last_mut(), parts.get(equal.wrapping_sub(1))) {
            *last = value_or_null(dice, part);
        }
        if let Some(part) = parts.get(equal) {
            (range.lower, range.upper) = (any_bound(dice, part), any_bound(dice, part));
        }
        if ranges.iter().all(|other| other.equal != range.equal) {
            ranges.push(range);
        }
    }
    ranges
}

/// Creates, changes, deletes and restores entities at random.
fn any_writes(dice: &mut Dice, writer: &mut Writer, rows: &mut Rows, count: usize) -> Vec<Write> {
    let mut writes: BTreeMap<EntityId, Write> = BTreeMap::new();
    for _ in 0..count {
        let number = value_or_null(dice, &part(0, false));
        let word = value_or_null(dice, &part(1, false));
        let chosen = dice.below(rows.len() + 8);
        let write = match rows.values().nth(chosen) {
            None => writer.create(model(0), &[(property(0), number), (property(1), word)]),
            Some(state) => match dice.below(4) {
                0 => writer.edit(state, &[(property(0), number)]),
                1 => writer.edit(state, &[(property(0), number), (property(1), word)]),
                2 => writer.edit(state, &[deleted(!state.is_deleted())]),
                _ => writer.edit(state, &[(property(7), number)]),
            },
        };
        writes.entry(write.entity()).or_insert(write);
    }
    let writes: Vec<Write> = writes.into_values().collect();
    rows.extend(writes.iter().map(|write| (write.entity(), write.state.clone())));
    writes
}

fn definitions() -> Vec<IndexDefinition> {
    let parts: [&[IndexPart]; 6] = [
        &[part(0, false)],
        &[part(0, true)],
        &[part(1, false)],
        &[part(1, true)],
        &[part(0, false), part(1, true)],
        &[part(1, true), part(0, false)],
    ];
    parts.into_iter().map(over).collect()
}

fn compare_all(view: &dyn ReadView, rows: &Rows, indexes: &[(IndexId, IndexDefinition)], dice: &mut Dice) {
    for (id, definition) in indexes {
        for _ in 0..6 {
            let ranges = any_ranges(dice, &definition.parts);
            for reverse in [false, true] {
                let expected = expected(rows, &definition.parts, &ranges, reverse);
                let scan = by(*id, ranges.clone(), reverse);
                assert_eq!(entities(view, scan.clone()), expected, "{definition:?} {ranges:?} {reverse}");
                let limit = dice.below(expected.len() + 2);
                let limited = Scan { limit: Some(u64::try_from(limit).unwrap()), ..scan };
                assert_eq!(entities(view, limited), expected[..limit.min(expected.len())]);
            }
        }
    }
}

fn random(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut dice = Dice::new(5);
    let mut writer = Writer::new(0);
    let mut rows = Rows::new();
    let mut indexes = Vec::new();
    let mut waiting = definitions();
    for _ in 0..40 {
        let writes = any_writes(&mut dice, &mut writer, &mut rows, 40);
        commit(&*engine, batch(&writes));
        if dice.below(3) == 0
            && let Some(definition) = waiting.pop()
        {
            indexes.push((make(&*engine, &definition), definition));
        }
        compare_all(&*view(&*engine), &rows, &indexes, &mut dice);
    }
    assert!(waiting.is_empty());
    // Many entities with one key make groups of several pages.
    let same: Vec<Write> =
        (0..900).map(|_| writer.create(model(0), &[(property(0), Value::Int(1))])).collect();
    rows.extend(same.iter().map(|write| (write.entity(), write.state.clone())));
    commit(&*engine, batch(&same));
    compare_all(&*view(&*engine), &rows, &indexes, &mut dice);
    let faults = super::faults(&*engine);
    assert!(faults.is_empty(), "{faults:?}");
}

fn check_complete(engine: &dyn Engine, id: IndexId, definition: &IndexDefinition, rows: &Rows) {
    for reverse in [false, true] {
        let expected = expected(rows, &definition.parts, &[FREE], reverse);
        assert_eq!(entities(&*view(engine), by(id, vec![FREE], reverse)), expected);
    }
}

/// A build is stepped by hand; after each step something is committed.
fn beside(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut dice = Dice::new(6);
    let mut writer = Writer::new(0);
    let mut rows = Rows::new();
    commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 1200)));
    for definition in definitions() {
        let id = block_on(engine.create_index(definition.clone())).unwrap();
        assert_eq!(state_of(&*engine, id), Some(IndexState::Building));
        let mut build = engine.build_index(id);
        let mut steps = 0;
        loop {
            let writes = any_writes(&mut dice, &mut writer, &mut rows, 10);
            commit(&*engine, batch(&writes));
            if let Some(result) = (&mut build).now_or_never() {
                result.unwrap();
                break;
            }
            steps += 1;
        }
        assert!(steps > 2, "it was built in {steps} steps");
        let writes = any_writes(&mut dice, &mut writer, &mut rows, 10);
        commit(&*engine, batch(&writes));
        check_complete(&*engine, id, &definition, &rows);
    }
}

fn threads(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut dice = Dice::new(8);
    let mut writer = Writer::new(0);
    let mut rows = Rows::new();
    commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 1500)));
    let definitions = definitions();
    let ids: Vec<IndexId> = std::thread::scope(|scope| {
        let building =
            scope.spawn(|| definitions.iter().map(|definition| make(&*engine, definition)).collect());
        for _ in 0..60 {
            commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 10)));
        }
        building.join().unwrap()
    });
    for (id, definition) in ids.into_iter().zip(&definitions) {
        check_complete(&*engine, id, definition, &rows);
    }
    let faults = super::faults(&*engine);
    assert!(faults.is_empty(), "{faults:?}");
}

fn reopened(place: &impl Place) {
    let mut dice = Dice::new(9);
    let mut writer = Writer::new(0);
    let mut rows = Rows::new();
    let definition = over(&[part(0, false), part(1, false)]);
    let id = {
        let engine = dynamic(&open(place).unwrap());
        commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 1000)));
        let id = block_on(engine.create_index(definition.clone())).unwrap();
        let mut build = engine.build_index(id);
        assert!((&mut build).now_or_never().is_none(), "one step is not all");
        drop(build);
        block_on(engine.flush()).unwrap();
        id
    };
    {
        let engine = dynamic(&open(place).unwrap());
        assert_eq!(state_of(&*engine, id), Some(IndexState::Building));
        commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 300)));
        assert_eq!(block_on(engine.create_index(definition.clone())).unwrap(), id);
        block_on(engine.build_index(id)).unwrap();
        check_complete(&*engine, id, &definition, &rows);
        block_on(engine.close()).unwrap();
    }
    let engine = dynamic(&open(place).unwrap());
    assert_eq!(state_of(&*engine, id), Some(IndexState::Ready { cut: false }));
    commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 300)));
    check_complete(&*engine, id, &definition, &rows);
}

fn views(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let write = writer.create(model(0), &[(property(0), Value::Int(1))]);
    commit(&*engine, write.batch());
    let before = view(&*engine);
    let id = make(&*engine, &over(&[part(0, false)]));
    let with = view(&*engine);
    block_on(engine.drop_index(id)).unwrap();
    commit(&*engine, writer.create(model(0), &[(property(0), Value::Int(2))]).batch());
    let after = view(&*engine);
    let scan = by(id, vec![FREE], false);
    assert!(before.indexes().is_empty() && try_rows(&*before, scan.clone()).is_err());
    assert_eq!(with.indexes().len(), 1);
    assert_eq!(entities(&*with, scan.clone()), [write.entity()]);
    assert!(after.indexes().is_empty() && try_rows(&*after, scan).is_err());
}

fn long(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let definition = over(&[part(1, false)]);
    let id = make(&*engine, &definition);
    assert_eq!(state_of(&*engine, id), Some(IndexState::Ready { cut: false }));
    let base = "x".repeat(5000);
    let words = [base.clone(), format!("{base}a"), format!("{base}b"), "x".to_owned(), "y".to_owned()];
    let writes: Vec<Write> =
        words.iter().map(|word| writer.create(model(0), &[(property(1), text(word))])).collect();
    commit(&*engine, batch(&writes));
    assert_eq!(state_of(&*engine, id), Some(IndexState::Ready { cut: true }));
    let other = make(&*engine, &over(&[part(1, true)]));
    assert_eq!(state_of(&*engine, other), Some(IndexState::Ready { cut: true }));
    let find = |lower: Bound<Value>, upper: Bound<Value>| {
        [(id, false), (id, true), (other, false), (other, true)].map(|(id, reverse)| {
            let range = IndexRange { equal: vec![], lower: lower.clone(), upper: upper.clone() };
            entities(&*view(&*engine), by(id, vec![range], reverse))
        })
    };
    // Whatever truly lies in a range is among its candidates.
    for (at, word) in words.iter().enumerate() {
        for bounds in [
            (Bound::Included(text(word)), Bound::Included(text(word))),
            (Bound::Unbounded, Bound::Included(text(word))),
            (Bound::Included(text(word)), Bound::Unbounded),
            (Bound::Excluded(text(&word[..word.len() - 1])), Bound::Excluded(text(&format!("{word}!")))),
        ] {
            for found in find(bounds.0.clone(), bounds.1.clone()) {
                assert!(found.contains(&writes[at].entity()), "{at}");
            }
        }
    }
    for found in find(Bound::Included(text("y")), Bound::Unbounded) {
        assert_eq!(found, [writes[4].entity()]);
    }
    drop(engine);
    let engine = dynamic(&open(place).unwrap());
    assert_eq!(state_of(&*engine, id), Some(IndexState::Ready { cut: true }), "also later");
}

fn failed(place: &impl Place) {
    let faults = Faults::default();
    let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
    let mut dice = Dice::new(10);
    let mut writer = Writer::new(0);
    let mut rows = Rows::new();
    commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 900)));
    let definition = over(&[part(0, true)]);
    for call in [Call::Page, Call::Apply] {
        for after in 0..2 {
            let id = block_on(engine.create_index(definition.clone())).unwrap();
            faults.fail(call, after);
            block_on(engine.build_index(id)).unwrap();
            assert!(faults.stop(), "the fault has happened");
            let state = state_of(&*engine, id);
            assert!(
                matches!(&state, Some(IndexState::Failed { message }) if message.contains("injected")),
                "{state:?}"
            );
            commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 40)));
            assert!(try_rows(&*view(&*engine), by(id, vec![FREE], false)).is_err());
            block_on(engine.build_index(id)).unwrap();
            check_complete(&*engine, id, &definition, &rows);
            block_on(engine.drop_index(id)).unwrap();
        }
    }
    let faults = super::faults(&*engine);
    assert!(faults.is_empty(), "{faults:?}");
}

fn dropped(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut dice = Dice::new(12);
    let mut writer = Writer::new(0);
    let mut rows = Rows::new();
    commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 900)));
    let definition = over(&[part(0, false)]);
    let id = make(&*engine, &definition);
    // Dropped half-way, then wanted again.
    let mut dropping = engine.drop_index(id);
    assert!((&mut dropping).now_or_never().is_none());
    commit(&*engine, batch(&any_writes(&mut dice, &mut writer, &mut rows, 100)));
    let again = make(&*engine, &definition);
    assert_eq!(again, id);
    block_on(dropping).unwrap();
    check_complete(&*engine, id, &definition, &rows);
    // Dropped half-way, and the process ends.
    let mut dropping = engine.drop_index(id);
    assert!((&mut dropping).now_or_never().is_none());
    drop(dropping);
    block_on(engine.flush()).unwrap();
    drop(engine);
    let engine = dynamic(&open(place).unwrap());
    assert!(matches!(state_of(&*engine, id), Some(IndexState::Failed { .. })));
    block_on(engine.drop_index(id)).unwrap();
    assert_eq!(state_of(&*engine, id), None);
    block_on(engine.drop_index(id)).unwrap();
    block_on(engine.build_index(id)).unwrap();
    let faults = super::faults(&*engine);
    assert!(faults.is_empty(), "{faults:?}");
}

fn wrong(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let id = make(&*engine, &over(&[part(0, false)]));
    let view: Arc<dyn ReadView> = view(&*engine);
    let fails = |scan: Scan| assert!(try_rows(&*view, scan.clone()).is_err(), "{scan:?}");
    fails(by(IndexId(99), vec![FREE], false));
    fails(Scan { model: model(1), ..by(id, vec![FREE], false) });
    fails(Scan { deleted: Deleted::Include, ..by(id, vec![FREE], false) });
    let one = vec![Value::Int(1)];
    fails(by(id, vec![IndexRange { equal: [one.clone(), one.clone()].concat(), ..FREE }], false));
    fails(by(id, vec![IndexRange { equal: one, lower: Bound::Included(Value::Int(1)), ..FREE }], false));
    assert!(block_on(engine.create_index(over(&[]))).is_err());
    assert!(block_on(engine.create_index(over(&[part(0, false); 17]))).is_err());
    let upside_down =
        IndexRange { lower: Bound::Included(Value::Int(5)), upper: Bound::Included(Value::Int(1)), ..FREE };
    assert!(entities(&*view, by(id, vec![upside_down], false)).is_empty());
    assert!(entities(&*view, by(id, vec![], true)).is_empty());
}
