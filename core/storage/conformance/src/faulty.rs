//! Faults between an engine and the store below it.

use std::sync::{Arc, Mutex};

use ankurah_core::storage::kv::{Kv, KvRange, KvRead, KvStore, KvWrite, Page, PageLimit};
use ankurah_core::storage::{Footprint, StorageError};

/// What an engine asks of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The value of a key.
    Get,
    /// A page of a range.
    Page,
    /// Writes.
    Apply,
    /// A flush.
    Flush,
    /// A snapshot.
    Snapshot,
}

impl Call {
    /// All of them.
    pub const ALL: [Call; 5] = [Call::Get, Call::Page, Call::Apply, Call::Flush, Call::Snapshot];

    /// Those that read.
    pub const READS: [Call; 3] = [Call::Get, Call::Page, Call::Snapshot];
}

#[derive(Debug, Default)]
struct Plan {
    /// The call that fails, and how many of its kind go well before.
    fail: Option<(Call, usize)>,
    /// Writes happen, though the call fails.
    apply_anyway: bool,
    counts: [usize; 5],
    failed: bool,
}

/// The plan of a [`Faulty`] store, and what has happened.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    /// Lets the call of this kind after the next `after` ones fail, once.
    pub fn fail(&self, call: Call, after: usize) {
        let mut plan = self.0.lock().unwrap();
        *plan = Plan { fail: Some((call, after)), ..Plan::default() };
    }

    /// As [`Faults::fail`] for writes, which happen all the same.
    pub fn fail_after_applying(&self, after: usize) {
        let mut plan = self.0.lock().unwrap();
        *plan = Plan { fail: Some((Call::Apply, after)), apply_anyway: true, ..Plan::default() };
    }

    /// Calls of a kind since the start or the last [`Faults::fail`].
    pub fn count(&self, call: Call) -> usize {
        self.0.lock().unwrap().counts[call as usize]
    }

    /// Whether the planned fault has happened. Nothing fails any more.
    pub fn stop(&self) -> bool {
        let mut plan = self.0.lock().unwrap();
        plan.fail = None;
        plan.failed
    }

    fn call(&self, call: Call) -> Result<(), StorageError> {
        let mut plan = self.0.lock().unwrap();
        plan.counts[call as usize] += 1;
        match plan.fail {
            Some((kind, 0)) if kind == call => {
                plan.fail = None;
                plan.failed = true;
                Err(StorageError::Io { action: format!("{call:?}"), message: "injected fault".to_owned() })
            }
            Some((kind, left)) if kind == call => {
                plan.fail = Some((kind, left - 1));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A store with faults.
#[derive(Debug)]
pub struct Faulty<S> {
    store: S,
    faults: Faults,
}

impl<S> Faulty<S> {
    /// `store` with the faults of `faults`.
    pub fn new(store: S, faults: Faults) -> Self {
        Faulty { store, faults }
    }
}

impl<S: KvRead> KvRead for Faulty<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.faults.call(Call::Get)?;
        self.store.get(key).await
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        self.faults.call(Call::Page)?;
        self.store.page(range, limit).await
    }
}

impl<S: KvStore> KvStore for Faulty<S> {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let result = self.faults.call(Call::Apply);
        if result.is_ok() || self.faults.0.lock().unwrap().apply_anyway {
            self.store.apply(writes).await?;
        }
        result
    }

    async fn flush(&self) -> Result<(), StorageError> {
        self.faults.call(Call::Flush)?;
        self.store.flush().await
    }

    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn footprint(&self) -> Footprint {
        self.store.footprint()
    }

    fn closed(&self) -> u64 {
        self.store.closed()
    }

    async fn set_closed(&self, version: u64) -> Result<(), StorageError> {
        self.store.set_closed(version).await
    }
}

impl<K: Kv> Kv for Faulty<K> {
    type Snapshot = Faulty<K::Snapshot>;

    async fn snapshot(&self) -> Result<Self::Snapshot, StorageError> {
        self.faults.call(Call::Snapshot)?;
        Ok(Faulty { store: self.store.snapshot().await?, faults: self.faults.clone() })
    }
}
