//! Conditions on rows that lie elsewhere.
//!
//! Most conditions compare a column with a constant. What these say of a row is known without values of its own,
//! so that a row which a filter leaves out costs no allocation. Whatever else a condition asks for stays undecided
//! here, and [`Expr::holds`] decides it.

use super::eval::{compare_refs, in_set};
use super::{Comparison, Expr};
use crate::value::ValueRef;

/// True, false or null.
type Truth = Option<bool>;

impl Expr {
    /// What [`Expr::holds`] gives for a row, where it can be told. `slot` gives what a slot holds; `None` where
    /// that is not known yet.
    pub(crate) fn holds_quickly<'a>(&'a self, slot: &impl Fn(usize) -> Option<ValueRef<'a>>) -> Option<bool> {
        let (list, absorbing) = match self {
            Expr::And(list) => (list, false),
            Expr::Or(list) => (list, true),
            other => return other.truth_quickly(slot).map(|truth| truth == Some(true)),
        };
        let mut decided = Some(!absorbing);
        for expr in list {
            match expr.holds_quickly(slot) {
                Some(value) if value == absorbing => return Some(absorbing),
                Some(_) => {}
                None => decided = None,
            }
        }
        decided
    }

    /// What [`Expr::truth`] gives for a row, where it can be told.
    fn truth_quickly<'a>(&'a self, slot: &impl Fn(usize) -> Option<ValueRef<'a>>) -> Option<Truth> {
        match self {
            Expr::Constant(_) | Expr::Column(..) => Some(match self.value_quickly(slot)? {
                ValueRef::Bool(value) => Some(value),
                _ => None,
            }),
            Expr::Compare(op, left, right) => {
                Some(compare_refs(*op, left.value_quickly(slot)?, right.value_quickly(slot)?))
            }
            Expr::Is { negated, test, expr } => Some(Some(test.holds(expr.value_quickly(slot)?) != *negated)),
            Expr::IsDistinct { negated, left, right } => {
                let same = left.value_quickly(slot)?.compare(right.value_quickly(slot)?).is_eq();
                Some(Some(same == *negated))
            }
            Expr::InSet { expr, set, has_null } => Some(in_set(expr.value_quickly(slot)?, set, *has_null)),
            Expr::Like(expr, pattern) => Some(match expr.value_quickly(slot)? {
                ValueRef::String(text) => Some(pattern.matches_quickly(text)?),
                _ => None,
            }),
            Expr::Between { expr, low, high } => {
                let value = expr.value_quickly(slot)?;
                let above = compare_refs(Comparison::GreaterOrEqual, value, low.value_quickly(slot)?);
                let below = compare_refs(Comparison::LessOrEqual, value, high.value_quickly(slot)?);
                Some(match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (above, below) => above.and(below),
                })
            }
            Expr::Not(expr) => Some(expr.truth_quickly(slot)?.map(|truth| !truth)),
            Expr::And(list) => junction(list, slot, false),
            Expr::Or(list) => junction(list, slot, true),
            _ => None,
        }
    }

    /// The value, where it is a constant or a known slot.
    fn value_quickly<'a>(&'a self, slot: &impl Fn(usize) -> Option<ValueRef<'a>>) -> Option<ValueRef<'a>> {
        match self {
            Expr::Constant(value) => Some(value.as_ref()),
            Expr::Column(number, _) => slot(*number),
            _ => None,
        }
    }
}

fn junction<'a>(
    list: &'a [Expr],
    slot: &impl Fn(usize) -> Option<ValueRef<'a>>,
    absorbing: bool,
) -> Option<Truth> {
    let mut decided = Some(Some(!absorbing));
    for expr in list {
        match expr.truth_quickly(slot) {
            Some(Some(value)) if value == absorbing => return Some(Some(absorbing)),
            Some(Some(_)) => {}
            Some(None) => decided = decided.map(|_| None),
            None => decided = None,
        }
    }
    decided
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::{Arithmetic, Pattern, Place, Test};
    use super::*;
    use crate::value::Value;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            4 => (0..4_i64).prop_map(Value::Int),
            1 => "[ab]{0,2}".prop_map(|text| Value::String(text.into())),
            1 => any::<bool>().prop_map(Value::Bool),
            2 => Just(Value::Null),
        ]
    }

    /// A condition over three slots; some of it can fail, and some cannot be told quickly.
    fn condition() -> impl Strategy<Value = Expr> {
        let column = || (0..4_usize).prop_map(|slot| Expr::Column(slot, Place::default()));
        let division = (column(), column()).prop_map(|(a, b)| {
            Expr::Arithmetic(Box::new(a), vec![(Arithmetic::Divide, b, Place::default())])
        });
        let operand =
            prop_oneof![3 => column(), 2 => value().prop_map(Expr::Constant), 1 => division].boxed();
        let ops = prop_oneof![
            Just(Comparison::Equal),
            Just(Comparison::NotEqual),
            Just(Comparison::Less),
            Just(Comparison::GreaterOrEqual),
        ];
        let test = prop_oneof![Just(Test::Null), Just(Test::True), Just(Test::False)];
        let leaf = prop_oneof![
            operand.clone(),
            (ops, operand.clone(), operand.clone()).prop_map(|(op, a, b)| Expr::Compare(
                op,
                Box::new(a),
                Box::new(b)
            )),
            (test, operand.clone(), any::<bool>()).prop_map(|(test, expr, negated)| Expr::Is {
                negated,
                test,
                expr: Box::new(expr)
            }),
            (operand.clone(), operand.clone(), any::<bool>()).prop_map(|(a, b, negated)| {
                Expr::IsDistinct { negated, left: Box::new(a), right: Box::new(b) }
            }),
            (operand.clone(), proptest::collection::btree_set(value(), 0..3), any::<bool>()).prop_map(
                |(expr, set, has_null)| Expr::InSet {
                    expr: Box::new(expr),
                    set: set.into_iter().filter(|value| !value.is_null()).collect(),
                    has_null,
                }
            ),
            (operand.clone(), "[ab%_]{0,3}").prop_map(|(expr, pattern)| {
                let pattern = Pattern::new(&pattern, None, false).unwrap();
                Expr::Like(Box::new(expr), Arc::new(pattern))
            }),
            (operand.clone(), operand.clone(), operand).prop_map(|(expr, low, high)| Expr::Between {
                expr: Box::new(expr),
                low: Box::new(low),
                high: Box::new(high),
            }),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::And),
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::Or),
                inner.prop_map(|expr| Expr::Not(Box::new(expr))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_told_quickly_is_right(
            condition in condition(), row in proptest::collection::vec(value(), 3), unknown in 0..6_usize,
        ) {
            let slot = |slot: usize| {
                let value = row.get(slot).map_or(ValueRef::Null, Value::as_ref);
                (slot != unknown).then_some(value)
            };
            if let Some(holds) = condition.holds_quickly(&slot) {
                // What must hold whatever the unknown slot has, holds for what it has; where something fails, that
                // is outweighed.
                prop_assert_eq!(condition.holds(&row).ok(), Some(holds));
            }
        }
    }

    #[test]
    fn the_usual_conditions_are_told_quickly() {
        let column = || Box::new(Expr::Column(0, Place::default()));
        let constant = |n| Box::new(Expr::Constant(Value::Int(n)));
        let above = Expr::Compare(Comparison::Greater, column(), constant(1));
        let both = Expr::And(vec![above.clone(), Expr::Compare(Comparison::Less, column(), constant(4))]);
        let either = Expr::Or(vec![both, Expr::Is { negated: false, test: Test::Null, expr: column() }]);
        for (value, expected) in [(ValueRef::Int(2), true), (ValueRef::Int(4), false), (ValueRef::Null, true)]
        {
            assert_eq!(either.holds_quickly(&|_| Some(value)), Some(expected), "{value:?}");
        }
        assert_eq!(above.holds_quickly(&|_| None), None);
    }
}
