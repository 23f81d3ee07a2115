//! The one way by which text that came from data reaches a terminal: the REPL, the inspector and what they say of
//! errors all go through [`Safe`].

mod safe;

pub use safe::{Safe, width};
