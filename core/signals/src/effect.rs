//! Code that runs when signals change.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::bounds::{MaybeSend, Value};
use crate::context::{self, Hold, Kind};
use crate::fault::Fault;
use crate::node::{Accept, Core, Node, Ran, lock};
use crate::signal::Signal;
use crate::walk;

/// Runs `f` now, and again whenever a signal that it read in its last run has changed, until the
/// subscription is dropped.
///
/// It runs on the thread that wrote, after the write or the outermost [`batch`](crate::batch), once for all
/// that was written; not at all if nothing that it read has really changed. Effects that wait at the
/// same time run in the order in which they were made, and never see derived signals that do not fit each
/// other. `f` never runs on two threads at once: what changes meanwhile makes it run again after.
///
/// `f` may write signals; what that sets off runs after it returns. An effect that sets off itself again and
/// again is stopped with [`Fault::Unsettled`]. A panic is caught, and the effect runs again at the next change:
/// see [`Subscription::fault`].
///
/// ```
/// use ankurah_signals::{WritableSignal, effect};
/// use std::sync::{Arc, Mutex};
///
/// let (count, seen) = (WritableSignal::new(0), Arc::new(Mutex::new(Vec::new())));
/// let subscription = {
///     let (count, seen) = (count.clone(), seen.clone());
///     effect(move || seen.lock().unwrap().push(count.get()))
/// };
/// count.set(1);
/// drop(subscription);
/// count.set(2);
/// assert_eq!(*seen.lock().unwrap(), [0, 1]);
/// ```
pub fn effect(f: impl FnMut() + MaybeSend + 'static) -> Subscription {
    let state = State { body: Some(Box::new(f)), ended: false, fault: None };
    let core = Core::new(true);
    let effect = Arc::new(Effect { core, order: context::unique(), state: Mutex::new(state) });
    let node: Arc<dyn Node> = Arc::<Effect>::clone(&effect);
    let _hold = Hold::new();
    if !walk::refresh(&node) {
        context::enqueue([node]);
    }
    Subscription { effect }
}

impl<T: Value> Signal<T> {
    /// Calls `f` with the value after each change from now on, until the subscription is dropped. It is an
    /// [`effect`] that reads only this signal; what `f` itself reads is not tracked.
    ///
    /// ```
    /// use ankurah_signals::WritableSignal;
    /// use std::sync::{Arc, atomic::{AtomicI32, Ordering}};
    ///
    /// let (count, seen) = (WritableSignal::new(0), Arc::new(AtomicI32::new(-1)));
    /// let to = seen.clone();
    /// let _subscription = count.subscribe(move |count| to.store(*count, Ordering::Relaxed));
    /// assert_eq!(seen.load(Ordering::Relaxed), -1);
    /// count.set(5);
    /// assert_eq!(seen.load(Ordering::Relaxed), 5);
    /// ```
    pub fn subscribe(&self, mut f: impl FnMut(&T) + MaybeSend + 'static) -> Subscription {
        let signal = self.clone();
        let mut first = true;
        effect(move || {
            let value = signal.read();
            if !std::mem::replace(&mut first, false) {
                context::untracked(|| f(&value));
            }
        })
    }
}

/// Keeps an effect. Dropping it ends the effect: it is not started again, and what it holds is dropped; if
/// it is running right now, on this thread or another, as soon as that run ends.
///
/// Ending takes time for what the effect itself read, however many other subscribers there are.
#[must_use = "the effect ends when this is dropped"]
pub struct Subscription {
    effect: Arc<Effect>,
}

impl Subscription {
    /// Why the last run failed, if it did.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        lock(&self.effect.state).fault.clone()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.effect.end(None);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("fault", &self.fault()).finish_non_exhaustive()
    }
}

/// The code of an effect.
trait Body: FnMut() + MaybeSend {}
impl<F: FnMut() + MaybeSend> Body for F {}

struct Effect {
    core: Core,
    order: u64,
    state: Mutex<State>,
}

struct State {
    /// Taken out while it runs.
    body: Option<Box<dyn Body>>,
    ended: bool,
    fault: Option<Fault>,
}

impl Effect {
    fn end(&self, fault: Option<Fault>) {
        let body = {
            let mut state = lock(&self.state);
            state.ended = true;
            state.fault = fault;
            state.body.take()
        };
        self.core.forget();
        // Foreign code may run here, without a lock.
        drop(body);
    }
}

impl Node for Effect {
    fn core(&self) -> &Core {
        &self.core
    }

    fn run(&self, me: &Arc<dyn Node>, _reading: u64, _accept: &Accept<'_>) -> Ran {
        let run = self.core.begin(context::unique());
        let Some(mut body) = lock(&self.state).body.take() else { return Ran::Done };
        let (outcome, frame) = context::evaluate(Kind::Effect, Arc::as_ptr(me).cast(), &mut body);
        let fault = match (&outcome, &frame) {
            (Err(payload), _) => Some(Fault::panicked(&**payload)),
            (Ok(()), Some(frame)) if !frame.reads.circular.is_empty() => Some(Fault::Cycle),
            (Ok(()), Some(frame)) => frame.fault.clone(),
            (Ok(()), None) => None,
        };
        if let (Err(_), Some(fault)) = (&outcome, &fault) {
            context::report(fault);
        }
        let ended = {
            let mut state = lock(&self.state);
            if state.ended {
                Some(body)
            } else {
                state.body = Some(body);
                state.fault = fault;
                None
            }
        };
        // What it held is dropped here, without a lock.
        if ended.is_some() {
            return Ran::Done;
        }
        self.core.finish(me, &run, frame.map(|frame| frame.reads).unwrap_or_default(), || {})
    }

    fn reacts(&self) -> bool {
        true
    }

    fn order(&self) -> u64 {
        self.order
    }

    fn react(&self, me: &Arc<dyn Node>) -> bool {
        let marks = self.core.marks();
        let done = walk::refresh(me);
        if !done && self.core.marks() == marks {
            // Not marked, so it wrote what it had not read before: the next run follows from this one.
            self.core.add_cause(context::cause());
        }
        !done
    }

    fn stop(&self, fault: Fault) {
        context::report(&fault);
        self.end(Some(fault));
    }
}
