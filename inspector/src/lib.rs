//! The terminal inspector: see inside any node.
//!
//! It uses only what a node tells about itself over a [`Connection`], so that it works on a program that it has
//! never seen, and cannot do what that program could not.
//!
//! ```text
//!  terminal ──▶ input ──▶ Message ──▶ state ──▶ Effect ──▶ connection ──▶ node
//!      ▲                     ▲          │                      │
//!      └──────── view ◀──────┼──────────┘                      │
//!                            └──────────── Reply ◀─────────────┘
//! ```
//!
//! | part | modules | rule |
//! |---|---|---|
//! | connection | [`connection`] | asks in threads of its own, one for each [`Slot`](message::Slot), where a new question takes the place of the last. A slow node never blocks a key; a panic there is an answer like another |
//! | state | [`state`], [`dag`] | [`State::update`](state::State::update) takes a [`Message`](message::Message) and gives [`Effect`](message::Effect)s. No I/O, no thread, no clock but the one in messages, so it is tested without a terminal |
//! | view | [`view`], [`theme`], [`mod@line`] | from the state to cells; never I/O. Every page is lines that stand still and a list of which only what is seen is made. Text from data goes through [`mod@line`], which makes it safe |
//! | input | [`input`], [`key`], [`action`], [`keymap`] | from keys to [`Action`](action::Action)s through one table, from which palette, help, footer and documentation come too. It refuses keys that mean two things, and a map without a way out |
//!
//! [`terminal`] ties them to a real terminal, in the loop of [`beat`] that never stops telling the time, and gives it
//! back on every way out; [`headless`] does so without one, with a fixed clock, so that the same keys print the same
//! bytes.

pub mod action;
pub mod beat;
pub mod connection;
pub mod dag;
pub mod fold;
pub mod headless;
pub mod input;
pub mod key;
pub mod keymap;
pub mod line;
pub mod message;
pub mod screen;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod view;

pub use ankurah_core::node::protocol::Connection;
pub use headless::dump;
pub use terminal::{End, Host, RunError, run};
