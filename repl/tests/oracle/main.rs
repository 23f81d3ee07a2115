//! Answers compared with those of a real SQLite.
//!
//! | module | what it does |
//! |---|---|
//! | `chinook` | the queries of `fixtures/chinook/` over the whole music store, imported as a user imports it |
//! | `random` | random models, rows, changes and queries, with and without indexes |
//! | `named` | what is special enough to have a name: what the random tests found, overflow, indexes on demand |
//! | `store`, `sqlite`, `answer` | both sides, and what it means that two answers are equal |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod answer;
mod chinook;
mod named;
mod random;
mod sqlite;
mod store;
