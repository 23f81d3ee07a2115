//! Graphs of a hundred thousand levels, on a test's small stack.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ankurah_signals::{Signal, WritableSignal, batch, combine, effect, memo};

const DEPTH: usize = 100_000;

fn chain(source: &WritableSignal<u64>, next: impl Fn(&Signal<u64>) -> Signal<u64>) -> Signal<u64> {
    let mut last = source.signal();
    for _ in 0..DEPTH {
        last = next(&last);
    }
    last
}

/// Reads, effects and dropping, for a chain whose end is the source plus `DEPTH * plus(source)`.
fn check(source: &WritableSignal<u64>, last: Signal<u64>, plus: impl Fn(u64) -> u64) {
    let depth = u64::try_from(DEPTH).unwrap();
    let expected = |value: u64| value + depth * plus(value);
    assert_eq!(last.get(), expected(0));
    source.set(5);
    assert_eq!(last.get(), expected(5));
    let runs = Arc::new(AtomicUsize::new(0));
    let subscription = {
        let (last, runs) = (last.clone(), runs.clone());
        effect(move || {
            assert_eq!(runs.fetch_add(1, Ordering::Relaxed) < 2, last.fault().is_none());
            let _ = last.get();
        })
    };
    source.set(7);
    assert_eq!((runs.load(Ordering::Relaxed), subscription.fault()), (2, None));
    assert_eq!(last.get(), expected(7));
    drop((last, subscription));
    assert_eq!(source.subscribers(), 0);
}

#[test]
fn a_chain_of_maps() {
    let source = WritableSignal::new(0);
    let last = chain(&source, |last| last.map(|value| value + 1));
    check(&source, last, |_| 1);
}

#[test]
fn a_chain_of_memos() {
    let source = WritableSignal::new(0);
    let last = chain(&source, |last| {
        let last = last.clone();
        memo(move || last.get() + 1)
    });
    check(&source, last, |_| 1);
}

/// Each level reads the source before the level below it: it knows that it has changed before its source is up
/// to date, and could only compute that on the stack.
#[test]
fn a_chain_whose_levels_all_read_the_source() {
    let source = WritableSignal::new(0);
    let last = chain(&source, |last| combine((&source, last), |(source, last)| source + last));
    check(&source, last, |value| value);
}

/// The levels read each other only after a switch was turned, so no edge tells in advance what to compute
/// first.
#[test]
fn a_chain_that_comes_into_being_at_once() {
    let linked = WritableSignal::new(false);
    let source = WritableSignal::new(0);
    let last = chain(&source, |last| {
        let (linked, last) = (linked.clone(), last.clone());
        memo(move || if linked.get() { last.get() + 1 } else { 0 })
    });
    assert_eq!(last.get(), 0);
    batch(|| {
        linked.set(true);
        source.set(3);
    });
    assert_eq!(last.get(), 3 + u64::try_from(DEPTH).unwrap());
    assert_eq!(last.fault(), None);
    linked.set(false);
    assert_eq!(last.get(), 0);
}

#[test]
fn derived_signals_made_in_a_deep_chain() {
    let linked = WritableSignal::new(false);
    let source = WritableSignal::new(1);
    let last = chain(&source, |last| {
        let (linked, last) = (linked.clone(), last.clone());
        memo(move || {
            let last = last.clone();
            if linked.get() { memo(move || last.get() + 1).get() } else { 0 }
        })
    });
    linked.set(true);
    assert_eq!(last.get(), 1 + u64::try_from(DEPTH).unwrap());
}

#[test]
fn values_that_hold_signals_that_hold_values() {
    struct Link(Option<Signal<Link>>);
    let mut list = WritableSignal::new(Link(None));
    for _ in 0..DEPTH {
        list = WritableSignal::new(Link(Some(list.signal())));
    }
    assert!(list.with(|link| link.0.as_ref().is_some_and(|next| next.with(|next| next.0.is_some()))));
    drop(list);
}

/// At the bottom of a graph a computation goes from one source to the next as their values tell. Each time that it
/// is run again it comes one step further; however deep it lies, no value is taken that is not up to date.
#[test]
fn a_computation_that_finds_its_sources_one_by_one() {
    const STEPS: usize = 50;
    for depth in 0..70 {
        let switch = WritableSignal::new(false);
        let next: Vec<_> = (0..STEPS).map(|step| switch.map(move |on| step + usize::from(*on))).collect();
        let mut last = {
            let switch = switch.clone();
            memo(move || {
                let mut step = 0;
                while switch.get() && step < STEPS && next[step].get() != step {
                    step = next[step].get();
                }
                step
            })
        };
        for _ in 0..depth {
            let (switch, before) = (switch.clone(), last);
            last = memo(move || if switch.get() { before.get() } else { 0 });
        }
        switch.set(true);
        assert_eq!((last.get(), last.fault()), (STEPS, None), "at depth {depth}");
    }
}
