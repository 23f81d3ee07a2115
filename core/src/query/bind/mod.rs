//! Binding: what the names of a statement mean and whether its types fit.

mod call;
mod expr;
mod group;
mod literal;
mod past;
mod scope;
mod select;
mod types;
mod write;

use std::cell::Cell;
use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{self, Id, Name, StatementKind};

pub use literal::value_type;

use super::bound::{Bound, BoundSelect, Define, TransactionControl};
use super::error::{BindError, BindErrorKind};
use super::names::Names;
use crate::catalog::{Model, NameError};
use crate::id::{ModelId, OpId, PropertyId};
use crate::node::protocol::Parameters;
use crate::value::Timestamp;

/// What a statement is bound in.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The catalog.
    pub names: &'a dyn Names,
    /// Values for the parameters. Positional ones that the statement does not use are an error, named ones are
    /// not.
    pub parameters: &'a Parameters,
    /// What `now()` is throughout the statement.
    pub now: Timestamp,
}

/// Binds a statement. Positions in errors are bytes of the text that was parsed.
pub fn bind_statement(statement: &ast::Statement, context: Context<'_>) -> Result<Bound, BindError> {
    let session = Session::new(context);
    let bound = session.statement(statement)?;
    // Whoever binds a definition sees to its parameters.
    if !matches!(bound, Bound::Define(_)) {
        session.check_all_used(statement.span)?;
    }
    Ok(bound)
}

/// What a query on one model gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection<'a> {
    /// Of each entity its id, then its declared properties in their order.
    Declared,
    /// Of each entity its id, then these properties of the model in this order.
    Properties(&'a [PropertyId]),
    /// One row: how many entities there are. Without `limit` and `offset`, which are left aside.
    Count,
}

/// Binds what an app passes to a query on one model.
///
/// # Errors
/// [`BindError`] where a name, a type or a parameter is wrong, or a property of the projection is not the model's.
pub fn bind_predicate(
    predicate: &ast::Predicate,
    model: ModelId,
    projection: Projection<'_>,
    context: Context<'_>,
) -> Result<BoundSelect, BindError> {
    let session = Session::new(context);
    let bound = session.predicate(predicate, model, projection)?;
    session.check_all_used(predicate.span)?;
    Ok(bound)
}

/// The binding of one statement.
struct Session<'a> {
    context: Context<'a>,
    /// Which positional parameters were used.
    used: Vec<Cell<bool>>,
}

impl<'a> Session<'a> {
    fn new(context: Context<'a>) -> Self {
        Session { context, used: vec![Cell::new(false); context.parameters.positional.len()] }
    }

    fn check_all_used(&self, span: Span) -> Result<(), BindError> {
        match self.used.iter().position(|used| !used.get()) {
            None => Ok(()),
            Some(at) => {
                let given = literal::count(self.used.len(), "value was", "values were");
                let message =
                    format!("{given} given for parameters, but the statement does not use number {}", at + 1);
                Err(BindError::new(BindErrorKind::ParameterExtra(message), span))
            }
        }
    }

    fn statement(&self, statement: &ast::Statement) -> Result<Bound, BindError> {
        Ok(match &statement.kind {
            StatementKind::Select(select) => Bound::Select(Box::new(self.select(select)?)),
            StatementKind::Live(select) => Bound::Live(Box::new(self.select(select)?)),
            StatementKind::Insert(insert) => Bound::Insert(Box::new(self.insert(insert)?)),
            StatementKind::Update(update) => Bound::Update(Box::new(self.update(update)?)),
            StatementKind::Delete(delete) => Bound::Delete(Box::new(self.delete(delete, false)?)),
            StatementKind::Restore(delete) => Bound::Restore(Box::new(self.delete(delete, true)?)),
            StatementKind::Edit(edit) => Bound::Edit(Box::new(self.edit(edit)?)),
            StatementKind::Undo(undo) => Bound::Undo(self.undo(undo)?),
            StatementKind::Redact(redact) => Bound::Redact(Box::new(self.redact(redact)?)),
            StatementKind::Compact(compact) => Bound::Compact(Box::new(self.compact(compact)?)),
            StatementKind::CreateModel(create) => Bound::Define(Define::CreateModel(create.clone())),
            StatementKind::AlterModel(alter) => Bound::Define(Define::AlterModel(alter.clone())),
            StatementKind::Begin { serializable } => {
                Bound::Transaction(TransactionControl::Begin { serializable: *serializable })
            }
            StatementKind::Commit => Bound::Transaction(TransactionControl::Commit),
            StatementKind::Rollback => Bound::Transaction(TransactionControl::Rollback),
            StatementKind::Explain { analyze, statement } => {
                Bound::Explain { analyze: *analyze, statement: Box::new(self.statement(statement)?) }
            }
        })
    }

    /// The model that a name means.
    fn find_model(&self, name: &Name) -> Result<&'a Arc<Model>, BindError> {
        let id = name.id.as_ref().and_then(op_id);
        self.context.names.find(&name.ident.name, name.ident.quoted, id).map_err(|error| {
            let help = error.help();
            match error {
                NameError::Unknown { name: unknown, .. } | NameError::Dropped { name: unknown, .. } => {
                    let error = BindError::new(BindErrorKind::UnknownModel(unknown), name.span);
                    BindError { help, ..error }
                }
                NameError::Ambiguous { name: unclear, candidates } => {
                    model_error(unclear, &candidates, name.span)
                }
            }
        })
    }
}

fn model_error(name: String, candidates: &[String], span: Span) -> BindError {
    let candidates = scope::list(candidates);
    BindError::new(BindErrorKind::Ambiguous { name, candidates }, span)
        .help("write it in double quotes, with its exact case")
}

fn op_id(id: &Id) -> Option<OpId> {
    id.text.parse().ok()
}
