//! Every page, with its styles, in dark, with ASCII and no colour, and narrow.

use ankurah_inspector::headless::text;
use ankurah_inspector::theme::{Palette, Theme};

use crate::common::{World, snapshot, styled};

/// Every page with the keys that lead there.
pub(crate) const PAGES: [(&str, &str); 30] = [
    ("overview", "v"),
    ("collections", "2"),
    ("entities", "2 enter l l s"),
    ("collection", "2 enter 4 u u u u u h"),
    ("collection-changed", "2 enter 4 h h h h h l"),
    ("collection-marked", "2 enter 4 h m h h h"),
    ("collection-between", "2 enter 4 h m h h h m ."),
    ("query", "2 enter f 'ye'"),
    ("entity", "2 enter / 'Mono' enter enter"),
    ("graph", "2 enter / 'Mono' enter enter 3"),
    ("graph-unfolded", "2 enter / 'Mono' enter enter 3 z / 'prop:rating' enter n"),
    ("operation", "2 enter / 'Mono' enter enter 3 p enter enter"),
    ("timeline", "2 enter / 'Mono' enter enter 4 h h m h h h"),
    ("timeline-begin", "2 enter / 'Mono' enter enter 4 space h"),
    ("live", "5 j"),
    ("graph-of-nothing", "3"),
    ("timeline-of-nothing", "4"),
    ("timeline-of-nothing-open", "4 enter"),
    ("collection-filtered", "2 enter 4 u u u h ] ] ] s s f 'year > 1960' enter"),
    ("timeline-between", "2 enter / 'Mono' enter enter 4 h m h h m"),
    ("changes", "6 j"),
    ("changes-filtered", "6 f 'artist' enter space"),
    ("set-aside", "7"),
    ("indexes", "8"),
    ("plan", "2 enter f 'year > 1960' enter P"),
    ("log", "9"),
    ("peers", "0"),
    ("asked", "2 enter a"),
    ("help", "?"),
    ("palette", ": 'grph'"),
];

#[test]
fn pages() {
    let world = World::music();
    for (name, keys) in PAGES {
        let wide = world.after((100, 28), keys);
        snapshot(name, &styled(&wide.screen(Theme { palette: Palette::Dark, ascii: false })));
        let bare = wide.screen(Theme { palette: Palette::None, ascii: true });
        assert!(text(&bare).is_ascii(), "{name}: {}", text(&bare));
        snapshot(&format!("{name}-ascii"), &styled(&bare));
        let narrow = world.after((40, 12), keys);
        snapshot(&format!("{name}-narrow"), &styled(&narrow.screen(Theme::default())));
    }
}

#[test]
fn the_same_keys_print_the_same() {
    let shown = |keys: &str| text(&World::music().after((120, 40), keys).screen(Theme::default()));
    for (_, keys) in PAGES {
        assert_eq!(shown(keys), shown(keys));
    }
}

/// What is seen does not depend on colour: every theme has the same text.
#[test]
fn themes_have_the_same_text() {
    let world = World::music();
    for (name, keys) in PAGES {
        let headless = world.after((80, 24), keys);
        let shown = |palette| text(&headless.screen(Theme { palette, ascii: false }));
        for palette in [Palette::Light, Palette::Ansi, Palette::None] {
            assert_eq!(shown(palette), shown(Palette::Dark), "{name}");
        }
    }
}
