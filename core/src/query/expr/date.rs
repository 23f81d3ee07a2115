//! Parts of timestamps.

use rust_decimal::Decimal;

use super::Place;
use crate::query::error::{EvalError, EvalErrorKind};
use crate::value::timestamp::days_from_civil;
use crate::value::{Timestamp, Value};

/// A part of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DateField {
    Millennium,
    Century,
    Decade,
    Year,
    IsoYear,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
    Milliseconds,
    Microseconds,
    Epoch,
}

impl DateField {
    /// The names of the fields, as `extract` and `date_trunc` take them.
    pub(crate) const NAMES: &'static [(&'static str, DateField)] = &[
        ("millennium", Self::Millennium),
        ("century", Self::Century),
        ("decade", Self::Decade),
        ("year", Self::Year),
        ("isoyear", Self::IsoYear),
        ("quarter", Self::Quarter),
        ("month", Self::Month),
        ("week", Self::Week),
        ("day", Self::Day),
        ("dow", Self::DayOfWeek),
        ("isodow", Self::IsoDayOfWeek),
        ("doy", Self::DayOfYear),
        ("hour", Self::Hour),
        ("minute", Self::Minute),
        ("second", Self::Second),
        ("milliseconds", Self::Milliseconds),
        ("microseconds", Self::Microseconds),
        ("epoch", Self::Epoch),
    ];

    /// The field with a name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        Self::NAMES.iter().find(|(known, _)| *known == lower).map(|(_, field)| *field)
    }

    /// The field's name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }

    /// Whether the part can have a fraction: it is a decimal then, otherwise an integer.
    pub(crate) fn is_fractional(self) -> bool {
        matches!(self, Self::Second | Self::Milliseconds | Self::Epoch)
    }

    /// Whether a timestamp can be cut at it.
    pub(crate) fn is_unit(self) -> bool {
        !matches!(self, Self::IsoYear | Self::DayOfWeek | Self::IsoDayOfWeek | Self::DayOfYear | Self::Epoch)
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The ISO 8601 week of a date given as days since 1970-01-01: the year that it belongs to and its number. The
/// first week of a year is the one with its first Thursday.
fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let year = Timestamp(thursday.saturating_mul(MICROS_PER_DAY)).civil().year;
    (year, (thursday - days_from_civil(year, 1, 1)).div_euclid(7) + 1)
}

/// The value of a part of a timestamp, in UTC.
pub(super) fn part(field: DateField, time: Timestamp) -> Value {
    let date = time.civil();
    let days = time.0.div_euclid(MICROS_PER_DAY);
    let micros = date.second * 1_000_000 + date.micros;
    let decimal = |number: i64, scale: u32| Value::Decimal(Decimal::new(number, scale).normalize());
    Value::Int(match field {
        DateField::Millennium => ordinal_period(date.year, 1000),
        DateField::Century => ordinal_period(date.year, 100),
        DateField::Decade => date.year.div_euclid(10),
        DateField::Year => date.year,
        DateField::IsoYear => iso_week(days).0,
        DateField::Quarter => (date.month + 2) / 3,
        DateField::Month => date.month,
        DateField::Week => iso_week(days).1,
        DateField::Day => date.day,
        DateField::DayOfWeek => (days + 4).rem_euclid(7),
        DateField::IsoDayOfWeek => (days + 3).rem_euclid(7) + 1,
        DateField::DayOfYear => days - days_from_civil(date.year, 1, 1) + 1,
        DateField::Hour => date.hour,
        DateField::Minute => date.minute,
        DateField::Microseconds => micros,
        DateField::Second => return decimal(micros, 6),
        DateField::Milliseconds => return decimal(micros, 3),
        DateField::Epoch => return decimal(time.0, 6),
    })
}

/// The number of a century or millennium: the first begins with the year 1.
fn ordinal_period(year: i64, length: i64) -> i64 {
    if year > 0 { (year - 1) / length + 1 } else { year / length - 1 }
}

/// The timestamp cut at a unit: the start of its year, day, hour, …. Fails where that is before the first
/// timestamp.
pub(super) fn truncate(field: DateField, time: Timestamp, place: Place) -> Result<Value, EvalError> {
    let step = match field {
        DateField::Microseconds => Some(1),
        DateField::Milliseconds => Some(1_000),
        DateField::Second => Some(1_000_000),
        DateField::Minute => Some(60_000_000),
        DateField::Hour => Some(3_600_000_000),
        DateField::Day => Some(MICROS_PER_DAY),
        _ => None,
    };
    let cut = match step {
        Some(step) => time.0.checked_sub(time.0.rem_euclid(step)),
        None => {
            let date = time.civil();
            let days = time.0.div_euclid(MICROS_PER_DAY);
            let start = match field {
                DateField::Week => days - (days + 3).rem_euclid(7),
                DateField::Month => days_from_civil(date.year, date.month, 1),
                DateField::Quarter => days_from_civil(date.year, (date.month - 1) / 3 * 3 + 1, 1),
                DateField::Decade => days_from_civil(date.year.div_euclid(10) * 10, 1, 1),
                DateField::Century => days_from_civil((date.year - 1).div_euclid(100) * 100 + 1, 1, 1),
                DateField::Millennium => days_from_civil((date.year - 1).div_euclid(1000) * 1000 + 1, 1, 1),
                _ => days_from_civil(date.year, 1, 1),
            };
            start.checked_mul(MICROS_PER_DAY)
        }
    };
    cut.map(|micros| Value::Timestamp(Timestamp(micros))).ok_or_else(|| {
        place.error(EvalErrorKind::Overflow { operation: format!("date_trunc('{}', {time})", field.name()) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn parts() {
        let of = |field: &str, text: &str| {
            let field = DateField::named(field).unwrap();
            match part(field, time(text)) {
                Value::Int(n) => n.to_string(),
                Value::Decimal(d) => d.to_string(),
                other => panic!("{other:?}"),
            }
        };
        let text = "2021-01-03T23:59:58.25Z";
        for (field, expected) in [
            ("millennium", "3"),
            ("century", "21"),
            ("decade", "202"),
            ("YEAR", "2021"),
            ("isoyear", "2020"),
            ("quarter", "1"),
            ("month", "1"),
            ("week", "53"),
            ("day", "3"),
            ("dow", "0"),
            ("isodow", "7"),
            ("doy", "3"),
            ("hour", "23"),
            ("minute", "59"),
            ("second", "58.25"),
            ("milliseconds", "58250"),
            ("microseconds", "58250000"),
            ("epoch", "1609718398.25"),
        ] {
            assert_eq!(of(field, text), expected, "{field}");
        }
        assert_eq!(of("century", "2000-12-31T00:00:00Z"), "20");
        assert_eq!(of("epoch", "1969-12-31T23:59:59.5Z"), "-0.5");
    }

    #[test]
    fn cut() {
        for (field, expected) in [
            ("microseconds", "2021-08-15T23:59:58.123456Z"),
            ("milliseconds", "2021-08-15T23:59:58.123Z"),
            ("second", "2021-08-15T23:59:58Z"),
            ("minute", "2021-08-15T23:59:00Z"),
            ("hour", "2021-08-15T23:00:00Z"),
            ("day", "2021-08-15T00:00:00Z"),
            ("week", "2021-08-09T00:00:00Z"),
            ("month", "2021-08-01T00:00:00Z"),
            ("quarter", "2021-07-01T00:00:00Z"),
            ("year", "2021-01-01T00:00:00Z"),
            ("decade", "2020-01-01T00:00:00Z"),
            ("century", "2001-01-01T00:00:00Z"),
            ("millennium", "2001-01-01T00:00:00Z"),
        ] {
            let field = DateField::named(field).unwrap();
            let cut = truncate(field, time("2021-08-15T23:59:58.123456Z"), Place::default());
            assert_eq!(cut, Ok(Value::Timestamp(time(expected))), "{field:?}");
        }
    }

    #[test]
    fn weeks_agree_with_another_calendar() {
        for days in (-800_000..800_000).step_by(37) {
            let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            let week = date.iso_week_date();
            assert_eq!(iso_week(days), (i64::from(week.year()), i64::from(week.week())), "{date}");
        }
    }

    #[test]
    fn the_first_and_the_last_time() {
        for (_, field) in DateField::NAMES {
            part(*field, Timestamp(i64::MAX));
            part(*field, Timestamp(i64::MIN));
        }
        assert!(truncate(DateField::Year, Timestamp(i64::MIN), Place::default()).is_err());
        assert!(truncate(DateField::Day, Timestamp(i64::MIN), Place::default()).is_err());
        assert!(truncate(DateField::Year, Timestamp(i64::MAX), Place::default()).is_ok());
    }
}
