//! Casts between types, with PostgreSQL's meaning.
//!
//! - Anything has a text form, and a string is read as any type.
//! - `i64`, `f64` and `decimal` become one another; too large a number is an error. A decimal becomes an
//!   integer by rounding halves away from zero, a float by rounding halves to even. A float becomes a decimal
//!   by its 15 leading digits, of which places beyond the 28th are rounded away; one that would become zero by that
//!   is too small, which is an error. NaN and the infinities become neither.
//! - `bool` and `i64` become one another: 0 is false, all else is true.
//! - `uuid`, `ulid` and `ref` become one another by their number.
//! - A JSON scalar becomes the number or truth value that it is; `null` becomes null.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::id::{EntityId, OpId};

use super::text::{self, ParseProblem, ValueParseError};
use super::types::{TypeTag, Value, ValueType};

/// Why a value has no counterpart in another type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CastError {
    /// There is no cast between the types.
    #[error("cannot cast {from} to {to}")]
    NoCast {
        /// The value's type.
        from: TypeTag,
        /// The wanted type.
        to: TypeTag,
    },
    /// The wanted type has no such number.
    #[error("{value} is out of range for {to}")]
    Range {
        /// The value, as text.
        value: String,
        /// The wanted type.
        to: TypeTag,
    },
    /// The text is not a value of the wanted type.
    #[error(transparent)]
    Parse(#[from] ValueParseError),
    /// A JSON document of another kind than the wanted type.
    #[error("the json document holds no {to}")]
    Json {
        /// The wanted type.
        to: TypeTag,
    },
}

/// Whether there is a cast between two types at all.
pub fn is_castable(from: TypeTag, to: TypeTag) -> bool {
    use TypeTag::{Bool, Decimal, Float, Int, Json, Ref, String, Ulid, Uuid};
    from == to
        || matches!(
            (from, to),
            (String, _)
                | (_, String)
                | (Int | Float | Decimal, Int | Float | Decimal)
                | (Bool, Int)
                | (Int, Bool)
                | (Uuid | Ulid | Ref, Uuid | Ulid | Ref)
                | (Json, Bool | Int | Float | Decimal)
        )
}

/// The value as one of another type. Null stays null.
///
/// # Errors
/// [`CastError`].
pub fn cast(value: &Value, to: ValueType) -> Result<Value, CastError> {
    let to_tag = to.tag();
    let Some(from) = value.type_of() else {
        return Ok(Value::Null);
    };
    let range = || CastError::Range { value: value.to_string(), to: to_tag };
    Ok(match (value, to_tag) {
        _ if from == to_tag => value.clone(),
        (_, TypeTag::String) => Value::String(value.to_string().into()),
        (Value::String(text), _) => text::parse(text, to)?,
        (Value::Int(int), TypeTag::Float) => Value::Float(int_to_float(*int)),
        (Value::Int(int), TypeTag::Decimal) => Value::Decimal(Decimal::from(*int)),
        (Value::Int(int), TypeTag::Bool) => Value::Bool(*int != 0),
        (Value::Bool(value), TypeTag::Int) => Value::Int(i64::from(*value)),
        (Value::Decimal(decimal), TypeTag::Int) => {
            decimal_to_int(*decimal).map(Value::Int).ok_or_else(range)?
        }
        (Value::Decimal(decimal), TypeTag::Float) => Value::Float(decimal_to_float(*decimal)),
        (Value::Float(float), TypeTag::Int) => float_to_int(*float).map(Value::Int).ok_or_else(range)?,
        (Value::Float(float), TypeTag::Decimal) => {
            float_to_decimal(*float).map(Value::decimal).ok_or_else(range)?
        }
        (Value::Uuid(_) | Value::Ulid(_) | Value::Ref(_), _) => {
            cast_number(value, to_tag).ok_or(CastError::NoCast { from, to: to_tag })?
        }
        (Value::Json(json), TypeTag::Bool | TypeTag::Int | TypeTag::Float | TypeTag::Decimal) => {
            cast_json(json, to)?
        }
        _ => return Err(CastError::NoCast { from, to: to_tag }),
    })
}

fn cast_number(value: &Value, to: TypeTag) -> Option<Value> {
    let number = match value {
        Value::Uuid(number) | Value::Ulid(number) => *number,
        Value::Ref(entity) => entity.0.bits(),
        _ => return None,
    };
    match to {
        TypeTag::Uuid => Some(Value::Uuid(number)),
        TypeTag::Ulid => Some(Value::Ulid(number)),
        TypeTag::Ref => Some(Value::Ref(EntityId(OpId::from_bits(number)))),
        _ => None,
    }
}

fn cast_json(json: &str, to: ValueType) -> Result<Value, CastError> {
    let tag = to.tag();
    let is_number = json.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match json {
        "null" => Ok(Value::Null),
        "true" if tag == TypeTag::Bool => Ok(Value::Bool(true)),
        "false" if tag == TypeTag::Bool => Ok(Value::Bool(false)),
        number if is_number && tag == TypeTag::Int => {
            // Through a decimal, to round as from one. Digits beyond those of a decimal cannot matter to it
            // unless it is out of range.
            match text::parse_decimal(number) {
                Ok(decimal) => cast(&Value::Decimal(decimal), to),
                Err(ParseProblem::Digits) => cast(&text::parse(number, ValueType::Float)?, to),
                Err(_) => Err(CastError::Range { value: number.to_owned(), to: tag }),
            }
        }
        number if is_number && tag != TypeTag::Bool => Ok(text::parse(number, to)?),
        _ => Err(CastError::Json { to: tag }),
    }
}

/// The nearest float.
#[allow(clippy::cast_precision_loss, reason = "rounding to the nearest is the meaning")]
pub fn int_to_float(int: i64) -> f64 {
    int as f64
}

/// The nearest float.
pub fn decimal_to_float(decimal: Decimal) -> f64 {
    // Reading the text rounds once; converting digits and scale apart would round twice.
    decimal.to_string().parse().unwrap_or(f64::NAN)
}

/// The nearest integer, halves to even; `None` out of range and for NaN.
pub fn float_to_int(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let rounded = float.round_ties_even();
    if (-LIMIT..LIMIT).contains(&rounded) {
        #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
        Some(rounded as i64)
    } else {
        None
    }
}

/// The decimal of the float's 15 leading digits; `None` out of range, for NaN and the infinities, and where nothing
/// but zero would be left of it.
pub fn float_to_decimal(float: f64) -> Option<Decimal> {
    if !float.is_finite() {
        return None;
    }
    let text = format!("{float:.14e}");
    match text::parse_decimal(&text) {
        Ok(decimal) => Some(decimal),
        // Places beyond the 28th are rounded away.
        Err(ParseProblem::Digits) => {
            let plain = format!("{float:.28}");
            text::parse_decimal(&plain).ok().filter(|decimal| !decimal.is_zero())
        }
        Err(_) => None,
    }
}

/// The nearest integer, halves away from zero; `None` out of range.
pub fn decimal_to_int(decimal: Decimal) -> Option<i64> {
    decimal.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ModelId;
    use crate::value::testing::any_value;
    use proptest::prelude::*;

    fn types() -> Vec<ValueType> {
        let mut types = ValueType::PLAIN.to_vec();
        types.push(ValueType::Ref(ModelId(OpId::MIN)));
        types.sort_by_key(|value_type| value_type.tag());
        types
    }

    fn dec(text: &str) -> Value {
        text::parse(text, ValueType::Decimal).unwrap()
    }

    fn json(text: &str) -> Value {
        Value::json(text).unwrap()
    }

    #[test]
    fn values() {
        let string = |text: &str| Value::String(text.into());
        for (value, to, expected) in [
            (dec("2.5"), ValueType::Int, Value::Int(3)),
            (dec("-2.5"), ValueType::Int, Value::Int(-3)),
            (dec("2.4999"), ValueType::Int, Value::Int(2)),
            (Value::Float(2.5), ValueType::Int, Value::Int(2)),
            (Value::Float(3.5), ValueType::Int, Value::Int(4)),
            (Value::Float(-0.5), ValueType::Int, Value::Int(0)),
            (Value::Float(-9_223_372_036_854_775_808.0), ValueType::Int, Value::Int(i64::MIN)),
            (Value::Float(0.1), ValueType::Decimal, dec("0.1")),
            (Value::Float(1.0 / 3.0), ValueType::Decimal, dec("0.333333333333333")),
            (Value::Float(123_456_789_012_345_678.0), ValueType::Decimal, dec("123456789012346000")),
            (Value::Float(0.0), ValueType::Decimal, dec("0")),
            (Value::Float(1e-28), ValueType::Decimal, dec("0.0000000000000000000000000001")),
            (Value::Float(1.26e-27), ValueType::Decimal, dec("0.0000000000000000000000000013")),
            (Value::Float(0.6e-28), ValueType::Decimal, dec("0.0000000000000000000000000001")),
            (dec("0.1"), ValueType::Float, Value::Float(0.1)),
            (Value::Int(7), ValueType::Decimal, dec("7")),
            (Value::Int(-7), ValueType::Bool, Value::Bool(true)),
            (Value::Bool(true), ValueType::Int, Value::Int(1)),
            (Value::Bool(true), ValueType::String, string("true")),
            (Value::Float(1.0), ValueType::String, string("1.0")),
            (string(" 12 "), ValueType::Int, Value::Int(12)),
            (string("[1, 2]"), ValueType::Json, json("[1,2]")),
            (Value::Ulid(5), ValueType::Uuid, Value::Uuid(5)),
            (Value::Ref(EntityId(OpId::from_bits(9))), ValueType::Ulid, Value::Ulid(9)),
            (json("2.5"), ValueType::Int, Value::Int(3)),
            (json("0.123456789012345678901234567890123"), ValueType::Int, Value::Int(0)),
            (json("1e2"), ValueType::Decimal, dec("100")),
            (json("true"), ValueType::Bool, Value::Bool(true)),
            (json("null"), ValueType::Int, Value::Null),
            (json("\"a\""), ValueType::String, string("\"a\"")),
            (Value::Null, ValueType::Int, Value::Null),
        ] {
            assert_eq!(cast(&value, to), Ok(expected), "{value:?} to {to}");
        }
    }

    #[test]
    fn errors() {
        for (value, to, message) in [
            (dec("9223372036854775807.5"), ValueType::Int, "9223372036854775807.5 is out of range for i64"),
            (Value::Float(9.3e18), ValueType::Int, "9.3e18 is out of range for i64"),
            (Value::Float(f64::NAN), ValueType::Int, "NaN is out of range for i64"),
            (Value::Float(1e30), ValueType::Decimal, "1e30 is out of range for decimal"),
            (Value::Float(1e-30), ValueType::Decimal, "1e-30 is out of range for decimal"),
            (Value::Float(-1e-300), ValueType::Decimal, "-1e-300 is out of range for decimal"),
            (Value::Float(f64::INFINITY), ValueType::Decimal, "Infinity is out of range for decimal"),
            (Value::Bool(true), ValueType::Float, "cannot cast bool to f64"),
            (Value::timestamp(0), ValueType::Int, "cannot cast timestamp to i64"),
            (json("[]"), ValueType::Int, "the json document holds no i64"),
            (json("1"), ValueType::Bool, "the json document holds no bool"),
            (json("1e30"), ValueType::Int, "1e30 is out of range for i64"),
            (Value::String("x".into()), ValueType::Int, "`x` is not a valid i64: expected digits"),
        ] {
            assert_eq!(
                cast(&value, to).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{value:?}"
            );
        }
    }

    #[test]
    fn every_pair_is_said_to_be_castable_or_not() {
        assert_eq!(types().iter().map(|value_type| value_type.tag()).collect::<Vec<_>>(), TypeTag::ALL);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn casts_give_the_type_or_an_error(value in any_value(), index in 0usize..11) {
            let to = types()[index];
            let result = cast(&value, to);
            if let Some(from) = value.type_of() {
                prop_assert_eq!(matches!(result, Err(CastError::NoCast { .. })), !is_castable(from, to.tag()));
            }
            if let Ok(result) = result {
                prop_assert!(result.is_of(to));
                prop_assert_eq!(result.clone().normalized(), Ok(result));
            }
        }
    }
}
