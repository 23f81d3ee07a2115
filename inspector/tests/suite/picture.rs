//! The pictures of the documentation are what the inspector draws. `cargo xtask picture` draws them again.

use std::num::NonZero;

use ankurah_inspector::theme::Theme;
use ankurah_screen::svg;
use ratatui::backend::{Backend, CrosstermBackend};

use crate::common::World;

const SIZE: (u16, u16) = (100, 17);

/// The pictures with the keys that lead there.
const PICTURES: [(&str, &str); 3] = [
    ("inspect-graph", "2 enter / 'Mono' enter enter 3 j"),
    ("inspect-collection", "2 enter 4 h h h h h l"),
    ("inspect-timeline", "2 enter / 'Mono' enter enter 4 h h h m h h h"),
];

#[test]
fn the_pictures_are_what_is_drawn() {
    let world = World::music();
    for (name, keys) in PICTURES {
        let buffer = world.after(SIZE, keys).screen(Theme::default());
        // What a terminal is sent for it, and what that makes of it.
        let mut sent = Vec::new();
        let mut backend = CrosstermBackend::new(&mut sent);
        let cells = (0..SIZE.1).flat_map(|line| (0..SIZE.0).map(move |column| (column, line)));
        let cells = cells.filter_map(|place| Some((place.0, place.1, buffer.cell(place)?)));
        backend.draw(cells).unwrap();
        let size = (NonZero::new(SIZE.1).unwrap(), NonZero::new(SIZE.0).unwrap());
        let mut parser = vt100::Parser::new(size.0, size.1, 0);
        parser.process(b"\x1b[?25l");
        parser.process(&sent);
        let picture = svg(parser.screen());
        let path = format!("{}/../docs/images/{name}.svg", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("ANKURAH_PICTURE").is_some_and(|value| value == "draw") {
            std::fs::write(path, picture).unwrap();
        } else {
            let drawn = std::fs::read_to_string(&path).unwrap();
            assert!(drawn == picture, "{path} is not what the inspector draws: cargo xtask picture");
        }
    }
}
