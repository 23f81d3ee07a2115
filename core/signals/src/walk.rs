//! Bringing a node up to date: its sources first, in the order in which it read them, without recursion.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::context::{self, Hold};
use crate::node::{Moment, Node, Ran, Settled, Source};

/// How often a computation is run again because of the same sources that were postponed. More happens only if
/// they never come to rest, as when one writes what it reads, or other threads do.
pub(crate) const MAX_ATTEMPTS: u32 = 8;

/// How often it is run again because of ever other sources: it may find them one by one, or make them itself.
const MAX_SEARCHES: u32 = 10_000;

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
    /// All sources, by their addresses, that were postponed and then brought up to date as far as possible.
    attended: BTreeMap<*const (), Arc<dyn Node>>,
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
    if !node.core().is_stale() {
        return done;
    }
    let _hold = Hold::new();
    let walk = context::unique();
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
    fn begin(node: Arc<dyn Node>, walk: u64) -> Self {
        let moment = node.core().moment();
        let outer = node.core().walk.swap(walk, Ordering::Relaxed);
        Visit {
            node,
            moment,
            outer,
            next: 0,
            visited: false,
            changed: false,
            postponed: Vec::new(),
            attended: BTreeMap::new(),
            attempts: 0,
        }
    }

    fn step(&mut self, walk: u64, above: &[Visit]) -> Step {
        if self.attempts > 0 {
            return self.run(walk, above);
        }
        if !self.node.core().is_stale() {
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
                Source::End => match self.node.core().settle(&self.moment) {
                    Settled::Done => return Step::Up(true),
                    Settled::Behind => return Step::Up(false),
                    Settled::Replaced => {
                        self.moment = self.node.core().moment();
                        self.next = 0;
                    }
                },
                Source::At(source, seen) => {
                    // What runs further down the stack can only be read, which then is found to be circular.
                    let open =
                        self.visited || !source.core().is_stale() || self.is_open(&source, walk, above);
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

    fn run(&mut self, walk: u64, above: &[Visit]) -> Step {
        loop {
            while let Some(source) = self.postponed.pop() {
                self.attended.insert(Arc::as_ptr(&source).cast(), Arc::clone(&source));
                if source.core().is_stale() && !self.is_open(&source, walk, above) {
                    return Step::Down(source);
                }
            }
            self.attempts += 1;
            let accept = |postponed: &[Arc<dyn Node>]| {
                let attended =
                    |source: &Arc<dyn Node>| self.attended.contains_key(&Arc::as_ptr(source).cast());
                self.attempts > MAX_ATTEMPTS && postponed.iter().all(attended) || self.attempts > MAX_SEARCHES
            };
            match self.node.run(&self.node, &accept) {
                Ran::Done => return Step::Up(true),
                Ran::Behind => return Step::Up(false),
                Ran::Postponed(sources) => self.postponed = sources,
            }
        }
    }

    /// Whether a source is on the path of this walk, or is being computed on this thread. The mark at the source
    /// saves the search; other threads walk too and leave theirs, so that now and then a circle is gone round
    /// twice.
    fn is_open(&self, source: &Arc<dyn Node>, walk: u64, above: &[Visit]) -> bool {
        let here = |visit: &Visit| Arc::ptr_eq(&visit.node, source);
        let marked = source.core().walk.load(Ordering::Relaxed) == walk;
        marked && (here(self) || above.iter().any(here)) || context::is_running(source)
    }
}
