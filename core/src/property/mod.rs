//! Property backends: how concurrent changes of one property become one value.

mod lww;

pub use lww::Lww;
