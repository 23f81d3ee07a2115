//! What is wrong with a store is named; limits hold; what is cancelled leaves nothing.

use std::task::{Context, Poll, Waker};

use super::*;
use crate::catalog::Catalog;
use crate::id::{ModelId, PropertyId};
use crate::node::Limits;
use crate::node::protocol::{Cancel, Cell};
use crate::storage::{Access, Batch, Deleted, Durability, Position, Scan, StateWrite};

impl World {
    fn album(&self) -> (ModelId, PropertyId) {
        let view = block_on(self.engine.view()).unwrap();
        let catalog = block_on(Catalog::read(view.as_ref())).unwrap();
        let album = catalog.find("album", true, None).unwrap();
        (album.id, album.find("year", true, None).unwrap().id)
    }

    /// The states of all albums.
    fn states(&self) -> Vec<crate::entity::State> {
        let view = block_on(self.engine.view()).unwrap();
        let model = self.album().0;
        let access = Access::All { after: None };
        let scan =
            Scan { model, access, columns: vec![], deleted: Deleted::Include, limit: None, expected: None };
        let batches: Vec<_> = block_on(view.scan(scan).collect());
        let rows = batches.into_iter().flat_map(Result::unwrap);
        rows.map(|row| block_on(view.state(model, row.entity)).unwrap().unwrap()).collect()
    }

    fn faults(&self) -> Vec<String> {
        let message = |event| match event {
            Event::Fault(fault) => fault.message,
            other => panic!("{other:?}"),
        };
        self.ask(Request::Verify).unwrap().1.others.into_iter().map(message).collect()
    }
}

fn albums() -> World {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64, note text)
         insert into album (title, year, note) values ('Blue', 1971, 'a')",
    );
    world
}

#[test]
fn a_text_that_is_folded_while_a_transaction_is_open_is_whole_after_it() {
    let world = World::new();
    world.run("create model album (name string key, note text)");
    world.run("insert into album (name, note) values ('a', '')");
    for _ in 0..70 {
        world.run("edit album.note append 'x'");
    }
    world.run("begin");
    world.run("edit album.note append '!'");
    world.fixed.spawn.run_until_stalled();
    world.run("commit");
    assert_eq!(world.run("select note from album").1.text(), format!("{}!", "x".repeat(70)));
    world.run("edit album.note append '?'");
    assert_eq!(world.run("select note from album").1.text(), format!("{}!?", "x".repeat(70)));
    assert_eq!(world.ask(Request::Verify).unwrap().1.others, vec![]);
}

#[test]
fn a_state_that_its_operations_do_not_give_is_named() {
    let world = albums();
    assert_eq!(world.faults(), Vec::<String>::new());
    let mut state = world.states().remove(0);
    let year = world.album().1;
    state.registers.get_mut(&year).unwrap().value = Value::Int(1);
    let expected = state.head.clone();
    let batch = Batch {
        catalog: Position(u64::MAX),
        states: vec![StateWrite { expected, state }],
        ..Batch::default()
    };
    block_on(world.engine.commit(batch, Durability::Synced)).unwrap();
    assert_eq!(world.faults(), ["its values are not what the operations give"]);
}

#[test]
fn a_missing_operation_is_named() {
    let world = albums();
    let mut state = world.states().remove(0);
    let gone = state.head.links()[0];
    let expected = state.head.clone();
    state.position = Position(1);
    let batch = Batch {
        catalog: Position(u64::MAX),
        withdrawn: vec![(state.entity, gone.id)],
        states: vec![StateWrite { expected, state }],
        ..Batch::default()
    };
    block_on(world.engine.commit(batch, Durability::Synced)).unwrap();
    let faults = world.faults();
    assert!(faults.iter().any(|fault| fault == "it is not what the operations give"), "{faults:?}");
}

#[test]
fn long_tails_of_texts_are_folded_and_the_texts_stay() {
    let world = albums();
    for n in 0..100 {
        world.run(&format!("edit album.note append '{}'", n % 10));
        world.fixed.spawn.run_until_stalled();
    }
    let state = world.states().remove(0);
    let version = *state.texts.values().next().unwrap();
    assert!(version.folded >= 64 && version.tail < 64, "{version:?}");
    assert_eq!(version.operations(), 101);
    let expected: String = (0..100).map(|n| (n % 10).to_string()).collect();
    assert_eq!(world.run("select note from album").1.text(), format!("a{expected}"));
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn limits_are_named() {
    let limits = Limits {
        statement_bytes: 40,
        upsert_rows: 2,
        transaction_entities: 2,
        sessions: 2,
        ..Limits::default()
    };
    let world = World::with(NodeOptions { limits, ..NodeOptions::default() });
    world.check(
        "1> create model m (n i64) => Defined
         1> select 'a statement that is longer than it may be' => too-long: the statement has 50 bytes; the limit is 40
         1> insert into m values (1), (2) => Created(2)
         1> insert into m values (1), (2), (3) => too-large: a transaction writes at most 2 entities
         2> select count(*) from m => 2
         3> select 1 => too-many-sessions: there are 2 sessions, which is the limit",
    );
    world.ask(Request::CloseSession { session: SessionId(2) }).unwrap();
    world.check("3> select 1 => 1");
    let rows = vec![vec![Cell::Value(Value::Int(1))]; 3];
    let request =
        Request::Upsert { session: SessionId(1), model: "m".into(), columns: vec!["n".into()], rows };
    assert_eq!(world.ask(request).unwrap_err().message, "3 rows at once; the limit is 2");
}

#[test]
fn a_read_only_node_writes_nothing() {
    let world = albums();
    let before = block_on(world.engine.view()).unwrap().position();
    let options = NodeOptions { read_only: true, ..NodeOptions::default() };
    let node = block_on(Node::open(Arc::clone(&world.engine), world.fixed.env.clone(), options)).unwrap();
    let reader = World { node, fixed: world.fixed.clone(), engine: Arc::clone(&world.engine) };
    reader.check(
        "select title from album => Blue
         update album set year = 1 => read-only: the store is open read-only
         create model x () => read-only: the store is open read-only
         begin => Began
         select count(*) from album => 1
         commit => Committed",
    );
    assert_eq!(block_on(reader.engine.view()).unwrap().position(), before);
}

#[test]
fn an_answer_that_is_dropped_stops_and_leaves_nothing() {
    let world = albums();
    let connection = world.node.connect();
    let request = |statement: &str| {
        connection.request(Request::Execute {
            session: SessionId(1),
            statement: statement.to_owned(),
            parameters: Parameters::default(),
        })
    };
    drop(request("delete from album"));
    let mut rows = request("select title from album");
    assert!(matches!(block_on(rows.next()), Some(Event::Columns(_))));
    drop(rows);
    world.check("select title from album => Blue");
}

#[test]
fn references_may_be_given_by_key_and_bad_rows_are_left_out() {
    let world = albums();
    world.run("create model song (name string key, album ref(album), seconds i64 not null)");
    let cell = |text: &str| Cell::Value(Value::string(text).unwrap());
    let number = |n| Cell::Value(Value::Int(n));
    let key = |text: &str| Cell::Key(vec![Value::string(text).unwrap()]);
    let rows = vec![
        vec![cell("River"), key("Blue"), number(1)],
        vec![cell("Amelia"), key("Hejira"), cell("2")],
        vec![cell("Bad"), key("Blue"), cell("two")],
        vec![cell("None"), key("Blue"), Cell::Value(Value::Null)],
        vec![Cell::Value(Value::Null), key("Blue"), number(1)],
        vec![cell("Short")],
    ];
    let columns = ["name", "album", "seconds"].map(str::to_owned).to_vec();
    let request = Request::Upsert { session: SessionId(1), model: "song".to_owned(), columns, rows };
    let (outcome, answer) = world.ask(request).unwrap();
    assert_eq!(outcome, Outcome::Upserted { created: 2, updated: 0, unchanged: 0 });
    let rejected: Vec<u64> = answer.rejected.iter().map(|(row, _)| *row).collect();
    assert_eq!(rejected, [2, 3, 4, 5], "{:?}", answer.rejected);
    assert_eq!(answer.rejected[1].1, "`seconds` of `song` cannot be null");
    world.check(
        "select name, album.title, seconds from song order by name => Amelia|null|2; River|Blue|1
         insert into album (title) values ('Hejira') => Created(1)
         select name, album.title from song order by name => Amelia|Hejira; River|Blue",
    );
}

/// The events of an answer, and how often it gave others a turn.
fn polled(world: &World, statement: &str, cancel: Cancel) -> (Vec<Event>, u32) {
    let request = Request::Execute {
        session: SessionId(1),
        statement: statement.to_owned(),
        parameters: Parameters::default(),
    };
    let mut stream = world.node.connect().request_unless(request, cancel);
    let (mut events, mut turns) = (Vec::new(), 0);
    loop {
        match stream.poll_next_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(event)) => events.push(event),
            Poll::Ready(None) => return (events, turns),
            Poll::Pending => turns += 1,
        }
    }
}

/// Work on long texts, in each kind of statement and each step of a query.
#[test]
fn long_work_gives_others_turns_between_rows() {
    let world = World::new();
    world.run("create model memo (name string, note text)");
    let rows: Vec<String> = (0..100).map(|n| format!("('name {n}', 'note')")).collect();
    world.run(&format!("insert into memo values {}", rows.join(", ")));
    // 100 rows are one batch; for each, a text of about 1 MiB is made and looked at.
    let long = "repeat(name, 100000)";
    for statement in [
        format!("select name from memo where {long} like '%x_x%'"),
        format!("select length({long}) from memo"),
        format!("select name from memo order by length({long}), id"),
        format!("select length({long}) as n, count(*) from memo group by n"),
        format!("select max(length({long})) from memo"),
        format!("select distinct length({long}) from memo"),
        format!("update memo set name = left({long}, 6)"),
        format!("insert into memo (name) select name from memo where length({long}) < 0"),
        format!("delete from memo where {long} = ''"),
        format!("edit memo.note append 'x' where {long} <> ''"),
    ] {
        let (events, turns) = polled(&world, &statement, Cancel::default());
        assert!(matches!(events.last(), Some(Event::Done(_))), "{statement}: {events:?}");
        assert!(turns >= 10, "{statement}: {turns} turns");
    }
    // What is quick needs none but those at its ends.
    let turns =
        polled(&world, "select name from memo where name like 'name%' order by name", Cancel::default()).1;
    assert!(turns < 10, "{turns} turns");
}

#[test]
fn an_expression_that_takes_long_is_given_up_inside_of_a_row() {
    let world = World::new();
    world.run("create model memo (name string)");
    world.run("insert into memo values ('a'), ('b')");
    let cancel = Cancel::default();
    cancel.cancel();
    for expression in [
        "length(repeat(name, 4000000)) < 0",
        "repeat(name, 4000000) like '%x%'",
        "repeat(name, 4000000) = repeat(name, 4000000)",
        "repeat(name, 4000000) || name is null",
        "coalesce(nullif(repeat(name, 4000000), ''), '') = ''",
        "repeat('c', 4000000) ilike '%' || name",
    ] {
        world.run("begin");
        for statement in [
            format!("select name from memo where {expression}"),
            format!("select {expression} from memo"),
            format!("select count(*) filter (where {expression}) from memo"),
            format!("update memo set name = 'c' where {expression}"),
        ] {
            let (events, _) = polled(&world, &statement, cancel.clone());
            match events.last() {
                Some(Event::Failed(failure)) => assert!(failure.is_cancelled(), "{statement}: {failure:?}"),
                other => panic!("{statement}: {other:?}"),
            }
        }
        // The transaction is as it was, and so are the rows.
        world.check("select name from memo order by name => a; b");
        world.run("rollback");
    }
    let (events, _) =
        polled(&world, "update memo set name = left(repeat(name, 4000000), 2)", Cancel::default());
    assert!(matches!(events.last(), Some(Event::Done(_))), "{events:?}");
    world.check("select name from memo order by name => aa; bb");
}
