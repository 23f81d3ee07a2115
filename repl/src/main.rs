//! The `ankurah` command.
fn main() {}
