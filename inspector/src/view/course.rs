//! The timeline: an entity, or a collection, as it was.

use std::ops::Range;

use super::graph::{empty, nothing_chosen};
use super::history::{name, name_width, value};
use super::{Page, count, grouped, table};
use crate::dag::time_text;
use crate::line::{Line, Role};
use crate::state::State;
use crate::state::names::short;
use crate::state::operation::value_line;
use crate::state::subject::{one, shown};
use crate::state::timeline::{Moments, Point, Timeline};
use crate::theme::Theme;

pub(super) fn page(state: &State, columns: usize, theme: Theme) -> Page<'_> {
    if state.whole { collection(state, columns, theme) } else { entity(state, columns, theme) }
}

/// The lines above the list: where one is, and how one goes on.
fn head(timeline: &Timeline, moments: &dyn Moments, columns: usize, theme: Theme) -> Vec<Line> {
    let (here, all) = (timeline.count(moments), moments.len());
    let last = timeline.last(moments);
    let place = match last {
        Some(at) => Line::new()
            .own(Role::Number, format!("operation {} of {}", grouped(here), grouped(all)))
            .own(Role::Text, "  ")
            .own(Role::Id, short(moments.id(at)))
            .own(Role::Text, format!("  {}", time_text(moments.id(at))))
            .own(Role::Dim, format!("  position {}", moments.position(at))),
        None => Line::new().own(Role::Number, "before the first operation"),
    };
    let playing = if timeline.playing {
        format!("playing, {} ms a step", timeline.pause())
    } else {
        "stopped".to_owned()
    };
    let mut facts = Line::new().own(Role::Dim, format!("a step is one {}, {playing}", timeline.unit.name()));
    facts = match timeline.marks.as_slice() {
        [] => facts,
        [mark] => facts.own(Role::Changed, format!("  compared with {}", said(mark.point))),
        [first, second, ..] => {
            let text = format!("  from {} to {}", said(first.point), said(second.point));
            facts.own(Role::Changed, text)
        }
    };
    if let Some(failure) = &timeline.failure {
        facts = facts.own(Role::Text, "  ").data(Role::Error, failure);
    }
    let marks: Vec<usize> = timeline.marks.iter().map(|mark| timeline.place(moments, mark.point)).collect();
    vec![bar(&marks, here, all, columns.saturating_sub(4), theme), place, facts]
}

/// A point, as short as it can be said.
fn said(point: Point) -> String {
    match point {
        Point::Beginning => "the beginning".to_owned(),
        Point::Operation(id) => format!("operation {}", short(id)),
        Point::Position(position) => format!("position {position}"),
    }
}

/// Whether it is the present that is shown.
fn time_of(title: Line, timeline: &Timeline) -> Line {
    match timeline.at {
        None => title.own(Role::Good, "  now"),
        Some(_) => title.own(Role::Warning, "  detached: the past is only looked at"),
    }
}

fn entity(state: &State, columns: usize, theme: Theme) -> Page<'_> {
    let Some(subject) = &state.subject else { return nothing_chosen(state, "Timeline") };
    let (timeline, moments): (_, &dyn Moments) = (&state.timeline, &subject.graph);
    let title = Line::new().own(Role::Strong, "Timeline of ").own(Role::Id, subject.entity.to_string());
    let list = state.timeline_image().map(|image| shown(image, &state.names)).unwrap_or_default();
    let width = name_width(state, &list);
    let mut head = head(timeline, moments, columns, theme);
    head.push(Line::new().own(Role::Dim, "property").pad(width + 4).own(Role::Dim, "value"));
    let marked = !timeline.marks.is_empty();
    let (before, after) = match timeline.compared(state.timeline_image()) {
        Some(pair) => pair,
        None => (timeline.before.as_ref(), state.timeline_image()),
    };
    // Before the first step there is nothing that the values are compared with.
    let compares = marked || timeline.before.is_some();
    let rows = move |range: Range<usize>| {
        let list = list.get(range).unwrap_or_default();
        list.iter()
            .map(|shown| {
                let of = |image: Option<&crate::message::Image>| {
                    image.and_then(|image| one(image, shown.property).value)
                };
                let (old, new) = (of(before), of(after));
                let changed = compares && old != new;
                let line = name(state, shown, width);
                let line = line.own(Role::Changed, if changed { "* " } else { "  " });
                if changed && marked {
                    let line = line.with(value_line(old.as_ref())).own(Role::Dim, " -> ");
                    line.with(value_line(new.as_ref()))
                } else {
                    line.with(value(shown))
                }
            })
            .collect()
    };
    let empty = match timeline.last(moments) {
        None => Line::new().own(Role::Dim, "It did not exist yet."),
        Some(_) => empty(subject),
    };
    Page { title: time_of(title, timeline), head, rows: Box::new(rows), empty }
}

fn collection(state: &State, columns: usize, theme: Theme) -> Page<'_> {
    let (Some(entities), Some(track)) = (&state.entities, &state.track) else {
        return nothing_chosen(state, "Timeline");
    };
    let timeline = &state.course;
    let mut title = Line::new().own(Role::Strong, "Timeline of ").data(Role::Strong, &entities.model.label);
    if let Some(number) = entities.count {
        title = title.own(Role::Dim, format!("  {}", count(number, "entity", "entities")));
    }
    if !entities.condition.trim().is_empty() && state.lists_rows() {
        title = title.own(Role::Dim, "  where ").data(Role::Text, entities.condition.trim());
    }
    title = time_of(title, timeline);
    if let Some(failure) = &track.failure {
        title = title.own(Role::Text, "  ").data(Role::Error, failure);
    } else if !track.whole {
        title = title.own(Role::Dim, "  reading the log ...");
    }
    if track.left_out > 0 {
        let text = format!("  the {} oldest operations are left out", grouped(track.left_out));
        title = title.own(Role::Warning, text);
    }
    let mut head = head(timeline, track, columns, theme);
    if state.lists_rows() {
        let rows = table::page(state, columns, theme);
        head.extend(rows.head);
        return Page { title, head, rows: rows.rows, empty: rows.empty };
    }
    head.push(Line::new().own(Role::Dim, format!("{:<10}{:<10}{:<20}change", "entity", "what", "property")));
    let rows = move |range: Range<usize>| {
        let differences = timeline.differences.get(range).unwrap_or_default();
        differences
            .iter()
            .map(|difference| {
                let line = Line::new().own(Role::Id, short(difference.entity)).pad(10);
                let what = Line::new().data(Role::Changed, &difference.what).cut(9, theme.ellipsis()).pad(10);
                let property = Line::new().data(Role::Name, &difference.property);
                let property = property.cut(19, theme.ellipsis()).pad(20);
                let arrow = if theme.ascii { "->" } else { "→" };
                let change = difference.change.replace('→', arrow);
                line.with(what).with(property).data(Role::Text, &change)
            })
            .collect()
    };
    let empty = match (timeline.asked, &timeline.failure) {
        (true, _) => Line::new().own(Role::Dim, "reading ..."),
        (false, Some(_)) => Line::new(),
        (false, None) => Line::new().own(Role::Good, "Nothing differs."),
    };
    Page { title, head, rows: Box::new(rows), empty }
}

/// Where one is between the beginning and now.
fn bar(marks: &[usize], count: usize, all: usize, columns: usize, theme: Theme) -> Line {
    let columns = columns.max(3);
    let place = |count: usize| (count.saturating_mul(columns - 1)).checked_div(all).unwrap_or(0);
    let here = place(count);
    let marks: Vec<usize> = marks.iter().map(|mark| place(*mark)).collect();
    let mut line = Line::new();
    for at in 0..columns {
        line = if at == here {
            line.own(Role::Key, theme.pick("◆", "#"))
        } else if marks.contains(&at) {
            line.own(Role::Changed, "m")
        } else if at < here {
            line.own(Role::Good, theme.pick("━", "="))
        } else {
            line.own(Role::Dim, theme.pick("─", "-"))
        };
    }
    line
}
