//! Statements.

use super::query::optional;
use super::{AnyIdent, clause, separated};
use crate::ast::{
    AlterAction, AlterModel, Assignment, Compact, CreateModel, Delete, Edit, Insert, InsertMode,
    InsertSource, PropertyDef, Redact, Row, Statement, StatementKind, TextChange, TextChangeKind, Undo,
    Update,
};
use std::fmt::{self, Display, Formatter};

/// Printed without the semicolon.
impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StatementKind::Select(select) => select.fmt(f),
            StatementKind::Live(select) => write!(f, "live {select}"),
            StatementKind::Insert(insert) => insert.fmt(f),
            StatementKind::Update(update) => update.fmt(f),
            StatementKind::Delete(delete) => write!(f, "delete from {delete}"),
            StatementKind::Restore(restore) => write!(f, "restore {restore}"),
            StatementKind::Edit(edit) => edit.fmt(f),
            StatementKind::Undo(undo) => undo.fmt(f),
            StatementKind::Redact(redact) => redact.fmt(f),
            StatementKind::Compact(compact) => compact.fmt(f),
            StatementKind::CreateModel(create) => create.fmt(f),
            StatementKind::AlterModel(alter) => alter.fmt(f),
            StatementKind::Begin { serializable: false } => f.write_str("begin"),
            StatementKind::Begin { serializable: true } => f.write_str("begin serializable"),
            StatementKind::Commit => f.write_str("commit"),
            StatementKind::Rollback => f.write_str("rollback"),
            StatementKind::Explain { analyze: false, statement } => write!(f, "explain {statement}"),
            StatementKind::Explain { analyze: true, statement } => write!(f, "explain analyze {statement}"),
        }
    }
}

impl Display for Insert {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = match self.mode {
            InsertMode::Insert => "insert",
            InsertMode::Upsert => "upsert",
        };
        write!(f, "{word} into {}", self.model)?;
        if !self.columns.is_empty() {
            f.write_str(" (")?;
            separated(f, &self.columns, ", ")?;
            f.write_str(")")?;
        }
        match &self.source {
            InsertSource::Values(rows) => clause(f, "values", rows)?,
            InsertSource::Query(query) => write!(f, " {query}")?,
        }
        clause(f, "returning", &self.returning)
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        separated(f, &self.values, ", ")?;
        f.write_str(")")
    }
}

impl Display for Update {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "update {}", self.model)?;
        if let Some(alias) = &self.alias {
            write!(f, " as {alias}")?;
        }
        clause(f, "set", &self.assignments)?;
        optional(f, "where", self.filter.as_ref())?;
        clause(f, "returning", &self.returning)
    }
}

impl Display for Assignment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.target, self.value)
    }
}

/// Printed from the model on.
impl Display for Delete {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)?;
        if let Some(alias) = &self.alias {
            write!(f, " as {alias}")?;
        }
        optional(f, "where", self.filter.as_ref())?;
        clause(f, "returning", &self.returning)
    }
}

impl Display for Edit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "edit {}.{}", self.model, AnyIdent(&self.property.ident))?;
        if let Some(id) = &self.property.id {
            id.fmt(f)?;
        }
        f.write_str(" ")?;
        separated(f, &self.changes, ", ")?;
        optional(f, "where", self.filter.as_ref())?;
        clause(f, "returning", &self.returning)
    }
}

impl Display for Undo {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = if self.transaction { "transaction " } else { "" };
        let force = if self.force { " force" } else { "" };
        write!(f, "undo {what}{}{force}", self.of)
    }
}

impl Display for Redact {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "redact {}.{}", self.subject, AnyIdent(&self.property.ident))?;
        if let Some(id) = &self.property.id {
            id.fmt(f)?;
        }
        clause(f, "of", &self.of)?;
        optional(f, "to", self.replacement.as_ref())?;
        optional(f, "where", self.filter.as_ref())?;
        clause(f, "returning", &self.returning)
    }
}

impl Display for Compact {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "compact {}", self.subject)?;
        self.point.as_ref().map_or(Ok(()), |point| write!(f, " as of {point}"))?;
        optional(f, "where", self.filter.as_ref())
    }
}

impl Display for TextChange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TextChangeKind::Append(text) => write!(f, "append {text}"),
            TextChangeKind::At { position, delete, insert } => {
                write!(f, "at {position}")?;
                optional(f, "delete", delete.as_ref())?;
                optional(f, "insert", insert.as_ref())
            }
        }
    }
}

impl Display for CreateModel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let condition = if self.if_not_exists { "if not exists " } else { "" };
        write!(f, "create model {condition}{} (", self.name)?;
        separated(f, &self.properties, ", ")?;
        f.write_str(")")
    }
}

impl Display for PropertyDef {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.ty)?;
        if self.key {
            f.write_str(" key")?;
        }
        if self.not_null {
            f.write_str(" not null")?;
        }
        optional(f, "default", self.default.as_ref())
    }
}

impl Display for AlterModel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "alter model {} ", self.model)?;
        match &self.action {
            AlterAction::RenameTo(name) => write!(f, "rename to {name}"),
            AlterAction::AddProperty(property) => write!(f, "add property {property}"),
            AlterAction::RenameProperty { property, to } => write!(f, "rename property {property} to {to}"),
            AlterAction::DropProperty(property) => write!(f, "drop property {property}"),
            AlterAction::RestoreProperty(property) => write!(f, "restore property {property}"),
            AlterAction::ResolveProperty { name, to } => write!(f, "resolve property {name} to {to}"),
        }
    }
}
