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
    /// Whom the next update wakes, each under the number of its wait.
    waiting: Vec<(u64, Waker)>,
    /// The number of the next wait.
    next: u64,
}

/// One who waits, or did: who gives up leaves nothing behind.
struct Wait<'a, T> {
    watched: &'a Watched<T>,
    number: Option<u64>,
}

impl<T> Wait<'_, T> {
    /// What `check` gives; if nothing, `waker` is woken by the next update.
    fn poll<R>(&mut self, check: &mut impl FnMut(&mut T) -> Option<R>, waker: &Waker) -> Poll<R> {
        let mut inner = self.watched.lock();
        if let Some(result) = check(&mut inner.value) {
            return Poll::Ready(result);
        }
        let number = *self.number.get_or_insert_with(|| {
            inner.next = inner.next.wrapping_add(1);
            inner.next
        });
        match inner.waiting.iter_mut().find(|(known, _)| *known == number) {
            Some((_, known)) => known.clone_from(waker),
            None => inner.waiting.push((number, waker.clone())),
        }
        Poll::Pending
    }
}

impl<T> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut inner = self.watched.lock();
        let place = inner.waiting.iter().position(|(known, _)| *known == number);
        let waker = place.map(|place| inner.waiting.swap_remove(place));
        // What is in a waker is foreign code: it is dropped without the lock.
        drop(inner);
        drop(waker);
    }
}

impl<T: Default> Default for Watched<T> {
    fn default() -> Self {
        Watched::new(T::default())
    }
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Watched { inner: Mutex::new(Inner { value, waiting: Vec::new(), next: 0 }) }
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
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
        result
    }

    /// Resolves as soon as `check` gives something. It is tried at once and after every update; it may change
    /// the value, which then wakes nobody.
    pub(crate) fn until<R>(&self, mut check: impl FnMut(&mut T) -> Option<R>) -> impl Future<Output = R> {
        let mut wait = Wait { watched: self, number: None };
        poll_fn(move |context| wait.poll(&mut check, context.waker()))
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

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn who_gives_up_leaves_no_waker_behind() {
        let watched = Watched::new(0);
        let waiting = |watched: &Watched<i32>| watched.lock().waiting.len();
        for number in 1..4 {
            let mut one = Box::pin(watched.until(|value| (*value == number).then_some(())));
            let other = watched.until(|value| (*value < 0).then_some(()));
            assert!(one.as_mut().now_or_never().is_none());
            assert!(one.as_mut().now_or_never().is_none());
            assert!(other.now_or_never().is_none());
            assert_eq!(waiting(&watched), 1);
            watched.update(|value| *value = number);
            assert_eq!(waiting(&watched), 0);
            assert!(one.now_or_never().is_some());
            assert_eq!(waiting(&watched), 0);
        }
    }
}
