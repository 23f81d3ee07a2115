//! [`RunStart`], and how runs and sequences go on.

use super::{Link, VersionVector};
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::EntityId;
use crate::operation::Operation;

/// The first operation of a run: a chain of operations of one actor on one entity in which each has the one
/// before it as its only parent. Every operation of the run has the start's vector with the actor's own entry
/// raised, so ancestry is decided by looking up runs and never by walking operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStart {
    /// The entity.
    pub entity: EntityId,
    /// The first operation.
    pub first: Link,
    /// The version vector of the first operation's closure, itself included.
    pub vector: VersionVector,
}

impl RunStart {
    /// The vector of the closure of an operation of the run.
    pub fn vector_at(&self, sequence: u64) -> VersionVector {
        let mut vector = self.vector.clone();
        vector.raise(self.first.actor, sequence);
        vector
    }

    /// Writes entity, first link and vector.
    pub fn encode(&self, writer: &mut Writer) {
        writer.entity_id(self.entity);
        self.first.encode(writer);
        self.vector.encode(writer);
    }

    /// Reads a run start.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let entity = reader.entity_id("run's entity")?;
        let first = Link::decode(reader)?;
        let vector = VersionVector::decode(reader)?;
        if first.is_keyed() || vector.get(first.actor) != first.sequence {
            let problem = Problem::Rule("the vector does not end with the first operation");
            return Err(reader.error_at(at, "run", problem));
        }
        Ok(RunStart { entity, first, vector })
    }
}

/// Whether an operation with these parents continues the run of its only parent.
pub fn continues_run(link: &Link, parents: &[Link]) -> bool {
    matches!(parents, [parent] if !parent.is_keyed() && !link.is_keyed() && parent.actor == link.actor)
}

/// The run that an operation starts, or `None` where it continues its parent's; a keyed genesis belongs to no
/// run. `parents` are the vectors of the parents' closures; their order does not matter. An operation that
/// continues a run needs none.
pub fn run_for<'a>(
    operation: &Operation,
    parents: impl IntoIterator<Item = &'a VersionVector>,
) -> Option<RunStart> {
    run_start(operation.entity(), operation.link(), operation.parents(), parents)
}

/// [`run_for`] by link and parents.
pub fn run_start<'a>(
    entity: EntityId,
    link: Link,
    parents: &[Link],
    vectors: impl IntoIterator<Item = &'a VersionVector>,
) -> Option<RunStart> {
    if link.is_keyed() || continues_run(&link, parents) {
        return None;
    }
    let mut vector = VersionVector::new();
    for parent in vectors {
        vector.join(parent);
    }
    vector.raise(link.actor, link.sequence);
    Some(RunStart { entity, first: link, vector })
}

/// Whether a new operation follows all operations of its actor on the entity, as those of a strictly
/// sequential writer do.
///
/// `known` is the vector of everything that is known of the entity, `parents` the join of the parents'
/// vectors. Where this is false the actor has forked (equivocation, or a lease that was used twice): no
/// sequence number tells ancestry for it any more, and the actor is to be flagged on the entity, see
/// [`RunLookup::equivocal`](super::RunLookup::equivocal). Of two operations of an actor that are not
/// ancestors of each other the second one to come is found, in whichever order they come.
pub fn in_sequence(known: &VersionVector, parents: &VersionVector, link: &Link) -> bool {
    let last = known.get(link.actor);
    link.is_keyed() || (parents.get(link.actor) == last && link.sequence > last)
}
