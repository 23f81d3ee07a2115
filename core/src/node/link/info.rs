//! What a node says of its links.

use serde::{Deserialize, Serialize};

use crate::value::Timestamp;

/// Who is at the other end of a link, as the transport knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPeer {
    /// What carries the link: `local`, `memory`, ….
    pub transport: String,
    /// The number of the process, where it is one of this machine.
    pub process: Option<u32>,
    /// The number of the user that it runs as, where the transport tells.
    pub user: Option<u32>,
}

/// A link of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkInfo {
    /// Its number, from 1. No other link of the node ever has the same.
    pub id: u64,
    /// Who is at the other end.
    pub peer: LinkPeer,
    /// What the program at the other end calls itself.
    pub program: String,
    /// Since when, by the node's clock.
    pub since: Timestamp,
    /// Whether what writes is refused.
    pub read_only: bool,
    /// Sessions that were opened over it and are still open.
    pub sessions: u64,
    /// Requests that are being answered.
    pub open: u64,
    /// Requests so far.
    pub requests: u64,
    /// Bytes of answers that are ready and wait to be sent, for credit most of the time.
    pub waiting: u64,
    /// Frames that came.
    pub frames_in: u64,
    /// Frames that were sent.
    pub frames_out: u64,
    /// Bytes that came.
    pub bytes_in: u64,
    /// Bytes that were sent.
    pub bytes_out: u64,
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TapDirection {
    /// To the node.
    In,
    /// From the node.
    Out,
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameKind {
    /// The first one to the node.
    Hello,
    /// The first one from the node.
    Welcome,
    /// A piece of a request or of an event.
    Data,
    /// More may be sent of an answer.
    Credit,
    /// An answer is not wanted any more.
    Cancel,
    /// The link ends.
    Goodbye,
}

impl FrameKind {
    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            FrameKind::Hello => "hello",
            FrameKind::Welcome => "welcome",
            FrameKind::Data => "data",
            FrameKind::Credit => "credit",
            FrameKind::Cancel => "cancel",
            FrameKind::Goodbye => "goodbye",
        }
    }
}

/// A frame that went over a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapFrame {
    /// When, by the node's clock.
    pub at: Timestamp,
    /// The number of the link.
    pub link: u64,
    /// Which way.
    pub direction: TapDirection,
    /// What for.
    pub kind: FrameKind,
    /// The number of the request that it is about; 0 where it is about none.
    pub stream: u64,
    /// The request or the event that the frame ends, such as `execute` or `rows`; empty in the middle of one, and for
    /// other kinds of frames.
    pub what: String,
    /// Its bytes, those of its length with it.
    pub bytes: u64,
}

/// Frames that went over the links of a node since the last ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapFrames {
    /// The frames, in their order.
    pub frames: Vec<TapFrame>,
    /// How many frames before them were dropped, as more came than were read.
    pub dropped: u64,
}
