//! Models, their views and editors: what `#[derive(Model)]` implements.

use ankurah_core::value::{Value, ValueRef};

use crate::editor::Edits;
use crate::property::{PropertyError, Ref, ToRef};
use crate::schema::ModelSchema;

/// A kind of entities: a struct with `#[derive(Model)]`, whose fields are the properties.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "write `#[derive(Model)]` above the struct"
)]
pub trait Model: Sized + Send + Sync + 'static {
    /// What is read of an entity.
    type View: View<Model = Self>;
    /// What changes an entity.
    type Editor: Editor<Model = Self>;
    /// Its properties as `query!` knows them.
    type Fields;
    /// Its properties as `query!` knows them.
    const FIELDS: Self::Fields;

    /// What it is.
    fn schema() -> &'static ModelSchema;

    /// The values of the fields, in their order.
    ///
    /// # Errors
    /// [`FieldError`] where a field has a value that the store has not.
    fn to_values(&self) -> Result<Vec<Value>, FieldError>;

    /// A struct of the values of its fields, in their order. A field without a value gets its default.
    ///
    /// # Errors
    /// [`FieldError`] where a value is not one that the field can have.
    fn from_values(values: &[ValueRef<'_>]) -> Result<Self, FieldError>;
}

/// A model with a key: one or more fields with `#[model(key)]` that name an entity.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no key",
    note = "mark the fields that name an entity with `#[model(key)]`"
)]
pub trait Keyed: Model {
    /// The key's value: the field's, or a tuple where there are several.
    type Key<'a>;

    /// The values of a key, in the order of its fields.
    ///
    /// # Errors
    /// [`FieldError`] where the key has a value that the store has not.
    fn key_values(key: Self::Key<'_>) -> Result<Vec<Value>, FieldError>;
}

/// What was read of one entity: it does not change. Its getters give values, since they were all decoded when it was
/// made.
pub trait View: Clone + Send + Sync + ToRef<Self::Model> + 'static {
    /// Its model.
    type Model: Model<View = Self>;

    /// A view of what was read.
    fn new(id: Ref<Self::Model>, model: Self::Model) -> Self;

    /// What was read, as the plain struct.
    fn as_model(&self) -> &Self::Model;

    /// What was read, as the plain struct.
    fn into_model(self) -> Self::Model;
}

/// What changes one entity: setters for the fields, handles for the texts, and getters that show what was set.
pub trait Editor: Send + 'static {
    /// Its model.
    type Model: Model<Editor = Self>;

    /// An editor of an entity as it is now.
    fn new(id: Ref<Self::Model>, current: Self::Model) -> Self;

    /// What it made of the entity, and the edits.
    fn into_parts(self) -> (Self::Model, Edits);
}

/// A field whose value cannot be stored, or cannot be what was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {problem}")]
pub struct FieldError {
    /// The property's name.
    pub field: &'static str,
    /// What is wrong.
    pub problem: PropertyError,
}
