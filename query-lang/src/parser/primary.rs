//! Expressions that no operator holds together: literals, names, calls, `case`, `cast`, subqueries.

use super::expr::{Boxed, boxed, expr_list, node};
use super::input::{Input, Parsed};
use super::select::subquery_body;
use super::terminal::{any_ident, has_kw, id, ident, kw, name, name_of, not_available, parens, symbol};
use crate::ast::{
    Call, CallArgs, CaseBranch, DataType, DataTypeKind, Expr, ExprKind, Ident, Literal, Number, NumberKind,
    Parameter, ParameterKind, Path, PathStep, PathStepKind,
};
use crate::keywords::Kw;
use crate::lexer::{TokenKind, unquote};
use crate::{Expected, ParseError, ParseErrorKind, Span, types};
use nom::Parser;
use nom::multi::many1;

/// What to write instead of `= any (…)`.
const IN: &str = "`= any (…)` is written `in (…)`";
/// What to write instead of `<> all (…)`.
const NOT_IN: &str = "`<> all (…)` is written `not in (…)`";

/// An operand, with the steps after it.
pub(super) fn primary(start: Input<'_>) -> Boxed<'_> {
    let (i, base) = match start.kind() {
        Some(TokenKind::Word | TokenKind::QuotedName) => word(start)?,
        Some(TokenKind::LeftParen) => parenthesised(start)?,
        _ => literal(start)?,
    };
    let (i, operand) = if matches!(i.kind(), Some(TokenKind::Dot | TokenKind::LeftBracket)) {
        let (i, steps) = steps(i)?;
        node(start, i, ExprKind::Access { base, steps })?
    } else {
        if !matches!(base.kind, ExprKind::Literal(_)) {
            i.note(Expected::Symbol("."));
        }
        (i, base)
    };
    if i.keyword() == Some(Kw::Over) {
        return not_available(i, "`over` (a window function)", 1, None);
    }
    Ok((i, operand))
}

/// A value or a parameter.
pub(super) fn literal(i: Input<'_>) -> Boxed<'_> {
    let Some(token) = i.peek() else { return i.fail(Expected::Expression) };
    let text = i.text(token);
    let number = |kind| ExprKind::Literal(Literal::Number(Number { kind, text: text.to_owned() }));
    let parameter = |kind| ExprKind::Parameter(Parameter { kind, span: token.span });
    let kind = match token.kind {
        TokenKind::Integer => number(NumberKind::Integer),
        TokenKind::Decimal => number(NumberKind::Decimal),
        TokenKind::Exponent => number(NumberKind::Exponent),
        TokenKind::String => ExprKind::Literal(Literal::String(string(i)?.1)),
        TokenKind::Bytes => match bytes(text) {
            Some(bytes) => ExprKind::Literal(Literal::Bytes(bytes)),
            None => return i.fatal(ParseError::new(ParseErrorKind::InvalidBytes, token.span)),
        },
        TokenKind::Id => {
            let (_, id) = id(i)?;
            ExprKind::Literal(Literal::Id(id))
        }
        TokenKind::Question => parameter(ParameterKind::Positional(i.context.positional(token.span))),
        TokenKind::Parameter => {
            let name = text.trim_start_matches('$');
            parameter(match name.parse() {
                Ok(number) => ParameterKind::Numbered(number),
                Err(_) => ParameterKind::Named(name.to_owned()),
            })
        }
        _ => return i.fail(Expected::Expression),
    };
    node(i, i.advance(), kind)
}

fn spanned(mut expr: Box<Expr>, span: Span) -> Box<Expr> {
    expr.span = span;
    expr
}

/// A string's text.
fn string(i: Input<'_>) -> Parsed<'_, String> {
    let Some(token) = i.peek().filter(|token| token.kind == TokenKind::String) else {
        return i.fail(Expected::String);
    };
    let text = unquote(i.text(token), 0, '\'');
    if text.contains('\0') {
        return i.fatal(ParseError::new(ParseErrorKind::NulCharacter, token.span));
    }
    Ok((i.advance(), text))
}

/// The bytes of `x'0aff'`.
fn bytes(token: &str) -> Option<Vec<u8>> {
    let inner = token.get(2..token.len().checked_sub(1)?)?.as_bytes();
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    inner.chunks(2).map(byte).collect()
}

/// `(expression)` or `(select …)`.
fn parenthesised(start: Input<'_>) -> Boxed<'_> {
    let i = start.advance();
    if matches!(i.keyword(), Some(Kw::Select | Kw::From)) {
        let (i, query) = subquery_body(i)?;
        return node(start, i, ExprKind::Query(query));
    }
    let (i, inner) = boxed(i)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    Ok((i, spanned(inner, i.span_from(start))))
}

/// What begins with a word or a quoted name.
fn word(start: Input<'_>) -> Boxed<'_> {
    let next = start.advance();
    let call_follows = next.kind() == Some(TokenKind::LeftParen);
    let constant = |literal| node(start, next, ExprKind::Literal(literal));
    match start.keyword() {
        Some(Kw::Null) => constant(Literal::Null),
        Some(Kw::True) => constant(Literal::Bool(true)),
        Some(Kw::False) => constant(Literal::Bool(false)),
        Some(Kw::Case) => case(start),
        Some(Kw::Cast) => cast(start),
        Some(Kw::Exists) => exists(start),
        Some(Kw::CurrentTimestamp) => rewritten(start, next, "now", Vec::new()),
        Some(Kw::Any) if call_follows => not_available(start, "`any`", 1, Some(IN)),
        Some(Kw::Some) if call_follows => not_available(start, "`some`", 1, Some(IN)),
        Some(Kw::All) if call_follows => not_available(start, "`all`", 1, Some(NOT_IN)),
        Some(Kw::Extract) if call_follows => extract(start),
        Some(Kw::Position) if call_follows => position(start),
        Some(Kw::Substring) if call_follows => substring(start),
        Some(Kw::Trim) if call_follows => trim(start),
        Some(Kw::Left | Kw::Right) if call_follows => call(start),
        Some(keyword) if keyword.is_reserved() => start.fail(Expected::Expression),
        _ if call_follows => call(start),
        _ if next.kind() == Some(TokenKind::String) && types::lookup(start.next_text()).is_some() => {
            typed(start)
        }
        _ => path_expr(start),
    }
}

/// `timestamp '2020-01-01'`
fn typed(start: Input<'_>) -> Boxed<'_> {
    let (i, ty) = data_type(start)?;
    let (i, text) = string(i)?;
    node(start, i, ExprKind::Literal(Literal::Typed { ty, text }))
}

fn path_expr(start: Input<'_>) -> Boxed<'_> {
    let (i, path) = path(start)?;
    node(start, i, ExprKind::Path(path))
}

/// A name and the steps from it.
pub(super) fn path(start: Input<'_>) -> Parsed<'_, Path> {
    let (i, root) = name(Expected::Property)(start)?;
    let (i, steps) = match i.kind() {
        Some(TokenKind::Dot | TokenKind::LeftBracket) => steps(i)?,
        _ => (i, Vec::new()),
    };
    Ok((i, Path { root, steps, span: i.span_from(start) }))
}

/// One or more steps.
fn steps(i: Input<'_>) -> Parsed<'_, Vec<PathStep>> {
    many1(step).parse(i)
}

fn step(start: Input<'_>) -> Parsed<'_, PathStep> {
    let (i, kind) = match start.kind() {
        Some(TokenKind::Dot) => {
            let (i, ident) = any_ident(Expected::PathStep)(start.advance())?;
            let (i, name) = name_of(i, ident)?;
            (i, PathStepKind::Field(name))
        }
        Some(TokenKind::LeftBracket) => {
            let (i, kind) = subscript(start.advance())?;
            let (i, ()) = symbol(TokenKind::RightBracket)(i)?;
            (i, kind)
        }
        _ => return start.fail(Expected::Symbol(".")),
    };
    Ok((i, PathStep { kind, span: i.span_from(start) }))
}

/// What stands in brackets: a key or an index.
fn subscript(start: Input<'_>) -> Parsed<'_, PathStepKind> {
    if start.kind() == Some(TokenKind::String) {
        let (i, key) = string(start)?;
        return Ok((i, PathStepKind::Key(key)));
    }
    start.note(Expected::String);
    let negative = start.kind() == Some(TokenKind::Minus);
    let i = if negative { start.advance() } else { start };
    if i.kind() != Some(TokenKind::Integer) {
        return i.fail(Expected::Integer);
    }
    let end = i.advance();
    let text = format!("{}{}", if negative { "-" } else { "" }, i.next_text());
    match text.parse() {
        Ok(index) => Ok((end, PathStepKind::Index(index))),
        Err(_) => start.fatal(ParseError::new(ParseErrorKind::InvalidIndex { text }, end.span_from(start))),
    }
}

/// A type.
pub(super) fn data_type(start: Input<'_>) -> Parsed<'_, DataType> {
    let Some(token) = start.peek().filter(|token| token.kind == TokenKind::Word) else {
        return start.fail(Expected::Type);
    };
    let mut i = start.advance();
    if token.keyword == Some(Kw::Ref) {
        let (i, model) = parens(name(Expected::Model))(i)?;
        return Ok((i, DataType { kind: DataTypeKind::Ref(Box::new(model)), span: i.span_from(start) }));
    }
    let name = i.text(token);
    let Some(kind) = types::lookup(name) else {
        if token.keyword.is_some_and(Kw::is_reserved) {
            return start.fail(Expected::Type);
        }
        let mut error = ParseError::new(ParseErrorKind::UnknownType { name: name.to_owned() }, token.span);
        error.suggestion = Some(match crate::nearest(name, types::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!(
                    "the types are {}",
                    types::TYPES.iter().map(|ty| ty.name).collect::<Vec<_>>().join(", ")
                )
            }
        });
        return start.fatal(error);
    };
    if name.eq_ignore_ascii_case("double") && i.keyword() == Some(Kw::Precision) {
        i = i.advance();
    }
    if let Some(open) = i.peek().filter(|token| token.kind == TokenKind::LeftParen) {
        let found = ParseErrorKind::Unexpected { found: "`(`".to_owned() };
        let help = "types take no length or precision";
        return i.fatal(ParseError::new(found, open.span).with_suggestion(help));
    }
    Ok((i, DataType { kind, span: i.span_from(start) }))
}

/// `case …`
fn case(start: Input<'_>) -> Boxed<'_> {
    let i = start.advance();
    i.note(Expected::Keyword(Kw::When.text()));
    let (i, operand) = if i.keyword() == Some(Kw::When) { (i, None) } else { some_boxed(i)? };
    let mut branches = Vec::new();
    let (mut i, ()) = branch(i, &mut branches)?;
    while i.keyword() == Some(Kw::When) {
        (i, ()) = branch(i, &mut branches)?;
    }
    i.note(Expected::Keyword(Kw::When.text()));
    let (i, has_else) = has_kw(i, Kw::Else)?;
    let (i, otherwise) = if has_else { some_boxed(i)? } else { (i, None) };
    let (i, ()) = kw(Kw::End)(i)?;
    node(start, i, ExprKind::Case { operand, branches, otherwise })
}

fn some_boxed(i: Input<'_>) -> Parsed<'_, Option<Box<Expr>>> {
    let (i, expr) = boxed(i)?;
    Ok((i, Some(expr)))
}

fn branch<'a>(start: Input<'a>, place: &mut Vec<CaseBranch>) -> Parsed<'a, ()> {
    let (i, ()) = kw(Kw::When)(start)?;
    let (i, when) = boxed(i)?;
    let (i, ()) = kw(Kw::Then)(i)?;
    let (i, then) = boxed(i)?;
    push_branch(place, when, then, i.span_from(start));
    Ok((i, ()))
}

/// On its own, so that the moved values are not on the stack of nested branches.
#[expect(clippy::boxed_local, reason = "the parser passes boxes")]
fn push_branch(place: &mut Vec<CaseBranch>, when: Box<Expr>, then: Box<Expr>, span: Span) {
    place.push(CaseBranch { when: *when, then: *then, span });
}

/// `cast(x as t)`
fn cast(start: Input<'_>) -> Boxed<'_> {
    let (i, ()) = symbol(TokenKind::LeftParen)(start.advance())?;
    let (i, expr) = boxed(i)?;
    let (i, ()) = kw(Kw::As)(i)?;
    let (i, to) = data_type(i)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    node(start, i, ExprKind::Cast { expr, to })
}

/// `exists (select …)`
fn exists(start: Input<'_>) -> Boxed<'_> {
    let (i, ()) = symbol(TokenKind::LeftParen)(start.advance())?;
    let (i, query) = subquery_body(i)?;
    node(start, i, ExprKind::Exists(query))
}

/// A call as written.
fn call(start: Input<'_>) -> Boxed<'_> {
    let i = start.advance().advance();
    match i.kind() {
        Some(TokenKind::Star) => call_end(start, i.advance(), false, CallArgs::Star),
        Some(TokenKind::RightParen) => call_end(start, i, false, CallArgs::List(Vec::new())),
        _ => {
            i.note(Expected::Symbol("*"));
            i.note(Expected::Symbol(")"));
            let (i, distinct) = has_kw(i, Kw::Distinct)?;
            let (i, args) = expr_list(i)?;
            call_end(start, i, distinct, CallArgs::List(args))
        }
    }
}

/// The rest of a call whose first argument is known.
fn call_rest<'a>(start: Input<'a>, i: Input<'a>, first: Expr) -> Boxed<'a> {
    let mut args = vec![first];
    if i.kind() != Some(TokenKind::Comma) {
        return call_end(start, i, false, CallArgs::List(args));
    }
    let (i, rest) = expr_list(i.advance())?;
    args.extend(rest);
    call_end(start, i, false, CallArgs::List(args))
}

/// A call from its closing parenthesis on; `start` is its name.
fn call_end<'a>(start: Input<'a>, i: Input<'a>, distinct: bool, args: CallArgs) -> Boxed<'a> {
    let (_, name) = any_ident(Expected::Function)(start)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    let (i, filter) = filter(i)?;
    node(start, i, ExprKind::Call(Call { name, distinct, args, filter, span: i.span_from(start) }))
}

/// `filter (where …)` after a call.
fn filter(i: Input<'_>) -> Parsed<'_, Option<Box<Expr>>> {
    if i.keyword() != Some(Kw::Filter) || i.peek_at(1).map(|token| token.kind) != Some(TokenKind::LeftParen) {
        i.note(Expected::Keyword(Kw::Filter.text()));
        return Ok((i, None));
    }
    let (i, ()) = kw(Kw::Where)(i.advance().advance())?;
    let (i, condition) = boxed(i)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    Ok((i, Some(condition)))
}

/// The call of `function` that a standard spelling from `start` to `i` stands for.
fn rewritten<'a>(start: Input<'a>, i: Input<'a>, function: &str, args: Vec<Expr>) -> Boxed<'a> {
    let span = start.peek().map_or(Span::point(start.offset()), |token| token.span);
    let name = Ident { name: function.to_owned(), quoted: false, span };
    let args = CallArgs::List(args);
    let call = Call { name, distinct: false, args, filter: None, span: i.span_from(start) };
    node(start, i, ExprKind::Call(call))
}

/// `extract(year from t)`
fn extract(start: Input<'_>) -> Boxed<'_> {
    let i = start.advance().advance();
    let (i, field) = if i.kind() == Some(TokenKind::String) {
        let (_, text) = string(i)?;
        (i.advance(), Ident { name: text, quoted: true, span: i.advance().span_from(i) })
    } else {
        ident(Expected::NewName)(i)?
    };
    let (i, ()) = kw(Kw::From)(i)?;
    let (i, value) = boxed(i)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    let name = if field.quoted { field.name } else { field.name.to_ascii_lowercase() };
    let field = Expr { kind: ExprKind::Literal(Literal::String(name)), span: field.span };
    rewritten(start, i, "date_part", vec![field, *value])
}

/// `position(part in whole)`
fn position(start: Input<'_>) -> Boxed<'_> {
    let i = start.advance().advance();
    let (i, part) = super::expr::before_in(i)?;
    let (i, ()) = kw(Kw::In)(i)?;
    let (i, whole) = boxed(i)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    rewritten(start, i, "strpos", vec![*whole, *part])
}

/// `substring(s from 2 for 3)` or a plain call.
fn substring(start: Input<'_>) -> Boxed<'_> {
    let i = start.advance().advance();
    let (i, value) = boxed(i)?;
    if i.kind() == Some(TokenKind::Comma) {
        return call_rest(start, i, *value);
    }
    i.note(Expected::Symbol(","));
    let (i, ()) = kw(Kw::From)(i)?;
    let (i, from) = boxed(i)?;
    let mut args = vec![*value, *from];
    let (mut i, has_length) = has_kw(i, Kw::For)?;
    if has_length {
        let length;
        (i, length) = boxed(i)?;
        args.push(*length);
    }
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    rewritten(start, i, "substr", args)
}

/// `trim([both|leading|trailing] [characters] from s)` or a plain call.
fn trim(start: Input<'_>) -> Boxed<'_> {
    let first = start.advance().advance();
    let side = match first.keyword() {
        Some(Kw::Leading) => Some("ltrim"),
        Some(Kw::Trailing) => Some("rtrim"),
        Some(Kw::Both) => Some("trim"),
        _ => None,
    };
    if side.is_none() {
        for side in [Kw::Both, Kw::Leading, Kw::Trailing] {
            first.note(Expected::Keyword(side.text()));
        }
    }
    let mut i = if side.is_some() { first.advance() } else { first };
    let mut characters = None;
    if i.keyword() != Some(Kw::From) {
        let (next, value) = boxed(i)?;
        if side.is_none() && next.keyword() != Some(Kw::From) {
            next.note(Expected::Keyword(Kw::From.text()));
            return call_rest(start, next, *value);
        }
        characters = Some(value);
        i = next;
    }
    let (i, ()) = kw(Kw::From)(i)?;
    let (i, value) = boxed(i)?;
    let (i, ()) = symbol(TokenKind::RightParen)(i)?;
    let args = [Some(value), characters].into_iter().flatten().map(|arg| *arg).collect();
    rewritten(start, i, side.unwrap_or("trim"), args)
}
