//! What the core is handed from outside: clock, randomness and task spawning.
//!
//! Nothing in the core reads a clock, draws randomness or starts a task in any other way. A simulation
//! hands in seeded ones, a native program the system's, a browser its own.

pub mod fixed;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// `Send` on native targets, nothing in the browser, whose engines live on one thread.
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + ?Sized> MaybeSend for T {}
/// `Send` on native targets, nothing in the browser, whose engines live on one thread.
#[cfg(target_arch = "wasm32")]
pub trait MaybeSend {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> MaybeSend for T {}

/// `Sync` on native targets, nothing in the browser.
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSync: Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Sync + ?Sized> MaybeSync for T {}
/// `Sync` on native targets, nothing in the browser.
#[cfg(target_arch = "wasm32")]
pub trait MaybeSync {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> MaybeSync for T {}

/// A boxed future, `Send` on native targets.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed future, `Send` on native targets.
#[cfg(target_arch = "wasm32")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A boxed stream, `Send` on native targets.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxStream<'a, T> = Pin<Box<dyn futures::Stream<Item = T> + Send + 'a>>;
/// A boxed stream, `Send` on native targets.
#[cfg(target_arch = "wasm32")]
pub type BoxStream<'a, T> = Pin<Box<dyn futures::Stream<Item = T> + 'a>>;

/// A source of time.
pub trait Clock: MaybeSend + MaybeSync {
    /// Microseconds since the Unix epoch, UTC. May go backwards; the core copes.
    fn unix_micros(&self) -> i64;

    /// Nanoseconds of a clock that never goes backwards, from an arbitrary start. For timings only.
    fn monotonic_nanos(&self) -> u64;
}

/// A source of randomness fit for keys.
pub trait Random: MaybeSend + MaybeSync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// Runs background tasks: index builds, folding, sync.
pub trait Spawn: MaybeSend + MaybeSync {
    /// Runs `task` to its end at some time. Dropping the spawner may drop unfinished tasks.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Everything that the core is handed.
#[derive(Clone)]
pub struct Env {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Background tasks.
    pub spawn: Arc<dyn Spawn>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}
