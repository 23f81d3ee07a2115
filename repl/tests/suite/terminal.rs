//! The prompt on a real terminal: what a person sees after each key.

use ankurah_screen::{CTRL_C, CTRL_D, Start, Terminal, UP, pasted};

use crate::common::{PROGRAM, snapshot};

/// A prompt on the sample.
fn sample() -> Terminal {
    let mut terminal = Terminal::start(PROGRAM, &["repl", "--sample", "--no-rc"], &Start::default());
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    terminal
}

#[test]
fn a_statement_over_several_lines() {
    let mut terminal = sample();
    terminal.send("select name, year\rfrom album\rwhere year < 1959\rorder by year, name;\r");
    terminal.wait("the answer", |shown| shown.ends_with("sample>") && shown.contains("rows)"));
    terminal.send("begin;\r");
    terminal.wait("the open transaction", |shown| shown.ends_with("sample*>"));
    terminal.send("select yaer from album;\r");
    terminal.wait("the failed transaction", |shown| shown.ends_with("sample!>"));
    snapshot("terminal", &terminal.shown());
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn ctrl_d_says_that_the_open_transaction_is_lost() {
    let mut terminal = sample();
    terminal.send("begin;\r");
    terminal.wait("the open transaction", |shown| shown.ends_with("sample*>"));
    terminal.send(CTRL_D);
    terminal.wait("the message", |shown| shown.ends_with("\nerror: the open transaction was rolled back"));
    assert_eq!(terminal.rest().1, 0);
}

#[test]
fn ctrl_c_keeps_the_text_and_clears_it_the_second_time() {
    let mut terminal = sample();
    terminal.send("select name from");
    terminal.wait("the text", |shown| shown.ends_with("select name from"));
    terminal.send(CTRL_C);
    terminal.wait("the kept text", |shown| {
        shown.ends_with("(the text is kept; Ctrl-C again clears it)\nsample> select name from")
    });
    terminal.send(" album limit 1;\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    terminal.send("gone");
    terminal.wait("the text", |shown| shown.ends_with("gone"));
    terminal.send(CTRL_C);
    terminal.wait("the kept text", |shown| shown.ends_with("clears it)\nsample> gone"));
    terminal.send(CTRL_C);
    terminal.wait("the cleared text", |shown| shown.ends_with("sample>"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

/// Ctrl-C and what follows it, pressed faster than the prompt reads.
#[test]
fn keys_pressed_right_behind_ctrl_c_are_not_lost() {
    let mut terminal = sample();
    terminal.send(&format!("select 'all ' || 'there' as word{CTRL_C};\r"));
    terminal.wait("the answer", |shown| shown.ends_with(" all there\n(1 row)\nsample>"));
    terminal.resize(70, 30);
    terminal.send(&format!("select 'gone'{CTRL_C}{CTRL_C}select 'still ' || 'there' as word;\r"));
    terminal.wait("the answer", |shown| shown.ends_with(" still there\n(1 row)\nsample>"));
    // The cursor stands in the first of three lines.
    terminal.send(&format!("select\r'c'\r|| 'd'{UP}{UP}\u{5}{CTRL_C}"));
    terminal.wait("the kept text", |shown| {
        shown.ends_with("|| 'd'\n(the text is kept; Ctrl-C again clears it)\nsample> select\n'c'\n|| 'd'")
    });
    terminal.send(&format!(" 'b' ||{CTRL_C}"));
    terminal
        .wait("the changed text", |shown| shown.ends_with("clears it)\nsample> select 'b' ||\n'c'\n|| 'd'"));
    terminal.send("\u{1b}[B\u{1b}[B\u{5};\r");
    terminal.wait("the answer", |shown| shown.ends_with(" bcd\n(1 row)\nsample>"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[cfg(unix)]
#[test]
fn the_last_statement_is_edited() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let editor = folder.path().join("editor");
    std::fs::write(&editor, "#!/bin/sh\nsed -i 's/one/two/' \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let environment = [("NO_COLOR", "1"), ("EDITOR", editor.to_str().unwrap())];
    let start = Start { environment: &environment, ..Start::default() };
    let mut terminal = Terminal::start(PROGRAM, &["repl", "--sample", "--no-rc"], &start);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    terminal.send("select 'this ' || 'one' as a;\r");
    terminal.wait("the answer", |shown| shown.ends_with(" this one\n(1 row)\nsample>"));
    terminal.send("\\e\r");
    terminal.wait("the edited text", |shown| shown.ends_with("sample> select 'this ' || 'two' as a;"));
    terminal.send("\r");
    terminal.wait("the answer", |shown| shown.ends_with(" this two\n(1 row)\nsample>"));
    // Behind a statement that was pasted with it, too.
    terminal.send(&format!("{}\r", pasted("select 'the ' || 'one' as b;\n\\e")));
    terminal.wait("the edited text", |shown| shown.ends_with("sample> select 'the ' || 'two' as b;"));
    terminal.send("\u{15}\\e file\r");
    terminal.wait("the message", |shown| {
        shown.ends_with("error: \\e: takes no argument: it edits the last statement\nsample>")
    });
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn completion_and_history() {
    let mut terminal = sample();
    terminal.send("select ye\t");
    terminal.wait("the property", |shown| shown.ends_with("sample> select year"));
    terminal.send(" fr\tal\t lim\t1;\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    assert!(terminal.shown().contains("sample> select year from album limit 1;"), "{}", terminal.shown());
    terminal.send(UP);
    terminal.wait("the statement again", |shown| shown.ends_with("sample> select year from album limit 1;"));
    terminal.send(CTRL_C);
    // Keys sent before the prompt stands again are not the line editor's.
    terminal.wait("the kept text", |shown| {
        shown.ends_with("clears it)\nsample> select year from album limit 1;")
    });
    terminal.send(CTRL_C);
    terminal.wait("the cleared text", |shown| shown.ends_with("sample>"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn pasted_text_is_exact() {
    let mut terminal = sample();
    let text = "select 'a\tb;\n  --| c' as pasted,\n\t2 as two;";
    terminal.send(&format!("\\x on\r{}", pasted(text)));
    terminal.wait("the text, not yet run", |shown| shown.ends_with("2 as two;"));
    terminal.send("\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    assert!(terminal.shown().contains("  │   --| c"), "{}", terminal.shown());
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn an_export_to_a_terminal_is_safe_to_look_at() {
    let query = "select 'x\u{1b}]0;title\u{7}y' as a";
    for format in ["csv", "tsv", "json", "jsonl", "markdown"] {
        let arguments = ["export", "memory:", "--query", query, "--format", format];
        let (bytes, _) = Terminal::start(PROGRAM, &arguments, &Start::default()).rest();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("title"), "{format}: {text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{format}: {text:?}");
    }
}

#[test]
fn rows_sent_to_a_file_are_plain_unless_a_form_was_set() {
    let mut terminal =
        Terminal::start(PROGRAM, &["repl", "--sample", "--no-rc", "--color", "always"], &Start::default());
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    terminal
        .send("\\o rows.tsv\rselect 1 as a, 'b' as b;\r\\o set.txt\r\\format table\rselect 1 as a;\r\\o\r");
    terminal.send("select 'all ' || 'done' as word;\r");
    terminal.wait("the answer", |shown| shown.contains(" all done") && shown.ends_with("sample>"));
    let file = |name: &str| std::fs::read_to_string(terminal.home().join(name)).unwrap();
    assert_eq!(file("rows.tsv"), "a\tb\n1\tb\n");
    let set = file("set.txt");
    assert!(set.starts_with(" a\n") && !set.contains('\u{1b}'), "{set:?}");
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn long_results_go_through_the_pager() {
    let mut terminal = sample();
    terminal.send("\\pset pager off\rselect name from album order by name;\r");
    terminal.wait("the answer", |shown| shown.ends_with("rows)\nsample>"));
    terminal.send("\\pset pager on\rselect year from album order by year;\r");
    // Where there is no pager, everything is printed.
    terminal.wait("the pager", |shown| shown.ends_with(':') || shown.ends_with("rows)\nsample>"));
    terminal.send("q");
    terminal.wait("the prompt", |shown| shown.trim_end_matches('q').trim_end().ends_with("sample>"));
}

#[test]
fn files_are_completed_after_commands_that_take_one() {
    let mut terminal = sample();
    std::fs::write(terminal.home().join("my report.sql"), "select 'from ' || 'a file' as word;").unwrap();
    terminal.send("\\i my\t");
    terminal.wait("the name", |shown| shown.ends_with("sample> \\i 'my report.sql'"));
    terminal.send("\r");
    terminal.wait("the answer", |shown| shown.contains(" from a file") && shown.ends_with("sample>"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn tabs_of_pasted_lines_stay_where_the_terminal_does_not_tell_of_pasting() {
    let mut terminal = sample();
    terminal.send("\\x on\rselect\r\t'a' as one,\r\t\t'b\r\tc' as two;\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    assert!(terminal.shown().contains("two │ b\n    │   c"), "{}", terminal.shown());
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn hints_are_of_this_session() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history");
    std::fs::write(&history, "#V2\nselect old from elsewhere;\n").unwrap();
    let environment = [("NO_COLOR", "1"), ("ANKURAH_HISTORY", history.to_str().unwrap())];
    let start = Start { environment: &environment, ..Start::default() };
    let mut terminal = Terminal::start(PROGRAM, &["repl", "--sample", "--no-rc"], &start);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    terminal.send("sel");
    terminal.wait("the text alone", |shown| shown.ends_with("sample> sel"));
    terminal.send("ect 1 as one;\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    terminal.send("sel");
    terminal.wait("the hint", |shown| shown.ends_with("sample> select 1 as one;"));
    terminal.send(CTRL_C);
    terminal.wait("the kept text", |shown| shown.ends_with("clears it)\nsample> select 1 as one;"));
    terminal.send(CTRL_C);
    terminal.wait("the cleared text", |shown| shown.ends_with("sample>"));
    // The statements of other sessions are still in the history.
    terminal.send(&format!("{UP}{UP}"));
    terminal.wait("the old one", |shown| shown.ends_with("sample> select old from elsewhere;"));
}

#[test]
fn sessions_have_transactions_of_their_own() {
    let mut terminal = sample();
    terminal.send("begin;\r\\session other\r");
    terminal.wait("the other session", |shown| {
        shown.ends_with("other: no transaction (this one)\nsample.other>")
    });
    terminal.send("begin;\r");
    terminal.wait("its transaction", |shown| shown.ends_with("sample.other*>"));
    terminal.send("\\session main\rcommit;\r");
    terminal.wait("the first session", |shown| shown.ends_with("committed\nsample>"));
    terminal.send(CTRL_D);
    terminal.wait("the message", |shown| shown.ends_with("\nerror: the open transaction was rolled back"));
    assert_eq!(terminal.rest().1, 0);
}
