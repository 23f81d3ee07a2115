//! Statements with thousands of parts. Where each part were compared with all others, these would take minutes.

use super::*;
use crate::query::BoundSelect;

const PARTS: usize = 20_000;

fn bound(text: &str) -> BoundSelect {
    match world().bind(text, &Parameters::default()) {
        Ok(Bound::Select(select)) => *select,
        other => panic!("{other:?}"),
    }
}

/// Parts of a statement, each with its number, and the first again at the end.
fn list(part: impl Fn(usize) -> String) -> String {
    (0..PARTS).chain([0]).map(part).collect::<Vec<_>>().join(", ")
}

#[test]
fn group_keys() {
    let keys = list(|n| format!("year + {n}"));
    let select = bound(&format!("select {keys} from album group by {keys}"));
    assert_eq!((select.grouping.unwrap().keys.len(), select.output.len()), (PARTS, PARTS + 1));
    let keys = list(|n| format!("live or year = {n}"));
    let select = bound(&format!("select (live or year = 5) or live or year = 6 from album group by {keys}"));
    assert_eq!(select.grouping.unwrap().keys.len(), PARTS);
}

#[test]
fn order_keys() {
    let keys = list(|n| format!("year + {n}"));
    assert_eq!(bound(&format!("select name from album order by {keys}")).order.len(), PARTS);
    let select = bound(&format!("select distinct {keys} from album order by {keys}"));
    assert_eq!((select.order.len(), select.output.len()), (PARTS, PARTS + 1));
    let columns = list(|n| format!("year + {n} as c{n}"));
    let names = list(|n| format!("C{n}"));
    assert_eq!(bound(&format!("select {columns} from album order by {names}")).order.len(), PARTS);
    assert_eq!(
        bound(&format!("select {columns} from album group by {names}")).grouping.unwrap().keys.len(),
        PARTS
    );
}

#[test]
fn aggregates() {
    let sums = list(|n| format!("sum(year + {n})"));
    let select = bound(&format!("select {sums} from album having {} > 0", sums.replace(", ", " + ")));
    assert_eq!((select.grouping.unwrap().aggregates.len(), select.output.len()), (PARTS, PARTS + 1));
}
