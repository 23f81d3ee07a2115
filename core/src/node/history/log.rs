//! `history of`: the changes of an entity.

use std::collections::VecDeque;
use std::sync::Arc;

use super::PAGE;
use super::lanes::Lanes;
use super::replay::{Replayed, Texts};
use super::table::{Table, string, time};
use super::{label, ordinal};
use crate::catalog::{Catalog, Model};
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::operation::{Change, Operation};
use crate::property::{Difference, text_difference};
use crate::query::past::{HISTORY, HISTORY_CHANGE};
use crate::query::{Sink, Source, generate};
use crate::storage::{Accepted, ReadView, RowStream, Scan, ScanRows, StorageError};
use crate::value::Value;

/// What is shown in the place of a change that was erased.
pub(super) const REDACTED: &str = "redacted";

fn named(count: usize) -> String {
    if count == 1 { "1 operation".to_owned() } else { format!("{count} operations") }
}

/// The changes of an entity as rows: one for each property that an operation changes, one for an operation that changes
/// none. In the order of ids, within an operation in that of the properties.
pub(super) struct Log {
    view: Arc<dyn ReadView>,
    catalog: Arc<Catalog>,
    model: ModelId,
    entity: EntityId,
    /// The operation whose changes are asked for, where not all are; `None` in it for that of none.
    only: Option<Option<OpId>>,
}

/// What an operation changes: the property, and how. Nothing where that was erased or is not known to this version.
struct Changed {
    property: PropertyId,
    change: String,
}

impl Log {
    pub(super) fn new(
        view: Arc<dyn ReadView>,
        catalog: Arc<Catalog>,
        model: ModelId,
        entity: EntityId,
    ) -> Self {
        Log { view, catalog, model, entity, only: None }
    }

    /// The changes of one operation alone.
    pub(super) fn only(self, operation: Option<OpId>) -> Self {
        Log { only: Some(operation), ..self }
    }

    async fn give(
        &self,
        scan: &Scan,
        sink: &mut Sink<Result<ScanRows, StorageError>>,
    ) -> Result<(), StorageError> {
        let mut table = Table::new(&HISTORY, scan, sink);
        let model = self.catalog.model(self.model).map(AsRef::as_ref);
        // Without the changes no state is made out.
        let values = table.wants(HISTORY_CHANGE);
        let mut lanes = Lanes::new(self.view.as_ref(), self.entity, Texts::All);
        let mut ahead: VecDeque<Accepted> = VecDeque::new();
        let mut after = self.only.is_none().then_some(OpId::MIN);
        if let Some(Some(only)) = self.only {
            ahead.extend(self.view.operation(self.entity, only).await?);
        }
        let base = if self.only.is_none() { self.view.base(self.entity).await? } else { None };
        if let Some(base) = base {
            let last = base.last();
            let mut row = vec![Value::Ref(EntityId(last)), Value::Null, time(last)];
            row.extend([Value::Null, Value::Null, Value::Null, Value::Null, Value::Null]);
            row.push(string("horizon: what came before is not kept"));
            if !table.push(last, row).await {
                table.flush().await;
                return Ok(());
            }
        }
        loop {
            // At least a page is in sight, so that what is needed again soon is kept.
            while let Some(from) = after.filter(|_| ahead.len() < PAGE) {
                let page = self.view.operations(self.entity, from, PAGE).await?;
                after = page.last().map(|(_, operation)| operation.id());
                if values {
                    page.iter().for_each(|(_, operation)| lanes.expect(operation));
                }
                ahead.extend(page);
            }
            let Some((position, operation)) = ahead.pop_front() else { break };
            let mut changed = if values {
                match lanes.before(&operation).await {
                    Ok(mut state) => {
                        let changed = changes(&lanes, &mut state, &operation)?;
                        lanes.keep(operation.id(), state);
                        changed
                    }
                    // It follows a part of what is not kept.
                    Err(StorageError::Horizon { .. }) => unknown(&operation),
                    Err(error) => return Err(error),
                }
            } else {
                let key = operation.key().into_iter().flatten().map(|(property, _)| *property);
                let properties = key.chain(operation.leaves().iter().map(|leaf| leaf.property));
                properties.map(|property| Changed { property, change: String::new() }).collect()
            };
            changed.sort_by_key(|changed| (ordinal(model, changed.property), changed.property));
            let common = common(position.0, &operation);
            if !rows(&mut table, model, operation.id(), common, changed).await {
                break;
            }
        }
        table.flush().await;
        Ok(())
    }
}

/// Adds the rows of an operation. Gives whether more are wanted.
async fn rows(
    table: &mut Table<'_>,
    model: Option<&Model>,
    id: OpId,
    common: Vec<Value>,
    changed: Vec<Changed>,
) -> bool {
    if changed.is_empty() {
        return table.push(id, [common, vec![Value::Null, Value::Null]].concat()).await;
    }
    for Changed { property, change } in changed {
        let mut row = common.clone();
        row.push(string(label(model, property)));
        row.push(string(change));
        if !table.push(id, row).await {
            return false;
        }
    }
    true
}

/// The columns before the property.
fn common(position: u64, operation: &Operation) -> Vec<Value> {
    let origin = operation.origin();
    let parents: Vec<String> = operation.parents().iter().map(|parent| parent.id.to_string()).collect();
    vec![
        Value::Ref(EntityId(operation.id())),
        i64::try_from(position).map_or(Value::Null, Value::Int),
        time(operation.id()),
        origin.map_or(Value::Null, |origin| string(origin.author.to_string())),
        origin.map_or(Value::Null, |origin| string(origin.actor.to_string())),
        origin.map_or(Value::Null, |origin| Value::Ref(EntityId(OpId::from_bits(origin.transaction.0)))),
        string(parents.join(" ")),
    ]
}

/// What an operation changes in the state that it was made on, which becomes the state after it.
fn changes(
    lanes: &Lanes<'_>,
    state: &mut Replayed,
    operation: &Operation,
) -> Result<Vec<Changed>, StorageError> {
    let key = operation.key().into_iter().flatten().map(|(property, _)| *property);
    let properties: Vec<PropertyId> =
        key.chain(operation.leaves().iter().map(|leaf| leaf.property)).collect();
    let before: Vec<Option<Value>> = properties.iter().map(|property| state.value(*property)).collect();
    lanes.apply(state, operation)?;
    let shown = properties.into_iter().zip(before).map(|(property, old)| Changed {
        property,
        change: match operation.change(property) {
            Some(Change::Erased(_)) => REDACTED.to_owned(),
            Some(Change::Redact(redaction)) => match (&redaction.value, redaction.units.is_empty()) {
                (None, true) => format!("redacts {}", named(redaction.operations.len())),
                (None, false) => "redacts text".to_owned(),
                (Some(value), _) => format!("redacts {} → {value}", named(redaction.operations.len())),
            },
            Some(Change::Horizon(_)) => "horizon: what is before is not kept".to_owned(),
            Some(Change::Opaque { .. }) => "not known to this version".to_owned(),
            Some(Change::Text(_)) if operation.is_redacted(property) => REDACTED.to_owned(),
            Some(Change::Text(_)) => text_change(old.as_ref(), state.value(property).as_ref()).to_string(),
            // What a concurrent operation with a greater id set is not this operation's doing.
            Some(Change::Set(new)) => Difference::Set { old, new: Some(new.clone()) }.to_string(),
            None => Difference::Set { old, new: state.value(property) }.to_string(),
        },
    });
    Ok(shown.collect())
}

/// What an operation changes where it is not known what it was made on.
fn unknown(operation: &Operation) -> Vec<Changed> {
    let leaf = |leaf: &crate::operation::Leaf| Changed {
        property: leaf.property,
        change: match &leaf.change {
            _ if operation.is_redacted(leaf.property) => REDACTED.to_owned(),
            Change::Set(value) => format!("? → {value}"),
            _ => "? → ?".to_owned(),
        },
    };
    operation.leaves().iter().map(leaf).collect()
}

/// How a text changed. One that was not there before is inserted as a whole.
pub(super) fn text_change(old: Option<&Value>, new: Option<&Value>) -> Difference {
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => Arc::clone(text),
        _ => Arc::from(""),
    };
    Difference::Text(text_difference(&text(old), &text(new)))
}

impl Source for Log {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        generate(move |mut sink| async move {
            if let Err(error) = self.give(&scan, &mut sink).await {
                sink.give(Err(error)).await;
            }
        })
    }
}
