//! The inspector from outside: what is shown after which keys, with and without a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod beat;
mod common;
mod documents;
mod hostile;
mod pages;
mod picture;
mod selection;
mod sizes;
mod terminal;
mod work;
