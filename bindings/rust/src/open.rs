//! Opening a store by its target.

use std::path::PathBuf;
use std::sync::Arc;

use ankurah_core::env::Env;
use ankurah_core::node::{Node, NodeError, NodeOptions};
use ankurah_core::storage::{Engine, StorageError, memory};
use ankurah_storage_directory::look;
use ankurah_storage_fjall as fjall;
use ankurah_storage_sled as sled;

use crate::env;
use crate::target::{Target, TargetError};

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Whether a store that is missing is made.
    pub create: bool,
    /// The rest: read-only, durability, limits.
    pub node: NodeOptions,
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
    #[error("the store at {} is one of engine {engine}, which this version does not have", path.display())]
    Engine {
        /// Where.
        path: PathBuf,
        /// The engine.
        engine: String,
    },
    /// The store cannot be opened.
    #[error("cannot open {target}: {error}{}", help(error))]
    Node {
        /// The target.
        target: String,
        /// What failed.
        error: NodeError,
    },
}

/// What to do about a failure.
fn help(error: &NodeError) -> &'static str {
    match error {
        NodeError::Storage(StorageError::Locked { .. }) => "; close the other program first",
        NodeError::Storage(StorageError::Damaged { .. }) => {
            "; `ankurah verify` names every fault it can still reach"
        }
        NodeError::Storage(StorageError::Full { .. }) => "; free some space and try again",
        NodeError::Storage(_) | NodeError::Catalog(_) | NodeError::Commit(_) => "",
    }
}

/// Opens the store that `target` names, with the system's clock and randomness.
///
/// # Errors
/// [`OpenError`].
pub async fn open(target: &str, options: OpenOptions) -> Result<Node, OpenError> {
    open_in(&Target::parse(target)?, options, env::native()).await
}

/// Opens a store in an environment of the caller's.
///
/// # Errors
/// [`OpenError`].
pub async fn open_in(target: &Target, options: OpenOptions, env: Env) -> Result<Node, OpenError> {
    let failed = |error: NodeError| OpenError::Node { target: target.to_string(), error };
    let engine = engine(target, &options, &env).await?;
    Node::open(engine, env, options.node).await.map_err(failed)
}

async fn engine(target: &Target, options: &OpenOptions, env: &Env) -> Result<Arc<dyn Engine>, OpenError> {
    let failed = |error: StorageError| OpenError::Node { target: target.to_string(), error: error.into() };
    let random = env.random.as_ref();
    let (path, name) = match target {
        Target::Memory => return Ok(Arc::new(memory::open(random).await.map_err(failed)?)),
        Target::Sled(path) => (path, sled::NAME.to_owned()),
        Target::Fjall(path) => (path, fjall::NAME.to_owned()),
        Target::Path(path) => match look(path).map_err(failed)? {
            Some(marker) => (path, marker.engine),
            None => (path, fjall::NAME.to_owned()),
        },
    };
    let (create, read_only) = (options.create, options.node.read_only);
    if look(path).map_err(failed)?.is_none() && (!create || read_only) {
        return Err(OpenError::Missing { path: path.clone() });
    }
    if name == sled::NAME {
        let options = sled::Options { create, read_only, ..sled::Options::default() };
        Ok(Arc::new(sled::open(path, options, random).await.map_err(failed)?))
    } else if name == fjall::NAME {
        let options = fjall::Options { create, read_only, ..fjall::Options::default() };
        Ok(Arc::new(fjall::open(path, options, random).await.map_err(failed)?))
    } else {
        Err(OpenError::Engine { path: path.clone(), engine: name })
    }
}
