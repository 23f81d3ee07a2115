//! Sessions, transactions, ingest, requests and sync.

pub mod clock;
pub mod protocol;
