//! Many threads on one graph. Nothing sleeps: threads meet at barriers and at joins.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use ankurah_signals::{Observer, Signal, WritableSignal, batch, combine, effect, memo};
use futures::StreamExt;
use futures::executor::block_on;

const THREADS: u64 = 4;
const WRITES: u64 = 2_000;

/// Runs `work` on several threads that start together.
fn together(work: impl Fn(u64) + Send + Sync) {
    let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(number);
            });
        }
    });
}

/// Layers of signals over the sources, each the sum of all of them in the end.
fn layers(sources: &[WritableSignal<u64>]) -> Vec<Signal<u64>> {
    let owned = sources.to_vec();
    let mut nodes = vec![memo(move || owned.iter().map(|source| source.get()).sum::<u64>())];
    for layer in 1..6 {
        let (last, first) = (nodes[layer - 1].clone(), nodes[0].clone());
        nodes.push(combine((&last, &first), |(last, first)| (*last).max(*first)));
    }
    nodes
}

#[test]
fn no_update_is_lost() {
    let count = WritableSignal::new(0);
    together(|_| (0..WRITES).for_each(|_| count.update(|count| *count += 1)));
    assert_eq!(count.get(), THREADS * WRITES);
}

#[test]
fn a_thread_reads_what_it_wrote_through_any_depth() {
    let sources: Vec<_> = (0..THREADS).map(|_| WritableSignal::new(0)).collect();
    let nodes = layers(&sources);
    together(|number| {
        let mine = &sources[usize::try_from(number).unwrap()];
        for value in 1..=WRITES {
            mine.set(value);
            for node in &nodes {
                assert!(node.get() >= value, "a write of this thread was not seen");
            }
        }
    });
    for node in &nodes {
        assert_eq!(node.get(), THREADS * WRITES);
        assert_eq!(node.fault(), None);
    }
}

#[test]
fn effects_never_overlap_and_see_the_end() {
    let sources: Vec<_> = (0..THREADS).map(|_| WritableSignal::new(0)).collect();
    let last = layers(&sources).pop().unwrap();
    let (running, seen) = (AtomicBool::new(false), Arc::new(AtomicU64::new(0)));
    let subscription = {
        let seen = seen.clone();
        effect(move || {
            assert!(!running.swap(true, Ordering::SeqCst), "two threads in one effect");
            seen.store(last.get(), Ordering::SeqCst);
            running.store(false, Ordering::SeqCst);
        })
    };
    together(|number| {
        let mine = &sources[usize::try_from(number).unwrap()];
        (1..=WRITES).for_each(|value| mine.set(value));
    });
    assert_eq!((seen.load(Ordering::SeqCst), subscription.fault()), (THREADS * WRITES, None));
}

#[test]
fn dependencies_that_change_all_the_time() {
    let switch = WritableSignal::new(0_u64);
    let sources: Vec<_> = (0..THREADS).map(|_| WritableSignal::new(0)).collect();
    let chosen = {
        let (switch, sources) = (switch.clone(), sources.clone());
        memo(move || {
            let chosen = usize::try_from(switch.get() % THREADS).unwrap();
            (chosen, sources[chosen].get())
        })
    };
    let seen = Arc::new(Mutex::new((0, 0)));
    let subscription = {
        let (chosen, seen) = (chosen.clone(), seen.clone());
        effect(move || *seen.lock().unwrap() = chosen.get())
    };
    together(|number| {
        for value in 1..=WRITES {
            if value % 3 == 0 {
                switch.update(|switch| *switch += 1);
            }
            sources[usize::try_from(number).unwrap()].set(value);
            let _ = chosen.get();
        }
    });
    let last = usize::try_from(switch.get() % THREADS).unwrap();
    assert_eq!(chosen.get(), (last, WRITES));
    assert_eq!((*seen.lock().unwrap(), subscription.fault()), ((last, WRITES), None));
    drop((subscription, chosen));
    assert!(sources.iter().all(|source| source.subscribers() == 0) && switch.subscribers() == 0);
}

#[test]
fn subscribing_and_ending_while_others_write() {
    let source = WritableSignal::new(0);
    let total = source.map(|value| value + 1);
    together(|number| {
        for value in 0..WRITES / 4 {
            if number == 0 {
                source.set(value);
            } else {
                let derived = total.map(|total| total * 2);
                let read = derived.clone();
                let subscription = effect(move || assert!(read.get() >= 2));
                let observer = Observer::new(|| ());
                observer.track(|| derived.get());
                assert_eq!(subscription.fault(), None);
            }
        }
    });
    assert_eq!((total.subscribers(), source.subscribers()), (0, 1));
}

#[test]
fn a_stream_on_another_thread_ends_with_the_last_value() {
    let source = WritableSignal::new(0);
    let double = source.map(|value| value * 2);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut stream = double.stream();
            let mut last = 0;
            while let Some(value) = block_on(stream.next()) {
                assert!(value >= last, "values came in a wrong order");
                last = value;
                if last == WRITES * 2 {
                    break;
                }
            }
        });
        (1..=WRITES).for_each(|value| source.set(value));
        reader.join().unwrap();
    });
}

#[test]
fn batches_of_threads_do_not_wait_for_each_other() {
    let source = WritableSignal::new(0_u64);
    let runs = Arc::new(AtomicU64::new(0));
    let _subscription = {
        let (source, runs) = (source.clone(), runs.clone());
        effect(move || {
            let _ = source.get();
            runs.fetch_add(1, Ordering::SeqCst);
        })
    };
    // A second thread opens, fills and ends its batch while the first one's is open.
    batch(|| {
        thread::scope(|scope| {
            scope.spawn(|| batch(|| source.set(1)));
        });
        assert_eq!(runs.load(Ordering::SeqCst), 2, "the batch of the other thread has ended");
        source.set(2);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    });
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}
