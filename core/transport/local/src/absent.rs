//! Systems without Unix sockets.

use std::path::Path;

use ankurah_core::node::Node;
use ankurah_core::node::link::{Remote, Welcome};

use crate::LocalError;

/// A socket that listens; on this system there is none.
#[derive(Debug)]
pub struct Listener(std::convert::Infallible);

impl Listener {
    /// Ends all links and removes the socket.
    pub fn close(&mut self, _reason: &str) {
        match self.0 {}
    }
}

/// Listens for a node.
///
/// # Errors
/// [`LocalError::Unsupported`].
pub fn listen(_node: &Node, _folder: &Path) -> Result<Listener, LocalError> {
    Err(LocalError::Unsupported)
}

/// Attaches to the process that has a store open.
///
/// # Errors
/// [`LocalError::Unsupported`].
pub fn attach(_folder: &Path, _read_only: bool) -> Result<(Remote, Welcome), LocalError> {
    Err(LocalError::Unsupported)
}
