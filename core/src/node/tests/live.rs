//! Live queries as a program sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::FutureExt;

use super::*;
use crate::node::live::LiveQuestion;
use crate::node::protocol::{EventStream, LiveChange, LiveEvent, LiveQueryInfo, LiveRows, Upkeep};
use crate::value::Timestamp;

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
            Some(Event::LiveQueries(report)) => report.queries,
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
fn first_rows_are_those_of_the_position_that_is_told() {
    let world = world();
    let _other = world.live("select year from album").told();
    let mut late = 0;
    for turns in 0..12 {
        for query in ["select title from album where year > 1", "select count(*), sum(year) from album"] {
            // While it reads its first rows others write, and the reactor takes that in.
            let mut live = world.live(&format!("{query} limit {}", 100 + turns));
            let mut first = None;
            for _ in 0..turns {
                let poll = live.stream.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(event) = poll {
                    first = event;
                    break;
                }
            }
            let told = first.is_some();
            world.run(&format!("insert into album (title, year) values ('n{turns}', {})", turns + 5));
            world.run("delete from album where year = 1");
            world.tasks();
            let Some(Event::Live(event)) = first.or_else(|| live.poll()) else { panic!("nothing was told") };
            live.rows.apply(&event).unwrap();
            let position = live.rows.position().0;
            let at = query.replace("album", &format!("album as of position {position}"));
            let then: Vec<String> = live.rows.rows().iter().map(|row| line(row)).collect();
            assert_eq!(then.join("\n"), world.run(&at).1.text(), "{query} after {turns} turns");
            late += usize::from(!told && turns > 0);
            world.tasks();
            live.told();
            let now: Vec<String> = live.rows.rows().iter().map(|row| line(row)).collect();
            assert_eq!(now.join("\n"), world.run(query).1.text(), "{query} after {turns} turns");
        }
    }
    assert!(late > 3, "{late}");
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
        ("select 1 / (0 * 1)", "division-by-zero"),
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
    assert_eq!((listed[0].upkeep, listed[0].indexed), (Upkeep::ByEntity, true));
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
        ("select title from album where year = 1", Upkeep::ByEntity, true),
        ("select title from album where year in (1, 2) and title > 'a'", Upkeep::ByEntity, true),
        ("select title from album where year between 1 and 5 or year is null", Upkeep::ByEntity, true),
        ("select title from album where title like 'a%' order by year", Upkeep::ByEntity, true),
        ("select title from album where id = @01ARZ3NDEKTSV4RRFFQ69G5FAV", Upkeep::ByEntity, true),
        ("select title from album where title like '%a'", Upkeep::ByEntity, false),
        ("select title from album where year % 2 = 1", Upkeep::ByEntity, false),
        ("select title from album where year = 1 and 6 / year > 0", Upkeep::ByEntity, true),
        ("select title from album where year = 1 order by title limit 1", Upkeep::ByEntity, true),
        ("select title from album limit 1 offset 1", Upkeep::ByEntity, false),
        ("select title, count(*) from album where year = 1 group by title", Upkeep::ByEntity, true),
        ("select count(*) from album where year > 1", Upkeep::ByEntity, true),
        ("select distinct title from album where year = 1", Upkeep::ByEntity, true),
        ("select artist.name from album where year = 1", Upkeep::ByEntity, true),
        ("select title from album where artist.name = 'a'", Upkeep::ByEntity, false),
        ("select count(*) from album", Upkeep::RunAgain, false),
        ("select distinct count(*) from album group by year", Upkeep::RunAgain, false),
        ("select 1", Upkeep::RunAgain, false),
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

#[test]
fn a_window_is_refilled_again_and_again() {
    let world = world();
    for year in 10..100 {
        world.run(&format!("insert into album (title, year) values ('n{year}', {year})"));
    }
    let mut live = world.live("select title from album where year >= 10 order by year limit 2 offset 1");
    assert_eq!(live.told(), "reset 2 = n11 n12");
    assert_eq!(world.listed()[0].kept, 19);
    for year in 10..97 {
        world.run(&format!("delete from album where year = {year}"));
        world.tasks();
        let (left, entered) = (year + 2, year + 3);
        assert_eq!(live.told(), format!("-0, +1 n{entered} = n{left} n{entered}"));
    }
    world.run("delete from album where year = 97");
    world.tasks();
    assert_eq!(live.told(), "-0 = n99");
    world.run("insert into album (title, year) values ('x', 50)");
    world.tasks();
    assert_eq!(live.told(), "+0 n98 = n98 n99");
}

#[test]
fn aggregates_are_kept_by_what_entities_contribute() {
    check(
        "select year, count(*), count(distinct title), sum(year), min(title), max(title), string_agg(title, '+'), \
         avg(cast(year as f64)) from album group by year having count(*) < 4 order by year desc limit 2",
        &[
            ("", "reset 2 = 3|1|1|3|a|a|a|3.0 2|1|1|2|c|c|c|2.0"),
            (
                "insert into album (title, year) values ('b', 3)",
                "~0 3|2|2|6|a|b|a+b|3.0 = 3|2|2|6|a|b|a+b|3.0 2|1|1|2|c|c|c|2.0",
            ),
            (
                "update album set title = 'z' where title = 'a'",
                "~0 3|2|2|6|b|z|z+b|3.0 = 3|2|2|6|b|z|z+b|3.0 2|1|1|2|c|c|c|2.0",
            ),
            (
                "update album set year = 1 where title = 'b' and year = 3",
                "~0 3|1|1|3|z|z|z|3.0 = 3|1|1|3|z|z|z|3.0 2|1|1|2|c|c|c|2.0",
            ),
            (
                "delete from album where year = 3",
                "-0, +1 1|2|1|2|b|b|b+b|1.0 = 2|1|1|2|c|c|c|2.0 1|2|1|2|b|b|b+b|1.0",
            ),
        ],
    );
    check(
        "select sum(year), count(*) filter (where year > 2) from album where year < 9",
        &[
            ("", "reset 1 = 6|1"),
            ("delete from album where year > 1", "~0 1|0 = 1|0"),
            ("delete from album where year = 1", "~0 null|0 = null|0"),
            ("restore album where year = 3", "~0 3|1 = 3|1"),
        ],
    );
}

#[test]
fn distinct_rows_stand_where_the_first_of_their_entities_does() {
    check(
        "select distinct year % 2 from album where year > 0",
        &[
            ("", "reset 2 = 1 0"),
            ("delete from album where title = 'a'", " = 1 0"),
            ("delete from album where title = 'b'", "-0 = 0"),
            ("restore album where title = 'b'", "+0 1 = 1 0"),
            ("update album set year = 4 where title = 'b'", "-0 = 0"),
        ],
    );
}

#[test]
fn references_are_followed_to_what_changed() {
    let world = World::new();
    world.check(
        "create model country (code string key)
         create model artist (name string key, home ref(country), teacher ref(artist))
         create model album (title string, artist ref(artist))
         insert into country (code) values ('DE'), ('UK')
         insert into artist (name, home) select 'Can', id from country where code = 'DE'
         insert into artist (name, home) select 'Pulp', id from country where code = 'UK'
         insert into album (title, artist) select 'Future Days', id from artist where name = 'Can'
         insert into album (title, artist) select 'His n Hers', id from artist where name = 'Pulp'",
    );
    let mut german = world.live("select title from album where artist.home.code = 'DE' order by title");
    let mut taught = world.live("select name, teacher.name as teacher from artist order by 1");
    assert_eq!(german.told(), "reset 1 = Future Days");
    assert_eq!(taught.told(), "reset 2 = Can|null Pulp|null");
    let germany = world.run("select id from country where code = 'DE'").1.text();
    let can = world.run("select id from artist where name = 'Can'").1.text();
    for (statement, expected) in [
        (
            format!("update artist set home = @{germany} where name = 'Pulp'"),
            "+1 His n Hers = Future Days His n Hers",
        ),
        ("delete from country where code = 'DE'".to_owned(), "-0, -0 = "),
        (
            "restore country where code = 'DE'".to_owned(),
            "+0 Future Days, +1 His n Hers = Future Days His n Hers",
        ),
        ("update album set title = 'X' where title = 'Future Days'".to_owned(), ">0 1 X = His n Hers X"),
    ] {
        world.run(&statement);
        world.tasks();
        assert_eq!(german.told(), expected, "{statement}");
    }
    taught.told();
    world.run(&format!("update artist set teacher = @{can}"));
    world.tasks();
    assert_eq!(taught.told(), "~0 Can|Can, ~1 Pulp|Can = Can|Can Pulp|Can");
    world.run("delete from artist where name = 'Can'");
    world.tasks();
    assert_eq!(taught.told(), "-0, ~0 Pulp|null = Pulp|null");
    assert!(world.listed().iter().all(|query| query.upkeep == Upkeep::ByEntity));
}

#[test]
fn a_query_that_fails_to_begin_with_gives_rows_when_the_data_are_mended() {
    for alone in [true, false] {
        let world = world();
        world.run("insert into album (title, year) values ('z', 0)");
        let query = "select title, 6 / year from album where year < 3 and 6 / year > 1";
        let mut first = (!alone).then(|| world.live(query));
        let mut live = world.live(query);
        assert_eq!(live.told(), "failed division-by-zero = ");
        world.check("insert into album (title, year) values ('y', 9)");
        world.tasks();
        assert_eq!(live.told(), " = ");
        world.run("update album set year = 1 where title = 'z'");
        world.tasks();
        assert_eq!(live.told(), "reset 3 = b|6 c|3 z|6");
        if let Some(first) = &mut first {
            assert_eq!(first.told(), "reset 3 = b|6 c|3 z|6");
        }
        assert_eq!(world.listed()[0].upkeep, Upkeep::ByEntity);
    }
}

#[test]
fn a_failure_of_a_shared_query_names_no_place_in_the_text_of_another() {
    let world = world();
    let places = |live: &mut Live| {
        let mut places = Vec::new();
        while let Some(Event::Live(event)) = live.poll() {
            if let LiveEvent::Failed { failure, .. } = event {
                places.push((failure.kind, failure.span));
            }
        }
        places
    };
    let short = "select title from album where 6 / year > 1";
    let mut lives = [
        world.live(&format!("select title from album where {}6 / year > 1", " ".repeat(45))),
        world.live(short),
        world.live(short),
    ];
    lives.iter_mut().for_each(|live| drop(places(live)));
    assert_eq!(world.listed().len(), 1);
    world.run("update album set year = 0 where title = 'a'");
    world.tasks();
    let kind = "division-by-zero".to_owned();
    let told = lives.each_mut().map(places);
    assert_eq!(told[0], vec![(kind.clone(), Some((75, 83)))]);
    assert_eq!(told[1], vec![(kind.clone(), None)]);
    assert_eq!(told[2], vec![(kind, None)]);
}

#[test]
fn a_row_that_fails_behind_the_limit_does_not_matter() {
    check(
        "select title, 6 / year from album where year is not null limit 2",
        &[
            ("", "reset 2 = a|2 b|6"),
            ("insert into album (title, year) values ('z', 0)", " = a|2 b|6"),
            ("delete from album where title = 'b'", "-1, +1 c|3 = a|2 c|3"),
            ("delete from album where title = 'c'", "failed division-by-zero = a|2 c|3"),
            ("update album set year = 1 where title = 'z'", "reset 2 = a|2 z|6"),
        ],
    );
}

#[test]
fn who_waits_for_a_model_gets_its_rows_when_it_is_there() {
    let world = World::new();
    let ask = || {
        LiveQuestion::statement(
            "select title from record where year > 1",
            Parameters::default(),
            Timestamp(0),
        )
    };
    let refused = block_on(world.node.live(ask())).unwrap_err();
    assert_eq!(refused.kind, "unknown-model");
    let waiting = block_on(world.node.live(ask().waiting())).unwrap();
    let next = || {
        world.tasks();
        match waiting.next().now_or_never() {
            None => "nothing".to_owned(),
            Some(Ok(LiveEvent::Reset { rows, .. })) => format!("reset {}", rows.len()),
            Some(Ok(LiveEvent::Failed { failure, .. })) => format!("failed {}", failure.kind),
            Some(Ok(LiveEvent::Changes { changes, .. })) => {
                changes.iter().map(shown).collect::<Vec<_>>().join(", ")
            }
            Some(Err(failure)) => format!("end {}", failure.kind),
        }
    };
    assert_eq!((next(), next()), ("failed unknown-model".to_owned(), "nothing".to_owned()));
    let failure = |world: &World| world.listed()[0].failure.clone().map(|failure| failure.kind);
    assert_eq!(failure(&world), Some("unknown-model".to_owned()));
    world.check("create model other (name string)");
    assert_eq!(next(), "nothing");
    world.check("create model record (title string, year i64)");
    assert_eq!((next(), next()), ("reset 0".to_owned(), "nothing".to_owned()));
    world.check("insert into record (title, year) values ('a', 2)");
    assert_eq!(next(), "+0 a");
    let listed = world.listed();
    assert_eq!((listed.len(), listed[0].upkeep, listed[0].indexed), (1, Upkeep::ByEntity, true));
    assert_eq!(listed[0].last_failure.clone().map(|failure| failure.kind), Some("unknown-model".to_owned()));
    drop(waiting);
    assert_eq!(world.listed(), vec![]);
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("this waker always does");
    }
}

#[test]
fn a_waker_that_panics_concerns_nobody_else() {
    let world = world();
    let (mut bad, mut good) = (world.live("select title from album"), world.live("select title from album"));
    assert_eq!((bad.told(), good.told()), ("reset 3 = a b c".to_owned(), "reset 3 = a b c".to_owned()));
    let waker = Waker::from(Arc::new(Panics));
    for title in ["d", "e"] {
        assert!(bad.stream.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
        world.check(&format!("insert into album (title) values ('{title}')"));
        world.tasks();
        assert!(good.told().starts_with(&format!("+{} {title}", good.rows.rows().len() - 1)));
        assert!(bad.told().starts_with(&format!("+{} {title}", bad.rows.rows().len() - 1)));
    }
}

#[test]
fn a_node_says_how_often_a_query_tells_something_and_what_failed_last() {
    let world = world();
    let _live = world.live("select 6 / year from album where year is not null").told();
    let mut live = world.live("select title, 6 / year from album where year is not null");
    live.told();
    world.fixed.clock.advance(1_000_000);
    for year in [5, 6, 0, 1] {
        world.check(&format!("update album set year = {year} where title = 'b'"));
        world.tasks();
    }
    let listed = world.listed();
    assert_eq!(
        (listed.len(), listed[0].notifications, listed[0].per_second, listed[0].waiting),
        (1, 3, 0.3, 1)
    );
    assert_eq!(listed[0].failure, None);
    assert_eq!(
        listed[0].last_failure.as_ref().map(|failure| failure.kind.as_str()),
        Some("division-by-zero")
    );
    world.fixed.clock.advance(60_000_000);
    assert_eq!(world.listed()[0].per_second, 0.0);
}

#[test]
fn what_the_residual_list_costs_is_counted() {
    let world = world();
    let totals = || match world.ask(Request::LiveQueries).unwrap().1.others.pop() {
        Some(Event::LiveQueries(report)) => report.totals,
        other => panic!("{other:?}"),
    };
    let indexed = world.live("select title from album where year = 3").told();
    assert_eq!(indexed, "reset 1 = a");
    assert_eq!(totals(), Default::default());
    let mut lives = [
        "select title from album where year = 9",
        "select title from album where title like '%a'",
        "select title from album where artist.name = 'Can'",
        "select distinct count(*) from album group by year",
    ]
    .map(|query| world.live(query));
    lives.iter_mut().for_each(|live| drop(live.told()));
    world.fixed.clock.advance(1_000_000);
    assert_eq!((totals().subscribers, totals().indexed, totals().residual, totals().run_again), (4, 1, 3, 1));
    assert_eq!((totals().looks, totals().runs), (0, 0));
    // Two entities for each of two queries, and one that is run again; none for the one that an index finds.
    world.run("insert into album (title, year) values ('x', 7), ('y', 8)");
    assert_eq!((totals().looks, totals().looks_per_second), (4, 0.4));
    assert_eq!((totals().runs, totals().runs_per_second), (1, 0.1));
    world.run("insert into artist (name) values ('Neu!')");
    // Nobody refers to it.
    assert_eq!((totals().looks, totals().runs), (4, 1));
    world.fixed.clock.advance(60_000_000);
    assert_eq!((totals().looks_per_second, totals().runs_per_second), (0.0, 0.0));
}

#[test]
fn a_type_that_changes_under_a_query_is_told() {
    check(
        "select title, year from album where year > 2",
        &[
            ("", "reset 1 = a|3"),
            ("alter model album rename property year to made", "end unknown-property = a|3"),
        ],
    );
    // A property of another type under the same name is another property: all rows come anew, with its values.
    let world = world();
    let mut live = world.live("select title, year from album where title = 'a'");
    assert_eq!(live.told(), "reset 1 = a|3");
    world.check(
        "alter model album rename property year to number
         alter model album add property year string",
    );
    world.tasks();
    assert_eq!(live.told(), "reset 1 = a|null");
    world.run("update album set year = 'MCMLXX' where title = 'a'");
    world.tasks();
    assert_eq!(live.told(), "~0 a|MCMLXX = a|MCMLXX");
}
