//! Models and properties. They are keyed entities of reserved models, so they have history and replicate like
//! everything else.

use std::sync::Arc;

use crate::id::{ModelId, PropertyId};
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
    /// All properties, by ordinal, then id. Where two share a name, the smallest id has the bare name and the
    /// others read as `name@id`.
    pub properties: Vec<Arc<Property>>,
    /// The key properties in key order; empty where the model has no key.
    pub key: Vec<PropertyId>,
}
