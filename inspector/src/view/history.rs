//! One entity: what it is, what it was, one operation; and the change log.

use std::ops::Range;

use ankurah_core::id::OpId;

use super::graph::{empty, nothing_chosen};
use super::{Page, grouped};
use crate::dag::time_text;
use crate::line::{Line, Role, safe};
use crate::message::Image;
use crate::state::State;
use crate::state::names::short;
use crate::state::operation::value_line;
use crate::state::subject::{Shown, Subject, one, shown};
use crate::theme::Theme;

/// Columns of a property's name.
fn name_width(state: &State, shown: &[Shown]) -> usize {
    let widths =
        shown.iter().map(|shown| ankurah_display::width(&safe(&state.names.property_name(shown.property))));
    widths.max().unwrap_or(0).clamp(8, 28)
}

/// Who set a value, and when.
fn provenance(subject: &Subject, winner: Option<OpId>) -> Line {
    let Some(id) = winner else { return Line::new().own(Role::Dim, "never set").pad(PROVENANCE) };
    let op = subject.graph.find(id);
    let author = op.and_then(|op| subject.graph.author(op)).map(|author| author.to_string());
    let author = author.as_deref().and_then(|author| author.get(..6)).unwrap_or("-").to_owned();
    let line = Line::new().own(Role::Id, short(id)).own(Role::Dim, format!(" {author:<6} "));
    line.own(Role::Dim, time_text(id).get(..19).unwrap_or("").to_owned()).pad(PROVENANCE)
}

/// Columns of a provenance.
const PROVENANCE: usize = 36;

pub(super) fn entity(state: &State) -> Page<'_> {
    let Some(subject) = &state.subject else { return nothing_chosen("Entity") };
    let title = Line::new().own(Role::Strong, "Entity ").own(Role::Id, subject.entity.to_string());
    let Some(image) = &subject.image else {
        let rows = Box::new(|_: Range<usize>| Vec::new());
        return Page { title, head: vec![Line::new(); 5], rows, empty: empty(subject) };
    };
    let list = shown(image, &state.names);
    let width = name_width(state, &list);
    let mut model = Line::new().own(Role::Dim, "model       ");
    model = model.data(Role::Name, &state.names.model_name(image.state.model));
    if image.state.is_deleted() {
        model = model.own(Role::Warning, "  deleted");
    }
    let operations = grouped(subject.graph.len());
    let heads: Vec<String> = image.state.head.links().iter().take(4).map(|link| short(link.id)).collect();
    let more = if image.state.head.len() > 4 { " ..." } else { "" };
    let head = vec![
        model,
        Line::new().own(Role::Dim, "operations  ").own(Role::Number, operations),
        Line::new()
            .own(Role::Dim, "head        ")
            .own(Role::Id, format!("{}{more}", heads.join(" ")))
            .own(Role::Dim, format!("  ({})", image.state.head.len())),
        Line::new(),
        Line::new()
            .own(Role::Dim, "property")
            .pad(width + 2)
            .own(Role::Dim, "set by")
            .pad(width + 2 + PROVENANCE + 2)
            .own(Role::Dim, "value"),
    ];
    let rows = move |range: Range<usize>| {
        let list = list.get(range).unwrap_or_default();
        list.iter()
            .map(|shown| {
                let name = name(state, shown, width);
                name.with(provenance(subject, shown.winner)).own(Role::Text, "  ").with(value(shown))
            })
            .collect()
    };
    Page { title, head, rows: Box::new(rows), empty: empty(subject) }
}

fn name(state: &State, shown: &Shown, width: usize) -> Line {
    let name = Line::new().data(Role::Name, &state.names.property_name(shown.property));
    name.cut(width, "~").pad(width + 2)
}

fn value(shown: &Shown) -> Line {
    let line = value_line(shown.value.as_ref());
    if shown.text { Line::new().own(Role::Dim, "text ").with(line) } else { line }
}

pub(super) fn operation(state: &State) -> Page<'_> {
    let Some(page) = &state.operation else { return nothing_chosen("Operation") };
    let title = Line::new().own(Role::Strong, "Operation ").own(Role::Id, page.id.to_string());
    let rows = move |range: Range<usize>| range.map(|number| page.line(number)).collect();
    let empty = match &page.failure {
        Some(failure) => Line::new().data(Role::Error, failure),
        None => Line::new().own(Role::Dim, "reading ..."),
    };
    Page { title, head: Vec::new(), rows: Box::new(rows), empty }
}

pub(super) fn timeline(state: &State, columns: usize, theme: Theme) -> Page<'_> {
    let Some(subject) = &state.subject else { return nothing_chosen("Timeline") };
    let timeline = &state.timeline;
    let (count, all) = (timeline.count(&subject.graph), subject.graph.len());
    let title = Line::new().own(Role::Strong, "Timeline of ").own(Role::Id, subject.entity.to_string());
    let title = match timeline.at {
        None => title.own(Role::Good, "  now"),
        Some(_) => title.own(Role::Warning, "  detached: the past is only looked at"),
    };
    let last = timeline.last(&subject.graph).map(|op| subject.graph.id(op));
    let playing = if timeline.playing {
        format!("playing, {} ms a step", timeline.pause())
    } else {
        "stopped".to_owned()
    };
    let point = format!("operation {} of {}", grouped(count), grouped(all));
    let place = match last {
        Some(id) => Line::new()
            .own(Role::Number, point)
            .own(Role::Text, "  ")
            .own(Role::Id, short(id))
            .own(Role::Text, format!("  {}", time_text(id))),
        None => Line::new().own(Role::Number, "before the first operation"),
    };
    let position = timeline.last(&subject.graph).map(|op| subject.graph.position(op).0);
    let position = position.map(|position| format!("  position {position}")).unwrap_or_default();
    let mut facts = Line::new().own(Role::Dim, format!("a step is one {}, {playing}", timeline.unit.name()));
    if let Some((mark, _)) = &timeline.mark {
        facts = facts.own(Role::Changed, format!("  compared with operation {}", grouped(*mark)));
    }
    if let Some(failure) = &timeline.failure {
        facts = facts.own(Role::Text, "  ").data(Role::Error, failure);
    }
    let list = state.timeline_image().map(|image| shown(image, &state.names)).unwrap_or_default();
    let width = name_width(state, &list);
    let head = vec![
        bar(timeline.mark.as_ref().map(|mark| mark.0), count, all, columns.saturating_sub(4), theme),
        place.own(Role::Dim, position),
        facts,
        Line::new().own(Role::Dim, "property").pad(width + 4).own(Role::Dim, "value"),
    ];
    let compared: Option<&Image> = match &timeline.mark {
        Some((_, image)) => image.as_ref(),
        None => timeline.before.as_ref(),
    };
    let marked = timeline.mark.is_some();
    let rows = move |range: Range<usize>| {
        let list = list.get(range).unwrap_or_default();
        list.iter()
            .map(|shown| {
                let old = compared.map(|image| one(image, shown.property));
                let changed = match &old {
                    Some(old) => old.value != shown.value,
                    None => marked && shown.value.is_some(),
                };
                let line = name(state, shown, width);
                let line = line.own(Role::Changed, if changed { "* " } else { "  " });
                match old.filter(|_| changed) {
                    Some(old) if marked => {
                        line.with(value_line(old.value.as_ref())).own(Role::Dim, " -> ").with(value(shown))
                    }
                    _ => line.with(value(shown)),
                }
            })
            .collect()
    };
    let empty = match timeline.last(&subject.graph) {
        None => Line::new().own(Role::Dim, "It did not exist yet."),
        Some(_) => empty(subject),
    };
    Page { title, head, rows: Box::new(rows), empty }
}

/// Where one is between the beginning and now.
fn bar(mark: Option<usize>, count: usize, all: usize, columns: usize, theme: Theme) -> Line {
    let columns = columns.max(3);
    let place = |count: usize| (count * (columns - 1)).checked_div(all).unwrap_or(0);
    let (here, mark) = (place(count), mark.map(place));
    let mut line = Line::new();
    for at in 0..columns {
        line = if at == here {
            line.own(Role::Key, theme.pick("◆", "#"))
        } else if Some(at) == mark {
            line.own(Role::Changed, "m")
        } else if at < here {
            line.own(Role::Good, theme.pick("━", "="))
        } else {
            line.own(Role::Dim, theme.pick("─", "-"))
        };
    }
    line
}

pub(super) fn changes(state: &State) -> Page<'_> {
    let changes = &state.changes;
    let mut title = Line::new().own(Role::Strong, "Changes");
    title = title.own(Role::Dim, format!("  {} seen", changes.seen));
    if changes.paused {
        let held = format!("  paused: {} held, {} dropped", changes.held(), changes.dropped);
        title = title.own(Role::Warning, held);
    }
    if let Some(failure) = &changes.failure {
        title = title.own(Role::Text, "  ").data(Role::Error, failure);
    }
    let rows = move |range: Range<usize>| {
        range
            .filter_map(|number| changes.entry(number))
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
        title,
        head: vec![Line::new().own(Role::Dim, format!("{:>9}  {:<24}what", "position", "time"))],
        rows: Box::new(rows),
        empty: Line::new().own(Role::Dim, "Nothing was committed yet."),
    }
}
