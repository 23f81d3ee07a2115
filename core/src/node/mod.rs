//! Sessions, transactions, ingest, requests and sync.
//!
//! | module | what it holds |
//! |---|---|
//! | [`protocol`] | what is asked of a node and what it answers |
//! | [`clock`] | the hybrid logical clock |
//! | `connection`, `session`, `execute` | requests, sessions, statements |
//! | `transaction`, `draft`, `overlay` | what a transaction reads and writes |
//! | `write`, `define`, `upsert` | statements that write, definitions, bulk writes |
//! | `program` | transactions of a program, without statements |
//! | `redact`, `compact`, `known` | what redactions and horizons do to what is stored |
//! | `commit`, `actors`, `gate`, `runs` | how a draft becomes operations in the store |
//! | [`journal`] | what the program says while it runs |
//! | `indexer`, `fold` | indexes on demand, folding texts: work in the background |
//! | [`ingest`] | operations from outside |
//! | [`live`] | live queries |
//! | [`link`] | requests from other programs |
//! | [`sync`] | bringing nodes together |
//! | `verify` | checking a whole store |
//! | `compare` | what two stores tell to be compared |
//! | `dump`, `restore` | a whole store as bytes, and back |

mod actors;
pub mod clock;
mod commit;
pub(crate) mod compact;
mod compare;
mod connection;
mod define;
mod draft;
mod dump;
mod execute;
mod failure;
mod fold;
mod gate;
mod history;
mod indexer;
pub mod ingest;
pub mod journal;
mod known;
pub mod link;
pub mod live;
mod options;
mod overlay;
mod program;
pub mod protocol;
mod read_only;
mod records;
mod redact;
mod restore;
mod runs;
mod session;
mod statements;
pub mod sync;
#[cfg(test)]
mod tests;
mod text;
mod transaction;
mod upsert;
mod verify;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::SigningKey;

use crate::catalog::{Catalog, CatalogError};
use crate::env::Env;
use crate::id::Author;
use crate::storage::{ActorRecord, Batch, CommitError, Durability, Engine, Position, ReadView, StorageError};
use actors::ActorPool;
use clock::HybridClock;
use gate::Gate;
use indexer::Indexer;
use protocol::{Connection, NodeInfo, SessionId};
use session::Session;
use statements::Statements;

pub use commit::NotCommitted;
pub use options::{Limits, NodeOptions};
pub use program::EntityChange;
pub use read_only::{ReadOnly, statement_writes};
pub use restore::Restored;
pub use transaction::{Isolation, Transaction};
pub use write::RowOutcome;

/// Why a node cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NodeError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The store changed while the node was being opened.
    #[error("the store changed while it was being opened: {0}")]
    Commit(String),
}

/// An open store that can be asked. Clones are the same node.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) env: Env,
    pub(crate) options: NodeOptions,
    pub(crate) clock: HybridClock,
    pub(crate) author: Author,
    pub(crate) actors: Arc<ActorPool>,
    pub(crate) gate: Gate,
    pub(crate) indexer: Arc<Indexer>,
    pub(crate) statements: Statements,
    pub(crate) checkpoints: Arc<history::Checkpoints>,
    pub(crate) reactor: Arc<live::Reactor>,
    pub(crate) links: Arc<link::Links>,
    /// What is parked, once it was read; also keeps ingests one after the other.
    pub(crate) parked: futures::lock::Mutex<Option<ingest::Parked>>,
    catalog: Mutex<Arc<Catalog>>,
    sessions: Mutex<BTreeMap<SessionId, Arc<futures::lock::Mutex<Session>>>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("engine", &self.inner.engine).finish_non_exhaustive()
    }
}

impl Node {
    /// Opens a node on a store. On the first opening a key pair is made and kept in the store. After an unclean
    /// shutdown every actor of the store is given up, since numbers may have been used that were lost.
    ///
    /// # Errors
    /// [`NodeError`] where the store fails.
    pub async fn open(engine: Arc<dyn Engine>, env: Env, options: NodeOptions) -> Result<Node, NodeError> {
        let view = engine.view().await?;
        let mut actors = view.actors().await?;
        let mut batch = Batch { catalog: view.position(), ..Batch::default() };
        let key = match view.record(records::KEY).await? {
            Some(bytes) => records::read_key(&bytes)?,
            None => {
                let key: SigningKey = records::new_key(env.random.as_ref());
                batch.records.push(records::key(&key));
                key
            }
        };
        let high = view.clock();
        if !engine.was_clean() {
            let held = actors.iter_mut().filter(|actor| !actor.retired);
            let retired = held.map(|actor| {
                actor.retired = true;
                ActorRecord { ..*actor }
            });
            batch.actors.extend(retired);
        }
        let catalog = Catalog::read(view.as_ref()).await?;
        let indexer = Arc::new(if options.read_only {
            Indexer::default()
        } else {
            Indexer::open(view.as_ref()).await?
        });
        indexer.start(&env, &engine);
        let mut position = view.position();
        let has_news = !batch.records.is_empty() || !batch.actors.is_empty();
        if has_news && !options.read_only {
            position = engine.commit(batch, options.durability).await.map_err(|error| match error {
                CommitError::Storage(error) => NodeError::Storage(error),
                error => NodeError::Commit(error.to_string()),
            })?;
        }
        let store = engine.info();
        tracing::info!(
            engine = store.engine,
            position = position.0,
            read_only = options.read_only,
            "a store is open"
        );
        Ok(Node {
            inner: Arc::new(Inner {
                engine,
                env,
                options,
                clock: HybridClock::after(high),
                author: records::author(&key),
                actors: ActorPool::new(&actors, position),
                gate: Gate::default(),
                indexer,
                statements: Statements::default(),
                checkpoints: Arc::default(),
                reactor: Arc::default(),
                links: Arc::default(),
                parked: futures::lock::Mutex::new(None),
                catalog: Mutex::new(Arc::new(catalog)),
                sessions: Mutex::new(BTreeMap::new()),
            }),
        })
    }

    /// A way to ask this node from the same process.
    pub fn connect(&self) -> Arc<dyn Connection> {
        Arc::new(connection::LocalConnection::new(Arc::clone(&self.inner)))
    }

    /// Observes what a question asks for.
    ///
    /// # Errors
    /// [`protocol::Failure`] where the question means nothing in the catalog, or fails.
    pub async fn live(
        &self,
        question: live::LiveQuestion,
    ) -> Result<live::Subscription, Box<protocol::Failure>> {
        live::Reactor::subscribe(&self.inner, question).await
    }

    /// Runs a task in the background, as the node runs its own.
    pub fn spawn(&self, task: crate::env::BoxFuture<'static, ()>) {
        self.inner.env.spawn.spawn(task);
    }

    /// The store.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.inner.engine
    }

    /// The author of what this node writes.
    pub fn author(&self) -> Author {
        self.inner.author
    }

    /// Everything committed is on disk when this resolves, and the store is marked as cleanly shut down. It
    /// takes no writes afterwards. An index that is being made is finished first.
    ///
    /// # Errors
    /// [`StorageError`] where the store fails.
    pub async fn close(&self) -> Result<(), StorageError> {
        if !self.inner.options.read_only {
            self.inner.indexer.finish(self.inner.engine.as_ref()).await;
            self.inner.settle_actors().await?;
        }
        self.inner.engine.close().await
    }
}

impl Inner {
    /// The catalog, no older than its last change that the view shows.
    pub(crate) async fn catalog_at(&self, view: &dyn ReadView) -> Result<Arc<Catalog>, CatalogError> {
        let cached = Arc::clone(&self.catalog.lock().unwrap_or_else(PoisonError::into_inner));
        if cached.position() >= view.catalog() {
            return Ok(cached);
        }
        let catalog = Arc::new(Box::pin(Catalog::read(view)).await?);
        let mut cache = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.position() < catalog.position() {
            *cache = Arc::clone(&catalog);
        }
        Ok(catalog)
    }

    /// Writes down how far each actor is, so that it goes on when the store is opened again. No transaction gets one
    /// of them any more.
    async fn settle_actors(&self) -> Result<(), StorageError> {
        let actors = self.actors.settle();
        if actors.is_empty() {
            return Ok(());
        }
        // It depends on no catalog.
        let batch = Batch { actors, catalog: Position(u64::MAX), ..Batch::default() };
        match self.engine.commit(batch, Durability::Buffered).await {
            Ok(_) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error),
            Err(error) => {
                Err(StorageError::Io { action: "close the store".to_owned(), message: error.to_string() })
            }
        }
    }

    pub(crate) fn info(&self, position: Position) -> NodeInfo {
        NodeInfo {
            store: self.engine.info(),
            position,
            author: self.author.to_string(),
            read_only: self.options.read_only,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
