//! The directory of an embedded store: which engine it holds, and who has it open.
//!
//! | entry | what it is |
//! |---|---|
//! | `ankurah-store` | a few lines of text: the engine, whether the store has been made yet, and at which version it was last closed |
//! | `owner` | locked by the process that has the store open, and says which one that is |
//! | `data` | the engine's own files |
//! | `socket` | while it is open: where other programs attach to the process that has it open; not of this crate's making |
//!
//! A store is made before anything is acknowledged that is kept in it. Where that was interrupted, whoever may make
//! stores removes what is in `data` and begins again; to others the store does not exist.
//!
//! A directory that holds anything but no `ankurah-store` is not ours, and is left alone.
//!
//! A store that is only to be read, where the system lets nothing be written, is read from a private copy of `data`.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

mod copy;
mod marker;
mod owner;
mod replace;

use std::fs;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ankurah_core::storage::StorageError;

use copy::Copy;
pub use marker::{Marker, look};
use owner::Owner;

/// Where the engine's files are.
const DATA: &str = "data";
/// What is said of a store of which the making was interrupted, by a crash or a full disk.
const UNFINISHED: &str =
    "the store there was never finished, so nothing is in it: import something to make it";
/// There where the engine's files hold what was erased.
const SCRUB: &str = "scrub";
/// Written and removed by [`Directory::probe`].
const PROBE: &str = "probe";

/// An open directory. It is locked until this is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    marker: Marker,
    /// The copy that is read where the directory cannot be written.
    copy: Option<Copy>,
    _owner: Option<Owner>,
}

impl Directory {
    /// Opens the directory at `path` for an engine, and makes it first where `create` is set. Where the store has
    /// never been made, whatever is in [`Directory::data`] is removed: until [`Directory::made`] is called nothing
    /// may be acknowledged that is kept there.
    ///
    /// # Errors
    /// [`StorageError::Locked`] where it is open already, [`StorageError::Newer`] where a newer version made it,
    /// [`StorageError::Damaged`] where its marker cannot be read, [`StorageError::Full`] where there is no room,
    /// and [`StorageError::Open`] where it is missing or was never finished and is not to be made, belongs to another engine or to
    /// something else, or the system refuses.
    pub fn open(path: &Path, engine: &str, create: bool) -> Result<Self, StorageError> {
        let found = find(path, engine)?;
        if found.is_none() && !create {
            return Err(refused(path, "there is no store".to_owned()));
        }
        fs::create_dir_all(path).map_err(|error| open_error(path, &error))?;
        let owner = Owner::take(path).map_err(|error| error.into_storage(path))?;
        // Until the lock was taken another process may have made the store, or removed it.
        let marker = match find(path, engine)? {
            None if create => {
                let marker = Marker { engine: engine.to_owned(), made: false, closed: 0 };
                marker.write(path)?;
                marker
            }
            found => found.ok_or_else(|| removed(path))?,
        };
        replace::recover(path).map_err(|error| open_error(path, &error))?;
        if create && !marker.made {
            let data = path.join(DATA);
            make_empty(&data).map_err(|error| open_error(&data, &error))?;
        }
        Directory { path: path.to_owned(), marker, copy: None, _owner: Some(owner) }.checked(create)
    }

    /// Opens the directory at `path` for an engine that only reads. Where the system lets nothing be written there, or the
    /// disk is full,
    /// the engine is given a private copy, in the folder for temporary files, of its files: of those for which
    /// `is_fixed` holds, given their path from [`Directory::data`], only a link to the original, as the engine
    /// never changes them. The copy is removed when this is dropped; the store cannot be opened for writing by
    /// another process until then.
    ///
    /// # Errors
    /// As [`Directory::open`]; [`StorageError::Full`] or [`StorageError::Open`] also where no copy can be made.
    pub fn open_read_only(
        path: &Path,
        engine: &str,
        is_fixed: fn(&Path) -> bool,
    ) -> Result<Self, StorageError> {
        if find(path, engine)?.is_none() {
            return Err(refused(path, "there is no store".to_owned()));
        }
        match Owner::take(path) {
            Ok(owner) => {
                let marker = find(path, engine)?.ok_or_else(|| removed(path))?;
                Directory { path: path.to_owned(), marker, copy: None, _owner: Some(owner) }.checked(false)
            }
            Err(error) if error.is_refused() || error.is_full() => Self::open_copy(path, engine, is_fixed),
            Err(error) => Err(error.into_storage(path)),
        }
    }

    /// As [`Directory::open_read_only`] where nothing can be written. It is also for an engine that found the disk too
    /// full to open its files.
    ///
    /// # Errors
    /// As [`Directory::open_read_only`].
    pub fn open_copy(path: &Path, engine: &str, is_fixed: fn(&Path) -> bool) -> Result<Self, StorageError> {
        let owner = Owner::share(path).map_err(|error| error.into_storage(path))?;
        let marker = find(path, engine)?.ok_or_else(|| removed(path))?;
        let shared = Directory { path: path.to_owned(), marker, copy: None, _owner: owner }.checked(false)?;
        let copy = copy::private(&shared.data(), is_fixed)?;
        Ok(Directory { copy: Some(copy), ..shared })
    }

    /// The directory, where its store has been made or is being made by `create`, and its folder of files is there.
    fn checked(self, create: bool) -> Result<Self, StorageError> {
        if !self.marker.made && !create {
            return Err(refused(&self.path, UNFINISHED.to_owned()));
        }
        if self.marker.made && !self.data().is_dir() {
            let what = format!("the store at {}", self.path.display());
            return Err(StorageError::Damaged { what, message: format!("its folder {DATA} is missing") });
        }
        Ok(self)
    }

    /// Where an engine makes its files anew, for [`Directory::replace`]. Nothing is there.
    ///
    /// # Errors
    /// As [`Directory::mark_scrub`].
    pub fn fresh(&self) -> Result<PathBuf, StorageError> {
        replace::fresh(&self.path).map_err(|error| io_error("make the store's files anew", &error))
    }

    /// Puts the files of [`Directory::fresh`], which are on disk, in the place of the engine's files. Where that is
    /// interrupted, it is done when the directory is opened again.
    ///
    /// # Errors
    /// As [`Directory::mark_scrub`].
    pub fn replace(&self) -> Result<(), StorageError> {
        replace::replace(&self.path).map_err(|error| io_error("replace the store's files", &error))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the engine's files are, or the copy of them.
    pub fn data(&self) -> PathBuf {
        self.copy.as_ref().map_or_else(|| self.path.join(DATA), Copy::files)
    }

    /// Whether the store has been made: it is then an error if the engine finds none.
    pub fn is_made(&self) -> bool {
        self.marker.made
    }

    /// The last version that [`Directory::set_closed`] noted, 0 before the first.
    pub fn closed(&self) -> u64 {
        self.marker.closed
    }

    /// Notes the version at which the store was closed, so that a store that lost its end is found out.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn set_closed(&mut self, closed: u64) -> Result<(), StorageError> {
        let marker = Marker { closed, ..self.marker.clone() };
        marker.write(&self.path)?;
        self.marker = marker;
        Ok(())
    }

    /// Notes, on the disk, that the engine's files may hold what is to be erased, so that they are to be made anew.
    ///
    /// # Errors
    /// [`StorageError::Io`] or [`StorageError::Full`] where that cannot be written.
    pub fn mark_scrub(&self) -> Result<(), StorageError> {
        let noted = fs::File::create(self.scrub_mark()).and_then(|file| file.sync_all());
        let noted = noted.and_then(|()| fs::File::open(&self.path)?.sync_all());
        noted.map_err(|error| io_error("note that the store's files are to be made anew", &error))
    }

    /// The file that says that the engine's files are to be made anew.
    pub fn scrub_mark(&self) -> PathBuf {
        self.path.join(SCRUB)
    }

    /// Whether the engine's files are to be made anew.
    pub fn wants_scrub(&self) -> bool {
        self.copy.is_none() && self.scrub_mark().exists()
    }

    /// Notes that the engine's files hold nothing any more that is to be erased.
    ///
    /// # Errors
    /// As [`Directory::mark_scrub`].
    pub fn scrubbed(&self) -> Result<(), StorageError> {
        let noted = fs::remove_file(self.scrub_mark());
        noted.map_err(|error| io_error("note that the store's files were made anew", &error))
    }

    /// Tries to write a little, to find out why the engine cannot.
    ///
    /// # Errors
    /// [`StorageError::Full`] where there is no room, [`StorageError::Io`] where it fails otherwise.
    pub fn probe(&self) -> Result<(), StorageError> {
        let path = self.path.join(PROBE);
        let written = fs::write(&path, vec![1; 1 << 20]);
        let removed = fs::remove_file(&path);
        written.and(removed).map_err(|error| io_error("write to the store's directory", &error))
    }

    /// Notes, on the disk, that the store has been made and is on disk; a copy notes nothing. What was written before
    /// is not removed any more when the directory is opened again.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn made(&mut self) -> Result<(), StorageError> {
        if !self.marker.made && self.copy.is_none() {
            let marker = Marker { made: true, ..self.marker.clone() };
            marker.write(&self.path)?;
            self.marker = marker;
        }
        Ok(())
    }
}

/// The marker of a store of an engine; `None` where there is no store.
fn find(path: &Path, engine: &str) -> Result<Option<Marker>, StorageError> {
    let found = look(path)?;
    match &found {
        Some(marker) if marker.engine != engine => {
            let message = format!("it holds a store of engine {}, not {engine}", marker.engine);
            Err(refused(path, message))
        }
        _ => Ok(found),
    }
}

/// A store that was there before the directory was locked, and is not any more.
fn removed(path: &Path) -> StorageError {
    refused(path, "the store has just been removed".to_owned())
}

/// Makes a folder, or removes all that is in it.
fn make_empty(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return fs::create_dir(path),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let remove = if entry.file_type()?.is_dir() { fs::remove_dir_all } else { fs::remove_file };
        remove(entry.path())?;
    }
    Ok(())
}

fn refused(path: &Path, message: String) -> StorageError {
    StorageError::Open { path: path.display().to_string(), message }
}

/// What `run` gives. Engines panic at some damaged files; here that is an error like others. `what` is said to be damaged.
///
/// # Errors
/// As `run`, and [`StorageError::Damaged`].
pub fn guarded<T>(what: &str, run: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no more is known");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!("the engine met something there that cannot be ({text})");
        Err(StorageError::Damaged { what: what.to_owned(), message })
    })
}

/// Whether an error says that there is no room left.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// An error of the system while opening.
pub fn open_error(path: &Path, error: &io::Error) -> StorageError {
    if is_full(error) {
        return StorageError::Full { message: format!("{}: {error}", path.display()) };
    }
    refused(path, error.to_string())
}

/// An error of the system while reading or writing.
pub fn io_error(action: &str, error: &io::Error) -> StorageError {
    match is_full(error) {
        true => StorageError::Full { message: format!("{action}: {error}") },
        false => StorageError::Io { action: action.to_owned(), message: error.to_string() },
    }
}
