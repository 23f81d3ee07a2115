//! What was: relations over the history of entities.

use super::{Expr, Name};

node! {
    /// A relation that reads history: `album as of '2026-01-01'`, `history of @01HZ…`.
    pub struct Past {
        /// What it is.
        pub kind: PastKind,
    }
}

/// What a relation reads of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PastKind {
    /// `album as of POINT`, `@01HZ… as of POINT`: entities as they were.
    AsOf {
        /// Of what.
        subject: Subject,
        /// When.
        point: Point,
    },
    /// `history of @01HZ…`: the changes of an entity.
    History {
        /// The entity: an id or a parameter.
        entity: Box<Expr>,
    },
    /// `bisect of @01HZ…`: the first operation after which the query's condition, over the entity, holds.
    Bisect {
        /// The entity: an id or a parameter.
        entity: Box<Expr>,
    },
    /// `diff album from POINT to POINT`: what differs between two points.
    Diff {
        /// Of what.
        subject: Subject,
        /// The earlier point.
        from: Point,
        /// The later point; what is there now where there is none.
        to: Option<Point>,
    },
    /// `why @01HZ….name`: where the value of a property comes from.
    Why {
        /// The entity: an id or a parameter.
        entity: Box<Expr>,
        /// The property.
        property: Name,
        /// When; now where there is none.
        point: Option<Point>,
    },
}

/// Whose past is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// All entities of a model.
    Model(Name),
    /// One entity: an id or a parameter.
    Entity(Box<Expr>),
}

node! {
    /// A point in a history.
    pub struct Point {
        /// What it is.
        pub kind: PointKind,
    }
}

/// A point in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointKind {
    /// `(@01HZ…, @01HZ…)`: several operations together, each an id or a parameter; at least two.
    Operations(Vec<Expr>),
    /// `position 5`: what this node showed at a position of its change log.
    Position(Box<Expr>),
    /// An operation where the value is an id, a time where it is a timestamp or a text of one.
    At(Box<Expr>),
}
