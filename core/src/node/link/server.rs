//! The half of the node's end that asks the node, and sends what it answers.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt, stream};

use super::event::encode_event;
use super::frame::{Frame, MAX_EVENT, MAX_OPEN, Splitter, VERSION, WINDOW};
use super::inbox::{Ending, Hello, Inbox, News, ServerIncoming};
use super::info::{LinkPeer, TapDirection};
use super::registry::Link;
use super::sending::Sending;
use crate::node::failure::{Explain, Outcome, failure};
use crate::node::protocol::{Cancel, Connection, Event, EventStream, Request, SessionId};
use crate::node::read_only::ReadOnly;
use crate::node::{Inner, Node};

/// The most sessions of a link.
const MAX_SESSIONS: usize = 256;

/// What the node's end of a link is told of its surroundings.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// What this program calls itself.
    pub program: String,
    /// The number of its process.
    pub process: Option<u32>,
    /// Who is at the other end, as the transport knows it.
    pub peer: LinkPeer,
}

impl Node {
    /// The node's end of a new link: what is given the bytes that come, the stream of bytes that are to be sent, and
    /// what ends it. The stream ends with the link.
    pub fn serve(&self, options: ServerOptions) -> (ServerIncoming, ServerOutgoing, ServerCloser) {
        let ServerOptions { program, process, peer } = options;
        let link = self.inner.links.open(peer, Arc::clone(&self.inner.env.clock));
        let inbox = Arc::new(Inbox::default());
        let incoming = ServerIncoming {
            inbox: Arc::clone(&inbox),
            link: Arc::clone(&link),
            splitter: Splitter::default(),
        };
        let closer = ServerCloser { inbox: Arc::clone(&inbox) };
        let outgoing = ServerOutgoing {
            node: Arc::clone(&self.inner),
            connection: self.connect(),
            link,
            inbox,
            program,
            process,
            control: VecDeque::new(),
            answers: BTreeMap::new(),
            turns: VecDeque::new(),
            sessions: BTreeMap::new(),
            ended: false,
        };
        (incoming, outgoing, closer)
    }
}

/// Ends a link from the node's side.
#[derive(Clone, Debug)]
pub struct ServerCloser {
    inbox: Arc<Inbox>,
}

impl ServerCloser {
    /// Gives up all answers, says why to the other side, and ends the link.
    pub fn close(&self, reason: &str) {
        self.inbox.end(Ending::Closing(reason.to_owned()));
    }
}

/// An answer that is being given.
struct Answer {
    events: EventStream,
    credit: u64,
    /// What is being sent of it. Nothing more is asked for meanwhile.
    sending: Option<Sending>,
    /// The name of the event that is being sent.
    name: &'static str,
    is_tap: bool,
}

/// The half of the node's end that asks and answers: a stream of bytes for the other side, which ends with the link.
/// Whoever polls it does the work of all answers of the link.
pub struct ServerOutgoing {
    node: Arc<Inner>,
    connection: Arc<dyn Connection>,
    link: Arc<Link>,
    inbox: Arc<Inbox>,
    program: String,
    process: Option<u32>,
    control: VecDeque<Frame>,
    answers: BTreeMap<u64, Answer>,
    /// The answers with something to be sent, each once, in the order in which they send their next piece.
    turns: VecDeque<u64>,
    /// The numbers that the other side gave its sessions, and their numbers in the node.
    sessions: BTreeMap<SessionId, SessionId>,
    ended: bool,
}

impl Stream for ServerOutgoing {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let this = &mut *self;
        loop {
            if !this.ended {
                let news = this.inbox.take(context.waker());
                this.take_in(news);
            }
            if let Some(frame) = this.control.pop_front() {
                return Poll::Ready(Some(this.emit(&frame, "", false)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            if let Some(bytes) = this.next_piece() {
                return Poll::Ready(Some(bytes));
            }
            if !this.ask(context) {
                this.note_counts();
                return Poll::Pending;
            }
        }
    }
}

impl ServerOutgoing {
    fn take_in(&mut self, news: News) {
        let News { hello, opened, cancelled, credits, ending } = news;
        if let Some(hello) = hello {
            self.welcome(hello);
        }
        for stream in cancelled {
            self.answers.remove(&stream);
            self.turns.retain(|turn| *turn != stream);
        }
        for (stream, request, cancel) in opened {
            self.open(stream, request, cancel);
        }
        for (stream, bytes) in credits {
            if let Some(answer) = self.answers.get_mut(&stream) {
                answer.credit = answer.credit.saturating_add(bytes);
            }
        }
        match ending {
            None => return self.note_counts(),
            Some(Ending::Left) => {}
            Some(Ending::Wrong(error)) => {
                self.control.push_back(Frame::Goodbye { reason: error.to_string() });
            }
            Some(Ending::Closing(reason)) => self.control.push_back(Frame::Goodbye { reason }),
        }
        self.end();
    }

    fn welcome(&mut self, Hello { program, read_only }: Hello) {
        self.link.greet(&program, read_only || self.node.options.read_only);
        if read_only {
            self.connection = Arc::new(ReadOnly::new(Arc::clone(&self.connection)));
        }
        self.control.push_back(Frame::Welcome {
            version: VERSION,
            program: self.program.clone(),
            process: self.process,
            read_only: read_only || self.node.options.read_only,
            open: u64::try_from(MAX_OPEN).unwrap_or(u64::MAX),
            window: WINDOW,
        });
    }

    fn open(&mut self, stream: u64, mut request: Request, cancel: Cancel) {
        let is_tap = matches!(request, Request::Tap);
        let events = match self.own_session(&mut request) {
            Ok(()) => self.connection.request_unless(request, cancel),
            Err(refused) => Box::pin(stream::iter([Event::Failed(*refused)])),
        };
        let answer = Answer { events, credit: WINDOW, sending: None, name: "", is_tap };
        self.answers.insert(stream, answer);
    }

    /// Puts the number that the request's session has in the node in the place of the one that it has on this link.
    fn own_session(&mut self, request: &mut Request) -> Outcome<()> {
        let closes = matches!(request, Request::CloseSession { .. });
        let Some(session) = request.session_mut() else { return Ok(()) };
        let own = match self.sessions.get(session) {
            Some(own) => *own,
            None if self.sessions.len() >= MAX_SESSIONS => {
                let message = format!("the link has {MAX_SESSIONS} sessions, which is the limit");
                return Err(failure("too-many-sessions", message).help("close one first"));
            }
            None => self.node.links.session(),
        };
        if closes {
            self.sessions.remove(session);
        } else {
            self.sessions.insert(*session, own);
        }
        *session = own;
        Ok(())
    }

    /// The next piece of the answer whose turn it is.
    fn next_piece(&mut self) -> Option<Vec<u8>> {
        for _ in 0..self.turns.len() {
            let stream = self.turns.pop_front()?;
            let Some(answer) = self.answers.get_mut(&stream) else { continue };
            let Some(sending) = &mut answer.sending else { continue };
            if answer.credit == 0 && sending.left() > 0 {
                self.turns.push_back(stream);
                continue;
            }
            let before = sending.left();
            let (frame, last) = sending.piece(usize::try_from(answer.credit).unwrap_or(usize::MAX));
            let sent = u64::try_from(before.saturating_sub(sending.left())).unwrap_or(u64::MAX);
            answer.credit = answer.credit.saturating_sub(sent);
            let (name, is_tap) = (if last { answer.name } else { "" }, answer.is_tap);
            if last {
                answer.sending = None;
            } else {
                self.turns.push_back(stream);
            }
            if matches!(frame, Frame::Data { over: true, .. }) {
                self.answers.remove(&stream);
                self.inbox.over(stream);
            }
            return Some(self.emit(&frame, name, is_tap));
        }
        None
    }

    /// Asks every answer that may go on for what comes next. Says whether anything came.
    fn ask(&mut self, context: &mut Context<'_>) -> bool {
        let mut ends = Vec::new();
        let mut found = self.ask_each(context, &mut ends);
        if !ends.is_empty() && self.answers.len() > 1 {
            // What an answer brought about elsewhere, such as in a live query, is told before its end is.
            found |= self.ask_each(context, &mut ends);
        }
        found |= !ends.is_empty();
        self.turns.extend(ends);
        found
    }

    fn ask_each(&mut self, context: &mut Context<'_>, ends: &mut Vec<u64>) -> bool {
        let before = self.turns.len();
        for (stream, answer) in &mut self.answers {
            if answer.sending.is_some() || answer.credit == 0 {
                continue;
            }
            let Poll::Ready(event) = poll_event(&mut answer.events, context) else { continue };
            let (bytes, over) = event.as_ref().map_or((Vec::new(), true), encoded);
            answer.name = event.as_ref().map_or("end", Event::name);
            answer.sending = Some(Sending::new(*stream, bytes, over));
            if over { ends.push(*stream) } else { self.turns.push_back(*stream) }
        }
        self.turns.len() > before
    }

    /// The bytes of a frame that is being sent.
    fn emit(&self, frame: &Frame, name: &str, hidden: bool) -> Vec<u8> {
        let bytes = frame.encode_prefixed();
        self.note_counts();
        self.link.saw(TapDirection::Out, frame.kind(), frame.stream(), name, bytes.len(), hidden);
        bytes
    }

    fn note_counts(&self) {
        let waiting = self.answers.values().filter_map(|answer| answer.sending.as_ref().map(Sending::left));
        self.link.holds(self.answers.len(), self.sessions.len(), waiting.sum());
    }

    /// Gives everything up: answers first, so that none of them holds a session.
    fn end(&mut self) {
        self.ended = true;
        self.turns.clear();
        self.answers.clear();
        for session in std::mem::take(&mut self.sessions).into_values() {
            self.node.close_session(session);
        }
    }
}

impl Drop for ServerOutgoing {
    fn drop(&mut self) {
        self.inbox.end(Ending::Left);
        self.end();
    }
}

/// What comes next of an answer. Where an engine panics, that is a failure like others, and the link lives on.
fn poll_event(events: &mut EventStream, context: &mut Context<'_>) -> Poll<Option<Event>> {
    catch_unwind(AssertUnwindSafe(|| events.poll_next_unpin(context))).unwrap_or_else(|_| {
        let message = "the files of the store may be damaged: the engine met something there that cannot be";
        *events = Box::pin(stream::empty());
        Poll::Ready(Some(Event::Failed(*failure("engine", message))))
    })
}

/// The bytes of an event, or of a failure in its place where it is too long; and whether the answer ends with it.
fn encoded(event: &Event) -> (Vec<u8>, bool) {
    let bytes = encode_event(event);
    if bytes.len() <= MAX_EVENT {
        return (bytes, matches!(event, Event::Done(_) | Event::Failed(_)));
    }
    let message = format!("a part of the answer has {} bytes; a link carries up to {MAX_EVENT}", bytes.len());
    let failed = failure("too-large", message).help("ask for fewer rows at a time");
    (encode_event(&Event::Failed(*failed)), true)
}
