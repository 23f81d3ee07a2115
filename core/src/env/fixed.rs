//! An environment without surprises: a clock that moves only by hand, randomness from a seed, and background
//! tasks that run only when asked. Tests, fixtures and simulations use it; given the same seed and the same
//! calls, everything that the core does comes out the same.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::task::{ArcWake, waker};

use super::{BoxFuture, Clock, Env, Random, Spawn};

/// 2024-01-01 00:00:00 UTC in microseconds: where a [`FixedEnv`] starts.
pub const START_MICROS: i64 = 1_704_067_200_000_000;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
    nanos: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `micros` microseconds since the Unix epoch.
    pub fn new(micros: i64) -> Self {
        ManualClock { micros: AtomicI64::new(micros), nanos: AtomicU64::new(0) }
    }

    /// Moves both readings forward by `micros` microseconds.
    pub fn advance(&self, micros: u32) {
        self.micros.fetch_add(i64::from(micros), Ordering::SeqCst);
        self.nanos.fetch_add(u64::from(micros) * 1_000, Ordering::SeqCst);
    }

    /// Sets the wall clock, backwards too.
    pub fn set(&self, micros: i64) {
        self.micros.store(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_micros(&self) -> i64 {
        self.micros.load(Ordering::SeqCst)
    }

    fn monotonic_nanos(&self) -> u64 {
        self.nanos.load(Ordering::SeqCst)
    }
}

/// Randomness that depends on a seed alone: the extended output of BLAKE3.
pub struct SeededRandom {
    output: Mutex<blake3::OutputReader>,
}

impl SeededRandom {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("ankurah seeded randomness 1");
        hasher.update(&seed.to_le_bytes());
        SeededRandom { output: Mutex::new(hasher.finalize_xof()) }
    }
}

impl fmt::Debug for SeededRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededRandom")
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}

struct Flag(AtomicBool);

impl ArcWake for Flag {
    fn wake_by_ref(flag: &Arc<Self>) {
        flag.0.store(true, Ordering::SeqCst);
    }
}

struct Task {
    future: BoxFuture<'static, ()>,
    woken: Arc<Flag>,
}

/// Background tasks that run only inside [`ManualSpawn::run_until_stalled`].
#[derive(Default)]
pub struct ManualSpawn {
    tasks: Mutex<VecDeque<Task>>,
}

impl ManualSpawn {
    /// Runs every task, and those that they start, until each has ended or waits. Gives how many still wait.
    pub fn run_until_stalled(&self) -> usize {
        let mut waiting = VecDeque::new();
        loop {
            let next = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(mut task) = next else {
                if !waiting.iter().any(|task: &Task| task.woken.0.load(Ordering::SeqCst)) {
                    break;
                }
                std::mem::swap(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner), &mut waiting);
                continue;
            };
            if task.woken.0.swap(false, Ordering::SeqCst) {
                let waker = waker(Arc::clone(&task.woken));
                if task.future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(()) {
                    continue;
                }
            }
            waiting.push_back(task);
        }
        let count = waiting.len();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).append(&mut waiting);
        count
    }
}

impl fmt::Debug for ManualSpawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManualSpawn")
    }
}

impl Spawn for ManualSpawn {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let task = Task { future: task, woken: Arc::new(Flag(AtomicBool::new(true))) };
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push_back(task);
    }
}

/// An [`Env`] with handles to move its clock and run its tasks.
#[derive(Clone, Debug)]
pub struct FixedEnv {
    /// What the core is handed.
    pub env: Env,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Its tasks.
    pub spawn: Arc<ManualSpawn>,
}

impl FixedEnv {
    /// An environment that starts at [`START_MICROS`] with the randomness of `seed`.
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::new(START_MICROS));
        let spawn = Arc::new(ManualSpawn::default());
        let env = Env {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(SeededRandom::new(seed)),
            spawn: Arc::clone(&spawn) as Arc<dyn Spawn>,
        };
        FixedEnv { env, clock, spawn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_depends_on_the_seed_alone() {
        let draw = |seed| {
            let random = SeededRandom::new(seed);
            (random.next_u64(), random.next_u64())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1).0, draw(1).1);
    }

    #[test]
    fn tasks_run_when_asked_and_wait_for_each_other() {
        let spawn = ManualSpawn::default();
        let (sender, receiver) = futures::channel::oneshot::channel();
        let seen = Arc::new(AtomicU64::new(0));
        let result = Arc::clone(&seen);
        spawn.spawn(Box::pin(async move { result.store(receiver.await.unwrap(), Ordering::SeqCst) }));
        assert_eq!(spawn.run_until_stalled(), 1);
        assert_eq!(seen.load(Ordering::SeqCst), 0);
        spawn.spawn(Box::pin(async move { sender.send(7).unwrap() }));
        assert_eq!(spawn.run_until_stalled(), 0);
        assert_eq!(seen.load(Ordering::SeqCst), 7);
    }

    #[test]
    fn the_clock_moves_by_hand() {
        let fixed = FixedEnv::new(0);
        let before = (fixed.env.clock.unix_micros(), fixed.env.clock.monotonic_nanos());
        fixed.clock.advance(3);
        assert_eq!(fixed.env.clock.unix_micros(), before.0 + 3);
        assert_eq!(fixed.env.clock.monotonic_nanos(), before.1 + 3_000);
    }
}
