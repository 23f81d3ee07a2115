//! Faults below the engine: errors, never shorter answers, never half a commit.

use ankurah_core::id::{ActorId, OpId};
use ankurah_core::storage::{
    Access, Batch, CommitError, Durability, Engine, IndexDefinition, IndexPart, IndexRange, Position, Scan,
    SetAside, StorageError, TextWrite,
};
use ankurah_core::value::{Value, ValueType};
use futures::executor::block_on;

use super::{all_of, commit, entities, read_rows, try_rows, view};
use crate::data::{Typist, Write, Writer, batch, deleted, model, property, text};
use crate::{Call, Case, Factory, Faults, Faulty, Place, dynamic, open, open_kv};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case {
            name: "fault::a_failed_read_is_an_error_never_a_shorter_answer",
            run: |f: &F| reads(&f.place()),
        },
        Case { name: "fault::a_failed_commit_leaves_nothing", run: |f: &F| commits(&f.place()) },
        Case {
            name: "fault::a_commit_of_unknown_outcome_is_whole_or_absent",
            run: |f: &F| unsure(&f.place()),
        },
        Case { name: "fault::a_failed_flush_ends_writing", run: |f: &F| flush(&f.place()) },
        Case { name: "fault::opening_fails_cleanly", run: |f: &F| opening(f) },
        Case {
            name: "fault::a_sound_store_has_no_faults_and_damage_is_named",
            run: |f: &F| check(&f.place()),
        },
    ]
}

/// Everything that can be read, as one text.
async fn everything(engine: &dyn Engine, writes: &[Write]) -> Result<String, StorageError> {
    let view = engine.view().await?;
    let entity = writes[0].entity();
    let mut all = Vec::new();
    all.push(format!("{:?}", view.state(model(0), entity).await?));
    all.push(format!("{:?}", view.model_of(entity).await?));
    all.push(format!("{:?}", view.operation(entity, writes[0].operation.id()).await?));
    all.push(format!("{:?}", view.operations(entity, OpId::MIN, 1000).await?));
    all.push(format!("{:?}", view.run(entity, ActorId::new(1), 5).await?));
    all.push(format!("{:?}", view.text(entity, property(5)).await?));
    all.push(format!("{:?}", view.log(Position(0), 1000).await?));
    all.push(format!("{:?}", view.set_aside(SetAside::Parked, OpId::MIN, 9).await?));
    all.push(format!("{:?}", view.actors().await?));
    all.push(format!("{:?}", view.record("key").await?));
    let columns = [property(0), property(5)];
    let mut scans = vec![
        all_of(model(0), &columns),
        Scan { access: Access::Entities(vec![entity]), ..all_of(model(0), &columns) },
    ];
    for index in view.indexes().iter() {
        let free = IndexRange {
            equal: vec![],
            lower: std::ops::Bound::Unbounded,
            upper: std::ops::Bound::Unbounded,
        };
        for reverse in [false, true] {
            let access = Access::Index { index: index.id, ranges: vec![free.clone()], reverse };
            scans.push(Scan { access, ..all_of(model(0), &columns) });
        }
    }
    for scan in scans {
        all.push(format!("{:?}", read_rows(&*view, scan).await?));
    }
    Ok(all.join("\n"))
}

/// A store with something of everything.
fn fill(engine: &dyn Engine) -> Vec<Write> {
    let mut writer = Writer::new(0);
    let mut writes: Vec<Write> =
        (0..300).map(|number| writer.create(model(0), &[(property(0), Value::Int(number % 7))])).collect();
    commit(engine, batch(&writes));
    let entity = writes[0].entity();
    let mut typist = Typist::new();
    for word in ["a", "b", "c"] {
        let edit = writer.edit_text(&writes[0].state, property(5), typist.append(word));
        let texts = vec![TextWrite::Append { entity, property: property(5), operation: edit.operation.id() }];
        commit(engine, Batch { texts, ..edit.batch() });
        writes[0] = edit;
    }
    let records = vec![("key".to_owned(), Some(vec![1]))];
    commit(engine, Batch { records, ..Batch::default() });
    let part = IndexPart { property: property(0), value_type: ValueType::Int, descending: false };
    let definition = IndexDefinition { model: model(0), parts: vec![part] };
    let id = block_on(engine.create_index(definition)).unwrap();
    block_on(engine.build_index(id)).unwrap();
    writes
}

fn reads(place: &impl Place) {
    let faults = Faults::default();
    let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
    let writes = fill(&*engine);
    let mut other = Writer::new(7);
    for call in Call::READS {
        let mut after = 0;
        loop {
            // A view, and what was read with it, is kept until the next commit.
            commit(&*engine, other.create(model(9), &[]).batch());
            faults.fail(call, after);
            let found = block_on(everything(&*engine, &writes));
            if !faults.stop() {
                assert_eq!(found.unwrap(), block_on(everything(&*engine, &writes)).unwrap());
                break;
            }
            let error = found.expect_err("a fault below is an error above");
            assert!(error.to_string().contains("injected fault"), "{error}");
            // A few hundred calls are alike: the first ones and some of the others are tried.
            after += if after < 20 { 1 } else { 11 };
        }
        assert!(after > 0);
    }
}

/// A batch that touches everything: conditions, indexes, texts, prefixes to remove.
fn big_batch(writer: &mut Writer, writes: &[Write]) -> Batch {
    let edit = writer.edit(&writes[1].state, &[(property(0), Value::Int(100)), deleted(true)]);
    let new = writer.create(model(0), &[(property(0), Value::Int(5))]);
    let gone = &writes[2];
    Batch {
        vanished: vec![(model(0), gone.entity(), gone.state.head.clone())],
        withdrawn: vec![(gone.entity(), gone.operation.id())],
        records: vec![("key".to_owned(), Some(vec![2]))],
        texts: vec![TextWrite::Fold {
            entity: writes[0].entity(),
            property: property(5),
            snapshot: vec![0, 0].into(),
        }],
        ..batch(&[edit, new])
    }
}

fn commits(place: &impl Place) {
    let faults = Faults::default();
    let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
    let writes = fill(&*engine);
    let mut writer = Writer::new(1);
    let change = big_batch(&mut writer, &writes);
    let before = block_on(everything(&*engine, &writes)).unwrap();
    // The calls that the change makes, counted where they all fail at the end.
    faults.fail(Call::Apply, 0);
    assert!(block_on(engine.commit(change.clone(), Durability::Buffered)).is_err());
    let counts = [Call::Get, Call::Page, Call::Apply].map(|call| (call, faults.count(call)));
    assert!(counts.iter().all(|(_, count)| *count > 0), "{counts:?}");
    for (call, count) in counts {
        for after in 0..count {
            faults.fail(call, after);
            let result = block_on(engine.commit(change.clone(), Durability::Buffered));
            assert!(faults.stop(), "{call:?} {after}");
            assert!(matches!(result, Err(CommitError::Storage(StorageError::Io { .. }))));
            assert_eq!(block_on(everything(&*engine, &writes)).unwrap(), before);
        }
    }
    let position = block_on(engine.commit(change, Durability::Buffered)).unwrap();
    let found = block_on(everything(&*engine, &writes)).unwrap();
    assert_ne!(found, before);
    let log = block_on(view(&*engine).log(Position(0), 1000)).unwrap();
    assert_eq!(log.last().map(|entry| entry.position), Some(position));
}

fn unsure(place: &impl Place) {
    let faults = Faults::default();
    let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
    let mut writer = Writer::new(0);
    let first = writer.create(model(0), &[(property(0), Value::Int(1))]);
    let second = writer.create(model(0), &[(property(0), Value::Int(2))]);
    faults.fail_after_applying(0);
    let result = block_on(engine.commit(first.batch(), Durability::Buffered));
    assert!(matches!(result, Err(CommitError::Storage(_))));
    assert_eq!(entities(&*view(&*engine), all_of(model(0), &[])), [first.entity()]);
    assert_eq!(view(&*engine).position(), Position(1));
    assert_eq!(commit(&*engine, second.batch()), Position(2));
    let mut expected = vec![first.entity(), second.entity()];
    expected.sort();
    let view = view(&*engine);
    assert_eq!(entities(&*view, all_of(model(0), &[])), expected);
    assert_eq!(view.count_hint(model(0)), Some(2));
    assert_eq!(block_on(view.log(Position(0), 9)).unwrap().len(), 2);
}

fn flush(place: &impl Place) {
    let faults = Faults::default();
    let mut writer = Writer::new(0);
    {
        let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
        let first = writer.create(model(0), &[]);
        faults.fail(Call::Flush, 0);
        let error = block_on(engine.commit(first.batch(), Durability::Synced)).unwrap_err();
        assert!(error.to_string().contains("flush commit 1"), "{error}");
        assert!(faults.stop());
        let second = writer.create(model(0), &[]);
        assert!(block_on(engine.commit(second.batch(), Durability::Buffered)).is_err());
        assert!(block_on(engine.flush()).is_err());
        assert!(block_on(engine.close()).is_err(), "it is not marked as clean");
        assert_eq!(view(&*engine).position(), Position(1), "reading goes on");
    }
    let engine = dynamic(&open(place).unwrap());
    assert!(!engine.was_clean());
    let third = writer.create(model(0), &[]);
    block_on(engine.commit(third.batch(), Durability::Synced)).unwrap();
}

fn opening<F: Factory>(factory: &F) {
    for call in Call::ALL {
        for after in 0..40 {
            let place = factory.place();
            let faults = Faults::default();
            faults.fail(call, after);
            let result = open_kv(Faulty::new(place.kv(), faults.clone())).map(|_| ());
            if faults.stop() {
                assert!(result.is_err());
            } else {
                result.unwrap();
                break;
            }
            // What is left is no store, or a whole one.
            let engine = dynamic(&open(&place).unwrap());
            commit(&*engine, Writer::new(0).create(model(0), &[]).batch());
        }
    }
}

fn check(place: &impl Place) {
    use ankurah_core::storage::kv::{KvStore, KvWrite, layout};
    let (writes, index) = {
        let engine = dynamic(&open(place).unwrap());
        let writes = fill(&*engine);
        let faults = super::faults(&*engine);
        assert!(faults.is_empty(), "{faults:?}");
        let index = view(&*engine).indexes()[0].id;
        // Afterwards nothing is known from the end of the log alone.
        block_on(engine.close()).unwrap();
        (writes, index)
    };
    let key_of = |number: i64| {
        let mut key = Vec::new();
        ankurah_core::value::key::encode(&Value::Int(number), false, &mut key);
        key
    };
    let (one, other) = (&writes[1], &writes[2]);
    let (entity, id) = (one.entity(), one.operation.id());
    type Damage = (&'static str, Vec<u8>, Option<Vec<u8>>);
    // The same counts, but it is said that there was no entity yet.
    let counts = layout::count(model(0));
    let kept = block_on(ankurah_core::storage::kv::KvRead::get(&place.kv(), &counts)).unwrap().unwrap();
    let unnamed: Vec<u8> = [2].into_iter().chain(kept[1..].iter().copied()).chain([0]).collect();
    let damages: [Damage; 13] = [
        ("state of entity", layout::state(model(0), entity), Some(vec![1, 0])),
        ("entity ", layout::state(model(0), entity), None),
        ("state of entity", layout::state(model(0), entity), Some(other.state.encode())),
        ("state of entity", layout::operation(entity, entity.0), None),
        ("operation ", layout::operation(entity, id), Some(vec![1, 1, 1])),
        ("operation ", layout::operation(entity, id), None),
        ("a record", layout::operation(entity, id), Some(vec![9])),
        ("log entry 2", layout::log(Position(2)), None),
        ("index 1", layout::entry(index, &key_of(1), entity), None),
        ("index 1", layout::entry(index, &key_of(99), entity), Some(vec![])),
        ("counts of model ", layout::count(model(7)), Some(vec![1, 5, 0])),
        ("counts of model ", counts, Some(unnamed)),
        ("a record", b"?unknown".to_vec(), Some(vec![])),
    ];
    for (expected, key, value) in damages {
        let kv = place.kv();
        let before = block_on(ankurah_core::storage::kv::KvRead::get(&kv, &key)).unwrap();
        block_on(kv.apply(vec![KvWrite { key: key.clone(), value }])).unwrap();
        block_on(kv.flush()).unwrap();
        drop(kv);
        if key[0] != b'?' {
            let engine = dynamic(&open(place).unwrap());
            let faults = super::faults(&*engine);
            assert!(faults.iter().any(|fault| fault.record.starts_with(expected)), "{expected}: {faults:?}");
        }
        let kv = place.kv();
        block_on(kv.apply(vec![KvWrite { key, value: before }])).unwrap();
        block_on(kv.flush()).unwrap();
    }
    let engine = dynamic(&open(place).unwrap());
    let faults = super::faults(&*engine);
    assert!(faults.is_empty(), "{faults:?}");
    let rows = try_rows(&*view(&*engine), all_of(model(0), &[property(5)])).unwrap();
    assert!(rows.iter().any(|row| row.values == [text("abc")]));
}
