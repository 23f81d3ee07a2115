//! A program on a terminal that nobody looks at: send keys, wait for what the screen shows, draw the screen.
//!
//! Nothing here sleeps: [`Terminal::wait`] goes on as soon as the program has written what is waited for.
// Test support: a broken expectation ends the test with a message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod keys;
mod svg;
mod terminal;

pub use keys::*;
pub use svg::svg;
pub use terminal::{Start, Terminal};
