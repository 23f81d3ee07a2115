//! Binding: what the names of a statement mean and whether its types fit.

use ankurah_query_lang::ast;

use super::bound::{Bound, BoundSelect};
use super::error::{BindError, BindErrorKind};
use super::names::Names;
use crate::id::ModelId;
use crate::node::protocol::Parameters;
use crate::value::Timestamp;

/// What a statement is bound in.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The catalog.
    pub names: &'a dyn Names,
    /// Values for the parameters.
    pub parameters: &'a Parameters,
    /// What `now()` is throughout the statement.
    pub now: Timestamp,
}

/// Binds a statement. Positions in errors are bytes of the text that was parsed.
pub fn bind_statement(statement: &ast::Statement, context: Context<'_>) -> Result<Bound, BindError> {
    let _ = context;
    Err(BindError::new(BindErrorKind::NotAvailable("statements are".to_owned()), statement.span))
}

/// Binds what an app passes to a query on one model. The result's columns are the id and then the declared
/// properties in their order.
pub fn bind_predicate(
    predicate: &ast::Predicate,
    model: ModelId,
    context: Context<'_>,
) -> Result<BoundSelect, BindError> {
    let _ = (context, model);
    Err(BindError::new(BindErrorKind::NotAvailable("predicates are".to_owned()), predicate.span))
}
