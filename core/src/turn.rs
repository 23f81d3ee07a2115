//! Long work that gives others a turn, and that can be given up.
//!
//! Work is counted where it is done, in bytes that are looked at or what takes as long. Between two rows it is given
//! up by dropping its future, which can happen whenever it gives others a turn: [`pass`]. Inside of an expression
//! there is no such place; there [`touch`] looks every now and then whether the one who waits for the answer has said
//! by a [`Cancel`] that it is not wanted any more.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};

use crate::storage::kv::yield_once;

/// Work between two turns: a few milliseconds.
const TURN: u64 = 4 << 20;
/// Work between two looks at whether it is given up.
const LOOK: u64 = 256 << 10;
/// What a call costs beside the bytes that it looks at.
const CALL: u64 = 64;

thread_local! {
    /// Work since the last turn. What several tasks of a thread do is counted together.
    static WORK: Cell<u64> = const { Cell::new(0) };
    /// Work since the last look.
    static UNSEEN: Cell<u64> = const { Cell::new(0) };
    /// What gives up the answer that this thread is computing.
    static CURRENT: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

/// Says that an answer is not wanted any more, also while it is being computed. All clones are one.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl From<Arc<AtomicBool>> for Cancel {
    /// One that a flag of the program sets, such as that of Ctrl-C.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Cancel(flag)
    }
}

impl Cancel {
    /// Gives up.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was given up.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The answer is not wanted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenUp;

/// Counts work.
fn count(work: u64) {
    WORK.set(WORK.get().saturating_add(work));
}

/// Counts work on so many bytes, or an estimate in their place, and fails where the answer is not wanted any more.
pub(crate) fn touch(bytes: usize) -> Result<(), GivenUp> {
    let work = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(CALL);
    count(work);
    let unseen = UNSEEN.get().saturating_add(work);
    if unseen < LOOK {
        UNSEEN.set(unseen);
        return Ok(());
    }
    UNSEEN.set(0);
    if CURRENT.with_borrow(|current| current.as_ref().is_some_and(Cancel::is_cancelled)) {
        // Whatever is tried next, such as the other side of an `and`, is not begun at all.
        UNSEEN.set(LOOK);
        return Err(GivenUp);
    }
    Ok(())
}

/// Counts work, and says whether others are to get a turn: then [`give`] is to be awaited.
pub(crate) fn is_due(work: u64) -> bool {
    count(work);
    WORK.get() >= TURN
}

/// Gives others a turn. Who waits may give the work up there.
pub(crate) async fn give() {
    WORK.set(0);
    yield_once().await;
}

/// Counts work, and gives others a turn when they are due one.
pub(crate) async fn pass(work: u64) {
    if is_due(work) {
        give().await;
    }
}

/// A stream during whose work [`touch`] looks at `cancel`.
pub(crate) fn cancellable<S: Stream + Unpin>(
    stream: S,
    cancel: Cancel,
) -> impl Stream<Item = S::Item> + Unpin {
    Cancellable { stream, cancel }
}

struct Cancellable<S> {
    stream: S,
    cancel: Cancel,
}

impl<S: Stream + Unpin> Stream for Cancellable<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let _entered = Entered(CURRENT.replace(Some(self.cancel.clone())));
        self.stream.poll_next_unpin(context)
    }
}

/// Puts back what was current before, also where the work panics.
struct Entered(Option<Cancel>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::Waker;

    use futures::stream;

    use super::*;

    /// How often work in pieces gives others a turn.
    fn turns(pieces: u32, work: u64) -> u32 {
        WORK.set(0);
        let mut work = Box::pin(async move {
            for _ in 0..pieces {
                pass(work).await;
            }
        });
        let mut turns = 0;
        while work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            turns += 1;
        }
        turns
    }

    #[test]
    fn turns_follow_the_work() {
        assert_eq!(turns(1000, 0), 0);
        assert_eq!(turns(16, TURN / 4), 4);
        assert_eq!(turns(3, TURN * 100), 3);
    }

    #[test]
    fn work_is_given_up_inside_of_a_poll_and_nowhere_else() {
        let (cancel, other) = (Cancel::default(), Cancel::default());
        let work = || {
            let found = touch(usize::MAX).and_then(|()| touch(0));
            // Where nobody gave up, the next look is not due.
            (found, touch(0))
        };
        let given_up = (Err(GivenUp), Err(GivenUp));
        let mut asked = cancellable(stream::repeat_with(work), cancel.clone());
        let mut beside = cancellable(stream::repeat_with(work), other);
        let next = |stream: &mut (dyn Stream<Item = _> + Unpin)| {
            stream.poll_next_unpin(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(next(&mut asked), Poll::Ready(Some((Ok(()), Ok(())))));
        cancel.cancel();
        assert_eq!(next(&mut asked), Poll::Ready(Some(given_up)));
        assert_eq!(next(&mut beside), Poll::Ready(Some((Ok(()), Ok(())))));
        assert_eq!(work(), (Ok(()), Ok(())));
    }
}
