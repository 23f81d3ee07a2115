//! Checked arithmetic on integers, decimals and floats.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Arithmetic, Place, decimal};
use crate::query::error::{EvalError, EvalErrorKind};
use crate::value::Value;

/// 10^28: the smallest number of 29 digits.
const DECIMAL_BOUND: i128 = 10_i128.pow(decimal::DIGITS);

/// The decimal in its normal form, rounded to 28 digits; `None` where its whole part has more.
pub(super) fn fit(decimal: Decimal) -> Option<Decimal> {
    let mut decimal = decimal.normalize();
    while decimal.mantissa().abs() >= DECIMAL_BOUND {
        let scale = decimal.scale().checked_sub(1)?;
        decimal = decimal.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero).normalize();
    }
    Some(decimal)
}

pub(super) fn decimal_value(decimal: Option<Decimal>) -> Option<Value> {
    decimal.and_then(fit).map(Value::Decimal)
}

/// A float in its one form: no negative zero, one NaN.
pub(super) fn float_value(float: f64) -> Value {
    Value::float(float)
}

fn overflow(operation: String, place: Place) -> EvalError {
    place.error(EvalErrorKind::Overflow { operation })
}

/// The negation of a number.
pub(super) fn negate(value: &Value, place: Place) -> Result<Value, EvalError> {
    Ok(match value {
        Value::Int(n) => Value::Int(n.checked_neg().ok_or_else(|| overflow(format!("-({n})"), place))?),
        Value::Float(x) => float_value(-x),
        Value::Decimal(d) => Value::Decimal(-*d),
        _ => Value::Null,
    })
}

/// An operation on two numbers of one type; null where one is.
pub(super) fn binary(op: Arithmetic, left: &Value, right: &Value, place: Place) -> Result<Value, EvalError> {
    let divides = matches!(op, Arithmetic::Divide | Arithmetic::Remainder);
    let zero = || place.error(EvalErrorKind::DivisionByZero);
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => {
            if divides && *b == 0 {
                return Err(zero());
            }
            integers(op, *a, *b)
                .map(Value::Int)
                .ok_or_else(|| overflow(format!("{a} {} {b}", op.symbol()), place))
        }
        (Value::Decimal(a), Value::Decimal(b)) => {
            if divides && b.is_zero() {
                return Err(zero());
            }
            let result = match op {
                Arithmetic::Add => decimal::add(*a, *b),
                Arithmetic::Subtract => decimal::add(*a, -*b),
                Arithmetic::Multiply => decimal::multiply(*a, *b),
                Arithmetic::Divide => decimal::divide(*a, *b),
                Arithmetic::Remainder => a.checked_rem(*b).map(|rest| rest.normalize()),
            };
            result.map(Value::Decimal).ok_or_else(|| overflow(format!("{a} {} {b}", op.symbol()), place))
        }
        (Value::Float(a), Value::Float(b)) => {
            if divides && *b == 0.0 && !a.is_nan() {
                return Err(zero());
            }
            let result = match op {
                Arithmetic::Add => a + b,
                Arithmetic::Subtract => a - b,
                Arithmetic::Multiply => a * b,
                Arithmetic::Divide => a / b,
                Arithmetic::Remainder => a % b,
            };
            // What is not zero does not become it; a difference of floats that differ never does.
            let product = matches!(op, Arithmetic::Multiply) && *b != 0.0;
            let quotient = matches!(op, Arithmetic::Divide) && b.is_finite();
            let is_lost = result == 0.0 && *a != 0.0 && (product || quotient);
            if is_lost || (result.is_infinite() && a.is_finite() && b.is_finite()) {
                return Err(overflow(format!("{a:?} {} {b:?}", op.symbol()), place));
            }
            Ok(float_value(result))
        }
        _ => Ok(Value::Null),
    }
}

fn integers(op: Arithmetic, a: i64, b: i64) -> Option<i64> {
    match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => a.checked_div(b),
        // The remainder by -1 is 0 also where the quotient overflows.
        Arithmetic::Remainder => a.checked_rem(b).or((b == -1).then_some(0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.parse::<Decimal>().unwrap().normalize())
    }

    #[expect(clippy::needless_pass_by_value, reason = "for the sake of short tables")]
    fn check(left: Value, op: Arithmetic, right: Value, expected: Result<Value, &str>) {
        let result = binary(op, &left, &right, Place::default()).map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(str::to_owned), "{left:?} {op:?} {right:?}");
    }

    #[test]
    fn integers_are_checked() {
        use Arithmetic::{Add, Divide, Multiply, Remainder, Subtract};
        let int = Value::Int;
        check(int(7), Divide, int(2), Ok(int(3)));
        check(int(-7), Divide, int(2), Ok(int(-3)));
        check(int(-7), Remainder, int(2), Ok(int(-1)));
        check(int(i64::MAX), Add, int(1), Err("9223372036854775807 + 1 overflows"));
        check(int(i64::MIN), Subtract, int(1), Err("-9223372036854775808 - 1 overflows"));
        check(int(i64::MAX), Multiply, int(2), Err("9223372036854775807 * 2 overflows"));
        check(int(i64::MIN), Divide, int(-1), Err("-9223372036854775808 / -1 overflows"));
        check(int(i64::MIN), Remainder, int(-1), Ok(int(0)));
        check(int(1), Divide, int(0), Err("division by zero"));
        check(int(1), Remainder, int(0), Err("division by zero"));
        check(Value::Null, Divide, int(0), Ok(Value::Null));
    }

    #[test]
    fn decimals_have_28_digits() {
        use Arithmetic::{Add, Divide, Multiply};
        check(decimal("1"), Divide, decimal("3"), Ok(decimal("0.3333333333333333333333333333")));
        check(decimal("200"), Divide, decimal("3"), Ok(decimal("66.66666666666666666666666667")));
        check(decimal("0.1"), Add, decimal("0.2"), Ok(decimal("0.3")));
        check(
            decimal("9999999999999999999999999999"),
            Add,
            decimal("1"),
            Err("9999999999999999999999999999 + 1 overflows"),
        );
        check(
            decimal("99999999999999999999"),
            Multiply,
            decimal("99999999999999999999"),
            Err("99999999999999999999 * 99999999999999999999 overflows"),
        );
    }

    #[test]
    fn decimals_do_not_become_zero() {
        use Arithmetic::{Divide, Multiply, Subtract};
        let least = || decimal("0.0000000000000000000000000001");
        check(least(), Multiply, decimal("0.1"), Err("0.0000000000000000000000000001 * 0.1 overflows"));
        check(least(), Multiply, decimal("0.5"), Ok(least()));
        check(least(), Divide, decimal("-1000"), Err("0.0000000000000000000000000001 / -1000 overflows"));
        check(least(), Multiply, decimal("0"), Ok(decimal("0")));
        check(decimal("0"), Divide, decimal("3"), Ok(decimal("0")));
        check(least(), Subtract, least(), Ok(decimal("0")));
        check(least(), Multiply, decimal("3"), Ok(decimal("0.0000000000000000000000000003")));
    }

    #[test]
    fn floats_do_not_become_infinite_or_zero() {
        use Arithmetic::{Add, Divide, Multiply};
        let float = Value::Float;
        check(float(1e308), Multiply, float(10.0), Err("1e308 * 10.0 overflows"));
        check(float(1e-200), Multiply, float(1e-200), Err("1e-200 * 1e-200 overflows"));
        check(float(1e-200), Divide, float(1e200), Err("1e-200 / 1e200 overflows"));
        check(float(1.0), Divide, float(f64::INFINITY), Ok(float(0.0)));
        check(float(0.0), Multiply, float(1e-200), Ok(float(0.0)));
        check(float(f64::INFINITY), Add, float(1.0), Ok(float(f64::INFINITY)));
        check(float(1.0), Divide, float(0.0), Err("division by zero"));
        check(float(f64::NAN), Divide, float(0.0), Ok(float(f64::NAN)));
        let Ok(Value::Float(zero)) = negate(&float(0.0), Place::default()) else { panic!() };
        assert!(zero.is_sign_positive());
    }

    proptest! {
        #[test]
        fn integers_agree_with_wider_ones(a: i64, b in prop_oneof![any::<i64>(), -3_i64..3]) {
            let (x, y) = (i128::from(a), i128::from(b));
            for (op, wide) in [
                (Arithmetic::Add, Some(x + y)),
                (Arithmetic::Subtract, Some(x - y)),
                (Arithmetic::Multiply, Some(x * y)),
                (Arithmetic::Divide, x.checked_div(y)),
                (Arithmetic::Remainder, x.checked_rem(y)),
            ] {
                let narrow = wide.and_then(|wide| i64::try_from(wide).ok()).map(Value::Int);
                prop_assert_eq!(binary(op, &Value::Int(a), &Value::Int(b), Place::default()).ok(), narrow);
            }
        }
    }
}
