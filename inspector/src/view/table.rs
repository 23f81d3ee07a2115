//! The entities of a collection.

use std::ops::Range;

use ankurah_core::catalog::Property;
use ankurah_core::value::{Value, ValueType};
use ankurah_display::width;

use super::graph::nothing_chosen;
use super::{Page, count};
use crate::line::{Line, Role, safe};
use crate::state::State;
use crate::state::entities::{Entities, EntityRow};
use crate::state::names::short;
use crate::theme::Theme;

/// The widest column.
const WIDEST: usize = 36;
/// Columns of a short id.
const ID: usize = 8;

pub(super) fn page(state: &State, columns: usize, theme: Theme) -> Page<'_> {
    let Some(entities) = &state.entities else { return nothing_chosen(state, "Entities") };
    let widths = widths(entities, state.height());
    let first = first_column(entities, &widths, columns.saturating_sub(2));
    let head = header(entities, &widths, first, theme);
    let rows = move |range: Range<usize>| {
        range
            .map(|number| match entities.row(number) {
                Some(row) => line(row, entities, &widths, first, theme),
                None => Line::new().own(Role::Dim, "..."),
            })
            .collect()
    };
    let mut title = Line::new().data(Role::Strong, &entities.model.label);
    match entities.count {
        Some(number) => title = title.own(Role::Dim, format!("  {}", count(number, "entity", "entities"))),
        None => title = title.own(Role::Dim, "  counting ..."),
    }
    if !entities.condition.trim().is_empty() {
        title = title.own(Role::Dim, "  where ").data(Role::Text, entities.condition.trim());
    }
    if entities.columns.len() < entities.model.columns().count() {
        title = title.own(Role::Dim, "  columns left out");
    }
    let empty = match &entities.failure {
        Some(failure) => Line::new().data(Role::Error, failure),
        None if entities.is_reading() => Line::new().own(Role::Dim, "reading ..."),
        None => Line::new().own(Role::Dim, "No entity."),
    };
    Page { title, head: vec![head], rows: Box::new(rows), empty }
}

/// Whether numbers stand to the right.
fn is_number(property: &Property) -> bool {
    matches!(property.value_type, ValueType::Int | ValueType::Float | ValueType::Decimal)
}

/// A cell: its role and text.
fn cell(value: &Value) -> (Role, String) {
    match value {
        Value::Null => (Role::Dim, "NULL".to_owned()),
        Value::String(text) => (Role::Text, safe(text)),
        Value::Json(text) => (Role::String, safe(text)),
        Value::Ref(id) => (Role::Id, short(id.0)),
        Value::Timestamp(_) => (Role::Text, value.to_string()),
        Value::Bytes(_) => (Role::String, safe(&value.to_string())),
        other => (Role::Number, other.to_string()),
    }
}

/// The width of each column, from what is on the screen.
fn widths(entities: &Entities, height: usize) -> Vec<usize> {
    let heading = |property: &Property| width(&safe(&property.label)) + 2;
    let mut widths: Vec<usize> = entities.columns.iter().map(|property| heading(property)).collect();
    // A value that changed has a mark before it.
    let marks = usize::from(entities.compares());
    for number in entities.list.top..entities.list.top.saturating_add(height) {
        let Some(row) = entities.row(number) else { continue };
        for (width_of, value) in widths.iter_mut().zip(&row.values) {
            *width_of = (*width_of).max(width(&cell(value).1) + marks).min(WIDEST);
        }
    }
    widths
}

/// The first column that is shown, so that the one in focus is.
fn first_column(entities: &Entities, widths: &[usize], room: usize) -> usize {
    let focus = entities.focus.saturating_sub(1);
    let mut first = 0;
    loop {
        let shown = widths.iter().skip(first).take(focus + 1 - first);
        let taken: usize = ID + 2 + shown.map(|width| width + 2).sum::<usize>();
        if taken <= room || first >= focus {
            return first;
        }
        first += 1;
    }
}

fn header(entities: &Entities, widths: &[usize], first: usize, theme: Theme) -> Line {
    let role = |column: usize| if entities.focus == column { Role::Key } else { Role::Dim };
    let mark = |column: usize| if entities.focus == column { theme.pick("▸", ">") } else { "" };
    let sort = entities.sorted();
    let mut line = Line::new().own(role(0), format!("{}id", mark(0))).pad(ID + 2);
    if first > 0 {
        line = line.cut(ID, "").pad(ID).own(Role::Warning, theme.pick("« ", "< "));
    }
    for (at, (property, width)) in entities.columns.iter().zip(widths).enumerate().skip(first) {
        let sorted = sort.filter(|(by, _)| by.id == property.id);
        let arrow = match sorted {
            Some((_, false)) => theme.pick("↑", "^"),
            Some((_, true)) => theme.pick("↓", "v"),
            None => "",
        };
        let name = Line::new().own(Role::Key, mark(at + 1)).data(role(at + 1), &property.label);
        let name = name.own(Role::Key, arrow).cut(*width, theme.ellipsis());
        line = line.with(aligned(name, *width, is_number(property))).own(Role::Text, "  ");
    }
    line
}

/// The row of an entity; what the last step in time has changed is marked.
fn line(row: &EntityRow, entities: &Entities, widths: &[usize], first: usize, theme: Theme) -> Line {
    let before = entities.before(row).filter(|_| entities.compares());
    let is_new = entities.compares() && entities.is_new(row);
    let mark = match before {
        _ if is_new => "+",
        Some(before) if before != row.values.as_slice() => "*",
        _ => "",
    };
    let role = if is_new { Role::Added } else { Role::Id };
    let mut line = Line::new().own(role, short(row.id.0)).own(Role::Changed, mark).pad(ID + 2);
    let cells = row.values.iter().zip(widths).zip(&entities.columns).enumerate().skip(first);
    for (at, ((value, width), property)) in cells {
        let (role, text) = cell(value);
        let changed = before.is_some_and(|before| before.get(at).is_some_and(|before| before != value));
        let (role, text) = if changed { (Role::Changed, format!("*{text}")) } else { (role, text) };
        let text = Line::new().own(role, text).cut(*width, theme.ellipsis());
        line = line.with(aligned(text, *width, is_number(property))).own(Role::Text, "  ");
    }
    line
}

fn aligned(text: Line, width: usize, right: bool) -> Line {
    if !right {
        return text.pad(width);
    }
    let missing = width.saturating_sub(text.width());
    Line::new().own(Role::Text, " ".repeat(missing)).with(text)
}
