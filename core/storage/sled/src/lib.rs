//! The sled storage engine of Ankurah: one tree in a directory.
//!
//! A commit is one atomic batch, `Synced` one flush; `Buffered` may lose the last half second when the process
//! ends. Snapshots come from replaced values kept in memory. sled keeps what it has not flushed in memory, so
//! the store flushes whenever 16 MiB have been written. sled checks its pages with checksums, so records have
//! none of their own; it panics at some damaged files, which is an error here. After a failed write, such as
//! on a full disk, a part of it may be in sled's memory: nothing is read until the store is opened again.
//!
//! sled writes wherever it opens a database. A store that is only to be read, where nothing can be written, is read
//! from a copy of the whole of it in the folder for temporary files.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

mod keys;
mod store;

use std::path::Path;

use ankurah_core::env::Random;
use ankurah_core::storage::StorageError;
use ankurah_core::storage::kv::preimage::Preimages;
use ankurah_core::storage::kv::{self, KvEngine, OpenStore, Repaired};
use ankurah_storage_directory::Directory;

pub use store::SledStore;

/// The name of the engine.
pub const NAME: &str = "sled";

/// The engine.
pub type SledEngine = KvEngine<Preimages<SledStore>>;

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Make a store where there is none.
    pub create: bool,
    /// Refuse everything that writes.
    pub read_only: bool,
    /// Size of cached pages on disk, in bytes; in memory they take some four times that.
    pub cache: u64,
}

impl Default for Options {
    /// A store that is made where there is none, written, and may cache 48 MiB of pages.
    fn default() -> Self {
        Options { create: true, read_only: false, cache: 48 << 20 }
    }
}

/// Opens the store in the directory at `path`. `random` draws the id of a new store.
///
/// # Errors
/// As [`Directory::open`], and [`StorageError::Damaged`], [`StorageError::Newer`] or [`StorageError::Io`] from
/// the store itself.
pub async fn open(path: &Path, options: Options, random: &dyn Random) -> Result<SledEngine, StorageError> {
    let create = options.create && !options.read_only;
    let directory = if options.read_only {
        // sled keeps everything in one file, and changes it in place.
        Directory::open_read_only(path, NAME, |_| false)?
    } else {
        Directory::open(path, NAME, create)?
    };
    let made = directory.is_made();
    let store = match SledStore::open(directory, options) {
        // sled writes whenever it opens a store. Where there is no room for that, a copy elsewhere is read.
        Err(StorageError::Full { .. }) if options.read_only => {
            SledStore::open(Directory::open_copy(path, NAME, |_| false)?, options)
        }
        opened => opened,
    };
    let store = Preimages::new(store?);
    let engine =
        KvEngine::open(store, OpenStore { random, create: create && !made, read_only: options.read_only });
    let engine = engine.await?;
    engine.kv().store().made()?;
    Ok(engine)
}

/// Makes anew what follows from the operations of the store in the directory at `path`, which nobody may have open.
/// Gives what was done.
///
/// # Errors
/// As [`open`]; also where the engine below cannot read the store.
pub async fn repair(path: &Path, options: Options) -> Result<Vec<Repaired>, StorageError> {
    let store = SledStore::open(Directory::open(path, NAME, false)?, options)?;
    kv::repair(&store).await
}
