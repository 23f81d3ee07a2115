//! The lock of a directory, which says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use ankurah_core::storage::StorageError;

use crate::{is_full, open_error};

pub(crate) const FILE: &str = "owner";

/// A lock that this process has dropped lives on for a moment where another thread is just starting a program:
/// the child has every open file until it runs the program. So long, and in such steps, a lock of our own is
/// waited for.
const RELEASE: Duration = Duration::from_millis(500);
const RELEASE_STEP: Duration = Duration::from_millis(5);

/// The lock; given up when it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Owner {
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Someone else holds it, who is named so.
    Held(String),
    /// The system refused.
    System(io::Error),
}

impl Trouble {
    /// Whether the system lets nothing be written there, though it may let it be read.
    pub(crate) fn is_refused(&self) -> bool {
        use ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        matches!(self, Trouble::System(error) if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem))
    }

    /// Whether there is no room to write.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Trouble::System(error) if is_full(error))
    }

    pub(crate) fn into_storage(self, directory: &Path) -> StorageError {
        let path = directory.display().to_string();
        match self {
            Trouble::Held(holder) => StorageError::Locked { path, holder },
            ref refused @ Trouble::System(ref error) if refused.is_refused() => {
                StorageError::Open { path, message: format!("{error}; it may still be opened read-only") }
            }
            Trouble::System(error) => open_error(&directory.join(FILE), &error),
        }
    }
}

impl Owner {
    /// Locks a directory, and writes into it who holds it.
    pub(crate) fn take(directory: &Path) -> Result<Self, Trouble> {
        let path = directory.join(FILE);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(Trouble::System)?;
        lock(&mut file, File::try_lock, sleep)?;
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(format!("{}\n{}\n", std::process::id(), program()).as_bytes())
        };
        write().map_err(Trouble::System)?;
        Ok(Owner { _file: file })
    }

    /// Locks a directory that cannot be written, together with others who do so. `None` where nobody has ever
    /// had it open.
    pub(crate) fn share(directory: &Path) -> Result<Option<Self>, Trouble> {
        let mut file = match File::open(directory.join(FILE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(Trouble::System)?,
        };
        lock(&mut file, File::try_lock_shared, sleep)?;
        Ok(Some(Owner { _file: file }))
    }
}

/// Locks a file with `attempt`; `wait` lets some time go by.
fn lock(
    file: &mut File,
    attempt: fn(&File) -> Result<(), TryLockError>,
    mut wait: impl FnMut(Duration),
) -> Result<(), Trouble> {
    let mut waited = Duration::ZERO;
    loop {
        match attempt(file) {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if waited < RELEASE && is_own(file) => {
                wait(RELEASE_STEP);
                waited += RELEASE_STEP;
            }
            Err(TryLockError::WouldBlock) => return Err(Trouble::Held(holder(file))),
            Err(TryLockError::Error(error)) => return Err(Trouble::System(error)),
        }
    }
}

/// The name of this program, on one line.
fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Whether the file says that the holder is this process.
fn is_own(file: &mut File) -> bool {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(256).read_to_string(&mut text));
    read.is_ok() && text.lines().next() == Some(&std::process::id().to_string())
}

/// Who holds the lock, as the file says. It is the holder's own word, since only a holder writes.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(256).read_to_string(&mut text));
    let mut lines = text.lines();
    let process = lines.next().and_then(|line| line.parse::<u32>().ok());
    match (read, process, lines.next().unwrap_or_default()) {
        (Ok(_), Some(process), "") => format!("process {process}"),
        (Ok(_), Some(process), program) => {
            let program: String = program.chars().filter(|c| !c.is_control()).collect();
            format!("process {process} ({program})")
        }
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A locked file that says who holds it, as its holder and as another see it.
    fn held(folder: &Path, holder: u32) -> (File, File) {
        let path = folder.join(FILE);
        std::fs::write(&path, format!("{holder}\nsome program\n")).unwrap();
        let holder = File::open(&path).unwrap();
        holder.lock().unwrap();
        (holder, File::open(&path).unwrap())
    }

    #[test]
    fn a_lock_that_this_process_is_just_letting_go_of_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (holder, mut other) = held(folder.path(), std::process::id());
        let mut holder = Some(holder);
        let mut waits = 0;
        let taken = lock(&mut other, File::try_lock, |_| {
            waits += 1;
            if waits == 3 {
                holder = None;
            }
        });
        assert!(taken.is_ok() && waits == 3, "{taken:?} after {waits}");
    }

    #[test]
    fn waiting_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let (_holder, mut other) = held(folder.path(), std::process::id());
        let mut waited = Duration::ZERO;
        let taken = lock(&mut other, File::try_lock, |step| waited += step);
        assert!(matches!(taken, Err(Trouble::Held(_))) && waited == RELEASE, "{waited:?}");
    }

    #[test]
    fn another_process_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (_holder, mut other) = held(folder.path(), std::process::id() + 1);
        let taken = lock(&mut other, File::try_lock, |_| panic!("it waits"));
        let Err(Trouble::Held(name)) = taken else { panic!("{taken:?}") };
        assert_eq!(name, format!("process {} (some program)", std::process::id() + 1));
    }
}
