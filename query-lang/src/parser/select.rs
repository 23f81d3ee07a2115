//! `select`, what it reads from, and predicates.

use super::expr::{boxed, expr_list};
use super::input::{Input, Parsed};
use super::past;
use super::terminal::{
    alias, any_ident, comma_list, has_kw, ident, kw, name, not_available, parens, relation_alias, symbol,
};
use crate::ast::{
    Expr, JoinCondition, JoinKind, Name, NullsOrder, OrderItem, Past, PastKind, Predicate, Relation,
    RelationKind, Select, SelectItem, SelectItemKind, Subject,
};
use crate::keywords::Kw;
use crate::lexer::TokenKind;
use crate::{Expected, ParseError, ParseErrorKind, Span};

/// `select …` or `from …`. The parts are put into the box as they are read: on the stack they would weigh
/// on every level of nested queries.
pub(super) fn select(start: Input<'_>) -> Parsed<'_, Box<Select>> {
    let mut select = Box::new(empty());
    let (i, ()) = head(start, &mut select)?;
    let (i, ()) = where_into(i, &mut select.filter)?;
    let (i, ()) = list_into(i, Kw::Group, &mut select.group_by)?;
    let (i, ()) = clause_into(i, Kw::Having, &mut select.having)?;
    let (i, ()) = order_into(i, &mut select.order_by)?;
    let (i, ()) = limit_offset(i, &mut select.limit, &mut select.offset)?;
    out_of_place(i)?;
    select.span = i.span_from(start);
    Ok((i, select))
}

fn empty() -> Select {
    Select {
        distinct: false,
        items: Vec::new(),
        from: None,
        filter: None,
        group_by: Vec::new(),
        having: None,
        order_by: Vec::new(),
        limit: None,
        offset: None,
        span: Span::default(),
    }
}

/// The select list and what follows `from`.
fn head<'a>(start: Input<'a>, select: &mut Select) -> Parsed<'a, ()> {
    if matches!(start.keyword(), Some(Kw::History | Kw::Bisect | Kw::Diff | Kw::Why)) {
        return past_into(start, select);
    }
    let (i, short) = has_kw(start, Kw::From)?;
    if short {
        let span = Span::point(start.offset());
        select.items.push(SelectItem { kind: SelectItemKind::Wildcard, span });
        return from_into(i, select);
    }
    let (i, ()) = kw(Kw::Select)(i)?;
    let (i, distinct) = has_kw(i, Kw::Distinct)?;
    if distinct && i.keyword() == Some(Kw::On) {
        return not_available(i, "`distinct on`", 1, None);
    }
    select.distinct = distinct;
    let (i, _) = if distinct { (i, false) } else { has_kw(i, Kw::All)? };
    let (i, ()) = items(i, &mut select.items)?;
    let (i, has_from) = has_kw(i, Kw::From)?;
    if has_from { from_into(i, select) } else { Ok((i, ())) }
}

/// `history of …` and its like, which are short for `select *` from that.
fn past_into<'a>(start: Input<'a>, select: &mut Select) -> Parsed<'a, ()> {
    let span = Span::point(start.offset());
    select.items.push(SelectItem { kind: SelectItemKind::Wildcard, span });
    let (i, from) = past::alone(start)?;
    select.from = Some(*from);
    Ok((i, ()))
}

fn from_into<'a>(i: Input<'a>, select: &mut Select) -> Parsed<'a, ()> {
    let (i, from) = relations(i)?;
    select.from = Some(*from);
    Ok((i, ()))
}

/// A keyword and an expression, if they are there.
fn clause_into<'a>(i: Input<'a>, keyword: Kw, place: &mut Option<Expr>) -> Parsed<'a, ()> {
    let (i, found) = has_kw(i, keyword)?;
    if found { expr_into(i, place) } else { Ok((i, ())) }
}

fn where_into<'a>(i: Input<'a>, place: &mut Option<Expr>) -> Parsed<'a, ()> {
    clause_into(i, Kw::Where, place)
}

fn expr_into<'a>(i: Input<'a>, place: &mut Option<Expr>) -> Parsed<'a, ()> {
    let (i, expr) = boxed(i)?;
    *place = Some(*expr);
    Ok((i, ()))
}

/// `group by …`, if it is there.
fn list_into<'a>(i: Input<'a>, keyword: Kw, place: &mut Vec<Expr>) -> Parsed<'a, ()> {
    let (i, found) = by(i, keyword)?;
    if !found {
        return Ok((i, ()));
    }
    let (i, list) = expr_list(i)?;
    *place = list;
    Ok((i, ()))
}

/// What an app passes to a query on one model.
pub(super) fn predicate(start: Input<'_>) -> Parsed<'_, Predicate> {
    let ends =
        |i: Input<'_>| matches!(i.keyword(), Some(Kw::Order | Kw::Limit | Kw::Offset)) || i.peek().is_none();
    let mut predicate =
        Predicate { filter: None, order_by: Vec::new(), limit: None, offset: None, span: Span::default() };
    let (i, ()) = if start.keyword() == Some(Kw::Where) {
        where_into(start, &mut predicate.filter)?
    } else if ends(start) {
        start.note(Expected::Expression);
        (start, ())
    } else {
        expr_into(start, &mut predicate.filter)?
    };
    let (i, ()) = order_into(i, &mut predicate.order_by)?;
    let (i, ()) = limit_offset(i, &mut predicate.limit, &mut predicate.offset)?;
    out_of_place(i)?;
    if i.peek().is_some() {
        return i.fail(Expected::End);
    }
    predicate.span = i.span_from(start);
    Ok((i, predicate))
}

/// `where condition`, if it is there.
pub(super) fn filter(i: Input<'_>) -> Parsed<'_, Option<Expr>> {
    let mut filter = None;
    let (i, ()) = where_into(i, &mut filter)?;
    Ok((i, filter))
}

/// `group by` or `order by`, if it is there.
fn by(i: Input<'_>, keyword: Kw) -> Parsed<'_, bool> {
    let (i, found) = has_kw(i, keyword)?;
    let (i, ()) = if found { kw(Kw::By)(i)? } else { (i, ()) };
    Ok((i, found))
}

fn order_into<'a>(i: Input<'a>, place: &mut Vec<OrderItem>) -> Parsed<'a, ()> {
    let (i, ordered) = by(i, Kw::Order)?;
    if !ordered {
        return Ok((i, ()));
    }
    let mut at = i;
    loop {
        let (i, ()) = order_item(at, place)?;
        if i.kind() != Some(TokenKind::Comma) {
            i.note(Expected::Symbol(","));
            return Ok((i, ()));
        }
        at = i.advance();
    }
}

fn order_item<'a>(start: Input<'a>, place: &mut Vec<OrderItem>) -> Parsed<'a, ()> {
    let (i, expr) = boxed(start)?;
    let (i, ascending) = has_kw(i, Kw::Asc)?;
    let (i, descending) = if ascending { (i, false) } else { has_kw(i, Kw::Desc)? };
    let (i, nulls) = nulls_order(i)?;
    place.push(OrderItem { expr: *expr, descending, nulls, span: i.span_from(start) });
    Ok((i, ()))
}

fn nulls_order(i: Input<'_>) -> Parsed<'_, Option<NullsOrder>> {
    let (i, has_nulls) = has_kw(i, Kw::Nulls)?;
    if !has_nulls {
        return Ok((i, None));
    }
    let (i, first) = has_kw(i, Kw::First)?;
    if first {
        return Ok((i, Some(NullsOrder::First)));
    }
    let (i, ()) = kw(Kw::Last)(i)?;
    Ok((i, Some(NullsOrder::Last)))
}

/// `limit n` and `offset m`, in either order.
fn limit_offset<'a>(i: Input<'a>, limit: &mut Option<Expr>, offset: &mut Option<Expr>) -> Parsed<'a, ()> {
    let (i, ()) = clause_into(i, Kw::Offset, offset)?;
    let (i, has_limit) = has_kw(i, Kw::Limit)?;
    if !has_limit {
        return Ok((i, ()));
    }
    let (i, all) = has_kw(i, Kw::All)?;
    let (i, ()) = if all { (i, ()) } else { expr_into(i, limit)? };
    if offset.is_some() { Ok((i, ())) } else { clause_into(i, Kw::Offset, offset) }
}

/// Fails where a clause or an operator on queries follows that cannot stand there.
fn out_of_place(i: Input<'_>) -> Parsed<'_, ()> {
    let Some(keyword) = i.keyword() else { return Ok((i, ())) };
    match keyword {
        Kw::Union => not_available(i, "`union`", 1, None),
        Kw::Intersect => not_available(i, "`intersect`", 1, None),
        Kw::Except => not_available(i, "`except`", 1, None),
        Kw::Window => not_available(i, "`window`", 1, None),
        Kw::For => not_available(
            i,
            "`for`",
            1,
            Some("a statement in a transaction locks the entities that it changes"),
        ),
        Kw::Fetch => not_available(i, "`fetch`", 1, Some("write `limit`")),
        Kw::As if i.keyword_at(1) == Some(Kw::Of) => {
            let kind = ParseErrorKind::MisplacedClause { clause: "as of" };
            i.fatal(ParseError::new(kind, i.advance().advance().span_from(i)).with_suggestion(
                "it stands after what it is about, as in `from album as of '2026-01-01' where …`",
            ))
        }
        Kw::From | Kw::Where | Kw::Group | Kw::Having | Kw::Order | Kw::Limit | Kw::Offset => {
            let kind = ParseErrorKind::MisplacedClause { clause: keyword.text() };
            let span = i.peek().map_or(Span::point(i.offset()), |token| token.span);
            i.fatal(ParseError::new(kind, span).with_suggestion(
                "each clause stands once, in the order `from`, `where`, `group by`, `having`, `order by`, `limit`, `offset`",
            ))
        }
        _ => Ok((i, ())),
    }
}

/// A select list.
fn items<'a>(i: Input<'a>, place: &mut Vec<SelectItem>) -> Parsed<'a, ()> {
    let mut at = i;
    loop {
        let (i, ()) = item(at, place)?;
        if i.kind() != Some(TokenKind::Comma) {
            i.note(Expected::Symbol(","));
            return Ok((i, ()));
        }
        at = i.advance();
    }
}

/// One item of a select list.
fn item<'a>(start: Input<'a>, place: &mut Vec<SelectItem>) -> Parsed<'a, ()> {
    start.note(Expected::Symbol("*"));
    if start.kind() == Some(TokenKind::Star) {
        let i = start.advance();
        place.push(SelectItem { kind: SelectItemKind::Wildcard, span: i.span_from(start) });
        return Ok((i, ()));
    }
    if is_qualified_wildcard(start) {
        return qualified_wildcard(start, place);
    }
    let (i, expr) = boxed(start)?;
    aliased(start, i, expr, place)
}

fn qualified_wildcard<'a>(start: Input<'a>, place: &mut Vec<SelectItem>) -> Parsed<'a, ()> {
    let (i, qualifier) = name(Expected::Property)(start)?;
    let i = i.advance().advance();
    place.push(SelectItem { kind: SelectItemKind::QualifiedWildcard(qualifier), span: i.span_from(start) });
    Ok((i, ()))
}

/// The item that an expression and the alias after it make.
#[expect(clippy::boxed_local, reason = "the parser passes boxes")]
fn aliased<'a>(
    start: Input<'a>,
    i: Input<'a>,
    expr: Box<Expr>,
    place: &mut Vec<SelectItem>,
) -> Parsed<'a, ()> {
    let (i, alias) = alias(i)?;
    let kind = SelectItemKind::Expr { expr: *expr, alias };
    place.push(SelectItem { kind, span: i.span_from(start) });
    Ok((i, ()))
}

/// Whether `name.*` stands here.
fn is_qualified_wildcard(i: Input<'_>) -> bool {
    let kind = |ahead| i.peek_at(ahead).map(|token| token.kind);
    let skip = usize::from(kind(1) == Some(TokenKind::Id));
    matches!(kind(0), Some(TokenKind::Word | TokenKind::QuotedName))
        && kind(1 + skip) == Some(TokenKind::Dot)
        && kind(2 + skip) == Some(TokenKind::Star)
}

/// `returning …`, if it is there.
pub(super) fn returning(i: Input<'_>) -> Parsed<'_, Vec<SelectItem>> {
    let (mut i, found) = has_kw(i, Kw::Returning)?;
    let mut list = Vec::new();
    if found {
        (i, ()) = items(i, &mut list)?;
    }
    Ok((i, list))
}

/// Levels that a subquery counts for, since its parser needs more of the stack than an expression's.
const SUBQUERY_LEVELS: usize = 4;

/// A subquery's levels deeper.
fn deeper<'a, T>(i: Input<'a>, parser: fn(Input<'a>) -> Parsed<'a, T>) -> Parsed<'a, T> {
    let level = i.enter(SUBQUERY_LEVELS)?;
    let result = parser(i);
    i.leave(level);
    result
}

/// A query after an opening parenthesis, with the closing one.
pub(super) fn subquery_body(i: Input<'_>) -> Parsed<'_, Box<Select>> {
    let (i, query) = deeper(i, select)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    Ok((i, query))
}

/// A relation as the parser passes it on: boxed, like expressions.
type BoxedRelation<'a> = Parsed<'a, Box<Relation>>;

fn relation_node<'a>(start: Input<'a>, i: Input<'a>, kind: RelationKind) -> BoxedRelation<'a> {
    Ok((i, Box::new(Relation { kind, span: i.span_from(start) })))
}

/// What follows `from`.
fn relations(start: Input<'_>) -> BoxedRelation<'_> {
    let (mut i, mut left) = joined(start)?;
    while i.kind() == Some(TokenKind::Comma) {
        i.grow()?;
        let (next, right) = joined(i.advance())?;
        (i, left) = join_node(start, next, left, JoinKind::Cross, right, None)?;
    }
    Ok((i, left))
}

fn join_node<'a>(
    start: Input<'a>,
    i: Input<'a>,
    left: Box<Relation>,
    join: JoinKind,
    right: Box<Relation>,
    on: Option<JoinCondition>,
) -> BoxedRelation<'a> {
    relation_node(start, i, RelationKind::Join { left, join, right, on })
}

/// A relation and those joined to it.
fn joined(start: Input<'_>) -> BoxedRelation<'_> {
    let (mut i, mut left) = relation(start)?;
    loop {
        let (next, Some(join)) = join_kind(i)? else { return Ok((i, left)) };
        next.grow()?;
        let (next, right) = relation(next)?;
        let (next, on) = if join == JoinKind::Cross { (next, None) } else { some(join_condition(next)?) };
        (i, left) = join_node(start, next, left, join, right, on)?;
    }
}

fn some<T>((i, value): (Input<'_>, T)) -> (Input<'_>, Option<T>) {
    (i, Some(value))
}

/// `join`, `left outer join` and the like.
fn join_kind(i: Input<'_>) -> Parsed<'_, Option<JoinKind>> {
    let (outer, join) = match i.keyword() {
        Some(Kw::Join) => return Ok((i.advance(), Some(JoinKind::Inner))),
        Some(Kw::Inner) => (false, JoinKind::Inner),
        Some(Kw::Cross) => (false, JoinKind::Cross),
        Some(Kw::Left) => (true, JoinKind::Left),
        Some(Kw::Right) => (true, JoinKind::Right),
        Some(Kw::Full) => (true, JoinKind::Full),
        Some(Kw::Natural) => return not_available(i, "`natural join`", 1, Some("write `join … using (…)`")),
        // Not noted as expected: joins are parsed, so that the message about them is about their meaning,
        // but not proposed as long as they cannot be run. The same holds for subqueries.
        _ => return Ok((i, None)),
    };
    let (i, _) = if outer { has_kw(i.advance(), Kw::Outer)? } else { (i.advance(), false) };
    let (i, ()) = kw(Kw::Join)(i)?;
    Ok((i, Some(join)))
}

fn join_condition(i: Input<'_>) -> Parsed<'_, JoinCondition> {
    let (i, using) = has_kw(i, Kw::Using)?;
    if using {
        let (i, names) = parens(comma_list(name(Expected::Property)))(i)?;
        return Ok((i, JoinCondition::Using(names)));
    }
    let (i, ()) = kw(Kw::On)(i)?;
    let (i, condition) = boxed(i)?;
    Ok((i, JoinCondition::On(condition)))
}

/// A model, a query in parentheses or joined relations in parentheses.
fn relation(start: Input<'_>) -> BoxedRelation<'_> {
    if start.keyword() == Some(Kw::Lateral) {
        return not_available(start, "`lateral`", 1, None);
    }
    if start.kind() != Some(TokenKind::LeftParen) {
        return model(start);
    }
    let i = start.advance();
    if matches!(i.keyword(), Some(Kw::Select | Kw::From)) {
        let (i, query) = subquery_body(i)?;
        return aliased_query(start, i, query);
    }
    let (i, mut inner) = deeper(i, relations)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    inner.span = i.span_from(start);
    Ok((i, inner))
}

fn model(start: Input<'_>) -> BoxedRelation<'_> {
    if past::begins(start) {
        return past::relation(start);
    }
    let (i, name) = name(Expected::Model)(start)?;
    if is_as_of(i) {
        return as_of(start, i, name);
    }
    if i.keyword() != Some(Kw::As) {
        i.note(Expected::Keyword("as of"));
    }
    let (i, alias) = relation_alias(i)?;
    relation_node(start, i, RelationKind::Model { name, alias })
}

fn is_as_of(i: Input<'_>) -> bool {
    i.keyword() == Some(Kw::As) && i.keyword_at(1) == Some(Kw::Of)
}

/// A model as it was.
fn as_of<'a>(start: Input<'a>, i: Input<'a>, model: Name) -> BoxedRelation<'a> {
    let (i, point) = past::point(i.advance().advance())?;
    let kind = PastKind::AsOf { subject: Subject::Model(model), point };
    let past = Box::new(Past { kind, span: i.span_from(start) });
    let (i, alias) = relation_alias(i)?;
    relation_node(start, i, RelationKind::Past { past, alias })
}

/// A query in `from` and the name after it.
fn aliased_query<'a>(start: Input<'a>, i: Input<'a>, query: Box<Select>) -> BoxedRelation<'a> {
    let (i, explicit) = has_kw(i, Kw::As)?;
    let (i, alias) = if explicit { any_ident(Expected::NewName)(i)? } else { ident(Expected::Alias)(i)? };
    relation_node(start, i, RelationKind::Query { query, alias })
}
