//! The operations of a collection, as far as the change log tells them.

use ankurah_core::id::{ModelId, OpId};
use ankurah_core::storage::LogEntry;

use super::timeline::Moments;

/// Operations that are kept; of longer histories the newest.
pub const LONGEST: usize = 2_000_000;

/// The operations of a collection in the order of their ids, each with its position in the log.
#[derive(Clone, Debug)]
pub struct Track {
    /// The collection's model.
    pub model: ModelId,
    ids: Vec<OpId>,
    positions: Vec<u64>,
    /// Whether the log was read to its end; what comes after it is taken in as it comes.
    pub whole: bool,
    /// How many of the oldest operations are left out.
    pub left_out: usize,
    /// Why the log could not be read.
    pub failure: Option<String>,
    /// The greatest position that was taken in.
    upto: u64,
    /// Whether what was added is still to be brought into its order.
    loose: bool,
}

impl Track {
    /// A collection of which nothing was read yet.
    pub fn new(model: ModelId) -> Self {
        Track {
            model,
            ids: Vec::new(),
            positions: Vec::new(),
            whole: false,
            left_out: 0,
            failure: None,
            upto: 0,
            loose: false,
        }
    }

    /// Takes in what a commit changed of the collection, before [`Track::settle`] is called. An
    /// operation that was taken in already counts once.
    pub fn take(&mut self, entry: &LogEntry) {
        let position = entry.position.0;
        self.upto = self.upto.max(position);
        let of_it = entry.changes.iter().filter(|change| change.model == self.model);
        for id in of_it.flat_map(|change| &change.operations) {
            self.loose |= self.ids.last().is_some_and(|last| last >= id);
            self.ids.push(*id);
            self.positions.push(position);
        }
    }

    /// Takes in a commit of the log that is followed, which may have been read already.
    pub fn follow(&mut self, entry: &LogEntry) {
        if entry.position.0 > self.upto && entry.changes.iter().any(|change| change.model == self.model) {
            self.take(entry);
        }
    }

    /// Brings everything into the order of ids, each operation once, and leaves out what is too much.
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.loose) {
            let mut pairs: Vec<(OpId, u64)> = self.ids.drain(..).zip(self.positions.drain(..)).collect();
            pairs.sort_unstable();
            // An operation that was withdrawn and came again counts from when it came first.
            pairs.dedup_by_key(|(id, _)| *id);
            (self.ids, self.positions) = pairs.into_iter().unzip();
        }
        let surplus = self.ids.len().saturating_sub(LONGEST);
        if surplus > 0 {
            self.ids.drain(..surplus);
            self.positions.drain(..surplus);
            self.left_out = self.left_out.saturating_add(surplus);
        }
    }

    /// The bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<OpId>() + self.positions.capacity() * size_of::<u64>()
    }
}

impl Moments for Track {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn id(&self, at: usize) -> OpId {
        self.ids.get(at).copied().unwrap_or(OpId::MIN)
    }

    fn position(&self, at: usize) -> u64 {
        self.positions.get(at).copied().unwrap_or(0)
    }

    /// What was committed together here.
    fn transaction(&self, at: usize) -> u128 {
        u128::from(self.position(at))
    }
}

#[cfg(test)]
mod tests {
    use ankurah_core::id::{EntityId, Stamp};
    use ankurah_core::storage::{LogChange, Position};

    use super::*;

    fn id(number: u64) -> OpId {
        OpId::new(Stamp::from_millis(number), number)
    }

    fn entry(position: u64, model: u64, operations: &[u64]) -> LogEntry {
        let change = LogChange {
            model: ModelId(id(model)),
            entity: EntityId(id(1)),
            operations: operations.iter().map(|number| id(*number)).collect(),
        };
        let (position, relayed) = (Position(position), Vec::new());
        LogEntry { position, transaction: None, changes: vec![change], relayed }
    }

    #[test]
    fn operations_that_came_late_stand_where_their_ids_say() {
        let mut track = Track::new(ModelId(id(9)));
        for entry in [
            entry(1, 9, &[10, 11]),
            entry(2, 8, &[12]),
            entry(3, 9, &[20]),
            entry(4, 9, &[15]),
            entry(5, 9, &[20]),
        ] {
            track.take(&entry);
        }
        track.settle();
        let found: Vec<(OpId, u64)> =
            (0..track.len()).map(|at| (Moments::id(&track, at), track.position(at))).collect();
        assert_eq!(found, [(id(10), 1), (id(11), 1), (id(15), 4), (id(20), 3)]);
    }
}
