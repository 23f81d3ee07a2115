//! The bundled sample: a collection of albums in memory.

use std::io::Cursor;
use std::path::PathBuf;

use ankurah_core::node::protocol::SessionId;

use crate::cli::{ImportArgs, ImportFormat};
use crate::client::{Client, Interrupt, Pump};
use crate::import::{Source, import};
use crate::target::{self, Mode, Opened};

const ALBUMS: &str = include_str!("../../fixtures/sample/album.csv");

/// The name of the sample's collection.
pub const COLLECTION: &str = "album";

/// A store in memory with the sample. The message says why there is none.
pub fn open(read_only: bool) -> Result<Opened, String> {
    fill(target::open("memory:", Mode::Create)?, read_only)
}

/// The same with a fixed clock and fixed randomness.
pub fn open_fixed(read_only: bool) -> Result<Opened, String> {
    fill(target::fresh_fixed()?, read_only)
}

fn fill(opened: Opened, read_only: bool) -> Result<Opened, String> {
    let client = Client::new(opened.connection.clone(), SessionId(0), Interrupt::default(), Pump::Here);
    let args = ImportArgs {
        target: "memory:".to_owned(),
        file: PathBuf::from("album.csv"),
        into: COLLECTION.to_owned(),
        key: Vec::new(),
        reference: Vec::new(),
        column_type: Vec::new(),
        text: vec!["note".to_owned()],
        format: Some(ImportFormat::Csv),
        display: Default::default(),
    };
    let read = |names| Source::new(Cursor::new(ALBUMS), ImportFormat::Csv, names);
    let summary = import(&args, &client, &read, &mut |_| {})
        .map_err(|stopped| format!("the sample cannot be written: {:?}", stopped.trouble))?;
    if summary.rejected > 0 {
        return Err(format!("{} rows of the sample were rejected", summary.rejected));
    }
    let opened = opened.named("sample");
    Ok(if read_only { opened.read_only() } else { opened })
}
