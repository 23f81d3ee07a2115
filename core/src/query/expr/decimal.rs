//! Arithmetic on decimals: the exact result, rounded once to 28 digits with at most 28 places, halves away from zero.
//!
//! Each operation gives `None` where the whole part has more digits, or where a result that is not zero would become it.

use rust_decimal::Decimal;

/// Decimals have at most this many digits, and as many places.
pub(super) const DIGITS: u32 = 28;

/// The smallest number of 29 digits.
const BOUND: u128 = 10_u128.pow(DIGITS);

/// Halves of the digits of a number below [`BOUND`], of which products are below 2^128.
const HALF: u128 = 10_u128.pow(DIGITS / 2);

/// A whole number: `high` times [`BOUND`], and `low` below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    fn new(number: u128) -> Self {
        Wide { high: number / BOUND, low: number % BOUND }
    }

    /// The product of two numbers below 2^96.
    fn product(a: u128, b: u128) -> Self {
        if let Some(product) = a.checked_mul(b) {
            return Wide::new(product);
        }
        let (a, rest_of_a) = (a / HALF, a % HALF);
        let (b, rest_of_b) = (b / HALF, b % HALF);
        let cross = a * rest_of_b + b * rest_of_a;
        let low = Wide::new(rest_of_a * rest_of_b + cross % HALF * HALF);
        Wide { high: a * b + cross / HALF + low.high, low: low.low }
    }

    fn plus(self, other: Self) -> Self {
        let low = Wide::new(self.low + other.low);
        Wide { high: self.high + other.high + low.high, low: low.low }
    }

    /// The difference to a number that is not greater.
    fn minus(self, other: Self) -> Self {
        if self.low >= other.low {
            Wide { high: self.high - other.high, low: self.low - other.low }
        } else {
            Wide { high: self.high - other.high - 1, low: self.low + BOUND - other.low }
        }
    }

    fn digits(self) -> u32 {
        let digits = |number: u128| number.checked_ilog10().map_or(0, |last| last + 1);
        if self.high == 0 { digits(self.low) } else { digits(self.high) + DIGITS }
    }

    /// The number without its last digits, where at most 29 are left.
    fn without(self, places: u32) -> u128 {
        match places.checked_sub(DIGITS) {
            Some(more) => 10_u128.checked_pow(more).map_or(0, |power| self.high / power),
            None => self.high * 10_u128.pow(DIGITS - places) + self.low / 10_u128.pow(places),
        }
    }

    /// The decimal with these digits, so many of them places.
    fn rounded(self, is_negative: bool, places: u32) -> Option<Decimal> {
        let needless = self.digits().max(places).saturating_sub(DIGITS);
        let (digits, places) = match needless.checked_sub(1) {
            None => (self.low, places),
            Some(but_one) => {
                let kept = self.without(but_one);
                (kept / 10 + u128::from(kept % 10 >= 5), places.checked_sub(needless)?)
            }
        };
        // Nines alone may have become a one with zeros.
        let (digits, places) =
            if digits == BOUND { (digits / 10, places.checked_sub(1)?) } else { (digits, places) };
        if digits == 0 && self != Wide::new(0) {
            return None;
        }
        let digits = i128::try_from(digits).ok()?;
        let digits = if is_negative { -digits } else { digits };
        Decimal::try_from_i128_with_scale(digits, places).ok().map(|decimal| decimal.normalize())
    }
}

fn digits(decimal: Decimal) -> u128 {
    decimal.mantissa().unsigned_abs()
}

/// The sum of two decimals.
pub(super) fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let places = a.scale().max(b.scale());
    let wide = |decimal: Decimal| Wide::product(digits(decimal), 10_u128.pow(places - decimal.scale()));
    let (x, y) = (wide(a), wide(b));
    if a.is_sign_negative() == b.is_sign_negative() {
        x.plus(y).rounded(a.is_sign_negative(), places)
    } else if x >= y {
        x.minus(y).rounded(a.is_sign_negative(), places)
    } else {
        y.minus(x).rounded(b.is_sign_negative(), places)
    }
}

/// The product of two decimals.
pub(super) fn multiply(a: Decimal, b: Decimal) -> Option<Decimal> {
    let is_negative = a.is_sign_negative() != b.is_sign_negative();
    Wide::product(digits(a), digits(b)).rounded(is_negative, a.scale() + b.scale())
}

/// The quotient of two decimals; `None` for zero as the divisor too.
pub(super) fn divide(a: Decimal, b: Decimal) -> Option<Decimal> {
    let divisor = digits(b);
    let mut quotient = digits(a).checked_div(divisor)?;
    let mut rest = digits(a) % divisor;
    let mut places = i64::from(a.scale()) - i64::from(b.scale());
    // Up to the digit that is rounded.
    while places < 0 || (rest > 0 && quotient < BOUND && places <= i64::from(DIGITS)) {
        rest *= 10;
        quotient = quotient.checked_mul(10)?.checked_add(rest / divisor)?;
        rest %= divisor;
        places += 1;
    }
    let is_negative = a.is_sign_negative() != b.is_sign_negative();
    let result = Wide::new(quotient).rounded(is_negative, u32::try_from(places).ok()?);
    // What is left of a number that is not zero, but has no digit that could be kept.
    result.filter(|result| !result.is_zero() || a.is_zero())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Digits of a number, the last one first.
    type Digits = Vec<u8>;

    fn digits_of(mut number: u128) -> Digits {
        let mut digits = Vec::new();
        while number > 0 {
            digits.push(u8::try_from(number % 10).unwrap());
            number /= 10;
        }
        digits
    }

    fn carried(columns: Vec<i64>) -> Digits {
        let mut carry = 0;
        let mut digits = Vec::new();
        for column in columns.into_iter().chain([0; 4]) {
            let column = column + carry;
            digits.push(u8::try_from(column.rem_euclid(10)).unwrap());
            carry = column.div_euclid(10);
        }
        assert_eq!(carry, 0);
        digits
    }

    /// The rule, on digits as they are written. `tail` tells that smaller digits follow.
    fn round(is_negative: bool, mut digits: Digits, places: usize) -> Option<String> {
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let is_zero = digits.is_empty();
        let cut = digits.len().max(places).saturating_sub(28);
        let places = places.checked_sub(cut)?;
        let up = cut > 0 && digits.get(cut - 1).is_some_and(|digit| *digit >= 5);
        let mut kept: Vec<i64> = digits.iter().skip(cut).map(|digit| i64::from(*digit)).collect();
        if up {
            match kept.first_mut() {
                Some(first) => *first += 1,
                None => kept.push(1),
            }
        }
        let mut kept = carried(kept);
        while kept.last() == Some(&0) && kept.len() > places + 1 {
            kept.pop();
        }
        kept.resize(kept.len().max(places + 1), 0);
        if kept.iter().all(|digit| *digit == 0) {
            return is_zero.then(|| "0".to_owned());
        }
        let mut text: String = kept.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        if places > 0 {
            text.insert(text.len() - places, '.');
            text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        let whole = text.split('.').next().unwrap().trim_start_matches('0').len();
        (whole <= 28).then(|| if is_negative { format!("-{text}") } else { text })
    }

    fn oracle(op: char, a: Decimal, b: Decimal) -> Option<String> {
        let (x, y) = (digits_of(digits(a)), digits_of(digits(b)));
        let differ = a.is_sign_negative() != b.is_sign_negative();
        match op {
            '*' => {
                let mut columns = vec![0_i64; 60];
                for (i, p) in x.iter().enumerate() {
                    for (j, q) in y.iter().enumerate() {
                        columns[i + j] += i64::from(*p) * i64::from(*q);
                    }
                }
                round(differ, carried(columns), (a.scale() + b.scale()) as usize)
            }
            '+' => {
                let places = a.scale().max(b.scale());
                let aligned = |decimal: Decimal, digits: Digits| {
                    let mut aligned = vec![0; (places - decimal.scale()) as usize];
                    aligned.extend(digits);
                    aligned.resize(60, 0);
                    aligned
                };
                let (x, y) = (aligned(a, x), aligned(b, y));
                let (is_negative, x, y) = if x.iter().rev().ge(y.iter().rev()) {
                    (a.is_sign_negative(), x, y)
                } else {
                    (b.is_sign_negative(), y, x)
                };
                let sign = if differ { -1 } else { 1 };
                let columns = x.iter().zip(&y).map(|(p, q)| i64::from(*p) + sign * i64::from(*q));
                round(is_negative, carried(columns.collect()), places as usize)
            }
            _ => {
                // 90 digits of the quotient.
                let divisor = digits(b);
                let mut rest = 0;
                let mut quotient: Digits = Vec::new();
                for digit in x.iter().rev().copied().chain([0; 90]) {
                    rest = rest * 10 + u128::from(digit);
                    quotient.push(u8::try_from(rest / divisor).unwrap());
                    rest %= divisor;
                }
                quotient.reverse();
                let places = 90 + a.scale() - b.scale();
                let result = round(differ, quotient, places as usize);
                result.filter(|text| text != "0" || a.is_zero())
            }
        }
    }

    fn check(op: char, a: Decimal, b: Decimal) {
        let result = match op {
            '*' => multiply(a, b),
            '+' => add(a, b),
            _ => divide(a, b),
        };
        assert_eq!(result.map(|result| result.to_string()), oracle(op, a, b), "{a} {op} {b}");
    }

    #[test]
    fn results_are_rounded_once() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        for (op, a, b, expected) in [
            ('*', "9.2993377787173599438200675", "0.00006", Some("0.0005579602667230415966292041")),
            ('*', "0.0000000000000000000000000025", "0.1", Some("0.0000000000000000000000000003")),
            ('*', "0.0000000000000000000000000005", "0.1", Some("0.0000000000000000000000000001")),
            ('*', "0.0000000000000000000000000004", "-0.1", None),
            (
                '+',
                "302395381441660431383.27717",
                "-0.00432705375826275448",
                Some("302395381441660431383.2728429"),
            ),
            ('+', "9999999999999999999999999999", "0.5", None),
            ('+', "999999999999999999999999999.9", "0.05", Some("1000000000000000000000000000")),
            ('/', "1", "3", Some("0.3333333333333333333333333333")),
            ('/', "0.0000000000000000000000000001", "2", Some("0.0000000000000000000000000001")),
            ('/', "1", "0.0000000000000000000000000001", None),
            ('/', "1", "0", None),
        ] {
            let (a, b) = (decimal(a), decimal(b));
            let result = match op {
                '*' => multiply(a, b),
                '+' => add(a, b),
                _ => divide(a, b),
            };
            assert_eq!(result.map(|result| result.to_string()).as_deref(), expected, "{a} {op} {b}");
        }
    }

    fn decimals() -> impl Strategy<Value = Decimal> {
        (any::<bool>(), 0_u128..BOUND, 0_u32..=28, 0_u32..=28).prop_map(|(sign, digits, cut, places)| {
            let digits = i128::try_from(digits / 10_u128.pow(cut)).unwrap();
            Decimal::from_i128_with_scale(if sign { -digits } else { digits }, places).normalize()
        })
    }

    proptest! {
        #[test]
        fn agrees_with_digits_on_paper(a in decimals(), b in decimals()) {
            check('*', a, b);
            check('+', a, b);
            if !b.is_zero() {
                check('/', a, b);
            }
        }
    }
}
