//! Peers, and what goes over their links.

use std::ops::Range;

use super::stream::{facts, nothing};
use super::{Page, count, moment, number, size};
use crate::line::{Line, Role};
use crate::state::State;
use crate::state::wire::direction;

/// Links that are listed above the frames.
const LINKS: usize = 8;

/// How many lines stand above the frames.
pub(super) fn head_length(state: &State) -> usize {
    let links = state.wire.links.as_ref().map_or(1, |links| links.len().clamp(1, LINKS + 1));
    links + 3
}

/// The links.
fn links(state: &State) -> Vec<Line> {
    let titles = format!(
        "{:>5} {:<28} {:>8} {:>6} {:>10} {:>10}  since",
        "link", "peer", "requests", "open", "in", "out"
    );
    let mut lines = vec![Line::new().own(Role::Dim, titles)];
    let Some(links) = &state.wire.links else {
        lines.push(Line::new().own(Role::Dim, "asking ..."));
        return lines;
    };
    if links.is_empty() {
        lines.push(Line::new().own(Role::Dim, "No other program is linked to this node."));
    }
    for link in links.iter().take(LINKS) {
        let peer = Line::new()
            .data(Role::Name, &link.program)
            .own(Role::Dim, if link.read_only { " (reads)" } else { "" });
        let peer = peer.cut(28, "~").pad(28);
        let line = Line::new().own(Role::Number, format!("{:>5} ", link.id)).with(peer);
        let figures = format!(
            " {:>8} {:>6} {:>10} {:>10}  ",
            number(link.requests),
            number(link.open),
            size(link.bytes_in),
            size(link.bytes_out)
        );
        lines.push(line.own(Role::Number, figures).own(Role::Dim, moment(link.since.0)));
    }
    let more = links.len().saturating_sub(LINKS);
    if more > 0 {
        lines.push(Line::new().own(Role::Dim, format!("and {}", count(more, "link more", "links more"))));
    }
    lines
}

pub(super) fn page(state: &State) -> Page<'_> {
    let stream = &state.wire.stream;
    let rows = move |range: Range<usize>| {
        range
            .filter_map(|number| stream.entry(number))
            .map(|frame| {
                let time = moment(frame.at.0);
                let time = time.split(' ').next_back().unwrap_or_default().to_owned();
                let line = Line::new()
                    .own(Role::Dim, format!("{time} "))
                    .own(Role::Number, format!("{:>5} ", frame.link));
                let line = line.own(Role::Key, format!("{:<4}", direction(frame)));
                let line = line.own(Role::Text, format!("{:<8} ", frame.kind.name()));
                let line = line.own(Role::Number, format!("{:>8} {:>10}  ", frame.stream, size(frame.bytes)));
                line.data(Role::Name, &frame.what)
            })
            .collect()
    };
    let mut head = links(state);
    head.push(Line::new());
    let titles = format!(
        "{:<8} {:>5} {:<4}{:<8} {:>8} {:>10}  what",
        "time", "link", "way", "frame", "request", "size"
    );
    head.push(Line::new().own(Role::Dim, titles));
    let mut title = facts(Line::new().own(Role::Strong, "Peers"), stream);
    if state.wire.missed > 0 {
        let text = format!("  {} frames dropped before they were read", state.wire.missed);
        title = title.own(Role::Warning, text);
    }
    Page {
        title,
        head,
        rows: Box::new(rows),
        empty: nothing(stream, "No frame went over a link since this page was opened."),
    }
}
