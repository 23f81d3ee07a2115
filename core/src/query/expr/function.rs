//! The built-in functions.

use std::borrow::Cow;
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::arithmetic::{decimal_value, float_value};
use super::date::{self, DateField};
use super::text::{self, Ends};
use super::{Comparison, Expr, Place, convert, eval, json};
use crate::query::error::{EvalError, EvalErrorKind};
use crate::turn::touch;
use crate::value::Value;

/// A function of values. Unless said otherwise the result is null where an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Function {
    Abs,
    Ceiling,
    /// The first argument that is not null; the others are not computed.
    Coalesce,
    /// The text forms of all arguments that are not null.
    Concat,
    /// The same with the first argument between.
    ConcatWith,
    DatePart(DateField),
    DateTruncate(DateField),
    Exponential,
    Floor,
    /// The greatest argument that is not null.
    Greatest,
    JsonArrayLength,
    JsonKind,
    /// A document with a value at a path, which is a JSON array of keys and numbers.
    JsonSet,
    /// The least argument that is not null.
    Least,
    Left,
    Length,
    Lower,
    NaturalLogarithm,
    /// Null where the two are equal, otherwise the first.
    NullIf,
    OctetLength,
    PadLeft,
    PadRight,
    Position,
    Power,
    Repeat,
    Replace,
    Reverse,
    Right,
    Round,
    Sign,
    SplitPart,
    SquareRoot,
    StartsWith,
    Substring,
    Trim,
    TrimLeft,
    TrimRight,
    Truncate,
    /// The name of a type: never null.
    TypeOf,
    Upper,
}

impl Function {
    /// The function's name in the language.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Ceiling => "ceil",
            Self::Coalesce => "coalesce",
            Self::Concat => "concat",
            Self::ConcatWith => "concat_ws",
            Self::DatePart(_) => "date_part",
            Self::DateTruncate(_) => "date_trunc",
            Self::Exponential => "exp",
            Self::Floor => "floor",
            Self::Greatest => "greatest",
            Self::JsonArrayLength => "json_array_length",
            Self::JsonKind => "json_typeof",
            Self::JsonSet => "json_set",
            Self::Least => "least",
            Self::Left => "left",
            Self::Length => "length",
            Self::Lower => "lower",
            Self::NaturalLogarithm => "ln",
            Self::NullIf => "nullif",
            Self::OctetLength => "octet_length",
            Self::PadLeft => "lpad",
            Self::PadRight => "rpad",
            Self::Position => "strpos",
            Self::Power => "power",
            Self::Repeat => "repeat",
            Self::Replace => "replace",
            Self::Reverse => "reverse",
            Self::Right => "right",
            Self::Round => "round",
            Self::Sign => "sign",
            Self::SplitPart => "split_part",
            Self::SquareRoot => "sqrt",
            Self::StartsWith => "starts_with",
            Self::Substring => "substr",
            Self::Trim => "trim",
            Self::TrimLeft => "ltrim",
            Self::TrimRight => "rtrim",
            Self::Truncate => "trunc",
            Self::TypeOf => "typeof",
            Self::Upper => "upper",
        }
    }
}

impl Function {
    /// Whether it is undefined for some arguments.
    pub(crate) fn can_fail(self) -> bool {
        !matches!(
            self,
            Self::Ceiling
                | Self::Coalesce
                | Self::DatePart(_)
                | Self::Floor
                | Self::Greatest
                | Self::JsonKind
                | Self::Least
                | Self::Left
                | Self::Length
                | Self::NullIf
                | Self::OctetLength
                | Self::Position
                | Self::Reverse
                | Self::Right
                | Self::Sign
                | Self::StartsWith
                | Self::Trim
                | Self::TrimLeft
                | Self::TrimRight
                | Self::TypeOf
        )
    }
}

type Evaluated<'a> = Result<Cow<'a, Value>, EvalError>;

/// The value of a call for a row.
pub(super) fn call<'a>(
    function: Function,
    args: &'a [Expr],
    row: &'a [Value],
    place: Place,
) -> Evaluated<'a> {
    match function {
        Function::Coalesce => return coalesce(args, row),
        Function::Greatest => return best(args, row, Comparison::Greater),
        Function::Least => return best(args, row, Comparison::Less),
        Function::NullIf => return null_if(args, row),
        _ => {}
    }
    let mut values = Vec::with_capacity(args.len());
    for arg in args {
        values.push(arg.eval(row)?);
    }
    of_all(function, &values, place)
}

fn coalesce<'a>(args: &'a [Expr], row: &'a [Value]) -> Evaluated<'a> {
    for arg in args {
        let value = arg.eval(row)?;
        if !matches!(*value, Value::Null) {
            return Ok(value);
        }
    }
    Ok(Cow::Owned(Value::Null))
}

fn best<'a>(args: &'a [Expr], row: &'a [Value], wanted: Comparison) -> Evaluated<'a> {
    let mut best: Option<Cow<'a, Value>> = None;
    for arg in args {
        let value = arg.eval(row)?;
        let better = match &best {
            _ if matches!(*value, Value::Null) => false,
            None => true,
            Some(best) => eval::compare(wanted, &value, best)? == Some(true),
        };
        if better {
            best = Some(value);
        }
    }
    Ok(best.unwrap_or(Cow::Owned(Value::Null)))
}

fn null_if<'a>(args: &'a [Expr], row: &'a [Value]) -> Evaluated<'a> {
    let [left, right] = args else { return Ok(Cow::Owned(Value::Null)) };
    let (left, right) = (left.eval(row)?, right.eval(row)?);
    let equal = eval::compare(Comparison::Equal, &left, &right)? == Some(true);
    Ok(if equal { Cow::Owned(Value::Null) } else { left })
}

fn of_all<'a>(function: Function, values: &[Cow<'_, Value>], place: Place) -> Evaluated<'a> {
    let values: Vec<&Value> = values.iter().map(Cow::as_ref).collect();
    let takes_null =
        matches!(function, Function::Concat | Function::ConcatWith | Function::JsonSet | Function::TypeOf);
    if !takes_null && values.iter().any(|value| matches!(value, Value::Null)) {
        return Ok(Cow::Owned(Value::Null));
    }
    touch(values.iter().map(|value| eval::length(value)).sum())?;
    let result = of_values(function, &values, place)?;
    touch(eval::length(&result))?;
    Ok(Cow::Owned(result))
}

fn string(text: impl Into<Arc<str>>) -> Value {
    Value::String(text.into())
}

fn invalid(place: Place, message: impl Into<String>) -> EvalError {
    place.error(EvalErrorKind::InvalidArgument(message.into()))
}

/// The value of a function of values that are not null where it does not take null.
fn of_values(function: Function, values: &[&Value], place: Place) -> Result<Value, EvalError> {
    Ok(match (function, values) {
        (Function::Concat, values) => joined(values, "", place)?,
        (Function::ConcatWith, [Value::String(separator), values @ ..]) => joined(values, separator, place)?,
        (Function::TypeOf, [value]) => match value.type_of() {
            Some(tag) => string(tag.name()),
            None => string("null"),
        },
        (Function::JsonSet, [document, path, value]) => json_set(document, path, value, place)?,
        (Function::JsonArrayLength, [Value::Json(text)]) => match json::array_length(text) {
            Some(length) => Value::Int(i64::try_from(length).unwrap_or(i64::MAX)),
            None => {
                let shown = json::shorten(text);
                return Err(invalid(place, format!("the JSON value {shown} is not an array")));
            }
        },
        (Function::JsonKind, [Value::Json(text)]) => string(json::kind(text)),
        (Function::DatePart(field), [Value::Timestamp(time)]) => date::part(field, *time),
        (Function::DateTruncate(field), [Value::Timestamp(time)]) => date::truncate(field, *time, place)?,
        (Function::OctetLength, [Value::Bytes(bytes)]) | (Function::Length, [Value::Bytes(bytes)]) => {
            Value::Int(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
        }
        (_, [Value::String(first), rest @ ..]) => return of_string(function, first, rest, place),
        (_, [Value::Int(_) | Value::Float(_) | Value::Decimal(_), ..]) => {
            return of_numbers(function, values, place);
        }
        _ => Value::Null,
    })
}

fn joined(values: &[&Value], separator: &str, place: Place) -> Result<Value, EvalError> {
    let mut out = String::new();
    let mut first = true;
    for value in values.iter().filter(|value| !matches!(value, Value::Null)) {
        if !std::mem::take(&mut first) {
            out.push_str(separator);
        }
        match value {
            Value::String(text) => out.push_str(text),
            other => out.push_str(&convert::text(other)),
        }
        text::check_length(out.len(), "`concat`", place)?;
    }
    Ok(string(out))
}

fn json_set(document: &Value, path: &Value, value: &Value, place: Place) -> Result<Value, EvalError> {
    let Value::Json(path) = path else { return Ok(Value::Null) };
    let Some(steps) = json::path_steps(path) else {
        return Err(invalid(place, format!("{} is no path into a JSON document", json::shorten(path))));
    };
    let document = match document {
        Value::Json(text) => text,
        _ => "null",
    };
    let text = json::set(document, &steps, &json::from_value(value)).map_err(|kind| place.error(kind))?;
    text::check_length(text.len(), "setting a part of a JSON document", place)?;
    Ok(Value::Json(text.into()))
}

fn of_string(
    function: Function,
    first: &Arc<str>,
    rest: &[&Value],
    place: Place,
) -> Result<Value, EvalError> {
    let bounded = |text: String| {
        text::check_length(text.len(), "the result", place)?;
        Ok(string(text))
    };
    Ok(match (function, rest) {
        (Function::Lower, []) => return bounded(first.chars().flat_map(char::to_lowercase).collect()),
        (Function::Upper, []) => return bounded(first.chars().flat_map(char::to_uppercase).collect()),
        (Function::Length, []) => Value::Int(text::count(first)),
        (Function::OctetLength, []) => Value::Int(i64::try_from(first.len()).unwrap_or(i64::MAX)),
        (Function::Reverse, []) => string(first.chars().rev().collect::<String>()),
        (Function::Trim, []) => text::trim(first, " ", Ends::Both),
        (Function::TrimLeft, []) => text::trim(first, " ", Ends::Start),
        (Function::TrimRight, []) => text::trim(first, " ", Ends::End),
        (Function::Trim, [Value::String(set)]) => text::trim(first, set, Ends::Both),
        (Function::TrimLeft, [Value::String(set)]) => text::trim(first, set, Ends::Start),
        (Function::TrimRight, [Value::String(set)]) => text::trim(first, set, Ends::End),
        (Function::StartsWith, [Value::String(part)]) => Value::Bool(first.starts_with(&**part)),
        (Function::Position, [Value::String(part)]) => Value::Int(text::position(first, part)),
        (Function::Left, [Value::Int(n)]) => string(text::left(first, *n)),
        (Function::Right, [Value::Int(n)]) => string(text::right(first, *n)),
        (Function::Repeat, [Value::Int(n)]) => string(text::repeat(first, *n, place)?),
        (Function::Substring, [Value::Int(start)]) => string(text::substring(first, *start, None, place)?),
        (Function::Substring, [Value::Int(start), Value::Int(length)]) => {
            string(text::substring(first, *start, Some(*length), place)?)
        }
        (Function::Replace, [Value::String(from), Value::String(to)]) => {
            string(text::replace(first, from, to, place)?)
        }
        (Function::PadLeft, [Value::Int(length)]) => string(text::pad(first, *length, " ", true, place)?),
        (Function::PadRight, [Value::Int(length)]) => string(text::pad(first, *length, " ", false, place)?),
        (Function::PadLeft, [Value::Int(length), Value::String(fill)]) => {
            string(text::pad(first, *length, fill, true, place)?)
        }
        (Function::PadRight, [Value::Int(length), Value::String(fill)]) => {
            string(text::pad(first, *length, fill, false, place)?)
        }
        (Function::SplitPart, [Value::String(separator), Value::Int(n)]) => {
            string(text::split_part(first, separator, *n, place)?)
        }
        _ => Value::Null,
    })
}

fn of_numbers(function: Function, values: &[&Value], place: Place) -> Result<Value, EvalError> {
    let overflow = |operation: String| place.error(EvalErrorKind::Overflow { operation });
    Ok(match (function, values) {
        (Function::Abs, [value]) => match value {
            Value::Int(n) => Value::Int(n.checked_abs().ok_or_else(|| overflow(format!("abs({n})")))?),
            Value::Float(x) => float_value(x.abs()),
            Value::Decimal(d) => Value::Decimal(d.abs()),
            _ => Value::Null,
        },
        (Function::Sign, [value]) => match value {
            Value::Int(n) => Value::Int(n.signum()),
            Value::Float(x) => float_value(if *x == 0.0 || x.is_nan() { *x } else { x.signum() }),
            Value::Decimal(d) if d.is_zero() => Value::Decimal(*d),
            Value::Decimal(d) => {
                Value::Decimal(if d.is_sign_negative() { Decimal::NEGATIVE_ONE } else { Decimal::ONE })
            }
            _ => Value::Null,
        },
        (Function::Ceiling, [value]) => whole(value, f64::ceil, |d| d.ceil()),
        (Function::Floor, [value]) => whole(value, f64::floor, |d| d.floor()),
        (Function::Truncate, [value]) => whole(value, f64::trunc, |d| d.trunc()),
        (Function::Round, [value]) => {
            whole(value, f64::round, |d| d.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
        }
        (Function::Round, [value, Value::Int(digits)]) => {
            round_to(value, *digits, RoundingStrategy::MidpointAwayFromZero)
                .ok_or_else(|| overflow(format!("round({value}, {digits})")))?
        }
        (Function::Truncate, [value, Value::Int(digits)]) => {
            round_to(value, *digits, RoundingStrategy::ToZero)
                .ok_or_else(|| overflow(format!("trunc({value}, {digits})")))?
        }
        (Function::SquareRoot, [Value::Float(x)]) => {
            if *x < 0.0 {
                return Err(invalid(place, format!("the square root of the negative number {x:?}")));
            }
            float_value(x.sqrt())
        }
        (Function::Exponential, [Value::Float(x)]) => exponential(x.exp(), &[*x], "exp", place)?,
        (Function::NaturalLogarithm, [Value::Float(x)]) => float_value(logarithm(*x, place)?.ln()),
        (Function::Power, [Value::Float(base), Value::Float(exponent)]) => power(*base, *exponent, place)?,
        _ => Value::Null,
    })
}

fn whole(value: &Value, of_float: fn(f64) -> f64, of_decimal: fn(&Decimal) -> Decimal) -> Value {
    match value {
        Value::Float(x) => float_value(of_float(*x)),
        Value::Decimal(d) => Value::Decimal(of_decimal(d).normalize()),
        other => other.clone(),
    }
}

/// A number rounded to decimal places, which may be negative. `None` where the result does not fit.
fn round_to(value: &Value, digits: i64, strategy: RoundingStrategy) -> Option<Value> {
    match value {
        Value::Int(n) => {
            let rounded = round_decimal(Decimal::from(*n), digits.min(0), strategy)?;
            i64::try_from(rounded.mantissa()).ok().filter(|_| rounded.scale() == 0).map(Value::Int)
        }
        Value::Decimal(d) => decimal_value(round_decimal(*d, digits, strategy)),
        Value::Float(x) => Some(round_float(*x, digits, strategy)),
        other => Some(other.clone()),
    }
}

fn round_decimal(decimal: Decimal, digits: i64, strategy: RoundingStrategy) -> Option<Decimal> {
    if let Ok(places) = u32::try_from(digits) {
        return Some(decimal.round_dp_with_strategy(places, strategy));
    }
    if digits >= 0 {
        return Some(decimal);
    }
    let places = match u32::try_from(digits.unsigned_abs()) {
        Ok(places) if places <= 28 => places,
        // Nothing is left of a number of at most 28 digits.
        _ => return Some(Decimal::ZERO),
    };
    let unit = Decimal::try_from_i128_with_scale(10_i128.checked_pow(places)?, 0).ok()?;
    decimal.checked_div(unit)?.round_dp_with_strategy(0, strategy).checked_mul(unit).map(|d| d.trunc())
}

/// Rounds the digits of the shortest text that reads back as the float, so that 2.675 becomes 2.68. A float
/// beyond the range of decimals has no digits to lose.
fn round_float(x: f64, digits: i64, strategy: RoundingStrategy) -> Value {
    let rounded = format!("{x}").parse::<Decimal>().ok().and_then(|d| round_decimal(d, digits, strategy));
    float_value(rounded.and_then(|d| d.to_f64()).unwrap_or(x))
}

fn logarithm(x: f64, place: Place) -> Result<f64, EvalError> {
    if x <= 0.0 {
        return Err(invalid(place, format!("the logarithm of {x:?}: it is defined above 0 only")));
    }
    Ok(x)
}

fn finite(result: f64, of: &[f64], name: &str, place: Place) -> Result<Value, EvalError> {
    if result.is_infinite() && of.iter().all(|x| x.is_finite()) {
        return Err(place.error(EvalErrorKind::Overflow { operation: format!("`{name}`") }));
    }
    Ok(float_value(result))
}

/// As [`finite`], for a result that is never zero but where it is too small for a float.
fn exponential(result: f64, of: &[f64], name: &str, place: Place) -> Result<Value, EvalError> {
    if result == 0.0 && of.iter().all(|x| x.is_finite()) {
        let message = format!("the result of `{name}` is not zero, but too small for a float");
        return Err(place.error(EvalErrorKind::InvalidValue(message)));
    }
    finite(result, of, name, place)
}

fn power(base: f64, exponent: f64, place: Place) -> Result<Value, EvalError> {
    if base == 0.0 && exponent < 0.0 {
        return Err(place.error(EvalErrorKind::DivisionByZero));
    }
    if base < 0.0 && base.is_finite() && exponent.is_finite() && exponent.fract() != 0.0 {
        return Err(invalid(place, format!("{base:?} to the power of {exponent:?} is not a real number")));
    }
    if base == 0.0 {
        return Ok(float_value(base.powf(exponent)));
    }
    exponential(base.powf(exponent), &[base, exponent], "power", place)
}
