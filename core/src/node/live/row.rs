//! A row of a maintained result.

use crate::id::EntityId;
use crate::value::Value;

/// What a row is known by as its values change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The entity that it shows.
    Entity(EntityId),
    /// The values by which it was grouped, or all of its values where each row is there once.
    Values(Box<[Value]>),
    /// Its place, where it shows nothing that is stored.
    Number(u64),
}

/// A row of a maintained result.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: Key,
    /// The values that it is ordered by, where the order is kept row by row.
    pub(super) order: Box<[Value]>,
    /// What is shown.
    pub(super) values: Box<[Value]>,
}
