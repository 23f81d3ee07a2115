//! Nodes of the graph and the edges between them.
//!
//! The promise: *a read has every write that had returned when it began*, whichever threads wrote and read. Two
//! rules keep it.
//!
//! **What reads a stale node is stale.** Marking goes on only where a node turns from up to date to stale, so a
//! node becomes up to date only if each of its sources was seen up to date, as it had been read, with an edge in
//! place that would bring the next mark, and no mark came since before its sources were read or looked at. The
//! value of a node that is up to date is not replaced.
//!
//! **A value never gives way to one that knows less.** Readings are numbered when they begin, by one count for the
//! program. All that is computed for a reading has what was written before it began; this is the *age* of a value:
//! the latest reading that it is known to be good for. It grows when a run of that reading stores a value, and when
//! its walk finds the node up to date or all its sources unchanged. A run is taken over only for a reading later
//! than the age, and its value, its edges and the age are put in place in one step. Otherwise it comes too late,
//! also for itself: the value in place has all that it has.
//!
//! So within one reading no node is computed twice, however much is written meanwhile: one that was marked again is
//! still good for the reading, though what reads it stays stale. A computation that writes is from then on given
//! sources that have that, as if it began a reading of its own.
//!
//! What an observer or a stream tracks is no value: there the later run always counts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::bounds::{MaybeSend, MaybeSync};
use crate::cause::Cause;
use crate::context;
use crate::fault::Fault;
use crate::grave;
use crate::slots::Slots;

/// Locks. No foreign code runs under a lock, so one that is poisoned holds nothing half-done.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Held while marks spread, so that a node is never taken as marked through while its marks still spread.
static SPREADING: Mutex<()> = Mutex::new(());

/// A signal, an effect, an observer or a stream, as the graph sees it.
pub(crate) trait Node: MaybeSend + MaybeSync {
    fn core(&self) -> &Core;

    /// Computes it anew for a reading, if it is stale; `me` is itself. Unless it may `accept` the sources that it
    /// had to postpone, the run returns them and changes nothing.
    fn run(&self, me: &Arc<dyn Node>, reading: u64, accept: &Accept<'_>) -> Ran;

    /// Whether it waits for changes without being read.
    fn reacts(&self) -> bool {
        false
    }

    /// The place among those that react at the same time.
    fn order(&self) -> u64 {
        0
    }

    /// Takes notice that a source may have changed. Returns whether it must react once more.
    fn react(&self, _me: &Arc<dyn Node>) -> bool {
        false
    }

    /// Ends a subscriber that does not settle.
    fn stop(&self, _fault: Fault) {}
}

/// Whether a run may have read these sources as they were.
pub(crate) type Accept<'a> = dyn Fn(&[Arc<dyn Node>]) -> bool + 'a;

/// How a run ended.
pub(crate) enum Ran {
    /// Up to date, or someone else sees to it.
    Done,
    /// Something changed meanwhile: it is to be run again.
    Behind,
    /// These sources are to be brought up to date first.
    Postponed(Vec<Arc<dyn Node>>),
}

/// A source that a computation read, and which of its versions that was.
pub(crate) struct Dependency {
    pub(crate) source: Arc<dyn Node>,
    pub(crate) seen: u64,
    /// Whether the source is part of a circle.
    pub(crate) in_circle: bool,
}

/// What a computation read.
#[derive(Default)]
pub(crate) struct Reads {
    pub(crate) dependencies: Vec<Dependency>,
    /// Nodes that were being computed themselves.
    pub(crate) circular: Vec<Arc<dyn Node>>,
}

struct Edge {
    source: Arc<dyn Node>,
    seen: u64,
    /// Where the source keeps its weak half of the edge.
    slot: usize,
}

/// An edge that is part of a circle. It brings marks, so that the node recovers once the circle is open, but
/// keeps nothing alive: a circle of edges would never be dropped.
struct BackEdge {
    source: Weak<dyn Node>,
    slot: usize,
}

/// What leads to the sources of a node.
#[derive(Default)]
struct Edges {
    forward: Vec<Edge>,
    back: Vec<BackEdge>,
}

/// A node's part of the graph.
pub(crate) struct Core {
    /// The computation that read it last.
    pub(crate) last_frame: AtomicU64,
    /// Counts the changes of its value.
    pub(crate) version: AtomicU64,
    /// The walk that has it on its path.
    pub(crate) walk: AtomicU64,
    /// Whether a source may have changed since it was last computed. Written under the lock of `links`.
    stale: AtomicBool,
    /// The value in place has all that had been written when this reading began. Written under that lock, too.
    age: AtomicU64,
    links: Mutex<Links>,
}

struct Links {
    /// Who is to be marked. Weak: a source keeps no subscriber alive.
    subscribers: Slots<Weak<dyn Node>>,
    /// What it read in the run that was taken over last; none before the first, and while a run that ended
    /// replaces them.
    sources: Option<Edges>,
    /// Counts the marks.
    marks: u64,
    /// Of those marks since it last reacted that came from an effect, what caused the latest in the chain.
    cause: Option<Arc<Cause>>,
    /// The run that was taken over last.
    taken: u64,
}

impl Links {
    /// Of two causes, the one with more before it is kept.
    fn add_cause(&mut self, cause: Option<Arc<Cause>>) {
        let round = |cause: &Option<Arc<Cause>>| cause.as_ref().map_or(0, |cause| cause.round);
        if round(&cause) > round(&self.cause) {
            self.cause = cause;
        }
    }
}

/// A run of a node's computation: when it began, in relation to other runs and to marks.
pub(crate) struct Run {
    /// The reading that it is for; for what reacts, a number of its own.
    number: u64,
    marks: u64,
}

/// What a walk remembers of a node from before it looks at its sources.
pub(crate) struct Moment {
    marks: u64,
    taken: u64,
}

/// What it means that a walk found the sources of a node unchanged.
pub(crate) enum Settled {
    /// The node is up to date.
    Done,
    /// The value was right when the walk came to the node, but something may have changed since.
    Behind,
    /// Nothing: a run has been taken over meanwhile, and these are its sources no more.
    Replaced,
}

/// One of the sources of a node.
pub(crate) enum Source {
    /// The source and the version that was read.
    At(Arc<dyn Node>, u64),
    /// There are no more.
    End,
    /// It is not known what they are.
    Unknown,
}

impl Core {
    /// A node that holds a value, or one that is yet to be computed.
    pub(crate) fn new(stale: bool) -> Self {
        let links = Links { subscribers: Slots::new(), sources: None, marks: 0, cause: None, taken: 0 };
        Core {
            last_frame: AtomicU64::new(0),
            version: AtomicU64::new(1),
            walk: AtomicU64::new(0),
            stale: AtomicBool::new(stale),
            age: AtomicU64::new(0),
            links: Mutex::new(links),
        }
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn subscribers(&self) -> usize {
        lock(&self.links).subscribers.len()
    }

    /// What caused the marks since the last call, if that was an effect.
    pub(crate) fn take_cause(&self) -> Option<Arc<Cause>> {
        lock(&self.links).cause.take()
    }

    /// Gives the next reaction a cause.
    pub(crate) fn add_cause(&self, cause: Option<Arc<Cause>>) {
        lock(&self.links).add_cause(cause);
    }

    /// How often it was marked.
    pub(crate) fn marks(&self) -> u64 {
        lock(&self.links).marks
    }

    /// Whether the value is good for a reading, though it may be stale.
    pub(crate) fn is_good_for(&self, reading: u64) -> bool {
        self.age.load(Ordering::Acquire) >= reading
    }

    /// Whether it is up to date now, and so good for a reading that has begun.
    pub(crate) fn attest(&self, reading: u64) -> bool {
        let _links = lock(&self.links);
        let up_to_date = !self.is_stale();
        if up_to_date {
            self.age.fetch_max(reading, Ordering::AcqRel);
        }
        up_to_date
    }

    /// Begins a run.
    pub(crate) fn begin(&self, number: u64) -> Run {
        Run { number, marks: self.marks() }
    }

    pub(crate) fn moment(&self) -> Moment {
        let links = lock(&self.links);
        Moment { marks: links.marks, taken: links.taken }
    }

    pub(crate) fn source(&self, index: usize) -> Source {
        match &lock(&self.links).sources {
            None => Source::Unknown,
            Some(sources) => match sources.forward.get(index) {
                Some(edge) => Source::At(Arc::clone(&edge.source), edge.seen),
                None if sources.back.is_empty() => Source::End,
                None => Source::Unknown,
            },
        }
    }

    /// The sources turned out to be unchanged since this moment of a reading: up to date, unless something happened
    /// meanwhile.
    pub(crate) fn settle(&self, moment: &Moment, reading: u64) -> Settled {
        let links = lock(&self.links);
        let stale = self.is_stale();
        if stale && (links.sources.is_none() || links.taken != moment.taken) {
            return Settled::Replaced;
        }
        self.age.fetch_max(reading, Ordering::AcqRel);
        if stale && links.marks != moment.marks {
            return Settled::Behind;
        }
        self.stale.store(false, Ordering::Release);
        Settled::Done
    }

    /// Whether the value in place, or for what reacts a later run, makes this run needless.
    fn is_too_late(&self, links: &Links, me: &Arc<dyn Node>, run: &Run) -> bool {
        if me.reacts() {
            return run.number <= links.taken;
        }
        if !self.is_stale() {
            self.age.fetch_max(run.number, Ordering::AcqRel);
        }
        self.is_good_for(run.number)
    }

    /// Ends a run: takes over what it read and, by `store`, its value, unless it is too late for that.
    /// `store` runs under a lock and must call no foreign code.
    pub(crate) fn finish(&self, me: &Arc<dyn Node>, run: &Run, reads: Reads, store: impl FnOnce()) -> Ran {
        let old = {
            let mut links = lock(&self.links);
            if self.is_too_late(&links, me, run) {
                return Ran::Done;
            }
            links.sources.take()
        };
        let (edges, left, valid) = connect(me, old.unwrap_or_default(), reads);
        let (displaced, ran) = {
            let mut links = lock(&self.links);
            if self.is_too_late(&links, me, run) {
                // Who was faster has put its own edges in place.
                (edges, Ran::Done)
            } else {
                store();
                let undisturbed = valid && links.marks == run.marks;
                // Also of what was up to date: an observer that is not called for these reads must not wait.
                self.stale.store(!undisturbed, Ordering::Release);
                links.taken = run.number;
                self.age.fetch_max(run.number, Ordering::AcqRel);
                let ran = if undisturbed { Ran::Done } else { Ran::Behind };
                (links.sources.replace(edges).unwrap_or_default(), ran)
            }
        };
        disconnect(left);
        disconnect(displaced);
        ran
    }

    /// Forgets what it read: no more marks arrive.
    pub(crate) fn forget(&self) {
        let sources = lock(&self.links).sources.take();
        disconnect(sources.unwrap_or_default());
    }

    fn unsubscribe(&self, slot: usize) {
        let removed = lock(&self.links).subscribers.remove(slot);
        // Not under the lock: it may be the last that keeps the memory of a node.
        drop(removed);
    }

    /// Notes that a source may have changed. Only the first time since it was up to date, what reads it is
    /// added to `reached`.
    fn mark(&self, cause: Option<&Arc<Cause>>, reached: &mut Vec<Arc<dyn Node>>) -> bool {
        let mut links = lock(&self.links);
        links.marks += 1;
        links.add_cause(cause.cloned());
        let first = !self.stale.swap(true, Ordering::AcqRel);
        if first {
            reached.extend(links.subscribers.iter().filter_map(Weak::upgrade));
        }
        first
    }

    /// Marks everything that depends on it, without recursion, and queues what reacts.
    pub(crate) fn spread(&self) {
        if self.subscribers() == 0 {
            return;
        }
        let cause = context::cause();
        let mut reacting = Vec::new();
        let mut reached: Vec<Arc<dyn Node>>;
        {
            let _spreading = lock(&SPREADING);
            reached = lock(&self.links).subscribers.iter().filter_map(Weak::upgrade).collect();
            let mut next = 0;
            while let Some(node) = reached.get(next).cloned() {
                next += 1;
                if node.core().mark(cause.as_ref(), &mut reached) && node.reacts() {
                    reacting.push(node);
                }
            }
        }
        if !reacting.is_empty() {
            context::enqueue(reacting);
        }
        // Only here, without any lock, `reached` is dropped: it may hold what was disposed of meanwhile.
    }
}

/// Makes edges to what was read, keeping the old ones as far as they are the same from the start. Returns
/// them, the old ones that are left, and whether all sources still are as they were read.
fn connect(me: &Arc<dyn Node>, old: Edges, reads: Reads) -> (Edges, Edges, bool) {
    let (in_circle, dependencies): (Vec<_>, Vec<_>) =
        reads.dependencies.into_iter().partition(|read| read.in_circle);
    let same = |(edge, read): &(&Edge, &Dependency)| Arc::ptr_eq(&edge.source, &read.source);
    let kept = old.forward.iter().zip(&dependencies).take_while(same).count();
    let mut forward = old.forward;
    let left = Edges { forward: forward.split_off(kept), back: old.back };
    let mut valid = true;
    for (edge, read) in forward.iter_mut().zip(&dependencies) {
        edge.seen = read.seen;
        valid &= !edge.source.core().is_stale() && edge.source.core().version() == read.seen;
    }
    // The look and the edge are one step under the source's lock: what changes later, marks.
    let mut subscribe = |read: &Dependency| {
        let core = read.source.core();
        let mut links = lock(&core.links);
        valid &= !core.is_stale() && core.version() == read.seen;
        links.subscribers.insert(Arc::downgrade(me))
    };
    forward.reserve_exact(dependencies.len() - kept);
    for read in dependencies.into_iter().skip(kept) {
        let slot = subscribe(&read);
        forward.push(Edge { source: read.source, seen: read.seen, slot });
    }
    let mut back = Vec::new();
    for read in in_circle {
        back.push(BackEdge { slot: subscribe(&read), source: Arc::downgrade(&read.source) });
    }
    for source in reads.circular {
        let slot = lock(&source.core().links).subscribers.insert(Arc::downgrade(me));
        back.push(BackEdge { slot, source: Arc::downgrade(&source) });
    }
    (Edges { forward, back }, left, valid)
}

fn disconnect(edges: Edges) {
    for edge in &edges.forward {
        edge.source.core().unsubscribe(edge.slot);
    }
    for edge in edges.back {
        if let Some(source) = edge.source.upgrade() {
            source.core().unsubscribe(edge.slot);
        }
    }
    if !edges.forward.is_empty() {
        let _digging = grave::dig();
        grave::bury(Box::new(edges.forward));
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::mpsc;
    use std::thread;

    use super::{Source, lock};
    use crate::{WritableSignal, memo};

    thread_local! {
        static READS_BOTH: Cell<bool> = const { Cell::new(false) };
    }

    /// Two threads compute a signal. The run that began later has ended and makes its edges, where it is held up;
    /// then the other one ends. It began after a write of its thread and must give a value that has it.
    #[test]
    fn a_run_that_ends_while_a_later_one_makes_its_edges_has_a_value() {
        let (source, other) = (WritableSignal::new(0), WritableSignal::new(0));
        let (started, has_started) = mpsc::sync_channel(1);
        let (may_end, end) = mpsc::sync_channel(1);
        let end = std::sync::Mutex::new(end);
        let node = memo({
            let (source, other) = (source.clone(), other.clone());
            move || {
                let value = source.get();
                if READS_BOTH.get() {
                    return value + other.get();
                }
                if value == 1 {
                    started.send(()).unwrap();
                    lock(&end).recv().unwrap();
                }
                value
            }
        });
        thread::scope(|scope| {
            let earlier = scope.spawn(|| {
                source.set(1);
                node.get()
            });
            has_started.recv().unwrap();
            // The later run needs this lock for the edge that it does not have yet.
            let held = lock(&other.inner().core.links);
            let later = scope.spawn(|| {
                READS_BOTH.set(true);
                node.get()
            });
            while !matches!(node.inner().core.source(0), Source::Unknown) {
                thread::yield_now();
            }
            may_end.send(()).unwrap();
            assert_eq!(earlier.join().unwrap(), 1);
            drop(held);
            assert_eq!(later.join().unwrap(), 1);
        });
        // The signal was up to date before the later run had its edges: that came too late.
        assert_eq!((source.subscribers(), other.subscribers()), (1, 0));
        assert!(!node.inner().core.is_stale());
    }
}
