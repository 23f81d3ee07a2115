//! What waits for one subscriber.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::change::LiveChange;
use crate::node::protocol::Failure;
use crate::storage::Position;

/// Notifications that may wait.
const SETS: usize = 256;
/// Changes that may wait in all of them.
const CHANGES: usize = 16_384;

/// Something that came of a query, the same for all that observe it.
#[derive(Clone, Debug)]
pub(super) enum News {
    Changes { position: Position, changes: Arc<[LiveChange]> },
    Failed { position: Position, failure: Arc<Failure> },
}

/// What a subscriber does next.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Ask for all rows: it lacks something, or has nothing yet.
    Reset,
    News(News),
    /// There is nothing more.
    End(Box<Failure>),
}

/// The notifications that one subscriber has not taken yet. It is bounded: where there would be too many, they give
/// way to a reset.
#[derive(Debug)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    news: VecDeque<News>,
    changes: usize,
    reset: bool,
    end: Option<Box<Failure>>,
    waker: Option<Waker>,
}

impl Default for Queue {
    /// The queue of one who has nothing yet.
    fn default() -> Self {
        let waiting = Waiting { news: VecDeque::new(), changes: 0, reset: true, end: None, waker: None };
        Queue(Mutex::new(waiting))
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds news. Gives who is to be woken.
    pub(super) fn push(&self, news: &News) -> Option<Waker> {
        let mut waiting = self.lock();
        if !waiting.reset {
            let more = match news {
                News::Changes { changes, .. } => changes.len(),
                News::Failed { .. } => 1,
            };
            waiting.changes = waiting.changes.saturating_add(more);
            waiting.news.push_back(news.clone());
            if waiting.news.len() > SETS || waiting.changes > CHANGES {
                waiting.clear();
                waiting.reset = true;
            }
        }
        waiting.waker.take()
    }

    /// Makes the subscriber ask for all rows. Gives who is to be woken.
    pub(super) fn reset(&self) -> Option<Waker> {
        let mut waiting = self.lock();
        waiting.clear();
        waiting.reset = true;
        waiting.waker.take()
    }

    /// Ends it after what waits. Gives who is to be woken.
    pub(super) fn end(&self, failure: &Failure) -> Option<Waker> {
        let mut waiting = self.lock();
        waiting.end = Some(Box::new(failure.clone()));
        waiting.waker.take()
    }

    /// The subscriber has been given all rows as they are now.
    pub(super) fn has_all(&self) {
        let mut waiting = self.lock();
        waiting.clear();
        waiting.reset = false;
    }

    /// How many notifications wait.
    pub(super) fn depth(&self) -> usize {
        let waiting = self.lock();
        waiting.news.len().saturating_add(usize::from(waiting.reset))
    }

    /// What is next, as soon as there is something.
    pub(super) async fn next(&self) -> Next {
        poll_fn(|context| {
            let mut waiting = self.lock();
            if waiting.end.is_none() && waiting.reset {
                return Poll::Ready(Next::Reset);
            }
            if let Some(news) = waiting.news.pop_front() {
                if waiting.news.is_empty() {
                    waiting.clear();
                }
                return Poll::Ready(Next::News(news));
            }
            if let Some(failure) = waiting.end.clone() {
                return Poll::Ready(Next::End(failure));
            }
            waiting.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Waiting {
    fn clear(&mut self) {
        self.news = VecDeque::new();
        self.changes = 0;
    }
}
