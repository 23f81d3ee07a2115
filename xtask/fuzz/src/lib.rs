//! What must hold for any bytes from outside.
//!
//! Each [`Target`] has a body: a function that takes bytes, does with them what the program does with bytes
//! that it did not write, and panics where something does not hold. The bodies run
//!
//! - under proptest, and over the corpus of `fixtures/fuzz/NAME/`, in `tests/` of this crate;
//! - under libFuzzer, in the workspace `fuzz/` beside this crate's sources: `cargo xtask fuzz`.
//!
//! | target | what it reads |
//! |---|---|
//! | [`key`] | encoded values, their text forms and casts, index keys |
//! | [`operation`] | operations, states and heads |
//! | [`frame`] | messages between nodes |
//! | [`link`] | frames, requests and events over a link |
//! | [`parser`] | the query language |
//! | [`text`] | updates of collaborative text |
//! | [`import`] | CSV and JSON lines |
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a body panics where something does not hold, as a test does"
)]

pub mod frame;
#[cfg(feature = "import")]
pub mod import;
mod input;
pub mod key;
pub mod link;
pub mod operation;
pub mod parser;
pub mod text;

use peak_alloc::PeakAlloc;

/// Something that reads bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the fuzzer's program, and of the folder of its corpus.
    pub name: &'static str,
    /// Panics where something does not hold for the bytes.
    pub body: fn(&[u8]),
    /// The most memory that reading one byte may take, in bytes, over [`MEMORY`].
    pub memory_per_byte: usize,
}

/// The memory that a body may take for no bytes at all: 8 MiB.
pub const MEMORY: usize = 8 << 20;

impl Target {
    /// The most memory that the body may take for so many bytes.
    pub fn memory(&self, bytes: usize) -> usize {
        bytes.saturating_mul(self.memory_per_byte).saturating_add(MEMORY)
    }

    /// Runs the body in a program whose allocator is `memory`, and which does nothing else meanwhile.
    ///
    /// # Panics
    /// Where something does not hold for the bytes, or they took more memory than such bytes may.
    pub fn run_measured(&self, data: &[u8], memory: &PeakAlloc) {
        memory.reset_peak_usage();
        let before = memory.current_usage();
        (self.body)(data);
        let taken = memory.peak_usage().saturating_sub(before);
        let most = self.memory(data.len());
        assert!(
            taken <= most,
            "{} bytes took {taken} bytes of memory; at most {most} are allowed",
            data.len()
        );
    }
}

/// The longest input that is worth a try, in bytes.
pub const LONGEST: usize = 4096;

/// All of them; `import` with the feature of that name.
pub const TARGETS: &[Target] = &[
    Target { name: "key", body: key::body, memory_per_byte: 1 << 10 },
    Target { name: "operation", body: operation::body, memory_per_byte: 1 << 10 },
    Target { name: "frame", body: frame::body, memory_per_byte: 16 << 10 },
    Target { name: "link", body: link::body, memory_per_byte: 16 << 10 },
    Target { name: "parser", body: parser::body, memory_per_byte: 4 << 10 },
    Target { name: "text", body: text::body, memory_per_byte: 4 << 10 },
    #[cfg(feature = "import")]
    Target { name: "import", body: import::body, memory_per_byte: 4 << 10 },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
