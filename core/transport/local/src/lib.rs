//! The local socket of an embedded store: a program that has the store open listens there, and other programs of the
//! same user attach to it instead of failing on the lock.
//!
//! What goes over the socket is said in `docs/protocol.md`; all of it is the core's. Here bytes are carried, by two
//! threads a link, and it is seen to that nobody else gets in:
//!
//! - The socket is `socket` in the store's folder. Where that path is too long for a socket's address, it is
//!   `ankurah-` and a hash of the folder's device and number, in the user's runtime folder (`$XDG_RUNTIME_DIR`), or else
//!   in a folder of its own, open to this user alone, among the temporary files.
//! - Only its user may write to it (mode 0600), and on both sides the user of the other side is asked of the system: it
//!   has to be the same, or root.
//! - Links in the place of the socket are never followed. A socket that a dead process left is replaced, since who
//!   listens holds the store's lock; anything else in its place is left alone, and then there is no socket.
//! - It is removed when the listener is dropped.
//!
//! On systems without Unix sockets there is none, and [`listen`] and [`attach`] say so.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

#[cfg(not(unix))]
mod absent;
#[cfg(unix)]
mod attach;
#[cfg(unix)]
mod listen;
#[cfg(unix)]
mod peer;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod threads;

use std::io;
use std::path::PathBuf;

use ankurah_core::node::link::LinkEnd;

#[cfg(not(unix))]
pub use absent::{Listener, attach, listen};
#[cfg(unix)]
pub use attach::attach;
#[cfg(unix)]
pub use listen::{Listener, listen};

/// Why there is no socket, or nobody to attach to at it.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The system has no such sockets.
    #[error("this system has no Unix sockets")]
    Unsupported,
    /// There is no socket: nobody has the store open, or nobody who listens.
    #[error("there is no socket at {}", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// A process that is not there any more left the socket.
    #[error("nobody listens at {}", path.display())]
    Stale {
        /// Where it is.
        path: PathBuf,
    },
    /// There is something else in its place.
    #[error("{} is no socket", path.display())]
    NoSocket {
        /// Where.
        path: PathBuf,
    },
    /// The other side belongs to another user.
    #[error("{} belongs to user {user}", path.display())]
    Stranger {
        /// Where the socket is.
        path: PathBuf,
        /// The number of the user.
        user: u32,
    },
    /// A folder for the socket is not safe.
    #[error("{} is no folder of this user alone", path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
    },
    /// The other side has not answered for seconds: it is stopped, or hangs.
    #[error("the process that listens at {} does not answer", path.display())]
    Silent {
        /// Where the socket is.
        path: PathBuf,
    },
    /// The link ended before it began.
    #[error("{}: {end}", path.display())]
    Link {
        /// Where the socket is.
        path: PathBuf,
        /// Why.
        end: LinkEnd,
    },
    /// The system refused.
    #[error("{}: {error}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// How many bytes are read at a time.
#[cfg(unix)]
const BUFFER: usize = 64 << 10;

/// The name of this program, without what would act on a terminal.
#[cfg(unix)]
fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(std::path::Path::file_name);
    let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
