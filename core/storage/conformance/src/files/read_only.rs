//! A store that is only read: nothing is written, and it may be where nothing can be.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use ankurah_core::storage::{CommitError, Durability, Position, StorageError};
use futures::executor::block_on;

use super::{Embedded, NEW, OLD, READ, READER, commit, everything, files, folder};
use crate::data::{Writer, model, property, text};

pub(super) fn writes_nothing(engine: &Embedded) {
    let folder = folder();
    let write = Writer::new(0).create(model(0), &[]);
    let first = (engine.open)(folder.path(), NEW).unwrap();
    commit(&*first, write.batch());
    drop(first);
    let only = (engine.open)(folder.path(), READ).unwrap();
    let next = Writer::new(1).create(model(0), &[]);
    let refused = block_on(only.commit(next.batch(), Durability::Synced));
    assert!(matches!(refused, Err(CommitError::Storage(StorageError::ReadOnly))));
    assert_eq!(block_on(only.view()).unwrap().position(), Position(1));
    block_on(only.close()).unwrap();
    drop(only);
    assert!(!(engine.open)(folder.path(), OLD).unwrap().was_clean(), "closing it marked nothing");
}

/// What a process says that is to read a store: everything in it, or why it cannot be opened, read-only first.
pub(super) fn read(engine: &Embedded, path: &Path) -> ExitCode {
    let mut out = std::io::stdout().lock();
    for mode in [READ, OLD] {
        let all = match (engine.open)(path, mode) {
            Ok(store) => block_on(everything(&*store)).unwrap().join("\n"),
            Err(error) => error.to_string(),
        };
        writeln!(out, "{all}").unwrap();
    }
    ExitCode::SUCCESS
}

/// A store, where what it holds was partly left in journals by a process that did not close it.
fn make(engine: &Embedded, path: &Path) -> Vec<String> {
    let mut writer = Writer::new(0);
    for close in [true, false] {
        let store = (engine.open)(path, NEW).unwrap();
        for number in 0..30 {
            let words = text(&"some words ".repeat(number));
            commit(&*store, writer.create(model(0), &[(property(0), words)]).batch());
        }
        if close {
            block_on(store.close()).unwrap();
        }
    }
    block_on(everything(&*(engine.open)(path, READ).unwrap())).unwrap()
}

/// What the files below a folder hold.
fn content(path: &Path) -> Vec<Vec<u8>> {
    files(path).iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Has a process read the store, and looks at what it says and leaves.
fn check(engine: &Embedded, command: fn(&Path, &Path) -> Option<Command>, why: &str) -> bool {
    let (store, temporary) = (folder(), folder());
    let expected = make(engine, store.path());
    let before = content(store.path());
    let run = || {
        let mut command = command(&std::env::current_exe().unwrap(), store.path())?;
        command.env(READER, store.path()).env("TMPDIR", temporary.path()).stderr(Stdio::inherit());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{:?}", output.status);
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let Some(said) = run() else { return false };
    let (read, refused) = said.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(read, expected.join("\n"));
    let place = store.path().display();
    assert_eq!(refused, format!("cannot open {place}: {why}; it may still be opened read-only"));
    assert!(before == content(store.path()), "the store was changed");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "the copy is still there");
    // Whoever has it open for writing is still found.
    let held = (engine.open)(store.path(), OLD).unwrap();
    let said = run().unwrap();
    let holder = format!("the store at {place} is in use by process {} (", std::process::id());
    assert!(said.starts_with(&holder), "{said}");
    drop(held);
    // Where it was copied or unpacked, nobody has ever had it open.
    fs::remove_file(store.path().join("owner")).unwrap();
    assert!(run().unwrap().starts_with(read));
    true
}

/// On a file system that cannot be written. `false` where none can be made.
pub(super) fn on_a_read_only_file_system(engine: &Embedded) -> bool {
    let command = |program: &Path, store: &Path| {
        let script = "mount --bind \"$2\" \"$2\" && mount -o remount,ro,bind \"$2\" && exec \"$1\"";
        super::place::mounting(script, &[program, store])
    };
    check(engine, command, "Read-only file system (os error 30)")
}

/// Without the permission to write. `false` where every permission is given anyway.
pub(super) fn without_permission(engine: &Embedded) -> bool {
    let command = |program: &Path, store: &Path| {
        super::place::set_writable(store, false);
        super::place::without_powers(program)
    };
    check(engine, command, "Permission denied (os error 13)")
}
