//! A private copy of the files of a store that this process may not write.
//!
//! Engines write when they open a store: they lock it, cut what a crash left half written, and replay their
//! journals. Where the system refuses that, a store that is only to be read is opened from a copy in the folder
//! for temporary files, which is removed when it is closed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use ankurah_core::storage::StorageError;
use tempfile::TempDir;

use crate::{is_full, refused};

/// Files are copied in pieces of so many bytes; pieces of zeros are left out.
const PIECE: usize = 64 << 10;

/// Copies the files below `data`. Those for which `is_fixed` holds, given their path from there, are never
/// changed once they are written: the copy only points at them, where the system can.
pub(crate) fn private(data: &Path, is_fixed: fn(&Path) -> bool) -> Result<TempDir, StorageError> {
    let parent = std::env::temp_dir();
    let failed = |error: io::Error| {
        let place = parent.display();
        let message = format!(
            "{}: it cannot be written, and no copy of it can be made in {place}: {error} \
             (another folder can be set with TMPDIR)",
            data.display()
        );
        if is_full(&error) { StorageError::Full { message } } else { refused(data, message) }
    };
    let copy = tempfile::Builder::new().prefix("ankurah-").tempdir_in(&parent).map_err(failed)?;
    let bytes = folder(data, copy.path(), Path::new(""), is_fixed).map_err(failed)?;
    tracing::info!(
        store = %data.display(), copy = %copy.path().display(), bytes,
        "the store cannot be written: it is read from a copy"
    );
    Ok(copy)
}

/// Copies a folder; `place` is its path from the top. Gives the bytes written.
fn folder(from: &Path, to: &Path, place: &Path, is_fixed: fn(&Path) -> bool) -> io::Result<u64> {
    let mut bytes = 0u64;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        let (from, to, place) = (from.join(&name), to.join(&name), place.join(&name));
        if from.is_dir() {
            fs::create_dir(&to)?;
            bytes = bytes.saturating_add(folder(&from, &to, &place, is_fixed)?);
        } else if !(is_fixed(&place) && link(&from, &to)) {
            bytes = bytes.saturating_add(file(&from, &to)?);
        }
    }
    Ok(bytes)
}

/// Lets `to` point at `from`. Gives whether the system could.
#[cfg(unix)]
fn link(from: &Path, to: &Path) -> bool {
    from.canonicalize().and_then(|from| std::os::unix::fs::symlink(from, to)).is_ok()
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> bool {
    false
}

/// Copies a file, without the zeros in it: engines make files longer than what they hold. Gives the bytes written.
fn file(from: &Path, to: &Path) -> io::Result<u64> {
    let (mut from, mut to) = (File::open(from)?, File::create_new(to)?);
    let mut piece = vec![0; PIECE];
    let (mut length, mut written) = (0u64, 0u64);
    loop {
        let count = from.read(&mut piece)?;
        let read = piece.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        if read.iter().any(|byte| *byte != 0) {
            to.seek(SeekFrom::Start(length))?;
            to.write_all(read)?;
            written = written.saturating_add(bytes);
        }
        length = length.saturating_add(bytes);
    }
    to.set_len(length)?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_every_byte_and_leaves_the_original_alone() {
        let store = tempfile::tempdir().unwrap();
        let deep = store.path().join("deep");
        fs::create_dir(&deep).unwrap();
        let mut long = vec![0; 3 * PIECE + 17];
        long[PIECE] = 1;
        fs::write(store.path().join("long"), &long).unwrap();
        fs::write(store.path().join("empty"), b"").unwrap();
        fs::write(deep.join("fixed"), b"table").unwrap();
        let copy = private(store.path(), |place| place.ends_with("fixed")).unwrap();
        let place = copy.path().to_owned();
        assert_eq!(fs::read(place.join("long")).unwrap(), long);
        assert_eq!(fs::read(place.join("empty")).unwrap(), b"");
        assert_eq!(fs::read(place.join("deep/fixed")).unwrap(), b"table");
        fs::write(place.join("long"), b"changed").unwrap();
        fs::remove_file(place.join("deep/fixed")).unwrap();
        drop(copy);
        assert!(!place.exists(), "it is removed");
        assert_eq!(fs::read(store.path().join("long")).unwrap(), long);
        assert_eq!(fs::read(deep.join("fixed")).unwrap(), b"table");
    }
}
