//! What a model is, as `#[derive(Model)]` writes it down.

use ankurah_core::value::{Value, ValueRef};

use crate::property::PropertyError;
use crate::property::kind::PropertyType;

/// A model.
#[derive(Debug)]
pub struct ModelSchema {
    /// The name of its collection.
    pub name: &'static str,
    /// The name that it was first defined with: the same, unless it was renamed.
    pub defined_as: &'static str,
    /// Its properties, in the order of the fields.
    pub properties: &'static [PropertySchema],
}

/// A property of a model.
#[derive(Debug)]
pub struct PropertySchema {
    /// Its name.
    pub name: &'static str,
    /// The name that it was first defined with: the same, unless it was renamed.
    pub defined_as: &'static str,
    /// Its type.
    pub property_type: PropertyType,
    /// Whether it is collaborative text.
    pub collaborative: bool,
    /// Whether it is part of the key.
    pub key: bool,
    /// Whether null is refused on write.
    pub required: bool,
    /// What the catalog says that a new entity gets where a statement gives nothing.
    pub default: Option<fn() -> Result<Value, PropertyError>>,
    /// The property that it took the place of, where its type has changed.
    pub former: Option<FormerProperty>,
}

/// A property of another type that a property took the place of: an entity that has no value yet reads as that of the
/// former one, converted.
#[derive(Debug)]
pub struct FormerProperty {
    /// The name that it was first defined with.
    pub name: &'static str,
    /// Its type.
    pub property_type: PropertyType,
    /// From its value to one of the new type.
    pub convert: fn(ValueRef<'_>) -> Result<Value, PropertyError>,
}
