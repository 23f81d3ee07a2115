//! `insert`, `update`, `delete`, `restore` and `edit`.

use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{
    self, Ident, InsertMode, InsertSource, Name, PathStep, PathStepKind, TextChangeKind,
};

use super::Session;
use super::expr::{Aggregates, Binder, mismatch};
use super::literal::count;
use super::scope::{self, ID, Scope, find_property, means};
use super::select::name_list;
use super::types::{Conversion, Ty, Typed, convert, describe, type_name};
use crate::catalog::{self, Model, Property};
use crate::id::EntityId;
use crate::node::protocol::Column;
use crate::query::bound::{
    BoundDelete, BoundEdit, BoundInsert, BoundRedact, BoundSelect, BoundUpdate, Change, InsertRows,
    Returning, Target,
};
use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Expr, Function, JsonStep, Place, json_path};
use crate::storage::Deleted;
use crate::value::{Value, ValueType};

fn not_writable(message: String, span: Span) -> BindError {
    BindError::new(BindErrorKind::NotWritable(message), span)
}

fn not_null(property: &Property, span: Span) -> BindError {
    BindError::new(BindErrorKind::NotNull(format!("`{}` cannot be null", property.label)), span)
}

impl<'a> Session<'a> {
    /// The model that a statement writes to.
    fn writable(&self, name: &Name) -> Result<Arc<Model>, BindError> {
        let model = self.find_model(name)?;
        if catalog::is_reserved(model.id) {
            let message = format!("`{}` cannot be written to", model.label);
            return Err(not_writable(message, name.span)
                .help("models and properties are changed with `create model` and `alter model`"));
        }
        Ok(Arc::clone(model))
    }

    fn binder(&self, model: &Arc<Model>, alias: Option<&Ident>) -> Binder<'_, 'a> {
        Binder::new(self, Scope::of_model(self.context.names, Arc::clone(model), alias.cloned()))
    }

    pub(super) fn insert(&self, insert: &ast::Insert) -> Result<BoundInsert, BindError> {
        let model = self.writable(&insert.model)?;
        let mut targets: Vec<Target> = Vec::new();
        if insert.columns.is_empty() {
            targets.extend(
                model
                    .columns()
                    .map(|property| Target { property: Arc::clone(property), span: insert.model.span }),
            );
        }
        for name in &insert.columns {
            let property = target(&model, name)?;
            if targets.iter().any(|target| target.property.id == property.id) {
                return Err(BindError::new(BindErrorKind::Duplicate(name.to_string()), name.span));
            }
            targets.push(Target { property, span: name.span });
        }
        check_given(&model, insert, &targets)?;
        let rows = match &insert.source {
            InsertSource::Values(rows) => InsertRows::Values(
                rows.iter().map(|row| self.row(row, &targets, &model)).collect::<Result<_, _>>()?,
            ),
            InsertSource::Query(query) => {
                InsertRows::Query(Box::new(self.rows_of_query(query, &targets)?), query.span)
            }
        };
        let returning = self.returning(&insert.returning, &model, None)?;
        Ok(BoundInsert { model, mode: insert.mode, targets, rows, returning })
    }

    /// The values of one row, of the types of the properties.
    fn row(
        &self,
        row: &ast::Row,
        targets: &[Target],
        model: &Model,
    ) -> Result<(Vec<Value>, Span), BindError> {
        if row.values.len() != targets.len() {
            let message = format!(
                "{} for {}",
                count(row.values.len(), "value", "values"),
                count(targets.len(), "property", "properties")
            );
            let names: Vec<&str> = targets.iter().map(|target| &*target.property.label).collect();
            return Err(BindError::new(BindErrorKind::WrongCount(message), row.span)
                .help(format!("the properties are {}", scope::list(&names))));
        }
        let mut values = Vec::with_capacity(targets.len());
        for (expr, target) in row.values.iter().zip(targets) {
            let mut binder = Binder::new(
                self,
                Scope::empty(self.context.names, "a row of `values`", "strings are written in single quotes"),
            );
            binder.position = Aggregates::Forbidden("values");
            let typed = binder.expr(expr)?;
            let value = self.assign(&typed, &target.property)?.eval(&[])?.into_owned();
            let property = &target.property;
            if matches!(value, Value::Null) && (property.required || model.is_key(property.id)) {
                return Err(not_null(property, expr.span));
            }
            values.push(value);
        }
        Ok((values, row.span))
    }

    fn rows_of_query(&self, query: &ast::Select, targets: &[Target]) -> Result<BoundSelect, BindError> {
        let mut unsettled = self.unsettled(query)?;
        if unsettled.items.len() != targets.len() {
            let message = format!(
                "the query has {} for {}",
                count(unsettled.items.len(), "column", "columns"),
                count(targets.len(), "property", "properties")
            );
            return Err(BindError::new(BindErrorKind::WrongCount(message), query.span)
                .help(format!("its columns are {}", name_list(&unsettled.items))));
        }
        for (item, target) in unsettled.items.iter_mut().zip(targets) {
            item.typed.expr = self.assign(&item.typed, &target.property)?;
            item.typed.ty = Ty::Of(target.property.value_type);
        }
        Ok(unsettled.settle())
    }

    /// An expression as a value for a property.
    fn assign(&self, typed: &Typed, property: &Property) -> Result<Expr, BindError> {
        let to = property.value_type;
        if let Some(expr) = convert(typed, to, Conversion::Assignment)? {
            return Ok(expr);
        }
        let names = self.context.names;
        let (found, wanted) = (describe(typed.ty, names), type_name(to, names));
        let error = mismatch(format!("`{}` is {wanted}, not {found}", property.label), typed.span)
            .label(format!("this is {found}"));
        Err(match typed.ty {
            Ty::Of(from) if crate::value::cast::is_castable(from.tag(), to.tag()) => {
                error.help(format!("convert it, as in `cast(… as {})`", to.tag().name()))
            }
            _ => error,
        })
    }

    pub(super) fn update(&self, update: &ast::Update) -> Result<BoundUpdate, BindError> {
        let model = self.writable(&update.model)?;
        let mut binder = self.binder(&model, update.alias.as_ref());
        let filter = binder.filter(update.filter.as_ref(), &[])?;
        binder.position = Aggregates::Forbidden("set");
        let mut targets: Vec<Target> = Vec::new();
        let mut values: Vec<(Expr, bool)> = Vec::new();
        let mut parts = Vec::new();
        for assignment in &update.assignments {
            let (property, steps) = assigned(&binder.scope, &model, &assignment.target)?;
            if model.is_key(property.id) {
                let message = format!(
                    "`{}` is part of the key of `{}`, which never changes",
                    property.label, model.label
                );
                return Err(not_writable(message, assignment.target.span));
            }
            let typed = binder.expr(&assignment.value)?;
            let known = targets.iter().position(|target| target.property.id == property.id);
            let value = if steps.is_empty() {
                self.assign(&typed, &property)?
            } else {
                if property.value_type != ValueType::Json {
                    let found = type_name(property.value_type, self.context.names);
                    let message =
                        format!("`{}` is {found}: only json has parts that can be set", property.label);
                    return Err(mismatch(message, assignment.target.span));
                }
                let before = match known.and_then(|known| values.get(known)) {
                    Some((value, true)) => value.clone(),
                    _ => binder.scope.property(&property, assignment.target.span).expr,
                };
                let path = Expr::Constant(json_path(&steps));
                let (value, _) = typed.settle();
                Expr::Call(Function::JsonSet, vec![before, path, value], Place(assignment.span))
            };
            let is_part = !steps.is_empty();
            // Neither the same part twice, nor a part of another one.
            let of_another = |other: &Vec<_>| other.starts_with(&steps) || steps.starts_with(other);
            if is_part && parts.iter().any(|(of, other)| *of == property.id && of_another(other)) {
                let name = assignment.target.to_string();
                return Err(BindError::new(BindErrorKind::Duplicate(name), assignment.target.span));
            }
            parts.push((property.id, steps));
            match known.and_then(|known| values.get_mut(known)) {
                // Several parts of one document may be set.
                Some((known, true)) if is_part => *known = value,
                Some(_) => {
                    let name = property.label.as_ref().to_owned();
                    return Err(BindError::new(BindErrorKind::Duplicate(name), assignment.target.span));
                }
                None => {
                    if property.required && matches!(value, Expr::Constant(Value::Null)) {
                        return Err(not_null(&property, assignment.value.span));
                    }
                    targets.push(Target { property, span: assignment.target.span });
                    values.push((value, is_part));
                }
            }
        }
        let columns = targets.iter().map(|target| Column {
            name: target.property.label.as_ref().to_owned(),
            value_type: Some(target.property.value_type),
        });
        let columns = columns.collect();
        let values = values.into_iter().map(|(value, _)| value).collect();
        let rows = entities(binder, &model, filter, values, columns, update.span, Deleted::Exclude);
        let returning = self.returning(&update.returning, &model, update.alias.as_ref())?;
        Ok(BoundUpdate { model, targets, rows, returning })
    }

    pub(super) fn delete(&self, delete: &ast::Delete, restore: bool) -> Result<BoundDelete, BindError> {
        let model = self.writable(&delete.model)?;
        let mut binder = self.binder(&model, delete.alias.as_ref());
        let filter = binder.filter(delete.filter.as_ref(), &[])?;
        let deleted = if restore { Deleted::Only } else { Deleted::Exclude };
        let rows = entities(binder, &model, filter, Vec::new(), Vec::new(), delete.span, deleted);
        let returning = self.returning(&delete.returning, &model, delete.alias.as_ref())?;
        Ok(BoundDelete { model, rows, returning })
    }

    pub(super) fn edit(&self, edit: &ast::Edit) -> Result<BoundEdit, BindError> {
        let model = self.writable(&edit.model)?;
        let property = target(&model, &edit.property)?;
        if !property.is_text() {
            let found = type_name(property.value_type, self.context.names);
            let message = format!("`{}` is {found}, not collaborative text", property.label);
            return Err(mismatch(message, edit.property.span)
                .help(format!("set it as a whole: `update {} set {} = …`", model.label, property.label)));
        }
        let mut binder = self.binder(&model, None);
        let filter = binder.filter(edit.filter.as_ref(), &[])?;
        binder.position = Aggregates::Forbidden("edit");
        let mut values = Vec::new();
        let mut columns = Vec::new();
        let mut changes = Vec::with_capacity(edit.changes.len());
        for change in &edit.changes {
            // The first column is the id.
            let mut part = |expr: &ast::Expr, ty, name: &str| -> Result<Option<usize>, BindError> {
                values.push(binder.part(expr, ty, name)?);
                columns.push(Column { name: name.to_owned(), value_type: Some(ty) });
                Ok(Some(values.len()))
            };
            let (position, delete, insert) = match &change.kind {
                TextChangeKind::At { position, delete, insert } => (
                    part(position, ValueType::Int, "position")?,
                    delete.as_ref().map_or(Ok(None), |expr| part(expr, ValueType::Int, "delete"))?,
                    insert.as_ref().map_or(Ok(None), |expr| part(expr, ValueType::String, "insert"))?,
                ),
                TextChangeKind::Append(text) => (None, None, part(text, ValueType::String, "append")?),
            };
            changes.push(Change { position, delete, insert, span: change.span });
        }
        let rows = entities(binder, &model, filter, values, columns, edit.span, Deleted::Exclude);
        let returning = self.returning(&edit.returning, &model, None)?;
        let target = Target { property, span: edit.property.span };
        Ok(BoundEdit { model, target, rows, returning, changes })
    }

    pub(super) fn redact(&self, redact: &ast::Redact) -> Result<BoundRedact, BindError> {
        let (model, only, span) = self.subject(&redact.subject)?;
        if catalog::is_reserved(model.id) {
            let message = format!("`{}` cannot be written to", model.label);
            return Err(not_writable(message, span));
        }
        let property = target(&model, &redact.property)?;
        if model.is_key(property.id) {
            let message = format!(
                "`{}` is part of the key of `{}`, by which its entities are named: it cannot be redacted",
                property.label, model.label
            );
            return Err(not_writable(message, redact.property.span));
        }
        let of = redact.of.iter().map(|expr| Ok((self.operation(expr)?, expr.span)));
        let of = of.collect::<Result<Vec<_>, BindError>>()?;
        let mut binder = self.binder(&model, None);
        let filter = binder.filter(redact.filter.as_ref(), &[])?;
        binder.position = Aggregates::Forbidden("redact");
        let (mut values, mut columns) = (Vec::new(), Vec::new());
        if let Some(expr) = &redact.replacement {
            if property.is_text() {
                let message =
                    format!("`{}` is collaborative text, which gets no other value", property.label);
                return Err(mismatch(message, expr.span).help("leave `to` away, then write the text anew"));
            }
            let typed = binder.expr(expr)?;
            values.push(self.assign(&typed, &property)?);
            columns.push(Column {
                name: property.label.as_ref().to_owned(),
                value_type: Some(property.value_type),
            });
        }
        let replacement = !values.is_empty();
        let mut rows = entities(binder, &model, filter, values, columns, redact.span, Deleted::Include);
        rows.input.entities = only.map(|entity| vec![entity]);
        let returning = self.returning(&redact.returning, &model, None)?;
        let span = redact.property.span;
        Ok(BoundRedact { model, property, span, of, replacement, rows, returning })
    }

    /// The entities that a condition chooses, deleted ones too, or one.
    pub(super) fn chosen(
        &self,
        model: &Arc<Model>,
        only: Option<EntityId>,
        filter: Option<&ast::Expr>,
        span: Span,
    ) -> Result<BoundSelect, BindError> {
        let mut binder = self.binder(model, None);
        let filter = binder.filter(filter, &[])?;
        let mut rows = entities(binder, model, filter, Vec::new(), Vec::new(), span, Deleted::Include);
        rows.input.entities = only.map(|entity| vec![entity]);
        Ok(rows)
    }

    fn returning(
        &self,
        items: &[ast::SelectItem],
        model: &Arc<Model>,
        alias: Option<&Ident>,
    ) -> Result<Option<Returning>, BindError> {
        if items.is_empty() {
            return Ok(None);
        }
        let mut binder = self.binder(model, alias);
        binder.position = Aggregates::Forbidden("returning");
        let items = binder.items(items)?;
        let mut select = rows(binder, None, Deleted::Include);
        for item in items {
            let (expr, value_type) = item.typed.settle();
            select.output.push(expr);
            select.columns.push(Column { name: item.name, value_type });
        }
        Ok(Some(Returning { select }))
    }
}

impl Binder<'_, '_> {
    /// A part of a change of a text.
    fn part(&mut self, expr: &ast::Expr, ty: ValueType, name: &str) -> Result<Expr, BindError> {
        let typed = self.expr(expr)?;
        convert(&typed, ty, Conversion::Implicit)?.ok_or_else(|| {
            let wanted = if ty == ValueType::Int { "an integer" } else { "a string" };
            mismatch(format!("`{name}` takes {wanted}, not {}", self.describe(typed.ty)), typed.span)
        })
    }
}

/// The property that a name means, for writing.
fn target(model: &Arc<Model>, name: &Name) -> Result<Arc<Property>, BindError> {
    find_property(model, name).cloned().map_err(|error| {
        if name.id.is_none() && means(&name.ident, ID) {
            not_writable("the id of an entity cannot be set".to_owned(), name.span)
        } else {
            error
        }
    })
}

/// The property that an assignment sets, and the steps into it.
fn assigned(
    scope: &Scope<'_>,
    model: &Arc<Model>,
    path: &ast::Path,
) -> Result<(Arc<Property>, Vec<JsonStep>), BindError> {
    let json = |steps: &[PathStep]| steps.iter().map(scope::json_step).collect();
    if let Some((PathStep { kind: PathStepKind::Field(name), .. }, rest)) = path.steps.split_first() {
        if scope.is_qualifier(&path.root) && scope.find_property(&path.root).is_err() {
            return Ok((target(model, name)?, json(rest)));
        }
    }
    Ok((target(model, &path.root)?, json(&path.steps)))
}

/// Checks that what must be given for a new entity is given.
fn check_given(model: &Model, insert: &ast::Insert, targets: &[Target]) -> Result<(), BindError> {
    let upsert = insert.mode == InsertMode::Upsert;
    if upsert && model.key.is_empty() {
        let message = format!("`{}` has no key to find its entities by", model.label);
        return Err(not_writable(message, insert.model.span).help("write `insert` instead of `upsert`"));
    }
    for property in model.columns() {
        if targets.iter().any(|target| target.property.id == property.id) {
            continue;
        }
        let has_default = !matches!(property.default, Value::Null);
        let message = if model.is_key(property.id) && !has_default {
            format!("`{}` is part of the key of `{}` and must be given", property.label, model.label)
        } else if property.required && !has_default && !upsert {
            format!("`{}` is `not null`, has no default and must be given", property.label)
        } else {
            continue;
        };
        return Err(BindError::new(BindErrorKind::NotNull(message), insert.model.span));
    }
    Ok(())
}

/// The rows of a scope: no columns yet.
fn rows(binder: Binder<'_, '_>, filter: Option<Expr>, deleted: Deleted) -> BoundSelect {
    BoundSelect::of(binder.scope.into_input(deleted), filter)
}

/// The entities that a statement writes: their ids, then some values.
fn entities(
    mut binder: Binder<'_, '_>,
    model: &Model,
    filter: Option<Expr>,
    values: Vec<Expr>,
    columns: Vec<Column>,
    span: Span,
    deleted: Deleted,
) -> BoundSelect {
    let id = binder.scope.id(span);
    let mut select = rows(binder, filter, deleted);
    select.output.push(id);
    select.output.extend(values);
    select.columns.push(Column { name: ID.to_owned(), value_type: Some(ValueType::Ref(model.id)) });
    select.columns.extend(columns);
    select
}
