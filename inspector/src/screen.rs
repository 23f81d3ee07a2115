//! Where what is on the screen.

use std::ops::Range;

use crate::action::Action;

/// The parts of the screen: lines from the top. A part for which there is no room has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Areas {
    /// The views.
    pub tabs: Range<u16>,
    /// What is shown.
    pub title: Range<u16>,
    /// The view itself.
    pub body: Range<u16>,
    /// What happened, or what is typed.
    pub status: Range<u16>,
    /// The keys.
    pub footer: Range<u16>,
}

impl Areas {
    /// The parts of a screen of so many lines: the body first, then what is typed, then the rest.
    pub fn of(lines: u16) -> Self {
        let tabs = u16::from(lines >= 6);
        let title = u16::from(lines >= 3);
        let status = u16::from(lines >= 2);
        let footer = u16::from(lines >= 5);
        let end = lines.saturating_sub(footer);
        let body_end = end.saturating_sub(status);
        Areas {
            tabs: 0..tabs,
            title: tabs..tabs + title,
            body: tabs + title..body_end.max(tabs + title),
            status: body_end..end,
            footer: end..lines,
        }
    }

    /// The lines of the body.
    pub fn height(&self) -> usize {
        usize::from(self.body.end - self.body.start)
    }
}

/// How many of the lines above a list are shown on a body of so many lines: the list keeps three at least.
pub fn head(body: usize, lines: usize) -> usize {
    lines.min(body.saturating_sub(3))
}

/// The views that have a number, with their names, long and short.
pub const TABS: [(Action, &str, &str); 9] = [
    (Action::Overview, "Overview", "Over"),
    (Action::Collections, "Collections", "Coll"),
    (Action::Graph, "Graph", "Grph"),
    (Action::Timeline, "Timeline", "Time"),
    (Action::Live, "Live", "Live"),
    (Action::Changes, "Changes", "Chng"),
    (Action::Aside, "Set aside", "Side"),
    (Action::Indexes, "Indexes", "Indx"),
    (Action::Log, "Log", "Log"),
];

/// Where the name of each view stands on a screen of so many columns: long names where all fit, short ones otherwise,
/// and numbers alone where those do not fit either.
pub fn tabs(columns: u16) -> Vec<(Range<u16>, Action, String)> {
    let texts = |name: fn(&(Action, &'static str, &'static str)) -> &'static str| -> Vec<String> {
        TABS.iter().enumerate().map(|(at, tab)| format!(" {} {} ", at + 1, name(tab))).collect()
    };
    let width = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let mut texts_of = texts(|tab| tab.1);
    if width(&texts_of) > usize::from(columns) {
        texts_of = texts(|tab| tab.2);
    }
    if width(&texts_of) > usize::from(columns) {
        texts_of = (1..=TABS.len()).map(|number| format!(" {number} ")).collect();
    }
    let mut at = 0_u16;
    let mut out = Vec::new();
    for (text, (action, ..)) in texts_of.into_iter().zip(TABS) {
        let end = at.saturating_add(u16::try_from(text.len()).unwrap_or(u16::MAX));
        out.push((at..end, action, text));
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_one_part() {
        for lines in 0..50 {
            let areas = Areas::of(lines);
            let parts = [&areas.tabs, &areas.title, &areas.body, &areas.status, &areas.footer];
            let mut at = 0;
            for part in parts {
                assert_eq!(part.start, at, "{lines}");
                assert!(part.end >= part.start);
                at = part.end;
            }
            assert_eq!(at, lines);
            assert_eq!(areas.height() == 0, lines == 0, "{lines}");
        }
    }

    #[test]
    fn names_become_shorter() {
        let shown = |columns| tabs(columns).into_iter().map(|(.., text)| text).collect::<String>();
        assert!(shown(120).contains(" 2 Collections "));
        assert!(shown(80).contains(" 2 Coll "));
        assert_eq!(shown(30), " 1  2  3  4  5  6  7  8  9 ");
    }
}
