//! Any size of the screen.

use ankurah_inspector::message::{Message, Pointer};
use ankurah_inspector::theme::Theme;

use crate::common::World;
use crate::pages::PAGES;

#[test]
fn no_size_is_too_small() {
    let world = World::music();
    for (name, keys) in PAGES {
        let mut headless = world.after((80, 24), keys);
        for columns in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 200] {
            for lines in [0, 1, 2, 3, 4, 5, 6, 7, 9, 24, 70] {
                headless.take(Message::Resize { columns, lines });
                let screen = headless.screen(Theme::default());
                assert_eq!((screen.area.width, screen.area.height), (columns, lines), "{name}");
                for pointer in [Pointer::WheelDown, Pointer::WheelUp] {
                    headless.take(Message::Mouse { pointer, column: columns / 2, line: lines / 2 });
                }
            }
        }
    }
}

#[test]
fn the_mouse_chooses_and_opens() {
    let world = World::music();
    let mut headless = world.inspect((100, 24), false);
    let mut press = |column, line| {
        headless.take(Message::Mouse { pointer: Pointer::Press, column, line });
        crate::common::shown(&headless)
    };
    // The tab of the collections, then the second collection twice.
    assert!(press(16, 0).contains("| Collections"));
    assert!(press(10, 4).contains("> artist"));
    assert!(press(10, 4).contains("| artist  2 entities"));
    // Nothing is there.
    assert!(press(10, 15).contains("| artist  2 entities"));
}
