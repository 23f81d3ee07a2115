//! Observers: what a user interface needs to draw again when something that it drew has changed.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use crate::bounds::{MaybeSend, MaybeSync};
use crate::context::{self, Hold, Kind};
use crate::node::{Accept, Core, Dependency, Node, Ran, Reads};
use crate::walk;

/// Calls back once when something has changed that was read while it was tracking.
///
/// Unlike an [`effect`](crate::effect) it does not run the code that reads; its owner does, whenever it suits:
/// a component that draws itself tracks while it draws, and asks to be drawn again when called back. After
/// the callback it is silent until it tracks again, so that any number of changes cost one drawing.
///
/// ```
/// use ankurah_signals::{Observer, WritableSignal};
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// let count = WritableSignal::new(1);
/// let calls = Arc::new(AtomicU32::new(0));
/// let observer = {
///     let calls = calls.clone();
///     Observer::new(move || { calls.fetch_add(1, Ordering::Relaxed); })
/// };
/// assert_eq!(observer.track(|| format!("{} sold", count.get())), "1 sold");
/// count.set(2);
/// count.set(3);
/// assert_eq!(calls.load(Ordering::Relaxed), 1);
/// assert_eq!(observer.version(), 1);
/// assert_eq!(observer.track(|| format!("{} sold", count.get())), "3 sold");
/// ```
///
/// Clones are the same observer. It is silent for good when the last of them is dropped.
#[derive(Clone)]
pub struct Observer {
    owner: Arc<Owner>,
}

impl Observer {
    /// An observer that reads nothing yet. `notify` is called on the thread that wrote, after the write or
    /// the outermost [`batch`](crate::batch), if what was read has really changed. It should only note that there
    /// is work to do; a panic of it is caught.
    #[must_use]
    pub fn new(notify: impl Fn() + MaybeSend + MaybeSync + 'static) -> Self {
        let watch = Watch {
            core: Core::new(true),
            order: context::unique(),
            armed: AtomicBool::new(false),
            version: AtomicU64::new(0),
            notify: Box::new(notify),
        };
        Observer { owner: Arc::new(Owner { watch: Arc::new(watch) }) }
    }

    /// Runs `f` and observes what it reads, instead of what was read before. A panic of `f` is the caller's.
    ///
    /// What `f` calls may use observers, effects and derived signals of its own: each read counts for the
    /// innermost.
    pub fn track<R>(&self, f: impl FnOnce() -> R) -> R {
        let _hold = Hold::new();
        self.track_more(&mut Vec::new(), f)
    }

    /// Runs a future and observes what it reads while it is polled, from its first poll on instead of what
    /// was read before. What other tasks on the same thread read in between is not its own.
    ///
    /// The future goes on if something changes meanwhile; the callback tells, and its owner decides.
    pub fn track_future<F: Future>(&self, future: F) -> TrackedFuture<F> {
        TrackedFuture { observer: self.clone(), future: Box::pin(future), read: Vec::new() }
    }

    /// How often it has called back: changes whenever what was read is to be read again.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.owner.watch.version.load(Ordering::Acquire)
    }

    /// Stops observing what was read. It observes again when it tracks.
    pub fn clear(&self) {
        self.owner.watch.clear();
    }

    /// Observes what `f` reads and what was `read` before, to which it is added.
    fn track_more<R>(&self, read: &mut Vec<(Arc<dyn Node>, u64)>, f: impl FnOnce() -> R) -> R {
        let watch = &self.owner.watch;
        let me: Arc<dyn Node> = Arc::<Watch>::clone(watch);
        let run = watch.core.begin(context::unique());
        let (outcome, frame) = context::evaluate(Kind::Effect, Arc::as_ptr(&me).cast(), f);
        let before = read.len();
        let reads = frame.map(|frame| frame.reads).unwrap_or_default();
        for Dependency { source, seen, .. } in reads.dependencies {
            // One computation gives each source once, so only what it gave earlier is looked through.
            if !read.iter().take(before).any(|(known, _)| Arc::ptr_eq(known, &source)) {
                read.push((source, seen));
            }
        }
        let dependency = |(source, seen): &(_, u64)| Dependency {
            source: Arc::clone(source),
            seen: *seen,
            in_circle: false,
        };
        let reads = Reads { dependencies: read.iter().map(dependency).collect(), circular: reads.circular };
        let arm = || watch.armed.store(true, Ordering::Release);
        if let Ran::Behind = watch.core.finish(&me, &run, reads, arm) {
            context::enqueue([me]);
        }
        outcome.unwrap_or_else(|payload| resume_unwind(payload))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// What the clones of an observer share. Its end is the observer's, whoever still holds the node.
struct Owner {
    watch: Arc<Watch>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.watch.clear();
    }
}

/// The node of an observer. From its callback to the next tracking it stays stale, so that nothing marks it.
struct Watch {
    core: Core,
    order: u64,
    /// Whether it is to call back.
    armed: AtomicBool,
    version: AtomicU64,
    notify: Box<dyn Notify>,
}

/// The callback of an observer.
trait Notify: Fn() + MaybeSend + MaybeSync {}
impl<F: Fn() + MaybeSend + MaybeSync> Notify for F {}

impl Watch {
    fn clear(&self) {
        self.armed.store(false, Ordering::Release);
        self.core.forget();
    }
}

impl Node for Watch {
    fn core(&self) -> &Core {
        &self.core
    }

    fn run(&self, _me: &Arc<dyn Node>, _reading: u64, _accept: &Accept<'_>) -> Ran {
        if self.armed.swap(false, Ordering::AcqRel) {
            self.version.fetch_add(1, Ordering::AcqRel);
            (self.notify)();
        }
        Ran::Done
    }

    fn reacts(&self) -> bool {
        true
    }

    fn order(&self) -> u64 {
        self.order
    }

    fn react(&self, me: &Arc<dyn Node>) -> bool {
        self.armed.load(Ordering::Acquire) && !walk::refresh(me)
    }
}

/// A future whose reads an [`Observer`] observes: see [`Observer::track_future`].
#[must_use = "a future does nothing unless it is polled"]
pub struct TrackedFuture<F> {
    observer: Observer,
    future: Pin<Box<F>>,
    /// What it has read in all polls so far.
    read: Vec<(Arc<dyn Node>, u64)>,
}

impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let TrackedFuture { observer, future, read } = self.get_mut();
        let _hold = Hold::new();
        observer.track_more(read, || future.as_mut().poll(context))
    }
}
