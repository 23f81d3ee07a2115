//! Messages on their way, piece by piece.

use super::frame::{Frame, MAX_CHUNK};

/// A request or an event of which pieces are still to be sent.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) stream: u64,
    bytes: Vec<u8>,
    sent: usize,
    /// Whether the answer ends with it.
    over: bool,
}

impl Sending {
    pub(super) fn new(stream: u64, bytes: Vec<u8>, over: bool) -> Self {
        Sending { stream, bytes, sent: 0, over }
    }

    /// How many bytes are still to be sent.
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.sent)
    }

    /// Whether a piece of it was sent.
    pub(super) fn has_begun(&self) -> bool {
        self.sent > 0
    }

    /// The next piece, of at most so many bytes; and whether it is the last one.
    pub(super) fn piece(&mut self, most: usize) -> (Frame, bool) {
        let size = self.left().min(most).min(MAX_CHUNK);
        let end = self.sent.saturating_add(size);
        let bytes = self.bytes.get(self.sent..end).unwrap_or_default().to_vec();
        self.sent = end;
        let last = self.left() == 0;
        (Frame::Data { stream: self.stream, last, over: last && self.over, bytes }, last)
    }
}
