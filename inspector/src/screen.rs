//! Where what is on the screen.

use std::ops::Range;

use ankurah_display::width;

use crate::action::Action;
use crate::keymap::Keymap;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say what is shown")]
pub enum View {
    Overview,
    Collections,
    Entities,
    Entity,
    Graph,
    Operation,
    Timeline,
    Live,
    Changes,
    Aside,
    Indexes,
    Plan,
    Peers,
    Log,
    Asked,
    Help,
}

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

/// The views that have a tab, with their names, long and short.
pub const TABS: [(View, &str, &str); 10] = [
    (View::Overview, "Overview", "Over"),
    (View::Collections, "Collections", "Coll"),
    (View::Graph, "Graph", "Grph"),
    (View::Timeline, "Timeline", "Time"),
    (View::Live, "Live", "Live"),
    (View::Changes, "Changes", "Chng"),
    (View::Aside, "Set aside", "Side"),
    (View::Indexes, "Indexes", "Indx"),
    (View::Log, "Log", "Log"),
    (View::Peers, "Peers", "Peer"),
];

/// The tab that a page belongs to.
pub fn tab_of(view: View) -> View {
    match view {
        View::Overview | View::Help => View::Overview,
        View::Collections | View::Entities | View::Entity => View::Collections,
        View::Graph | View::Operation => View::Graph,
        View::Indexes | View::Plan => View::Indexes,
        View::Log | View::Asked => View::Log,
        View::Timeline | View::Live | View::Changes | View::Aside | View::Peers => view,
    }
}

/// A tab on the screen: its columns, the page that it leads to, what is written there. The page that is shown stands
/// in brackets.
pub type Tab = (Range<u16>, View, String);

/// What is written of a tab with the key that leads there.
type Naming<'a> = &'a dyn Fn(&str, &(View, &str, &str)) -> String;

/// The tabs of a screen of so many columns while a page is shown, with names as long as there is room for. Where there
/// is room for keys alone, the page that is shown has its name all the same, and at last it alone is there.
pub fn tabs(columns: u16, shown: View, keymap: &Keymap) -> Vec<Tab> {
    let shown = tab_of(shown);
    let own =
        |view: View, text: String| if view == shown { format!("[{text}]") } else { format!(" {text} ") };
    let row = |name: Naming<'_>| -> Vec<(View, String)> {
        let named = TABS.iter().map(|tab| (tab.0, name(&keymap.first(Action::Show(tab.0)), tab)));
        named.collect()
    };
    let long = row(&|key, tab| own(tab.0, format!("{key} {}", tab.1).trim_start().to_owned()));
    let short = row(&|key, tab| own(tab.0, format!("{key} {}", tab.2).trim_start().to_owned()));
    let numbers = row(&|key, tab| match tab.0 == shown {
        true => format!("[{}]", format!("{key} {}", tab.2).trim_start()),
        false => format!("{key} "),
    });
    let alone = short.iter().filter(|(view, _)| *view == shown).cloned().collect();
    let fits = |row: &Vec<(View, String)>| {
        row.iter().map(|(_, text)| width(text)).sum::<usize>() <= usize::from(columns)
    };
    let row = [long, short, numbers].into_iter().find(fits).unwrap_or(alone);
    let mut at = 0_u16;
    let mut out = Vec::new();
    for (view, text) in row {
        let end = at.saturating_add(u16::try_from(width(&text)).unwrap_or(u16::MAX));
        out.push((at..end, view, text));
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
        let with = |keys: &str, columns| {
            let keymap = Keymap::read(keys).unwrap();
            tabs(columns, View::Entity, &keymap).into_iter().map(|(.., text)| text).collect::<String>()
        };
        let shown = |columns| with("", columns);
        assert!(shown(120).contains("[2 Collections] 3 Graph "));
        assert!(shown(80).contains("[2 Coll] 3 Grph "));
        assert_eq!(shown(30), "1 [2 Coll]3 4 5 6 7 8 9 0 ");
        assert_eq!(shown(12), "[2 Coll]");
        // The keys are those that lead there, if any.
        let other = with("collections = ctrl-k\ngraph =\nlog = 2", 120);
        assert!(other.contains("[ctrl-k Collections] Graph  4 Timeline"), "{other}");
        assert!(other.contains(" 2 Log "), "{other}");
    }
}
