//! The key-value store.

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use ankurah_core::storage::kv::{KvRange, KvRead, KvStore, KvWrite, Page, PageBuilder, PageLimit};
use ankurah_core::storage::{Footprint, StorageError};
use ankurah_storage_directory::{Directory, guarded, io_error, open_error};

use crate::{NAME, Options, keys};

/// How many bytes are written before the store flushes of itself.
const FLUSH_EVERY: usize = 16 << 20;

/// How long a database that was just dropped may keep its lock, and how often that is looked at.
const RELEASE: Duration = Duration::from_secs(5);
const RELEASE_STEP: Duration = Duration::from_millis(5);

/// An open sled database.
// Dropped in this order: the database before the lock of its directory.
#[derive(Debug)]
pub struct SledStore {
    database: sled::Db,
    /// Bytes of pages that may be cached.
    cache: u64,
    /// Bytes written since the last flush.
    unflushed: AtomicUsize,
    /// The first error of a write. sled may have made a part of it in memory, so nothing is read after it.
    broken: OnceLock<StorageError>,
    home: Mutex<Home>,
}

/// The directory of a database. When this is dropped, after the database, the database is made anew if it may hold
/// what is to be erased: sled writes over what was replaced only when it happens to.
#[derive(Debug)]
struct Home {
    directory: Directory,
    options: Options,
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.options.read_only || !self.directory.wants_scrub() {
            return;
        }
        // Where it fails it is tried again when the store is closed the next time.
        if let Err(error) = guarded("the store", || renew(&self.directory, self.options)) {
            tracing::warn!(%error, "the store's files still hold what was erased");
        }
    }
}

/// Records that are copied at a time.
const COPIED: usize = 1_000;

/// Copies the database to a new one, which takes its place.
fn renew(directory: &Directory, options: Options) -> Result<(), StorageError> {
    let failed = |error| of_call("make the store's files anew", error);
    let fresh = directory.fresh()?;
    let old = open_released(&config(&directory.data(), options), sleep).map_err(failed)?;
    let new = config(&fresh, options).open().map_err(failed)?;
    let mut batch = sled::Batch::default();
    for (number, item) in old.iter().enumerate() {
        let (key, value) = item.map_err(failed)?;
        batch.insert(key, value);
        if number % COPIED == 0 {
            new.apply_batch(std::mem::take(&mut batch)).map_err(failed)?;
        }
    }
    new.apply_batch(batch).map_err(failed)?;
    new.flush().map_err(failed)?;
    drop((old, new));
    directory.replace()?;
    directory.scrubbed()
}

fn config(data: &Path, options: Options) -> sled::Config {
    sled::Config::new()
        .path(data)
        .cache_capacity(options.cache)
        .mode(sled::Mode::HighThroughput)
        .flush_every_ms(Some(500))
}

impl SledStore {
    /// Opens the database in a directory, or makes it where there is none.
    ///
    /// # Errors
    /// As [`crate::open`].
    pub fn open(directory: Directory, options: Options) -> Result<Self, StorageError> {
        let config = config(&directory.data(), options);
        remove_unfinished(&directory.data())?;
        let what = format!("the store at {}", directory.path().display());
        let database = guarded(&what, || {
            open_released(&config, sleep).map_err(|error| of_open(directory.path(), error))
        })?;
        Ok(SledStore {
            database,
            cache: options.cache,
            unflushed: AtomicUsize::new(0),
            broken: OnceLock::new(),
            home: Mutex::new(Home { directory, options }),
        })
    }

    fn home(&self) -> MutexGuard<'_, Home> {
        self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the store has been made.
    pub(crate) fn made(&self) -> Result<(), StorageError> {
        self.home().directory.made()
    }

    fn check(&self) -> Result<(), StorageError> {
        self.broken.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Reads. What sled holds after a panic is not known, so it is the last that is read.
    fn reading<T>(&self, run: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
        self.check()?;
        let mut is_done = false;
        let result = guarded("records", || {
            let result = run();
            is_done = true;
            result
        });
        if let (false, Err(error)) = (is_done, &result) {
            self.broken.get_or_init(|| error.clone());
        }
        result
    }

    /// Notes the error of a write, which may be a panic.
    fn breaks<T>(&self, action: &str, run: impl FnOnce() -> sled::Result<T>) -> Result<T, StorageError> {
        guarded("the store", || run().map_err(|error| of_call(action, error))).inspect_err(|error| {
            self.broken.get_or_init(|| error.clone());
        })
    }

    fn flush_now(&self) -> Result<(), StorageError> {
        self.check()?;
        self.unflushed.store(0, Ordering::Relaxed);
        self.breaks("flush", || self.database.flush()).map(|_| ())
    }
}

/// Opens the database once sled has let go of it. Our own lock of the directory is held by now, so no other
/// process has the database; but the threads of one that this process has just dropped may keep sled's lock for
/// a moment, and they tell nobody when they are done. `wait` lets some time go by.
fn open_released(config: &sled::Config, mut wait: impl FnMut(Duration)) -> sled::Result<sled::Db> {
    let mut waited = Duration::ZERO;
    loop {
        match config.open() {
            Err(error) if is_lock(&error) && waited < RELEASE => {
                wait(RELEASE_STEP);
                waited += RELEASE_STEP;
            }
            opened => return opened,
        }
    }
}

/// Whether sled found the database locked. It has no error of its own for this.
fn is_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("lock"))
}

/// Removes the snapshots that sled began to write and did not finish, as on a full disk. sled writes one under
/// this name and renames it when it is whole, but would read it when it opens the database, and find it corrupt.
fn remove_unfinished(data: &Path) -> Result<(), StorageError> {
    for entry in fs::read_dir(data).map_err(|error| open_error(data, &error))? {
        let entry = entry.map_err(|error| open_error(data, &error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            let path = entry.path();
            fs::remove_file(&path).map_err(|error| open_error(&path, &error))?;
        }
    }
    Ok(())
}

/// The system's own error. sled puts it into the text of another, as Rust shows it to programmers.
fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    let code = text.split_once("Os { code: ").and_then(|(_, rest)| rest.split_once(','));
    match code.and_then(|(code, _)| code.parse().ok()) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error,
    }
}

/// sled's error while reading or writing, as ours.
fn of_call(action: &str, error: sled::Error) -> StorageError {
    match error {
        sled::Error::Io(error) => io_error(action, &plain(error)),
        sled::Error::Corruption { at, .. } => {
            let place = at.map(|at| format!(" at {at:?}")).unwrap_or_default();
            let message = format!("sled finds its file corrupt{place}; restore the store from an export");
            StorageError::Damaged { what: action.to_owned(), message }
        }
        other => StorageError::Io { action: action.to_owned(), message: other.to_string() },
    }
}

/// sled's error while opening, as ours.
fn of_open(path: &Path, error: sled::Error) -> StorageError {
    match error {
        error if is_lock(&error) => {
            StorageError::Locked { path: path.display().to_string(), holder: "another process".to_owned() }
        }
        sled::Error::Io(error) => open_error(path, &plain(error)),
        // Every store is made with the same settings.
        sled::Error::Unsupported(_) => StorageError::Damaged {
            what: "the file data/conf".to_owned(),
            message: "it does not hold the settings that the store was made with; where that file is removed, sled \
                      writes it anew"
                .to_owned(),
        },
        other => of_call(&format!("the store at {}", path.display()), other),
    }
}

impl KvRead for SledStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.reading(|| {
            let found =
                self.database.get(keys::stored(key)).map_err(|error| of_call("read a record", error))?;
            Ok(found.map(|value| value.to_vec()))
        })
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        self.reading(|| self.read_page(range, limit))
    }
}

impl SledStore {
    fn read_page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        let mut page = PageBuilder::new(limit);
        if range.is_empty() {
            return Ok(page.end());
        }
        let bounds = (Bound::Included(keys::stored(&range.start)), Bound::Excluded(keys::stored(&range.end)));
        let mut items = self.database.range(bounds);
        loop {
            let item = if range.reverse { items.next_back() } else { items.next() };
            let Some(item) = item else { return Ok(page.end()) };
            let (stored, value) = item.map_err(|error| of_call("read records", error))?;
            let Some(key) = keys::read(&stored) else {
                let what = "key of a record".to_owned();
                return Err(StorageError::Damaged { what, message: "it is not one of ours".to_owned() });
            };
            if !page.push(&key, &value) {
                return Ok(page.full(range));
            }
        }
    }
}

impl KvStore for SledStore {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        self.check()?;
        let mut batch = sled::Batch::default();
        let mut bytes = 0usize;
        for write in writes {
            let key = keys::stored(&write.key);
            bytes = bytes.saturating_add(key.len());
            match write.value {
                Some(value) => {
                    bytes = bytes.saturating_add(value.len());
                    batch.insert(key, value);
                }
                None => batch.remove(key),
            }
        }
        self.breaks("write a commit", || self.database.apply_batch(batch))?;
        if self.unflushed.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > FLUSH_EVERY {
            self.flush_now()?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), StorageError> {
        self.flush_now()
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn footprint(&self) -> Footprint {
        Footprint { disk: self.database.size_on_disk().ok(), cache: Some(self.cache), ..Footprint::default() }
    }

    fn pause(&self) {
        std::thread::yield_now();
    }

    fn scrub(&self) -> Result<(), StorageError> {
        self.home().directory.mark_scrub()
    }

    fn closed(&self) -> u64 {
        self.home().directory.closed()
    }

    async fn set_closed(&self, version: u64) -> Result<(), StorageError> {
        self.home().directory.set_closed(version)
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A database of which the lock is held by something else, and that lock.
    fn held(folder: &Path) -> (sled::Config, fs::File) {
        let config = sled::Config::new().path(folder).cache_capacity(1 << 20);
        drop(open_released(&config, sleep).unwrap());
        let lock = fs::File::open(folder.join("db")).unwrap();
        lock.lock().unwrap();
        (config, lock)
    }

    #[test]
    fn a_database_that_was_just_dropped_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (config, lock) = held(folder.path());
        let mut lock = Some(lock);
        let mut waits = 0;
        let opened = open_released(&config, |_| {
            waits += 1;
            if waits == 3 {
                lock = None;
            }
        });
        assert!(opened.is_ok() && waits == 3, "{opened:?} after {waits}");
    }

    #[test]
    fn waiting_for_a_database_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let (config, _lock) = held(folder.path());
        let mut waited = Duration::ZERO;
        let opened = open_released(&config, |step| waited += step);
        assert!(opened.is_err_and(|error| is_lock(&error)) && waited == RELEASE, "{waited:?}");
    }

    #[test]
    fn a_full_disk_is_said_plainly() {
        let first = sled::Error::Io(io::Error::from_raw_os_error(28));
        let second = first.clone();
        let third = second.clone();
        for error in [first, second, third] {
            let said = of_call("flush", error).to_string();
            assert_eq!(said, "the disk is full: flush: No space left on device (os error 28)");
        }
        let said = of_call("flush", sled::Error::Io(io::Error::other("odd"))).to_string();
        assert_eq!(said, "flush: odd");
    }
}
