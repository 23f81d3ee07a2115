//! What names mean.

use std::sync::Arc;

use crate::catalog::{Model, NameError};
use crate::env::{MaybeSend, MaybeSync};
use crate::id::{EntityId, ModelId, OpId};

/// The catalog as a statement sees it.
pub trait Names: MaybeSend + MaybeSync {
    /// The model that a name means: an exact match first, then, unless `quoted`, one regardless of case where
    /// that is unambiguous. `id` is what stands after `@`.
    fn find(&self, name: &str, quoted: bool, id: Option<OpId>) -> Result<&Arc<Model>, NameError>;

    /// The model with an id.
    fn model(&self, id: ModelId) -> Option<&Arc<Model>>;

    /// The model of an entity, where the statement names one and it was looked up; see
    /// [`entity_of`](super::entity_of).
    fn model_of(&self, entity: EntityId) -> Option<ModelId> {
        let _ = entity;
        None
    }
}
