//! The memory engine: everything is gone when the last handle is.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::kv::preimage::Preimages;
use super::kv::{KvEngine, KvRange, KvRead, KvStore, KvWrite, OpenStore, Page, PageBuilder, PageLimit};
use super::{Footprint, StorageError};
use crate::env::Random;

/// An ordered map in memory as a key-value store.
#[derive(Debug, Default)]
pub struct MemoryStore {
    map: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl KvRead for MemoryStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.map.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        let mut page = PageBuilder::new(limit);
        if range.is_empty() {
            return Ok(page.end());
        }
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let bounds = (Bound::Included(range.start.as_slice()), Bound::Excluded(range.end.as_slice()));
        let mut items = map.range::<[u8], _>(bounds);
        loop {
            let item = if range.reverse { items.next_back() } else { items.next() };
            let Some((key, value)) = item else { return Ok(page.end()) };
            if !page.push(key, value) {
                drop(items);
                drop(map);
                return Ok(page.full(range));
            }
        }
    }
}

impl KvStore for MemoryStore {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for write in writes {
            match write.value {
                Some(value) => map.insert(write.key, value),
                None => map.remove(&write.key),
            };
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "memory"
    }

    fn footprint(&self) -> Footprint {
        let keys = self.map.read().unwrap_or_else(PoisonError::into_inner).len();
        Footprint { keys: u64::try_from(keys).ok(), ..Footprint::default() }
    }
}

/// The memory engine.
pub type MemoryEngine = KvEngine<Preimages<MemoryStore>>;

/// A new, empty memory engine. `random` draws its store's id.
pub async fn open(random: &dyn Random) -> Result<MemoryEngine, StorageError> {
    let options = OpenStore { random, create: true, read_only: false };
    KvEngine::open(Preimages::new(MemoryStore::new()), options).await
}
