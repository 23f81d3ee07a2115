//! One entity: what it is; and one of its operations.

use std::ops::Range;

use ankurah_core::id::OpId;

use super::graph::{empty, nothing_chosen};
use super::{Page, grouped};
use crate::dag::time_text;
use crate::line::{Line, Role, safe};
use crate::state::State;
use crate::state::names::short;
use crate::state::operation::value_line;
use crate::state::subject::{Shown, Subject, shown};

/// Columns of a property's name.
pub(super) fn name_width(state: &State, shown: &[Shown]) -> usize {
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
    let Some(subject) = &state.subject else { return nothing_chosen(state, "Entity") };
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

pub(super) fn name(state: &State, shown: &Shown, width: usize) -> Line {
    let name = Line::new().data(Role::Name, &state.names.property_name(shown.property));
    name.cut(width, "~").pad(width + 2)
}

pub(super) fn value(shown: &Shown) -> Line {
    let line = value_line(shown.value.as_ref());
    if shown.text { Line::new().own(Role::Dim, "text ").with(line) } else { line }
}

pub(super) fn operation(state: &State) -> Page<'_> {
    let Some(page) = &state.operation else { return nothing_chosen(state, "Operation") };
    let title = Line::new().own(Role::Strong, "Operation ").own(Role::Id, page.id.to_string());
    let rows = move |range: Range<usize>| range.map(|number| page.line(number)).collect();
    let empty = match &page.failure {
        Some(failure) => Line::new().data(Role::Error, failure),
        None => Line::new().own(Role::Dim, "reading ..."),
    };
    Page { title, head: Vec::new(), rows: Box::new(rows), empty }
}
