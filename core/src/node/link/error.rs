//! Why a link ends.

use crate::codec::DecodeError;

/// What the other side did that the protocol does not have. The link ends with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The first frame is not that of this protocol.
    #[error("the other side does not speak the protocol of Ankurah")]
    Stranger,
    /// There is no version that both know.
    #[error(
        "the other side speaks versions {oldest} to {newest} of the protocol, this one {} to {}: use the same version \
         of the program on both sides",
        super::frame::OLDEST,
        super::frame::VERSION
    )]
    Version {
        /// The oldest that the other side speaks.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
    /// A frame is longer than frames may be.
    #[error("a frame of {length} bytes; the limit is {}", super::frame::MAX_FRAME)]
    TooLong {
        /// Its bytes.
        length: u64,
    },
    /// A frame cannot be read.
    #[error("a frame cannot be read: {0}")]
    Frame(DecodeError),
    /// A request or an event cannot be read.
    #[error("{what} cannot be read: {error}")]
    Message {
        /// `a request` or `an answer`.
        what: &'static str,
        /// Why.
        error: DecodeError,
    },
    /// A request or an event is longer than one may be.
    #[error("{what} of more than {limit} bytes")]
    MessageTooLong {
        /// `a request` or `an answer`.
        what: &'static str,
        /// The most that it may have.
        limit: usize,
    },
    /// More requests are open than may be.
    #[error("more than {limit} requests are open at the same time")]
    TooManyOpen {
        /// The most that may be.
        limit: u64,
    },
    /// A frame came where it has no place.
    #[error("{0}")]
    Order(&'static str),
    /// The other side ended the link, and said why.
    #[error("{0}")]
    Said(String),
}
