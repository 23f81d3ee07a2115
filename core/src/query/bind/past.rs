//! Relations that read history.

use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{self, Ident};

use super::Session;
use super::expr::Binder;
use super::scope::Scope;
use super::types::{Conversion, Ty, Typed, convert};
use crate::catalog::Model;
use crate::id::{EntityId, OpId};
use crate::query::bound::{BoundCompact, BoundUndo};
use crate::query::error::{BindError, BindErrorKind};
use crate::query::past::{self, Past, PastKind, Point, PointKind, Subject};
use crate::storage::Deleted;
use crate::value::{Value, ValueType};

impl<'a> Session<'a> {
    /// The rows of a relation that reads history.
    pub(super) fn past(&self, past: &ast::Past, alias: Option<Ident>) -> Result<Scope<'a>, BindError> {
        let names = self.context.names;
        let (model, kind) = match &past.kind {
            ast::PastKind::AsOf { subject, point } => {
                let (model, entity) = match subject {
                    ast::Subject::Model(name) => (Arc::clone(self.find_model(name)?), None),
                    ast::Subject::Entity(expr) => {
                        let (model, entity) = self.known(expr)?;
                        (model, Some(entity))
                    }
                };
                (model, PastKind::AsOf { entity, point: self.point(point)? })
            }
            ast::PastKind::Bisect { .. } => {
                let what = "`bisect` beside other relations is".to_owned();
                return Err(BindError::new(BindErrorKind::NotAvailable(what), past.span));
            }
            ast::PastKind::History { entity } => {
                (Arc::clone(&past::HISTORY), PastKind::History { entity: self.entity(entity)? })
            }
            ast::PastKind::Diff { subject, from, to } => {
                let subject = match subject {
                    ast::Subject::Model(name) => Subject::Model(Arc::clone(self.find_model(name)?)),
                    ast::Subject::Entity(expr) => Subject::Entity(self.entity(expr)?),
                };
                let to = to.as_ref().map(|to| self.point(to)).transpose()?;
                (Arc::clone(&past::DIFF), PastKind::Diff { subject, from: self.point(from)?, to })
            }
            ast::PastKind::Why { entity, property, point } => {
                let point = point.as_ref().map(|point| self.point(point)).transpose()?;
                let entity = self.entity(entity)?;
                (Arc::clone(&past::WHY), PastKind::Why { entity, property: property.clone(), point })
            }
        };
        Ok(Scope::of_past(names, model, alias, Past { kind, span: past.span }))
    }

    /// The entity that an expression names, and its model.
    pub(super) fn known(&self, expr: &ast::Expr) -> Result<(Arc<Model>, EntityId), BindError> {
        let names = self.context.names;
        let entity = self.entity(expr)?;
        let model = names.model_of(entity).and_then(|model| names.model(model));
        match model {
            Some(model) => Ok((Arc::clone(model), entity)),
            None => Err(BindError::new(BindErrorKind::UnknownEntity(entity.to_string()), expr.span)),
        }
    }

    /// `bisect`: the condition of the query is one on the entity, its rows are changes.
    pub(super) fn bisect(
        &self,
        entity: &ast::Expr,
        condition: Option<&ast::Expr>,
        alias: Option<Ident>,
        span: Span,
    ) -> Result<Scope<'a>, BindError> {
        let (model, id) = self.known(entity)?;
        let Some(condition) = condition else {
            let message = "`bisect` needs a condition".to_owned();
            return Err(BindError::new(BindErrorKind::InvalidValue(message), span)
                .help("write it after `where`, as in `bisect @… where rating < 3`"));
        };
        let names = self.context.names;
        let mut binder = Binder::new(self, Scope::of_model(names, model, None));
        let filter = binder.filter(Some(condition), &[])?;
        let mut input = binder.scope.into_input(Deleted::Exclude);
        input.entities = Some(vec![id]);
        let test = Box::new(super::select::count_of(input, filter, span));
        let kind = PastKind::Bisect { entity: id, test };
        Ok(Scope::of_past(names, Arc::clone(&past::BISECT), alias, Past { kind, span }))
    }

    pub(super) fn undo(&self, undo: &ast::Undo) -> Result<BoundUndo, BindError> {
        let id = self.operation(&undo.of)?;
        Ok(BoundUndo { transaction: undo.transaction, id, force: undo.force, span: undo.of.span })
    }

    pub(super) fn compact(&self, compact: &ast::Compact) -> Result<BoundCompact, BindError> {
        let (model, only, span) = self.subject(&compact.subject)?;
        if crate::catalog::is_reserved(model.id) {
            let message = format!("the history of `{}` is kept", model.label);
            return Err(BindError::new(BindErrorKind::NotWritable(message), span));
        }
        let point = compact.point.as_ref().map(|point| self.point(point)).transpose()?;
        let rows = self.chosen(&model, only, compact.filter.as_ref(), span)?;
        Ok(BoundCompact { model, point, rows, span })
    }

    /// The model of a subject, and the entity where it is one.
    pub(super) fn subject(
        &self,
        subject: &ast::Subject,
    ) -> Result<(Arc<Model>, Option<EntityId>, Span), BindError> {
        Ok(match subject {
            ast::Subject::Model(name) => (Arc::clone(self.find_model(name)?), None, name.span),
            ast::Subject::Entity(expr) => {
                let (model, entity) = self.known(expr)?;
                (model, Some(entity), expr.span)
            }
        })
    }

    /// A constant outside of all rows.
    fn outside(&self, expr: &ast::Expr) -> Result<Typed, BindError> {
        let scope = Scope::empty(
            self.context.names,
            "a point in a history stands outside of all rows and",
            "write an id, a time in single quotes, or `position` and a number",
        );
        Binder::new(self, scope).expr(expr)
    }

    fn entity(&self, expr: &ast::Expr) -> Result<EntityId, BindError> {
        self.operation(expr).map(EntityId)
    }

    pub(super) fn operation(&self, expr: &ast::Expr) -> Result<OpId, BindError> {
        let typed = self.outside(expr)?;
        let value = typed.expr.eval(&[])?;
        past::as_id(&value).ok_or_else(|| {
            let message = format!("an id is needed here, not {value}");
            BindError::new(BindErrorKind::InvalidValue(message), expr.span)
        })
    }

    fn point(&self, point: &ast::Point) -> Result<Point, BindError> {
        let kind = match &point.kind {
            ast::PointKind::Operations(list) => {
                PointKind::Operations(list.iter().map(|expr| self.operation(expr)).collect::<Result<_, _>>()?)
            }
            ast::PointKind::Position(expr) => PointKind::Position(self.position(expr)?),
            ast::PointKind::At(expr) => self.at(expr)?,
        };
        Ok(Point { kind, span: point.span })
    }

    fn position(&self, expr: &ast::Expr) -> Result<u64, BindError> {
        let typed = self.outside(expr)?;
        let wrong = |what: String| {
            let message = format!("a position is a whole number from 0 on, not {what}");
            BindError::new(BindErrorKind::InvalidValue(message), expr.span)
        };
        let Some(value) = convert(&typed, ValueType::Int, Conversion::Implicit)? else {
            return Err(wrong(expr.to_string()));
        };
        match value.eval(&[])?.as_ref() {
            Value::Int(number) => u64::try_from(*number).map_err(|_| wrong(number.to_string())),
            other => Err(wrong(other.to_string())),
        }
    }

    /// An operation or a time.
    fn at(&self, expr: &ast::Expr) -> Result<PointKind, BindError> {
        let typed = self.outside(expr)?;
        let value = typed.expr.eval(&[])?.into_owned();
        if let Some(id) = past::as_id(&value) {
            return Ok(PointKind::Operations(vec![id]));
        }
        let time = match (&value, typed.ty) {
            (Value::Timestamp(time), _) => Some(*time),
            (Value::String(_), Ty::Literal) => {
                match convert(&typed, ValueType::Timestamp, Conversion::Implicit)?
                    .map(|expr| expr.eval(&[]).map(|value| value.into_owned()))
                {
                    Some(Ok(Value::Timestamp(time))) => Some(time),
                    _ => None,
                }
            }
            _ => None,
        };
        time.map(PointKind::Time).ok_or_else(|| {
            let found = match &value {
                Value::Null => "null".to_owned(),
                _ => super::types::describe(typed.ty, self.context.names),
            };
            let message = format!("a point is an operation, a time or a position, not {found}");
            BindError::new(BindErrorKind::TypeMismatch(message), expr.span)
                .help("write `position` before the number of a log position")
        })
    }
}
