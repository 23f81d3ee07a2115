//! Several programs on one store: those that come later attach to the first.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use ankurah_screen::{Start, Terminal};

use crate::common::PROGRAM;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// What a command writes, which ends as it should.
#[track_caller]
fn good(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = run(folder, arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    (out, err)
}

/// A REPL that reads statements one by one, and writes rows as tab-separated values.
struct Repl {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Repl {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command(folder, &["repl"]);
        command.args(arguments).args(["--format", "tsv", "--keep-going"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Repl { child, output }
    }

    fn say(&mut self, statement: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{statement};").unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line that says this.
    fn line_with(&mut self, text: &str) -> String {
        let mut line = self.line();
        while !line.contains(text) && !line.is_empty() {
            line = self.line();
        }
        line
    }

    /// The one value that a query gives.
    fn value(&mut self, query: &str) -> String {
        self.say(query);
        self.line();
        self.line()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it; gives what it wrote beside its rows.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.child.stdin.take());
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

/// A REPL that holds a store with one album.
fn holder(folder: &Path) -> Repl {
    let mut repl = Repl::start(folder, &["music"]);
    repl.say("create model album (name string key, year i64)");
    repl.say("insert into album (name, year) values ('Blue', 1971)");
    assert_eq!(repl.value("select count(*) as n from album"), "1");
    repl
}

#[test]
fn commands_attach_to_the_program_that_has_the_store_open() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut first = holder(folder);
    let notice = format!("attached to process {} (ankurah), which has the store open\n", first.child.id());
    let reading = notice.replace("open\n", "open, for reading alone\n");

    let (out, err) = good(folder, &["repl", "music", "-c", "select * from album"]);
    assert_eq!(out, "name\tyear\nBlue\t1971\n");
    assert!(err.starts_with(&notice), "{err}");
    let (_, err) =
        good(folder, &["repl", "music", "-c", "insert into album (name, year) values ('Hejira', 1976)"]);
    assert!(err.starts_with(&notice), "{err}");
    assert_eq!(first.value("select count(*) as n from album"), "2");

    std::fs::write(folder.join("album.csv"), "name,year\nBlue,1972\nMingus,1979\n").unwrap();
    let (_, err) = good(folder, &["import", "music", "album.csv", "--into", "album", "--key", "name"]);
    assert!(err.contains(&notice) && err.contains("1 created, 1 updated"), "{err}");
    assert_eq!(first.value("select year from album where name = 'Blue'"), "1972");
    let (out, err) = good(folder, &["export", "music", "album"]);
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["Blue,1972", "Hejira,1976", "Mingus,1979", "name,year"]);
    assert!(err.contains(&reading), "{err}");
    let (out, _) = good(folder, &["verify", "music"]);
    assert!(out.starts_with("music is sound"), "{out}");
    let (out, _) = good(folder, &["inspect", "music", "--dump", "100x30", "--keys", "2"]);
    assert!(out.contains(&format!("process {}", first.child.id())) && out.contains("album"), "{out}");

    // Who wants to read alone can; and says so itself.
    let refused = run(folder, &["repl", "music", "--read-only", "-c", "delete from album"]);
    assert_eq!(refused.status.code(), Some(3));
    let err = String::from_utf8(refused.stderr).unwrap();
    assert!(err.starts_with(&reading) && err.contains("the store is open read-only"), "{err}");

    // A mistake is shown as in the same process.
    let mistake = "select nmae from album";
    let attached = String::from_utf8(run(folder, &["repl", "music", "-c", mistake]).stderr).unwrap();
    first.say("begin");
    let (code, said) = first.end();
    assert_eq!(code, Some(3), "{said}");
    let alone = String::from_utf8(run(folder, &["repl", "music", "-c", mistake]).stderr).unwrap();
    assert_eq!(attached.strip_prefix(&notice), Some(alone.as_str()));
    assert!(alone.contains("did you mean") || alone.contains("name"), "{alone}");
    assert!(!folder.join("music/socket").exists());
}

#[test]
fn a_live_query_shows_what_another_program_commits() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = holder(folder.path());
    let mut second = Repl::start(folder.path(), &["music", "-c", "live select name from album"]);
    assert!(second.line().contains("reset"));
    assert_ne!(second.line_with("Blue"), "");
    first.say("insert into album (name, year) values ('Hejira', 1976)");
    let change = second.line_with("Hejira");
    assert!(change.contains("enter"), "{change}");
    // The other way round.
    let mut third = Repl::start(folder.path(), &["music"]);
    third.say("delete from album where name = 'Blue'");
    assert_ne!(second.line_with("leave"), "");
    // It ends with the one that it is attached to, and says why.
    first.kill();
    let ended = second.line_with("ended");
    assert!(ended.contains("the connection to process"), "{ended}");
    let (code, said) = second.end();
    assert_eq!(code, Some(3), "{said}");
    third.kill();
}

#[test]
fn what_a_program_did_not_commit_is_gone_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = holder(folder.path());
    let mut second = Repl::start(folder.path(), &["music"]);
    second.say("begin");
    second.say("update album set year = 2000");
    assert_eq!(second.value("select year from album"), "2000");
    assert_eq!(first.value("select year from album"), "1971");
    second.kill();
    first.say("update album set year = year + 1");
    assert_eq!(first.value("select year from album"), "1972");
    let (code, said) = first.end();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_program_that_is_killed_is_missed_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let first = holder(folder.path());
    let process = first.child.id();
    let mut second = Repl::start(folder.path(), &["music"]);
    second.say("begin");
    second.say("update album set year = 2000");
    assert_eq!(second.value("select year from album"), "2000");
    first.kill();
    assert!(folder.path().join("music/socket").exists(), "nobody was there to remove it");
    // What relied on it fails, and says why; what comes after it opens the store.
    second.say("commit");
    assert_eq!(second.value("select year from album"), "1971");
    let (out, err) = good(folder.path(), &["repl", "music", "-c", "select year from album"]);
    assert_eq!(out, "year\n1971\n");
    assert!(err.contains(&format!("attached to process {}", second.child.id())), "{err}");
    let (code, said) = second.end();
    assert_eq!(code, Some(3));
    let expected =
        format!("the connection to process {process} (ankurah) broke: it has ended, or was killed");
    assert!(
        said.contains(&expected) && said.contains("a transaction that was open is rolled back"),
        "{said}"
    );
    assert!(said.contains("the store is now open here"), "{said}");
    // So does whoever comes next, and others attach to it again.
    let mut third = Repl::start(folder.path(), &["music"]);
    assert_eq!(third.value("select year from album"), "1971");
    let (out, err) = good(folder.path(), &["repl", "music", "-c", "select year from album"]);
    assert_eq!(out, "year\n1971\n");
    assert!(err.contains(&format!("attached to process {}", third.child.id())), "{err}");
    third.end();
}

#[test]
fn the_inspector_goes_on_after_the_program_that_it_looked_into_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let first = holder(folder.path());
    let store = folder.path().join("music").display().to_string();
    let mut inspector = Terminal::start(PROGRAM, &["inspect", &store, "--write"], &Start::default());
    inspector.send("6");
    inspector.wait("the change log", |shown| shown.contains("name string key") || shown.contains(" seen"));
    first.kill();
    inspector.wait("the break", |shown| shown.contains("the connection"));
    // It opens the store, says nothing of that in the midst of its screen, and others attach to it.
    inspector.wait("the end of it", |shown| !shown.contains("the connection"));
    assert!(!inspector.shown().contains("is now open here"), "{}", inspector.shown());
    let process = format!("attached to process {}", inspector.process());
    let (_, err) =
        good(folder.path(), &["repl", "music", "-c", "insert into album (name) values ('Hejira')"]);
    assert!(err.contains(&process), "{err}");
    inspector.send("2");
    inspector.wait("two albums", |shown| {
        shown.lines().any(|line| line.contains("album") && line.contains("  2  "))
    });
    assert_eq!(inspector.end("q"), 0);
}

/// Who looks without writing never holds a store that it was attached to: the program that was killed can have it again.
#[test]
fn an_inspector_that_reads_alone_leaves_the_store_to_who_opens_it_next() {
    let folder = tempfile::tempdir().unwrap();
    let first = holder(folder.path());
    let named = |process: u32| format!("(process {process})");
    let before = named(first.child.id());
    let store = folder.path().join("music").display().to_string();
    let start = Start { columns: 160, ..Start::default() };
    let mut inspector = Terminal::start(PROGRAM, &["inspect", &store], &start);
    inspector.wait("the first", |shown| shown.contains(&before));
    first.kill();
    inspector.wait("the end of it", |shown| {
        shown.contains("(nobody has it open)") && shown.contains("no program has the store open now")
    });
    let mut second = holder_again(folder.path());
    let after = named(second.child.id());
    inspector.wait("the next", |shown| shown.contains(&after) && !shown.contains("no program"));
    second.say("insert into album (name, year) values ('Hejira', 1976)");
    assert_eq!(second.value("select count(*) as n from album"), "2");
    inspector.send("2");
    inspector.wait("two albums", |shown| {
        shown.lines().any(|line| line.contains("album") && line.contains("  2  "))
    });
    assert_eq!(inspector.end("q"), 0);
    let (code, said) = second.end();
    assert!(code == Some(0) && !said.contains("attached"), "{said}");
}

/// A REPL that has the store open itself, which `holder` made.
fn holder_again(folder: &Path) -> Repl {
    let mut repl = Repl::start(folder, &["music"]);
    assert_eq!(repl.value("select count(*) as n from album"), "1");
    repl
}
