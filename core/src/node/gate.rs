//! A lock that many hold together or one alone. Commits hold it together; a serializable transaction holds it
//! alone from its check to its commit, so that nothing slips in between. One that waits lets no new ones in.

use crate::storage::kv::Watched;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Watched<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many hold it together.
    together: usize,
    /// One holds it alone, or waits for that.
    alone: bool,
}

/// Held together with others.
#[derive(Debug)]
pub(crate) struct Shared<'a>(&'a Gate);

/// Held alone, or about to be.
#[derive(Debug)]
pub(crate) struct Exclusive<'a>(&'a Gate);

impl Gate {
    pub(crate) async fn shared(&self) -> Shared<'_> {
        let enter =
            |state: &mut State| (!state.alone).then(|| state.together = state.together.saturating_add(1));
        self.state.until(enter).await;
        Shared(self)
    }

    pub(crate) async fn exclusive(&self) -> Exclusive<'_> {
        self.state.until(|state| (!state.alone).then(|| state.alone = true)).await;
        let held = Exclusive(self);
        self.state.until(|state| (state.together == 0).then_some(())).await;
        held
    }
}

impl Drop for Shared<'_> {
    fn drop(&mut self) {
        self.0.state.update(|state| state.together = state.together.saturating_sub(1));
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        self.0.state.update(|state| state.alone = false);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn many_together_or_one_alone() {
        let gate = Gate::default();
        let first = gate.shared().now_or_never().unwrap();
        let second = gate.shared().now_or_never().unwrap();
        let mut alone = Box::pin(gate.exclusive());
        assert!((&mut alone).now_or_never().is_none());
        assert!(gate.shared().now_or_never().is_none());
        drop(first);
        assert!((&mut alone).now_or_never().is_none());
        drop(second);
        let held = (&mut alone).now_or_never().unwrap();
        assert!(gate.shared().now_or_never().is_none());
        assert!(gate.exclusive().now_or_never().is_none());
        drop(held);
        assert!(gate.shared().now_or_never().is_some());
    }

    #[test]
    fn one_that_gives_up_waiting_lets_others_in() {
        let gate = Gate::default();
        let held = gate.shared().now_or_never().unwrap();
        assert!(gate.exclusive().now_or_never().is_none());
        assert!(gate.shared().now_or_never().is_some());
        drop(held);
        assert!(gate.exclusive().now_or_never().is_some());
    }
}
