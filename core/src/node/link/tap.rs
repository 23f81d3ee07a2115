//! The wire tap: who reads slowly misses frames, and is told how many.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::info::{TapFrame, TapFrames};

/// Frames that wait for one reader.
pub(super) const WAITING: usize = 4096;

/// The frames that one reader has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<TapFrame>,
    dropped: u64,
    waker: Option<Waker>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame, or counts it as dropped where too many wait.
    pub(super) fn push(&self, frame: &TapFrame) {
        let waker = {
            let mut waiting = self.lock();
            if waiting.frames.len() < WAITING {
                waiting.frames.push_back(frame.clone());
            } else {
                waiting.dropped = waiting.dropped.saturating_add(1);
            }
            waiting.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Reads what goes over the links of a node, until it is dropped.
#[derive(Debug)]
pub(crate) struct Tap(pub(super) Arc<Queue>);

impl Tap {
    /// All that came since the last time, as soon as there is something. What was dropped is told with the frames
    /// after it, or alone where all that came was taken.
    pub(crate) async fn next(&self) -> TapFrames {
        poll_fn(|context| {
            let mut waiting = self.0.lock();
            if waiting.frames.is_empty() && waiting.dropped == 0 {
                waiting.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            let frames = TapFrames {
                frames: std::mem::take(&mut waiting.frames).into(),
                dropped: std::mem::take(&mut waiting.dropped),
            };
            Poll::Ready(frames)
        })
        .await
    }
}
