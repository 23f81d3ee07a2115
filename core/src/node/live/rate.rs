//! How often something happens.

/// Over how long it is counted, in nanoseconds: ten seconds.
pub(super) const WINDOW: u64 = 10_000_000_000;

/// Counts what happens in the present window and in the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    start: u64,
    now: u32,
    before: u32,
}

impl Rate {
    /// Something happens so many times, at a time of a clock that never goes backwards, in nanoseconds.
    pub(super) fn count(&mut self, times: usize, nanos: u64) {
        *self = self.at(nanos);
        self.now = self.now.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    /// How often it happened in a second, in the ten seconds before a time: what happened in the window before counts as
    /// far as that reaches into them, as if it had been spread evenly.
    pub(super) fn per_second(&self, nanos: u64) -> f64 {
        let rate = self.at(nanos);
        let passed = nanos.saturating_sub(rate.start).min(WINDOW);
        #[expect(clippy::cast_precision_loss, reason = "a part of ten seconds needs no more digits")]
        let before = f64::from(rate.before) * (WINDOW.saturating_sub(passed) as f64 / WINDOW as f64);
        (before + f64::from(rate.now)) / 10.0
    }

    /// The counts with the window that a time is in.
    fn at(self, nanos: u64) -> Rate {
        let passed = nanos.saturating_sub(self.start);
        match passed / WINDOW {
            0 => self,
            1 => Rate { start: self.start.saturating_add(WINDOW), now: 0, before: self.now },
            _ => Rate { start: nanos, now: 0, before: 0 },
        }
    }
}

/// Counts what happens, ever and lately.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    pub(super) all: u64,
    pub(super) rate: Rate,
}

impl Counter {
    /// Something happens so many times, at a time as with [`Rate::count`].
    pub(super) fn count(&mut self, times: usize, nanos: u64) {
        self.all = self.all.saturating_add(u64::try_from(times).unwrap_or(u64::MAX));
        self.rate.count(times, nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[track_caller]
    fn check(times: &[u64], at: u64, expected: f64) {
        let mut rate = Rate::default();
        times.iter().for_each(|time| rate.count(1, time * SECOND));
        let found = rate.per_second(at * SECOND);
        assert!((found - expected).abs() < 1e-9, "{found}");
    }

    #[test]
    fn what_happened_in_the_last_ten_seconds_counts() {
        check(&[], 5, 0.0);
        check(&[1, 2, 3], 4, 0.3);
        check(&[1, 2, 3, 4], 15, 0.2);
        check(&[1, 2, 3, 4], 20, 0.0);
        check(&[1, 11, 12], 12, 0.28);
        check(&[1, 100], 100, 0.1);
        check(&[1, 100], 1_000, 0.0);
    }
}
