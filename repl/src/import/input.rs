//! The file of an import, which is read more than once.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::path::Path;

/// A file that can be read from its start again and again, whatever it is: what comes only once (standard input,
/// a pipe) is kept in a temporary file that has no name.
pub struct Input {
    /// What it is called in messages.
    pub name: String,
    file: File,
}

impl Input {
    /// Opens the file of a path; `-` is standard input.
    ///
    /// # Errors
    /// Where it cannot be read, or not be kept.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Input { name: "standard input".to_owned(), file: kept(&mut io::stdin().lock())? });
        }
        let name = path.display().to_string();
        let mut file = File::open(path)?;
        let kind = file.metadata()?;
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Input { name, file: if kind.is_file() { file } else { kept(&mut file)? } })
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |kind| kind.len())
    }

    /// Its bytes from the start. Only one of these is read at a time.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn rewound(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }
}

/// A temporary file with everything that can be read.
fn kept(from: &mut impl Read) -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("ankurah-import-{}", std::process::id()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    // It lives until it is closed, and is gone however the program ends.
    std::fs::remove_file(&path)?;
    io::copy(from, &mut file)?;
    Ok(file)
}
