//! The fjall storage engine of Ankurah: a log-structured merge tree for each group of records, in a directory.
//!
//! A commit is one atomic batch in fjall's journal, `Synced` one `fsync` of it; `Buffered` survives the end of
//! the process, not of the machine. Snapshots are fjall's own. fjall checks its blocks and its journal with
//! checksums, so records have none of their own; what it does not check is checked before it opens a database.
//!
//! Closing a store writes its tables and empties its journals, unless these are short, as fjall reads journals whole
//! when it opens a database. After a crash they are at most some three times 64 MiB.
//!
//! fjall writes wherever it opens a database. A store that is only to be read, where nothing can be written, is read
//! from a copy of its journals and lists; tables, which are most of it, are read where they are.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

mod check;
mod error;
mod journals;
mod store;
mod trees;

use std::path::Path;

use ankurah_core::env::Random;
use ankurah_core::storage::StorageError;
use ankurah_core::storage::kv::{self, KvEngine, OpenStore, Repaired};
use ankurah_storage_directory::Directory;

pub use store::{FjallSnapshot, FjallStore};

/// The name of the engine.
pub const NAME: &str = "fjall";

/// The engine.
pub type FjallEngine = KvEngine<FjallStore>;

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Make a store where there is none.
    pub create: bool,
    /// Refuse everything that writes.
    pub read_only: bool,
    /// Memory for cached blocks, in bytes.
    pub cache: u64,
    /// Memory for writes that are not yet in a tree, in bytes for each of the six trees; kept by a store as it was
    /// when the tree was made.
    pub memtable: u64,
}

impl Default for Options {
    /// A store that is made where there is none, written, and may use 128 MiB of cache and six times 16 MiB for
    /// writes.
    fn default() -> Self {
        Options { create: true, read_only: false, cache: 128 << 20, memtable: 16 << 20 }
    }
}

/// Opens the store in the directory at `path`. `random` draws the id of a new store.
///
/// # Errors
/// As [`Directory::open`], and [`StorageError::Damaged`], [`StorageError::Newer`] or [`StorageError::Io`] from
/// the store itself.
pub async fn open(path: &Path, options: Options, random: &dyn Random) -> Result<FjallEngine, StorageError> {
    let create = options.create && !options.read_only;
    let directory = if options.read_only {
        Directory::open_read_only(path, NAME, store::is_fixed)?
    } else {
        Directory::open(path, NAME, create)?
    };
    let made = directory.is_made();
    let store = match FjallStore::open(directory, options) {
        // A journal that was not closed is brought to its end. Where there is no room for that, a copy elsewhere is.
        Err(StorageError::Full { .. }) if options.read_only => {
            FjallStore::open(Directory::open_copy(path, NAME, store::is_fixed)?, options)?
        }
        opened => opened?,
    };
    let engine =
        KvEngine::open(store, OpenStore { random, create: create && !made, read_only: options.read_only });
    let engine = engine.await?;
    engine.kv().made()?;
    Ok(engine)
}

/// Makes anew what follows from the operations of the store in the directory at `path`, which nobody may have open.
/// Gives what was done.
///
/// # Errors
/// As [`open`]; also where the engine below cannot read the store.
pub async fn repair(path: &Path, options: Options) -> Result<Vec<Repaired>, StorageError> {
    let store = FjallStore::open(Directory::open(path, NAME, false)?, options)?;
    kv::repair(&store).await
}
