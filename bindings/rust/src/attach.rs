//! Attaching to the process that has a store open.

use std::path::PathBuf;
use std::sync::Arc;

use ankurah_core::node::link::{Remote, Welcome};
use ankurah_core::node::protocol::Connection;
use ankurah_transport_local::LocalError;

use crate::target::Target;

/// A store that another process has open. The link to it ends when this, its clones and all that came of its connection
/// are dropped.
#[derive(Clone, Debug)]
pub struct Attached {
    remote: Remote,
    welcome: Welcome,
}

impl Attached {
    /// The way to the node of the other process. It fails with a failure of the kind `connection` once that process has
    /// ended.
    pub fn connection(&self) -> Arc<dyn Connection> {
        Arc::new(self.remote.clone())
    }

    /// What the other process said of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Whether the link still stands.
    pub fn is_linked(&self) -> bool {
        self.remote.end().is_none()
    }
}

/// Attaches to the process that has the store of a target open. With `read_only` that process refuses what writes.
///
/// # Errors
/// [`LocalError`] where no process of this user has it open and listens, see
/// [`OpenOptions::listen`](crate::OpenOptions::listen).
pub fn attach(target: &str, read_only: bool) -> Result<Attached, LocalError> {
    let parsed = Target::parse(target).ok();
    let Some(path) = parsed.as_ref().and_then(Target::path) else {
        return Err(LocalError::Missing { path: PathBuf::from(target) });
    };
    let attached = ankurah_transport_local::attach(path, read_only);
    let (remote, welcome) =
        attached.inspect_err(|error| tracing::debug!(%error, "nobody can be attached to"))?;
    Ok(Attached { remote, welcome })
}
