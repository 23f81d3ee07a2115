//! Which values of a property a condition leaves possible.

use std::cmp::Ordering;
use std::ops::Bound;

use crate::query::expr::{Comparison, Expr, Function, Pattern, Test};
use crate::value::Value;

/// A range of values, in their order; not empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) lower: Bound<Value>,
    pub(crate) upper: Bound<Value>,
}

/// A set of values: disjoint intervals, ascending, and perhaps null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set {
    pub(crate) intervals: Vec<Interval>,
    pub(crate) null: bool,
}

/// The order of two lower bounds.
pub(crate) fn lower_order(a: &Bound<Value>, b: &Bound<Value>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Less,
        (_, Bound::Unbounded) => Ordering::Greater,
        (Bound::Included(x) | Bound::Excluded(x), Bound::Included(y) | Bound::Excluded(y)) => {
            x.compare(y).then_with(|| matches!(a, Bound::Excluded(_)).cmp(&matches!(b, Bound::Excluded(_))))
        }
    }
}

/// The order of two upper bounds.
pub(crate) fn upper_order(a: &Bound<Value>, b: &Bound<Value>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (Bound::Included(x) | Bound::Excluded(x), Bound::Included(y) | Bound::Excluded(y)) => {
            x.compare(y).then_with(|| matches!(b, Bound::Excluded(_)).cmp(&matches!(a, Bound::Excluded(_))))
        }
    }
}

/// Whether there can be a value between a lower and an upper bound.
fn is_open(lower: &Bound<Value>, upper: &Bound<Value>) -> bool {
    match (lower, upper) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(a), Bound::Included(b)) => a.compare(b).is_le(),
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
            a.compare(b).is_lt()
        }
    }
}

/// Whether an interval that ends at `upper` and one that begins at `lower`, which is not before the first one's
/// beginning, leave nothing between them.
fn touches(upper: &Bound<Value>, lower: &Bound<Value>) -> bool {
    match (upper, lower) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Excluded(a), Bound::Excluded(b)) => a.compare(b).is_gt(),
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
            a.compare(b).is_ge()
        }
    }
}

impl Interval {
    fn point(value: Value) -> Self {
        Interval { lower: Bound::Included(value.clone()), upper: Bound::Included(value) }
    }

    /// The only value, where there is just one.
    pub(crate) fn as_point(&self) -> Option<&Value> {
        match (&self.lower, &self.upper) {
            (Bound::Included(a), Bound::Included(b)) if a.compare(b).is_eq() => Some(a),
            _ => None,
        }
    }
}

impl Set {
    /// No value.
    pub(crate) fn none() -> Self {
        Set { intervals: Vec::new(), null: false }
    }

    fn null() -> Self {
        Set { intervals: Vec::new(), null: true }
    }

    /// Every value but null.
    pub(crate) fn not_null() -> Self {
        Set { intervals: vec![Interval { lower: Bound::Unbounded, upper: Bound::Unbounded }], null: false }
    }

    fn interval(lower: Bound<Value>, upper: Bound<Value>) -> Self {
        Set { intervals: vec![Interval { lower, upper }], null: false }
    }

    /// Values ascending, each once.
    fn points(values: &[Value]) -> Self {
        Set { intervals: values.iter().cloned().map(Interval::point).collect(), null: false }
    }

    /// Whether no value is possible.
    pub(crate) fn is_empty(&self) -> bool {
        self.intervals.is_empty() && !self.null
    }

    /// Whether every value but null is possible.
    pub(crate) fn is_unbounded(&self) -> bool {
        matches!(self.intervals.as_slice(), [Interval { lower: Bound::Unbounded, upper: Bound::Unbounded }])
    }

    /// How many values there are, where they are single ones.
    pub(crate) fn point_count(&self) -> Option<usize> {
        let points = self.intervals.iter().all(|interval| interval.as_point().is_some());
        points.then(|| self.intervals.len() + usize::from(self.null))
    }

    /// The only value, null included.
    pub(crate) fn single(&self) -> Option<Value> {
        match (self.intervals.as_slice(), self.null) {
            ([], true) => Some(Value::Null),
            ([interval], false) => interval.as_point().cloned(),
            _ => None,
        }
    }

    /// The values of all of the sets; `None` where there is no set. Halves are made first, so that many large sets
    /// are not gone through once for each.
    fn intersection(mut sets: Vec<Set>) -> Option<Set> {
        while sets.len() > 1 {
            let mut halves = Vec::with_capacity(sets.len().div_ceil(2));
            let mut rest = sets.into_iter();
            while let Some(set) = rest.next() {
                halves.push(match rest.next() {
                    Some(other) => set.intersect(&other),
                    None => set,
                });
            }
            sets = halves;
        }
        sets.pop()
    }

    fn intersect(self, other: &Set) -> Set {
        let mut intervals = Vec::new();
        let (mut ours, mut theirs) = (self.intervals.iter().peekable(), other.intervals.iter().peekable());
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek()) {
            let lower = if lower_order(&a.lower, &b.lower).is_ge() { &a.lower } else { &b.lower };
            let first_ends = upper_order(&a.upper, &b.upper).is_le();
            let upper = if first_ends { &a.upper } else { &b.upper };
            if is_open(lower, upper) {
                intervals.push(Interval { lower: lower.clone(), upper: upper.clone() });
            }
            if first_ends {
                ours.next();
            } else {
                theirs.next();
            }
        }
        Set { intervals, null: self.null && other.null }
    }

    /// The values of any of the sets, however many they are: they are put in order once.
    fn union(sets: Vec<Set>) -> Set {
        let null = sets.iter().any(|set| set.null);
        let mut all: Vec<Interval> = sets.into_iter().flat_map(|set| set.intervals).collect();
        all.sort_by(|a, b| lower_order(&a.lower, &b.lower));
        let mut intervals: Vec<Interval> = Vec::with_capacity(all.len());
        for next in all {
            match intervals.last_mut() {
                Some(last) if touches(&last.upper, &next.lower) => {
                    if upper_order(&last.upper, &next.upper).is_lt() {
                        last.upper = next.upper;
                    }
                }
                _ => intervals.push(next),
            }
        }
        Set { intervals, null }
    }
}

/// The values of a slot for which a condition can be true, where it says anything about them. The condition
/// is false or null for every row with another value there, whatever the rest of the row.
pub(crate) fn possible(condition: &Expr, slot: usize) -> Option<Set> {
    let is_slot = |expr: &Expr| matches!(expr, Expr::Column(found, _) if *found == slot);
    match condition {
        Expr::Constant(Value::Bool(true)) => None,
        Expr::Constant(_) => Some(Set::none()),
        Expr::Column(..) if is_slot(condition) => Some(Set::points(&[Value::Bool(true)])),
        Expr::Not(inner) => impossible(inner, slot),
        Expr::And(list) => Set::intersection(list.iter().filter_map(|part| possible(part, slot)).collect()),
        Expr::Or(list) => list.iter().map(|part| possible(part, slot)).collect::<Option<_>>().map(Set::union),
        Expr::Compare(op, left, right) => match (&**left, &**right) {
            (column, Expr::Constant(value)) if is_slot(column) => Some(compared(*op, value)),
            (Expr::Constant(value), column) if is_slot(column) => Some(compared(op.flipped(), value)),
            _ => None,
        },
        Expr::InSet { expr, set, .. } if is_slot(expr) => Some(Set::points(set)),
        Expr::Like(expr, pattern) if is_slot(expr) => like(pattern),
        Expr::Call(Function::StartsWith, args, _) => match args.as_slice() {
            [column, Expr::Constant(Value::String(prefix))] if is_slot(column) => Some(prefixed(prefix)),
            _ => None,
        },
        Expr::Is { negated, test, expr } if is_slot(expr) => {
            let (truth, nulls) = match test {
                Test::Null => return Some(if *negated { Set::not_null() } else { Set::null() }),
                Test::True => (true, false),
                Test::False => (false, false),
            };
            // `is not true` is false or null.
            let value = Value::Bool(if *negated { !truth } else { truth });
            Some(Set { null: nulls || *negated, ..Set::points(&[value]) })
        }
        Expr::IsDistinct { negated: true, left, right } => match (&**left, &**right) {
            (column, Expr::Constant(value)) | (Expr::Constant(value), column) if is_slot(column) => {
                Some(match value {
                    Value::Null => Set::null(),
                    value => Set::points(std::slice::from_ref(value)),
                })
            }
            _ => None,
        },
        _ => None,
    }
}

/// The values of a slot for which the negation of a condition can be true.
fn impossible(condition: &Expr, slot: usize) -> Option<Set> {
    match condition {
        Expr::Column(found, _) if *found == slot => Some(Set::points(&[Value::Bool(false)])),
        // Only null matters: what is not in a set is nearly everything.
        Expr::InSet { expr, .. } | Expr::Like(expr, _) => match &**expr {
            Expr::Column(found, _) if *found == slot => Some(Set::not_null()),
            _ => None,
        },
        _ => None,
    }
}

fn compared(op: Comparison, value: &Value) -> Set {
    use Bound::{Excluded, Included, Unbounded};
    if matches!(value, Value::Null) {
        return Set::none();
    }
    let value = value.clone();
    match op {
        Comparison::Equal => Set::points(&[value]),
        Comparison::NotEqual => Set::union(vec![
            Set::interval(Unbounded, Excluded(value.clone())),
            Set::interval(Excluded(value), Unbounded),
        ]),
        Comparison::Less => Set::interval(Unbounded, Excluded(value)),
        Comparison::LessOrEqual => Set::interval(Unbounded, Included(value)),
        Comparison::Greater => Set::interval(Excluded(value), Unbounded),
        Comparison::GreaterOrEqual => Set::interval(Included(value), Unbounded),
    }
}

fn like(pattern: &Pattern) -> Option<Set> {
    let (prefix, whole) = pattern.prefix();
    if whole {
        return Some(Set::points(&[Value::String(prefix.into())]));
    }
    Some(prefixed(&prefix))
}

/// The strings that begin with a prefix.
fn prefixed(prefix: &str) -> Set {
    if prefix.is_empty() {
        return Set::not_null();
    }
    let upper = match successor(prefix) {
        Some(successor) => Bound::Excluded(Value::String(successor.into())),
        None => Bound::Unbounded,
    };
    Set::interval(Bound::Included(Value::String(prefix.into())), upper)
}

/// The least string that is greater than all strings with a prefix.
fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => u32::from(other).checked_add(1).and_then(char::from_u32),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::expr::Place;

    fn contains(set: &Set, value: &Value) -> bool {
        if matches!(value, Value::Null) {
            return set.null;
        }
        set.intervals.iter().any(|interval| {
            let above = match &interval.lower {
                Bound::Unbounded => true,
                Bound::Included(bound) => value.compare(bound).is_ge(),
                Bound::Excluded(bound) => value.compare(bound).is_gt(),
            };
            let below = match &interval.upper {
                Bound::Unbounded => true,
                Bound::Included(bound) => value.compare(bound).is_le(),
                Bound::Excluded(bound) => value.compare(bound).is_lt(),
            };
            above && below
        })
    }

    fn column(slot: usize) -> Box<Expr> {
        Box::new(Expr::Column(slot, Place::default()))
    }

    fn condition() -> impl Strategy<Value = Expr> {
        let value = prop_oneof![8 => (0..6_i64).prop_map(Value::Int), 1 => Just(Value::Null)];
        let ops = prop_oneof![
            Just(Comparison::Equal),
            Just(Comparison::NotEqual),
            Just(Comparison::Less),
            Just(Comparison::LessOrEqual),
            Just(Comparison::Greater),
            Just(Comparison::GreaterOrEqual),
        ];
        let leaf = prop_oneof![
            (ops, 0..2_usize, value.clone(), any::<bool>()).prop_map(|(op, slot, value, flip)| {
                let value = Box::new(Expr::Constant(value));
                if flip {
                    Expr::Compare(op, value, column(slot))
                } else {
                    Expr::Compare(op, column(slot), value)
                }
            }),
            (0..2_usize, any::<bool>()).prop_map(|(slot, negated)| Expr::Is {
                negated,
                test: Test::Null,
                expr: column(slot)
            }),
            (0..2_usize, proptest::collection::btree_set(0..6_i64, 0..4), any::<bool>()).prop_map(
                |(slot, set, has_null)| Expr::InSet {
                    expr: column(slot),
                    set: set.into_iter().map(Value::Int).collect(),
                    has_null
                }
            ),
            (0..2_usize, value, any::<bool>()).prop_map(|(slot, value, negated)| Expr::IsDistinct {
                negated,
                left: column(slot),
                right: Box::new(Expr::Constant(value))
            }),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
                inner.prop_map(|expr| Expr::Not(Box::new(expr))),
            ]
        })
    }

    proptest! {
        #[test]
        fn leaves_out_only_what_cannot_be(condition in condition()) {
            let values = || (0..6_i64).map(Value::Int).chain([Value::Null]);
            for slot in 0..2 {
                let Some(set) = possible(&condition, slot) else { continue };
                prop_assert!(set.intervals.windows(2).all(|pair| !touches(&pair[0].upper, &pair[1].lower)));
                for a in values() {
                    for b in values() {
                        let row = [a.clone(), b];
                        if condition.holds(&row).unwrap() {
                            prop_assert!(contains(&set, &row[slot]), "{set:?} {row:?}");
                        }
                    }
                }
            }
        }

        #[test]
        fn prefixes_hold_every_string(prefix in "\\PC{0,3}", rest in "\\PC{0,3}", other in "\\PC{0,4}") {
            let set = prefixed(&prefix);
            let text = |text: &str| Value::String(text.into());
            prop_assert!(contains(&set, &text(&(prefix.clone() + &rest))));
            prop_assert_eq!(contains(&set, &text(&other)), other.starts_with(&prefix));
        }
    }

    /// A set that grows by one value at a time would be gone through once for each of them: minutes.
    #[test]
    fn chains_of_tens_of_thousands_of_conditions_are_sets_at_once() {
        let most = 40_000;
        let compared = |op, n| Expr::Compare(op, column(0), Box::new(Expr::Constant(Value::Int(n))));
        // The same number of values in each half, the greater half first.
        let numbers = || (0..most).map(|n| (n + most / 2) % most * 2);
        let any = Expr::Or(numbers().map(|n| compared(Comparison::Equal, n)).collect());
        let set = possible(&any, 0).unwrap();
        assert_eq!(set.point_count(), Some(40_000));
        assert_eq!(set.intervals.first().and_then(Interval::as_point), Some(&Value::Int(0)));
        let none = Expr::And(numbers().map(|n| compared(Comparison::NotEqual, n)).collect());
        let set = possible(&none, 0).unwrap();
        assert_eq!((set.intervals.len(), set.null), (40_001, false));
        assert!(!contains(&set, &Value::Int(2)) && contains(&set, &Value::Int(3)));
        let between =
            Expr::And(vec![compared(Comparison::Greater, 10), none, compared(Comparison::LessOrEqual, 14)]);
        let found = possible(&between, 0).unwrap();
        assert_eq!(found.intervals.len(), 2);
    }

    #[test]
    fn the_last_characters_have_no_successor() {
        assert_eq!(successor("a\u{10ffff}"), Some("b".to_owned()));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(successor("\u{d7ff}"), Some("\u{e000}".to_owned()));
    }
}
