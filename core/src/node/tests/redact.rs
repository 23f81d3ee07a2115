//! Redactions and horizons, against brute force over random histories.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::history::{Known, plan};
use super::*;
use crate::id::{EntityId, OpId};
use crate::node::ingest::Role;
use crate::operation::{Decoded, Operation};
use crate::storage::SetAside;

const NAMES: [&str; 3] = ["year", "name", "note"];

/// A statement that erases something: the property, and which of the operations that changed it; all without one.
type Erasure = (usize, Option<prop::sample::Index>);

fn erasure() -> impl Strategy<Value = Erasure> {
    (0..3usize, prop::option::weighted(0.7, any::<prop::sample::Index>()))
}

impl Known {
    /// The operations without what is erased.
    fn erase(&mut self, (place, which): &Erasure, here: impl Fn(usize) -> bool) -> Option<(String, bool)> {
        let property = self.properties[*place];
        let of: Vec<usize> = (0..self.operations.len())
            .filter(|at| here(*at) && self.operations[*at].change(property).is_some())
            .collect();
        let of: Vec<usize> = match which {
            Some(index) if of.is_empty() => {
                return index.index(1).checked_sub(1).map(|_| (String::new(), false));
            }
            Some(index) => vec![*index.get(&of)],
            None => of,
        };
        let named = match which {
            Some(_) => format!(" of @{}", self.operations[of[0]].id()),
            None => String::new(),
        };
        let mut any = false;
        for at in of {
            let operation = &self.operations[at];
            any |= !operation.is_redacted(property);
            let erased = match place {
                2 => operation.erase_content(property),
                _ => operation.erase(property),
            };
            self.operations[at] = erased.unwrap();
        }
        let entity = self.operations[0].entity();
        Some((format!("redact @{entity}.{}{named}", NAMES[*place]), any))
    }

    fn upto(&self, last: OpId) -> BTreeSet<usize> {
        (0..self.operations.len()).filter(|at| self.operations[*at].id() <= last).collect()
    }
}

impl World {
    fn is_sound(&self) {
        assert_eq!(self.ask(Request::Verify).unwrap().1.others, vec![]);
    }

    /// The operations that are held of those that a test knows, as they are.
    fn held(&self, known: &Known) -> Vec<Option<Operation>> {
        let view = block_on(self.engine.view()).unwrap();
        let held = |operation: &Operation| {
            let held = block_on(view.operation(operation.entity(), operation.id())).unwrap();
            held.map(|(_, held)| Operation::clone(&held))
        };
        known.operations.iter().map(held).collect()
    }

    fn take_one(&self, operation: &Operation) -> crate::node::ingest::Ingested {
        block_on(self.node.ingest(&[operation.encode()], Role::Replica)).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_left_is_a_replay_of_what_is_left_of_the_operations(
        plans in prop::collection::vec(plan(), 1..10),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..10),
        erasures in prop::collection::vec(erasure(), 1..4),
    ) {
        let world = World::new();
        let mut known = world.made(&plans);
        let whole = known.operations.clone();
        let positions = world.taken_in(&known, &late, &BTreeSet::new());
        let entity = known.operations[0].entity();
        for erasure in &erasures {
            let Some((statement, any)) = known.erase(erasure, |_| true) else { continue };
            if statement.is_empty() {
                continue;
            }
            let (outcome, _) = world.run(&statement);
            // Where nothing was left to erase nothing is written; an edit that inserts nothing has nothing, either.
            prop_assert!(outcome == Outcome::Redacted(u64::from(any)) || erasure.0 == 2, "{} {:?}", statement, outcome);
        }
        let all: BTreeSet<usize> = (0..known.operations.len()).collect();
        prop_assert_eq!(world.text_of("from album order by id"), known.shown(&all));
        for (at, held) in world.held(&known).into_iter().enumerate() {
            let held = held.unwrap();
            prop_assert_eq!(held.digest(), known.operations[at].digest());
            // What inserts nothing into a text has nothing to erase.
            for place in 0..2 {
                prop_assert_eq!(held.change(known.properties[place]), known.operations[at].change(known.properties[place]));
            }
            let id = held.id();
            prop_assert_eq!(world.text_of(&format!("from @{entity} as of @{id}")), known.shown(&known.closure(&[at])));
            prop_assert_eq!(world.text_of(&format!("from album as of @{id}")), known.shown(&known.upto(id)));
            let seen: BTreeSet<usize> = all.iter().copied().filter(|it| positions[*it] <= positions[at]).collect();
            let position = positions[at].0;
            prop_assert_eq!(world.text_of(&format!("from album as of position {position}")), known.shown(&seen));
        }
        world.is_sound();
        // What comes again does not come back.
        let before = world.text_of(&format!("history of @{entity}"));
        for operation in &whole {
            prop_assert_eq!(world.take_one(operation).duplicates, 1);
        }
        prop_assert_eq!(world.text_of(&format!("history of @{entity}")), before);
        let again = world.reopen();
        prop_assert_eq!(again.text_of("from album order by id"), known.shown(&all));
        // Another store that gets everything, what was erased as it was, ends the same.
        let other = World::seeded(2, NodeOptions::default());
        let view = block_on(world.engine.view()).unwrap();
        for entry in block_on(view.log(crate::storage::Position(0), 1_000)).unwrap() {
            for change in entry.changes {
                for id in change.operations {
                    let held = block_on(view.operation(change.entity, id)).unwrap().unwrap().1;
                    let first = whole.iter().find(|operation| operation.id() == id).unwrap_or(&held);
                    other.take_one(first);
                }
            }
        }
        prop_assert_eq!(other.text_of("from album order by id"), known.shown(&all));
        prop_assert_eq!(other.held(&known), world.held(&known));
        other.is_sound();
    }

    #[test]
    fn a_base_stands_for_what_was_folded_into_it(
        plans in prop::collection::vec(plan(), 2..12),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        held_back in any::<prop::sample::Index>(),
        horizons in prop::collection::vec(any::<prop::sample::Index>(), 1..3),
        erasures in prop::collection::vec(erasure(), 0..3),
    ) {
        let world = World::new();
        let mut known = world.made(&plans);
        // One operation, and all that follow it, come when the history was folded already.
        let first = 1 + held_back.index(known.operations.len() - 1);
        let count = known.operations.len();
        let without: BTreeSet<usize> = (0..count).filter(|at| known.closure(&[*at]).contains(&first)).collect();
        let here: Vec<usize> = (0..count).filter(|at| !without.contains(at)).collect();
        let positions = world.taken_in(&known, &late, &without);
        let entity = known.operations[0].entity();
        let mut erasures = erasures.iter();
        let mut folded: BTreeSet<usize> = BTreeSet::new();
        for horizon in &horizons {
            let at = *horizon.get(&here);
            let id = known.operations[at].id();
            let below = known.closure(&[at]);
            match world.run_in(1, &format!("compact @{entity} as of @{id}")) {
                Ok((outcome, _)) => {
                    prop_assert_eq!(outcome, Outcome::Compacted(1));
                    folded.extend(below);
                }
                // The operation is below the horizon.
                Err(failure) => prop_assert_eq!(failure.kind.as_str(), "horizon", "{:?}", failure),
            }
            if let Some(erasure) = erasures.next() {
                // All of it: single operations below the horizon are named no more.
                let (statement, _) = known.erase(&(erasure.0, None), |at| here.contains(&at)).unwrap();
                world.run(&statement);
            }
        }
        let all: BTreeSet<usize> = here.iter().copied().collect();
        prop_assert_eq!(world.text_of("from album order by id"), known.shown(&all));
        world.is_sound();
        let last = folded.iter().map(|at| known.operations[*at].id()).max().unwrap();
        for at in &here {
            let id = known.operations[*at].id();
            let closure = known.closure(&[*at]);
            let asked = world.run_in(1, &format!("from @{entity} as of @{id}"));
            match asked {
                Ok((_, answer)) => {
                    prop_assert!(closure.is_superset(&folded));
                    prop_assert_eq!(answer.text(), known.shown(&closure));
                }
                Err(failure) => {
                    prop_assert_eq!(failure.kind.as_str(), "horizon", "{:?}", failure);
                    prop_assert!(failure.message.contains(&last.to_string()), "{:?}", failure);
                    prop_assert!(!closure.is_superset(&folded) || folded.contains(at));
                }
            }
            let asked = world.run_in(1, &format!("from album as of position {}", positions[*at].0));
            let seen: BTreeSet<usize> = all.iter().copied().filter(|it| positions[*it] <= positions[*at]).collect();
            match asked {
                Ok((_, answer)) => prop_assert_eq!(answer.text(), known.shown(&seen)),
                Err(failure) => prop_assert_eq!(failure.kind.as_str(), "horizon", "{:?}", failure),
            }
        }
        world.run(&format!("history of @{entity}"));
        world.run(&format!("why @{entity}.year"));
        world.run(&format!("why @{entity}.note"));
        // What is below the horizon is known, what stands beside it is taken in.
        for at in &folded {
            prop_assert_eq!(world.take_one(&known.operations[*at]).duplicates, 1);
        }
        for at in &without {
            let done = world.take_one(&known.operations[*at]);
            prop_assert_eq!(done.accepted.len(), 1, "{:?}", done);
        }
        let all: BTreeSet<usize> = (0..count).collect();
        prop_assert_eq!(world.text_of("from album order by id"), known.shown(&all));
        world.is_sound();
        world.run(&format!("history of @{entity}"));
        let again = world.reopen();
        prop_assert_eq!(again.text_of("from album order by id"), known.shown(&all));
        again.is_sound();
        // It goes on.
        world.run("update album set year = 77");
        world.run("edit album.note append '!'");
        world.run(&format!("compact @{entity}"));
        prop_assert_eq!(world.run(&format!("compact @{entity}")).0, Outcome::Compacted(0));
        world.is_sound();
    }
}

fn album(world: &World) -> EntityId {
    world.run("create model album (name string key, year i64 not null, rating i64, note text)");
    world.run("insert into album (name, year, rating, note) values ('a', 1, 10, 'one')");
    world.run("update album set year = 2, rating = 20");
    world.run("edit album.note append ' secret'");
    world.ids("select id from album")[0]
}

#[test]
fn a_redaction_is_seen_in_what_is_shown() {
    let world = World::new();
    let entity = album(&world);
    let ids = world.ids(&format!("select distinct id from history of @{entity} order by id"));
    let (second, third) = (ids[2], ids[3]);
    assert_eq!(world.run("redact album.rating where name = 'a' returning rating").1.text(), "null");
    assert_eq!(world.run(&format!("redact @{entity}.note of @{third} returning note")).1.text(), "one");
    assert_eq!(world.text_of("from album"), "a|2|null|one");
    let history = world.text_of(&format!("select property, change from history of @{entity} offset 1"));
    assert!(!history.contains("secret") && !history.contains("20"), "{history}");
    assert_eq!(history.matches("|redacted").count(), 3, "{history}");
    assert_eq!(
        world.text_of(&format!("select verdict, id, rule from why @{entity}.rating")),
        format!("won|{second}|redacted; follows every other change")
    );
    let note = world.text_of(&format!("select value, verdict from why @{entity}.note"));
    assert_eq!(note, "one|wrote\nnull|redacted");
    let first = ids[1];
    let diff =
        world.text_of(&format!("select property, change from diff @{entity} from @{first} to @{second}"));
    assert_eq!(diff, "year|1 → 2");
    let failure = world.run_in(1, &format!("undo @{second}")).unwrap_err();
    assert_eq!(failure.kind, "redacted", "{failure:?}");
    let failure = world.run_in(1, &format!("undo @{third}")).unwrap_err();
    assert_eq!(failure.kind, "redacted", "{failure:?}");
    let last = world.ids(&format!("select id from history of @{entity} order by id desc limit 1"))[0];
    let failure = world.run_in(1, &format!("undo @{last}")).unwrap_err();
    assert_eq!(failure.kind, "redacted", "{failure:?}");
    world.is_sound();
}

#[test]
fn what_must_not_be_null_is_given_another_value() {
    let world = World::new();
    let entity = album(&world);
    let failure = world.run_in(1, &format!("redact @{entity}.year")).unwrap_err();
    assert_eq!(failure.kind, "not-null", "{failure:?}");
    let (outcome, answer) = world.run(&format!("redact @{entity}.year to 0 returning year"));
    assert_eq!((outcome, answer.text().as_str()), (Outcome::Redacted(1), "0"));
    // The value that came instead can be erased like others.
    let (outcome, _) = world.run(&format!("redact @{entity}.year to 5"));
    assert_eq!(outcome, Outcome::Redacted(1));
    assert_eq!(world.text_of("select year from album"), "5");
    let history = world.text_of(&format!("select change from history of @{entity} where property = 'year'"));
    assert_eq!(history, "redacted\nredacted\nredacted\nredacts 3 operations → 5");
    world.is_sound();
    for (statement, kind) in [
        (format!("redact @{entity}.name"), "not-writable"),
        (format!("redact @{entity}.note to 'x'"), "type-mismatch"),
        (format!("redact @{entity}.year to 'x'"), "invalid-value"),
        (format!("redact @{entity}.nothing"), "unknown-property"),
        ("redact album.note of @01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(), "unknown-operation"),
        ("redact _model.name".to_owned(), "not-writable"),
        ("redact @01ARZ3NDEKTSV4RRFFQ69G5FAV.name".to_owned(), "unknown-entity"),
        ("compact _model".to_owned(), "not-writable"),
        ("compact @01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(), "unknown-entity"),
    ] {
        let failure = world.run_in(1, &statement).unwrap_err();
        assert_eq!(failure.kind, kind, "{statement}: {failure:?}");
        assert!(failure.span.is_some(), "{statement}: {failure:?}");
    }
    let world = World::with(NodeOptions { read_only: true, ..NodeOptions::default() });
    assert_eq!(world.run_in(1, "redact _model.name").unwrap_err().kind, "not-writable");
}

#[test]
fn a_transaction_sees_what_it_redacts_and_leaves_it_when_rolled_back() {
    let world = World::new();
    let entity = album(&world);
    for end in ["rollback", "commit"] {
        world.run("begin");
        world.run("redact album.rating");
        assert_eq!(world.text_of("select rating from album"), "null");
        let failure = world.run_in(1, &format!("redact @{entity}.note")).unwrap_err();
        assert_eq!(failure.kind, "overlap", "{failure:?}");
        world.run("rollback");
        world.run("begin");
        world.run("redact album.note");
        assert_eq!(world.text_of("select note from album"), "");
        world.run(end);
    }
    assert_eq!(world.text_of("from album"), "a|2|20|");
    world.is_sound();
}

/// The same operation with one more digit of the sequence, as a liar would make it, is in the set of equivocal ones.
#[test]
fn what_was_set_aside_is_redacted_too() {
    let world = World::new();
    let entity = album(&world);
    let view = block_on(world.engine.view()).unwrap();
    let last = world.ids(&format!("select id from history of @{entity} order by id desc limit 1"))[0];
    let operation = block_on(view.operation(entity, last.0)).unwrap().unwrap().1;
    let aside = crate::storage::Aside {
        id: operation.id(),
        entity,
        bytes: Arc::from(operation.encode()),
        reason: "it was set aside".to_owned(),
        missing: Vec::new(),
    };
    let batch = crate::storage::Batch {
        catalog: view.position(),
        set_aside: vec![(SetAside::Equivocal, aside)],
        ..Default::default()
    };
    block_on(world.engine.commit(batch, Default::default())).unwrap();
    world.run("redact album.note");
    let view = block_on(world.engine.view()).unwrap();
    let aside = block_on(view.set_aside(SetAside::Equivocal, OpId::MIN, 10)).unwrap().remove(0);
    assert!(!aside.bytes.windows(6).any(|bytes| bytes == b"secret"));
    match Operation::decode(&aside.bytes) {
        Ok(Decoded::Known(erased)) => assert_eq!(erased.digest(), operation.digest()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_before_a_horizon_is_said_not_to_be_kept() {
    let world = World::new();
    let entity = album(&world);
    let ids = world.ids(&format!("select distinct id from history of @{entity} order by id"));
    world.run("compact album");
    world.run("update album set year = 3");
    for statement in [
        format!("from @{entity} as of @{}", ids[1]),
        format!("from album as of @{}", ids[1]),
        format!("undo @{}", ids[1]),
        format!("diff @{entity} from @{} to @{}", ids[1], ids[2]),
        format!("why @{entity}.year as of @{}", ids[1]),
        format!("bisect @{entity} where year > 1"),
        format!("compact @{entity} as of @{}", ids[1]),
    ] {
        let failure = world.run_in(1, &statement).unwrap_err();
        assert_eq!(failure.kind, "horizon", "{statement}: {failure:?}");
        assert!(failure.message.contains(&ids[3].to_string()), "{statement}: {failure:?}");
    }
    assert_eq!(world.text_of("from album"), "a|3|20|one secret");
    let rows = world.text_of(&format!("select property, change from history of @{entity}"));
    assert!(rows.starts_with("null|horizon: what came before is not kept"), "{rows}");
    let rows = world.text_of(&format!("select value, verdict, rule from why @{entity}.rating"));
    assert_eq!(rows, "20|won|set before the horizon");
    assert_eq!(world.text_of(&format!("select change from bisect of @{entity} where year > 2")), "2 → 3");
    let last = world.ids(&format!("select id from history of @{entity} order by id desc limit 1"))[0];
    world.run(&format!("undo @{last}"));
    assert_eq!(world.text_of("select year from album"), "2");
    world.is_sound();
}

#[test]
fn a_dump_holds_bases() {
    let world = World::new();
    album(&world);
    world.run("compact album");
    world.run("update album set year = 3");
    let pieces: Vec<_> = block_on(world.node.dump().collect());
    let bytes: Vec<u8> = pieces.into_iter().flat_map(Result::unwrap).collect();
    let other = World::seeded(2, NodeOptions::default());
    let mut decoder = crate::dump::Decoder::new();
    decoder.feed(&bytes);
    decoder.read_header().unwrap();
    let units: Vec<_> = std::iter::from_fn(|| decoder.advance().unwrap()).collect();
    block_on(other.node.restore(&units)).unwrap();
    assert_eq!(other.text_of("from album"), "a|3|20|one secret");
    other.is_sound();
}
