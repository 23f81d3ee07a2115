//! The fjall engine passes the conformance suite.
// Without a harness this is no test code to clippy.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use ankurah_core::env::fixed::SeededRandom;
use ankurah_core::storage::{Engine, StorageError};
use ankurah_storage_conformance::files::{Embedded, Mode, main as run};
use ankurah_storage_conformance::{Factory, Place};
use ankurah_storage_directory::Directory;
use ankurah_storage_fjall::{FjallStore, NAME, Options};
use futures::executor::block_on;
use tempfile::TempDir;

struct Fjall;

struct Folder(TempDir);

impl Factory for Fjall {
    type Place = Folder;

    fn place(&self) -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }
}

impl Place for Folder {
    type Kv = FjallStore;

    fn kv(&self) -> FjallStore {
        let options = Options { cache: 1 << 20, memtable: 1 << 20, ..Options::default() };
        let mut directory = Directory::open(self.0.path(), NAME, true).expect("a directory");
        // What is written is to be there when it is opened again.
        directory.made().expect("a marker");
        FjallStore::open(directory, options).expect("a store")
    }
}

fn open(path: &Path, mode: Mode) -> Result<Arc<dyn Engine>, StorageError> {
    let options =
        Options { create: mode.create, read_only: mode.read_only, cache: 1 << 20, memtable: 1 << 20 };
    let random = SeededRandom::new(1);
    Ok(Arc::new(block_on(ankurah_storage_fjall::open(path, options, &random))?))
}

fn main() -> ExitCode {
    run(Fjall, Embedded { name: NAME, open })
}
