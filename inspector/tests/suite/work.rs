//! What keys do, beyond what a page shows.

use std::sync::Arc;

use ankurah_core::node::journal::JournalLevel;
use ankurah_core::node::protocol::{
    Connection, Event, EventStream, FrameKind, LinkInfo, LinkPeer, Request, TapDirection, TapFrame, TapFrames,
};
use ankurah_core::value::Timestamp;
use ankurah_inspector::connection::Workers;
use ankurah_inspector::headless::Headless;
use ankurah_inspector::key::{Key, parse_keys};
use ankurah_inspector::keymap::Keymap;
use ankurah_inspector::message::{Ask, Effect, Message, Reply, Slot};
use ankurah_inspector::state::{Options, State};
use futures::StreamExt;
use futures::executor::block_on;

use crate::common::{World, press, shown};

#[test]
fn nothing_is_changed_unless_asked_for() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter enter e");
    assert!(shown(&headless).contains("the inspector only reads: start it with --write"));
}

#[test]
fn a_value_is_changed() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), true);
    press(&mut headless, "2 enter j enter j j e");
    assert!(shown(&headless).contains("value 1970"), "{}", shown(&headless));
    press(&mut headless, "backspace backspace '68' enter");
    assert!(shown(&headless).contains("  1968"), "{}", shown(&headless));
    assert!(shown(&headless).contains("operations  2"), "{}", shown(&headless));
}

/// Whatever is typed as a value is one expression: it never reaches another property, or another entity.
#[test]
fn a_typed_value_changes_nothing_else() {
    let world = World::music();
    let all = "select id, name, year from album where name not like 'Ptah%' order by id";
    let others = world.rows(all);
    let edited = |typed: &str| {
        let mut headless = world.inspect((120, 24), true);
        press(&mut headless, &format!("2 enter j enter j j e ctrl-u {typed} enter"));
        let mine = world.rows("select id, name, year from album where name like 'Ptah%'");
        let years: Vec<String> = mine.iter().map(|row| row[1].to_string()).collect();
        (years.join(" "), shown(&headless))
    };
    for (typed, year, said) in [
        ("''", "1970", "type a value, such as 'a text', 12, true or null"),
        ("'  '", "1970", "type a value"),
        ("'1, name = 2'", "1970", "unexpected `,`"),
        ("'1 where true'", "1970", "unexpected `where`"),
        ("'1; delete from album'", "1970", "unexpected `;`"),
        // A comment is no part of the value, and ends with it.
        ("'1970 -- 13'", "1970", "changed"),
        ("'1970 /* 13'", "1970", "no closing"),
        ("'year + 1 - -1'", "1972", "changed"),
        ("'1970'", "1970", "changed"),
    ] {
        let (found, shown) = edited(typed);
        assert!(found == year && shown.contains(said), "{typed}: {found}\n{shown}");
        assert_eq!(world.rows(all), others, "{typed}");
    }
}

/// A comment in a condition ends with it: the rows are still sorted, and read page by page.
#[test]
fn a_condition_does_not_reach_beyond_itself() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter l l l s f 'year > 1960 -- recent' enter");
    let statement = "select id, name, artist, year, rating, note from album where year > 1960 order by year";
    let asked = headless.state.asked.iter().rev().find(|asked| asked.slot == Slot::Page).unwrap();
    assert_eq!(asked.what, format!("{statement} limit 128 offset 0"));
}

#[test]
fn what_is_typed_is_listed_at_once_and_given_up_by_escape() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter f 'year > 1960'");
    assert!(shown(&headless).contains("album  2 entities  where year > 1960"), "{}", shown(&headless));
    press(&mut headless, "' and'");
    // What cannot be read changes nothing yet, and is said.
    assert!(shown(&headless).contains("album  2 entities  where year > 1960"), "{}", shown(&headless));
    press(&mut headless, "esc");
    assert!(shown(&headless).contains("album  3 entities\n"), "{}", shown(&headless));
    press(&mut headless, "f 'yea' tab '> 1960 order by year desc' enter");
    assert!(shown(&headless).contains("where year > 1960 order by year desc"), "{}", shown(&headless));
    assert!(shown(&headless).contains("2 entities"), "{}", shown(&headless));
    press(&mut headless, "f ctrl-u 'yaer = 1' enter");
    assert!(shown(&headless).contains("did you mean `year`"), "{}", shown(&headless));
    press(&mut headless, "f ctrl-u 'year = 1 limit 1' enter");
    assert!(shown(&headless).contains("leave the limit out"), "{}", shown(&headless));
}

#[test]
fn an_entity_is_exported_as_a_script() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter j enter x");
    let Some(Effect::Save { name, content }) = headless.outside.last() else {
        panic!("{:?}", headless.outside)
    };
    assert!(name.starts_with("entity-") && name.ends_with(".ank"));
    let lines: Vec<&str> = content.lines().skip(1).collect();
    let comment = lines.get(5).copied().unwrap();
    assert!(comment.starts_with("-- 0"), "{comment}");
    assert_eq!(
        lines,
        [
            "create model album (",
            "    name string,",
            "    year i64,",
            "    note text",
            ");",
            comment,
            "insert into album (name, year, note) values ('Ptah, the El Daoud', 1970, 'A record.');",
            "select * from album;",
        ]
    );
}

/// An entity that was edited, deleted, restored and changed by several at once: its script makes it what it is.
#[test]
fn a_script_makes_every_operation_again() {
    let world = World::music();
    let edited = "where year = 1959";
    for statement in [
        "edit album.note at 2 delete 5",
        "delete from album",
        "restore album",
        "update album set rating = null, name = 'it''s\nnew'",
    ] {
        world.pass(7);
        world.run(&format!("{statement} {edited}"));
    }
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter / '1959' enter enter x");
    let Some(Effect::Save { content, .. }) = headless.outside.last() else {
        panic!("{:?}", headless.outside)
    };
    let operations = headless.state.subject.as_ref().unwrap().graph.len();
    let entity = headless.state.subject.as_ref().unwrap().entity;
    assert_eq!(content.lines().filter(|line| line.starts_with("-- 0")).count(), operations, "{content}");
    let statements: Vec<&str> = content.split_inclusive(";\n").collect();
    let again = World::empty();
    let told = statements.split_last().unwrap().1;
    for statement in told {
        again.run(statement);
    }
    let columns = "select name, year, rating, note from album";
    let expected = world.rows(&format!("{columns} where id = @{entity}"));
    assert_eq!(again.rows(columns), expected, "{content}");
    // Every change is told, not only what came of them.
    for part in
        ["rating = 1.5", "rating = 5.5", "edit album.note at 2", "delete from album;", "restore album;"]
    {
        assert!(content.contains(part), "{part}: {content}");
    }
}

#[test]
fn ids_lead_to_what_they_name() {
    let world = World::music();
    let mut headless = world.inspect((100, 40), false);
    press(&mut headless, "2 enter enter y 3 enter");
    let id = headless.state.operation.as_ref().unwrap().id;
    press(&mut headless, &format!("1 : '{id}' enter"));
    assert!(shown(&headless).contains(&format!("Operation {id}")), "{}", shown(&headless));
}

/// A connection that panics when it is asked for indexes.
struct Broken(Arc<dyn Connection>);

impl Connection for Broken {
    fn request(&self, request: Request) -> EventStream {
        match request {
            Request::Indexes => panic!("the index is on fire"),
            other => self.0.request(other),
        }
    }
}

#[test]
fn a_panic_of_a_worker_is_an_answer() {
    let world = World::music();
    let broken = Arc::new(Broken(Arc::clone(&world.connection)));
    let options = Options { name: "music".to_owned(), write: false, keymap: Keymap::standard().unwrap() };
    let mut headless = Headless::new(broken.clone(), options, (100, 24));
    press(&mut headless, "8");
    assert!(
        shown(&headless).contains("indexes: the node gave up: the index is on fire"),
        "{}",
        shown(&headless)
    );
    press(&mut headless, "2");
    assert!(shown(&headless).contains("Kind") || shown(&headless).contains("album"));
    // The same in a thread, which goes on with the next question.
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut workers = Workers::new(broken, move |message| sender.send(message).is_ok());
    for (ticket, request) in [(1, Request::Indexes), (2, Request::Info)] {
        let slot = Slot::Indexes;
        workers.ask(slot, ticket, Ask::Events(request));
        loop {
            let Message::Reply { ticket: of, reply, .. } = receiver.recv().unwrap() else { continue };
            assert_eq!(of, ticket);
            match reply {
                Reply::Failed { message, .. } => {
                    assert_eq!((ticket, message.as_str()), (1, "the node gave up: the index is on fire"));
                    break;
                }
                Reply::End { .. } => {
                    assert_eq!(ticket, 2);
                    break;
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_graph_of_a_listed_row() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter j y 3");
    let Some(Effect::Copy(id)) = headless.outside.last() else { panic!("{:?}", headless.outside) };
    assert!(shown(&headless).contains(&format!("Graph of {id}  1 operation,")), "{}", shown(&headless));
}

#[test]
fn a_search_finds_without_accents() {
    let world = World::music();
    world.run("insert into artist (name) values ('Björk Guðmundsdóttir')");
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 j enter / 'bjork' enter");
    assert!(shown(&headless).lines().any(|line| line.starts_with("> ") && line.contains("Bj")));
    press(&mut headless, "/ 'MILES' enter");
    assert!(shown(&headless).lines().any(|line| line.starts_with("> ") && line.contains("Miles")));
    press(&mut headless, "/ 'bjoerk' enter");
    assert!(shown(&headless).contains("`bjoerk` is not found"));
}

#[test]
fn the_past_is_only_looked_at() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), true);
    for keys in ["2 enter 4 h e", "2 enter enter 4 h e"] {
        press(&mut headless, keys);
        let text = shown(&headless);
        assert!(text.contains("the past is only looked at: go back to now (.) to change values"), "{text}");
    }
    press(&mut headless, ". j j j e");
    assert!(shown(&headless).contains("value "), "{}", shown(&headless));
    press(&mut headless, "esc 2 enter e");
    assert!(shown(&headless).contains("open an entity to change its values"), "{}", shown(&headless));
}

/// A collection at each of its points is what the language says of it there, in every unit, forwards and back.
#[test]
fn a_collection_at_every_point() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter 4");
    for unit in ["operation", "transaction", "second", "hour", "day", "position"] {
        assert!(shown(&headless).contains(&format!("a step is one {unit}")), "{}", shown(&headless));
        let mut steps = 0;
        while !shown(&headless).contains("before the first operation") {
            let entities = headless.state.entities.as_ref().unwrap();
            let found: Vec<_> = entities.rows().map(|(_, row)| row.values.clone()).collect();
            let expected = world.rows(&entities.statement());
            assert_eq!(found, expected, "{unit}, {steps}: {}", entities.statement());
            assert_eq!(entities.count, Some(expected.len()));
            press(&mut headless, "h");
            steps += 1;
            assert!(steps < 40);
        }
        assert_eq!(headless.state.entities.as_ref().unwrap().count, Some(0));
        let mut back = 0;
        while headless.state.course.at.is_some() {
            press(&mut headless, "l");
            back += 1;
        }
        assert_eq!(back, steps, "{unit}");
        press(&mut headless, "u");
    }
}

#[test]
fn an_entity_at_a_position_is_what_was_there_then() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter / 'Mono' enter enter 4 u u u u u");
    let (mut compared, entity) = (0, headless.state.subject.as_ref().unwrap().entity);
    while !shown(&headless).contains("before the first operation") {
        let text = shown(&headless);
        let position =
            text.split("  position ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
        let statement = format!("select name, year, rating, note from @{entity} as of position {position}");
        let expected = world.rows(&statement).concat();
        let image = headless.state.timeline_image().unwrap();
        let found = ankurah_inspector::state::subject::shown(image, &headless.state.names);
        let found: Vec<_> = found
            .iter()
            .filter(|shown| headless.state.names.property_name(shown.property) != "artist")
            .map(|shown| shown.value.clone().unwrap_or(ankurah_core::value::Value::Null))
            .collect();
        assert_eq!(found, expected, "{position}");
        compared += 1;
        press(&mut headless, "h");
    }
    assert!(compared > 6, "{compared}");
}

#[test]
fn an_entity_is_opened_at_the_time_of_its_collection() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter 4 h h h");
    let before = headless.state.course.point(headless.state.track.as_ref().unwrap());
    press(&mut headless, "enter");
    assert!(!headless.state.whole, "{}", shown(&headless));
    let graph = &headless.state.subject.as_ref().unwrap().graph;
    assert_eq!(headless.state.timeline.point(graph), before);
    press(&mut headless, "esc");
    assert!(headless.state.whole, "{}", shown(&headless));
    assert_eq!(headless.state.course.point(headless.state.track.as_ref().unwrap()), before);
    // Leaving the time leaves the past.
    press(&mut headless, "esc");
    assert_eq!(headless.state.entities.as_ref().unwrap().at, None);
    assert!(shown(&headless).contains("album  3 entities"), "{}", shown(&headless));
}

#[test]
fn what_plays_waits_for_what_it_shows() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter 4 space");
    assert_eq!(headless.state.entities.as_ref().unwrap().count, Some(0));
    let tick = |headless: &mut Headless| headless.take(Message::Tick { now: 0 });
    let length = headless.state.moments().unwrap().len();
    for step in 1..=length {
        assert!(headless.state.course.playing, "{step}");
        tick(&mut headless);
    }
    assert!(!headless.state.course.playing && headless.state.course.at.is_none());
    // While an answer is still to come, nothing moves.
    press(&mut headless, "space");
    let mut state = headless.state.clone();
    let effects = state.update(Message::Tick { now: 0 });
    assert!(!effects.is_empty());
    let here = state.course.at;
    for _ in 0..5 {
        state.update(Message::Tick { now: 0 });
    }
    assert_eq!(state.course.at, here);
}

#[test]
fn commits_are_filtered_and_held() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "6 f 'ART'");
    assert!(shown(&headless).contains("1 of "), "{}", shown(&headless));
    press(&mut headless, "' nothing'");
    assert!(shown(&headless).contains("Nothing has these words."), "{}", shown(&headless));
    press(&mut headless, "esc");
    assert!(headless.state.changes.stream.len() > 5);
}

#[test]
fn the_log_is_that_of_the_program() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "9");
    assert!(
        shown(&headless).contains("info     ankurah_core::node  a store is open"),
        "{}",
        shown(&headless)
    );
    world.journal.add(0, JournalLevel::Error, "disk", "it is \u{1b}[2J full");
    press(&mut headless, "r");
    assert!(shown(&headless).contains("error    disk  it is \\u{1b}[2J full"), "{}", shown(&headless));
    press(&mut headless, "f 'error' enter space");
    world.journal.add(0, JournalLevel::Error, "disk", "still full");
    press(&mut headless, "r");
    assert!(
        shown(&headless).contains("1 of 2 with error  paused: 1 held, 0 dropped"),
        "{}",
        shown(&headless)
    );
}

#[test]
fn plans_are_shown() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter f 'year > 1960' enter P");
    assert!(shown(&headless).contains("where year > 1960"), "{}", shown(&headless));
    press(&mut headless, "8 P 'select naem from album' enter");
    assert!(shown(&headless).contains("naem"), "{}", shown(&headless));
    press(&mut headless, "P ctrl-u 'select name from album' enter");
    assert!(shown(&headless).contains("give name"), "{}", shown(&headless));
}

/// Links and what goes over them: names of programs come from outside.
#[test]
fn links_and_frames_are_shown() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    let effects = headless.state.update(Message::Key(Key::char('0')));
    let ticket = |wanted: Slot| {
        let found = effects.iter().find_map(|effect| match effect {
            Effect::Ask { slot, ticket, .. } if *slot == wanted => Some(*ticket),
            _ => None,
        });
        found.unwrap()
    };
    let (links, tap) = (ticket(Slot::Links), ticket(Slot::Tap));
    let mut tell = |slot, ticket, event| {
        let reply = Reply::Events(vec![event]);
        headless.state.update(Message::Reply { slot, ticket, reply });
        shown(&headless)
    };
    let link = LinkInfo {
        id: 7,
        peer: LinkPeer { transport: "local".to_owned(), process: Some(1), user: None },
        program: "odd\u{1b}[2J".to_owned(),
        since: Timestamp(0),
        read_only: true,
        sessions: 1,
        open: 2,
        requests: 1234,
        waiting: 0,
        frames_in: 1,
        frames_out: 2,
        bytes_in: 2048,
        bytes_out: 5 << 20,
    };
    let text = tell(Slot::Links, links, Event::Links(vec![link]));
    assert!(text.contains("    7 odd\\u{1b}[2J (reads)"), "{text}");
    assert!(text.contains("1,234      2    2.0 KiB    5.0 MiB  1970-01-01 00:00:00"), "{text}");
    let frame = |stream, what: &str| TapFrame {
        at: Timestamp(0),
        link: 7,
        direction: TapDirection::Out,
        kind: FrameKind::Data,
        stream,
        what: what.to_owned(),
        bytes: 300,
    };
    let frames = vec![frame(41, "rows"), frame(42, "done")];
    let text = tell(Slot::Tap, tap, Event::Tap(TapFrames { frames, dropped: 3 }));
    assert!(text.contains("2 seen  3 frames dropped before they were read"), "{text}");
    assert!(text.contains("00:00:00     7 out data           42  300 bytes  done"), "{text}");
    press(&mut headless, "f 'ROWS' enter");
    assert!(shown(&headless).contains("1 of 2 with ROWS"), "{}", shown(&headless));
    // Whoever looks elsewhere wants no more of it.
    let effects = headless.state.update(Message::Key(Key::char('1')));
    assert!(effects.contains(&Effect::Forget(Slot::Tap)), "{effects:?}");
}

#[test]
fn the_change_log_is_followed_again_after_the_way_to_the_node_broke() {
    let world = World::music();
    let options = Options { name: "music".to_owned(), write: false, keymap: Keymap::standard().unwrap() };
    let mut state = State::new(options, (100, 24), 0);
    let ticket_of = |effects: &[Effect], wanted: Slot| {
        effects.iter().find_map(|effect| match effect {
            Effect::Ask { slot, ticket, ask } if *slot == wanted => Some((*ticket, ask.clone())),
            _ => None,
        })
    };
    let tell = |state: &mut State, slot, ticket, reply| state.update(Message::Reply { slot, ticket, reply });
    let of_node = |request| Reply::Events(block_on(world.connection.request(request).collect()));
    let (info, _) = ticket_of(&state.begin(), Slot::Info).unwrap();
    let effects = tell(&mut state, Slot::Info, info, of_node(Request::Info));
    tell(&mut state, Slot::Info, info, Reply::End { took: 1 });
    let (log, ask) = ticket_of(&effects, Slot::Changes).unwrap();
    let Ask::Events(Request::Log { after, follow: true }) = ask else { panic!("{ask:?}") };
    tell(&mut state, Slot::Changes, log, of_node(Request::Log { after, follow: false }));
    let last = state.changes.last();
    press_state(&mut state, "6");
    // Where nothing broke, nothing is asked again.
    assert_eq!(state.update(Message::Tick { now: 1_000_000 }), []);
    tell(
        &mut state,
        Slot::Changes,
        log,
        Reply::Failed { message: "the connection ended".to_owned(), took: 1 },
    );
    assert_eq!(state.wake(), Some(1000));
    let (info, _) = ticket_of(&state.update(Message::Tick { now: 2_000_000 }), Slot::Info).unwrap();
    let failed = Reply::Failed { message: "nobody answers".to_owned(), took: 1 };
    tell(&mut state, Slot::Info, info, failed);
    let (info, _) = ticket_of(&state.update(Message::Tick { now: 3_000_000 }), Slot::Info).unwrap();
    world.run("insert into artist (name) values ('Can')");
    let effects = tell(&mut state, Slot::Info, info, of_node(Request::Info));
    let (log, ask) = ticket_of(&effects, Slot::Changes).unwrap();
    assert_eq!(ask, Ask::Events(Request::Log { after: last, follow: true }));
    let before = state.changes.stream.seen;
    tell(&mut state, Slot::Changes, log, of_node(Request::Log { after: last, follow: false }));
    assert_eq!((state.changes.stream.seen, &state.changes.stream.failure), (before + 1, &None));
    assert_eq!(state.wake(), None);
}

fn press_state(state: &mut State, keys: &str) {
    for key in parse_keys(keys).unwrap() {
        state.update(Message::Key(key));
    }
}

#[test]
fn the_rows_of_a_collection_are_filtered_and_sorted_at_any_time() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    let names = |headless: &Headless| {
        let text = shown(headless);
        let found = ["Kind of Blue", "Ptah", "In a Silent"].map(|name| Some((text.find(name)?, name)));
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        found.sort_unstable();
        found.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    press(&mut headless, "2 enter 4 u u u u u h");
    assert_eq!(names(&headless), ["Kind of Blue", "Ptah", "In a Silent"]);
    // The third column is the year.
    press(&mut headless, "] ] ] s");
    assert_eq!(names(&headless), ["Kind of Blue", "In a Silent", "Ptah"], "{}", shown(&headless));
    press(&mut headless, "s");
    assert_eq!(names(&headless), ["Ptah", "In a Silent", "Kind of Blue"]);
    press(&mut headless, "f 'year > 1960' enter");
    assert_eq!(names(&headless), ["Ptah", "In a Silent"]);
    assert!(shown(&headless).contains("where year > 1960  detached"), "{}", shown(&headless));
    // It stays so at other points.
    press(&mut headless, "h h h h h h h h h");
    assert_eq!(names(&headless), ["Ptah"], "{}", shown(&headless));
    press(&mut headless, "m s");
    assert!(shown(&headless).contains("only the rows of a collection are"), "{}", shown(&headless));
}

#[test]
fn where_nothing_is_chosen_a_key_leads_to_what_can_be() {
    let world = World::music();
    for page in ["3", "4"] {
        let mut headless = world.inspect((36, 12), false);
        press(&mut headless, page);
        assert!(shown(&headless).contains("No entity chosen: enter to choose\n"), "{}", shown(&headless));
        press(&mut headless, "p");
        press(&mut headless, "enter");
        assert!(shown(&headless).contains("| Collections"), "{}", shown(&headless));
    }
    let mut headless = world.inspect((60, 12), false);
    press(&mut headless, "3 p");
    assert!(shown(&headless).contains("no entity is chosen yet"), "{}", shown(&headless));
}

#[test]
fn a_live_query_says_how_often_it_changes_and_why_it_failed() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "5");
    let text = shown(&headless);
    assert!(text.contains("last error: none"), "{text}");
    assert!(text.lines().any(|line| line.contains(" 0.1 ") && line.contains("share")), "{text}");
    assert!(text.lines().any(|line| line.contains("run again") && line.contains("count(*)")), "{text}");
    assert!(text.lines().any(|line| line.contains("indexed") && line.contains("1969")), "{text}");
    press(&mut headless, "j");
    let text = shown(&headless);
    assert!(text.contains("last error: division by zero"), "{text}");
    press(&mut headless, "j");
    let text = shown(&headless);
    assert!(text.contains("fails: division by zero"), "{text}");
}
