//! `select`, what it reads from, and predicates.

use super::expr::{boxed, expr};
use super::input::{Input, Parsed};
use super::terminal::{
    alias, any_ident, comma_list, has_kw, ident, kw, name, not_available, parens, relation_alias, symbol,
};
use crate::ast::{
    Expr, Ident, JoinCondition, JoinKind, NullsOrder, OrderItem, Predicate, Relation, RelationKind, Select,
    SelectItem, SelectItemKind,
};
use crate::keywords::Kw;
use crate::lexer::TokenKind;
use crate::{Expected, ParseError, ParseErrorKind, Span};

/// `select …` or `from …`.
pub(super) fn select(start: Input<'_>) -> Parsed<'_, Select> {
    let (i, short) = has_kw(start, Kw::From)?;
    if short {
        let (i, from) = relations(i)?;
        let span = Span::point(start.offset());
        let items = vec![SelectItem { kind: SelectItemKind::Wildcard, span }];
        return select_rest(start, i, false, items, Some(from));
    }
    let (i, ()) = kw(Kw::Select)(i)?;
    let (i, distinct) = has_kw(i, Kw::Distinct)?;
    if distinct && i.keyword() == Some(Kw::On) {
        return not_available(i, "`distinct on`", 1, None);
    }
    let (i, _) = if distinct { (i, false) } else { has_kw(i, Kw::All)? };
    let (i, items) = comma_list(item)(i)?;
    let (i, has_from) = has_kw(i, Kw::From)?;
    if !has_from {
        return select_rest(start, i, distinct, items, None);
    }
    let (i, from) = relations(i)?;
    select_rest(start, i, distinct, items, Some(from))
}

/// The clauses after `from`.
fn select_rest<'a>(
    start: Input<'a>,
    i: Input<'a>,
    distinct: bool,
    items: Vec<SelectItem>,
    from: Option<Relation>,
) -> Parsed<'a, Select> {
    let (i, filter) = filter(i)?;
    let (i, grouped) = by(i, Kw::Group)?;
    let (i, group_by) = if grouped { comma_list(expr)(i)? } else { (i, Vec::new()) };
    let (i, has_having) = has_kw(i, Kw::Having)?;
    let (i, having) = if has_having { some(expr(i)?) } else { (i, None) };
    let (i, order_by) = order_by(i)?;
    let (i, (limit, offset)) = limit_offset(i)?;
    out_of_place(i)?;
    let span = i.span_from(start);
    Ok((i, Select { distinct, items, from, filter, group_by, having, order_by, limit, offset, span }))
}

fn some<T>((i, value): (Input<'_>, T)) -> (Input<'_>, Option<T>) {
    (i, Some(value))
}

/// What an app passes to a query on one model.
pub(super) fn predicate(start: Input<'_>) -> Parsed<'_, Predicate> {
    let ends =
        |i: Input<'_>| matches!(i.keyword(), Some(Kw::Order | Kw::Limit | Kw::Offset)) || i.peek().is_none();
    let (i, filter) = if start.keyword() == Some(Kw::Where) {
        filter(start)?
    } else if ends(start) {
        start.note(Expected::Expression);
        (start, None)
    } else {
        some(expr(start)?)
    };
    let (i, order_by) = order_by(i)?;
    let (i, (limit, offset)) = limit_offset(i)?;
    out_of_place(i)?;
    if i.peek().is_some() {
        return i.fail(Expected::End);
    }
    Ok((i, Predicate { filter, order_by, limit, offset, span: i.span_from(start) }))
}

/// `where condition`, if it is there.
pub(super) fn filter(i: Input<'_>) -> Parsed<'_, Option<Expr>> {
    let (i, has_filter) = has_kw(i, Kw::Where)?;
    if has_filter { Ok(some(expr(i)?)) } else { Ok((i, None)) }
}

/// `group by` or `order by`, if it is there.
fn by(i: Input<'_>, keyword: Kw) -> Parsed<'_, bool> {
    let (i, found) = has_kw(i, keyword)?;
    let (i, ()) = if found { kw(Kw::By)(i)? } else { (i, ()) };
    Ok((i, found))
}

fn order_by(i: Input<'_>) -> Parsed<'_, Vec<OrderItem>> {
    let (i, ordered) = by(i, Kw::Order)?;
    if ordered { comma_list(order_item)(i) } else { Ok((i, Vec::new())) }
}

fn order_item(start: Input<'_>) -> Parsed<'_, OrderItem> {
    let (i, expr) = expr(start)?;
    let (i, ascending) = has_kw(i, Kw::Asc)?;
    let (i, descending) = if ascending { (i, false) } else { has_kw(i, Kw::Desc)? };
    let (i, has_nulls) = has_kw(i, Kw::Nulls)?;
    let (i, nulls) = if !has_nulls {
        (i, None)
    } else if i.keyword() == Some(Kw::First) {
        (i.advance(), Some(NullsOrder::First))
    } else {
        i.note(Expected::Keyword(Kw::First.text()));
        let (i, ()) = kw(Kw::Last)(i)?;
        (i, Some(NullsOrder::Last))
    };
    Ok((i, OrderItem { expr, descending, nulls, span: i.span_from(start) }))
}

/// `limit n` and `offset m`, in either order.
fn limit_offset(i: Input<'_>) -> Parsed<'_, (Option<Expr>, Option<Expr>)> {
    let (i, offset) = offset(i)?;
    let (i, has_limit) = has_kw(i, Kw::Limit)?;
    if !has_limit {
        return Ok((i, (None, offset)));
    }
    let (i, limit) = if i.keyword() == Some(Kw::All) {
        (i.advance(), None)
    } else {
        i.note(Expected::Keyword(Kw::All.text()));
        some(expr(i)?)
    };
    if offset.is_some() {
        return Ok((i, (limit, offset)));
    }
    let (i, offset) = self::offset(i)?;
    Ok((i, (limit, offset)))
}

fn offset(i: Input<'_>) -> Parsed<'_, Option<Expr>> {
    let (i, has_offset) = has_kw(i, Kw::Offset)?;
    if has_offset { Ok(some(expr(i)?)) } else { Ok((i, None)) }
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

/// One item of a select list.
fn item(start: Input<'_>) -> Parsed<'_, SelectItem> {
    let done = |i: Input<'_>, kind| SelectItem { kind, span: i.span_from(start) };
    if start.kind() == Some(TokenKind::Star) {
        let i = start.advance();
        return Ok((i, done(i, SelectItemKind::Wildcard)));
    }
    start.note(Expected::Symbol("*"));
    if is_qualified_wildcard(start) {
        let (i, qualifier) = name(Expected::Property)(start)?;
        let i = i.advance().advance();
        return Ok((i, done(i, SelectItemKind::QualifiedWildcard(qualifier))));
    }
    let (i, expr) = expr(start)?;
    let (i, alias) = alias(i)?;
    Ok((i, done(i, SelectItemKind::Expr { expr, alias })))
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
    let (i, found) = has_kw(i, Kw::Returning)?;
    if found { comma_list(item)(i) } else { Ok((i, Vec::new())) }
}

/// Levels that a subquery counts for, since its parser needs more of the stack than an expression's.
const SUBQUERY_LEVELS: usize = 4;

/// `levels` levels deeper.
fn deeper<'a, T>(i: Input<'a>, levels: usize, parser: &dyn Fn(Input<'a>) -> Parsed<'a, T>) -> Parsed<'a, T> {
    match levels {
        0 => parser(i),
        levels => i.nested(|i| deeper(i, levels - 1, parser)),
    }
}

/// A query after an opening parenthesis, with the closing one.
pub(super) fn subquery_body(i: Input<'_>) -> Parsed<'_, Box<Select>> {
    let (i, query) = deeper(i, SUBQUERY_LEVELS, &boxed_select)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    Ok((i, query))
}

/// `select …`, boxed.
pub(super) fn boxed_select(i: Input<'_>) -> Parsed<'_, Box<Select>> {
    let (i, query) = select(i)?;
    Ok((i, Box::new(query)))
}

/// What follows `from`.
fn relations(start: Input<'_>) -> Parsed<'_, Relation> {
    let (mut i, mut left) = joined(start)?;
    loop {
        if i.kind() != Some(TokenKind::Comma) {
            i.note(Expected::Symbol(","));
            return Ok((i, left));
        }
        i.grow()?;
        let (next, right) = joined(i.advance())?;
        left = join_node(start, next, left, JoinKind::Cross, right, None);
        i = next;
    }
}

fn join_node<'a>(
    start: Input<'a>,
    i: Input<'a>,
    left: Relation,
    join: JoinKind,
    right: Relation,
    on: Option<JoinCondition>,
) -> Relation {
    let kind = RelationKind::Join { left: Box::new(left), join, right: Box::new(right), on };
    Relation { kind, span: i.span_from(start) }
}

/// A relation and those joined to it.
fn joined(start: Input<'_>) -> Parsed<'_, Relation> {
    let (mut i, mut left) = relation(start)?;
    loop {
        let (next, Some(join)) = join_kind(i)? else { return Ok((i, left)) };
        next.grow()?;
        let (next, right) = relation(next)?;
        let (next, on) = if join == JoinKind::Cross { (next, None) } else { some(join_condition(next)?) };
        left = join_node(start, next, left, join, right, on);
        i = next;
    }
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
        _ => {
            for keyword in [Kw::Join, Kw::Inner, Kw::Left, Kw::Right, Kw::Full, Kw::Cross] {
                i.note(Expected::Keyword(keyword.text()));
            }
            return Ok((i, None));
        }
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
fn relation(start: Input<'_>) -> Parsed<'_, Relation> {
    if start.keyword() == Some(Kw::Lateral) {
        return not_available(start, "`lateral`", 1, None);
    }
    if start.kind() != Some(TokenKind::LeftParen) {
        let (i, name) = name(Expected::Model)(start)?;
        let (i, alias) = relation_alias(i)?;
        return Ok((i, Relation { kind: RelationKind::Model { name, alias }, span: i.span_from(start) }));
    }
    let i = start.advance();
    if matches!(i.keyword(), Some(Kw::Select | Kw::From)) {
        let (i, query) = subquery_body(i)?;
        let (i, alias) = query_alias(i)?;
        return Ok((i, Relation { kind: RelationKind::Query { query, alias }, span: i.span_from(start) }));
    }
    i.note(Expected::Keyword(Kw::Select.text()));
    let (i, inner) = deeper(i, SUBQUERY_LEVELS, &relations)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    Ok((i, Relation { kind: inner.kind, span: i.span_from(start) }))
}

/// The name of a query in `from`.
fn query_alias(i: Input<'_>) -> Parsed<'_, Ident> {
    let (i, explicit) = has_kw(i, Kw::As)?;
    if explicit { any_ident(Expected::NewName)(i) } else { ident(Expected::Alias)(i) }
}
