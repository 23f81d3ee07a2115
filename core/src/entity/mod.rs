//! The state of an entity and how an operation changes it.

use std::collections::BTreeMap;

use crate::dag::{Base, Head};
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::storage::Position;
use crate::value::Value;

/// The value of an `lww` property and the operation that won.
#[derive(Clone, Debug, PartialEq)]
pub struct Register {
    /// The value; null where it was set to null.
    pub value: Value,
    /// The operation that set it: the greatest id of all that did.
    pub winner: OpId,
}

/// The version of a text property: how many of its operations are folded into the stored snapshot, and how
/// many follow as a tail. The text itself is stored beside the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TextVersion {
    /// Operations in the snapshot.
    pub folded: u64,
    /// Operations after it.
    pub tail: u64,
}

/// The state of an entity: the join of all accepted operations.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The entity.
    pub entity: EntityId,
    /// Its model.
    pub model: ModelId,
    /// The log position of the last change.
    pub position: Position,
    /// The maximal accepted operations.
    pub head: Head,
    /// What the replica started from, where it does not hold the whole history.
    pub base: Option<Base>,
    /// The `lww` properties that were ever set, key properties included.
    pub registers: BTreeMap<PropertyId, Register>,
    /// The text properties that were ever written.
    pub texts: BTreeMap<PropertyId, TextVersion>,
}
