//! Opening a store by its target.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ankurah_core::env::Env;
use ankurah_core::node::journal::Journal;
use ankurah_core::node::{Limits, Node, NodeError, NodeOptions};
use ankurah_core::storage::kv::Repaired;
use ankurah_core::storage::{Durability, Engine, StorageError, memory};
use ankurah_storage_directory::look;

use crate::context::Context;
use crate::env;
use crate::listen::listen;
use crate::target::{Target, TargetError};

/// How a store is opened, in the manner of [`std::fs::OpenOptions`].
///
/// ```
/// use ankurah::{Durability, OpenOptions};
///
/// # futures::executor::block_on(async {
/// let context = OpenOptions::new().durability(Durability::Buffered).open("memory:").await?;
/// # drop(context);
/// # Ok::<(), ankurah::OpenError>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    create: bool,
    cache: Option<u64>,
    node: NodeOptions,
    env: Option<Env>,
    listen: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions::new()
    }
}

impl OpenOptions {
    /// A store that is missing is made; reading and writing; every commit is on disk when it is acknowledged.
    pub fn new() -> Self {
        OpenOptions { create: true, cache: None, node: NodeOptions::default(), env: None, listen: true }
    }

    /// Whether a store that is missing is made: it is unless told otherwise, and never with
    /// [`OpenOptions::read_only`].
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether writes are refused.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.node.read_only = read_only;
        self
    }

    /// How much the engine keeps in memory of what it read, in bytes as they lie on disk, instead of the engine's own
    /// choice: 128 MiB for fjall, 48 MiB for sled, which takes some four times that. A store in memory keeps all.
    #[must_use]
    pub fn cache(mut self, bytes: u64) -> Self {
        self.cache = Some(bytes);
        self
    }

    /// When a commit is acknowledged.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.node.durability = durability;
        self
    }

    /// Bounds of the node.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.node.limits = limits;
        self
    }

    /// Where the program keeps what it says while it runs, so that whoever looks into the node can read it there.
    #[must_use]
    pub fn journal(mut self, journal: Arc<Journal>) -> Self {
        self.node.journal = Some(journal);
        self
    }

    /// Clock, randomness and background tasks, instead of the system's.
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = Some(env);
        self
    }

    /// Whether other programs of the same user may attach to this one while it has the store open, by a socket in the
    /// store's folder that is gone when the last clone of the [`Context`] is: they may unless told otherwise. A store in
    /// memory has no socket, nor has one in a folder that cannot be written; that is no failure.
    #[must_use]
    pub fn listen(mut self, listen: bool) -> Self {
        self.listen = listen;
        self
    }

    /// Opens the store that a target names.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do about it.
    pub async fn open(&self, target: &str) -> Result<Context, OpenError> {
        self.open_target(&Target::parse(target)?).await
    }

    /// Opens the store at a target.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do about it.
    pub async fn open_target(&self, target: &Target) -> Result<Context, OpenError> {
        let env = self.env.clone().unwrap_or_else(env::native);
        let failed = |error: NodeError| OpenError::Node { target: target.to_string(), error };
        let engine = engine(target, self, &env).await?;
        let node = Node::open(engine, env, self.node.clone()).await.map_err(failed)?;
        let listener = target.path().filter(|_| self.listen).and_then(|path| listen(&node, path));
        Ok(Context::listening(node, listener))
    }
}

/// Makes everything anew that follows from the operations of a store which nobody has open: states, heads, runs,
/// texts, indexes, counts and the log. Gives what was done, nothing where all was right. What follows from nothing (an
/// operation) may be lost; it is named and [`Repaired::lost`] is true.
///
/// # Errors
/// [`OpenError`] says what is wrong: there is no store, another program has it open, the engine cannot read its files.
pub async fn repair(target: &Target) -> Result<Vec<Repaired>, OpenError> {
    let failed = |error: StorageError| OpenError::Node { target: target.to_string(), error: error.into() };
    let Some(path) = target.path() else { return Ok(Vec::new()) };
    let Some(marker) = look(path).map_err(failed)? else {
        return Err(OpenError::Missing { path: path.to_owned() });
    };
    match marker.engine.as_str() {
        #[cfg(feature = "sled")]
        SLED => {
            ankurah_storage_sled::repair(path, ankurah_storage_sled::Options::default()).await.map_err(failed)
        }
        #[cfg(feature = "fjall")]
        FJALL => ankurah_storage_fjall::repair(path, ankurah_storage_fjall::Options::default())
            .await
            .map_err(failed),
        _ => Err(OpenError::Engine { path: path.to_owned(), engine: marker.engine }),
    }
}

/// Why a store cannot be opened: what, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The text names no store.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is no store, and none was to be made.
    #[error("there is no store at {}: check the path, or import something to make one", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// The store is of an engine that this program does not have.
    #[error("the store at {} is one of engine {engine}, which this program was built without", path.display())]
    Engine {
        /// Where.
        path: PathBuf,
        /// The engine.
        engine: String,
    },
    /// The store cannot be opened.
    #[error("cannot open {target}: {}{}", reason(target, error), help(error))]
    Node {
        /// The target.
        target: String,
        /// What failed.
        error: NodeError,
    },
}

/// Why a target cannot be opened. What cannot is named once, unless it is something in the store.
fn reason(target: &str, error: &NodeError) -> String {
    match error {
        NodeError::Storage(StorageError::Open { path, message }) => {
            let path = path.as_str();
            let same = Target::parse(target).is_ok_and(|parsed| parsed.path() == Some(Path::new(path)));
            if same { message.clone() } else { format!("{path}: {message}") }
        }
        error => error.to_string(),
    }
}

/// What to do about a failure.
fn help(error: &NodeError) -> &'static str {
    match error {
        NodeError::Storage(StorageError::Locked { .. }) => "; close the other program first",
        NodeError::Storage(StorageError::Damaged { .. }) => {
            "; go back to a copy of its folder, or make the store again from an export"
        }
        NodeError::Storage(StorageError::Full { .. }) => "; free some space and try again",
        NodeError::Storage(_) | NodeError::Catalog(_) | NodeError::Commit(_) => "",
    }
}

/// Opens the store that `target` names, and makes it where it is missing. [`OpenOptions`] has the alternatives.
///
/// # Errors
/// [`OpenError`] says what is wrong and what to do about it.
pub async fn open(target: &str) -> Result<Context, OpenError> {
    OpenOptions::new().open(target).await
}

async fn engine(target: &Target, options: &OpenOptions, env: &Env) -> Result<Arc<dyn Engine>, OpenError> {
    let failed = |error: StorageError| OpenError::Node { target: target.to_string(), error: error.into() };
    let random = env.random.as_ref();
    let (path, name) = match target {
        Target::Memory => return Ok(Arc::new(memory::open(random).await.map_err(failed)?)),
        Target::Sled(path) => (path, SLED.to_owned()),
        Target::Fjall(path) => (path, FJALL.to_owned()),
        Target::Path(path) => match look(path).map_err(failed)? {
            Some(marker) => (path, marker.engine),
            None => (path, DEFAULT.to_owned()),
        },
    };
    let (create, read_only) = (options.create, options.node.read_only);
    if look(path).map_err(failed)?.is_none() && (!create || read_only) {
        return Err(OpenError::Missing { path: path.clone() });
    }
    match name.as_str() {
        #[cfg(feature = "sled")]
        SLED => {
            use ankurah_storage_sled as sled;
            let mut own = sled::Options { create, read_only, ..sled::Options::default() };
            own.cache = options.cache.unwrap_or(own.cache);
            Ok(Arc::new(sled::open(path, own, random).await.map_err(failed)?))
        }
        #[cfg(feature = "fjall")]
        FJALL => {
            use ankurah_storage_fjall as fjall;
            let mut own = fjall::Options { create, read_only, ..fjall::Options::default() };
            own.cache = options.cache.unwrap_or(own.cache);
            Ok(Arc::new(fjall::open(path, own, random).await.map_err(failed)?))
        }
        _ => Err(OpenError::Engine { path: path.clone(), engine: name }),
    }
}

/// The names of the embedded engines, whether this program has them or not.
const SLED: &str = "sled";
const FJALL: &str = "fjall";

/// The engine of a new store that names none.
const DEFAULT: &str = if cfg!(feature = "fjall") || !cfg!(feature = "sled") { FJALL } else { SLED };
