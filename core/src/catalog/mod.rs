//! Models and properties. They are keyed entities of reserved models, so they have history and replicate like
//! everything else.

mod build;
pub mod declare;
pub mod define;
mod names;
pub mod reserved;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use build::CatalogError;
pub use names::NameError;
pub use reserved::is_reserved;

use crate::id::{ModelId, OpId, PropertyId};
use crate::node::protocol::CatalogView;
use crate::query::Names;
use crate::storage::Position;
use crate::value::{Value, ValueType};

/// How concurrent changes of a property become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Backend {
    /// The greatest operation id wins.
    Lww,
    /// Collaborative text.
    Yrs,
}

/// A property of a model.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Property {
    /// The id that payloads name.
    pub id: PropertyId,
    /// The model.
    pub model: ModelId,
    /// The current name. Unique in the model unless two nodes gave one name to two types; see [`Model`].
    pub name: Arc<str>,
    /// What it is called among the model's properties: its name, or `name@id` where a namesake has the bare
    /// name.
    pub label: Arc<str>,
    /// The type of its values; text properties have [`ValueType::String`].
    pub value_type: ValueType,
    /// The backend.
    pub backend: Backend,
    /// Place in the declared order, from 0.
    pub ordinal: u32,
    /// Whether null is refused on write.
    pub required: bool,
    /// What a new entity gets where nothing is given; null where nothing is declared.
    pub default: Value,
    /// Whether the property was dropped: its data stay, it is no longer shown or named.
    pub dropped: bool,
}

/// A model: a name and its properties.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Model {
    /// The id.
    pub id: ModelId,
    /// The current name.
    pub name: Arc<str>,
    /// What it is called among the models: its name, or `name@id` where a namesake has the bare name.
    pub label: Arc<str>,
    /// All properties, dropped ones too, by ordinal, then id. Where two share a name, the one preferred by
    /// `resolve property`, or else the smallest id, has the bare name and the others read as `name@id`.
    pub properties: Vec<Arc<Property>>,
    /// The key properties in key order; empty where the model has no key.
    pub key: Vec<PropertyId>,
}

impl Property {
    /// Whether it is collaborative text.
    pub fn is_text(&self) -> bool {
        self.backend == Backend::Yrs
    }
}

impl Model {
    /// The properties that are shown, in their order: those that are not dropped.
    pub fn columns(&self) -> impl Iterator<Item = &Arc<Property>> + Clone {
        self.properties.iter().filter(|property| !property.dropped)
    }

    /// The property with this id, dropped or not.
    pub fn property(&self, id: PropertyId) -> Option<&Arc<Property>> {
        self.properties.iter().find(|property| property.id == id)
    }

    /// Whether the property is part of the key.
    pub fn is_key(&self, id: PropertyId) -> bool {
        self.key.contains(&id)
    }

    /// The property that a name in a statement means, dropped ones left out: an exact match first, then,
    /// unless `quoted`, one regardless of case where that is unambiguous and none of exactly this name was dropped.
    /// `id` is what stands after `@`.
    pub fn find(&self, name: &str, quoted: bool, id: Option<OpId>) -> Result<&Arc<Property>, NameError> {
        let found = names::find(self.columns(), name, quoted, id);
        let other = match &found {
            Ok(found) if *found.name == *name => return Ok(found),
            Ok(found) => Some(found.label.to_string()),
            Err(_) => None,
        };
        // Who asks for what was dropped must not be given something else.
        let was_dropped = self.properties.iter().any(|property| {
            property.dropped && *property.name == *name && id.is_none_or(|id| property.id.0 == id)
        });
        if was_dropped { Err(NameError::Dropped { name: name.to_owned(), other }) } else { found }
    }
}

/// The models and properties of a store at a position.
#[derive(Clone, Debug)]
pub struct Catalog {
    position: Position,
    /// Ascending by id.
    models: Vec<Arc<Model>>,
}

impl Catalog {
    /// The position at which it was read: nothing of it has changed up to there.
    pub fn position(&self) -> Position {
        self.position
    }

    /// All models by id, reserved ones included.
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.iter()
    }

    /// The model with this id.
    pub fn model(&self, id: ModelId) -> Option<&Arc<Model>> {
        let place = self.models.binary_search_by_key(&id, |model| model.id).ok()?;
        self.models.get(place)
    }

    /// The property with this id, dropped or not.
    pub fn property(&self, model: ModelId, id: PropertyId) -> Option<&Arc<Property>> {
        self.model(model)?.property(id)
    }

    /// The model that a name in a statement means: an exact match first, then, unless `quoted`, one regardless
    /// of case where that is unambiguous. `id` is what stands after `@`.
    pub fn find(&self, name: &str, quoted: bool, id: Option<OpId>) -> Result<&Arc<Model>, NameError> {
        names::find(self.models.iter(), name, quoted, id)
    }

    /// The type as it is written: `i64`, `ref(album)`. A model that is not known is named by its id.
    pub fn type_text(&self, value_type: ValueType, backend: Backend) -> String {
        match (value_type, backend) {
            (ValueType::Ref(id), _) => match self.model(id) {
                Some(model) => format!("ref({})", model.label),
                None => format!("ref(@{id})"),
            },
            _ => define::type_key(value_type, backend),
        }
    }

    /// What programs are shown of it.
    pub fn view(&self) -> CatalogView {
        let mut models: Vec<Arc<Model>> = self.models.clone();
        models.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        CatalogView { position: self.position, models }
    }
}

impl Names for Catalog {
    fn find(&self, name: &str, quoted: bool, id: Option<OpId>) -> Result<&Arc<Model>, NameError> {
        Catalog::find(self, name, quoted, id)
    }

    fn model(&self, id: ModelId) -> Option<&Arc<Model>> {
        Catalog::model(self, id)
    }
}
