//! What operations make of an entity.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::PAGE;
use super::checkpoint::{Checkpoint, Checkpoints, STEP};
use super::cut::Cut;
use crate::catalog::reserved;
use crate::dag::{Head, VersionVector};
use crate::entity::{BaseState, Registers, State};
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

/// The base of an entity, where it belongs to a point.
pub(super) async fn base_at(
    view: &dyn ReadView,
    entity: EntityId,
    cut: &Cut,
) -> Result<Option<BaseState>, StorageError> {
    let Some(base) = view.base(entity).await? else { return Ok(None) };
    match cut.has_base(&base) {
        Some(true) => Ok(Some(base)),
        Some(false) => Ok(None),
        None => Err(StorageError::Horizon { entity, horizon: base.last() }),
    }
}

/// Visits the operations of an entity that come after one, up to the last that can belong to a point, ascending: with
/// the position at which each was taken in, and whether it belongs.
pub(super) async fn each(
    view: &dyn ReadView,
    entity: EntityId,
    mut after: OpId,
    cut: &Cut,
    mut visit: impl FnMut(Position, &Arc<Operation>, bool) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let greatest = cut.greatest();
    loop {
        let page = view.operations(entity, after, PAGE).await?;
        let Some((_, last)) = page.last() else { return Ok(()) };
        after = last.id();
        for (position, operation) in &page {
            if operation.id() > greatest {
                return Ok(());
            }
            visit(*position, operation, cut.has(*position, &operation.link()))?;
        }
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
        let mut replayed = match base_at(view, entity, cut).await? {
            Some(base) => Replayed::of_base(&base, texts)?,
            None => Replayed::default(),
        };
        each(
            view,
            entity,
            OpId::MIN,
            cut,
            |_, operation, belongs| {
                if belongs { replayed.apply(operation, texts) } else { Ok(()) }
            },
        )
        .await?;
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
        let texts = Texts::These(Vec::new());
        let (mut replayed, mut after) = (Replayed::default(), OpId::MIN);
        let (mut vector, mut accepted) = (VersionVector::new(), Position::default());
        if let Some(best) = best {
            (replayed, after) = (best.state(), best.last());
            (vector, accepted) = (best.vector().clone(), best.accepted());
        } else if let Some(base) = base_at(view, entity, cut).await? {
            replayed = Replayed::of_base(&base, &texts)?;
            (vector, accepted) = (base.base.vector, base.positions.1);
        }
        let mut made = Vec::new();
        // Whether everything up to here belongs to the point, and how much of it came after the last checkpoint.
        let (mut whole, mut since) = (true, 0usize);
        each(view, entity, after, cut, |position, operation, belongs| {
            if !belongs {
                whole = false;
                return Ok(());
            }
            replayed.apply(operation, &texts)?;
            let link = operation.link();
            vector.raise(link.actor, link.sequence);
            accepted = accepted.max(position);
            since = since.saturating_add(1);
            if whole && since >= STEP {
                made.push(Checkpoint::new(link.id, &replayed, vector.clone(), accepted));
                since = 0;
            }
            Ok(())
        })
        .await?;
        checkpoints.keep(view.position(), entity, made);
        Ok((!replayed.head.is_empty()).then_some(replayed))
    }

    /// What a base has.
    fn of_base(base: &BaseState, texts: &Texts) -> Result<Self, StorageError> {
        let mut replayed = Replayed {
            head: base.base.frontier.clone(),
            registers: base.registers.clone(),
            texts: BTreeMap::new(),
        };
        for (property, text) in base.texts.iter().filter(|(property, _)| texts.include(**property)) {
            let mut document = TextDocument::default();
            document.merge(&text.snapshot).map_err(|error| StorageError::Damaged {
                what: format!("base of entity {}", base.entity),
                message: error.to_string(),
            })?;
            replayed.texts.insert(*property, document);
        }
        Ok(replayed)
    }

    /// Takes in an operation after its parents.
    pub(super) fn apply(&mut self, operation: &Operation, texts: &Texts) -> Result<(), StorageError> {
        let winner = operation.id();
        for (property, value) in operation.key().into_iter().flatten() {
            self.registers.set(*property, value.clone(), winner);
        }
        for leaf in operation.leaves() {
            match &leaf.change {
                Change::Set(value) => self.registers.set(leaf.property, value.clone(), winner),
                Change::Text(update) if texts.include(leaf.property) => {
                    let text = self.texts.entry(leaf.property).or_default();
                    text.apply(update).map_err(|error| damaged(operation, error.to_string()))?;
                }
                Change::Redact(redaction) => self.registers.redact(leaf.property, redaction, winner),
                Change::Erased(_) => self.registers.set(leaf.property, Value::Null, winner),
                Change::Text(_) | Change::Horizon(_) | Change::Opaque { .. } => {}
            }
        }
        self.head.accept(operation);
        Ok(())
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
