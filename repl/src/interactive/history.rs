//! The statements of the history, as the line editor takes them up: with marks in memory, as they are in the file.

use std::borrow::Cow;
use std::path::Path;

use rustyline::Result;
use rustyline::history::{FileHistory, History, SearchDirection, SearchResult};

use super::marks::{edited, text};

/// A history whose callers have edited lines, and whose file has texts.
pub(super) struct Recalled(FileHistory);

impl Recalled {
    pub(super) fn new(history: FileHistory) -> Self {
        Recalled(history)
    }

    /// The statements, the oldest first.
    pub(super) fn texts(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
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
