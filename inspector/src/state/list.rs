//! A list of which a part is seen.

/// Where one is in a list, however long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The selected line.
    pub selected: usize,
    /// The first line that is seen.
    pub top: usize,
}

impl List {
    /// Goes on, or back where `by` is negative.
    pub fn step(&mut self, by: isize, length: usize) {
        self.selected = self.selected.saturating_add_signed(by).min(length.saturating_sub(1));
    }

    /// Goes to a line.
    pub fn select(&mut self, line: usize, length: usize) {
        self.selected = line.min(length.saturating_sub(1));
    }

    /// Sees to it that the selected line exists and is seen.
    pub fn settle(&mut self, length: usize, height: usize) {
        self.selected = self.selected.min(length.saturating_sub(1));
        let height = height.max(1);
        self.top = self.top.min(self.selected).max((self.selected + 1).saturating_sub(height));
        self.top = self.top.min(length.saturating_sub(height));
    }

    /// The same for a text, which is scrolled without a selected line.
    pub fn scroll(&mut self, length: usize, height: usize) {
        self.selected = self.selected.min(length.saturating_sub(height.max(1)));
        self.top = self.selected;
    }

    /// The lines that are seen.
    pub fn seen(&self, length: usize, height: usize) -> std::ops::Range<usize> {
        self.top.min(length)..self.top.saturating_add(height).min(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_line_is_seen() {
        let check = |selected, top, length, height, expected: (usize, usize)| {
            let mut list = List { selected, top };
            list.settle(length, height);
            assert_eq!((list.selected, list.top), expected);
        };
        check(0, 0, 0, 0, (0, 0));
        check(5, 0, 3, 10, (2, 0));
        check(12, 0, 100, 10, (12, 3));
        check(2, 5, 100, 10, (2, 2));
        check(99, 95, 100, 10, (99, 90));
        check(7, 7, 8, 0, (7, 7));
    }
}
