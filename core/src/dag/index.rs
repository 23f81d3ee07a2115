//! [`DagIndex`].

use std::collections::{BTreeMap, BTreeSet};

use super::{Head, Link, RunLookup, RunStart, VersionVector, continues_run, in_sequence, run_start};
use crate::env::BoxFuture;
use crate::id::{ActorId, EntityId, OpId};
use crate::operation::Operation;
use crate::storage::StorageError;

/// Why an operation cannot join a [`DagIndex`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DagError {
    /// A parent is not there.
    #[error("parent {parent} of operation {child} is not known")]
    MissingParent {
        /// The operation.
        child: OpId,
        /// Its parent.
        parent: OpId,
    },
    /// Its id does not exceed a parent's.
    #[error("operation {child} does not exceed its parent {parent}")]
    NotAfterParent {
        /// The operation.
        child: OpId,
        /// Its parent.
        parent: OpId,
    },
    /// There is another operation of that id.
    #[error("there are two operations {0}")]
    SameId(OpId),
}

/// An operation in a [`DagIndex`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DagNode {
    /// Its link.
    pub link: Link,
    /// Its parents.
    pub parents: Vec<Link>,
    /// The version vector of its closure.
    pub vector: VersionVector,
}

/// The DAG of one entity in memory: for views, for algorithms on whole histories, and for tests.
///
/// Iterating gives the operations by id, which is a linear extension: parents come before children.
#[derive(Clone, Debug)]
pub struct DagIndex {
    entity: EntityId,
    nodes: BTreeMap<OpId, DagNode>,
    runs: BTreeMap<(ActorId, u64), RunStart>,
    equivocal: BTreeSet<ActorId>,
    known: VersionVector,
    head: Head,
}

impl DagIndex {
    /// An index without operations.
    pub fn new(entity: EntityId) -> Self {
        DagIndex {
            entity,
            nodes: BTreeMap::new(),
            runs: BTreeMap::new(),
            equivocal: BTreeSet::new(),
            known: VersionVector::new(),
            head: Head::new(),
        }
    }

    /// Takes an operation in. Its parents must be there. Gives whether it was new.
    ///
    /// # Errors
    /// [`DagError`]; the index is as before.
    pub fn insert(&mut self, link: Link, parents: &[Link]) -> Result<bool, DagError> {
        if let Some(node) = self.nodes.get(&link.id) {
            return if node.link == link { Ok(false) } else { Err(DagError::SameId(link.id)) };
        }
        let mut vector = VersionVector::new();
        for parent in parents {
            let Some(node) = self.nodes.get(&parent.id).filter(|node| node.link == *parent) else {
                return Err(DagError::MissingParent { child: link.id, parent: parent.id });
            };
            if parent.id >= link.id {
                return Err(DagError::NotAfterParent { child: link.id, parent: parent.id });
            }
            vector.join(&node.vector);
        }
        if !in_sequence(&self.known, &vector, &link) {
            self.equivocal.insert(link.actor);
        }
        if let Some(run) = run_start(self.entity, link, parents, [&vector]) {
            self.runs.insert((link.actor, link.sequence), run);
        }
        vector.raise(link.actor, link.sequence);
        self.known.join(&vector);
        self.head.advance(link, parents);
        self.nodes.insert(link.id, DagNode { link, parents: parents.to_vec(), vector });
        Ok(true)
    }

    /// [`DagIndex::insert`] of an operation.
    ///
    /// # Errors
    /// As [`DagIndex::insert`].
    pub fn accept(&mut self, operation: &Operation) -> Result<bool, DagError> {
        self.insert(operation.link(), operation.parents())
    }

    /// The entity.
    pub fn entity(&self) -> EntityId {
        self.entity
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The operation of that id.
    pub fn get(&self, id: OpId) -> Option<&DagNode> {
        self.nodes.get(&id)
    }

    /// The operations by ascending id, parents before children.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &DagNode> {
        self.nodes.values()
    }

    /// The maximal operations.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The vector of all operations.
    pub fn vector(&self) -> &VersionVector {
        &self.known
    }

    /// The actors whose operations do not follow each other.
    pub fn equivocal(&self) -> &BTreeSet<ActorId> {
        &self.equivocal
    }

    /// The starts of runs, by actor and sequence. Runs of equivocal actors mean nothing.
    pub fn runs(&self) -> impl Iterator<Item = &RunStart> {
        self.runs.values()
    }

    /// The last operation of the run that starts with `first`, and the number of its operations.
    pub fn run_end(&self, first: &Link) -> (Link, usize) {
        let (mut last, mut count) = (*first, 1);
        for node in self.nodes.range(first.id..).map(|(_, node)| node).skip(1) {
            if node.parents.first() == Some(&last) && continues_run(&node.link, &node.parents) {
                last = node.link;
                count += 1;
            }
        }
        (last, count)
    }

    /// The children of every operation that has some.
    pub fn children(&self) -> BTreeMap<OpId, Vec<Link>> {
        let mut children: BTreeMap<OpId, Vec<Link>> = BTreeMap::new();
        for node in self.nodes.values() {
            for parent in &node.parents {
                children.entry(parent.id).or_default().push(node.link);
            }
        }
        children
    }

    /// The ids of `links` and all their ancestors, by walking. What is not in the index is left out.
    pub fn closure(&self, links: &[Link]) -> BTreeSet<OpId> {
        let mut closure = BTreeSet::new();
        let mut stack = links.to_vec();
        while let Some(link) = stack.pop() {
            let Some(node) = self.nodes.get(&link.id).filter(|node| node.link == link) else { continue };
            if closure.insert(link.id) {
                stack.extend(&node.parents);
            }
        }
        closure
    }

    /// The maximal operations of a closed set of ids.
    pub fn maximal_of(&self, closed: &BTreeSet<OpId>) -> Head {
        let nodes = || closed.iter().filter_map(|id| self.nodes.get(id));
        let parents: BTreeSet<Link> = nodes().flat_map(|node| node.parents.iter().copied()).collect();
        Head::of(nodes().map(|node| node.link).filter(|link| !parents.contains(link)))
    }

    /// The maximal operations that are in the closures of both heads.
    pub fn meet(&self, a: &Head, b: &Head) -> Head {
        let (a, b) = (self.closure(a.links()), self.closure(b.links()));
        self.maximal_of(&a.intersection(&b).copied().collect())
    }
}

impl RunLookup for DagIndex {
    fn run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> BoxFuture<'_, Result<Option<RunStart>, StorageError>> {
        let of_entity = entity == self.entity;
        let run = self.runs.range((actor, 0)..=(actor, sequence)).next_back().filter(|_| of_entity);
        Box::pin(std::future::ready(Ok(run.map(|(_, run)| run.clone()))))
    }

    fn parents(&self, entity: EntityId, id: OpId) -> BoxFuture<'_, Result<Option<Vec<Link>>, StorageError>> {
        let node = self.nodes.get(&id).filter(|_| entity == self.entity);
        Box::pin(std::future::ready(Ok(node.map(|node| node.parents.clone()))))
    }

    fn equivocal(&self, entity: EntityId) -> BoxFuture<'_, Result<BTreeSet<ActorId>, StorageError>> {
        let equivocal = if entity == self.entity { self.equivocal.clone() } else { BTreeSet::new() };
        Box::pin(std::future::ready(Ok(equivocal)))
    }
}
