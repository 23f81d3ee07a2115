//! The memory engine passes the conformance suite.

use std::process::ExitCode;
use std::sync::Arc;

use ankurah_core::storage::kv::preimage::Preimages;
use ankurah_core::storage::memory::MemoryStore;
use ankurah_storage_conformance::{Factory, Place};

struct Memory;

/// The map outlives the engines on it, as a disk does.
struct Map(Arc<MemoryStore>);

impl Factory for Memory {
    type Place = Map;

    fn place(&self) -> Map {
        Map(Arc::new(MemoryStore::new()))
    }
}

impl Place for Map {
    type Kv = Preimages<Arc<MemoryStore>>;

    fn kv(&self) -> Self::Kv {
        Preimages::new(self.0.clone())
    }
}

fn main() -> ExitCode {
    ankurah_storage_conformance::main(Memory)
}
