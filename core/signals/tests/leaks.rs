//! Memory: what is dropped is gone, and reading allocates nothing where nobody tracks.

use std::sync::{Arc, Mutex};

use ankurah_counting::{Counting, allocations, leaves_at_most};
use ankurah_signals::{
    Observer, Signal, Subscription, WritableSignal, batch, combine, effect, memo, untracked,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_million_signals_and_subscriptions_made_and_dropped() {
    let work = |times: usize| {
        let source = WritableSignal::new(String::from("a value with memory of its own"));
        let mut kept: Vec<Subscription> = Vec::new();
        for number in 0..times {
            let derived = source.map(String::len);
            let read = derived.clone();
            kept.push(effect(move || assert!(read.get() < 1 << 30)));
            // Up to a thousand live at a time, dropped in changing order.
            if kept.len() == 1000 {
                source.set(number.to_string());
                if number % 2 == 0 { kept.clear() } else { kept.drain(..).rev().for_each(drop) }
            }
        }
        drop(kept);
        assert_eq!(source.subscribers(), 0);
    };
    leaves_at_most(0, 1_000_000, work);
}

#[test]
fn a_hundred_thousand_at_once_in_any_shape() {
    let work = |times: usize| {
        let source = WritableSignal::new(vec![0_u8; 100]);
        let wide: Vec<_> = (0..times).map(|_| source.map(Vec::len)).collect();
        let mut deep = source.map(Vec::len);
        for _ in 0..times {
            deep = deep.map(|value| value + 1);
        }
        let all = {
            let wide = wide.clone();
            memo(move || wide.iter().map(|one| one.get()).sum::<usize>())
        };
        let both = combine((&all, &deep), |(all, deep)| all + deep);
        let read = both.clone();
        let subscription = effect(move || assert!(read.get() < 1 << 30));
        batch(|| source.update(|bytes| bytes.push(1)));
        assert_eq!(both.get(), 101 * times + 101 + times);
        drop((wide, deep, all, both));
        source.set(Vec::new());
        drop(subscription);
        assert_eq!(source.subscribers(), 0);
    };
    leaves_at_most(0, 100_000, work);
}

#[test]
fn observers_streams_and_what_fails() {
    let work = |times: usize| {
        let source = WritableSignal::new(1_u32);
        for _ in 0..times {
            let observer = Observer::new(|| ());
            observer.track(|| source.get());
            let stream = source.stream();
            let part = source.map(|value| 100 / value);
            let read = part.clone();
            let subscription = effect(move || assert!(read.get() < 1 << 30));
            source.set(2);
            observer.track(|| part.get());
            drop((stream, part, subscription));
            source.set(1);
        }
    };
    leaves_at_most(0, 10_000, work);
}

#[test]
fn who_subscribes_and_leaves_does_not_grow_a_signal_that_stays() {
    let source = WritableSignal::new(0);
    leaves_at_most(0, 100_000, |times| {
        let subscriptions: Vec<_> = (0..times).map(|_| source.subscribe(|_| ())).collect();
        source.set(1);
        drop(subscriptions);
    });
}

#[test]
fn a_circle_of_derived_signals_is_not_kept() {
    let work = |times: usize| {
        for _ in 0..times {
            let closed = WritableSignal::new(false);
            let place: Arc<Mutex<Option<Signal<u32>>>> = Arc::default();
            let first = {
                let (closed, place) = (closed.clone(), Arc::downgrade(&place));
                memo(move || {
                    let other = place.upgrade().and_then(|place| place.lock().unwrap().clone());
                    if closed.get() { other.map_or(0, |other| other.get() + 1) } else { 0 }
                })
            };
            let second = first.map(|first| first + 1);
            *place.lock().unwrap() = Some(second.clone());
            closed.set(true);
            assert!(second.fault().is_some());
        }
    };
    leaves_at_most(0, 1_000, work);
}

#[test]
fn reading_allocates_nothing_where_nobody_tracks() {
    let source = WritableSignal::new(1_u64);
    let derived = source.map(|value| value + 1);
    let read = || derived.get() + source.get() + source.with(|value| *value) + *derived.read();
    let sum = read() + untracked(read);
    let before = allocations();
    let again = read() + untracked(read);
    assert_eq!(allocations() - before, 0);
    assert_eq!(sum, again);
    // An equal value and a write that no one waits for need memory for the value alone.
    let before = allocations();
    assert!(!source.set_if_changed(1));
    assert_eq!(allocations() - before, 0);
}
