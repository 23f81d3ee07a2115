//! What names mean.

use std::sync::Arc;

use crate::catalog::Model;
use crate::env::{MaybeSend, MaybeSync};
use crate::id::ModelId;
use crate::node::protocol::CatalogView;

/// The catalog as a statement sees it.
pub trait Names: MaybeSend + MaybeSync {
    /// The models that can be named, reserved ones included.
    fn models(&self) -> &[Arc<Model>];

    /// The model with an id.
    fn model(&self, id: ModelId) -> Option<&Arc<Model>> {
        self.models().iter().find(|model| model.id == id)
    }
}

impl Names for Vec<Arc<Model>> {
    fn models(&self) -> &[Arc<Model>] {
        self
    }
}

impl Names for CatalogView {
    fn models(&self) -> &[Arc<Model>] {
        &self.models
    }
}
