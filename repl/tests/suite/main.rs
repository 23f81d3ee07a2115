//! The tests of the command from outside, in one program so that they link once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attach;
mod common;
mod completion;
mod damage;
mod dumps;
mod fixtures;
mod formats;
mod help;
mod import_limits;
mod import_plan;
mod interrupt;
mod narrow;
mod picture;
mod process;
mod round_trip;
mod session;
mod terminal;
mod typing;
