//! Lines on a buffer.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::line::Line;
use crate::theme::Theme;

/// A buffer that lines are put on.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, theme: Theme) -> Self {
        Canvas { buffer, theme }
    }

    pub(super) fn theme(&self) -> Theme {
        self.theme
    }

    pub(super) fn width(&self) -> u16 {
        self.buffer.area.width
    }

    /// Puts a line at a place, cut where the screen ends.
    pub(super) fn line(&mut self, column: u16, line: u16, text: &Line) {
        let area = self.buffer.area;
        if line >= area.height || column >= area.width {
            return;
        }
        let room = usize::from(area.width - column);
        let text = text.clone().cut(room, self.theme.ellipsis());
        let mut at = column;
        for (role, piece) in text.pieces() {
            if at >= area.width {
                break;
            }
            let room = usize::from(area.width - at);
            at = self.buffer.set_stringn(at, line, piece, room, self.theme.style(*role)).0;
        }
    }

    /// Empties a line.
    pub(super) fn clear(&mut self, line: u16) {
        if line < self.buffer.area.height {
            let blank = " ".repeat(usize::from(self.width()));
            self.buffer.set_stringn(0, line, blank, usize::from(self.width()), Style::reset());
        }
    }

    /// Sets a line off as selected.
    pub(super) fn highlight(&mut self, line: u16) {
        let area = self.buffer.area;
        for column in 0..area.width {
            if let Some(cell) = self.buffer.cell_mut((column, line)) {
                cell.set_style(self.theme.selected());
            }
        }
    }
}
