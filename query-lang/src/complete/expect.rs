//! What the grammar lets stand after the tokens before the cursor.

use super::scope::column_aliases;
use super::{Expectation, Surroundings};
use crate::ast::Path;
use crate::keywords::Kw;
use crate::lexer::{Token, TokenKind};
use crate::parser::{expr_continuations, statement_continuations};
use crate::{Expected, ParseError};

/// How many places to take up the thread again are tried in a broken statement.
const ATTEMPTS: usize = 32;

/// What may stand between the tokens before and after the cursor.
pub(super) fn expectations(around: &Surroundings<'_>) -> Vec<Expectation> {
    let expected = continuations(around.source, &around.before);
    let starts =
        around.before.iter().all(|token| matches!(token.keyword, Some(Kw::Explain | Kw::Analyze | Kw::Live)));
    let mut out = Vec::new();
    let mut add = |expectation| {
        if !out.contains(&expectation) {
            out.push(expectation);
        }
    };
    let takes_values = expected.contains(&Expected::Expression);
    for expected in expected {
        match expected {
            Expected::Keyword(word) => add(Expectation::Keyword(phrase(word, starts))),
            Expected::Model => add(Expectation::Model),
            Expected::Property if takes_values => add(Expectation::Property),
            Expected::Property => add(Expectation::OwnProperty),
            Expected::TextProperty => add(Expectation::TextProperty),
            Expected::PathStep => add(Expectation::PathStep { base: base_path(around) }),
            Expected::Function => add(Expectation::Function),
            Expected::Type => add(Expectation::Type),
            Expected::NewName => add(Expectation::NewName),
            Expected::Expression => {
                add(Expectation::Property);
                if takes_aliases(&around.before) {
                    column_aliases(around).into_iter().map(Expectation::Alias).for_each(&mut add);
                }
                add(Expectation::Function);
                add(Expectation::Parameter);
                for keyword in [Kw::Not, Kw::Null, Kw::True, Kw::False, Kw::Case, Kw::Cast] {
                    add(Expectation::Keyword(keyword.text()));
                }
            }
            Expected::Symbol(_)
            | Expected::Alias
            | Expected::Operator
            | Expected::String
            | Expected::Integer
            | Expected::Id
            | Expected::End => {}
        }
    }
    out
}

/// The phrase that a keyword always begins, so that one completion gives all of it.
fn phrase(word: &'static str, starts: bool) -> &'static str {
    match word {
        "order" => "order by",
        "group" => "group by",
        "insert" if starts => "insert into",
        "upsert" => "upsert into",
        "delete" if starts => "delete from",
        "create" => "create model",
        "alter" => "alter model",
        "start" if starts => "start transaction",
        "history" if starts => "history of",
        word => word,
    }
}

/// What may follow the tokens. Where they are broken, what may follow their last part that is not.
fn continuations(source: &str, before: &[Token]) -> Vec<Expected> {
    if let Some(expected) = statement_continuations(source, before) {
        return expected;
    }
    let places = || before.iter().enumerate().rev().take(before.len().saturating_sub(1));
    let statement = places().filter(|(_, token)| begins_statement(token)).take(ATTEMPTS);
    let mut found = statement.filter_map(|(at, _)| statement_continuations(source, before.get(at..)?));
    if let Some(expected) = found.next() {
        return expected;
    }
    let all = before.iter().enumerate().rev().filter(|(_, token)| precedes_expr(token)).take(ATTEMPTS);
    let mut found = all.filter_map(|(at, _)| expr_continuations(source, before.get(at + 1..)?));
    found.next().unwrap_or_else(|| vec![Expected::Expression])
}

/// Whether a part of a statement that can stand by itself begins here.
fn begins_statement(token: &Token) -> bool {
    matches!(
        token.keyword,
        Some(
            Kw::Select
                | Kw::From
                | Kw::Insert
                | Kw::Upsert
                | Kw::Update
                | Kw::Delete
                | Kw::Restore
                | Kw::Edit
                | Kw::Create
                | Kw::Alter
                | Kw::History
                | Kw::Diff
                | Kw::Why
                | Kw::Bisect
                | Kw::Undo
                | Kw::Redact
                | Kw::Compact
        )
    )
}

/// Whether an expression can begin after the token.
fn precedes_expr(token: &Token) -> bool {
    let symbol = matches!(
        token.kind,
        TokenKind::Comma | TokenKind::LeftParen | TokenKind::Eq | TokenKind::Semicolon | TokenKind::Stray
    );
    let keyword = matches!(
        token.keyword,
        Some(
            Kw::Select
                | Kw::Distinct
                | Kw::Where
                | Kw::And
                | Kw::Or
                | Kw::Not
                | Kw::Having
                | Kw::On
                | Kw::By
                | Kw::When
                | Kw::Then
                | Kw::Else
                | Kw::Limit
                | Kw::Offset
                | Kw::Returning
                | Kw::Between
                | Kw::Like
                | Kw::Ilike
                | Kw::Set
                | Kw::Case
        )
    );
    symbol || keyword
}

/// Whether the cursor stands in `group by` or `order by`, where column aliases can be named.
fn takes_aliases(before: &[Token]) -> bool {
    let mut depth = 0_usize;
    for token in before.iter().rev() {
        match (token.kind, token.keyword) {
            (TokenKind::RightParen, _) => depth += 1,
            (TokenKind::LeftParen, _) => depth = depth.saturating_sub(1),
            (_, Some(Kw::Order | Kw::Group)) if depth == 0 => return true,
            (_, Some(Kw::Select | Kw::From | Kw::Where | Kw::Having | Kw::Limit | Kw::Offset))
                if depth == 0 =>
            {
                return false;
            }
            _ => {}
        }
    }
    false
}

/// The path before the dot that the cursor stands behind.
fn base_path(around: &Surroundings<'_>) -> Option<Path> {
    let (dot, before) = around.before.split_last()?;
    let end = dot.span.start;
    let mut start = before.len();
    let mut wants_name = true;
    for (at, token) in before.iter().enumerate().rev() {
        match token.kind {
            TokenKind::Word | TokenKind::QuotedName if wants_name => {
                start = at;
                wants_name = false;
            }
            TokenKind::Id if wants_name => {}
            TokenKind::Dot if !wants_name => wants_name = true,
            TokenKind::RightBracket | TokenKind::LeftBracket | TokenKind::String if wants_name => {}
            TokenKind::Integer | TokenKind::Minus if wants_name && in_brackets(before, at) => {}
            _ => break,
        }
    }
    let text = around.source.get(before.get(start)?.span.start..end)?;
    let path: Result<Path, ParseError> = crate::parser::parse_path(text);
    path.ok()
}

/// Whether the number or sign at `at` stands in a subscript.
fn in_brackets(tokens: &[Token], at: usize) -> bool {
    let kind = |at: usize| tokens.get(at).map(|token| token.kind);
    kind(at + 1) == Some(TokenKind::RightBracket) || kind(at + 2) == Some(TokenKind::RightBracket)
}
