//! What is said of a store whose files are damaged.
// Helpers of tests are no test code to clippy.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use ankurah_core::storage::StorageError;
use ankurah_core::storage::kv::{KvStore, KvWrite};
use ankurah_storage_directory::Directory;
use ankurah_storage_fjall::{FjallStore, NAME, Options};
use futures::executor::block_on;

fn open(path: &Path) -> Result<FjallStore, StorageError> {
    let options = Options { cache: 1 << 20, memtable: 1 << 20, ..Options::default() };
    let mut directory = Directory::open(path, NAME, true)?;
    directory.made()?;
    FjallStore::open(directory, options)
}

/// A closed store with one record.
fn made(path: &Path) {
    let store = open(path).unwrap();
    let write = KvWrite { key: b"Sk".to_vec(), value: Some(b"value".to_vec()) };
    block_on(store.apply(vec![write])).unwrap();
    block_on(store.flush()).unwrap();
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Does something to each file of a store in turn; says what opening it then gives, each text once.
fn check(hurt: impl Fn(&Path)) -> Vec<String> {
    let sound = tempfile::tempdir().unwrap();
    made(sound.path());
    let count = files(&sound.path().join("data")).len();
    let mut texts = Vec::new();
    for number in 0..count {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path());
        let file = files(&folder.path().join("data")).swap_remove(number);
        hurt(&file);
        let Err(error) = open(folder.path()) else { continue };
        let StorageError::Damaged { what, message } = error else { panic!("{}: {error}", file.display()) };
        assert!(what.starts_with("the store at "), "{what}");
        let raw = ["{", "(", "::", "Error", "fill whole buffer"];
        assert!(!raw.iter().any(|raw| message.contains(raw)), "{}: {message}", file.display());
        texts.push(message);
    }
    texts.sort();
    texts.dedup();
    texts
}

#[test]
fn a_damaged_file_is_said_in_a_sentence() {
    let missing = check(|file| fs::remove_file(file).unwrap());
    assert!(missing.contains(&"one of its files is missing".to_owned()), "{missing:?}");
    let cut = check(|file| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    });
    assert!(!cut.is_empty());
}
