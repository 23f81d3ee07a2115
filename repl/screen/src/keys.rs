//! What a terminal sends for keys.

/// Ctrl-C.
pub const CTRL_C: &str = "\u{3}";
/// Ctrl-D.
pub const CTRL_D: &str = "\u{4}";
/// Ctrl-L, which clears the screen.
pub const CTRL_L: &str = "\u{c}";
/// The tabulator.
pub const TAB: &str = "\t";
/// Enter.
pub const ENTER: &str = "\r";
/// Escape.
pub const ESCAPE: &str = "\u{1b}";
/// The arrow up.
pub const UP: &str = "\u{1b}[A";
/// The arrow down.
pub const DOWN: &str = "\u{1b}[B";
/// The arrow to the right.
pub const RIGHT: &str = "\u{1b}[C";
/// The arrow to the left.
pub const LEFT: &str = "\u{1b}[D";

/// Text as a terminal sends it that was pasted.
pub fn pasted(text: &str) -> String {
    format!("\u{1b}[200~{text}\u{1b}[201~")
}
