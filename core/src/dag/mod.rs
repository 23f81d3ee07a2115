//! The operation DAG of an entity: links, heads, version vectors, runs and ancestry.
//!
//! Ids are a linear extension of every DAG: an operation's id exceeds its parents'. So operations sorted by id
//! have parents before children, and the search for an ancestor ends where ids get smaller than its own.
//!
//! | type | what it is |
//! |---|---|
//! | [`Link`] | a reference to an operation |
//! | [`Head`] | the maximal operations of a closed set |
//! | [`VersionVector`] | how far a closed set goes, actor by actor |
//! | [`RunStart`] | where a chain of one actor's operations begins, with its vector |
//! | [`Ancestry`] | decides `a ≤ b` by looking up runs |
//! | [`Base`] | what a replica starts from that does not hold the whole history |
//! | [`Overlay`] | operations about to be accepted, over those that are |
//! | [`DagIndex`] | a whole DAG in memory |
//! | [`notation`] | DAGs as text |

mod ancestry;
mod base;
mod head;
mod index;
mod link;
pub mod notation;
mod overlay;
mod run;
#[cfg(test)]
mod tests;
mod vector;

pub use ancestry::{
    Ancestry, AncestryError, Placement, RunLookup, decode_equivocal, encode_equivocal, equivocal_record,
    is_known,
};
pub use base::{Base, known};
pub use head::Head;
pub(crate) use head::decode_links;
pub use index::{DagError, DagIndex, DagNode};
pub use link::Link;
pub use overlay::Overlay;
pub use run::{RunStart, continues_run, in_sequence, run_for, run_start};
pub use vector::{Relation, VersionVector};
