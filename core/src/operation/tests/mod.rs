//! Tests of the operation format.

mod arbitrary;
mod format;
mod rules;
mod vectors;
