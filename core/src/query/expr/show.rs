//! Expressions and values as text, as `explain` shows them.

use std::fmt;

use ankurah_query_lang::quote_string;

use super::{Aggregate, Expr, Function, JsonStep, Test};
use crate::value::Value;

/// What slots are called.
pub(crate) trait SlotNames {
    /// The name of a slot.
    fn slot_name(&self, slot: usize) -> String;
}

/// An expression as text.
pub(crate) struct Show<'a> {
    pub(crate) expr: &'a Expr,
    pub(crate) names: &'a dyn SlotNames,
}

/// A value as it is written in a statement.
pub(crate) fn show_value(value: &Value) -> String {
    match value {
        Value::String(text) => quote_string(text),
        Value::Bytes(_) => {
            let text = value.to_string();
            format!("x'{}'", text.strip_prefix("\\x").unwrap_or(&text))
        }
        Value::Timestamp(_) => format!("timestamp '{value}'"),
        Value::Uuid(_) => format!("uuid '{value}'"),
        Value::Ulid(_) => format!("ulid '{value}'"),
        Value::Ref(_) => format!("@{value}"),
        Value::Json(text) => format!("json {}", quote_string(text)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => {
            value.to_string()
        }
    }
}

impl<'a> Show<'a> {
    fn of(&self, expr: &'a Expr) -> Show<'a> {
        Show { expr, names: self.names }
    }

    fn list(&self, list: &'a [Expr], between: &str) -> String {
        list.iter().map(|expr| self.of(expr).to_string()).collect::<Vec<_>>().join(between)
    }

    /// As an operand: in parentheses where it is more than a name, a constant or a call.
    fn operand(&self, expr: &'a Expr) -> String {
        let text = self.of(expr).to_string();
        match expr {
            Expr::Constant(_)
            | Expr::Column(..)
            | Expr::Aggregate(..)
            | Expr::Call(..)
            | Expr::Case { .. }
            | Expr::Switch { .. }
            | Expr::Cast(..)
            | Expr::JsonPath(..)
            | Expr::JsonAs(..) => text,
            _ => format!("({text})"),
        }
    }
}

impl fmt::Display for Show<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let negation = |negated: bool| if negated { " not" } else { "" };
        match self.expr {
            Expr::Constant(value) => f.write_str(&show_value(value)),
            Expr::Column(slot, _) => f.write_str(&self.names.slot_name(*slot)),
            Expr::Aggregate(number, _) => write!(f, "aggregate {number}"),
            Expr::Not(expr) => write!(f, "not {}", self.operand(expr)),
            Expr::And(list) | Expr::Or(list) => {
                let between = if matches!(self.expr, Expr::And(_)) { " and " } else { " or " };
                for (at, expr) in list.iter().enumerate() {
                    if at > 0 {
                        f.write_str(between)?;
                    }
                    match expr {
                        Expr::And(_) | Expr::Or(_) => write!(f, "({})", self.of(expr))?,
                        _ => write!(f, "{}", self.of(expr))?,
                    }
                }
                Ok(())
            }
            Expr::Compare(op, left, right) => {
                write!(f, "{} {} {}", self.operand(left), op.symbol(), self.operand(right))
            }
            Expr::IsDistinct { negated, left, right } => {
                write!(
                    f,
                    "{} is{} distinct from {}",
                    self.operand(left),
                    negation(*negated),
                    self.operand(right)
                )
            }
            Expr::Is { negated, test, expr } => {
                let test = match test {
                    Test::Null => "null",
                    Test::True => "true",
                    Test::False => "false",
                };
                write!(f, "{} is{} {test}", self.operand(expr), negation(*negated))
            }
            Expr::InSet { expr, set, has_null } => {
                let mut values: Vec<String> = set.iter().map(show_value).collect();
                if *has_null {
                    values.push("null".to_owned());
                }
                write!(f, "{} in ({})", self.operand(expr), values.join(", "))
            }
            Expr::InList(expr, list) => write!(f, "{} in ({})", self.operand(expr), self.list(list, ", ")),
            Expr::Like(expr, pattern) => {
                let word = if pattern.folds_case() { "ilike" } else { "like" };
                write!(f, "{} {word} {}", self.operand(expr), quote_string(pattern.source()))
            }
            Expr::LikeComputed { expr, pattern, escape, fold_case, .. } => {
                let word = if *fold_case { "ilike" } else { "like" };
                write!(f, "{} {word} {}", self.operand(expr), self.operand(pattern))?;
                match escape {
                    Some(escape) => write!(f, " escape {}", self.operand(escape)),
                    None => Ok(()),
                }
            }
            Expr::Negate(expr, _) => write!(f, "-{}", self.operand(expr)),
            Expr::Arithmetic(first, rest) => {
                f.write_str(&self.operand(first))?;
                rest.iter().try_for_each(|(op, expr, _)| write!(f, " {} {}", op.symbol(), self.operand(expr)))
            }
            Expr::Concat(first, rest) => {
                f.write_str(&self.operand(first))?;
                rest.iter().try_for_each(|(expr, _)| write!(f, " || {}", self.operand(expr)))
            }
            Expr::Cast(expr, to, _) | Expr::JsonAs(expr, to, _) => {
                write!(f, "{}::{}", self.operand(expr), to.tag().name())
            }
            Expr::JsonPath(expr, steps) => {
                f.write_str(&self.operand(expr))?;
                steps.iter().try_for_each(|step| match step {
                    JsonStep::Key { name, .. } => write!(f, "[{}]", quote_string(name)),
                    JsonStep::Index(index) => write!(f, "[{index}]"),
                })
            }
            Expr::Between { expr, low, high } => {
                let (low, high) = (self.operand(low), self.operand(high));
                write!(f, "{} between {low} and {high}", self.operand(expr))
            }
            Expr::Case { branches, otherwise } | Expr::Switch { branches, otherwise, .. } => {
                f.write_str("case")?;
                if let Expr::Switch { operand, .. } = self.expr {
                    write!(f, " {}", self.of(operand))?;
                }
                for (when, then) in branches {
                    write!(f, " when {} then {}", self.of(when), self.of(then))?;
                }
                if let Some(otherwise) = otherwise {
                    write!(f, " else {}", self.of(otherwise))?;
                }
                f.write_str(" end")
            }
            Expr::Call(function, args, _) => {
                let args = self.list(args, ", ");
                match function {
                    Function::DatePart(field) => write!(f, "date_part('{}', {args})", field.name()),
                    Function::DateTruncate(field) => write!(f, "date_trunc('{}', {args})", field.name()),
                    other => write!(f, "{}({args})", other.name()),
                }
            }
        }
    }
}

/// An aggregate as text.
pub(crate) fn show_aggregate(aggregate: &Aggregate, names: &dyn SlotNames) -> String {
    let show = |expr| Show { expr, names }.to_string();
    let mut args = match &aggregate.argument {
        None => "*".to_owned(),
        Some(argument) => show(argument),
    };
    if let Some(separator) = &aggregate.separator {
        args = format!("{args}, {}", show(separator));
    }
    let distinct = if aggregate.distinct { "distinct " } else { "" };
    let mut text = format!("{}({distinct}{args})", aggregate.function.name());
    if let Some(filter) = &aggregate.filter {
        text = format!("{text} filter (where {})", show(filter));
    }
    text
}
