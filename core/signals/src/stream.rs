//! Signals as streams, for tasks that wait.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::stream::{FusedStream, Stream};

use crate::bounds::Value;
use crate::context::{self, Hold, Kind};
use crate::node::{Accept, Core, Node, Ran, lock};
use crate::signal::Signal;

impl<T: Value + Clone> Signal<T> {
    /// A stream of the present value and then of the latest value after each change, for as long as it is
    /// polled: it has no end.
    ///
    /// It holds no queue. Changes that come faster than it is polled fall together to the latest value,
    /// however slow its reader is, and one that is never polled costs its writers a mark. The signal
    /// is computed by who polls. No runtime is needed: the task that polled is woken.
    ///
    /// ```
    /// use ankurah_signals::WritableSignal;
    /// use futures::{StreamExt, executor::block_on};
    ///
    /// let count = WritableSignal::new(1);
    /// let mut stream = count.stream();
    /// assert_eq!(block_on(stream.next()), Some(1));
    /// count.set(2);
    /// count.set(3);
    /// assert_eq!(block_on(stream.next()), Some(3));
    /// ```
    pub fn stream(&self) -> SignalStream<T> {
        let sleeper = Sleeper { core: Core::new(true), order: context::unique(), waker: Mutex::new(None) };
        SignalStream { signal: self.clone(), sleeper: Arc::new(sleeper), yielded: 0 }
    }
}

/// The values of a signal over time: see [`Signal::stream`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct SignalStream<T: Value> {
    signal: Signal<T>,
    sleeper: Arc<Sleeper>,
    /// The version that was yielded last; 0 before the first.
    yielded: u64,
}

impl<T: Value + Clone> Stream for SignalStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        // First the waker, then the look: a change after the look finds the waker.
        let waker = Some(context.waker().clone());
        let old = std::mem::replace(&mut *lock(&self.sleeper.waker), waker);
        drop(old);
        if !self.sleeper.core.is_stale() {
            return Poll::Pending;
        }
        let _hold = Hold::new();
        let me: Arc<dyn Node> = Arc::<Sleeper>::clone(&self.sleeper);
        let run = self.sleeper.core.begin(context::unique());
        let (loaded, frame) = context::evaluate(Kind::Effect, Arc::as_ptr(&me).cast(), || self.signal.load());
        let reads = frame.map(|frame| frame.reads).unwrap_or_default();
        let ran = self.sleeper.core.finish(&me, &run, reads, || {});
        let (value, version, _) = loaded.unwrap_or_else(|payload| resume_unwind(payload));
        if version != self.yielded {
            self.yielded = version;
            return Poll::Ready(Some(T::clone(&value)));
        }
        if let Ran::Behind = ran {
            // It changed while it was looked at, and no mark will come for that.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<T: Value + Clone> FusedStream for SignalStream<T> {
    fn is_terminated(&self) -> bool {
        false
    }
}

impl<T: Value> fmt::Debug for SignalStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalStream").field("yielded", &self.yielded).finish_non_exhaustive()
    }
}

/// The node of a stream: wakes the task, computes nothing.
struct Sleeper {
    core: Core,
    order: u64,
    waker: Mutex<Option<Waker>>,
}

impl Node for Sleeper {
    fn core(&self) -> &Core {
        &self.core
    }

    fn run(&self, _me: &Arc<dyn Node>, _reading: u64, _accept: &Accept<'_>) -> Ran {
        Ran::Done
    }

    fn reacts(&self) -> bool {
        true
    }

    fn order(&self) -> u64 {
        self.order
    }

    fn react(&self, _me: &Arc<dyn Node>) -> bool {
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
        false
    }
}
