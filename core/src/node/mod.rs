//! Sessions, transactions, ingest, requests and sync.

pub mod protocol;
