//! Aggregates.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::arithmetic::float_value;
use super::{Expr, Place, decimal};
use crate::query::error::{EvalError, EvalErrorKind};
use crate::value::{Value, ValueType};

/// What an aggregate computes of the values that are not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// How many; without an argument how many rows.
    Count,
    /// Their sum: of integers an integer, which may overflow. Null where there are none.
    Sum,
    /// Their mean: of integers and decimals a decimal, of floats a float. Null where there are none.
    Average,
    /// The least. Null where there are none.
    Minimum,
    /// The greatest. Null where there are none.
    Maximum,
    /// Whether all are true. Null where there are none.
    Every,
    /// Whether one is true. Null where there are none.
    Some,
    /// The strings one after the other with a separator between. Null where there are none.
    Join,
}

impl AggregateFunction {
    /// The functions with their names.
    pub(crate) const NAMES: &'static [(&'static str, AggregateFunction)] = &[
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("avg", Self::Average),
        ("min", Self::Minimum),
        ("max", Self::Maximum),
        ("bool_and", Self::Every),
        ("every", Self::Every),
        ("bool_or", Self::Some),
        ("string_agg", Self::Join),
    ];

    /// The function with a name, in lower case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    /// The function's name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }
}

/// An aggregate over the rows of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// What it computes.
    pub(crate) function: AggregateFunction,
    /// Its argument, over input rows; none for `count(*)`.
    pub(crate) argument: Option<Expr>,
    /// The separator of `string_agg`.
    pub(crate) separator: Option<Expr>,
    /// Whether equal values count once.
    pub(crate) distinct: bool,
    /// The condition of `filter (where …)`.
    pub(crate) filter: Option<Expr>,
    /// The type of the argument.
    pub(crate) argument_type: Option<ValueType>,
    /// The type of the result.
    pub(crate) value_type: Option<ValueType>,
    /// Where it stands.
    pub(crate) place: Place,
}

impl Aggregate {
    /// Whether it is `count(*)`.
    pub(crate) fn counts_rows(&self) -> bool {
        self.function == AggregateFunction::Count && self.argument.is_none() && self.filter.is_none()
    }

    /// Whether the order of the rows matters: sums of other numbers than integers are rounded one after the other.
    pub(crate) fn depends_on_order(&self) -> bool {
        match self.function {
            AggregateFunction::Join => true,
            AggregateFunction::Sum | AggregateFunction::Average => {
                matches!(self.argument_type, Some(ValueType::Float | ValueType::Decimal))
            }
            AggregateFunction::Count
            | AggregateFunction::Minimum
            | AggregateFunction::Maximum
            | AggregateFunction::Every
            | AggregateFunction::Some => false,
        }
    }
}

/// A running aggregate of one group.
#[derive(Clone, Debug)]
pub(crate) struct Accumulator {
    total: Total,
    /// How often each value came, where equal ones count once.
    seen: Option<BTreeMap<Value, u64>>,
}

#[derive(Clone, Debug)]
enum Total {
    Count(u64),
    Integers {
        sum: i128,
        count: u64,
    },
    Decimals {
        sum: Decimal,
        count: u64,
    },
    /// After Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen" (1974).
    Floats {
        sum: f64,
        lost: f64,
        count: u64,
    },
    Best(Option<Value>),
    Truth(Option<bool>),
    Joined(Option<String>),
}

impl Accumulator {
    /// The state before the first row.
    pub(crate) fn new(aggregate: &Aggregate) -> Self {
        let total = match aggregate.function {
            AggregateFunction::Count => Total::Count(0),
            AggregateFunction::Sum | AggregateFunction::Average => match aggregate.argument_type {
                Some(ValueType::Float) => Total::Floats { sum: 0.0, lost: 0.0, count: 0 },
                Some(ValueType::Decimal) => Total::Decimals { sum: Decimal::ZERO, count: 0 },
                _ => Total::Integers { sum: 0, count: 0 },
            },
            AggregateFunction::Minimum | AggregateFunction::Maximum => Total::Best(None),
            AggregateFunction::Every | AggregateFunction::Some => Total::Truth(None),
            AggregateFunction::Join => Total::Joined(None),
        };
        Accumulator { total, seen: aggregate.distinct.then(BTreeMap::new) }
    }

    /// Takes a row. Gives the bytes of memory that it added, estimated.
    pub(crate) fn add(&mut self, aggregate: &Aggregate, row: &[Value]) -> Result<u64, EvalError> {
        if let Some(filter) = &aggregate.filter {
            if filter.truth(row)? != Some(true) {
                return Ok(0);
            }
        }
        let Some(argument) = &aggregate.argument else {
            if let Total::Count(count) = &mut self.total {
                *count = count.saturating_add(1);
            }
            return Ok(0);
        };
        let value = argument.eval(row)?.into_owned();
        if matches!(value, Value::Null) {
            return Ok(0);
        }
        let mut added = 0;
        if let Some(seen) = &mut self.seen {
            if let Some(count) = seen.get_mut(&value) {
                *count = count.saturating_add(1);
                return Ok(0);
            }
            seen.insert(value.clone(), 1);
            added = crate::query::run::footprint(&value);
        }
        let separator = aggregate.separator.as_ref().map(|separator| separator.eval(row)).transpose()?;
        added = added.saturating_add(self.take(aggregate, value, separator.as_deref())?);
        Ok(added)
    }

    fn take(
        &mut self,
        aggregate: &Aggregate,
        value: Value,
        separator: Option<&Value>,
    ) -> Result<u64, EvalError> {
        let overflow = || overflow(aggregate);
        match (&mut self.total, value) {
            (Total::Count(count), _) => *count = count.saturating_add(1),
            (Total::Integers { sum, count }, Value::Int(n)) => {
                *sum = sum.checked_add(i128::from(n)).ok_or_else(overflow)?;
                *count = count.saturating_add(1);
            }
            (Total::Decimals { sum, count }, Value::Decimal(d)) => {
                *sum = decimal::add(*sum, d).ok_or_else(overflow)?;
                *count = count.saturating_add(1);
            }
            (Total::Floats { sum, lost, count }, Value::Float(x)) => {
                let total = *sum + x;
                if total.is_infinite() && sum.is_finite() && x.is_finite() {
                    return Err(overflow());
                }
                if total.is_finite() {
                    *lost += if sum.abs() >= x.abs() { (*sum - total) + x } else { (x - total) + *sum };
                }
                *sum = total;
                *count = count.saturating_add(1);
            }
            (Total::Best(best), value) => {
                let better = match best {
                    None => true,
                    Some(best) if aggregate.function == AggregateFunction::Minimum => {
                        value.compare(best).is_lt()
                    }
                    Some(best) => value.compare(best).is_gt(),
                };
                if better {
                    *best = Some(value);
                }
            }
            (Total::Truth(truth), Value::Bool(value)) => {
                let every = aggregate.function == AggregateFunction::Every;
                let before = truth.unwrap_or(every);
                *truth = Some(if every { before && value } else { before || value });
            }
            (Total::Joined(joined), Value::String(text)) => {
                let separator = match separator {
                    Some(Value::String(separator)) => separator,
                    _ => "",
                };
                let added = text.len().saturating_add(separator.len());
                let length = joined.as_ref().map_or(0, String::len).saturating_add(added);
                super::text::check_length(length, "`string_agg`", aggregate.place)?;
                match joined {
                    None => *joined = Some(text.as_ref().to_owned()),
                    Some(joined) => {
                        joined.push_str(separator);
                        joined.push_str(&text);
                    }
                }
                return Ok(u64::try_from(added).unwrap_or(u64::MAX));
            }
            _ => {}
        }
        Ok(0)
    }

    /// Takes a row away that was added. Gives false where what is left cannot be told from what is known: it is then to
    /// be computed anew.
    pub(crate) fn remove(&mut self, aggregate: &Aggregate, row: &[Value]) -> Result<bool, EvalError> {
        if aggregate.depends_on_order() {
            return Ok(false);
        }
        if let Some(filter) = &aggregate.filter {
            if filter.truth(row)? != Some(true) {
                return Ok(true);
            }
        }
        let value = match &aggregate.argument {
            Some(argument) => argument.eval(row)?.into_owned(),
            // `count(*)`: what it counts has no value.
            None => Value::Bool(true),
        };
        if value.is_null() {
            return Ok(true);
        }
        if let Some(seen) = &mut self.seen {
            match seen.get_mut(&value) {
                Some(count) if *count > 1 => {
                    *count = count.saturating_sub(1);
                    return Ok(true);
                }
                _ => seen.remove(&value),
            };
        }
        Ok(match (&mut self.total, value) {
            (Total::Count(count), _) => {
                *count = count.saturating_sub(1);
                true
            }
            (Total::Integers { sum, count }, Value::Int(n)) => {
                *count = count.saturating_sub(1);
                match sum.checked_sub(i128::from(n)) {
                    Some(rest) => {
                        *sum = rest;
                        true
                    }
                    None => false,
                }
            }
            (Total::Best(Some(best)), value) => value.compare(best).is_ne(),
            _ => false,
        })
    }

    /// Whether a least or greatest value was found.
    pub(crate) fn has_best(&self) -> bool {
        matches!(self.total, Total::Best(Some(_)))
    }

    /// The result.
    pub(crate) fn finish(&self, aggregate: &Aggregate) -> Result<Value, EvalError> {
        let overflow = || overflow(aggregate);
        let average = aggregate.function == AggregateFunction::Average;
        Ok(match &self.total {
            Total::Count(count) => Value::Int(i64::try_from(*count).map_err(|_| overflow())?),
            Total::Integers { count: 0, .. }
            | Total::Decimals { count: 0, .. }
            | Total::Floats { count: 0, .. } => Value::Null,
            Total::Integers { sum, count } if average => {
                let sum = Decimal::try_from_i128_with_scale(*sum, 0).ok();
                let mean = sum.and_then(|sum| decimal::divide(sum, Decimal::from(*count)));
                mean.map(Value::Decimal).ok_or_else(overflow)?
            }
            Total::Integers { sum, .. } => Value::Int(i64::try_from(*sum).map_err(|_| overflow())?),
            Total::Decimals { sum, count } => {
                let result = if average { decimal::divide(*sum, Decimal::from(*count)) } else { Some(*sum) };
                result.map(Value::Decimal).ok_or_else(overflow)?
            }
            Total::Floats { sum, lost, count } => {
                let sum = sum + lost;
                #[expect(clippy::cast_precision_loss, reason = "rounding to the nearest is the meaning")]
                float_value(if average { sum / *count as f64 } else { sum })
            }
            Total::Best(best) => best.clone().unwrap_or(Value::Null),
            Total::Truth(truth) => truth.map_or(Value::Null, Value::Bool),
            Total::Joined(joined) => joined.as_deref().map_or(Value::Null, |text| Value::String(text.into())),
        })
    }
}

fn overflow(aggregate: &Aggregate) -> EvalError {
    let operation = format!("`{}`", aggregate.function.name());
    aggregate.place.error(EvalErrorKind::Overflow { operation })
}
