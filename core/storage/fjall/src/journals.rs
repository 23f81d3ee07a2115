//! The journals of a database, which fjall reads whole when it opens it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Journals of more bytes than this are emptied when a store is closed.
const LONG: u64 = 2 << 20;

/// The journals in a folder. When this is dropped, after the database, they are emptied if nothing needs them.
#[derive(Debug)]
pub(crate) struct Journals {
    folder: PathBuf,
    length: AtomicU64,
    needless: AtomicBool,
    /// The file that says that they hold what is to be erased; it goes with them.
    mark: Mutex<Option<PathBuf>>,
}

impl Journals {
    /// The journals in a folder, which now have so many bytes.
    pub(crate) fn new(folder: PathBuf, length: u64) -> Self {
        Journals {
            folder,
            length: AtomicU64::new(length),
            needless: AtomicBool::new(false),
            mark: Mutex::default(),
        }
    }

    /// Notes that so many bytes are written to them.
    pub(crate) fn grow(&self, bytes: u64) {
        self.needless.store(false, Ordering::Relaxed);
        self.length.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether reading them takes a while.
    pub(crate) fn are_long(&self) -> bool {
        self.length.load(Ordering::Relaxed) > LONG
    }

    /// Notes that everything in them is in tables on disk.
    pub(crate) fn set_needless(&self) {
        self.needless.store(true, Ordering::Relaxed);
    }

    /// Notes that nothing is to be erased any more once they are empty, which a file says until then.
    pub(crate) fn scrubs(&self, mark: PathBuf) {
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }

    /// Empties them. fjall needs the files themselves, to know that the database is not a new one.
    fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "jnl") {
                OpenOptions::new().write(true).open(&path)?.set_len(0)?;
            }
        }
        match self.mark.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(mark) => fs::remove_file(mark),
            None => Ok(()),
        }
    }
}

impl Drop for Journals {
    fn drop(&mut self) {
        if *self.needless.get_mut()
            && let Err(error) = self.empty()
        {
            tracing::warn!(%error, "the journals were not emptied; the store opens all the same");
        }
    }
}
