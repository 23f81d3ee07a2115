//! Ankurah: an event-sourced, observable data layer that a program embeds.
//!
//! A store is opened by its target, the same text everywhere: `memory:`, `sled:PATH`, `fjall:PATH`, or a bare
//! path. What is opened is a [`Node`]; everything is asked of it through a [`Connection`].
//!
//! ```
//! use ankurah::protocol::{Parameters, Request, SessionId};
//! use futures::StreamExt;
//!
//! # futures::executor::block_on(async {
//! let node = ankurah::open("memory:", ankurah::OpenOptions::default()).await?;
//! let mut events = node.connect().request(Request::Execute {
//!     session: SessionId(1),
//!     statement: "create model album (name string key, year i64)".to_owned(),
//!     parameters: Parameters::default(),
//! });
//! while let Some(event) = events.next().await {
//!     println!("{event:?}");
//! }
//! # Ok::<(), ankurah::OpenError>(())
//! # }).unwrap();
//! ```

pub mod env;
mod open;
mod target;

pub use ankurah_core as core;
pub use ankurah_core::node::protocol::{self, Connection};
pub use ankurah_core::node::{Limits, Node, NodeOptions};
pub use ankurah_core::storage::Durability;
pub use ankurah_core::value::Value;
pub use open::{OpenError, OpenOptions, open, open_in};
pub use target::{Target, TargetError, default_target};
