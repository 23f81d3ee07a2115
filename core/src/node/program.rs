//! What a program does with a node directly, without statements: transactions over values.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::InsertMode;
use futures::StreamExt;

use super::failure::{Explain, Outcome, failure};
use super::protocol::Failure;
use super::transaction::{Isolation, Transaction};
use super::write::{RowOutcome, Writer};
use super::{Node, commit, define};
use crate::catalog::declare::{Declared, ModelDeclaration};
use crate::catalog::{Catalog, Model, reserved};
use crate::id::{EntityId, ModelId, PropertyId};
use crate::property::text::Edit;
use crate::query::{BoundSelect, RunOptions, TextEdit, plan, run};
use crate::storage::{Access, Deleted, Position, Scan};
use crate::value::{Timestamp, Value, ValueRef};

/// What is changed of one entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityChange {
    /// New values of properties that are not text.
    pub values: Vec<(PropertyId, Value)>,
    /// Edits of texts, in order: each sees the text that the one before it left.
    pub texts: Vec<(PropertyId, Vec<Edit>)>,
}

impl Node {
    /// Begins a transaction on the latest position.
    ///
    /// # Errors
    /// [`Failure`] where the store fails.
    pub async fn begin(&self, isolation: Isolation) -> Result<Transaction, Box<Failure>> {
        Transaction::begin(&self.inner, isolation).await
    }

    /// The time that `now()` is in a statement that starts now.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.inner.env.clock.unix_micros())
    }

    /// Whether writes are refused.
    pub fn is_read_only(&self) -> bool {
        self.inner.options.read_only
    }
}

/// Properties, parameters and values have the types of the catalog; a failure leaves nothing behind of the call that
/// failed, so that the transaction can go on.
impl Transaction {
    /// The catalog, with what the transaction itself has defined.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The position that it reads at.
    pub fn position(&self) -> Position {
        self.view.position()
    }

    /// Declares models: what the catalog lacks of them is defined. Gives what each declaration means.
    ///
    /// # Errors
    /// [`Failure`] where a declaration is not one that a model can have, or the store is open read-only and lacks
    /// something.
    pub async fn declare(&mut self, models: &[ModelDeclaration]) -> Result<Vec<Declared>, Box<Failure>> {
        define::declare(self, models).await
    }

    /// Creates an entity or, with [`InsertMode::Upsert`], sets the given values of the one with the same key.
    /// Properties that are not given get their defaults.
    ///
    /// # Errors
    /// [`Failure`] where a value is not of its property's type, one that is required is missing, or the key exists
    /// already and the mode is [`InsertMode::Insert`].
    pub async fn insert(
        &mut self,
        model: &Model,
        values: Vec<(PropertyId, Value)>,
        mode: InsertMode,
    ) -> Result<(EntityId, RowOutcome), Box<Failure>> {
        self.check_writable()?;
        let mut given = BTreeMap::new();
        for (property, value) in values {
            given.insert(property, checked(model, property, value)?);
        }
        let mut writer = Writer::new(self);
        let done = writer.row(model, &given, mode).await?;
        let changes = writer.finish();
        self.apply(changes).await?;
        Ok(done)
    }

    /// Changes an entity. Gives whether it is there: one that is deleted is not.
    ///
    /// # Errors
    /// [`Failure`] where a value is not of its property's type, null where it is required, or of the key, or an edit
    /// reaches beyond its text.
    pub async fn change(
        &mut self,
        model: &Model,
        entity: EntityId,
        change: EntityChange,
    ) -> Result<bool, Box<Failure>> {
        self.check_writable()?;
        let mut writer = Writer::new(self);
        let Some(mut pending) = self.pending(model.id, entity).await? else { return Ok(false) };
        if pending.is_deleted() {
            return Ok(false);
        }
        for (id, value) in change.values {
            let value = checked(model, id, value)?;
            let property = find(model, id)?;
            if model.is_key(id) {
                let message = format!("`{}` is part of the key of `{}`", property.label, model.label);
                return Err(failure("not-writable", message).help("create an entity with the other key"));
            }
            if value.is_null() && property.required {
                return Err(super::write::missing(model, property));
            }
            writer.set(model, entity, &mut pending, property, value).await?;
        }
        for (id, edits) in change.texts {
            if !find(model, id)?.is_text() {
                return Err(failure("type-mismatch", "only text can be edited in place"));
            }
            let edits: Vec<TextEdit> = edits.into_iter().map(text_edit).collect::<Outcome<_>>()?;
            writer.edit_text(model, entity, &mut pending, id, &edits).await.map_err(without_place)?;
        }
        drop(writer);
        self.apply(vec![(entity, pending)]).await?;
        Ok(true)
    }

    /// Deletes an entity, or restores a deleted one. Gives whether there was one to delete or to restore.
    ///
    /// # Errors
    /// [`Failure`] where the store fails or is open read-only.
    pub async fn set_deleted(
        &mut self,
        model: ModelId,
        entity: EntityId,
        deleted: bool,
    ) -> Result<bool, Box<Failure>> {
        self.check_writable()?;
        let Some(mut pending) = self.pending(model, entity).await? else { return Ok(false) };
        if pending.is_deleted() == deleted {
            return Ok(false);
        }
        pending.sets.insert(*reserved::DELETED, Value::Bool(deleted));
        self.apply(vec![(entity, pending)]).await?;
        Ok(true)
    }

    /// The values of an entity's properties, null where one was never set; `None` where there is no such entity of
    /// the model or it is deleted.
    ///
    /// # Errors
    /// [`Failure`] where the store fails.
    pub async fn get(
        &self,
        model: ModelId,
        entity: EntityId,
        properties: &[PropertyId],
    ) -> Result<Option<Vec<Value>>, Box<Failure>> {
        let source = self.source();
        let mut rows = source.scan(Scan {
            model,
            access: Access::Entities(vec![entity]),
            columns: properties.to_vec(),
            deleted: Deleted::Exclude,
            limit: Some(1),
            expected: None,
        });
        while let Some(batch) = rows.next().await {
            if let Some(row) = batch?.into_iter().next() {
                return Ok(Some(row.values));
            }
        }
        Ok(None)
    }

    /// Runs a query and shows each of its rows, until `visit` breaks off.
    ///
    /// # Errors
    /// [`Failure`] where the query or the store fails; rows may have been shown before.
    pub async fn visit(
        &self,
        select: BoundSelect,
        mut visit: impl FnMut(&[ValueRef<'_>]) -> ControlFlow<()>,
    ) -> Result<(), Box<Failure>> {
        let limits = &self.node.options.limits;
        let options = RunOptions { memory: limits.query_memory, ..RunOptions::default() };
        let lookups = self.lookups(&select);
        let source = self.source_of(&select).await?;
        let plan = plan(select, &lookups);
        let wanted = plan.wanted_index().cloned();
        let mut running = run(plan, source, options);
        while let Some(batch) = running.rows.next().await {
            let batch = batch?;
            let mut row = Vec::new();
            for values in batch.iter() {
                row.clear();
                row.extend(values.iter());
                if visit(&row).is_break() {
                    return Ok(());
                }
            }
        }
        if let Some(wanted) = wanted.filter(|_| !self.node.options.read_only) {
            self.node.indexer.note(&self.node.env, &self.node.engine, &wanted, &running.statistics);
        }
        Ok(())
    }

    fn check_writable(&self) -> Outcome<()> {
        if self.node.options.read_only { Err(commit::read_only()) } else { Ok(()) }
    }
}

fn find(model: &Model, id: PropertyId) -> Outcome<&crate::catalog::Property> {
    model.property(id).map(AsRef::as_ref).ok_or_else(|| super::write::no_property(model))
}

/// The value in its canonical form, if it can stand in the property.
fn checked(model: &Model, id: PropertyId, value: Value) -> Outcome<Value> {
    let property = find(model, id)?;
    if !value.is_of(property.value_type) {
        let found = value.type_of().map_or("null", |tag| tag.name());
        let message = format!("`{}` is {}, not {found}", property.label, property.value_type.tag());
        return Err(failure("type-mismatch", message));
    }
    value.normalized().map_err(|error| failure("invalid-value", format!("`{}`: {error}", property.label)))
}

fn text_edit(edit: Edit) -> Outcome<TextEdit> {
    let number = |number: usize| {
        u64::try_from(number).map_err(|_| failure("out-of-range", "the edit is beyond the end of the text"))
    };
    Ok(TextEdit {
        position: Some(number(edit.position)?),
        delete: number(edit.delete)?,
        insert: Arc::from(edit.insert),
        span: Span::default(),
    })
}

fn without_place(mut failure: Box<Failure>) -> Box<Failure> {
    failure.span = None;
    failure
}
