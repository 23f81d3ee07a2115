//! What a live query asks: kept as text, so that it can be bound again when the catalog changes.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::Arc;

use ankurah_query_lang::parse_statement;

use crate::catalog::Catalog;
use crate::env::{MaybeSend, MaybeSync};
use crate::id::ModelId;
use crate::node::failure::{Explain, Outcome, failure};
use crate::node::protocol::{Failure, Parameters};
use crate::query::expr::Expr;
use crate::query::{Bound, BoundSelect, Context, OrderKey, Slot, bind_statement};
use crate::storage::Deleted;
use crate::value::Timestamp;

/// A question that is asked again and again.
#[derive(Clone)]
pub struct LiveQuestion {
    text: Arc<str>,
    binder: Option<Arc<dyn LiveBinder>>,
    parameters: Option<Arc<Parameters>>,
    /// What `now()` is in it.
    now: Timestamp,
}

impl fmt::Debug for LiveQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveQuestion").field("text", &self.text).finish_non_exhaustive()
    }
}

/// What a question means in a catalog that is not written as a statement.
pub trait LiveBinder: MaybeSend + MaybeSync {
    /// What it means in a catalog. It is asked again when the catalog has changed.
    ///
    /// # Errors
    /// [`Failure`] where it means nothing there; the live query then ends with it.
    fn bind(
        &self,
        catalog: &Arc<Catalog>,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Result<BoundSelect, Box<Failure>>;
}

impl LiveQuestion {
    /// A statement of the language: `select …` or `live select …`. `now` is what `now()` is in it.
    pub fn statement(text: &str, parameters: Parameters, now: Timestamp) -> Self {
        LiveQuestion { text: Arc::from(text), binder: None, parameters: some(parameters), now }
    }

    /// What a binder makes of parameters; the text is for people.
    pub fn bound_by(text: &str, parameters: Parameters, now: Timestamp, binder: Arc<dyn LiveBinder>) -> Self {
        LiveQuestion { text: Arc::from(text), binder: Some(binder), parameters: some(parameters), now }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means in a catalog.
    pub(super) fn bind(&self, catalog: &Arc<Catalog>) -> Outcome<BoundSelect> {
        let none = Parameters::default();
        let parameters = self.parameters.as_deref().unwrap_or(&none);
        if let Some(binder) = &self.binder {
            return binder.bind(catalog, parameters, self.now);
        }
        let context = Context { names: catalog.as_ref(), parameters, now: self.now };
        let statement = parse_statement(&self.text)?;
        match bind_statement(&statement, context)? {
            Bound::Select(select) | Bound::Live(select) => Ok(*select),
            _ => {
                Err(failure("not-a-query", "only the result of a `select` can be observed")
                    .at(statement.span))
            }
        }
    }
}

fn some(parameters: Parameters) -> Option<Arc<Parameters>> {
    (parameters != Parameters::default()).then(|| Arc::new(parameters))
}

/// What a bound query means, as a number: equal queries have equal ones, however they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Meaning([u8; 16]);

/// A hash as a place to write to.
struct Digest(blake3::Hasher);

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

impl Digest {
    fn finish(self) -> Meaning {
        let mut bytes = [0; 16];
        self.0.finalize_xof().fill(&mut bytes);
        Meaning(bytes)
    }
}

impl Meaning {
    /// The meaning of a query without its condition.
    pub(super) fn of_shape(select: &BoundSelect) -> Self {
        let mut digest = Digest(blake3::Hasher::new());
        // Writing to a digest never fails.
        let _ = write_shape(select, &mut digest);
        digest.finish()
    }

    /// The meaning of a query of a shape with a condition.
    pub(super) fn with_filter(self, filter: Option<&Expr>) -> Self {
        let mut digest = Digest(blake3::Hasher::new());
        digest.0.update(&self.0);
        let _ = write!(digest, "{filter:?}");
        digest.finish()
    }
}

fn write_shape(select: &BoundSelect, out: &mut Digest) -> fmt::Result {
    let input = &select.input;
    write!(out, "{:?} {:?} {:?}", input.model.as_ref().map(|model| model.id), input.deleted, input.entities)?;
    for slot in &input.slots {
        match slot {
            Slot::Id => out.write_str(" id")?,
            Slot::Property(property) => write!(out, " {:?} {:?}", property.id, property.value_type)?,
            Slot::Hop(hop) => write!(out, " {} {:?} {:?}", hop.from, hop.model, hop.column())?,
        }
    }
    let (grouping, having) = (&select.grouping, &select.having);
    let (output, columns) = (&select.output, &select.columns);
    write!(out, " {grouping:?} {having:?} {output:?} {columns:?}")?;
    let (distinct, order) = (select.distinct, &select.order);
    write!(out, " {distinct} {order:?} {:?} {}", select.limit, select.offset)
}

/// How the result of a query is known row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rowing {
    /// A row an entity.
    Entities,
    /// A row a group: so many values by which it was grouped follow the row.
    Groups(usize),
    /// Every row once.
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
    /// The models whose changes may change the result.
    pub(super) models: BTreeSet<ModelId>,
    /// Whether a change of an entity can be told from the entity alone, as long as the condition cannot fail.
    pub(super) row_by_row: bool,
}

impl Shape {
    pub(super) fn new(mut select: BoundSelect, meaning: Meaning) -> Self {
        select.filter = None;
        let rowing = match (&select.grouping, select.distinct, &select.input.model) {
            (_, true, _) => Rowing::Distinct,
            (Some(grouping), ..) => Rowing::Groups(grouping.keys.len()),
            (None, false, Some(_)) => Rowing::Entities,
            (None, false, None) => Rowing::None,
        };
        let mut models: BTreeSet<ModelId> = select.input.model.iter().map(|model| model.id).collect();
        models.extend(select.input.slots.iter().filter_map(|slot| match slot {
            Slot::Hop(hop) => Some(hop.model),
            Slot::Id | Slot::Property(_) => None,
        }));
        let hops = select.input.slots.iter().any(|slot| matches!(slot, Slot::Hop(_)));
        let can_fail = select.output.iter().any(Expr::can_fail)
            || select.order.iter().any(|key: &OrderKey| key.expr.can_fail());
        let whole = select.limit.is_none() && select.offset == 0;
        let plain = select.input.deleted == Deleted::Exclude && select.input.entities.is_none();
        let row_by_row = rowing == Rowing::Entities && plain && whole && !hops && !can_fail;
        Shape { meaning, select, rowing, models, row_by_row }
    }

    /// The query with a condition.
    pub(super) fn select(&self, filter: Option<&Expr>) -> BoundSelect {
        BoundSelect { filter: filter.cloned(), ..self.select.clone() }
    }

    /// The query with a condition, its rows followed by what they are known by.
    pub(super) fn keyed(&self, filter: Option<&Expr>) -> BoundSelect {
        let mut select = self.select(filter);
        let column = |slot| Expr::Column(slot, Default::default());
        match self.rowing {
            Rowing::Entities => {
                let slots = &mut select.input.slots;
                let id = slots.iter().position(|slot| *slot == Slot::Id).unwrap_or_else(|| {
                    slots.push(Slot::Id);
                    slots.len().saturating_sub(1)
                });
                select.output.push(column(id));
                if self.row_by_row {
                    select.output.extend(select.order.iter().map(|key| key.expr.clone()));
                }
            }
            Rowing::Groups(keys) => select.output.extend((0..keys).map(column)),
            Rowing::Distinct | Rowing::None => {}
        }
        select
    }
}
