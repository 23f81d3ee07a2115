//! Folding the tails of texts into snapshots, in the background, so that reading a text does not become dearer
//! with every edit.

use std::sync::Arc;

use super::Inner;
use super::text;
use crate::id::{ActorId, EntityId, ModelId, PropertyId};
use crate::storage::{Batch, CommitError, Durability, StateWrite, StorageError, TextWrite};

/// Operations after which a tail is folded.
pub(crate) const TAIL: u64 = 64;

/// A text whose tail is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Long {
    pub(crate) model: ModelId,
    pub(crate) entity: EntityId,
    pub(crate) property: PropertyId,
}

/// The texts of a batch whose tails are long now.
pub(crate) fn long(batch: &Batch) -> Vec<Long> {
    let written = |entity, property| {
        batch.texts.iter().any(|write| match write {
            TextWrite::Append { entity: e, property: p, .. } => (*e, *p) == (entity, property),
            TextWrite::Fold { .. } => false,
        })
    };
    let mut long = Vec::new();
    for write in &batch.states {
        let (model, entity) = (write.state.model, write.state.entity);
        for (property, version) in &write.state.texts {
            if version.tail >= TAIL && written(entity, *property) {
                long.push(Long { model, entity, property: *property });
            }
        }
    }
    long
}

/// Folds texts in the background.
pub(crate) fn spawn(node: &Inner, long: Vec<Long>) {
    let engine = Arc::clone(&node.engine);
    for text in long {
        let engine = Arc::clone(&engine);
        node.env.spawn.spawn(Box::pin(async move {
            if let Err(error) = fold(engine.as_ref(), text).await {
                tracing::warn!(%error, entity = %text.entity, "a text could not be folded");
            }
        }));
    }
}

/// Puts a snapshot in the place of a tail. Where the entity changes meanwhile nothing happens: the change that
/// came in between asks for it again.
async fn fold(engine: &dyn crate::storage::Engine, text: Long) -> Result<(), StorageError> {
    let Long { model, entity, property } = text;
    let view = engine.view().await?;
    let Some(mut state) = view.state(model, entity).await? else { return Ok(()) };
    let Some(version) = state.texts.get_mut(&property).filter(|version| version.tail >= TAIL) else {
        return Ok(());
    };
    let document = text::load(view.as_ref(), entity, property, *version, ActorId::new(0)).await?;
    if document.waiting() > 0 {
        return Ok(());
    }
    let snapshot = document.snapshot().map_err(|error| StorageError::Damaged {
        what: format!("text {property} of entity {entity}"),
        message: error.to_string(),
    })?;
    *version = version.folded();
    let batch = Batch {
        catalog: view.position(),
        texts: vec![TextWrite::Fold { entity, property, snapshot: Arc::from(snapshot) }],
        states: vec![StateWrite { expected: state.head.clone(), state }],
        ..Batch::default()
    };
    match engine.commit(batch, Durability::Buffered).await {
        Ok(_) | Err(CommitError::Conflict { .. } | CommitError::CatalogChanged) => Ok(()),
        Err(CommitError::Storage(error)) => Err(error),
    }
}
