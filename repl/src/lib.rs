//! The ankurah command: REPL, script runner, import, export, verify.

pub mod cli;
pub mod client;
pub mod convert;
pub mod display;
pub mod exit;
pub mod export;
pub mod fixture;
pub mod format;
pub mod import;
pub mod script;
pub mod session;
pub mod target;
pub mod verify;
