//! `select` and predicates.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{
    self, ExprKind, Literal, NullsOrder, NumberKind, OrderItem, RelationKind, SelectItem, SelectItemKind,
};

use super::expr::{Aggregates, Binder};
use super::group::{Groups, Labels, contains_aggregate, numbered};
use super::literal::count;
use super::scope::{self, ID, Scope};
use super::types::{Conversion, Ty, Typed, convert, describe};
use super::{Projection, Session};
use crate::catalog::Model;
use crate::id::ModelId;
use crate::node::protocol::Column;
use crate::query::bound::{BoundSelect, Grouping, Input, OrderKey};
use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Aggregate, AggregateFunction, Expr, Place};
use crate::storage::Deleted;
use crate::value::{Value, ValueType};

/// An item of a select list.
pub(super) struct Item {
    pub(super) typed: Typed,
    pub(super) name: String,
}

/// A bound `select` whose output has not yet its final types.
pub(super) struct Unsettled {
    pub(super) select: BoundSelect,
    pub(super) items: Vec<Item>,
}

impl<'a> Session<'a> {
    pub(super) fn select(&self, select: &ast::Select) -> Result<BoundSelect, BindError> {
        self.unsettled(select).map(Unsettled::settle)
    }

    /// The rows that a `from` names.
    pub(super) fn relation(&self, relation: Option<&ast::Relation>) -> Result<Scope<'a>, BindError> {
        let names = self.context.names;
        let not_available =
            |what: &str, span| BindError::new(BindErrorKind::NotAvailable(what.to_owned()), span);
        match relation.map(|relation| (&relation.kind, relation.span)) {
            None => {
                let instead = "name the model after `from`; a string is written in single quotes";
                Ok(Scope::empty(names, "a statement without `from`", instead))
            }
            Some((RelationKind::Model { name, alias }, _)) => {
                Ok(Scope::of_model(names, Arc::clone(self.find_model(name)?), alias.clone()))
            }
            Some((RelationKind::Past { past, alias }, _)) => self.past(past, alias.clone()),
            Some((RelationKind::Query { .. }, span)) => Err(not_available("subqueries are", span)),
            Some((RelationKind::Join { .. }, span)) => Err(not_available("joins are", span)
                .help("a reference can be followed with a path, as in `track.album.title`")),
        }
    }

    /// The rows that a query reads, and the condition that they must meet.
    fn rows<'q>(&self, select: &'q ast::Select) -> Result<(Scope<'a>, Option<&'q ast::Expr>), BindError> {
        let condition = select.filter.as_ref();
        if let Some(ast::Relation { kind: RelationKind::Past { past, alias }, .. }) = &select.from {
            if let ast::PastKind::Bisect { entity } = &past.kind {
                // The condition is one on the entity as it was, not on the rows.
                return Ok((self.bisect(entity, condition, alias.clone(), past.span)?, None));
            }
        }
        Ok((self.relation(select.from.as_ref())?, condition))
    }

    pub(super) fn unsettled(&self, select: &ast::Select) -> Result<Unsettled, BindError> {
        let (scope, condition) = self.rows(select)?;
        let mut binder = Binder::new(self, scope);
        let filter = binder.filter(condition, &select.items)?;
        binder.position = Aggregates::Allowed;
        let mut items = binder.items(&select.items)?;
        let keys = binder.group_keys(&select.group_by, &items)?;
        binder.position = Aggregates::Allowed;
        let mut having = select.having.as_ref().map(|having| binder.condition(having)).transpose()?;
        let mut order = binder.order(&select.order_by, &items)?;
        let aggregates = std::mem::take(&mut binder.aggregates);
        let grouping = (!select.group_by.is_empty() || !aggregates.is_empty() || having.is_some())
            .then_some(Grouping { keys, aggregates });
        if let Some(grouping) = &grouping {
            let groups = Groups::new(grouping, &binder.scope);
            for item in &mut items {
                groups.regroup(&mut item.typed.expr)?;
            }
            if let Some(having) = &mut having {
                groups.regroup(having)?;
            }
            for (key, _) in &mut order {
                groups.regroup(&mut key.expr)?;
            }
        }
        let mut keys = Vec::with_capacity(order.len());
        let selected = if select.distinct && !order.is_empty() {
            numbered(items.iter().map(|item| &item.typed.expr))
        } else {
            HashMap::new()
        };
        for (mut key, span) in order {
            if select.distinct {
                let Some(column) = selected.get(&key.expr).copied() else {
                    let message = "with `distinct` rows can be ordered by selected columns only";
                    return Err(BindError::new(BindErrorKind::Order(message.to_owned()), span));
                };
                key.expr = Expr::Column(column, Place(span));
            }
            // A constant orders nothing.
            if key.expr.constant().is_none() {
                keys.push(key);
            }
        }
        let (limit, offset) = self.limits(select.limit.as_ref(), select.offset.as_ref())?;
        let select = BoundSelect {
            input: binder.scope.into_input(Deleted::Exclude),
            filter,
            grouping,
            having,
            output: Vec::new(),
            columns: Vec::new(),
            distinct: select.distinct,
            order: keys,
            limit,
            offset,
        };
        Ok(Unsettled { select, items })
    }

    /// The greatest number of rows and the number of rows to skip.
    fn limits(
        &self,
        limit: Option<&ast::Expr>,
        offset: Option<&ast::Expr>,
    ) -> Result<(Option<u64>, u64), BindError> {
        let limit = limit.map(|limit| self.row_count(limit, "limit")).transpose()?.flatten();
        let offset = offset.map(|offset| self.row_count(offset, "offset")).transpose()?.flatten();
        Ok((limit, offset.unwrap_or(0)))
    }

    fn row_count(&self, expr: &ast::Expr, clause: &'static str) -> Result<Option<u64>, BindError> {
        let place = match clause {
            "limit" => "`limit` stands outside of all rows and",
            _ => "`offset` stands outside of all rows and",
        };
        let instead = "write a number or a parameter, such as `$n`";
        let mut binder = Binder::new(self, Scope::empty(self.context.names, place, instead));
        binder.position = Aggregates::Forbidden(clause);
        let typed = binder.expr(expr)?;
        let Some(value) = convert(&typed, ValueType::Int, Conversion::Implicit)? else {
            let found = describe(typed.ty, self.context.names);
            let message = format!("`{clause}` must be an integer, not {found}");
            return Err(BindError::new(BindErrorKind::TypeMismatch(message), expr.span));
        };
        match value.eval(&[])?.as_ref() {
            Value::Int(n) => u64::try_from(*n).map(Some).map_err(|_| {
                let message = format!("`{clause}` cannot be negative, but is {n}");
                BindError::new(BindErrorKind::InvalidValue(message), expr.span)
            }),
            _ => Ok(None),
        }
    }

    pub(super) fn predicate(
        &self,
        predicate: &ast::Predicate,
        model: ModelId,
        projection: Projection<'_>,
    ) -> Result<BoundSelect, BindError> {
        let Some(model) = self.context.names.model(model) else {
            let kind = BindErrorKind::UnknownModel(format!("@{model}"));
            return Err(BindError::new(kind, predicate.span));
        };
        let scope = Scope::of_model(self.context.names, Arc::clone(model), None);
        let mut binder = Binder::new(self, scope);
        let filter = binder.filter(predicate.filter.as_ref(), &[])?;
        if projection == Projection::Count {
            return Ok(count_of(binder.scope.into_input(Deleted::Exclude), filter, predicate.span));
        }
        let id = binder.scope.id(predicate.span);
        let id = Typed { expr: id, ty: Ty::Of(ValueType::Ref(model.id)), span: predicate.span };
        let mut items = vec![Item { typed: id, name: ID.to_owned() }];
        match projection {
            Projection::Declared => items.extend(binder.wildcard(model, predicate.span)),
            Projection::Properties(ids) => {
                for id in ids {
                    let property = model.property(*id).ok_or_else(|| {
                        let model = format!("model `{}`", model.label);
                        let kind = BindErrorKind::UnknownProperty { model, name: format!("@{id}") };
                        BindError::new(kind, predicate.span)
                    })?;
                    let typed = binder.scope.property(property, predicate.span);
                    items.push(Item { typed, name: property.label.as_ref().to_owned() });
                }
            }
            Projection::Count => {}
        }
        binder.position = Aggregates::Forbidden("order by");
        let order = binder.order(&predicate.order_by, &items)?;
        let (limit, offset) = self.limits(predicate.limit.as_ref(), predicate.offset.as_ref())?;
        let select = BoundSelect {
            input: binder.scope.into_input(Deleted::Exclude),
            filter,
            grouping: None,
            having: None,
            output: Vec::new(),
            columns: Vec::new(),
            distinct: false,
            order: order
                .into_iter()
                .map(|(key, _)| key)
                .filter(|key| key.expr.constant().is_none())
                .collect(),
            limit,
            offset,
        };
        Ok(Unsettled { select, items }.settle())
    }
}

/// One row: how many rows of the input the filter keeps.
pub(super) fn count_of(input: Input, filter: Option<Expr>, span: Span) -> BoundSelect {
    let aggregate = Aggregate {
        function: AggregateFunction::Count,
        argument: None,
        separator: None,
        distinct: false,
        filter: None,
        argument_type: None,
        value_type: Some(ValueType::Int),
        place: Place(span),
    };
    BoundSelect {
        grouping: Some(Grouping { keys: Vec::new(), aggregates: vec![aggregate] }),
        output: vec![Expr::Column(0, Place(span))],
        columns: vec![Column { name: "count".to_owned(), value_type: Some(ValueType::Int) }],
        ..BoundSelect::of(input, filter)
    }
}

impl Unsettled {
    /// The `select` with its output in the types that it has by itself.
    pub(super) fn settle(self) -> BoundSelect {
        let Unsettled { mut select, items } = self;
        for item in items {
            let (expr, value_type) = item.typed.settle();
            select.output.push(expr);
            select.columns.push(Column { name: item.name, value_type });
        }
        select
    }
}

impl Binder<'_, '_> {
    /// The condition after `where`.
    pub(super) fn filter(
        &mut self,
        filter: Option<&ast::Expr>,
        items: &[SelectItem],
    ) -> Result<Option<Expr>, BindError> {
        self.position = Aggregates::Forbidden("where");
        let Some(filter) = filter else { return Ok(None) };
        self.condition(filter).map(Some).map_err(|error| match &error.kind {
            BindErrorKind::UnknownProperty { name, .. } => {
                let is_alias = items.iter().any(|item| {
                    matches!(&item.kind, SelectItemKind::Expr { alias: Some(alias), .. } if alias.name == *name)
                });
                if is_alias {
                    error.help("it is the name of a selected column, which `where` cannot use")
                } else {
                    error
                }
            }
            _ => error,
        })
    }

    /// The items of a select list, `*` spread out.
    pub(super) fn items(&mut self, items: &[SelectItem]) -> Result<Vec<Item>, BindError> {
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            match &item.kind {
                SelectItemKind::Wildcard => match self.scope.model().cloned() {
                    Some(model) => found.extend(self.wildcard(&model, item.span)),
                    None => {
                        let model = "a statement without `from`".to_owned();
                        let kind = BindErrorKind::UnknownProperty { model, name: "*".to_owned() };
                        return Err(BindError::new(kind, item.span));
                    }
                },
                SelectItemKind::QualifiedWildcard(name) => match self.scope.model().cloned() {
                    Some(model) if self.scope.is_qualifier(name) => {
                        found.extend(self.wildcard(&model, item.span));
                    }
                    _ => {
                        return Err(BindError::new(BindErrorKind::UnknownModel(name.to_string()), name.span)
                            .help("only what stands after `from` can be spread out"));
                    }
                },
                SelectItemKind::Expr { expr, alias } => {
                    let (typed, name) = match &expr.kind {
                        ExprKind::Path(path) => self.scope.path(path)?,
                        _ => (self.expr(expr)?, expr.to_string()),
                    };
                    let name = alias.as_ref().map_or(name, |alias| alias.name.clone());
                    found.push(Item { typed, name });
                }
            }
        }
        Ok(found)
    }

    /// The declared properties of a model.
    pub(super) fn wildcard(&mut self, model: &Model, span: Span) -> Vec<Item> {
        model
            .columns()
            .map(|property| Item {
                typed: self.scope.property(property, span),
                name: property.label.as_ref().to_owned(),
            })
            .collect()
    }

    /// What rows are grouped by: an ordinal is a selected column, a name a property or else a selected column.
    fn group_keys(&mut self, list: &[ast::Expr], items: &[Item]) -> Result<Vec<Expr>, BindError> {
        self.position = Aggregates::Forbidden("group by");
        let mut keys = Vec::with_capacity(list.len());
        let mut known = HashSet::with_capacity(list.len());
        let labels = Labels::new(items);
        for expr in list {
            let key = match self.ordinal(expr, items, "group by")? {
                Some(item) => item.typed.expr.clone(),
                None => match self.expr(expr) {
                    Ok(typed) => typed.expr,
                    Err(error) => match labels.find(expr)? {
                        Some(item) => item.typed.expr.clone(),
                        None => return Err(error),
                    },
                },
            };
            if contains_aggregate(&key) {
                let message = "rows cannot be grouped by an aggregate".to_owned();
                return Err(BindError::new(BindErrorKind::AggregateMisuse(message), expr.span));
            }
            if known.insert(key.clone()) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// The selected column that an integer literal names.
    fn ordinal<'i>(
        &self,
        expr: &ast::Expr,
        items: &'i [Item],
        clause: &str,
    ) -> Result<Option<&'i Item>, BindError> {
        let ExprKind::Literal(Literal::Number(number)) = &expr.kind else { return Ok(None) };
        if number.kind != NumberKind::Integer {
            return Ok(None);
        }
        let item =
            number.text.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).and_then(|n| items.get(n));
        item.map(Some).ok_or_else(|| {
            let message = format!(
                "`{clause}` names column {}, but {} selected",
                number.text,
                count(items.len(), "column is", "columns are")
            );
            BindError::new(BindErrorKind::Order(message), expr.span)
        })
    }

    /// What rows are ordered by, with its place: an ordinal or a name of a selected column, or an expression.
    pub(super) fn order(
        &mut self,
        list: &[OrderItem],
        items: &[Item],
    ) -> Result<Vec<(OrderKey, Span)>, BindError> {
        let mut keys: Vec<(OrderKey, Span)> = Vec::with_capacity(list.len());
        let mut known = HashSet::with_capacity(list.len());
        let labels = Labels::new(items);
        for item in list {
            let selected = match self.ordinal(&item.expr, items, "order by")? {
                Some(selected) => Some(selected),
                None => labels.find(&item.expr)?,
            };
            let expr = match selected {
                Some(selected) => selected.typed.clone().settle().0,
                None => self.expr(&item.expr)?.settle().0,
            };
            let nulls_first = match item.nulls {
                Some(nulls) => nulls == NullsOrder::First,
                None => item.descending,
            };
            // What is ordered by twice is ordered by once.
            if known.insert(expr.clone()) {
                keys.push((OrderKey { expr, descending: item.descending, nulls_first }, item.span));
            }
        }
        Ok(keys)
    }
}

/// Names in a row, for messages.
pub(super) fn name_list(items: &[Item]) -> String {
    scope::list(&items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>())
}
