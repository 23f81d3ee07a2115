//! What a person sees on a narrow terminal: every line fits, and no word is broken that fits a line.

use ankurah_screen::{CTRL_D, Start, Terminal};

use crate::common::{PROGRAM, snapshot};

const SCRIPT: &[&str] = &[
    "\\pset pager off",
    "\\d album",
    "\\?",
    "selec 1;",
    "from albun;",
    "commit;",
    "\\tming",
    "\\di",
    "select name, artist, genre from album order by name limit 2;",
];

fn shown(columns: u16) -> String {
    let start = Start { columns, lines: 200, environment: &[("NO_COLOR", "1")] };
    let mut terminal = Terminal::start(PROGRAM, &["repl", "--sample", "--no-rc"], &start);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    for (number, line) in SCRIPT.iter().enumerate() {
        terminal.send(&format!("{line}\r"));
        let prompts = number + 2;
        terminal
            .wait(line, |shown| shown.ends_with("\nsample>") && shown.matches("sample>").count() == prompts);
    }
    let text = terminal.shown();
    assert_eq!(terminal.end(CTRL_D), 0);
    text
}

#[test]
fn forty_columns() {
    snapshot("narrow_40", &shown(40));
}

/// The terminal was resized while the prompt waited, or while a statement ran.
#[test]
fn the_first_error_after_a_resize_fits_the_terminal_as_it_is() {
    let start = Start { columns: 120, lines: 60, environment: &[("NO_COLOR", "1")] };
    let mut terminal = Terminal::start(PROGRAM, &["repl", "--sample", "--no-rc"], &start);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    let wide = "  | ^^^^^ expected `select`, `from`,";
    for (columns, prompts, fits) in [(40, 2, false), (120, 3, true), (40, 4, false)] {
        terminal.resize(columns, 60);
        terminal.send("\u{15}selec 1;\r");
        terminal.wait("the error", |shown| {
            shown.ends_with("\nsample>") && shown.matches("error:").count() + 1 >= prompts
        });
        let last = terminal.shown();
        let last = last.rsplit("error:").next().unwrap();
        assert_eq!(last.contains(wide), fits, "{columns}: {last}");
        assert!(last.lines().all(|line| line.len() < usize::from(columns) + 10), "{last}");
    }
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn no_word_is_broken_that_fits() {
    let whole: std::collections::HashSet<String> = shown(160).split_whitespace().map(str::to_owned).collect();
    // Narrower ones cut the values of tables.
    for columns in [60, 40] {
        let text = shown(columns);
        // Values are cut, and words of notes about it are none of the wide output.
        let text = text.split("sample> select name, artist, genre").next().unwrap();
        let output = text.lines().filter(|line| !line.starts_with("sample>"));
        for word in
            output.flat_map(str::split_whitespace).filter(|word| word.chars().all(char::is_alphabetic))
        {
            let is_known = whole.iter().any(|known| {
                known.trim_matches(|c: char| !c.is_alphabetic()) == word
                    || known.contains(word) && known.len() > 20
            });
            assert!(is_known, "{columns} columns: {word} in\n{text}");
        }
    }
}
