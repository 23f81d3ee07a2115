//! Waiting for a condition without a runtime.

use std::future::{Future, poll_fn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A value that tasks wait on. Works within one thread and across threads.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    value: T,
    waiting: Vec<Waker>,
}

impl<T: Default> Default for Watched<T> {
    fn default() -> Self {
        Watched::new(T::default())
    }
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Watched { inner: Mutex::new(Inner { value, waiting: Vec::new() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // Nothing in here panics while it holds the lock, so a poisoned value is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the value.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    /// Changes the value and wakes everyone who waits.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let (result, waiting) = {
            let mut inner = self.lock();
            let result = change(&mut inner.value);
            (result, std::mem::take(&mut inner.waiting))
        };
        waiting.into_iter().for_each(Waker::wake);
        result
    }

    /// Resolves as soon as `check` gives something. It is tried at once and after every update; it may change
    /// the value, which then wakes nobody.
    pub(crate) fn until<R>(&self, mut check: impl FnMut(&mut T) -> Option<R>) -> impl Future<Output = R> {
        poll_fn(move |context| {
            let mut inner = self.lock();
            if let Some(result) = check(&mut inner.value) {
                return Poll::Ready(result);
            }
            if !inner.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                inner.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
    }
}

/// Gives other tasks of the same thread one turn.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            Poll::Ready(())
        } else {
            yielded = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
