//! What can be wrong with a text.

use crate::{Diagnostic, Span, diagnostic::RenderOptions};
use thiserror::Error;

/// Why a text is not a statement (or predicate, or expression) of the language.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Where.
    pub span: Span,
    /// What could have stood there, without duplicates, the most telling first. Empty where the kind says it all.
    pub expected: Vec<Expected>,
    /// What to write instead, as a whole sentence without full stop: ``did you mean `select`?``
    pub suggestion: Option<String>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something stands where it cannot.
    #[error("unexpected {found}")]
    Unexpected {
        /// The text found, described: `` `form` ``, `string`.
        found: String,
    },
    /// The text ends too early.
    #[error("unexpected end of the statement")]
    UnexpectedEnd,
    /// A `'` without its partner.
    #[error("this string has no closing quote")]
    UnterminatedString,
    /// A `"` without its partner.
    #[error("this quoted name has no closing quote")]
    UnterminatedName,
    /// A `/*` without its `*/`.
    #[error("this comment has no closing `*/`")]
    UnterminatedComment,
    /// `""`
    #[error("a name cannot be empty")]
    EmptyName,
    /// A number with something wrong in it, like `12ab` or `1e`.
    #[error("`{text}` is not a number")]
    InvalidNumber {
        /// The text.
        text: String,
    },
    /// `x'…'` with something else than pairs of hexadecimal digits.
    #[error("bytes are written as pairs of hexadecimal digits")]
    InvalidBytes,
    /// `@…` that is not a ULID.
    #[error("`{text}` is not an id: an id is `@` and the 26 characters of a ULID")]
    InvalidId {
        /// The text.
        text: String,
    },
    /// `$` without a name or number, or with one that is out of range.
    #[error("`{text}` is not a parameter: write `?`, `$1` or `$name`")]
    InvalidParameter {
        /// The text.
        text: String,
    },
    /// An array index that is not a 64-bit integer.
    #[error("`{text}` is not an array index")]
    InvalidIndex {
        /// The text.
        text: String,
    },
    /// A character that no token begins with.
    #[error("unexpected character {0:?}")]
    UnexpectedCharacter(char),
    /// U+0000 in a string or a name.
    #[error("strings and names cannot hold the character U+0000")]
    NulCharacter,
    /// `a < b < c`
    #[error("comparisons cannot be chained")]
    ChainedComparison,
    /// A clause after one that it must precede, or one given twice.
    #[error("`{clause}` cannot stand here")]
    MisplacedClause {
        /// The clause's keyword.
        clause: &'static str,
    },
    /// A name in the place of a type that is none.
    #[error("there is no type `{name}`")]
    UnknownType {
        /// The name.
        name: String,
    },
    /// `explain` before a statement that is not run by a plan: the control of a transaction, or another `explain`.
    #[error("there is nothing to explain about `{statement}`")]
    NothingToExplain {
        /// The word that the statement begins with.
        statement: &'static str,
    },
    /// Words that the language reserves for what this version does not have.
    #[error("{what} is not available in this version")]
    NotAvailable {
        /// What is not available.
        what: &'static str,
    },
    /// The text is longer than [`MAX_LENGTH`](crate::MAX_LENGTH).
    #[error("this text has {length} bytes; the limit is {limit}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Expressions or queries are nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("this is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
}

/// What could have stood at the place of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Expected {
    /// A keyword, in lower case.
    Keyword(&'static str),
    /// Punctuation.
    Symbol(&'static str),
    /// The name of a model.
    Model,
    /// The name of a property.
    Property,
    /// The name of a property that holds a text.
    TextProperty,
    /// A new name.
    NewName,
    /// An alias.
    Alias,
    /// A type.
    Type,
    /// An expression.
    Expression,
    /// An operator between two expressions.
    Operator,
    /// A function's name.
    Function,
    /// A step of a path, after a dot.
    PathStep,
    /// A string.
    String,
    /// An integer.
    Integer,
    /// An id.
    Id,
    /// The end of the text, or `;`.
    End,
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keyword(text) | Self::Symbol(text) => write!(f, "`{text}`"),
            Self::Model => f.write_str("a model"),
            Self::Property => f.write_str("a property"),
            Self::TextProperty => f.write_str("a text property"),
            Self::NewName => f.write_str("a name"),
            Self::Alias => f.write_str("an alias"),
            Self::Type => f.write_str("a type"),
            Self::Expression => f.write_str("an expression"),
            Self::Operator => f.write_str("an operator"),
            Self::Function => f.write_str("a function"),
            Self::PathStep => f.write_str("a property or key"),
            Self::String => f.write_str("a string"),
            Self::Integer => f.write_str("an integer"),
            Self::Id => f.write_str("an id"),
            Self::End => f.write_str("the end of the statement"),
        }
    }
}

/// How many expectations a message lists.
const LISTED: usize = 6;

impl ParseError {
    /// An error without expectations and suggestion.
    pub fn new(kind: ParseErrorKind, span: Span) -> Self {
        Self { kind, span, expected: Vec::new(), suggestion: None }
    }

    /// The same error with a suggestion.
    #[must_use]
    pub fn with_suggestion(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// The same error with its span moved right by `by` bytes: for a statement cut from a longer script.
    #[must_use]
    pub fn shift(mut self, by: usize) -> Self {
        self.span = self.span.shift(by);
        self
    }

    /// Whether more text could make it right: what a line editor asks to read on.
    pub fn is_incomplete(&self) -> bool {
        matches!(
            self.kind,
            ParseErrorKind::UnexpectedEnd
                | ParseErrorKind::UnterminatedString
                | ParseErrorKind::UnterminatedName
                | ParseErrorKind::UnterminatedComment
        )
    }

    /// What it expected, in words: `` `from`, `where` or an operator``. Empty where there is nothing to say.
    pub fn expected_text(&self) -> String {
        let mut words: Vec<String> = self.expected.iter().take(LISTED).map(ToString::to_string).collect();
        if self.expected.len() > LISTED {
            return format!("{}, …", words.join(", "));
        }
        match words.pop() {
            None => String::new(),
            Some(last) if words.is_empty() => last,
            Some(last) => format!("{} or {last}", words.join(", ")),
        }
    }

    /// The error as a message that can be shown with its source.
    pub fn diagnostic(&self) -> Diagnostic {
        let expected = self.expected_text();
        let mut diagnostic = Diagnostic::error(self.kind.to_string(), self.span);
        if !expected.is_empty() {
            diagnostic = diagnostic.with_label(format!("expected {expected}"));
        }
        if let Some(help) = &self.suggestion {
            diagnostic = diagnostic.with_help(help.clone());
        }
        diagnostic
    }

    /// The message with line and column, the source line, a caret line and the suggestion.
    /// `source` is the text that was parsed. No control character of it gets out.
    pub fn render(&self, source: &str) -> String {
        self.diagnostic().render(source, &RenderOptions::default())
    }
}
