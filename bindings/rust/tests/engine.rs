//! The engine of `examples/engine.rs` passes the conformance suite.
// Without a harness this is no test code to clippy.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

#[path = "../examples/engine.rs"]
#[allow(dead_code, unreachable_pub)]
mod example;

use std::process::ExitCode;

use ankurah::core::storage::kv::preimage::Preimages;
use ankurah_storage_conformance::{Factory, Place};
use example::LogStore;
use futures::executor::block_on;
use tempfile::TempDir;

struct Logs;

struct Log(TempDir);

impl Factory for Logs {
    type Place = Log;

    fn place(&self) -> Log {
        Log(tempfile::tempdir().expect("a folder"))
    }
}

impl Place for Log {
    type Kv = Preimages<LogStore>;

    fn kv(&self) -> Self::Kv {
        Preimages::new(block_on(LogStore::open(&self.0.path().join("log"))).expect("a log"))
    }
}

fn main() -> ExitCode {
    ankurah_storage_conformance::main(Logs)
}
