//! Colour and characters of the output.

use std::io::IsTerminal;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless the environment variable NO_COLOR is set or TERM is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text is set off. Nothing is said by it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Headings and keywords.
    Strong,
    /// What is there for order: frames, NULL, hints.
    Dim,
    /// Strings.
    String,
    /// Numbers and constants.
    Number,
    /// Names of functions and types.
    Name,
    /// Errors.
    Error,
    /// Warnings.
    Warning,
    /// Success and what is current.
    Good,
    /// Marks for what cannot be seen.
    Hidden,
}

/// Whether colour and characters outside ASCII may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour are written.
    pub colour: bool,
    /// Whether frames and marks are drawn with ASCII alone.
    pub ascii: bool,
}

impl Style {
    /// No colour.
    pub const PLAIN: Style = Style { colour: false, ascii: false };

    /// The style for a stream, given what was asked for and the environment.
    pub fn detect(colour: Colour, ascii: bool, stream: &impl IsTerminal) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = || std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => stream.is_terminal() && !set("NO_COLOR") && !dumb(),
        };
        Style { colour, ascii }
    }

    /// `text` in a tone. The text must be safe already.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Strong => "1",
            Tone::Dim => "2",
            Tone::String => "32",
            Tone::Number => "36",
            Tone::Name => "34",
            Tone::Error => "1;31",
            Tone::Warning => "1;33",
            Tone::Good => "32",
            Tone::Hidden => "7",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// What stands for the rest of a text that was cut.
    pub fn ellipsis(self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_where_allowed() {
        assert_eq!(Style::PLAIN.paint(Tone::Error, "x"), "x");
        assert_eq!(Style { colour: true, ascii: false }.paint(Tone::Error, "x"), "\x1b[1;31mx\x1b[0m");
    }
}
