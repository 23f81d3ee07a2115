//! The tables and aliases that a statement names, found without parsing it.

use super::{Surroundings, Table};
use crate::keywords::Kw;
use crate::lexer::{Token, TokenKind, unquote};

/// How many queries around the cursor are looked at, besides the statement itself.
const NESTED: usize = 8;

/// The tokens of the statement, and how many of them stand before the cursor.
fn whole(around: &Surroundings<'_>) -> (Vec<Token>, usize) {
    let mut tokens = around.before.clone();
    let cursor = tokens.len();
    tokens.extend(around.after.iter().copied());
    (tokens, cursor)
}

/// The tables of the query that the cursor stands in, then those of the queries around it.
pub(super) fn tables(around: &Surroundings<'_>) -> Vec<Table> {
    let (tokens, cursor) = whole(around);
    let mut out: Vec<Table> = Vec::new();
    for query in queries_around(&tokens, cursor) {
        for table in query_tables(around.source, query) {
            if !out.contains(&table) {
                out.push(table);
            }
        }
    }
    out
}

/// The column aliases of the innermost query's select list.
pub(super) fn column_aliases(around: &Surroundings<'_>) -> Vec<String> {
    let (tokens, cursor) = whole(around);
    let Some(query) = queries_around(&tokens, cursor).into_iter().next() else { return Vec::new() };
    let list = query.iter().take_while(|item| item.1.keyword != Some(Kw::From)).collect::<Vec<_>>();
    let pairs = list.windows(2).filter_map(|pair| match pair {
        [(0, word), (0, name)] if word.keyword == Some(Kw::As) => name_text(around.source, name),
        _ => None,
    });
    pairs.collect()
}

/// A query's tokens, each with the number of parentheses open around it within the query.
type Query = Vec<(usize, Token)>;

/// The queries that the cursor stands in, the innermost first. The outermost is the statement itself.
fn queries_around(tokens: &[Token], cursor: usize) -> Vec<Query> {
    let mut starts = vec![0];
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate().take(cursor) {
        match token.kind {
            TokenKind::LeftParen => open.push(at + 1),
            TokenKind::RightParen => {
                open.pop();
            }
            _ => {}
        }
    }
    let is_query = |at: &usize| {
        matches!(tokens.get(*at).and_then(|token| token.keyword), Some(Kw::Select | Kw::From))
            && *at <= cursor
    };
    let inner: Vec<usize> = open.into_iter().rev().filter(is_query).take(NESTED).collect();
    starts.extend(inner.into_iter().rev());
    starts.into_iter().rev().map(|start| query_from(tokens.get(start..).unwrap_or(&[]), start > 0)).collect()
}

/// The tokens of the query, up to the parenthesis that closes it where it stands in one.
fn query_from(tokens: &[Token], inner: bool) -> Query {
    let mut depth = 0_usize;
    let mut out = Vec::new();
    for token in tokens {
        match token.kind {
            TokenKind::LeftParen => {
                out.push((depth, *token));
                depth += 1;
                continue;
            }
            TokenKind::RightParen => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None if inner => break,
                None => {}
            },
            _ => {}
        }
        out.push((depth, *token));
    }
    out
}

/// The tables that a query names itself.
fn query_tables(source: &str, query: Query) -> Vec<Table> {
    let own: Vec<Token> =
        query.into_iter().filter(|(depth, _)| *depth == 0).map(|(_, token)| token).collect();
    let keyword = |at: usize| own.get(at).and_then(|token| token.keyword);
    let mut tables = Vec::new();
    let mut in_from = false;
    let start = own.iter().position(|token| !matches!(token.keyword, Some(Kw::Explain | Kw::Analyze)));
    if let Some(name) = start.and_then(|start| past(own.get(start..)?)) {
        return vec![Table { model: Some(name.to_owned()), alias: None }];
    }
    for (at, token) in own.iter().enumerate() {
        let introduces = match token.keyword {
            // `is distinct from` names no table.
            Some(Kw::From) => {
                // The points of `diff` are no tables.
                let is_diff = |back| at.checked_sub(back).is_some_and(|at| keyword(at) == Some(Kw::Diff));
                let of_diff = in_from && (is_diff(2) || is_diff(3));
                let comparison = of_diff
                    || at.checked_sub(1).is_some_and(|before| keyword(before) == Some(Kw::Distinct))
                        && at
                            .checked_sub(2)
                            .is_some_and(|before| matches!(keyword(before), Some(Kw::Is | Kw::Not)));
                in_from = !comparison;
                !comparison
            }
            Some(Kw::Join | Kw::Into) => true,
            Some(Kw::Update | Kw::Restore | Kw::Edit) => at == 0 || keyword(at - 1) == Some(Kw::Explain),
            Some(Kw::Model) => at > 0 && matches!(keyword(at - 1), Some(Kw::Alter)),
            Some(
                Kw::Where
                | Kw::Group
                | Kw::Having
                | Kw::Order
                | Kw::Limit
                | Kw::Offset
                | Kw::Set
                | Kw::Values,
            ) => {
                in_from = false;
                false
            }
            _ => in_from && token.kind == TokenKind::Comma,
        };
        if introduces {
            // Nothing that follows in `alter model` is an alias.
            let end = if token.keyword == Some(Kw::Model) { at + 2 } else { own.len() };
            tables.extend(table(source, own.get(at + 1..end).unwrap_or(&[])));
        }
    }
    tables
}

/// What a relation that reads history is called, where the tokens begin one.
fn past(tokens: &[Token]) -> Option<&'static str> {
    let at = |place: usize| tokens.get(place);
    let is_id = |place: usize| {
        let kind = at(place).map(|token| token.kind);
        matches!(kind, Some(TokenKind::Id | TokenKind::Parameter | TokenKind::Question))
    };
    let keyword = |place: usize| at(place).and_then(|token| token.keyword);
    match keyword(0)? {
        Kw::History if keyword(1) == Some(Kw::Of) => Some("history of"),
        Kw::Bisect if keyword(1) == Some(Kw::Of) || is_id(1) => Some("bisect"),
        Kw::Diff if (2..=3).any(|place| keyword(place) == Some(Kw::From)) => Some("diff"),
        Kw::Why if is_id(1) => Some("why"),
        _ => None,
    }
}

/// The table that the tokens begin with.
fn table(source: &str, tokens: &[Token]) -> Option<Table> {
    let first = tokens.first()?;
    if let Some(name) = past(tokens) {
        return Some(Table { model: Some(name.to_owned()), alias: None });
    }
    let (model, mut rest) = match first.kind {
        // Of a query in parentheses only the parentheses are left.
        TokenKind::LeftParen => {
            let close = tokens.iter().position(|token| token.kind == TokenKind::RightParen)?;
            (None, tokens.get(close + 1..)?)
        }
        _ => (Some(name_text(source, first)?), tokens.get(1..)?),
    };
    if rest.first().is_some_and(|token| token.kind == TokenKind::Id) {
        rest = rest.get(1..)?;
    }
    if rest.first().is_some_and(|token| token.keyword == Some(Kw::As)) {
        rest = rest.get(1..)?;
    }
    let alias = rest.first().and_then(|token| name_text(source, token));
    if model.is_none() && alias.is_none() { None } else { Some(Table { model, alias }) }
}

/// The name that a token is, without quotes; `None` for reserved words and other tokens.
fn name_text(source: &str, token: &Token) -> Option<String> {
    let text = token.span.text(source);
    match token.kind {
        TokenKind::Word if !token.keyword.is_some_and(Kw::is_reserved) => Some(text.to_owned()),
        TokenKind::QuotedName => Some(unquote(text, 0, '"')),
        _ => None,
    }
}
