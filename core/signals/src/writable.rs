//! Signals that are written.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::bounds::Value;
use crate::context::{self, Hold};
use crate::node::lock;
use crate::signal::Signal;

/// A signal that can be written. It reads like the [`Signal`] that it is.
///
/// A write is seen by every read that comes after it. What depends on the signal is marked at once and
/// computed when it is read; effects, observers and streams react before the write returns, or when the
/// outermost [`batch`](crate::batch) on this thread ends. Writing never fails and never waits for foreign
/// code on other threads, and nothing that a subscriber does comes back to who writes.
///
/// ```
/// use ankurah_signals::WritableSignal;
///
/// let title = WritableSignal::new(String::from("Blue"));
/// title.update(|title| title.push_str(" Train"));
/// assert_eq!(title.get(), "Blue Train");
/// ```
pub struct WritableSignal<T: Value> {
    signal: Signal<T>,
}

impl<T: Value> WritableSignal<T> {
    /// A signal that holds `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        WritableSignal { signal: Signal::source(Arc::new(value)) }
    }

    /// The signal for those who shall only read it.
    #[must_use]
    pub fn signal(&self) -> Signal<T> {
        self.signal.clone()
    }

    /// Replaces the value. This counts as a change even if the new value equals the old one; see
    /// [`set_if_changed`](Self::set_if_changed).
    pub fn set(&self, value: T) {
        self.set_shared(Arc::new(value));
    }

    /// Like [`set`](Self::set), with a value that is shared already.
    pub fn set_shared(&self, value: Arc<T>) {
        let inner = self.signal.inner();
        let old = {
            let mut slot = lock(&inner.slot);
            slot.writer = context::thread_token();
            inner.replace(&mut slot, value)
        };
        self.changed();
        drop(old);
    }

    /// Replaces the value unless it equals the present one. Returns whether it did.
    pub fn set_if_changed(&self, value: T) -> bool
    where
        T: PartialEq,
    {
        // Compared without a lock: an equal value that another thread replaces meanwhile is not written back.
        let changed = *self.inner_value() != value;
        if changed {
            self.set(value);
        }
        changed
    }

    /// Changes the value in place and returns what `change` does. This counts as a change.
    ///
    /// `change` gets a copy of the value, which then replaces it; other threads read and write meanwhile. If
    /// one of them wrote the signal, `change` is called again with a copy of the newer value, so that
    /// no change is lost. What `change` itself writes to this signal is overwritten by its result. If
    /// it panics, the signal is as before and the panic is the caller's.
    pub fn update<R>(&self, mut change: impl FnMut(&mut T) -> R) -> R
    where
        T: Clone,
    {
        let inner = self.signal.inner();
        let me = context::thread_token();
        loop {
            let (old, seen) = {
                let slot = lock(&inner.slot);
                (Arc::clone(&slot.value), inner.core.version())
            };
            let mut value = T::clone(&old);
            let result = change(&mut value);
            let value = Arc::new(value);
            let replaced = {
                let mut slot = lock(&inner.slot);
                (inner.core.version() == seen || slot.writer == me).then(|| {
                    slot.writer = me;
                    inner.replace(&mut slot, value)
                })
            };
            if replaced.is_some() {
                self.changed();
                return result;
            }
        }
    }

    /// The value, without making the signal a source of what runs.
    fn inner_value(&self) -> Arc<T> {
        Arc::clone(&lock(&self.signal.inner().slot).value)
    }

    /// Marks what depends on it and lets subscribers react.
    fn changed(&self) {
        let _hold = Hold::new();
        self.signal.inner().core.spread();
        context::wrote();
    }
}

impl<T: Value> Deref for WritableSignal<T> {
    type Target = Signal<T>;

    fn deref(&self) -> &Signal<T> {
        &self.signal
    }
}

impl<T: Value> From<WritableSignal<T>> for Signal<T> {
    fn from(writable: WritableSignal<T>) -> Signal<T> {
        writable.signal
    }
}

impl<T: Value> Clone for WritableSignal<T> {
    fn clone(&self) -> Self {
        WritableSignal { signal: self.signal.clone() }
    }
}

impl<T: Value + Default> Default for WritableSignal<T> {
    fn default() -> Self {
        WritableSignal::new(T::default())
    }
}

impl<T: Value + fmt::Debug> fmt::Debug for WritableSignal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.signal.fmt(f)
    }
}
