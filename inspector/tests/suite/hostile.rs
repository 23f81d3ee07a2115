//! Text from data never acts on the terminal, and columns stay where they are.

use ankurah_inspector::headless::text;
use ankurah_inspector::theme::Theme;

use ankurah_core::node::journal::JournalLevel;
use ratatui::buffer::Buffer;

use crate::common::World;

const TEXTS: [&str; 8] = [
    "\u{1b}[2J\u{1b}[31mred",
    "a\u{202e}b\u{2066}c",
    "zero\u{200b}width\u{feff}",
    "東京都庁の屋上",
    "👩\u{200d}🚀 👨\u{200d}👩\u{200d}👧",
    "e\u{301}\u{301}\u{301}",
    "bell\u{7}back\u{8}space\u{9b}",
    "line\nbreak\ttab\rreturn",
];

/// A store of which every name, text and line of the log is hostile.
pub(crate) fn hostile() -> World {
    let world = World::empty();
    world.run("create model \"odd\u{1b}]0;title\u{7}\" (\"na\u{202e}me\" string, n i64)");
    for (number, text) in TEXTS.iter().enumerate() {
        let text = text.replace('\'', "''");
        world.run(&format!("insert into \"odd\u{1b}]0;title\u{7}\" values ('{text}', {number})"));
    }
    let long = "x".repeat(1_000_000);
    world.run(&format!("insert into \"odd\u{1b}]0;title\u{7}\" values ('{long}', 8)"));
    world.run("update \"odd\u{1b}]0;title\u{7}\" set n = n + 10 where n < 3");
    world.run("update \"odd\u{1b}]0;title\u{7}\" set n = n - 10 where n > 9");
    for text in TEXTS {
        world.journal.add(0, JournalLevel::Warning, text, text);
    }
    world
}

/// Nothing on the screen acts on a terminal.
#[track_caller]
pub(crate) fn harmless(screen: &Buffer, place: &str) {
    for cell in screen.content() {
        let bad = |c: char| {
            c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}')
        };
        assert!(!cell.symbol().contains(bad), "{place}: {:?}", cell.symbol());
    }
}

#[test]
fn text_from_data_is_shown_and_not_obeyed() {
    let world = hostile();
    let pages = [
        "2",
        "2 enter",
        "2 enter enter",
        "2 enter enter 3",
        "2 enter enter 3 enter",
        "2 enter enter 4",
        "2 enter enter 4 m h h",
        "2 enter 4 h",
        "2 enter 4 m h h h",
        "2 enter P",
        "6",
        "9",
        "a",
    ];
    for keys in pages {
        for extra in ["", " j", " j j", " j j j j", " G"] {
            let headless = world.after((100, 30), &format!("{keys}{extra}"));
            harmless(&headless.screen(Theme::default()), keys);
        }
    }
    // The numbers behind the texts stand in one column.
    let screen = world.after((100, 30), "2 enter").screen(Theme::default());
    for (line, number) in (3..11).zip('0'..) {
        let cells: Vec<&str> = (0..100).map(|column| screen.cell((column, line)).unwrap().symbol()).collect();
        let place = cells.iter().rposition(|cell| *cell == number.to_string());
        let first = (0..100).rev().find(|column| screen.cell((*column, 3)).unwrap().symbol() == "0");
        assert_eq!(place.and_then(|place| u16::try_from(place).ok()), first, "{}", text(&screen));
    }
}
