//! [`Transaction`]: reading and writing typed entities together.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use ankurah_core::id::EntityId;
use ankurah_core::node::protocol::{Failure, TransactionState};
use ankurah_core::node::{self, EntityChange, NotCommitted};
use ankurah_core::operation::Operation;
use ankurah_core::query::{BoundSelect, Context as BindContext, Projection, bind_predicate};
use ankurah_core::value::{Value, ValueRef};
use ankurah_query_lang::ast::{InsertMode, Predicate};
use futures::lock::Mutex;

use super::Context;
use super::bindings::{Binding, Bindings, Bound, TypedNames, Unbound};
use crate::error::Error;
use crate::model::{Editor, FieldError, Keyed, Model, View};
use crate::property::{Ref, ToRef};
use crate::query::{IntoQuery, Query};

/// An open transaction: it reads at one position and sees its own writes. Clones are the same transaction. Nothing of
/// it is stored before the commit; without one it is forgotten.
#[derive(Clone)]
pub struct Transaction {
    inner: Arc<Mutex<Inner>>,
    context: Context,
}

struct Inner {
    /// None once it was committed.
    open: Option<node::Transaction>,
    bindings: Arc<Bindings>,
    /// Whether it declared models, so that its catalog is its own.
    declared: bool,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction")
    }
}

/// What a closure that edits may give: nothing, or a result.
pub trait EditOutcome {
    /// The outcome as a result.
    ///
    /// # Errors
    /// What the closure failed with; nothing is written then.
    fn into_result(self) -> Result<(), Error>;
}

impl EditOutcome for () {
    fn into_result(self) -> Result<(), Error> {
        Ok(())
    }
}

impl EditOutcome for Result<(), Error> {
    fn into_result(self) -> Result<(), Error> {
        self
    }
}

impl Transaction {
    pub(super) fn new(open: node::Transaction, context: Context) -> Self {
        let bindings = context.bindings();
        Transaction {
            inner: Arc::new(Mutex::new(Inner { open: Some(open), bindings, declared: false })),
            context,
        }
    }

    /// Creates an entity.
    ///
    /// # Errors
    /// [`Error`] where a value cannot be stored, or the model has a key and an entity with it exists.
    pub async fn create<M: Model>(&self, model: &M) -> Result<M::View, Error> {
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        inner.insert(&binding, model, InsertMode::Insert).await
    }

    /// Creates several entities.
    ///
    /// # Errors
    /// As [`Transaction::create`]; those before it stay created in the transaction.
    pub async fn create_all<M: Model>(&self, models: &[M]) -> Result<Vec<M::View>, Error> {
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let mut views = Vec::with_capacity(models.len());
        for model in models {
            views.push(inner.insert(&binding, model, InsertMode::Insert).await?);
        }
        Ok(views)
    }

    /// Creates an entity, or sets the fields of the one with the same key; restores it where it is deleted.
    ///
    /// # Errors
    /// [`Error`] where a value cannot be stored.
    pub async fn upsert<M: Keyed>(&self, model: &M) -> Result<M::View, Error> {
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        inner.insert(&binding, model, InsertMode::Upsert).await
    }

    /// Changes one entity; see [`Context::edit`].
    ///
    /// # Errors
    /// [`Error::NotFound`], what `edit` fails with, or [`Error`] where a value cannot be stored.
    pub async fn edit<M, O>(
        &self,
        entity: impl ToRef<M>,
        edit: impl FnOnce(&mut M::Editor) -> O,
    ) -> Result<M::View, Error>
    where
        M: Model,
        O: EditOutcome,
    {
        let id = entity.to_ref();
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let current = inner.read(&binding, id).await?.ok_or_else(|| not_found(id))?;
        let mut editor = M::Editor::new(id, current);
        edit(&mut editor).into_result()?;
        let (model, edits) = editor.into_parts();
        if let Some(error) = edits.failure {
            return Err(Error::Write { model: M::schema().name, error });
        }
        if !edits.is_empty() {
            let property = |field: usize| binding.properties().get(field).copied();
            let values =
                edits.values.into_iter().filter_map(|(field, value)| Some((property(field)?, value)));
            let texts = edits.texts.into_iter().filter(|(_, edits)| !edits.is_empty());
            let texts = texts.filter_map(|(field, edits)| Some((property(field)?, edits)));
            let change = EntityChange { values: values.collect(), texts: texts.collect() };
            if !inner.open()?.change(&binding.model, id.entity(), change).await? {
                return Err(not_found(id));
            }
        }
        Ok(M::View::new(id, model))
    }

    /// Deletes an entity.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not there.
    pub async fn delete<M: Model>(&self, entity: impl ToRef<M>) -> Result<(), Error> {
        let id = entity.to_ref();
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        match inner.open()?.set_deleted(binding.model.id, id.entity(), true).await? {
            true => Ok(()),
            false => Err(not_found(id)),
        }
    }

    /// Restores a deleted entity. One that is not deleted is left as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there never was one.
    pub async fn restore<M: Model>(&self, entity: impl ToRef<M>) -> Result<M::View, Error> {
        let id = entity.to_ref();
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        inner.open()?.set_deleted(binding.model.id, id.entity(), false).await?;
        let model = inner.read(&binding, id).await?.ok_or_else(|| not_found(id))?;
        Ok(M::View::new(id, model))
    }

    /// The entity.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not there or is deleted.
    pub async fn get<M: Model>(&self, entity: impl ToRef<M>) -> Result<M::View, Error> {
        let id = entity.to_ref();
        self.find(id).await?.ok_or_else(|| not_found(id))
    }

    /// The entity, if it is there.
    ///
    /// # Errors
    /// [`Error`] where the store fails, or a stored value is not one that the field can have.
    pub async fn find<M: Model>(&self, entity: impl ToRef<M>) -> Result<Option<M::View>, Error> {
        let id = entity.to_ref();
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let model = inner.read(&binding, id).await?;
        Ok(model.map(|model| M::View::new(id, model)))
    }

    /// The entity with a key, if it is there.
    ///
    /// # Errors
    /// As [`Transaction::find`].
    pub async fn find_by_key<M: Keyed>(&self, key: M::Key<'_>) -> Result<Option<M::View>, Error> {
        let id = self.reference::<M>(key).await?;
        self.find(id).await
    }

    /// The reference to the entity with a key, which need not exist yet.
    ///
    /// # Errors
    /// [`Error`] where the key cannot be one.
    pub async fn reference<M: Keyed>(&self, key: M::Key<'_>) -> Result<Ref<M>, Error> {
        let values = M::key_values(key).map_err(|error| Error::Write { model: M::schema().name, error })?;
        self.reference_of::<M>(&values).await
    }

    pub(super) async fn reference_of<M: Keyed>(&self, key: &[Value]) -> Result<Ref<M>, Error> {
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let key: Vec<_> = binding.model.key.iter().copied().zip(key.iter().cloned()).collect();
        let id = Operation::keyed_id(binding.model.id, &key)
            .map_err(|error| failure("invalid-value", error.to_string()))?;
        Ok(Ref::new(id))
    }

    /// The entities that a query finds.
    ///
    /// # Errors
    /// As [`Context::fetch`].
    pub async fn fetch<M: Model>(&self, query: impl IntoQuery<M>) -> Result<Vec<M::View>, Error> {
        self.fetch_up_to(&query.into_query(), usize::MAX).await
    }

    /// The first entity that a query finds.
    ///
    /// # Errors
    /// As [`Context::fetch`].
    pub async fn fetch_first<M: Model>(&self, query: impl IntoQuery<M>) -> Result<Option<M::View>, Error> {
        Ok(self.fetch_up_to(&query.into_query(), 1).await?.pop())
    }

    /// The first entity that a query finds.
    ///
    /// # Errors
    /// [`Error::NoMatch`] where it finds none; else as [`Context::fetch`].
    pub async fn fetch_one<M: Model>(&self, query: impl IntoQuery<M>) -> Result<M::View, Error> {
        let found = self.fetch_first(query).await?;
        found.ok_or(Error::NoMatch { model: M::schema().name })
    }

    /// How many entities a query finds.
    ///
    /// # Errors
    /// As [`Context::fetch`].
    pub async fn count<M: Model>(&self, query: impl IntoQuery<M>) -> Result<u64, Error> {
        let query = query.into_query();
        let predicate = query.parse()?;
        let plain = predicate.order_by.is_empty() && predicate.limit.is_none() && predicate.offset.is_none();
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let projection = if plain { Projection::Count } else { Projection::Properties(&[]) };
        let select = inner.select(&self.context, &binding, &query, &predicate, projection)?;
        let mut count = 0u64;
        let counted = inner.open()?.visit(select, |row| {
            match row.first() {
                Some(ValueRef::Int(all)) if plain => count = u64::try_from(*all).unwrap_or(0),
                _ => count = count.saturating_add(1),
            }
            ControlFlow::Continue(())
        });
        counted.await.map_err(|failure| in_query(&query, failure))?;
        Ok(count)
    }

    /// Whether a query finds any entity.
    ///
    /// # Errors
    /// As [`Context::fetch`].
    pub async fn exists<M: Model>(&self, query: impl IntoQuery<M>) -> Result<bool, Error> {
        let query = query.into_query();
        let parsed = query.parse()?;
        let predicate = first_of(&parsed);
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let select =
            inner.select(&self.context, &binding, &query, &predicate, Projection::Properties(&[]))?;
        let mut found = false;
        let looked = inner.open()?.visit(select, |_| {
            found = true;
            ControlFlow::Break(())
        });
        looked.await.map_err(|failure| in_query(&query, failure))?;
        Ok(found)
    }

    /// Writes the values of properties whose type has changed; see [`Context::convert`].
    ///
    /// # Errors
    /// As [`Context::convert`].
    pub async fn convert<M: Model>(&self) -> Result<u64, Error> {
        let query = Query::<M>::new("");
        let predicate = query.parse()?;
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let projection = Projection::Properties(&binding.read);
        let select = inner.select(&self.context, &binding, &query, &predicate, projection)?;
        let mut changes = Vec::new();
        let mut failed = None;
        let read = inner.open()?.visit(select, |row| match converted::<M>(&binding, row) {
            Ok(Some(change)) => {
                changes.push(change);
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        read.await?;
        if let Some(error) = failed {
            return Err(error);
        }
        let mut count = 0u64;
        for (entity, change) in changes {
            if inner.open()?.change(&binding.model, entity, change).await? {
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    /// What a model means in the catalog of the transaction.
    pub(super) async fn binding<M: Model>(&self) -> Result<Arc<Binding>, Error> {
        self.inner.lock().await.bind::<M>(&self.context).await
    }

    /// Commits what was written. Clones of it can do nothing more.
    ///
    /// # Errors
    /// [`Error::Node`]; where [`Error::is_conflict`] says so, the transaction may be done again from its beginning.
    pub async fn commit(self) -> Result<(), Error> {
        let open = self.inner.lock().await.open.take().ok_or_else(closed)?;
        match open.commit().await {
            Ok(_) => Ok(()),
            Err(NotCommitted::Failed(failure)) => Err(Error::Node(failure)),
            Err(NotCommitted::Again) => {
                Err(failure("conflict", "what the transaction writes has changed meanwhile").into())
            }
        }
    }

    async fn fetch_up_to<M: Model>(&self, query: &Query<M>, most: usize) -> Result<Vec<M::View>, Error> {
        let mut predicate = query.parse()?;
        if most == 1 {
            predicate = Arc::new(first_of(&predicate));
        }
        let mut inner = self.inner.lock().await;
        let binding = inner.bind::<M>(&self.context).await?;
        let projection = Projection::Properties(&binding.read);
        let select = inner.select(&self.context, &binding, query, &predicate, projection)?;
        let mut views = Vec::new();
        let mut failed = None;
        let read = inner.open()?.visit(select, |row| {
            match view::<M>(&binding, row) {
                Ok(view) => views.push(view),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || views.len() >= most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        read.await.map_err(|failure| in_query(query, failure))?;
        failed.map_or(Ok(views), Err)
    }
}

impl Inner {
    fn open(&mut self) -> Result<&mut node::Transaction, Error> {
        self.open.as_mut().ok_or_else(|| closed().into())
    }

    /// What a model means here; it is declared first where the catalog lacks something of it.
    async fn bind<M: Model>(&mut self, context: &Context) -> Result<Arc<Binding>, Error> {
        let open = self.open.as_mut().ok_or_else(closed)?;
        if self.bindings.are_of(open.catalog())
            && let Some(binding) = self.bindings.get::<M>()
        {
            return Ok(Arc::clone(binding));
        }
        // The second time around nothing is lacking.
        for _ in 0..2 {
            match self.bindings.bind::<M>(open.catalog()).map_err(unbound)? {
                Bound::Yes(bindings, binding) => {
                    self.bindings = bindings;
                    if !self.declared {
                        context.keep(Arc::clone(&self.bindings));
                    }
                    return Ok(binding);
                }
                Bound::Lacking(declarations) => {
                    Box::pin(open.declare(&declarations)).await?;
                    self.declared = true;
                }
            }
        }
        Err(unbound(Unbound::Lost { model: M::schema().name }))
    }

    async fn insert<M: Model>(
        &mut self,
        binding: &Binding,
        model: &M,
        mode: InsertMode,
    ) -> Result<M::View, Error> {
        let failed = |error| Error::Write { model: M::schema().name, error };
        let values = model.to_values().map_err(failed)?;
        let refs: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
        let copy = M::from_values(&refs).map_err(failed)?;
        drop(refs);
        let values = binding.properties().iter().copied().zip(values).collect();
        let (entity, _) = self.open()?.insert(&binding.model, values, mode).await?;
        Ok(M::View::new(Ref::new(entity), copy))
    }

    async fn read<M: Model>(&mut self, binding: &Binding, id: Ref<M>) -> Result<Option<M>, Error> {
        let Some(values) = self.open()?.get(binding.model.id, id.entity(), &binding.read).await? else {
            return Ok(None);
        };
        let mut row: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
        decode(binding, id.entity(), &mut row).map(Some)
    }

    fn select<M: Model>(
        &self,
        context: &Context,
        binding: &Binding,
        query: &Query<M>,
        predicate: &Predicate,
        projection: Projection<'_>,
    ) -> Result<BoundSelect, Error> {
        let open = self.open.as_ref().ok_or_else(closed)?;
        let names = TypedNames { catalog: open.catalog(), bindings: &self.bindings };
        let bind = BindContext { names: &names, parameters: query.parameters(), now: context.now() };
        bind_predicate(predicate, binding.model.id, projection, bind)
            .map_err(|error| in_query(query, error.into()))
    }
}

/// The query, of whose rows only the first matters.
fn first_of(predicate: &Predicate) -> Predicate {
    use ankurah_query_lang::ast::{Expr, ExprKind, Literal, Number, NumberKind};
    let mut predicate = predicate.clone();
    if predicate.limit.is_none() {
        let one = Literal::Number(Number { kind: NumberKind::Integer, text: "1".to_owned() });
        predicate.limit = Some(Expr { kind: ExprKind::Literal(one), span: predicate.span });
    }
    predicate
}

/// The view of a row: its id, then the properties that the binding reads.
pub(super) fn view<M: Model>(binding: &Binding, row: &[ValueRef<'_>]) -> Result<M::View, Error> {
    let Some((ValueRef::Ref(entity), values)) = row.split_first() else {
        return Err(failure("internal", "a row has no id").into());
    };
    let model = if binding.former.is_empty() {
        M::from_values(values).map_err(|error| unreadable::<M>(*entity, error))?
    } else {
        decode(binding, *entity, &mut values.to_vec())?
    };
    Ok(M::View::new(Ref::new(*entity), model))
}

/// The struct of a row's values; those that are only there as the former property are converted.
fn decode<M: Model>(binding: &Binding, entity: EntityId, row: &mut [ValueRef<'_>]) -> Result<M, Error> {
    let converted = former_values::<M>(binding, entity, row)?;
    let mut row: Vec<ValueRef<'_>> = row.to_vec();
    for (field, value) in &converted {
        if let Some(slot) = row.get_mut(*field) {
            *slot = value.as_ref();
        }
    }
    row.truncate(binding.fields);
    M::from_values(&row).map_err(|error| unreadable::<M>(entity, error))
}

/// The values of fields that have none yet, of those that they took the place of.
fn former_values<M: Model>(
    binding: &Binding,
    entity: EntityId,
    row: &[ValueRef<'_>],
) -> Result<Vec<(usize, Value)>, Error> {
    let mut converted = Vec::new();
    for (field, place, former) in &binding.former {
        let (now, before) = (row.get(*field), row.get(*place).filter(|value| !value.is_null()));
        if let (Some(ValueRef::Null), Some(before)) = (now, before) {
            let value = (former.convert)(*before).map_err(|problem| {
                let field = M::schema().properties.get(*field).map_or("", |property| property.name);
                unreadable::<M>(entity, FieldError { field, problem })
            })?;
            converted.push((*field, value));
        }
    }
    Ok(converted)
}

/// What has to be written of an entity so that it no longer needs its former properties.
fn converted<M: Model>(
    binding: &Binding,
    row: &[ValueRef<'_>],
) -> Result<Option<(EntityId, EntityChange)>, Error> {
    let Some((ValueRef::Ref(entity), values)) = row.split_first() else { return Ok(None) };
    let converted = former_values::<M>(binding, *entity, values)?;
    let property = |(field, value)| Some((*binding.properties().get(field)?, value));
    let values: Vec<_> = converted.into_iter().filter_map(property).collect();
    let change = EntityChange { values, texts: Vec::new() };
    Ok((!change.values.is_empty()).then_some((*entity, change)))
}

fn unreadable<M: Model>(id: EntityId, error: FieldError) -> Error {
    Error::Read { model: M::schema().name, id, error }
}

fn not_found<M: Model>(id: Ref<M>) -> Error {
    Error::NotFound { model: M::schema().name, id: id.entity() }
}

fn in_query<M>(query: &Query<M>, failure: Box<Failure>) -> Error {
    match failure.span {
        Some(_) => Error::Query { text: query.text().to_owned(), failure },
        None => Error::Node(failure),
    }
}

pub(super) fn unbound(error: Unbound) -> Error {
    match error {
        Unbound::Define(error) => failure("invalid-definition", error.to_string()).into(),
        Unbound::Default { model, error } => Error::Write { model, error },
        Unbound::Lost { model } => {
            failure("internal", format!("model `{model}` was declared, yet it is not there")).into()
        }
    }
}

fn closed() -> Box<Failure> {
    failure("no-transaction", "the transaction was committed already")
}

pub(super) fn failure(kind: &str, message: impl Into<String>) -> Box<Failure> {
    Box::new(Failure {
        kind: kind.to_owned(),
        message: message.into(),
        span: None,
        label: None,
        help: None,
        transaction: TransactionState::Idle,
    })
}
