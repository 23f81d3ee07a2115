//! Plans as text.

use std::ops::Bound;

use super::access::lowest;
use super::{Plan, Reading};
use crate::catalog::Model;
use crate::id::PropertyId;
use crate::query::bound::{Grouping, Input, OrderKey, Slot};
use crate::query::expr::{Expr, Show, SlotNames, show_aggregate, show_value};
use crate::query::run::{Measure, Statistics};
use crate::storage::{Deleted, IndexDefinition, IndexRange};
use crate::value::Value;

/// How many ranges are shown.
const SHOWN: usize = 3;

/// What the columns of groups are called.
struct Groups<'a> {
    grouping: &'a Grouping,
    input: &'a Input,
}

impl SlotNames for Groups<'_> {
    fn slot_name(&self, slot: usize) -> String {
        match self.grouping.keys.get(slot) {
            Some(expr) => Show { expr, names: self.input }.to_string(),
            None => match self.grouping.aggregates.get(slot.saturating_sub(self.grouping.keys.len())) {
                Some(aggregate) => show_aggregate(aggregate, self.input),
                None => format!("${slot}"),
            },
        }
    }
}

/// What the columns of the output are called.
struct Output<'a>(&'a [crate::node::protocol::Column]);

impl SlotNames for Output<'_> {
    fn slot_name(&self, slot: usize) -> String {
        self.0.get(slot).map_or_else(|| format!("${slot}"), |column| column.name.clone())
    }
}

fn show_list<'a>(list: impl IntoIterator<Item = &'a Expr>, names: &dyn SlotNames) -> String {
    let texts: Vec<String> = list.into_iter().map(|expr| Show { expr, names }.to_string()).collect();
    texts.join(", ")
}

fn show_order(order: &[OrderKey], names: &dyn SlotNames) -> String {
    let keys: Vec<String> = order
        .iter()
        .map(|key| {
            let direction = if key.descending { " desc" } else { "" };
            let nulls = match (key.nulls_first, key.descending) {
                (true, false) => " nulls first",
                (false, true) => " nulls last",
                _ => "",
            };
            format!("{}{direction}{nulls}", Show { expr: &key.expr, names })
        })
        .collect();
    keys.join(", ")
}

fn property_name(model: &Model, property: PropertyId) -> String {
    model
        .property(property)
        .map_or_else(|| format!("@{property}"), |property| property.label.as_ref().to_owned())
}

fn show_definition(model: &Model, definition: &IndexDefinition) -> String {
    let parts: Vec<String> = definition
        .parts
        .iter()
        .map(|part| {
            let direction = if part.descending { " desc" } else { "" };
            format!("{}{direction}", property_name(model, part.property))
        })
        .collect();
    format!("({})", parts.join(", "))
}

fn show_range(model: &Model, definition: &IndexDefinition, range: &IndexRange) -> String {
    let name = |at: usize| {
        definition.parts.get(at).map_or_else(String::new, |part| property_name(model, part.property))
    };
    let mut conditions: Vec<String> = range
        .equal
        .iter()
        .enumerate()
        .map(|(at, value)| match value {
            Value::Null => format!("{} is null", name(at)),
            value => format!("{} = {}", name(at), show_value(value)),
        })
        .collect();
    let next = name(range.equal.len());
    let lowest = definition.parts.get(range.equal.len()).and_then(|part| lowest(part.value_type));
    match &range.lower {
        Bound::Unbounded => {}
        Bound::Included(value) if Some(value) == lowest.as_ref() => {
            if range.upper == Bound::Unbounded {
                conditions.push(format!("{next} is not null"));
            }
        }
        Bound::Included(value) => conditions.push(format!("{next} >= {}", show_value(value))),
        Bound::Excluded(value) => conditions.push(format!("{next} > {}", show_value(value))),
    }
    match &range.upper {
        Bound::Unbounded => {}
        Bound::Included(value) => conditions.push(format!("{next} <= {}", show_value(value))),
        Bound::Excluded(value) => conditions.push(format!("{next} < {}", show_value(value))),
    }
    conditions.join(" and ")
}

fn show_ranges(model: &Model, definition: &IndexDefinition, ranges: &[IndexRange]) -> String {
    let mut shown: Vec<String> = ranges
        .iter()
        .take(SHOWN)
        .map(|range| show_range(model, definition, range))
        .filter(|t| !t.is_empty())
        .collect();
    if ranges.len() > SHOWN {
        shown.push(format!("… {} ranges", ranges.len()));
    }
    if shown.is_empty() { "all".to_owned() } else { shown.join(" | ") }
}

fn milliseconds(nanos: u64) -> String {
    let micros = nanos / 1_000;
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}

/// How many rows a step gave or wrote, and how long that took.
pub(crate) fn took(rows: u64, nanos: u64) -> String {
    format!("[{rows} {}, {}]", if rows == 1 { "row" } else { "rows" }, milliseconds(nanos))
}

fn measured(statistics: Option<&Statistics>, of: fn(&Statistics) -> &Measure) -> String {
    match statistics.map(of) {
        None => String::new(),
        Some(measure) => format!("  {}", took(measure.rows(), measure.nanos())),
    }
}

impl Plan {
    /// The plan as lines of text, the outermost step first and what it reads from below it; with statistics
    /// also how many rows each step gave and how long it took.
    pub fn explain(&self, statistics: Option<&Statistics>) -> Vec<String> {
        let select = &self.select;
        let input = &select.input;
        let groups = select.grouping.as_ref().map(|grouping| Groups { grouping, input });
        let names: &dyn SlotNames = match &groups {
            Some(groups) => groups,
            None => input,
        };
        let mut steps = Vec::new();
        if select.limit.is_some() || select.offset > 0 {
            let mut words = Vec::new();
            words.extend(select.limit.map(|limit| format!("limit {limit}")));
            words.extend((select.offset > 0).then(|| format!("offset {}", select.offset)));
            steps.push(words.join(" "));
        }
        steps.push(format!(
            "give {}{}",
            show_list(&select.output, names),
            measured(statistics, |s| &s.given)
        ));
        if self.sorts {
            let output = Output(&select.columns);
            let names = if select.distinct { &output } else { names };
            steps.push(format!(
                "sort by {}{}",
                show_order(&select.order, names),
                measured(statistics, |s| &s.sorted)
            ));
        }
        if select.distinct {
            steps.push("distinct".to_owned());
        }
        if let Some(having) = &select.having {
            steps.push(format!("having {}", Show { expr: having, names }));
        }
        if let Some(grouping) = &select.grouping {
            let aggregates: Vec<String> =
                grouping.aggregates.iter().map(|aggregate| show_aggregate(aggregate, input)).collect();
            let mut words = vec!["group".to_owned()];
            if !grouping.keys.is_empty() {
                words.push(format!("by {}", show_list(&grouping.keys, input)));
            }
            if !aggregates.is_empty() {
                words.push(format!("for {}", aggregates.join(", ")));
            }
            steps.push(format!("{}{}", words.join(" "), measured(statistics, |s| &s.grouped)));
        }
        if let Some(filter) = &select.filter {
            steps.push(format!(
                "where {}{}",
                Show { expr: filter, names: input },
                measured(statistics, |s| &s.kept)
            ));
        }
        let mut followed: Vec<String> = Vec::new();
        for slot in &input.slots {
            if let Slot::Hop(hop) = slot {
                let reference = input.slot_name(hop.from);
                if !followed.contains(&reference) {
                    followed.push(reference);
                }
            }
        }
        if !followed.is_empty() {
            steps.push(format!("follow {}", followed.join(", ")));
        }
        steps.push(format!("{}{}", self.show_reading(), measured(statistics, |s| &s.examined)));
        let mut lines: Vec<String> =
            steps.iter().enumerate().map(|(depth, step)| format!("{}{step}", "  ".repeat(depth))).collect();
        if statistics.is_some_and(Statistics::gave_up_index) {
            lines.push("note: the index found too many rows, so all were read instead".to_owned());
        }
        if let (Some(wanted), Some(model)) = (&self.wanted, &input.model) {
            lines.push(format!("wanted index: {} {}", model.label, show_definition(model, wanted)));
        }
        lines
    }

    fn show_reading(&self) -> String {
        let input = &self.select.input;
        let Some(model) = &input.model else { return "read one row".to_owned() };
        let what = match input.deleted {
            Deleted::Exclude => format!("read {}", model.label),
            Deleted::Only => format!("read deleted {}", model.label),
            Deleted::Include => format!("read {} and deleted ones", model.label),
        };
        match &self.reading {
            Reading::One | Reading::Nothing => "read nothing".to_owned(),
            Reading::All { after: None, until: None } => format!("{what}: all, by id"),
            Reading::All { after, until } => {
                let mut words = Vec::new();
                words.extend(after.map(|id| format!("after @{id}")));
                words.extend(until.map(|id| format!("up to @{id}")));
                format!("{what}: {}, by id", words.join(", "))
            }
            Reading::Entities(entities) => {
                let by = if self.by_key { "key" } else { "id" };
                match entities.as_slice() {
                    [only] if !self.by_key => format!("{what}: @{only}"),
                    [only] => format!("{what} by its key: @{only}"),
                    many => format!("{what}: {} by their {by}s", many.len()),
                }
            }
            Reading::InOrder { ranges, reverse, .. } => {
                let reverse = if *reverse { ", backwards" } else { "" };
                format!("{what} by index {}{reverse}", self.show_indexes(model, [ranges]))
            }
            Reading::Collected(lookups) => {
                let ranges = lookups.iter().map(|(_, ranges)| ranges);
                format!("{what} by id, found by index {}", self.show_indexes(model, ranges))
            }
        }
    }

    fn show_indexes<'a>(
        &self,
        model: &Model,
        ranges: impl IntoIterator<Item = &'a Vec<IndexRange>>,
    ) -> String {
        let shown = self.indexes.iter().zip(ranges).map(|(definition, ranges)| {
            format!("{}: {}", show_definition(model, definition), show_ranges(model, definition, ranges))
        });
        shown.collect::<Vec<_>>().join(" or by ")
    }
}
