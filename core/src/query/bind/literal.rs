//! Constants: literals and parameters.

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{
    DataType, DataTypeKind, Literal, Name, Number, NumberKind, Parameter, ParameterKind,
};

use super::types::{Ty, Typed};
use super::{Session, op_id};
use crate::id::{EntityId, ModelId};
use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Expr, Place, cast};
use crate::value::{Value, ValueType};

impl Session<'_> {
    /// The type that a name in the statement means.
    pub(super) fn data_type(&self, ty: &DataType) -> Result<ValueType, BindError> {
        value_type(&ty.kind, |model| Ok(self.find_model(model)?.id))
    }

    /// The value of a literal.
    pub(super) fn literal(&self, literal: &Literal, span: Span) -> Result<Typed, BindError> {
        let of = |value: Value, ty: ValueType| Typed { expr: Expr::Constant(value), ty: Ty::Of(ty), span };
        Ok(match literal {
            Literal::Null => Typed::null(span),
            Literal::Bool(value) => of(Value::Bool(*value), ValueType::Bool),
            Literal::Number(number) => {
                let (value, ty) = self::number(number, false, span)?;
                of(value, ty)
            }
            Literal::String(text) => {
                Typed { expr: Expr::Constant(Value::String(text.as_str().into())), ty: Ty::Literal, span }
            }
            Literal::Bytes(bytes) => of(Value::Bytes(bytes.as_slice().into()), ValueType::Bytes),
            Literal::Typed { ty, text } => {
                let ty = self.data_type(ty)?;
                let value = cast(&Value::String(text.as_str().into()), ty, Place(span))
                    .map_err(|error| BindError::new(BindErrorKind::InvalidValue(error.to_string()), span))?;
                of(value, ty)
            }
            Literal::Id(id) => {
                let Some(id) = op_id(id) else {
                    let message = format!("`@{}` is not an id", id.text);
                    return Err(BindError::new(BindErrorKind::InvalidValue(message), span));
                };
                Typed { expr: Expr::Constant(Value::Ref(EntityId(id))), ty: Ty::AnyRef, span }
            }
        })
    }

    /// The value that the caller gave for a parameter.
    pub(super) fn parameter(&self, parameter: &Parameter) -> Result<Typed, BindError> {
        let given = self.context.parameters;
        let value = match &parameter.kind {
            ParameterKind::Positional(index) => given.positional.get(*index),
            ParameterKind::Numbered(number) => {
                let index = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
                index.and_then(|index| given.positional.get(index))
            }
            ParameterKind::Named(name) => {
                given.named.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
        };
        let Some(value) = value else {
            let error =
                BindError::new(BindErrorKind::ParameterMissing(format!("`{parameter}`")), parameter.span);
            return Err(match &parameter.kind {
                ParameterKind::Named(name) => {
                    error.nearest(name, given.named.iter().map(|(name, _)| &**name))
                }
                ParameterKind::Positional(_) | ParameterKind::Numbered(_) => {
                    error.help(format!("{} given", count(given.positional.len(), "value was", "values were")))
                }
            });
        };
        let index = match &parameter.kind {
            ParameterKind::Positional(index) => Some(*index),
            ParameterKind::Numbered(number) => {
                usize::try_from(*number).ok().and_then(|number| number.checked_sub(1))
            }
            ParameterKind::Named(_) => None,
        };
        if let Some(used) = index.and_then(|index| self.used.get(index)) {
            used.set(true);
        }
        let value = value.clone().normalized().map_err(|error| {
            let message = format!("the value for `{parameter}` is not valid: {error}");
            BindError::new(BindErrorKind::InvalidValue(message), parameter.span)
        })?;
        let ty = match &value {
            Value::Null => Ty::Null,
            Value::Bool(_) => Ty::Of(ValueType::Bool),
            Value::Int(_) => Ty::Of(ValueType::Int),
            Value::Float(_) => Ty::Of(ValueType::Float),
            Value::Decimal(_) => Ty::Of(ValueType::Decimal),
            Value::String(_) => Ty::Literal,
            Value::Bytes(_) => Ty::Of(ValueType::Bytes),
            Value::Timestamp(_) => Ty::Of(ValueType::Timestamp),
            Value::Uuid(_) => Ty::Of(ValueType::Uuid),
            Value::Ulid(_) => Ty::Of(ValueType::Ulid),
            Value::Ref(_) => Ty::AnyRef,
            Value::Json(_) => Ty::Of(ValueType::Json),
        };
        Ok(Typed { expr: Expr::Constant(value), ty, span: parameter.span })
    }
}

/// The type of values that a type in a statement means; `find` finds the model of a reference.
///
/// # Errors
/// Those of `find`.
pub fn value_type<E>(
    kind: &DataTypeKind,
    find: impl FnOnce(&Name) -> Result<ModelId, E>,
) -> Result<ValueType, E> {
    Ok(match kind {
        DataTypeKind::Bool => ValueType::Bool,
        DataTypeKind::I64 => ValueType::Int,
        DataTypeKind::F64 => ValueType::Float,
        DataTypeKind::Decimal => ValueType::Decimal,
        DataTypeKind::String | DataTypeKind::Text => ValueType::String,
        DataTypeKind::Bytes => ValueType::Bytes,
        DataTypeKind::Timestamp => ValueType::Timestamp,
        DataTypeKind::Uuid => ValueType::Uuid,
        DataTypeKind::Ulid => ValueType::Ulid,
        DataTypeKind::Json => ValueType::Json,
        DataTypeKind::Ref(model) => ValueType::Ref(find(model)?),
    })
}

/// A number with its noun.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The value of a number, with a minus before it where `negative`: an integer where it fits in 64 bits, else a
/// decimal; with an exponent a float.
pub(super) fn number(number: &Number, negative: bool, span: Span) -> Result<(Value, ValueType), BindError> {
    let text = if negative { format!("-{}", number.text) } else { number.text.clone() };
    let too_large = |limit: &str| {
        let shown: String = text.chars().take(40).collect();
        let shown = if shown.len() < text.len() { format!("{shown}…") } else { shown };
        BindError::new(BindErrorKind::Overflow(format!("the number {shown} is out of range")), span)
            .help(limit.to_owned())
    };
    if number.kind == NumberKind::Integer {
        if let Ok(integer) = text.parse::<i64>() {
            return Ok((Value::Int(integer), ValueType::Int));
        }
    }
    if number.kind == NumberKind::Exponent {
        let float = text.parse::<f64>().ok().filter(|float| float.is_finite());
        let float = float.ok_or_else(|| too_large("a float is less than 1.8e308"))?;
        let mantissa = number.text.split(['e', 'E']).next().unwrap_or_default();
        if float == 0.0 && mantissa.contains(|digit: char| matches!(digit, '1'..='9')) {
            return Err(too_large("a float that is not zero is at least 5e-324"));
        }
        return Ok((Value::float(float), ValueType::Float));
    }
    match crate::value::parse(&text, ValueType::Decimal) {
        Ok(value) => Ok((value, ValueType::Decimal)),
        Err(_) => {
            Err(too_large("a decimal has up to 28 digits; write an exponent for a float, as in `1.5e30`"))
        }
    }
}
