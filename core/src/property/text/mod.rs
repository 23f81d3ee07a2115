//! The `yrs` backend: collaborative text.
//!
//! A text is a yrs document with one root text, [`ROOT`]. An operation holds one yrs update (encoding v1) whose
//! content is all by the operation's actor, which is the yrs client. Every update passes [`prescan`] before yrs
//! sees it. Positions in this interface count Unicode scalar values.

mod backend;
mod cache;
mod document;
#[cfg(test)]
mod tests;
mod update;

pub use cache::{TextCache, TextKey};
pub use document::{Applied, Edit, TextDocument};
pub use update::{Limits, MAX_CLOCK, ROOT, Scan, Span, UnitId, Units, erased, join, prescan, split, without};

use crate::codec::DecodeError;

/// The longest text that an edit may make, in bytes: 16 MiB.
pub const MAX_TEXT: usize = 16 << 20;

/// The most edits of a text in one operation.
pub const MAX_EDITS: usize = 1 << 10;

/// The most text that the edits of one operation insert together, in bytes: 4 MiB.
pub const MAX_INSERT: usize = 4 << 20;

/// Why a text cannot be read or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The update is not one of plain text.
    #[error("invalid text update: {0}")]
    Update(#[from] DecodeError),
    /// The content of an operation's update is by another actor than the operation.
    #[error("the text update holds content of another actor than its operation's")]
    Actor,
    /// An edit reaches beyond the text.
    #[error(
        "an edit of {delete} characters at {position} is outside the text, which has {length} characters"
    )]
    OutOfRange {
        /// Where the edit begins, in Unicode scalar values.
        position: usize,
        /// How many scalar values it deletes.
        delete: usize,
        /// The length of the text.
        length: usize,
    },
    /// Text has no U+0000.
    #[error("text cannot contain the character U+0000")]
    Nul,
    /// The text, or all that the actor ever wrote in it, would be too long.
    #[error("the text would be longer than {MAX_TEXT} bytes, or its actor has written too much in it")]
    TooLong,
    /// More than one operation can hold.
    #[error("one operation can make {MAX_EDITS} edits of a text and insert {MAX_INSERT} bytes")]
    TooMuch,
    /// Updates wait for others, so the document is not whole.
    #[error("{count} updates of the text wait for others that are missing")]
    Waiting {
        /// How many wait.
        count: usize,
    },
    /// yrs refused an update that passed the scan.
    #[error("the text update cannot be applied: {0}")]
    Refused(String),
}

/// Whether a tail is long enough to be folded into the snapshot.
///
/// Folding writes the whole document, so it waits until the tail is as large: each byte of a tail then pays for
/// one byte of the snapshot. Short tails wait in any case; a long one is folded for its many small reads.
pub fn should_fold(tail_operations: u64, tail_bytes: u64, snapshot_bytes: u64) -> bool {
    const FEW: u64 = 16;
    const MANY: u64 = 512;
    const SMALL: u64 = 4096;
    tail_operations >= MANY || (tail_operations >= FEW && tail_bytes >= snapshot_bytes.max(SMALL))
}
