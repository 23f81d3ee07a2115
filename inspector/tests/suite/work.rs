//! What keys do, beyond what a page shows.

use std::sync::Arc;

use ankurah_core::node::protocol::{Connection, EventStream, Request};
use ankurah_inspector::connection::Workers;
use ankurah_inspector::headless::Headless;
use ankurah_inspector::keymap::Keymap;
use ankurah_inspector::message::{Ask, Effect, Message, Reply, Slot};
use ankurah_inspector::state::Options;

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
fn the_selection_is_copied_and_opened_in_a_prompt() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter l y o q");
    let statement = "select id, name, artist, year, rating, note from album".to_owned();
    let expected = [Effect::Copy("Kind of Blue (Mono)".to_owned()), Effect::Repl(statement), Effect::Quit];
    assert_eq!(headless.outside, expected);
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
    assert_eq!(
        lines,
        [
            "create model album (",
            "    name string,",
            "    year i64,",
            "    note text",
            ");",
            "insert into album (name, year, note) values ('Ptah, the El Daoud', 1970, 'A record.');",
            "select * from album;",
        ]
    );
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
