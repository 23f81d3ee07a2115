//! Conversions from and to the signals of Leptos (crate `reactive_graph`).
//!
//! Either side sees the other's signal as one of its own: it is tracked, derived from and observed with the
//! means of that side. Effects of `reactive_graph` that wait for an executor still do; its immediate
//! effects run inside the write, and inside a [`batch`](crate::batch) of ours at its end.

use std::ops::Deref;

use ::reactive_graph::effect::ImmediateEffect;
use ::reactive_graph::signal::ArcTrigger;
use ::reactive_graph::traits::{Get, Notify, Track};
use ::reactive_graph::wrappers::read::ArcSignal;

use crate::bounds::Value;
use crate::derive::memo_by;
use crate::signal::Signal;
use crate::writable::WritableSignal;

/// What a closure of `reactive_graph` keeps, which must cross threads also where there are none.
#[cfg(not(target_arch = "wasm32"))]
fn kept<K: Send + Sync>(kept: K) -> impl Deref<Target = K> + Send + Sync {
    Box::new(kept)
}
/// What a closure of `reactive_graph` keeps, which must cross threads also where there are none.
#[cfg(target_arch = "wasm32")]
fn kept<K>(kept: K) -> impl Deref<Target = K> + Send + Sync {
    send_wrapper::SendWrapper::new(kept)
}

/// A signal of ours as one of Leptos. Its subscription lives as long as the new signal and its clones.
///
/// ```
/// use ankurah_signals::WritableSignal;
/// use reactive_graph::{computed::ArcMemo, prelude::*, wrappers::read::ArcSignal};
///
/// let count = WritableSignal::new(1);
/// let theirs: ArcSignal<i32> = count.signal().into();
/// let double = ArcMemo::new(move |_| theirs.get() * 2);
/// assert_eq!(double.get_untracked(), 2);
/// count.set(4);
/// assert_eq!(double.get_untracked(), 8);
/// ```
impl<T: Value + Clone + Send + Sync> From<Signal<T>> for ArcSignal<T> {
    fn from(signal: Signal<T>) -> Self {
        let trigger = ArcTrigger::new();
        let told = trigger.clone();
        let subscription = signal.subscribe(move |_| told.notify());
        let kept = kept((signal, subscription));
        ArcSignal::derive(move || {
            trigger.track();
            kept.0.get()
        })
    }
}

/// A signal of Leptos as one of ours. It follows at once, by an immediate effect that lives as long as the
/// new signal and its clones.
///
/// ```
/// use ankurah_signals::Signal;
/// use reactive_graph::{prelude::*, signal::ArcRwSignal, wrappers::read::ArcSignal};
///
/// let theirs = ArcRwSignal::new(1);
/// let count = Signal::from(ArcSignal::<i32>::from(theirs.clone()));
/// let double = count.map(|count| count * 2);
/// theirs.set(4);
/// assert_eq!(double.get(), 8);
/// ```
impl<T: Value + Clone + Send + Sync> From<ArcSignal<T>> for Signal<T> {
    fn from(theirs: ArcSignal<T>) -> Self {
        let ours = WritableSignal::new(crate::untracked(|| {
            use ::reactive_graph::traits::GetUntracked;
            theirs.get_untracked()
        }));
        let writer = kept(ours.clone());
        let follow = ImmediateEffect::new_isomorphic(move || writer.set(theirs.get()));
        // The derived signal keeps the effect. Each write counts as a change, as it does over there.
        memo_by(
            move || {
                let _following = &follow;
                ours.get()
            },
            |_, _| false,
        )
    }
}
