//! How much fjall has to read when a store is opened again.
// Helpers of tests are no test code to clippy.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use ankurah_core::env::fixed::SeededRandom;
use ankurah_core::storage::kv::{KvRead, KvStore, KvWrite};
use ankurah_storage_fjall::{FjallEngine, Options};
use futures::executor::block_on;

fn open(path: &Path) -> FjallEngine {
    let options = Options { cache: 1 << 20, memtable: 64 << 20, ..Options::default() };
    block_on(ankurah_storage_fjall::open(path, options, &SeededRandom::new(1))).unwrap()
}

/// Puts 64 records, each of so many bytes that are hard to compress, under keys that begin with `kind`.
fn fill(engine: &FjallEngine, kind: u8, bytes: usize) {
    let mut number = 1u32;
    let mut next = || {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        number.to_be_bytes()[0]
    };
    for key in 0..64 {
        let value = (0..bytes).map(|_| next()).collect();
        block_on(engine.kv().apply(vec![KvWrite { key: vec![kind, key], value: Some(value) }])).unwrap();
    }
    block_on(engine.kv().flush()).unwrap();
}

/// The bytes in all journals of a store.
fn journals(path: &Path) -> u64 {
    let files = fs::read_dir(path.join("data")).unwrap().map(|entry| entry.unwrap().path());
    let journals = files.filter(|file| file.extension().is_some_and(|it| it == "jnl"));
    journals.map(|file| fs::metadata(file).unwrap().len()).sum()
}

fn check_values(engine: &FjallEngine, kind: u8, bytes: usize) {
    for key in 0..64 {
        let found = block_on(engine.kv().get(&[kind, key])).unwrap();
        assert_eq!(found.map(|value| value.len()), Some(bytes));
    }
}

#[test]
fn a_store_that_was_closed_has_no_long_journal() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, b'S', 100 << 10);
    fill(&store, b'x', 10);
    block_on(store.kv().set_closed(0)).unwrap();
    drop(store);
    assert_eq!(journals(folder.path()), 0);
    // What is written after that is found again, before and after another closing.
    for (closed, bytes) in [(true, 70), (false, 80), (true, 100 << 10), (true, 90)] {
        let store = open(folder.path());
        check_values(&store, b'S', 100 << 10);
        fill(&store, b'x', bytes);
        if closed {
            block_on(store.kv().set_closed(0)).unwrap();
        }
        drop(store);
        check_values(&open(folder.path()), b'x', bytes);
    }
}

#[test]
fn a_short_journal_is_left_alone_and_so_are_writes_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, b'x', 10);
    block_on(store.kv().set_closed(0)).unwrap();
    drop(store);
    assert!(journals(folder.path()) > 0);
    let store = open(folder.path());
    fill(&store, b'S', 100 << 10);
    block_on(store.kv().set_closed(0)).unwrap();
    fill(&store, b'x', 20);
    drop(store);
    assert!(journals(folder.path()) > 0);
    let store = open(folder.path());
    check_values(&store, b'S', 100 << 10);
    check_values(&store, b'x', 20);
}
