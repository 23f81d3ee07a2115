//! The core of Ankurah: an event-sourced, observable data layer that a program embeds.
//!
//! Data flows one way. A request goes `target → node → planner → engine`; a change goes
//! `operation → state → reactor → subscriber`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`id`] | names of operations, entities, models, properties, actors, authors, transactions, stores |
//! | [`value`] | the value domain: types, order, text forms, encodings |
//! | [`codec`] | the bounded reader and the writer that every stored byte goes through |
//! | [`mod@env`] | what the core is handed: clock, randomness, task spawning |
//! | [`operation`] | immutable operations: header, payload, digest, byte format |
//! | [`dag`] | links, heads, version vectors, runs, ancestry |
//! | [`dump`] | a whole store as a stream of bytes |
//! | [`property`] | property backends: `lww` and `yrs` text |
//! | [`entity`] | the state of an entity and how an operation changes it |
//! | [`catalog`] | models and properties, themselves keyed entities |
//! | [`storage`] | the engine trait, the key-value layer under it, the memory engine |
//! | [`query`] | binding, planning and running queries |
//! | [`node`] | sessions, transactions, ingest, requests, sync |
//!
//! The core opens no socket and reads no clock, environment or randomness except through [`mod@env`].
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

pub mod catalog;
pub mod codec;
pub mod dag;
pub mod dump;
pub mod entity;
pub mod env;
pub mod id;
pub mod node;
pub mod operation;
pub mod property;
pub mod query;
pub mod storage;
mod turn;
pub mod value;
