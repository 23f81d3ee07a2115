//! The type of a column, from all its values.
//!
//! A type is inferred only where it keeps every value: each value says which types hold exactly what was written,
//! and the column gets the first type, in the order that a person would choose, that all its values allow. So no
//! two values of a column that differ become equal, and none is rounded.

use ankurah_core::value::ValueType;

use crate::convert;

/// The types that hold some values exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fits(u16);

impl Fits {
    /// A string alone.
    const STRING: Fits = Fits(0);
    const BOOL: Fits = Fits(1);
    const INT: Fits = Fits(1 << 1);
    const DECIMAL: Fits = Fits(1 << 2);
    const TIMESTAMP: Fits = Fits(1 << 3);
    const JSON: Fits = Fits(1 << 4);
    /// An `f64`, of which the number is the shortest text.
    const FLOAT: Fits = Fits(1 << 5);
    /// An `f64`, of which the number is the text with 17 digits, as many programs write it.
    const FLOAT_17: Fits = Fits(1 << 6);
    /// The same with 19 digits.
    const FLOAT_19: Fits = Fits(1 << 7);
    /// The ways to write an `f64`. Each gives different floats different texts, so a column in which all numbers
    /// are written in one way loses nothing.
    const FLOATS: Fits = Fits(Self::FLOAT.0 | Self::FLOAT_17.0 | Self::FLOAT_19.0);
    const ALL: Fits = Fits(u16::MAX);

    const fn and(self, other: Fits) -> Fits {
        Fits(self.0 & other.0)
    }

    const fn or(self, other: Fits) -> Fits {
        Fits(self.0 | other.0)
    }

    const fn has(self, some: Fits) -> bool {
        self.0 & some.0 != 0
    }
}

/// What the values of a column have been so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The types that hold all of them.
    fits: Fits,
    /// Whether there was one, other than NULL.
    any: bool,
    /// Whether one was a number with an exponent: numbers are floats then, where that loses nothing.
    exponent: bool,
}

impl Default for Guess {
    /// NULL alone.
    fn default() -> Self {
        Guess { fits: Fits::ALL, any: false, exponent: false }
    }
}

impl Guess {
    fn take(&mut self, fits: Fits) {
        self.fits = self.fits.and(fits);
        self.any = true;
    }

    /// Takes the text of a CSV field into account.
    pub fn text(&mut self, text: &str) {
        match text.as_bytes().first() {
            Some(b't' | b'f' | b'T' | b'F') => self.take(match text {
                "true" | "false" | "TRUE" | "FALSE" | "True" | "False" => Fits::BOOL,
                _ => Fits::STRING,
            }),
            Some(b'-' | b'.' | b'0'..=b'9') => match Written::read(text) {
                Some(number) => self.number_written(&number),
                None => self.string(text),
            },
            _ => self.take(Fits::STRING),
        }
    }

    /// Takes a JSON string into account: a point in time or a string, as numbers have their own form there.
    pub fn string(&mut self, text: &str) {
        self.take(if is_time(text) { Fits::TIMESTAMP } else { Fits::STRING });
    }

    /// Takes a JSON number into account.
    pub fn number(&mut self, text: &str) {
        match Written::read(text) {
            Some(number) => self.number_written(&number),
            // The only form that JSON has and a field of CSV has not. It is the integer 0 there.
            None if text == "-0" => self.text("0"),
            None => self.take(Fits::STRING),
        }
    }

    /// Takes a JSON truth value into account.
    pub fn bool(&mut self) {
        self.take(Fits::BOOL);
    }

    /// Takes a JSON array or object into account.
    pub fn json(&mut self) {
        self.take(Fits::JSON);
    }

    fn number_written(&mut self, number: &Written<'_>) {
        self.exponent |= number.exponent.is_some();
        // What the values before did not allow need not be found out again.
        self.take(number.fits(self.fits));
    }

    /// The type; a column of NULL alone is a string.
    pub fn value_type(self) -> ValueType {
        let (first, then) = if self.exponent {
            ((Fits::FLOATS, ValueType::Float), Some((Fits::DECIMAL, ValueType::Decimal)))
        } else {
            ((Fits::DECIMAL, ValueType::Decimal), None)
        };
        let choices = [
            (Fits::BOOL, ValueType::Bool),
            (Fits::INT, ValueType::Int),
            (Fits::TIMESTAMP, ValueType::Timestamp),
            (Fits::JSON, ValueType::Json),
            first,
        ];
        let mut choices =
            choices.into_iter().chain(then).filter(|(fits, _)| self.any && self.fits.has(*fits));
        choices.next().map_or(ValueType::String, |(_, value_type)| value_type)
    }
}

/// A number as it is written, in parts.
struct Written<'a> {
    text: &'a str,
    whole: &'a str,
    fraction: &'a str,
    exponent: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// The parts of a number. None of what would not come back as it is: `007`, `+5`, `5.`, `-0`.
    fn read(text: &'a str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (digits, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // `.5` is a number as it is in a statement.
        let no_digits = whole.is_empty() && fraction.is_some();
        let good = (no_digits || all_digits(whole))
            && !(whole.len() > 1 && whole.starts_with('0'))
            && fraction.is_none_or(all_digits)
            && exponent.is_none_or(|text| all_digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
            && text != "-0";
        good.then_some(Written { text, whole, fraction: fraction.unwrap_or(""), exponent })
    }

    /// Which of the types `asked` hold the number exactly.
    fn fits(&self, asked: Fits) -> Fits {
        let plain = self.exponent.is_none();
        let mut fits = Fits::STRING;
        let is_whole = plain && self.fraction.is_empty();
        if asked.has(Fits::INT) && is_whole && self.text.parse::<i64>().is_ok() {
            fits = fits.or(Fits::INT);
        }
        let digits = self.whole.trim_start_matches('0').len().saturating_add(self.fraction.len());
        if asked.has(Fits::DECIMAL) {
            // Which numbers of so many digits a decimal holds depends on the exponent.
            let holds =
                digits <= DECIMAL_DIGITS && (plain || convert::parse(self.text, ValueType::Decimal).is_ok());
            if holds {
                fits = fits.or(Fits::DECIMAL);
            }
        }
        if asked.has(Fits::FLOATS) {
            fits = fits.or(self.float_fits(asked, plain && digits <= FLOAT_DIGITS));
        }
        fits
    }

    /// In which of the ways `asked` the number is written, if it is an `f64`. `short`: in the shortest one for
    /// certain, as every number of so few digits is.
    fn float_fits(&self, asked: Fits, short: bool) -> Fits {
        let is_whole = self.fraction.is_empty();
        if short && is_whole {
            return Fits::FLOATS;
        }
        let mut fits = if short { Fits::FLOAT } else { Fits::STRING };
        if !asked.has(Fits(Fits::FLOATS.0 & !fits.0)) {
            return fits;
        }
        let Some(float) = self.text.parse::<f64>().ok().filter(|float| float.is_finite()) else {
            return fits;
        };
        let same = |written: &str| Written::read(written).is_some_and(|other| other.is_same_number(self));
        if !short && asked.has(Fits::FLOAT) && same(&format!("{float:e}")) {
            fits = fits.or(Fits::FLOAT);
        }
        if asked.has(Fits::FLOAT_17) && same(&format!("{float:.16e}")) {
            fits = fits.or(Fits::FLOAT_17);
        }
        if asked.has(Fits::FLOAT_19) && same(&format!("{float:.18e}")) {
            fits = fits.or(Fits::FLOAT_19);
        }
        fits
    }

    /// Whether both are the same number.
    fn is_same_number(&self, other: &Written<'_>) -> bool {
        let sign = |number: &Written<'_>| number.text.starts_with('-');
        match (self.digits_and_place(), other.digits_and_place()) {
            (Some((digits, place)), Some((others, other_place))) => {
                digits == others && (digits.is_empty() || (place == other_place && sign(self) == sign(other)))
            }
            _ => false,
        }
    }

    /// Its digits without zeros at both ends, and the place of the last one: 0 for ones, 1 for tens. `None` where
    /// the exponent is out of all range.
    fn digits_and_place(&self) -> Option<(String, i64)> {
        let exponent: i64 = self.exponent.map_or(Some(0), |exponent| exponent.parse().ok())?;
        let all = [self.whole, self.fraction].concat();
        let digits = all.trim_end_matches('0');
        let zeros = i64::try_from(all.len().checked_sub(digits.len())?).ok()?;
        let places = i64::try_from(self.fraction.len()).ok()?;
        let place = exponent.checked_sub(places)?.checked_add(zeros)?;
        Some((digits.trim_start_matches('0').to_owned(), place))
    }
}

/// The digits that a decimal has.
const DECIMAL_DIGITS: usize = 28;
/// The digits of a number that an `f64` always gives back.
const FLOAT_DIGITS: usize = 15;

/// Whether this is a point in time that a timestamp holds exactly.
fn is_time(text: &str) -> bool {
    looks_like_time(text)
        && convert::parse(text, ValueType::Timestamp).is_ok()
        && text.split_once('.').is_none_or(|(_, rest)| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit);
            digits.skip(6).all(|digit| digit == b'0')
        })
}

/// `YYYY-MM-DD hh:mm:ss` and what may follow: the date alone stays a string.
fn looks_like_time(text: &str) -> bool {
    let shape = b"0000-00-00 00:00:00";
    text.len() >= shape.len()
        && text.bytes().zip(shape).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b' ' => matches!(byte, b' ' | b'T'),
            form => byte == *form,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ValueType::{Bool, Decimal, Float, Int, String, Timestamp};
    use proptest::prelude::*;

    fn of(texts: &[&str]) -> ValueType {
        let mut guess = Guess::default();
        texts.iter().for_each(|text| guess.text(text));
        guess.value_type()
    }

    #[track_caller]
    fn check(texts: &[&str], expected: ValueType) {
        assert_eq!(of(texts), expected, "{texts:?}");
        let backwards: Vec<&str> = texts.iter().rev().copied().collect();
        assert_eq!(of(&backwards), expected, "{backwards:?}");
    }

    #[test]
    fn numbers() {
        check(&["1", "-20", "0"], Int);
        check(&["9223372036854775807"], Int);
        check(&["9223372036854775808"], Decimal);
        check(&["0.99", "-0.5"], Decimal);
        check(&["1", "0.99"], Decimal);
        check(&["1e5", "2.5E-3"], Float);
        check(&["1e5", "1"], Float);
        check(&["1e5", "0.99", "-7", "1e-300", "1.7976931348623157e308", "5e-324"], Float);
        check(&["1e999"], String);
        check(&["1e-999"], String);
        check(&["1e99999999999999999999"], String);
        check(&[".5", "-.25", "1"], Decimal);
        check(&[".5e3"], Float);
        check(&["0.1234567890123456789012345678"], Decimal);
        check(&["0.12345678901234567890123456789"], String);
    }

    #[test]
    fn a_column_with_exponents_that_floats_would_round_is_of_decimals_or_strings() {
        check(&["9007199254740993", "9007199254740992", "1e3"], Decimal);
        check(&["9007199254740992", "1e3"], Float);
        check(&["0.1234567890123456789012", "1e0"], Decimal);
        check(&["12345678901234567.25e2"], Decimal);
        check(&["9007199254740993", "1e300"], String);
        check(&["9007199254740993", "1e-30"], String);
        check(&["0.1234567890123456789012", "1e-30"], String);
        check(&["0.1", "0.10000000000000001", "1e0"], Decimal);
        check(&["4.9e-324", "1"], String);
    }

    #[test]
    fn floats_with_all_their_digits_are_floats() {
        // As `%.16e`, `%.17g` and `%.18e` write 0.1, 1/3 and 12.5.
        check(&["1.0000000000000001e-01", "3.3333333333333331e-01", "1.2500000000000000e+01"], Float);
        check(&["0.10000000000000001", "12.5", "1.0000000000000001e-05"], Float);
        check(&["1.000000000000000056e-01", "3.333333333333333148e-01", "1.250000000000000000e+01"], Float);
        // Not all in one way.
        check(&["1.0000000000000001e-01", "1.000000000000000056e-01"], Decimal);
    }

    #[test]
    fn what_a_number_would_lose_stays_a_string() {
        for text in [
            "007", "-007", "+5", "5.", ".", "-.", ".e5", "+.5", "-0", "1,5", "1 ", " 1", "0x1f", "1_000",
            "NaN", "-", "１",
        ] {
            check(&[text], String);
            check(&["1", text], String);
        }
    }

    #[test]
    fn times() {
        check(&["2020-01-31 23:59:59"], Timestamp);
        check(&["2020-01-31 23:59:59.123456", "2020-01-31T23:59:59Z"], Timestamp);
        check(&["2020-01-31"], String);
        check(&["2020-02-31 00:00:00"], String);
        check(&["2020-01-31 23:59:59", "soon"], String);
    }

    #[test]
    fn times_with_more_than_microseconds_stay_strings() {
        check(&["2020-01-31 23:59:59.1234567"], String);
        check(&["2020-01-31 23:59:59", "2020-01-31 23:59:59.1234561+02"], String);
        check(&["9999-12-31 23:59:59.9999999"], String);
        check(&["2020-01-31 23:59:59.123456000Z"], Timestamp);
    }

    #[test]
    fn the_rest() {
        check(&[], String);
        check(&["true", "FALSE"], Bool);
        check(&["true", "1"], String);
        check(&[""], String);
        check(&["+1 (780) 428-9482"], String);
    }

    #[test]
    fn numbers_of_json() {
        let of = |texts: &[&str]| {
            let mut guess = Guess::default();
            texts.iter().for_each(|text| guess.number(text));
            guess.value_type()
        };
        assert_eq!(of(&["-0", "1"]), Int);
        assert_eq!(of(&["1.5", "1"]), Decimal);
        assert_eq!(of(&["1.5", "1E2"]), Float);
        assert_eq!(of(&["9007199254740993", "1E2"]), Decimal);
    }

    fn number() -> impl Strategy<Value = std::string::String> {
        prop_oneof![
            "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,12})?(e-?[0-9]{1,2})?",
            "(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?",
            "-?[1-9](\\.[0-9]{1,18})?e-?[0-9]{1,3}",
            any::<f64>().prop_map(|float| format!("{float:e}")),
            any::<f64>().prop_map(|float| format!("{float:.16e}")),
            (9_007_199_254_740_990_i64..9_007_199_254_740_999).prop_map(|int| int.to_string()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn different_numbers_stay_different(numbers in prop::collection::vec(number(), 1..5)) {
            let texts: Vec<&str> = numbers.iter().map(std::string::String::as_str).collect();
            let value_type = of(&texts);
            for a in &texts {
                for b in &texts {
                    let read = |text: &str| convert::parse(text, value_type).unwrap();
                    if let (Some(x), Some(y)) = (Written::read(a), Written::read(b)) {
                        let same = x.is_same_number(&y);
                        prop_assert!(same || read(a) != read(b), "{a} and {b} become one {value_type}");
                        prop_assert!(!same || value_type == String || read(a) == read(b));
                    }
                }
            }
        }
    }
}
