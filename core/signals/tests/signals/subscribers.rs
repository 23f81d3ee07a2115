//! When effects and subscriptions run, and what becomes of it when they misbehave.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use crate::log::Log;
use ankurah_signals::{
    Fault, MAX_ROUNDS, Signal, Subscription, WritableSignal, batch, combine, effect, memo, memo_by, untracked,
};

/// An effect that logs a signal.
fn log<T: Clone + Send + Sync + 'static>(signal: &Signal<T>) -> (Log<T>, Subscription) {
    let (signal, log) = (signal.clone(), Log::new());
    let to = log.clone();
    (log, effect(move || to.push(signal.get())))
}

fn panicked(message: &str) -> Option<Fault> {
    Some(Fault::Panicked { message: message.into() })
}

#[test]
fn handles_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<WritableSignal<String>>();
    check::<Signal<String>>();
    check::<Subscription>();
    check::<ankurah_signals::Observer>();
    check::<ankurah_signals::SignalStream<String>>();
}

#[test]
fn an_effect_runs_at_once_and_after_each_write() {
    let count = WritableSignal::new(1);
    let (seen, _subscription) = log(&count);
    assert_eq!(seen.take(), [1]);
    count.set(2);
    count.set(2);
    count.update(|count| *count += 1);
    assert_eq!(seen.take(), [2, 2, 3]);
    assert!(!count.set_if_changed(3));
    assert!(count.set_if_changed(4));
    assert_eq!(seen.take(), [4]);
}

#[test]
fn a_derived_signal_that_stays_equal_sets_off_nothing() {
    let count = WritableSignal::new(1);
    let runs = Log::new();
    let to = runs.clone();
    let half = count.map(move |count| {
        to.push(());
        count / 2
    });
    let (seen, _subscription) = log(&half);
    count.set(2);
    count.set(3);
    assert_eq!(seen.take(), [0, 1]);
    assert_eq!(runs.take().len(), 3);
}

#[test]
fn a_diamond_is_seen_whole_and_once() {
    let source = WritableSignal::new(1);
    let (left, right) = (source.map(|value| value + 1), source.map(|value| value * 10));
    let joined = combine((&left, &right, &source), |(left, right, source)| (*left, *right, *source));
    let (seen, _subscription) = log(&joined);
    source.set(2);
    assert_eq!(seen.take(), [(2, 10, 1), (3, 20, 2)]);
}

#[test]
fn a_branch_that_is_not_taken_is_not_computed() {
    let list = WritableSignal::new(vec![1]);
    let empty = list.map(Vec::is_empty);
    let first = list.map(|list| list[0]);
    let shown = memo(move || if empty.get() { None } else { Some(first.get()) });
    let (seen, _subscription) = log(&shown);
    list.set(vec![]);
    assert_eq!(seen.take(), [Some(1), None]);
    assert_eq!(shown.fault(), None, "the first of an empty list was not asked for");
    list.set(vec![7]);
    assert_eq!(seen.take(), [Some(7)]);
}

#[test]
fn batches_nest_and_reads_inside_see_the_writes() {
    let count = WritableSignal::new(0);
    let double = count.map(|count| count * 2);
    let (seen, _subscription) = log(&double);
    let inside = batch(|| {
        count.set(1);
        batch(|| count.set(2));
        assert_eq!(seen.take(), [0], "the inner end is not the end");
        count.set(3);
        double.get()
    });
    assert_eq!(inside, 6);
    assert_eq!(seen.take(), [6]);
    // Back to where it was: nothing has changed for who did not look in between.
    batch(|| {
        count.set(9);
        count.set(3);
    });
    assert_eq!(seen.take(), []);
}

#[test]
fn a_batch_that_panics_still_lets_subscribers_react() {
    let count = WritableSignal::new(0);
    let (seen, _subscription) = log(&count);
    let failing = {
        let count = count.clone();
        effect(move || assert!(count.get() != 1, "one"))
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        batch(|| {
            count.set(1);
            panic!("in the batch");
        })
    }));
    assert_eq!(outcome.unwrap_err().downcast_ref::<&str>(), Some(&"in the batch"));
    assert_eq!(seen.take(), [0, 1]);
    assert_eq!(failing.fault(), panicked("one"));
    count.set(2);
    assert_eq!(seen.take(), [2], "no batch was left open");
    assert_eq!(failing.fault(), None);
}

#[test]
fn effects_run_in_the_order_in_which_they_were_made() {
    let count = WritableSignal::new(0);
    let order = Log::new();
    let subscribe = |name: u32| {
        let (count, order) = (count.clone(), order.clone());
        effect(move || {
            let _ = count.get();
            order.push(name);
        })
    };
    let mut subscriptions: Vec<_> = (0..5).map(subscribe).collect();
    // The freed places in the list of subscribers are taken by later ones.
    drop(subscriptions.drain(1..3));
    subscriptions.extend([subscribe(5), subscribe(6), subscribe(7)]);
    order.take();
    count.set(1);
    assert_eq!(order.take(), [0, 3, 4, 5, 6, 7]);
}

#[test]
fn a_dropped_subscription_is_silent_even_inside_a_batch() {
    let count = WritableSignal::new(0);
    let (seen, subscription) = log(&count);
    batch(|| {
        count.set(1);
        drop(subscription);
    });
    assert_eq!(seen.take(), [0]);
    assert_eq!(count.subscribers(), 0);
}

#[test]
fn an_effect_may_end_itself_and_others_that_wait() {
    let count = WritableSignal::new(0);
    let slot: Arc<Mutex<Vec<Subscription>>> = Arc::default();
    let seen = Log::new();
    for name in 0..3 {
        let (source, all, seen) = (count.clone(), slot.clone(), seen.clone());
        let subscription = effect(move || {
            if source.get() == 1 {
                seen.push(name);
                let ended = std::mem::take(&mut *all.lock().unwrap());
                drop(ended);
            }
        });
        slot.lock().unwrap().push(subscription);
    }
    count.set(1);
    assert_eq!(seen.take(), [0]);
    assert_eq!(count.subscribers(), 0);
}

#[test]
fn subscribe_tells_changes_only_and_tracks_nothing_else() {
    let (count, other) = (WritableSignal::new(0), WritableSignal::new(0));
    let seen = Log::new();
    let (to, beside) = (seen.clone(), other.clone());
    let _subscription = count.subscribe(move |count| to.push((*count, beside.get())));
    other.set(1);
    count.set(5);
    other.set(2);
    assert_eq!(seen.take(), [(5, 1)]);
}

#[test]
fn a_panicking_effect_harms_no_one_and_runs_again() {
    let count = WritableSignal::new(0);
    let (first, _first) = log(&count);
    let failing = {
        let count = count.clone();
        effect(move || assert!(count.get() % 2 == 0, "odd: {}", count.get()))
    };
    let (last, _last) = log(&count);
    count.set(1);
    assert_eq!(failing.fault(), panicked("odd: 1"));
    count.set(2);
    assert_eq!(failing.fault(), None);
    count.set(3);
    assert_eq!(failing.fault(), panicked("odd: 3"));
    assert_eq!((first.take(), last.take()), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
}

#[test]
fn an_effect_that_panics_at_once_is_still_subscribed() {
    let count = WritableSignal::new(0);
    let failing = {
        let count = count.clone();
        effect(move || assert!(count.get() != 0, "zero"))
    };
    assert_eq!(failing.fault(), panicked("zero"));
    count.set(1);
    assert_eq!(failing.fault(), None);
}

#[test]
fn a_panicking_derivation_keeps_its_value_and_tells_what_derives_from_it() {
    let count = WritableSignal::new(8);
    let part = count.map(|count| 100 / count);
    let text = part.map(|part| part.to_string());
    let (seen, subscription) = log(&text);
    count.set(0);
    assert_eq!((text.get(), part.get()), ("12".into(), 12));
    let fault = panicked("attempt to divide by zero");
    assert_eq!(
        (part.fault(), text.fault(), subscription.fault()),
        (fault.clone(), fault.clone(), fault.clone())
    );
    assert_eq!(text.try_read(), Err(fault.unwrap()));
    assert_eq!(count.try_read(), Ok(Arc::new(0)), "what is written is always right");
    count.set(50);
    assert_eq!(seen.take(), ["12", "12", "2"]);
    assert_eq!((text.fault(), subscription.fault()), (None, None));
}

#[test]
fn a_first_derivation_that_panics_is_the_callers() {
    let count = WritableSignal::new(0);
    let outcome = catch_unwind(AssertUnwindSafe(|| count.map(|count| 1 / count)));
    assert!(outcome.is_err());
    assert_eq!(count.subscribers(), 0);
    count.set(1);
    assert_eq!(count.map(|count| 1 / count).get(), 1);
}

#[test]
fn an_equality_that_panics_is_contained() {
    let count = WritableSignal::new(0);
    let source = count.clone();
    let odd = memo_by(
        move || source.get(),
        |_, new| {
            assert!(*new != 1, "not one");
            false
        },
    );
    count.set(1);
    assert_eq!((odd.get(), odd.fault()), (0, panicked("not one")));
    count.set(2);
    assert_eq!((odd.get(), odd.fault()), (2, None));
}

#[test]
fn a_value_may_write_signals_when_it_is_dropped() {
    struct Last(WritableSignal<u32>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.update(|dropped| *dropped += 1);
        }
    }
    let dropped = WritableSignal::new(0);
    let holder = WritableSignal::new(Last(dropped.clone()));
    let (seen, _subscription) = log(&dropped);
    holder.set(Last(dropped));
    drop(holder);
    assert_eq!(seen.take(), [0, 1, 2]);
}

#[test]
fn effects_write_and_what_follows_runs_after_them() {
    let (first, second) = (WritableSignal::new(0), WritableSignal::new(0));
    let order = Log::new();
    let _forward = {
        let (first, second, order) = (first.clone(), second.clone(), order.clone());
        effect(move || {
            second.set(first.get() * 10);
            order.push("forwarded");
        })
    };
    let _show = {
        let (first, second, order) = (first.clone(), second.clone(), order.clone());
        effect(move || {
            let _ = (first.get(), second.get());
            order.push("shown");
        })
    };
    order.take();
    first.set(1);
    assert_eq!(second.get(), 10);
    // Shown once: when its turn came, both were written.
    assert_eq!(order.take(), ["forwarded", "shown"]);
}

#[test]
fn an_effect_that_writes_what_it_reads_settles() {
    let count = WritableSignal::new(0);
    let runs = Log::new();
    let _subscription = {
        let (count, runs) = (count.clone(), runs.clone());
        effect(move || {
            runs.push(count.get());
            if count.get() % 5 != 0 {
                count.update(|count| *count += 1);
            }
        })
    };
    count.set(12);
    assert_eq!(runs.take(), [0, 12, 13, 14, 15]);
    // It also settles if the write comes before the first read.
    let late = WritableSignal::new(3);
    let runs = Log::new();
    let to = runs.clone();
    let _subscription = effect(move || {
        to.push(late.get());
        late.set_if_changed(4);
    });
    assert_eq!(runs.take(), [3, 4]);
}

#[test]
fn an_effect_that_never_settles_is_stopped() {
    let count = WritableSignal::new(0_u32);
    let (seen, _subscription) = log(&count);
    let endless = {
        let count = count.clone();
        effect(move || {
            if count.get() > 0 {
                count.update(|count| *count += 1);
            }
        })
    };
    assert_eq!(endless.fault(), None);
    count.set(1);
    assert_eq!(endless.fault(), Some(Fault::Unsettled));
    let last = count.get();
    assert_eq!(last, MAX_ROUNDS + 1);
    assert_eq!(seen.take().last(), Some(&last), "the others have seen the end of it");
    count.set(1);
    assert_eq!(count.get(), 1, "it is stopped for good");
}

#[test]
fn two_effects_that_set_off_each_other_are_stopped() {
    let (ping, pong) = (WritableSignal::new(0_u32), WritableSignal::new(0_u32));
    let forward = |from: &WritableSignal<u32>, to: &WritableSignal<u32>| {
        let (from, to) = (from.clone(), to.clone());
        effect(move || {
            if from.get() > 0 {
                to.set(from.get() + 1);
            }
        })
    };
    let both = [forward(&ping, &pong), forward(&pong, &ping)];
    ping.set(1);
    let stopped = both.iter().filter(|subscription| subscription.fault() == Some(Fault::Unsettled)).count();
    assert_eq!(stopped, 1);
    ping.set(1);
    pong.set(1);
}

#[test]
fn a_long_chain_of_different_effects_is_no_circle() {
    let signals: Vec<_> = (0..400).map(|_| WritableSignal::new(0)).collect();
    // The last is made first, so that each is reacted to in a turn of its own: four times as many turns as
    // a circle gets.
    let forward = |pair: &[WritableSignal<i32>]| {
        let (from, to) = (pair[0].clone(), pair[1].clone());
        effect(move || to.set(from.get()))
    };
    let subscriptions: Vec<_> = signals.windows(2).rev().map(forward).collect();
    signals[0].set(7);
    assert_eq!(signals[399].get(), 7);
    assert!(subscriptions.iter().all(|subscription| subscription.fault().is_none()));
}

/// Derived signals that can only be made to depend on each other through a place that is filled later.
fn circle() -> (WritableSignal<bool>, Signal<u32>, Signal<u32>, impl Drop) {
    let closed = WritableSignal::new(false);
    let place: Arc<Mutex<Option<Signal<u32>>>> = Arc::default();
    let first = {
        let (closed, place) = (closed.clone(), place.clone());
        memo(move || {
            let other = place.lock().unwrap().clone();
            if closed.get() { other.map_or(0, |other| other.get() + 1) } else { 0 }
        })
    };
    let second = first.map(|first| first + 1);
    *place.lock().unwrap() = Some(second.clone());
    /// Opens the circle of handles, which is not the library's, so that nothing leaks.
    struct Open(Arc<Mutex<Option<Signal<u32>>>>);
    impl Drop for Open {
        fn drop(&mut self) {
            let handle = self.0.lock().unwrap().take();
            drop(handle);
        }
    }
    (closed, first, second, Open(place))
}

#[test]
fn a_circle_is_a_fault_and_no_hang_wherever_one_enters() {
    for enter_at_first in [true, false] {
        let (closed, first, second, _open) = circle();
        assert_eq!((first.get(), second.get()), (0, 1));
        closed.set(true);
        let (one, other) = if enter_at_first { (&first, &second) } else { (&second, &first) };
        assert_eq!(one.fault(), Some(Fault::Cycle));
        assert_eq!(other.fault(), Some(Fault::Cycle));
        closed.set(false);
        assert_eq!((first.get(), second.get()), (0, 1));
        assert_eq!((first.fault(), second.fault()), (None, None));
    }
}

#[test]
fn an_effect_on_a_circle_is_told() {
    let (closed, first, _second, _open) = circle();
    let (_seen, subscription) = log(&first);
    closed.set(true);
    assert_eq!(subscription.fault(), Some(Fault::Cycle));
    closed.set(false);
    assert_eq!(subscription.fault(), None);
}

#[test]
fn a_derivation_that_writes_its_source_does_not_hang() {
    let count = WritableSignal::new(0_u64);
    let grows = {
        let count = count.clone();
        memo(move || {
            let seen = count.get();
            if seen > 0 {
                count.set(seen + 1);
            }
            seen
        })
    };
    let (_seen, subscription) = log(&grows);
    count.set(1);
    assert_eq!(subscription.fault(), Some(Fault::Unsettled));
    let _ = grows.get();
}

#[test]
fn untracked_reads_and_nested_effects_are_not_sources() {
    let (shown, hidden) = (WritableSignal::new(0), WritableSignal::new(0));
    let outer = Log::new();
    let kept: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let _subscription = {
        let (shown, hidden, outer) = (shown.clone(), hidden.clone(), outer.clone());
        effect(move || {
            outer.push(shown.get());
            let _ = untracked(|| hidden.get());
            let inner = hidden.clone();
            *kept.lock().unwrap() = Some(effect(move || assert!(inner.get() < 9)));
        })
    };
    hidden.set(1);
    assert_eq!(outer.take(), [0]);
    shown.set(1);
    assert_eq!(outer.take(), [1]);
}

#[test]
fn a_signal_made_inside_a_computation_still_counts_after_it_is_gone() {
    let count = WritableSignal::new(1);
    let double = {
        let count = count.clone();
        memo(move || count.map(|count| count * 2).get())
    };
    assert_eq!(double.get(), 2);
    count.set(2);
    assert_eq!(double.get(), 4);
}

#[test]
fn an_update_inside_an_update_is_overwritten_and_does_not_hang() {
    let count = WritableSignal::new(1);
    let inner = count.clone();
    count.update(|value| {
        inner.set(100);
        *value += 1;
    });
    assert_eq!(count.get(), 2);
    let outcome = catch_unwind(AssertUnwindSafe(|| count.update(|_| panic!("no"))));
    assert!(outcome.is_err());
    assert_eq!(count.get(), 2);
}

#[test]
fn signals_show_themselves_without_computing() {
    let count = WritableSignal::new(1);
    let double = count.map(|count| count * 2);
    count.set(2);
    assert_eq!(format!("{double:?}"), "Signal { value: 2, version: 1, .. }");
    assert_eq!(double.get(), 4);
    assert_eq!(format!("{double:?}"), "Signal { value: 4, version: 2, .. }");
}

#[test]
fn a_value_that_was_read_stays_as_it_was() {
    let words = WritableSignal::new(vec!["a"]);
    let before = words.read();
    words.update(|words| words.push("b"));
    assert_eq!((&*before, words.get()), (&vec!["a"], vec!["a", "b"]));
    let inside = words.with(|words_before| {
        words.set(vec![]);
        words_before.len()
    });
    assert_eq!((inside, words.with(Vec::len)), (2, 0));
}
