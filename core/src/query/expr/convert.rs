//! Conversions between types.

use super::Place;
use crate::query::error::{EvalError, EvalErrorKind};
use crate::value::{self, CastError, Value, ValueType};

/// The value as one of another type; null stays null.
pub(crate) fn cast(value: &Value, to: ValueType, place: Place) -> Result<Value, EvalError> {
    value::cast(value, to).map_err(|error| {
        place.error(match error {
            CastError::Range { value, to } => {
                EvalErrorKind::Overflow { operation: format!("the conversion of {value} to {to}") }
            }
            other @ (CastError::NoCast { .. } | CastError::Parse(_) | CastError::Json { .. }) => {
                EvalErrorKind::InvalidValue(other.to_string())
            }
        })
    })
}

/// The text form of a value.
pub(super) fn text(value: &Value) -> String {
    value.to_string()
}
