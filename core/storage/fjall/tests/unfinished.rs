//! A store of which the making was interrupted is made anew.
// Helpers of tests are no test code to clippy.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use ankurah_core::env::fixed::SeededRandom;
use ankurah_core::storage::StorageError;
use ankurah_storage_fjall::{FjallEngine, Options};
use futures::executor::block_on;

fn open(path: &Path, create: bool) -> Result<FjallEngine, StorageError> {
    let options = Options { create, cache: 1 << 20, memtable: 1 << 20, ..Options::default() };
    block_on(ankurah_storage_fjall::open(path, options, &SeededRandom::new(1)))
}

/// Opens a store of which these files were made, with so many zeros in each.
fn check(left: &[(&str, usize)]) {
    let folder = tempfile::tempdir().unwrap();
    let marker = "ankurah store\nlayout 1\nengine fjall\nmade no\nclosed 0\n";
    fs::write(folder.path().join("ankurah-store"), marker).unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("keyspaces")).unwrap();
    for (name, length) in left {
        fs::write(data.join(name), vec![0; *length]).unwrap();
    }
    let refused = open(folder.path(), false).unwrap_err();
    assert!(refused.to_string().contains("never finished"), "{left:?}: {refused}");
    drop(open(folder.path(), true).unwrap());
    drop(open(folder.path(), false).unwrap());
}

#[test]
fn a_full_disk_left_an_empty_version_file() {
    check(&[("0.jnl", 0), ("lock", 0), ("version", 0)]);
}

#[test]
fn a_kill_left_a_journal_without_a_version_file() {
    check(&[("0.jnl", 64 << 10), ("lock", 0)]);
}

#[test]
fn a_limit_of_file_sizes_left_an_empty_journal() {
    check(&[("0.jnl", 0), ("lock", 0)]);
}
