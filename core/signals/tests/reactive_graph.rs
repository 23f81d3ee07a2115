//! Signals that cross from Leptos' graph to ours and back.

use std::sync::{Arc, Mutex};

use ankurah_signals::{Signal, WritableSignal, batch, effect};
use reactive_graph::computed::ArcMemo;
use reactive_graph::effect::ImmediateEffect;
use reactive_graph::owner::Owner;
use reactive_graph::prelude::*;
use reactive_graph::signal::ArcRwSignal;
use reactive_graph::wrappers::read::ArcSignal;

/// What an effect saw.
type Log<T> = Arc<Mutex<Vec<T>>>;

/// A log, for the test and for its effect.
fn log<T>() -> (Log<T>, Log<T>) {
    let log = Log::default();
    (log.clone(), log)
}

#[test]
fn an_effect_of_leptos_follows_a_signal_of_ours() {
    let owner = Owner::new();
    owner.set();
    let count = WritableSignal::new(1);
    let theirs: ArcSignal<i32> = count.map(|count| count / 2).into();
    let (seen, to) = log();
    let drawn = ImmediateEffect::new_isomorphic(move || to.lock().unwrap().push(theirs.get()));
    count.set(2);
    count.set(3);
    batch(|| {
        count.set(8);
        count.set(10);
    });
    assert_eq!(*seen.lock().unwrap(), [0, 1, 5]);
    drop(drawn);
    assert_eq!(count.subscribers(), 0, "the subscription went with the last of theirs");
}

#[test]
fn an_effect_of_ours_follows_a_signal_of_leptos() {
    let owner = Owner::new();
    owner.set();
    let theirs = ArcRwSignal::new(1);
    let double = ArcMemo::new({
        let theirs = theirs.clone();
        move |_| theirs.get() * 2
    });
    let ours = Signal::from(ArcSignal::<i32>::from(double));
    let (seen, to) = log();
    let subscription = effect(move || to.lock().unwrap().push(ours.get()));
    theirs.set(4);
    drop(subscription);
    theirs.set(5);
    assert_eq!(*seen.lock().unwrap(), [2, 8]);
}

#[test]
fn there_and_back_again() {
    let owner = Owner::new();
    owner.set();
    let count = WritableSignal::new(1);
    let theirs: ArcSignal<i32> = count.signal().into();
    let back = Signal::from(theirs);
    count.set(7);
    assert_eq!((back.get(), back.fault()), (7, None));
}
