//! The two halves of the end of a link that asks.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use super::LinkError;
use super::event::decode_event;
use super::frame::{Frame, MAX_CHUNK, OLDEST, Splitter, VERSION};
use super::remote::{LinkEnd, Remote, Shared};

/// What the end of a link that asks says of itself.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// What this program calls itself.
    pub program: String,
    /// Whether the node is to refuse what writes.
    pub read_only: bool,
}

/// The end of a new link that asks: what is given the bytes that come, the stream of bytes that are to be sent, and the
/// node at the other end.
pub fn connect(options: ClientOptions) -> (ClientIncoming, ClientOutgoing, Remote) {
    let ClientOptions { program, read_only } = options;
    let shared = Arc::new(Shared::default());
    let hello = Frame::Hello { oldest: OLDEST, newest: VERSION, program, read_only };
    shared.lock().control.push_back(hello);
    let incoming = ClientIncoming { shared: Arc::clone(&shared), splitter: Splitter::default() };
    (incoming, ClientOutgoing { shared: Arc::clone(&shared) }, Remote::new(shared))
}

/// The half that is given what comes. Dropping it says that nothing more will come.
#[derive(Debug)]
pub struct ClientIncoming {
    shared: Arc<Shared>,
    splitter: Splitter,
}

impl ClientIncoming {
    /// Takes in bytes that came, cut anywhere.
    ///
    /// # Errors
    /// [`LinkError`] where they break the protocol, or where the other side says that it ends the link. The link is at
    /// its end then, and nothing more is to be read.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.splitter.push(bytes);
        let taken = self.take_frames();
        if let Err(error) = &taken {
            self.shared.lock().finish(LinkEnd::Wrong(error.clone()));
        }
        taken
    }

    fn take_frames(&mut self) -> Result<(), LinkError> {
        while let Some((frame, _)) = self.splitter.next_frame()? {
            let mut state = self.shared.lock();
            if state.end.is_some() {
                return Ok(());
            }
            let Some(piece) = state.take_in(frame)? else { continue };
            // Reading it may take a while.
            drop(state);
            let event = if piece.bytes.is_empty() { None } else { Some(decode_event(&piece.bytes)?) };
            self.shared.lock().put(&piece, event);
        }
        Ok(())
    }
}

impl Drop for ClientIncoming {
    fn drop(&mut self) {
        self.shared.lock().finish(LinkEnd::Lost);
    }
}

/// The half that sends: a stream of bytes for the other side, which ends with the link.
#[derive(Debug)]
pub struct ClientOutgoing {
    shared: Arc<Shared>,
}

impl ClientOutgoing {
    /// Ends the answers that were given up by their [`Cancel`](crate::node::protocol::Cancel). Says whether there are
    /// answers that may still be: this is then to be called again within a few milliseconds, since nobody is told when
    /// one is.
    pub fn look_for_cancelled(&self) -> bool {
        self.shared.look_for_cancelled()
    }
}

impl Stream for ClientOutgoing {
    type Item = Vec<u8>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut state = self.shared.lock();
        if let Some(frame) = state.next_control() {
            return Poll::Ready(Some(frame.encode_prefixed()));
        }
        if state.end.is_some() {
            return Poll::Ready(None);
        }
        if let Some(mut sending) = state.sending.pop_front() {
            let (frame, last) = sending.piece(MAX_CHUNK);
            if !last {
                state.sending.push_back(sending);
            }
            return Poll::Ready(Some(frame.encode_prefixed()));
        }
        state.sender = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for ClientOutgoing {
    fn drop(&mut self) {
        self.shared.lock().finish(LinkEnd::Lost);
    }
}
