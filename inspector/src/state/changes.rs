//! The change log as it grows.

use std::collections::VecDeque;

use ankurah_core::storage::{LogEntry, Position};

use super::list::List;

/// Commits that are kept.
pub const KEPT: usize = 10_000;

/// What was committed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The commits that are shown, the oldest first.
    entries: VecDeque<LogEntry>,
    /// While it is paused: commits that came since.
    held: VecDeque<LogEntry>,
    /// Whether it is paused.
    pub paused: bool,
    /// How many commits were held and had to be dropped.
    pub dropped: u64,
    /// How many commits came in all.
    pub seen: u64,
    /// What is shown: entities, models and operations that contain it.
    pub filter: String,
    /// Where one is, from the newest.
    pub list: List,
    /// Why there will be no more.
    pub failure: Option<String>,
    last: Position,
}

impl Changes {
    /// The position up to which it was read.
    pub fn last(&self) -> Position {
        self.last
    }

    /// Takes a commit in.
    pub fn take(&mut self, entry: LogEntry) {
        if entry.position <= self.last {
            return;
        }
        self.last = entry.position;
        self.seen = self.seen.saturating_add(1);
        let buffer = if self.paused { &mut self.held } else { &mut self.entries };
        if buffer.len() >= KEPT {
            buffer.pop_front();
            if self.paused {
                self.dropped = self.dropped.saturating_add(1);
            }
        }
        buffer.push_back(entry);
    }

    /// Holds, or goes on with what was held.
    pub fn pause(&mut self) {
        self.paused = !self.paused;
        if !self.paused {
            self.dropped = 0;
            self.entries.append(&mut self.held);
            let surplus = self.entries.len().saturating_sub(KEPT);
            self.entries.drain(..surplus);
        }
    }

    /// How many commits are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// How many commits are shown.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A commit, from the newest.
    pub fn entry(&self, number: usize) -> Option<&LogEntry> {
        self.entries.len().checked_sub(number + 1).and_then(|at| self.entries.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(position: u64) -> LogEntry {
        LogEntry { position: Position(position), transaction: None, changes: Vec::new(), relayed: Vec::new() }
    }

    #[test]
    fn a_paused_stream_counts_what_it_holds_and_drops() {
        let mut changes = Changes::default();
        (1..=3).for_each(|position| changes.take(entry(position)));
        changes.pause();
        let more = u64::try_from(KEPT).unwrap() + 5;
        (4..4 + more).for_each(|position| changes.take(entry(position)));
        assert_eq!((changes.len(), changes.held(), changes.dropped), (3, KEPT, 5));
        changes.pause();
        assert_eq!((changes.len(), changes.held(), changes.dropped), (KEPT, 0, 0));
        assert_eq!(changes.entry(0).unwrap().position, Position(3 + more));
        // What was seen before is not shown again.
        changes.take(entry(5));
        assert_eq!(changes.entry(0).unwrap().position, Position(3 + more));
        assert_eq!(changes.entry(KEPT), None);
    }
}
