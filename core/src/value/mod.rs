//! The value domain, the same on every engine: types, order, text forms and encodings.
//!
//! | module | what it holds |
//! |---|---|
//! | [`codec`] | the compact encoding in payloads, states and messages |
//! | [`json`] | the canonical form of JSON documents |

pub mod codec;
mod domain;
pub mod json;
mod order;
#[cfg(test)]
pub(crate) mod testing;
mod types;

pub use domain::DomainError;
pub use order::compare_floats;
pub use types::{Timestamp, TypeTag, Value, ValueType};
