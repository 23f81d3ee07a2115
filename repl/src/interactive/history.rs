//! The statements of the history, as the line editor takes them up: with marks in memory, as they are in the file.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use rustyline::Result;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History, SearchDirection, SearchResult};

use super::marks::{edited, text};

/// A history whose callers have edited lines, and whose file has texts.
pub(super) struct Recalled(FileHistory);

impl Recalled {
    pub(super) fn new(history: FileHistory) -> Self {
        Recalled(history)
    }

    /// Takes up what a file has; the first time there is none. Lines that are no UTF-8, as after a damage, would end
    /// the history there and keep it from being written: the others go on without them.
    ///
    /// # Errors
    /// What is to be said of it.
    pub(super) fn open(&mut self, path: &Path) -> std::result::Result<(), String> {
        let shown = path.display();
        let unreadable = |error: ReadlineError| format!("the history {shown} cannot be read: {error}");
        match self.0.load(path) {
            Ok(()) => Ok(()),
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                let aside = set_aside(path).map_err(|error| unreadable(error.into()))?;
                self.0.clear().and_then(|()| self.0.load(path)).map_err(unreadable)?;
                Err(format!(
                    "the history {shown} has lines that are no UTF-8: they were left out, and the file as it was is {}",
                    aside.display()
                ))
            }
            Err(error) => Err(unreadable(error)),
        }
    }

    /// The statements, the oldest first.
    pub(super) fn texts(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}

/// Puts a damaged file aside and the lines of it that are text in its place. Gives where it is.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let bytes = std::fs::read(path)?;
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    let aside = PathBuf::from(aside);
    std::fs::rename(path, &aside)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut good = options.open(path)?;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| std::str::from_utf8(line).is_ok());
    good.write_all(&lines.flatten().copied().collect::<Vec<u8>>())?;
    Ok(aside)
}

fn with_marks(found: SearchResult<'_>) -> SearchResult<'_> {
    let entry = match edited(&found.entry) {
        Cow::Borrowed(_) => return found,
        Cow::Owned(entry) => entry,
    };
    let pos = edited(found.entry.get(..found.pos).unwrap_or("")).len();
    SearchResult { entry: Cow::Owned(entry), idx: found.idx, pos }
}

impl History for Recalled {
    fn get(&self, index: usize, dir: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        Ok(self.0.get(index, dir)?.map(with_marks))
    }

    fn add(&mut self, line: &str) -> Result<bool> {
        self.0.add(&text(line))
    }

    fn add_owned(&mut self, line: String) -> Result<bool> {
        self.0.add_owned(text(&line).into_owned())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn set_max_len(&mut self, len: usize) -> Result<()> {
        self.0.set_max_len(len)
    }

    fn ignore_dups(&mut self, yes: bool) -> Result<()> {
        self.0.ignore_dups(yes)
    }

    fn ignore_space(&mut self, yes: bool) {
        self.0.ignore_space(yes);
    }

    fn save(&mut self, path: &Path) -> Result<()> {
        self.0.save(path)
    }

    fn append(&mut self, path: &Path) -> Result<()> {
        self.0.append(path)
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        self.0.load(path)
    }

    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }

    fn search(&self, term: &str, start: usize, dir: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        Ok(self.0.search(&text(term), start, dir)?.map(with_marks))
    }

    fn starts_with(
        &self,
        term: &str,
        start: usize,
        dir: SearchDirection,
    ) -> Result<Option<SearchResult<'_>>> {
        Ok(self.0.starts_with(&text(term), start, dir)?.map(with_marks))
    }
}
