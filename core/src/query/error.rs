//! What can be wrong with a statement that is well-formed, before and while it runs.

use ankurah_query_lang::{Diagnostic, Span};

use crate::storage::StorageError;
use crate::turn::GivenUp;

/// Why a statement cannot run: a name, a type or a use that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct BindError {
    /// What is wrong.
    pub kind: BindErrorKind,
    /// Where, in bytes of the statement's text.
    pub span: Span,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

/// What is wrong with a statement. The message is one sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindErrorKind {
    /// No model has the name.
    #[error("there is no model `{0}`")]
    UnknownModel(String),
    /// No entity has the id.
    #[error("there is no entity {0}")]
    UnknownEntity(String),
    /// No property has the name.
    #[error("{model} has no property `{name}`")]
    UnknownProperty {
        /// What should have it: ``model `album` `` or `this statement`.
        model: String,
        /// The name.
        name: String,
    },
    /// What had the name was dropped.
    #[error("`{name}` of {model} was dropped")]
    DroppedProperty {
        /// What had it: ``model `album` ``.
        model: String,
        /// The name.
        name: String,
    },
    /// Several things have the name when case is ignored, or the same alias.
    #[error("`{name}` can mean {candidates}")]
    Ambiguous {
        /// The name.
        name: String,
        /// What it can mean, listed.
        candidates: String,
    },
    /// An operand, argument or value has a type that does not fit.
    #[error("{0}")]
    TypeMismatch(String),
    /// A text is not a value of the type that is needed.
    #[error("{0}")]
    InvalidValue(String),
    /// No function has the name.
    #[error("there is no function `{0}`")]
    UnknownFunction(String),
    /// A function was given too few or too many arguments.
    #[error("`{function}` takes {expected}, not {found}")]
    WrongArgumentCount {
        /// The function.
        function: String,
        /// What it takes: `1 argument`, `2 or 3 arguments`.
        expected: String,
        /// How many were given.
        found: usize,
    },
    /// An aggregate where none can stand, or used in a way that it cannot be.
    #[error("{0}")]
    AggregateMisuse(String),
    /// A property outside an aggregate that the rows are not grouped by, or a wrong `group by` item.
    #[error("{0}")]
    Grouping(String),
    /// An ordinal in `order by` or `group by` that names no column, an order that `distinct` does not allow.
    #[error("{0}")]
    Order(String),
    /// A parameter was not given.
    #[error("no value was given for {0}")]
    ParameterMissing(String),
    /// More parameters were given than the statement has.
    #[error("{0}")]
    ParameterExtra(String),
    /// A number that no type can hold, or the value of a constant expression that cannot be computed.
    #[error("{0}")]
    Overflow(String),
    /// A constant expression that cannot be computed.
    #[error(transparent)]
    Evaluation(EvalErrorKind),
    /// Something is named twice that can be named once.
    #[error("`{0}` is named twice")]
    Duplicate(String),
    /// A wrong number of values or columns.
    #[error("{0}")]
    WrongCount(String),
    /// Null, or nothing, for a property that must have a value.
    #[error("{0}")]
    NotNull(String),
    /// Something that cannot be written: a key property, a reserved model.
    #[error("{0}")]
    NotWritable(String),
    /// Part of the language that this version does not have.
    #[error("{0} not available in this version")]
    NotAvailable(String),
}

impl BindErrorKind {
    /// A stable name in kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UnknownModel(_) => "unknown-model",
            Self::UnknownEntity(_) => "unknown-entity",
            Self::UnknownProperty { .. } | Self::DroppedProperty { .. } => "unknown-property",
            Self::Ambiguous { .. } => "ambiguous",
            Self::TypeMismatch(_) => "type-mismatch",
            Self::InvalidValue(_) => "invalid-value",
            Self::UnknownFunction(_) => "unknown-function",
            Self::WrongArgumentCount { .. } => "wrong-argument-count",
            Self::AggregateMisuse(_) => "aggregate-misuse",
            Self::Grouping(_) => "grouping",
            Self::Order(_) => "order",
            Self::ParameterMissing(_) => "parameter-missing",
            Self::ParameterExtra(_) => "parameter-extra",
            Self::Overflow(_) => "overflow",
            Self::Evaluation(kind) => kind.name(),
            Self::Duplicate(_) => "duplicate",
            Self::WrongCount(_) => "wrong-count",
            Self::NotNull(_) => "not-null",
            Self::NotWritable(_) => "not-writable",
            Self::NotAvailable(_) => "not-available",
        }
    }
}

impl BindError {
    /// An error without label and help.
    pub fn new(kind: BindErrorKind, span: Span) -> Self {
        BindError { kind, span, label: None, help: None }
    }

    /// The same with a few words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with the help that the nearest of `candidates` to `name` is meant, where one is near.
    #[must_use]
    pub fn nearest<'a>(self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match ankurah_query_lang::nearest(name, candidates) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// The error as a message that can be shown with its source.
    pub fn diagnostic(&self) -> Diagnostic {
        diagnostic(self.kind.to_string(), self.span, self.label.as_ref(), self.help.as_ref())
    }
}

impl From<EvalError> for BindError {
    fn from(error: EvalError) -> Self {
        BindError::new(BindErrorKind::Evaluation(error.kind), error.span)
    }
}

/// Why an expression has no value for a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct EvalError {
    /// What is wrong.
    pub kind: EvalErrorKind,
    /// The part of the statement that was being computed, in bytes of its text.
    pub span: Span,
}

/// Why an expression has no value. The message is one sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalErrorKind {
    /// A result does not fit in its type.
    #[error("{operation} overflows")]
    Overflow {
        /// The operation with its operands: `9223372036854775807 + 1`, `sum`.
        operation: String,
    },
    /// A division or remainder by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A value cannot be converted to a type.
    #[error("{0}")]
    InvalidValue(String),
    /// An argument is outside of what the function is defined for.
    #[error("{0}")]
    InvalidArgument(String),
    /// A result is longer than a value may be.
    #[error("{operation} would give more than {limit} bytes")]
    TooLong {
        /// The operation.
        operation: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not wanted any more.
    #[error("cancelled")]
    Cancelled,
}

impl From<GivenUp> for EvalError {
    fn from(_: GivenUp) -> Self {
        EvalError { kind: EvalErrorKind::Cancelled, span: Span::default() }
    }
}

impl EvalErrorKind {
    /// A stable name in kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Overflow { .. } => "overflow",
            Self::DivisionByZero => "division-by-zero",
            Self::InvalidValue(_) => "invalid-value",
            Self::InvalidArgument(_) => "invalid-argument",
            Self::TooLong { .. } => "too-long",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a query that was running stopped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// An expression has no value for some row.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Rows that must be held at once take more memory than is allowed.
    #[error("{operation} needs more than {limit} bytes of memory")]
    TooMuchMemory {
        /// `sorting`, `grouping` or `distinct`.
        operation: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
}

impl RunError {
    /// A stable name in kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Eval(error) => error.kind.name(),
            Self::Storage(_) => "storage",
            Self::TooMuchMemory { .. } => "too-much-memory",
        }
    }

    /// The part of the statement that it is about, where there is one.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Eval(EvalError { kind: EvalErrorKind::Cancelled, .. }) => None,
            Self::Eval(error) => Some(error.span),
            Self::Storage(_) | Self::TooMuchMemory { .. } => None,
        }
    }

    /// What to do about it, where there is something to do.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::TooMuchMemory { .. } => Some("filter the rows, or ask for fewer with `limit`"),
            Self::Eval(_) | Self::Storage(_) => None,
        }
    }
}

fn diagnostic(message: String, span: Span, label: Option<&String>, help: Option<&String>) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(message, span);
    if let Some(label) = label {
        diagnostic = diagnostic.with_label(label);
    }
    if let Some(help) = help {
        diagnostic = diagnostic.with_help(help);
    }
    diagnostic
}
