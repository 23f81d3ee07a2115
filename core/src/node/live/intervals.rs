//! Ranges of values, of which those that hold a value are found in little time, however many there are.
//!
//! A treap: a search tree by lower bounds, balanced by priorities, in which every node knows the greatest upper bound
//! below it. Aragon and Seidel, "Randomized Search Trees" (1989); Cormen et al., "Interval trees".

use std::cmp::Ordering;
use std::ops::Bound;

use crate::query::{Interval, lower_order, upper_order};
use crate::value::Value;

/// Ranges with the queries that they belong to.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    root: Link,
}

type Link = Option<Box<Node>>;

#[derive(Debug)]
struct Node {
    interval: Interval,
    query: u64,
    /// The greatest upper bound here and below.
    greatest: Bound<Value>,
    left: Link,
    right: Link,
}

/// What stands above what: a number that looks like chance, and is the same for the same query.
fn priority(query: u64) -> u64 {
    let mixed = (query ^ (query >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Intervals {
    pub(super) fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    pub(super) fn insert(&mut self, interval: Interval, query: u64) {
        let greatest = interval.upper.clone();
        let node = Box::new(Node { interval, query, greatest, left: None, right: None });
        self.root = Some(insert(self.root.take(), node));
    }

    pub(super) fn remove(&mut self, interval: &Interval, query: u64) {
        self.root = remove(self.root.take(), interval, query);
    }

    /// Calls `found` with the query of every range that holds a value.
    pub(super) fn holding(&self, value: &Value, found: &mut impl FnMut(u64)) {
        holding(&self.root, value, found);
    }
}

impl Node {
    fn order(&self, interval: &Interval, query: u64) -> Ordering {
        lower_order(&interval.lower, &self.interval.lower).then_with(|| query.cmp(&self.query))
    }

    fn update(&mut self) {
        let mut greatest = &self.interval.upper;
        for child in [&self.left, &self.right].into_iter().flatten() {
            if upper_order(greatest, &child.greatest).is_lt() {
                greatest = &child.greatest;
            }
        }
        self.greatest = greatest.clone();
    }
}

fn insert(tree: Link, node: Box<Node>) -> Box<Node> {
    let Some(mut top) = tree else { return node };
    if top.order(&node.interval, node.query).is_lt() {
        let mut left = insert(top.left.take(), node);
        if priority(left.query) > priority(top.query) {
            top.left = left.right.take();
            top.update();
            left.right = Some(top);
            left.update();
            return left;
        }
        top.left = Some(left);
    } else {
        let mut right = insert(top.right.take(), node);
        if priority(right.query) > priority(top.query) {
            top.right = right.left.take();
            top.update();
            right.left = Some(top);
            right.update();
            return right;
        }
        top.right = Some(right);
    }
    top.update();
    top
}

fn remove(tree: Link, interval: &Interval, query: u64) -> Link {
    let mut top = tree?;
    match top.order(interval, query) {
        Ordering::Less => top.left = remove(top.left.take(), interval, query),
        Ordering::Greater => top.right = remove(top.right.take(), interval, query),
        Ordering::Equal => return merge(top.left.take(), top.right.take()),
    }
    top.update();
    Some(top)
}

/// One tree of two, of which the first is before the second.
fn merge(left: Link, right: Link) -> Link {
    match (left, right) {
        (None, other) | (other, None) => other,
        (Some(mut left), Some(mut right)) => Some(if priority(left.query) > priority(right.query) {
            left.right = merge(left.right.take(), Some(right));
            left.update();
            left
        } else {
            right.left = merge(Some(left), right.left.take());
            right.update();
            right
        }),
    }
}

fn holding(tree: &Link, value: &Value, found: &mut impl FnMut(u64)) {
    let Some(top) = tree else { return };
    if !is_below(value, &top.greatest) {
        return;
    }
    holding(&top.left, value, found);
    let begins = match &top.interval.lower {
        Bound::Unbounded => true,
        Bound::Included(lower) => value.compare(lower).is_ge(),
        Bound::Excluded(lower) => value.compare(lower).is_gt(),
    };
    if begins {
        if is_below(value, &top.interval.upper) {
            found(top.query);
        }
        holding(&top.right, value, found);
    }
}

fn is_below(value: &Value, upper: &Bound<Value>) -> bool {
    match upper {
        Bound::Unbounded => true,
        Bound::Included(upper) => value.compare(upper).is_le(),
        Bound::Excluded(upper) => value.compare(upper).is_lt(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bound() -> impl Strategy<Value = Bound<Value>> {
        prop_oneof![
            Just(Bound::Unbounded),
            (0..20_i64).prop_map(|n| Bound::Included(Value::Int(n))),
            (0..20_i64).prop_map(|n| Bound::Excluded(Value::Int(n))),
        ]
    }

    proptest! {
        #[test]
        fn all_that_hold_a_value_are_found(
            all in proptest::collection::vec((bound(), bound(), any::<bool>()), 0..60),
            value in 0..20_i64,
        ) {
            let mut tree = Intervals::default();
            let intervals: Vec<Interval> =
                all.iter().map(|(lower, upper, _)| Interval { lower: lower.clone(), upper: upper.clone() }).collect();
            for (query, interval) in (0..).zip(&intervals) {
                tree.insert(interval.clone(), query);
            }
            for (query, (interval, (.., gone))) in (0..).zip(intervals.iter().zip(&all)) {
                if *gone {
                    tree.remove(interval, query);
                }
            }
            let value = Value::Int(value);
            let mut expected = Vec::new();
            for (query, (interval, (.., gone))) in (0..).zip(intervals.iter().zip(&all)) {
                let above = match &interval.lower {
                    Bound::Unbounded => true,
                    Bound::Included(lower) => value >= *lower,
                    Bound::Excluded(lower) => value > *lower,
                };
                if !gone && above && is_below(&value, &interval.upper) {
                    expected.push(query);
                }
            }
            let mut found = Vec::new();
            tree.holding(&value, &mut |query| found.push(query));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(tree.is_empty(), all.iter().all(|(.., gone)| *gone));
        }
    }
}
