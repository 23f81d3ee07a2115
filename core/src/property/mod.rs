//! Property backends: how concurrent changes of one property become one value.

mod lww;
pub mod text;

pub use lww::Lww;
