//! Files of a store that were changed or cut anywhere: every fault is named, or nothing was lost. Never a panic.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common::PROGRAM;

/// Damages a store at so many places, one at a time.
const PLACES: u64 = 60;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env("HOME", folder).stdin(Stdio::null()).output().unwrap()
}

/// Numbers that look random, always the same ones.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// A closed store with entities that were made, changed, edited and deleted, and an index.
fn make(folder: &Path, target: &str) {
    let rows: String =
        (0..300).map(|k| format!("{k},name {},{}.{},a text {k}\n", k % 7, k % 97, k % 10)).collect();
    std::fs::write(folder.join("m.csv"), format!("k,name,price,note\n{rows}")).unwrap();
    let import = ["import", target, "m.csv", "--into", "m", "--key", "k", "--text", "note"];
    let change = "update m set name = 'x' where k < 50; edit m.note at 0 insert 'new ' where k < 30; \
                  delete from m where k > 290; select count(*) from m where name = 'x'";
    for arguments in [&import[..], &["repl", target, "-c", change]] {
        let output = run(folder, arguments);
        assert!(output.status.success(), "{output:?}");
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// Changes a bit, cuts a file, or blanks a part of it. Gives what was done.
fn hurt(store: &Path, dice: &mut Dice) -> String {
    let mut all = Vec::new();
    files(&store.join("data"), &mut all);
    let file = &all[dice.below(all.len())];
    let mut bytes = std::fs::read(file).unwrap();
    // Files are made long and empty in advance: most places to hit are before their end.
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(bytes.len(), |at| at + 1);
    let at = dice.below(used);
    let done = match dice.below(3) {
        0 => {
            bytes.truncate(at);
            "cut"
        }
        1 => {
            bytes[at] ^= 1 << dice.below(8);
            "changed"
        }
        _ => {
            let end = bytes.len().min(at + 64);
            bytes[at..end].fill(0);
            "blanked"
        }
    };
    std::fs::write(file, bytes).unwrap();
    format!("{} {done} at {at}", file.strip_prefix(store).unwrap().display())
}

#[track_caller]
fn check(target: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    make(path, &format!("{target}:sound"));
    let export = |store: &str| run(path, &["export", store, "m"]);
    let expected = export("sound").stdout;
    assert_eq!(expected.iter().filter(|byte| **byte == b'\n').count(), 292);
    let mut dice = Dice(7);
    let mut faults = 0;
    for _ in 0..PLACES {
        copy(&path.join("sound"), &path.join("hurt"));
        let done = hurt(&path.join("hurt"), &mut dice);
        let output = run(path, &["verify", "hurt"]);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let said = format!("{done}: {:?}\n{out}{err}", output.status.code());
        assert!(!err.contains("panic") && !err.contains("this is a fault of ankurah"), "{said}");
        match output.status.code() {
            Some(4) => {
                assert!(out.starts_with("fault ") && err.is_empty(), "{said}");
                faults += 1;
            }
            Some(2) => assert!(out.is_empty() && err.starts_with("error: "), "{said}"),
            Some(0) => assert_eq!(export("hurt").stdout, expected, "{said}"),
            _ => panic!("{said}"),
        }
        std::fs::remove_dir_all(path.join("hurt")).unwrap();
    }
    assert!(faults > 0);
}

#[test]
fn of_a_fjall_store() {
    check("fjall");
}

#[test]
fn of_a_sled_store() {
    check("sled");
}
