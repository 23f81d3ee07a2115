//! What an entity contributes to a result.

use std::collections::HashMap;

use super::query::Query;
use super::row::Part;
use super::shape::Rowing;
use crate::id::{EntityId, PropertyId};
use crate::query::expr::Expr;
use crate::query::{EvalError, Slot};
use crate::value::{RowRef, Value, ValueRef};

/// The columns of rows that were read for several queries.
#[derive(Debug, Default)]
pub(super) struct Columns {
    places: HashMap<PropertyId, usize>,
    list: Vec<PropertyId>,
}

impl Columns {
    /// Adds one.
    pub(super) fn add(&mut self, property: PropertyId) {
        let next = self.list.len();
        if *self.places.entry(property).or_insert(next) == next {
            self.list.push(property);
        }
    }

    /// The value of a property in a row that was read; null where it was not.
    pub(super) fn value<'a>(&self, property: PropertyId, read: RowRef<'a>) -> ValueRef<'a> {
        self.places.get(&property).map_or(ValueRef::Null, |place| read.get(*place))
    }

    /// The columns to read.
    pub(super) fn list(&self) -> &[PropertyId] {
        &self.list
    }
}

/// What an entity that was read contributes to a result in which no reference is followed; `None` where the condition does
/// not hold.
pub(super) fn evaluate(
    query: &Query,
    columns: &Columns,
    entity: EntityId,
    read: RowRef<'_>,
) -> Result<Option<Part>, EvalError> {
    let select = &query.shape.select;
    let slots = &select.input.slots;
    let slot = |number: usize| match slots.get(number) {
        Some(Slot::Id) => Some(ValueRef::Ref(entity)),
        Some(Slot::Property(property)) => Some(columns.value(property.id, read)),
        Some(Slot::Hop(_)) | None => None,
    };
    let own = || -> Vec<Value> {
        (0..slots.len()).map(|number| slot(number).map_or(Value::Null, ValueRef::to_value)).collect()
    };
    let holds = match &query.filter {
        None => true,
        Some(filter) => match filter.holds_quickly(&slot) {
            Some(holds) => holds,
            None => filter.holds(&own())?,
        },
    };
    if !holds {
        return Ok(None);
    }
    let slots = own();
    let evaluated = |expr: &Expr| Ok(expr.eval(&slots)?.into_owned());
    let rowing = query.shape.rowing;
    if matches!(rowing, Rowing::Groups(_)) {
        return Ok(Some(Part { values: slots, order: Vec::new() }));
    }
    let values = select.output.iter().map(evaluated).collect::<Result<_, EvalError>>()?;
    // Rows that are there once are ordered by what they show.
    let order = select.order.iter().filter(|_| rowing == Rowing::Entities);
    let order = order.map(|key| evaluated(&key.expr)).collect::<Result<_, EvalError>>()?;
    Ok(Some(Part { values, order }))
}
