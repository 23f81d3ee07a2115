//! Properties of Rust's own types and of those of value types that the crate gives on.

use std::time::{Duration, SystemTime};

use ankurah_core::value::{Timestamp, TypeTag, Value, ValueRef};
use rust_decimal::Decimal;
use ulid::Ulid;
use uuid::Uuid;

use super::{Property, PropertyError, Scalar, ToValue, kind};

/// A type that is copied out of its value.
macro_rules! copied {
    ($($type:ty, $kind:ident, $tag:ident, $to:expr, $from:expr;)*) => {
        $(
            impl ToValue for $type {
                type Kind = kind::$kind;

                fn to_value(&self) -> Result<Value, PropertyError> {
                    let to: fn($type) -> Value = $to;
                    Ok(to(*self))
                }
            }

            impl Property for $type {
                type Get<'a> = $type;

                fn get(&self) -> $type {
                    *self
                }

                fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
                    match value {
                        ValueRef::$tag(value) => Ok($from(value)),
                        other => Err(PropertyError::unexpected(TypeTag::$tag, other)),
                    }
                }
            }

            impl Scalar for $type {}
        )*
    };
}

copied! {
    bool, Bool, Bool, Value::Bool, std::convert::identity;
    i64, Int, Int, Value::Int, std::convert::identity;
    f64, Float, Float, Value::float, std::convert::identity;
    Decimal, Decimal, Decimal, Value::decimal, std::convert::identity;
    Timestamp, Timestamp, Timestamp, Value::Timestamp, std::convert::identity;
    Uuid, Uuid, Uuid, |uuid| Value::Uuid(uuid.as_u128()), Uuid::from_u128;
    Ulid, Ulid, Ulid, |ulid| Value::Ulid(ulid.0), Ulid;
}

/// An integer that fits into an `i64`.
macro_rules! integers {
    ($($type:ty)*) => {
        $(
            impl ToValue for $type {
                type Kind = kind::Int;

                fn to_value(&self) -> Result<Value, PropertyError> {
                    Ok(Value::Int(i64::from(*self)))
                }
            }

            impl Property for $type {
                type Get<'a> = $type;

                fn get(&self) -> $type {
                    *self
                }

                fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
                    match value {
                        ValueRef::Int(value) => <$type>::try_from(value).map_err(|_| {
                            PropertyError::Invalid(format!("{value} does not fit into {}", stringify!($type)))
                        }),
                        other => Err(PropertyError::unexpected(TypeTag::Int, other)),
                    }
                }
            }

            impl Scalar for $type {}
        )*
    };
}

integers! { i32 i16 i8 u32 u16 u8 }

/// An integer that may not fit, as a parameter alone.
macro_rules! wide_integers {
    ($($type:ty)*) => {
        $(
            impl ToValue for $type {
                type Kind = kind::Int;

                fn to_value(&self) -> Result<Value, PropertyError> {
                    i64::try_from(*self)
                        .map(Value::Int)
                        .map_err(|_| PropertyError::Invalid(format!("{self} does not fit into i64")))
                }
            }
        )*
    };
}

wide_integers! { u64 usize isize }

fn string(text: &str) -> Result<Value, PropertyError> {
    Value::string(text).map_err(PropertyError::invalid)
}

impl ToValue for str {
    type Kind = kind::String;

    fn to_value(&self) -> Result<Value, PropertyError> {
        string(self)
    }
}

impl ToValue for String {
    type Kind = kind::String;

    fn to_value(&self) -> Result<Value, PropertyError> {
        string(self)
    }
}

impl Property for String {
    type Get<'a> = &'a str;

    fn get(&self) -> &str {
        self
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        match value {
            ValueRef::String(text) => Ok(text.to_owned()),
            other => Err(PropertyError::unexpected(TypeTag::String, other)),
        }
    }
}

impl Scalar for String {}

impl ToValue for [u8] {
    type Kind = kind::Bytes;

    fn to_value(&self) -> Result<Value, PropertyError> {
        Ok(Value::bytes(self))
    }
}

impl ToValue for Vec<u8> {
    type Kind = kind::Bytes;

    fn to_value(&self) -> Result<Value, PropertyError> {
        Ok(Value::bytes(self.as_slice()))
    }
}

impl Property for Vec<u8> {
    type Get<'a> = &'a [u8];

    fn get(&self) -> &[u8] {
        self
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        match value {
            ValueRef::Bytes(bytes) => Ok(bytes.to_vec()),
            other => Err(PropertyError::unexpected(TypeTag::Bytes, other)),
        }
    }
}

impl Scalar for Vec<u8> {}

impl ToValue for SystemTime {
    type Kind = kind::Timestamp;

    /// Rounded down to microseconds.
    fn to_value(&self) -> Result<Value, PropertyError> {
        let out = || PropertyError::invalid("the time is out of range");
        let micros = match self.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).map_err(|_| out())?,
            Err(before) => {
                let micros = before.duration().as_nanos().div_ceil(1_000);
                i64::try_from(micros).ok().and_then(i64::checked_neg).ok_or_else(out)?
            }
        };
        Ok(Value::timestamp(micros))
    }
}

impl Property for SystemTime {
    type Get<'a> = SystemTime;

    fn get(&self) -> SystemTime {
        *self
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        let ValueRef::Timestamp(Timestamp(micros)) = value else {
            return Err(PropertyError::unexpected(TypeTag::Timestamp, value));
        };
        let distance = Duration::from_micros(micros.unsigned_abs());
        let time = match micros < 0 {
            true => SystemTime::UNIX_EPOCH.checked_sub(distance),
            false => SystemTime::UNIX_EPOCH.checked_add(distance),
        };
        time.ok_or_else(|| PropertyError::invalid("the time is out of the system's range"))
    }
}

impl Scalar for SystemTime {}
