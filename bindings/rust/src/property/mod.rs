//! Types of properties: what a field of a model can be.
//!
//! | Rust | in the language |
//! |---|---|
//! | `bool` | `bool` |
//! | `i64`, `i32`, `i16`, `i8`, `u32`, `u16`, `u8` | `i64`; one that does not fit the Rust type is an error where it is read |
//! | `f64` | `f64` |
//! | [`Decimal`](crate::Decimal) | `decimal` |
//! | `String` | `string` |
//! | `Vec<u8>` | `bytes` |
//! | [`Timestamp`](crate::Timestamp), `SystemTime` | `timestamp`, in microseconds |
//! | [`Uuid`](crate::Uuid), [`Ulid`](crate::Ulid) | `uuid`, `ulid` |
//! | [`Ref<M>`](crate::Ref) | `ref(m)` |
//! | `serde_json::Value`, [`Json<T>`](crate::Json) | `json` |
//! | [`Text`] | `text`: edited by several people at once |
//! | `Option<T>` | the same, and null |
//! | your own, with `#[derive(Property)]` | what it maps to, so that it can be compared, ordered and indexed |

pub(crate) mod json;
pub mod kind;
mod reference;
mod scalar;
mod text;

use std::fmt;

use ankurah_core::value::{TypeTag, Value, ValueRef};

use crate::model::FieldError;
use crate::schema::PropertySchema;

pub use json::Json;
pub use kind::Kind;
pub use reference::{Ref, ToRef};
pub use text::Text;

/// Why a value cannot be the value of a property, or the other way about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertyError {
    /// There is none, and the Rust type has no room for that.
    #[error("there is no value: make the field an `Option`, or give it `#[model(default = …)]`")]
    Missing,
    /// It is of another type.
    #[error("a value of type {} was expected, but it is of type {found}", expected.name())]
    Type {
        /// What was expected.
        expected: TypeTag,
        /// What it is.
        found: TypeTag,
    },
    /// It is of the right type and still not one.
    #[error("{0}")]
    Invalid(String),
}

impl PropertyError {
    /// A value that is of the right type and still not one, with the reason.
    pub fn invalid(reason: impl fmt::Display) -> Self {
        PropertyError::Invalid(reason.to_string())
    }

    /// A value that is not of the type that was expected.
    pub fn unexpected(expected: TypeTag, found: ValueRef<'_>) -> Self {
        match found.type_of() {
            None => PropertyError::Missing,
            Some(found) => PropertyError::Type { expected, found },
        }
    }
}

/// What can be stored as a value, and be given for a parameter of a query.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value that a query or a property can have",
    note = "integers of up to 64 bits with a sign, `f64`, `Decimal`, `bool`, `&str`, `String`, `Timestamp`, `Uuid`, `Ulid`, \
            `Ref<M>`, views, and types with `#[derive(Property)]` are such values"
)]
pub trait ToValue {
    /// What it is to queries.
    type Kind: Kind;

    /// The value.
    ///
    /// # Errors
    /// [`PropertyError`] where the store has no such value.
    fn to_value(&self) -> Result<Value, PropertyError>;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    type Kind = T::Kind;

    fn to_value(&self) -> Result<Value, PropertyError> {
        T::to_value(self)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    type Kind = T::Kind;

    fn to_value(&self) -> Result<Value, PropertyError> {
        self.as_ref().map_or(Ok(Value::Null), T::to_value)
    }
}

/// What a field of a model can be.
///
/// `#[derive(Property)]` writes this for your own types; see the [module](self) for the types that have it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a property of a model",
    label = "not a property",
    note = "properties are `bool`, `i64` and smaller integers, `f64`, `Decimal`, `String`, `Vec<u8>`, `Timestamp`, `Uuid`, \
            `Ulid`, `Ref<M>`, `Text`, `serde_json::Value`, `Json<T>`, `Option` of each but `Text`",
    note = "for a type of your own write `#[derive(Property)]`"
)]
pub trait Property: ToValue + Clone + fmt::Debug + Send + Sync + 'static {
    /// What a getter gives: the value itself where it is small, else a reference.
    type Get<'a>
    where
        Self: 'a;

    /// Whether null is one of its values.
    const OPTIONAL: bool = false;

    /// Whether it is collaborative text.
    const COLLABORATIVE: bool = false;

    /// What a getter gives.
    fn get(&self) -> Self::Get<'_>;

    /// Reads a value. Null is [`PropertyError::Missing`] unless the type is optional.
    ///
    /// # Errors
    /// [`PropertyError`] where the type has no such value.
    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError>;

    /// What the type alone says of a property.
    #[doc(hidden)]
    const __SCHEMA: PropertySchema = PropertySchema {
        name: "",
        defined_as: "",
        property_type: <Self::Kind as Kind>::TYPE,
        collaborative: Self::COLLABORATIVE,
        key: false,
        required: !Self::OPTIONAL && !Self::COLLABORATIVE,
        default: None,
        former: None,
    };

    #[doc(hidden)]
    fn __value(&self, field: &'static str) -> Result<Value, FieldError> {
        self.to_value().map_err(|problem| FieldError { field, problem })
    }

    /// The field of a value; none is null.
    #[doc(hidden)]
    #[inline]
    fn __read(value: Option<ValueRef<'_>>, field: &'static str) -> Result<Self, FieldError> {
        Self::from_value(value.unwrap_or(ValueRef::Null)).map_err(|problem| FieldError { field, problem })
    }

    /// The field of a value; its default where the value is null.
    #[doc(hidden)]
    #[inline]
    fn __read_or(
        value: Option<ValueRef<'_>>,
        field: &'static str,
        default: impl FnOnce() -> Self,
    ) -> Result<Self, FieldError> {
        match value {
            None | Some(ValueRef::Null) => Ok(default()),
            value => Self::__read(value, field),
        }
    }

    #[doc(hidden)]
    fn __copy(&self) -> Self {
        self.clone()
    }

    #[doc(hidden)]
    fn __debug(&self) -> &dyn fmt::Debug {
        self
    }

    #[doc(hidden)]
    fn __same(&self, other: &Self) -> bool {
        self.to_value() == other.to_value()
    }
}

/// A property with one value that is never null, and of which the last write wins: what can be optional, and a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be neither optional nor a key",
    note = "`Text` changes in place and is empty where it was never written; an `Option` may be null"
)]
pub trait Scalar: Property {}

impl<T: Scalar> Property for Option<T> {
    type Get<'a> = Option<T::Get<'a>>;
    const OPTIONAL: bool = true;

    fn get(&self) -> Self::Get<'_> {
        self.as_ref().map(T::get)
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        match value {
            ValueRef::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}
