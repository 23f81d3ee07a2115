//! A store opens although sled left a snapshot that it did not finish.
// What the tests share is no test code to clippy.
#![allow(clippy::expect_used)]

use std::fs;
use std::path::Path;

use ankurah_core::storage::kv::{KvRead, KvStore, KvWrite};
use ankurah_storage_directory::Directory;
use ankurah_storage_sled::{NAME, Options, SledStore};
use futures::executor::block_on;

fn open(path: &Path) -> SledStore {
    let options = Options { cache: 1 << 20, ..Options::default() };
    let mut directory = Directory::open(path, NAME, true).expect("a directory");
    directory.made().expect("a marker");
    SledStore::open(directory, options).expect("a store")
}

/// Makes a store with one record, leaves what sled leaves where the disk was full, and opens it again.
fn check(left: &[&str], bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let write = KvWrite { key: b"Sk".to_vec(), value: Some(b"value".to_vec()) };
    block_on(store.apply(vec![write])).expect("written");
    block_on(store.flush()).expect("flushed");
    drop(store);

    let data = folder.path().join("data");
    for name in left {
        fs::write(data.join(name), bytes).expect("a file");
    }
    let store = open(folder.path());
    let found = block_on(store.get(b"Sk")).expect("read");
    assert_eq!(found.as_deref(), Some(&b"value"[..]), "{left:?}");
    for name in left {
        assert!(!data.join(name).exists(), "{name} is still there");
    }
}

#[test]
fn an_unfinished_snapshot_is_removed() {
    let late = "snap.7FFFFFFFFFFFFFFF.generating";
    check(&[late], b"");
    check(&[late], b"cut short, but longer than a checksum");
    check(&["snap.0000000000000000.generating", late], b"");
}
