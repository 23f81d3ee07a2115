//! How tightly operators bind: Postgres' order.

use crate::ast::BinaryOp;

/// How tightly an operator binds, the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Or,
    And,
    Not,
    /// `is null`, `is distinct from`, …
    Is,
    Comparison,
    /// `between`, `in`, `like`
    Range,
    Concat,
    Sum,
    Product,
    /// `-x`, `+x`
    Unary,
    /// `x::t`
    Cast,
    /// What needs no parentheses anywhere.
    Primary,
}

impl Level {
    /// The level of an operator.
    pub(crate) fn of(op: BinaryOp) -> Self {
        match op {
            BinaryOp::Add | BinaryOp::Sub => Self::Sum,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => Self::Product,
            BinaryOp::Concat => Self::Concat,
            BinaryOp::Eq
            | BinaryOp::NotEq
            | BinaryOp::Lt
            | BinaryOp::LtEq
            | BinaryOp::Gt
            | BinaryOp::GtEq => Self::Comparison,
        }
    }

    /// The next tighter level.
    pub(crate) fn above(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Is,
            Self::Is => Self::Comparison,
            Self::Comparison => Self::Range,
            Self::Range => Self::Concat,
            Self::Concat => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Unary,
            Self::Unary => Self::Cast,
            Self::Cast | Self::Primary => Self::Primary,
        }
    }

    /// Whether its operators cannot stand side by side, as in `a < b < c`.
    pub(crate) fn is_nonassociative(self) -> bool {
        matches!(self, Self::Comparison | Self::Range)
    }
}
