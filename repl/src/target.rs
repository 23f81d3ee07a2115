//! Opening what a target string names.

use std::sync::Arc;

use ankurah_core::node::protocol::Connection;

/// What a target is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading and writing; a store that does not exist is made.
    Create,
    /// Reading and writing a store that exists.
    Write,
    /// Reading alone.
    Read,
}

/// An open target.
pub struct Opened {
    /// The way to its node.
    pub connection: Arc<dyn Connection>,
    /// What is shown of it: without secrets.
    pub name: String,
}

/// Opens a target. The message says what went wrong and what to do.
pub fn open(target: &str, mode: Mode) -> Result<Opened, String> {
    let _ = mode;
    Err(format!("cannot open {target}"))
}

/// An empty store in memory with a fixed clock and fixed randomness.
pub fn fresh_fixed() -> Result<Arc<dyn Connection>, String> {
    Err("not yet".to_owned())
}

/// The target given, or the store in the user's data folder.
pub fn or_default(target: Option<&str>) -> Result<String, String> {
    if let Some(target) = target {
        return Ok(target.to_owned());
    }
    match directories::ProjectDirs::from("", "", "ankurah") {
        Some(folders) => Ok(folders.data_dir().join("store").display().to_string()),
        None => Err("no target is given and there is no home folder to keep a store in".to_owned()),
    }
}

/// The same connection, refusing what writes.
pub fn read_only(connection: Arc<dyn Connection>) -> Arc<dyn Connection> {
    connection
}
