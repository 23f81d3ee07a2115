//! The Ankurah query language: parser, syntax tree with spans, printer, messages and completion.
//!
//! The crate turns text into trees and back. It knows no catalog, does no I/O and depends on nothing of
//! Ankurah: names and types are checked by whoever has a catalog.

pub mod ast;
mod diagnostic;
mod error;
pub mod keywords;
mod span;
mod suggest;

pub use diagnostic::{Diagnostic, RenderOptions, Severity, visible};
pub use error::{Expected, ParseError, ParseErrorKind};
pub use span::Span;
pub use suggest::nearest;

/// The greatest length in bytes of a text to parse.
pub const MAX_LENGTH: usize = 1 << 20;

/// The greatest height of a tree: how deep expressions, queries and chains of operators may nest.
/// Chains of `and` and of `or` are flat and count once.
pub const MAX_DEPTH: usize = 128;

/// Parses one statement; a `;` after it is allowed.
pub fn parse_statement(source: &str) -> Result<ast::Statement, ParseError> {
    Err(ParseError::new(ParseErrorKind::UnexpectedEnd, Span::point(source.len())))
}

/// Parses any number of statements, each ended by `;` (the last one may go without).
pub fn parse_script(source: &str) -> Result<Vec<ast::Statement>, ParseError> {
    parse_statement(source).map(|statement| vec![statement])
}

/// Parses what an app passes to a query on one model, as in `year > ? order by name limit 5`.
pub fn parse_predicate(source: &str) -> Result<ast::Predicate, ParseError> {
    Err(ParseError::new(ParseErrorKind::UnexpectedEnd, Span::point(source.len())))
}

/// Parses one expression.
pub fn parse_expr(source: &str) -> Result<ast::Expr, ParseError> {
    Err(ParseError::new(ParseErrorKind::UnexpectedEnd, Span::point(source.len())))
}
