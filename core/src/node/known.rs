//! What is known of an entity once a batch is committed: its base and the operations above it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dag::Link;
use crate::entity::BaseState;
use crate::id::{ActorId, EntityId, OpId, PropertyId};
use crate::operation::{Change, Operation};
use crate::property::text::TextDocument;
use crate::storage::{Accepted, Batch, Position, ReadView, StorageError};

/// How many operations are read at a time.
const PAGE: usize = 256;

/// The base of an entity and the operations above it, as they are after what a batch does.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) base: Option<BaseState>,
    /// Ascending, with the positions at which they were taken in.
    pub(crate) operations: BTreeMap<OpId, Accepted>,
}

/// An operation that cannot be used.
pub(crate) fn damaged(operation: &Operation, message: &impl ToString) -> StorageError {
    StorageError::Damaged {
        what: format!("operation {} of entity {}", operation.id(), operation.entity()),
        message: message.to_string(),
    }
}

/// The base of an entity, as it is after what a batch does.
pub(crate) async fn base(
    view: &dyn ReadView,
    batch: &Batch,
    entity: EntityId,
) -> Result<Option<BaseState>, StorageError> {
    match batch.bases.iter().find(|base| base.entity == entity) {
        Some(base) => Ok(Some(base.clone())),
        None => view.base(entity).await,
    }
}

impl Known {
    pub(crate) async fn load(
        view: &dyn ReadView,
        batch: &Batch,
        entity: EntityId,
    ) -> Result<Self, StorageError> {
        let mut known = Known::without_base(view, entity).await?;
        known.base = base(view, batch, entity).await?;
        let next = Position(view.position().0.saturating_add(1));
        for operation in batch.rewritten.iter().chain(&batch.operations) {
            if operation.entity() == entity {
                let place = known.operations.entry(operation.id());
                place.or_insert_with(|| (next, Arc::clone(operation))).1 = Arc::clone(operation);
            }
        }
        let gone: BTreeSet<OpId> =
            batch.folded.iter().filter(|(of, _)| *of == entity).map(|(_, id)| *id).collect();
        known.operations.retain(|id, _| !gone.contains(id));
        Ok(known)
    }

    /// The operations of an entity that has no base.
    pub(crate) async fn without_base(view: &dyn ReadView, entity: EntityId) -> Result<Self, StorageError> {
        let mut operations = BTreeMap::new();
        let mut after = OpId::MIN;
        loop {
            let page = view.operations(entity, after, PAGE).await?;
            let count = page.len();
            after = page.last().map_or(after, |(_, last)| last.id());
            operations.extend(page.into_iter().map(|accepted| (accepted.1.id(), accepted)));
            if count < PAGE {
                return Ok(Known { base: None, operations });
            }
        }
    }

    /// What is known where nothing is about to be committed.
    pub(crate) async fn now(view: &dyn ReadView, entity: EntityId) -> Result<Self, StorageError> {
        Known::load(view, &Batch::default(), entity).await
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Operation>> {
        self.operations.values().map(|(_, operation)| operation)
    }

    /// Operations that are held, and those of them that they follow.
    pub(crate) fn closure(&self, links: &[Link]) -> BTreeSet<OpId> {
        let mut wanted: BTreeSet<OpId> = links.iter().map(|link| link.id).collect();
        let mut closure = BTreeSet::new();
        // Ids are a linear extension of the DAG.
        for (id, (_, operation)) in self.operations.iter().rev() {
            if wanted.remove(id) {
                closure.insert(*id);
                wanted.extend(operation.parents().iter().map(|parent| parent.id));
            }
        }
        closure
    }

    /// A text, as base and operations make it.
    pub(crate) fn text(&self, property: PropertyId) -> Result<TextDocument, StorageError> {
        let mut document = TextDocument::new(ActorId::new(0));
        if let Some((base, text)) =
            self.base.as_ref().and_then(|base| Some((base, base.texts.get(&property)?)))
        {
            document.merge(&text.snapshot).map_err(|error| StorageError::Damaged {
                what: format!("base of entity {}", base.entity),
                message: error.to_string(),
            })?;
        }
        for operation in self.iter() {
            if let Some(Change::Text(update)) = operation.change(property) {
                document.apply(update).map_err(|error| damaged(operation, &error))?;
            }
        }
        Ok(document)
    }
}
