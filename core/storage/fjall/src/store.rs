//! The key-value store.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ankurah_core::storage::kv::{Kv, KvRange, KvRead, KvStore, KvWrite, Page, PageBuilder, PageLimit};
use ankurah_core::storage::{Footprint, StorageError};
use ankurah_storage_directory::{Directory, guarded};
use fjall::{Database, Iter, PersistMode, Readable, Snapshot};

use crate::check::check;
use crate::error::{of_call, of_open};
use crate::journals::Journals;
use crate::trees::Trees;
use crate::{NAME, Options};

/// When the journals take more than so many bytes, the tables that still need them are written. fjall takes no less.
const MAX_JOURNALS: u64 = 64 << 20;

/// Whether a file of a database, given its path from the top, is never changed once it is written.
pub(crate) fn is_fixed(place: &Path) -> bool {
    place.starts_with("keyspaces") && place.parent().is_some_and(|folder| folder.ends_with("tables"))
}

/// An open fjall database.
pub struct FjallStore(Arc<Inner>);

// Dropped in this order: the database, then its journals are cut, then the lock of the directory is given up.
struct Inner {
    trees: Trees,
    journals: Journals,
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
        let what = format!("the store at {}", directory.path().display());
        check(&path, &what)?;
        guarded(&what, || Self::open_sound(directory, options))
    }

    fn open_sound(directory: Directory, options: Options) -> Result<Self, StorageError> {
        let path = directory.data();
        let failed = |error| of_open(directory.path(), error);
        let mut builder =
            Database::builder(&path).cache_size(options.cache).max_journaling_size(MAX_JOURNALS);
        if options.read_only {
            // Its threads only write tables.
            builder = builder.worker_threads_unchecked(0);
        }
        let database = builder.open().map_err(failed)?;
        // A new journal is made long in advance, but empty.
        let length = if directory.is_made() { database.journal_disk_space().map_err(failed)? } else { 0 };
        let journals = Journals::new(path, length);
        let trees = Trees::new(database, options.memtable).map_err(failed)?;
        Ok(FjallStore(Arc::new(Inner { trees, journals, directory: Mutex::new(directory) })))
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
        guarded("a record", || self.0.trees.get(key).map_or(Ok(None), |tree| value(tree.get(key))))
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        if range.is_empty() {
            return Ok(PageBuilder::new(limit).end());
        }
        guarded("records", || match self.0.trees.get(&range.start) {
            Some(tree) => page_of(tree.range::<&[u8], _>(bounds(&range)), range, limit),
            None => Ok(PageBuilder::new(limit).end()),
        })
    }
}

impl KvStore for FjallStore {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let mut batch = self.0.trees.database().batch();
        let mut bytes = 0u64;
        for write in writes {
            let length = write.key.len().saturating_add(write.value.as_ref().map_or(0, Vec::len));
            bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            match write.value {
                Some(value) => {
                    let tree = self.0.trees.make(&write.key);
                    let tree = tree.map_err(|error| self.write_error("make a tree", error))?;
                    batch.insert(tree, write.key, value);
                }
                None => {
                    if let Some(tree) = self.0.trees.get(&write.key) {
                        batch.remove(tree, write.key);
                    }
                }
            }
        }
        self.0.journals.grow(bytes);
        batch.commit().map_err(|error| self.write_error("write a commit", error))
    }

    async fn flush(&self) -> Result<(), StorageError> {
        let persisted = self.0.trees.database().persist(PersistMode::SyncAll);
        persisted.map_err(|error| self.write_error("flush", error))
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn footprint(&self) -> Footprint {
        self.0.trees.footprint()
    }

    fn pause(&self) {
        std::thread::yield_now();
    }

    fn scrub(&self) -> Result<(), StorageError> {
        self.directory().mark_scrub()
    }

    fn closed(&self) -> u64 {
        self.directory().closed()
    }

    async fn set_closed(&self, version: u64) -> Result<(), StorageError> {
        self.directory().set_closed(version)?;
        // What was written is safe in the journals. In the tables it is read sooner when the store is opened again.
        let scrubs = self.directory().wants_scrub();
        if (scrubs || self.0.journals.are_long()) && self.0.trees.settle() {
            self.0.journals.set_needless();
            if scrubs {
                self.0.trees.compact().map_err(|error| self.write_error("compact the tables", error))?;
                self.0.journals.scrubs(self.directory().scrub_mark());
            }
        }
        Ok(())
    }
}

impl Kv for FjallStore {
    type Snapshot = FjallSnapshot;

    async fn snapshot(&self) -> Result<FjallSnapshot, StorageError> {
        Ok(FjallSnapshot { snapshot: self.0.trees.database().snapshot(), store: self.0.clone() })
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
        let get = |tree| value(self.snapshot.get(tree, key));
        guarded("a record", || self.store.trees.get(key).map_or(Ok(None), get))
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        if range.is_empty() {
            return Ok(PageBuilder::new(limit).end());
        }
        guarded("records", || match self.store.trees.get(&range.start) {
            Some(tree) => page_of(self.snapshot.range::<&[u8], _>(tree, bounds(&range)), range, limit),
            None => Ok(PageBuilder::new(limit).end()),
        })
    }
}
