//! Which pieces of a log have come.

use std::collections::BTreeMap;

use super::Cursor;

/// The pieces that came after the first gap.
#[derive(Debug)]
pub(super) struct Intervals {
    upto: Cursor,
    beyond: BTreeMap<Cursor, Cursor>,
}

/// How many pieces beyond a gap are remembered. More are taken in, yet have to be sent again.
const BEYOND: usize = 1024;

impl Intervals {
    pub(super) fn new(upto: Cursor) -> Self {
        Intervals { upto, beyond: BTreeMap::new() }
    }

    /// Everything before this place has come.
    pub(super) fn upto(&self) -> Cursor {
        self.upto
    }

    /// Whether there is a gap before something that has come.
    pub(super) fn has_gap(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// A piece has come.
    pub(super) fn add(&mut self, from: Cursor, to: Cursor) {
        if to <= from || to <= self.upto {
            return;
        }
        if self.beyond.len() < BEYOND || self.beyond.contains_key(&from) || from <= self.upto {
            let end = self.beyond.entry(from).or_insert(to);
            *end = to.max(*end);
        }
        while let Some((from, to)) = self.beyond.pop_first() {
            if from > self.upto {
                self.beyond.insert(from, to);
                break;
            }
            self.upto = to.max(self.upto);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64) -> Cursor {
        Cursor { position, index: 0 }
    }

    #[test]
    fn pieces_in_any_order_close_the_gaps() {
        let mut intervals = Intervals::new(Cursor::START);
        for (from, to, upto, gap) in [
            (3, 5, 1, true),
            (7, 9, 1, true),
            (1, 2, 2, true),
            (2, 3, 5, true),
            (4, 8, 9, false),
            (1, 2, 9, false),
        ] {
            intervals.add(at(from), at(to));
            assert_eq!((intervals.upto(), intervals.has_gap()), (at(upto), gap), "{from}..{to}");
        }
    }

    #[test]
    fn what_makes_no_sense_changes_nothing() {
        let mut intervals = Intervals::new(at(5));
        intervals.add(at(7), at(6));
        intervals.add(at(1), at(4));
        assert_eq!((intervals.upto(), intervals.has_gap()), (at(5), false));
    }

    #[test]
    fn the_pieces_beyond_a_gap_are_bounded() {
        let mut intervals = Intervals::new(at(1));
        for n in 0..3000 {
            intervals.add(at(10 + 2 * n), at(11 + 2 * n));
        }
        assert_eq!(intervals.beyond.len(), BEYOND);
        intervals.add(at(1), at(10));
        assert_eq!(intervals.upto(), at(11));
    }
}
