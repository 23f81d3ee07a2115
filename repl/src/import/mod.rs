//! From files to entities.

pub mod csv;
mod infer;

pub use infer::Guess;
