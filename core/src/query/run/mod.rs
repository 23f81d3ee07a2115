//! Running planned queries.
//!
//! Rows are read, filtered and given in batches, in constant memory unless they must be sorted, grouped or made
//! distinct. With `order by` and `limit` only as many rows are held as are asked for.

pub(crate) mod generate;
mod group;
mod hops;
mod read;
mod sort;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use self::generate::{Sink, generate};
use self::hops::Hops;
use self::read::{Input, InputRow, Reader, Selection, places};
use self::sort::Sorter;
pub(crate) use self::sort::compare_order_values;
use super::bound::BoundSelect;
use super::error::RunError;
use super::expr::{Aggregate, Expr};
use super::plan::{Plan, Stage};
use crate::env::{BoxStream, Clock, MaybeSend, MaybeSync};
use crate::id::ModelId;
use crate::node::protocol::Column;
use crate::storage::{ReadView, RowStream, Scan};
use crate::turn;
use crate::value::{Pick, Rows, Value};

/// Where a query reads: a view of the store, or a transaction's own writes over one.
pub trait Source: MaybeSend + MaybeSync {
    /// Rows. Dropping the stream ends the scan. Streams may be open at the same time.
    fn scan(&self, scan: Scan) -> RowStream<'_>;

    /// Number of entities of a model that are not deleted, if it is known without a scan. Exact.
    fn count_hint(&self, model: ModelId) -> Option<u64> {
        let _ = model;
        None
    }
}

/// A [`ReadView`] as a [`Source`].
pub struct ViewSource(pub Arc<dyn ReadView>);

impl Source for ViewSource {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        self.0.scan(scan)
    }

    fn count_hint(&self, model: ModelId) -> Option<u64> {
        self.0.count_hint(model)
    }
}

/// How a query is run.
#[derive(Clone)]
pub struct RunOptions {
    /// How many bytes rows that must be held at once (to sort, group or make distinct) may take, estimated.
    /// 1 GiB by default.
    pub memory: u64,
    /// For the times in [`Statistics`]; without it they stay zero.
    pub clock: Option<Arc<dyn Clock>>,
    /// How many ids an index may always find; where it finds more, and more than a quarter of all entities, they
    /// are all read instead. 1,024 by default.
    pub collected: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions { memory: 1 << 30, clock: None, collected: 1_024 }
    }
}

/// What a step of a query did so far.
#[derive(Debug, Default)]
pub struct Measure {
    rows: AtomicU64,
    nanos: AtomicU64,
}

impl Measure {
    /// How many rows it gave.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// How long it took, in nanoseconds, without the steps that it reads from.
    pub fn nanos(&self) -> u64 {
        self.nanos.load(Ordering::Relaxed)
    }

    fn add(&self, rows: usize, nanos: u64) {
        self.rows.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// What a query did so far.
#[derive(Debug, Default)]
pub struct Statistics {
    pub(crate) examined: Measure,
    pub(crate) kept: Measure,
    pub(crate) grouped: Measure,
    pub(crate) sorted: Measure,
    pub(crate) given: Measure,
    gave_up_index: AtomicBool,
    only_first: AtomicBool,
}

impl Statistics {
    /// Rows read from the scan.
    pub fn examined(&self) -> u64 {
        self.examined.rows()
    }

    /// Rows that the filter kept.
    pub fn kept(&self) -> u64 {
        self.kept.rows()
    }

    /// Rows that mattered to the result: those that the filter kept, or, where only the first ones of an order
    /// were asked for, those of the result.
    pub fn used(&self) -> u64 {
        if self.only_first.load(Ordering::Relaxed) { self.given() } else { self.kept() }
    }

    /// Rows of the result.
    pub fn given(&self) -> u64 {
        self.given.rows()
    }

    /// Whether an index found so many rows that all were read instead.
    pub fn gave_up_index(&self) -> bool {
        self.gave_up_index.load(Ordering::Relaxed)
    }
}

/// The rows of a result in batches, none empty. Ends after the first error; dropping it ends the query.
pub type ResultRows = BoxStream<'static, Result<Rows, RunError>>;

/// A query that runs as its rows are polled.
pub struct Running {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: ResultRows,
    /// What it did so far.
    pub statistics: Arc<Statistics>,
}

/// Runs a planned query. Nothing is read before the rows are polled.
pub fn run(mut plan: Plan, source: Arc<dyn Source>, options: RunOptions) -> Running {
    let columns = std::mem::take(&mut plan.select.columns);
    let statistics = Arc::new(Statistics::default());
    let shared = Arc::clone(&statistics);
    let rows = generate(|mut sink| async move {
        let costs = Costs::new(&plan.select);
        let query = Query { plan: &plan, source: &*source, options: &options, statistics: &shared, costs };
        if let Err(error) = query.run(&mut sink).await {
            sink.give(Err(error)).await;
        }
    });
    Running { columns, rows, statistics }
}

/// A running query.
#[derive(Clone, Copy)]
struct Query<'a> {
    plan: &'a Plan,
    source: &'a dyn Source,
    options: &'a RunOptions,
    statistics: &'a Statistics,
    costs: Costs,
}

/// About how much work a row is in each step, beside that on long values; see [`turn`].
#[derive(Clone, Copy)]
struct Costs {
    filter: u64,
    group: u64,
    having: u64,
    order: u64,
    output: u64,
}

/// What reading or moving a row costs.
const ROW: u64 = 128;
/// What computing an expression costs beside its operands.
const EXPR: u64 = 32;

impl Costs {
    fn new(select: &BoundSelect) -> Self {
        fn of<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> u64 {
            let size = exprs.into_iter().map(Expr::size).fold(0, usize::saturating_add);
            u64::try_from(size).unwrap_or(u64::MAX).saturating_mul(EXPR).saturating_add(ROW)
        }
        fn parts(aggregate: &Aggregate) -> impl Iterator<Item = &Expr> {
            [&aggregate.argument, &aggregate.separator, &aggregate.filter].into_iter().flatten()
        }
        let group = select.grouping.as_ref().map_or(ROW, |grouping| {
            of(grouping.keys.iter().chain(grouping.aggregates.iter().flat_map(parts)))
        });
        Costs {
            filter: of(&select.filter),
            group,
            having: of(&select.having),
            order: of(select.order.iter().map(|key| &key.expr)),
            output: of(&select.output),
        }
    }
}

/// How many sorted rows are given at once.
const CHUNK: usize = 512;

impl<'a> Query<'a> {
    fn select(&self) -> &'a BoundSelect {
        &self.plan.select
    }

    fn nanos(&self) -> u64 {
        self.options.clock.as_ref().map_or(0, |clock| clock.monotonic_nanos())
    }

    async fn run(self, sink: &mut Sink<Result<Rows, RunError>>) -> Result<(), RunError> {
        if self.select().limit == Some(0) {
            return Ok(());
        }
        let mut output = Output::new(self);
        if let Some(grouping) = &self.select().grouping {
            let groups = Box::pin(group::groups(self, grouping)).await?;
            let mut rows = Vec::new();
            for (tie, row) in (0..).zip(groups) {
                turn::pass(self.costs.having).await;
                let holds = self.select().having.as_ref().map_or(Ok(true), |having| having.holds(&row))?;
                if holds {
                    rows.push(InputRow { tie, slots: row });
                }
            }
            for chunk in chunks(rows) {
                if output.take(Input::Own(chunk), sink).await? {
                    return Ok(());
                }
            }
        } else {
            let mut reader = Reader::open(self).await?;
            while let Some(rows) = reader.next().await? {
                if output.take(rows, sink).await? {
                    return Ok(());
                }
            }
        }
        output.finish(sink).await
    }
}

fn chunks<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<T> = rows.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// What happens to rows after the filter or the groups: distinct, order, offset and limit, output.
struct Output<'a> {
    query: Query<'a>,
    hops: Hops,
    sorter: Option<Sorter<'a>>,
    places: Vec<Option<Pick>>,
    /// Where the values of the selected columns stand in rows as they are read, if that is all there is to do.
    direct: Option<Vec<Pick>>,
    seen: Option<BTreeSet<Vec<Value>>>,
    memory: Memory,
    skip: u64,
    left: Option<u64>,
    /// The number of distinct rows, which is where the next one stands among equals.
    distinct: u128,
}

impl<'a> Output<'a> {
    fn new(query: Query<'a>) -> Self {
        let select = query.select();
        let hops = Hops::new(query.plan, &[Stage::Output]);
        let places = places(&select.input.slots);
        let plain = !query.plan.sorts && !select.distinct && select.grouping.is_none();
        let direct = select.output.iter().map(|expr| match expr {
            Expr::Column(slot, _) => places.get(*slot).copied().flatten(),
            _ => None,
        });
        let direct = if plain && hops.is_empty() { direct.collect() } else { None };
        Output {
            query,
            hops,
            places,
            direct,
            sorter: query.plan.sorts.then(|| Sorter::new(select, query.options.memory)),
            seen: select.distinct.then(BTreeSet::new),
            memory: Memory::new("distinct", query.options.memory),
            skip: select.offset,
            left: select.limit,
            distinct: 0,
        }
    }

    /// Takes rows. Gives whether no more are needed.
    async fn take(
        &mut self,
        input: Input,
        sink: &mut Sink<Result<Rows, RunError>>,
    ) -> Result<bool, RunError> {
        let rows = match (input, &self.direct) {
            (Input::Read(selection), Some(_)) => return Ok(self.give_read(selection, sink).await),
            (Input::Read(selection), None) if self.seen.is_none() && self.sorter.is_some() => {
                self.sort_read(&selection).await?;
                return Ok(false);
            }
            (input, _) => input.into_own(&self.places),
        };
        let mut failure = None;
        let rows = if self.seen.is_some() { self.distinct(rows, &mut failure).await? } else { rows };
        match &mut self.sorter {
            Some(sorter) => {
                let start = self.query.nanos();
                for row in rows {
                    turn::pass(self.query.costs.order).await;
                    sorter.push(row).await?;
                }
                let nanos = self.query.nanos().saturating_sub(start);
                self.query.statistics.sorted.add(0, nanos);
                failure.map_or(Ok(false), Err)
            }
            None => {
                let done = self.give(rows, sink).await?;
                if done { Ok(true) } else { failure.map_or(Ok(false), Err) }
            }
        }
    }

    /// The rows, as they are selected, that were not there before, up to the first one that cannot be computed.
    async fn distinct(
        &mut self,
        rows: Vec<InputRow>,
        failure: &mut Option<RunError>,
    ) -> Result<Vec<InputRow>, RunError> {
        let mut fresh = Vec::new();
        let Some(seen) = &mut self.seen else { return Ok(rows) };
        for row in rows {
            turn::pass(self.query.costs.output).await;
            // Everything that is selected was looked up for `distinct` already.
            match project(self.query.select(), &row.slots) {
                Ok(values) => {
                    if seen.contains(&values) {
                        continue;
                    }
                    self.memory.add(values.iter().map(footprint).sum())?;
                    seen.insert(values.clone());
                    fresh.push(InputRow { tie: self.distinct, slots: values });
                    self.distinct += 1;
                }
                Err(error) => {
                    *failure = Some(error);
                    break;
                }
            }
        }
        Ok(fresh)
    }

    /// Takes rows to be sorted; those that are certainly not wanted are left where they are.
    async fn sort_read(&mut self, selection: &Selection) -> Result<(), RunError> {
        let start = self.query.nanos();
        let Some(sorter) = &mut self.sorter else { return Ok(()) };
        for row in selection.iter(&self.places) {
            if turn::is_due(self.query.costs.order) {
                turn::give().await;
            }
            if !sorter.is_beyond(&row) {
                sorter.push(row.to_own()).await?;
            }
        }
        self.query.statistics.sorted.add(0, self.query.nanos().saturating_sub(start));
        Ok(())
    }

    /// How many of `length` rows are skipped, and how many of the others are given.
    fn window(&mut self, length: usize) -> (usize, usize) {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let skipped = self.skip.min(length);
        self.skip -= skipped;
        let given = self.left.unwrap_or(u64::MAX).min(length - skipped);
        self.left = self.left.map(|left| left - given);
        (usize::try_from(skipped).unwrap_or(usize::MAX), usize::try_from(given).unwrap_or(usize::MAX))
    }

    /// Gives rows as they were read, after those that are skipped and up to the limit. Gives whether that is
    /// reached.
    async fn give_read(&mut self, mut selection: Selection, sink: &mut Sink<Result<Rows, RunError>>) -> bool {
        let (skipped, given) = self.window(selection.len());
        let start = self.query.nanos();
        selection.cut(skipped, given);
        let Selection { entities, values, kept } = selection;
        let picks = self.direct.as_deref().unwrap_or_default();
        let rows = values.select(kept.as_deref(), picks, |row| entities.get(row).copied());
        self.query.statistics.given.add(rows.len(), self.query.nanos().saturating_sub(start));
        if !rows.is_empty() {
            sink.give(Ok(rows)).await;
        }
        self.left == Some(0)
    }

    /// Gives rows, after those that are skipped and up to the limit. Gives whether that is reached.
    async fn give(
        &mut self,
        mut rows: Vec<InputRow>,
        sink: &mut Sink<Result<Rows, RunError>>,
    ) -> Result<bool, RunError> {
        let (skipped, wanted) = self.window(rows.len());
        rows.drain(..skipped.min(rows.len()));
        rows.truncate(wanted);
        let start = self.query.nanos();
        let mut failure = None;
        let select = self.query.select();
        let mut given = Rows::new(select.output.len());
        if self.seen.is_some() {
            rows.iter().for_each(|row| given.push(row.slots.iter().map(Value::as_ref)));
        } else {
            self.hops.fill(self.query.source, &mut rows).await?;
            for row in rows {
                if turn::is_due(self.query.costs.output) {
                    turn::give().await;
                }
                if let Err(error) = project_into(select, &row.slots, &mut given) {
                    failure = Some(error);
                    break;
                }
            }
        }
        self.query.statistics.given.add(given.len(), self.query.nanos().saturating_sub(start));
        if !given.is_empty() {
            sink.give(Ok(given)).await;
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(self.left == Some(0)),
        }
    }

    /// Gives what was held back to be sorted.
    async fn finish(mut self, sink: &mut Sink<Result<Rows, RunError>>) -> Result<(), RunError> {
        let Some(sorter) = self.sorter.take() else { return Ok(()) };
        let select = self.query.select();
        let only_first = select.limit.is_some() && select.grouping.is_none() && !select.distinct;
        self.query.statistics.only_first.store(only_first, Ordering::Relaxed);
        let start = self.query.nanos();
        let rows = sorter.finish().await;
        self.query.statistics.sorted.add(rows.len(), self.query.nanos().saturating_sub(start));
        for chunk in chunks(rows) {
            if self.give(chunk, sink).await? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The values of the selected columns.
fn project(select: &BoundSelect, slots: &[Value]) -> Result<Vec<Value>, RunError> {
    let values = select.output.iter().map(|expr| Ok(expr.eval(slots)?.into_owned()));
    values.collect()
}

/// Adds the values of the selected columns to `rows`; nothing where one cannot be computed.
fn project_into(select: &BoundSelect, slots: &[Value], rows: &mut Rows) -> Result<(), RunError> {
    let row = rows.len();
    rows.push_nulls();
    for (column, expr) in select.output.iter().enumerate() {
        match expr.eval(slots) {
            Ok(value) => rows.set(row, column, Value::as_ref(&value)),
            Err(error) => {
                rows.pop();
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// The memory that a step takes, estimated, and its limit.
struct Memory {
    operation: &'static str,
    used: u64,
    limit: u64,
}

impl Memory {
    fn new(operation: &'static str, limit: u64) -> Self {
        Memory { operation, used: 0, limit }
    }

    fn add(&mut self, bytes: u64) -> Result<(), RunError> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.limit {
            return Err(RunError::TooMuchMemory { operation: self.operation, limit: self.limit });
        }
        Ok(())
    }
}

/// The bytes that a value takes in memory, estimated.
pub(crate) fn footprint(value: &Value) -> u64 {
    let heap = match value {
        Value::String(text) | Value::Json(text) => text.len() + 16,
        Value::Bytes(bytes) => bytes.len() + 16,
        _ => 0,
    };
    u64::try_from(size_of::<Value>() + heap).unwrap_or(u64::MAX)
}
