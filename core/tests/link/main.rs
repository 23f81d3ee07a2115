//! Links: requests and answers as bytes, between ends that neither trust nor wait for each other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod broken;
mod common;
mod encoding;
mod samples;
mod watch;
