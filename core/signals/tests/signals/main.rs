//! The behaviour of signals, seen from outside. One program, so that there is one thing to link.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod deep;
mod log;
mod oracle;
mod races;
mod readers;
mod subscribers;
mod threads;
