//! What queries that differ in their conditions alone have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kept::Window;
use super::question::Meaning;
use crate::id::{EntityId, ModelId};
use crate::query::expr::{Aggregate, Expr};
use crate::query::{BoundSelect, Input, Slot};
use crate::storage::Deleted;
use crate::value::Value;

/// What a row of a result stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rowing {
    /// An entity.
    Entities,
    /// A group: so many values by which it was grouped follow the row.
    Groups(usize),
    /// All entities with its values.
    Distinct,
    /// There is no `from`.
    None,
}

/// What queries that differ in their conditions alone have in common.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) meaning: Meaning,
    /// Without its condition.
    pub(super) select: BoundSelect,
    pub(super) rowing: Rowing,
    pub(super) window: Window,
    /// The models whose changes may change the result.
    pub(super) models: BTreeSet<ModelId>,
    /// Whether the result can be kept right by looking at the entities that changed.
    pub(super) keeps: bool,
    /// Whether references are followed.
    pub(super) follows: bool,
    /// Whether it gives nothing but the number of entities.
    pub(super) counts_all: bool,
    /// Whether a reference leads to the model that is asked.
    pub(super) follows_own: bool,
}

impl Shape {
    pub(super) fn new(mut select: BoundSelect, meaning: Meaning) -> Self {
        select.filter = None;
        let rowing = match (&select.grouping, select.distinct, &select.input.model) {
            (_, _, None) => Rowing::None,
            (_, true, _) => Rowing::Distinct,
            (Some(grouping), ..) => Rowing::Groups(grouping.keys.len()),
            (None, false, Some(_)) => Rowing::Entities,
        };
        let own = select.input.model.as_ref().map(|model| model.id);
        let mut models: BTreeSet<ModelId> = own.into_iter().collect();
        let hops = select.input.slots.iter().filter_map(|slot| match slot {
            Slot::Hop(hop) => Some(hop.model),
            Slot::Id | Slot::Property(_) => None,
        });
        let hops: BTreeSet<ModelId> = hops.collect();
        models.extend(&hops);
        let plain = select.input.deleted == Deleted::Exclude && select.input.entities.is_none();
        // Groups that are made distinct stand for entities in two ways at once.
        let twice = select.grouping.is_some() && select.distinct;
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Shape {
            meaning,
            rowing,
            window: Window { offset: size(select.offset), limit: select.limit.map(size) },
            keeps: rowing != Rowing::None && plain && !twice,
            counts_all: select.grouping.as_ref().is_some_and(|grouping| {
                grouping.keys.is_empty() && grouping.aggregates.iter().all(Aggregate::counts_rows)
            }),
            follows: !hops.is_empty(),
            follows_own: own.is_some_and(|own| hops.contains(&own)),
            models,
            select,
        }
    }

    /// The query of queries that have none yet: it has no rows.
    pub(super) fn nothing() -> BoundSelect {
        let (model, entities, past) = (None, None, None);
        let input = Input { model, slots: Vec::new(), deleted: Deleted::Exclude, entities, past };
        BoundSelect { limit: Some(0), ..BoundSelect::of(input, None) }
    }

    /// Whether rows stand in the order of what they are known by.
    pub(super) fn by_key(&self) -> bool {
        self.select.order.is_empty() && self.rowing != Rowing::Distinct
    }

    /// How many columns are shown.
    pub(super) fn width(&self) -> usize {
        self.select.columns().len()
    }

    /// The query with a condition, its rows followed by what they are known by.
    pub(super) fn exact(&self, filter: Option<&Expr>) -> BoundSelect {
        let mut select = BoundSelect { filter: filter.cloned(), ..self.select.clone() };
        match self.rowing {
            Rowing::Entities => push_id(&mut select),
            Rowing::Groups(keys) => select.output.extend((0..keys).map(column)),
            Rowing::Distinct | Rowing::None => {}
        }
        select
    }

    /// What entities contribute to the result: the values of [`Part`](super::row::Part), those that rows are ordered by,
    /// then the entity.
    pub(super) fn parts(&self, filter: Option<&Expr>) -> BoundSelect {
        let mut select = BoundSelect { filter: filter.cloned(), ..self.select.clone() };
        match self.rowing {
            Rowing::Groups(_) => select.output = (0..select.input.slots.len()).map(column).collect(),
            Rowing::Entities => select.output.extend(select.order.iter().map(|key| key.expr.clone())),
            Rowing::Distinct | Rowing::None => {}
        }
        if self.rowing != Rowing::Entities {
            select.order.clear();
        }
        (select.grouping, select.having, select.distinct) = (None, None, false);
        (select.limit, select.offset) = (None, 0);
        push_id(&mut select);
        select
    }

    /// What these entities contribute to the result.
    pub(super) fn parts_of(&self, filter: Option<&Expr>, entities: Vec<EntityId>) -> BoundSelect {
        let mut select = self.parts(filter);
        select.order.clear();
        select.input.entities = Some(entities);
        select
    }

    /// The entities from which references lead to any of these entities, by their models.
    pub(super) fn referring(&self, to: &BTreeMap<ModelId, Arc<BTreeSet<EntityId>>>) -> BoundSelect {
        let mut select = self.parts(None);
        select.order.clear();
        let mut sets: BTreeMap<usize, BTreeSet<Value>> = BTreeMap::new();
        for slot in &select.input.slots {
            let Slot::Hop(hop) = slot else { continue };
            if let Some(entities) = to.get(&hop.model) {
                sets.entry(hop.from).or_default().extend(entities.iter().copied().map(Value::Ref));
            }
        }
        let leads = sets.into_iter().map(|(slot, set)| Expr::InSet {
            expr: Box::new(column(slot)),
            set: set.into_iter().collect::<Arc<[Value]>>(),
            has_null: false,
        });
        let mut leads: Vec<Expr> = leads.collect();
        select.filter = match leads.len() {
            0 | 1 => leads.pop(),
            _ => Some(Expr::Or(leads)),
        };
        select.output.clear();
        push_id(&mut select);
        select
    }
}

fn column(slot: usize) -> Expr {
    Expr::Column(slot, Default::default())
}

/// Adds the entity to what is shown.
fn push_id(select: &mut BoundSelect) {
    let slots = &mut select.input.slots;
    let id = slots.iter().position(|slot| *slot == Slot::Id).unwrap_or_else(|| {
        slots.push(Slot::Id);
        slots.len().saturating_sub(1)
    });
    select.output.push(column(id));
}
