//! Bringing nodes together: a state machine for each link, handed messages and giving messages. It opens no
//! socket and starts no timer, so a simulator can run it as well as a browser.
//!
//! Each side sends what its log has and the other lacks, in the order of the log and only what is flushed. The
//! receiver takes operations in whatever order messages come, and acknowledges the place in the sender's log up
//! to which it has everything durably, parked operations included. What is not acknowledged in time is sent
//! again, so messages may be delayed, reordered, repeated and lost.

mod intervals;
mod message;
mod peer;

pub use message::{Cursor, MAX_MESSAGE, Message, MessageError, VERSION};
pub use peer::{Peer, PeerError, PeerOptions};
