//! Bound statements: names resolved, types checked, constants evaluated.

use std::sync::Arc;

use ankurah_query_lang::{Span, ast};

use super::error::{EvalError, EvalErrorKind};
use super::expr::Expr;
use super::past::{Past, Point};
use crate::catalog::{Model, Property};
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::node::protocol::Column;
use crate::storage::Deleted;
use crate::value::Value;

/// A bound statement.
#[derive(Clone, Debug)]
pub enum Bound {
    /// `select`
    Select(Box<BoundSelect>),
    /// `live select`
    Live(Box<BoundSelect>),
    /// `insert`, `upsert`
    Insert(Box<BoundInsert>),
    /// `update`
    Update(Box<BoundUpdate>),
    /// `delete`
    Delete(Box<BoundDelete>),
    /// `restore`
    Restore(Box<BoundDelete>),
    /// `edit`
    Edit(Box<BoundEdit>),
    /// `undo`
    Undo(BoundUndo),
    /// `redact`
    Redact(Box<BoundRedact>),
    /// `compact`
    Compact(Box<BoundCompact>),
    /// A change of the catalog; whoever owns the catalog binds it.
    Define(Define),
    /// `begin`, `commit`, `rollback`
    Transaction(TransactionControl),
    /// `explain [analyze]`
    Explain {
        /// Whether the statement is run and measured.
        analyze: bool,
        /// What is explained; not an `explain` itself.
        statement: Box<Bound>,
    },
}

/// A statement on transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionControl {
    /// `begin`
    Begin {
        /// Whether it may end in a conflict instead of a merge.
        serializable: bool,
    },
    /// `commit`
    Commit,
    /// `rollback`
    Rollback,
}

/// A change of the catalog, as written.
#[derive(Clone, Debug)]
pub enum Define {
    /// `create model`
    CreateModel(Box<ast::CreateModel>),
    /// `alter model`
    AlterModel(Box<ast::AlterModel>),
}

/// A bound `select`: what [`plan()`](super::plan()) plans.
///
/// A row passes: the input's slots, `filter`, then either `output` directly or the groups (`grouping`, whose
/// rows are the group keys followed by the aggregates), `having`, `output`.
#[derive(Clone, Debug)]
pub struct BoundSelect {
    pub(crate) input: Input,
    pub(crate) filter: Option<Expr>,
    pub(crate) grouping: Option<Grouping>,
    pub(crate) having: Option<Expr>,
    pub(crate) output: Vec<Expr>,
    pub(crate) columns: Vec<Column>,
    pub(crate) distinct: bool,
    pub(crate) order: Vec<OrderKey>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

impl BoundSelect {
    /// The rows of an input for which a condition holds, as yet without columns.
    pub(crate) fn of(input: Input, filter: Option<Expr>) -> Self {
        BoundSelect {
            input,
            filter,
            grouping: None,
            having: None,
            output: Vec::new(),
            columns: Vec::new(),
            distinct: false,
            order: Vec::new(),
            limit: None,
            offset: 0,
        }
    }

    /// The columns of the result.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The model whose entities are read; `None` where there is no `from`.
    pub fn model(&self) -> Option<&Arc<Model>> {
        self.input.model.as_ref()
    }

    /// Whether it reads what was instead of what is.
    pub fn is_past(&self) -> bool {
        self.input.past.is_some()
    }
}

/// Where input rows come from and what is in their slots.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// The model; without it there is one row without slots.
    pub(crate) model: Option<Arc<Model>>,
    /// What the slots hold. A hop stands after the slot that it starts from.
    pub(crate) slots: Vec<Slot>,
    /// Deleted entities.
    pub(crate) deleted: Deleted,
    /// Exactly these entities in this order, whatever the filter says about ids.
    pub(crate) entities: Option<Vec<EntityId>>,
    /// What is read of the history, if it is not what is there now.
    pub(crate) past: Option<Box<Past>>,
}

/// What a slot of an input row holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Slot {
    /// The entity's id.
    Id,
    /// A property of the entity.
    Property(Arc<Property>),
    /// A property of the entity that another slot refers to; null where there is none or it is deleted.
    Hop(Hop),
}

/// A step through a reference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hop {
    /// The slot with the reference.
    pub(crate) from: usize,
    /// The model referred to.
    pub(crate) model: ModelId,
    /// The property there; `None` for the id.
    pub(crate) property: Option<Arc<Property>>,
}

impl Hop {
    /// The property's id, where it is not the entity's own id.
    pub(crate) fn column(&self) -> Option<PropertyId> {
        self.property.as_ref().map(|property| property.id)
    }
}

/// How rows become groups.
#[derive(Clone, Debug)]
pub(crate) struct Grouping {
    /// What is grouped by, over input rows. Without keys there is one group, also of no rows.
    pub(crate) keys: Vec<Expr>,
    /// The aggregates of a group.
    pub(crate) aggregates: Vec<super::expr::Aggregate>,
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OrderKey {
    /// What to order by: over the same rows as `output`; with `distinct` over output rows.
    pub(crate) expr: Expr,
    /// Greatest first.
    pub(crate) descending: bool,
    /// Nulls before everything else.
    pub(crate) nulls_first: bool,
}

/// A property that a statement writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The property.
    pub property: Arc<Property>,
    /// Where the statement names it (or the model, where it does not).
    pub span: Span,
}

/// A bound `insert` or `upsert`.
#[derive(Clone, Debug)]
pub struct BoundInsert {
    /// The model.
    pub model: Arc<Model>,
    /// What happens where an entity with the same key exists.
    pub mode: ast::InsertMode,
    /// The properties that are given, in the order of the rows' values.
    pub targets: Vec<Target>,
    /// The values, of the properties' types.
    pub rows: InsertRows,
    /// What is returned of each entity.
    pub returning: Option<Returning>,
}

/// What is inserted.
#[derive(Clone, Debug)]
pub enum InsertRows {
    /// These rows, each with its place in the statement.
    Values(Vec<(Vec<Value>, Span)>),
    /// The rows of a query, and its place in the statement.
    Query(Box<BoundSelect>, Span),
}

/// A bound `update`.
#[derive(Clone, Debug)]
pub struct BoundUpdate {
    /// The model.
    pub model: Arc<Model>,
    /// The properties that are set.
    pub targets: Vec<Target>,
    /// Which entities: the first column is the id, the others are the new values of the targets in order.
    pub rows: BoundSelect,
    /// What is returned of each entity.
    pub returning: Option<Returning>,
}

/// A bound `delete` or `restore`.
#[derive(Clone, Debug)]
pub struct BoundDelete {
    /// The model.
    pub model: Arc<Model>,
    /// Which entities: one column, the id. A `restore` reads only deleted entities.
    pub rows: BoundSelect,
    /// What is returned of each entity.
    pub returning: Option<Returning>,
}

/// A bound `undo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundUndo {
    /// Whether the id is that of a transaction, not of an operation.
    pub transaction: bool,
    /// The id.
    pub id: OpId,
    /// Whether it is done even where later changes overlap.
    pub force: bool,
    /// Where the statement names it.
    pub span: Span,
}

/// A bound `redact`.
#[derive(Clone, Debug)]
pub struct BoundRedact {
    /// The model.
    pub model: Arc<Model>,
    /// The property of which values are erased.
    pub property: Arc<Property>,
    /// Where the statement names it.
    pub span: Span,
    /// The operations whose values are erased, and where the statement names them; all where there is none.
    pub of: Vec<(OpId, Span)>,
    /// Whether the property gets a value instead.
    pub replacement: bool,
    /// Which entities: the first column is the id, the second one the value that the property gets.
    pub rows: BoundSelect,
    /// What is returned of each entity.
    pub returning: Option<Returning>,
}

/// A bound `compact`.
#[derive(Clone, Debug)]
pub struct BoundCompact {
    /// The model.
    pub model: Arc<Model>,
    /// Up to when history is folded; all of it where there is none.
    pub(crate) point: Option<Point>,
    /// Which entities: one column, the id.
    pub rows: BoundSelect,
    /// Where the statement is.
    pub span: Span,
}

/// A bound `edit` of a text.
#[derive(Clone, Debug)]
pub struct BoundEdit {
    /// The model.
    pub model: Arc<Model>,
    /// The text property.
    pub target: Target,
    /// Which entities, and what is computed of each; see [`BoundEdit::edits`].
    pub rows: BoundSelect,
    /// What is returned of each entity.
    pub returning: Option<Returning>,
    /// How the columns after the id make changes.
    pub(crate) changes: Vec<Change>,
}

/// Which columns make a change of a text.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The columns of position, length and text.
    pub(crate) position: Option<usize>,
    pub(crate) delete: Option<usize>,
    pub(crate) insert: Option<usize>,
    pub(crate) span: Span,
}

/// One change of a text. Positions and lengths count Unicode scalar values and are not yet checked against
/// the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// Where, from 0; `None` for the end of the text.
    pub position: Option<u64>,
    /// How much to delete there.
    pub delete: u64,
    /// What to insert there, after the deletion.
    pub insert: Arc<str>,
    /// Where the statement says so, for errors.
    pub span: Span,
}

impl BoundEdit {
    /// The changes of one entity, of its row of `rows`: each sees the text that the one before it left.
    /// Fails where a position or a length is null or negative.
    pub fn edits(&self, row: &[Value]) -> Result<Vec<TextEdit>, EvalError> {
        self.changes.iter().map(|change| change.edit(row)).collect()
    }
}

impl Change {
    fn edit(&self, row: &[Value]) -> Result<TextEdit, EvalError> {
        let number = |column: Option<usize>, what: &str| match column {
            None => Ok(None),
            Some(column) => match row.get(column) {
                Some(Value::Int(n)) => u64::try_from(*n)
                    .map(Some)
                    .map_err(|_| self.error(format!("{what} in a text cannot be negative, but is {n}"))),
                _ => Err(self.error(format!("{what} in a text cannot be null"))),
            },
        };
        let insert = match self.insert {
            None => Arc::from(""),
            Some(column) => match row.get(column) {
                Some(Value::String(text)) => Arc::clone(text),
                _ => return Err(self.error("the text to insert cannot be null".to_owned())),
            },
        };
        Ok(TextEdit {
            position: number(self.position, "a position")?,
            delete: number(self.delete, "a length")?.unwrap_or(0),
            insert,
            span: self.span,
        })
    }

    fn error(&self, message: String) -> EvalError {
        EvalError { kind: EvalErrorKind::InvalidArgument(message), span: self.span }
    }
}

/// What a writing statement returns of each entity that it wrote.
#[derive(Clone, Debug)]
pub struct Returning {
    pub(crate) select: BoundSelect,
}

impl Returning {
    /// The columns of the result.
    pub fn columns(&self) -> &[Column] {
        self.select.columns()
    }

    /// The query that gives one row for each of `entities`, in this order, deleted ones too. To be run where
    /// the writes of the statement are visible.
    pub fn select(&self, entities: Vec<EntityId>) -> BoundSelect {
        let mut select = self.select.clone();
        select.input.entities = Some(entities);
        select
    }
}
