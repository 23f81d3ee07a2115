//! The operation DAG of an entity: links, heads, version vectors, runs and ancestry.
//!
//! Ids are a linear extension of every DAG: an operation's id exceeds its parents'. Ancestry is decided by
//! version vectors found through the run table.

mod base;
mod head;
mod link;
mod vector;

pub use base::{Base, known};
pub use head::Head;
pub(crate) use head::decode_links;
pub use link::Link;
pub use vector::{Relation, VersionVector};

use crate::id::EntityId;

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
