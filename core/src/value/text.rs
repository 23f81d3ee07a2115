//! The text form of values: what the terminal shows, what CSV holds, and what a cast to `string` gives.
//!
//! | type | form |
//! |---|---|
//! | `bool` | `true`, `false` |
//! | `i64` | `-12` |
//! | `f64` | the shortest that reads back, always marked as a float: `1.0`, `1e16`, `NaN`, `Infinity`, `-Infinity` |
//! | `decimal` | plain, without trailing zeros: `0.99` |
//! | `string` | itself |
//! | `bytes` | `\x00ff` |
//! | `timestamp` | `2020-01-31 23:59:59.25`, see [`super::timestamp`] |
//! | `uuid` | `67e55044-10b1-426f-9247-bb680e5fe0c8` |
//! | `ulid`, `ref` | 26 characters of Crockford base 32 |
//! | `json` | the canonical document, see [`super::json`] |

use std::fmt;

use rust_decimal::Decimal;

use crate::id::{EntityId, OpId};

use super::borrowed::ValueRef;
use super::domain::DomainError;
use super::timestamp::{self, TimestampProblem};
use super::types::{TypeTag, Value, ValueType};

impl fmt::Display for Value {
    /// The text form; null is `null`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Display for ValueRef<'_> {
    /// The text form; null is `null`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueRef::Null => f.write_str("null"),
            ValueRef::Bool(value) => write!(f, "{value}"),
            ValueRef::Int(value) => write!(f, "{value}"),
            ValueRef::Float(value) if value.is_infinite() => {
                f.write_str(if *value < 0.0 { "-Infinity" } else { "Infinity" })
            }
            ValueRef::Float(value) => write!(f, "{value:?}"),
            ValueRef::Decimal(value) => write_decimal(*value, f),
            ValueRef::String(value) | ValueRef::Json(value) => f.write_str(value),
            ValueRef::Bytes(value) => {
                f.write_str("\\x")?;
                value.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            ValueRef::Timestamp(value) => write!(f, "{value}"),
            ValueRef::Uuid(value) => write!(f, "{}", uuid::Uuid::from_u128(*value).as_hyphenated()),
            ValueRef::Ulid(value) => write!(f, "{}", OpId::from_bits(*value)),
            ValueRef::Ref(value) => write!(f, "{value}"),
        }
    }
}

/// The digits of a decimal, without trailing zeros after the point. Most fit into 64 bits, which is much quicker.
fn write_decimal(value: Decimal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Ok(mut digits) = u64::try_from(value.mantissa().unsigned_abs()) else {
        return write!(f, "{}", value.normalize());
    };
    let mut scale = value.scale();
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    if value.is_sign_negative() && digits != 0 {
        f.write_str("-")?;
    }
    match 10_u64.checked_pow(scale) {
        Some(1) => write!(f, "{digits}"),
        Some(unit) => {
            let places = usize::try_from(scale).unwrap_or_default();
            write!(f, "{}.{:0places$}", digits / unit, digits % unit)
        }
        None => {
            let places = usize::try_from(scale).unwrap_or_default();
            write!(f, "0.{digits:0places$}")
        }
    }
}

/// What is wrong with a text that should be a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseProblem {
    /// Another shape.
    #[error("expected {0}")]
    Shape(&'static str),
    /// Beyond the greatest or smallest value of the type.
    #[error("it is out of range")]
    Range,
    /// More digits than a decimal holds.
    #[error("a decimal holds 28 digits")]
    Digits,
    /// Not a timestamp.
    #[error(transparent)]
    Timestamp(#[from] TimestampProblem),
    /// Not a value of the domain.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// A text that is not a value of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {expected}: {problem}")]
pub struct ValueParseError {
    /// The text, cut to 64 characters. It is data: escape it where it is shown.
    pub text: String,
    /// The type that was wanted.
    pub expected: TypeTag,
    /// What is wrong.
    pub problem: ParseProblem,
}

/// Reads the text form of a value, with the latitude of PostgreSQL's input functions: white space around
/// anything but strings, `t`, `yes`, `on` and `1` for booleans, `inf`, exponents of decimals.
///
/// # Errors
/// [`ValueParseError`] where the text is not a value of the type; nothing is rounded to make it one, but
/// timestamps to the microsecond and floats to the nearest.
pub fn parse(text: &str, value_type: ValueType) -> Result<Value, ValueParseError> {
    let tag = value_type.tag();
    parse_as(text, tag).map_err(|problem| {
        let mut shown: String = text.chars().take(64).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        ValueParseError { text: shown, expected: tag, problem }
    })
}

fn parse_as(text: &str, tag: TypeTag) -> Result<Value, ParseProblem> {
    let trimmed = text.trim();
    match tag {
        TypeTag::Bool => parse_bool(trimmed),
        TypeTag::Int => parse_int(trimmed),
        TypeTag::Float => parse_float(trimmed),
        TypeTag::Decimal => parse_decimal(trimmed).map(Value::Decimal),
        TypeTag::String => Ok(Value::string(text)?),
        TypeTag::Bytes => parse_bytes(trimmed),
        TypeTag::Timestamp => Ok(Value::Timestamp(timestamp::parse(trimmed)?)),
        TypeTag::Uuid => uuid::Uuid::try_parse(trimmed)
            .map(|uuid| Value::Uuid(uuid.as_u128()))
            .map_err(|_| ParseProblem::Shape("a form like 67e55044-10b1-426f-9247-bb680e5fe0c8")),
        TypeTag::Ulid => parse_id(trimmed).map(|id| Value::Ulid(id.bits())),
        TypeTag::Ref => parse_id(trimmed).map(|id| Value::Ref(EntityId(id))),
        TypeTag::Json => Ok(Value::json(text)?),
    }
}

fn parse_id(text: &str) -> Result<OpId, ParseProblem> {
    text.parse().map_err(|_| ParseProblem::Shape("26 characters of Crockford base 32"))
}

fn parse_bool(text: &str) -> Result<Value, ParseProblem> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Value::Bool(true)),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(Value::Bool(false)),
        _ => Err(ParseProblem::Shape("true or false")),
    }
}

/// Whether the text is an optional sign and digits.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_int(text: &str) -> Result<Value, ParseProblem> {
    if !is_integer(text) {
        return Err(ParseProblem::Shape("digits"));
    }
    text.parse().map(Value::Int).map_err(|_| ParseProblem::Range)
}

fn parse_float(text: &str) -> Result<Value, ParseProblem> {
    let float: f64 = text.parse().map_err(|_| ParseProblem::Shape("a number"))?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or("");
    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let not_zero = mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if (float.is_infinite() && has_digits) || (float == 0.0 && not_zero) {
        return Err(ParseProblem::Range);
    }
    Ok(Value::float(float))
}

/// Reads a decimal exactly: sign, digits with or without a point, exponent.
pub(super) fn parse_decimal(text: &str) -> Result<Decimal, ParseProblem> {
    let shape = ParseProblem::Shape("a number");
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        None => (unsigned, 0i64),
        Some((_, exponent)) if !is_integer(exponent) => return Err(shape),
        // Too long an exponent saturates: the number is then zero or out of range.
        Some((mantissa, exponent)) if exponent.starts_with('-') => {
            (mantissa, exponent.parse().unwrap_or(i64::MIN / 2))
        }
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(i64::MAX / 2)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(shape);
    }
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX / 4);
    // The number is significant × 10^power.
    let power = exponent.clamp(-1_000_000_000, 1_000_000_000) - length(fraction)
        + (length(digits) - length(significant));
    if length(significant) + power > 29 {
        return Err(ParseProblem::Range);
    }
    if significant.len() > 29 || power < -28 {
        return Err(ParseProblem::Digits);
    }
    let mut number: i128 = significant.parse().map_err(|_| ParseProblem::Digits)?;
    for _ in 0..power {
        number = number.checked_mul(10).ok_or(ParseProblem::Range)?;
    }
    let signed = if text.starts_with('-') { -number } else { number };
    let scale = u32::try_from((-power).max(0)).map_err(|_| ParseProblem::Digits)?;
    let too_long = if power >= 0 { ParseProblem::Range } else { ParseProblem::Digits };
    Decimal::try_from_i128_with_scale(signed, scale).map_err(|_| too_long)
}

fn parse_bytes(text: &str) -> Result<Value, ParseProblem> {
    let shape = ParseProblem::Shape("`\\x` and pairs of hexadecimal digits");
    let Some(digits) = text.strip_prefix("\\x").or_else(|| text.strip_prefix("\\X")) else {
        return Err(shape);
    };
    let nibbles: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let Some(nibbles) = nibbles.filter(|nibbles| nibbles.len() % 2 == 0) else {
        return Err(shape);
    };
    let bytes: Result<Vec<u8>, _> = nibbles
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |sum, n| sum * 16 + n)))
        .collect();
    bytes.map(Value::bytes).map_err(|_| shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ModelId;
    use crate::value::testing::{any_type, value_of};
    use proptest::prelude::*;

    const MODEL: ModelId = ModelId(OpId::MIN);

    fn check(text: &str, value_type: ValueType, shown: &str) {
        let value = parse(text, value_type);
        assert_eq!(value.map(|value| value.to_string()).as_deref(), Ok(shown), "{text} as {value_type}");
    }

    fn check_error(text: &str, value_type: ValueType, message: &str) {
        let error = parse(text, value_type).expect_err(text);
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn forms() {
        use ValueType::*;
        for (text, value_type, shown) in [
            ("true", Bool, "true"),
            (" F ", Bool, "false"),
            ("On", Bool, "true"),
            ("-0012", Int, "-12"),
            (" 9223372036854775807 ", Int, "9223372036854775807"),
            ("1", Float, "1.0"),
            ("-0", Float, "0.0"),
            (".5", Float, "0.5"),
            ("1e16", Float, "1e16"),
            ("123456789.125", Float, "123456789.125"),
            ("nan", Float, "NaN"),
            ("-inf", Float, "-Infinity"),
            ("Infinity", Float, "Infinity"),
            ("1.500", Decimal, "1.5"),
            ("-0.00", Decimal, "0"),
            ("1e3", Decimal, "1000"),
            ("12.5e-2", Decimal, "0.125"),
            ("0e999999999999999999999", Decimal, "0"),
            ("79228162514264337593543950335", Decimal, "79228162514264337593543950335"),
            ("0.0000000000000000000000000001", Decimal, "0.0000000000000000000000000001"),
            (" padded ", String, " padded "),
            ("\\x00FF", Bytes, "\\x00ff"),
            ("\\x", Bytes, "\\x"),
            ("2020-01-31", Timestamp, "2020-01-31 00:00:00"),
            ("67E5504410B1426F9247BB680E5FE0C8", Uuid, "67e55044-10b1-426f-9247-bb680e5fe0c8"),
            ("01arz3ndektsv4rrffq69g5fav", Ulid, "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("{\"b\":1.0, \"a\":2}", Json, "{\"a\":2,\"b\":1}"),
        ] {
            check(text, value_type, shown);
        }
    }

    #[test]
    fn messages() {
        use ValueType::*;
        for (text, value_type, message) in [
            ("maybe", Bool, "`maybe` is not a valid bool: expected true or false"),
            ("1.5", Int, "`1.5` is not a valid i64: expected digits"),
            ("9223372036854775808", Int, "`9223372036854775808` is not a valid i64: it is out of range"),
            ("1e400", Float, "`1e400` is not a valid f64: it is out of range"),
            ("1e-400", Float, "`1e-400` is not a valid f64: it is out of range"),
            ("", Float, "`` is not a valid f64: expected a number"),
            ("1e29", Decimal, "`1e29` is not a valid decimal: it is out of range"),
            (
                "1e99999999999999999999",
                Decimal,
                "`1e99999999999999999999` is not a valid decimal: it is out of range",
            ),
            ("1e-29", Decimal, "`1e-29` is not a valid decimal: a decimal holds 28 digits"),
            (".", Decimal, "`.` is not a valid decimal: expected a number"),
            ("1e", Decimal, "`1e` is not a valid decimal: expected a number"),
            (
                "a\0",
                String,
                "`a\0` is not a valid string: a string cannot contain the character U+0000 (at byte 1)",
            ),
            ("\\x0", Bytes, "`\\x0` is not a valid bytes: expected `\\x` and pairs of hexadecimal digits"),
            ("2020-02-30", Timestamp, "`2020-02-30` is not a valid timestamp: there is no such date"),
            ("1", Uuid, "`1` is not a valid uuid: expected a form like 67e55044-10b1-426f-9247-bb680e5fe0c8"),
            (
                "81ARZ3NDEKTSV4RRFFQ69G5FAV",
                Ulid,
                "`81ARZ3NDEKTSV4RRFFQ69G5FAV` is not a valid ulid: expected 26 characters of Crockford base 32",
            ),
            ("{", Json, "`{` is not a valid json: invalid json: expected a key in double quotes at byte 1"),
        ] {
            check_error(text, value_type, message);
        }
        let long = parse(&"x".repeat(1000), Int).unwrap_err();
        assert_eq!(long.text.chars().count(), 65);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn decimals_are_written_as_their_normal_form(
            mantissa in prop_oneof![any::<i64>().prop_map(i128::from), -1000..1000_i128, any::<i64>().prop_map(|n| i128::from(n) << 32)],
            scale in 0..29_u32,
        ) {
            if let Ok(decimal) = Decimal::try_from_i128_with_scale(mantissa, scale) {
                prop_assert_eq!(Value::Decimal(decimal).to_string(), decimal.normalize().to_string());
            }
        }


        #[test]
        fn reads_what_it_shows((tag, value) in any_type().prop_flat_map(|tag| (Just(tag), value_of(tag)))) {
            prop_assert_eq!(parse(&value.to_string(), tag.of(MODEL)), Ok(value));
        }

        #[test]
        fn never_panics(text in "\\PC{0,20}|[-+0-9.eE\\\\x]{0,40}", tag in any_type()) {
            let _ = parse(&text, tag.of(MODEL));
        }
    }
}
