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
//!
//! What comes back is an `AlbumView`, which [`#[derive(Model)]`](derive@Model) wrote: the album as it was read, with a
//! getter for every field that gives its value. It does not change; [`Context::get`] reads the entity again.
//!
//! # Models and keys
//!
//! [`property`] lists the types that a field can have; [`#[derive(Property)]`](derive@Property) adds your own. A
//! [`Ref`] leads to another entity. A field with `#[model(key)]` names its entity: the id follows from the key, so that
//! two nodes which never met make the same entity of the same key, and [`Context::upsert`] changes the one that exists.
//!
//! ```
//! use ankurah::{Model, Property, Ref};
//!
//! #[derive(Clone, Copy, Debug, PartialEq, Property)]
//! enum Format { Vinyl, Tape }
//!
//! #[derive(Model)]
//! struct Artist {
//!     #[model(key)]
//!     name: String,
//!     #[model(default = 0)]
//!     plays: i64,
//! }
//!
//! #[derive(Model)]
//! struct Record { title: String, artist: Ref<Artist>, format: Option<Format> }
//!
//! # futures::executor::block_on(async {
//! let context = ankurah::open("memory:").await?;
//! let muse = context.upsert(&Artist { name: "Muse".into(), plays: 0 }).await?;
//! let new = Record { title: "Showbiz".into(), artist: muse.id(), format: Some(Format::Tape) };
//! let record = context.create(&new).await?;
//! assert_eq!(record.artist().get(&context).await?.name(), "Muse");
//! assert_eq!(context.find_by_key::<Artist>("Muse").await?, Some(muse));
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Queries
//!
//! A query is what stands after `where` in the query language (`docs/language.md`): a condition, an order, a limit.
//! [`query!`] parses it when the program is compiled, knows the fields and their types, and takes values in place;
//! paths go through references. A plain text, with its values in a tuple or with [`Query::bind`], does the same when the
//! program runs.
//!
//! ```
//! # use ankurah::{Model, Ref};
//! use ankurah::query;
//! # #[derive(Model)] struct Artist { name: String }
//! # #[derive(Model)] struct Album { name: String, year: i64, artist: Ref<Artist> }
//! # futures::executor::block_on(async {
//! # let context = ankurah::open("memory:").await?;
//! # let muse = context.create(&Artist { name: "Muse".into() }).await?.id();
//! # context.create(&Album { name: "Absolution".into(), year: 2003, artist: muse }).await?;
//! let since = 2000;
//! let albums = context.fetch(query!(Album: "artist.name = 'Muse' and year > {since} order by year limit 10")).await?;
//! assert_eq!(albums.len(), 1);
//! assert_eq!(context.fetch::<Album>(("year > ? order by year limit 10", since)).await?, albums);
//! assert_eq!(context.count(query!(Album: "year < {since}")).await?, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Changes and transactions
//!
//! [`Context::edit`] hands an editor to a closure: setters, and for a [`Text`] a handle that edits it in place, so that
//! concurrent edits merge. Several changes belong together in [`Context::transaction`]. Both are run again where others
//! changed the same entities meanwhile; [`Isolation`] has the alternatives.
//!
//! ```
//! # use ankurah::{Model, Text};
//! #[derive(Model)]
//! struct Note { title: String, reads: i64, body: Text }
//!
//! # futures::executor::block_on(async {
//! # let context = ankurah::open("memory:").await?;
//! let note = context.create(&Note { title: "Plan".into(), reads: 0, body: "Meet at noon.".into() }).await?.id();
//! let edited = context.edit(note, |note| {
//!     note.set_reads(note.reads() + 1);
//!     note.edit_body().replace(8..12, "one")
//! });
//! assert_eq!(edited.await?.body(), "Meet at one.");
//!
//! let copied = context.transaction(|tx| async move {
//!     let note = tx.get(note).await?;
//!     tx.delete(&note).await?;
//!     tx.create(&Note { title: "Copy".into(), reads: 0, body: note.body().into() }).await
//! });
//! assert_eq!(copied.await?.title(), "Copy");
//! assert!(context.find(note).await?.is_none());
//! context.restore(note).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # When a model changes
//!
//! Fields can be added, renamed (`#[model(was = "old_name")]`) and given another type (`#[model(from = OldType)]`); old
//! and new versions of a program can use one store side by side. `docs/library.md` says how.
//!
//! # Below
//!
//! [`Context::node`] is the node itself: statements of the query language through [`protocol`], ingest and sync through
//! [`core`]. Stores on an engine of your own are opened with [`Node::open`] and [`Context::new`]; the example `engine`
//! has one in 150 lines.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(any(feature = "fjall", feature = "sled"))]
mod attach;
mod background;
mod context;
mod editor;
pub mod env;
mod error;
mod listen;
mod live;
mod model;
mod open;
pub mod property;
mod query;
pub mod schema;
mod target;

pub use ankurah_core as core;
pub use ankurah_core::id::EntityId;
pub use ankurah_core::node::live::LiveList;
pub use ankurah_core::node::protocol::{self, Connection};
pub use ankurah_core::node::{Isolation, Limits, Node, NodeOptions};
pub use ankurah_core::storage::Durability;
pub use ankurah_core::storage::kv::Repaired;
pub use ankurah_core::value::{Timestamp, Value, ValueRef};
pub use ankurah_derive::{Model, Property, query};
pub use ankurah_signals as signals;
#[cfg(any(feature = "fjall", feature = "sled"))]
pub use ankurah_transport_local::LocalError;
#[cfg(any(feature = "fjall", feature = "sled"))]
pub use attach::{Attached, attach};
pub use context::{BackupError, Context, EditOutcome, Kept, Transaction};
pub use editor::{Edits, TextEditor};
pub use error::Error;
pub use live::{LiveEntity, LiveQuery, LiveStatus, RowChange};
pub use model::{Editor, FieldError, Keyed, Model, View};
pub use open::{OpenError, OpenOptions, open, repair};
pub use property::{Json, Property, PropertyError, Ref, Scalar, Text, ToRef, ToValue};
pub use query::{IntoQuery, Query};
pub use rust_decimal::Decimal;
pub use target::{Target, TargetError, default_target};
pub use ulid::Ulid;
pub use uuid::Uuid;
