//! Dumps, restores, backups and comparisons as scripts use them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::PROGRAM;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    command
}

/// Runs it; gives the exit code, what it wrote, and what it said.
fn run(folder: &Path, arguments: &[&str]) -> (i32, Vec<u8>, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().unwrap();
    (status.code().unwrap(), stdout, String::from_utf8(stderr).unwrap())
}

fn fine(folder: &Path, arguments: &[&str]) -> (Vec<u8>, String) {
    let (code, out, err) = run(folder, arguments);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    (out, err)
}

/// A store with entities that were made, changed, edited and deleted.
fn make(folder: &Path, target: &str) {
    let script = "create model m (k i64 key, name string, note text); \
                  insert into m (k, name, note) values (1, 'one', 'a'), (2, 'two', 'b'), (3, 'three', 'c'); \
                  update m set name = 'two and more' where k = 2; edit m.note append ' longer' where k < 3; \
                  delete from m where k = 3";
    fine(folder, &["repl", target, "-c", script]);
}

const ALL: &[&str] = &["-c", "select id, k, name, note from m order by k", "--format", "csv"];

fn rows(folder: &Path, target: &str) -> String {
    let arguments = [&["repl", target], ALL].concat();
    String::from_utf8(fine(folder, &arguments).0).unwrap()
}

#[test]
fn a_store_goes_from_engine_to_engine() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "fjall:one");
    let (_, told) = fine(folder, &["dump", "one", "one.dump"]);
    assert!(told.starts_with("dumped one: "), "{told}");
    let (_, told) = fine(folder, &["restore", "sled:two", "one.dump"]);
    assert!(told.starts_with("restored sled:two from a dump of store "), "{told}");
    // Through a pipe, and back.
    let dump = fine(folder, &["dump", "sled:two"]).0;
    let mut restore = command(folder, &["restore", "fjall:three"]).stdin(Stdio::piped()).spawn().unwrap();
    restore.stdin.take().unwrap().write_all(&dump).unwrap();
    assert!(restore.wait().unwrap().success());
    fine(folder, &["backup", "two", "four"]);
    assert!(fs::read_to_string(folder.join("four/ankurah-store")).unwrap().contains("engine sled"));
    for other in ["two", "three", "four"] {
        assert_eq!(rows(folder, other), rows(folder, "one"));
        let (out, _) = fine(folder, &["diff", "one", other]);
        assert_eq!(String::from_utf8(out).unwrap(), "the stores have the same history\n");
        fine(folder, &["verify", other]);
    }
    let (_, again) = fine(folder, &["restore", "one", "one.dump"]);
    assert!(again.contains(": 0 operations new, "), "{again}");
}

#[test]
fn what_is_no_whole_dump_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "one");
    fine(folder, &["dump", "one", "whole"]);
    let whole = fs::read(folder.join("whole")).unwrap();
    let check = |name: &str, bytes: &[u8], code: i32, said: &str, made: bool| {
        fs::write(folder.join(name), bytes).unwrap();
        let store = format!("store-{name}");
        let (found, _, err) = run(folder, &["restore", &store, name]);
        assert_eq!(found, code, "{name}: {err}");
        assert!(err.contains(said), "{name}: {err}");
        assert_eq!(folder.join(&store).exists(), made, "{name}");
        if made {
            fine(folder, &["verify", &store]);
        }
    };
    check("cut", &whole[..whole.len() - 20], 4, "the dump is cut short: it ends at byte", true);
    check("empty", b"", 4, "the dump is cut short: it ends at byte 0", false);
    check("csv", b"a,b\n1,2\n", 2, "this is not a dump", false);
    let mut newer = whole.clone();
    newer[13] = 9;
    check("newer", &newer, 2, "the dump has format 9, this program reads up to 1: upgrade", false);
    let mut flipped = whole;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    check("flipped", &flipped, 4, "is damaged", true);
    let (code, _, err) = run(folder, &["restore", "somewhere", "nothing-there"]);
    assert_eq!((code, folder.join("somewhere").exists()), (2, false), "{err}");
    let (code, _, err) = run(folder, &["dump", "nowhere", "x"]);
    assert_eq!((code, folder.join("x").exists()), (2, false), "{err}");
    let (code, _, err) = run(folder, &["backup", "one", "whole"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("exists already"), "{err}");
}

#[test]
fn two_stores_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "one");
    fine(folder, &["backup", "one", "two"]);
    fine(folder, &["repl", "one", "-c", "update m set name = 'here' where k = 1"]);
    fine(
        folder,
        &["repl", "two", "-c", "update m set name = 'there' where k = 1; insert into m (k) values (9)"],
    );
    let (code, out, _) = run(folder, &["diff", "one", "two"]);
    let out = String::from_utf8(out).unwrap();
    assert_eq!(code, 4, "{out}");
    for said in [
        "  only in A: 1 operation: @",
        "  only in B: 1 operation: @",
        "  name: here in A, there in B\n",
        "2 entities differ, 1 of them in both stores: 1 operation only in A, 2 operations only in B\n",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    let (code, out, _) = run(folder, &["diff", "one", "two", "--format", "jsonl", "--limit", "1"]);
    let lines = String::from_utf8(out).unwrap();
    assert_eq!((code, lines.lines().count()), (4, 1));
    let line: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(line["model"], "m");
    assert_eq!(run(folder, &["diff", "one", "nowhere"]).0, 2);
}

#[test]
fn a_sound_store_needs_no_repair() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for target in ["fjall:one", "sled:two"] {
        make(folder, target);
        let (out, _) = fine(folder, &["verify", target, "--repair"]);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with(&format!("{target}: 0 mended, 0 lost")), "{out}");
        assert!(out.contains("is sound"), "{out}");
    }
    assert_eq!(run(folder, &["verify", "nowhere", "--repair"]).0, 2);
}
