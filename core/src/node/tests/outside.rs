//! Operations from outside: parked, refused, issued again, turned away.

use std::collections::BTreeSet;

use super::*;
use crate::id::{Author, OpId, TransactionId};
use crate::node::clock::MAX_SKEW_MILLIS;
use crate::node::ingest::{Ingested, Role};
use crate::operation::{Decoded, Operation};
use crate::storage::{Position, SetAside};

impl World {
    /// Every operation in the order of the log, encoded.
    fn log(&self) -> Vec<Vec<u8>> {
        let view = block_on(self.engine.view()).unwrap();
        let entries = block_on(view.log(Position(0), usize::MAX)).unwrap();
        let changes = entries.into_iter().flat_map(|entry| entry.changes);
        let ids = changes.flat_map(|change| change.operations.into_iter().map(move |id| (change.entity, id)));
        ids.filter_map(|(entity, id)| block_on(view.operation(entity, id)).unwrap())
            .map(|(_, operation)| operation.encode())
            .collect()
    }

    fn take(&self, operations: &[Vec<u8>]) -> Ingested {
        block_on(self.node.ingest(operations, Role::Replica)).unwrap()
    }

    fn aside(&self, set: SetAside) -> Vec<String> {
        let reason = |event| match event {
            Event::Aside { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        self.ask(Request::SetAside { set }).unwrap().1.others.into_iter().map(reason).collect()
    }

    fn no_faults(&self) {
        assert_eq!(self.ask(Request::Verify).unwrap().1.others, vec![]);
    }
}

fn operation(bytes: &[u8]) -> Operation {
    match Operation::decode(bytes).unwrap() {
        Decoded::Known(operation) => operation,
        other @ Decoded::Unknown { .. } => panic!("{other:?}"),
    }
}

fn transaction(bytes: &[u8]) -> TransactionId {
    operation(bytes).origin().unwrap().transaction
}

/// A node with some history.
fn origin() -> World {
    let world = World::seeded(2, NodeOptions::default());
    world.check(
        "create model album (title string key, year i64, note text)
         insert into album (title, year, note) values ('Blue', 1971, 'one')
         update album set year = 1972
         edit album.note append ' two'",
    );
    world
}

const ALL: &str = "select title, year, note from album";

#[test]
fn operations_come_in_any_order_and_again() {
    let origin = origin();
    let mut operations = origin.log();
    operations.reverse();
    let world = World::new();
    for one in &operations {
        let done = world.take(std::slice::from_ref(one));
        assert_eq!(done.invalid, vec![]);
    }
    assert_eq!(world.aside(SetAside::Parked), Vec::<String>::new());
    assert_eq!(world.run(ALL).1.text(), "Blue|1972|one two");
    let again = world.take(&operations);
    assert_eq!((again.duplicates, again.accepted.len()), (operations.len() as u64, 0));
    world.no_faults();
}

#[test]
fn what_is_parked_survives_and_says_what_it_waits_for() {
    let origin = origin();
    let operations = origin.log();
    let (last, before) = operations.split_last().unwrap();
    let world = World::new();
    let done = world.take(std::slice::from_ref(last));
    assert_eq!((done.parked.len(), done.accepted.len()), (1, 0));
    assert_eq!(world.aside(SetAside::Parked), ["waits for parents"]);
    // Another node on the same store, as after a restart.
    let again = world.reopen();
    let done = again.take(before);
    assert_eq!(done.accepted.len(), operations.len());
    assert_eq!(again.aside(SetAside::Parked), Vec::<String>::new());
    assert_eq!(again.run(ALL).1.text(), "Blue|1972|one two");
}

#[test]
fn data_wait_for_their_catalog() {
    let origin = origin();
    let (catalog, data): (Vec<_>, Vec<_>) =
        origin.log().into_iter().partition(|bytes| crate::catalog::is_reserved(operation(bytes).model()));
    let world = World::new();
    let done = world.take(&data);
    assert_eq!((done.accepted.len(), done.parked.len()), (0, data.len()));
    assert!(world.aside(SetAside::Parked)[0].starts_with("waits for the catalog: model "));
    world.take(&catalog);
    assert_eq!(world.run(ALL).1.text(), "Blue|1972|one two");
    assert_eq!(world.aside(SetAside::Parked), Vec::<String>::new());
}

#[test]
fn operations_from_the_future_wait_for_their_time() {
    let origin = origin();
    let ahead = u32::try_from((MAX_SKEW_MILLIS + 1_000) * 1_000).unwrap();
    origin.fixed.clock.advance(ahead);
    origin.run("update album set year = 2000");
    let operations = origin.log();
    let world = World::new();
    let done = world.take(&operations);
    assert_eq!(done.parked.len(), 1);
    assert_eq!(world.run(ALL).1.text(), "Blue|1972|one two");
    world.run("update album set year = 1");
    assert!(world.aside(SetAside::Parked)[0].starts_with("its time has not come"));
    world.fixed.clock.advance(ahead);
    assert_eq!(world.take(&[]).accepted.len(), 1);
    assert_eq!(world.run(ALL).1.text(), "Blue|2000|one two");
    // A client's are turned away instead.
    origin.fixed.clock.advance(2 * ahead);
    origin.run("update album set year = 3000");
    let last = origin.log().pop().unwrap();
    let done = block_on(world.node.ingest(&[last], Role::Client(origin.node.author()))).unwrap();
    assert_eq!(done.invalid[0].reason, "it is too far ahead of this node's clock");
}

#[test]
fn a_newer_version_is_kept_and_an_invalid_operation_is_not() {
    let origin = origin();
    let mut newer = origin.log().pop().unwrap();
    newer[0] = 2;
    let mut wrong = origin.log().pop().unwrap();
    let last = wrong.len() - 2;
    wrong[last] ^= 1;
    let world = World::new();
    let done = world.take(&[newer.clone(), wrong, b"nonsense".to_vec()]);
    assert_eq!((done.parked.len(), done.invalid.len(), done.accepted.len()), (1, 2, 0));
    assert_eq!(world.aside(SetAside::Parked), ["its format version 2 is not known here"]);
    assert_eq!(world.take(&[newer]).duplicates, 1);
}

#[test]
fn a_client_submits_only_its_own() {
    let origin = origin();
    let operations = origin.log();
    let world = World::new();
    let take = |author| block_on(world.node.ingest(&operations, Role::Client(author))).unwrap();
    let done = take(Author([9; 16]));
    let keyed = operations.iter().filter(|bytes| operation(bytes).origin().is_none()).count();
    assert_eq!((done.accepted.len(), done.invalid.len()), (keyed, operations.len() - keyed));
    let done = take(origin.node.author());
    assert_eq!((done.accepted.len(), done.invalid.len()), (operations.len() - keyed, 0));
}

#[test]
fn a_value_of_another_type_is_turned_away() {
    let origin = origin();
    let world = World::new();
    world.take(&origin.log());
    let view = block_on(origin.engine.view()).unwrap();
    let last = operation(origin.log().last().unwrap());
    let album = last.model();
    let catalog = block_on(crate::catalog::Catalog::read(view.as_ref())).unwrap();
    let year = catalog.model(album).unwrap().find("year", true, None).unwrap().id;
    let edit = Operation::edit(
        last.entity(),
        album,
        last.id().stamp().next().unwrap(),
        crate::operation::Origin { sequence: 1_000, ..*last.origin().unwrap() },
        vec![last.link()],
        vec![crate::operation::Leaf {
            property: year,
            change: crate::operation::Change::Set(Value::Bool(true)),
        }],
        [0; 16],
    );
    let done = world.take(&[edit.unwrap().encode()]);
    assert_eq!(done.invalid[0].reason, "`year` is changed in a way that its type does not have");
}

#[test]
fn one_number_used_twice_is_kept_and_reported() {
    let origin = origin();
    let world = World::new();
    world.take(&origin.log());
    let last = operation(origin.log().last().unwrap());
    let twin = |year, salt| {
        Operation::edit(
            last.entity(),
            last.model(),
            last.id().stamp().next().unwrap(),
            crate::operation::Origin { sequence: 1_000, ..*last.origin().unwrap() },
            vec![last.link()],
            vec![crate::operation::Leaf {
                property: *crate::catalog::reserved::DELETED,
                change: crate::operation::Change::Set(Value::Bool(year)),
            }],
            [salt; 16],
        )
        .unwrap()
        .encode()
    };
    let done = world.take(&[twin(true, 1)]);
    assert_eq!((done.accepted.len(), done.equivocal.len()), (1, 0));
    let done = world.take(&[twin(false, 2)]);
    assert_eq!((done.accepted.len(), done.equivocal.len()), (1, 1));
    assert_eq!(world.aside(SetAside::Equivocal).len(), 1);
}

#[test]
fn a_refused_transaction_takes_what_descends_from_it_along() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64, note text)
         insert into album (title, year, note) values ('Blue', 1971, 'one'), ('Other', 1, 'x')
         update album set year = 1972, note = 'one two' where title = 'Blue'
         edit album.note append ' three' where title = 'Blue'
         update album set year = 2 where title = 'Other'
         insert into album (title) values ('New')",
    );
    let log = world.log();
    let is_update =
        |bytes: &&Vec<u8>| operation(bytes).leaves().len() == 2 && operation(bytes).parents().len() == 1;
    let updates: Vec<_> = log.iter().filter(is_update).map(|bytes| transaction(bytes)).collect();
    let refused = |id| block_on(world.node.refuse(id, "not allowed")).unwrap();
    let update = *updates
        .iter()
        .find(|id| {
            log.iter()
                .filter(|bytes| operation(bytes).origin().is_some_and(|it| it.transaction == **id))
                .count()
                == 1
        })
        .unwrap();
    assert_eq!(refused(update).len(), 2);
    let all = "select title, year, note from album order by title";
    assert_eq!(world.run(all).1.text(), "Blue|1971|one\nNew|null|null\nOther|2|x");
    assert_eq!(world.aside(SetAside::Refused), ["not allowed", "not allowed"]);
    world.no_faults();
    // They do not come back by themselves.
    assert_eq!(world.take(&log).accepted, Vec::<OpId>::new());
    assert_eq!(world.run(all).1.text(), "Blue|1971|one\nNew|null|null\nOther|2|x");
    // Issued again they stand on what is there now.
    world.run("edit album.note at 0 insert '>' where title = 'Blue'");
    block_on(world.node.rebase(update)).unwrap();
    assert_eq!(world.run(all).1.text(), "Blue|1972|>one two\nNew|null|null\nOther|2|x");
    assert_eq!(world.aside(SetAside::Refused), ["not allowed"]);
    assert_eq!(block_on(world.node.rebase(update)).unwrap_err().kind, "not-refused");
    world.no_faults();
}

#[test]
fn a_refused_creation_leaves_nothing_and_can_be_issued_again() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         create model song (name string, album ref(album))
         begin
         insert into album (title, year) values ('Blue', 1971)
         insert into song (name, album) select 'River', id from album
         commit",
    );
    let creation = transaction(world.log().last().unwrap());
    let moved: BTreeSet<_> = block_on(world.node.refuse(creation, "no")).unwrap().into_iter().collect();
    assert_eq!(moved.len(), 2);
    world.check(
        "select count(*) from album => 0
         select count(*) from song => 0",
    );
    world.no_faults();
    block_on(world.node.rebase(creation)).unwrap();
    world.check("select name, album.title, album.year from song => River|Blue|1971");
    assert_eq!(world.aside(SetAside::Refused), Vec::<String>::new());
    world.no_faults();
}
