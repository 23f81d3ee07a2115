use std::path::PathBuf;

use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah dump`
#[derive(Debug, Args)]
#[command(
    after_help = DUMP_EXAMPLES,
    after_long_help = format!("{DUMP_EXAMPLES}\n\n{TARGETS}")
)]
pub struct DumpArgs {
    /// The store
    pub target: String,
    /// The file; it is replaced when the dump is complete [default: standard output]
    pub file: Option<PathBuf>,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

const DUMP_EXAMPLES: &str = "\
Examples:
  ankurah dump music music.dump
  ankurah dump music | gzip > music.dump.gz
  ankurah dump sled:old | ankurah restore fjall:new";

/// What the long help of `dump` begins with.
pub(super) const DUMP: &str = "Write a whole store to a file: every operation, in the order of the log.\n\n\
        The dump shows the store at one position, whatever is committed meanwhile, so it is the way to back up a store \
        that is in use. It holds the history of everything and the operations that are parked or refused; states and \
        indexes are made again when it is restored, with any engine. Every record has a checksum. Memory does not \
        grow with the store. The store's secret key is not in it.";

/// `ankurah restore`
#[derive(Debug, Args)]
#[command(
    after_help = RESTORE_EXAMPLES,
    after_long_help = format!("{RESTORE_EXAMPLES}\n\n{TARGETS}")
)]
pub struct RestoreArgs {
    /// The store; it is made where it does not exist
    pub target: String,
    /// The dump [default: standard input]
    pub file: Option<PathBuf>,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  ankurah restore music music.dump
  gunzip < music.dump.gz | ankurah restore sled:music";

/// What the long help of `restore` begins with.
pub(super) const RESTORE: &str = "Take in a dump, with every id as it was.\n\n\
        A store that holds something already keeps it: operations that it lacks are added, others are known. Each \
        commit of the dump is restored as a whole. Where the dump is cut or damaged, what is before the first bad \
        record is restored, the record is named, and the exit code is 4. The store writes under its own name from \
        then on, and takes over none of the actors of the one that was dumped.";

/// `ankurah backup`
#[derive(Debug, Args)]
#[command(
    after_help = BACKUP_EXAMPLES,
    after_long_help = format!("{BACKUP_EXAMPLES}\n\n{TARGETS}")
)]
pub struct BackupArgs {
    /// The store
    pub target: String,
    /// The folder of the new store; there must be nothing
    pub path: PathBuf,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

const BACKUP_EXAMPLES: &str = "\
Examples:
  ankurah backup music music-2026-11-22";

/// What the long help of `backup` begins with.
pub(super) const BACKUP: &str = "Make a new store of the same engine with everything that a store holds at one position.\n\n\
        It is `dump` and `restore` in one: others may go on writing, and the backup is checked and indexed when it \
        is done. It is a store of its own, with a name and a key of its own.";
