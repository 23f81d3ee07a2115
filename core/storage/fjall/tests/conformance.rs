//! The fjall engine passes the conformance suite.

use std::process::ExitCode;

use ankurah_storage_conformance::{Factory, Place};
use ankurah_storage_directory::Directory;
use ankurah_storage_fjall::{FjallStore, NAME, Options};
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
        let directory = Directory::open(self.0.path(), NAME, true).expect("a directory");
        FjallStore::open(directory, options).expect("a store")
    }
}

fn main() -> ExitCode {
    ankurah_storage_conformance::main(Fjall)
}
