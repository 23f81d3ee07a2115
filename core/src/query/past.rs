//! What a query reads of the history: the entities as they were, or a table that is computed from operations.

use std::sync::{Arc, LazyLock};

use ankurah_query_lang::Span;
use ankurah_query_lang::ast;

use super::bound::BoundSelect;
use crate::catalog::{Backend, Model, Property};
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::node::protocol::Parameters;
use crate::value::{Timestamp, Value, ValueType};

/// What a query reads of the history.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    /// What it is.
    pub(crate) kind: PastKind,
    /// Where the statement says so.
    pub(crate) span: Span,
}

/// What a query reads of the history.
#[derive(Clone, Debug)]
pub(crate) enum PastKind {
    /// Entities of the query's model as they were: all, or one.
    AsOf {
        /// The one.
        entity: Option<EntityId>,
        /// When.
        point: Point,
    },
    /// The changes of an entity.
    History {
        /// The entity.
        entity: EntityId,
    },
    /// The changes of the first operation after which a condition holds.
    Bisect {
        /// The entity.
        entity: EntityId,
        /// Counts 1 where the condition holds; to be read as the entity was.
        test: Box<BoundSelect>,
    },
    /// What differs between two points.
    Diff {
        /// Of what.
        subject: Subject,
        /// The earlier point.
        from: Point,
        /// The later point; `None` means the present one.
        to: Option<Point>,
    },
    /// Where the value of a property comes from.
    Why {
        /// The entity.
        entity: EntityId,
        /// The property, as written: its model is that of the entity.
        property: ast::Name,
        /// When; `None` means the present.
        point: Option<Point>,
    },
}

/// Whose past it is.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// All entities of a model.
    Model(Arc<Model>),
    /// One entity.
    Entity(EntityId),
}

/// A point in a history.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// What it is.
    pub(crate) kind: PointKind,
    /// Where the statement says so.
    pub(crate) span: Span,
}

/// A point in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PointKind {
    /// These operations and all that they follow.
    Operations(Vec<OpId>),
    /// What was written up to a time.
    Time(Timestamp),
    /// What this node showed at a position of its log.
    Position(u64),
}

/// The place of the column `change` in [`HISTORY`], which takes more than all others together.
pub(crate) const HISTORY_CHANGE: u32 = 8;

/// What ids of operations are typed as: references to a model that no entity has.
static OPERATION: LazyLock<ModelId> = LazyLock::new(|| ModelId(OpId::from_bits(1)));

fn table(number: u128, name: &str, columns: &[(&str, ValueType)]) -> Arc<Model> {
    let id = ModelId(OpId::from_bits(number));
    let property = |(ordinal, (name, value_type)): (u32, &(&str, ValueType))| {
        let name: Arc<str> = Arc::from(*name);
        Arc::new(Property {
            id: PropertyId(OpId::from_bits(u128::from(ordinal).saturating_add(1))),
            model: id,
            label: Arc::clone(&name),
            name,
            value_type: *value_type,
            backend: Backend::Lww,
            ordinal,
            required: false,
            default: Value::Null,
            dropped: false,
        })
    };
    let name: Arc<str> = Arc::from(name);
    Arc::new(Model {
        id,
        label: Arc::clone(&name),
        name,
        properties: (0..).zip(columns).map(property).collect(),
        key: Vec::new(),
    })
}

/// The table that `history of` reads.
pub(crate) static HISTORY: LazyLock<Arc<Model>> = LazyLock::new(|| changes(2, "history of"));

/// The table that `bisect` reads: a part of that of `history of`.
pub(crate) static BISECT: LazyLock<Arc<Model>> = LazyLock::new(|| changes(5, "bisect"));

fn changes(number: u128, name: &str) -> Arc<Model> {
    table(
        number,
        name,
        &[
            ("id", ValueType::Ref(*OPERATION)),
            ("position", ValueType::Int),
            ("time", ValueType::Timestamp),
            ("author", ValueType::String),
            ("actor", ValueType::String),
            ("transaction", ValueType::Ref(*OPERATION)),
            ("parents", ValueType::String),
            ("property", ValueType::String),
            ("change", ValueType::String),
        ],
    )
}

/// The table that `diff` reads.
pub(crate) static DIFF: LazyLock<Arc<Model>> = LazyLock::new(|| {
    table(
        3,
        "diff",
        &[
            ("id", ValueType::Ref(*OPERATION)),
            ("what", ValueType::String),
            ("property", ValueType::String),
            ("change", ValueType::String),
        ],
    )
});

/// The table that `why` reads.
pub(crate) static WHY: LazyLock<Arc<Model>> = LazyLock::new(|| {
    table(
        4,
        "why",
        &[
            ("value", ValueType::String),
            ("verdict", ValueType::String),
            ("id", ValueType::Ref(*OPERATION)),
            ("time", ValueType::Timestamp),
            ("author", ValueType::String),
            ("actor", ValueType::String),
            ("rule", ValueType::String),
        ],
    )
});

/// The table of a relation that reads history, by what the relation is called: `history of`, `diff`, `why` or `bisect`.
pub fn past_table(name: &str) -> Option<&'static Arc<Model>> {
    let tables: [&'static Arc<Model>; 4] = [&HISTORY, &DIFF, &WHY, &BISECT];
    tables.into_iter().find(|table| *table.name == *name)
}

/// The entity that a statement reads as it was, if it reads one. Its model must be known before the statement can be
/// bound.
pub fn entity_of(statement: &ast::Statement, parameters: &Parameters) -> Option<EntityId> {
    let subject = match &statement.kind {
        ast::StatementKind::Redact(redact) => Some(&redact.subject),
        ast::StatementKind::Compact(compact) => Some(&compact.subject),
        _ => None,
    };
    if let Some(ast::Subject::Entity(entity)) = subject {
        return entity_named(entity, parameters);
    }
    let select = match &statement.kind {
        ast::StatementKind::Select(select) | ast::StatementKind::Live(select) => select,
        ast::StatementKind::Explain { statement, .. } => return entity_of(statement, parameters),
        ast::StatementKind::Insert(insert) => match &insert.source {
            ast::InsertSource::Query(select) => select,
            ast::InsertSource::Values(_) => return None,
        },
        _ => return None,
    };
    let ast::RelationKind::Past { past, .. } = &select.from.as_ref()?.kind else { return None };
    let (ast::PastKind::AsOf { subject: ast::Subject::Entity(entity), .. }
    | ast::PastKind::Bisect { entity }) = &past.kind
    else {
        return None;
    };
    entity_named(entity, parameters)
}

/// The entity that an id or a parameter names.
fn entity_named(entity: &ast::Expr, parameters: &Parameters) -> Option<EntityId> {
    match &entity.kind {
        ast::ExprKind::Literal(ast::Literal::Id(id)) => id.text.parse().ok(),
        ast::ExprKind::Parameter(parameter) => {
            let value = match &parameter.kind {
                ast::ParameterKind::Positional(index) => parameters.positional.get(*index),
                ast::ParameterKind::Numbered(number) => {
                    let index = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
                    index.and_then(|index| parameters.positional.get(index))
                }
                ast::ParameterKind::Named(name) => {
                    parameters.named.iter().find(|(known, _)| known == name).map(|(_, value)| value)
                }
            };
            value.and_then(as_id).map(EntityId)
        }
        _ => None,
    }
}

/// The id that a value is, or is the text of.
pub(crate) fn as_id(value: &Value) -> Option<OpId> {
    match value {
        Value::Ref(entity) => Some(entity.0),
        Value::Ulid(number) => Some(OpId::from_bits(*number)),
        Value::String(text) => text.trim_start_matches('@').parse().ok(),
        _ => None,
    }
}
