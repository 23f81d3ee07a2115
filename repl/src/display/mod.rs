//! What may be written to a terminal: text that came from data is shown, never obeyed.

mod style;
mod wrap;

/// The columns from one tab stop of a terminal to the next.
pub const TAB: u8 = 8;

pub use ankurah_display::{Safe, width};
pub use style::{Colour, Style, Tone};
pub use wrap::wrap;
