//! The type of a column, from all its values.

use ankurah_core::value::ValueType;

use crate::convert;

/// What the values of a column have been so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guess {
    /// NULL alone.
    #[default]
    Nothing,
    /// `true` and `false`.
    Bool,
    /// Integers of 64 bits.
    Int,
    /// Numbers that a decimal holds exactly.
    Decimal,
    /// Numbers with an exponent.
    Float,
    /// Points in time.
    Timestamp,
    /// JSON arrays and objects.
    Json,
    /// Anything.
    String,
}

impl Guess {
    /// The guess for one text of a CSV field.
    pub fn of_text(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b't' | b'f' | b'T' | b'F') => match text {
                "true" | "false" | "TRUE" | "FALSE" | "True" | "False" => Guess::Bool,
                _ => Guess::String,
            },
            Some(b'-' | b'.' | b'0'..=b'9') => match Guess::of_number(text) {
                Guess::String => Guess::of_time(text),
                guess => guess,
            },
            _ => Guess::String,
        }
    }

    /// The guess for a JSON string: a point in time or a string, as numbers have their own form there.
    pub fn of_time(text: &str) -> Self {
        if looks_like_time(text) && convert::parse(text, ValueType::Timestamp).is_ok() {
            Guess::Timestamp
        } else {
            Guess::String
        }
    }

    /// The guess for a number. Forms that would not come back as they are (`007`, `+5`, `5.`, `-0`) are strings.
    pub fn of_number(text: &str) -> Self {
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
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        // `.5` is a number as it is in a statement.
        let no_digits = whole.is_empty() && fraction.is_some();
        if !(no_digits || all_digits(whole))
            || leading_zero
            || fraction.is_some_and(|fraction| !all_digits(fraction))
        {
            return Guess::String;
        }
        if let Some(exponent) = exponent {
            let good = all_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
            let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
            return if good && finite { Guess::Float } else { Guess::String };
        }
        if text == "-0" {
            Guess::String
        } else if fraction.is_none() && text.parse::<i64>().is_ok() {
            Guess::Int
        } else if whole.trim_start_matches('0').len() + fraction.map_or(0, str::len) <= 28 {
            Guess::Decimal
        } else {
            Guess::String
        }
    }

    /// The guess for values that are partly this and partly that.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        use Guess::{Decimal, Float, Int, Nothing, String};
        match (self, other) {
            (a, b) if a == b => a,
            (Nothing, guess) | (guess, Nothing) => guess,
            (Int, Decimal) | (Decimal, Int) => Decimal,
            (Float, Int | Decimal) | (Int | Decimal, Float) => Float,
            _ => String,
        }
    }

    /// The type; a column of NULL alone is a string.
    pub fn value_type(self) -> ValueType {
        match self {
            Guess::Bool => ValueType::Bool,
            Guess::Int => ValueType::Int,
            Guess::Decimal => ValueType::Decimal,
            Guess::Float => ValueType::Float,
            Guess::Timestamp => ValueType::Timestamp,
            Guess::Json => ValueType::Json,
            Guess::Nothing | Guess::String => ValueType::String,
        }
    }
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

    #[track_caller]
    fn check(texts: &[&str], expected: Guess) {
        let found = texts.iter().map(|text| Guess::of_text(text)).fold(Guess::Nothing, Guess::join);
        assert_eq!(found, expected, "{texts:?}");
    }

    #[test]
    fn numbers() {
        check(&["1", "-20", "0"], Guess::Int);
        check(&["9223372036854775807"], Guess::Int);
        check(&["9223372036854775808"], Guess::Decimal);
        check(&["0.99", "-0.5"], Guess::Decimal);
        check(&["1", "0.99"], Guess::Decimal);
        check(&["1e5", "2.5E-3"], Guess::Float);
        check(&["1e5", "1"], Guess::Float);
        check(&["1e999"], Guess::String);
        check(&[".5", "-.25", "1"], Guess::Decimal);
        check(&[".5e3"], Guess::Float);
        check(&["0.1234567890123456789012345678"], Guess::Decimal);
        check(&["0.12345678901234567890123456789"], Guess::String);
    }

    #[test]
    fn what_a_number_would_lose_stays_a_string() {
        for text in [
            "007", "-007", "+5", "5.", ".", "-.", ".e5", "+.5", "-0", "1,5", "1 ", " 1", "0x1f", "1_000",
            "NaN", "-", "１",
        ] {
            check(&[text], Guess::String);
            check(&["1", text], Guess::String);
        }
    }

    #[test]
    fn times() {
        check(&["2020-01-31 23:59:59"], Guess::Timestamp);
        check(&["2020-01-31 23:59:59.123456", "2020-01-31T23:59:59Z"], Guess::Timestamp);
        check(&["2020-01-31"], Guess::String);
        check(&["2020-02-31 00:00:00"], Guess::String);
        check(&["2020-01-31 23:59:59", "soon"], Guess::String);
    }

    #[test]
    fn the_rest() {
        check(&[], Guess::Nothing);
        check(&["true", "FALSE"], Guess::Bool);
        check(&["true", "1"], Guess::String);
        check(&[""], Guess::String);
        check(&["+1 (780) 428-9482"], Guess::String);
    }
}
