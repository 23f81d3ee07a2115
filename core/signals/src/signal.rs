//! Signals that can be read: those that are written and those that are derived.

use std::fmt;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use crate::bounds::{MaybeSend, MaybeSync, Value};
use crate::context::{self, Access, Hold, Kind};
use crate::fault::Fault;
use crate::grave::{self, Digging};
use crate::node::{Accept, Core, Dependency, Node, Ran, lock};
use crate::walk;

/// A value that changes over time, for reading.
///
/// It is either the reading half of a [`WritableSignal`](crate::WritableSignal) or derived from other
/// signals by [`map`](Self::map), [`filter`](Self::filter), [`combine`](crate::combine) or
/// [`memo`](crate::memo); the reader need not know which. Clones are cheap and are the same signal.
///
/// A signal that is read inside a derived signal, an effect or an observer becomes one of its sources.
///
/// ```
/// use ankurah_signals::WritableSignal;
///
/// let width = WritableSignal::new(3);
/// let area = width.map(|width| width * width);
/// assert_eq!(area.get(), 9);
/// width.set(4);
/// assert_eq!(area.get(), 16);
/// ```
pub struct Signal<T: Value> {
    inner: Arc<Inner<T>>,
}

/// The node of a signal.
pub(crate) struct Inner<T: Value> {
    pub(crate) core: Core,
    pub(crate) slot: Mutex<Slot<T>>,
    /// How it is derived; none for a signal that is written.
    derivation: Option<Box<dyn Derivation<T>>>,
    /// Set when it is dropped. The last field, so that all others have buried what they own.
    digging: Option<Digging>,
}

/// The value of a signal. The version is the core's, which changes only under the lock of this.
pub(crate) struct Slot<T> {
    pub(crate) value: Arc<T>,
    pub(crate) fault: Option<Fault>,
    /// The thread that wrote it last.
    pub(crate) writer: u64,
}

/// A value, its version and its fault.
type Present<T> = (Arc<T>, u64, Option<Fault>);

/// A computation and when two of its values count as the same.
trait Derivation<T>: MaybeSend + MaybeSync {
    fn compute(&self) -> T;
    fn same(&self, old: &T, new: &T) -> bool;
    fn bury(self: Box<Self>);
}

struct Derived<T, F, S> {
    compute: F,
    same: S,
    value: PhantomData<fn() -> T>,
}

impl<T, F, S> Derivation<T> for Derived<T, F, S>
where
    T: Value,
    F: Fn() -> T + MaybeSend + MaybeSync + 'static,
    S: Fn(&T, &T) -> bool + MaybeSend + MaybeSync + 'static,
{
    fn compute(&self) -> T {
        (self.compute)()
    }

    fn same(&self, old: &T, new: &T) -> bool {
        (self.same)(old, new)
    }

    fn bury(self: Box<Self>) {
        grave::bury(self);
    }
}

impl<T: Value> Signal<T> {
    /// A signal that is written.
    pub(crate) fn source(value: Arc<T>) -> Self {
        let slot = Mutex::new(Slot { value, fault: None, writer: 0 });
        let core = Core::new(false);
        Signal { inner: Arc::new(Inner { core, slot, derivation: None, digging: None }) }
    }

    /// A derived signal, computed once right away. A panic of that first run is the caller's.
    pub(crate) fn derived(
        compute: impl Fn() -> T + MaybeSend + MaybeSync + 'static,
        same: impl Fn(&T, &T) -> bool + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        let _hold = Hold::new();
        let mut attempts = 0;
        let reading = context::reading();
        let (value, frame, good) = loop {
            let (outcome, mut frame) = context::evaluate(Kind::Pure(reading), ptr::null(), &compute);
            let postponed =
                frame.as_mut().map(|frame| std::mem::take(&mut frame.postponed)).unwrap_or_default();
            let good = postponed.is_empty();
            // A computation that makes a signal is run again as a whole, and makes another one then.
            let postponed = context::hand_over(postponed);
            if !postponed.is_empty() && attempts < walk::MAX_ATTEMPTS {
                attempts += 1;
                // Sources that lie too deep are brought up to date first, then all is read again.
                for source in &postponed {
                    walk::refresh(source);
                }
                continue;
            }
            break (outcome.unwrap_or_else(|payload| resume_unwind(payload)), frame, good);
        };
        let (reads, fault) = match frame {
            Some(frame) if !frame.reads.circular.is_empty() => (Some(frame.reads), Some(Fault::Cycle)),
            Some(frame) => (Some(frame.reads), frame.fault),
            None => (None, None),
        };
        let slot = Mutex::new(Slot { value: Arc::new(value), fault, writer: 0 });
        let derivation: Box<dyn Derivation<T>> = Box::new(Derived { compute, same, value: PhantomData });
        let (core, derivation) = (Core::new(true), Some(derivation));
        let inner = Arc::new(Inner { core, slot, derivation, digging: None });
        if let Some(reads) = reads {
            // A value from sources that were postponed is good for no reading that there is.
            let run = inner.core.begin(if good { reading } else { 1 });
            let me: Arc<dyn Node> = Arc::<Inner<T>>::clone(&inner);
            inner.core.finish(&me, &run, reads, || {});
        }
        Signal { inner }
    }

    pub(crate) fn inner(&self) -> &Inner<T> {
        &self.inner
    }

    fn node(&self) -> Arc<dyn Node> {
        Arc::<Inner<T>>::clone(&self.inner)
    }

    /// Brings the signal up to date and takes its value, version and fault, as one of the sources of the
    /// computation that runs.
    pub(crate) fn load(&self) -> Present<T> {
        let core = &self.inner.core;
        let (value, seen, fault) = match self.inner.up_to_date() {
            Some(present) => present,
            None => {
                let node = self.node();
                match context::access(&node) {
                    Access::Refresh => {
                        walk::refresh(&node);
                    }
                    Access::Good | Access::Postponed => {}
                    Access::Circular => return self.inner.present(),
                }
                self.inner.present()
            }
        };
        let in_circle = fault == Some(Fault::Cycle);
        let dependency = || Dependency { source: self.node(), seen, in_circle };
        context::track(&core.last_frame, fault.as_ref(), dependency);
        (value, seen, fault)
    }

    /// The value, shared and not copied. It stays as it is when the signal changes.
    ///
    /// If the computation of a derived signal failed, this is its last good value: see
    /// [`try_read`](Self::try_read).
    #[must_use]
    pub fn read(&self) -> Arc<T> {
        self.load().0
    }

    /// Like [`read`](Self::read), but fails if the value is not up to date.
    ///
    /// # Errors
    /// The fault of the signal's own computation, or of one that it derives from.
    pub fn try_read(&self) -> Result<Arc<T>, Fault> {
        let (value, _, fault) = self.load();
        fault.map_or(Ok(value), Err)
    }

    /// A copy of the value; see [`read`](Self::read).
    #[must_use]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        T::clone(&self.read())
    }

    /// Calls `f` with the value. No lock is held: `f` may read and write any signal, this one as well.
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.read())
    }

    /// Why the value is not up to date, if so.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.load().2
    }

    /// A number that grows whenever the value changes. For those who cannot be called back and compare
    /// instead. As a read, it makes this signal a source of what runs.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.load().1
    }

    /// How many derived signals, effects, observers and streams have read it in their last run.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.inner.core.subscribers()
    }

    /// A signal of what `f` makes of the value. It changes only if the result does.
    ///
    /// `f` must depend on nothing else than its argument and the signals that it reads, and may run on every
    /// thread that reads the signal or writes its sources. It runs once right away; a panic then is the
    /// caller's, and later becomes a [`Fault`] of the derived signal.
    #[must_use]
    pub fn map<U>(&self, f: impl Fn(&T) -> U + MaybeSend + MaybeSync + 'static) -> Signal<U>
    where
        U: Value + PartialEq,
    {
        let source = self.clone();
        Signal::derived(move || f(&source.read()), U::eq)
    }

    /// A signal of the value while it passes, and of `None` while it does not.
    ///
    /// It depends on nothing but the present value. The last value that passed would depend on who had looked
    /// when; for that, filter the [`stream`](Self::stream) or keep it in an effect.
    ///
    /// ```
    /// use ankurah_signals::WritableSignal;
    ///
    /// let number = WritableSignal::new(1);
    /// let even = number.filter(|number| number % 2 == 0);
    /// assert_eq!(even.get(), None);
    /// number.set(2);
    /// assert_eq!(even.get(), Some(2));
    /// ```
    #[must_use]
    pub fn filter(&self, passes: impl Fn(&T) -> bool + MaybeSend + MaybeSync + 'static) -> Signal<Option<T>>
    where
        T: Clone + PartialEq,
    {
        self.map(move |value| passes(value).then(|| value.clone()))
    }
}

impl<T: Value> Inner<T> {
    /// What it holds now, up to date or not.
    fn present(&self) -> Present<T> {
        self.show(&lock(&self.slot))
    }

    /// What it holds, if that is up to date.
    fn up_to_date(&self) -> Option<Present<T>> {
        if self.core.is_stale() {
            return None;
        }
        // Once more under the lock: only what is stale is replaced.
        let slot = lock(&self.slot);
        (!self.core.is_stale()).then(|| self.show(&slot))
    }

    fn show(&self, slot: &Slot<T>) -> Present<T> {
        (Arc::clone(&slot.value), self.core.version(), slot.fault.clone())
    }

    /// Puts a value in place and counts the version. The old value is returned, for there may be a lock.
    pub(crate) fn replace(&self, slot: &mut Slot<T>, value: Arc<T>) -> Arc<T> {
        self.core.version.fetch_add(1, Ordering::AcqRel);
        std::mem::replace(&mut slot.value, value)
    }
}

impl<T: Value> Node for Inner<T> {
    fn core(&self) -> &Core {
        &self.core
    }

    fn run(&self, me: &Arc<dyn Node>, reading: u64, accept: &Accept<'_>) -> Ran {
        let Some(derivation) = &self.derivation else { return Ran::Done };
        let run = self.core.begin(reading);
        let (outcome, frame) = context::evaluate(Kind::Pure(reading), Arc::as_ptr(me).cast(), || {
            let new = derivation.compute();
            let (old, version, _) = self.present();
            let same = derivation.same(&old, &new);
            (Arc::new(new), same.then_some(version))
        });
        // While its thread is torn down nothing is tracked, so the result would never change again.
        let Some(frame) = frame else { return Ran::Done };
        if !frame.postponed.is_empty() && !accept(&frame.postponed) {
            return Ran::Postponed(frame.postponed);
        }
        let (computed, fault) = match outcome {
            Err(payload) => (None, Some(Fault::panicked(&*payload))),
            Ok(_) if !frame.reads.circular.is_empty() => (None, Some(Fault::Cycle)),
            Ok(computed) => (Some(computed), frame.fault),
        };
        if let (None, Some(fault)) = (&computed, &fault) {
            context::report(fault);
        }
        // What is replaced is dropped at the end, without a lock.
        let mut replaced = (None, None);
        self.core.finish(me, &run, frame.reads, || {
            let mut slot = lock(&self.slot);
            let changed = match &computed {
                Some((_, same)) => *same != Some(self.core.version()),
                None => false,
            };
            if !changed && slot.fault == fault {
                return;
            }
            let value = match &computed {
                Some((value, _)) if changed => Arc::clone(value),
                _ => Arc::clone(&slot.value),
            };
            replaced.0 = Some(self.replace(&mut slot, value));
            replaced.1 = std::mem::replace(&mut slot.fault, fault);
        })
    }
}

impl<T: Value> Drop for Inner<T> {
    /// The end of a long chain drops all of it. What it holds is dropped one after the other, not nested.
    fn drop(&mut self) {
        self.digging = Some(grave::dig());
        if let Some(derivation) = self.derivation.take() {
            derivation.bury();
        }
        if std::mem::needs_drop::<T>() {
            // The other reference goes with the field, before the grave is emptied.
            grave::bury(Box::new(Arc::clone(&lock(&self.slot).value)));
        }
    }
}

impl<T: Value> Clone for Signal<T> {
    fn clone(&self) -> Self {
        Signal { inner: Arc::clone(&self.inner) }
    }
}

impl<T: Value + fmt::Debug> fmt::Debug for Signal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Showing a signal is no reading: nothing is computed and nothing tracked.
        let (value, version, fault) = self.inner.present();
        let mut shown = f.debug_struct("Signal");
        shown.field("value", &value).field("version", &version);
        if let Some(fault) = fault {
            shown.field("fault", &fault);
        }
        shown.finish_non_exhaustive()
    }
}
