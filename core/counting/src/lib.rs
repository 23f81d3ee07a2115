//! Test support: what a thread holds in memory, counted. A test is one thread, so that tests can run beside each
//! other.
//!
//! ```
//! use ankurah_counting::{Counting, allocations, held};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//!
//! let (before, count) = (held(), allocations());
//! let text = String::from("five!");
//! assert_eq!((held() - before, allocations() - count), (5, 1));
//! drop(text);
//! assert_eq!(held(), before);
//! ```
#![expect(unsafe_code, reason = "an allocator that counts is only possible so")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting what each thread does.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The bytes that this thread has allocated, less those that it has freed.
pub fn held() -> i64 {
    HELD.get()
}

/// How often this thread has allocated.
pub fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// Asserts that `work`, done so many times, leaves at most `most` bytes behind, and says how many. It is done some times
/// before, for what each thread allocates once.
///
/// # Panics
/// Where it leaves more.
#[track_caller]
#[expect(clippy::print_stdout, reason = "a test says it, and shows it where it is asked to")]
pub fn leaves_at_most(most: i64, times: usize, work: impl Fn(usize)) {
    work(1_000);
    let before = held();
    work(times);
    let left = held().saturating_sub(before);
    println!("{left} bytes are left of {times} times");
    assert!(left <= most, "{left} bytes are left of {times} times");
}

fn bytes(layout: Layout) -> i64 {
    i64::try_from(layout.size()).unwrap_or(i64::MAX)
}

// SAFETY: every call is handed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get().saturating_add(bytes(layout)));
        ALLOCATIONS.set(ALLOCATIONS.get().saturating_add(1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().saturating_sub(bytes(layout)));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
