//! Snapshots for stores that have none.
//!
//! While snapshots are open, [`Preimages`] keeps in memory what each write replaces, under the number of that
//! write. A snapshot reads the store as it is now and then puts back what was replaced after its own number.
//! Since a replaced value is noted before it is replaced, a read can never miss one. Nothing is noted while no
//! snapshot is open; what no open snapshot needs is forgotten.
//!
//! The memory for replaced values is bounded. Beyond the bound the oldest snapshots are given up: every later
//! read of them fails with [`StorageError::Expired`], and the writer goes on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::watch::Watched;
use super::{Kv, KvRange, KvRead, KvStore, KvWrite, Page, PageBuilder, PageLimit};
use crate::storage::{Footprint, StorageError};

/// A store with snapshots, made of one without.
#[derive(Debug)]
pub struct Preimages<S: KvStore> {
    shared: Arc<Shared<S>>,
    /// Held by the one write that is under way.
    writer: futures::lock::Mutex<()>,
}

#[derive(Debug)]
struct Shared<S> {
    store: S,
    kept: Watched<Kept>,
}

/// What was replaced, and for whom it is kept.
#[derive(Debug)]
struct Kept {
    /// The number of the last write.
    version: u64,
    /// A write is under way that notes nothing, because no snapshot was open: new ones wait for its end.
    unnoted: bool,
    /// Open snapshots: the number of the last write that they see, and how many see just that.
    open: BTreeMap<u64, usize>,
    /// Snapshots that see less than this number are given up.
    floor: u64,
    /// For each key, ascending: the number of a write, and what the key held before it.
    old: BTreeMap<Vec<u8>, Vec<Replaced>>,
    /// The keys of each noted write.
    keys: BTreeMap<u64, Vec<Vec<u8>>>,
    bytes: usize,
    bound: usize,
}

/// The number of a write, and what the key held before it.
type Replaced = (u64, Option<Vec<u8>>);

/// What an entry costs besides its bytes, roughly.
const ENTRY_COST: usize = 96;

fn cost(key: &[u8], value: Option<&Vec<u8>>) -> usize {
    key.len().saturating_mul(2).saturating_add(value.map_or(0, Vec::len)).saturating_add(ENTRY_COST)
}

impl Kept {
    fn note(&mut self, version: u64, key: Vec<u8>, value: Option<Vec<u8>>) {
        let cost = cost(&key, value.as_ref());
        self.keys.entry(version).or_default().push(key.clone());
        self.old.entry(key).or_default().push((version, value));
        self.bytes = self.bytes.saturating_add(cost);
    }

    /// Forgets what no open snapshot needs, then gives up the oldest snapshots until the bound is kept.
    fn prune(&mut self) {
        loop {
            let least = self.open.keys().next().copied().unwrap_or(self.version);
            self.forget(least);
            if self.bytes <= self.bound || self.open.is_empty() {
                return;
            }
            self.open.pop_first();
            self.floor = least.saturating_add(1);
        }
    }

    /// Forgets what writes up to this number replaced.
    fn forget(&mut self, version: u64) {
        while let Some(first) = self.keys.first_entry().filter(|first| *first.key() <= version) {
            for key in first.remove() {
                let Entry::Occupied(mut of_key) = self.old.entry(key) else { continue };
                let mut freed = 0usize;
                let key_bytes = of_key.key().clone();
                of_key.get_mut().retain(|(of, value)| {
                    let keep = *of > version;
                    if !keep {
                        freed = freed.saturating_add(cost(&key_bytes, value.as_ref()));
                    }
                    keep
                });
                self.bytes = self.bytes.saturating_sub(freed);
                if of_key.get().is_empty() {
                    of_key.remove();
                }
            }
        }
    }

    /// What `key` held for a snapshot that sees `version`; outer `None` where the store has it right.
    fn before(&self, version: u64, key: &[u8]) -> Option<Option<&Vec<u8>>> {
        let values = self.old.get(key)?;
        values.iter().find(|(of, _)| *of > version).map(|(_, value)| value.as_ref())
    }

    fn check(&self, version: u64) -> Result<(), StorageError> {
        if version < self.floor { Err(StorageError::Expired) } else { Ok(()) }
    }
}

impl<S: KvStore> Preimages<S> {
    /// How many bytes of replaced values are kept for snapshots, unless told otherwise: 256 MiB.
    pub const BOUND: usize = 256 << 20;

    /// Gives `store` snapshots, keeping at most [`Preimages::BOUND`] bytes for them.
    pub fn new(store: S) -> Self {
        Self::with_bound(store, Self::BOUND)
    }

    /// Gives `store` snapshots, keeping at most `bound` bytes for them.
    pub fn with_bound(store: S, bound: usize) -> Self {
        let kept = Kept {
            version: 0,
            unnoted: false,
            open: BTreeMap::new(),
            floor: 0,
            old: BTreeMap::new(),
            keys: BTreeMap::new(),
            bytes: 0,
            bound,
        };
        Preimages {
            shared: Arc::new(Shared { store, kept: Watched::new(kept) }),
            writer: futures::lock::Mutex::new(()),
        }
    }

    /// The bytes kept now, roughly.
    pub fn kept_bytes(&self) -> usize {
        self.shared.kept.read(|kept| kept.bytes)
    }

    /// The store itself.
    pub fn store(&self) -> &S {
        &self.shared.store
    }
}

impl<S: KvStore> KvRead for Preimages<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.shared.store.get(key).await
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        self.shared.store.page(range, limit).await
    }
}

/// Ends a write on every way out, a dropped future among them.
struct Writing<'a> {
    kept: &'a Watched<Kept>,
    version: u64,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        // A failed write counts too: whatever the store holds now is what later snapshots see.
        self.kept.update(|kept| {
            kept.version = self.version;
            kept.unnoted = false;
            kept.prune();
        });
    }
}

impl<S: KvStore> KvStore for Preimages<S> {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let _writer = self.writer.lock().await;
        let Shared { store, kept } = &*self.shared;
        let (version, note) = kept.update(|kept| {
            kept.unnoted = kept.open.is_empty();
            (kept.version.saturating_add(1), !kept.unnoted)
        });
        let _writing = Writing { kept, version };
        if note {
            let mut before = Vec::with_capacity(writes.len());
            for write in &writes {
                before.push(store.get(&write.key).await?);
            }
            kept.update(|kept| {
                for (write, value) in writes.iter().zip(before) {
                    kept.note(version, write.key.clone(), value);
                }
            });
        }
        store.apply(writes).await
    }

    async fn flush(&self) -> Result<(), StorageError> {
        self.shared.store.flush().await
    }

    fn name(&self) -> &'static str {
        self.shared.store.name()
    }

    fn footprint(&self) -> Footprint {
        self.shared.store.footprint()
    }

    fn pause(&self) {
        self.shared.store.pause();
    }

    fn scrub(&self) -> Result<(), StorageError> {
        self.shared.store.scrub()
    }

    fn closed(&self) -> u64 {
        self.shared.store.closed()
    }

    async fn set_closed(&self, version: u64) -> Result<(), StorageError> {
        self.shared.store.set_closed(version).await
    }
}

impl<S: KvStore> Kv for Preimages<S> {
    type Snapshot = Snapshot<S>;

    async fn snapshot(&self) -> Result<Snapshot<S>, StorageError> {
        let opened = self.shared.kept.until(|kept| {
            // Where this very number was given up, the write that is under way ends it.
            if kept.unnoted || kept.version < kept.floor {
                return None;
            }
            let open = kept.open.entry(kept.version).or_default();
            *open = open.saturating_add(1);
            Some(kept.version)
        });
        let version = opened.await;
        Ok(Snapshot { shared: self.shared.clone(), version })
    }
}

/// A snapshot of a store under [`Preimages`].
#[derive(Debug)]
pub struct Snapshot<S: KvStore> {
    shared: Arc<Shared<S>>,
    /// The number of the last write that it sees.
    version: u64,
}

impl<S: KvStore> Drop for Snapshot<S> {
    fn drop(&mut self) {
        self.shared.kept.update(|kept| {
            if let Entry::Occupied(mut open) = kept.open.entry(self.version) {
                let left = open.get().saturating_sub(1);
                *open.get_mut() = left;
                if left == 0 {
                    open.remove();
                    kept.prune();
                }
            }
        });
    }
}

impl<S: KvStore> KvRead for Snapshot<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let now = self.shared.store.get(key).await?;
        self.shared.kept.read(|kept| {
            kept.check(self.version)?;
            Ok(match kept.before(self.version, key) {
                Some(before) => before.cloned(),
                None => now,
            })
        })
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        let now = self.shared.store.page(range.clone(), limit).await?;
        self.shared.kept.read(|kept| {
            kept.check(self.version)?;
            let covered = match &now.rest {
                None => range,
                Some(rest) if range.reverse => KvRange { start: rest.end.clone(), ..range },
                Some(rest) => KvRange { end: rest.start.clone(), ..range },
            };
            if covered.is_empty() || kept.old.is_empty() {
                return Ok(now);
            }
            let reverse = covered.reverse;
            let mut changed: Vec<(&[u8], Option<&Vec<u8>>)> = kept
                .old
                .range(covered.start..covered.end)
                .filter_map(|(key, _)| Some((key.as_slice(), kept.before(self.version, key)?)))
                .collect();
            if changed.is_empty() {
                return Ok(now);
            }
            if reverse {
                changed.reverse();
            }
            Ok(merge(&now, &changed, reverse))
        })
    }
}

/// A page with what it held before: both lists are in the order of the page.
fn merge(now: &Page, before: &[(&[u8], Option<&Vec<u8>>)], reverse: bool) -> Page {
    let mut merged = PageBuilder::new(PageLimit { items: usize::MAX, bytes: usize::MAX });
    let mut before = before.iter().peekable();
    let comes_first = |a: &[u8], b: &[u8]| if reverse { a > b } else { a < b };
    for (key, value) in now.iter() {
        while let Some((old_key, old)) = before.next_if(|(old_key, _)| comes_first(old_key, key)) {
            if let Some(old) = old {
                merged.push(old_key, old);
            }
        }
        match before.next_if(|(old_key, _)| *old_key == key) {
            Some((_, Some(old))) => merged.push(key, old),
            Some((_, None)) => continue,
            None => merged.push(key, value),
        };
    }
    for (old_key, old) in before {
        if let Some(old) = old {
            merged.push(old_key, old);
        }
    }
    let mut page = merged.end();
    page.rest = now.rest.clone();
    page
}

#[cfg(test)]
mod tests;
