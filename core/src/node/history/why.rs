//! `why`: which operation gave a property its value, and which lost; of a text, who wrote each part of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cut::{Closure, Cut};
use super::log::REDACTED;
use super::replay::{Replayed, Texts, base_at, each};
use super::table::{Table, string, time};
use crate::dag::{Ancestry, AncestryError, Link};
use crate::id::{ActorId, EntityId, ModelId, OpId, PropertyId};
use crate::operation::{Change, Operation};
use crate::property::text::{Limits, Span, prescan};
use crate::query::past::WHY;
use crate::query::{Sink, Source, generate};
use crate::storage::{ReadView, RowStream, Scan, ScanRows, StorageError};
use crate::value::Value;

/// Where the value of a property comes from.
pub(super) struct Why {
    view: Arc<dyn ReadView>,
    model: ModelId,
    entity: EntityId,
    property: PropertyId,
    cut: Cut,
}

/// What an operation sets a property to.
fn set_by(operation: &Operation, property: PropertyId) -> Option<&Value> {
    let key = operation.key().into_iter().flatten().find(|(id, _)| *id == property);
    match (key, operation.change(property)) {
        (Some((_, value)), _) | (None, Some(Change::Set(value))) => Some(value),
        (None, Some(Change::Redact(redaction))) => redaction.value.as_ref(),
        (None, Some(Change::Erased(_))) => Some(&Value::Null),
        _ => None,
    }
}

impl Why {
    pub(super) fn new(
        view: Arc<dyn ReadView>,
        model: ModelId,
        entity: EntityId,
        property: PropertyId,
        cut: Cut,
    ) -> Self {
        Why { view, model, entity, property, cut }
    }

    async fn give(
        &self,
        scan: &Scan,
        sink: &mut Sink<Result<ScanRows, StorageError>>,
    ) -> Result<(), StorageError> {
        let mut table = Table::new(&WHY, scan, sink);
        let state = self.view.state(self.model, self.entity).await?;
        if state.is_some_and(|state| state.text(self.property).is_some()) {
            self.text(&mut table).await?;
        } else {
            self.register(&mut table).await?;
        }
        table.flush().await;
        Ok(())
    }

    /// Calls `visit` with every operation that belongs to the point, ascending.
    async fn visit(
        &self,
        mut visit: impl FnMut(&Arc<Operation>) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        each(self.view.as_ref(), self.entity, OpId::MIN, &self.cut, |_, operation, belongs| {
            if belongs { visit(operation) } else { Ok(()) }
        })
        .await
    }

    /// The operation that set the property last, then those beside it that lost.
    async fn register(&self, table: &mut Table<'_>) -> Result<(), StorageError> {
        let mut winner: Option<Arc<Operation>> = None;
        let mut setters = 0usize;
        self.visit(|operation| {
            if set_by(operation, self.property).is_some() {
                setters = setters.saturating_add(1);
                winner = Some(Arc::clone(operation));
            }
            Ok(())
        })
        .await?;
        let base = base_at(self.view.as_ref(), self.entity, &self.cut).await?;
        let below = base.and_then(|base| base.registers.get(&self.property).cloned());
        if let Some(below) = &below {
            setters = setters.saturating_add(1);
            if winner.as_ref().is_none_or(|winner| winner.id() < below.winner) {
                let value = if below.value.is_null() { Value::Null } else { string(below.value.to_string()) };
                let mut row = row(value, "won", None, string("set before the horizon"));
                for (place, known) in [(2, Value::Ref(EntityId(below.winner))), (3, time(below.winner))] {
                    if let Some(column) = row.get_mut(place) {
                        *column = known;
                    }
                }
                table.push(below.winner, row).await;
                return Ok(());
            }
        }
        let Some(winner) = winner else { return Ok(()) };
        let closure = Closure::of(self.view.as_ref(), self.entity, vec![winner.link()]).await?;
        let mut beside: Vec<Link> = Vec::new();
        self.visit(|operation| {
            let link = operation.link();
            if set_by(operation, self.property).is_some() && !closure.has(&link) {
                beside.push(link);
            }
            Ok(())
        })
        .await?;
        // What was set again on the same branch did not lose to the winner but to that.
        let ancestry = Ancestry::open(self.view.as_ref(), self.entity).await?;
        let lost = ancestry.maximal(beside).await.map_err(|error| match error {
            AncestryError::Storage(error) => error,
            AncestryError::NotHeld(_) => StorageError::Damaged {
                what: format!("runs of entity {}", self.entity),
                message: error.to_string(),
            },
        })?;
        let rule = match (lost.len(), setters) {
            (0, 1) => "the only change".to_owned(),
            (0, _) => "follows every other change".to_owned(),
            (lost, _) => format!("the greatest id of {} concurrent changes", lost.saturating_add(1)),
        };
        if !self.push(table, &winner, "won", &rule).await {
            return Ok(());
        }
        for link in lost.links().iter().rev() {
            if let Some((_, operation)) = self.view.operation(self.entity, link.id).await? {
                if !self.push(table, &operation, "lost", "concurrent, and its id is smaller").await {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn push(&self, table: &mut Table<'_>, operation: &Operation, verdict: &str, rule: &str) -> bool {
        let value = match set_by(operation, self.property) {
            None | Some(Value::Null) => Value::Null,
            Some(value) => string(value.to_string()),
        };
        let rule = match operation.is_redacted(self.property) {
            true => string(format!("redacted; {rule}")),
            false => string(rule),
        };
        let row = row(value, verdict, Some(operation), rule);
        table.push(operation.id(), row).await
    }

    /// The text in pieces, each with the operation that wrote it.
    async fn text(&self, table: &mut Table<'_>) -> Result<(), StorageError> {
        let texts = Texts::These(vec![self.property]);
        let state = Replayed::at(self.view.as_ref(), self.entity, &self.cut, &texts).await?;
        let Some(document) = state.as_ref().and_then(|state| state.texts.get(&self.property)) else {
            return Ok(());
        };
        let mut writers = Writers::default();
        let mut redacted: Vec<Arc<Operation>> = Vec::new();
        self.visit(|operation| {
            if operation.is_redacted(self.property) {
                redacted.push(Arc::clone(operation));
            } else if let Some(Change::Text(update)) = operation.change(self.property) {
                let scan = prescan(update, Limits::OPERATION).map_err(|error| StorageError::Damaged {
                    what: format!("operation {} of entity {}", operation.id(), self.entity),
                    message: error.to_string(),
                })?;
                scan.inserts().for_each(|span| writers.add(span, operation.id()));
            }
            Ok(())
        })
        .await?;
        let mut pieces: Vec<(Option<OpId>, String)> = Vec::new();
        for (span, text) in document.pieces() {
            for (id, part) in writers.split(span, &text) {
                match pieces.last_mut() {
                    Some((last, text)) if *last == id => text.push_str(part),
                    _ => pieces.push((id, part.to_owned())),
                }
            }
        }
        for (id, text) in pieces {
            let operation = match id {
                Some(id) => self.view.operation(self.entity, id).await?,
                None => None,
            };
            let operation = operation.as_ref().map(|(_, operation)| operation.as_ref());
            let row = row(string(text), "wrote", operation, Value::Null);
            if !table.push(id.unwrap_or_default(), row).await {
                return Ok(());
            }
        }
        for operation in redacted {
            let row = row(Value::Null, REDACTED, Some(&operation), Value::Null);
            if !table.push(operation.id(), row).await {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn row(value: Value, verdict: &str, operation: Option<&Operation>, rule: Value) -> Vec<Value> {
    let origin = operation.and_then(Operation::origin);
    vec![
        value,
        string(verdict),
        operation.map_or(Value::Null, |operation| Value::Ref(EntityId(operation.id()))),
        operation.map_or(Value::Null, |operation| time(operation.id())),
        origin.map_or(Value::Null, |origin| string(origin.author.to_string())),
        origin.map_or(Value::Null, |origin| string(origin.actor.to_string())),
        rule,
    ]
}

/// Which operation wrote which units of a text.
#[derive(Default)]
struct Writers(BTreeMap<(ActorId, u32), (u32, OpId)>);

impl Writers {
    /// Notes what an operation wrote. An actor's units are written once: what is known already is not its.
    fn add(&mut self, span: Span, id: OpId) {
        let known = self.0.range((span.actor, 0)..=(span.actor, u32::MAX)).next_back();
        let start = known.map_or(span.start, |(_, (end, _))| span.start.max(*end));
        if start < span.end {
            self.0.insert((span.actor, start), (span.end, id));
        }
    }

    /// Cuts a piece of text where another operation goes on.
    fn split<'t>(&self, span: Span, text: &'t str) -> Vec<(Option<OpId>, &'t str)> {
        let mut parts = Vec::new();
        let (mut at, mut rest) = (span.start, text);
        while !rest.is_empty() {
            let found = self.0.range((span.actor, 0)..=(span.actor, at)).next_back();
            let (end, id) = match found.filter(|(_, (end, _))| *end > at) {
                Some((_, (end, id))) => (*end, Some(*id)),
                None => (u32::MAX, None),
            };
            let (part, after) = cut(rest, end.saturating_sub(at));
            parts.push((id, part));
            at = end;
            rest = after;
        }
        parts
    }
}

/// Cuts a text after so many UTF-16 units, at least one character.
fn cut(text: &str, units: u32) -> (&str, &str) {
    let units = usize::try_from(units).unwrap_or(usize::MAX);
    let mut seen = 0usize;
    for (at, character) in text.char_indices() {
        if seen >= units && at > 0 {
            return text.split_at_checked(at).unwrap_or((text, ""));
        }
        seen = seen.saturating_add(character.len_utf16());
    }
    (text, "")
}

impl Source for Why {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        generate(move |mut sink| async move {
            if let Err(error) = self.give(&scan, &mut sink).await {
                sink.give(Err(error)).await;
            }
        })
    }
}
