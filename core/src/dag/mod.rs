//! The operation DAG of an entity: links, heads, version vectors, runs and ancestry.

use std::collections::BTreeMap;

use crate::id::{ActorId, Digest, EntityId, OpId};

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

/// A maximal antichain of the accepted operations of an entity, ascending by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Head(Vec<Link>);

impl Head {
    /// The links, ascending by id.
    pub fn links(&self) -> &[Link] {
        &self.0
    }

    /// Whether no operation is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// For each actor, the greatest sequence number of its operations in a closed set of an entity's operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionVector(BTreeMap<ActorId, u64>);

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

/// What a partial or compacted replica starts from: everything at or below the frontier is known, though not
/// held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The maximal operations of the base.
    pub frontier: Head,
    /// The version vector of its closure.
    pub vector: VersionVector,
}
