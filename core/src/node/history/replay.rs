//! What operations make of an entity.

use std::collections::BTreeMap;

use super::PAGE;
use super::checkpoint::{Checkpoint, Checkpoints, STEP};
use super::cut::Cut;
use crate::catalog::reserved;
use crate::dag::{Head, VersionVector};
use crate::entity::State;
use crate::id::{EntityId, OpId, PropertyId};
use crate::operation::{Change, Operation};
use crate::property::Lww;
use crate::property::text::TextDocument;
use crate::storage::{Position, ReadView, StorageError};
use crate::value::Value;

/// Which texts are made out: reading one takes much more than reading a register.
#[derive(Clone, Debug)]
pub(super) enum Texts {
    /// All.
    All,
    /// These.
    These(Vec<PropertyId>),
}

impl Texts {
    fn include(&self, property: PropertyId) -> bool {
        match self {
            Texts::All => true,
            Texts::These(list) => list.contains(&property),
        }
    }
}

/// What operations make of an entity.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// The maximal operations.
    pub(super) head: Head,
    /// The properties that are not text.
    pub(super) registers: BTreeMap<PropertyId, Lww>,
    /// The texts that are made out.
    pub(super) texts: BTreeMap<PropertyId, TextDocument>,
}

fn damaged(operation: &Operation, message: String) -> StorageError {
    StorageError::Damaged {
        what: format!("operation {} of entity {}", operation.id(), operation.entity()),
        message,
    }
}

impl Replayed {
    /// The operations of an entity that belong to a point; `None` where none does.
    pub(super) async fn at(
        view: &dyn ReadView,
        entity: EntityId,
        cut: &Cut,
        texts: &Texts,
    ) -> Result<Option<Self>, StorageError> {
        let mut replayed = Replayed::default();
        let mut after = OpId::MIN;
        let greatest = cut.greatest();
        'pages: loop {
            let page = view.operations(entity, after, PAGE).await?;
            let Some((_, last)) = page.last() else { break };
            after = last.id();
            for (position, operation) in &page {
                if operation.id() > greatest {
                    break 'pages;
                }
                if cut.has(*position, &operation.link()) {
                    replayed.apply(operation, texts)?;
                }
            }
        }
        Ok((!replayed.head.is_empty()).then_some(replayed))
    }

    /// The registers that the operations of an entity that belong to a point make, from the best checkpoint on; `None`
    /// where no operation does. New checkpoints are kept on the way. `state` is the entity as the view shows it.
    pub(super) async fn resumed(
        view: &dyn ReadView,
        checkpoints: &Checkpoints,
        state: &State,
        cut: &Cut,
    ) -> Result<Option<Self>, StorageError> {
        let entity = state.entity;
        let best = checkpoints.best(view, entity, state.position, cut).await?;
        let (mut replayed, mut after) = (Replayed::default(), OpId::MIN);
        let (mut vector, mut accepted) = (VersionVector::new(), Position::default());
        if let Some(best) = best {
            (replayed, after) = (best.state(), best.last());
            (vector, accepted) = (best.vector().clone(), best.accepted());
        }
        let texts = Texts::These(Vec::new());
        let greatest = cut.greatest();
        let mut made = Vec::new();
        // Whether everything up to here belongs to the point, and how much of it came after the last checkpoint.
        let (mut whole, mut since) = (true, 0usize);
        'pages: loop {
            let page = view.operations(entity, after, PAGE).await?;
            let Some((_, last)) = page.last() else { break };
            after = last.id();
            for (position, operation) in &page {
                if operation.id() > greatest {
                    break 'pages;
                }
                let link = operation.link();
                if !cut.has(*position, &link) {
                    whole = false;
                    continue;
                }
                replayed.apply(operation, &texts)?;
                vector.raise(link.actor, link.sequence);
                accepted = accepted.max(*position);
                since = since.saturating_add(1);
                if whole && since >= STEP {
                    made.push(Checkpoint::new(link.id, &replayed, vector.clone(), accepted));
                    since = 0;
                }
            }
        }
        checkpoints.keep(view.position(), entity, made);
        Ok((!replayed.head.is_empty()).then_some(replayed))
    }

    /// Takes in an operation after its parents.
    pub(super) fn apply(&mut self, operation: &Operation, texts: &Texts) -> Result<(), StorageError> {
        let winner = operation.id();
        for (property, value) in operation.key().into_iter().flatten() {
            self.set(*property, value, winner);
        }
        for leaf in operation.leaves() {
            match &leaf.change {
                Change::Set(value) => self.set(leaf.property, value, winner),
                Change::Text(update) if texts.include(leaf.property) => {
                    let text = self.texts.entry(leaf.property).or_default();
                    text.apply(update).map_err(|error| damaged(operation, error.to_string()))?;
                }
                Change::Text(_) | Change::Erased(_) | Change::Opaque { .. } => {}
            }
        }
        self.head.accept(operation);
        Ok(())
    }

    fn set(&mut self, property: PropertyId, value: &Value, winner: OpId) {
        let incoming = Lww { value: value.clone(), winner };
        match self.registers.get_mut(&property) {
            Some(register) => register.join(incoming),
            None => {
                self.registers.insert(property, incoming);
            }
        }
    }

    /// Joins what other operations made of the properties of the same entity. The head is left as it is.
    pub(super) fn join(&mut self, other: &Replayed) -> Result<(), crate::property::BackendError> {
        use crate::property::PropertyBackend;
        for (property, register) in &other.registers {
            match self.registers.get_mut(property) {
                Some(own) => own.join(register.clone()),
                None => {
                    self.registers.insert(*property, register.clone());
                }
            }
        }
        for (property, text) in &other.texts {
            PropertyBackend::join(self.texts.entry(*property).or_default(), text)?;
        }
        Ok(())
    }

    /// A copy.
    pub(super) fn copy(&self) -> Result<Self, crate::property::BackendError> {
        let mut copy = Replayed { head: self.head.clone(), ..Replayed::default() };
        copy.join(self)?;
        Ok(copy)
    }

    /// The value of a property; `None` where it was never written.
    pub(super) fn value(&mut self, property: PropertyId) -> Option<Value> {
        if let Some(register) = self.registers.get(&property) {
            return Some(register.value.clone());
        }
        let text = self.texts.get_mut(&property).filter(|text| text.is_written())?;
        Some(Value::String(text.text()))
    }

    /// Whether the entity is deleted.
    pub(super) fn is_deleted(&self) -> bool {
        let register = self.registers.get(&*reserved::DELETED);
        register.is_some_and(|register| register.value == Value::Bool(true))
    }

    /// Whether there is nothing but a key, which has no time.
    pub(super) fn is_key_alone(&self, entity: EntityId) -> bool {
        matches!(self.head.links(), [only] if only.is_keyed() && only.id == entity.0)
    }
}
