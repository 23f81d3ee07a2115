//! A screen as a picture.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// The width and height of a cell and the size of the letters, in tenths of a pixel.
const CELL: (u32, u32) = (84, 190);
/// Where the first cell begins, in tenths of a pixel.
const ORIGIN: (u32, u32) = (160, 280);
/// What is free to the right and below, in tenths of a pixel.
const MARGIN: (u32, u32) = (160, 160);
/// The height of letters above the line they stand on, in tenths of a pixel.
const ASCENT: u32 = 140;

const BACKGROUND: &str = "#1b1f2a";
const FOREGROUND: &str = "#d8dee9";
/// The sixteen colours that have names: dark, then bright.
const NAMED: [&str; 16] = [
    "#3b4252", "#f07178", "#a5d6a7", "#ffcb6b", "#82aaff", "#c792ea", "#89ddff", "#d8dee9", "#676e95",
    "#ff8b92", "#ddffa7", "#ffe585", "#9cc4ff", "#e1acff", "#a3f7ff", "#ffffff",
];

/// How a run of cells looks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    front: String,
    back: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

impl Look {
    fn of(cell: &Cell, under_cursor: bool) -> Self {
        let front = colour(cell.fgcolor()).unwrap_or_else(|| FOREGROUND.to_owned());
        let back = colour(cell.bgcolor());
        let (front, back) = if cell.inverse() != under_cursor {
            (back.unwrap_or_else(|| BACKGROUND.to_owned()), Some(front))
        } else {
            (front, back)
        };
        Look {
            front,
            back,
            bold: cell.bold(),
            dim: cell.dim(),
            italic: cell.italic(),
            underline: cell.underline(),
        }
    }
}

/// Cells beside each other that look the same.
struct Run {
    column: u16,
    cells: u16,
    text: String,
    look: Look,
}

/// The screen as an SVG picture in the frame of a window: the same for the same screen, to the byte.
pub fn svg(screen: &Screen) -> String {
    let (lines, columns) = screen.size();
    let width = ORIGIN.0 + u32::from(columns.get()) * CELL.0 + MARGIN.0;
    let height = ORIGIN.1 + u32::from(lines.get()) * CELL.1 + MARGIN.1;
    let (width, height) = (pixels(width), pixels(height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
         {height}\" font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
         font-size=\"14\">\n<rect width=\"{width}\" height=\"{height}\" rx=\"9\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (at, fill) in [(20, "#f07178"), (40, "#ffcb6b"), (60, "#a5d6a7")] {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "<circle cx=\"{at}\" cy=\"15\" r=\"6\" fill=\"{fill}\"/>");
    }
    for line in 0..lines.get() {
        for run in runs(screen, line, columns.get()) {
            draw(&run, line, &mut out);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn runs(screen: &Screen, line: u16, columns: u16) -> Vec<Run> {
    let cursor = (!screen.hide_cursor()).then(|| screen.cursor_position());
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(line, column) else { continue };
        if cell.is_wide_continuation() {
            continue;
        }
        let look = Look::of(cell, cursor == Some((line, column)));
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let cells = if cell.is_wide() { 2 } else { 1 };
        match runs.last_mut() {
            Some(last) if last.look == look => {
                last.cells += cells;
                last.text.push_str(text);
            }
            _ => runs.push(Run { column, cells, text: text.to_owned(), look }),
        }
    }
    runs
}

fn draw(run: &Run, line: u16, out: &mut String) {
    let top = ORIGIN.1 + u32::from(line) * CELL.1;
    let left = |column: u16| pixels(ORIGIN.0 + u32::from(column) * CELL.0);
    let length = |cells: u16| pixels(u32::from(cells) * CELL.0);
    if let Some(back) = &run.look.back {
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{back}\"/>",
            left(run.column),
            pixels(top),
            length(run.cells),
            pixels(CELL.1)
        );
    }
    // Blanks at the ends are not drawn.
    let blank = |text: &str| u16::try_from(text.len()).unwrap_or(u16::MAX);
    let before = blank(run.text.get(..run.text.len() - run.text.trim_start().len()).unwrap_or(""));
    let after = blank(run.text.get(run.text.trim_end().len()..).unwrap_or(""));
    let text = run.text.trim();
    if text.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" fill=\"{}\" textLength=\"{}\" xml:space=\"preserve\"",
        left(run.column + before),
        pixels(top + ASCENT),
        run.look.front,
        length(run.cells - before - after),
    );
    for (is, attribute) in [
        (run.look.bold, " font-weight=\"bold\""),
        (run.look.dim, " fill-opacity=\"0.6\""),
        (run.look.italic, " font-style=\"italic\""),
        (run.look.underline, " text-decoration=\"underline\""),
    ] {
        if is {
            out.push_str(attribute);
        }
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, ">{text}</text>");
}

/// A colour as SVG writes it; `None` is the terminal's own.
fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Default => None,
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Idx(number) => Some(match (NAMED.get(usize::from(number)), number.checked_sub(16)) {
            (Some(named), _) => (*named).to_owned(),
            // A cube of six steps a colour, then greys.
            (None, Some(step @ 0..216)) => {
                let part = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
                format!("#{:02x}{:02x}{:02x}", part(step / 36), part(step / 6 % 6), part(step % 6))
            }
            (None, step) => {
                let grey = 8 + 10 * (step.unwrap_or(216) - 216);
                format!("#{grey:02x}{grey:02x}{grey:02x}")
            }
        }),
    }
}

/// Tenths of a pixel as pixels.
fn pixels(tenths: u32) -> String {
    let (whole, rest) = (tenths / 10, tenths % 10);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZero;

    /// The picture of what a program wrote, without its frame.
    #[track_caller]
    fn check(written: &str, expected: &[&str]) {
        let mut parser = vt100::Parser::new(NonZero::new(2).unwrap(), NonZero::new(12).unwrap(), 0);
        parser.process(b"\x1b[?25l");
        parser.process(written.as_bytes());
        let picture = svg(parser.screen());
        let drawn: Vec<&str> = picture.lines().skip(5).filter(|line| *line != "</svg>").collect();
        assert_eq!(drawn, expected);
    }

    #[test]
    fn cells() {
        check("", &[]);
        check(
            "a <&\r\n  \u{1b}[1;31mb c",
            &[
                "<text x=\"16\" y=\"42\" fill=\"#d8dee9\" textLength=\"33.6\" xml:space=\"preserve\">a &lt;&amp;</text>",
                "<text x=\"32.8\" y=\"61\" fill=\"#f07178\" textLength=\"25.2\" xml:space=\"preserve\" font-weight=\"bold\">b c</text>",
            ],
        );
        check(
            "\u{1b}[7m東\u{1b}[0m",
            &[
                "<rect x=\"16\" y=\"28\" width=\"16.8\" height=\"19\" fill=\"#d8dee9\"/>",
                "<text x=\"16\" y=\"42\" fill=\"#1b1f2a\" textLength=\"16.8\" xml:space=\"preserve\">東</text>",
            ],
        );
        check(
            "\u{1b}[?25hx\r",
            &[
                "<rect x=\"16\" y=\"28\" width=\"8.4\" height=\"19\" fill=\"#d8dee9\"/>",
                "<text x=\"16\" y=\"42\" fill=\"#1b1f2a\" textLength=\"8.4\" xml:space=\"preserve\">x</text>",
            ],
        );
    }

    #[test]
    fn colours() {
        for (number, expected) in
            [(1, "#f07178"), (16, "#000000"), (196, "#ff0000"), (231, "#ffffff"), (255, "#eeeeee")]
        {
            assert_eq!(colour(Color::Idx(number)).unwrap(), expected);
        }
        assert_eq!(colour(Color::Rgb(1, 2, 255)).unwrap(), "#0102ff");
    }
}
