//! Reading what was, against brute force over random histories.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::id::{ActorId, Author, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use crate::node::ingest::Role;
use crate::operation::{Change, Leaf, Operation, Origin};
use crate::property::text::{Edit, TextDocument};
use crate::property::{Difference, text_difference};
use crate::storage::Position;

/// What an operation of a random history does: which of those before it it follows, and what it sets.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    parents: Vec<prop::sample::Index>,
    year: Option<i64>,
    name: Option<String>,
    /// Where the text is edited, how much goes, what comes.
    note: Option<(prop::sample::Index, usize, String)>,
    deleted: Option<bool>,
    /// Whether the same actor goes on that wrote the first parent, where it can.
    goes_on: bool,
}

pub(super) fn plan() -> impl Strategy<Value = Plan> {
    (
        prop::collection::vec(any::<prop::sample::Index>(), 1..3),
        prop::option::of(0..4i64),
        prop::option::of("[a-c]"),
        prop::option::weighted(0.6, (any::<prop::sample::Index>(), 0..3usize, "[x-zé]{0,3}")),
        prop::option::weighted(0.1, any::<bool>()),
        any::<bool>(),
    )
        .prop_map(|(parents, year, name, note, deleted, goes_on)| Plan {
            parents,
            year,
            name,
            note,
            deleted,
            goes_on,
        })
}

/// A history of one entity, known to whoever wrote the test.
pub(super) struct Known {
    pub(super) operations: Vec<Operation>,
    pub(super) properties: [PropertyId; 3],
}

impl Known {
    /// The places of an operation and all that it follows, by walking.
    pub(super) fn closure(&self, of: &[usize]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut stack = of.to_vec();
        while let Some(at) = stack.pop() {
            if found.insert(at) {
                stack.extend(self.operations[at].parents().iter().map(|parent| self.place(parent.id)));
            }
        }
        found
    }

    fn place(&self, id: OpId) -> usize {
        self.operations.iter().position(|operation| operation.id() == id).unwrap()
    }

    fn text(&self, of: &BTreeSet<usize>) -> Option<TextDocument> {
        let updates = of.iter().filter_map(|at| match self.operations[*at].change(self.properties[2]) {
            Some(Change::Text(update)) => Some(Arc::clone(update)),
            _ => None,
        });
        // From the last to the first, so that they wait for each other: the order leaves no trace.
        let mut document: Option<TextDocument> = None;
        for update in updates.collect::<Vec<_>>().into_iter().rev() {
            document.get_or_insert_with(TextDocument::default).apply(&update).unwrap();
        }
        document
    }

    fn register(&self, of: &BTreeSet<usize>, property: PropertyId) -> Option<Value> {
        let set = of.iter().filter_map(|at| match self.operations[*at].change(property) {
            Some(Change::Set(value)) => Some((self.operations[*at].id(), value.clone())),
            Some(Change::Erased(_)) => Some((self.operations[*at].id(), Value::Null)),
            _ => None,
        });
        set.max_by_key(|(id, _)| *id).map(|(_, value)| value)
    }

    /// Year, name and note; `None` where the entity is not there or deleted.
    fn state(&self, of: &BTreeSet<usize>) -> Option<[Option<Value>; 3]> {
        let deleted = self.register(of, *crate::catalog::reserved::DELETED) == Some(Value::Bool(true));
        (!of.is_empty() && !deleted).then(|| self.values(of))
    }

    fn values(&self, of: &BTreeSet<usize>) -> [Option<Value>; 3] {
        let [year, name, _] = self.properties;
        let note = self.text(of).map(|mut text| Value::String(text.text()));
        [self.register(of, year), self.register(of, name), note]
    }

    /// The values that are no text: those that checkpoints serve.
    fn registers(&self, of: &BTreeSet<usize>) -> String {
        let value = |value: Option<Value>| value.unwrap_or(Value::Null).to_string();
        self.state(of).map_or_else(String::new, |[year, name, _]| [year, name].map(value).join("|"))
    }

    pub(super) fn shown(&self, of: &BTreeSet<usize>) -> String {
        let value = |value: Option<Value>| value.unwrap_or(Value::Null).to_string();
        self.state(of).map_or_else(String::new, |state| state.map(value).join("|"))
    }
}

const ENTITY: &str = "from album order by id";

impl World {
    pub(super) fn ids(&self, statement: &str) -> Vec<EntityId> {
        let rows = self.run(statement).1.rows;
        rows.iter()
            .map(|row| match row[0] {
                Value::Ref(id) => id,
                ref other => panic!("{other}"),
            })
            .collect()
    }

    /// Makes a history and takes it in, each operation at a position of its own, as early as `late` lets it.
    fn known(&self, plans: &[Plan], late: &[prop::sample::Index]) -> (Known, Vec<Position>) {
        let known = self.made(plans);
        let positions = self.taken_in(&known, late, &BTreeSet::new());
        (known, positions)
    }

    /// Makes a history.
    pub(super) fn made(&self, plans: &[Plan]) -> Known {
        self.run("create model album (year i64, name string, note text)");
        let model = ModelId(self.ids("select id from _model")[0].0);
        let find = |name: &str| {
            let statement = format!("select id from _property where defined_as = '{name}'");
            PropertyId(self.ids(&statement)[0].0)
        };
        let properties = [find("year"), find("name"), find("note")];
        let origin = |actor: u64, sequence: u64| Origin {
            actor: ActorId::new(actor),
            sequence,
            author: Author([7; 16]),
            transaction: TransactionId(u128::from(actor)),
        };
        let millis = |at: usize| Stamp::from_millis(1_700_000_000_000 + at as u64 / 2);
        let start = Leaf { property: properties[0], change: Change::Set(Value::Int(-1)) };
        let genesis = Operation::genesis(model, millis(0), [3; 16], origin(1000, 1), vec![start], [1; 16]);
        let mut known = Known { operations: vec![genesis.unwrap()], properties };
        for (at, plan) in plans.iter().enumerate() {
            let at = at + 1;
            let places: BTreeSet<usize> = plan.parents.iter().map(|index| index.index(at)).collect();
            let places: Vec<usize> = places.into_iter().collect();
            let parents: Vec<_> = places.iter().map(|place| known.operations[*place].link()).collect();
            let closure = known.closure(&places);
            // An actor goes on only where nobody has used its next number.
            let first = parents[0];
            let next = (first.actor, first.sequence + 1);
            let used = known.operations.iter().any(|it| (it.link().actor, it.link().sequence) == next);
            let by = match plan.goes_on && !used {
                true => origin(next.0.get(), next.1),
                false => origin(1000 + at as u64, 1),
            };
            let mut leaves = Vec::new();
            let mut set = |property, value| leaves.push(Leaf { property, change: Change::Set(value) });
            if let Some(year) = plan.year {
                set(properties[0], Value::Int(year));
            }
            if let Some(name) = &plan.name {
                set(properties[1], Value::string(name.as_str()).unwrap());
            }
            if let Some(deleted) = plan.deleted {
                set(*crate::catalog::reserved::DELETED, Value::Bool(deleted));
            }
            if let Some((position, delete, insert)) = &plan.note {
                let mut document = known.text(&closure).unwrap_or_default();
                let length = document.text().chars().count();
                let position = position.index(length + 1);
                let delete = (*delete).min(length - position);
                let edit = Edit { position, delete, insert: insert.clone() };
                let update = document.edit(by.actor, &[edit]).unwrap();
                leaves.push(Leaf { property: properties[2], change: Change::Text(Arc::from(update)) });
            }
            let entity = known.operations[0].entity();
            let stamp = Stamp::from_bits(millis(at).bits() + at as u64);
            let edit = Operation::edit(entity, model, stamp, by, parents, leaves, [2; 16]);
            known.operations.push(edit.unwrap());
        }
        known
    }

    /// Takes a history in, in a random topological order, but for some operations and all that follow them.
    pub(super) fn taken_in(
        &self,
        known: &Known,
        late: &[prop::sample::Index],
        without: &BTreeSet<usize>,
    ) -> Vec<Position> {
        let mut positions = vec![Position(0); known.operations.len()];
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        for step in 0..known.operations.len() - without.len() {
            let ready: Vec<usize> = (0..known.operations.len())
                .filter(|at| {
                    !taken.contains(at)
                        && !without.contains(at)
                        && known.closure(&[*at]).iter().all(|it| it == at || taken.contains(it))
                })
                .collect();
            let at = late.get(step % late.len().max(1)).map_or(ready[0], |index| *index.get(&ready));
            let done = block_on(self.node.ingest(&[known.operations[at].encode()], Role::Replica)).unwrap();
            assert_eq!(done.accepted.len(), 1, "{done:?}");
            taken.insert(at);
            // What is kept of this reading must not outlive what comes later with a smaller id.
            let (entity, id) = (known.operations[0].entity(), known.operations[at].id());
            self.run(&format!("select year, name from @{entity} as of @{id}"));
            self.run(&format!("select year, name from album as of @{id}"));
            positions[at] = block_on(self.engine.view()).unwrap().position();
        }
        positions
    }

    pub(super) fn text_of(&self, statement: &str) -> String {
        self.run(statement).1.text()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_is_what_a_replay_of_its_operations_gives(
        plans in prop::collection::vec(plan(), 1..14),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..14),
    ) {
        let world = World::new();
        let (known, positions) = world.known(&plans, &late);
        let entity = known.operations[0].entity();
        let all: BTreeSet<usize> = (0..known.operations.len()).collect();
        prop_assert_eq!(world.text_of(ENTITY), known.shown(&all));
        let registers = |of: String| world.text_of(&format!("select year, name from {of}"));
        for (at, operation) in known.operations.iter().enumerate() {
            let id = operation.id();
            let closure = known.closure(&[at]);
            prop_assert_eq!(registers(format!("@{entity} as of @{id}")), known.registers(&closure));
            prop_assert_eq!(world.text_of(&format!("from @{entity} as of @{id}")), known.shown(&closure));
            let other = known.operations[at / 2].id();
            let joined = known.closure(&[at, at / 2]);
            prop_assert_eq!(
                world.text_of(&format!("from @{entity} as of (@{other}, @{id})")),
                known.shown(&joined)
            );
            let up_to: BTreeSet<usize> = all.iter().copied().filter(|it| known.operations[*it].id() <= id).collect();
            prop_assert_eq!(world.text_of(&format!("from album as of @{id}")), known.shown(&up_to));
            prop_assert_eq!(registers(format!("album as of @{id}")), known.registers(&up_to));
            let seen: BTreeSet<usize> = all.iter().copied().filter(|it| positions[*it] <= positions[at]).collect();
            let position = positions[at].0;
            prop_assert_eq!(world.text_of(&format!("from album as of position {position}")), known.shown(&seen));
            prop_assert_eq!(registers(format!("album as of position {position}")), known.registers(&seen));
            let millis = id.stamp().millis();
            let time = crate::value::Timestamp(i64::try_from(millis).unwrap() * 1000 + 999);
            let by_then: BTreeSet<usize> =
                all.iter().copied().filter(|it| known.operations[*it].id().stamp().millis() <= millis).collect();
            prop_assert_eq!(world.text_of(&format!("from @{entity} as of '{time}'")), known.shown(&by_then));
        }
    }

    #[test]
    fn changes_and_differences_are_those_of_the_states(
        plans in prop::collection::vec(plan(), 1..12),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        let world = World::new();
        let (known, _) = world.known(&plans, &late);
        let entity = known.operations[0].entity();
        let names = ["year", "name", "note"];
        let difference = |place: usize, old: Option<Value>, new: Option<Value>| match place {
            2 => {
                let text = |value: &Option<Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
                Difference::Text(text_difference(&text(&old), &text(&new))).to_string()
            }
            _ => Difference::Set { old, new }.to_string(),
        };
        let mut expected = Vec::new();
        for (at, operation) in known.operations.iter().enumerate() {
            let mut before = known.closure(&[at]);
            before.remove(&at);
            let (old, new) = (known.values(&before), known.values(&known.closure(&[at])));
            for (place, (old, new)) in old.into_iter().zip(new).enumerate() {
                if operation.change(known.properties[place]).is_some() {
                    expected.push(format!("{}|{}|{}", operation.id(), names[place], difference(place, old, new)));
                }
            }
        }
        let rows = format!("select id, property, change from history of @{entity} where property <> 'deleted'");
        prop_assert_eq!(world.text_of(&rows), expected.join("\n"));
        // The changes are the same however many of them are asked for.
        let counted = world.text_of(&format!("select count(*) from history of @{entity} where property <> 'deleted'"));
        prop_assert_eq!(counted, expected.len().to_string());

        let last = known.operations.len() - 1;
        for at in 0..=last {
            let (from, to) = (known.closure(&[at]), known.closure(&[last - at]));
            let differing = known.values(&from).into_iter().zip(known.values(&to)).enumerate();
            let expected: Vec<String> = differing
                .filter(|(_, (old, new))| old != new)
                .map(|(place, (old, new))| format!("{}|{}", names[place], difference(place, old, new)))
                .collect();
            let (from, to) = (known.operations[at].id(), known.operations[last - at].id());
            let rows = format!("select property, change from diff @{entity} from @{from} to @{to} where property <> 'deleted'");
            prop_assert_eq!(world.text_of(&rows), expected.join("\n"));
        }
    }

    #[test]
    fn the_winner_and_the_writers_are_named(
        plans in prop::collection::vec(plan(), 1..14),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..14),
    ) {
        let world = World::new();
        let (known, _) = world.known(&plans, &late);
        let entity = known.operations[0].entity();
        let all: BTreeSet<usize> = (0..known.operations.len()).collect();
        let sets = |at: &usize| known.operations[*at].change(known.properties[0]).is_some();
        let winner = all.iter().copied().filter(sets).max_by_key(|at| known.operations[*at].id()).unwrap();
        let below = known.closure(&[winner]);
        let beside: Vec<usize> = all.iter().copied().filter(|at| sets(at) && !below.contains(at)).collect();
        let lost = beside.iter().rev().filter(|at| {
            beside.iter().all(|other| other == *at || !known.closure(&[*other]).contains(at))
        });
        let mut expected = vec![format!("won|{}", known.operations[winner].id())];
        expected.extend(lost.map(|at| format!("lost|{}", known.operations[*at].id())));
        prop_assert_eq!(world.text_of(&format!("select verdict, id from why @{entity}.year")), expected.join("\n"));

        // The pieces of a text make it, and each was inserted by the operation that is named.
        let rows = world.run(&format!("select value, id from why @{entity}.note")).1.rows;
        let text: String = rows.iter().map(|row| row[0].to_string()).collect();
        let whole = known.text(&all).map(|mut text| text.text().to_string()).unwrap_or_default();
        prop_assert_eq!(text, whole);
        let mut inserted: BTreeMap<OpId, String> = BTreeMap::new();
        for (operation, plan) in known.operations.iter().skip(1).zip(&plans) {
            if let Some((_, _, text)) = &plan.note {
                inserted.insert(operation.id(), text.clone());
            }
        }
        for row in rows {
            let Value::Ref(id) = row[1] else { panic!("{row:?}") };
            let piece = row[0].to_string();
            let source = &inserted[&id.0];
            prop_assert!(piece.chars().all(|c| source.contains(c)), "{} of {}", piece, source);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_undone_twice_is_as_it_was(
        plans in prop::collection::vec(plan(), 1..12),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        which in any::<prop::sample::Index>(),
        force in any::<bool>(),
    ) {
        let world = World::new();
        let (known, _) = world.known(&plans, &late);
        let entity = known.operations[0].entity();
        let operation = which.get(&known.operations);
        let all = "select year, name, note from album";
        let before = world.text_of(all);
        let head = || world.text_of(&format!("select id from history of @{entity} order by id desc limit 1"));
        let last = head();
        let force = if force { " force" } else { "" };
        match world.run_in(1, &format!("undo @{}{force}", operation.id())) {
            Err(failure) => prop_assert_eq!((failure.kind.as_str(), force), ("overlap", ""), "{:?}", failure),
            Ok(_) if head() == last => prop_assert_eq!(world.text_of(all), before),
            Ok(_) => {
                // Without force each property is what the operation was made on.
                if force.is_empty() && !operation.is_genesis() {
                    let parents: Vec<usize> = operation.parents().iter().map(|it| known.place(it.id)).collect();
                    let old = known.values(&known.closure(&parents));
                    let diff = format!("select year, name from @{entity} as of @{}", head());
                    let row = world.run(&diff).1.rows;
                    for (place, column) in [(0, 0), (1, 1)] {
                        let changed = operation.change(known.properties[place]).is_some();
                        if let (true, Some(row)) = (changed, row.first()) {
                            prop_assert_eq!(row[column].clone(), old[place].clone().unwrap_or(Value::Null));
                        }
                    }
                }
                world.run(&format!("undo @{}", head()));
                prop_assert_eq!(world.text_of(all), before);
            }
        }
        world.ask(Request::Verify).unwrap();
    }

    #[test]
    fn the_first_operation_is_found_after_which_a_condition_holds(
        plans in prop::collection::vec(plan(), 1..14),
        late in prop::collection::vec(any::<prop::sample::Index>(), 1..14),
        year in -1..4i64,
    ) {
        let world = World::new();
        let (known, _) = world.known(&plans, &late);
        let entity = known.operations[0].entity();
        let mut order: Vec<usize> = (0..known.operations.len()).collect();
        order.sort_by_key(|at| known.operations[*at].id());
        let holds = |count: usize| {
            let of: BTreeSet<usize> = order[..count].iter().copied().collect();
            known.state(&of).is_some_and(|state| state[0] == Some(Value::Int(year)))
        };
        let found = world.ids(&format!("select distinct id from bisect of @{entity} where year = {year}"));
        match found.as_slice() {
            [] => prop_assert!(!holds(order.len())),
            [one] => {
                let count = order.iter().position(|at| known.operations[*at].id() == one.0).unwrap() + 1;
                prop_assert!(holds(count) && !holds(count - 1));
            }
            _ => prop_assert!(false, "{found:?}"),
        }
    }
}

#[test]
fn a_transaction_is_undone_as_a_whole_and_again() {
    let world = World::new();
    world.run("create model album (name string key, year i64, note text)");
    world.run("insert into album (name, year, note) values ('a', 1, 'one'), ('b', 2, 'two')");
    let first = world.text_of("select name, year, note from album order by name");
    let transaction = |world: &World| {
        let entity = world.ids("select id from album order by name")[0];
        world.text_of(&format!("select transaction from history of @{entity} order by id desc limit 1"))
    };
    let inserted = transaction(&world);
    world.run("update album set year = year + 10, note = null");
    let updated = transaction(&world);
    let second = world.text_of("select name, year, note from album order by name");
    assert_eq!(world.run(&format!("undo transaction @{updated}")).0, Outcome::Updated(2));
    assert_eq!(world.text_of("select name, year, note from album order by name"), first);
    let undone = transaction(&world);
    assert_eq!(world.run(&format!("undo transaction @{undone}")).0, Outcome::Updated(2));
    assert_eq!(world.text_of("select name, year, note from album order by name"), second);
    // What was done since stands in the way.
    let failure = world.run_in(1, &format!("undo transaction @{inserted}")).unwrap_err();
    assert_eq!(failure.kind, "overlap");
    world.run(&format!("undo transaction @{inserted} force"));
    assert_eq!(world.text_of("select name from album"), "");
    let failure = world.run_in(1, "undo transaction @01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap_err();
    assert_eq!(failure.kind, "unknown-transaction");
    let failure = world.run_in(1, "undo @01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap_err();
    assert_eq!(failure.kind, "unknown-operation");
}

#[test]
fn points_that_are_none_are_said_to_be() {
    let world = World::new();
    world.run("create model album (name string)");
    world.run("insert into album (name) values ('a'), ('b')");
    let ids = world.ids("select id from album order by name");
    let (a, b) = (ids[0], ids[1]);
    let nowhere = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (statement, kind) in [
        (format!("history of @{nowhere}"), "unknown-entity"),
        (format!("why @{nowhere}.name"), "unknown-entity"),
        (format!("why @{a}.nmae"), "unknown-property"),
        (format!("diff @{nowhere} from @{a}"), "unknown-entity"),
        (format!("diff @{a} from @{b}"), "other-entity"),
        (format!("from @{nowhere} as of @{a}"), "unknown-entity"),
        (format!("from @{a} as of @{b}"), "other-entity"),
        (format!("from @{a} as of @{nowhere}"), "unknown-operation"),
        (format!("from album as of @{nowhere}"), "unknown-operation"),
        (format!("from album as of (@{a}, @{nowhere})"), "unknown-operation"),
        ("from album as of '2999-01-01'".to_owned(), "future"),
        ("from album as of position 1000".to_owned(), "future"),
        ("from album as of position -1".to_owned(), "invalid-value"),
        ("from album as of position 'x'".to_owned(), "invalid-value"),
        ("from album as of 5".to_owned(), "type-mismatch"),
        ("from album as of null".to_owned(), "type-mismatch"),
        ("from album as of 'never'".to_owned(), "invalid-value"),
    ] {
        let failure = world.run_in(1, &statement).unwrap_err();
        assert_eq!(failure.kind, kind, "{statement}: {failure:?}");
        assert!(failure.span.is_some(), "{statement}: {failure:?}");
    }
    // What was before everything is nothing.
    assert_eq!(world.text_of("select count(*) from album as of '1969-01-01'"), "0");
    assert_eq!(world.text_of("select count(*) from album as of position 0"), "0");
}
