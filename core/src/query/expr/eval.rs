//! The value of an expression for a row.

use std::borrow::Cow;

use super::{Arithmetic, Comparison, Expr, Pattern, Place, Test, arithmetic, convert, function, json, text};
use crate::query::error::{EvalError, EvalErrorKind};
use crate::turn::touch;
use crate::value::{Value, ValueRef};

type Evaluated<'a> = Result<Cow<'a, Value>, EvalError>;

const NULL: Value = Value::Null;

fn truth_value(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Bool)
}

/// A function of one operand.
fn of_one<'a>(
    expr: &'a Expr,
    row: &'a [Value],
    of: impl FnOnce(&Value) -> Result<Value, EvalError>,
) -> Evaluated<'a> {
    let value = expr.eval(row)?;
    of(&value).map(Cow::Owned)
}

/// A function of two operands.
fn of_two<'a>(
    left: &'a Expr,
    right: &'a Expr,
    row: &'a [Value],
    of: impl FnOnce(&Value, &Value) -> Result<Value, EvalError>,
) -> Evaluated<'a> {
    let left = left.eval(row)?;
    let right = right.eval(row)?;
    of(&left, &right).map(Cow::Owned)
}

fn arithmetic_chain<'a>(
    first: &'a Expr,
    rest: &'a [(Arithmetic, Expr, Place)],
    row: &'a [Value],
) -> Evaluated<'a> {
    let mut value = first.eval(row)?;
    for (op, expr, place) in rest {
        let right = expr.eval(row)?;
        value = Cow::Owned(arithmetic::binary(*op, &value, &right, *place)?);
    }
    Ok(value)
}

fn concat<'a>(first: &'a Expr, rest: &'a [(Expr, Place)], row: &'a [Value]) -> Evaluated<'a> {
    let mut joined = text::Joined::new(first.eval(row)?.into_owned());
    for (expr, place) in rest {
        let next = expr.eval(row)?;
        touch(length(&next))?;
        joined.push(&next, *place)?;
    }
    Ok(Cow::Owned(joined.finish()))
}

impl Test {
    pub(super) fn holds(self, value: ValueRef<'_>) -> bool {
        match self {
            Test::Null => matches!(value, ValueRef::Null),
            Test::True => matches!(value, ValueRef::Bool(true)),
            Test::False => matches!(value, ValueRef::Bool(false)),
        }
    }
}

pub(super) fn in_set(value: ValueRef<'_>, set: &[Value], has_null: bool) -> Option<bool> {
    match value {
        ValueRef::Null => None,
        value if set.binary_search_by(|probe| probe.as_ref().compare(value)).is_ok() => Some(true),
        _ if has_null => None,
        _ => Some(false),
    }
}

fn case<'a>(branches: &'a [(Expr, Expr)], otherwise: Option<&'a Expr>, row: &'a [Value]) -> Evaluated<'a> {
    for (when, then) in branches {
        if when.truth(row)? == Some(true) {
            return then.eval(row);
        }
    }
    match otherwise {
        Some(otherwise) => otherwise.eval(row),
        None => Ok(Cow::Borrowed(&NULL)),
    }
}

fn switch<'a>(
    operand: &'a Expr,
    branches: &'a [(Expr, Expr)],
    otherwise: Option<&'a Expr>,
    row: &'a [Value],
) -> Evaluated<'a> {
    let operand = operand.eval(row)?;
    for (when, then) in branches {
        if compare(Comparison::Equal, &operand, when.eval(row)?.as_ref())? == Some(true) {
            return then.eval(row);
        }
    }
    match otherwise {
        Some(otherwise) => otherwise.eval(row),
        None => Ok(Cow::Borrowed(&NULL)),
    }
}

impl Expr {
    /// The value for a row. A slot that the row does not have is null.
    ///
    /// `and` is false where one operand is false, even where another one cannot be computed; so the order of
    /// operands never matters. Likewise `or` and true.
    pub(crate) fn eval<'a>(&'a self, row: &'a [Value]) -> Evaluated<'a> {
        // Each kind has a function of its own, so that the deepest tree needs little stack.
        match self {
            Expr::Constant(value) => Ok(Cow::Borrowed(value)),
            Expr::Column(slot, _) => Ok(Cow::Borrowed(row.get(*slot).unwrap_or(&NULL))),
            // Binding replaces every aggregate by a column.
            Expr::Aggregate(..) => Ok(Cow::Borrowed(&NULL)),
            Expr::Case { branches, otherwise } => case(branches, otherwise.as_deref(), row),
            Expr::Switch { operand, branches, otherwise } => {
                switch(operand, branches, otherwise.as_deref(), row)
            }
            Expr::Call(function, args, place) => function::call(*function, args, row, *place),
            Expr::Negate(expr, place) => of_one(expr, row, |value| arithmetic::negate(value, *place)),
            Expr::Cast(expr, to, place) => of_one(expr, row, |value| {
                touch(length(value))?;
                convert::cast(value, *to, *place)
            }),
            Expr::JsonPath(expr, steps) => of_one(expr, row, |value| {
                touch(length(value))?;
                Ok(json::path(value, steps))
            }),
            Expr::JsonAs(expr, to, place) => of_one(expr, row, |value| {
                touch(length(value))?;
                json::scalar(value, *to, *place)
            }),
            Expr::Arithmetic(first, rest) => arithmetic_chain(first, rest, row),
            Expr::Concat(first, rest) => concat(first, rest, row),
            Expr::Compare(op, left, right) => {
                of_two(left, right, row, |a, b| Ok(truth_value(compare(*op, a, b)?)))
            }
            Expr::IsDistinct { negated, left, right } => of_two(left, right, row, |a, b| {
                touch(length(a).min(length(b)))?;
                Ok(Value::Bool(a.compare(b).is_eq() == *negated))
            }),
            Expr::Is { negated, test, expr } => {
                of_one(expr, row, |value| Ok(Value::Bool(test.holds(value.as_ref()) != *negated)))
            }
            Expr::InSet { expr, set, has_null } => of_one(expr, row, |value| {
                touch(length(value))?;
                Ok(truth_value(in_set(value.as_ref(), set, *has_null)))
            }),
            Expr::Like(expr, pattern) => of_one(expr, row, |value| {
                Ok(match value {
                    Value::String(string) => Value::Bool(pattern.matches(string)?),
                    _ => Value::Null,
                })
            }),
            Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Between { .. }
            | Expr::InList(..)
            | Expr::LikeComputed { .. } => self.logic(row),
        }
    }

    /// The value of a condition made of other expressions.
    fn logic<'a>(&'a self, row: &'a [Value]) -> Evaluated<'a> {
        let truth = match self {
            Expr::Not(expr) => expr.truth(row).map(|value| value.map(|value| !value)),
            Expr::And(list) => junction(list, row, false),
            Expr::Or(list) => junction(list, row, true),
            Expr::Between { expr, low, high } => between(expr, low, high, row),
            Expr::InList(expr, list) => in_list(expr, list, row),
            Expr::LikeComputed { expr, pattern, escape, fold_case, place } => {
                like((expr, pattern, escape.as_deref()), row, *fold_case, *place)
            }
            _ => Ok(None),
        };
        truth.map(|value| Cow::Owned(truth_value(value)))
    }

    /// The value of a condition: true, false or null.
    pub(crate) fn truth(&self, row: &[Value]) -> Result<Option<bool>, EvalError> {
        Ok(match *self.eval(row)? {
            Value::Bool(value) => Some(value),
            _ => None,
        })
    }

    /// Whether the condition is true of a row, as `where` asks. Among conditions that must all hold, one that
    /// is false or null outweighs one that cannot be computed: an index that finds only the rows for which
    /// some of them hold thus changes nothing.
    pub(crate) fn holds(&self, row: &[Value]) -> Result<bool, EvalError> {
        let (list, absorbing) = match self {
            Expr::And(list) => (list, false),
            Expr::Or(list) => (list, true),
            other => return Ok(other.truth(row)? == Some(true)),
        };
        let mut failure = None;
        for expr in list {
            match expr.holds(row) {
                Ok(value) if value == absorbing => return Ok(absorbing),
                Ok(_) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(!absorbing), Err)
    }
}

/// The value of `and` (absorbing false) or `or` (absorbing true).
fn junction(list: &[Expr], row: &[Value], absorbing: bool) -> Result<Option<bool>, EvalError> {
    let mut failure = None;
    let mut value = Some(!absorbing);
    for expr in list {
        match expr.truth(row) {
            Ok(Some(found)) if found == absorbing => return Ok(Some(absorbing)),
            Ok(Some(_)) => {}
            Ok(None) => value = None,
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(value), Err)
}

/// The value of a comparison: null where an operand is.
pub(super) fn compare(op: Comparison, left: &Value, right: &Value) -> Result<Option<bool>, EvalError> {
    touch(length(left).min(length(right)))?;
    Ok(compare_refs(op, left.as_ref(), right.as_ref()))
}

/// The bytes of what has no small bound.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

pub(super) fn compare_refs(op: Comparison, left: ValueRef<'_>, right: ValueRef<'_>) -> Option<bool> {
    match (left, right) {
        (ValueRef::Null, _) | (_, ValueRef::Null) => None,
        _ => Some(op.holds(left.compare(right))),
    }
}

fn between(expr: &Expr, low: &Expr, high: &Expr, row: &[Value]) -> Result<Option<bool>, EvalError> {
    let value = expr.eval(row)?;
    let above = low.eval(row).and_then(|low| compare(Comparison::GreaterOrEqual, &value, &low));
    let below = high.eval(row).and_then(|high| compare(Comparison::LessOrEqual, &value, &high));
    match (above, below) {
        (Ok(Some(false)), _) | (_, Ok(Some(false))) => Ok(Some(false)),
        (above, below) => Ok(above?.and(below?)),
    }
}

fn in_list(expr: &Expr, list: &[Expr], row: &[Value]) -> Result<Option<bool>, EvalError> {
    let value = expr.eval(row)?;
    let mut result = Some(false);
    let mut failure = None;
    for candidate in list {
        match candidate.eval(row).and_then(|candidate| compare(Comparison::Equal, &value, &candidate)) {
            Ok(Some(true)) => return Ok(Some(true)),
            Ok(Some(false)) => {}
            Ok(None) => result = None,
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(result), Err)
}

fn like(
    (string, pattern, escape): (&Expr, &Expr, Option<&Expr>),
    row: &[Value],
    fold_case: bool,
    place: Place,
) -> Result<Option<bool>, EvalError> {
    let (string, pattern) = (string.eval(row)?, pattern.eval(row)?);
    let escape = match escape {
        None => Some('\\'),
        Some(escape) => match escape.eval(row)?.as_ref() {
            Value::String(text) => escape_character(text).map_err(|kind| place.error(kind))?,
            _ => return Ok(None),
        },
    };
    let (Value::String(string), Value::String(pattern)) = (&*string, &*pattern) else { return Ok(None) };
    touch(pattern.len())?;
    let pattern = Pattern::new(pattern, escape, fold_case).map_err(|kind| place.error(kind))?;
    Ok(Some(pattern.matches(string)?))
}

/// The escape character that `escape` names: none where it is empty.
pub(crate) fn escape_character(text: &str) -> Result<Option<char>, EvalErrorKind> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (first, None) => Ok(first),
        _ => Err(EvalErrorKind::InvalidArgument(
            "`escape` must be one character, or empty for none".to_owned(),
        )),
    }
}
