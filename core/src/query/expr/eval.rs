//! The value of an expression for a row.

use std::borrow::Cow;

use super::{Comparison, Expr, Pattern, Place, Test, arithmetic, convert, function, json, text};
use crate::query::error::{EvalError, EvalErrorKind};
use crate::value::Value;

type Evaluated<'a> = Result<Cow<'a, Value>, EvalError>;

const NULL: Value = Value::Null;

fn truth<'a>(value: Option<bool>) -> Cow<'a, Value> {
    Cow::Owned(value.map_or(Value::Null, Value::Bool))
}

impl Expr {
    /// The value for a row. A slot that the row does not have is null.
    ///
    /// `and` is false where one operand is false, even where another one cannot be computed; so the order of
    /// operands never matters. Likewise `or` and true.
    pub(crate) fn eval<'a>(&'a self, row: &'a [Value]) -> Evaluated<'a> {
        Ok(match self {
            Expr::Constant(value) => Cow::Borrowed(value),
            Expr::Column(slot, _) => Cow::Borrowed(row.get(*slot).unwrap_or(&NULL)),
            // Binding replaces every aggregate by a column.
            Expr::Aggregate(..) => Cow::Borrowed(&NULL),
            Expr::Not(expr) => truth(expr.truth(row)?.map(|value| !value)),
            Expr::And(list) => truth(junction(list, row, false)?),
            Expr::Or(list) => truth(junction(list, row, true)?),
            Expr::Compare(op, left, right) => {
                truth(compare(*op, left.eval(row)?.as_ref(), right.eval(row)?.as_ref()))
            }
            Expr::IsDistinct { negated, left, right } => {
                let equal = left.eval(row)?.compare(right.eval(row)?.as_ref()).is_eq();
                truth(Some(equal == *negated))
            }
            Expr::Is { negated, test, expr } => {
                let value = expr.eval(row)?;
                let holds = match test {
                    Test::Null => matches!(*value, Value::Null),
                    Test::True => matches!(*value, Value::Bool(true)),
                    Test::False => matches!(*value, Value::Bool(false)),
                };
                truth(Some(holds != *negated))
            }
            Expr::InSet { expr, set, has_null } => {
                let value = expr.eval(row)?;
                truth(match &*value {
                    Value::Null => None,
                    value if set.binary_search_by(|probe| probe.compare(value)).is_ok() => Some(true),
                    _ if *has_null => None,
                    _ => Some(false),
                })
            }
            Expr::InList(expr, list) => truth(in_list(expr, list, row)?),
            Expr::Like(expr, pattern) => match &*expr.eval(row)? {
                Value::String(string) => truth(Some(pattern.matches(string))),
                _ => truth(None),
            },
            Expr::LikeComputed { expr, pattern, escape, fold_case, place } => {
                let escape = escape.as_ref().map(|escape| escape.eval(row)).transpose()?;
                let (string, pattern) = (expr.eval(row)?, pattern.eval(row)?);
                truth(like(&string, &pattern, escape.as_deref(), *fold_case, *place)?)
            }
            Expr::Negate(expr, place) => Cow::Owned(arithmetic::negate(&*expr.eval(row)?, *place)?),
            Expr::Arithmetic(op, left, right, place) => {
                let (left, right) = (left.eval(row)?, right.eval(row)?);
                Cow::Owned(arithmetic::binary(*op, &left, &right, *place)?)
            }
            Expr::Concat(left, right, place) => {
                let (left, right) = (left.eval(row)?, right.eval(row)?);
                Cow::Owned(text::concat(&left, &right, *place)?)
            }
            Expr::Cast(expr, to, place) => Cow::Owned(convert::cast(&*expr.eval(row)?, *to, *place)?),
            Expr::JsonPath(expr, steps) => Cow::Owned(json::path(&*expr.eval(row)?, steps)),
            Expr::JsonAs(expr, to, place) => Cow::Owned(json::scalar(&*expr.eval(row)?, *to, *place)?),
            Expr::Case { branches, otherwise } => {
                for (when, then) in branches {
                    if when.truth(row)? == Some(true) {
                        return then.eval(row);
                    }
                }
                match otherwise {
                    Some(otherwise) => otherwise.eval(row)?,
                    None => Cow::Borrowed(&NULL),
                }
            }
            Expr::Call(function, args, place) => return function::call(*function, args, row, *place),
        })
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
pub(super) fn compare(op: Comparison, left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        _ => Some(op.holds(left.compare(right))),
    }
}

fn in_list(expr: &Expr, list: &[Expr], row: &[Value]) -> Result<Option<bool>, EvalError> {
    let value = expr.eval(row)?;
    let mut result = Some(false);
    let mut failure = None;
    for candidate in list {
        match candidate.eval(row).map(|candidate| compare(Comparison::Equal, &value, &candidate)) {
            Ok(Some(true)) => return Ok(Some(true)),
            Ok(Some(false)) => {}
            Ok(None) => result = None,
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(result), Err)
}

fn like(
    string: &Value,
    pattern: &Value,
    escape: Option<&Value>,
    fold_case: bool,
    place: Place,
) -> Result<Option<bool>, EvalError> {
    let escape = match escape {
        None => Some('\\'),
        Some(Value::String(text)) => escape_character(text).map_err(|kind| place.error(kind))?,
        Some(_) => return Ok(None),
    };
    let (Value::String(string), Value::String(pattern)) = (string, pattern) else { return Ok(None) };
    let pattern = Pattern::new(pattern, escape, fold_case).map_err(|kind| place.error(kind))?;
    Ok(Some(pattern.matches(string)))
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
