//! Groups and their aggregates.

use std::collections::BTreeMap;

use super::read::Reader;
use super::{Memory, Query, RunError, footprint};
use crate::query::bound::Grouping;
use crate::query::expr::{Accumulator, Aggregate};
use crate::query::plan::Reading;
use crate::storage::Deleted;
use crate::turn;
use crate::value::Value;

/// The groups in the order of their keys: the keys, then the aggregates.
pub(super) async fn groups(query: Query<'_>, grouping: &Grouping) -> Result<Vec<Vec<Value>>, RunError> {
    if let Some(count) = counted(query, grouping) {
        return Ok(vec![vec![Value::Int(count); grouping.aggregates.len()]]);
    }
    let start_group = || grouping.aggregates.iter().map(Accumulator::new).collect::<Vec<_>>();
    let group_bytes = u64::try_from(size_of::<Accumulator>() * grouping.aggregates.len() + 64).unwrap_or(64);
    let mut memory = Memory::new("grouping", query.options.memory);
    let mut groups: BTreeMap<Vec<Value>, Vec<Accumulator>> = BTreeMap::new();
    if grouping.keys.is_empty() {
        groups.insert(Vec::new(), start_group());
    }
    let mut reader = Reader::open(query).await?;
    if counts_rows(grouping) {
        let mut count = 0i64;
        while let Some(rows) = reader.next().await? {
            count = count.saturating_add(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        }
        query.statistics.grouped.add(1, 0);
        return Ok(vec![vec![Value::Int(count); grouping.aggregates.len()]]);
    }
    'reading: while let Some(rows) = reader.next().await? {
        let start = query.nanos();
        for row in rows.into_own(reader.places()) {
            turn::pass(query.costs.group).await;
            let keys = grouping
                .keys
                .iter()
                .map(|key| Ok(key.eval(&row.slots)?.into_owned()))
                .collect::<Result<Vec<Value>, RunError>>()?;
            if !groups.contains_key(&keys) {
                memory.add(keys.iter().map(footprint).sum::<u64>().saturating_add(group_bytes))?;
            }
            let accumulators = groups.entry(keys).or_insert_with(start_group);
            for (accumulator, aggregate) in accumulators.iter_mut().zip(&grouping.aggregates) {
                memory.add(accumulator.add(aggregate, &row.slots)?)?;
                if query.plan.first_only && accumulator.has_best() {
                    break 'reading;
                }
            }
        }
        query.statistics.grouped.add(0, query.nanos().saturating_sub(start));
    }
    let mut rows = Vec::with_capacity(groups.len());
    for (mut row, accumulators) in groups {
        turn::pass(query.costs.group).await;
        for (accumulator, aggregate) in accumulators.into_iter().zip(&grouping.aggregates) {
            row.push(accumulator.finish(aggregate)?);
        }
        rows.push(row);
    }
    query.statistics.grouped.add(rows.len(), 0);
    Ok(rows)
}

/// The number of all entities, where nothing else is asked and the source knows it.
fn counted(query: Query<'_>, grouping: &Grouping) -> Option<i64> {
    let select = query.select();
    let counts_all = select.filter.is_none()
        && select.input.deleted == Deleted::Exclude
        && query.plan.reading == (Reading::All { after: None, until: None })
        && counts_rows(grouping);
    let model = select.input.model.as_ref().filter(|_| counts_all)?;
    i64::try_from(query.source.count_hint(model.id)?).ok()
}

/// Whether nothing but the number of rows is asked for.
fn counts_rows(grouping: &Grouping) -> bool {
    grouping.keys.is_empty() && grouping.aggregates.iter().all(Aggregate::counts_rows)
}
