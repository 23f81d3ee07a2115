//! Arithmetic where it overflows or divides by zero: a documented difference. There SQLite goes over to floating
//! point, or gives NULL, and we say what is wrong.

use super::model::Model;
use super::rng::Rng;
use crate::answer::{Cell, Tolerance};
use crate::sqlite::Sqlite;
use crate::store::Store;

const EDGES: &[i64] =
    &[i64::MIN, i64::MIN + 1, -1_000_000_007, -3, -2, -1, 0, 1, 2, 3, 4_294_967_296, i64::MAX - 1, i64::MAX];

/// One operation on integers of one row; gives what is wrong with our answer.
pub(super) fn arithmetic(
    model: &Model,
    keys: i64,
    store: &Store,
    sqlite: &Sqlite,
    rng: &mut Rng,
) -> Option<String> {
    let operand = |rng: &mut Rng| {
        let value = *rng.pick(EDGES);
        // A part of it comes from the row, so that it is not computed when the statement is read.
        match i64::try_from(i128::from(value) - i128::from(keys)) {
            Ok(rest) if keys > 1 && rng.chance(60) => (format!("(k + {rest})"), true),
            _ => (format!("({value})"), false),
        }
    };
    let ((a, _), (b, _)) = (operand(rng), operand(rng));
    let op = *rng.pick(&["+", "-", "*", "/", "%"]);
    let (expression, divides) = match rng.below(8) {
        0 => (format!("-{a}"), false),
        1 => (format!("abs({a})"), false),
        _ => (format!("{a} {op} {b}"), matches!(op, "/" | "%")),
    };
    let k = keys - 1;
    let ours = format!("select {expression} from {} where k = {k}", model.name);
    let theirs = sqlite.ask(&ours);
    let expected = match &theirs {
        Err(error) if error.contains("integer overflow") => Err("overflow"),
        Err(error) => return Some(format!("  SQLite refuses `{ours}`: {error}")),
        Ok(answer) => match answer.rows.first().map(Vec::as_slice) {
            Some([Cell::Real(_)]) => Err("overflow"),
            Some([Cell::Null]) if divides => Err("division-by-zero"),
            _ => Ok(answer),
        },
    };
    match (store.ask(&ours), expected) {
        (Ok(answer), Ok(expected)) => {
            let difference = crate::answer::difference(&answer, expected, true, Tolerance::RELATIVE)?;
            Some(format!("  {ours}\n  {difference}"))
        }
        (Err(failure), Err(kind)) if failure.kind == kind => None,
        (answer, expected) => Some(format!("  {ours}\n  gave {answer:?}, expected {expected:?}")),
    }
}
