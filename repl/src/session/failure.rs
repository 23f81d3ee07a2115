//! Failures as text.

use std::borrow::Cow;

use ankurah_core::node::protocol::Failure;
use ankurah_query_lang::{Diagnostic, RenderOptions, Span};

use crate::display::{Safe, Style, Tone, width as columns_of, wrap};

/// A failure with its place in the source, a caret, and what to do. `origin` is the name of the source and the
/// line of the statement, for failures without a place of their own. Lines are broken to fit so many columns.
pub fn render_failure(
    failure: &Failure,
    source: &str,
    origin: Option<(&str, usize)>,
    style: Style,
    columns: Option<usize>,
) -> String {
    let text = match failure.span {
        Some((start, end)) => {
            let mark = |text: &String| marked(text, style).into_owned();
            let mut diagnostic = Diagnostic::error(mark(&failure.message), Span::new(start, end));
            diagnostic.label = failure.label.as_ref().map(mark);
            diagnostic.help = failure.help.as_ref().map(mark);
            let options = RenderOptions {
                origin: origin.map(|(name, _)| name.to_owned()),
                first_line: 1,
                width: columns.unwrap_or(100).saturating_sub(6),
                mark: style.ellipsis(),
            };
            fold(&diagnostic.render(source, &options), columns)
        }
        None => {
            let place = origin.map(|(name, line)| format!("{name}:{line}: ")).unwrap_or_default();
            let mut text = format!("error: {}", Safe::line(&format!("{place}{}", failure.message)));
            if let Some(help) = &failure.help {
                text.push_str(&format!("\n  = help: {}", Safe::line(help)));
            }
            fold(&marked(&text, style), columns)
        }
    };
    paint(&text, style)
}

/// A message about a place in a text: the offset `at` of `source`, whose first line is line `first` of `origin`.
pub fn render_place(
    message: &str,
    source: &str,
    at: usize,
    origin: &str,
    first: usize,
    style: Style,
) -> String {
    let mark = style.ellipsis();
    let options = RenderOptions { origin: Some(origin.to_owned()), first_line: first, width: 94, mark };
    paint(&Diagnostic::error(marked(message, style), Span::new(at, at)).render(source, &options), style)
}

/// A message of the program itself.
pub fn render_message(message: &str, style: Style) -> String {
    render_message_in(message, style, None)
}

/// The same in lines of so many columns.
pub(super) fn render_message_in(message: &str, style: Style, columns: Option<usize>) -> String {
    paint(&fold(&format!("error: {}", Safe::line(&marked(message, style))), columns), style)
}

/// A message with the marks that may be used.
fn marked(text: &str, style: Style) -> Cow<'_, str> {
    if style.ascii { Cow::Owned(text.replace('…', style.ellipsis())) } else { Cow::Borrowed(text) }
}

/// A message with its lines broken between words: the text of the message and of its helps hangs under its start, and
/// what stands beside a caret goes below it.
fn fold(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let bar = line.find('|').map(|bar| line.split_at(bar + 1));
        match bar {
            _ if columns_of(line) <= columns => lines.push(line.to_owned()),
            Some((gutter, rest)) if at >= 3 && gutter.trim() == "|" && rest.trim_start().starts_with('^') => {
                let (carets, label) = rest.rsplit_once("^ ").unwrap_or((rest, ""));
                lines.push(format!("{gutter}{carets}^"));
                let room = columns.saturating_sub(columns_of(gutter) + 1);
                let label = wrap(label, Some(room), 0);
                lines.extend(label.lines().map(|line| format!("{gutter} {line}")));
            }
            // A line of the source is cut already.
            Some((gutter, _)) if at >= 3 && gutter.trim_end_matches('|').trim().parse::<usize>().is_ok() => {
                lines.push(line.to_owned());
            }
            _ => lines.push(wrap(
                line,
                Some(columns),
                if at == 0 { "error: ".len() } else { "= help: ".len() },
            )),
        }
    }
    lines.join("\n")
}

/// Colours the first word, the frame and the carets.
fn paint(text: &str, style: Style) -> String {
    if !style.colour {
        return text.to_owned();
    }
    let lines: Vec<String> = text.lines().enumerate().map(|(at, line)| paint_line(at, line, style)).collect();
    lines.join("\n")
}

fn paint_line(at: usize, line: &str, style: Style) -> String {
    if at == 0 {
        return match line.split_once(':') {
            Some((word, rest)) => {
                format!("{}:{}", style.paint(Tone::Error, word), style.paint(Tone::Strong, rest))
            }
            None => line.to_owned(),
        };
    }
    let Some((gutter, rest)) = line.split_once('|') else {
        let dim = line.trim_start().starts_with("-->");
        return if dim { style.paint(Tone::Dim, line) } else { line.to_owned() };
    };
    let gutter = style.paint(Tone::Dim, &format!("{gutter}|"));
    // A line with carets, or what is said of them, has no line number before its bar.
    if at >= 4 && line.trim_start().starts_with('|') {
        return format!("{gutter}{}", style.paint(Tone::Error, rest));
    }
    format!("{gutter}{rest}")
}
