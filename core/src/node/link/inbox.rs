//! What came from the other side and is still to be done: the half of the node's end that reads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::LinkError;
use super::frame::{Frame, MAX_OPEN, MAX_REQUEST, Splitter};
use super::info::{FrameKind, TapDirection};
use super::registry::Link;
use super::request::decode_request;
use crate::node::protocol::{Cancel, Request};

/// What the other side wants to be.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) program: String,
    pub(super) read_only: bool,
}

/// Why the link ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// The other side left.
    Left,
    /// The other side broke the protocol.
    Wrong(LinkError),
    /// This side wants no more of it.
    Closing(String),
}

/// What came, between the one who reads and the one who answers.
#[derive(Debug, Default)]
pub(super) struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    greeted: bool,
    news: News,
    /// Every request that is not over, with what gives it up.
    open: BTreeMap<u64, Cancel>,
    /// The open requests that are wire taps.
    taps: BTreeSet<u64>,
    /// What came of requests of which the end did not come yet.
    partial: BTreeMap<u64, Vec<u8>>,
    partial_bytes: usize,
    /// The number of the last request.
    last: u64,
    /// Once it ends nothing is taken in any more.
    ended: bool,
    waker: Option<Waker>,
}

/// What is new for the one who answers.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) hello: Option<Hello>,
    /// Requests, in their order. There are never more than may be open.
    pub(super) opened: VecDeque<(u64, Request, Cancel)>,
    /// Requests that had been opened already and are given up.
    pub(super) cancelled: Vec<u64>,
    pub(super) credits: BTreeMap<u64, u64>,
    pub(super) ending: Option<Ending>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the link: all that is being computed for it is given up.
    pub(super) fn end(&self, ending: Ending) {
        let mut waiting = self.lock();
        if waiting.ended {
            return;
        }
        waiting.ended = true;
        waiting.open.values().for_each(Cancel::cancel);
        waiting.partial.clear();
        waiting.news = News { ending: Some(ending), ..News::default() };
        waiting.wake();
    }

    /// Takes what is new, and has `waker` woken when there is more.
    pub(super) fn take(&self, waker: &Waker) -> News {
        let mut waiting = self.lock();
        if !waiting.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            waiting.waker = Some(waker.clone());
        }
        std::mem::take(&mut waiting.news)
    }

    /// The answer to a request is over.
    pub(super) fn over(&self, stream: u64) {
        let mut waiting = self.lock();
        waiting.open.remove(&stream);
        waiting.taps.remove(&stream);
        waiting.news.credits.remove(&stream);
    }

    /// Whether a request is a wire tap.
    pub(super) fn is_tap(&self, stream: u64) -> bool {
        self.lock().taps.contains(&stream)
    }
}

impl Waiting {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Takes a frame in. Gives the name of the request that ends with it.
    fn take_in(&mut self, frame: Frame) -> Result<&'static str, LinkError> {
        if !self.greeted && frame.kind() != FrameKind::Hello {
            return Err(LinkError::Stranger);
        }
        let mut name = "";
        match frame {
            Frame::Hello { .. } if self.greeted => return Err(LinkError::Order("a second hello")),
            Frame::Hello { program, read_only, .. } => {
                self.greeted = true;
                self.news.hello = Some(Hello { program, read_only });
            }
            Frame::Data { over: true, .. } | Frame::Welcome { .. } => {
                return Err(LinkError::Order("a frame that only the other side sends"));
            }
            Frame::Data { stream, last, bytes, .. } => {
                if let Some(request) = self.piece(stream, last, bytes)? {
                    name = request.name();
                    if matches!(request, Request::Tap) {
                        self.taps.insert(stream);
                    }
                    let cancel = self.open.get(&stream).cloned().unwrap_or_default();
                    self.news.opened.push_back((stream, request, cancel));
                }
            }
            Frame::Credit { stream, bytes } => {
                if self.open.contains_key(&stream) {
                    let credit = self.news.credits.entry(stream).or_default();
                    *credit = credit.saturating_add(bytes);
                }
            }
            Frame::Cancel { stream } => self.cancel(stream),
            Frame::Goodbye { .. } => return Ok(name),
        }
        self.wake();
        Ok(name)
    }

    /// Takes in a piece of a request; gives the request where it is the last one.
    fn piece(&mut self, stream: u64, last: bool, bytes: Vec<u8>) -> Result<Option<Request>, LinkError> {
        if !self.partial.contains_key(&stream) {
            if stream <= self.last {
                return Err(LinkError::Order("a piece of a request that is whole or given up"));
            }
            if self.open.len() >= MAX_OPEN {
                let limit = u64::try_from(MAX_OPEN).unwrap_or(u64::MAX);
                return Err(LinkError::TooManyOpen { limit });
            }
            self.last = stream;
            self.open.insert(stream, Cancel::default());
        }
        self.partial_bytes = self.partial_bytes.saturating_add(bytes.len());
        if self.partial_bytes > MAX_REQUEST {
            return Err(LinkError::MessageTooLong { what: "a request", limit: MAX_REQUEST });
        }
        let whole = match self.partial.remove(&stream) {
            Some(mut before) => {
                before.extend_from_slice(&bytes);
                before
            }
            None => bytes,
        };
        if !last {
            self.partial.insert(stream, whole);
            return Ok(None);
        }
        self.partial_bytes = self.partial_bytes.saturating_sub(whole.len());
        decode_request(&whole).map(Some)
    }

    fn cancel(&mut self, stream: u64) {
        // One that is over already needs no cancelling.
        let Some(cancel) = self.open.remove(&stream) else { return };
        cancel.cancel();
        self.taps.remove(&stream);
        self.news.credits.remove(&stream);
        if let Some(partial) = self.partial.remove(&stream) {
            self.partial_bytes = self.partial_bytes.saturating_sub(partial.len());
            return;
        }
        let waits = self.news.opened.iter().position(|(opened, ..)| *opened == stream);
        match waits {
            Some(at) => drop(self.news.opened.remove(at)),
            None => self.news.cancelled.push(stream),
        }
    }
}

/// The half of the node's end that is given what comes. It does not wait for the one who answers, so that what is
/// being computed can be given up at any time. Dropping it ends the link.
pub struct ServerIncoming {
    pub(super) inbox: Arc<Inbox>,
    pub(super) link: Arc<Link>,
    pub(super) splitter: Splitter,
}

impl ServerIncoming {
    /// Takes in bytes that came, cut anywhere.
    ///
    /// # Errors
    /// [`LinkError`] where they break the protocol. The other half then says so to the other side and ends; nothing
    /// more is to be read.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.splitter.push(bytes);
        let taken = self.take_frames();
        if let Err(error) = &taken {
            self.inbox.end(Ending::Wrong(error.clone()));
        }
        taken
    }

    fn take_frames(&mut self) -> Result<(), LinkError> {
        while let Some((frame, bytes)) = self.splitter.next_frame()? {
            let (kind, stream) = (frame.kind(), frame.stream());
            let hidden = self.inbox.is_tap(stream);
            if kind == FrameKind::Goodbye {
                self.link.saw(TapDirection::In, kind, stream, "", bytes, hidden);
                self.inbox.end(Ending::Left);
                return Ok(());
            }
            // It is seen before what comes of it.
            let mut waiting = self.inbox.lock();
            if waiting.ended {
                return Ok(());
            }
            let name = waiting.take_in(frame)?;
            drop(waiting);
            if !name.is_empty() {
                self.link.asked();
            }
            self.link.saw(TapDirection::In, kind, stream, name, bytes, hidden);
        }
        Ok(())
    }
}

impl Drop for ServerIncoming {
    fn drop(&mut self) {
        self.inbox.end(Ending::Left);
    }
}
