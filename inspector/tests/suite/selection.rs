//! What is selected is what is copied, exported, opened and shown in a prompt.

use ankurah_inspector::headless::Headless;
use ankurah_inspector::message::{Effect, Message, Pointer};

use crate::common::{World, press, shown};

fn exported(headless: &Headless) -> &str {
    let Some(Effect::Save { content, .. }) = headless.outside.last() else {
        panic!("{:?}", headless.outside)
    };
    content
}

#[track_caller]
fn prompt(headless: &Headless, expected: &str, expected_past: bool) {
    let Some(Effect::Repl { statement, past }) = headless.outside.last() else {
        panic!("{:?}", headless.outside)
    };
    assert_eq!((statement.as_str(), *past), (expected, expected_past));
}

/// The id of the row of a table, its first column being in focus.
fn id(headless: &mut Headless) -> String {
    press(headless, "y");
    let Some(Effect::Copy(id)) = headless.outside.last() else { panic!("{:?}", headless.outside) };
    id.clone()
}

#[test]
fn what_is_selected_is_exported_whatever_was_chosen_before() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "x");
    assert!(shown(&headless).contains("select an entity first"), "{}", shown(&headless));
    // On a fresh table, after another entity was looked at, in its past, and from the list of commits.
    press(&mut headless, "2 enter x");
    assert!(exported(&headless).contains("'Kind of Blue'"), "{}", exported(&headless));
    press(&mut headless, "enter esc j");
    let second = id(&mut headless);
    press(&mut headless, "x");
    assert!(exported(&headless).starts_with(&format!("-- Entity {second} of 1 operations.\n")));
    press(&mut headless, "4 j x");
    assert!(exported(&headless).contains("'In a Silent Way'"), "{}", exported(&headless));
    press(&mut headless, "6 j x");
    assert!(exported(&headless).contains("Kind of Blue (Mono)"), "{}", exported(&headless));
}

#[test]
fn of_several_entities_of_a_commit_one_is_chosen() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "6 / '2 entities' enter y");
    let ids = id(&mut headless);
    let ids: Vec<&str> = ids.lines().collect();
    assert_eq!(ids.len(), 2);
    for (keys, chosen) in [("enter enter", 0), ("enter down enter", 1)] {
        press(&mut headless, keys);
        assert!(shown(&headless).contains(&format!("Entity {}", ids[chosen])), "{}", shown(&headless));
        press(&mut headless, "esc");
    }
    press(&mut headless, "x");
    assert!(shown(&headless).contains("which entity:"), "{}", shown(&headless));
    press(&mut headless, "down enter");
    assert!(exported(&headless).starts_with(&format!("-- Entity {} ", ids[1])), "{}", exported(&headless));
    press(&mut headless, "o");
    prompt(&headless, &format!("select * from artist where id in (@{}, @{})", ids[0], ids[1]), false);
}

/// A line that looks like what a fixture expects is no line of the script.
#[test]
fn a_string_that_looks_like_an_expectation_is_exported() {
    let world = World::empty();
    world.run("create model note (title string, body text)");
    world.run("insert into note (title, body) values ('--| a\n--| b\n--|', 'it''s\n--|c')");
    world.run("edit note.body at 0 insert '\n--| d\n'");
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter x");
    let content = exported(&headless);
    assert!(!content.lines().any(|line| line.starts_with("--|")), "{content}");
    let again = World::empty();
    for statement in content.split_inclusive(";\n").filter(|statement| !statement.starts_with("select")) {
        again.run(statement);
    }
    let query = "select title, body from note";
    assert_eq!(again.rows(query), world.rows(query), "{content}");
}

#[test]
fn the_selection_is_copied_and_opened_in_a_prompt() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter l y");
    assert_eq!(headless.outside, [Effect::Copy("Kind of Blue (Mono)".to_owned())]);
    press(&mut headless, "j h");
    let row = id(&mut headless);
    press(&mut headless, "o");
    prompt(&headless, &format!("select * from album where id = @{row}"), false);
    // Where nothing is listed, the query.
    press(&mut headless, "f 'year = 1' enter o");
    let query = "select id, name, artist, year, rating, note from album where year = 1";
    prompt(&headless, query, false);
    press(&mut headless, "1 o");
    prompt(&headless, "", false);
    press(&mut headless, "q");
    assert_eq!(headless.outside.last(), Some(&Effect::Quit));
}

#[test]
fn a_prompt_on_the_past_is_of_the_past_and_only_read() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), true);
    press(&mut headless, "2 enter");
    let row = id(&mut headless);
    press(&mut headless, "4 u u u u u h h o");
    let position = |headless: &Headless| {
        let text = shown(headless);
        text.split("position ")
            .nth(1)
            .unwrap()
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap()
            .to_owned()
    };
    let expected =
        |position: &str| format!("select * from album as of position {position} where id = @{row}");
    prompt(&headless, &expected(&position(&headless)), true);
    press(&mut headless, ". o");
    prompt(&headless, &format!("select * from album where id = @{row}"), false);
    press(&mut headless, "2 enter enter 4 h h h o");
    let Some(Effect::Repl { statement, past: true }) = headless.outside.last() else {
        panic!("{:?}", headless.outside)
    };
    assert!(statement.starts_with("select * from album as of @"), "{statement}");
    assert_eq!(world.rows(statement).len(), 1, "{statement}");
}

#[test]
fn at_a_merge_every_parent_and_at_a_fork_every_child_can_be_chosen() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter / 'Mono' enter enter 3");
    let selected = |headless: &Headless| headless.state.subject.as_ref().unwrap().selected().unwrap();
    let merge = selected(&headless);
    let parents: Vec<u32> = headless.state.subject.as_ref().unwrap().graph.parents(merge).collect();
    assert_eq!(parents.len(), 3);
    for (keys, parent) in [("p enter", 2), ("p down enter", 1), ("p down down enter", 0)] {
        press(&mut headless, keys);
        assert_eq!(selected(&headless), parents[parent], "{}", shown(&headless));
        press(&mut headless, "c");
        assert_eq!(selected(&headless), merge, "{}", shown(&headless));
    }
    press(&mut headless, "p");
    assert!(shown(&headless).contains("which parent:"), "{}", shown(&headless));
    press(&mut headless, "enter p c");
    assert!(shown(&headless).contains("which child:"), "{}", shown(&headless));
    press(&mut headless, "down down enter");
    assert_eq!(selected(&headless), parents[2], "{}", shown(&headless));
}

/// A time of day is found as well as a date.
#[test]
fn operations_are_found_by_a_part_of_their_time() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter / 'Mono' enter enter 3 z");
    for sought in ["02:03", "time:02:03", "01-01 02", "time:02:03:03.000"] {
        press(&mut headless, &format!("/ '{sought}' enter"));
        let selected = shown(&headless);
        let selected = selected.lines().find(|line| line.starts_with("> ")).unwrap();
        assert!(selected.contains("2024-01-01 02:03:03.000"), "{sought}: {selected}");
    }
}

#[test]
fn the_order_of_the_query_is_not_said_to_be_another() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter l l l s");
    assert!(shown(&headless).contains(">year^"), "{}", shown(&headless));
    press(&mut headless, "f 'order by year desc' enter");
    assert!(!shown(&headless).contains("year^"), "{}", shown(&headless));
    press(&mut headless, "s");
    assert!(shown(&headless).contains("the query has an order of its own"), "{}", shown(&headless));
    // Without it, the column's counts again.
    press(&mut headless, "f ctrl-u enter");
    assert!(shown(&headless).contains(">year^"), "{}", shown(&headless));
}

#[test]
fn the_wheel_moves_what_is_in_front() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    press(&mut headless, "2 enter :");
    let wheel = Message::Mouse { pointer: Pointer::WheelDown, column: 1, line: 5 };
    headless.take(wheel);
    assert_eq!(headless.state.typing.as_ref().unwrap().chosen, 1);
    assert_eq!(headless.state.list().selected, 0);
}
