//! Links: the requests and answers of a node over a stream of bytes, whatever carries it.
//!
//! A link has two ends, and neither of them does any input or output. Each end is a pair: what it is given the bytes
//! of the other side by (`receive`), and a stream of the bytes for the other side. A transport carries bytes from the
//! one to the other, and nothing else. What the bytes are is said in `docs/protocol.md`.
//!
//! - The node's end, [`ServerIncoming`] and [`ServerOutgoing`], asks the node and sends what it answers. An answer is
//!   polled only while the other side has given credit for it, and while nothing of it waits to be sent; so one who
//!   reads slowly holds up its own answers and no memory.
//! - The other end, [`ClientIncoming`] and [`ClientOutgoing`], serves a [`Remote`], which is a
//!   [`Connection`](super::protocol::Connection) like that of an open store.
//!
//! | module | what it holds |
//! |---|---|
//! | [`frame`] | the frames, and cutting a stream of bytes into them |
//! | `wire`, `request`, `event` | how requests and events are written |
//! | `server`, `inbox` | the node's end |
//! | `client`, `remote` | the other end |
//! | [`memory`] | both ends in one process |
//! | `info`, `registry`, `tap` | which links a node has, and what goes over them |

mod client;
mod error;
mod event;
pub mod frame;
mod inbox;
mod info;
pub mod memory;
mod registry;
mod remote;
mod request;
mod sending;
mod server;
mod tap;
mod wire;

pub use client::{ClientIncoming, ClientOptions, ClientOutgoing, connect};
pub use error::LinkError;
pub use event::{decode_event, encode_event};
pub use inbox::ServerIncoming;
pub use info::{FrameKind, LinkInfo, LinkPeer, TapDirection, TapFrame, TapFrames};
pub(crate) use registry::Links;
pub use remote::{LinkEnd, Remote, Welcome};
pub use request::{decode_request, encode_request};
pub use server::{ServerCloser, ServerOptions, ServerOutgoing};
