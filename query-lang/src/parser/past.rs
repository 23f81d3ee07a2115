//! Relations that read history.

use super::expr::{Boxed, boxed};
use super::input::{Input, Parsed};
use super::primary::literal;
use super::terminal::{any_ident, has_kw, kw, name, name_of, relation_alias, symbol};
use crate::Expected;
use crate::ast::{Past, PastKind, Point, PointKind, Relation, RelationKind, Subject};
use crate::keywords::Kw;
use crate::lexer::TokenKind;

/// A relation as the parser passes it on.
type BoxedRelation<'a> = Parsed<'a, Box<Relation>>;

/// Whether a token can be an entity or an operation: an id or a parameter.
fn is_entity(kind: Option<TokenKind>) -> bool {
    matches!(kind, Some(TokenKind::Id | TokenKind::Parameter | TokenKind::Question))
}

/// Whether a relation that reads history begins here, where the name of a model could as well: `history`, `diff` and
/// `why` are names too.
pub(super) fn begins(i: Input<'_>) -> bool {
    let kind = |ahead| i.peek_at(ahead).map(|token| token.kind);
    let next = i.keyword_at(1);
    match i.keyword() {
        Some(Kw::History | Kw::Bisect) => next == Some(Kw::Of),
        Some(Kw::Diff) if is_entity(kind(1)) => i.keyword_at(2) == Some(Kw::From),
        Some(Kw::Diff) => {
            let named = matches!(kind(1), Some(TokenKind::QuotedName))
                || (kind(1) == Some(TokenKind::Word) && !next.is_some_and(Kw::is_reserved));
            let after = if kind(2) == Some(TokenKind::Id) { 3 } else { 2 };
            named && i.keyword_at(after) == Some(Kw::From)
        }
        Some(Kw::Why) => is_entity(kind(1)) && kind(2) == Some(TokenKind::Dot),
        _ => is_entity(kind(0)),
    }
}

/// A relation that reads history, with its alias.
pub(super) fn relation(start: Input<'_>) -> BoxedRelation<'_> {
    let (i, past) = past(start)?;
    let (i, alias) = relation_alias(i)?;
    let kind = RelationKind::Past { past: Box::new(past), alias };
    Ok((i, Box::new(Relation { kind, span: i.span_from(start) })))
}

/// `history of …`, `diff …`, `why …` as statements: the whole of what is there.
pub(super) fn alone(start: Input<'_>) -> BoxedRelation<'_> {
    let (i, past) = past(start)?;
    let kind = RelationKind::Past { past: Box::new(past), alias: None };
    Ok((i, Box::new(Relation { kind, span: i.span_from(start) })))
}

fn past(start: Input<'_>) -> Parsed<'_, Past> {
    let next = start.advance();
    let (i, kind) = match start.keyword() {
        Some(Kw::History) => {
            let (i, ()) = kw(Kw::Of)(next)?;
            let (i, entity) = entity(i)?;
            (i, PastKind::History { entity })
        }
        Some(Kw::Bisect) => {
            // Where it stands alone, `of` can be left away.
            let (i, _) = has_kw(next, Kw::Of)?;
            let (i, entity) = entity(i)?;
            (i, PastKind::Bisect { entity })
        }
        Some(Kw::Diff) => diff(next)?,
        Some(Kw::Why) => why(next)?,
        _ => {
            let (i, entity) = entity(start)?;
            let (i, ()) = kw(Kw::As)(i)?;
            let (i, ()) = kw(Kw::Of)(i)?;
            let (i, point) = point(i)?;
            (i, PastKind::AsOf { subject: Subject::Entity(entity), point })
        }
    };
    Ok((i, Past { kind, span: i.span_from(start) }))
}

/// An entity or a model.
pub(super) fn subject(i: Input<'_>) -> Parsed<'_, Subject> {
    if is_entity(i.kind()) {
        let (i, entity) = entity(i)?;
        return Ok((i, Subject::Entity(entity)));
    }
    i.note(Expected::Id);
    let (i, model) = name(Expected::Model)(i)?;
    Ok((i, Subject::Model(model)))
}

/// An operation: an id or a parameter.
pub(super) fn operation(i: Input<'_>) -> Parsed<'_, crate::ast::Expr> {
    let (i, operation) = entity(i)?;
    Ok((i, *operation))
}

/// What follows `diff`.
fn diff(i: Input<'_>) -> Parsed<'_, PastKind> {
    let (i, subject) = subject(i)?;
    let (i, ()) = kw(Kw::From)(i)?;
    let (i, from) = point(i)?;
    let (i, has_end) = has_kw(i, Kw::To)?;
    let (i, to) = if has_end { some(point(i)?) } else { (i, None) };
    Ok((i, PastKind::Diff { subject, from, to }))
}

/// What follows `why`.
fn why(i: Input<'_>) -> Parsed<'_, PastKind> {
    let (i, entity) = entity(i)?;
    let (i, ()) = symbol(TokenKind::Dot)(i)?;
    let (i, ident) = any_ident(Expected::PathStep)(i)?;
    let (i, property) = name_of(i, ident)?;
    let (i, point) = as_of(i)?;
    Ok((i, PastKind::Why { entity, property, point }))
}

/// `as of` and a point, if it is there.
pub(super) fn as_of(i: Input<'_>) -> Parsed<'_, Option<Point>> {
    if i.keyword() == Some(Kw::As) && i.keyword_at(1) == Some(Kw::Of) {
        return Ok(some(point(i.advance().advance())?));
    }
    i.note(Expected::Keyword("as of"));
    Ok((i, None))
}

fn some<T>((i, value): (Input<'_>, T)) -> (Input<'_>, Option<T>) {
    (i, Some(value))
}

/// An id or a parameter.
pub(super) fn entity(i: Input<'_>) -> Boxed<'_> {
    if is_entity(i.kind()) { literal(i) } else { i.fail(Expected::Id) }
}

/// A point in a history.
pub(super) fn point(start: Input<'_>) -> Parsed<'_, Point> {
    start.note(Expected::Id);
    start.note(Expected::Keyword(Kw::Position.text()));
    let kind = |ahead| start.peek_at(ahead).map(|token| token.kind);
    let next = start.advance();
    let several = kind(0) == Some(TokenKind::LeftParen) && is_entity(kind(1));
    let (i, kind) = if several && kind(2) == Some(TokenKind::Comma) {
        operations(next)?
    } else if start.keyword() == Some(Kw::Position) && kind(1) != Some(TokenKind::LeftParen) {
        let (i, position) = boxed(next)?;
        (i, PointKind::Position(position))
    } else {
        let (i, value) = boxed(start)?;
        (i, PointKind::At(value))
    };
    Ok((i, Point { kind, span: i.span_from(start) }))
}

/// Operations after an opening parenthesis, with the closing one.
fn operations(i: Input<'_>) -> Parsed<'_, PointKind> {
    let mut operations = Vec::new();
    let mut at = i;
    loop {
        let (i, operation) = operation(at)?;
        operations.push(operation);
        if i.kind() == Some(TokenKind::Comma) {
            at = i.advance();
            continue;
        }
        i.note(Expected::Symbol(","));
        let (i, ()) = symbol(TokenKind::RightParen)(i)?;
        return Ok((i, PointKind::Operations(operations)));
    }
}
