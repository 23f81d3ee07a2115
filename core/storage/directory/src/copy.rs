//! A private copy of the files of a store that this process may not write.
//!
//! Engines write when they open a store: they lock it, cut what a crash left half written, and replay their
//! journals. Where the system refuses that, a store that is only to be read is opened from a copy in the folder
//! for temporary files, which is removed when it is closed. Only the user may look into it. Copies that a process
//! left behind when it was killed are removed by whoever makes the next one.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ankurah_core::storage::StorageError;
use tempfile::TempDir;

use crate::{is_full, refused};

/// Files are copied in pieces of so many bytes; pieces of zeros are left out.
const PIECE: usize = 64 << 10;

/// What the names of copies begin with.
const PREFIX: &str = "ankurah-copy-";
/// In a copy, beside the files: locked by the process that reads it.
const LOCK: &str = "lock";
const NEW_LOCK: &str = "lock.new";
/// In a copy: the files.
const FILES: &str = "files";

/// A copy of a store's files, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Copy {
    folder: TempDir,
    _lock: File,
}

impl Copy {
    /// Where the files are.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join(FILES)
    }
}

/// Why there is no copy.
enum Trouble {
    /// This cannot be read.
    Read(PathBuf, io::Error),
    /// The copy cannot be written.
    Write(io::Error),
}

impl Trouble {
    fn reading(path: &Path) -> impl FnOnce(io::Error) -> Trouble {
        let path = path.to_owned();
        move |error| Trouble::Read(path, error)
    }
}

/// Copies the files below `data`. Those for which `is_fixed` holds, given their path from there, are never
/// changed once they are written: the copy only points at them, where the system can.
pub(crate) fn private(data: &Path, is_fixed: fn(&Path) -> bool) -> Result<Copy, StorageError> {
    let parent = std::env::temp_dir();
    remove_abandoned(&parent);
    let failed = |trouble: Trouble| match trouble {
        Trouble::Read(path, error) => refused(data, format!("{} cannot be read: {error}", path.display())),
        Trouble::Write(error) => {
            let place = parent.display();
            let message = format!(
                "{}: it cannot be written, and no copy of it can be made in {place}: {error} \
                 (another folder can be set with TMPDIR)",
                data.display()
            );
            if is_full(&error) { StorageError::Full { message } } else { refused(data, message) }
        }
    };
    let copy = empty(&parent).map_err(|error| failed(Trouble::Write(error)))?;
    let bytes = folder(data, &copy.files(), Path::new(""), is_fixed).map_err(failed)?;
    tracing::info!(
        store = %data.display(), copy = %copy.files().display(), bytes,
        "the store cannot be written: it is read from a copy"
    );
    Ok(copy)
}

/// A copy without files, into which nobody else may look.
fn empty(parent: &Path) -> io::Result<Copy> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = builder.tempdir_in(parent)?;
    // It has its name only once it is locked: until then nobody takes the copy for one that was left behind.
    let unlocked = folder.path().join(NEW_LOCK);
    let lock = File::create_new(&unlocked)?;
    lock.try_lock().map_err(io::Error::from)?;
    fs::rename(unlocked, folder.path().join(LOCK))?;
    fs::create_dir(folder.path().join(FILES))?;
    Ok(Copy { folder, _lock: lock })
}

/// Removes the copies of processes that are gone. What cannot be removed is someone else's.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_copy = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_copy || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Copies what is in a folder; `place` is its path from the top. Gives the bytes written.
fn folder(from: &Path, to: &Path, place: &Path, is_fixed: fn(&Path) -> bool) -> Result<u64, Trouble> {
    let mut bytes = 0u64;
    for entry in fs::read_dir(from).map_err(Trouble::reading(from))? {
        let name = entry.map_err(Trouble::reading(from))?.file_name();
        let (from, to, place) = (from.join(&name), to.join(&name), place.join(&name));
        if from.is_dir() {
            fs::create_dir(&to).map_err(Trouble::Write)?;
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
fn file(from: &Path, to: &Path) -> Result<u64, Trouble> {
    let mut source = File::open(from).map_err(Trouble::reading(from))?;
    let mut target = File::create_new(to).map_err(Trouble::Write)?;
    let mut piece = vec![0; PIECE];
    let (mut length, mut written) = (0u64, 0u64);
    loop {
        let count = source.read(&mut piece).map_err(Trouble::reading(from))?;
        let read = piece.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        if read.iter().any(|byte| *byte != 0) {
            target.seek(SeekFrom::Start(length)).map_err(Trouble::Write)?;
            target.write_all(read).map_err(Trouble::Write)?;
            written = written.saturating_add(bytes);
        }
        length = length.saturating_add(bytes);
    }
    target.set_len(length).map_err(Trouble::Write)?;
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
        let place = copy.files();
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

    #[test]
    fn a_copy_that_nobody_reads_any_more_is_removed_by_the_next_one() {
        let parent = tempfile::tempdir().unwrap();
        let kept = empty(parent.path()).unwrap();
        let abandoned = parent.path().join(format!("{PREFIX}gone"));
        fs::create_dir(&abandoned).unwrap();
        let other = parent.path().join("other");
        fs::create_dir(&other).unwrap();
        for folder in [&abandoned, &other] {
            fs::write(folder.join(LOCK), b"").unwrap();
        }
        remove_abandoned(parent.path());
        assert!(!abandoned.exists() && kept.files().exists() && other.exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_into_a_copy() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let copy = empty(parent.path()).unwrap();
        let mode = fs::metadata(copy.folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let store = tempfile::tempdir().unwrap();
        let gone = store.path().join("gone");
        let Err(Trouble::Read(path, _)) = file(&gone, &store.path().join("copy")) else { panic!() };
        assert_eq!(path, gone);
    }
}
