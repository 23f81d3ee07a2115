//! Bound expressions and their values.

mod aggregate;
mod arithmetic;
mod convert;
mod date;
mod decimal;
mod eval;
mod function;
mod json;
mod like;
mod quick;
mod show;
mod text;

use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::BinaryOp;

pub(crate) use aggregate::Accumulator;
pub use aggregate::{Aggregate, AggregateFunction};
pub(crate) use convert::cast;
pub use date::DateField;
pub(crate) use eval::escape_character;
pub use function::Function;
pub use json::JsonStep;
pub(crate) use json::path_value as json_path;
pub use like::Pattern;
pub(crate) use show::{Show, SlotNames, show_aggregate, show_value};

use super::error::{EvalError, EvalErrorKind};
use crate::value::{Value, ValueType};

/// The greatest length in bytes of a string or of bytes that an expression may give.
pub const MAX_VALUE_LENGTH: usize = 16 << 20;

/// A place in the statement's text. All places are equal: equality of expressions is about what they mean.
#[derive(Clone, Copy, Default)]
pub struct Place(pub Span);

impl std::fmt::Debug for Place {
    /// The same for every place, as they are all equal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}

impl std::hash::Hash for Place {
    /// The same for every place, as they are all equal.
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl Place {
    /// An error at this place.
    pub(crate) fn error(self, kind: EvalErrorKind) -> EvalError {
        EvalError { kind, span: self.0 }
    }
}

/// A comparison of two values of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison that an operator of the language is, if it is one.
    pub(crate) fn of(op: BinaryOp) -> Option<Self> {
        Some(match op {
            BinaryOp::Eq => Self::Equal,
            BinaryOp::NotEq => Self::NotEqual,
            BinaryOp::Lt => Self::Less,
            BinaryOp::LtEq => Self::LessOrEqual,
            BinaryOp::Gt => Self::Greater,
            BinaryOp::GtEq => Self::GreaterOrEqual,
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Concat => return None,
        })
    }

    /// The comparison that holds where this one does not, nulls aside.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// The comparison with its operands exchanged.
    pub(crate) fn flipped(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    /// Whether it holds of two values in this order.
    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// The operator as it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// An operation on two numbers of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: of integers it truncates towards zero.
    Divide,
    /// `%`: has the sign of the dividend.
    Remainder,
}

impl Arithmetic {
    /// The operation that an operator of the language is, if it is one.
    pub(crate) fn of(op: BinaryOp) -> Option<Self> {
        Some(match op {
            BinaryOp::Add => Self::Add,
            BinaryOp::Sub => Self::Subtract,
            BinaryOp::Mul => Self::Multiply,
            BinaryOp::Div => Self::Divide,
            BinaryOp::Rem => Self::Remainder,
            _ => return None,
        })
    }

    /// Whether it binds like a sum, not like a product.
    fn is_sum(self) -> bool {
        matches!(self, Self::Add | Self::Subtract)
    }

    /// The operator as it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// What `is` tests for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Null; of a condition also `unknown`.
    Null,
    /// True.
    True,
    /// False.
    False,
}

/// An expression over the slots of a row. Types were checked when it was bound: the operands of a node have the
/// types that it needs, or are null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A value.
    Constant(Value),
    /// A slot of the row.
    Column(usize, Place),
    /// The value of an aggregate; stands only until groups are bound.
    Aggregate(usize, Place),
    /// The negation of a condition.
    Not(Box<Expr>),
    /// All of some conditions.
    And(Vec<Expr>),
    /// One of some conditions.
    Or(Vec<Expr>),
    /// A comparison of values of one type.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `is [not] distinct from`, of values of one type.
    IsDistinct {
        /// Whether `not` was written.
        negated: bool,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `is [not] null`, `true` or `false`.
    Is {
        /// Whether `not` was written.
        negated: bool,
        /// What is tested for.
        test: Test,
        /// The operand.
        expr: Box<Expr>,
    },
    /// Whether a value lies between two others, which are included; it is computed once.
    Between {
        /// The value.
        expr: Box<Expr>,
        /// The lower bound.
        low: Box<Expr>,
        /// The upper bound.
        high: Box<Expr>,
    },
    /// Whether a value is among constants.
    InSet {
        /// The value.
        expr: Box<Expr>,
        /// The constants that are not null, ascending, each once.
        set: Arc<[Value]>,
        /// Whether null was among them.
        has_null: bool,
    },
    /// Whether a value is among others.
    InList(Box<Expr>, Vec<Expr>),
    /// `like`, `ilike` with a constant pattern.
    Like(Box<Expr>, Arc<Pattern>),
    /// `like`, `ilike` with a computed pattern.
    LikeComputed {
        /// The string.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// The escape character; a backslash where there is none.
        escape: Option<Box<Expr>>,
        /// Whether case is ignored.
        fold_case: bool,
        /// Where it stands.
        place: Place,
    },
    /// The negation of a number.
    Negate(Box<Expr>, Place),
    /// Operations on numbers of one type, one after the other from the left: an operand, then at least one
    /// operation with its right operand. Flat, so that a long sum is no deep tree.
    Arithmetic(Box<Expr>, Vec<(Arithmetic, Expr, Place)>),
    /// Strings, or bytes, one after the other: one, then at least one more. Flat.
    Concat(Box<Expr>, Vec<(Expr, Place)>),
    /// A conversion that fails where it is not possible.
    Cast(Box<Expr>, ValueType, Place),
    /// A part of a JSON document; null where it is not there or is JSON's `null`.
    JsonPath(Box<Expr>, Arc<[JsonStep]>),
    /// A JSON document as a value of a type, to be compared: null where it is of another kind.
    JsonAs(Box<Expr>, ValueType, Place),
    /// `case`
    Case {
        /// Conditions and results.
        branches: Vec<(Expr, Expr)>,
        /// The result where no condition holds.
        otherwise: Option<Box<Expr>>,
    },
    /// `case` with an operand, which is computed once.
    Switch {
        /// The operand.
        operand: Box<Expr>,
        /// What it is compared with, and results.
        branches: Vec<(Expr, Expr)>,
        /// The result where nothing is equal.
        otherwise: Option<Box<Expr>>,
    },
    /// A function of its arguments.
    Call(Function, Vec<Expr>, Place),
}

/// Calls `$visit` with each direct operand of an expression that is borrowed in one way or the other.
macro_rules! each_operand {
    ($expr:expr, $visit:ident, $iter:ident) => {
        match $expr {
            Expr::Constant(_) | Expr::Column(..) | Expr::Aggregate(..) => {}
            Expr::Not(expr)
            | Expr::Is { expr, .. }
            | Expr::InSet { expr, .. }
            | Expr::Like(expr, _)
            | Expr::Negate(expr, _)
            | Expr::Cast(expr, ..)
            | Expr::JsonPath(expr, _)
            | Expr::JsonAs(expr, ..) => $visit(expr),
            Expr::And(list) | Expr::Or(list) | Expr::Call(_, list, _) => list.$iter().for_each($visit),
            Expr::Compare(_, left, right) | Expr::IsDistinct { left, right, .. } => {
                $visit(left);
                $visit(right);
            }
            Expr::Arithmetic(first, rest) => {
                $visit(first);
                rest.$iter().for_each(|(_, expr, _)| $visit(expr));
            }
            Expr::Concat(first, rest) => {
                $visit(first);
                rest.$iter().for_each(|(expr, _)| $visit(expr));
            }
            Expr::InList(expr, list) => {
                $visit(expr);
                list.$iter().for_each($visit);
            }
            Expr::LikeComputed { expr, pattern, escape, .. } => {
                $visit(expr);
                $visit(pattern);
                escape.$iter().for_each(|escape| $visit(escape));
            }
            Expr::Between { expr, low, high } => {
                $visit(expr);
                $visit(low);
                $visit(high);
            }
            Expr::Case { branches, otherwise } => {
                branches.$iter().for_each(|(when, then)| {
                    $visit(when);
                    $visit(then);
                });
                otherwise.$iter().for_each(|otherwise| $visit(otherwise));
            }
            Expr::Switch { operand, branches, otherwise } => {
                $visit(operand);
                branches.$iter().for_each(|(when, then)| {
                    $visit(when);
                    $visit(then);
                });
                otherwise.$iter().for_each(|otherwise| $visit(otherwise));
            }
        }
    };
}

impl Expr {
    /// The constant null.
    pub(crate) const NULL: Expr = Expr::Constant(Value::Null);

    /// The value, where it is a constant.
    pub(crate) fn constant(&self) -> Option<&Value> {
        match self {
            Expr::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// `self`, then an operation with a right operand: where `self` ends with one that binds as tightly, its
    /// chain goes on.
    pub(crate) fn arithmetic(self, op: Arithmetic, right: Expr, place: Place) -> Expr {
        match self {
            Expr::Arithmetic(first, mut rest)
                if rest.first().is_some_and(|(before, ..)| before.is_sum() == op.is_sum()) =>
            {
                rest.push((op, right, place));
                Expr::Arithmetic(first, rest)
            }
            left => Expr::Arithmetic(Box::new(left), vec![(op, right, place)]),
        }
        .fold_pair()
    }

    /// `self`, then another string, or bytes.
    pub(crate) fn concat(self, right: Expr, place: Place) -> Expr {
        match self {
            Expr::Concat(first, mut rest) => {
                rest.push((right, place));
                Expr::Concat(first, rest)
            }
            left => Expr::Concat(Box::new(left), vec![(right, place)]),
        }
        .fold_pair()
    }

    /// Folds a chain of two operands. A longer one was not constant before, so that it is not looked through
    /// again with every operand that it gets.
    fn fold_pair(self) -> Expr {
        match &self {
            Expr::Arithmetic(_, rest) if rest.len() == 1 => self.fold(),
            Expr::Concat(_, rest) if rest.len() == 1 => self.fold(),
            _ => self,
        }
    }

    /// Calls `visit` with each direct operand.
    pub(crate) fn children<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        each_operand!(self, visit, iter);
    }

    /// Calls `visit` with each direct operand, to change it.
    pub(crate) fn children_mut(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        each_operand!(self, visit, iter_mut);
    }

    /// Calls `visit` with every slot that the value depends on.
    pub(crate) fn slots(&self, visit: &mut dyn FnMut(usize)) {
        if let Expr::Column(slot, _) = self {
            visit(*slot);
        }
        self.children(&mut |child| child.slots(visit));
    }

    /// How many expressions it is made of, itself included.
    pub(crate) fn size(&self) -> usize {
        let mut size: usize = 1;
        self.children(&mut |child| size = size.saturating_add(child.size()));
        size
    }

    /// The same value as a constant, where it is constant and can be computed. A part that cannot be computed
    /// stays as it is: it fails only where its value is asked for.
    #[must_use]
    pub(crate) fn fold(self) -> Expr {
        if matches!(self, Expr::Constant(_) | Expr::Column(..) | Expr::Aggregate(..)) {
            return self;
        }
        let mut constant = true;
        self.children(&mut |child| constant &= child.constant().is_some());
        if constant {
            return match self.eval(&[]) {
                Ok(value) => Expr::Constant(value.into_owned()),
                Err(_) => self,
            };
        }
        match self {
            Expr::And(list) => junction(list, true),
            Expr::Or(list) => junction(list, false),
            other => other,
        }
    }

    /// Whether there may be rows for which the value cannot be computed.
    pub(crate) fn can_fail(&self) -> bool {
        let fails = match self {
            Expr::Constant(_)
            | Expr::Column(..)
            | Expr::Aggregate(..)
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Compare(..)
            | Expr::IsDistinct { .. }
            | Expr::Is { .. }
            | Expr::Between { .. }
            | Expr::InSet { .. }
            | Expr::InList(..)
            | Expr::Like(..)
            | Expr::JsonPath(..)
            | Expr::Case { .. }
            | Expr::Switch { .. } => false,
            Expr::Cast(_, to, _) | Expr::JsonAs(_, to, _) => *to != ValueType::String,
            Expr::Call(function, ..) => function.can_fail(),
            Expr::LikeComputed { .. } | Expr::Negate(..) | Expr::Arithmetic(..) | Expr::Concat(..) => true,
        };
        let mut parts = false;
        self.children(&mut |child| parts = parts || child.can_fail());
        fails || parts
    }

    /// The conditions that must all hold.
    pub(crate) fn conjuncts(&self) -> &[Expr] {
        match self {
            Expr::And(list) => list,
            other => std::slice::from_ref(other),
        }
    }
}

/// `and` (or `or`) of operands of which some are constants: the neutral ones fall away, an absorbing one wins.
fn junction(list: Vec<Expr>, is_and: bool) -> Expr {
    let mut kept = Vec::with_capacity(list.len());
    for expr in list {
        match (expr, is_and) {
            (Expr::Constant(Value::Bool(value)), _) if value == is_and => {}
            (Expr::Constant(Value::Bool(value)), _) => return Expr::Constant(Value::Bool(value)),
            (Expr::And(inner), true) | (Expr::Or(inner), false) => kept.extend(inner),
            (other, _) => kept.push(other),
        }
    }
    match kept.pop() {
        None => Expr::Constant(Value::Bool(is_and)),
        Some(only) if kept.is_empty() => only,
        Some(last) => {
            kept.push(last);
            if is_and { Expr::And(kept) } else { Expr::Or(kept) }
        }
    }
}
