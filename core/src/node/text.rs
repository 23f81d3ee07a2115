//! Texts: from splices to yrs updates.

use std::sync::Arc;

use super::draft::Splice;
use super::failure::{Outcome, failure};
use crate::entity::{State, TextVersion};
use crate::id::{ActorId, EntityId, PropertyId};
use crate::operation::Change;
use crate::property::text::{Edit, TextDocument, TextError};
use crate::storage::{ReadView, StorageError};

/// The update that makes splices of a text, written by `actor`; `None` where there is nothing to make. A text
/// that was not there is made by an update even if that is empty. `base` is the entity's state in the view, where it
/// has one.
pub(crate) async fn update(
    view: &dyn ReadView,
    base: Option<&State>,
    entity: EntityId,
    property: PropertyId,
    actor: ActorId,
    splices: &[Splice],
) -> Outcome<Option<Arc<[u8]>>> {
    let stored = base.and_then(|state| state.text(property));
    if splices.is_empty() && stored.is_some() {
        return Ok(None);
    }
    let mut document = match stored {
        None => TextDocument::new(actor),
        Some(version) => load(view, entity, property, version, actor).await?,
    };
    let edits: Vec<Edit> = splices
        .iter()
        .map(|splice| Edit { position: splice.at, delete: splice.delete, insert: splice.insert.to_string() })
        .collect();
    let update = document.edit(actor, &edits).map_err(|error| failure("invalid-text", error.to_string()))?;
    Ok(Some(Arc::from(update)))
}

/// The document of a text as a view shows it, of which the entity's state has this version.
pub(crate) async fn load(
    view: &dyn ReadView,
    entity: EntityId,
    property: PropertyId,
    version: TextVersion,
    actor: ActorId,
) -> Result<TextDocument, StorageError> {
    let damaged = |message: String| StorageError::Damaged {
        what: format!("text {property} of entity {entity}"),
        message,
    };
    let record = view.text(entity, property).await?;
    if !record.is_of(version) {
        return Err(damaged("a part of it is missing".to_owned()));
    }
    let mut updates = Vec::with_capacity(record.tail.len());
    for id in &record.tail {
        let Some((_, operation)) = view.operation(entity, *id).await? else {
            return Err(damaged(format!("operation {id} of its tail is not there")));
        };
        if let Some(Change::Text(update)) = operation.change(property) {
            updates.push(Arc::clone(update));
        }
    }
    TextDocument::load(actor, record.snapshot.as_deref(), updates.iter().map(AsRef::as_ref))
        .map_err(|error: TextError| damaged(error.to_string()))
}
