//! Views: what they see never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ankurah_core::entity::State;
use ankurah_core::id::EntityId;
use ankurah_core::storage::{Durability, Position, ReadView};
use ankurah_core::value::Value;
use futures::FutureExt;
use futures::executor::block_on;

use super::{all_of, commit, rows, view};
use crate::data::{Dice, Write, Writer, batch, deleted, model, property};
use crate::{Case, Factory, Place, dynamic, open};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case { name: "view::interleaved_commits_do_not_show", run: |f: &F| interleaved(&f.place()) },
        Case { name: "view::threads_see_whole_commits", run: |f: &F| threads(&f.place()) },
        Case { name: "view::waiting_ends_with_the_next_commit", run: |f: &F| waiting(&f.place()) },
    ]
}

/// What a view should show: the number of each entity.
type Expected = BTreeMap<EntityId, i64>;

fn shown(view: &dyn ReadView) -> Expected {
    let rows = rows(view, all_of(model(0), &[property(0)]));
    rows.into_iter()
        .map(|row| match row.values.as_slice() {
            [Value::Int(number)] => (row.entity, *number),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Random commits, with views taken, checked and dropped in between.
fn interleaved(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut dice = Dice::new(11);
    let mut writer = Writer::new(0);
    let mut states: BTreeMap<EntityId, State> = BTreeMap::new();
    let mut now = Expected::new();
    let mut views: Vec<(Arc<dyn ReadView>, Expected, Position)> = Vec::new();
    for step in 0..400i64 {
        let mut writes: BTreeMap<EntityId, Write> = BTreeMap::new();
        for _ in 0..dice.below(4) + 1 {
            let chosen = dice.below(states.len() + 2);
            let write = match states.values().nth(chosen) {
                None => writer.create(model(0), &[(property(0), Value::Int(step))]),
                Some(state) if dice.below(4) == 0 => writer.edit(state, &[deleted(!state.is_deleted())]),
                Some(state) => writer.edit(state, &[(property(0), Value::Int(step))]),
            };
            writes.entry(write.entity()).or_insert(write);
        }
        let writes: Vec<Write> = writes.into_values().collect();
        let position = commit(&*engine, batch(&writes));
        for write in writes {
            let number = match write.state.get(property(0)) {
                Some(Value::Int(number)) => *number,
                other => panic!("{other:?}"),
            };
            match write.state.is_deleted() {
                true => now.remove(&write.entity()),
                false => now.insert(write.entity(), number),
            };
            states.insert(write.entity(), write.state);
        }
        match dice.below(5) {
            0 | 1 => views.push((view(&*engine), now.clone(), position)),
            2 if !views.is_empty() => drop(views.swap_remove(dice.below(views.len()))),
            _ => {}
        }
        if let Some((view, expected, position)) = views.get(dice.below(views.len())) {
            assert_eq!(shown(&**view), *expected, "at step {step}");
            assert_eq!(view.position(), *position);
            assert_eq!(view.count_hint(model(0)), Some(u64::try_from(expected.len()).unwrap()));
            let log = block_on(view.log(Position(0), 1000)).unwrap();
            assert_eq!(log.last().map(|entry| entry.position), Some(*position));
        }
    }
    for (view, expected, _) in &views {
        assert_eq!(shown(&**view), *expected);
    }
    assert_eq!(shown(&*view(&*engine)), now);
}

/// Every commit gives all entities one number: a reader that sees two numbers saw a part of a commit.
fn threads(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let mut writes: Vec<Write> =
        (0..20).map(|_| writer.create(model(0), &[(property(0), Value::Int(0))])).collect();
    commit(&*engine, batch(&writes));
    const COMMITS: u64 = 100;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while last < COMMITS {
                    let view = view(&*engine);
                    let numbers: Vec<i64> = shown(&*view).into_values().collect();
                    assert_eq!(numbers.len(), 20);
                    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
                    assert_eq!(u64::try_from(numbers[0]).unwrap() + 1, view.position().0);
                    last = view.position().0;
                }
            });
        }
        for number in 1..=i64::try_from(COMMITS).unwrap() {
            writes = writes
                .iter()
                .map(|write| writer.edit(&write.state, &[(property(0), Value::Int(number))]))
                .collect();
            commit(&*engine, batch(&writes));
        }
    });
}

fn waiting(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let mut first = engine.wait(Position(0));
    let mut second = engine.wait(Position(1));
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    commit(&*engine, writer.create(model(0), &[]).batch());
    assert_eq!((&mut first).now_or_never().unwrap().unwrap(), Position(1));
    assert!((&mut second).now_or_never().is_none());
    let from_thread = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block_on(engine.wait(Position(2))));
        for _ in 0..2 {
            block_on(engine.commit(writer.create(model(0), &[]).batch(), Durability::Buffered)).unwrap();
        }
        waiting.join().unwrap()
    });
    assert_eq!(from_thread.unwrap(), Position(3));
    assert_eq!((&mut second).now_or_never().unwrap().unwrap(), Position(3));
    let end = engine.wait(Position(3));
    block_on(engine.close()).unwrap();
    assert!(block_on(end).is_err(), "nothing follows");
}
