//! [`Graph`].

use std::collections::HashMap;

use ankurah_core::id::{Author, OpId, PropertyId, TransactionId};
use ankurah_core::storage::Position;

use crate::message::Summary;

/// The number of an operation in its graph: operations are numbered from 0 in the order of their ids, so parents have
/// smaller numbers than their children.
pub type Op = u32;

/// The bit that says of a link that the parent is not held, and is to be found among the missing.
const MISSING: u32 = 1 << 31;
/// The author of an operation that has none.
const NOBODY: u16 = u16::MAX;

/// The operations of one entity, each column by itself.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    ids: Vec<OpId>,
    positions: Vec<u64>,
    transactions: Vec<u128>,
    authors: Vec<u16>,
    properties: Vec<u32>,
    /// Whether its version is known.
    known: Vec<bool>,
    /// Where the links of each operation end; they begin where those of the one before it end.
    ends: Vec<u32>,
    links: Vec<u32>,
    /// How many children each has; 255 stands for more too.
    children: Vec<u8>,
    /// How many have none.
    heads: usize,
    missing: Vec<OpId>,
    names: Vec<Author>,
    sets: Vec<Box<[PropertyId]>>,
    set_numbers: HashMap<Box<[PropertyId]>, u32>,
}

impl Graph {
    /// The number of operations.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Adds an operation, whose id must exceed all others; one that does not is left out.
    pub fn push(&mut self, summary: &Summary) {
        let number = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        if self.ids.last().is_some_and(|last| *last >= summary.id) || number >= MISSING - 1 {
            return;
        }
        for parent in &summary.parents {
            let link = match self.ids.binary_search(parent) {
                Ok(place) => {
                    if let Some(children) = self.children.get_mut(place) {
                        self.heads -= usize::from(*children == 0);
                        *children = children.saturating_add(1);
                    }
                    u32::try_from(place).unwrap_or(0)
                }
                Err(_) => {
                    let place = u32::try_from(self.missing.len()).unwrap_or(0);
                    self.missing.push(*parent);
                    MISSING | place
                }
            };
            self.links.push(link);
        }
        let author = summary.author.map_or(NOBODY, |author| self.author_number(author));
        let set = self.set_number(&summary.properties);
        self.ids.push(summary.id);
        self.positions.push(summary.position.0);
        self.transactions.push(summary.transaction.map_or(0, |transaction| transaction.0));
        self.authors.push(author);
        self.properties.push(set);
        self.known.push(summary.known);
        self.ends.push(u32::try_from(self.links.len()).unwrap_or(u32::MAX));
        self.children.push(0);
        self.heads += 1;
    }

    fn author_number(&mut self, author: Author) -> u16 {
        let place = self.names.iter().position(|known| *known == author).unwrap_or_else(|| {
            self.names.push(author);
            self.names.len() - 1
        });
        // Beyond 65,534 authors the last one stands for all.
        u16::try_from(place).unwrap_or(NOBODY - 1).min(NOBODY - 1)
    }

    fn set_number(&mut self, properties: &[PropertyId]) -> u32 {
        if let Some(number) = self.set_numbers.get(properties) {
            return *number;
        }
        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.sets.push(properties.into());
        self.set_numbers.insert(properties.into(), number);
        number
    }

    /// The id of an operation.
    pub fn id(&self, op: Op) -> OpId {
        self.ids.get(place(op)).copied().unwrap_or(OpId::MIN)
    }

    /// The operation with an id.
    pub fn find(&self, id: OpId) -> Option<Op> {
        self.ids.binary_search(&id).ok().and_then(|place| u32::try_from(place).ok())
    }

    /// The number of operations with ids up to this one.
    pub fn count_upto(&self, id: OpId) -> usize {
        self.ids.partition_point(|one| *one <= id)
    }

    /// When an operation was accepted.
    pub fn position(&self, op: Op) -> Position {
        Position(self.positions.get(place(op)).copied().unwrap_or(0))
    }

    /// The transaction of an operation; `None` for a keyed genesis.
    pub fn transaction(&self, op: Op) -> Option<TransactionId> {
        self.transactions.get(place(op)).copied().filter(|bits| *bits != 0).map(TransactionId)
    }

    /// Who wrote an operation; `None` for a keyed genesis.
    pub fn author(&self, op: Op) -> Option<Author> {
        let number = self.authors.get(place(op)).copied()?;
        self.names.get(usize::from(number)).copied()
    }

    /// The authors, in the order in which they came.
    pub fn authors(&self) -> &[Author] {
        &self.names
    }

    pub(super) fn author_of(&self, op: Op) -> usize {
        self.authors.get(place(op)).copied().map_or(usize::MAX, usize::from)
    }

    /// The properties that an operation changes.
    pub fn properties(&self, op: Op) -> &[PropertyId] {
        self.sets.get(self.set_of(op)).map(AsRef::as_ref).unwrap_or_default()
    }

    pub(super) fn set_of(&self, op: Op) -> usize {
        self.properties.get(place(op)).copied().map_or(usize::MAX, place)
    }

    pub(super) fn sets(&self) -> &[Box<[PropertyId]>] {
        &self.sets
    }

    /// Whether its version is known.
    pub fn is_known(&self, op: Op) -> bool {
        self.known.get(place(op)).copied().unwrap_or(false)
    }

    fn links(&self, op: Op) -> &[u32] {
        let end = self.ends.get(place(op)).copied().map_or(0, place);
        let start =
            op.checked_sub(1).and_then(|before| self.ends.get(place(before))).copied().map_or(0, place);
        self.links.get(start..end).unwrap_or_default()
    }

    /// The parents of an operation that are held, ascending.
    pub fn parents(&self, op: Op) -> impl Iterator<Item = Op> {
        self.links(op).iter().copied().filter(|link| link & MISSING == 0)
    }

    /// The parents of an operation that are not held.
    pub fn missing(&self, op: Op) -> impl Iterator<Item = OpId> {
        let links = self.links(op).iter().filter(|link| **link & MISSING != 0);
        links.filter_map(|link| self.missing.get(place(link & !MISSING)).copied())
    }

    /// The only parent of an operation, where it has exactly one and that is held.
    pub fn only_parent(&self, op: Op) -> Option<Op> {
        match self.links(op) {
            [link] if link & MISSING == 0 => Some(*link),
            _ => None,
        }
    }

    /// How many operations follow one directly; 255 stands for more too.
    pub fn children(&self, op: Op) -> u8 {
        self.children.get(place(op)).copied().unwrap_or(0)
    }

    /// How many operations nothing follows: the size of the head.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Whether nothing follows an operation: it is one of the head.
    pub fn is_head(&self, op: Op) -> bool {
        self.children(op) == 0
    }

    /// The oldest operation that follows one directly.
    pub fn first_child(&self, op: Op) -> Option<Op> {
        if self.is_head(op) {
            return None;
        }
        let start = self.ends.get(place(op)).copied().map_or(0, place);
        let link = self.links.get(start..)?.iter().position(|link| *link == op)?;
        let link = u32::try_from(start.checked_add(link)?).ok()?;
        u32::try_from(self.ends.partition_point(|end| *end <= link)).ok()
    }

    /// The operations that follow one directly, ascending.
    pub fn all_children(&self, op: Op) -> Vec<Op> {
        match self.first_child(op) {
            Some(first) => {
                let later = first..self.ops().end;
                later.filter(|child| self.links(*child).contains(&op)).collect()
            }
            None => Vec::new(),
        }
    }

    /// All operations, from the oldest.
    pub fn ops(&self) -> std::ops::Range<Op> {
        0..u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }

    /// The bytes of memory that the graph takes.
    pub fn bytes(&self) -> usize {
        self.ids.capacity() * 16
            + self.positions.capacity() * 8
            + self.transactions.capacity() * 16
            + self.authors.capacity() * 2
            + self.properties.capacity() * 4
            + self.known.capacity()
            + self.ends.capacity() * 4
            + self.links.capacity() * 4
            + self.children.capacity()
            + self.missing.capacity() * 16
            + self.names.capacity() * 16
            + self.sets.iter().map(|set| 96 + 2 * 16 * set.len()).sum::<usize>()
    }

    /// Gives memory back that was kept for more operations.
    pub fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.positions.shrink_to_fit();
        self.transactions.shrink_to_fit();
        self.authors.shrink_to_fit();
        self.properties.shrink_to_fit();
        self.known.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.links.shrink_to_fit();
        self.children.shrink_to_fit();
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
