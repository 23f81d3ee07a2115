//! The parser: nom combinators over tokens.
//!
//! It never looks back further than a token, so its time is linear in the text. A text is parsed once; only
//! where that fails it is parsed again to collect what was expected at the furthest token.

mod expr;
mod failure;
mod input;
mod model;
mod past;
mod primary;
mod select;
mod statement;
mod terminal;

use crate::ast::{Expr, Path, Predicate, Statement};
use crate::lexer::TokenKind;
use crate::{Expected, ParseError};
use input::{Input, Parsed, expected_at_end, run};

/// Parses one statement; a `;` after it is allowed.
///
/// ```
/// let statement = ankurah_query_lang::parse_statement("select name from album where year > 1990").unwrap();
/// assert_eq!(statement.to_string(), "select name from album where year > 1990");
/// ```
///
/// # Errors
/// Where the text is not exactly one statement.
pub fn parse_statement(source: &str) -> Result<Statement, ParseError> {
    run(source, one_statement)
}

/// Parses any number of statements, each ended by `;` (the last one may go without).
///
/// # Errors
/// The first error. To run what stands before it, cut the text with
/// [`split_statements`](crate::split_statements) and parse piece by piece.
pub fn parse_script(source: &str) -> Result<Vec<Statement>, ParseError> {
    run(source, script)
}

/// Parses what an app passes to a query on one model, as in `year > ? order by name limit 5`: the part of a
/// `select` after `where`. An empty text means all entities.
///
/// # Errors
/// Where the text is something else.
pub fn parse_predicate(source: &str) -> Result<Predicate, ParseError> {
    run(source, select::predicate)
}

/// Parses one expression.
///
/// # Errors
/// Where the text is not exactly one expression.
pub fn parse_expr(source: &str) -> Result<Expr, ParseError> {
    run(source, one_expr)
}

/// Parses one path.
pub(crate) fn parse_path(source: &str) -> Result<Path, ParseError> {
    run(source, |i| {
        let (i, path) = primary::path(i)?;
        end(i)?;
        Ok((i, path))
    })
}

fn one_expr(i: Input<'_>) -> Parsed<'_, Expr> {
    let (i, expr) = expr::expr(i)?;
    end(i)?;
    Ok((i, expr))
}

fn one_statement(i: Input<'_>) -> Parsed<'_, Statement> {
    let (i, statement) = statement::statement(i)?;
    let i = if i.kind() == Some(TokenKind::Semicolon) { i.advance() } else { i };
    end(i)?;
    Ok((i, statement))
}

fn end(i: Input<'_>) -> Parsed<'_, ()> {
    if i.peek().is_some() { i.fail(Expected::End) } else { Ok((i, ())) }
}

/// Statements separated by semicolons; empty ones do not count.
fn script(mut i: Input<'_>) -> Parsed<'_, Vec<Statement>> {
    let mut statements = Vec::new();
    loop {
        while i.kind() == Some(TokenKind::Semicolon) {
            i = i.advance();
        }
        if i.peek().is_none() {
            return Ok((i, statements));
        }
        let statement;
        (i, statement) = statement::statement(i)?;
        statements.push(statement);
        if i.peek().is_some() && i.kind() != Some(TokenKind::Semicolon) {
            return i.fail(Expected::End);
        }
    }
}

/// What a statement may go on with after the tokens; `None` where they are wrong before their end.
pub(crate) fn statement_continuations(source: &str, tokens: &[crate::lexer::Token]) -> Option<Vec<Expected>> {
    expected_at_end(source, tokens, |i| {
        let (i, statement) = statement::statement(i)?;
        end_noted(i)?;
        Ok((i, statement))
    })
}

/// What an expression may go on with after the tokens; `None` where they are wrong before their end.
pub(crate) fn expr_continuations(source: &str, tokens: &[crate::lexer::Token]) -> Option<Vec<Expected>> {
    expected_at_end(source, tokens, |i| {
        let (i, expr) = expr::expr(i)?;
        end_noted(i)?;
        Ok((i, expr))
    })
}

fn end_noted(i: Input<'_>) -> Parsed<'_, ()> {
    i.note(Expected::End);
    end(i)
}
