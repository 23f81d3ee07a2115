//! Stores of which the making was interrupted: whoever may make stores makes them anew, to others they do not exist.

use std::fs;
use std::path::{Path, PathBuf};

use ankurah_core::storage::StorageError;
use futures::executor::block_on;

use super::{Embedded, Mode, NEW, OLD, READ, commit, copy, error, everything, files, folder};
use crate::data::{Dice, Writer, model};

/// What is left of a file.
#[derive(Clone, Copy, Debug)]
enum Left {
    All,
    Half,
    Name,
    Nothing,
}

const LEFT: [Left; 4] = [Left::All, Left::Half, Left::Name, Left::Nothing];

/// A store that was only just made, by the marker not wholly.
fn begun(engine: &Embedded) -> tempfile::TempDir {
    let folder = folder();
    drop((engine.open)(folder.path(), NEW).unwrap());
    let marker = folder.path().join("ankurah-store");
    let text = fs::read_to_string(&marker).unwrap();
    assert!(text.contains("made yes"), "{text}");
    fs::write(&marker, text.replace("made yes", "made no")).unwrap();
    folder
}

fn lengths(path: &Path) -> Vec<(PathBuf, u64)> {
    let length = |path: PathBuf| {
        let length = fs::metadata(&path).unwrap().len();
        (path, length)
    };
    files(path).into_iter().map(length).collect()
}

/// Leaves of each of the engine's files what `left` says, and opens the store.
fn check(engine: &Embedded, begun: &Path, mut left: impl FnMut(usize) -> Left) {
    let folder = folder();
    let path = folder.path();
    copy(begun, path);
    let data = path.join("data");
    let mut said = Vec::new();
    for (number, file) in files(&data).iter().enumerate() {
        let left = left(number);
        said.push((file.clone(), left));
        let bytes = fs::read(file).unwrap();
        match left {
            Left::All => {}
            Left::Half => fs::write(file, &bytes[..bytes.len() / 2]).unwrap(),
            Left::Name => fs::write(file, b"").unwrap(),
            Left::Nothing => fs::remove_file(file).unwrap(),
        }
    }
    fs::write(data.join("left"), b"over").unwrap();
    let before = lengths(&data);
    for mode in [OLD, READ, Mode { create: true, read_only: true }] {
        match error((engine.open)(path, mode)) {
            StorageError::Open { message, .. } => assert!(message.contains("never finished"), "{message}"),
            other => panic!("{said:?}: {other}"),
        }
    }
    assert_eq!(lengths(&data), before, "who may not make a store leaves it alone");

    let store = (engine.open)(path, NEW).unwrap_or_else(|error| panic!("{said:?}: {error}"));
    assert!(!data.join("left").exists());
    assert_eq!(block_on(store.view()).unwrap().position().0, 0);
    commit(&*store, Writer::new(0).create(model(0), &[]).batch());
    let written = block_on(everything(&*store)).unwrap();
    drop(store);
    let again = (engine.open)(path, NEW).unwrap();
    assert_eq!(block_on(everything(&*again)).unwrap(), written, "now it is made");
}

/// Each file of a store that was just being made, cut or missing, and any of them together.
pub(super) fn made_anew(engine: &Embedded) {
    const ROUNDS: usize = 12;
    let begun = begun(engine);
    let count = files(&begun.path().join("data")).len();
    check(engine, begun.path(), |_| Left::All);
    for hurt in 0..count {
        for left in [Left::Half, Left::Name, Left::Nothing] {
            check(engine, begun.path(), |number| if number == hurt { left } else { Left::All });
        }
    }
    let mut dice = Dice::new(11);
    for _ in 0..ROUNDS {
        check(engine, begun.path(), |_| LEFT[dice.below(LEFT.len())]);
    }
}
