//! Ctrl-C in the midst of work, sent to the real program.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use ankurah_screen::{CTRL_C, CTRL_D, Start, Terminal};

use crate::common::PROGRAM;

/// Queries that give nothing for minutes: the text of each of the rows is made long first.
fn silent() -> Vec<String> {
    let long = "length(replace(repeat(name, 1000), 'o', 'oo'))";
    // One row of these takes seconds alone.
    let slow = |n: u32| format!("repeat(name, 500000) || '{n}' ilike '%!%'");
    let slow = (0..40).map(slow).collect::<Vec<_>>().join(" or ");
    [
        format!("select count(*) from many where {long} < 0"),
        format!("select name from many order by {long}"),
        format!("select {long} as n, count(*) from many group by n"),
        format!("select distinct {long} + length(name) from many order by 1"),
        "select count(*) from many where repeat(name, 100000) like '%r_n%'".to_owned(),
        format!("select count(*) from many where {slow}"),
        format!("select {slow} from many"),
        format!("update many set name = 'x' where {slow}"),
        format!("insert into many (name) select name from many where {slow}"),
    ]
    .into()
}

/// A store `many` in a folder, with a model of that name.
fn many(folder: &Path) {
    let rows: Vec<String> = (0..20_000).map(|number| format!("row number {number}")).collect();
    std::fs::write(folder.join("many.csv"), format!("name\n{}\n", rows.join("\n"))).unwrap();
    let arguments = ["import", "many", "many.csv", "--into", "many"];
    let status = Command::new(PROGRAM).args(arguments).current_dir(folder).stderr(Stdio::null()).status();
    assert!(status.unwrap().success());
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env("HOME", folder).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(process: u32) {
    assert!(Command::new("sh").args(["-c", &format!("kill -INT {process}")]).status().unwrap().success());
}

/// What a shell shows as 130: the code, or being ended by the signal itself.
fn is_130(status: ExitStatus) -> bool {
    status.code() == Some(130) || status.signal() == Some(2)
}

#[test]
fn a_silent_query_of_a_command_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    many(folder.path());
    // This one takes long before it begins: its constants are computed once.
    let constant: Vec<_> = (0..500).map(|n| format!("repeat('x', 8000000) ilike '%{n}'")).collect();
    let constant = format!("select {}", constant.join(" or "));
    for query in silent().into_iter().chain([constant]) {
        let mut child = start(folder.path(), &["repl", "many", "-c", "select 1 as started", "-c", &query]);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line != "1\n" {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0);
        }
        // The query has begun or is about to.
        interrupt(child.id());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((said.as_str(), status.code()), ("(1 row)\ncancelled\n", Some(130)), "{query}");
    }
}

#[test]
fn a_live_query_of_a_command_is_told_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let script = "create model a (b i64); insert into a (b) values (1);
        live select b from a order by b; insert into a (b) values (0); live select count(*) from a";
    let mut child = start(folder.path(), &["repl", "memory:", "-c", script]);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    while lines.lines().count() < 5 {
        assert!(out.read_line(&mut lines).unwrap() > 0, "{lines}");
    }
    let expected = r#"{"live":1,"position":3,"change":"reset","rows":1}
{"live":1,"position":3,"change":"enter","at":0,"row":{"b":1}}
{"live":1,"position":4,"change":"enter","at":0,"row":{"b":0}}
{"live":2,"position":4,"change":"reset","rows":1}
{"live":2,"position":4,"change":"enter","at":0,"row":{"count(*)":2}}
"#;
    assert_eq!(lines, expected);
    interrupt(child.id());
    assert!(is_130(child.wait().unwrap()));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn news_of_a_live_query_stands_above_the_line_that_is_typed() {
    let mut terminal = Terminal::start(PROGRAM, &["repl", "memory:", "--no-rc"], &Start::default());
    terminal.wait("the prompt", |shown| shown.ends_with("memory>"));
    for statement in ["create model a (b i64);", "live select b from a where b > 1;"] {
        terminal.send(&format!("{statement}\r"));
        terminal.wait("the prompt", |shown| shown.contains(statement) && shown.ends_with("memory>"));
    }
    terminal.send("insert into a (b) values (1), (7);\rselect");
    terminal.wait("the news", |shown| shown.contains("[1] + 7") && shown.ends_with("memory> select"));
    terminal.send(" 'th' || 'ere' as said;\r");
    terminal.wait("the answer", |shown| shown.contains(" there\n") && shown.ends_with("memory>"));
    terminal.send("\\live stop 1\r");
    terminal.wait("the prompt", |shown| shown.ends_with("stop 1\nmemory>"));
    terminal.send("insert into a (b) values (8);\r");
    terminal.wait("the prompt", |shown| shown.ends_with("1 entity created\nmemory>"));
    assert!(!terminal.shown().contains("[1] + 8"));
    assert_eq!(terminal.end(CTRL_D), 0);
}

#[test]
fn a_program_that_has_hardly_started_ends_with_130() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let mut child = start(folder.path(), &["repl", "memory:"]);
        interrupt(child.id());
        // Its input stays open: it waits for statements.
        let input = child.stdin.take();
        let status = child.wait().unwrap();
        drop(input);
        assert!(is_130(status), "{status}");
    }
}

#[test]
fn waiting_for_statements_ends_with_130() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &["repl", "memory:"]);
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "select 1 as started;").unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(out.nth(1).unwrap().unwrap(), "1");
    interrupt(child.id());
    assert!(is_130(child.wait().unwrap()));
}

#[test]
fn the_prompt_is_back_at_once_and_the_next_statement_runs() {
    let quick = Duration::from_millis(100);
    let folder = tempfile::tempdir().unwrap();
    many(folder.path());
    let store = folder.path().join("many");
    let mut terminal =
        Terminal::start(PROGRAM, &["repl", store.to_str().unwrap(), "--no-rc"], &Start::default());
    terminal.wait("the prompt", |shown| shown.ends_with("many>"));
    for query in silent() {
        let mut best = Duration::MAX;
        // A machine that is busy otherwise may be slow once.
        for _ in 0..10 {
            terminal.send(&format!("{query};\r"));
            // The line editor has let go of the keys: Ctrl-C is a signal from now on.
            terminal.wait_screen("the statement to begin", |screen| !screen.bracketed_paste());
            terminal.send(CTRL_C);
            best = best.min(terminal.wait("the prompt", |shown| shown.ends_with("cancelled\nmany>")));
            terminal.send("select 'all ' || 'free' as state;\r");
            terminal.wait("the answer", |shown| shown.ends_with(" all free\n(1 row)\nmany>"));
            if best < quick {
                break;
            }
        }
        assert!(best < quick, "{query}: {best:?}");
    }
    assert_eq!(terminal.end(CTRL_D), 0);
}
