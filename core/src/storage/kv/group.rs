//! Group commit: everyone who waits for durability at the same time shares one flush.
//!
//! Whoever finds no flush under way leads: it gives those who are about to commit some turns to join, notes the
//! last applied version, flushes, and wakes the rest. No runtime is needed, and a leader that is dropped is
//! replaced.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::watch::{Watched, yield_once};
use crate::storage::StorageError;

/// How many turns a leader gives to others. Without a bound one that is never polled again would hold up all.
const TURNS: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Group {
    state: Watched<Flushed>,
    /// How many are about to apply a write that they will wait for.
    joining: AtomicUsize,
}

/// One that is about to apply a write that it will wait for.
#[derive(Debug)]
pub(crate) struct Joining<'a>(&'a AtomicUsize);

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
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
struct Lead<'a> {
    state: &'a Watched<Flushed>,
    /// What became of the flush, if it came to its end.
    result: Option<Result<u64, StorageError>>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let result = self.result.take();
        self.state.update(|state| {
            state.led = false;
            match result {
                Some(Ok(version)) => state.durable = state.durable.max(version),
                Some(Err(error)) => state.failed = Some(error),
                None => {}
            }
        });
    }
}

impl Group {
    /// An error if a flush has failed.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        self.state.read(|state| state.failed.clone().map_or(Ok(()), Err))
    }

    /// Notes that the caller is about to apply a write that it will wait for, until what this gives is dropped.
    pub(crate) fn join(&self) -> Joining<'_> {
        self.joining.fetch_add(1, Ordering::SeqCst);
        Joining(&self.joining)
    }

    /// Resolves when `version` is on disk. `applied` gives the last applied version, `flush` flushes it, `pause`
    /// lets other threads run.
    pub(crate) async fn reach<F>(
        &self,
        version: u64,
        applied: impl Fn() -> u64,
        flush: impl Fn() -> F,
        pause: impl Fn(),
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
            let mut lead = Lead { state: &self.state, result: None };
            yield_once().await;
            for _ in 0..TURNS {
                if self.joining.load(Ordering::SeqCst) == 0 {
                    break;
                }
                pause();
                yield_once().await;
            }
            let target = applied();
            lead.result = Some(flush().await.map(|()| target));
        }
    }
}
