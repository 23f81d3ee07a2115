//! Over a link everything is answered as in the same process.

use std::task::{Context, Waker};

use ankurah_core::node::link::ClientOptions;
use ankurah_core::node::link::memory::whole;
use ankurah_core::node::protocol::{
    Cancel, Cell, Connection, Event, EventStream, LiveEvent, Parameters, Request, SessionId,
};
use ankurah_core::storage::{Position, SetAside};
use ankurah_core::value::Value;
use futures::StreamExt;
use futures::executor::block_on;

use crate::common::{Site, ask, execute, links, number, pieces, run, run_in};

/// Every kind of request that is answered to an end, most of them several times.
fn requests() -> Vec<Request> {
    let statements = [
        "create model album (number i64 key, name string not null, price decimal, note text)",
        "insert into album (number, name, price, note) values (1, 'Blue', 1.50, 'quiet'), (2, 'Hejira', null, '')",
        "select * from album order by number",
        "selec 1",
        "select nmae from album",
        "select 1 / 0 from album",
        "begin",
        "update album set price = 2 where number = 2 returning *",
        "select count(*) as n from album where price > 1",
        "insert into album (number, name) values (1, 'Blue')",
        "select 1",
        "rollback",
        "begin serializable",
        "delete from album where number = 1",
        "commit",
        "restore from album where number = 1",
        "explain select * from album where number = 1",
        "select name from album where name like 'H%' as of position 5",
        "select null as n, true as t, 1.5e300 as f, x'00ff' as b, timestamp '2024-01-01 00:00:00' as s",
        "history of album where number = 1",
        "",
    ];
    let mut requests: Vec<Request> = statements.iter().map(|text| execute(1, text)).collect();
    let named = Parameters {
        positional: vec![Value::Int(2), Value::String("x".into())],
        named: vec![("name".to_owned(), Value::String("Blue".into()))],
    };
    let with = |statement: &str| Request::Execute {
        session: SessionId(7),
        statement: statement.to_owned(),
        parameters: named.clone(),
    };
    requests.push(with("select number, ? as a, $2 as b from album where name = $name"));
    requests.push(with("select $missing"));
    let row = |number: i64| vec![Cell::Value(Value::Int(number)), Cell::Value(Value::String("x".into()))];
    let columns = vec!["number".to_owned(), "name".to_owned()];
    let rows = vec![row(3), row(4), vec![Cell::Value(Value::Int(5)), Cell::Value(Value::Null)]];
    requests.push(Request::Upsert { session: SessionId(1), model: "album".to_owned(), columns, rows });
    requests.extend([
        Request::Info,
        Request::Catalog,
        Request::CloseSession { session: SessionId(7) },
        Request::LiveQueries,
        Request::Verify,
        Request::Indexes,
        Request::Log { after: Position(0), follow: false },
    ]);
    requests.extend(
        [SetAside::Parked, SetAside::Refused, SetAside::Equivocal].map(|set| Request::SetAside { set }),
    );
    requests
}

/// All answers, those about each entity's operations too.
fn answers(connection: &dyn Connection) -> Vec<Vec<Event>> {
    let mut answers: Vec<_> = requests().into_iter().map(|request| ask(connection, request)).collect();
    let entities: Vec<_> = answers
        .iter()
        .flatten()
        .filter_map(|event| match event {
            Event::Log(entry) => Some(entry.changes.iter().map(|change| change.entity)),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(entities.len() > 4);
    for entity in entities {
        answers.push(ask(connection, Request::Operations { entity, after: None }));
    }
    answers
}

#[test]
fn every_request_is_answered_as_in_the_same_process() {
    let expected = answers(&*Site::new(3).node.connect());
    for seed in 0..6 {
        let site = Site::new(3);
        let carry = if seed == 0 { whole() } else { pieces(seed) };
        let found = answers(&site.link(carry));
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "seed {seed}, answer {at}");
        }
        assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn long_answers_come_whole_and_beside_each_other() {
    let site = Site::new(1);
    site.fill(3000, &"x".repeat(300));
    // Each in a session of its own, which an answer has for itself until its end.
    let query = |session| execute(session, "select * from album order by number");
    let expected = ask(&*site.node.connect(), query(1));
    let link = site.link(whole());
    let mut streams: Vec<EventStream> = (1..4).map(|session| link.request(query(session))).collect();
    let mut found = vec![Vec::new(); 3];
    // In turns, so that each waits for credit while others are read.
    while found.iter().any(|events| !matches!(events.last(), Some(Event::Done(_)))) {
        for (events, stream) in found.iter_mut().zip(&mut streams) {
            events.extend(block_on(stream.next()));
        }
    }
    for events in found {
        let rows = |events: &[Event]| -> Vec<_> {
            events.iter().filter(|event| matches!(event, Event::Rows(_))).cloned().collect()
        };
        assert_eq!(rows(&events), rows(&expected));
    }
}

#[test]
fn sessions_of_links_are_their_own_and_end_with_them() {
    let site = Site::new(1);
    site.fill(1, "a");
    let here = site.node.connect();
    let (one, two) = (site.link(whole()), site.link(pieces(4)));
    for connection in [&*here, &one, &two] {
        run(connection, "begin").unwrap();
    }
    run(&one, "update album set note = 'one'").unwrap();
    run(&two, "update album set note = 'two'").unwrap();
    assert_eq!(links(&*here).len(), 2);
    drop(one);
    run(&two, "commit").unwrap();
    run(&*here, "rollback").unwrap();
    assert_eq!(number(&*here, "select count(*) from album where note = 'two'"), 1);
    // The same number opens another session once the first is closed.
    run(&two, "begin").unwrap();
    ask(&two, Request::CloseSession { session: SessionId(1) });
    let failure = run(&two, "commit").unwrap_err();
    assert_eq!(failure.kind, "no-transaction");
}

#[test]
fn a_link_has_a_limit_of_sessions() {
    let site = Site::new(1);
    let link = site.link(whole());
    for session in 0..256 {
        run_in(session, &link, "begin").unwrap();
    }
    assert_eq!(run_in(1000, &link, "begin").unwrap_err().kind, "too-many-sessions");
    ask(&link, Request::CloseSession { session: SessionId(3) });
    run_in(1000, &link, "begin").unwrap();
    assert_eq!(site.the_link().sessions, 256);
    drop(link);
}

#[test]
fn what_writes_is_refused_on_a_link_for_reading() {
    let site = Site::new(1);
    site.fill(2, "a");
    let options = ClientOptions { program: "test".to_owned(), read_only: true };
    let link = site.node.loopback(options, whole());
    for statement in ["delete from album", "create model m (a i64)", "explain analyze delete from album"] {
        assert_eq!(run(&link, statement).unwrap_err().kind, "read-only", "{statement}");
    }
    let upsert = Request::Upsert {
        session: SessionId(1),
        model: "album".to_owned(),
        columns: vec!["number".to_owned()],
        rows: vec![vec![Cell::Value(Value::Int(9))]],
    };
    assert!(matches!(ask(&link, upsert).as_slice(), [Event::Failed(failure)] if failure.kind == "read-only"));
    assert_eq!(number(&link, "select count(*) from album"), 2);
    let welcome = block_on(link.remote().welcome()).unwrap();
    assert!(welcome.read_only && site.the_link().read_only);
}

/// The events that are there without waiting for anything else to happen.
fn ready(stream: &mut EventStream) -> Vec<Event> {
    let mut events = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    while let std::task::Poll::Ready(Some(event)) = stream.poll_next_unpin(&mut context) {
        events.push(event);
    }
    events
}

#[test]
fn live_queries_tell_what_others_commit() {
    let site = Site::new(1);
    site.fill(3, "a");
    let link = site.link(whole());
    let live = |statement: &str| {
        link.request(Request::Live { statement: statement.to_owned(), parameters: Parameters::default() })
    };
    let mut stream = live("live select number from album where note = 'a' order by number");
    let first = block_on(stream.next());
    assert!(
        matches!(&first, Some(Event::Live(LiveEvent::Reset { rows, .. })) if rows.len() == 3),
        "{first:?}"
    );
    run(&*site.node.connect(), "update album set note = 'b' where number = 1").unwrap();
    site.fixed.spawn.run_until_stalled();
    // What was committed before has reached the other side when this is answered.
    ask(&link, Request::LiveQueries);
    let news = ready(&mut stream);
    assert!(
        matches!(news.as_slice(), [Event::Live(LiveEvent::Changes { changes, .. })] if changes.len() == 1),
        "{news:?}"
    );
    // The same where the commit came over the link.
    run(&link, "delete from album where number = 2").unwrap();
    site.fixed.spawn.run_until_stalled();
    ask(&link, Request::LiveQueries);
    assert_eq!(ready(&mut stream).len(), 1);
    drop(stream);
    ask(&link, Request::Info);
    let queries = ask(&link, Request::LiveQueries);
    assert!(
        matches!(queries.first(), Some(Event::LiveQueries(report)) if report.queries.is_empty()),
        "{queries:?}"
    );
}

#[test]
fn one_who_reads_slowly_holds_up_no_memory_and_nobody_else() {
    let site = Site::new(1);
    site.fill(20_000, &"y".repeat(200));
    let link = site.link(whole());
    let mut slow = link.request(execute(9, "select * from album"));
    assert!(matches!(block_on(slow.next()), Some(Event::Columns(_))));
    for _ in 0..20 {
        assert_eq!(number(&link, "select count(*) from album where number < 10"), 10);
        assert!(matches!(ask(&link, Request::Info).as_slice(), [Event::Info(_), Event::Done(_)]));
    }
    let info = site.the_link();
    // One event may wait whole, and what there was credit for is at the other side.
    assert!(info.bytes_out < 768 << 10, "{info:?}");
    assert!(info.waiting < 512 << 10 && info.open == 1, "{info:?}");
    let rest = block_on(slow.collect::<Vec<_>>());
    let rows = rest.iter().map(|event| if let Event::Rows(rows) = event { rows.len() } else { 0 });
    assert_eq!(rows.sum::<usize>(), 20_000);
    assert_eq!(site.the_link().open, 0);
}

#[test]
fn what_is_dropped_or_cancelled_is_given_up_at_the_other_side() {
    let site = Site::new(1);
    site.fill(5000, &"z".repeat(200));
    let link = site.link(whole());
    for _ in 0..300 {
        let mut stream = link.request(execute(1, "select * from album"));
        assert!(block_on(stream.next()).is_some());
    }
    ask(&link, Request::Info);
    assert_eq!(site.the_link().open, 0);
    // An open transaction stays as it was.
    run(&link, "begin").unwrap();
    run(&link, "delete from album where number < 10").unwrap();
    let cancel = Cancel::default();
    let mut stream = link.request_unless(execute(1, "select * from album"), cancel.clone());
    assert!(block_on(stream.next()).is_some());
    cancel.cancel();
    let rest = block_on(stream.collect::<Vec<_>>());
    assert!(
        matches!(rest.last(), Some(Event::Failed(failure)) if failure.is_cancelled()),
        "{:?}",
        rest.last()
    );
    assert_eq!(number(&link, "select count(*) from album"), 4990);
    run(&link, "rollback").unwrap();
    assert_eq!(site.the_link().open, 0);
}

#[test]
fn too_many_open_requests_are_refused_here() {
    let site = Site::new(1);
    site.fill(1, "a");
    let link = site.link(whole());
    let live =
        Request::Live { statement: "live select * from album".to_owned(), parameters: Parameters::default() };
    let mut streams: Vec<_> = (0..256).map(|_| link.request(live.clone())).collect();
    for stream in &mut streams {
        assert!(matches!(block_on(stream.next()), Some(Event::Live(_))));
    }
    let refused = ask(&link, Request::Info);
    assert!(matches!(refused.as_slice(), [Event::Failed(failure)] if failure.kind == "too-many-requests"));
    streams.pop();
    assert_eq!(ask(&link, Request::Info).len(), 2);
}
