//! Group commit: everyone who waits for durability at the same time shares one flush.
//!
//! Whoever finds no flush under way leads: it gives other tasks one turn to join, notes the last applied
//! version, flushes, and wakes the rest. No runtime is needed, and a leader that is dropped is replaced.

use std::future::Future;

use super::watch::{Watched, yield_once};
use crate::storage::StorageError;

#[derive(Debug, Default)]
pub(crate) struct Group {
    state: Watched<Flushed>,
}

#[derive(Debug, Default)]
struct Flushed {
    /// Writes up to this version are on disk.
    durable: u64,
    /// A leader is at work.
    led: bool,
    /// A flush failed: what is on disk is unknown until the store is opened again.
    failed: Option<StorageError>,
}

/// Steps down on every way out.
struct Lead<'a>(&'a Watched<Flushed>);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.0.update(|state| state.led = false);
    }
}

impl Group {
    /// An error if a flush has failed.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        self.state.read(|state| state.failed.clone().map_or(Ok(()), Err))
    }

    /// Resolves when `version` is on disk. `applied` gives the last applied version, `flush` flushes it.
    pub(crate) async fn reach<F>(
        &self,
        version: u64,
        applied: impl Fn() -> u64,
        flush: impl Fn() -> F,
    ) -> Result<(), StorageError>
    where
        F: Future<Output = Result<(), StorageError>>,
    {
        loop {
            let done = self.state.until(|state| {
                if state.durable >= version {
                    return Some(Some(Ok(())));
                }
                if let Some(error) = &state.failed {
                    return Some(Some(Err(error.clone())));
                }
                if state.led {
                    return None;
                }
                state.led = true;
                Some(None)
            });
            if let Some(result) = done.await {
                return result;
            }
            let lead = Lead(&self.state);
            yield_once().await;
            let target = applied();
            let result = flush().await;
            self.state.update(|state| match result {
                Ok(()) => state.durable = state.durable.max(target),
                Err(error) => state.failed = Some(error),
            });
            drop(lead);
        }
    }
}
