//! The trees of a database: one for each group of records.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use ankurah_core::storage::Footprint;
use ankurah_core::storage::kv::layout;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

/// The trees, and the first bytes of the keys in each. Whatever is not named is in the last.
const TREES: [(&str, &[u8]); 6] = [
    ("states", &[layout::STATE]),
    ("operations", &[layout::OPERATION, layout::RUN]),
    ("texts", &[layout::TEXT, layout::TAIL]),
    ("log", &[layout::LOG]),
    ("entries", &[layout::ENTRY]),
    ("rest", &[]),
];

/// How often it is looked whether fjall has written its tables.
const SETTLE_STEP: Duration = Duration::from_millis(1);

/// A database and its trees. Making a tree takes some twenty flushes of the disk, so each is made when the first
/// record of its group is written.
pub(crate) struct Trees {
    trees: [OnceLock<Keyspace>; 6],
    making: Mutex<()>,
    memtable: u64,
    database: Database,
}

impl Trees {
    /// The trees that are in a database; those that are made later hold so much in memory.
    pub(crate) fn new(database: Database, memtable: u64) -> fjall::Result<Self> {
        let trees = Trees { trees: Default::default(), making: Mutex::new(()), memtable, database };
        for (tree, (name, _)) in trees.trees.iter().zip(TREES) {
            if trees.database.keyspace_exists(name) {
                trees.open(tree, name)?;
            }
        }
        Ok(trees)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The tree of a key, and its name.
    fn find(&self, key: &[u8]) -> (&OnceLock<Keyspace>, &'static str) {
        let [.., rest] = &self.trees;
        let kind = key.first();
        let mut trees = self.trees.iter().zip(TREES);
        let found = trees.find(|(_, (_, kinds))| kind.is_some_and(|kind| kinds.contains(kind)));
        found.map_or((rest, "rest"), |(tree, (name, _))| (tree, name))
    }

    /// The tree of a key, where there is one.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Keyspace> {
        self.find(key).0.get()
    }

    /// The tree of a key, which is made where there is none.
    pub(crate) fn make(&self, key: &[u8]) -> fjall::Result<&Keyspace> {
        let (tree, name) = self.find(key);
        match tree.get() {
            Some(made) => Ok(made),
            None => self.open(tree, name),
        }
    }

    /// What the database takes. Keys are counted for each time that they were written, until the tables are merged.
    pub(crate) fn footprint(&self) -> Footprint {
        let trees = self.trees.iter().filter_map(OnceLock::get);
        let keys = trees.map(|tree| u64::try_from(tree.approximate_len()).unwrap_or(u64::MAX));
        Footprint {
            keys: Some(keys.fold(0, u64::saturating_add)),
            disk: self.database.disk_space().ok(),
            buffered: Some(self.database.write_buffer_size()),
            cached: Some(self.database.cache_size()),
            cache: Some(self.database.cache_capacity()),
        }
    }

    fn open<'a>(&self, tree: &'a OnceLock<Keyspace>, name: &str) -> fjall::Result<&'a Keyspace> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = tree.get() {
            return Ok(made);
        }
        let settings = || KeyspaceCreateOptions::default().max_memtable_size(self.memtable);
        let made = self.database.keyspace(name, settings)?;
        Ok(tree.get_or_init(|| made))
    }

    /// Writes all tables anew, without what was replaced and removed.
    pub(crate) fn compact(&self) -> fjall::Result<()> {
        self.trees.iter().filter_map(OnceLock::get).try_for_each(Keyspace::major_compact)
    }

    /// Writes into tables on disk what is only in memory and in the journals. Gives whether that was done; where it
    /// was not, such as on a full disk, the journals still have everything.
    pub(crate) fn settle(&self) -> bool {
        let trees = || self.trees.iter().filter_map(OnceLock::get);
        for tree in trees() {
            if let Err(error) = tree.rotate_memtable() {
                tracing::warn!(%error, "the tables were not written at the end");
                return false;
            }
        }
        while trees().any(|tree| tree.sealed_memtable_count() > 0) {
            // fjall's threads give up after an error, and say so to whoever writes next.
            if let Err(error) = self.database.persist(PersistMode::Buffer) {
                tracing::warn!(%error, "the tables were not written at the end");
                return false;
            }
            sleep(SETTLE_STEP);
        }
        true
    }
}
