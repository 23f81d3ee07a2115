//! Answers, and when two of them are equal.

use std::cmp::Ordering;
use std::fmt;

/// A value as both sides give it.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Null,
    /// Integers and truth values.
    Int(i64),
    /// Floats and decimals.
    Real(f64),
    /// Strings, and timestamps as `YYYY-MM-DD hh:mm:ss`.
    Text(String),
    Bytes(Vec<u8>),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => f.write_str("NULL"),
            Cell::Int(int) => write!(f, "{int}"),
            Cell::Real(real) => write!(f, "{real:?}"),
            Cell::Text(text) => write!(f, "{text:?}"),
            Cell::Bytes(bytes) => write!(f, "{bytes:02x?}"),
        }
    }
}

/// How far two numbers may be apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// In parts of the greater one.
    pub(crate) relative: f64,
    /// In any case.
    pub(crate) absolute: f64,
}

impl Tolerance {
    /// For queries that were written by hand.
    pub(crate) const RELATIVE: Tolerance = Tolerance { relative: 1e-9, absolute: 0.0 };
    /// For random ones: in floating point `0.1 + 0.2 - 0.3` is nearly, in decimals exactly zero.
    pub(crate) const RANDOM: Tolerance = Tolerance { relative: 1e-9, absolute: 1e-9 };
}

impl Cell {
    fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "only where the other is no integer")]
            Cell::Int(int) => Some(*int as f64),
            Cell::Real(real) => Some(*real),
            Cell::Null | Cell::Text(_) | Cell::Bytes(_) => None,
        }
    }

    pub(crate) fn equals(&self, other: &Cell, tolerance: Tolerance) -> bool {
        match (self, other) {
            (Cell::Null, Cell::Null) => true,
            (Cell::Int(a), Cell::Int(b)) => a == b,
            (Cell::Text(a), Cell::Text(b)) => a == b,
            (Cell::Bytes(a), Cell::Bytes(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => {
                    let allowed = (tolerance.relative * a.abs().max(b.abs())).max(tolerance.absolute);
                    a == b || (a - b).abs() <= allowed
                }
                _ => false,
            },
        }
    }

    fn order(&self, other: &Cell) -> Ordering {
        let rank = |cell: &Cell| match cell {
            Cell::Null => 0,
            Cell::Int(_) | Cell::Real(_) => 1,
            Cell::Text(_) => 2,
            Cell::Bytes(_) => 3,
        };
        match (self, other) {
            (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            (Cell::Bytes(a), Cell::Bytes(b)) => a.cmp(b),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => rank(self).cmp(&rank(other)),
            },
        }
    }
}

pub(crate) type Row = Vec<Cell>;

/// The rows of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
}

fn shown(row: &[Cell]) -> String {
    row.iter().map(Cell::to_string).collect::<Vec<_>>().join(" | ")
}

impl fmt::Display for Answer {
    /// The first rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 25;
        for row in self.rows.iter().take(SHOWN) {
            writeln!(f, "    {}", shown(row))?;
        }
        match self.rows.len() {
            0 => writeln!(f, "    (no rows)"),
            count if count > SHOWN => writeln!(f, "    … {count} rows in all"),
            _ => Ok(()),
        }
    }
}

fn same(a: &[Cell], b: &[Cell], tolerance: Tolerance) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b, tolerance))
}

/// The first difference between our answer and SQLite's.
pub(crate) fn difference(
    ours: &Answer,
    sqlite: &Answer,
    ordered: bool,
    tolerance: Tolerance,
) -> Option<String> {
    if ordered { in_order(ours, sqlite, tolerance) } else { as_multiset(ours, sqlite, tolerance) }
}

fn in_order(ours: &Answer, sqlite: &Answer, tolerance: Tolerance) -> Option<String> {
    for (at, (a, b)) in ours.rows.iter().zip(&sqlite.rows).enumerate() {
        if !same(a, b, tolerance) {
            return Some(format!("row {}: `{}`, from SQLite `{}`", at + 1, shown(a), shown(b)));
        }
    }
    let (a, b) = (ours.rows.len(), sqlite.rows.len());
    (a != b).then(|| format!("{a} rows, from SQLite {b}"))
}

fn as_multiset(ours: &Answer, sqlite: &Answer, tolerance: Tolerance) -> Option<String> {
    let sorted = |answer: &Answer| {
        let mut rows = answer.rows.clone();
        rows.sort_by(|a, b| {
            a.iter().zip(b).map(|(a, b)| a.order(b)).find(|it| it.is_ne()).unwrap_or(a.len().cmp(&b.len()))
        });
        Answer { rows }
    };
    let (ours, sqlite) = (sorted(ours), sorted(sqlite));
    // Rows that differ within the tolerance may be sorted in another order: each is then looked for.
    in_order(&ours, &sqlite, tolerance)?;
    let mut left = sqlite.rows;
    for row in &ours.rows {
        match left.iter().position(|other| same(row, other, tolerance)) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => return Some(format!("`{}` comes too often: SQLite has it fewer times", shown(row))),
        }
    }
    left.first().map(|row| format!("`{}` is missing: SQLite has it more times", shown(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[&[f64]]) -> Answer {
        let real = |x: &f64| if x.is_nan() { Cell::Null } else { Cell::Real(*x) };
        Answer { rows: rows.iter().map(|row| row.iter().map(real).collect()).collect() }
    }

    #[track_caller]
    fn check(ours: &[&[f64]], sqlite: &[&[f64]], ordered: bool, multiset: bool) {
        let (ours, sqlite) = (answer(ours), answer(sqlite));
        assert_eq!(difference(&ours, &sqlite, true, Tolerance::RELATIVE).is_none(), ordered);
        assert_eq!(difference(&ours, &sqlite, false, Tolerance::RELATIVE).is_none(), multiset);
    }

    #[test]
    fn differences_are_found() {
        const NULL: f64 = f64::NAN;
        check(&[], &[], true, true);
        check(&[&[1.0], &[2.0]], &[&[1.0], &[2.0]], true, true);
        check(&[&[1.0], &[2.0]], &[&[2.0], &[1.0]], false, true);
        check(&[&[1.0], &[1.0], &[2.0]], &[&[1.0], &[2.0], &[2.0]], false, false);
        check(&[&[1.0]], &[&[1.0], &[1.0]], false, false);
        check(&[&[1.0], &[1.0]], &[&[1.0]], false, false);
        check(&[&[1.0]], &[&[1.0, 1.0]], false, false);
        check(&[&[NULL]], &[&[0.0]], false, false);
        check(&[&[NULL]], &[&[NULL]], true, true);
        check(&[&[0.1 + 0.2]], &[&[0.3]], true, true);
        check(&[&[0.3001]], &[&[0.3]], false, false);
        // Sorted, the two sides pair the wrong rows.
        check(&[&[1.0, 5.0], &[1.0 + 1e-15, 4.0]], &[&[1.0, 4.0], &[1.0 + 1e-15, 5.0]], false, true);
    }

    #[test]
    fn kinds_are_told_apart() {
        let text = |text: &str| Cell::Text(text.to_owned());
        assert!(!text("1").equals(&Cell::Int(1), Tolerance::RANDOM));
        assert!(!Cell::Null.equals(&text(""), Tolerance::RANDOM));
        assert!(Cell::Int(1).equals(&Cell::Real(1.0), Tolerance::RELATIVE));
        assert!(!Cell::Int(i64::MAX).equals(&Cell::Int(i64::MAX - 1), Tolerance::RANDOM));
    }
}
