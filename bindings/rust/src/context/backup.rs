//! Whole stores as bytes, and back.

use std::fmt;
use std::io::{self, Read, Write};

use ankurah_core::dump::{DumpReader, ReadError};
use ankurah_core::node::Restored;
use ankurah_core::node::ingest::IngestError;
use ankurah_core::storage::StorageError;
use futures::StreamExt;

use super::Context;
use crate::open::{OpenError, OpenOptions};
use crate::target::Target;

/// Why a store was not dumped, restored or backed up.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bytes cannot be written.
    #[error("the dump cannot be written: {0}")]
    Write(#[source] io::Error),
    /// The dump ends, is damaged, is none, or cannot be read.
    #[error("{error}; {kept}")]
    Read {
        /// What is wrong, and where.
        error: ReadError,
        /// What became of the part before it.
        kept: Kept,
    },
    /// The store did not take it in.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The store for the backup cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is something where the backup is to be.
    #[error("{0} exists already: a backup is a new store")]
    Exists(Target),
    /// A backup in memory would be gone with the program.
    #[error("a backup needs a place on disk")]
    NoPlace,
}

/// What was restored before the dump could not be read on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(pub Restored);

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what is before it was restored: {} operations new", self.0.new)
    }
}

impl Context {
    /// Writes everything that the store holds at one position of its log, now, in the form that `docs/dump.md`
    /// describes. Others may go on writing meanwhile, so this is the way to back up a store that is in use. Memory does
    /// not grow with the store. Gives the number of bytes.
    ///
    /// ```
    /// # use ankurah::Model;
    /// # #[derive(Model)] struct Album { name: String }
    /// # futures::executor::block_on(async {
    /// # let context = ankurah::open("memory:").await?;
    /// # context.create(&Album { name: "Blue".into() }).await?;
    /// let mut dump = Vec::new();
    /// context.dump_to(&mut dump).await?;
    /// let copy = ankurah::open("memory:").await?;
    /// copy.restore_from(dump.as_slice()).await?;
    /// assert_eq!(copy.count::<Album>("").await?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`BackupError`]; what was written is not a whole dump then.
    pub async fn dump_to(&self, out: &mut dyn Write) -> Result<u64, BackupError> {
        let mut bytes = 0u64;
        let mut pieces = self.node().dump();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            out.write_all(&piece).map_err(BackupError::Write)?;
        }
        out.flush().map_err(BackupError::Write)?;
        Ok(bytes)
    }

    /// Takes in a dump: every operation that the store lacks, with its id as it was. What is here already stays. Each
    /// commit of the dump is taken in as a whole.
    ///
    /// # Errors
    /// [`BackupError`]; of a damaged dump, what is before the first bad record was taken in.
    pub async fn restore_from(&self, dump: impl Read) -> Result<Restored, BackupError> {
        let mut restored = Restored::default();
        let stopped = |error, kept: &Restored| BackupError::Read { error, kept: Kept(kept.clone()) };
        let (mut reader, _) = DumpReader::open(dump).map_err(|error| stopped(error, &restored))?;
        loop {
            match reader.advance() {
                Ok(Some(unit)) => restored.add(self.node().restore(&[unit]).await?),
                Ok(None) => return Ok(restored),
                Err(error) => return Err(stopped(error, &restored)),
            }
        }
    }

    /// Makes a new store with everything that this one holds at one position of its log, now, while others may go on
    /// writing. The backup is a store of its own, with a name and a key of its own, and closed when this returns.
    ///
    /// # Errors
    /// [`BackupError`]; what is there then is not a whole backup.
    pub async fn backup_to(&self, target: &Target) -> Result<Restored, BackupError> {
        let path = target.path().ok_or(BackupError::NoPlace)?;
        if path.exists() {
            return Err(BackupError::Exists(target.clone()));
        }
        let options = OpenOptions::new().durability(ankurah_core::storage::Durability::Buffered);
        let backup = options.open_target(target).await?;
        let mut restored = Restored::default();
        let mut decoder = ankurah_core::dump::Decoder::new();
        let stopped = |error: ankurah_core::dump::DumpError, kept: &Restored| BackupError::Read {
            error: error.into(),
            kept: Kept(kept.clone()),
        };
        let mut pieces = self.node().dump();
        while let Some(piece) = pieces.next().await {
            decoder.feed(&piece?);
            while let Some(unit) = decoder.advance().map_err(|error| stopped(error, &restored))? {
                restored.add(backup.node().restore(&[unit]).await?);
            }
        }
        decoder.finish().map_err(|error| stopped(error, &restored))?;
        backup.close().await?;
        Ok(restored)
    }
}
