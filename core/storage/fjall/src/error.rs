//! fjall's errors as ours.

use std::path::Path;

use ankurah_core::storage::StorageError;
use ankurah_storage_directory::{io_error, open_error};

/// An error while reading or writing.
pub(crate) fn of_call(action: &str, error: fjall::Error) -> StorageError {
    use fjall::Error;
    let damaged = |message: String| StorageError::Damaged { what: action.to_owned(), message };
    match error {
        Error::Io(error) | Error::Storage(fjall::LsmError::Io(error)) => io_error(action, &error),
        Error::Storage(error) => damaged(format!("{error:?}")),
        Error::Poisoned => StorageError::Io {
            action: action.to_owned(),
            message:
                "an earlier write or flush failed, so nothing is written until the store is opened again"
                    .to_owned(),
        },
        Error::JournalRecovery(error) => damaged(format!("journal: {error:?}")),
        Error::Decompress(_) | Error::InvalidTrailer | Error::InvalidTag(_) | Error::Unrecoverable => {
            damaged(format!("{error:?}"))
        }
        other => StorageError::Io { action: action.to_owned(), message: format!("{other:?}") },
    }
}

/// An error while opening.
pub(crate) fn of_open(path: &Path, error: fjall::Error) -> StorageError {
    use fjall::Error;
    match error {
        Error::Io(error) | Error::Storage(fjall::LsmError::Io(error)) => open_error(path, &error),
        Error::Locked => {
            StorageError::Locked { path: path.display().to_string(), holder: "another process".to_owned() }
        }
        Error::InvalidVersion(version) => StorageError::Open {
            path: path.display().to_string(),
            message: format!("its files are of another version of fjall: {version:?}"),
        },
        other => of_call(&format!("the store at {}", path.display()), other),
    }
}
