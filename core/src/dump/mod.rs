//! A whole store as a stream of bytes (`docs/dump.md`): writing it, and reading it as far as it is right.
//!
//! A dump holds what nothing else follows from: the accepted operations in the order of the log and the operations
//! outside the DAG. States, heads, indexes and texts follow from them when they are taken in again.
//!
//! | module | what it holds |
//! |---|---|
//! | `encode` | records, each with a checksum that covers all before it |
//! | `decode` | units (a commit, an operation that was set aside) out of bytes, in pieces of any size |

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use decode::{Decoder, DumpReader, ReadError};
pub use encode::Encoder;

use crate::id::{EntityId, OpId, StoreId};
use crate::storage::{Position, SetAside};
use crate::value::Timestamp;

/// What every dump begins with; a byte with the version follows.
pub const MAGIC: &[u8; 13] = b"ankurah dump\n";

/// The version of the format.
pub const VERSION: u8 = 1;

/// Bytes of operations after which a commit is split into several units: 32 MiB. What restores a dump holds one
/// unit in memory, and a request holds it whole.
pub const MAX_UNIT: usize = 32 << 20;

/// The longest record: the greatest operation with what is told beside it.
pub(crate) const MAX_RECORD: usize = (16 << 20) + (1 << 16);

/// Bytes of a checksum.
pub(crate) const CHECK: usize = 8;

/// Kinds of records.
pub(crate) const HEADER: u8 = 1;
pub(crate) const COMMIT: u8 = 2;
pub(crate) const OPERATION: u8 = 3;
pub(crate) const ASIDE: u8 = 4;
pub(crate) const END: u8 = 5;

/// Where a dump comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The store.
    pub store: StoreId,
    /// The epoch of its positions.
    pub epoch: u64,
    /// The position that the dump shows: everything up to it, and nothing after it.
    pub position: Position,
    /// When it was made.
    pub made: Timestamp,
    /// The engine of the store.
    pub engine: String,
    /// The version of the program that made it.
    pub program: String,
}

/// An operation outside the DAG, as a dump holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpedAside {
    /// The set that it is in.
    pub set: SetAside,
    /// Its name.
    pub id: OpId,
    /// Its entity.
    pub entity: EntityId,
    /// Why it is there, for people.
    pub reason: String,
    /// Its bytes; they may be of a version that is not known here.
    pub bytes: Vec<u8>,
}

/// What is restored as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// The operations of a commit.
    Commit {
        /// Its position in the log of the store that was dumped.
        position: Position,
        /// The operations, encoded, in their order.
        operations: Vec<Vec<u8>>,
    },
    /// An operation outside the DAG.
    Aside(DumpedAside),
}

/// What a dump holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Commits with operations; one that was split counts as often as it has parts.
    pub commits: u64,
    /// Operations in them.
    pub operations: u64,
    /// Operations outside the DAG.
    pub asides: u64,
}

/// Why bytes are not a dump, or not the rest of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// It is something else.
    #[error("this is not a dump: a dump begins with `ankurah dump`")]
    NotADump,
    /// It was written by a newer version. Nothing of it was read.
    #[error("the dump has format {found}, this program reads up to {known}: upgrade the program")]
    Newer {
        /// Its version.
        found: u8,
        /// The greatest that this program reads.
        known: u8,
    },
    /// A record is not what it should be. What is before it is right.
    #[error("record {number} of the dump, at byte {offset}, is damaged: {problem}")]
    Damaged {
        /// The number of the record, from 1.
        number: u64,
        /// Where it begins, in bytes from the start of the dump.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
    /// The bytes end before the dump does. What is before the record is right.
    #[error(
        "the dump is cut short: it ends at byte {end}, within record {number}, which begins at byte {offset}"
    )]
    Cut {
        /// The number of the first record that is not there as a whole, from 1.
        number: u64,
        /// Where it begins, in bytes from the start of the dump.
        offset: u64,
        /// The bytes that there are.
        end: u64,
    },
}
