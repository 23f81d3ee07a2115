//! The text form of timestamps: `2020-01-31 23:59:59.25`, UTC, the proleptic Gregorian calendar.
//!
//! Every [`Timestamp`] has a form. Years have four digits; those outside 0000 to 9999 a sign and as many as they
//! need. Reading also accepts a date alone, `T` for the space, minutes without seconds, `Z`, and an offset
//! (`+02`, `+0200`, `+02:00`) that is taken off.

use std::fmt;

use super::types::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. The month is 1 to 12.
/// After Howard Hinnant, "chrono-compatible low-level date algorithms".
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A timestamp taken apart, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year: 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// 0 to 999,999.
    pub micros: i64,
}

impl Timestamp {
    /// Year, month, day, hour, minute, second and microseconds, UTC.
    pub fn civil(self) -> Civil {
        let (year, month, day) = civil_from_days(self.0.div_euclid(MICROS_PER_DAY));
        let time = self.0.rem_euclid(MICROS_PER_DAY);
        let seconds = time / MICROS_PER_SECOND;
        Civil {
            year,
            month,
            day,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: time % MICROS_PER_SECOND,
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, micros } = self.civil();
        match year {
            0..=9999 => {
                let mut text = *b"0000-00-00 00:00:00";
                let parts = [year / 100, year, month, day, hour, minute, second];
                for (at, part) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(parts) {
                    if let Some([tens, ones]) = text.get_mut(at..at + 2) {
                        *tens = digit(part / 10);
                        *ones = digit(part);
                    }
                }
                f.write_str(std::str::from_utf8(&text).unwrap_or_default())?;
            }
            _ => write!(f, "{year:+05}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?,
        }
        if micros != 0 {
            let digits = format!("{micros:06}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// The last decimal digit of a number.
fn digit(number: i64) -> u8 {
    u8::try_from(number.rem_euclid(10)).map_or(b'0', |digit| b'0' + digit)
}

/// Why a text is not a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampProblem {
    /// Another shape.
    #[error("expected a form like 2020-01-31 23:59:59")]
    Shape,
    /// No such date.
    #[error("there is no such date")]
    Date,
    /// No such time of day or offset.
    #[error("there is no such time of day")]
    Time,
    /// Beyond 64 bits of microseconds.
    #[error("the year is out of range")]
    Range,
}

/// Reads a timestamp. See the module for the accepted forms. Digits beyond microseconds are rounded, halves up, but
/// never into the year 10000, which is written in another form.
///
/// # Errors
/// [`TimestampProblem`].
pub fn parse(text: &str) -> Result<Timestamp, TimestampProblem> {
    let mut rest = text.trim();
    let sign = match rest.as_bytes().first() {
        Some(b'-') => -1,
        Some(b'+') => 1,
        _ => 0,
    };
    if sign != 0 {
        rest = rest.get(1..).unwrap_or("");
    }
    let year_digits = if sign == 0 { 4..=4 } else { 4..=6 };
    let year = digits(&mut rest, year_digits)? * if sign < 0 { -1 } else { 1 };
    literal(&mut rest, '-')?;
    let month = digits(&mut rest, 2..=2)?;
    literal(&mut rest, '-')?;
    let day = digits(&mut rest, 2..=2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return Err(TimestampProblem::Date);
    }
    let time = match rest.strip_prefix([' ', 'T', 't']) {
        None if rest.is_empty() => TimeOfDay::default(),
        None => return Err(TimestampProblem::Shape),
        Some(after) => time_of_day(after)?,
    };
    let TimeOfDay { micros, up, offset } = time;
    let exact = days_from_civil(year, month, day)
        .checked_mul(86_400)
        .and_then(|seconds| seconds.checked_sub(offset))
        .and_then(|seconds| i128::from(seconds).checked_mul(i128::from(MICROS_PER_SECOND)))
        .and_then(|whole| whole.checked_add(i128::from(micros)))
        .and_then(|micros| i64::try_from(micros).ok())
        .ok_or(TimestampProblem::Range)?;
    if up {
        // The first microsecond of the year 10000.
        let last = exact == days_from_civil(10_000, 1, 1).saturating_mul(MICROS_PER_DAY).saturating_sub(1);
        return exact.checked_add(1).filter(|_| !last).map(Timestamp).ok_or(TimestampProblem::Range);
    }
    Ok(Timestamp(exact))
}

#[derive(Default)]
struct TimeOfDay {
    /// Microseconds since midnight.
    micros: i64,
    /// Whether the digits after them are rounded up.
    up: bool,
    /// In seconds.
    offset: i64,
}

fn time_of_day(text: &str) -> Result<TimeOfDay, TimestampProblem> {
    let mut rest = text;
    let hour = digits(&mut rest, 2..=2)?;
    literal(&mut rest, ':')?;
    let minute = digits(&mut rest, 2..=2)?;
    let mut second = 0;
    let (mut micros, mut up) = (0, false);
    if literal(&mut rest, ':').is_ok() {
        second = digits(&mut rest, 2..=2)?;
        if literal(&mut rest, '.').is_ok() {
            (micros, up) = fraction(&mut rest)?;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(TimestampProblem::Time);
    }
    let offset = offset_seconds(rest.trim_start())?;
    Ok(TimeOfDay { micros: ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros, up, offset })
}

fn offset_seconds(text: &str) -> Result<i64, TimestampProblem> {
    let (sign, mut rest) = match text.chars().next() {
        None => return Ok(0),
        Some('Z' | 'z') if text.len() == 1 => return Ok(0),
        Some('+') => (1, text.get(1..).unwrap_or("")),
        Some('-') => (-1, text.get(1..).unwrap_or("")),
        Some(_) => return Err(TimestampProblem::Shape),
    };
    let hours = digits(&mut rest, 2..=2)?;
    let minutes = if rest.is_empty() {
        0
    } else {
        rest = rest.strip_prefix(':').unwrap_or(rest);
        digits(&mut rest, 2..=2)?
    };
    if !rest.is_empty() {
        return Err(TimestampProblem::Shape);
    }
    if hours > 15 || minutes > 59 {
        return Err(TimestampProblem::Time);
    }
    Ok(sign * (hours * 60 + minutes) * 60)
}

/// Takes up to the greatest `count` of digits; an error where there are fewer than the least.
fn digits(rest: &mut &str, count: std::ops::RangeInclusive<usize>) -> Result<i64, TimestampProblem> {
    let end = rest.bytes().take(*count.end()).take_while(u8::is_ascii_digit).count();
    if !count.contains(&end) {
        return Err(TimestampProblem::Shape);
    }
    let (taken, after) = rest.split_at_checked(end).ok_or(TimestampProblem::Shape)?;
    *rest = after;
    taken.parse().map_err(|_| TimestampProblem::Shape)
}

fn literal(rest: &mut &str, expected: char) -> Result<(), TimestampProblem> {
    *rest = rest.strip_prefix(expected).ok_or(TimestampProblem::Shape)?;
    Ok(())
}

/// Microseconds of the digits after the point, at least one, and whether what follows is rounded up.
fn fraction(rest: &mut &str) -> Result<(i64, bool), TimestampProblem> {
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (taken, after) = rest.split_at_checked(end).ok_or(TimestampProblem::Shape)?;
    if taken.is_empty() {
        return Err(TimestampProblem::Shape);
    }
    *rest = after;
    let six: i64 = taken
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(6)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit.wrapping_sub(b'0')));
    let up = taken.as_bytes().get(6).is_some_and(|digit| *digit >= b'5');
    Ok((six, up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, shown: &str) {
        assert_eq!(parse(text).map(|timestamp| timestamp.to_string()).as_deref(), Ok(shown), "{text}");
    }

    #[test]
    fn forms() {
        for (text, shown) in [
            ("2020-01-31", "2020-01-31 00:00:00"),
            ("2020-01-31 23:59", "2020-01-31 23:59:00"),
            ("2020-01-31T23:59:59.250Z", "2020-01-31 23:59:59.25"),
            ("2020-01-31 23:59:59.9999999", "2020-02-01 00:00:00"),
            ("9999-12-31 23:59:59.9999994", "9999-12-31 23:59:59.999999"),
            ("2020-01-31 23:59:59 +02", "2020-01-31 21:59:59"),
            ("2020-01-31 00:30:00-01:30", "2020-01-31 02:00:00"),
            ("2020-01-31 00:30:00+0130", "2020-01-30 23:00:00"),
            (" 2000-02-29 ", "2000-02-29 00:00:00"),
            ("0000-01-01", "0000-01-01 00:00:00"),
            ("-0001-12-31 23:59:59.999999", "-0001-12-31 23:59:59.999999"),
            ("+12345-01-01", "+12345-01-01 00:00:00"),
        ] {
            check(text, shown);
        }
        assert_eq!(parse("1970-01-01"), Ok(Timestamp(0)));
        assert_eq!(parse("1969-12-31 23:59:59.999999"), Ok(Timestamp(-1)));
        assert_eq!(parse("2009-01-01 00:00:00"), Ok(Timestamp(1_230_768_000_000_000)));
    }

    #[test]
    fn errors() {
        for (text, problem) in [
            ("", TimestampProblem::Shape),
            ("2020", TimestampProblem::Shape),
            ("20200131", TimestampProblem::Shape),
            ("2020-1-31", TimestampProblem::Shape),
            ("2020-01-31x", TimestampProblem::Shape),
            ("2020-01-31 10", TimestampProblem::Shape),
            ("2020-01-31 10:00:00.", TimestampProblem::Shape),
            ("2020-01-31 10:00:00 CET", TimestampProblem::Shape),
            ("12345-01-01", TimestampProblem::Shape),
            ("2020-13-01", TimestampProblem::Date),
            ("2019-02-29", TimestampProblem::Date),
            ("1900-02-29", TimestampProblem::Date),
            ("2020-00-01", TimestampProblem::Date),
            ("2020-01-31 24:00:00", TimestampProblem::Time),
            ("2020-01-31 10:00:60", TimestampProblem::Time),
            ("2020-01-31 10:00:00+16", TimestampProblem::Time),
            ("+300000-01-01", TimestampProblem::Range),
            ("9999-12-31 23:59:59.9999995", TimestampProblem::Range),
            ("9999-12-31 22:59:59.9999999-01", TimestampProblem::Range),
        ] {
            assert_eq!(parse(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn limits_have_a_form() {
        for micros in [i64::MIN, i64::MAX] {
            assert_eq!(parse(&Timestamp(micros).to_string()), Ok(Timestamp(micros)));
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_shows(micros: i64, small in -100_000_000_000_000i64..100_000_000_000_000) {
            for micros in [micros, small] {
                prop_assert_eq!(parse(&Timestamp(micros).to_string()), Ok(Timestamp(micros)));
            }
        }

        #[test]
        fn agrees_with_jiff(micros in -62_000_000_000_000_000i64..250_000_000_000_000_000) {
            let oracle = jiff::Timestamp::from_microsecond(micros).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string();
            prop_assert!(Timestamp(micros).to_string().starts_with(&oracle));
        }

        #[test]
        fn never_panics(text in "[0-9+\\-TZ:. ]{0,30}|\\PC{0,12}") {
            let _ = parse(&text);
        }
    }
}
