//! [`Link`].

use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::{ActorId, Digest, OpId};

/// A link to an operation: its name, its identity, and its place in its actor's sequence.
///
/// Actor and sequence let a node that holds only a base decide whether the base covers the operation.
/// Both are zero for a keyed genesis, which no actor wrote. Ordered by id, then digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The operation's name.
    pub id: OpId,
    /// The operation's identity.
    pub digest: Digest,
    /// Its actor.
    pub actor: ActorId,
    /// Its number among the actor's operations.
    pub sequence: u64,
}

impl Link {
    /// The least number of bytes that an encoded link takes.
    pub const LEAST_BYTES: usize = 50;

    /// A link to a keyed genesis, which no actor wrote.
    pub const fn keyed(id: OpId, digest: Digest) -> Self {
        Link { id, digest, actor: ActorId::new(0), sequence: 0 }
    }

    /// Whether it links to a keyed genesis, which is an ancestor of every other operation of its entity.
    pub const fn is_keyed(&self) -> bool {
        self.sequence == 0
    }

    /// Writes id, digest, actor and sequence.
    pub fn encode(&self, writer: &mut Writer) {
        writer.op_id(self.id);
        writer.digest(&self.digest);
        writer.actor(self.actor);
        writer.varint(self.sequence);
    }

    /// Reads a link. Actor and sequence are both zero, with an id of millisecond zero, or all are positive.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let link = Link {
            id: reader.op_id("link's id")?,
            digest: reader.digest("link's digest")?,
            actor: reader.actor("link's actor")?,
            sequence: reader.varint("link's sequence")?,
        };
        match link.problem() {
            None => Ok(link),
            Some(problem) => Err(reader.error_at(at, "link", Problem::Rule(problem))),
        }
    }

    /// What is wrong with the link in itself, if anything.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let keyed = self.sequence == 0;
        if keyed != (self.actor.get() == 0) {
            Some("actor and sequence are both zero or both positive")
        } else if keyed != (self.id.stamp().millis() == 0) {
            Some("a keyed genesis, and nothing else, has an id of millisecond zero")
        } else {
            None
        }
    }
}
