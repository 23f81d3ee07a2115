//! `select` and the part of it that a predicate is.

use super::{Expr, Ident, Name, Past};

node! {
    /// `select …`, or the short form `from …`, which is `select * from …`.
    pub struct Select {
        /// Whether `distinct` was written.
        pub distinct: bool,
        /// What is selected, at least one item.
        pub items: Vec<SelectItem>,
        /// Where the rows come from; without it there is one row without properties.
        pub from: Option<Relation>,
        /// The condition after `where`.
        pub filter: Option<Expr>,
        /// What to group by. An integer literal is an ordinal (from 1), a bare name may be an alias.
        pub group_by: Vec<Expr>,
        /// The condition on groups.
        pub having: Option<Expr>,
        /// The order of the rows.
        pub order_by: Vec<OrderItem>,
        /// The greatest number of rows; `limit all` leaves none.
        pub limit: Option<Expr>,
        /// The number of rows to skip.
        pub offset: Option<Expr>,
    }
}

node! {
    /// One item of a select list or of `returning`.
    pub struct SelectItem {
        /// What it is.
        pub kind: SelectItemKind,
    }
}

/// What an item of a select list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectItemKind {
    /// `*`
    Wildcard,
    /// `a.*`
    QualifiedWildcard(Name),
    /// An expression, with the name that it is given.
    Expr {
        /// The expression.
        expr: Expr,
        /// The name after `as`.
        alias: Option<Ident>,
    },
}

node! {
    /// Where rows come from.
    pub struct Relation {
        /// What it is.
        pub kind: RelationKind,
    }
}

/// What rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationKind {
    /// The entities of a model.
    Model {
        /// The model.
        name: Name,
        /// The name by which its properties are qualified instead.
        alias: Option<Ident>,
    },
    /// What was: `album as of '2026-01-01'`, `history of @01HZ…`.
    Past {
        /// What is read.
        past: Box<Past>,
        /// The name by which its columns are qualified.
        alias: Option<Ident>,
    },
    /// The rows of a query: `(select …) as t`.
    Query {
        /// The query.
        query: Box<Select>,
        /// Its name.
        alias: Ident,
    },
    /// Two relations side by side. `a, b` is a cross join.
    Join {
        /// The left side.
        left: Box<Relation>,
        /// How they are joined.
        join: JoinKind,
        /// The right side.
        right: Box<Relation>,
        /// The condition; none for a cross join.
        on: Option<JoinCondition>,
    },
}

/// How two relations are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// `[inner] join`
    Inner,
    /// `left [outer] join`
    Left,
    /// `right [outer] join`
    Right,
    /// `full [outer] join`
    Full,
    /// `cross join`, `,`
    Cross,
}

/// The condition of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinCondition {
    /// `on condition`
    On(Box<Expr>),
    /// `using (a, b)`: at least one name.
    Using(Vec<Name>),
}

node! {
    /// One item of `order by`.
    pub struct OrderItem {
        /// What to order by. An integer literal is an ordinal (from 1), a bare name may be an alias.
        pub expr: Expr,
        /// Whether `desc` was written.
        pub descending: bool,
        /// Where NULLs go, if said; otherwise last ascending and first descending.
        pub nulls: Option<NullsOrder>,
    }
}

/// Where NULLs go in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullsOrder {
    /// `nulls first`
    First,
    /// `nulls last`
    Last,
}

node! {
    /// What an app passes to a query on one model: the part of a `select` after `where`, as in
    /// `year > ? order by name limit 5`. All of it may be missing; a leading `where` is allowed.
    pub struct Predicate {
        /// The condition.
        pub filter: Option<Expr>,
        /// The order of the rows.
        pub order_by: Vec<OrderItem>,
        /// The greatest number of rows.
        pub limit: Option<Expr>,
        /// The number of rows to skip.
        pub offset: Option<Expr>,
    }
}
