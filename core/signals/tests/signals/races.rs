//! Interleavings of threads that are forced, not hoped for: computations stop where a test wants them to.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, ScopedJoinHandle};

use ankurah_signals::{Observer, Signal, WritableSignal, memo};

use crate::log::Log;

thread_local! {
    /// Where this thread is to stop, once.
    static STOP: RefCell<Option<(&'static str, Arc<Barrier>)>> = const { RefCell::new(None) };
}

/// A place in a computation where threads can be stopped.
fn place(name: &str) {
    let stop = STOP.with(|stop| stop.borrow_mut().take_if(|(at, _)| *at == name));
    if let Some((_, barrier)) = stop {
        barrier.wait();
        barrier.wait();
    }
}

/// A thread that reads a signal and stands still within.
struct Stopped<'scope> {
    barrier: Arc<Barrier>,
    thread: ScopedJoinHandle<'scope, u64>,
}

impl<'scope> Stopped<'scope> {
    /// Starts a thread that reads, and returns when it has come to the place.
    fn at(name: &'static str, scope: &'scope thread::Scope<'scope, '_>, signal: &Signal<u64>) -> Self {
        let (barrier, signal) = (Arc::new(Barrier::new(2)), signal.clone());
        let stop = (name, barrier.clone());
        let thread = scope.spawn(move || {
            STOP.set(Some(stop));
            signal.get()
        });
        barrier.wait();
        Stopped { barrier, thread }
    }

    /// Lets it go on to its end. Returns what it has read.
    fn go_on(self) -> u64 {
        self.barrier.wait();
        self.thread.join().unwrap()
    }
}

/// The value that a signal holds, computed anew or not.
fn held(signal: &Signal<u64>) -> String {
    let shown = format!("{signal:?}");
    shown.split(',').next().unwrap().to_owned()
}

/// A source, another and one beside, and a signal that is stale: what `sum` makes of the source's value, of the other
/// and of a signal that is zero, derived from the one beside. It has places before and after it reads the source,
/// and in the zero.
fn of_three(
    sum: impl Fn(u64, &WritableSignal<u64>, &Signal<u64>) -> u64 + Send + Sync + 'static,
) -> ([WritableSignal<u64>; 3], Signal<u64>) {
    let [source, other, beside] = [0; 3].map(WritableSignal::new);
    let zero = beside.map(|beside| {
        place("in zero");
        beside / 9
    });
    let node = {
        let (source, other) = (source.clone(), other.clone());
        memo(move || {
            place("before");
            let value = source.get();
            place("after");
            sum(value, &other, &zero)
        })
    };
    source.set(1);
    ([source, other, beside], node)
}

/// Of two runs that overlap, the one that began later may have read earlier. Once another thread has found the
/// value of the first to be up to date, the other must not replace it: not while the signal is up to date, and
/// not after it was marked again.
#[test]
fn a_run_that_began_before_the_signal_was_up_to_date_comes_too_late() {
    for marked_again in [false, true] {
        let (source, other) = (WritableSignal::new(0), WritableSignal::new(0));
        let node = {
            let (source, other) = (source.clone(), other.clone());
            memo(move || {
                place("before");
                let value = source.get() + other.get();
                place("after");
                value
            })
        };
        source.set(1);
        thread::scope(|scope| {
            let first = Stopped::at("before", scope, &node);
            let second = Stopped::at("after", scope, &node);
            source.set(2);
            assert_eq!(first.go_on(), 2);
            assert_eq!(node.get(), 2);
            if marked_again {
                other.set(0);
            }
            second.go_on();
            assert_eq!(held(&node), "Signal { value: 2");
            assert_eq!(node.get(), 2);
        });
        assert_eq!((source.subscribers(), other.subscribers()), (1, 1));
    }
}

/// The same, where the thread that found it so was disturbed by a write, so that the signal stayed stale.
#[test]
fn a_run_that_began_before_another_thread_looked_comes_too_late() {
    let ([source, other, beside], node) = of_three(|value, other, zero| value + other.get() + zero.get());
    thread::scope(|scope| {
        let first = Stopped::at("before", scope, &node);
        let second = Stopped::at("after", scope, &node);
        source.set(2);
        assert_eq!(first.go_on(), 2);
        beside.set(1);
        // It has looked at the other source already, and then that is written.
        let third = Stopped::at("in zero", scope, &node);
        other.set(0);
        assert_eq!(third.go_on(), 2);
        second.go_on();
        assert_eq!(held(&node), "Signal { value: 2");
        assert_eq!(node.get(), 2);
    });
}

/// While one thread looks at the sources that a signal read in one run, another run, which has read an older
/// value and therefore other sources, takes its place. What was looked at then says nothing about the value.
#[test]
fn sources_that_are_replaced_while_they_are_looked_at_are_looked_at_again() {
    let sum = |value, other: &WritableSignal<u64>, zero: &Signal<u64>| {
        value + if value == 1 { other.get() } else { zero.get() }
    };
    let ([source, _other, beside], node) = of_three(sum);
    thread::scope(|scope| {
        let first = Stopped::at("before", scope, &node);
        let second = Stopped::at("after", scope, &node);
        source.set(2);
        assert_eq!(first.go_on(), 2);
        beside.set(1);
        let third = Stopped::at("in zero", scope, &node);
        second.go_on();
        assert_eq!(third.go_on(), 2, "a write that had returned was not seen");
        assert_eq!(node.get(), 2);
    });
    assert_eq!(source.subscribers(), 1);
}

/// The observer turns out to be up to date with what it observed before, while it is tracking something else that
/// changes.
#[test]
fn an_observer_that_settles_while_it_tracks_is_still_called() {
    let (before, now) = (WritableSignal::new(0), WritableSignal::new(0));
    let half = before.map(|before| before / 2);
    let calls = Log::new();
    let observer = Observer::new({
        let calls = calls.clone();
        move || calls.push(())
    });
    observer.track(|| half.get());
    observer.track(|| {
        let _ = now.get();
        thread::scope(|scope| {
            scope.spawn(|| {
                now.set(1);
                before.set(1);
            });
        });
    });
    assert_eq!(calls.take().len(), 1, "what was read has changed");
    observer.track(|| now.get());
    now.set(2);
    assert_eq!(calls.take().len(), 1);
}

/// The lowest of many signals is never at rest: whenever it is computed, its source is written, by the same thread
/// or by another. All of them are stale ever after, and a read still computes each of them once.
#[test]
fn a_read_computes_each_signal_once_however_much_is_written_meanwhile() {
    const LEVELS: u32 = 12;
    for by_another in [false, true] {
        let source = WritableSignal::new(0_u64);
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let writer = source.clone();
        let mut last = memo(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let value = writer.get();
            let write = || writer.set(value + 1);
            match (value, by_another) {
                (0, _) => {}
                (_, false) => write(),
                (_, true) => thread::scope(|scope| scope.spawn(write).join().unwrap()),
            }
            value
        });
        for _ in 0..LEVELS {
            let counted = runs.clone();
            last = last.map(move |value| {
                counted.fetch_add(1, Ordering::Relaxed);
                value + 1
            });
        }
        source.set(1);
        for read in 0..3 {
            runs.store(0, Ordering::Relaxed);
            assert_eq!(last.get(), 1 + read + u64::from(LEVELS));
            assert_eq!(runs.load(Ordering::Relaxed), 1 + LEVELS);
        }
    }
}

/// A computation may have signals of its own: what it writes it reads.
#[test]
fn a_computation_reads_what_it_wrote() {
    let source = WritableSignal::new(1);
    let node = {
        let source = source.clone();
        memo(move || {
            let own = WritableSignal::new(0);
            let double = own.map(|own| own * 2);
            let quadruple = double.map(|double| double * 2);
            assert_eq!(quadruple.get(), 0);
            own.set(source.get());
            let first = quadruple.get();
            own.update(|own| *own += 1);
            (first, quadruple.get(), double.get())
        })
    };
    assert_eq!(node.get(), (4, 8, 4));
    source.set(5);
    assert_eq!((node.get(), node.fault()), ((20, 24, 12), None));
}
