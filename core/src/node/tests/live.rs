//! Live queries as a program sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::node::protocol::{EventStream, LiveChange, LiveEvent, LiveQueryInfo, LiveRows, Upkeep};

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A live query that is followed.
struct Live {
    stream: EventStream,
    rows: LiveRows,
}

impl Live {
    /// The next event, unless it waits for something.
    fn poll(&mut self) -> Option<Event> {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            match self.stream.poll_next_unpin(&mut Context::from_waker(&waker)) {
                Poll::Ready(event) => return event,
                Poll::Pending if woken.0.swap(false, Ordering::SeqCst) => {}
                Poll::Pending => return None,
            }
        }
    }

    /// What is told next, a change a line, and the rows then.
    fn told(&mut self) -> String {
        let mut lines = Vec::new();
        while let Some(event) = self.poll() {
            let event = match event {
                Event::Live(event) => event,
                Event::Failed(failure) => {
                    lines.push(format!("end {}", failure.kind));
                    break;
                }
                other => panic!("{other:?}"),
            };
            self.rows.apply(&event).unwrap();
            match event {
                LiveEvent::Reset { rows, .. } => lines.push(format!("reset {}", rows.len())),
                LiveEvent::Failed { failure, .. } => lines.push(format!("failed {}", failure.kind)),
                LiveEvent::Changes { changes, .. } => lines.extend(changes.iter().map(shown)),
            }
        }
        let rows: Vec<String> = self.rows.rows().iter().map(|row| line(row)).collect();
        format!("{} = {}", lines.join(", "), rows.join(" "))
    }
}

fn shown(change: &LiveChange) -> String {
    match change {
        LiveChange::Enter { at, row } => format!("+{at} {}", line(row)),
        LiveChange::Leave { at } => format!("-{at}"),
        LiveChange::Update { at, row } => format!("~{at} {}", line(row)),
        LiveChange::Move { from, to, row } => format!(">{from} {to} {}", line(row)),
    }
}

fn line(row: &[Value]) -> String {
    row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
}

impl World {
    fn live(&self, statement: &str) -> Live {
        let request = Request::Live { statement: statement.to_owned(), parameters: Parameters::default() };
        Live { stream: self.node.connect().request(request), rows: LiveRows::default() }
    }

    fn tasks(&self) {
        self.fixed.spawn.run_until_stalled();
    }

    fn listed(&self) -> Vec<LiveQueryInfo> {
        match self.ask(Request::LiveQueries).unwrap().1.others.pop() {
            Some(Event::LiveQueries(queries)) => queries,
            other => panic!("{other:?}"),
        }
    }
}

fn world() -> World {
    let world = World::new();
    world.check(
        "create model artist (name string key)
         create model album (title string, year i64, artist ref(artist))
         insert into album (title, year) values ('a', 3), ('b', 1), ('c', 2)",
    );
    world
}

/// Follows a query while statements run: what is told after each of them.
#[track_caller]
fn check(query: &str, steps: &[(&str, &str)]) {
    let world = world();
    let mut live = world.live(query);
    for (statement, expected) in steps {
        if !statement.is_empty() {
            world.check(statement);
        }
        world.tasks();
        assert_eq!(live.told(), *expected, "{statement}");
    }
}

#[test]
fn rows_enter_leave_change_and_move() {
    check(
        "live select title, year from album where year < 5 order by year",
        &[
            ("", "reset 3 = b|1 c|2 a|3"),
            ("insert into album (title, year) values ('d', 0), ('x', 9)", "+0 d|0 = d|0 b|1 c|2 a|3"),
            ("update album set year = 4 where title = 'b'", ">1 3 b|4 = d|0 c|2 a|3 b|4"),
            ("update album set title = 'A' where title = 'a'", "~2 A|3 = d|0 c|2 A|3 b|4"),
            ("update album set year = null where title = 'd'", "-0 = c|2 A|3 b|4"),
            ("delete from album where title = 'c'", "-0 = A|3 b|4"),
            ("restore album where title = 'c'", "+0 c|2 = c|2 A|3 b|4"),
            ("insert into album (title, year) values ('y', 7)", " = c|2 A|3 b|4"),
        ],
    );
}

#[test]
fn a_window_is_refilled() {
    check(
        "select title from album order by year limit 2",
        &[
            ("", "reset 2 = b c"),
            ("delete from album where title = 'b'", "-0, +1 a = c a"),
            ("insert into album (title, year) values ('d', 1)", "-1, +0 d = d c"),
        ],
    );
}

#[test]
fn groups_and_references_are_followed() {
    check(
        "select count(*), max(year) from album where year > 1",
        &[("", "reset 1 = 2|3"), ("update album set year = 9 where title = 'b'", "~0 3|9 = 3|9")],
    );
    let world = world();
    let mut live = world.live("select title, artist.name from album where artist.name is not null");
    assert_eq!(live.told(), "reset 0 = ");
    let artist = world.run("insert into artist (name) values ('Can') returning id").1.text();
    for (statement, expected) in [
        (format!("update album set artist = @{artist} where title = 'a'"), "+0 a|Can = a|Can"),
        ("delete from artist".to_owned(), "-0 = "),
        ("restore artist".to_owned(), "+0 a|Can = a|Can"),
    ] {
        world.run(&statement);
        world.tasks();
        assert_eq!(live.told(), expected, "{statement}");
    }
}

#[test]
fn a_failure_does_not_end_it() {
    check(
        "select title, 6 / year from album where year is not null",
        &[
            ("", "reset 3 = a|2 b|6 c|3"),
            ("update album set year = 0 where title = 'a'", "failed division-by-zero = a|2 b|6 c|3"),
            ("update album set year = 7 where title = 'b'", " = a|2 b|6 c|3"),
            ("update album set year = 1 where title = 'a'", "reset 3 = a|6 b|0 c|3"),
        ],
    );
}

#[test]
fn a_change_of_the_catalog_is_followed() {
    check(
        "select title from album where year > 1",
        &[
            ("", "reset 2 = a c"),
            ("alter model album add property genre string", " = a c"),
            ("alter model album drop property year", "end unknown-property = a c"),
        ],
    );
    check(
        "select * from album where year > 2",
        &[
            ("", "reset 1 = a|3|null"),
            ("alter model album add property genre string", "reset 1 = a|3|null|null"),
            ("update album set genre = 'g'", "~0 a|3|null|g = a|3|null|g"),
        ],
    );
}

#[test]
fn what_means_nothing_is_an_error() {
    let world = world();
    for (query, kind) in [
        ("live select x from album", "unknown-property"),
        ("select * from nothing", "unknown-model"),
        ("live", "syntax"),
        ("delete from album", "not-a-query"),
        ("select 1 / (year - 1) from album", "division-by-zero"),
    ] {
        assert_eq!(world.live(query).told(), format!("end {kind} = "), "{query}");
    }
    assert_eq!(world.run_in(1, "live select 1").unwrap_err().kind, "live");
    assert_eq!(world.listed(), vec![]);
}

#[test]
fn equal_queries_share_a_result() {
    let world = world();
    let mut first = world.live("select title from album where year = 3");
    let mut second = world.live("LIVE select title  from album where year=3");
    let mut other = world.live("select title from album where year = 2");
    assert_eq!(first.told(), "reset 1 = a");
    assert_eq!(other.told(), "reset 1 = c");
    assert_eq!(second.told(), "reset 1 = a");
    let listed = world.listed();
    let shown: Vec<_> =
        listed.iter().map(|query| (query.text.as_str(), query.rows, query.subscribers)).collect();
    assert_eq!(
        shown,
        [("select title from album where year = 3", 1, 2), ("select title from album where year = 2", 1, 1)]
    );
    assert_eq!((listed[0].upkeep, listed[0].indexed), (Upkeep::RowByRow, true));
    drop(first);
    assert_eq!(world.listed()[0].subscribers, 1);
    drop(second);
    drop(other);
    assert_eq!(world.listed(), vec![]);
    world.tasks();
    assert_eq!(world.fixed.spawn.run_until_stalled(), 0);
}

#[test]
fn one_who_does_not_read_gets_all_rows_later() {
    let world = world();
    let mut slow = world.live("select count(*) from album");
    let mut quick = world.live("select count(*) from album");
    assert_eq!((slow.told(), quick.told()), ("reset 1 = 3".to_owned(), "reset 1 = 3".to_owned()));
    for number in 0..300 {
        world.run(&format!("insert into album (title, year) values ('n', {number})"));
        world.tasks();
        assert_eq!(quick.told(), format!("~0 {0} = {0}", number + 4));
    }
    assert_eq!(world.listed()[0].waiting, 1);
    assert_eq!(slow.told(), "reset 1 = 303");
    assert_eq!(world.listed()[0].waiting, 0);
}

#[test]
fn a_burst_of_commits_is_one_step() {
    let world = world();
    let mut live = world.live("select title from album where year > 10");
    assert_eq!(live.told(), "reset 0 = ");
    world.check(
        "insert into album (title, year) values ('d', 20)
         update album set title = 'e' where title = 'd'
         insert into album (title, year) values ('f', 20)
         delete from album where title = 'f'",
    );
    world.tasks();
    assert_eq!(live.told(), "+0 e = e");
}

#[test]
fn a_query_that_joins_behind_the_others_is_caught_up_with() {
    let world = world();
    let mut first = world.live("select title from album where year > 10");
    assert_eq!(first.told(), "reset 0 = ");
    // Its rows are read, then others commit, and only then does the reactor go on.
    world.check("insert into album (title, year) values ('d', 20)");
    let mut second = world.live("select title from album where year > 11");
    assert_eq!(second.told(), "reset 1 = d");
    world.check("insert into album (title, year) values ('e', 20)");
    world.tasks();
    assert_eq!(first.told(), "+0 d, +1 e = d e");
    assert_eq!(second.told(), "+0 d, +1 e = d e".replace("+0 d, ", ""));
}

#[test]
fn conditions_that_an_index_serves_are_found_by_it() {
    let world = world();
    for (query, upkeep, indexed) in [
        ("select title from album where year = 1", Upkeep::RowByRow, true),
        ("select title from album where year in (1, 2) and title > 'a'", Upkeep::RowByRow, true),
        ("select title from album where year between 1 and 5 or year is null", Upkeep::RowByRow, true),
        ("select title from album where title like 'a%' order by year", Upkeep::RowByRow, true),
        ("select title from album where id = @01ARZ3NDEKTSV4RRFFQ69G5FAV", Upkeep::RowByRow, true),
        ("select title from album where title like '%a'", Upkeep::RowByRow, false),
        ("select title from album where year % 2 = 1", Upkeep::RunAgain, false),
        ("select title from album where year = 1 limit 1", Upkeep::RunAgain, false),
        ("select count(*) from album where year = 1", Upkeep::RunAgain, false),
        ("select artist.name from album where year = 1", Upkeep::RunAgain, false),
    ] {
        let mut live = world.live(query);
        assert!(live.told().starts_with("reset"), "{query}");
        let listed = world.listed();
        assert_eq!((listed[0].upkeep, listed[0].indexed), (upkeep, indexed), "{query}");
    }
}

#[test]
fn an_indexed_query_is_left_by_what_no_longer_matches() {
    check(
        "select title from album where year in (1, 2) or year > 100 or year is null",
        &[
            ("", "reset 2 = b c"),
            ("update album set year = 50 where title = 'b'", "-0 = c"),
            ("update album set year = 101 where title = 'a'", "+0 a = a c"),
            ("update album set year = null where title = 'b'", "+1 b = a b c"),
            ("delete from album where title = 'b'", "-1 = a c"),
            ("update album set year = 100 where title = 'a'", "-0 = c"),
        ],
    );
}

#[test]
fn closing_the_store_ends_it() {
    let world = world();
    let mut live = world.live("select title from album where year > 2");
    assert_eq!(live.told(), "reset 1 = a");
    block_on(world.node.close()).unwrap();
    world.tasks();
    assert_eq!(live.told(), "end closed = a");
    assert_eq!(world.fixed.spawn.run_until_stalled(), 0);
}
