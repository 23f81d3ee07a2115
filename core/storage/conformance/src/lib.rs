//! The one conformance suite that every Ankurah storage engine passes.
//!
//! An engine's test gives a [`Factory`] of empty stores and runs [`main`]; each case is listed by name.
//! [`Faulty`] puts faults between the engine and the store below it.
// Test support: a broken expectation ends the case with a message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod contents;
pub mod data;
mod faulty;
pub mod files;
mod fixture;
mod live;
mod skip;

use std::process::ExitCode;
use std::sync::Arc;

use ankurah_core::env::fixed::SeededRandom;
use ankurah_core::storage::kv::{Kv, KvEngine, OpenStore};
use ankurah_core::storage::{Engine, StorageError};
use futures::executor::block_on;

pub use contents::contents;
pub use faulty::{Call, Faults, Faulty};

/// Makes stores for the cases.
pub trait Factory: Send + Sync + 'static {
    /// A place for a store.
    type Place: Place;

    /// A place with no store in it yet.
    fn place(&self) -> Self::Place;
}

/// A place where a store lives. Dropping it removes the store.
pub trait Place: Send + Sync {
    /// The key-value store of the engine.
    type Kv: Kv;

    /// Opens what is there; the last one opened has been dropped before.
    fn kv(&self) -> Self::Kv;
}

/// An engine on the store at a place.
pub fn open<P: Place>(place: &P) -> Result<Arc<KvEngine<P::Kv>>, StorageError> {
    open_kv(place.kv())
}

/// An engine on a key-value store.
pub fn open_kv<K: Kv>(kv: K) -> Result<Arc<KvEngine<K>>, StorageError> {
    let random = SeededRandom::new(1);
    block_on(KvEngine::open(kv, OpenStore { random: &random, create: true, read_only: false })).map(Arc::new)
}

/// A named case of the suite.
pub struct Case<F> {
    /// Its name.
    pub name: &'static str,
    /// Runs it; panics where the engine does not conform.
    pub run: fn(&F),
}

/// The suite.
pub fn cases<F: Factory>() -> Vec<Case<F>> {
    cases::all()
}

/// Runs the suite as a test program with the usual arguments.
pub fn main<F: Factory>(factory: F) -> ExitCode {
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials(factory)).exit_code()
}

fn trials<F: Factory>(factory: F) -> Vec<libtest_mimic::Trial> {
    let factory = Arc::new(factory);
    let trial = |case: Case<F>| {
        let factory = factory.clone();
        libtest_mimic::Trial::test(case.name, move || {
            (case.run)(&factory);
            Ok(())
        })
    };
    cases::<F>().into_iter().map(trial).collect()
}

/// Takes an engine as the trait that nodes use.
fn dynamic<K: Kv>(engine: &Arc<KvEngine<K>>) -> Arc<dyn Engine> {
    engine.clone()
}
