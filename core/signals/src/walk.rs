//! Bringing a node up to date: its sources first, in the order in which it read them, without recursion.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::context::{self, Hold};
use crate::node::{Moment, Node, Ran, Source};

/// How often a computation is run again because of sources that were postponed. More happens only if they
/// never come to rest, as when one writes what it reads.
pub(crate) const MAX_ATTEMPTS: u32 = 8;

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
    if !node.core().is_stale() {
        return done;
    }
    let _hold = Hold::new();
    let walk = context::unique();
    let mut path = vec![Visit::begin(Arc::clone(node), walk)];
    while let Some(visit) = path.last_mut() {
        match visit.step(walk) {
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
        let postponed = Vec::new();
        Visit { node, moment, outer, next: 0, visited: false, changed: false, postponed, attempts: 0 }
    }

    fn step(&mut self, walk: u64) -> Step {
        if self.attempts > 0 {
            return self.run(walk);
        }
        if !self.node.core().is_stale() {
            return Step::Up(true);
        }
        loop {
            // A source after one that changed may not be read any more; it is looked at only to keep the
            // stack shallow.
            if self.changed && !context::is_deep() {
                return self.run(walk);
            }
            match self.node.core().source(self.next) {
                Source::Unknown => return self.run(walk),
                Source::End if self.changed => return self.run(walk),
                Source::End => {
                    return Step::Up(matches!(self.node.core().settle(&self.moment), Ran::Done));
                }
                Source::At(source, seen) => {
                    let on_path = source.core().walk.load(Ordering::Relaxed) == walk;
                    // What runs further down the stack can only be read, which then is found to be circular.
                    let open = on_path || self.visited || !source.core().is_stale();
                    if !open && !context::is_running(&source) {
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

    fn run(&mut self, walk: u64) -> Step {
        loop {
            while let Some(source) = self.postponed.pop() {
                let on_path = source.core().walk.load(Ordering::Relaxed) == walk;
                if source.core().is_stale() && !on_path && !context::is_running(&source) {
                    return Step::Down(source);
                }
            }
            let accept = self.attempts >= MAX_ATTEMPTS;
            self.attempts += 1;
            match self.node.run(&self.node, accept) {
                Ran::Done => return Step::Up(true),
                Ran::Behind => return Step::Up(false),
                Ran::Postponed(sources) => self.postponed = sources,
            }
        }
    }
}
