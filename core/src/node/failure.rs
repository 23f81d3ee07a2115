//! What is told when a request fails.

use ankurah_query_lang::{Diagnostic, ParseError, Span};

use super::clock::ClockExhausted;
use super::ingest::IngestError;
use super::protocol::{Failure, TransactionState};
use crate::catalog::{CatalogError, NameError};
use crate::query::{BindError, RunError};
use crate::storage::{CommitError, StorageError};

/// A result whose failure is ready to be shown.
pub(crate) type Outcome<T> = Result<T, Box<Failure>>;

/// A failure of a kind (kebab-case) with a message: one sentence without a full stop.
pub(crate) fn failure(kind: &str, message: impl Into<String>) -> Box<Failure> {
    Box::new(Failure {
        kind: kind.to_owned(),
        message: message.into(),
        span: None,
        label: None,
        help: None,
        transaction: TransactionState::Idle,
    })
}

/// Additions to a failure under construction.
pub(crate) trait Explain {
    /// Where in the statement.
    fn at(self, span: Span) -> Self;
    /// What to do.
    fn help(self, help: impl Into<String>) -> Self;
}

impl Explain for Box<Failure> {
    fn at(mut self, span: Span) -> Self {
        self.span = Some((span.start, span.end));
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

fn of_diagnostic(kind: &str, diagnostic: Diagnostic) -> Box<Failure> {
    let mut failure = failure(kind, diagnostic.message).at(diagnostic.span);
    failure.label = diagnostic.label;
    failure.help = diagnostic.help;
    failure
}

impl From<ParseError> for Box<Failure> {
    fn from(error: ParseError) -> Self {
        of_diagnostic("syntax", error.diagnostic())
    }
}

impl From<BindError> for Box<Failure> {
    fn from(error: BindError) -> Self {
        of_diagnostic(error.kind.name(), error.diagnostic())
    }
}

impl From<RunError> for Box<Failure> {
    fn from(error: RunError) -> Self {
        if let RunError::Storage(error) = error {
            return error.into();
        }
        let mut failure = failure(error.name(), error.to_string());
        failure.span = error.span().map(|span| (span.start, span.end));
        failure.help = error.help().map(str::to_owned);
        failure
    }
}

impl From<StorageError> for Box<Failure> {
    fn from(error: StorageError) -> Self {
        let (kind, help) = match &error {
            StorageError::Io { .. } | StorageError::Open { .. } => ("storage", None),
            StorageError::Full { .. } => {
                ("disk-full", Some("free some space and try again; nothing was lost"))
            }
            StorageError::Damaged { .. } => (
                "damaged",
                Some("`ankurah verify` names the faults, up to where the engine can read no further"),
            ),
            StorageError::Locked { .. } => ("locked", Some("close the other program first")),
            StorageError::Newer { .. } => ("newer-store", None),
            StorageError::Older { .. } => ("older-store", None),
            StorageError::Horizon { .. } => ("horizon", Some("ask for a later point")),
            StorageError::Expired => ("view-expired", Some("run the statement, or the transaction, again")),
            StorageError::Closed => ("closed", None),
            StorageError::ReadOnly => ("read-only", None),
        };
        let failure = failure(kind, error.to_string());
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

/// Whether it was the store that failed, so that the same may succeed later.
pub(crate) fn is_of_store(failure: &Failure) -> bool {
    matches!(
        failure.kind.as_str(),
        "storage" | "disk-full" | "damaged" | "locked" | "view-expired" | "closed"
    )
}

impl From<CommitError> for Box<Failure> {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            CommitError::Conflict { .. } => failure("conflict", error.to_string()).help("run it again"),
            CommitError::CatalogChanged => failure("catalog-changed", error.to_string()).help("run it again"),
        }
    }
}

impl From<IngestError> for Box<Failure> {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Storage(error) => error.into(),
            IngestError::ReadOnly => failure("read-only", error.to_string()),
            IngestError::TooManyParked { .. } => failure("too-many-parked", error.to_string()),
            IngestError::Busy => failure("conflict", error.to_string()).help("run it again"),
            IngestError::Other(message) => failure("ingest", message),
        }
    }
}

impl From<CatalogError> for Box<Failure> {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Storage(error) => error.into(),
        }
    }
}

impl From<ClockExhausted> for Box<Failure> {
    fn from(error: ClockExhausted) -> Self {
        failure("clock", error.to_string())
    }
}

/// The failure for a name that means nothing; `what` is `model` or `property`.
pub(crate) fn unknown(what: &str, error: &NameError, span: Option<Span>) -> Box<Failure> {
    let help = error.help();
    let mut built = match error {
        NameError::Unknown { name, .. } => {
            failure(&format!("unknown-{what}"), format!("there is no {what} `{name}`"))
        }
        error @ NameError::Dropped { .. } => failure(&format!("unknown-{what}"), error.to_string()),
        error @ NameError::Ambiguous { .. } => failure("ambiguous", error.to_string()),
    };
    built.help = help;
    match span {
        Some(span) => built.at(span),
        None => built,
    }
}
