//! [`Context`]: what a program holds of an open store.

mod backup;
mod bindings;
mod live;
mod transaction;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ankurah_core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah_core::node::{Isolation, Node};
use ankurah_core::storage::StorageError;
use ankurah_core::value::Timestamp;
use futures::StreamExt;

pub use backup::{BackupError, Kept};
pub(crate) use live::{TypedRows, question};
pub use transaction::{EditOutcome, Transaction};

use crate::error::Error;
use crate::listen::Listener;
use crate::model::{Keyed, Model};
use crate::property::{Ref, ToRef};
use crate::query::IntoQuery;
use bindings::Bindings;

/// An open store as a program sees it. Clones are the same; it can be shared between threads and tasks, whatever runs
/// them.
///
/// Every call is a transaction of its own: what it writes is there as a whole or not at all, and it is done again by
/// itself where others changed meanwhile what it writes. A model is made known to the store when it is first used.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

struct Inner {
    /// It ends before the node does.
    listener: Mutex<Option<Listener>>,
    node: Node,
    bindings: Mutex<Arc<Bindings>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("node", &self.inner.node).finish()
    }
}

/// How often a transaction is done again before its conflict is told.
const ATTEMPTS: usize = 1_000;

impl Context {
    /// The context of a node that is open already.
    pub fn new(node: Node) -> Self {
        Context::listening(node, None)
    }

    pub(crate) fn listening(node: Node, listener: Option<Listener>) -> Self {
        let bindings = Mutex::new(Arc::new(Bindings::default()));
        Context { inner: Arc::new(Inner { listener: Mutex::new(listener), node, bindings }) }
    }

    /// The node: for statements, ingest and sync.
    pub fn node(&self) -> &Node {
        &self.inner.node
    }

    /// The time that `now()` is in a query that is asked now.
    pub fn now(&self) -> Timestamp {
        self.inner.node.now()
    }

    /// Marks the store as cleanly shut down, so that it opens quicker. It takes no writes afterwards. Programs that are
    /// attached to it are told.
    ///
    /// # Errors
    /// [`StorageError`] where the store fails.
    pub async fn close(&self) -> Result<(), StorageError> {
        let listener = self.inner.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut listener) = listener {
            listener.close("it closed the store");
        }
        self.inner.node.close().await
    }

    /// Begins a transaction by hand: it is to be committed, and done again, by hand too. [`Context::transaction`] sees
    /// to both.
    ///
    /// # Errors
    /// [`Error::Node`] where the store fails.
    pub async fn begin(&self, isolation: Isolation) -> Result<Transaction, Error> {
        let open = self.inner.node.begin(isolation).await?;
        Ok(Transaction::new(open, self.clone()))
    }

    /// Runs `work` in a transaction: all of it is committed when it gives `Ok`, and nothing when it gives `Err`. It
    /// reads at one position and sees its own writes. Where others have changed meanwhile what it writes, it is run
    /// again, so it should do nothing that cannot be done twice.
    ///
    /// ```
    /// # use ankurah::Model;
    /// # #[derive(Model)] struct Account { balance: i64 }
    /// # futures::executor::block_on(async {
    /// # let context = ankurah::open("memory:").await?;
    /// # let from = context.create(&Account { balance: 100 }).await?.id();
    /// # let to = context.create(&Account { balance: 0 }).await?.id();
    /// context
    ///     .transaction(|tx| async move {
    ///         tx.edit(from, |account| account.set_balance(account.balance() - 30)).await?;
    ///         tx.edit(to, |account| account.set_balance(account.balance() + 30)).await?;
    ///         Ok(())
    ///     })
    ///     .await?;
    /// # assert_eq!(context.get(to).await?.balance(), 30);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// What `work` fails with (see [`Error::app`] for failures of your own), or what the commit fails with.
    pub async fn transaction<T, F, W>(&self, work: W) -> Result<T, Error>
    where
        W: Fn(Transaction) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        self.transaction_with(Isolation::Snapshot, work).await
    }

    /// The same with another [`Isolation`]: with [`Isolation::Serializable`] it is run again where anything that it
    /// read has changed, with [`Isolation::Merge`] never, since what it writes merges with what came meanwhile.
    ///
    /// # Errors
    /// As [`Context::transaction`].
    pub async fn transaction_with<T, F, W>(&self, isolation: Isolation, work: W) -> Result<T, Error>
    where
        W: Fn(Transaction) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        let mut attempt = 0usize;
        loop {
            attempt = attempt.saturating_add(1);
            let transaction = self.begin(isolation).await?;
            let done = match work(transaction.clone()).await {
                Ok(given) => transaction.commit().await.map(|()| given),
                Err(error) => Err(error),
            };
            match done {
                Ok(given) => return Ok(given),
                Err(error) if error.is_conflict() && attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates an entity.
    ///
    /// # Errors
    /// [`Error`] where a value cannot be stored, or the model has a key and an entity with it exists.
    pub async fn create<M: Model>(&self, model: &M) -> Result<M::View, Error> {
        self.transaction(|tx| async move { tx.create(model).await }).await
    }

    /// Creates several entities in one transaction.
    ///
    /// # Errors
    /// As [`Context::create`]; none is created then.
    pub async fn create_all<M: Model>(&self, models: &[M]) -> Result<Vec<M::View>, Error> {
        self.transaction(|tx| async move { tx.create_all(models).await }).await
    }

    /// Creates an entity, or sets the fields of the one with the same key; restores it where it is deleted.
    ///
    /// # Errors
    /// [`Error`] where a value cannot be stored.
    pub async fn upsert<M: Keyed>(&self, model: &M) -> Result<M::View, Error> {
        self.transaction(|tx| async move { tx.upsert(model).await }).await
    }

    /// Changes one entity. `edit` sees it as it is and may be run again where others change it meanwhile, so that an
    /// increment is never lost. Gives what became of it.
    ///
    /// ```
    /// # use ankurah::Model;
    /// # #[derive(Model)] struct Album { name: String, plays: i64 }
    /// # futures::executor::block_on(async {
    /// # let context = ankurah::open("memory:").await?;
    /// # let album = context.create(&Album { name: "Blue".into(), plays: 0 }).await?;
    /// let album = context.edit(&album, |album| album.set_plays(album.plays() + 1)).await?;
    /// assert_eq!(album.plays(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`], what `edit` fails with, or [`Error`] where a value cannot be stored.
    pub async fn edit<M, O>(
        &self,
        entity: impl ToRef<M>,
        edit: impl Fn(&mut M::Editor) -> O,
    ) -> Result<M::View, Error>
    where
        M: Model,
        O: EditOutcome,
    {
        let (entity, edit) = (entity.to_ref(), &edit);
        self.transaction(|tx| async move { tx.edit(entity, edit).await }).await
    }

    /// Deletes an entity. Its history stays, and [`Context::restore`] brings it back.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not there.
    pub async fn delete<M: Model>(&self, entity: impl ToRef<M>) -> Result<(), Error> {
        let entity = entity.to_ref();
        self.transaction(|tx| async move { tx.delete::<M>(entity).await }).await
    }

    /// Restores a deleted entity. One that is not deleted is left as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there never was one.
    pub async fn restore<M: Model>(&self, entity: impl ToRef<M>) -> Result<M::View, Error> {
        let entity = entity.to_ref();
        self.transaction(|tx| async move { tx.restore::<M>(entity).await }).await
    }

    /// Erases everything that a property of an entity was ever set to, here and wherever the entity is: it reads null,
    /// a text reads as empty, in the history too. What was erased is in the files of an embedded store no longer once
    /// it was closed. `redact` in the query language can do more.
    ///
    /// # Errors
    /// [`Error::Node`] where the property is none, is part of the key, or must not be null.
    pub async fn redact<M: Model>(&self, entity: impl ToRef<M>, property: &str) -> Result<(), Error> {
        let property = property.replace('"', "\"\"");
        self.statement(&format!("redact @{}.\"{property}\"", entity.to_ref().entity())).await
    }

    /// Gives up the history of an entity, here and wherever the entity is: what it is stays, what it was can be asked
    /// no longer.
    ///
    /// # Errors
    /// [`Error::Node`] where the entity is none.
    pub async fn compact<M: Model>(&self, entity: impl ToRef<M>) -> Result<(), Error> {
        self.statement(&format!("compact @{}", entity.to_ref().entity())).await
    }

    /// Runs a statement in a session of its own.
    async fn statement(&self, statement: &str) -> Result<(), Error> {
        let request = Request::Execute {
            session: SessionId(u64::MAX),
            statement: statement.to_owned(),
            parameters: Parameters::default(),
        };
        let mut events = self.inner.node.connect().request(request);
        while let Some(event) = events.next().await {
            if let Event::Failed(failure) = event {
                return Err(Box::new(failure).into());
            }
        }
        Ok(())
    }

    /// The entity.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not there or is deleted.
    pub async fn get<M: Model>(&self, entity: impl ToRef<M>) -> Result<M::View, Error> {
        let entity = entity.to_ref();
        self.transaction(|tx| async move { tx.get::<M>(entity).await }).await
    }

    /// The entity, if it is there.
    ///
    /// # Errors
    /// [`Error`] where the store fails, or a stored value is not one that the field can have.
    pub async fn find<M: Model>(&self, entity: impl ToRef<M>) -> Result<Option<M::View>, Error> {
        let entity = entity.to_ref();
        self.transaction(|tx| async move { tx.find::<M>(entity).await }).await
    }

    /// The entity with a key, if it is there.
    ///
    /// # Errors
    /// As [`Context::find`].
    pub async fn find_by_key<M: Keyed>(&self, key: M::Key<'_>) -> Result<Option<M::View>, Error> {
        let entity = self.reference::<M>(key).await?;
        self.find(entity).await
    }

    /// The reference to the entity with a key, which need not exist yet: its id follows from the key.
    ///
    /// # Errors
    /// [`Error`] where the key cannot be one.
    pub async fn reference<M: Keyed>(&self, key: M::Key<'_>) -> Result<Ref<M>, Error> {
        let values = &M::key_values(key).map_err(|error| Error::Write { model: M::schema().name, error })?;
        self.transaction(|tx| async move { tx.reference_of::<M>(values).await }).await
    }

    /// The entities that a query finds.
    ///
    /// # Errors
    /// [`Error::Query`] where the query is wrong, and [`Error`] where the store fails or a stored value is not one
    /// that the field can have.
    pub async fn fetch<M: Model>(&self, query: impl IntoQuery<M>) -> Result<Vec<M::View>, Error> {
        let query = &query.into_query();
        self.transaction(|tx| async move { tx.fetch::<M>(query).await }).await
    }

    /// The first entity that a query finds.
    ///
    /// # Errors
    /// As [`Context::fetch`].
    pub async fn fetch_first<M: Model>(&self, query: impl IntoQuery<M>) -> Result<Option<M::View>, Error> {
        let query = &query.into_query();
        self.transaction(|tx| async move { tx.fetch_first::<M>(query).await }).await
    }

    /// The first entity that a query finds.
    ///
    /// # Errors
    /// [`Error::NoMatch`] where it finds none; else as [`Context::fetch`].
    pub async fn fetch_one<M: Model>(&self, query: impl IntoQuery<M>) -> Result<M::View, Error> {
        let query = &query.into_query();
        self.transaction(|tx| async move { tx.fetch_one::<M>(query).await }).await
    }

    /// How many entities a query finds.
    ///
    /// # Errors
    /// As [`Context::fetch`].
    pub async fn count<M: Model>(&self, query: impl IntoQuery<M>) -> Result<u64, Error> {
        let query = &query.into_query();
        self.transaction(|tx| async move { tx.count::<M>(query).await }).await
    }

    /// Whether a query finds any entity.
    ///
    /// # Errors
    /// As [`Context::fetch`].
    pub async fn exists<M: Model>(&self, query: impl IntoQuery<M>) -> Result<bool, Error> {
        let query = &query.into_query();
        self.transaction(|tx| async move { tx.exists::<M>(query).await }).await
    }

    /// Writes the values of properties whose type has changed (`#[model(from = …)]`) for all entities that have them
    /// only as the former one, so that queries find them. Gives how many entities were changed.
    ///
    /// # Errors
    /// [`Error`] where a value cannot be converted, or the store fails.
    pub async fn convert<M: Model>(&self) -> Result<u64, Error> {
        self.transaction(|tx| async move { tx.convert::<M>().await }).await
    }

    /// What models mean in the catalog that was seen last.
    fn bindings(&self) -> Arc<Bindings> {
        Arc::clone(&self.inner.bindings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, bindings: Arc<Bindings>) {
        *self.inner.bindings.lock().unwrap_or_else(PoisonError::into_inner) = bindings;
    }
}
