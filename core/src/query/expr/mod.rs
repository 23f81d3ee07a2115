//! Bound expressions and their values.

use ankurah_query_lang::Span;

use crate::value::{Value, ValueType};

/// A place in the statement's text. All places are equal: equality of expressions is about what they mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place(pub Span);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}

/// An expression over the slots of a row. Types were checked when it was bound.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A value.
    Constant(Value),
    /// A slot of the row.
    Column(usize, Place),
    /// The value of an aggregate; stands only until groups are bound.
    Aggregate(usize, Place),
}

/// An aggregate over the rows of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub(crate) argument: Option<Expr>,
    pub(crate) value_type: Option<ValueType>,
}
