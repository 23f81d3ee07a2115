//! The sled engine passes the conformance suite.

use std::process::ExitCode;

use ankurah_core::storage::kv::preimage::Preimages;
use ankurah_storage_conformance::{Factory, Place};
use ankurah_storage_directory::Directory;
use ankurah_storage_sled::{NAME, Options, SledStore};
use tempfile::TempDir;

struct Sled;

struct Folder(TempDir);

impl Factory for Sled {
    type Place = Folder;

    fn place(&self) -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }
}

impl Place for Folder {
    type Kv = Preimages<SledStore>;

    fn kv(&self) -> Self::Kv {
        let options = Options { cache: 1 << 20, ..Options::default() };
        let directory = Directory::open(self.0.path(), NAME, true).expect("a directory");
        Preimages::new(SledStore::open(directory, options).expect("a store"))
    }
}

fn main() -> ExitCode {
    ankurah_storage_conformance::main(Sled)
}
