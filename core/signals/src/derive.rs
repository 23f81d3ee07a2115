//! Signals that are derived from whatever they read, or from several given ones.

use std::sync::Arc;

use crate::bounds::{MaybeSend, MaybeSync, Value};
use crate::signal::Signal;
use crate::writable::WritableSignal;

/// A signal of what `f` computes from the signals that it reads, whichever these are each time.
///
/// `f` runs once right away, and later when the signal is read after one of those has changed. A result that
/// equals the one before is no change. `f` must depend on nothing else than the signals, may run
/// on any thread and on several at once. A panic of the first run is the caller's; later ones become a
/// [`Fault`](crate::Fault), and the value from before stays.
///
/// ```
/// use ankurah_signals::{WritableSignal, memo};
///
/// let (metric, celsius) = (WritableSignal::new(true), WritableSignal::new(20));
/// let shown = {
///     let (metric, celsius) = (metric.clone(), celsius.clone());
///     memo(move || if metric.get() { celsius.get() } else { celsius.get() * 9 / 5 + 32 })
/// };
/// assert_eq!(shown.get(), 20);
/// metric.set(false);
/// assert_eq!(shown.get(), 68);
/// ```
#[must_use]
pub fn memo<T>(f: impl Fn() -> T + MaybeSend + MaybeSync + 'static) -> Signal<T>
where
    T: Value + PartialEq,
{
    Signal::derived(f, T::eq)
}

/// Like [`memo`], for values that have an equality of their own or none: a result that is the `same` as the
/// one before is no change.
///
/// ```
/// use ankurah_signals::{WritableSignal, memo_by};
///
/// let word = WritableSignal::new("tea");
/// let source = word.clone();
/// let loose = memo_by(move || source.get(), |old, new| old.eq_ignore_ascii_case(new));
/// let before = loose.version();
/// word.set("TEA");
/// assert_eq!(loose.version(), before);
/// ```
#[must_use]
pub fn memo_by<T: Value>(
    f: impl Fn() -> T + MaybeSend + MaybeSync + 'static,
    same: impl Fn(&T, &T) -> bool + MaybeSend + MaybeSync + 'static,
) -> Signal<T> {
    Signal::derived(f, same)
}

/// A signal of what `f` makes of the values of several signals, given as a tuple of two to eight.
///
/// ```
/// use ankurah_signals::{WritableSignal, combine};
///
/// let (price, count) = (WritableSignal::new(3), WritableSignal::new(5));
/// let total = combine((&price, &count), |(price, count)| price * count);
/// assert_eq!(total.get(), 15);
/// ```
#[must_use]
pub fn combine<S, T>(
    sources: S,
    f: impl Fn(<S::Signals as Signals>::Values<'_>) -> T + MaybeSend + MaybeSync + 'static,
) -> Signal<T>
where
    S: Sources,
    T: Value + PartialEq,
{
    let signals = sources.signals();
    Signal::derived(move || signals.read(&f), T::eq)
}

/// Whatever can be read as a signal.
pub trait AsSignal {
    /// What the signal holds.
    type Value: Value;

    /// A handle of the signal.
    fn as_signal(&self) -> Signal<Self::Value>;
}

impl<T: Value> AsSignal for Signal<T> {
    type Value = T;

    fn as_signal(&self) -> Signal<T> {
        self.clone()
    }
}

impl<T: Value> AsSignal for WritableSignal<T> {
    type Value = T;

    fn as_signal(&self) -> Signal<T> {
        self.signal()
    }
}

impl<S: AsSignal + ?Sized> AsSignal for &S {
    type Value = S::Value;

    fn as_signal(&self) -> Signal<S::Value> {
        S::as_signal(self)
    }
}

/// A tuple of signals or of references to signals, as [`combine`] takes it.
pub trait Sources {
    /// The same as a tuple of [`Signal`]s.
    type Signals: Signals;

    /// Handles of the signals.
    fn signals(self) -> Self::Signals;
}

/// A tuple of [`Signal`]s.
pub trait Signals: MaybeSend + MaybeSync + 'static {
    /// A tuple of references to their values.
    type Values<'a>;

    /// Reads all of them and calls `f` with their values.
    fn read<R>(&self, f: impl FnOnce(Self::Values<'_>) -> R) -> R;
}

macro_rules! tuples {
    ($($name:ident: $value:ident),+) => {
        impl<$($value: AsSignal),+> Sources for ($($value,)+) {
            type Signals = ($(Signal<$value::Value>,)+);

            fn signals(self) -> Self::Signals {
                let ($($name,)+) = self;
                ($($name.as_signal(),)+)
            }
        }

        impl<$($value: Value),+> Signals for ($(Signal<$value>,)+) {
            type Values<'a> = ($(&'a $value,)+);

            fn read<R>(&self, f: impl FnOnce(Self::Values<'_>) -> R) -> R {
                let ($($name,)+) = self;
                let ($($name,)+): ($(Arc<$value>,)+) = ($($name.read(),)+);
                f(($(&*$name,)+))
            }
        }
    };
}

tuples!(a: A, b: B);
tuples!(a: A, b: B, c: C);
tuples!(a: A, b: B, c: C, d: D);
tuples!(a: A, b: B, c: C, d: D, e: E);
tuples!(a: A, b: B, c: C, d: D, e: E, f1: F);
tuples!(a: A, b: B, c: C, d: D, e: E, f1: F, g: G);
tuples!(a: A, b: B, c: C, d: D, e: E, f1: F, g: G, h: H);
