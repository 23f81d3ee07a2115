//! Planning: how the rows of a bound `select` are read.

use super::bound::BoundSelect;
use super::run::Statistics;
use crate::node::protocol::Column;
use crate::storage::{Access, Index, IndexDefinition};

/// A planned `select`: what [`run`](super::run) runs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) select: BoundSelect,
    pub(crate) access: Access,
    pub(crate) wanted: Option<IndexDefinition>,
}

/// Chooses how to read the rows of `select`, given the indexes of the store. Indexes that are not ready or of
/// other models are passed over.
pub fn plan(select: BoundSelect, indexes: &[Index]) -> Plan {
    let _ = indexes;
    Plan { select, access: Access::All { after: None }, wanted: None }
}

impl Plan {
    /// The columns of the result.
    pub fn columns(&self) -> &[Column] {
        self.select.columns()
    }

    /// The index that would have served this query, where there is none: what to make when such queries
    /// examine many rows and keep few.
    pub fn wanted_index(&self) -> Option<&IndexDefinition> {
        self.wanted.as_ref()
    }

    /// The plan as lines of text, the outermost step first; with `measured` also what each step did.
    pub fn explain(&self, measured: Option<&Statistics>) -> Vec<String> {
        let _ = (measured, &self.access);
        Vec::new()
    }
}
