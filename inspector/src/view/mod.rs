//! From the state to the cells of a screen. Nothing here does I/O, and of lists only what is seen is made.
//!
//! | module | what it holds |
//! |---|---|
//! | `canvas` | lines on a buffer |
//! | `node` | overview, collections, live queries, set aside, indexes, plans, what was asked |
//! | `table` | the entities of a collection |
//! | `history` | entity, operation |
//! | `course` | the timeline of an entity or a collection |
//! | `stream`, `wire` | changes, log; links and what goes over them |
//! | `graph` | the operation graph |
//! | `help` | keys |

mod canvas;
mod course;
mod graph;
mod help;
mod history;
mod node;
mod stream;
mod table;
mod wire;

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Context;
use crate::line::{Line, Role};
use crate::screen::{Areas, head, tab_of, tabs};
use crate::state::typing::{Typing, What};
use crate::state::{State, View};
use crate::theme::Theme;
use canvas::Canvas;

/// Columns of a page that is looked at without a screen.
pub const WIDE: usize = 200;
/// Choices that are shown at a time.
const CHOICES: usize = 10;

/// A page: what it is called, lines that stand still, and a list.
pub struct Page<'a> {
    /// What is shown.
    pub title: Line,
    /// Lines above the list.
    pub head: Vec<Line>,
    /// Makes some of the lines of the list.
    pub rows: Box<dyn Fn(Range<usize>) -> Vec<Line> + 'a>,
    /// What is said where the list has no line.
    pub empty: Line,
}

impl<'a> Page<'a> {
    /// The page of a state, for so many columns.
    pub fn of(state: &'a State, columns: usize) -> Self {
        Page::themed(state, columns, Theme::default())
    }

    fn themed(state: &'a State, columns: usize, theme: Theme) -> Self {
        match state.view {
            View::Overview => node::overview(state, theme),
            View::Collections => node::collections(state),
            View::Live => node::live(state, columns),
            View::Aside => node::aside(state),
            View::Indexes => node::indexes(state),
            View::Plan => node::plan(state),
            View::Asked => node::asked(state),
            View::Log => stream::log(state),
            View::Peers => wire::page(state),
            View::Entities => table::page(state, columns, theme),
            View::Entity => history::entity(state),
            View::Operation => history::operation(state),
            View::Timeline => course::page(state, columns, theme),
            View::Changes => stream::changes(state),
            View::Graph => graph::page(state, columns, theme),
            View::Help => help::page(state),
        }
    }

    /// A page that has nothing to show but why.
    fn bare(title: &str, empty: Line) -> Self {
        let title = Line::new().own(Role::Strong, title.to_owned());
        Page { title, head: Vec::new(), rows: Box::new(|_| Vec::new()), empty }
    }
}

/// The lines of the help for a state.
pub(crate) fn help_length(state: &State) -> usize {
    help::lines(state).len()
}

/// The lines above the frames.
pub(crate) fn peers_head(state: &State) -> usize {
    wire::head_length(state)
}

/// The lines above the live queries.
pub(crate) fn live_head(state: &State) -> usize {
    node::live_head(state)
}

/// The lines of the overview.
pub(crate) fn overview_length(state: &State) -> usize {
    node::overview_lines(state, Theme::default()).len()
}

/// Draws a state. Where the cursor is to stand: column and line.
pub fn draw(state: &State, theme: Theme, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let area = buffer.area;
    let mut canvas = Canvas::new(buffer, theme);
    let areas = Areas::of(area.height);
    draw_tabs(state, &mut canvas, &areas);
    let page = Page::themed(state, usize::from(area.width), theme);
    for line in areas.title.clone() {
        canvas.line(0, line, &title(state, &page));
    }
    draw_body(state, &page, &mut canvas, &areas);
    draw_footer(state, &mut canvas, &areas);
    draw_status(state, &mut canvas, &areas)
}

fn draw_tabs(state: &State, canvas: &mut Canvas<'_>, areas: &Areas) {
    for line in areas.tabs.clone() {
        for (place, view, text) in tabs(canvas.width(), state.view, &state.options.keymap) {
            let role = if view == tab_of(state.view) { Role::Tab } else { Role::Dim };
            canvas.line(place.start, line, &Line::new().own(role, text));
        }
    }
}

fn title(state: &State, page: &Page<'_>) -> Line {
    let access = if state.options.write { "" } else { " read-only" };
    let name = Line::new().own(Role::Text, " ").data(Role::Name, &state.options.name);
    name.own(Role::Dim, access).own(Role::Dim, " | ").with(page.title.clone())
}

fn draw_body(state: &State, page: &Page<'_>, canvas: &mut Canvas<'_>, areas: &Areas) {
    let body = areas.height();
    let shown = head(body, page.head.len());
    let mut line = areas.body.start;
    for text in page.head.iter().take(shown) {
        canvas.line(0, line, &Line::new().own(Role::Text, "  ").with(text.clone()));
        line += 1;
    }
    let (length, list) = (state.shape().0, state.list());
    if length == 0 {
        if line < areas.body.end {
            canvas.line(0, line, &Line::new().own(Role::Text, "  ").with(page.empty.clone()));
        }
        return;
    }
    let seen = list.seen(length, body - shown);
    let first = seen.start;
    for (at, text) in (page.rows)(seen).into_iter().enumerate() {
        if line >= areas.body.end {
            break;
        }
        let selected = first + at == list.selected && !state.is_text();
        let mark = if selected { canvas.theme().pick("▶ ", "> ") } else { "  " };
        canvas.line(0, line, &Line::new().own(Role::Key, mark).with(text));
        if selected {
            canvas.highlight(line);
        }
        line += 1;
    }
}

fn draw_footer(state: &State, canvas: &mut Canvas<'_>, areas: &Areas) {
    for line in areas.footer.clone() {
        let mut text = Line::new().own(Role::Text, " ");
        let fits = |own: bool| {
            let entries = state.options.keymap.entries();
            entries.filter(move |(entry, keys)| {
                let is_own = entry.context != Context::Everywhere;
                state.offers(entry) && is_own == own && !entry.footer.is_empty() && !keys.is_empty()
            })
        };
        for (entry, keys) in fits(true).chain(fits(false)) {
            let key = keys.first().map(ToString::to_string).unwrap_or_default();
            let piece = Line::new().own(Role::Key, key).own(Role::Dim, format!(" {}  ", entry.footer));
            if text.width() + piece.width() > usize::from(canvas.width()) {
                break;
            }
            text = text.with(piece);
        }
        canvas.line(0, line, &text);
    }
}

fn draw_status(state: &State, canvas: &mut Canvas<'_>, areas: &Areas) -> Option<(u16, u16)> {
    let line = areas.status.clone().next()?;
    if let Some(typing) = &state.typing {
        draw_choices(typing, canvas, areas);
        return Some(draw_typing(typing, canvas, line));
    }
    if let Some((role, text)) = &state.notice {
        canvas.line(0, line, &Line::new().own(Role::Text, " ").data(*role, text));
        return None;
    }
    let length = state.shape().0;
    if length > 0 && !state.is_text() {
        let place = format!("{} of {}", grouped(state.list().selected + 1), grouped(length));
        let text = Line::new().own(Role::Text, " ").own(Role::Dim, place);
        canvas.line(0, line, &text);
    }
    None
}

fn draw_typing(typing: &Typing, canvas: &mut Canvas<'_>, line: u16) -> (u16, u16) {
    let prompt = match typing.what {
        What::Palette => ":",
        What::Choice { prompt } => prompt,
        What::Search => "/",
        What::Query { .. } => "where ",
        What::Filter { .. } => "filter ",
        What::Explain => "explain ",
        What::Edit { .. } => "value ",
    };
    let before = Line::new().own(Role::Key, prompt).data(Role::Text, typing.input.before());
    // What was typed first leaves the screen where there is no room for all.
    let room = usize::from(canvas.width()).saturating_sub(1);
    let mut skipped = 0;
    let mut shown = before;
    while shown.width() > room && skipped < typing.input.before().len() {
        skipped += typing
            .input
            .before()
            .get(skipped..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
        let rest = typing.input.before().get(skipped..).unwrap_or("");
        shown = Line::new().own(Role::Key, prompt).data(Role::Text, rest);
    }
    let column = u16::try_from(shown.width()).unwrap_or(u16::MAX).min(canvas.width().saturating_sub(1));
    let after = typing.input.text().get(typing.input.cursor()..).unwrap_or("");
    let mut text = shown.data(Role::Text, after);
    if let Some(wrong) = &typing.wrong {
        text = text.own(Role::Dim, "   ").data(Role::Error, wrong);
    }
    canvas.line(0, line, &text);
    (column, line)
}

fn draw_choices(typing: &Typing, canvas: &mut Canvas<'_>, areas: &Areas) {
    let room = areas.height().min(CHOICES);
    let count = typing.choices.len().min(room);
    let first = (typing.chosen + 1).saturating_sub(count);
    let widest = typing.choices.iter().map(|choice| choice.name.chars().count()).max().unwrap_or(0).min(40);
    let choices = typing.choices.iter().enumerate().skip(first).take(count);
    let start = areas.body.end.saturating_sub(u16::try_from(count).unwrap_or(0));
    for (line, (at, choice)) in (start..).zip(choices) {
        let chosen = at == typing.chosen;
        let mark = if chosen { canvas.theme().pick("▶ ", "> ") } else { "  " };
        let name = Line::new().own(Role::Key, mark).data(Role::Strong, &choice.name).pad(widest + 2);
        canvas.clear(line);
        canvas.line(0, line, &name.own(Role::Text, "  ").data(Role::Dim, &choice.about));
        if chosen {
            canvas.highlight(line);
        }
    }
}

/// So many of something.
pub(crate) fn count(number: usize, one: &str, more: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {more}", grouped(number)) }
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its digits in groups of three.
fn number(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

/// So many bytes.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    // In tenths of the unit.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS.get(unit).copied().unwrap_or_default())
}

/// A time, from microseconds since the Unix epoch.
fn moment(micros: i64) -> String {
    let text = ankurah_core::value::Timestamp(micros).to_string();
    text.split('.').next().unwrap_or_default().to_owned()
}

/// How long something took, from nanoseconds.
fn duration(nanos: u64) -> String {
    match nanos {
        0..1_000_000 => format!("{} us", nanos / 1000),
        1_000_000..10_000_000_000 => format!("{} ms", nanos / 1_000_000),
        _ => format!("{} s", nanos / 1_000_000_000),
    }
}

/// An empty buffer of a size.
pub fn blank(columns: u16, lines: u16) -> Buffer {
    Buffer::empty(Rect::new(0, 0, columns, lines))
}
