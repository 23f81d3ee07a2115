//! Statements.

use super::{DataType, Expr, Ident, Name, Path, Point, Select, SelectItem, Subject};

node! {
    /// A statement.
    pub struct Statement {
        /// What it is.
        pub kind: StatementKind,
    }
}

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    /// `select …`, `from …`
    Select(Box<Select>),
    /// `live select …`, `live from …`: the result and then every change of it.
    Live(Box<Select>),
    /// `insert into …`, `upsert into …`
    Insert(Box<Insert>),
    /// `update …`
    Update(Box<Update>),
    /// `delete from …`
    Delete(Box<Delete>),
    /// `restore …`: the inverse of `delete`.
    Restore(Box<Delete>),
    /// `edit model.property …`: change a text in place.
    Edit(Box<Edit>),
    /// `undo @01HZ…`, `undo transaction @01HZ…`: put back what was there before.
    Undo(Box<Undo>),
    /// `redact @01HZ….property`, `redact model.property where …`: erase values for good.
    Redact(Box<Redact>),
    /// `compact @01HZ…`, `compact model as of POINT where …`: give up the history before a point.
    Compact(Box<Compact>),
    /// `create model …`
    CreateModel(Box<CreateModel>),
    /// `alter model …`
    AlterModel(Box<AlterModel>),
    /// `begin [transaction] [serializable]`
    Begin {
        /// Whether the transaction may end in a conflict instead of a merge.
        serializable: bool,
    },
    /// `commit`
    Commit,
    /// `rollback`
    Rollback,
    /// `explain [analyze] statement`; the statement is neither an `explain` itself, nor a `live` query, nor the control of
    /// a transaction.
    Explain {
        /// Whether the statement is run and measured.
        analyze: bool,
        /// What is explained.
        statement: Box<Statement>,
    },
}

node! {
    /// `insert into model (a, b) values (1, 2), (3, 4) returning id`, and `upsert into`.
    pub struct Insert {
        /// What happens where an entity with the same key exists.
        pub mode: InsertMode,
        /// The model.
        pub model: Name,
        /// The properties; empty means all declared ones in their order.
        pub columns: Vec<Name>,
        /// The values.
        pub source: InsertSource,
        /// What is returned of each entity; empty where nothing is.
        pub returning: Vec<SelectItem>,
    }
}

/// What `insert` does where an entity with the same key exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InsertMode {
    /// `insert`: it is an error.
    Insert,
    /// `upsert`: the entity's other properties are set. The model must have a key, and all its key
    /// properties must be given.
    Upsert,
}

/// Where inserted values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertSource {
    /// `values (…), (…)`: at least one row.
    Values(Vec<Row>),
    /// A query with as many columns as properties are given.
    Query(Box<Select>),
}

node! {
    /// One row of `values`.
    pub struct Row {
        /// The values, at least one. Rows may differ in length: the binder says so.
        pub values: Vec<Expr>,
    }
}

node! {
    /// `update model set a = 1, b = b + 1 where … returning …`
    pub struct Update {
        /// The model.
        pub model: Name,
        /// The name by which its properties are qualified instead.
        pub alias: Option<Ident>,
        /// The changes, at least one. All right-hand sides see the values from before the statement.
        pub assignments: Vec<Assignment>,
        /// Which entities; all of the model where there is none.
        pub filter: Option<Expr>,
        /// What is returned of each entity; empty where nothing is.
        pub returning: Vec<SelectItem>,
    }
}

node! {
    /// `property = value` in `update`.
    pub struct Assignment {
        /// The property, or a place in a JSON property.
        pub target: Path,
        /// Its new value.
        pub value: Expr,
    }
}

node! {
    /// `delete from model where …`, and `restore model where …`.
    pub struct Delete {
        /// The model.
        pub model: Name,
        /// The name by which its properties are qualified instead.
        pub alias: Option<Ident>,
        /// Which entities; all of the model where there is none.
        pub filter: Option<Expr>,
        /// What is returned of each entity; empty where nothing is.
        pub returning: Vec<SelectItem>,
    }
}

node! {
    /// `edit album.note at 5 delete 3 insert 'abc', append '!' where id = @… returning note`: changes to a
    /// text property that merge with those made elsewhere, where an `update` would replace the whole text.
    pub struct Edit {
        /// The model.
        pub model: Name,
        /// The text property.
        pub property: Name,
        /// The changes, at least one, made in order: each sees the text that the one before it left.
        pub changes: Vec<TextChange>,
        /// Which entities; all of the model where there is none.
        pub filter: Option<Expr>,
        /// What is returned of each entity; empty where nothing is.
        pub returning: Vec<SelectItem>,
    }
}

node! {
    /// One change to a text.
    pub struct TextChange {
        /// What it is.
        pub kind: TextChangeKind,
    }
}

/// One change to a text. Positions and lengths count Unicode scalar values; one beyond the end of the text
/// is an error. The expressions see the entity as it was before the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a statement holds few of them")]
pub enum TextChangeKind {
    /// `at position [delete length] [insert text]`: at least one of the two.
    At {
        /// Where, from 0.
        position: Expr,
        /// How much to delete there.
        delete: Option<Expr>,
        /// What to insert there, after the deletion.
        insert: Option<Expr>,
    },
    /// `append text`: insert at the end.
    Append(Expr),
}

node! {
    /// `undo @01HZ… force`: a new change that takes back an earlier one.
    pub struct Undo {
        /// Whether a whole transaction is meant, not one operation.
        pub transaction: bool,
        /// The operation or the transaction: an id or a parameter.
        pub of: Expr,
        /// Whether it is done even where later changes overlap.
        pub force: bool,
    }
}

node! {
    /// `redact album.note of @01HZ… to 'gone' where … returning …`: erases what a property was set to, also in the
    /// history.
    pub struct Redact {
        /// Of which entities: one, or those of a model that the condition chooses.
        pub subject: Subject,
        /// The property.
        pub property: Name,
        /// The operations whose values are erased, each an id or a parameter; all where there is none.
        pub of: Vec<Expr>,
        /// What the property is set to instead.
        pub replacement: Option<Expr>,
        /// Which entities; all of the model where there is none. Of one entity there is none.
        pub filter: Option<Expr>,
        /// What is returned of each entity; empty where nothing is.
        pub returning: Vec<SelectItem>,
    }
}

node! {
    /// `compact album as of '2026-01-01' where …`: folds the history up to a point into what it made of the entities.
    pub struct Compact {
        /// Of which entities: one, or those of a model that the condition chooses.
        pub subject: Subject,
        /// Up to when; all of it where there is none.
        pub point: Option<Point>,
        /// Which entities; all of the model where there is none. Of one entity there is none.
        pub filter: Option<Expr>,
    }
}

node! {
    /// `create model album (name string key, year i64 not null default 2000, note text)`
    pub struct CreateModel {
        /// The model's name.
        pub name: Ident,
        /// Whether `if not exists` was written: a model of that name is then left as it is.
        pub if_not_exists: bool,
        /// The properties, possibly none.
        pub properties: Vec<PropertyDef>,
    }
}

node! {
    /// A property's definition.
    pub struct PropertyDef {
        /// Its name.
        pub name: Ident,
        /// Its type.
        pub ty: DataType,
        /// Whether it is part of the model's key. A key property is never NULL.
        pub key: bool,
        /// Whether `not null` was written.
        pub not_null: bool,
        /// Its value where an insert gives none.
        pub default: Option<Expr>,
    }
}

node! {
    /// `alter model …`
    pub struct AlterModel {
        /// The model.
        pub model: Name,
        /// The change.
        pub action: AlterAction,
    }
}

/// A change to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterAction {
    /// `rename to name`
    RenameTo(Ident),
    /// `add property name type …`
    AddProperty(PropertyDef),
    /// `rename property a to b`
    RenameProperty {
        /// The property.
        property: Name,
        /// Its new name.
        to: Ident,
    },
    /// `drop property a`: hides it; its values and history stay.
    DropProperty(Name),
    /// `restore property a`: the inverse of `drop property`.
    RestoreProperty(Name),
    /// `resolve property rating to rating@01HZ…`: which of several namesakes the bare name means.
    ResolveProperty {
        /// The bare name.
        name: Ident,
        /// The property that it shall mean; always has an id.
        to: Name,
    },
}
