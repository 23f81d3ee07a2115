//! Both ends of a link in one process: for tests, and for simulations of links.
//!
//! Nothing is carried by a thread: whoever polls an answer carries what is to be carried, piece by piece, so that with
//! the same pieces everything comes out the same.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::task::{ArcWake, waker};
use futures::{Stream, StreamExt};

use super::client::{ClientIncoming, ClientOptions, ClientOutgoing, connect};
use super::inbox::ServerIncoming;
use super::info::LinkPeer;
use super::remote::Remote;
use super::server::{ServerCloser, ServerOptions, ServerOutgoing};
use crate::node::Node;
use crate::node::protocol::{Cancel, Connection, Event, EventStream, Request};

/// How bytes are carried: asked before each piece with the bytes that wait, says how many of them are carried now.
/// `None` breaks the link, and 0 lets them wait until an answer is polled again.
#[cfg(not(target_arch = "wasm32"))]
pub type Carry = Box<dyn FnMut(usize) -> Option<usize> + Send>;
/// How bytes are carried: asked before each piece with the bytes that wait, says how many of them are carried now.
/// `None` breaks the link, and 0 lets them wait until an answer is polled again.
#[cfg(target_arch = "wasm32")]
pub type Carry = Box<dyn FnMut(usize) -> Option<usize>>;

/// A connection to a node of the same process over a link.
pub struct Loopback {
    remote: Remote,
    closer: ServerCloser,
    pump: Arc<Pump>,
}

impl Node {
    /// A way to ask this node over a link that never leaves the process.
    pub fn loopback(&self, options: ClientOptions, carry: Carry) -> Loopback {
        let (client_in, client_out, remote) = connect(options);
        let (server_in, server_out, closer) = self.serve(ServerOptions {
            program: "loopback".to_owned(),
            process: None,
            peer: LinkPeer { transport: "memory".to_owned(), ..LinkPeer::default() },
        });
        let ends = Ends {
            to_server: Way { bytes: Vec::new(), from: Some(client_out), to: Some(server_in) },
            to_client: Way { bytes: Vec::new(), from: Some(server_out), to: Some(client_in) },
            carry,
        };
        let pump = Arc::new(Pump { ends: Mutex::new(Some(ends)), pollers: Arc::default() });
        Loopback { remote, closer, pump }
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl Loopback {
    /// The node at the other end. It is carried to and from only while answers of this connection are polled.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Ends the link from the node's side.
    pub fn close(&self, reason: &str) {
        self.closer.close(reason);
    }

    /// Carries what can be carried now. Says whether anything was.
    pub fn carry(&self) -> bool {
        self.pump.run()
    }

    fn carried(&self, answer: EventStream) -> EventStream {
        Box::pin(Carried { answer, pump: Arc::clone(&self.pump) })
    }
}

impl Connection for Loopback {
    fn request(&self, request: Request) -> EventStream {
        self.carried(self.remote.request(request))
    }

    fn request_unless(&self, request: Request, cancel: Cancel) -> EventStream {
        self.carried(self.remote.request_unless(request, cancel))
    }
}

/// Bytes on their way from one end to the other.
struct Way<F, T> {
    bytes: Vec<u8>,
    from: Option<F>,
    to: Option<T>,
}

/// What takes in bytes that came; false where it wants no more.
trait Takes {
    fn takes(&mut self, bytes: &[u8]) -> bool;
}

impl Takes for ServerIncoming {
    fn takes(&mut self, bytes: &[u8]) -> bool {
        self.receive(bytes).is_ok()
    }
}

impl Takes for ClientIncoming {
    fn takes(&mut self, bytes: &[u8]) -> bool {
        self.receive(bytes).is_ok()
    }
}

impl<F: Stream<Item = Vec<u8>> + Unpin, T: Takes> Way<F, T> {
    /// Carries a piece. `None` where the link breaks.
    fn run(&mut self, carry: &mut Carry, context: &mut Context<'_>) -> Option<bool> {
        let mut moved = false;
        if self.bytes.is_empty() {
            match self.from.as_mut().map(|from| from.poll_next_unpin(context)) {
                Some(Poll::Ready(Some(bytes))) => {
                    self.bytes = bytes;
                    moved = true;
                }
                Some(Poll::Ready(None)) => {
                    self.from = None;
                    moved = true;
                }
                Some(Poll::Pending) | None => {}
            }
        }
        if self.bytes.is_empty() {
            // Nothing will come any more.
            if self.from.is_none() {
                self.to = None;
            }
            return Some(moved);
        }
        let size = carry(self.bytes.len())?.min(self.bytes.len());
        let piece: Vec<u8> = self.bytes.drain(..size).collect();
        if let Some(to) = &mut self.to {
            if !to.takes(&piece) {
                self.to = None;
            }
        }
        Some(moved || size > 0)
    }
}

struct Ends {
    to_server: Way<ClientOutgoing, ServerIncoming>,
    to_client: Way<ServerOutgoing, ClientIncoming>,
    carry: Carry,
}

/// Wakes all who wait for something of the link.
#[derive(Default)]
struct Pollers(Mutex<Vec<Waker>>);

impl ArcWake for Pollers {
    fn wake_by_ref(pollers: &Arc<Self>) {
        let waiting = std::mem::take(&mut *pollers.0.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }
}

struct Pump {
    ends: Mutex<Option<Ends>>,
    pollers: Arc<Pollers>,
}

impl Pump {
    fn lock(&self) -> MutexGuard<'_, Option<Ends>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries as long as something moves.
    fn run(&self) -> bool {
        let waker = waker(Arc::clone(&self.pollers));
        let mut context = Context::from_waker(&waker);
        let mut any = false;
        let mut slot = self.lock();
        loop {
            let Some(ends) = slot.as_mut() else { return any };
            let _ = ends.to_server.from.as_ref().is_some_and(ClientOutgoing::look_for_cancelled);
            let up = ends.to_server.run(&mut ends.carry, &mut context);
            let down = ends.to_client.run(&mut ends.carry, &mut context);
            match (up, down) {
                (Some(up), Some(down)) if up || down => any = true,
                (Some(_), Some(_)) => {
                    if ends.to_server.to.is_none() && ends.to_client.to.is_none() {
                        *slot = None;
                    }
                    return any;
                }
                (None, _) | (_, None) => {
                    *slot = None;
                    return any;
                }
            }
        }
    }
}

/// An answer that carries what the link has to be carried whenever it is polled.
struct Carried {
    answer: EventStream,
    pump: Arc<Pump>,
}

impl Stream for Carried {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Poll::Ready(event) = self.answer.poll_next_unpin(context) {
            return Poll::Ready(event);
        }
        self.pump.pollers.0.lock().unwrap_or_else(PoisonError::into_inner).push(context.waker().clone());
        self.pump.run();
        match self.answer.poll_next_unpin(context) {
            Poll::Pending => {
                // What was told to wait is to be tried again.
                let waits =
                    self.pump.lock().as_ref().is_some_and(|ends| {
                        !ends.to_server.bytes.is_empty() || !ends.to_client.bytes.is_empty()
                    });
                if waits {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            }
            ready @ Poll::Ready(_) => ready,
        }
    }
}

/// Carries everything at once.
pub fn whole() -> Carry {
    Box::new(Some)
}
