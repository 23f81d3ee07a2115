//! JSON documents.

use std::fmt;
use std::ops::{Deref, DerefMut};

use ankurah_core::value::{TypeTag, Value, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Property, PropertyError, Scalar, ToValue, kind};

/// Any type of serde's as one JSON document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Json(value)
    }
}

/// The document of a serialisable type.
///
/// # Errors
/// [`PropertyError::Invalid`] where it cannot be written as JSON.
pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<Value, PropertyError> {
    let text = serde_json::to_string(value).map_err(PropertyError::invalid)?;
    Value::json(&text).map_err(PropertyError::invalid)
}

/// What a document says.
///
/// # Errors
/// [`PropertyError`] where the value is not a document, or one of another shape.
pub fn read<T: DeserializeOwned>(value: ValueRef<'_>) -> Result<T, PropertyError> {
    match value {
        ValueRef::Json(text) => serde_json::from_str(text).map_err(PropertyError::invalid),
        other => Err(PropertyError::unexpected(TypeTag::Json, other)),
    }
}

impl<T: Serialize> ToValue for Json<T> {
    type Kind = kind::Json;

    fn to_value(&self) -> Result<Value, PropertyError> {
        write(&self.0)
    }
}

impl<T> Property for Json<T>
where
    T: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static,
{
    type Get<'a> = &'a T;

    fn get(&self) -> &T {
        &self.0
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        read(value).map(Json)
    }
}

impl<T> Scalar for Json<T> where T: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {}

impl ToValue for serde_json::Value {
    type Kind = kind::Json;

    fn to_value(&self) -> Result<Value, PropertyError> {
        write(self)
    }
}

impl Property for serde_json::Value {
    type Get<'a> = &'a serde_json::Value;

    fn get(&self) -> &serde_json::Value {
        self
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        read(value)
    }
}

impl Scalar for serde_json::Value {}
