//! The key-value store.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ankurah_core::storage::StorageError;
use ankurah_core::storage::kv::{
    Kv, KvRange, KvRead, KvStore, KvWrite, Page, PageBuilder, PageLimit, layout,
};
use ankurah_storage_directory::Directory;
use fjall::{Database, Iter, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use crate::error::{of_call, of_open};
use crate::{NAME, Options};

/// The trees, and the first bytes of the keys in each. Whatever is not named is in the last.
const TREES: [(&str, &[u8]); 6] = [
    ("states", &[layout::STATE]),
    ("operations", &[layout::OPERATION, layout::MODEL_OF, layout::RUN]),
    ("texts", &[layout::TEXT, layout::TAIL]),
    ("log", &[layout::LOG]),
    ("entries", &[layout::ENTRY]),
    ("rest", &[]),
];

/// Whether a file of a database, given its path from the top, is never changed once it is written.
pub(crate) fn is_fixed(place: &Path) -> bool {
    place.starts_with("keyspaces") && place.parent().is_some_and(|folder| folder.ends_with("tables"))
}

/// An open fjall database.
pub struct FjallStore(Arc<Inner>);

// Dropped in this order: the database before the lock of its directory.
struct Inner {
    trees: [Keyspace; 6],
    database: Database,
    directory: Mutex<Directory>,
}

impl fmt::Debug for FjallStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallStore").field("directory", &self.0.directory).finish_non_exhaustive()
    }
}

impl FjallStore {
    /// Opens the database in a directory, or makes it where there is none.
    ///
    /// # Errors
    /// As [`crate::open`].
    pub fn open(directory: Directory, options: Options) -> Result<Self, StorageError> {
        let path = directory.data();
        let failed = |error| of_open(directory.path(), error);
        let mut builder = Database::builder(&path).cache_size(options.cache);
        if options.read_only {
            // Its threads only write tables.
            builder = builder.worker_threads_unchecked(0);
        }
        let database = builder.open().map_err(failed)?;
        let tree = |(name, _): (&str, _)| {
            let settings = || KeyspaceCreateOptions::default().max_memtable_size(options.memtable);
            database.keyspace(name, settings).map_err(failed)
        };
        let [a, b, c, d, e, f] = TREES;
        let trees = [tree(a)?, tree(b)?, tree(c)?, tree(d)?, tree(e)?, tree(f)?];
        Ok(FjallStore(Arc::new(Inner { trees, database, directory: Mutex::new(directory) })))
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        self.0.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error of a write. fjall does not say why it gave up writing, so the disk is asked.
    fn write_error(&self, action: &str, error: fjall::Error) -> StorageError {
        match error {
            fjall::Error::Poisoned => match self.directory().probe() {
                Err(full @ StorageError::Full { .. }) => full,
                _ => of_call(action, fjall::Error::Poisoned),
            },
            other => of_call(action, other),
        }
    }

    /// Notes that the store has been made.
    pub(crate) fn made(&self) -> Result<(), StorageError> {
        self.directory().made()
    }
}

impl Inner {
    /// The tree of a key.
    fn tree(&self, key: &[u8]) -> &Keyspace {
        let [.., rest] = &self.trees;
        let kind = key.first();
        let mut trees = self.trees.iter().zip(TREES);
        let found = trees.find(|(_, (_, kinds))| kind.is_some_and(|kind| kinds.contains(kind)));
        found.map_or(rest, |(tree, _)| tree)
    }
}

/// A value as bytes; `what` is done for people.
fn value(found: fjall::Result<Option<fjall::UserValue>>) -> Result<Option<Vec<u8>>, StorageError> {
    found.map(|found| found.map(|value| value.to_vec())).map_err(|error| of_call("read a record", error))
}

fn page_of(mut items: Iter, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
    let mut page = PageBuilder::new(limit);
    loop {
        let item = if range.reverse { items.next_back() } else { items.next() };
        let Some(item) = item else { return Ok(page.end()) };
        let (key, value) = item.into_inner().map_err(|error| of_call("read records", error))?;
        if !page.push(&key, &value) {
            return Ok(page.full(range));
        }
    }
}

type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

fn bounds(range: &KvRange) -> Bounds<'_> {
    (Bound::Included(&range.start), Bound::Excluded(&range.end))
}

impl KvRead for FjallStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        value(self.0.tree(key).get(key))
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        if range.is_empty() {
            return Ok(PageBuilder::new(limit).end());
        }
        let items = self.0.tree(&range.start).range::<&[u8], _>(bounds(&range));
        page_of(items, range, limit)
    }
}

impl KvStore for FjallStore {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let mut batch = self.0.database.batch();
        for write in writes {
            let tree = self.0.tree(&write.key);
            match write.value {
                Some(value) => batch.insert(tree, write.key, value),
                None => batch.remove(tree, write.key),
            }
        }
        batch.commit().map_err(|error| self.write_error("write a commit", error))
    }

    async fn flush(&self) -> Result<(), StorageError> {
        let persisted = self.0.database.persist(PersistMode::SyncAll);
        persisted.map_err(|error| self.write_error("flush", error))
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn closed(&self) -> u64 {
        self.directory().closed()
    }

    async fn set_closed(&self, version: u64) -> Result<(), StorageError> {
        self.directory().set_closed(version)
    }
}

impl Kv for FjallStore {
    type Snapshot = FjallSnapshot;

    async fn snapshot(&self) -> Result<FjallSnapshot, StorageError> {
        Ok(FjallSnapshot { snapshot: self.0.database.snapshot(), store: self.0.clone() })
    }
}

/// A snapshot of a [`FjallStore`].
pub struct FjallSnapshot {
    snapshot: Snapshot,
    store: Arc<Inner>,
}

impl fmt::Debug for FjallSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FjallSnapshot")
    }
}

impl KvRead for FjallSnapshot {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        value(self.snapshot.get(self.store.tree(key), key))
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        if range.is_empty() {
            return Ok(PageBuilder::new(limit).end());
        }
        let items = self.snapshot.range::<&[u8], _>(self.store.tree(&range.start), bounds(&range));
        page_of(items, range, limit)
    }
}
