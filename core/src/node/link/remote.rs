//! A node at the other end of a link.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::{Stream, stream};

use super::LinkError;
use super::frame::{Frame, MAX_EVENT, MAX_OPEN, MAX_REQUEST, WINDOW};
use super::request::encode_request;
use super::sending::Sending;
use crate::node::failure::{Explain, failure};
use crate::node::protocol::{Cancel, Connection, Event, EventStream, Failure, Request};
use crate::query::EvalErrorKind;

/// What the node's end says at the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// What the node's program calls itself.
    pub program: String,
    /// The number of its process.
    pub process: Option<u32>,
    /// Whether what writes is refused.
    pub read_only: bool,
    /// How many requests may be open at the same time.
    open: usize,
    /// The credit of each answer at its beginning.
    window: u64,
}

impl fmt::Display for Welcome {
    /// `process 123 (ankurah)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program: String = self.program.chars().filter(|c| !c.is_control()).collect();
        match (self.process, program.as_str()) {
            (Some(process), "") => write!(f, "process {process}"),
            (Some(process), program) => write!(f, "process {process} ({program})"),
            (None, "") => f.write_str("the other side"),
            (None, program) => f.write_str(program),
        }
    }
}

/// Why a link is at its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkEnd {
    /// The other side is not there any more: it ended, or what carried the link did.
    #[error("the connection broke")]
    Lost,
    /// This side, or the other one, said why.
    #[error(transparent)]
    Wrong(LinkError),
    /// This side wanted no more of it.
    #[error("the connection was closed")]
    Closed,
}

/// What both halves of this end and its streams know.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    welcome: Option<Welcome>,
    greeters: Vec<Waker>,
    answers: BTreeMap<u64, Answer>,
    /// The number of the last request.
    last: u64,
    /// Requests on their way, in the order in which they send their next piece.
    pub(super) sending: VecDeque<Sending>,
    pub(super) control: VecDeque<Frame>,
    credits: BTreeMap<u64, u64>,
    pub(super) end: Option<LinkEnd>,
    pub(super) sender: Option<Waker>,
}

/// An answer as it comes.
#[derive(Debug, Default)]
struct Answer {
    /// What came of an event of which the end did not come yet.
    partial: Vec<u8>,
    /// Bytes of it that no credit was given for yet.
    held: u64,
    /// Events that wait to be read, with the bytes that they hold up.
    ready: VecDeque<(Event, u64)>,
    over: bool,
    /// What may still come before more credit is given.
    credit: u64,
    /// Bytes that were read, and for which no credit was given yet.
    read: u64,
    waker: Option<Waker>,
    /// What gives it up.
    cancel: Option<Cancel>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Has the half that sends look again.
    fn send(&mut self) {
        if let Some(waker) = self.sender.take() {
            waker.wake();
        }
    }

    /// Ends the link; what was on its way is over.
    pub(super) fn finish(&mut self, end: LinkEnd) {
        if self.end.is_some() {
            return;
        }
        match &end {
            // The other side is to know what was wrong with what it said, not what it said itself.
            LinkEnd::Wrong(error) if !matches!(error, LinkError::Said(_)) => {
                self.control.push_back(Frame::Goodbye { reason: error.to_string() });
            }
            LinkEnd::Closed => self.control.push_back(Frame::Goodbye { reason: String::new() }),
            LinkEnd::Wrong(_) | LinkEnd::Lost => self.control.clear(),
        }
        self.end = Some(end);
        self.sending.clear();
        self.credits.clear();
        self.greeters.drain(..).for_each(Waker::wake);
        self.answers.values_mut().filter_map(|answer| answer.waker.take()).for_each(Waker::wake);
        self.send();
    }

    /// Takes a frame in. Gives the event that ends with it, to be put where it belongs.
    pub(super) fn take_in(&mut self, frame: Frame) -> Result<Option<Piece>, LinkError> {
        if self.welcome.is_none() && !matches!(frame, Frame::Welcome { .. } | Frame::Goodbye { .. }) {
            return Err(LinkError::Stranger);
        }
        match frame {
            Frame::Welcome { .. } if self.welcome.is_some() => Err(LinkError::Order("a second welcome")),
            Frame::Welcome { program, process, read_only, open, window, .. } => {
                let open = usize::try_from(open).unwrap_or(usize::MAX);
                self.welcome = Some(Welcome { program, process, read_only, open, window });
                self.greeters.drain(..).for_each(Waker::wake);
                Ok(None)
            }
            Frame::Goodbye { reason } => Err(LinkError::Said(reason)),
            Frame::Data { stream, last, over, bytes } => self.piece(stream, last, over, bytes),
            Frame::Hello { .. } | Frame::Credit { .. } | Frame::Cancel { .. } => {
                Err(LinkError::Order("a frame that only the other side sends"))
            }
        }
    }

    fn piece(
        &mut self,
        stream: u64,
        last: bool,
        over: bool,
        bytes: Vec<u8>,
    ) -> Result<Option<Piece>, LinkError> {
        let known = stream <= self.last;
        let Some(answer) = self.answers.get_mut(&stream).filter(|answer| !answer.over) else {
            // It may be one that was given up meanwhile.
            return if known { Ok(None) } else { Err(LinkError::Order("an answer to no request")) };
        };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let Some(credit) = answer.credit.checked_sub(size) else {
            return Err(LinkError::Order("more of an answer than there was credit for"));
        };
        answer.credit = credit;
        if answer.partial.len().saturating_add(bytes.len()) > MAX_EVENT {
            return Err(LinkError::MessageTooLong { what: "an answer", limit: MAX_EVENT });
        }
        if answer.partial.is_empty() {
            answer.partial = bytes;
        } else {
            answer.partial.extend_from_slice(&bytes);
        }
        answer.held = answer.held.saturating_add(size);
        if last {
            let (bytes, size) = (std::mem::take(&mut answer.partial), std::mem::take(&mut answer.held));
            return Ok(Some(Piece { stream, bytes, size, over }));
        }
        self.release(stream);
        Ok(None)
    }

    /// Gives credit for an event that is not whole yet, where there is nothing to be read before it. So what waits here
    /// of an answer is never more than what there was credit for at its beginning, and one event. It is given in large
    /// amounts, as pieces get as small as what there is credit for: what was not given is less than what is left.
    fn release(&mut self, stream: u64) {
        let Some(answer) = self.answers.get_mut(&stream) else { return };
        if answer.ready.is_empty() && answer.held >= WINDOW / 4 {
            let held = std::mem::take(&mut answer.held);
            answer.credit = answer.credit.saturating_add(held);
            self.give_credit(stream, held);
        }
    }

    /// Puts an event where it is read.
    pub(super) fn put(&mut self, piece: &Piece, event: Option<Event>) {
        let Some(answer) = self.answers.get_mut(&piece.stream) else { return };
        answer.over |= piece.over;
        answer.ready.extend(event.map(|event| (event, piece.size)));
        if let Some(waker) = answer.waker.take() {
            waker.wake();
        }
    }

    fn give_credit(&mut self, stream: u64, bytes: u64) {
        let credit = self.credits.entry(stream).or_default();
        *credit = credit.saturating_add(bytes);
        self.send();
    }

    /// The next frame that is to be sent before what is on its way.
    pub(super) fn next_control(&mut self) -> Option<Frame> {
        let frame = self.control.pop_front();
        frame.or_else(|| self.credits.pop_first().map(|(stream, bytes)| Frame::Credit { stream, bytes }))
    }

    fn open(&mut self, bytes: Vec<u8>, cancel: Option<Cancel>) -> Result<u64, Box<Failure>> {
        if self.end.is_some() {
            return Err(self.lost());
        }
        if bytes.len() > MAX_REQUEST {
            let message =
                format!("the request has {} bytes; a link carries up to {MAX_REQUEST}", bytes.len());
            return Err(failure("too-large", message).help("do it in several parts"));
        }
        let limit = self.welcome.as_ref().map_or(MAX_OPEN, |welcome| welcome.open);
        // One that is over has no more to do with the other side.
        if self.answers.values().filter(|answer| !answer.over).count() >= limit {
            let message = format!("{limit} requests are open on this connection, which is the limit");
            return Err(failure("too-many-requests", message).help("end some of them, such as live queries"));
        }
        self.last = self.last.saturating_add(1);
        let window = self.welcome.as_ref().map_or(WINDOW, |welcome| welcome.window);
        self.answers.insert(self.last, Answer { credit: window, cancel, ..Answer::default() });
        self.sending.push_back(Sending::new(self.last, bytes, false));
        self.send();
        Ok(self.last)
    }

    /// Gives an answer up.
    fn cancel(&mut self, stream: u64) {
        self.credits.remove(&stream);
        let unsent = self.sending.iter().position(|sending| sending.stream == stream);
        let begun = match unsent {
            Some(at) => self.sending.remove(at).is_none_or(|sending| sending.has_begun()),
            None => true,
        };
        if begun && self.end.is_none() {
            self.control.push_back(Frame::Cancel { stream });
            self.send();
        }
    }

    /// What is said of an answer that did not come to its end.
    fn lost(&self) -> Box<Failure> {
        let other = match &self.welcome {
            Some(welcome) => welcome.to_string(),
            None => "the other side".to_owned(),
        };
        let message = match &self.end {
            Some(LinkEnd::Wrong(LinkError::Said(reason))) if !reason.is_empty() => {
                format!("{other} ended the connection: {reason}")
            }
            Some(LinkEnd::Wrong(LinkError::Said(_)) | LinkEnd::Lost) | None => {
                format!("the connection to {other} broke: it has ended, or was killed")
            }
            Some(LinkEnd::Wrong(error)) => format!("the connection to {other} was given up: {error}"),
            Some(LinkEnd::Closed) => format!("the connection to {other} was closed"),
        };
        failure("connection", message).help(
            "a transaction that was open is rolled back; of a statement that was being answered it is not known \
             whether it was done",
        )
    }
}

/// The last piece of an event.
pub(super) struct Piece {
    stream: u64,
    pub(super) bytes: Vec<u8>,
    size: u64,
    over: bool,
}

/// Ends the link when nobody uses it any more.
#[derive(Debug)]
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().finish(LinkEnd::Closed);
    }
}

/// A node at the other end of a link. Clones are the same link; it ends when the last of them, and of the answers that
/// came of them, is dropped.
#[derive(Clone, Debug)]
pub struct Remote {
    handle: Arc<Handle>,
}

impl Remote {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Remote { handle: Arc::new(Handle(shared)) }
    }

    /// What the other side says of itself, as soon as it does.
    ///
    /// # Errors
    /// [`LinkEnd`] where it does not.
    pub async fn welcome(&self) -> Result<Welcome, LinkEnd> {
        poll_fn(|context| {
            let mut state = self.handle.0.lock();
            match (&state.welcome, &state.end) {
                (Some(welcome), _) => Poll::Ready(Ok(welcome.clone())),
                (None, Some(end)) => Poll::Ready(Err(end.clone())),
                (None, None) => {
                    state.greeters.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Why the link is at its end; `None` while it is not.
    pub fn end(&self) -> Option<LinkEnd> {
        self.handle.0.lock().end.clone()
    }

    fn ask(&self, request: &Request, cancel: Option<Cancel>) -> EventStream {
        let bytes = encode_request(request);
        let opened = self.handle.0.lock().open(bytes, cancel);
        match opened {
            Ok(stream) => Box::pin(RemoteStream { stream, handle: Arc::clone(&self.handle), done: false }),
            Err(refused) => Box::pin(stream::iter([Event::Failed(*refused)])),
        }
    }
}

impl Connection for Remote {
    fn request(&self, request: Request) -> EventStream {
        self.ask(&request, None)
    }

    fn request_unless(&self, request: Request, cancel: Cancel) -> EventStream {
        self.ask(&request, Some(cancel))
    }
}

impl Shared {
    /// Ends the answers that were given up by their [`Cancel`]. Says whether there are answers that may still be: this
    /// is then to be called every few milliseconds, since nobody is told when one is.
    pub(super) fn look_for_cancelled(&self) -> bool {
        let mut state = self.lock();
        let raised = |answer: &Answer| answer.cancel.as_ref().is_some_and(Cancel::is_cancelled);
        let given_up = state.answers.iter().filter(|(_, answer)| !answer.over && raised(answer));
        let given_up: Vec<u64> = given_up.map(|(stream, _)| *stream).collect();
        for stream in given_up {
            state.cancel(stream);
            if let Some(answer) = state.answers.get_mut(&stream) {
                answer.over = true;
                answer.partial = Vec::new();
                let kind = EvalErrorKind::Cancelled;
                let event = Event::Failed(*failure(kind.name(), "the statement was cancelled"));
                answer.ready = VecDeque::from([(event, 0)]);
                if let Some(waker) = answer.waker.take() {
                    waker.wake();
                }
            }
        }
        state.end.is_none() && state.answers.values().any(|answer| !answer.over && answer.cancel.is_some())
    }
}

/// An answer of a node at the other end.
struct RemoteStream {
    stream: u64,
    handle: Arc<Handle>,
    done: bool,
}

impl Stream for RemoteStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.done {
            return Poll::Ready(None);
        }
        let handle = Arc::clone(&self.handle);
        let mut state = handle.0.lock();
        let lost = state.end.is_some().then(|| state.lost());
        let Some(answer) = state.answers.get_mut(&self.stream) else { return Poll::Ready(None) };
        if let Some((event, size)) = answer.ready.pop_front() {
            answer.read = answer.read.saturating_add(size);
            if answer.read >= WINDOW / 2 && !answer.over && lost.is_none() {
                let read = std::mem::take(&mut answer.read);
                answer.credit = answer.credit.saturating_add(read);
                state.give_credit(self.stream, read);
            }
            state.release(self.stream);
            return Poll::Ready(Some(event));
        }
        if answer.over {
            self.done = true;
            return Poll::Ready(None);
        }
        if let Some(lost) = lost {
            self.done = true;
            return Poll::Ready(Some(Event::Failed(*lost)));
        }
        answer.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for RemoteStream {
    fn drop(&mut self) {
        let mut state = self.handle.0.lock();
        if state.answers.remove(&self.stream).is_some_and(|answer| !answer.over) {
            state.cancel(self.stream);
        }
    }
}
