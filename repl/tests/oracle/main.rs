//! Answers compared with those of a real SQLite.
//!
//! | module | what it does |
//! |---|---|
//! | `chinook` | the queries of `fixtures/chinook/` over the whole music store, imported as a user imports it |
//! | `store`, `sqlite`, `answer` | both sides, and what it means that two answers are equal |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod answer;
mod chinook;
mod sqlite;
mod store;
