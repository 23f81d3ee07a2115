//! What nodes say to each other.

use serde::{Deserialize, Serialize};

use crate::id::{EntityId, OpId, StoreId};

/// The version of the messages: the first byte of each.
pub const VERSION: u8 = 1;

/// The greatest message in bytes: 24 MiB, so that the greatest operation fits.
pub const MAX_MESSAGE: usize = 24 << 20;

/// A place in a store's log: before the operation with number `index` of the commit at `position`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The position of the commit.
    pub position: u64,
    /// Operations of the commit before this place.
    pub index: u64,
}

impl Cursor {
    /// The beginning of every log.
    pub const START: Cursor = Cursor { position: 1, index: 0 };
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The first from each side, and again after a reconnect.
    Hello {
        /// The sender's store.
        store: StoreId,
        /// The epoch of its log; cursors of another epoch mean nothing.
        epoch: u64,
        /// What the sender has of the receiver's log, where it knows the receiver.
        have: Option<Have>,
        /// Whether the sender wants a `Hello` in return: it has none yet.
        answer: bool,
    },
    /// A piece of the sender's log.
    Operations {
        /// Where it begins.
        from: Cursor,
        /// Where the next one begins.
        to: Cursor,
        /// The operations, encoded.
        operations: Vec<Bytes>,
    },
    /// The sender has everything of the receiver's log before this place durably.
    Ack {
        /// The place.
        upto: Cursor,
    },
    /// The sender lacks these operations.
    Request {
        /// Entities and operations.
        operations: Vec<(EntityId, OpId)>,
    },
    /// Operations that were requested, outside the order of the log.
    Supply {
        /// The operations, encoded.
        operations: Vec<Bytes>,
    },
}

/// Encoded bytes of an operation.
type Bytes = Vec<u8>;

/// How much of a log somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Have {
    /// Whose log.
    pub store: StoreId,
    /// Its epoch.
    pub epoch: u64,
    /// Everything before this place.
    pub upto: Cursor,
}

/// Bytes that are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The other side speaks a version that this one does not know.
    #[error("the other side speaks version {0} of the protocol, this one {VERSION}")]
    Version(u8),
    /// Longer than [`MAX_MESSAGE`].
    #[error("a message of {0} bytes; the limit is {MAX_MESSAGE}")]
    TooLong(usize),
    /// Not a message.
    #[error("not a message: {0}")]
    Malformed(String),
}

impl Message {
    /// The bytes: [`VERSION`], then the message as postcard.
    ///
    /// # Errors
    /// [`MessageError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        let bytes = postcard::to_extend(self, vec![VERSION])
            .map_err(|error| MessageError::Malformed(error.to_string()))?;
        if bytes.len() > MAX_MESSAGE { Err(MessageError::TooLong(bytes.len())) } else { Ok(bytes) }
    }

    /// Reads a message that fills the bytes.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let Some((version, body)) = bytes.split_first() else {
            return Err(MessageError::Malformed("it is empty".to_owned()));
        };
        if *version != VERSION {
            return Err(MessageError::Version(*version));
        }
        let (message, rest) =
            postcard::take_from_bytes(body).map_err(|error| MessageError::Malformed(error.to_string()))?;
        match rest.len() {
            0 => Ok(message),
            count => Err(MessageError::Malformed(format!("{count} bytes are left over"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_come_back() {
        let store = StoreId([3; 16]);
        let upto = Cursor { position: 9, index: 2 };
        for message in [
            Message::Hello { store, epoch: 2, have: Some(Have { store, epoch: 1, upto }), answer: true },
            Message::Operations { from: Cursor::START, to: upto, operations: vec![vec![1, 2], vec![]] },
            Message::Ack { upto },
            Message::Request { operations: vec![(EntityId::from_bytes([1; 16]), OpId::MAX)] },
            Message::Supply { operations: vec![vec![7]] },
        ] {
            assert_eq!(Message::decode(&message.encode().unwrap()), Ok(message));
        }
    }

    #[test]
    fn other_versions_and_left_over_bytes_are_refused() {
        let mut bytes = Message::Ack { upto: Cursor::START }.encode().unwrap();
        bytes.push(0);
        assert!(matches!(Message::decode(&bytes), Err(MessageError::Malformed(_))));
        assert_eq!(Message::decode(&[2, 0]), Err(MessageError::Version(2)));
        assert!(Message::decode(&[]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = Message::decode(&bytes);
        }
    }
}
