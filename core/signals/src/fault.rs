//! What can go wrong in code that a signal calls, as a value.

use std::any::Any;
use std::sync::Arc;

/// Why a derived signal is not up to date, or why a subscriber's last run failed.
///
/// A fault never reaches who wrote the signal. It stays with the computation that failed and with what
/// derives from it, until a later run succeeds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The computation panicked. A derived signal keeps the value that it had before.
    #[error("a computation panicked: {message}; it runs again when something that it read changes")]
    Panicked {
        /// The panic's message, or a note that it had none.
        message: Arc<str>,
    },
    /// A derived signal was read while it was being computed, by itself or by what it reads. The one that
    /// closed the circle keeps the value that it had before.
    #[error("a derived signal depends on itself; break the circle, or read one of its parts untracked")]
    Cycle,
    /// The effect caused itself to run again, directly or through others, more than [`MAX_ROUNDS`] times
    /// in a row. It was stopped and will not run again.
    #[error(
        "an effect set off itself {MAX_ROUNDS} times in a row and was stopped; make it write only on a change"
    )]
    Unsettled,
}

/// How many times in a row effects may set each other off before the last of them is stopped.
pub const MAX_ROUNDS: u32 = 100;

impl Fault {
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Fault::Panicked { message: text.unwrap_or("without a message").into() }
    }
}
