//! One input through one target, with its memory measured.

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Runs the target of that name.
///
/// # Panics
/// Where something does not hold for the bytes, or they took more memory than such bytes may.
pub fn run(name: &str, data: &[u8]) {
    let Some(target) = ankurah_fuzz::target(name) else { panic!("there is no target {name}") };
    target.run_measured(data, &MEMORY);
}
