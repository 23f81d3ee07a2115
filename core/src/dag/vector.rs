//! [`VersionVector`].

use std::collections::BTreeMap;

use super::Link;
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::ActorId;

/// For each actor, the greatest sequence number of its operations in a closed set of an entity's operations.
///
/// After Parker et al., "Detection of Mutual Inconsistency in Distributed Systems" (1983). An actor without
/// an operation in the set has no entry and reads as 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionVector(BTreeMap<ActorId, u64>);

/// How two closed sets of operations relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They are the same.
    Equal,
    /// The first is a proper part of the second.
    Before,
    /// The second is a proper part of the first.
    After,
    /// Each has what the other has not.
    Concurrent,
}

impl Relation {
    /// The relation of two sets of which is known whether each is within the other.
    pub const fn of(first_within_second: bool, second_within_first: bool) -> Self {
        match (first_within_second, second_within_first) {
            (true, true) => Relation::Equal,
            (true, false) => Relation::Before,
            (false, true) => Relation::After,
            (false, false) => Relation::Concurrent,
        }
    }
}

impl VersionVector {
    /// The greatest number of entries that decoding accepts.
    pub const LIMIT: usize = 1 << 20;

    /// The vector of no operations.
    pub const fn new() -> Self {
        VersionVector(BTreeMap::new())
    }

    /// Number of actors with an entry.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the vector of no operations.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The actor's greatest sequence number; 0 where it has none.
    pub fn get(&self, actor: ActorId) -> u64 {
        self.0.get(&actor).copied().unwrap_or(0)
    }

    /// The entries, ascending by actor.
    pub fn iter(&self) -> impl Iterator<Item = (ActorId, u64)> + '_ {
        self.0.iter().map(|(actor, sequence)| (*actor, *sequence))
    }

    /// Raises the actor's entry to at least `sequence`.
    pub fn raise(&mut self, actor: ActorId, sequence: u64) {
        if sequence > 0 {
            let entry = self.0.entry(actor).or_insert(0);
            *entry = (*entry).max(sequence);
        }
    }

    /// Raises every entry to at least the other's: the vector of the union.
    pub fn join(&mut self, other: &VersionVector) {
        for (actor, sequence) in other.iter() {
            self.raise(actor, sequence);
        }
    }

    /// The smaller of each two entries: the vector of the intersection.
    pub fn meet(&self, other: &VersionVector) -> VersionVector {
        let entries = self.iter().map(|(actor, sequence)| (actor, sequence.min(other.get(actor))));
        VersionVector(entries.filter(|(_, sequence)| *sequence > 0).collect())
    }

    /// Whether the set has the operation. A keyed genesis is in every set of its entity but the empty one, which
    /// a vector cannot tell apart from the set of the genesis alone.
    pub fn covers(&self, link: &Link) -> bool {
        self.get(link.actor) >= link.sequence
    }

    /// Whether the set has all that the other has.
    pub fn includes(&self, other: &VersionVector) -> bool {
        other.iter().all(|(actor, sequence)| self.get(actor) >= sequence)
    }

    /// How the two sets relate.
    pub fn compare(&self, other: &VersionVector) -> Relation {
        Relation::of(other.includes(self), self.includes(other))
    }

    /// Writes the count and the entries, ascending by actor.
    pub fn encode(&self, writer: &mut Writer) {
        writer.count(self.0.len());
        for (actor, sequence) in self.iter() {
            writer.actor(actor);
            writer.varint(sequence);
        }
    }

    /// Reads a vector of at most [`VersionVector::LIMIT`] entries.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count("vector's length", Self::LIMIT, 2)?;
        let mut entries = BTreeMap::new();
        let mut last = None;
        for _ in 0..count {
            let at = reader.offset();
            let actor = reader.actor("vector's actor")?;
            let sequence = reader.varint("vector's sequence")?;
            if sequence == 0 {
                return Err(reader.error_at(at, "vector", Problem::Rule("an entry is zero")));
            }
            if last >= Some(actor) {
                return Err(reader.error_at(at, "vector", Problem::Rule("actors are not ascending")));
            }
            last = Some(actor);
            entries.insert(actor, sequence);
        }
        Ok(VersionVector(entries))
    }
}

impl FromIterator<(ActorId, u64)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (ActorId, u64)>>(entries: I) -> Self {
        let mut vector = VersionVector::new();
        for (actor, sequence) in entries {
            vector.raise(actor, sequence);
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector() -> impl Strategy<Value = VersionVector> {
        proptest::collection::vec((0u64..6, 0u64..4), 0..6)
            .prop_map(|entries| entries.into_iter().map(|(a, s)| (ActorId::new(a), s)).collect())
    }

    fn joined(a: &VersionVector, b: &VersionVector) -> VersionVector {
        let mut join = a.clone();
        join.join(b);
        join
    }

    proptest! {
        #[test]
        fn vectors_are_a_lattice(a in vector(), b in vector(), c in vector()) {
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(&joined(&a, &a), &a);
            prop_assert_eq!(&joined(&a, &a.meet(&b)), &a);
            prop_assert_eq!(&a.meet(&joined(&a, &b)), &a);
            prop_assert_eq!(a.includes(&b), joined(&a, &b) == a);
            let expected = match (a.includes(&b), b.includes(&a)) {
                (true, true) => Relation::Equal,
                (true, false) => Relation::After,
                (false, true) => Relation::Before,
                (false, false) => Relation::Concurrent,
            };
            prop_assert_eq!(a.compare(&b), expected);
            prop_assert_eq!(a.compare(&b) == Relation::Equal, a == b);
        }

        #[test]
        fn encoding_is_exact(a in vector()) {
            let mut writer = Writer::new();
            a.encode(&mut writer);
            let mut reader = Reader::new(writer.as_bytes());
            prop_assert_eq!(VersionVector::decode(&mut reader), Ok(a));
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in proptest::collection::vec(0u8..8, 0..20)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(vector) = VersionVector::decode(&mut reader) {
                let mut writer = Writer::new();
                vector.encode(&mut writer);
                prop_assert_eq!(writer.as_bytes(), &bytes[..reader.offset()]);
            }
        }
    }
}
