//! The picture of the README is what the program shows. `cargo xtask picture` draws it again.

use ankurah_screen::{CTRL_L, Start, TAB, Terminal, svg};

use crate::common::PROGRAM;

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/images/repl.svg");

/// What is typed, and how the screen then ends.
const TYPED: [(&str, &str); 4] = [
    (
        "select name, artist, year, rating from album\rwhere year between 1957 and 1959 and rating >= 4.5\r\
         order by year, name limit 5;\r",
        "(5 rows)\nsample>",
    ),
    (
        "select genre, count(*) as albums, round(avg(rating), 2) as rating\rfrom album group by genre \
         having count(*) > 10\rorder by albums desc limit 3;\r",
        "(3 rows)\nsample>",
    ),
    ("select yaer from album;\r", "did you mean `year`?\nsample>"),
    ("select name, rating from album where ", "sample> select name, rating from album where"),
];

#[test]
fn the_picture_is_what_the_program_shows() {
    let start = Start { columns: 92, lines: 33, environment: &[] };
    let arguments = ["repl", "--sample", "--no-rc", "--color", "always"];
    let mut terminal = Terminal::start(PROGRAM, &arguments, &start);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    // The greeting makes room.
    terminal.send(CTRL_L);
    terminal.wait("the empty screen", |shown| shown == "sample>");
    for (keys, end) in TYPED {
        terminal.send(keys);
        terminal.wait(end, |shown| shown.ends_with(end));
    }
    terminal.send(TAB);
    terminal.wait("the list", |shown| shown.contains("ref(album)") && shown.ends_with(TYPED[3].1));
    let picture = svg(terminal.screen());
    if std::env::var_os("ANKURAH_PICTURE").is_some_and(|value| value == "draw") {
        std::fs::write(PICTURE, picture).unwrap();
    } else {
        let drawn = std::fs::read_to_string(PICTURE).unwrap();
        assert!(drawn == picture, "docs/images/repl.svg is not what the program shows: cargo xtask picture");
    }
}
