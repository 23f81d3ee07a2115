//! Expressions: precedence climbing over what binds them together. [`primary`](super::primary) has the rest.

use super::input::{Fail, Input, Parsed};
use super::primary::{data_type, primary};
use super::select::subquery_body;
use super::terminal::{has_kw, kw, not_available, symbol};
use crate::ast::{BinaryOp, ChainLink, Expr, ExprKind, IsTest, UnaryOp};
use crate::keywords::Kw;
use crate::lexer::TokenKind;
use crate::precedence::Level;
use crate::{Expected, ParseError, ParseErrorKind, Span};

/// What the parser of expressions passes on: a box, so that its frames on the stack stay small.
pub(super) type Boxed<'a> = Parsed<'a, Box<Expr>>;

/// An expression.
pub(super) fn expr(i: Input<'_>) -> Parsed<'_, Expr> {
    let (i, expr) = boxed(i)?;
    Ok((i, *expr))
}

/// An expression, boxed.
pub(super) fn boxed(i: Input<'_>) -> Boxed<'_> {
    operand(i, Level::Or)
}

/// One level deeper: an expression whose operators all bind at least as tightly as `min`.
fn operand(i: Input<'_>, min: Level) -> Boxed<'_> {
    let level = i.enter(1)?;
    let result = operators(i, min);
    i.leave(level);
    result
}

/// One or more expressions, separated by commas. By hand, since nom's lists take much of the stack.
pub(super) fn expr_list(i: Input<'_>) -> Parsed<'_, Vec<Expr>> {
    let mut list = Vec::new();
    let mut at = i;
    loop {
        let (i, item) = boxed(at)?;
        push(&mut list, item);
        if i.kind() != Some(TokenKind::Comma) {
            i.note(Expected::Symbol(","));
            return Ok((i, list));
        }
        at = i.advance();
    }
}

/// On its own, so that the moved value is not on the stack of nested lists.
#[expect(clippy::boxed_local, reason = "the parser passes boxes")]
fn push(list: &mut Vec<Expr>, item: Box<Expr>) {
    list.push(*item);
}

/// An expression that stops before `in`.
pub(super) fn before_in(i: Input<'_>) -> Boxed<'_> {
    operand(i, Level::Range.above())
}

/// A boxed node from the position `start` to `i`.
pub(super) fn node<'a>(start: Input<'a>, i: Input<'a>, kind: ExprKind) -> Boxed<'a> {
    Ok((i, Box::new(Expr { kind, span: i.span_from(start) })))
}

fn operators(start: Input<'_>, min: Level) -> Boxed<'_> {
    let (mut i, mut left) = prefix(start)?;
    let mut chained = None;
    while let Some(op) = infix(i) {
        let level = op.level();
        if level < min {
            break;
        }
        if chained == Some(level) {
            return chain_error(i, level);
        }
        (i, left) = apply(start, i, op, left)?;
        chained = level.is_nonassociative().then_some(level);
    }
    Ok((i, left))
}

fn chain_error<'a, T>(i: Input<'a>, level: Level) -> Parsed<'a, T> {
    let span = i.peek().map_or(Span::point(i.offset()), |token| token.span);
    let help = match level {
        Level::Comparison => "join two comparisons with `and`, as in `a < b and b < c`, or add parentheses",
        _ => "add parentheses",
    };
    i.fatal(ParseError::new(ParseErrorKind::ChainedComparison, span).with_suggestion(help))
}

/// An operand with the operators before it.
fn prefix(start: Input<'_>) -> Boxed<'_> {
    let (op, level) = match (start.kind(), start.keyword()) {
        (_, Some(Kw::Not)) => (UnaryOp::Not, Level::Not),
        (Some(TokenKind::Minus), _) => (UnaryOp::Neg, Level::Unary),
        (Some(TokenKind::Plus), _) => (UnaryOp::Plus, Level::Unary),
        _ => return primary(start),
    };
    let (i, expr) = operand(start.advance(), level)?;
    node(start, i, ExprKind::Unary { op, expr })
}

/// What can follow an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Infix {
    Or,
    And,
    Is,
    Binary(BinaryOp),
    Between { negated: bool },
    In { negated: bool },
    Like { negated: bool, case_insensitive: bool },
    Cast,
    Collate,
}

impl Infix {
    fn level(self) -> Level {
        match self {
            Self::Or => Level::Or,
            Self::And => Level::And,
            Self::Is => Level::Is,
            Self::Binary(op) => Level::of(op),
            Self::Between { .. } | Self::In { .. } | Self::Like { .. } => Level::Range,
            Self::Cast | Self::Collate => Level::Cast,
        }
    }
}

/// The operator at this position.
fn infix(i: Input<'_>) -> Option<Infix> {
    let binary = |op| Some(Infix::Binary(op));
    match i.kind() {
        Some(TokenKind::Eq) => binary(BinaryOp::Eq),
        Some(TokenKind::NotEq) => binary(BinaryOp::NotEq),
        Some(TokenKind::Lt) => binary(BinaryOp::Lt),
        Some(TokenKind::LtEq) => binary(BinaryOp::LtEq),
        Some(TokenKind::Gt) => binary(BinaryOp::Gt),
        Some(TokenKind::GtEq) => binary(BinaryOp::GtEq),
        Some(TokenKind::Plus) => binary(BinaryOp::Add),
        Some(TokenKind::Minus) => binary(BinaryOp::Sub),
        Some(TokenKind::Star) => binary(BinaryOp::Mul),
        Some(TokenKind::Slash) => binary(BinaryOp::Div),
        Some(TokenKind::Percent) => binary(BinaryOp::Rem),
        Some(TokenKind::Concat) => binary(BinaryOp::Concat),
        Some(TokenKind::DoubleColon) => Some(Infix::Cast),
        Some(TokenKind::Word) => infix_word(i),
        _ => {
            note_operators(i);
            None
        }
    }
}

fn infix_word(i: Input<'_>) -> Option<Infix> {
    let word = |keyword, negated| match keyword {
        Some(Kw::Between) => Some(Infix::Between { negated }),
        Some(Kw::In) => Some(Infix::In { negated }),
        Some(Kw::Like) => Some(Infix::Like { negated, case_insensitive: false }),
        Some(Kw::Ilike) => Some(Infix::Like { negated, case_insensitive: true }),
        _ => None,
    };
    let found = match i.keyword() {
        Some(Kw::Or) => Some(Infix::Or),
        Some(Kw::And) => Some(Infix::And),
        Some(Kw::Is) => Some(Infix::Is),
        Some(Kw::Collate) => Some(Infix::Collate),
        Some(Kw::Not) => {
            let next = i.advance();
            let found = word(next.keyword(), true);
            if found.is_none() {
                for keyword in [Kw::In, Kw::Like, Kw::Ilike, Kw::Between] {
                    next.note(Expected::Keyword(keyword.text()));
                }
            }
            found
        }
        keyword => word(keyword, false),
    };
    if found.is_none() {
        note_operators(i);
    }
    found
}

fn note_operators(i: Input<'_>) {
    i.note(Expected::Operator);
    if !i.context.is_recording() {
        return;
    }
    for keyword in [Kw::And, Kw::Or, Kw::Is, Kw::In, Kw::Not, Kw::Like, Kw::Ilike, Kw::Between] {
        i.note(Expected::Keyword(keyword.text()));
    }
}

/// What `op` (at `i`) makes of the operand on its left.
fn apply<'a>(start: Input<'a>, i: Input<'a>, op: Infix, left: Box<Expr>) -> Boxed<'a> {
    let next = i.advance();
    match op {
        Infix::And | Infix::Or => logical(start, i, op, left),
        Infix::Binary(op) if op.is_comparison() => {
            i.grow()?;
            let (i, right) = operand(next, Level::Comparison.above())?;
            node(start, i, ExprKind::Compare { op, left, right })
        }
        Infix::Binary(op) => chain(start, i, op, left),
        Infix::Is => is(start, next, left),
        Infix::Between { negated } => {
            between(start, if negated { next.advance() } else { next }, negated, left)
        }
        Infix::In { negated } => in_list(start, if negated { next.advance() } else { next }, negated, left),
        Infix::Like { negated, case_insensitive } => {
            like(start, if negated { next.advance() } else { next }, negated, case_insensitive, left)
        }
        Infix::Cast => {
            i.grow()?;
            let (i, to) = data_type(next)?;
            node(start, i, ExprKind::Cast { expr: left, to })
        }
        Infix::Collate => not_available(i, "`collate`", 1, Some("strings compare by their bytes")),
    }
}

/// `a + b - c`, from the first operator, flat.
fn chain<'a>(start: Input<'a>, mut i: Input<'a>, op: BinaryOp, left: Box<Expr>) -> Boxed<'a> {
    let level = Level::of(op);
    let (first, mut rest) = begin_chain(i, level, left)?;
    while let Some(Infix::Binary(op)) = infix(i) {
        if Level::of(op) != level {
            break;
        }
        let (next, operand) = operand(i.advance(), level.above())?;
        link(&mut rest, op, operand);
        i = next;
    }
    node(start, i, ExprKind::Chain { first, rest })
}

/// What a chain begins with: where that is a chain of the same level in parentheses, it goes on.
#[expect(clippy::boxed_local, reason = "the parser passes boxes")]
fn begin_chain(
    i: Input<'_>,
    level: Level,
    left: Box<Expr>,
) -> Result<(Box<Expr>, Vec<ChainLink>), nom::Err<Fail>> {
    match *left {
        Expr { kind: ExprKind::Chain { first, rest }, .. }
            if rest.first().is_some_and(|link| Level::of(link.op) == level) =>
        {
            Ok((first, rest))
        }
        left => {
            i.grow()?;
            Ok((Box::new(left), Vec::new()))
        }
    }
}

/// On its own, so that the moved operand is not on the stack of nested chains.
#[expect(clippy::boxed_local, reason = "the parser passes boxes")]
fn link(rest: &mut Vec<ChainLink>, op: BinaryOp, operand: Box<Expr>) {
    rest.push(ChainLink { op, operand: *operand });
}

/// `a and b and c`, from the first `and`, flat.
fn logical<'a>(start: Input<'a>, mut i: Input<'a>, op: Infix, left: Box<Expr>) -> Boxed<'a> {
    i.grow()?;
    let keyword = if op == Infix::And { Kw::And } else { Kw::Or };
    let mut operands = Vec::new();
    push(&mut operands, left);
    while i.keyword() == Some(keyword) {
        let (next, right) = operand(i.advance(), op.level().above())?;
        push(&mut operands, right);
        i = next;
    }
    node(start, i, if op == Infix::And { ExprKind::And(operands) } else { ExprKind::Or(operands) })
}

/// What follows `is`.
fn is<'a>(start: Input<'a>, i: Input<'a>, left: Box<Expr>) -> Boxed<'a> {
    i.grow()?;
    let (i, negated) = has_kw(i, Kw::Not)?;
    let test = match i.keyword() {
        Some(Kw::Null) => IsTest::Null,
        Some(Kw::True) => IsTest::True,
        Some(Kw::False) => IsTest::False,
        Some(Kw::Unknown) => IsTest::Unknown,
        Some(Kw::Distinct) => {
            let (i, ()) = kw(Kw::From)(i.advance())?;
            let (i, right) = operand(i, Level::Is.above())?;
            return node(start, i, ExprKind::IsDistinctFrom { negated, left, right });
        }
        _ => {
            for keyword in [Kw::Null, Kw::True, Kw::False, Kw::Unknown] {
                i.note(Expected::Keyword(keyword.text()));
            }
            return i.fail(Expected::Keyword("distinct from"));
        }
    };
    node(start, i.advance(), ExprKind::Is { negated, expr: left, test })
}

fn between<'a>(start: Input<'a>, i: Input<'a>, negated: bool, expr: Box<Expr>) -> Boxed<'a> {
    i.grow()?;
    let (i, low) = operand(i, Level::Range.above())?;
    let (i, ()) = kw(Kw::And)(i)?;
    let (i, high) = operand(i, Level::Range.above())?;
    node(start, i, ExprKind::Between { negated, expr, low, high })
}

fn in_list<'a>(start: Input<'a>, i: Input<'a>, negated: bool, expr: Box<Expr>) -> Boxed<'a> {
    i.grow()?;
    let (i, ()) = symbol(TokenKind::LeftParen)(i)?;
    if matches!(i.keyword(), Some(Kw::Select | Kw::From)) {
        let (i, query) = subquery_body(i)?;
        return node(start, i, ExprKind::InQuery { negated, expr, query });
    }
    let (i, list) = expr_list(i)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    node(start, i, ExprKind::InList { negated, expr, list })
}

fn like<'a>(
    start: Input<'a>,
    i: Input<'a>,
    negated: bool,
    case_insensitive: bool,
    expr: Box<Expr>,
) -> Boxed<'a> {
    i.grow()?;
    let (i, pattern) = operand(i, Level::Range.above())?;
    let (i, escaped) = has_kw(i, Kw::Escape)?;
    let (i, escape) = if escaped {
        let (i, escape) = operand(i, Level::Range.above())?;
        (i, Some(escape))
    } else {
        (i, None)
    };
    node(start, i, ExprKind::Like { negated, case_insensitive, expr, pattern, escape })
}
