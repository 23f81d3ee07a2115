//! What is typed, pasted and recalled: nothing of it acts on the terminal or hides, and it is run as it came.

use ankurah_screen::{CTRL_C, CTRL_D, Start, Terminal, UP, pasted};

use crate::common::PROGRAM;

fn sample() -> Terminal {
    at(&Start::default())
}

fn at(start: &Start<'_>) -> Terminal {
    let mut terminal = Terminal::start(PROGRAM, &["repl", "--sample", "--no-rc"], start);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    terminal
}

/// Waits for an answer of one row and column.
#[track_caller]
fn wait_answer(terminal: &mut Terminal, expected: &str) {
    let end = format!(" {expected}\n(1 row)\nsample");
    terminal.wait(expected, |shown| shown.trim_end_matches(['>', '*']).ends_with(&end));
}

#[test]
fn a_byte_that_is_no_utf8_keeps_the_text_and_the_transaction() {
    let mut terminal = sample();
    terminal.send("begin;\r");
    terminal.wait("the transaction", |shown| shown.ends_with("sample*>"));
    // As a terminal set to Latin-1 sends `é`.
    terminal.send_bytes(b"select 'ca\xe9' || 'lost';\r");
    terminal.wait("the message", |shown| {
        shown.ends_with(
            "error: what was typed is no UTF-8 text: it was left out, and what came right\n       behind it\nsample*> select 'ca",
        )
    });
    terminal.send("fe' as word;\r");
    wait_answer(&mut terminal, "cafe");
    assert!(terminal.shown().ends_with("sample*>"));
    terminal.send("rollback;\r");
    terminal.wait("the end", |shown| shown.ends_with("sample>"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn nothing_is_run_of_a_paste_with_bytes_that_are_no_utf8() {
    let mut terminal = sample();
    terminal.send("select 'before ");
    terminal.wait("the text", |shown| shown.ends_with("'before"));
    let mut paste = b"\x1b[200~x';\rselect '\xff';\r".to_vec();
    // More than the line editor and the terminal's driver read at once.
    for _ in 0..400 {
        paste.extend(b"select 'ran ' || 'it';\r");
    }
    paste.extend(b"\x1b[201~");
    terminal.send_bytes(&paste);
    terminal.wait("the message", |shown| {
        shown.ends_with("sample> select 'before")
            && shown.contains("error: what was pasted is no UTF-8 text: nothing of it was taken")
    });
    terminal.send("after' as word;\r");
    wait_answer(&mut terminal, "before after");
    assert!(!terminal.shown().contains("ran it"), "{}", terminal.shown());
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn hidden_characters_are_shown_as_marks_and_run_as_they_are() {
    for environment in [&[("NO_COLOR", "1")][..], &[]] {
        let mut terminal = at(&Start { columns: 120, environment, ..Start::default() });
        terminal.send("\\x off\r");
        terminal.wait("the prompt", |shown| shown.ends_with("expanded is off\nsample>"));
        terminal.send(&pasted("select length('a\u{202e}b\u{fe0f}\u{200b}') as n"));
        terminal.wait("the text", |shown| {
            shown.ends_with("sample> select length('a¤b¤¤') as n  (hidden: \\u{202e} \\u{fe0f} \\u{200b})")
        });
        let column = u16::try_from("sample> select length('a¤b¤¤') as n".chars().count()).unwrap();
        terminal.wait_screen("the cursor behind it", |screen| screen.cursor_position().1 == column);
        // Typed, in the midst of it; one mark is one character for the keys.
        terminal.send("\u{1b}[H");
        terminal.send(&"\u{1b}[C".repeat("select length('a¤b".chars().count()));
        terminal.send("\u{7f}\u{2066}\u{8}c\u{200d}");
        terminal.wait("the change", |shown| {
            shown.ends_with("select length('a¤c¤¤¤') as n  (hidden: \\u{202e} \\u{200d} \\u{fe0f} …)")
                || shown.ends_with(
                    "select length('a¤c¤¤¤') as n  (hidden: \\u{202e} \\u{200d} \\u{fe0f} \\u{200b})",
                )
        });
        terminal.wait_screen("the cursor in it", |screen| screen.cursor_position().1 == column - 8);
        terminal.send("\u{5};\r");
        wait_answer(&mut terminal, "6");
        terminal.send(UP);
        terminal.wait("the statement again", |shown| {
            shown.contains("sample> select length('a¤c¤¤¤') as n;  (hidden:")
        });
        assert!(!terminal.shown().contains(['\u{202e}', '\u{200b}', '\u{fe0f}', '\u{200d}', '\u{10e000}']));
        terminal.send("\u{c}\r");
        terminal.wait("the next answer", |shown| {
            !shown.contains("off") && shown.ends_with(" 6\n(1 row)\nsample>")
        });
        let history = terminal.home().join(".local/share/ankurah/history");
        let kept = std::fs::read_to_string(history).unwrap();
        assert!(kept.contains("select length('a\u{202e}c\u{200d}\u{fe0f}\u{200b}') as n;\n"), "{kept:?}");
        assert_eq!(terminal.end(CTRL_D), 0);
    }
}

#[test]
fn what_another_session_left_in_the_history_is_shown_as_marks() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history");
    std::fs::write(&history, "#V2\nselect length('\u{1b}[31m\u{202e}x') as n;\nselect 1 as one;\n").unwrap();
    let environment = [("NO_COLOR", "1"), ("ANKURAH_HISTORY", history.to_str().unwrap())];
    let mut terminal = at(&Start { environment: &environment, ..Start::default() });
    terminal.send("a\u{12}\u{202e}");
    terminal
        .wait("the search", |shown| shown.contains("(reverse-i-search)`': select length('␛[31m¤x') as n;"));
    terminal.send("\r");
    wait_answer(&mut terminal, "7");
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn a_history_with_bytes_that_are_no_utf8_goes_on_without_those_lines() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history");
    let damaged = b"#V2\nselect 1 as one;\nselect '\xff\xfe' as two;\nselect 3 as three;\n";
    std::fs::write(&history, damaged).unwrap();
    let environment = [("NO_COLOR", "1"), ("ANKURAH_HISTORY", history.to_str().unwrap())];
    let start = Start { columns: 250, environment: &environment, ..Start::default() };
    let mut terminal = at(&start);
    let said = "history has lines that are no UTF-8: they were left out, and the file as it was is ";
    assert!(terminal.shown().contains(said), "{}", terminal.shown());
    assert_eq!(std::fs::read(folder.path().join("history.damaged")).unwrap(), damaged);
    terminal.send(&format!("{UP}{UP}"));
    terminal.wait("the first line", |shown| shown.ends_with("sample> select 1 as one;"));
    terminal.send("\u{15}select 'four' as four;\r");
    wait_answer(&mut terminal, "four");
    assert_eq!(terminal.end(CTRL_D), 0);
    let kept = std::fs::read_to_string(&history).unwrap();
    assert_eq!(kept, "#V2\nselect 1 as one;\nselect 3 as three;\nselect 'four' as four;\n");
    let terminal = at(&start);
    assert!(!terminal.shown().contains("UTF-8"), "{}", terminal.shown());
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_goes_on_after_bytes_that_are_no_utf8() {
    let environment = [("NO_COLOR", "1"), ("TERM", "dumb")];
    let mut terminal = at(&Start { environment: &environment, ..Start::default() });
    terminal.send_bytes(b"select '\xff';\r");
    terminal.wait("the message", |shown| {
        shown.contains("error: what was typed is no UTF-8 text") && shown.ends_with("sample>")
    });
    // Characters of the block for marks are themselves there.
    terminal.send("select length('\u{10e000}\u{10e001}') as n;\r");
    wait_answer(&mut terminal, "2");
    assert_eq!(terminal.end("\\q\r"), 0);
}

#[test]
fn pasted_line_breaks_and_control_characters_are_exact() {
    let mut terminal = sample();
    for (content, length) in [("a\rb", "3"), ("a\nb", "3"), ("a\r\nb", "4"), ("a\u{1}\u{7}b\t", "5")] {
        let query = format!("select 'it has ' || length('{content}') as n");
        terminal.send(&format!("\u{c}{};\r", pasted(&query)));
        wait_answer(&mut terminal, &format!("it has {length}"));
    }
    terminal.send(&pasted("select length('a\u{1b}[31mb\u{1b}[0;1;2;3mc') as n"));
    terminal.wait("what was left out", |shown| {
        shown
            .replace('\n', "")
            .contains("(left out of what was pasted: escape sequences or control characters)")
    });
    terminal.send(CTRL_C);
    // With the prompt below it: the line editor has the keys again.
    terminal.wait("the kept text", |shown| {
        shown
            .ends_with("(the text is kept; Ctrl-C again clears it)\nsample> select length('ab;1;2;3mc') as n")
    });
    terminal.send(CTRL_C);
    terminal.wait("the cleared text", |shown| shown.ends_with("sample>"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn the_next_key_is_taken_literally_after_ctrl_v() {
    let mut terminal = sample();
    terminal.send("select length('\u{16}\u{3}\u{16}\t') as n;\r");
    wait_answer(&mut terminal, "2");
    assert!(terminal.shown().contains("select length('␃"), "{}", terminal.shown());
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn ctrl_c_leaves_a_long_list_of_candidates_and_keeps_the_text() {
    let mut terminal = at(&Start { columns: 30, lines: 12, ..Start::default() });
    terminal.send("select \t");
    terminal.wait("the first page", |shown| shown.ends_with("--More--"));
    assert!(terminal.shown().lines().all(|line| line.chars().count() <= 30), "{}", terminal.shown());
    terminal.send(CTRL_C);
    terminal.wait("the text", |shown| shown.ends_with("sample> select"));
    terminal.send("1 as one;\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn the_greeting_breaks_between_words() {
    let start = Start { columns: 30, lines: 24, environment: &[("NO_COLOR", "1")] };
    let terminal = at(&start);
    let shown = terminal.shown();
    let words: Vec<&str> = shown.split_whitespace().collect();
    for word in ["collection", "describes", "leaves.", "rating", "5;"] {
        assert!(words.contains(&word), "{word} in\n{shown}");
    }
    assert_eq!(terminal.end(CTRL_D), 0);
    let mut terminal = Terminal::start(PROGRAM, &["repl", "a-new-store", "--no-rc"], &start);
    terminal.wait("the prompt", |shown| shown.ends_with("a-new-store>"));
    assert!(terminal.shown().starts_with("made a new store at\n  a-new-store\n"), "{}", terminal.shown());
    terminal.send(&format!("select 1{CTRL_C}"));
    terminal
        .wait("the kept text", |shown| shown.ends_with("Ctrl-C\n  again clears it)\na-new-store> select 1"));
}

#[test]
fn an_rc_file_that_fails_says_what_of_it_was_not_run() {
    for (script, said) in [
        (
            "\\pset null -\n\nselec 1;\n\\timing\nselect 1;\n",
            "ended at line 3: the 2 statements behind it were not run",
        ),
        ("select 1;\n\\i missing.sql\n\\timing\n", "ended at line 2: the statement behind it was not run"),
        ("select 1;\nselect 1 +\n nope;\n", "ended at line 2: it was the last statement"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("ankurah");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("replrc"), script).unwrap();
        let config = folder.path().to_str().unwrap();
        let start =
            Start { columns: 200, lines: 30, environment: &[("NO_COLOR", "1"), ("XDG_CONFIG_HOME", config)] };
        let mut terminal = Terminal::start(PROGRAM, &["repl", "--sample"], &start);
        terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
        assert!(terminal.shown().contains(&format!("/ankurah/replrc {said}\n")), "{}", terminal.shown());
        assert_eq!(terminal.end(CTRL_D), 0);
    }
}

#[cfg(unix)]
#[test]
fn how_many_rows_there_were_is_not_said_where_another_program_reads_them() {
    let query = "select name from album order by name limit 20";
    for (command, said) in [
        (format!("'{PROGRAM}' repl --sample -c '{query}' | head -n 1; echo end"), "name\nend"),
        (format!("'{PROGRAM}' repl --sample -c '{query}' > rows.tsv; echo end"), "(20 rows)\nend"),
        (format!("'{PROGRAM}' export memory: --query 'select 1 as one' | head -n 1; echo end"), "one\nend"),
        (
            format!("'{PROGRAM}' export memory: --query 'select 1 as one' -o one.csv | cat; echo end"),
            "1 row\nend",
        ),
        // What a statement did is said in any case.
        (format!("'{PROGRAM}' repl memory: -c 'create model a (b i64)' | cat; echo end"), "defined\nend"),
    ] {
        let (bytes, _) = Terminal::start("sh", &["-c", &command], &Start::default()).rest();
        assert_eq!(String::from_utf8(bytes).unwrap().replace('\r', "").trim_end(), said, "{command}");
    }
}

/// The line that is completed takes three lines of the terminal, and is drawn again below the list.
#[test]
fn all_candidates_are_seen_where_the_line_takes_several_rows() {
    let mut terminal = at(&Start { columns: 30, lines: 40, ..Start::default() });
    terminal.send("select name, year, artist, rating from album where rating > 3 and c\t");
    terminal.wait("the list", |shown| shown.contains("\ncount(") && shown.ends_with("> 3 and c"));
    for name in ["case", "cast", "ceil(", "coalesce(", "concat(", "concat_ws(", "count("] {
        assert!(terminal.shown().contains(&format!("\n{name}")), "{name} in\n{}", terminal.shown());
    }
    assert_eq!(terminal.shown().matches("> 3 and c").count(), 2, "{}", terminal.shown());
    // And in several columns, with the cursor in the first of two lines.
    terminal.resize(100, 40);
    terminal.send(&format!("{CTRL_C}{CTRL_C}select c\rfrom album{UP}\u{5}\t"));
    terminal.wait("the list", |shown| shown.contains(" count(") && shown.ends_with("select c\nfrom album"));
    assert!(terminal.shown().contains("coalesce("), "{}", terminal.shown());
}

#[test]
fn a_paste_that_is_too_large_for_a_prompt_is_not_taken_and_that_is_said() {
    let mut terminal = sample();
    terminal.send("select 'be");
    terminal.wait("the text", |shown| shown.ends_with("'be"));
    terminal.send(&pasted(&"\r".repeat(70_000)));
    let said = "sample> select 'be  (what was pasted is too large for a prompt: \\i runs a file)";
    terminal.wait("the remark", |shown| shown.ends_with(said));
    terminal.send("fore' as word;\r");
    wait_answer(&mut terminal, "before");
}

#[test]
fn the_cursor_stands_behind_a_tab() {
    let mut terminal = sample();
    terminal.send("select 'a\u{16}\tb\u{16}\tcd");
    terminal.wait("the text", |shown| shown.ends_with("sample> select 'a       b       cd"));
    terminal.wait_screen("the cursor", |screen| screen.cursor_position().1 == 34);
    terminal.send("\u{1b}[D\u{1b}[D");
    terminal.wait_screen("the cursor before cd", |screen| screen.cursor_position().1 == 32);
}

#[test]
fn what_is_missing_is_said_of_a_text_that_is_not_complete() {
    let mut terminal = sample();
    for (text, ends) in [
        ("select 1\r", "; ends the statement"),
        ("select 'a;\r", "' ends the string"),
        ("select \"a;\r", "\" ends the name"),
        ("select 1 /* a;\r", "*/ ends the comment"),
    ] {
        terminal.send(text);
        terminal.wait(ends, |shown| shown.ends_with(&format!("\n{ends}")));
        terminal.send("\u{3}");
        // Keys are read again as soon as the prompt stands below the note.
        let prompt =
            |shown: &str| shown.split_once("clears it)").is_some_and(|(_, rest)| rest.contains("sample>"));
        terminal.wait("the kept text", prompt);
        terminal.send("\u{3}\u{c}");
        terminal.wait("the cleared text", |shown| shown == "sample>");
    }
}
