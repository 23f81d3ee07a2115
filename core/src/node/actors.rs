//! The pool of actors. An actor is a strictly sequential writer: it is leased to one transaction at a time, and
//! only to one that sees everything that the actor has written.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::env::Random;
use crate::id::ActorId;
use crate::storage::{ActorRecord, Position};

#[derive(Clone, Copy, Debug)]
struct Idle {
    actor: ActorId,
    /// The last number used.
    sequence: u64,
    /// Everything that the actor wrote is visible here.
    position: Position,
}

/// The actors of a store that no transaction holds.
///
/// How far each is, the store is told when it is closed. If it was not closed all of them are given up, so nothing
/// has to be known of those.
#[derive(Debug)]
pub(crate) struct ActorPool {
    idle: Mutex<Vec<Idle>>,
    /// Given up since the store was opened.
    retired: Mutex<BTreeSet<ActorId>>,
    /// The actors of which the store has a record that is not retired.
    recorded: BTreeSet<ActorId>,
    /// Whether the records of the store are not right any more.
    changed: AtomicBool,
}

impl ActorPool {
    /// The pool of a store as it was found at `position`.
    pub(crate) fn new(records: &[ActorRecord], position: Position) -> Arc<Self> {
        let current = || records.iter().filter(|record| !record.retired);
        let idle = current()
            .map(|record| Idle { actor: record.actor, sequence: record.sequence, position })
            .collect();
        Arc::new(ActorPool {
            idle: Mutex::new(idle),
            retired: Mutex::new(BTreeSet::new()),
            recorded: current().map(|record| record.actor).collect(),
            changed: AtomicBool::new(false),
        })
    }

    /// What the store has to know of the actors to be closed; nothing where it knows it. They are taken out of the
    /// pool, so that none writes any more. One that is held, or in doubt, is given up.
    pub(crate) fn settle(&self) -> Vec<ActorRecord> {
        if !self.changed.swap(false, Ordering::SeqCst) {
            return Vec::new();
        }
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let lost = self.recorded.iter().filter(|actor| idle.iter().all(|idle| idle.actor != **actor));
        let lost = lost.map(|actor| ActorRecord { actor: *actor, sequence: 0, retired: true });
        let settled = idle.iter().filter(|idle| idle.sequence > 0);
        let settled =
            settled.map(|idle| ActorRecord { actor: idle.actor, sequence: idle.sequence, retired: false });
        lost.chain(settled).collect()
    }

    /// Gives actors up. Whoever holds one must not commit with it any more.
    pub(crate) fn retire(&self, actors: &BTreeSet<ActorId>) {
        self.changed.store(true, Ordering::SeqCst);
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).extend(actors);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| !actors.contains(&idle.actor));
    }

    fn is_retired(&self, actor: ActorId) -> bool {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).contains(&actor)
    }

    /// An actor for a transaction that reads at `snapshot`: one whose last write is visible there, or a new one.
    pub(crate) fn lease(self: &Arc<Self>, snapshot: Position, random: &dyn Random) -> Lease {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().position(|idle| idle.position <= snapshot);
        let held = match found {
            Some(place) => idle.swap_remove(place),
            None => Idle { actor: draw(random), sequence: 0, position: snapshot },
        };
        Lease { pool: Arc::clone(self), used: held.sequence, held, in_doubt: false }
    }

    #[cfg(test)]
    pub(crate) fn idle_count(&self) -> usize {
        self.idle.lock().unwrap().len()
    }
}

/// A random actor. Zero stands for none: it is the actor of keyed geneses.
fn draw(random: &dyn Random) -> ActorId {
    loop {
        let actor = ActorId::new(random.next_u64());
        if actor.get() != 0 {
            return actor;
        }
    }
}

/// An actor that is held by one transaction. Dropping it gives the actor back, unless a commit was cut short:
/// then nobody knows which numbers were used, and the actor rests until the store is opened again.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<ActorPool>,
    held: Idle,
    used: u64,
    in_doubt: bool,
}

impl Lease {
    /// The actor.
    pub(crate) fn actor(&self) -> ActorId {
        self.held.actor
    }

    /// Whether the actor was given up while it was held.
    pub(crate) fn is_retired(&self) -> bool {
        self.pool.is_retired(self.held.actor)
    }

    /// The next number of the actor's sequence.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.used = self.used.saturating_add(1);
        self.used
    }

    /// A commit begins: until its outcome is known, the actor is in doubt.
    pub(crate) fn begin_commit(&mut self) {
        self.in_doubt = true;
        self.pool.changed.store(true, Ordering::SeqCst);
    }

    /// The commit did not happen.
    pub(crate) fn not_committed(&mut self) {
        self.in_doubt = false;
    }

    /// The commit happened.
    pub(crate) fn committed(&mut self, position: Position) {
        self.in_doubt = false;
        self.held.sequence = self.used;
        self.held.position = position;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.in_doubt && !self.is_retired() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::fixed::SeededRandom;

    fn pool() -> (Arc<ActorPool>, SeededRandom) {
        let record = |actor, retired| ActorRecord { actor: ActorId::new(actor), sequence: 10, retired };
        (ActorPool::new(&[record(1, false), record(2, true)], Position(5)), SeededRandom::new(1))
    }

    #[test]
    fn an_actor_is_held_once_and_comes_back() {
        let (pool, random) = pool();
        let first = pool.lease(Position(5), &random);
        assert_eq!(first.actor(), ActorId::new(1));
        let second = pool.lease(Position(5), &random);
        assert!(second.actor() != first.actor() && second.actor() != ActorId::new(2));
        drop(first);
        drop(second);
        assert_eq!(pool.idle_count(), 2);
    }

    #[test]
    fn a_transaction_gets_no_actor_whose_writes_it_does_not_see() {
        let (pool, random) = pool();
        let mut lease = pool.lease(Position(5), &random);
        assert_eq!(lease.next_sequence(), 11);
        lease.begin_commit();
        lease.committed(Position(6));
        drop(lease);
        assert_ne!(pool.lease(Position(5), &random).actor(), ActorId::new(1));
        let mut again = pool.lease(Position(6), &random);
        assert_eq!((again.actor(), again.next_sequence()), (ActorId::new(1), 12));
    }

    #[test]
    fn numbers_that_were_not_committed_are_used_again_without_gaps() {
        let (pool, random) = pool();
        let mut lease = pool.lease(Position(5), &random);
        lease.next_sequence();
        lease.begin_commit();
        lease.not_committed();
        drop(lease);
        assert_eq!(pool.lease(Position(5), &random).next_sequence(), 11);
    }

    #[test]
    fn an_actor_that_is_given_up_does_not_come_back() {
        let (pool, random) = pool();
        let lease = pool.lease(Position(5), &random);
        pool.retire(&BTreeSet::from([lease.actor()]));
        assert!(lease.is_retired());
        drop(lease);
        assert_eq!(pool.idle_count(), 0);
    }

    #[test]
    fn at_the_end_the_store_is_told_of_what_it_does_not_know() {
        let (pool, random) = pool();
        assert_eq!(pool.settle(), []);
        let write = |position| {
            let mut lease = pool.lease(Position(position), &random);
            lease.next_sequence();
            lease.begin_commit();
            lease.committed(Position(6));
            lease
        };
        let (first, held) = (write(5), write(5));
        drop(first);
        let record = |actor, sequence, retired| ActorRecord { actor, sequence, retired };
        assert_eq!(pool.settle(), [record(ActorId::new(1), 11, false)]);
        assert_eq!(pool.idle_count(), 0);
        drop(held);
    }

    #[test]
    fn at_the_end_actors_that_are_held_or_in_doubt_are_given_up() {
        let (pool, random) = pool();
        let mut lease = pool.lease(Position(5), &random);
        lease.begin_commit();
        drop(lease);
        assert_eq!(pool.settle(), [ActorRecord { actor: ActorId::new(1), sequence: 0, retired: true }]);
    }

    #[test]
    fn an_actor_in_doubt_rests() {
        let (pool, random) = pool();
        let mut lease = pool.lease(Position(5), &random);
        lease.begin_commit();
        drop(lease);
        assert_eq!(pool.idle_count(), 0);
    }
}
