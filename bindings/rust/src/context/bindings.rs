//! What models mean in a catalog.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;

use ankurah_core::catalog::declare::{
    Declared, ModelDeclaration, PropertyDeclaration, declare, declared_model,
};
use ankurah_core::catalog::define::{DefineError, PropertyDefinition};
use ankurah_core::catalog::{self, Backend, Catalog, NameError, Property};
use ankurah_core::id::{ModelId, OpId, PropertyId};
use ankurah_core::query::Names;
use ankurah_core::value::Value;

use crate::model::{FieldError, Model};
use crate::property::PropertyError;
use crate::property::kind::PropertyType;
use crate::schema::{FormerProperty, ModelSchema};

/// A model in a catalog.
#[derive(Debug)]
pub(super) struct Binding {
    /// The model, its properties under the names that the program gives them.
    pub(super) model: Arc<catalog::Model>,
    /// The properties of the fields, then those of the former ones.
    pub(super) read: Vec<PropertyId>,
    /// Fields with a former property: the field, the place in `read`, and what converts it.
    pub(super) former: Vec<(usize, usize, &'static FormerProperty)>,
    /// How many fields there are.
    pub(super) fields: usize,
}

impl Binding {
    /// The properties of the fields.
    pub(super) fn properties(&self) -> &[PropertyId] {
        self.read.get(..self.fields).unwrap_or_default()
    }
}

/// The models of a program in one catalog.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    catalog: Option<Arc<Catalog>>,
    models: BTreeMap<TypeId, Arc<Binding>>,
    /// The models that were bound, under the program's names.
    named: BTreeMap<ModelId, Arc<catalog::Model>>,
}

/// A model that the catalog lacks something of.
pub(super) enum Bound {
    /// Nothing is lacking.
    Yes(Arc<Bindings>, Arc<Binding>),
    /// These have to be declared first.
    Lacking(Vec<ModelDeclaration>),
}

impl Bindings {
    /// Whether they are those of a catalog.
    pub(super) fn are_of(&self, catalog: &Arc<Catalog>) -> bool {
        self.catalog.as_ref().is_some_and(|known| Arc::ptr_eq(known, catalog))
    }

    pub(super) fn get<M: Model>(&self) -> Option<&Arc<Binding>> {
        self.models.get(&TypeId::of::<M>())
    }

    /// The bindings with one more model.
    pub(super) fn bind<M: Model>(self: &Arc<Self>, catalog: &Arc<Catalog>) -> Result<Bound, Unbound> {
        let schemas = reachable(M::schema());
        let mut declarations = Vec::with_capacity(schemas.len());
        let mut meanings = Vec::with_capacity(schemas.len());
        let mut lacking = false;
        for schema in &schemas {
            let declaration = declaration(schema, catalog)?;
            let (declared, writes) = declare(catalog, &declaration)?;
            lacking |= !writes.is_empty();
            declarations.push(declaration);
            meanings.push(declared);
        }
        if lacking {
            return Ok(Bound::Lacking(declarations));
        }
        let mut named = if self.are_of(catalog) { self.named.clone() } else { BTreeMap::new() };
        let mut models = if self.are_of(catalog) { self.models.clone() } else { BTreeMap::new() };
        for (schema, declared) in schemas.iter().zip(&meanings) {
            if let Some(model) = catalog.model(declared.model) {
                named.insert(declared.model, Arc::new(under_names_of(schema, declared, model)));
            }
        }
        let own = meanings.first().zip(schemas.first());
        let (declared, schema) = own.ok_or(Unbound::Lost { model: M::schema().name })?;
        let model = named.get(&declared.model).ok_or(Unbound::Lost { model: schema.name })?;
        let binding = Arc::new(binding(schema, declared, Arc::clone(model), catalog)?);
        models.insert(TypeId::of::<M>(), Arc::clone(&binding));
        let bindings = Bindings { catalog: Some(Arc::clone(catalog)), models, named };
        Ok(Bound::Yes(Arc::new(bindings), binding))
    }
}

/// Why a model cannot be bound.
#[derive(Debug)]
pub(super) enum Unbound {
    Define(DefineError),
    Default { model: &'static str, error: FieldError },
    Lost { model: &'static str },
}

impl From<DefineError> for Unbound {
    fn from(error: DefineError) -> Self {
        Unbound::Define(error)
    }
}

/// A model and all that its references lead to, the model first.
fn reachable(schema: &'static ModelSchema) -> Vec<&'static ModelSchema> {
    let mut found = vec![schema];
    let mut next = 0;
    while let Some(schema) = found.get(next).copied() {
        next += 1;
        for property in schema.properties {
            if let PropertyType::Ref(target) = property.property_type {
                let target = target();
                if !found.iter().any(|known| std::ptr::eq(*known, target)) {
                    found.push(target);
                }
            }
        }
    }
    found
}

fn declaration(schema: &'static ModelSchema, catalog: &Catalog) -> Result<ModelDeclaration, Unbound> {
    let mut properties = Vec::with_capacity(schema.properties.len());
    for property in schema.properties {
        let default = match property.default {
            None => Value::Null,
            Some(default) => default().and_then(checked).map_err(|problem| Unbound::Default {
                model: schema.name,
                error: FieldError { field: property.name, problem },
            })?,
        };
        properties.push(PropertyDeclaration {
            definition: PropertyDefinition {
                name: property.name.to_owned(),
                value_type: property
                    .property_type
                    .value_type(|target| declared_model(catalog, target.name, target.defined_as))?,
                backend: if property.collaborative { Backend::Yrs } else { Backend::Lww },
                key: property.key,
                required: property.required,
                default,
            },
            defined_as: property.defined_as.to_owned(),
        });
    }
    Ok(ModelDeclaration {
        name: schema.name.to_owned(),
        defined_as: schema.defined_as.to_owned(),
        properties,
    })
}

fn checked(value: Value) -> Result<Value, PropertyError> {
    value.normalized().map_err(PropertyError::invalid)
}

/// The model with its properties under the names that the program gives them; others that have such a name are told
/// from them by their ids.
fn under_names_of(schema: &ModelSchema, declared: &Declared, model: &catalog::Model) -> catalog::Model {
    let rename = |property: &Arc<Property>| {
        let place = declared.properties.iter().position(|id| *id == property.id);
        let own = place.and_then(|place| schema.properties.get(place));
        let (name, label): (Arc<str>, Arc<str>) = match own {
            Some(own) => (Arc::from(own.name), Arc::from(own.name)),
            None if schema.properties.iter().any(|own| *own.name == *property.label) => {
                let label = format!("{}@{}", property.name, property.id);
                (Arc::clone(&property.name), Arc::from(label))
            }
            None => return Arc::clone(property),
        };
        Arc::new(Property { name, label, ..Property::clone(property) })
    };
    catalog::Model { properties: model.properties.iter().map(rename).collect(), ..model.clone() }
}

fn binding(
    schema: &'static ModelSchema,
    declared: &Declared,
    model: Arc<catalog::Model>,
    catalog: &Catalog,
) -> Result<Binding, DefineError> {
    let mut read = declared.properties.clone();
    let mut former = Vec::new();
    for (field, property) in schema.properties.iter().enumerate() {
        let Some(old) = &property.former else { continue };
        let old_type =
            old.property_type.value_type(|target| declared_model(catalog, target.name, target.defined_as))?;
        let is_own = |id: PropertyId| declared.properties.contains(&id);
        let found = model.properties.iter().find(|known| {
            *known.name == *old.name && known.value_type == old_type && !known.is_text() && !is_own(known.id)
        });
        if let Some(found) = found {
            former.push((field, read.len(), old));
            read.push(found.id);
        }
    }
    Ok(Binding { model, read, former, fields: schema.properties.len() })
}

/// The catalog, with the program's models under the program's names.
pub(super) struct TypedNames<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) bindings: &'a Bindings,
}

impl Names for TypedNames<'_> {
    fn find(&self, name: &str, quoted: bool, id: Option<OpId>) -> Result<&Arc<catalog::Model>, NameError> {
        let found = self.catalog.find(name, quoted, id)?;
        Ok(self.bindings.named.get(&found.id).unwrap_or(found))
    }

    fn model(&self, id: ModelId) -> Option<&Arc<catalog::Model>> {
        self.bindings.named.get(&id).or_else(|| self.catalog.model(id))
    }
}
