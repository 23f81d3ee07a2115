//! What things are called.

use std::collections::HashMap;
use std::sync::Arc;

use ankurah_core::catalog::reserved::DELETED;
use ankurah_core::catalog::{Model, Property};
use ankurah_core::id::{ModelId, OpId, PropertyId};
use ankurah_core::node::protocol::CatalogView;
use ankurah_query_lang::quote_identifier;

/// Names from the catalog.
#[derive(Clone, Debug, Default)]
pub struct Names {
    models: Vec<Arc<Model>>,
    properties: HashMap<PropertyId, Arc<Property>>,
}

impl Names {
    /// The names of a catalog. Models of the catalog itself come last.
    pub fn new(catalog: CatalogView) -> Self {
        let mut models = catalog.models;
        models.sort_by_key(|model| model.name.starts_with('_'));
        let properties = models.iter().flat_map(|model| &model.properties);
        let properties = properties.map(|property| (property.id, Arc::clone(property))).collect();
        Names { models, properties }
    }

    /// The models.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    /// A model.
    pub fn model(&self, id: ModelId) -> Option<&Arc<Model>> {
        self.models.iter().find(|model| model.id == id)
    }

    /// What a model is called: its id where it is not in the catalog.
    pub fn model_name(&self, id: ModelId) -> String {
        self.model(id).map_or_else(|| format!("@{id}"), |model| model.label.to_string())
    }

    /// A property.
    pub fn property(&self, id: PropertyId) -> Option<&Arc<Property>> {
        self.properties.get(&id)
    }

    /// What a property is called: its id where it is not in the catalog.
    pub fn property_name(&self, id: PropertyId) -> String {
        match self.property(id) {
            Some(property) => property.label.to_string(),
            None if id == *DELETED => "deleted".to_owned(),
            None => format!("@{id}"),
        }
    }

    /// The type of a property, as it is written.
    pub fn type_name(&self, property: &Property) -> String {
        use ankurah_core::value::ValueType;
        match property.value_type {
            _ if property.is_text() => "text".to_owned(),
            ValueType::Ref(model) => format!("ref({})", self.model_name(model)),
            other => other.tag().name().to_owned(),
        }
    }
}

/// How a statement names a model.
pub fn model_text(model: &Model) -> String {
    let name = quote_identifier(&model.name);
    if model.label == model.name { name } else { format!("{name}@{}", model.id) }
}

/// How a statement names a property.
pub fn property_text(property: &Property) -> String {
    let name = quote_identifier(&property.name);
    if property.label == property.name { name } else { format!("{name}@{}", property.id) }
}

/// The last eight characters of an id: those that differ.
pub fn short(id: OpId) -> String {
    let text = id.to_string();
    text.get(text.len().saturating_sub(8)..).unwrap_or(&text).to_owned()
}
