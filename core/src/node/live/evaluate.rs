//! What an entity is in a result that is kept row by row.

use std::collections::HashMap;

use super::query::Query;
use super::row::{Key, Row};
use crate::id::{EntityId, PropertyId};
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

/// The row of an entity, which was read, in a result; `None` where it is not in it.
pub(super) fn evaluate(
    query: &Query,
    columns: &Columns,
    entity: EntityId,
    read: RowRef<'_>,
) -> Result<Option<Row>, EvalError> {
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
    let values = select.output.iter().map(|expr| Ok(expr.eval(&slots)?.into_owned()));
    let values = values.collect::<Result<_, EvalError>>()?;
    let order = select.order.iter().map(|key| Ok(key.expr.eval(&slots)?.into_owned()));
    let order = order.collect::<Result<_, EvalError>>()?;
    Ok(Some(Row { key: Key::Entity(entity), order, values }))
}
