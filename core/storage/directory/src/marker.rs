//! The file that says which engine a directory holds.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use ankurah_core::storage::StorageError;

use crate::{open_error, owner, refused};

const FILE: &str = "ankurah-store";
const NEW_FILE: &str = "ankurah-store.new";
const TITLE: &str = "ankurah store";
/// The version of the directory's layout: of its entries and of this file. What the records are has its own.
const LAYOUT: u32 = 1;
/// A marker is a few lines; more than this is not one.
const MAX_BYTES: u64 = 4096;

/// What a directory says about the store in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The engine.
    pub engine: String,
    /// Whether the store has been made: until then nothing in it was acknowledged, and a crash may have left anything.
    pub made: bool,
    /// The version of the engine's writes at which the store was last closed, 0 before.
    pub closed: u64,
}

/// Which store a directory holds; `None` where there is no such directory, or it is empty.
///
/// # Errors
/// As `Directory::open`.
pub fn look(path: &Path) -> Result<Option<Marker>, StorageError> {
    let file = path.join(FILE);
    match fs::metadata(&file) {
        Ok(found) if found.len() > MAX_BYTES => Err(damaged(&file, "it is too long")),
        Ok(_) => {
            let bytes = fs::read(&file).map_err(|error| open_error(&file, &error))?;
            let text = String::from_utf8(bytes).map_err(|_| damaged(&file, "it is not text"))?;
            read(&file, &text).map(Some)
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            check_empty(path).map(|()| None)
        }
        Err(error) => Err(open_error(&file, &error)),
    }
}

/// An error if something that is not ours is in the directory, or if it is none.
fn check_empty(path: &Path) -> Result<(), StorageError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(open_error(path, &error)),
    };
    for entry in entries {
        let name = entry.map_err(|error| open_error(path, &error))?.file_name();
        if name != NEW_FILE && name != owner::FILE {
            let message = format!("it is no store, but holds {}", name.display());
            return Err(refused(path, message));
        }
    }
    Ok(())
}

fn damaged(file: &Path, message: &str) -> StorageError {
    StorageError::Damaged { what: file.display().to_string(), message: message.to_owned() }
}

fn read(file: &Path, text: &str) -> Result<Marker, StorageError> {
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return Err(damaged(file, "it does not begin as it should"));
    }
    let (mut layout, mut engine, mut made, mut closed) = (None, None, None, None);
    for line in lines {
        match line.split_once(' ') {
            // Builds from before the first release wrote `format`.
            Some(("layout" | "format", number)) => layout = number.parse::<u32>().ok(),
            Some(("engine", name)) => engine = Some(name.to_owned()),
            Some(("made", "yes")) => made = Some(true),
            Some(("made", "no")) => made = Some(false),
            Some(("closed", number)) => closed = number.parse::<u64>().ok(),
            // A newer version says with its layout whether older ones may go on.
            _ => {}
        }
    }
    match layout {
        Some(found) if found > LAYOUT => {
            return Err(StorageError::Newer { what: "folder layout", found, known: LAYOUT });
        }
        Some(LAYOUT) => {}
        _ => return Err(damaged(file, "it names no layout")),
    }
    match (engine, made, closed) {
        // A store is made before it is closed.
        (Some(engine), Some(made), Some(closed)) if !engine.is_empty() && (made || closed == 0) => {
            Ok(Marker { engine, made, closed })
        }
        _ => Err(damaged(file, "it does not say what it should")),
    }
}

impl Marker {
    /// Writes the marker, whole or not at all, to the disk.
    pub(crate) fn write(&self, path: &Path) -> Result<(), StorageError> {
        let made = if self.made { "yes" } else { "no" };
        let text = format!(
            "{TITLE}\nlayout {LAYOUT}\nengine {}\nmade {made}\nclosed {}\n",
            self.engine, self.closed
        );
        let new = path.join(NEW_FILE);
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, path.join(FILE))?;
            // The new name has to be on the disk too.
            if cfg!(unix) { File::open(path)?.sync_all() } else { file.sync_all() }
        };
        write().map_err(|error| open_error(path, &error))
    }
}
