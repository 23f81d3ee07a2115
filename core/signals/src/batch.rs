//! Writing several signals as one change, and reading without depending.

use crate::context::{self, Hold};

/// Runs `f`; what its writes set off reacts once, when the outermost batch on this thread ends.
///
/// Inside, reads see what was written, derived signals included; only effects, observers and streams wait.
/// If `f` panics, they react to what was written until then. Other threads see each write at once:
/// a batch is one change for subscribers, not a transaction.
///
/// ```
/// use ankurah_signals::{WritableSignal, batch, combine, effect};
/// use std::sync::{Arc, Mutex};
///
/// let (first, last) = (WritableSignal::new("John"), WritableSignal::new("Adams"));
/// let name = combine((&first, &last), |(first, last)| format!("{first} {last}"));
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let to = seen.clone();
/// let _subscription = effect(move || to.lock().unwrap().push(name.get()));
/// batch(|| {
///     first.set("Alice");
///     last.set("Coltrane");
/// });
/// assert_eq!(*seen.lock().unwrap(), ["John Adams", "Alice Coltrane"]);
/// ```
pub fn batch<R>(f: impl FnOnce() -> R) -> R {
    let _hold = Hold::new();
    f()
}

/// Runs `f`; what it reads does not become a source of the computation that runs.
///
/// ```
/// use ankurah_signals::{WritableSignal, memo, untracked};
///
/// let (text, language) = (WritableSignal::new("tea"), WritableSignal::new("en"));
/// let shown = {
///     let (text, language) = (text.clone(), language.clone());
///     memo(move || format!("{} ({})", text.get(), untracked(|| language.get())))
/// };
/// language.set("de");
/// assert_eq!(shown.get(), "tea (en)");
/// text.set("Tee");
/// assert_eq!(shown.get(), "Tee (de)");
/// ```
pub fn untracked<R>(f: impl FnOnce() -> R) -> R {
    context::untracked(f)
}
