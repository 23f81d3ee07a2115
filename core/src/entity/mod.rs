//! The state of an entity and how an operation changes it.
//!
//! A state is the join of the accepted operations: the order in which they came leaves no trace in it, as long
//! as parents come before their children.

mod base;
mod codec;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::catalog::reserved;
use crate::dag::{Base, Head, Link};
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::operation::{Change, Kind, Operation, Redaction};
use crate::property::Lww;
use crate::storage::Position;
use crate::value::Value;

pub use base::{BaseState, BaseText};
pub use codec::STATE_VERSION;
pub use scan::{Columns, StateReader};

/// The value of an `lww` property and the operation that won.
pub type Register = Lww;

/// The `lww` properties of an entity.
pub(crate) trait Registers {
    /// Takes in what an operation set a property to.
    fn set(&mut self, property: PropertyId, value: Value, winner: OpId);

    /// Takes in a redaction that an operation made of a property.
    fn redact(&mut self, property: PropertyId, redaction: &Redaction, operation: OpId);
}

impl Registers for BTreeMap<PropertyId, Register> {
    fn set(&mut self, property: PropertyId, value: Value, winner: OpId) {
        let incoming = Lww { value, winner };
        match self.get_mut(&property) {
            Some(register) => register.join(incoming),
            None => {
                self.insert(property, incoming);
            }
        }
    }

    fn redact(&mut self, property: PropertyId, redaction: &Redaction, operation: OpId) {
        if let Some(register) = self.get_mut(&property) {
            if redaction.names(register.winner) {
                register.value = Value::Null;
            }
        }
        if let Some(value) = &redaction.value {
            self.set(property, value.clone(), operation);
        }
    }
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

impl TextVersion {
    /// The version after one more operation.
    pub fn appended(self) -> Self {
        TextVersion { tail: self.tail.saturating_add(1), ..self }
    }

    /// The version after a fold of the whole tail.
    pub fn folded(self) -> Self {
        TextVersion { folded: self.folded.saturating_add(self.tail), tail: 0 }
    }

    /// The version after a redaction: the text is stored anew as a whole.
    pub fn redacted(self) -> Self {
        let folded = self.folded();
        TextVersion { folded: folded.folded.saturating_add(1), ..folded }
    }

    /// Operations in all. It changes exactly when the text may have changed; folding leaves it alone.
    pub fn operations(self) -> u64 {
        self.folded.saturating_add(self.tail)
    }
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

/// Why an operation cannot be applied to a state. The state is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The operation is of another entity.
    #[error("operation {operation} belongs to entity {found}, not to {expected}")]
    Entity {
        /// The operation.
        operation: OpId,
        /// The state's entity.
        expected: EntityId,
        /// The operation's.
        found: EntityId,
    },
    /// The operation says another model than the entity has.
    #[error("operation {operation} says model {found}, its entity has {expected}")]
    Model {
        /// The operation.
        operation: OpId,
        /// The entity's model.
        expected: ModelId,
        /// The operation's.
        found: ModelId,
    },
    /// An edit of an entity of which nothing is known.
    #[error("operation {operation} changes entity {entity}, whose genesis is not known")]
    NoGenesis {
        /// The operation.
        operation: OpId,
        /// Its entity.
        entity: EntityId,
    },
    /// A genesis for an entity that exists.
    #[error("operation {operation} creates an entity that exists")]
    Exists {
        /// The operation.
        operation: OpId,
    },
    /// The operation is in the head already.
    #[error("operation {operation} was applied before")]
    Again {
        /// The operation.
        operation: OpId,
    },
    /// A parent cannot be known: its id exceeds all of the head.
    #[error("operation {operation} follows {parent}, which is not known")]
    Parent {
        /// The operation.
        operation: OpId,
        /// The parent.
        parent: OpId,
    },
    /// An edit that changes what the entity is named by.
    #[error("operation {operation} changes property {property}, which is part of its entity's key")]
    Key {
        /// The operation.
        operation: OpId,
        /// The property.
        property: PropertyId,
    },
    /// An edit that follows nothing.
    #[error("operation {operation} has no parents")]
    NoParents {
        /// The operation.
        operation: OpId,
    },
}

/// The state after one more operation; `None` is the state of an entity of which nothing is known.
///
/// The operation must not be among those of the state, and all its parents must: [`ApplyError`] tells what the
/// state alone can tell of that, the rest is for whoever holds the operations. An erased change sets its property to
/// null; one of a backend that this version does not know leaves it as it is.
///
/// # Errors
/// [`ApplyError`].
pub fn apply(state: Option<&State>, operation: &Operation) -> Result<State, ApplyError> {
    match state {
        Some(state) => {
            let mut state = state.clone();
            state.apply(operation)?;
            Ok(state)
        }
        None => State::begin(operation),
    }
}

impl State {
    /// The state of an entity of which only the genesis is known.
    ///
    /// # Errors
    /// [`ApplyError::NoGenesis`] where the operation is none.
    pub fn begin(genesis: &Operation) -> Result<State, ApplyError> {
        if !genesis.is_genesis() {
            return Err(ApplyError::NoGenesis { operation: genesis.id(), entity: genesis.entity() });
        }
        let mut state = State {
            entity: genesis.entity(),
            model: genesis.model(),
            position: Position::default(),
            head: Head::default(),
            base: None,
            registers: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        state.take(genesis);
        Ok(state)
    }

    /// Applies an operation in place. See [`apply`].
    ///
    /// # Errors
    /// [`ApplyError`]; the state is then unchanged.
    pub fn apply(&mut self, operation: &Operation) -> Result<(), ApplyError> {
        self.check(operation)?;
        self.take(operation);
        Ok(())
    }

    fn check(&self, operation: &Operation) -> Result<(), ApplyError> {
        let id = operation.id();
        if operation.entity() != self.entity {
            return Err(ApplyError::Entity {
                operation: id,
                expected: self.entity,
                found: operation.entity(),
            });
        }
        if operation.model() != self.model {
            return Err(ApplyError::Model { operation: id, expected: self.model, found: operation.model() });
        }
        if self.head.contains(&operation.link()) {
            return Err(ApplyError::Again { operation: id });
        }
        if operation.is_genesis() {
            return Err(ApplyError::Exists { operation: id });
        }
        if operation.parents().is_empty() {
            return Err(ApplyError::NoParents { operation: id });
        }
        if let Some(leaf) = operation.leaves().iter().find(|leaf| self.is_named_by(leaf.property)) {
            return Err(ApplyError::Key { operation: id, property: leaf.property });
        }
        match operation.parents().iter().find(|parent| !self.may_know(parent)) {
            Some(parent) => Err(ApplyError::Parent { operation: id, parent: parent.id }),
            None => Ok(()),
        }
    }

    /// Whether the entity is named by its value of a property: the genesis set it, and nothing may change it.
    fn is_named_by(&self, property: PropertyId) -> bool {
        let named_by_key = self.entity.0.stamp().millis() == 0;
        named_by_key && self.registers.get(&property).is_some_and(|register| register.winner == self.entity.0)
    }

    /// Whether the operation may be among those of the state, as far as head and base tell. Every ancestor of
    /// the head has a smaller id than some member of it.
    fn may_know(&self, link: &Link) -> bool {
        self.head.contains(link)
            || self.head.greatest().is_some_and(|greatest| link.id < greatest)
            || self.base.as_ref().is_some_and(|base| base.covers(link))
    }

    fn take(&mut self, operation: &Operation) {
        let winner = operation.id();
        if let Kind::KeyedGenesis { key } = &operation.header().kind {
            for (property, value) in key {
                self.registers.set(*property, value.clone(), winner);
            }
        }
        for leaf in operation.leaves() {
            match &leaf.change {
                Change::Set(value) => self.registers.set(leaf.property, value.clone(), winner),
                Change::Text(_) => {
                    let version = self.texts.entry(leaf.property).or_default();
                    *version = version.appended();
                }
                Change::Redact(redaction) => {
                    if let Some(version) = self.texts.get_mut(&leaf.property) {
                        *version = version.redacted();
                    }
                    self.registers.redact(leaf.property, redaction, winner);
                }
                // Of a text the structure stays, so that is a change of it.
                Change::Erased(_) => self.registers.set(leaf.property, Value::Null, winner),
                Change::Horizon(_) | Change::Opaque { .. } => {}
            }
        }
        self.head.accept(operation);
    }

    /// The value of an `lww` property; `None` where it was never set.
    pub fn get(&self, property: PropertyId) -> Option<&Value> {
        self.registers.get(&property).map(|register| &register.value)
    }

    /// The version of a text property; `None` where it was never written.
    pub fn text(&self, property: PropertyId) -> Option<TextVersion> {
        self.texts.get(&property).copied()
    }

    /// Whether the entity is deleted. Its other properties live on, unseen.
    pub fn is_deleted(&self) -> bool {
        self.get(*reserved::DELETED) == Some(&Value::Bool(true))
    }
}
