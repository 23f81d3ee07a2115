//! fjall's errors as ours.

use std::io::{self, ErrorKind};
use std::path::Path;

use ankurah_core::storage::StorageError;
use ankurah_storage_directory::{io_error, open_error};
use fjall::{Error, LsmError};

/// What is damaged, as a sentence for people; `None` where an error does not mean damage.
fn damage(error: &Error) -> Option<String> {
    let text = match error {
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => of_file(error)?,
        Error::Storage(LsmError::ChecksumMismatch { .. }) => {
            "the checksum of a part of a table file is wrong, so the file is damaged"
        }
        Error::Storage(LsmError::Decompress(_)) => "a table file cannot be decompressed, so it is damaged",
        Error::Storage(LsmError::InvalidVersion(version)) => {
            return Some(format!("a table file says format version {version}, which fjall does not know"));
        }
        Error::Storage(LsmError::Unrecoverable) => {
            "a list of table files, or a file on it, is damaged or missing"
        }
        Error::Storage(_) => "a table file is not as fjall writes it, so it is damaged",
        Error::JournalRecovery(_) => "a journal file is damaged",
        Error::Decompress(_) | Error::InvalidTrailer | Error::InvalidTag(_) => {
            "a part of a journal file is not as fjall writes it, so the file is damaged"
        }
        Error::InvalidVersion(None) => "the file that names the version of fjall is damaged",
        Error::Unrecoverable => "what the journal files hold cannot be brought back into the tables",
        _ => return None,
    };
    Some(text.to_owned())
}

/// What an error of the system says of a file that must be there, whole.
fn of_file(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::NotFound => Some("one of its files is missing"),
        // fjall takes a tree without its file of the current version for a new one.
        ErrorKind::AlreadyExists => Some("one of its files is missing, though others that need it are there"),
        // A place before the file's beginning is asked for where its end is missing.
        ErrorKind::UnexpectedEof | ErrorKind::InvalidInput => Some("one of its files is cut short"),
        ErrorKind::InvalidData => Some("one of its files is not as fjall writes it, so it is damaged"),
        _ => None,
    }
}

/// An error while reading or writing.
pub(crate) fn of_call(action: &str, error: Error) -> StorageError {
    if let Some(message) = damage(&error) {
        return StorageError::Damaged { what: action.to_owned(), message };
    }
    let message = match error {
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => return io_error(action, &error),
        Error::Poisoned => {
            "an earlier write or flush failed, so nothing is written until the store is opened again"
                .to_owned()
        }
        other => other.to_string(),
    };
    StorageError::Io { action: action.to_owned(), message }
}

/// An error while opening a store that is there.
pub(crate) fn of_open(path: &Path, error: Error) -> StorageError {
    let what = || format!("the store at {}", path.display());
    if let Some(message) = damage(&error) {
        return StorageError::Damaged { what: what(), message };
    }
    match error {
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => open_error(path, &error),
        Error::Locked => {
            StorageError::Locked { path: path.display().to_string(), holder: "another process".to_owned() }
        }
        Error::InvalidVersion(Some(version)) => StorageError::Open {
            path: path.display().to_string(),
            message: format!("its files are of version {} of fjall", u8::from(version)),
        },
        other => of_call(&what(), other),
    }
}
