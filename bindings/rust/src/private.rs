//! What the macros' code calls. Not for others: it changes without notice.

#[path = "check.rs"]
pub mod check;

use std::fmt;
use std::marker::PhantomData;

use ankurah_core::value::{Value, ValueRef, cast};

use crate::model::FieldError;
use crate::property::{Kind, Property, PropertyError, Scalar, ToValue};

pub use crate::property::json::{read as read_json, write as write_json};

/// The value of a field.
pub fn to_value<T: ToValue + ?Sized>(value: &T, field: &'static str) -> Result<Value, FieldError> {
    value.to_value().map_err(|problem| FieldError { field, problem })
}

/// The text of a value.
pub fn text(value: ValueRef<'_>) -> Result<&str, PropertyError> {
    match value {
        ValueRef::String(text) => Ok(text),
        other => Err(PropertyError::unexpected(ankurah_core::value::TypeTag::String, other)),
    }
}

/// A value of a former type as one of the new type, by the language's cast.
pub fn convert<Old: Property, New: Property>(value: ValueRef<'_>) -> Result<Value, PropertyError> {
    let to = New::Kind::TYPE
        .value_type(|_| Err(PropertyError::invalid("a reference is converted with `with = …` alone")))?;
    cast(&Old::from_value(value)?.to_value()?, to).map_err(PropertyError::invalid)
}

/// A value of a former type as one of the new type, by a function.
pub fn convert_with<Old: Property, New: Property, E: fmt::Display>(
    value: ValueRef<'_>,
    with: impl for<'a> FnOnce(Old::Get<'a>) -> Result<New, E>,
) -> Result<Value, PropertyError> {
    with(Old::from_value(value)?.get()).map_err(PropertyError::invalid)?.to_value()
}

/// A property that can be a key.
pub trait KeyProperty: Scalar {
    /// What is given for it.
    type Key<'a>: ToValue;
    /// Its kind.
    type Kind: Kind;
}

impl<T: Scalar> KeyProperty for T
where
    for<'a> T::Get<'a>: ToValue,
{
    type Key<'a> = T::Get<'a>;
    type Kind = <T as ToValue>::Kind;
}

/// A property as `query!` knows it.
pub struct Field<T>(PhantomData<fn() -> T>);

/// A parsed query, once it was.
pub type Parsed = std::sync::OnceLock<std::sync::Arc<ankurah_query_lang::ast::Predicate>>;

impl<T> Field<T> {
    /// The field.
    pub const NEW: Self = Field(PhantomData);
}
