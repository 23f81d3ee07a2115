//! Observers and streams.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::log::Log;
use ankurah_signals::{Observer, SignalStream, WritableSignal, batch, memo};
use futures::Stream;

fn observer() -> (Observer, Log<()>) {
    let calls = Log::new();
    let to = calls.clone();
    (Observer::new(move || to.push(())), calls)
}

#[test]
fn an_observer_calls_once_until_it_tracks_again() {
    let count = WritableSignal::new(0);
    let (observer, calls) = observer();
    count.set(1);
    assert_eq!(observer.track(|| count.get()), 1);
    assert_eq!((calls.take().len(), observer.version()), (0, 0));
    for value in 2..5 {
        count.set(value);
    }
    assert_eq!((calls.take().len(), observer.version()), (1, 1));
    assert_eq!(observer.track(|| count.get()), 4);
    batch(|| {
        count.set(5);
        count.set(6);
        assert_eq!(calls.take().len(), 0);
    });
    assert_eq!((calls.take().len(), observer.version()), (1, 2));
}

#[test]
fn an_observer_hears_of_real_changes_only_and_of_its_last_tracking_only() {
    let (count, other) = (WritableSignal::new(0), WritableSignal::new(0));
    let half = count.map(|count| count / 2);
    let (observer, calls) = observer();
    observer.track(|| other.get());
    observer.track(|| half.get());
    other.set(1);
    count.set(1);
    assert_eq!(calls.take().len(), 0);
    count.set(2);
    assert_eq!(calls.take().len(), 1);
    observer.track(|| half.get());
    observer.clear();
    count.set(4);
    assert_eq!(calls.take().len(), 0);
    observer.track(|| half.get());
    count.set(6);
    assert_eq!(calls.take().len(), 1);
    observer.track(|| half.get());
    let clone = observer.clone();
    batch(|| {
        count.set(8);
        drop((observer, clone));
    });
    assert_eq!((calls.take().len(), half.subscribers()), (0, 0));
}

#[test]
fn a_write_while_tracking_is_not_lost() {
    let count = WritableSignal::new(0);
    let (observer, calls) = observer();
    observer.track(|| {
        let _ = count.get();
        count.set(1);
    });
    assert_eq!(calls.take().len(), 1);
}

#[test]
fn tracking_that_panics_is_the_callers_and_still_observes() {
    let count = WritableSignal::new(0);
    let (observer, calls) = observer();
    let outcome = catch_unwind(AssertUnwindSafe(|| observer.track(|| assert!(count.get() > 0))));
    assert!(outcome.is_err());
    count.set(1);
    assert_eq!(calls.take().len(), 1);
}

#[test]
fn a_callback_that_panics_reaches_no_one() {
    let count = WritableSignal::new(0);
    let failing = Observer::new(|| panic!("in the callback"));
    let (working, calls) = observer();
    failing.track(|| count.get());
    working.track(|| count.get());
    count.set(1);
    assert_eq!((failing.version(), calls.take().len()), (1, 1));
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task's end of a waker.
struct Task {
    woken: Arc<Woken>,
    waker: Waker,
}

impl Task {
    fn new() -> Self {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        Task { woken, waker }
    }

    fn poll<T: Clone + Send + Sync + 'static>(&self, stream: &mut SignalStream<T>) -> Poll<Option<T>> {
        pin!(stream).poll_next(&mut Context::from_waker(&self.waker))
    }

    fn woken(&self) -> u32 {
        self.woken.0.swap(0, Ordering::Relaxed)
    }
}

#[test]
fn a_stream_gives_the_latest_value_and_sleeps_between() {
    let count = WritableSignal::new(0);
    let (task, mut stream) = (Task::new(), count.stream());
    assert_eq!(task.poll(&mut stream), Poll::Ready(Some(0)));
    assert_eq!(task.poll(&mut stream), Poll::Pending);
    for value in 1..1000 {
        count.set(value);
    }
    assert_eq!(task.woken(), 1, "a sleeper is woken once, however much happens");
    assert_eq!(task.poll(&mut stream), Poll::Ready(Some(999)));
    assert_eq!(task.poll(&mut stream), Poll::Pending);
    batch(|| {
        count.set(5);
        assert_eq!(task.woken(), 0);
    });
    assert_eq!(task.woken(), 1);
    assert_eq!(task.poll(&mut stream), Poll::Ready(Some(5)));
}

#[test]
fn a_stream_of_a_derived_signal_skips_what_stays_equal() {
    let count = WritableSignal::new(0);
    let runs = Log::new();
    let to = runs.clone();
    let half = count.map(move |count| {
        to.push(());
        count / 2
    });
    let (task, mut stream) = (Task::new(), half.stream());
    assert_eq!(task.poll(&mut stream), Poll::Ready(Some(0)));
    assert_eq!(task.poll(&mut stream), Poll::Pending);
    runs.take();
    count.set(1);
    assert_eq!((task.woken(), runs.take().len()), (1, 0), "who polls computes, not who writes");
    assert_eq!(task.poll(&mut stream), Poll::Pending);
    count.set(2);
    assert_eq!(task.woken(), 1);
    assert_eq!(task.poll(&mut stream), Poll::Ready(Some(1)));
    drop(stream);
    assert_eq!(half.subscribers(), 0);
}

#[test]
fn a_stream_that_is_never_polled_holds_nothing_back() {
    let count = WritableSignal::new(0);
    let mut stream = count.stream();
    for value in 0..1000 {
        count.set(value);
    }
    assert_eq!(Task::new().poll(&mut stream), Poll::Ready(Some(999)));
}

#[test]
fn reads_between_awaits_belong_to_their_own_future() {
    let (mine, theirs, late) = (WritableSignal::new(0), WritableSignal::new(0), WritableSignal::new(0));
    let (observer, calls) = observer();
    let (sender, receiver) = futures::channel::oneshot::channel::<()>();
    let future = {
        let (mine, late) = (mine.clone(), late.clone());
        async move {
            let _ = mine.get();
            receiver.await.unwrap();
            late.get()
        }
    };
    let mut tracked = pin!(observer.track_future(future));
    let task = Task::new();
    let mut context = Context::from_waker(&task.waker);
    assert_eq!(tracked.as_mut().poll(&mut context), Poll::Pending);
    // Another task on the same thread, between two polls.
    assert_eq!(
        memo({
            let theirs = theirs.clone();
            move || theirs.get()
        })
        .get(),
        0
    );
    let _ = theirs.get();
    sender.send(()).unwrap();
    assert_eq!(tracked.as_mut().poll(&mut context), Poll::Ready(0));
    theirs.set(1);
    assert_eq!(calls.take().len(), 0);
    assert_eq!((mine.subscribers(), late.subscribers(), theirs.subscribers()), (1, 1, 0));
    late.set(1);
    assert_eq!(calls.take().len(), 1);
}
