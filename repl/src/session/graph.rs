//! The lines beside a list of operations that show which follows which, the newest first.

use std::hash::Hash;

/// The characters of the lines.
#[derive(Clone, Copy, Debug)]
struct Pens {
    node: char,
    down: char,
    across: char,
    /// By what a crossing joins: up, down, left, right.
    join: fn(bool, bool, bool, bool) -> char,
}

const UNICODE: Pens = Pens { node: '●', down: '│', across: '─', join: unicode };
const ASCII: Pens = Pens { node: '*', down: '|', across: '-', join: ascii };

fn unicode(up: bool, down: bool, left: bool, right: bool) -> char {
    match (up, down, left, right) {
        (true, true, true, true) => '┼',
        (true, true, true, false) => '┤',
        (true, true, false, true) => '├',
        (true, false, true, true) => '┴',
        (true, false, true, false) => '╯',
        (true, false, false, true) => '╰',
        (false, true, true, true) => '┬',
        (false, true, true, false) => '╮',
        (false, true, false, true) => '╭',
        (false, false, ..) => '─',
        (_, _, false, false) => '│',
    }
}

fn ascii(up: bool, down: bool, left: bool, right: bool) -> char {
    match (up, down, left || right) {
        (true, true, true) => '+',
        (true, false, true) => '\'',
        (false, true, true) => '.',
        (false, false, _) => '-',
        (_, _, false) => '|',
    }
}

/// Draws operations one after the other, children before their parents.
#[derive(Debug)]
pub(super) struct Graph<T> {
    pens: Pens,
    /// The operation that each line leads down to.
    lanes: Vec<Option<T>>,
}

/// The lines of an operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    /// Above the operation, where several children lead to it.
    pub(super) above: Option<String>,
    /// Beside the operation.
    pub(super) beside: String,
    /// Below it, where it has several parents.
    pub(super) below: Option<String>,
    /// Beside further lines about it.
    pub(super) margin: String,
}

impl<T: Copy + Eq + Hash> Graph<T> {
    pub(super) fn new(ascii: bool) -> Self {
        Graph { pens: if ascii { ASCII } else { UNICODE }, lanes: Vec::new() }
    }

    /// Draws an operation whose children were drawn before.
    pub(super) fn draw(&mut self, id: T, parents: &[T]) -> Drawn {
        let of_id: Vec<usize> = self.places(|lane| *lane == Some(id));
        let place = match of_id.first() {
            Some(place) => *place,
            None => self.free(0),
        };
        let above = (of_id.len() > 1).then(|| {
            let before = self.used();
            for ended in of_id.iter().skip(1) {
                self.put(*ended, None);
            }
            self.put(place, Some(id));
            self.across(place, &of_id, &before)
        });
        self.put(place, Some(id));
        let beside = self.row(|at, used| match (at == place, used) {
            (true, _) => self.pens.node,
            (false, true) => self.pens.down,
            (false, false) => ' ',
        });
        let before = self.used();
        self.put(place, None);
        let mut joined = Vec::new();
        for (number, parent) in parents.iter().enumerate() {
            // The first parent goes on below, the others beside, where they are drawn already if they are.
            let at = match self.places(|lane| *lane == Some(*parent)).first() {
                _ if number == 0 => place,
                Some(at) => *at,
                None => self.free(place),
            };
            self.put(at, Some(*parent));
            joined.push(at);
        }
        let straight = joined.iter().all(|at| *at == place);
        let below = (!straight).then(|| self.across(place, &joined, &before));
        while self.lanes.last().is_some_and(Option::is_none) {
            self.lanes.pop();
        }
        let margin = self.row(|_, used| if used { self.pens.down } else { ' ' });
        Drawn { above, beside, below, margin }
    }

    fn places(&self, wanted: impl Fn(&Option<T>) -> bool) -> Vec<usize> {
        self.lanes.iter().enumerate().filter(|(_, lane)| wanted(lane)).map(|(at, _)| at).collect()
    }

    /// The first free place from `from` on.
    fn free(&self, from: usize) -> usize {
        (from..self.lanes.len())
            .find(|at| self.lanes.get(*at).is_some_and(Option::is_none))
            .unwrap_or(self.lanes.len().max(from))
    }

    fn put(&mut self, at: usize, lane: Option<T>) {
        while self.lanes.len() <= at {
            self.lanes.push(None);
        }
        if let Some(place) = self.lanes.get_mut(at) {
            *place = lane;
        }
    }

    fn used(&self) -> Vec<bool> {
        self.lanes.iter().map(Option::is_some).collect()
    }

    fn row(&self, glyph: impl Fn(usize, bool) -> char) -> String {
        let mut out = String::new();
        for (at, lane) in self.lanes.iter().enumerate() {
            out.push(glyph(at, lane.is_some()));
            out.push(' ');
        }
        out.trim_end().to_owned()
    }

    /// The line that joins a place with others; `before` tells which lanes lead down to it.
    fn across(&self, place: usize, others: &[usize], before: &[bool]) -> String {
        let all = || others.iter().copied().chain([place]);
        let (low, high) = (all().min().unwrap_or(place), all().max().unwrap_or(place));
        let mut out = String::new();
        for at in 0..self.lanes.len().max(before.len()) {
            let up = before.get(at).copied().unwrap_or(false);
            let down = self.lanes.get(at).is_some_and(Option::is_some);
            let (left, right) = (low < at && at <= high, low <= at && at < high);
            out.push(match (left || right, up || down) {
                (false, false) => ' ',
                (true, false) => self.pens.across,
                _ => (self.pens.join)(up, down, left, right),
            });
            out.push(if right { self.pens.across } else { ' ' });
        }
        out.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws `child<-parent,parent; …`, the newest first.
    fn draw(dag: &str, ascii: bool) -> String {
        let mut graph = Graph::new(ascii);
        let mut out = Vec::new();
        for item in dag.split(';') {
            let (name, parents) = item.trim().split_once("<-").unwrap_or((item.trim(), ""));
            let parents: Vec<&str> = parents.split(',').filter(|name| !name.is_empty()).collect();
            let drawn = graph.draw(name, &parents);
            out.extend(drawn.above);
            out.push(format!("{} {name}", drawn.beside));
            out.extend(drawn.below);
        }
        out.join("\n")
    }

    #[test]
    fn a_line() {
        assert_eq!(draw("C<-B; B<-A; A", false), "● C\n● B\n● A");
    }

    #[test]
    fn a_fork_and_its_merge() {
        assert_eq!(draw("D<-B,C; C<-A; B<-A; A", false), "● D\n├─╮\n│ ● C\n● │ B\n├─╯\n● A");
        assert_eq!(draw("D<-B,C; C<-A; B<-A; A", true), "* D\n+-.\n| * C\n* | B\n+-'\n* A");
    }

    #[test]
    fn two_heads() {
        assert_eq!(draw("C<-A; B<-A; A", false), "● C\n│ ● B\n├─╯\n● A");
    }

    #[test]
    fn lines_cross() {
        assert_eq!(
            draw("F<-C; E<-D; D<-A,C; C<-B; B<-A; A", false),
            "● F\n│ ● E\n│ ● D\n├─┤\n● │ C\n● │ B\n├─╯\n● A"
        );
        assert_eq!(
            draw("M<-B,C,D; D<-A; C<-A; B<-A; A", false),
            "● M\n├─┬─╮\n│ │ ● D\n│ ● │ C\n● │ │ B\n├─┴─╯\n● A"
        );
    }

    #[test]
    fn places_are_used_again() {
        let text = draw("Z<-A; Y<-A; X<-A; A<-B; C<-B; B", false);
        assert_eq!(text, "● Z\n│ ● Y\n│ │ ● X\n├─┴─╯\n● A\n│ ● C\n├─╯\n● B");
    }
}
