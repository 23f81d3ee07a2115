//! The value domain, the same on every engine: types, order, text forms and encodings.
//!
//! | module | what it holds |
//! |---|---|
//! | [`codec`] | the compact encoding in payloads, states and messages |
//! | [`key`] | the order-preserving encoding in index keys |
//! | [`json`] | the canonical form of JSON documents |
//! | [`text`] | the text form of every type, and reading it |
//! | [`timestamp`] | the text form of timestamps |
//! | [`cast`](mod@cast) | casts between types |

mod borrowed;
pub mod cast;
pub mod codec;
mod domain;
pub mod json;
pub mod key;
mod order;
mod rows;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod timestamp;
mod types;

pub use borrowed::ValueRef;
pub use cast::{CastError, cast};
pub use domain::DomainError;
pub use order::compare_floats;
pub(crate) use rows::Pick;
pub use rows::{RowRef, Rows};
pub use text::{ValueParseError, parse};
pub use types::{Timestamp, TypeTag, Value, ValueType};
