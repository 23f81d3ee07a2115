//! What can go wrong.

use std::fmt;

use ankurah_core::id::EntityId;
use ankurah_core::node::protocol::Failure;
use ankurah_query_lang::{Diagnostic, RenderOptions, Span};

use crate::model::FieldError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such entity, or it is deleted.
    #[error("there is no {model} {id}")]
    NotFound {
        /// The model.
        model: &'static str,
        /// The entity.
        id: EntityId,
    },
    /// No entity has the key, or matches the query.
    #[error("no {model} matches")]
    NoMatch {
        /// The model.
        model: &'static str,
    },
    /// A field of a new or changed entity has a value that cannot be stored.
    #[error("{model}.{}: {}", .error.field, .error.problem)]
    Write {
        /// The model.
        model: &'static str,
        /// The field and what is wrong.
        error: FieldError,
    },
    /// A stored value is not one that the field can have.
    #[error("{model} {id}: {error}")]
    Read {
        /// The model.
        model: &'static str,
        /// The entity.
        id: EntityId,
        /// The field and what is wrong.
        error: FieldError,
    },
    /// An edit of a text reaches beyond its end.
    #[error("{} is outside the text, which has {length} characters", range(*.start, *.end))]
    OutOfRange {
        /// Where the edit begins, in Unicode scalar values; none where that is beyond all numbers.
        start: Option<usize>,
        /// Where it ends.
        end: Option<usize>,
        /// How many the text has.
        length: usize,
    },
    /// A query is wrong: it is shown with a mark under the place.
    #[error("{}", rendered(.text, .failure))]
    Query {
        /// The query.
        text: String,
        /// What is wrong with it.
        failure: Box<Failure>,
    },
    /// A parameter of a query is not a value.
    #[error("parameter {number}: {error}")]
    Parameter {
        /// Its number, from 1.
        number: usize,
        /// What is wrong.
        error: crate::property::PropertyError,
    },
    /// The node did not do it.
    #[error("{}", explained(.0))]
    Node(Box<Failure>),
    /// A live query fails.
    #[error("{error}")]
    Live {
        /// Why.
        error: Box<Error>,
        /// Whether it is over; otherwise it goes on as soon as it gives rows again.
        ended: bool,
    },
    /// What the program's own code failed with inside a transaction, which was then not committed.
    #[error("{0}")]
    App(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Takes a failure of the program's own through a transaction.
    pub fn app(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::App(error.into())
    }

    /// A stable name of the kind of failure, in kebab-case: `not-found`, `duplicate-key`, `not-null`, `conflict`,
    /// `read-only`, `syntax`, `unknown-property`, `storage`, ….
    pub fn kind(&self) -> &str {
        match self {
            Error::NotFound { .. } | Error::NoMatch { .. } => "not-found",
            Error::Write { .. } | Error::Read { .. } | Error::Parameter { .. } => "invalid-value",
            Error::OutOfRange { .. } => "out-of-range",
            Error::Query { failure, .. } | Error::Node(failure) => &failure.kind,
            Error::Live { error, .. } => error.kind(),
            Error::App(_) => "app",
        }
    }

    /// Whether others changed meanwhile what it is about, so that doing it again may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Error::Query { failure, .. } | Error::Node(failure) if failure.is_conflict())
    }
}

impl From<Box<Failure>> for Error {
    fn from(failure: Box<Failure>) -> Self {
        Error::Node(failure)
    }
}

fn explained(failure: &Failure) -> impl fmt::Display {
    match &failure.help {
        Some(help) => format!("{}; {help}", failure.message),
        None => failure.message.clone(),
    }
}

fn rendered(text: &str, failure: &Failure) -> String {
    let (start, end) = failure.span.unwrap_or((0, text.len()));
    let mut diagnostic = Diagnostic::error(failure.message.clone(), Span { start, end });
    diagnostic.label.clone_from(&failure.label);
    diagnostic.help.clone_from(&failure.help);
    diagnostic.render(text, &RenderOptions::default())
}

fn range(start: Option<usize>, end: Option<usize>) -> String {
    match (start, end) {
        (Some(start), Some(end)) if start == end => format!("position {start}"),
        (Some(start), Some(end)) => format!("the range {start}..{end}"),
        _ => "the range".to_owned(),
    }
}
