//! Ankurah: an event-sourced, observable data layer that a program embeds.
//!
//! # A first look
//!
//! A model is a struct. A store is opened by its target: `memory:`, `sled:PATH`, `fjall:PATH`, or a bare path. There is
//! nothing to register and no schema to write first, and any executor will do.
//!
//! ```
//! use ankurah::Model;
//!
//! # futures::executor::block_on(async {
//! let context = ankurah::open("memory:").await?;
//!
//! #[derive(Model)]
//! struct Album { name: String, year: String, artist: String }
//! let album = context.create(&Album { name: "Origin of Symmetry".into(), year: "2001".into(), artist: "Muse".into() }).await?;
//!
//! assert_eq!(album.name(), "Origin of Symmetry");
//! assert_eq!(context.fetch::<Album>("artist = 'Muse'").await?, [album]);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod context;
mod editor;
pub mod env;
mod error;
mod model;
mod open;
pub mod property;
mod query;
pub mod schema;
mod target;

pub use ankurah_core as core;
pub use ankurah_core::id::EntityId;
pub use ankurah_core::node::protocol::{self, Connection};
pub use ankurah_core::node::{Isolation, Limits, Node, NodeOptions};
pub use ankurah_core::storage::Durability;
pub use ankurah_core::value::{Timestamp, Value, ValueRef};
pub use ankurah_derive::{Model, Property, query};
pub use context::{Context, EditOutcome, Transaction};
pub use editor::{Edits, TextEditor};
pub use error::Error;
pub use model::{Editor, FieldError, Keyed, Model, View};
pub use open::{OpenError, OpenOptions, open};
pub use property::{Json, Property, PropertyError, Ref, Scalar, Text, ToRef, ToValue};
pub use query::{IntoQuery, Query};
pub use rust_decimal::Decimal;
pub use target::{Target, TargetError, default_target};
pub use ulid::Ulid;
pub use uuid::Uuid;
