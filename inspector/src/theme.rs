//! How things look: colours, and the characters that lines are drawn with. Nothing is said by colour alone.

use ratatui::style::{Color, Modifier, Style};

use crate::line::Role;

/// The colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// For dark terminals with 256 colours.
    #[default]
    Dark,
    /// For light terminals with 256 colours.
    Light,
    /// The sixteen colours that the terminal itself chooses.
    Ansi,
    /// None: bold, dim, underlined and reversed alone.
    None,
}

/// How things look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    /// The colours.
    pub palette: Palette,
    /// Whether lines are drawn with ASCII alone.
    pub ascii: bool,
}

/// Colours of the lanes of a graph, in the order of [`Palette`].
const LANES: [[u8; 6]; 3] = [[75, 114, 179, 212, 80, 203], [25, 28, 130, 127, 30, 124], [4, 2, 3, 5, 6, 1]];

impl Theme {
    /// How a role looks.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        // Dark, light, ANSI; then what stands for it without colour.
        let (colours, without): ([u8; 3], Modifier) = match role {
            Role::Text => return plain,
            Role::Strong => return plain.add_modifier(Modifier::BOLD),
            Role::Dim => ([245, 243, 8], Modifier::DIM),
            Role::Tab => return self.tab(),
            Role::Key => ([179, 130, 3], Modifier::BOLD),
            Role::Number => ([80, 30, 6], Modifier::empty()),
            Role::String => ([114, 28, 2], Modifier::empty()),
            Role::Name => ([75, 25, 4], Modifier::empty()),
            Role::Id => ([146, 60, 5], Modifier::empty()),
            Role::Good => ([114, 28, 2], Modifier::empty()),
            Role::Warning => ([215, 130, 3], Modifier::BOLD),
            Role::Error => ([203, 160, 1], Modifier::BOLD),
            Role::Added => ([114, 28, 2], Modifier::UNDERLINED),
            Role::Removed => ([203, 160, 1], Modifier::CROSSED_OUT),
            Role::Changed => ([222, 94, 3], Modifier::BOLD),
            Role::Found => ([222, 94, 3], Modifier::UNDERLINED),
            Role::Lane(lane) => {
                let at = usize::from(lane) % 6;
                let of =
                    |palette: usize| LANES.get(palette).and_then(|lanes| lanes.get(at)).copied().unwrap_or(0);
                ([of(0), of(1), of(2)], Modifier::empty())
            }
        };
        let emphasised = match role {
            Role::Warning | Role::Error | Role::Changed | Role::Key => Modifier::BOLD,
            Role::Found => Modifier::UNDERLINED,
            _ => Modifier::empty(),
        };
        let [dark, light, ansi] = colours;
        match self.palette {
            Palette::Dark => plain.fg(Color::Indexed(dark)).add_modifier(emphasised),
            Palette::Light => plain.fg(Color::Indexed(light)).add_modifier(emphasised),
            Palette::Ansi => plain.fg(Color::Indexed(ansi)).add_modifier(emphasised),
            Palette::None => plain.add_modifier(without),
        }
    }

    fn tab(self) -> Style {
        let plain = Style::new().add_modifier(Modifier::BOLD);
        match self.palette {
            Palette::Dark => plain.fg(Color::Indexed(16)).bg(Color::Indexed(75)),
            Palette::Light => plain.fg(Color::Indexed(231)).bg(Color::Indexed(25)),
            Palette::Ansi | Palette::None => plain.add_modifier(Modifier::REVERSED),
        }
    }

    /// How the selected line looks, beside the mark before it.
    pub fn selected(self) -> Style {
        match self.palette {
            Palette::Dark => Style::new().bg(Color::Indexed(237)),
            Palette::Light => Style::new().bg(Color::Indexed(254)),
            Palette::Ansi | Palette::None => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// What stands for the rest of a text that was cut.
    pub fn ellipsis(self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }

    /// One of two texts, the second where only ASCII is drawn.
    pub fn pick(self, text: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { text }
    }

    /// The character with lines to some of its sides.
    pub fn lines(self, up: bool, down: bool, left: bool, right: bool) -> &'static str {
        let (text, ascii) = match (up, down, left, right) {
            (false, false, false, false) => (" ", " "),
            (_, _, false, false) => ("│", "|"),
            (false, false, ..) => ("─", "-"),
            (false, true, true, false) => ("╮", "."),
            (false, true, false, true) => ("╭", "."),
            (true, false, true, false) => ("╯", "'"),
            (true, false, false, true) => ("╰", "'"),
            (true, true, true, false) => ("┤", "+"),
            (true, true, false, true) => ("├", "+"),
            (false, true, true, true) => ("┬", "."),
            (true, false, true, true) => ("┴", "'"),
            (true, true, true, true) => ("┼", "+"),
        };
        self.pick(text, ascii)
    }

    /// Values as a line of bars, from nothing to the greatest.
    pub fn spark(self, values: &[u64]) -> String {
        const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        const ASCII: [&str; 8] = ["_", ".", ":", "-", "=", "+", "*", "#"];
        let bars = if self.ascii { ASCII } else { BARS };
        let greatest = values.iter().copied().max().unwrap_or(0).max(1);
        let bar = |value: &u64| {
            let at = u128::from(*value) * 7 / u128::from(greatest);
            bars.get(usize::try_from(at).unwrap_or(7)).copied().unwrap_or(" ")
        };
        values.iter().map(bar).collect()
    }
}
