//! The program as scripts use it: what it writes where, and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::snapshot;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ankurah"));
    command.args(arguments).current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "CI", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// What a shell shows of a command.
fn transcript(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let mut text = format!("$ ankurah {}\n", arguments.join(" "));
    for (name, bytes) in [("out", output.stdout), ("err", output.stderr)] {
        for line in String::from_utf8(bytes).unwrap().lines() {
            text += &format!("{name}| {line}\n");
        }
    }
    // How long things took is no part of it.
    while let Some((start, end)) = seconds(&text) {
        text.replace_range(start..end, "");
    }
    format!("{text}exit {}\n", output.status.code().unwrap())
}

fn seconds(text: &str) -> Option<(usize, usize)> {
    let end = text.find(" s)")? + 3;
    let start = text.get(..end)?.rfind(" (")?;
    Some((start, end))
}

#[test]
fn rows_to_standard_output_everything_else_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<String> = [
        &["repl", "memory:", "-c", "select 1 as a, null as b, 'x\u{1b}[31m' as c"][..],
        &["repl", "memory:", "-c", "select 1 as a, null as b, '' as c", "--format", "csv"],
        &["repl", "memory:", "-c", "select 1 as a", "-c", "selec 2", "-c", "select 3 as c"],
        &["repl", "memory:", "--keep-going", "-c", "selec 2; select 3 as c"],
        &["repl", "memory:", "-v", "year=1977", "-c", "select $year + 1 as next"],
        &["repl", "memory:", "-c", "select 1", "--color", "always"],
        &["repl", "--sample", "--read-only", "-c", "delete from album"],
        &["repl", "--sample", "-c", "select count(*) as albums from album", "--format", "json"],
        &["repl", "--sample", "somewhere", "-c", "select 1"],
        &["repl", "nowhere", "--read-only", "-c", "select 1"],
        &["repl", "redis:x", "-c", "select 1"],
        &["repl", "memory:", "-f", "missing.ank"],
        &["repl", "memory:", "--format", "tabel"],
        &["export", "nowhere", "album"],
        &["verify", "nowhere"],
        &["run", "nowhere.ank"],
    ]
    .into_iter()
    .map(|arguments| transcript(folder.path(), arguments))
    .collect();
    snapshot("process", &all.join("\n"));
}

#[test]
fn a_command_about_what_does_not_exist_fails() {
    let folder = tempfile::tempdir().unwrap();
    for (command, said) in [
        ("\\d albun", "there is no model `albun`; did you mean `album`?"),
        ("\\d+ nope", "there is no model `nope`"),
        ("\\di albun", "there is no model `albun`; did you mean `album`?"),
        ("\\df lenght", "there is no function `lenght`; did you mean `length`?"),
    ] {
        let output = run(folder.path(), &["repl", "--sample", "-c", command]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{command}: {error}");
        assert!(error.contains(said), "{command}: {error}");
    }
}

#[test]
fn import_export_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(
        path.join("artist.csv"),
        "ArtistId,Name\n1,AC/DC\n2,\"Accept, \"\"live\"\"\"\n3,\n4,\"\"\n",
    )
    .unwrap();
    std::fs::write(
        path.join("album.csv"),
        "AlbumId,Title,ArtistId,Price,id\n1,Let There Be Rock,1,0.99,007\nx\n2,Ünknown,9,10,8\n",
    )
    .unwrap();
    let all: Vec<String> = [
        &["import", "music", "artist.csv", "--into", "artist", "--key", "ArtistId"][..],
        &[
            "import",
            "music",
            "album.csv",
            "--into",
            "album",
            "--key",
            "AlbumId",
            "--ref",
            "ArtistId=artist.ArtistId",
        ],
        &["import", "music", "artist.csv", "--into", "artist"],
        &["export", "music", "artist", "-o", "out.csv"],
        &[
            "export",
            "music",
            "--query",
            "select Title, ArtistId.Name, Price, id_ from album order by AlbumId",
            "--format",
            "jsonl",
        ],
        &["repl", "music", "-c", "\\d album"],
        &["verify", "music"],
        &["export", "music", "albun"],
        &["import", "music", "missing.csv", "--into", "x"],
        &["import", "music", "artist.txt", "--into", "x"],
    ]
    .into_iter()
    .map(|arguments| transcript(path, arguments))
    .collect();
    snapshot("import_export", &all.join("\n"));
    let sorted = |name: &str| {
        let text = std::fs::read_to_string(path.join(name)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted("out.csv"), sorted("artist.csv"));
    assert!(!path.join("out.csv.partial").exists());
}

/// Looking for the size of a terminal where there is none starts `tput`, twice for each look.
#[cfg(unix)]
#[test]
fn a_script_in_a_pipe_starts_no_other_program() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let tput = folder.path().join("tput");
    std::fs::write(&tput, "#!/bin/sh\n: > \"$HOME/started\"\n").unwrap();
    std::fs::set_permissions(&tput, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = command(folder.path(), &["repl", "memory:", "-c", "select 1; select 2", "-c", "\\d"])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(!folder.path().join("started").exists());
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    // More rows than a pipe holds.
    let rows: Vec<String> = (0..20_000).map(|number| format!("row number {number}")).collect();
    std::fs::write(folder.path().join("many.csv"), format!("name\n{}\n", rows.join("\n"))).unwrap();
    assert!(run(folder.path(), &["import", "store", "many.csv", "--into", "many"]).status.success());
    for arguments in [&["repl", "store", "-c", "from many"][..], &["export", "store", "many"]] {
        let mut child =
            command(folder.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "name\n");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

#[test]
fn statements_from_standard_input_run_as_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["repl", "memory:"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 1..4 {
        writeln!(input, "select\n  {number} as a;").unwrap();
        assert_eq!(output.next().unwrap().unwrap(), "a");
        assert_eq!(output.next().unwrap().unwrap(), number.to_string());
    }
    write!(input, "select 'no end'").unwrap();
    drop(input);
    assert_eq!(output.nth(1).unwrap().unwrap(), "no end");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Commands that ask one thing and end: the first one that misses an index is remembered, the second one makes it,
/// the third one has it. One that may not write changes nothing.
#[test]
fn commands_that_ask_once_get_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..2_000).map(|n| format!("{n},{}\n", n % 700)).collect();
    std::fs::write(folder.path().join("t.csv"), format!("k,n\n{rows}")).unwrap();
    for engine in ["fjall:a", "sled:b"] {
        run(folder.path(), &["import", engine, "t.csv", "--into", "t", "--key", "k"]);
        let ask = |flags: &[&str], statement: &str| {
            let output = run(folder.path(), &[&["repl", engine, "-c", statement], flags].concat());
            String::from_utf8(output.stdout).unwrap()
        };
        let query = "select k from t where n = 5";
        let plan = |flags: &[&str]| ask(flags, &format!("explain {query}"));
        for _ in 0..3 {
            assert_eq!(ask(&["--read-only"], query), "k\n705\n1405\n5\n");
        }
        assert!(plan(&[]).contains("wanted index: t (n)"), "{engine}: {}", plan(&[]));
        assert_eq!(ask(&[], query), "k\n705\n1405\n5\n");
        assert!(plan(&[]).contains("wanted index: t (n)"), "{engine}: {}", plan(&[]));
        assert_eq!(ask(&[], query), "k\n705\n1405\n5\n");
        assert!(plan(&[]).contains("by index (n)"), "{engine}: {}", plan(&[]));
        assert_eq!(ask(&[], query), "k\n705\n1405\n5\n");
        assert_eq!(run(folder.path(), &["verify", engine]).status.code(), Some(0));
    }
}

#[test]
fn a_transaction_left_open_is_said_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let define = "create model m (a i64)";
    assert!(run(path, &["repl", "store", "-c", define]).status.success());
    let open = "begin; insert into m (a) values (1)";
    let said = "error: the open transaction was rolled back";
    let check = |output: Output, expected: &[&str]| {
        let text = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(lines, expected);
        assert_eq!(output.status.code(), Some(if expected.is_empty() { 0 } else { 3 }));
    };
    check(run(path, &["repl", "store", "-c", open]), &[said]);
    check(run(path, &["repl", "store", "-c", open, "-c", "\\q"]), &[said]);
    std::fs::write(path.join("open.ank"), open).unwrap();
    check(run(path, &["repl", "store", "-f", "open.ank"]), &[said]);
    let input = std::fs::File::open(path.join("open.ank")).unwrap();
    check(command(path, &["repl", "store"]).stdin(input).output().unwrap(), &[said]);
    check(run(path, &["repl", "store", "-c", &format!("{open}; rollback")]), &[]);
    check(run(path, &["repl", "store", "-c", &format!("{open}; commit")]), &[]);
    let count = run(path, &["repl", "store", "-c", "select count(*) as n from m"]);
    assert_eq!(String::from_utf8(count.stdout).unwrap(), "n\n1\n");
}

#[test]
fn a_query_that_fails_before_its_first_row_prints_no_heading() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["csv", "tsv", "table", "json", "jsonl", "markdown"] {
        let repl = run(folder.path(), &["repl", "memory:", "-c", "select 1/0", "--format", format]);
        assert_eq!((repl.stdout.as_slice(), repl.status.code()), (&b""[..], Some(3)), "{format}");
    }
    let export = run(folder.path(), &["export", "memory:", "--query", "select 1/0"]);
    assert_eq!((export.stdout.as_slice(), export.status.code()), (&b""[..], Some(3)));
    // No row is no failure.
    let none = run(folder.path(), &["repl", "memory:", "-c", "select 1 as a limit 0"]);
    assert_eq!((none.stdout.as_slice(), none.status.code()), (&b"a\n"[..], Some(0)));
}

#[test]
fn a_store_too_damaged_to_open_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(run(path, &["repl", "store", "-c", "create model m (a i64)"]).status.success());
    std::fs::write(path.join("store/ankurah-store"), "nothing of ours").unwrap();
    let output = run(path, &["verify", "store"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        matches!(lines.as_slice(), [fault, "store cannot be opened"] if fault.starts_with("fault ")),
        "{text}"
    );
    assert!(!text.contains("ankurah verify"), "{text}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_damaged_settings_file_of_sled_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(run(path, &["repl", "sled:store", "-c", "create model m (a i64)"]).status.success());
    let conf = path.join("store/data/conf");
    let sound = std::fs::read(&conf).unwrap();
    for (what, other) in
        [("false", &b"true"[..]), ("0.34", b"0.99"), ("_size: 5", b"_size: 9"), ("0.34", b"\xff")]
    {
        let at = sound.windows(what.len()).position(|bytes| bytes == what.as_bytes()).unwrap();
        let damaged = [&sound[..at], other, &sound[at + what.len()..]].concat();
        std::fs::write(&conf, damaged).unwrap();
        assert_eq!(
            transcript(path, &["verify", "sled:store"]),
            "$ ankurah verify sled:store\n\
             out| fault the file data/conf: it does not hold the settings that the store was made with; where that \
             file is removed, sled writes it anew\nout| sled:store cannot be opened\nexit 4\n"
        );
    }
    std::fs::remove_file(&conf).unwrap();
    assert_eq!(run(path, &["verify", "sled:store"]).status.code(), Some(0));
}

#[test]
fn what_cannot_be_opened_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("file"), "text").unwrap();
    std::fs::create_dir(path.join("folder")).unwrap();
    std::fs::write(path.join("folder/x"), "text").unwrap();
    for (target, why) in [
        ("file", "Not a directory (os error 20)"),
        ("sled:file", "Not a directory (os error 20)"),
        ("./file", "Not a directory (os error 20)"),
        ("folder", "it is no store, but holds x"),
    ] {
        let said = transcript(path, &["repl", target, "-c", "select 1"]);
        let command = format!("$ ankurah repl {target} -c select 1");
        assert_eq!(said, format!("{command}\nerr| error: cannot open {target}: {why}\nexit 2\n"));
    }
    let said = transcript(path, &["repl", "memory:", "-f", "folder"]);
    assert!(said.ends_with("err| error: cannot read folder: is a directory\nexit 2\n"), "{said}");
}

#[test]
fn blessing_is_refused_where_ci_is_set_even_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.ank"), "select 1;\n").unwrap();
    let bless = |value: Option<&str>| {
        let mut command = command(folder.path(), &["run", "a.ank", "--bless"]);
        value.map(|value| command.env("CI", value));
        let code = command.output().unwrap().status.code();
        (code, std::fs::read_to_string(folder.path().join("a.ank")).unwrap().contains("--|"))
    };
    for value in ["", "true", "false"] {
        assert_eq!(bless(Some(value)), (Some(1), false), "{value}");
    }
    assert_eq!(bless(None), (Some(0), true));
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place_and_is_3() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut all = String::new();
    for (name, bytes) in [
        ("empty.csv", &b""[..]),
        ("blank.csv", b"a,,b\n1,2,3\n"),
        ("twice.csv", b"a,b,a\n1,2,3\n"),
        ("clash.csv", b"id,id_\n1,2\n"),
        ("bytes.csv", b"a,\xff\n1,2\n"),
        ("open.csv", b"a,b\n1,2\n3,\"4\n5,6\n"),
        ("row.csv", b"a,b\n1,\xff\n3,4\n"),
        ("none.jsonl", b"\n"),
        ("array.jsonl", b"[1, 2]\n"),
        ("line.jsonl", b"{\"a\": 1}\n{\"a\": 01, \"b\": \"\x1b[31m\"}\n{\"a\" 1}\n"),
    ] {
        std::fs::write(path.join(name), bytes).unwrap();
        let shown = transcript(path, &["import", "memory:", name, "--into", "m"]);
        assert!(shown.ends_with("exit 3\n"), "{shown}");
        all += &shown;
    }
    std::fs::write(path.join("script.sql"), b"select 1;\nselect '\xc3';\n").unwrap();
    for arguments in [&["repl", "memory:", "-f", "script.sql"][..], &["export", "memory:", "nothing"]] {
        let shown = transcript(path, arguments);
        assert!(shown.ends_with("exit 3\n"), "{shown}");
        all += &shown;
    }
    snapshot("bad_content", &all);
}

/// What a command says on standard error, given bytes on standard input.
fn fed(folder: &Path, arguments: &[&str], bytes: &[u8]) -> (String, Option<i32>) {
    let mut child =
        command(folder, arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn();
    let child = child.as_mut().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    (said, child.wait().unwrap().code())
}

#[test]
fn bytes_on_standard_input_that_are_no_text_are_said_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = b"select 1;\nselect '\xc3';\n";
    for arguments in [&["repl", "memory:"][..], &["repl", "memory:", "-f", "-"]] {
        let said = "(1 row)\nerror: standard input:2: invalid UTF-8 at byte 9 of the line\n";
        assert_eq!(fed(folder.path(), arguments, bytes), (said.to_owned(), Some(3)), "{arguments:?}");
    }
}

#[test]
fn a_line_that_is_no_text_is_no_end_with_keep_going() {
    let folder = tempfile::tempdir().unwrap();
    let check = |bytes: &[u8], said: &str| {
        for arguments in
            [&["repl", "memory:", "--keep-going"][..], &["repl", "memory:", "--keep-going", "-f", "-"]]
        {
            assert_eq!(fed(folder.path(), arguments, bytes), (said.to_owned(), Some(3)), "{bytes:?}");
        }
    };
    let bad = |line: u8, byte: u8| {
        format!("error: standard input:{line}: invalid UTF-8 at byte {byte} of the line\n")
    };
    let row = "(1 row)\n";
    check(b"select 1;\n\xff\xfe;\nselect 2;\n", &format!("{row}{}{row}", bad(2, 1)));
    check(b"-- caf\xe9\nselect 2;\n\\echo \xff\n", &format!("{}{row}{}", bad(1, 7), bad(3, 7)));
    // No part of the statement around it is run.
    check(b"select 1\n\xff\n, 2;\nselect 3;\n", &format!("{}{row}", bad(2, 1)));
    check(b"select 1;\nselect 2 \xff", &format!("{row}{}", bad(2, 10)));
}

#[test]
fn standard_input_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let import = |name: &str, bytes: &[u8]| {
        fed(folder.path(), &["import", "store", name, "--into", "m", "--format", "csv", "--key", "a"], bytes)
    };
    let (said, code) = import("-", b"a\n1\n2\n");
    assert!(said.starts_with("m: 2 created, 0 updated") && code == Some(0), "{said}");
    if cfg!(target_os = "linux") {
        // A pipe that has a name comes only once, too.
        let (said, code) = import("/dev/stdin", b"a\n2\n3\n4\n");
        assert!(said.starts_with("m: 2 created, 0 updated, 1 unchanged") && code == Some(0), "{said}");
    }
    let (said, code) = import("-", b"a\n5\n\xff\n");
    let bad = "error: invalid UTF-8 at byte 1 of the record\n --> standard input:3:1\n";
    assert!(said.starts_with(bad) && code == Some(3), "{said}");
}

#[test]
fn completion_scripts() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(folder.path(), &["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("read-only"));
    }
}

#[test]
fn wrong_usage_is_1_and_help_is_0() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (&[][..], 1),
        (&["nonsense"], 1),
        (&["repl", "--nonsense"], 1),
        (&["export", "memory:"], 1),
        (&["repl", "memory:", "-v", "1=2", "-c", "select 1"], 1),
        (&["--help"], 0),
        (&["import", "--help"], 0),
        (&["--version"], 0),
    ] {
        assert_eq!(run(folder.path(), arguments).status.code(), Some(code), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_2_and_a_closed_pipe_is_0() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["--help"][..], &["-h"], &["import", "--help"], &["--version"], &["completions", "bash"]]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(folder.path(), arguments).stdout(full).output().unwrap();
        let said = "error: the output cannot be written: No space left on device (os error 28)\n";
        assert_eq!(String::from_utf8(output.stderr).unwrap(), said, "{arguments:?}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(folder.path(), arguments).stdout(closed).output().unwrap();
        assert_eq!((output.stderr.as_slice(), output.status.code()), (&b""[..], Some(0)), "{arguments:?}");
    }
}

#[test]
fn export_takes_a_query_that_only_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("a.csv"), "b\n1\n").unwrap();
    assert!(run(path, &["import", "store", "a.csv", "--into", "a"]).status.success());
    for query in [
        "delete from a",
        "insert into a (b) values (2)",
        "explain analyze delete from a",
        "begin",
        "live select b from a",
    ] {
        let output = run(path, &["export", "store", "--query", query]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{query}: {error}");
        let said = "error: --query takes a `select`: export reads a store and changes nothing in it\n";
        assert_eq!(error, said, "{query}");
    }
    for (query, rows) in [("select b from a", "b\n1\n"), ("from a", "b\n1\n"), ("select b from a;", "b\n1\n")]
    {
        let output = run(path, &["export", "store", "--query", query]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (String::from_utf8(output.stdout).unwrap().as_str(), error.as_str()),
            (rows, "1 row\n"),
            "{query}"
        );
    }
    // What cannot be read at all is shown with its place.
    let output = run(path, &["export", "store", "--query", "selec b from a"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && error.contains("^^^^^"), "{error}");
}

#[test]
fn a_collection_that_cannot_be_is_refused_before_a_store_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("a.csv"), "b\n1\n").unwrap();
    let long = "x".repeat(256);
    for (into, said) in [
        ("", "error: --into: a name cannot be empty\n"),
        (
            long.as_str(),
            "error: --into: the name `xxxxxxxxxxxxxxxxxxxxxxxx…` has 256 bytes; the limit is 255\n",
        ),
    ] {
        let output = run(path, &["import", "store", "a.csv", "--into", into]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((error.as_str(), output.status.code()), (said, Some(1)));
        assert!(!path.join("store").exists());
    }
}

#[test]
fn commands_are_suggested_where_they_are_near() {
    let folder = tempfile::tempdir().unwrap();
    for (command, said) in [
        ("\\wat", "there is no command \\wat; \\? lists them all"),
        ("\\z", "there is no command \\z; \\? lists them all"),
        ("\\", "there is no command \\; \\? lists them all"),
        ("\\tming", "there is no command \\tming; did you mean \\timing?"),
        ("\\hstory", "there is no command \\hstory; did you mean \\history?"),
        ("\\ecko", "there is no command \\ecko; did you mean \\echo?"),
    ] {
        let output = run(folder.path(), &["repl", "memory:", "-c", command]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error, format!("error: {said}\n"));
    }
}

#[cfg(unix)]
#[test]
fn arguments_cannot_act_on_the_terminal() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let evil = "x\u{202e}\u{1b}]0;title\u{7}\u{200b}";
    let option = format!("--{evil}");
    for arguments in [
        &["repl", &option][..],
        &[evil],
        &["repl", "--format", evil],
        &["repl", "memory:", evil],
        &["run", "--jobs", evil, "file"],
        &["completions", evil],
        &["import", "store", evil, "--into", "a"],
        &["export", evil, evil],
        &["export", "memory:", evil],
        &["export", "memory:", "--query", evil],
        &["verify", evil],
        &["run", evil],
        &["repl", evil, "--read-only", "-c", "select 1"],
        &["repl", "memory:", "-f", evil],
        &["repl", "memory:", "-v", evil, "-c", "select 1"],
        &["repl", "memory:", "-c", evil],
    ] {
        for colour in [None, Some("always")] {
            let mut command = command(folder.path(), arguments);
            colour.iter().for_each(|_| {
                command.env("CLICOLOR_FORCE", "1");
            });
            let output = command.output().unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(!output.status.success(), "{arguments:?}: {text}");
            assert!(text.contains("\\u{202e}"), "{arguments:?}: {text}");
            let acts = text.contains(['\u{202e}', '\u{7}', '\u{200b}']) || text.contains("\u{1b}]");
            assert!(!acts, "{arguments:?}: {text:?}");
        }
    }
    let output = command(folder.path(), &["repl"])
        .arg(std::ffi::OsStr::from_bytes(b"--\xff\x1b[31m"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && !text.contains('\u{1b}'), "{text:?}");
}
