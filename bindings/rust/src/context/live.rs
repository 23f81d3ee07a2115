//! Live queries of a context.

use std::marker::PhantomData;
use std::sync::Arc;

use ankurah_core::catalog::Catalog;
use ankurah_core::node::live::{LiveBinder, LiveQuestion};
use ankurah_core::node::protocol::{Failure, Parameters};
use ankurah_core::query::{BoundSelect, Context as BindContext, Projection, bind_predicate};
use ankurah_core::value::{Timestamp, ValueRef};
use ankurah_query_lang::parse_predicate;
use futures::channel::oneshot;

use super::Context;
use super::bindings::{Binding, Bindings, Bound, TypedNames};
use super::transaction::{unbound, view};
use crate::error::Error;
use crate::live::{LiveEntity, LiveQuery};
use crate::model::Model;
use crate::property::ToRef;
use crate::query::{IntoQuery, Query};

impl Context {
    /// The entities that a query finds, now and after every change: a [`LiveQuery`]. What is wrong with the query is in
    /// its [`status`](LiveQuery::status).
    pub fn live<M: Model>(&self, query: impl IntoQuery<M>) -> LiveQuery<M> {
        LiveQuery::new(self.clone(), query.into_query())
    }

    /// One entity, now and after every change: a [`LiveEntity`].
    pub fn live_entity<M: Model>(&self, entity: impl ToRef<M>) -> LiveEntity<M>
    where
        M::View: PartialEq,
    {
        LiveEntity::new(self.clone(), entity)
    }

    /// What a model's rows are in the catalog as it is now. It is found out in a task, since the model may have to be
    /// declared: whoever waits for this and is not polled any more must not hold a commit up.
    pub(crate) async fn typed_rows<M: Model>(&self) -> Result<TypedRows<M>, Error> {
        let (sender, receiver) = oneshot::channel();
        let context = self.clone();
        self.node().spawn(Box::pin(async move {
            let binding = context.transaction(|tx| async move { tx.binding::<M>().await }).await;
            // Nobody may be waiting any more.
            let _ = sender.send(binding);
        }));
        let gone = || super::transaction::failure("closed", "background tasks are not run any more");
        let binding = receiver.await.map_err(|_| Error::Node(gone()))??;
        Ok(TypedRows { binding, model: PhantomData })
    }
}

/// What the columns of a model's rows are.
pub(crate) struct TypedRows<M> {
    binding: Arc<Binding>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> TypedRows<M> {
    /// Whether rows have the same columns as others.
    pub(crate) fn same_columns(&self, other: &Self) -> bool {
        self.binding.read == other.binding.read
    }

    /// A row: the id and the columns.
    pub(crate) fn view(&self, row: &[ValueRef<'_>]) -> Result<M::View, Error> {
        view::<M>(&self.binding, row)
    }
}

/// A query as what a node is asked.
pub(crate) fn question<M: Model>(query: &Query<M>, context: &Context) -> Result<LiveQuestion, Error> {
    query.parse()?;
    let binder = Binder::<M> { text: query.text().to_owned(), model: PhantomData };
    let parameters = query.parameters().clone();
    Ok(LiveQuestion::bound_by(query.text(), parameters, context.now(), Arc::new(binder)))
}

/// Binds a query on a model under the names that the program gives.
struct Binder<M> {
    text: String,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> LiveBinder for Binder<M> {
    fn bind(
        &self,
        catalog: &Arc<Catalog>,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Result<BoundSelect, Box<Failure>> {
        let predicate = parse_predicate(&self.text)?;
        let told = |error: Error| match error {
            Error::Node(failure) | Error::Query { failure, .. } => failure,
            other => super::transaction::failure("catalog", other.to_string()),
        };
        match Arc::new(Bindings::default()).bind::<M>(catalog).map_err(|error| told(unbound(error)))? {
            Bound::Yes(bindings, binding) => {
                let names = TypedNames { catalog, bindings: &bindings };
                let context = BindContext { names: &names, parameters, now };
                let projection = Projection::Properties(&binding.read);
                Ok(bind_predicate(&predicate, binding.model.id, projection, context)?)
            }
            Bound::Lacking(_) => {
                let message = format!("the store lacks something of model `{}`", M::schema().name);
                Err(super::transaction::failure("unknown-model", message))
            }
        }
    }
}
