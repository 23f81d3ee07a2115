//! The frames of a link.
//!
//! A link is a stream of bytes each way: frames one after the other, each with its length in four bytes before it.
//! Where what carries it sends messages, they are pieces of that stream, cut anywhere.

use super::LinkError;
use super::info::FrameKind;
use crate::codec::{DecodeError, Problem, Reader, Writer};

/// The newest version of the protocol that is spoken here.
pub const VERSION: u64 = 1;
/// The oldest.
pub const OLDEST: u64 = 1;
/// The most bytes of a request or an event in one frame: 64 KiB.
pub const MAX_CHUNK: usize = 64 << 10;
/// The most bytes of a frame.
pub const MAX_FRAME: usize = MAX_CHUNK + 64;
/// The most bytes of a request: 64 MiB. All requests of a link together of which the end has not come may have as many.
pub const MAX_REQUEST: usize = 64 << 20;
/// The most bytes of an event: 256 MiB.
pub const MAX_EVENT: usize = 256 << 20;
/// The most requests that are open at the same time on a link.
pub const MAX_OPEN: usize = 256;
/// The credit of an answer at its beginning, in bytes: 256 KiB.
pub const WINDOW: u64 = 256 << 10;
/// The bytes of a frame's length before it.
pub const PREFIX: usize = 4;

/// The most bytes of a program's name.
const MAX_NAME: usize = 256;
/// The most bytes of a goodbye.
const MAX_REASON: usize = 16 << 10;
/// What the first frame begins with, so that something else at the other end is noticed.
const MAGIC: &[u8; 7] = b"ankurah";

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The first frame to the node. Its layout is the same in all versions up to `newest`; what later ones add comes
    /// after it.
    Hello {
        /// The oldest version that the sender speaks.
        oldest: u64,
        /// The newest.
        newest: u64,
        /// What the sender's program calls itself.
        program: String,
        /// Whether the node is to refuse what writes.
        read_only: bool,
    },
    /// The first frame from the node.
    Welcome {
        /// The version that both speak from now on.
        version: u64,
        /// What the node's program calls itself.
        program: String,
        /// The number of its process.
        process: Option<u32>,
        /// Whether what writes is refused.
        read_only: bool,
        /// How many requests may be open at the same time.
        open: u64,
        /// The credit of each answer at its beginning, in bytes.
        window: u64,
    },
    /// A piece of a request or of an event.
    Data {
        /// The request. Their numbers ascend, from 1.
        stream: u64,
        /// Whether the request or the event ends with it.
        last: bool,
        /// Whether the answer ends with it. No more frames are about the request then.
        over: bool,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// More of an answer may be sent.
    Credit {
        /// The request.
        stream: u64,
        /// So many bytes more.
        bytes: u64,
    },
    /// An answer is not wanted any more.
    Cancel {
        /// The request.
        stream: u64,
    },
    /// The link ends. Its layout is the same in all versions.
    Goodbye {
        /// Why, for people.
        reason: String,
    },
}

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const DATA: u8 = 3;
const CREDIT: u8 = 4;
const CANCEL: u8 = 5;
const GOODBYE: u8 = 6;

const LAST: u8 = 1;
const OVER: u8 = 2;

/// The beginning of a text that fits in so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

impl Frame {
    /// What it is for.
    pub fn kind(&self) -> FrameKind {
        match self {
            Frame::Hello { .. } => FrameKind::Hello,
            Frame::Welcome { .. } => FrameKind::Welcome,
            Frame::Data { .. } => FrameKind::Data,
            Frame::Credit { .. } => FrameKind::Credit,
            Frame::Cancel { .. } => FrameKind::Cancel,
            Frame::Goodbye { .. } => FrameKind::Goodbye,
        }
    }

    /// The request that it is about; 0 where it is about none.
    pub fn stream(&self) -> u64 {
        match self {
            Frame::Data { stream, .. } | Frame::Credit { stream, .. } | Frame::Cancel { stream } => *stream,
            Frame::Hello { .. } | Frame::Welcome { .. } | Frame::Goodbye { .. } => 0,
        }
    }

    /// The bytes of the frame, without its length before them.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_bytes()
    }

    /// The bytes of the frame with its length before them, for a stream of bytes.
    pub fn encode_prefixed(&self) -> Vec<u8> {
        let body = self.encode();
        // No frame is as long as that: texts are cut, and pieces are made by this module's limits.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(body.len().saturating_add(PREFIX));
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Frame::Hello { oldest, newest, program, read_only } => {
                writer.u8(HELLO);
                writer.raw(MAGIC);
                writer.varint(*oldest);
                writer.varint(*newest);
                writer.string(cut(program, MAX_NAME));
                writer.bool(*read_only);
            }
            Frame::Welcome { version, program, process, read_only, open, window } => {
                writer.u8(WELCOME);
                writer.raw(MAGIC);
                writer.varint(*version);
                writer.string(cut(program, MAX_NAME));
                writer.bool(process.is_some());
                if let Some(process) = process {
                    writer.varint(u64::from(*process));
                }
                writer.bool(*read_only);
                writer.varint(*open);
                writer.varint(*window);
            }
            Frame::Data { stream, last, over, bytes } => {
                writer.u8(DATA);
                writer.varint(*stream);
                writer.u8(if *last { LAST } else { 0 } | if *over { OVER } else { 0 });
                writer.raw(bytes);
            }
            Frame::Credit { stream, bytes } => {
                writer.u8(CREDIT);
                writer.varint(*stream);
                writer.varint(*bytes);
            }
            Frame::Cancel { stream } => {
                writer.u8(CANCEL);
                writer.varint(*stream);
            }
            Frame::Goodbye { reason } => {
                writer.u8(GOODBYE);
                writer.string(cut(reason, MAX_REASON));
            }
        }
    }

    /// Reads a frame that fills the bytes.
    ///
    /// # Errors
    /// [`LinkError::TooLong`], [`LinkError::Stranger`] where it is a first frame of something else,
    /// [`LinkError::Version`] where it is one of another version, and [`LinkError::Frame`] where it is none.
    pub fn decode(bytes: &[u8]) -> Result<Frame, LinkError> {
        if bytes.len() > MAX_FRAME {
            return Err(LinkError::TooLong { length: u64::try_from(bytes.len()).unwrap_or(u64::MAX) });
        }
        let mut reader = Reader::new(bytes);
        let kind = reader.u8("frame kind").map_err(LinkError::Frame)?;
        if kind == HELLO || kind == WELCOME {
            let magic = reader.array::<7>("name of the protocol");
            if !magic.is_ok_and(|magic| magic == *MAGIC) {
                return Err(LinkError::Stranger);
            }
        }
        if kind == HELLO {
            let (oldest, newest) = versions(&mut reader).map_err(LinkError::Frame)?;
            if oldest > VERSION || newest < OLDEST || oldest > newest {
                return Err(LinkError::Version { oldest, newest });
            }
            return hello(reader, oldest, newest).map_err(LinkError::Frame);
        }
        if kind == WELCOME {
            let version = reader.varint("version").map_err(LinkError::Frame)?;
            if !(OLDEST..=VERSION).contains(&version) {
                return Err(LinkError::Version { oldest: version, newest: version });
            }
            return welcome(reader, version).map_err(LinkError::Frame);
        }
        read(kind, reader).map_err(LinkError::Frame)
    }
}

fn versions(reader: &mut Reader<'_>) -> Result<(u64, u64), DecodeError> {
    Ok((reader.varint("oldest version")?, reader.varint("newest version")?))
}

fn hello(mut reader: Reader<'_>, oldest: u64, newest: u64) -> Result<Frame, DecodeError> {
    let program = reader.string("program", MAX_NAME)?.to_owned();
    let read_only = reader.bool("read-only")?;
    // What a newer version says after it is for those who speak it.
    if newest <= VERSION {
        reader.finish()?;
    }
    Ok(Frame::Hello { oldest, newest, program, read_only })
}

fn welcome(mut reader: Reader<'_>, version: u64) -> Result<Frame, DecodeError> {
    let program = reader.string("program", MAX_NAME)?.to_owned();
    let process = if reader.bool("process")? { Some(reader.varint32("process")?) } else { None };
    let read_only = reader.bool("read-only")?;
    let open = reader.varint("open requests")?;
    let window = reader.varint("credit")?;
    reader.finish()?;
    Ok(Frame::Welcome { version, program, process, read_only, open, window })
}

fn read(kind: u8, mut reader: Reader<'_>) -> Result<Frame, DecodeError> {
    let frame = match kind {
        DATA => {
            let stream = stream(&mut reader)?;
            let at = reader.offset();
            let flags = reader.u8("flags")?;
            if flags > (LAST | OVER) || flags == OVER {
                return Err(reader.error_at(at, "flags", Problem::Tag(u64::from(flags))));
            }
            let bytes = reader.rest();
            if bytes.len() > MAX_CHUNK {
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let limit = u64::try_from(MAX_CHUNK).unwrap_or(u64::MAX);
                return Err(reader.error("piece", Problem::OverLimit { length, limit }));
            }
            let (last, over) = (flags & LAST != 0, flags & OVER != 0);
            return Ok(Frame::Data { stream, last, over, bytes: bytes.to_vec() });
        }
        CREDIT => {
            let stream = stream(&mut reader)?;
            Frame::Credit { stream, bytes: reader.varint("credit")? }
        }
        CANCEL => Frame::Cancel { stream: stream(&mut reader)? },
        GOODBYE => {
            let reason = reader.string("reason", MAX_REASON)?.to_owned();
            // A later version may say more.
            return Ok(Frame::Goodbye { reason });
        }
        other => return Err(reader.error_at(0, "frame kind", Problem::Tag(u64::from(other)))),
    };
    reader.finish()?;
    Ok(frame)
}

fn stream(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let at = reader.offset();
    match reader.varint("request number")? {
        0 => Err(reader.error_at(at, "request number", Problem::Rule("requests are numbered from 1"))),
        stream => Ok(stream),
    }
}

/// Cuts a stream of bytes into frames. It keeps no more than what came of one frame, and what was given to it last.
#[derive(Debug, Default)]
pub struct Splitter {
    bytes: Vec<u8>,
    start: usize,
}

impl Splitter {
    /// Adds bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start.min(self.bytes.len()));
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame that is there as a whole, and its length with the bytes before it.
    ///
    /// # Errors
    /// As [`Frame::decode`]. A frame that is too long is refused as soon as its length is known.
    pub fn next_frame(&mut self) -> Result<Option<(Frame, usize)>, LinkError> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let Some((prefix, rest)) = rest.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*prefix);
        let size = usize::try_from(length).ok().filter(|size| *size <= MAX_FRAME);
        let Some(size) = size else { return Err(LinkError::TooLong { length: u64::from(length) }) };
        let Some(body) = rest.get(..size) else { return Ok(None) };
        let frame = Frame::decode(body)?;
        let whole = size.saturating_add(PREFIX);
        self.start = self.start.saturating_add(whole);
        Ok(Some((frame, whole)))
    }
}
