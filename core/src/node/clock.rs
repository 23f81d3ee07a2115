//! The node's hybrid logical clock.
//!
//! After Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed
//! Databases" (2014): every stamp exceeds every stamp made or taken in before, and stays as close to the
//! wall clock as that allows.

use std::sync::{Mutex, PoisonError};

use crate::env::Clock;
use crate::id::Stamp;

/// How far ahead of this node's wall clock an operation from outside may be before it has to wait: 5 minutes.
pub const MAX_SKEW_MILLIS: u64 = 5 * 60 * 1000;

/// No stamp is left: the last one of the 48-bit range has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock has reached the end of its range")]
pub struct ClockExhausted;

/// A hybrid logical clock.
#[derive(Debug, Default)]
pub struct HybridClock {
    high: Mutex<Stamp>,
}

impl HybridClock {
    /// A clock whose stamps all exceed `high`.
    pub fn after(high: Stamp) -> Self {
        HybridClock { high: Mutex::new(high) }
    }

    /// The greatest stamp made or taken in.
    pub fn high(&self) -> Stamp {
        *self.high.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a stamp from elsewhere.
    pub fn observe(&self, stamp: Stamp) {
        let mut high = self.high.lock().unwrap_or_else(PoisonError::into_inner);
        *high = stamp.max(*high);
    }

    /// A stamp that exceeds all before, and has at least one millisecond (zero is for keyed geneses).
    pub fn next(&self, clock: &dyn Clock) -> Result<Stamp, ClockExhausted> {
        let mut high = self.high.lock().unwrap_or_else(PoisonError::into_inner);
        let wall = Stamp::from_millis(wall_millis(clock).max(1));
        *high = wall.max(high.next().ok_or(ClockExhausted)?);
        Ok(*high)
    }
}

/// The wall clock in whole milliseconds since the Unix epoch; zero before it.
pub fn wall_millis(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.unix_micros() / 1000).unwrap_or(0)
}

/// Whether `stamp` is so far ahead of the wall clock that its operation has to wait.
pub fn is_ahead(stamp: Stamp, clock: &dyn Clock) -> bool {
    stamp.millis() > wall_millis(clock).saturating_add(MAX_SKEW_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::fixed::ManualClock;

    #[test]
    fn every_stamp_exceeds_all_before_even_if_the_wall_clock_goes_back() {
        let wall = ManualClock::new(5_000_000);
        let clock = HybridClock::default();
        let mut last = Stamp::default();
        for step in 0..1000u32 {
            match step % 4 {
                0 => wall.advance(700),
                1 => wall.set(5_000_000 - i64::from(step)),
                2 => clock.observe(Stamp::from_bits(last.bits() + u64::from(step) * 1000)),
                _ => clock.observe(Stamp::from_millis(3)),
            }
            let high = clock.high();
            let stamp = clock.next(&wall).unwrap();
            assert!(stamp > last && stamp > high);
            last = stamp;
        }
    }

    #[test]
    fn follows_the_wall_clock_when_it_is_ahead() {
        let wall = ManualClock::new(0);
        let clock = HybridClock::default();
        assert_eq!(clock.next(&wall), Ok(Stamp::from_millis(1)));
        wall.set(9_000_000);
        assert_eq!(clock.next(&wall), Ok(Stamp::from_millis(9_000)));
        assert_eq!(clock.next(&wall), Stamp::from_millis(9_000).next().ok_or(ClockExhausted));
    }

    #[test]
    fn ends_with_an_error() {
        let clock = HybridClock::after(Stamp::from_bits(u64::MAX));
        assert_eq!(clock.next(&ManualClock::new(0)), Err(ClockExhausted));
    }

    #[test]
    fn skew_is_five_minutes() {
        let wall = ManualClock::new(10_000_000);
        let limit = 10_000 + MAX_SKEW_MILLIS;
        assert!(!is_ahead(Stamp::from_millis(limit), &wall));
        assert!(is_ahead(Stamp::from_millis(limit + 1), &wall));
    }
}
