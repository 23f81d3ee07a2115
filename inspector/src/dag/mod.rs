//! The operations of one entity as a graph: kept compactly, laid out in lanes, searched.
//!
//! | module | what it holds |
//! |---|---|
//! | `graph` | the operations: some 60 bytes each |
//! | `layout` | rows and lanes: linear in operations and links, 10 bytes an operation |
//! | `search` | finding operations by id, author, time and property |

mod graph;
mod layout;
mod search;
#[cfg(test)]
mod tests;

pub use graph::{Graph, Op};
pub use layout::{Layout, Link, Row, Window};
pub use search::Search;
pub(crate) use search::time_text;
