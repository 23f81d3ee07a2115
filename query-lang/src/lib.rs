//! The Ankurah query language: parser, syntax tree with spans, printer, messages and completion.
//!
//! The crate turns text into trees and back. It knows no catalog, does no I/O and depends on nothing of
//! Ankurah: names and types are checked by whoever has a catalog. The language itself is described in
//! `docs/language.md`.
//!
//! - [`parse_statement`], [`parse_script`], [`parse_predicate`] and [`parse_expr`] make [trees](ast).
//!   Every node has a [`Span`]; a tree prints itself with [`Display`](std::fmt::Display), and the text
//!   parses to an equal tree.
//! - A [`ParseError`] renders itself with its source; whoever checks a tree further makes [`Diagnostic`]s
//!   of their own, with [`nearest`] for suggestions.
//! - For editors: [`split_statements`], [`is_complete`], [`tokenize`] and [`completion_context`], none of
//!   which needs a text that is right.
//! - [`functions`], [`keywords`] and [`TYPES`] list what the language has.
//!
//! ```
//! use ankurah_query_lang::{ast::StatementKind, parse_statement};
//!
//! let statement = parse_statement("select name from album where year > ?").unwrap();
//! assert!(matches!(statement.kind, StatementKind::Select(_)));
//!
//! let source = "selct name from album";
//! let shown = parse_statement(source).unwrap_err().render(source);
//! assert!(shown.ends_with("= help: did you mean `select`?"));
//! ```

pub mod ast;
mod complete;
mod diagnostic;
mod error;
pub mod functions;
pub mod keywords;
mod lexer;
mod parser;
mod precedence;
mod printer;
mod script;
mod span;
mod suggest;
mod tokens;
mod types;

pub use complete::{CompletionContext, Expectation, Table, completion_context};
pub use diagnostic::{Diagnostic, RenderOptions, Severity, visible};
pub use error::{Expected, ParseError, ParseErrorKind};
pub use parser::{parse_expr, parse_predicate, parse_script, parse_statement};
pub use printer::{quote_identifier, quote_string};
pub use script::{Completeness, Missing, Piece, is_complete, split_statements};
pub use span::Span;
pub use suggest::nearest;
pub use tokens::{TokenClass, tokenize};
pub use types::{TYPES, TypeInfo};

/// The greatest length in bytes of a text to parse.
pub const MAX_LENGTH: usize = 1 << 20;

/// The greatest height of a tree: how deep expressions and queries may nest. Chains of operators that bind
/// equally tightly (`a + b - c`, `a || b`, `and`, `or`) are flat and count once.
pub const MAX_DEPTH: usize = 128;
