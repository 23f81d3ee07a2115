//! [`Base`].

use super::{Head, Link, VersionVector};
use crate::codec::{DecodeError, Reader, Writer};

/// What a partial or compacted replica starts from: everything at or below the frontier is known, though not
/// held.
///
/// A replica that takes a base also takes a [`RunStart`](super::RunStart) for each link of the frontier, and
/// for each operation below it that an operation above it has as a parent, so that ancestry can be decided
/// among the frontier and what is above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The maximal operations of the base.
    pub frontier: Head,
    /// The version vector of its closure.
    pub vector: VersionVector,
}

impl Base {
    /// Whether the operation is at or below the frontier. The base of an empty frontier covers nothing.
    pub fn covers(&self, link: &Link) -> bool {
        !self.frontier.is_empty() && (self.frontier.contains(link) || self.vector.covers(link))
    }

    /// Writes the frontier and the vector.
    pub fn encode(&self, writer: &mut Writer) {
        self.frontier.encode(writer);
        self.vector.encode(writer);
    }

    /// Reads a base.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Base { frontier: Head::decode(reader)?, vector: VersionVector::decode(reader)? })
    }
}

/// Whether a node knows an operation of an entity: it holds it, or its base covers it.
pub fn known(link: &Link, held: bool, base: Option<&Base>) -> bool {
    held || base.is_some_and(|base| base.covers(link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ActorId, Digest, OpId, Stamp};

    #[test]
    fn a_base_covers_what_its_vector_covers() {
        let link = |sequence| Link {
            id: OpId::new(Stamp::from_millis(sequence), 0),
            digest: Digest([1; 32]),
            actor: ActorId::new(3),
            sequence,
        };
        let base =
            Base { frontier: Head::of([link(5)]), vector: [(ActorId::new(3), 5)].into_iter().collect() };
        let keyed = Link::keyed(OpId::from_bits(1), Digest([2; 32]));
        assert!(base.covers(&link(5)) && base.covers(&link(4)) && base.covers(&keyed));
        assert!(known(&link(4), false, Some(&base)));
        assert!(!known(&link(6), false, Some(&base)) && known(&link(6), true, Some(&base)));
        assert!(!Base::default().covers(&keyed) && !known(&keyed, false, None));

        let mut writer = Writer::new();
        base.encode(&mut writer);
        assert_eq!(Base::decode(&mut Reader::new(writer.as_bytes())), Ok(base));
    }
}
