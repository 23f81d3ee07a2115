//! The bounded reader and the writer that every stored and sent byte of our own formats goes through.
//!
//! Integers are little-endian base-128 varints of the least length (as in LEB128); fixed-width fields are
//! big-endian. Reading checks every length against the bytes at hand before it allocates.
