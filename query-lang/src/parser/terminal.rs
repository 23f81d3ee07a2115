//! Single tokens and what names are made of.

use super::input::{Input, Parsed};
use crate::ast::{Id, Ident, Name};
use crate::keywords::Kw;
use crate::lexer::{TokenKind, unquote};
use crate::{Expected, ParseError, ParseErrorKind};
use nom::Parser;
use nom::combinator::opt;
use nom::multi::separated_list1;
use nom::sequence::delimited;

/// A keyword.
pub(super) fn kw<'a>(keyword: Kw) -> impl Fn(Input<'a>) -> Parsed<'a, ()> {
    move |i| {
        if i.keyword() == Some(keyword) {
            Ok((i.advance(), ()))
        } else {
            i.fail(Expected::Keyword(keyword.text()))
        }
    }
}

/// Whether a keyword stands here; if so it is taken.
pub(super) fn has_kw<'a>(i: Input<'a>, keyword: Kw) -> Parsed<'a, bool> {
    if i.keyword() == Some(keyword) {
        Ok((i.advance(), true))
    } else {
        i.note(Expected::Keyword(keyword.text()));
        Ok((i, false))
    }
}

/// Punctuation.
pub(super) fn symbol<'a>(kind: TokenKind) -> impl Fn(Input<'a>) -> Parsed<'a, ()> {
    move |i| {
        if i.kind() == Some(kind) {
            Ok((i.advance(), ()))
        } else {
            i.fail(Expected::Symbol(symbol_text(kind)))
        }
    }
}

fn symbol_text(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Comma => ",",
        TokenKind::Semicolon => ";",
        TokenKind::Dot => ".",
        TokenKind::LeftParen => "(",
        TokenKind::RightParen => ")",
        TokenKind::RightBracket => "]",
        TokenKind::Eq => "=",
        TokenKind::Star => "*",
        _ => "a symbol",
    }
}

/// One or more of something, separated by commas.
pub(super) fn comma_list<'a, T>(
    item: impl Fn(Input<'a>) -> Parsed<'a, T>,
) -> impl Fn(Input<'a>) -> Parsed<'a, Vec<T>> {
    move |i| separated_list1(symbol(TokenKind::Comma), &item).parse(i)
}

/// Something in parentheses.
pub(super) fn parens<'a, T>(
    inner: impl Fn(Input<'a>) -> Parsed<'a, T>,
) -> impl Fn(Input<'a>) -> Parsed<'a, T> {
    move |i| delimited(symbol(TokenKind::LeftParen), &inner, symbol(TokenKind::RightParen)).parse(i)
}

/// An identifier; a reserved word only where `any_word` says so.
fn ident_with<'a>(i: Input<'a>, expected: Expected, any_word: bool) -> Parsed<'a, Ident> {
    let Some(token) = i.peek() else { return i.fail(expected) };
    let text = i.text(token);
    let (name, quoted) = match token.kind {
        TokenKind::Word if any_word || !token.keyword.is_some_and(Kw::is_reserved) => {
            (text.to_owned(), false)
        }
        TokenKind::QuotedName => (unquote(text, 0, '"'), true),
        _ => return i.fail(expected),
    };
    if name.is_empty() {
        return i.fatal(ParseError::new(ParseErrorKind::EmptyName, token.span));
    }
    if name.contains('\0') {
        return i.fatal(ParseError::new(ParseErrorKind::NulCharacter, token.span));
    }
    Ok((i.advance(), Ident { name, quoted, span: token.span }))
}

/// An identifier that is no reserved word.
pub(super) fn ident<'a>(expected: Expected) -> impl Fn(Input<'a>) -> Parsed<'a, Ident> {
    move |i| ident_with(i, expected, false)
}

/// An identifier where every word is one: after a dot and after `as`.
pub(super) fn any_ident<'a>(expected: Expected) -> impl Fn(Input<'a>) -> Parsed<'a, Ident> {
    move |i| ident_with(i, expected, true)
}

/// An id: `@01HZ…`.
pub(super) fn id(i: Input<'_>) -> Parsed<'_, Id> {
    match i.peek() {
        Some(token) if token.kind == TokenKind::Id => {
            let text = i.text(token).trim_start_matches('@').to_ascii_uppercase();
            Ok((i.advance(), Id { text, span: token.span }))
        }
        _ => i.fail(Expected::Id),
    }
}

/// The id after a name, if there is one.
pub(super) fn name_of<'a>(i: Input<'a>, ident: Ident) -> Parsed<'a, Name> {
    if i.kind() != Some(TokenKind::Id) {
        return Ok((i, Name::from(ident)));
    }
    let (i, id) = id(i)?;
    let span = ident.span.to(id.span);
    Ok((i, Name { ident, id: Some(id), span }))
}

/// A name with an optional id.
pub(super) fn name<'a>(expected: Expected) -> impl Fn(Input<'a>) -> Parsed<'a, Name> {
    move |i| {
        let (i, ident) = ident_with(i, expected, false)?;
        name_of(i, ident)
    }
}

/// The alias of an expression: `as` and any word, or a word alone that is not reserved.
pub(super) fn alias(i: Input<'_>) -> Parsed<'_, Option<Ident>> {
    let (i, explicit) = has_kw(i, Kw::As)?;
    if explicit {
        let (i, ident) = any_ident(Expected::NewName)(i)?;
        return Ok((i, Some(ident)));
    }
    bare_alias(i)
}

/// An alias without `as`.
fn bare_alias(i: Input<'_>) -> Parsed<'_, Option<Ident>> {
    let (i, ident) = opt(ident(Expected::Alias)).parse(i)?;
    if ident.is_some() {
        i.took_bare_alias();
    }
    Ok((i, ident))
}

/// The alias of a relation. `as of` is reserved.
pub(super) fn relation_alias(i: Input<'_>) -> Parsed<'_, Option<Ident>> {
    if i.keyword() == Some(Kw::As) && i.keyword_at(1) == Some(Kw::Of) {
        return not_available(i, "`as of`", 2, None);
    }
    let (i, explicit) = has_kw(i, Kw::As)?;
    if explicit {
        let (i, ident) = ident(Expected::NewName)(i)?;
        return Ok((i, Some(ident)));
    }
    bare_alias(i)
}

/// Fails because the next `words` tokens are reserved for what this version does not have.
pub(super) fn not_available<'a, T>(
    i: Input<'a>,
    what: &'static str,
    words: usize,
    help: Option<&str>,
) -> Parsed<'a, T> {
    let mut end = i;
    for _ in 0..words {
        end = end.advance();
    }
    let mut error = ParseError::new(ParseErrorKind::NotAvailable { what }, end.span_from(i));
    if let Some(help) = help {
        error = error.with_suggestion(help);
    }
    i.fatal(error)
}
