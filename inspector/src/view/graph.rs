//! The operation graph.

use std::ops::Range;

use super::{Page, count, grouped};
use crate::action::Action;
use crate::dag::{Window, time_text};
use crate::line::{Line, Role};
use crate::state::State;
use crate::state::names::short;
use crate::state::subject::Subject;
use crate::theme::Theme;

pub(super) fn page(state: &State, columns: usize, theme: Theme) -> Page<'_> {
    let Some(subject) = &state.subject else { return nothing_chosen(state, "Graph") };
    let heads = subject.graph.heads();
    let title = Line::new().own(Role::Strong, "Graph of ").own(Role::Id, subject.entity.to_string());
    let counts = format!(
        "  {}, {heads} in the head, {}{}",
        count(subject.graph.len(), "operation", "operations"),
        count(usize::from(subject.layout.width()), "lane", "lanes"),
        if subject.whole { "" } else { ", reading ..." },
    );
    let rows = move |range: Range<usize>| {
        let windows = subject.layout.window(&subject.graph, range.start, range.len());
        let shown = usize::from(subject.layout.width()).min(columns / 6).max(1);
        windows.iter().map(|window| row(state, subject, window, shown, theme)).collect()
    };
    Page {
        title: title.own(Role::Dim, counts),
        head: Vec::new(),
        rows: Box::new(rows),
        empty: empty(subject),
    }
}

/// What is said where no entity was chosen, and which key leads to one.
pub(super) fn nothing_chosen<'a>(state: &State, title: &str) -> Page<'a> {
    let key = state.options.keymap.first(Action::Enter);
    let text = Line::new().own(Role::Dim, "No entity chosen: ").own(Role::Key, key);
    Page::bare(title, text.own(Role::Dim, " to choose"))
}

/// Why nothing is shown of an entity.
pub(super) fn empty(subject: &Subject) -> Line {
    match (&subject.failure, subject.whole) {
        (Some(failure), _) => Line::new().data(Role::Error, failure),
        (None, false) => Line::new().own(Role::Dim, "reading ..."),
        (None, true) => Line::new().own(Role::Dim, "There is no entity with this id."),
    }
}

fn row(state: &State, subject: &Subject, window: &Window, shown: usize, theme: Theme) -> Line {
    let (graph, row) = (&subject.graph, window.row);
    let mut line = lanes(window, shown, node(subject, window, theme), theme);
    if row.count > 1 {
        let text = format!(" {} operations in a row", grouped(usize::try_from(row.count).unwrap_or(0)));
        return line.own(Role::Dim, text);
    }
    let id = graph.id(row.op);
    let found = subject.search.as_ref().is_some_and(|(_, search)| search.finds(graph, row.op));
    let (role, mark) = if found { (Role::Found, "*") } else { (Role::Id, " ") };
    line = line.own(Role::Found, mark).own(role, short(id)).own(Role::Text, " ");
    line = line.own(Role::Dim, format!("{:<24}", time_text(id)));
    let author = graph.author(row.op).map(|author| author.to_string());
    let author = author.as_deref().and_then(|author| author.get(..6)).unwrap_or("-").to_owned();
    line = line.own(Role::Text, format!("{author:<7}"));
    if graph.is_head(row.op) {
        line = line.own(Role::Good, "HEAD ");
    }
    if graph.parents(row.op).next().is_none() && graph.missing(row.op).next().is_none() {
        line = line.own(Role::Warning, "genesis ");
    }
    let missing = graph.missing(row.op).count();
    if missing > 0 {
        line = line.own(Role::Warning, format!("{missing} not held "));
    }
    for (at, property) in graph.properties(row.op).iter().take(8).enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        line = line.own(Role::Dim, comma).data(Role::Name, &state.names.property_name(*property));
    }
    line
}

/// The character of the row's operation.
fn node(subject: &Subject, window: &Window, theme: Theme) -> &'static str {
    let (graph, row) = (&subject.graph, window.row);
    if row.count > 1 {
        return theme.pick("┊", ":");
    }
    let parents = graph.parents(row.op).count() + graph.missing(row.op).count();
    match (graph.is_head(row.op), parents) {
        (true, _) => theme.pick("◆", "@"),
        (false, 0) => theme.pick("◇", "O"),
        (false, 1) => theme.pick("●", "*"),
        (false, _) => theme.pick("◉", "M"),
    }
}

/// The lanes of a row, two columns each.
fn lanes(window: &Window, shown: usize, node: &'static str, theme: Theme) -> Line {
    let own = window.lane.map(usize::from);
    let flag = |flags: &[bool], lane: usize| flags.get(lane).copied().unwrap_or(false);
    // Which lanes the lines to the parents pass.
    let spans: Vec<(usize, usize)> = match own {
        Some(own) => window
            .links
            .iter()
            .map(|link| usize::from(link.lane))
            .filter(|lane| *lane != own)
            .map(|lane| (own.min(lane), own.max(lane)))
            .collect(),
        None => Vec::new(),
    };
    let right = |lane: usize| spans.iter().any(|(from, to)| *from <= lane && lane < *to);
    let left = |lane: usize| spans.iter().any(|(from, to)| *from < lane && lane <= *to);
    let mut line = Line::new();
    for lane in 0..shown {
        let role = Role::Lane(u8::try_from(lane % 6).unwrap_or(0));
        if own == Some(lane) {
            line = line.own(role, node);
        } else {
            let (up, down) = (flag(&window.above, lane), flag(&window.below, lane));
            // A line that only passes by from one side to the other does not touch the lane.
            let text = theme.lines(up, down, left(lane), right(lane));
            line = line.own(role, text);
        }
        line = line.own(role, if right(lane) { theme.pick("─", "-") } else { " " });
    }
    let hidden = own.is_none_or(|own| own >= shown);
    if hidden { line.own(Role::Warning, theme.pick("»", ">")).own(Role::Text, node) } else { line }
}
