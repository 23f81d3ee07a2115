//! What our store writes to a key-value engine, so that the engine alone can be given the same.

use std::sync::{Arc, Mutex, PoisonError};

use ankurah::Durability;
use ankurah::core::storage::StorageError;
use ankurah::core::storage::kv::preimage::Preimages;
use ankurah::core::storage::kv::{KvEngine, KvRange, KvRead, KvStore, KvWrite, OpenStore, Page, PageLimit};
use ankurah::core::storage::memory::MemoryStore;
use futures::executor::block_on;

use crate::Error;
use crate::ours::Ours;

/// The writes of one commit: keys and their values, or nothing where the key is removed.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A store in memory that notes what is written to it.
#[derive(Debug, Default)]
struct Recorder {
    store: MemoryStore,
    batches: Arc<Mutex<Vec<Batch>>>,
}

impl KvRead for Recorder {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.store.get(key).await
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        self.store.page(range, limit).await
    }
}

impl KvStore for Recorder {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let batch = writes.iter().map(|write| (write.key.clone(), write.value.clone())).collect();
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
        self.store.apply(writes).await
    }

    async fn flush(&self) -> Result<(), StorageError> {
        self.store.flush().await
    }

    fn name(&self) -> &'static str {
        self.store.name()
    }
}

/// The batches that `work` makes our store write, after `prepare`.
///
/// # Errors
/// Those of the store, and of both.
pub fn record(
    prepare: impl FnOnce(&Ours) -> Result<(), Error>,
    work: impl FnOnce(&Ours) -> Result<(), Error>,
) -> Result<Vec<Batch>, Error> {
    let recorder = Recorder::default();
    let batches = Arc::clone(&recorder.batches);
    let env = ankurah::env::native();
    let options = OpenStore { random: env.random.as_ref(), create: true, read_only: false };
    let engine = block_on(KvEngine::open(Preimages::new(recorder), options))?;
    let ours = Ours::on(Arc::new(engine), Durability::Buffered)?;
    prepare(&ours)?;
    let take = || std::mem::take(&mut *batches.lock().unwrap_or_else(PoisonError::into_inner));
    take();
    work(&ours)?;
    Ok(take())
}
