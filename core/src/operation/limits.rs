//! How large an operation can be. Decoding refuses what is larger, making does too.

/// Bytes of an encoded operation: 16 MiB.
pub const OPERATION_BYTES: usize = 16 << 20;

/// Changed properties.
pub const LEAVES: usize = 4096;

/// Parents.
pub const PARENTS: usize = 1024;

/// Properties in a key.
pub const KEY_PARTS: usize = 16;

/// Bytes of one string, byte string or JSON document in a payload: 4 MiB.
pub const VALUE_BYTES: usize = crate::value::codec::MAX_LENGTH;
