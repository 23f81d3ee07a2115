//! Looking up what references lead to.

use std::collections::{BTreeSet, HashMap};

use futures::StreamExt;

use super::read::InputRow;
use super::{RunError, Source};
use crate::id::{EntityId, ModelId, PropertyId};
use crate::query::bound::Slot;
use crate::query::plan::{Plan, Stage};
use crate::storage::{Access, Deleted, Scan};
use crate::value::Value;

/// How many entities a lookup remembers. When there are more it forgets all and goes on.
const REMEMBERED: usize = 16_384;

/// How many entities are looked up at once.
const AT_ONCE: usize = 1_024;

/// The lookups of some stages, in the order in which they depend on each other.
pub(super) struct Hops {
    lookups: Vec<Lookup>,
}

/// A lookup of the entities that a slot refers to.
struct Lookup {
    from: usize,
    model: ModelId,
    columns: Vec<PropertyId>,
    /// The slots to fill: with a column, or with the id.
    slots: Vec<(usize, Option<usize>)>,
    /// What was found; `None` where the entity is gone.
    known: HashMap<EntityId, Option<Vec<Value>>>,
}

impl Hops {
    pub(super) fn new(plan: &Plan, stages: &[Stage]) -> Self {
        let mut lookups: Vec<Lookup> = Vec::new();
        for (slot, kind) in plan.select.input.slots.iter().enumerate() {
            let Slot::Hop(hop) = kind else { continue };
            if !plan.stages.get(slot).is_some_and(|stage| stages.contains(stage)) {
                continue;
            }
            // One lookup a reference: slots that start from one that is filled later come later.
            let at = match lookups.iter().position(|known| known.from == hop.from) {
                Some(at) => at,
                None => {
                    lookups.push(Lookup {
                        from: hop.from,
                        model: hop.model,
                        columns: Vec::new(),
                        slots: Vec::new(),
                        known: HashMap::new(),
                    });
                    lookups.len() - 1
                }
            };
            if let Some(lookup) = lookups.get_mut(at) {
                let column = hop.column().map(|id| {
                    lookup.columns.push(id);
                    lookup.columns.len() - 1
                });
                lookup.slots.push((slot, column));
            }
        }
        lookups.sort_by_key(|lookup| lookup.from);
        Hops { lookups }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lookups.is_empty()
    }

    /// Fills the slots of rows.
    pub(super) async fn fill(&mut self, source: &dyn Source, rows: &mut [InputRow]) -> Result<(), RunError> {
        for lookup in &mut self.lookups {
            for chunk in rows.chunks_mut(AT_ONCE) {
                Box::pin(lookup.fill(source, chunk)).await?;
            }
        }
        Ok(())
    }
}

impl Lookup {
    fn reference(&self, row: &InputRow) -> Option<EntityId> {
        match row.slots.get(self.from) {
            Some(Value::Ref(id)) => Some(*id),
            _ => None,
        }
    }

    async fn fill(&mut self, source: &dyn Source, rows: &mut [InputRow]) -> Result<(), RunError> {
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        let missing: BTreeSet<EntityId> = rows
            .iter()
            .filter_map(|row| self.reference(row))
            .filter(|id| !self.known.contains_key(id))
            .collect();
        if !missing.is_empty() {
            self.known.extend(missing.iter().map(|id| (*id, None)));
            let mut stream = source.scan(Scan {
                model: self.model,
                access: Access::Entities(missing.into_iter().collect()),
                columns: self.columns.clone(),
                deleted: Deleted::Exclude,
                limit: None,
                expected: None,
            });
            while let Some(batch) = stream.next().await {
                self.known.extend(batch?.into_iter().map(|row| (row.entity, Some(row.values))));
            }
        }
        for row in rows {
            let Some(id) = self.reference(row) else { continue };
            let Some(Some(values)) = self.known.get(&id) else { continue };
            for (slot, column) in &self.slots {
                let value = match column {
                    Some(column) => values.get(*column).cloned().unwrap_or(Value::Null),
                    None => Value::Ref(id),
                };
                if let Some(filled) = row.slots.get_mut(*slot) {
                    *filled = value;
                }
            }
        }
        Ok(())
    }
}
