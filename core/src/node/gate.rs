//! A lock that many hold together or one alone. Commits hold it together; a serializable transaction holds it
//! alone from its check to its commit, so that nothing slips in between. One that waits lets no new ones in.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::lock::{Mutex, MutexGuard};
use futures::task::AtomicWaker;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    turn: Mutex<()>,
    inside: AtomicUsize,
    waiting: AtomicWaker,
}

/// Held together with others.
#[derive(Debug)]
pub(crate) struct Shared<'a>(&'a Gate);

/// Held alone.
#[derive(Debug)]
pub(crate) struct Exclusive<'a> {
    _turn: MutexGuard<'a, ()>,
}

impl Gate {
    pub(crate) async fn shared(&self) -> Shared<'_> {
        let _turn = self.turn.lock().await;
        self.inside.fetch_add(1, Ordering::SeqCst);
        Shared(self)
    }

    pub(crate) async fn exclusive(&self) -> Exclusive<'_> {
        let turn = self.turn.lock().await;
        poll_fn(|context| {
            self.waiting.register(context.waker());
            if self.inside.load(Ordering::SeqCst) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Exclusive { _turn: turn }
    }
}

impl Drop for Shared<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
        self.0.waiting.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn many_together_or_one_alone() {
        let gate = Gate::default();
        let first = gate.shared().now_or_never().unwrap();
        let second = gate.shared().now_or_never().unwrap();
        let mut alone = Box::pin(gate.exclusive());
        assert!((&mut alone).now_or_never().is_none());
        assert!(gate.shared().now_or_never().is_none());
        drop(first);
        assert!((&mut alone).now_or_never().is_none());
        drop(second);
        let held = (&mut alone).now_or_never().unwrap();
        assert!(gate.shared().now_or_never().is_none());
        assert!(gate.exclusive().now_or_never().is_none());
        drop(held);
        assert!(gate.shared().now_or_never().is_some());
    }

    #[test]
    fn one_that_gives_up_waiting_lets_others_in() {
        let gate = Gate::default();
        let held = gate.shared().now_or_never().unwrap();
        assert!(gate.exclusive().now_or_never().is_none());
        assert!(gate.shared().now_or_never().is_some());
        drop(held);
        assert!(gate.exclusive().now_or_never().is_some());
    }
}
