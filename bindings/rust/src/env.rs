//! The environment of a native program: the system's clock and randomness, and background threads.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ankurah_core::env::{Clock, Env, Random};

use crate::background::Background;

/// The environment of a native program. Its first background thread starts with the first task.
pub fn native() -> Env {
    Env {
        clock: Arc::new(SystemClock { start: Instant::now() }),
        random: Arc::new(SystemRandom::default()),
        spawn: Arc::new(Background::default()),
    }
}

/// The system's clock.
#[derive(Debug)]
struct SystemClock {
    start: Instant,
}

impl Clock for SystemClock {
    fn unix_micros(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        }
    }

    fn monotonic_nanos(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The system's randomness, drawn in blocks: the state is the extended output of BLAKE3 over a seed from the
/// system, renewed after [`SystemRandom::RENEW`] bytes.
#[derive(Default)]
struct SystemRandom {
    stream: Mutex<Option<Stream>>,
}

impl SystemRandom {
    const RENEW: usize = 1 << 20;
}

/// A stream of randomness, and a block of it that was drawn ahead: a block is what BLAKE3 makes at once.
struct Stream {
    reader: blake3::OutputReader,
    used: usize,
    block: [u8; 64],
    /// The bytes of the block that are not given out yet, at its end.
    left: usize,
}

impl Stream {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.used = self.used.saturating_add(bytes.len());
        if bytes.len() > self.block.len() {
            return self.reader.fill(bytes);
        }
        if bytes.len() > self.left {
            self.reader.fill(&mut self.block);
            self.left = self.block.len();
        }
        let from = self.block.len().saturating_sub(self.left);
        let given = self.block.iter_mut().skip(from);
        // What was given out is not kept.
        bytes.iter_mut().zip(given).for_each(|(to, from)| *to = std::mem::take(from));
        self.left = self.left.saturating_sub(bytes.len());
    }
}

impl fmt::Debug for SystemRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemRandom")
    }
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if stream.as_ref().is_none_or(|stream| stream.used >= Self::RENEW) {
            *stream = Some(Stream { reader: seeded(), used: 0, block: [0; 64], left: 0 });
        }
        if let Some(stream) = &mut *stream {
            stream.fill(bytes);
        }
    }
}

/// A stream with a seed from the system. A system without randomness cannot make ids or keys that are safe, so
/// the process ends rather than go on with weak ones.
fn seeded() -> blake3::OutputReader {
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        tracing::error!(%error, "the system gives no randomness");
        std::process::abort();
    }
    blake3::Hasher::new_derive_key("ankurah system randomness 1").update(&seed).finalize_xof()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn randomness_is_not_repeated() {
        let random = SystemRandom::default();
        let mut drawn: Vec<u64> = (0..1000).map(|_| random.next_u64()).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 1000);
        assert_ne!(SystemRandom::default().next_u64(), SystemRandom::default().next_u64());
        for length in 0..200 {
            let mut bytes = vec![0; length];
            random.fill(&mut bytes);
            let zeros = bytes.iter().filter(|byte| **byte == 0).count();
            assert!(zeros <= 8, "{length} bytes with {zeros} zeros");
        }
    }

    #[test]
    fn tasks_run_in_the_background() {
        let env = native();
        let (sender, receiver) = channel();
        for number in 0..3 {
            let sender = sender.clone();
            env.spawn.spawn(Box::pin(async move { sender.send(number).unwrap() }));
        }
        let mut got: Vec<i32> = (0..3).map(|_| receiver.recv().unwrap()).collect();
        got.sort_unstable();
        assert_eq!(got, [0, 1, 2]);
    }

    #[test]
    fn the_clock_shows_this_century() {
        let clock = SystemClock { start: Instant::now() };
        assert!(clock.unix_micros() > 1_700_000_000_000_000);
        let before = clock.monotonic_nanos();
        assert!(clock.monotonic_nanos() >= before);
    }
}
