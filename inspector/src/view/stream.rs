//! What comes one after the other: the change log, and what the program says.

use std::ops::Range;

use ankurah_core::node::journal::JournalLevel;

use super::{Page, grouped, moment};
use crate::dag::time_text;
use crate::line::{Line, Role};
use crate::state::State;
use crate::state::journal::level_name;
use crate::state::names::short;
use crate::state::stream::{Stream, Weigh};

/// What is said of a stream beside its name.
pub(super) fn facts<T: Weigh>(title: Line, stream: &Stream<T>) -> Line {
    let seen = usize::try_from(stream.seen).unwrap_or(usize::MAX);
    let mut title = title.own(Role::Dim, format!("  {} seen", grouped(seen)));
    if !stream.filter().is_empty() {
        let text = format!("  {} of {} with ", grouped(stream.len()), grouped(stream.kept()));
        title = title.own(Role::Number, text).data(Role::Name, stream.filter());
    }
    if stream.paused {
        let held = format!("  paused: {} held, {} dropped", grouped(stream.held()), stream.dropped);
        title = title.own(Role::Warning, held);
    }
    if let Some(failure) = &stream.failure {
        title = title.own(Role::Text, "  ").data(Role::Error, failure);
    }
    title
}

/// What is said where nothing is shown.
pub(super) fn nothing<T: Weigh>(stream: &Stream<T>, otherwise: &str) -> Line {
    let text = if stream.kept() > 0 { "Nothing has these words." } else { otherwise };
    Line::new().own(Role::Dim, text.to_owned())
}

pub(super) fn changes(state: &State) -> Page<'_> {
    let stream = &state.changes.stream;
    let rows = move |range: Range<usize>| {
        range
            .filter_map(|number| stream.entry(number))
            .map(|entry| {
                let mut line = Line::new().own(Role::Number, format!("{:>9}  ", entry.position.0));
                let first = entry.changes.first().and_then(|change| change.operations.first());
                let time = first.map(|id| time_text(*id)).unwrap_or_default();
                line = line.own(Role::Dim, format!("{time:<24}"));
                if entry.changes.is_empty() && entry.relayed.is_empty() {
                    line = line.own(Role::Dim, "no entity: what the store keeps for itself");
                }
                if entry.changes.len() > 1 {
                    line = line.own(Role::Strong, format!("{} entities: ", entry.changes.len()));
                }
                for (at, change) in entry.changes.iter().take(4).enumerate() {
                    line = line.own(Role::Dim, if at > 0 { ", " } else { "" });
                    line = line.data(Role::Name, &state.names.model_name(change.model));
                    line = line.own(Role::Text, " ").own(Role::Id, short(change.entity.0));
                    if change.operations.len() > 1 {
                        line = line.own(Role::Dim, format!(" ({} operations)", change.operations.len()));
                    }
                }
                if !entry.relayed.is_empty() {
                    line = line.own(Role::Warning, format!("  {} relayed unread", entry.relayed.len()));
                }
                line
            })
            .collect()
    };
    Page {
        title: facts(Line::new().own(Role::Strong, "Changes"), stream),
        head: vec![Line::new().own(Role::Dim, format!("{:>9}  {:<24}what", "position", "time"))],
        rows: Box::new(rows),
        empty: nothing(stream, "Nothing was committed yet."),
    }
}

pub(super) fn log(state: &State) -> Page<'_> {
    let stream = &state.journal.stream;
    let rows = move |range: Range<usize>| {
        range
            .filter_map(|number| stream.entry(number))
            .map(|line| {
                let time = moment(line.at);
                let time = time.split(' ').next_back().unwrap_or_default().to_owned();
                let role = match line.level {
                    JournalLevel::Error => Role::Error,
                    JournalLevel::Warning => Role::Warning,
                    JournalLevel::Info => Role::Good,
                    JournalLevel::Debug | JournalLevel::Trace => Role::Dim,
                };
                let level = format!("{:<8} ", level_name(line.level));
                let shown = Line::new().own(Role::Dim, format!("{time} ")).own(role, level);
                shown.data(Role::Name, &line.target).own(Role::Text, "  ").data(Role::Text, &line.text)
            })
            .collect()
    };
    let mut title = facts(Line::new().own(Role::Strong, "Log"), stream);
    if state.journal.missed > 0 {
        let text = format!("  {} dropped before they were read", state.journal.missed);
        title = title.own(Role::Warning, text);
    }
    Page {
        title,
        head: vec![Line::new().own(Role::Dim, format!("{:<8} {:<8} what the program says", "time", "level"))],
        rows: Box::new(rows),
        empty: nothing(stream, "Nothing was said yet."),
    }
}
