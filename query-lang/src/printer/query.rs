//! `select` and predicates.

use super::{AnyIdent, clause, separated};
use crate::ast::{
    Expr, JoinCondition, JoinKind, NullsOrder, OrderItem, Predicate, Relation, RelationKind, Select,
    SelectItem, SelectItemKind,
};
use std::fmt::{self, Display, Formatter};

/// ` keyword expression`, or nothing.
pub(super) fn optional(f: &mut Formatter<'_>, keyword: &str, expr: Option<&Expr>) -> fmt::Result {
    expr.map_or(Ok(()), |expr| write!(f, " {keyword} {expr}"))
}

impl Display for Select {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.distinct { "select distinct " } else { "select " })?;
        separated(f, &self.items, ", ")?;
        if let Some(from) = &self.from {
            write!(f, " from {from}")?;
        }
        optional(f, "where", self.filter.as_ref())?;
        clause(f, "group by", &self.group_by)?;
        optional(f, "having", self.having.as_ref())?;
        clause(f, "order by", &self.order_by)?;
        optional(f, "limit", self.limit.as_ref())?;
        optional(f, "offset", self.offset.as_ref())
    }
}

/// Printed without a leading space; the empty predicate as the empty text.
impl Display for Predicate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        struct Rest<'a>(&'a Predicate);
        impl Display for Rest<'_> {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                let Self(predicate) = self;
                clause(f, "order by", &predicate.order_by)?;
                optional(f, "limit", predicate.limit.as_ref())?;
                optional(f, "offset", predicate.offset.as_ref())
            }
        }
        match &self.filter {
            Some(filter) => write!(f, "{filter}{}", Rest(self)),
            None => f.write_str(Rest(self).to_string().trim_start()),
        }
    }
}

impl Display for SelectItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SelectItemKind::Wildcard => f.write_str("*"),
            SelectItemKind::QualifiedWildcard(name) => write!(f, "{name}.*"),
            SelectItemKind::Expr { expr, alias: None } => expr.fmt(f),
            SelectItemKind::Expr { expr, alias: Some(alias) } => write!(f, "{expr} as {}", AnyIdent(alias)),
        }
    }
}

impl Display for OrderItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        if self.descending {
            f.write_str(" desc")?;
        }
        match self.nulls {
            None => Ok(()),
            Some(NullsOrder::First) => f.write_str(" nulls first"),
            Some(NullsOrder::Last) => f.write_str(" nulls last"),
        }
    }
}

impl Display for Relation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            // Only a comma takes a join on its right without parentheses.
            RelationKind::Join { left, join: JoinKind::Cross, right, .. } if is_join(right) => {
                write!(f, "{left}, {}", Joined(right))
            }
            _ => Joined(self).fmt(f),
        }
    }
}

fn is_join(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Join { .. })
}

/// A relation between commas.
struct Joined<'a>(&'a Relation);

impl Display for Joined<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(relation) = self;
        match &relation.kind {
            RelationKind::Model { name, alias: None } => name.fmt(f),
            RelationKind::Model { name, alias: Some(alias) } => write!(f, "{name} as {alias}"),
            RelationKind::Past { past, alias: None } => past.fmt(f),
            RelationKind::Past { past, alias: Some(alias) } => write!(f, "{past} as {alias}"),
            RelationKind::Query { query, alias } => write!(f, "({query}) as {}", AnyIdent(alias)),
            RelationKind::Join { join: JoinKind::Cross, right, .. } if is_join(right) => {
                write!(f, "({relation})")
            }
            RelationKind::Join { left, join, right, on } => {
                let word = match join {
                    JoinKind::Inner => "join",
                    JoinKind::Left => "left join",
                    JoinKind::Right => "right join",
                    JoinKind::Full => "full join",
                    JoinKind::Cross => "cross join",
                };
                write!(f, "{} {word} ", Joined(left))?;
                if is_join(right) {
                    write!(f, "({right})")?;
                } else {
                    Joined(right).fmt(f)?;
                }
                match on {
                    None => Ok(()),
                    Some(JoinCondition::On(condition)) => write!(f, " on {condition}"),
                    Some(JoinCondition::Using(names)) => {
                        f.write_str(" using (")?;
                        separated(f, names, ", ")?;
                        f.write_str(")")
                    }
                }
            }
        }
    }
}
