//! Bringing a node up to date: its sources first, in the order in which it read them, without recursion.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::context::{self, Hold};
use crate::node::{Moment, Node, Ran, Settled, Source};

/// How often a computation is run again because of ever other sources that are postponed: it may find them one by
/// one, or make them itself without end.
pub(crate) const MAX_ATTEMPTS: u32 = 10_000;

/// What is the same for all of a walk.
#[derive(Clone, Copy)]
struct Walk {
    number: u64,
    /// What it is for. A walk within a computation belongs to the reading of that.
    reading: u64,
}

/// A node on the path of a walk.
struct Visit {
    node: Arc<dyn Node>,
    moment: Moment,
    /// The walk that had the node on its path before.
    outer: u64,
    /// The source that is looked at next.
    next: usize,
    /// Whether the walk came back from that source.
    visited: bool,
    /// Whether a source has changed.
    changed: bool,
    /// Sources that the last run could not bring up to date itself.
    postponed: Vec<Arc<dyn Node>>,
    attempts: u32,
}

enum Step {
    Down(Arc<dyn Node>),
    /// Back, and whether the node is up to date or in someone else's care.
    Up(bool),
}

/// Brings `node` up to date, if it is not. Returns false if something changed meanwhile and no one else
/// sees to it.
pub(crate) fn refresh(node: &Arc<dyn Node>) -> bool {
    let mut done = true;
    let walk = Walk { number: context::unique(), reading: context::reading() };
    if !node.core().is_stale() && node.core().attest(walk.reading) {
        return done;
    }
    let _hold = Hold::new();
    let mut path = vec![Visit::begin(Arc::clone(node), walk)];
    while let Some((visit, above)) = path.split_last_mut() {
        match visit.step(walk, above) {
            Step::Down(source) => path.push(Visit::begin(source, walk)),
            Step::Up(up_to_date) => {
                done = up_to_date;
                if let Some(visit) = path.pop() {
                    visit.node.core().walk.store(visit.outer, Ordering::Relaxed);
                }
            }
        }
    }
    done
}

impl Visit {
    fn begin(node: Arc<dyn Node>, walk: Walk) -> Self {
        let moment = node.core().moment();
        let outer = node.core().walk.swap(walk.number, Ordering::Relaxed);
        Visit {
            node,
            moment,
            outer,
            next: 0,
            visited: false,
            changed: false,
            postponed: Vec::new(),
            attempts: 0,
        }
    }

    fn step(&mut self, walk: Walk, above: &[Visit]) -> Step {
        if self.attempts > 0 {
            return self.run(walk, above);
        }
        if !self.node.core().is_stale() && self.node.core().attest(walk.reading) {
            return Step::Up(true);
        }
        loop {
            // A source after one that changed may not be read any more; it is looked at only to keep the
            // stack shallow.
            if self.changed && !context::is_deep() {
                return self.run(walk, above);
            }
            match self.node.core().source(self.next) {
                Source::Unknown => return self.run(walk, above),
                Source::End if self.changed => return self.run(walk, above),
                Source::End => match self.node.core().settle(&self.moment, walk.reading) {
                    Settled::Done => return Step::Up(true),
                    Settled::Behind => return Step::Up(false),
                    Settled::Replaced => {
                        self.moment = self.node.core().moment();
                        self.next = 0;
                    }
                },
                Source::At(source, seen) => {
                    // What runs further down the stack can only be read, which then is found to be circular.
                    let good = !source.core().is_stale() || source.core().is_good_for(walk.reading);
                    let open = self.visited || good || self.is_open(&source, walk, above);
                    if !open {
                        self.visited = true;
                        return Step::Down(source);
                    }
                    self.changed |= source.core().is_stale() || source.core().version() != seen;
                    self.visited = false;
                    self.next += 1;
                }
            }
        }
    }

    fn run(&mut self, walk: Walk, above: &[Visit]) -> Step {
        let good = |source: &Arc<dyn Node>| source.core().is_good_for(walk.reading);
        loop {
            while let Some(source) = self.postponed.pop() {
                if source.core().is_stale() && !good(&source) && !self.is_open(&source, walk, above) {
                    return Step::Down(source);
                }
            }
            self.attempts += 1;
            let accept = |postponed: &[Arc<dyn Node>]| {
                let done = |source| good(source) || self.is_open(source, walk, above);
                self.attempts > MAX_ATTEMPTS || postponed.iter().all(done)
            };
            match self.node.run(&self.node, walk.reading, &accept) {
                Ran::Done => return Step::Up(true),
                Ran::Behind => return Step::Up(false),
                Ran::Postponed(sources) => self.postponed = sources,
            }
        }
    }

    /// Whether a source is on the path of this walk, or is being computed on this thread. The mark at the source
    /// saves the search; other threads walk too and leave theirs, so that now and then a circle is gone round
    /// twice.
    fn is_open(&self, source: &Arc<dyn Node>, walk: Walk, above: &[Visit]) -> bool {
        let here = |visit: &Visit| Arc::ptr_eq(&visit.node, source);
        let marked = source.core().walk.load(Ordering::Relaxed) == walk.number;
        marked && (here(self) || above.iter().any(here)) || context::is_running(source)
    }
}
