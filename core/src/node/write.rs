//! Statements that write: from a bound statement to the entities that it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::InsertMode;
use futures::StreamExt;

use super::draft::{Birth, Pending, Splice, TextDraft};
use super::failure::{Explain, Outcome, failure};
use super::protocol::{Failure, Outcome as Did};
use super::transaction::{Transaction, set_text};
use crate::catalog::{Model, Property, reserved};
use crate::id::{EntityId, PropertyId};
use crate::operation::{Operation, OperationError, check_length};
use crate::query::{
    BoundDelete, BoundEdit, BoundInsert, BoundSelect, BoundUpdate, InsertRows, RunOptions, TextEdit, plan,
    run,
};
use crate::storage::{Access, Deleted, Scan};
use crate::turn;
use crate::value::Value;

/// What a statement changes.
pub(crate) struct Written {
    /// The entities, each once, as the transaction shall have them.
    pub(crate) changes: Vec<(EntityId, Pending)>,
    /// The entities in the order of the statement's rows.
    pub(crate) entities: Vec<EntityId>,
    /// What to say about it.
    pub(crate) outcome: Did,
}

/// What an upsert did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// The entity is new, or was deleted and is there again.
    Created,
    /// It was there with other values.
    Updated,
    /// It had the values already.
    Unchanged,
}

/// How many rows of a bulk write are made out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    created: u64,
    updated: u64,
    unchanged: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, outcome: RowOutcome) {
        let counter = match outcome {
            RowOutcome::Created => &mut self.created,
            RowOutcome::Updated => &mut self.updated,
            RowOutcome::Unchanged => &mut self.unchanged,
        };
        *counter = counter.saturating_add(1);
    }

    pub(crate) fn outcome(self) -> Did {
        Did::Upserted { created: self.created, updated: self.updated, unchanged: self.unchanged }
    }
}

/// About how much work it is to write an entity; see [`turn`].
pub(crate) const WRITE: u64 = 4_096;

/// Collects what one statement changes on top of its transaction.
pub(crate) struct Writer<'a> {
    transaction: &'a Transaction,
    changed: BTreeMap<EntityId, Pending>,
    /// Texts as the transaction had them before the statement, fetched ahead.
    texts: BTreeMap<(EntityId, PropertyId), Arc<str>>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(transaction: &'a Transaction) -> Self {
        Writer { transaction, changed: BTreeMap::new(), texts: BTreeMap::new() }
    }

    pub(crate) fn finish(self) -> Vec<(EntityId, Pending)> {
        self.changed.into_iter().collect()
    }

    async fn get(&self, model: &Model, entity: EntityId) -> Outcome<Option<Pending>> {
        match self.changed.get(&entity) {
            Some(pending) => Ok(Some(pending.clone())),
            None => self.transaction.pending(model.id, entity).await,
        }
    }

    /// The entity that a statement's query found.
    async fn found(&self, model: &Model, entity: EntityId) -> Outcome<Pending> {
        self.get(model, entity).await?.ok_or_else(|| {
            failure("storage", format!("{} {entity} was read, yet it has no state", model.label))
        })
    }

    /// Reads the texts of entities ahead, so that they are not read one by one.
    pub(crate) async fn fetch_texts(
        &mut self,
        model: &Model,
        entities: Vec<EntityId>,
        properties: &[PropertyId],
    ) -> Outcome<()> {
        if entities.is_empty() || properties.is_empty() {
            return Ok(());
        }
        let source = self.transaction.source();
        let mut rows = source.scan(Scan {
            model: model.id,
            access: Access::Entities(entities),
            columns: properties.to_vec(),
            deleted: Deleted::Include,
            limit: None,
            expected: None,
        });
        while let Some(batch) = rows.next().await {
            for row in batch? {
                for (property, value) in properties.iter().zip(row.values) {
                    if let Value::String(text) = value {
                        self.texts.insert((row.entity, *property), text);
                    }
                }
            }
        }
        Ok(())
    }

    /// The text that an entity has now: empty where it was never written.
    async fn text(&mut self, model: &Model, entity: EntityId, property: PropertyId) -> Outcome<Arc<str>> {
        if let Some(text) = self.texts.get(&(entity, property)) {
            return Ok(Arc::clone(text));
        }
        self.fetch_texts(model, vec![entity], &[property]).await?;
        Ok(self.texts.entry((entity, property)).or_insert_with(|| Arc::from("")).clone())
    }

    /// Edits a text in place.
    pub(crate) async fn edit_text(
        &mut self,
        model: &Model,
        entity: EntityId,
        pending: &mut Pending,
        property: PropertyId,
        edits: &[TextEdit],
    ) -> Outcome<()> {
        let now = match pending.texts.get(&property) {
            Some(draft) => Arc::clone(&draft.text),
            None if is_old(pending) => self.text(model, entity, property).await?,
            None => Arc::from(""),
        };
        splice(pending, property, &now, edits).await
    }

    /// Sets a property, text or not, to a value that has been checked.
    pub(crate) async fn set(
        &mut self,
        model: &Model,
        entity: EntityId,
        pending: &mut Pending,
        property: &Property,
        value: Value,
    ) -> Outcome<()> {
        if !property.is_text() {
            check_length(property.id, &value).map_err(|error| invalid(Some(model), &error))?;
            pending.sets.insert(property.id, value);
            return Ok(());
        }
        if value.is_null() && !pending.has_text(property.id) {
            return Ok(());
        }
        let text = text_of(value);
        let now = if pending.texts.contains_key(&property.id) || !is_old(pending) {
            Arc::from("")
        } else {
            Box::pin(self.text(model, entity, property.id)).await?
        };
        set_text(pending, property.id, &now, &text);
        Ok(())
    }

    /// Inserts or upserts one row. A row that fails leaves nothing behind.
    pub(crate) async fn row(
        &mut self,
        model: &Model,
        given: &BTreeMap<PropertyId, Value>,
        mode: InsertMode,
    ) -> Outcome<(EntityId, RowOutcome)> {
        let value_of =
            |property: &Property| given.get(&property.id).cloned().unwrap_or(property.default.clone());
        if model.key.is_empty() {
            let (entity, mut pending) = self.transaction.new_plain(model.id)?;
            self.fill(model, entity, &mut pending, &value_of).await?;
            self.changed.insert(entity, pending);
            return Ok((entity, RowOutcome::Created));
        }
        let mut key = Vec::with_capacity(model.key.len());
        for id in &model.key {
            let property = model.property(*id).ok_or_else(|| no_property(model))?;
            let value = value_of(property);
            if value.is_null() {
                return Err(missing(model, property));
            }
            key.push((*id, value));
        }
        let entity = keyed_id(model, &key)?;
        let (pending, outcome) = match self.get(model, entity).await? {
            None => {
                let exclusive = mode == InsertMode::Insert;
                let mut pending = Pending::new(model.id, Birth::Keyed { key, exclusive });
                self.fill(model, entity, &mut pending, &value_of).await?;
                (pending, RowOutcome::Created)
            }
            Some(mut pending) if pending.is_deleted() => {
                pending.sets.insert(*reserved::DELETED, Value::Bool(false));
                self.fill(model, entity, &mut pending, &value_of).await?;
                (pending, RowOutcome::Created)
            }
            Some(_) if mode == InsertMode::Insert => return Err(duplicate(model, &key, entity)),
            Some(mut pending) => {
                let outcome = self.upsert(model, entity, &mut pending, given).await?;
                (pending, outcome)
            }
        };
        if outcome != RowOutcome::Unchanged {
            self.changed.insert(entity, pending);
        }
        Ok((entity, outcome))
    }

    /// Gives every property of a new, or newly restored, entity its first value.
    async fn fill(
        &mut self,
        model: &Model,
        entity: EntityId,
        pending: &mut Pending,
        value_of: &(impl Fn(&Property) -> Value + Sync),
    ) -> Outcome<()> {
        for property in model.columns().filter(|property| !model.is_key(property.id)) {
            let value = value_of(property);
            if value.is_null() && property.required {
                return Err(missing(model, property));
            }
            let unset = match property.is_text() {
                true => !pending.has_text(property.id),
                false => pending.value(property.id).is_none_or(Value::is_null),
            };
            if !(value.is_null() && unset) {
                self.set(model, entity, pending, property, value).await?;
            }
        }
        Ok(())
    }

    /// Sets what is given and differs.
    async fn upsert(
        &mut self,
        model: &Model,
        entity: EntityId,
        pending: &mut Pending,
        given: &BTreeMap<PropertyId, Value>,
    ) -> Outcome<RowOutcome> {
        let mut outcome = RowOutcome::Unchanged;
        for (id, value) in given.iter().filter(|(id, _)| !model.is_key(**id)) {
            let property = model.property(*id).ok_or_else(|| no_property(model))?;
            if value.is_null() && property.required {
                return Err(missing(model, property));
            }
            let same = match (property.is_text(), pending.texts.get(id)) {
                (true, Some(draft)) => draft.text == text_of(value.clone()),
                (true, None) if pending.has_stored_text(*id) => {
                    Box::pin(self.text(model, entity, *id)).await? == text_of(value.clone())
                }
                (true, None) => value.is_null(),
                (false, _) => pending.value(*id).unwrap_or(&Value::Null) == value,
            };
            if !same {
                self.set(model, entity, pending, property, value.clone()).await?;
                outcome = RowOutcome::Updated;
            }
        }
        Ok(outcome)
    }
}

/// Whether the entity was there before the transaction, so that its texts have to be read.
fn is_old(pending: &Pending) -> bool {
    pending.base.is_some()
}

fn text_of(value: Value) -> Arc<str> {
    match value {
        Value::String(text) => text,
        _ => Arc::from(""),
    }
}

/// `insert` and `upsert`.
pub(crate) async fn insert(transaction: &Transaction, bound: &BoundInsert) -> Outcome<Written> {
    let rows = match &bound.rows {
        InsertRows::Values(rows) => rows.iter().map(|(row, span)| (row.clone(), *span)).collect(),
        InsertRows::Query(select, span) => {
            let rows = collect(transaction, BoundSelect::clone(select)).await?;
            rows.into_iter().map(|row| (row, *span)).collect::<Vec<_>>()
        }
    };
    let mut writer = Writer::new(transaction);
    let mut tally = Tally::default();
    let mut entities = Vec::with_capacity(rows.len());
    for (row, span) in rows {
        turn::pass(WRITE).await;
        let given = bound.targets.iter().map(|target| target.property.id).zip(row).collect();
        let (entity, outcome) =
            writer.row(&bound.model, &given, bound.mode).await.map_err(|failure| place(failure, span))?;
        tally.count(outcome);
        entities.push(entity);
    }
    let outcome = match bound.mode {
        InsertMode::Insert => Did::Created(tally.created),
        InsertMode::Upsert => tally.outcome(),
    };
    Ok(Written { changes: writer.finish(), entities, outcome })
}

/// `update`.
pub(crate) async fn update(transaction: &Transaction, bound: &BoundUpdate) -> Outcome<Written> {
    let rows = collect(transaction, bound.rows.clone()).await?;
    let mut writer = Writer::new(transaction);
    let entities = ids(&rows)?;
    let texts = bound.targets.iter().filter(|target| target.property.is_text());
    let texts: Vec<PropertyId> = texts.map(|target| target.property.id).collect();
    writer.fetch_texts(&bound.model, entities.clone(), &texts).await?;
    for (entity, row) in entities.iter().zip(rows) {
        turn::pass(WRITE).await;
        let mut pending = writer.found(&bound.model, *entity).await?;
        for (target, value) in bound.targets.iter().zip(row.into_iter().skip(1)) {
            if value.is_null() && target.property.required {
                return Err(missing(&bound.model, &target.property).at(target.span));
            }
            writer.set(&bound.model, *entity, &mut pending, &target.property, value).await?;
        }
        writer.changed.insert(*entity, pending);
    }
    let outcome = Did::Updated(count(&entities));
    Ok(Written { changes: writer.finish(), entities, outcome })
}

/// `delete` and `restore`.
pub(crate) async fn delete(
    transaction: &Transaction,
    bound: &BoundDelete,
    deleted: bool,
) -> Outcome<Written> {
    let rows = collect(transaction, bound.rows.clone()).await?;
    let mut writer = Writer::new(transaction);
    let entities = ids(&rows)?;
    for entity in &entities {
        turn::pass(WRITE).await;
        let mut pending = writer.found(&bound.model, *entity).await?;
        pending.sets.insert(*reserved::DELETED, Value::Bool(deleted));
        writer.changed.insert(*entity, pending);
    }
    let outcome = if deleted { Did::Deleted(count(&entities)) } else { Did::Restored(count(&entities)) };
    Ok(Written { changes: writer.finish(), entities, outcome })
}

/// `edit`.
pub(crate) async fn edit(transaction: &Transaction, bound: &BoundEdit) -> Outcome<Written> {
    let rows = collect(transaction, bound.rows.clone()).await?;
    let mut writer = Writer::new(transaction);
    let entities = ids(&rows)?;
    let property = bound.target.property.id;
    writer.fetch_texts(&bound.model, entities.clone(), &[property]).await?;
    for (entity, row) in entities.iter().zip(&rows) {
        turn::pass(WRITE).await;
        let edits = bound.edits(row).map_err(crate::query::RunError::from)?;
        let mut pending = writer.found(&bound.model, *entity).await?;
        writer.edit_text(&bound.model, *entity, &mut pending, property, &edits).await?;
        writer.changed.insert(*entity, pending);
    }
    let outcome = Did::Updated(count(&entities));
    Ok(Written { changes: writer.finish(), entities, outcome })
}

/// Makes the changes of one text; each sees what the one before it left.
async fn splice(
    pending: &mut Pending,
    property: PropertyId,
    now: &Arc<str>,
    edits: &[TextEdit],
) -> Outcome<()> {
    let mut text: Vec<char> = now.chars().collect();
    let mut splices = Vec::with_capacity(edits.len());
    for edit in edits {
        let length = text.len();
        turn::pass(u64::try_from(length).unwrap_or(u64::MAX)).await;
        let beyond = |what: &str, place: u64| {
            let message =
                format!("{what} {place} is beyond the end of the text, which has {length} characters");
            failure("out-of-range", message).at(edit.span)
        };
        let at = match edit.position {
            None => length,
            Some(position) => match usize::try_from(position) {
                Ok(at) if at <= length => at,
                _ => return Err(beyond("position", position)),
            },
        };
        let delete = usize::try_from(edit.delete).ok().filter(|delete| *delete <= length.saturating_sub(at));
        let Some(delete) = delete else {
            return Err(beyond("position", edit.delete.saturating_add(edit.position.unwrap_or(0))));
        };
        if delete > 0 || !edit.insert.is_empty() {
            text.splice(at..at.saturating_add(delete), edit.insert.chars());
            splices.push(Splice { at, delete, insert: Arc::clone(&edit.insert) });
        }
    }
    if !splices.is_empty() {
        let draft = pending
            .texts
            .entry(property)
            .or_insert_with(|| TextDraft { text: Arc::clone(now), splices: Vec::new() });
        draft.splices.extend(splices);
        draft.text = text.into_iter().collect::<String>().into();
    }
    Ok(())
}

/// Runs a query of a writing statement to its end.
pub(crate) async fn collect(transaction: &Transaction, select: BoundSelect) -> Outcome<Vec<Vec<Value>>> {
    let limits = &transaction.node.options.limits;
    let options = RunOptions { memory: limits.query_memory, ..RunOptions::default() };
    let lookups = transaction.lookups(&select);
    let source = transaction.source_of(&select).await?;
    let plan = plan(select, &lookups);
    let mut running = run(plan, source, options);
    let mut rows = Vec::new();
    while let Some(batch) = running.rows.next().await {
        rows.extend(batch?);
        if rows.len() > limits.transaction_entities {
            let limit = limits.transaction_entities;
            return Err(failure("too-large", format!("a transaction writes at most {limit} entities")));
        }
    }
    Ok(rows)
}

pub(crate) fn ids(rows: &[Vec<Value>]) -> Outcome<Vec<EntityId>> {
    rows.iter()
        .map(|row| match row.first() {
            Some(Value::Ref(entity)) => Ok(*entity),
            _ => Err(failure("internal", "a row of a writing statement has no id")),
        })
        .collect()
}

pub(crate) fn count(entities: &[EntityId]) -> u64 {
    u64::try_from(entities.len()).unwrap_or(u64::MAX)
}

/// The id of the entity of a model with a key.
pub(crate) fn keyed_id(model: &Model, key: &[(PropertyId, Value)]) -> Outcome<EntityId> {
    Operation::keyed_id(model.id, key).map_err(|error| invalid(Some(model), &error))
}

/// What cannot be written into an entity of a model, by the names that people know.
pub(crate) fn invalid(model: Option<&Model>, error: &OperationError) -> Box<Failure> {
    let name = |id| model.and_then(|model| Some(format!("`{}.{}`", model.label, model.property(id)?.label)));
    failure("invalid-value", error.named(name))
}

fn place(mut failure: Box<Failure>, span: Span) -> Box<Failure> {
    failure.span = failure.span.or(Some((span.start, span.end)));
    failure
}

pub(crate) fn missing(model: &Model, property: &Property) -> Box<Failure> {
    failure("not-null", format!("`{}` of `{}` cannot be null", property.label, model.label))
        .help(format!("give a value for `{}`", property.label))
}

pub(crate) fn no_property(model: &Model) -> Box<Failure> {
    failure("unknown-property", format!("a property of `{}` is not known any more", model.label))
}

fn duplicate(model: &Model, key: &[(PropertyId, Value)], entity: EntityId) -> Box<Failure> {
    let parts: Vec<String> = key
        .iter()
        .filter_map(|(id, value)| Some(format!("{} = {value}", model.property(*id)?.label)))
        .collect();
    let message = format!("`{}` has an entity with {} already: {entity}", model.label, parts.join(", "));
    failure("duplicate-key", message).help("use `upsert` to change the one that exists")
}
