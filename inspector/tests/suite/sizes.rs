//! Any size of the screen.

use ankurah_inspector::message::{Message, Pointer};
use ankurah_inspector::theme::Theme;

use crate::common::World;
use crate::hostile::{harmless, hostile};
use crate::pages::PAGES;

/// Every page of a store full of hostile names, at every width and every height up to that of a large window.
#[test]
fn every_page_at_every_size() {
    const LARGEST: (u16, u16) = (130, 45);
    let world = hostile();
    for (page, (name, keys)) in (0..).zip(PAGES) {
        let mut headless = world.after((80, 24), keys);
        let widths = (0..=LARGEST.0).map(|columns| (columns, (columns * 7 + page) % (LARGEST.1 + 1)));
        let heights = (0..=LARGEST.1).map(|lines| ((lines * 29 + page) % (LARGEST.0 + 1), lines));
        for (columns, lines) in widths.chain(heights) {
            headless.take(Message::Resize { columns, lines });
            let theme = Theme { ascii: lines % 2 == 0, ..Theme::default() };
            let screen = headless.screen(theme);
            assert_eq!((screen.area.width, screen.area.height), (columns, lines), "{name}");
            harmless(&screen, name);
        }
    }
}

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
    assert!(press(10, 0).contains("| Collections"));
    assert!(press(10, 4).contains("> artist"));
    assert!(press(10, 4).contains("| artist  2 entities"));
    // Nothing is there.
    assert!(press(10, 15).contains("| artist  2 entities"));
}
