//! Engines alone, configured as our stores configure them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, RwLock};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::Error;
use crate::record::Batch;
use crate::report::Peer;

/// An engine that takes batches.
pub enum Raw {
    /// An ordered map.
    Memory(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>),
    /// fjall, with a tree for each group of keys as in our store.
    Fjall(Database, [Keyspace; 6]),
    /// sled, with one tree.
    Sled(sled::Db),
}

/// The first bytes of the keys in each of fjall's trees; all others are in the last.
const TREES: [&[u8]; 5] = [b"S", b"OR", b"TU", b"L", b"I"];

impl Raw {
    /// Makes a store of the peer's engine in a folder.
    ///
    /// # Errors
    /// What the engine says.
    pub fn create(peer: Peer, folder: &Path) -> Result<Self, Error> {
        Ok(match peer {
            Peer::RawFjall => {
                let database =
                    Database::builder(folder).cache_size(128 << 20).max_journaling_size(64 << 20).open()?;
                let tree = |name: &str| {
                    let options = || KeyspaceCreateOptions::default().max_memtable_size(16 << 20);
                    database.keyspace(name, options)
                };
                let trees = [tree("0")?, tree("1")?, tree("2")?, tree("3")?, tree("4")?, tree("5")?];
                Raw::Fjall(database, trees)
            }
            Peer::RawSled => {
                let config = sled::Config::new()
                    .path(folder)
                    .cache_capacity(48 << 20)
                    .mode(sled::Mode::HighThroughput)
                    .flush_every_ms(Some(500));
                Raw::Sled(config.open()?)
            }
            _ => Raw::Memory(RwLock::default()),
        })
    }

    /// Writes a batch, all or nothing.
    ///
    /// # Errors
    /// What the engine says.
    pub fn apply(&self, batch: Batch) -> Result<(), Error> {
        match self {
            Raw::Memory(map) => {
                let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
                for (key, value) in batch {
                    match value {
                        Some(value) => map.insert(key, value),
                        None => map.remove(&key),
                    };
                }
            }
            Raw::Fjall(database, trees) => {
                let mut writes = database.batch();
                for (key, value) in batch {
                    let [.., rest] = trees;
                    let kind = key.first();
                    let mut pairs = trees.iter().zip(TREES);
                    let found = pairs.find(|(_, kinds)| kind.is_some_and(|kind| kinds.contains(kind)));
                    let tree = found.map_or(rest, |(tree, _)| tree);
                    match value {
                        Some(value) => writes.insert(tree, key, value),
                        None => writes.remove(tree, key),
                    }
                }
                writes.commit()?;
            }
            Raw::Sled(database) => {
                let mut writes = sled::Batch::default();
                for (key, value) in batch {
                    match value {
                        Some(value) => writes.insert(key, value),
                        None => writes.remove(key),
                    }
                }
                database.apply_batch(writes)?;
            }
        }
        Ok(())
    }

    /// Hands each value whose key begins with `prefix` to `visit`.
    ///
    /// # Errors
    /// What the engine says, and those of `visit`.
    pub fn each(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Raw::Memory(map) => {
                let map = map.read().unwrap_or_else(PoisonError::into_inner);
                let mut from = map.range(prefix.to_vec()..);
                from.by_ref().take_while(|(key, _)| key.starts_with(prefix)).try_for_each(|(_, v)| visit(v))
            }
            Raw::Fjall(_, [states, ..]) => {
                states.prefix(prefix).try_for_each(|item| visit(&item.into_inner()?.1))
            }
            Raw::Sled(database) => database.scan_prefix(prefix).try_for_each(|item| visit(&item?.1)),
        }
    }

    /// Everything written before is on disk afterwards.
    ///
    /// # Errors
    /// What the engine says.
    pub fn flush(&self) -> Result<(), Error> {
        match self {
            Raw::Memory(_) => {}
            Raw::Fjall(database, _) => database.persist(PersistMode::SyncAll)?,
            Raw::Sled(database) => {
                database.flush()?;
            }
        }
        Ok(())
    }
}

/// Flushes that are shared by those who wait for one at the same time: the discipline of our stores.
#[derive(Default)]
pub struct Group {
    state: Mutex<Flushed>,
    changed: Condvar,
    joining: AtomicUsize,
}

#[derive(Default)]
struct Flushed {
    applied: u64,
    durable: u64,
    led: bool,
}

impl Group {
    /// Writes a batch and waits until it is on disk.
    ///
    /// # Errors
    /// What the engine says.
    pub fn commit(&self, raw: &Raw, batch: Batch) -> Result<(), Error> {
        self.joining.fetch_add(1, Ordering::SeqCst);
        let applied = raw.apply(batch);
        self.joining.fetch_sub(1, Ordering::SeqCst);
        applied?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.applied += 1;
        let mine = state.applied;
        loop {
            if state.durable >= mine {
                return Ok(());
            }
            if state.led {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.led = true;
            drop(state);
            for _ in 0..256 {
                if self.joining.load(Ordering::SeqCst) == 0 {
                    break;
                }
                std::thread::yield_now();
            }
            let target = self.state.lock().unwrap_or_else(PoisonError::into_inner).applied;
            let flushed = raw.flush();
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.led = false;
            if flushed.is_ok() {
                state.durable = state.durable.max(target);
            }
            self.changed.notify_all();
            flushed?;
        }
    }
}
