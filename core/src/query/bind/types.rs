//! Types of expressions while they are bound, and the conversions that happen by themselves.

use std::sync::Arc;

use ankurah_query_lang::Span;

use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Expr, Place, cast};
use crate::query::names::Names;
use crate::value::{Value, ValueType};

/// What is known of an expression's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    /// The constant null: of any type.
    Null,
    /// A string literal (or parameter): becomes a value of the type that is needed; a string where none is.
    Literal,
    /// The id of an entity of an unknown model: fits any reference, and ids.
    AnyRef,
    /// A part of a JSON document: becomes a value of the type that it is compared with.
    JsonPart,
    /// A type.
    Of(ValueType),
}

/// A bound expression with its type and its place.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) ty: Ty,
    pub(super) span: Span,
}

impl Typed {
    pub(super) fn new(expr: Expr, ty: ValueType, span: Span) -> Self {
        Typed { expr: expr.fold(), ty: Ty::Of(ty), span }
    }

    pub(super) fn null(span: Span) -> Self {
        Typed { expr: Expr::NULL, ty: Ty::Null, span }
    }

    fn place(&self) -> Place {
        Place(self.span)
    }

    /// The expression as one of type `ty`; `None` where its type does not become that by itself. What has the
    /// type is not copied, however large it is.
    pub(super) fn converted(self, ty: ValueType) -> Result<Option<Expr>, BindError> {
        match self.ty {
            Ty::Of(own) if own == ty => Ok(Some(self.expr)),
            _ => convert(&self, ty, Conversion::Implicit),
        }
    }

    /// The expression in the type that it has by itself, as a column of a result.
    pub(super) fn settle(self) -> (Expr, Option<ValueType>) {
        match self.ty {
            Ty::Null => (self.expr, None),
            Ty::Literal => (self.expr, Some(ValueType::String)),
            Ty::AnyRef => {
                let place = self.place();
                (Expr::Cast(Box::new(self.expr), ValueType::Ulid, place).fold(), Some(ValueType::Ulid))
            }
            Ty::JsonPart => (self.expr, Some(ValueType::Json)),
            Ty::Of(ty) => (self.expr, Some(ty)),
        }
    }
}

/// The type's name in the language.
pub(super) fn type_name(ty: ValueType, names: &dyn Names) -> String {
    match ty {
        ValueType::Ref(model) => match names.model(model) {
            Some(model) => format!("ref({})", model.label),
            None => format!("ref(@{model})"),
        },
        other => other.tag().name().to_owned(),
    }
}

/// What an expression is, in words.
pub(super) fn describe(ty: Ty, names: &dyn Names) -> String {
    match ty {
        Ty::Null => "null".to_owned(),
        Ty::Literal => "string".to_owned(),
        Ty::AnyRef => "an id".to_owned(),
        Ty::JsonPart => "json".to_owned(),
        Ty::Of(ty) => type_name(ty, names),
    }
}

pub(super) fn is_number(ty: ValueType) -> bool {
    matches!(ty, ValueType::Int | ValueType::Decimal | ValueType::Float)
}

/// The type that both numbers become: an integer becomes a decimal, a decimal a float.
fn wider(a: ValueType, b: ValueType) -> ValueType {
    let float = a == ValueType::Float || b == ValueType::Float;
    let decimal = a == ValueType::Decimal || b == ValueType::Decimal;
    if float {
        ValueType::Float
    } else if decimal {
        ValueType::Decimal
    } else {
        ValueType::Int
    }
}

/// The type that all of some expressions become, or the places of two that do not go together. `None` where all
/// are null.
pub(super) fn common(types: &[Ty]) -> Result<Option<ValueType>, (usize, usize)> {
    let mut found: Option<(usize, ValueType)> = None;
    for (at, ty) in types.iter().enumerate() {
        let Ty::Of(ty) = ty else { continue };
        found = Some(match found {
            None => (at, *ty),
            Some((first, before)) if before == *ty => (first, before),
            Some((first, before)) if is_number(before) && is_number(*ty) => (first, wider(before, *ty)),
            Some((first, _)) => return Err((first, at)),
        });
    }
    let has = |wanted: Ty| types.contains(&wanted);
    if let Some(at) = types.iter().position(|ty| *ty == Ty::AnyRef) {
        return match found {
            Some((_, ValueType::Ref(_) | ValueType::Ulid | ValueType::Uuid)) | None => {
                Ok(Some(found.map_or(ValueType::Ulid, |(_, ty)| ty)))
            }
            Some((other, _)) => Err((other.min(at), other.max(at))),
        };
    }
    Ok(match found {
        // A number in JSON may have a fraction.
        Some((_, ValueType::Int)) if has(Ty::JsonPart) => Some(ValueType::Decimal),
        Some((_, ty)) => Some(ty),
        None if has(Ty::Literal) => Some(ValueType::String),
        None if has(Ty::JsonPart) => Some(ValueType::Json),
        None => None,
    })
}

/// Which conversions happen by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// In an expression: those that lose nothing but a float's digits.
    Implicit,
    /// On the way into a property: also from float to decimal.
    Assignment,
}

/// The expression as one of type `to`; `Ok(None)` where its type does not become that by itself.
pub(super) fn convert(
    typed: &Typed,
    to: ValueType,
    conversion: Conversion,
) -> Result<Option<Expr>, BindError> {
    let place = Place(typed.span);
    let boxed = || Box::new(typed.expr.clone());
    Ok(Some(match (typed.ty, to) {
        (Ty::Null, _) => Expr::NULL,
        (Ty::Literal, ValueType::String) => typed.expr.clone(),
        (Ty::Literal, _) => {
            let value = typed.expr.constant().unwrap_or(&Value::Null);
            let value = cast(value, to, place).map_err(|error| {
                BindError::new(BindErrorKind::InvalidValue(error.to_string()), typed.span)
            })?;
            Expr::Constant(value)
        }
        (Ty::AnyRef, ValueType::Ref(_)) => typed.expr.clone(),
        (Ty::AnyRef, ValueType::Ulid | ValueType::Uuid | ValueType::String) => {
            Expr::Cast(boxed(), to, place).fold()
        }
        (Ty::JsonPart, ValueType::Json) => typed.expr.clone(),
        (Ty::JsonPart, _) => Expr::JsonAs(boxed(), to, place).fold(),
        (Ty::Of(from), _) if from == to => typed.expr.clone(),
        (Ty::Of(ValueType::Int), ValueType::Decimal | ValueType::Float)
        | (Ty::Of(ValueType::Decimal), ValueType::Float) => Expr::Cast(boxed(), to, place).fold(),
        (Ty::Of(ValueType::Decimal), ValueType::Int) => match typed.expr.constant() {
            Some(Value::Decimal(decimal)) if decimal.is_integer() => Expr::Cast(boxed(), to, place).fold(),
            _ => return Ok(None),
        },
        (Ty::Of(ValueType::Float), ValueType::Decimal) if conversion == Conversion::Assignment => {
            Expr::Cast(boxed(), to, place).fold()
        }
        _ => return Ok(None),
    }))
}

/// The set that `in` looks into: ascending, each value once, and whether null was among them.
pub(super) fn constant_set(list: &[Expr]) -> Option<(Arc<[Value]>, bool)> {
    let mut values = Vec::with_capacity(list.len());
    let mut has_null = false;
    for expr in list {
        match expr.constant()? {
            Value::Null => has_null = true,
            value => values.push(value.clone()),
        }
    }
    values.sort_by(Value::compare);
    values.dedup_by(|a, b| a.compare(b).is_eq());
    Some((values.into(), has_null))
}
