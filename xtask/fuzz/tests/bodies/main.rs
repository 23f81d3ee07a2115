//! The bodies, over the corpus and over random changes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::print_stderr, reason = "a test names the input that it runs")]

mod corpus;
mod random;
