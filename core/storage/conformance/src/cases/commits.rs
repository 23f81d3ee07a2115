//! Commits: atomic, conditional, numbered, logged.

use ankurah_core::catalog::reserved;
use ankurah_core::id::{ActorId, OpId, Stamp, TransactionId};
use ankurah_core::storage::{
    ActorRecord, Aside, Batch, CommitError, Durability, LogChange, Position, ReadView, SetAside, TextWrite,
};
use ankurah_core::value::Value;
use futures::executor::block_on;

use super::{all_of, commit, entities, faults, refused, view};
use crate::data::{Write, Writer, batch, keyed, model, property, text};
use crate::{Case, Factory, Place, dynamic, open};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case { name: "commit::what_is_written_is_read_back", run: |f: &F| read_back(&f.place()) },
        Case { name: "commit::positions_count_commits_and_the_log_has_each", run: |f: &F| log(&f.place()) },
        Case {
            name: "commit::a_changed_head_is_a_conflict_and_nothing_is_written",
            run: |f: &F| conflict(&f.place()),
        },
        Case { name: "commit::an_older_catalog_is_refused", run: |f: &F| catalog(&f.place()) },
        Case { name: "commit::an_entity_twice_in_a_batch_is_refused", run: |f: &F| twice(&f.place()) },
        Case { name: "commit::two_handles_see_each_other", run: |f: &F| handles(&f.place()) },
        Case { name: "commit::everything_survives_reopening", run: |f: &F| reopen(&f.place()) },
        Case { name: "commit::sets_actors_and_records_are_kept", run: |f: &F| records(&f.place()) },
        Case { name: "commit::all_is_known_after_any_number_of_commits", run: |f: &F| unsaved(&f.place()) },
        Case { name: "commit::the_clock_never_falls", run: |f: &F| clock(&f.place()) },
        Case { name: "commit::texts_grow_fold_and_shrink", run: |f: &F| texts(&f.place()) },
        Case {
            name: "commit::withdrawn_operations_and_vanished_entities_leave_nothing",
            run: |f: &F| vanish(&f.place()),
        },
        Case { name: "commit::runs_are_found_by_sequence", run: |f: &F| runs(&f.place()) },
        Case { name: "commit::what_entities_are_named_by_is_known", run: |f: &F| naming(&f.place()) },
        Case { name: "commit::an_empty_batch_changes_nothing", run: |f: &F| empty(&f.place()) },
    ]
}

fn read_back(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let write = writer.create(model(0), &[(property(0), text("Blue")), (property(1), Value::Int(1971))]);
    let position = commit(&*engine, write.batch());
    let view = view(&*engine);
    assert_eq!(view.position(), position);
    let state = block_on(view.state(model(0), write.entity())).unwrap().unwrap();
    assert_eq!(state.position, position);
    assert_eq!(state.registers, write.state.registers);
    assert_eq!(state.head, write.state.head);
    assert_eq!(block_on(view.state(model(1), write.entity())).unwrap(), None);
    assert_eq!(block_on(view.model_of(write.entity())).unwrap(), Some(model(0)));
    let found = block_on(view.operation(write.entity(), write.operation.id())).unwrap();
    assert_eq!(found, Some((position, write.operation.clone())));
    let edits = edit_chain(&mut writer, &write, 20);
    for edit in &edits {
        commit(&*engine, edit.batch());
    }
    let view = super::view(&*engine);
    let all = block_on(view.operations(write.entity(), OpId::MIN, 100)).unwrap();
    let expected: Vec<_> =
        std::iter::once(&write).chain(&edits).map(|write| write.operation.clone()).collect();
    assert_eq!(all.iter().map(|(_, operation)| operation.clone()).collect::<Vec<_>>(), expected);
    assert!(all.iter().map(|(position, _)| position.0).eq(1..=21));
    let part = block_on(view.operations(write.entity(), expected[3].id(), 5)).unwrap();
    assert_eq!(part, all[4..9]);
    assert_eq!(view.count_hint(model(0)), Some(1));
}

fn edit_chain(writer: &mut Writer, first: &Write, count: usize) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for number in 0..count {
        let state = &writes.last().unwrap_or(first).state;
        let write = writer.edit(state, &[(property(1), Value::Int(i64::try_from(number).unwrap()))]);
        writes.push(write);
    }
    writes
}

fn log(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let mut expected = Vec::new();
    for number in 0..300u64 {
        let writes: Vec<Write> = (0..number % 4 + 1)
            .map(|_| writer.create(model(number % 3), &[(property(0), Value::Int(1))]))
            .collect();
        let transaction = (number % 2 == 0).then_some(TransactionId(u128::from(number)));
        let position = commit(&*engine, Batch { transaction, ..batch(&writes) });
        assert_eq!(position, Position(number + 1));
        let changes = writes.iter().map(|write| LogChange {
            model: write.state.model,
            entity: write.entity(),
            operations: vec![write.operation.id()],
        });
        expected.push((position, transaction, changes.collect::<Vec<_>>()));
    }
    let view = view(&*engine);
    let mut found = Vec::new();
    let mut after = Position(0);
    loop {
        let page = block_on(view.log(after, 37)).unwrap();
        assert!(page.len() <= 37);
        let Some(last) = page.last() else { break };
        after = last.position;
        found.extend(page.into_iter().map(|entry| (entry.position, entry.transaction, entry.changes)));
    }
    assert_eq!(found, expected);
    assert_eq!(block_on(view.log(Position(299), 10)).unwrap().len(), 1);
    assert_eq!(block_on(view.log(Position(300), 10)).unwrap().len(), 0);
}

fn conflict(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let write = writer.create(model(0), &[(property(0), Value::Int(1))]);
    commit(&*engine, write.batch());
    let first = writer.edit(&write.state, &[(property(0), Value::Int(2))]);
    let second = writer.edit(&write.state, &[(property(0), Value::Int(3))]);
    let other = writer.create(model(0), &[(property(0), Value::Int(4))]);
    let position = commit(&*engine, first.batch());
    match refused(&*engine, batch(&[other.clone(), second.clone()])) {
        CommitError::Conflict { entity, head } => {
            assert_eq!((entity, head), (write.entity(), first.state.head.clone()));
        }
        error => panic!("{error}"),
    }
    match refused(&*engine, write.batch()) {
        CommitError::Conflict { entity, .. } => assert_eq!(entity, write.entity()),
        error => panic!("{error}"),
    }
    let view = view(&*engine);
    assert_eq!(view.position(), position);
    assert_eq!(entities(&*view, all_of(model(0), &[])), [write.entity()]);
    assert_eq!(block_on(view.operation(write.entity(), second.operation.id())).unwrap(), None);
    assert_eq!(block_on(view.operation(other.entity(), other.operation.id())).unwrap(), None);
    assert_eq!(view.count_hint(model(0)), Some(1));
    // An entity that does not exist has no head.
    let mut gone = other.batch();
    gone.states[0].expected = first.state.head;
    match refused(&*engine, gone) {
        CommitError::Conflict { head, .. } => assert!(head.is_empty()),
        error => panic!("{error}"),
    }
    assert_eq!(commit(&*engine, other.batch()).0, position.0 + 1);
}

/// Each model's entities are created in a way of their own; whether the key names them is known at once, after
/// reopening, and in a view from before.
fn naming(place: &impl Place) {
    let (a, b) = (property(0), property(1));
    let (one, two) = ((a, Value::Int(1)), (b, Value::Int(2)));
    let keys: [&[_]; 5] = [&[a], &[b], &[a, b], &[b, a], &[]];
    let expected = |named: &[bool; 5], view: &dyn ReadView, number| {
        for (key, named) in keys.iter().zip(named) {
            assert_eq!(view.named_by(model(number), key), *named, "model {number} by {key:?}");
        }
    };
    let by = |key: usize| std::array::from_fn(|at| at == key);
    {
        let engine = dynamic(&open(place).unwrap());
        let before = view(&*engine);
        let mut writer = Writer::new(0);
        commit(&*engine, keyed(model(0), std::slice::from_ref(&one)));
        commit(&*engine, keyed(model(0), &[(a, Value::Int(2))]));
        commit(&*engine, keyed(model(1), &[two.clone(), one.clone()]));
        commit(&*engine, keyed(model(2), std::slice::from_ref(&one)));
        expected(&by(0), &*view(&*engine), 2);
        commit(&*engine, keyed(model(2), std::slice::from_ref(&two)));
        commit(&*engine, keyed(model(2), &[(a, Value::Int(7))]));
        commit(&*engine, keyed(model(3), &[one]));
        commit(&*engine, writer.create(model(3), &[(a, Value::Int(1))]).batch());
        commit(&*engine, writer.create(model(4), &[(a, Value::Int(1))]).batch());
        commit(&*engine, keyed(model(4), &[two]));
        (0..6).for_each(|number| expected(&[true; 5], &*before, number));
        block_on(engine.close()).unwrap();
    }
    let engine = dynamic(&open(place).unwrap());
    let view = view(&*engine);
    expected(&by(0), &*view, 0);
    expected(&by(3), &*view, 1);
    (2..5).for_each(|number| expected(&[false; 5], &*view, number));
    expected(&[true; 5], &*view, 5);
    assert_eq!(faults(&*engine), []);
}

fn catalog(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let plain = writer.create(model(0), &[(property(0), Value::Int(1))]);
    assert_eq!(commit(&*engine, plain.batch()), Position(1));
    let definition = writer.create(*reserved::MODEL, &[(*reserved::MODEL_NAME, text("album"))]);
    assert_eq!(commit(&*engine, definition.batch()), Position(2));
    let next = writer.create(model(0), &[(property(0), Value::Int(1))]);
    for older in [0, 1] {
        let batch = Batch { catalog: Position(older), ..next.batch() };
        assert!(matches!(refused(&*engine, batch), CommitError::CatalogChanged));
    }
    assert_eq!(commit(&*engine, Batch { catalog: Position(2), ..next.batch() }), Position(3));
    drop(engine);
    let engine = dynamic(&open(place).unwrap());
    let next = writer.create(model(0), &[(property(0), Value::Int(1))]);
    assert!(matches!(refused(&*engine, next.batch()), CommitError::CatalogChanged));
    assert_eq!(commit(&*engine, Batch { catalog: Position(3), ..next.batch() }), Position(4));
}

fn twice(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let write = writer.create(model(0), &[(property(0), Value::Int(1))]);
    let again = Write { expected: write.expected.clone(), ..write.clone() };
    assert!(matches!(refused(&*engine, batch(&[write, again])), CommitError::Storage(_)));
    assert_eq!(view(&*engine).position(), Position(0));
}

fn handles(place: &impl Place) {
    let one = dynamic(&open(place).unwrap());
    let two = one.clone();
    let (mut a, mut b) = (Writer::new(0), Writer::new(1));
    let write = a.create(model(0), &[(property(0), Value::Int(1))]);
    commit(&*one, write.batch());
    let from_a = a.edit(&write.state, &[(property(0), Value::Int(2))]);
    let from_b = b.edit(&write.state, &[(property(0), Value::Int(3))]);
    commit(&*two, from_b.batch());
    assert!(matches!(refused(&*one, from_a.batch()), CommitError::Conflict { .. }));
    let state = block_on(view(&*one).state(model(0), write.entity())).unwrap().unwrap();
    assert_eq!(state.head, from_b.state.head);
}

fn reopen(place: &impl Place) {
    let mut writer = Writer::new(0);
    let mut writes = Vec::new();
    let (info, clean) = {
        let engine = dynamic(&open(place).unwrap());
        assert!(engine.was_clean(), "a new store is clean");
        for _ in 0..3 {
            let write = writer.create(model(0), &[(property(0), Value::Int(1))]);
            block_on(engine.commit(write.batch(), Durability::Synced)).unwrap();
            writes.push(write);
        }
        (engine.info(), false)
    };
    for closed in [clean, true, true] {
        let engine = dynamic(&open(place).unwrap());
        assert_eq!(engine.was_clean(), closed);
        assert_eq!(engine.info(), info);
        let view = view(&*engine);
        assert_eq!(view.position(), Position(u64::try_from(writes.len()).unwrap()));
        let mut expected: Vec<_> = writes.iter().map(Write::entity).collect();
        expected.sort();
        assert_eq!(entities(&*view, all_of(model(0), &[])), expected);
        assert_eq!(view.count_hint(model(0)), Some(u64::try_from(writes.len()).unwrap()));
        let write = writer.create(model(0), &[(property(0), Value::Int(1))]);
        block_on(engine.commit(write.batch(), Durability::Synced)).unwrap();
        writes.push(write.clone());
        drop(view);
        block_on(engine.close()).unwrap();
        block_on(engine.close()).unwrap();
        let late = writer.edit(&write.state, &[(property(0), Value::Int(2))]);
        assert!(matches!(refused(&*engine, late.batch()), CommitError::Storage(_)), "closed");
    }
}

/// What the store knows as a whole it writes down only now and then.
fn unsaved(place: &impl Place) {
    let mut writer = Writer::new(0);
    let mut written = 0;
    for until in [1, 2, 254, 255, 256, 257, 258, 700] {
        let engine = dynamic(&open(place).unwrap());
        while written < until {
            written += 1;
            let write = writer.create(model(0), &[]);
            let clock = Stamp::from_bits(written);
            assert_eq!(commit(&*engine, Batch { clock, ..write.batch() }), Position(written));
        }
        drop(engine);
        let engine = dynamic(&open(place).unwrap());
        let view = view(&*engine);
        let known = (view.position(), view.clock(), view.count_hint(model(0)));
        assert_eq!(known, (Position(until), Stamp::from_bits(until), Some(until)));
        assert!(!engine.was_clean());
        assert!(faults(&*engine).is_empty());
    }
}

fn clock(place: &impl Place) {
    for (stamp, expected) in [(7, 7), (256, 256), (9, 256), (256, 256), (257, 257), (0, 257)] {
        let engine = dynamic(&open(place).unwrap());
        commit(&*engine, Batch { clock: Stamp::from_bits(stamp), ..Batch::default() });
        assert_eq!(view(&*engine).clock(), Stamp::from_bits(expected));
        drop(engine);
        assert_eq!(view(&*dynamic(&open(place).unwrap())).clock(), Stamp::from_bits(expected));
    }
}

fn records(place: &impl Place) {
    let aside = |number: u64, missing: Vec<OpId>| Aside {
        id: OpId::new(Stamp::from_bits(number), 0),
        entity: Writer::new(9).create(model(0), &[]).entity(),
        bytes: vec![1, 2, number.to_le_bytes()[0]].into(),
        reason: format!("reason {number}"),
        missing,
    };
    let actor = |number, sequence, retired| ActorRecord { actor: ActorId::new(number), sequence, retired };
    let parked = [aside(3, vec![OpId::MIN]), aside(1, vec![]), aside(2, vec![OpId::MAX, OpId::MIN])];
    {
        let engine = dynamic(&open(place).unwrap());
        let mut set_aside: Vec<_> = parked.iter().map(|aside| (SetAside::Parked, aside.clone())).collect();
        set_aside.push((SetAside::Refused, aside(1, vec![])));
        let first = Batch {
            set_aside,
            actors: vec![actor(5, 1, false), actor(6, 9, false)],
            records: vec![("key".into(), Some(vec![1, 2])), ("key/a".into(), Some(vec![]))],
            ..Batch::default()
        };
        commit(&*engine, first);
        let second = Batch {
            take_back: vec![(SetAside::Parked, parked[2].id), (SetAside::Equivocal, parked[0].id)],
            actors: vec![actor(5, 7, true)],
            records: vec![("key/a".into(), None), ("none".into(), None), ("b".into(), Some(vec![3]))],
            ..Batch::default()
        };
        block_on(engine.commit(second, Durability::Synced)).unwrap();
    }
    let engine = dynamic(&open(place).unwrap());
    let view = view(&*engine);
    let set = |set, after, limit| block_on(view.set_aside(set, after, limit)).unwrap();
    assert_eq!(set(SetAside::Parked, OpId::MIN, 9), [parked[1].clone(), parked[0].clone()]);
    assert_eq!(set(SetAside::Parked, OpId::MIN, 1), [parked[1].clone()]);
    assert_eq!(set(SetAside::Parked, parked[1].id, 9), [parked[0].clone()]);
    assert_eq!(set(SetAside::Refused, OpId::MIN, 9).len(), 1);
    assert_eq!(set(SetAside::Equivocal, OpId::MIN, 9).len(), 0);
    assert_eq!(block_on(view.actors()).unwrap(), [actor(5, 7, true), actor(6, 9, false)]);
    let record = |name| block_on(view.record(name)).unwrap();
    assert_eq!((record("key"), record("key/a"), record("b")), (Some(vec![1, 2]), None, Some(vec![3])));
}

fn texts(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let (entity_text, other) = (property(5), property(6));
    let mut document = crate::data::Typist::new();
    let write = writer.create(model(0), &[]);
    commit(&*engine, write.batch());
    let entity = write.entity();
    let mut state = write.state;
    let mut tail = Vec::new();
    for (number, word) in ["Blue ", "in ", "Green"].into_iter().enumerate() {
        let edit = writer.edit_text(&state, entity_text, document.append(word));
        state = edit.state.clone();
        let operation = edit.operation.id();
        let texts = vec![TextWrite::Append { entity, property: entity_text, operation }];
        commit(&*engine, Batch { texts, ..edit.batch() });
        tail.push(operation);
        let view = view(&*engine);
        let record = block_on(view.text(entity, entity_text)).unwrap();
        assert_eq!((record.snapshot, record.tail), (None, tail.clone()), "after {number}");
        assert_eq!(block_on(view.text(entity, other)).unwrap(), Default::default());
        let rows = super::rows(&*view, all_of(model(0), &[other, entity_text]));
        assert_eq!(rows[0].values, [Value::Null, text(&document.text())]);
    }
    let old = view(&*engine);
    let snapshot: std::sync::Arc<[u8]> = document.snapshot().into();
    let fold = TextWrite::Fold { entity, property: entity_text, snapshot: snapshot.clone() };
    state.texts.insert(entity_text, state.texts[&entity_text].folded());
    let mut folded = Batch { texts: vec![fold], ..Batch::default() };
    folded
        .states
        .push(ankurah_core::storage::StateWrite { expected: state.head.clone(), state: state.clone() });
    commit(&*engine, folded);
    let record = block_on(view(&*engine).text(entity, entity_text)).unwrap();
    assert_eq!((record.snapshot, record.tail), (Some(snapshot), vec![]));
    assert_eq!(block_on(old.text(entity, entity_text)).unwrap().tail, tail, "an older view");
    for view in [old, view(&*engine)] {
        let rows = super::rows(&*view, all_of(model(0), &[entity_text]));
        assert_eq!(rows[0].values, [text("Blue in Green")]);
    }
}

fn vanish(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let keep = writer.create(model(0), &[(property(0), Value::Int(1))]);
    let gone = writer.create(model(0), &[(property(0), Value::Int(2))]);
    commit(&*engine, batch(&[keep.clone(), gone.clone()]));
    let edit = writer.edit(&keep.state, &[(property(0), Value::Int(3))]);
    commit(&*engine, edit.batch());
    let (model, entity) = (model(0), gone.entity());
    // Back to the state before the edit, and the other entity is gone.
    let mut back = Batch {
        withdrawn: vec![(keep.entity(), edit.operation.id()), (entity, gone.operation.id())],
        vanished: vec![(model, entity, gone.state.head.clone())],
        ..Batch::default()
    };
    back.states.push(ankurah_core::storage::StateWrite {
        expected: edit.state.head.clone(),
        state: keep.state.clone(),
    });
    let mut wrong = back.clone();
    wrong.vanished[0].2 = keep.state.head.clone();
    assert!(matches!(refused(&*engine, wrong), CommitError::Conflict { .. }));
    let position = commit(&*engine, back);
    let view = view(&*engine);
    assert_eq!(entities(&*view, all_of(model, &[])), [keep.entity()]);
    assert_eq!(block_on(view.model_of(entity)).unwrap(), None);
    assert_eq!(block_on(view.operations(entity, OpId::MIN, 9)).unwrap(), []);
    assert_eq!(block_on(view.run(entity, ActorId::new(1), 9)).unwrap(), None);
    assert_eq!(block_on(view.operations(keep.entity(), OpId::MIN, 9)).unwrap().len(), 1);
    let run = block_on(view.run(keep.entity(), ActorId::new(1), 9)).unwrap().unwrap();
    assert_eq!(run, keep.run, "the run of the withdrawn operation is gone");
    assert_eq!(view.count_hint(model), Some(1));
    let entry = block_on(view.log(Position(position.0 - 1), 9)).unwrap().remove(0);
    let change = |write: &Write, id| LogChange { model, entity: write.entity(), operations: vec![id] };
    let expected = [change(&keep, edit.operation.id()), change(&gone, gone.operation.id())];
    assert_eq!(entry.changes, expected);
    assert!(matches!(
        refused(&*engine, Batch { withdrawn: vec![(entity, gone.operation.id())], ..Batch::default() }),
        CommitError::Storage(_)
    ));
}

fn runs(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let (mut a, mut b) = (Writer::new(0), Writer::new(1));
    let first = a.create(model(0), &[(property(0), Value::Int(1))]);
    commit(&*engine, first.batch());
    let second = b.edit(&first.state, &[(property(0), Value::Int(2))]);
    commit(&*engine, second.batch());
    let mut third = a.edit(&second.state, &[(property(0), Value::Int(3))]);
    third.run.first.sequence = 2;
    commit(&*engine, third.batch());
    let view = view(&*engine);
    let run = |actor, sequence| block_on(view.run(first.entity(), ActorId::new(actor), sequence)).unwrap();
    assert_eq!(run(1, 0), None);
    assert_eq!(run(1, 1), Some(first.run.clone()));
    assert_eq!(run(1, 2), Some(third.run.clone()));
    assert_eq!(run(1, u64::MAX), Some(third.run));
    assert_eq!(run(2, 5), Some(second.run.clone()));
    assert_eq!(run(3, 5), None);
}

fn empty(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let write = Writer::new(0).create(model(0), &[]);
    let position = commit(&*engine, write.batch());
    assert_eq!(block_on(engine.commit(Batch::default(), Durability::Synced)).unwrap(), position);
    assert_eq!(view(&*engine).position(), position);
    assert_eq!(block_on(engine.flush()).unwrap(), position);
}
