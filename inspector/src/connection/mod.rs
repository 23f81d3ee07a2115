//! Asking the node: what the state wants to know becomes requests, and their events become messages.
//!
//! | module | what it holds |
//! |---|---|
//! | `ask` | one question from its request to its last part |
//! | `replay` | what an entity's operations give, with places to go on from |
//! | `workers` | a thread for each slot; the same without threads, for the headless screen |

mod ask;
mod replay;
mod workers;

pub use ask::answer;
pub use replay::Replays;
pub use workers::Workers;
