//! Property backends: how concurrent changes of one property become one value.
//!
//! A backend is a join semilattice: applying operations and joining replicas commute, so every replica that has
//! seen the same operations has the same value. `lww` and `yrs` text are two; counters, sets and lists can come
//! through the same trait.

mod diff;
mod lww;
#[cfg(test)]
mod tests;
pub mod text;

pub use diff::{Difference, TextPart, text_difference};
pub use lww::Lww;

use crate::codec::DecodeError;
use crate::id::OpId;
use crate::operation::Change;
use crate::value::Value;

/// Why a backend cannot take a change or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The change is of another backend.
    #[error("operation {operation} changes the property as another backend's")]
    Backend {
        /// The operation.
        operation: OpId,
    },
    /// The snapshot cannot be read.
    #[error("invalid snapshot: {0}")]
    Snapshot(#[from] DecodeError),
    /// A text cannot be changed.
    #[error(transparent)]
    Text(#[from] text::TextError),
}

/// One property of one entity, as a backend holds it.
pub trait PropertyBackend: Sized {
    /// A property that was never changed.
    fn empty() -> Self;

    /// Applies an operation's change. An erased change sets a register to null, and does nothing to a text. Applying
    /// twice is applying once.
    ///
    /// # Errors
    /// [`BackendError`] where the change is not of this backend; the property is then unchanged.
    fn apply(&mut self, operation: OpId, change: &Change) -> Result<(), BackendError>;

    /// Joins another replica of the property.
    ///
    /// # Errors
    /// [`BackendError`] where the other replica is not whole.
    fn join(&mut self, other: &Self) -> Result<(), BackendError>;

    /// The property as bytes.
    ///
    /// # Errors
    /// [`BackendError`] where the replica is not whole.
    fn snapshot(&self) -> Result<Vec<u8>, BackendError>;

    /// The property of a snapshot.
    ///
    /// # Errors
    /// [`BackendError`] where the bytes are not a snapshot.
    fn restore(snapshot: &[u8]) -> Result<Self, BackendError>;

    /// The value that queries see; `None` where the property was never changed.
    fn value(&mut self) -> Option<Value>;

    /// How the property differs from an earlier one, for people.
    fn difference(&mut self, earlier: &mut Self) -> Difference;
}
