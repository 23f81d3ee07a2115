//! Which effects, one setting off the next, led to a write: to tell an effect that sets off itself.

use std::sync::Arc;

use crate::fault::MAX_ROUNDS;

/// A run of an effect that wrote, and what had set it off.
pub(crate) struct Cause {
    effect: u64,
    /// How many runs led to this one.
    pub(crate) round: u32,
    before: Option<Arc<Cause>>,
}

impl Cause {
    /// The run of an effect that was itself set off by `before`, if by any.
    pub(crate) fn new(effect: u64, before: Option<Arc<Cause>>) -> Self {
        let round = before.as_ref().map_or(1, |before| before.round.saturating_add(1));
        Cause { effect, round, before }
    }

    /// Whether an effect that is set off by this has come round to itself for too long. Now and then only, so
    /// that long chains of different effects cost little.
    pub(crate) fn is_endless(&self, effect: u64) -> bool {
        let mut cause = Some(self);
        self.round % MAX_ROUNDS == 0
            && std::iter::from_fn(|| {
                let this = cause?;
                cause = this.before.as_deref();
                Some(this.effect)
            })
            .any(|earlier| earlier == effect)
    }
}

impl Drop for Cause {
    /// One after the other: a chain may be long.
    fn drop(&mut self) {
        let mut before = self.before.take();
        while let Some(mut cause) = before.and_then(|before| Arc::try_unwrap(before).ok()) {
            before = cause.before.take();
        }
    }
}
