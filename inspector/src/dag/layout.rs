//! [`Layout`]: rows and lanes.
//!
//! Rows go from the newest operation to the oldest. A lane is a column that leads down to one operation: at any row
//! each lane awaits at most one operation, and each operation is awaited by at most one lane. The first child that
//! names a parent gives it a lane, its own where it has no other use for it; what names the parent later joins that
//! lane. So each link is looked at once, and a row is drawn from the lanes before it and its parents' lanes alone.
//!
//! Kept are the lane of each row and, every 256 rows, what each lane awaits; a window of rows goes on from there.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use super::graph::{Graph, Op};

/// A lane that awaits nothing, a row without a lane.
const NONE: u32 = u32::MAX;
/// While rows are made: an operation that a folded run stands for, and one in a chain that is shown.
const HIDDEN: u32 = u32::MAX - 1;
const INSIDE: u32 = u32::MAX - 2;
const NO_LANE: u16 = u16::MAX;
/// Lanes that are kept apart; operations beyond them are in one last lane, which is drawn without lines.
const LANES: u16 = 1024;
/// Rows between two records of the lanes.
const SPACING: usize = 256;
/// Operations of a linear run that are worth folding.
const FOLDED: u32 = 3;

/// A row: an operation, or a run of them that is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The operation; of a folded run the newest one.
    pub op: Op,
    /// How many operations the row stands for.
    pub count: u32,
    /// The oldest operation of the row.
    pub last: Op,
}

/// A line of a row that leads from its operation to a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The parent's lane.
    pub lane: u16,
    /// Whether something else leads there already.
    pub joins: bool,
}

/// A row with what is drawn in its lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The row.
    pub row: Row,
    /// Its lane; `None` beyond the lanes that are kept apart.
    pub lane: Option<u16>,
    /// The lanes with a line from above. Its own is among them where something follows it.
    pub above: Vec<bool>,
    /// The lanes with a line to below.
    pub below: Vec<bool>,
    /// Where its parents are.
    pub links: Vec<Link>,
}

/// Rows and lanes of a graph.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The first operation of each row.
    rows: Vec<Op>,
    /// Folded runs: row, last operation, count. Ascending.
    runs: Vec<(u32, Op, u32)>,
    /// The row of each operation.
    row_of: Vec<u32>,
    lanes: Vec<u16>,
    records: Vec<Box<[u32]>>,
    width: u16,
}

impl Layout {
    /// Lays a graph out; with `fold`, linear runs become one row unless they begin with one of `open`.
    pub fn new(graph: &Graph, fold: bool, open: &BTreeSet<Op>) -> Self {
        let mut layout = Layout::default();
        layout.make_rows(graph, fold, open);
        layout.make_lanes(graph);
        layout
    }

    fn make_rows(&mut self, graph: &Graph, fold: bool, open: &BTreeSet<Op>) {
        self.row_of = vec![NONE; graph.len()];
        self.rows.reserve(graph.len());
        // By the first operation of a run: its last one and its length.
        let mut runs: HashMap<Op, (Op, u32)> = HashMap::new();
        for op in graph.ops().rev() {
            let mark = self.row(op);
            if mark != NONE && mark != INSIDE {
                // A folded run stands for it.
                continue;
            }
            let row = u32::try_from(self.rows.len()).unwrap_or(NONE);
            self.set_row(op, row);
            self.rows.push(op);
            if let Some((last, count)) = runs.remove(&op) {
                self.runs.push((row, last, count));
                self.mark_chain(graph, op, last, row);
            } else if fold && mark == NONE {
                let Some((first, last, count)) = inside_of_chain(graph, op) else { continue };
                let folded = count >= FOLDED && !open.contains(&first);
                self.set_row(first, INSIDE);
                self.mark_chain(graph, first, last, if folded { HIDDEN } else { INSIDE });
                if folded {
                    runs.insert(first, (last, count));
                }
            }
        }
    }

    /// Marks the operations of a chain after its first one.
    fn mark_chain(&mut self, graph: &Graph, first: Op, last: Op, mark: u32) {
        let mut op = first;
        while op != last {
            let Some(next) = graph.only_parent(op) else { break };
            op = next;
            self.set_row(op, mark);
        }
    }

    fn make_lanes(&mut self, graph: &Graph) {
        self.lanes = vec![NO_LANE; self.rows.len()];
        let mut waiting: Vec<u32> = Vec::new();
        let mut free: BinaryHeap<Reverse<u16>> = BinaryHeap::new();
        let mut parents: Vec<u32> = Vec::new();
        for row in 0..self.rows.len() {
            if row % SPACING == 0 {
                let used = waiting.iter().rposition(|awaited| *awaited != NONE).map_or(0, |last| last + 1);
                self.records.push(waiting.get(..used).unwrap_or_default().into());
            }
            let mut own = self.lane_of(row);
            if own == NO_LANE {
                own = take(&mut waiting, &mut free, LANES);
                self.set_lane(row, own);
            }
            let mut used = false;
            parents.clear();
            parents.extend(self.parent_rows(graph, row));
            for parent in &parents {
                if self.lane_of(index(*parent)) != NO_LANE {
                    continue;
                }
                let lane = if used { take(&mut waiting, &mut free, LANES) } else { own };
                used = used || lane == own;
                self.set_lane(index(*parent), lane);
                if let Some(place) = waiting.get_mut(usize::from(lane)) {
                    *place = *parent;
                }
            }
            if let Some(place) = waiting.get_mut(usize::from(own)).filter(|_| !used) {
                *place = NONE;
                free.push(Reverse(own));
            }
        }
        self.width = u16::try_from(waiting.len()).unwrap_or(LANES);
    }

    /// The rows of the parents of a row.
    fn parent_rows<'a>(&'a self, graph: &'a Graph, row: usize) -> impl Iterator<Item = u32> + 'a {
        let last = self.at(row).map_or(0, |row| row.last);
        graph.parents(last).map(|parent| self.row(parent)).filter(|parent| *parent != NONE)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The greatest number of lanes beside each other.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// A row, from the newest.
    pub fn at(&self, row: usize) -> Option<Row> {
        let op = *self.rows.get(row)?;
        let number = u32::try_from(row).ok()?;
        let run =
            self.runs.binary_search_by_key(&number, |run| run.0).ok().and_then(|place| self.runs.get(place));
        Some(match run {
            Some((_, last, count)) => Row { op, count: *count, last: *last },
            None => Row { op, count: 1, last: op },
        })
    }

    /// The row that an operation is in.
    pub fn row_of(&self, op: Op) -> Option<usize> {
        Some(self.row(op)).filter(|row| *row != NONE).map(index)
    }

    /// Rows with what is drawn in their lanes, at most `count` from `start` on.
    pub fn window(&self, graph: &Graph, start: usize, count: usize) -> Vec<Window> {
        let mut out = Vec::new();
        let record = start / SPACING;
        let mut waiting: Vec<u32> =
            self.records.get(record).map(|record| record.to_vec()).unwrap_or_default();
        for row in record * SPACING..self.rows.len().min(start.saturating_add(count)) {
            let lane = self.lane_of(row);
            let shown = row >= start;
            let above: Vec<bool> = if shown { is_used(&waiting) } else { Vec::new() };
            release(&mut waiting, lane);
            let mut links = Vec::new();
            for parent in self.parent_rows(graph, row) {
                let to = self.lane_of(index(parent));
                let joins = waiting.get(usize::from(to)).copied() == Some(parent);
                if !joins {
                    reserve(&mut waiting, to, parent);
                }
                if shown && to < LANES {
                    links.push(Link { lane: to, joins });
                }
            }
            if let Some(found) = self.at(row).filter(|_| shown) {
                let lane = Some(lane).filter(|lane| *lane < LANES);
                out.push(Window { row: found, lane, above, below: is_used(&waiting), links });
            }
        }
        out
    }

    /// The bytes of memory that the layout takes.
    pub fn bytes(&self) -> usize {
        let records: usize = self.records.iter().map(|record| 16 + 4 * record.len()).sum();
        self.rows.capacity() * 4
            + self.runs.capacity() * 12
            + self.row_of.capacity() * 4
            + self.lanes.capacity() * 2
            + records
    }

    fn row(&self, op: Op) -> u32 {
        self.row_of.get(index(op)).copied().unwrap_or(NONE)
    }

    fn set_row(&mut self, op: Op, row: u32) {
        if let Some(place) = self.row_of.get_mut(index(op)) {
            *place = row;
        }
    }

    fn lane_of(&self, row: usize) -> u16 {
        self.lanes.get(row).copied().unwrap_or(NO_LANE)
    }

    fn set_lane(&mut self, row: usize, lane: u16) {
        if let Some(place) = self.lanes.get_mut(row) {
            *place = lane;
        }
    }
}

/// The parent of an operation, where the two follow each other and nothing else.
fn next_of_chain(graph: &Graph, op: Op) -> Option<Op> {
    graph.only_parent(op).filter(|parent| graph.children(*parent) == 1)
}

/// Of the chain that begins at an operation, what lies between its ends: the first, the last, how many.
fn inside_of_chain(graph: &Graph, op: Op) -> Option<(Op, Op, u32)> {
    let first = next_of_chain(graph, op)?;
    let mut ahead = next_of_chain(graph, first)?;
    let (mut last, mut count) = (first, 1_u32);
    while let Some(next) = next_of_chain(graph, ahead) {
        (last, count, ahead) = (ahead, count.saturating_add(1), next);
    }
    Some((first, last, count))
}

/// The leftmost free lane.
fn take(waiting: &mut Vec<u32>, free: &mut BinaryHeap<Reverse<u16>>, limit: u16) -> u16 {
    if let Some(Reverse(lane)) = free.pop() {
        return lane;
    }
    match u16::try_from(waiting.len()) {
        Ok(lane) if lane < limit => {
            waiting.push(NONE);
            lane
        }
        _ => limit,
    }
}

fn release(waiting: &mut [u32], lane: u16) {
    if let Some(place) = waiting.get_mut(usize::from(lane)) {
        *place = NONE;
    }
}

fn reserve(waiting: &mut Vec<u32>, lane: u16, row: u32) {
    if lane >= LANES {
        return;
    }
    let place = usize::from(lane);
    if waiting.len() <= place {
        waiting.resize(place + 1, NONE);
    }
    if let Some(awaited) = waiting.get_mut(place) {
        *awaited = row;
    }
}

fn is_used(waiting: &[u32]) -> Vec<bool> {
    let used = waiting.iter().rposition(|awaited| *awaited != NONE).map_or(0, |last| last + 1);
    waiting.iter().take(used).map(|awaited| *awaited != NONE).collect()
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
