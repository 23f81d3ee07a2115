//! The names of types.

use crate::ast::DataTypeKind;

/// A type's name, its other names and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeInfo {
    /// The name that the printer writes.
    pub name: &'static str,
    /// Other names for the same type.
    pub synonyms: &'static [&'static str],
    /// What it is, in one line.
    pub doc: &'static str,
}

/// All types.
pub const TYPES: &[TypeInfo] = &[
    TypeInfo { name: "bool", synonyms: &["boolean"], doc: "true or false" },
    TypeInfo { name: "i64", synonyms: &["int", "integer", "bigint", "int8"], doc: "a 64-bit signed integer" },
    TypeInfo {
        name: "f64",
        synonyms: &["float", "double", "real", "float8"],
        doc: "a 64-bit floating-point number",
    },
    TypeInfo { name: "decimal", synonyms: &["numeric"], doc: "an exact decimal number of up to 28 digits" },
    TypeInfo { name: "string", synonyms: &["varchar", "char"], doc: "a string; the last writer wins" },
    TypeInfo { name: "text", synonyms: &[], doc: "collaborative text: concurrent edits merge" },
    TypeInfo { name: "bytes", synonyms: &["bytea", "blob"], doc: "bytes" },
    TypeInfo {
        name: "timestamp",
        synonyms: &["timestamptz", "datetime"],
        doc: "a point in time, in UTC, to the microsecond",
    },
    TypeInfo { name: "uuid", synonyms: &[], doc: "a UUID" },
    TypeInfo { name: "ulid", synonyms: &[], doc: "a ULID" },
    TypeInfo { name: "json", synonyms: &["jsonb"], doc: "a JSON value" },
    TypeInfo { name: "ref", synonyms: &[], doc: "a reference to an entity: ref(model)" },
];

/// The type with a name, in any case; not `ref`, which needs a model.
pub(crate) fn lookup(name: &str) -> Option<DataTypeKind> {
    let info = TYPES.iter().find(|info| {
        info.name.eq_ignore_ascii_case(name) || info.synonyms.iter().any(|s| s.eq_ignore_ascii_case(name))
    })?;
    Some(match info.name {
        "bool" => DataTypeKind::Bool,
        "i64" => DataTypeKind::I64,
        "f64" => DataTypeKind::F64,
        "decimal" => DataTypeKind::Decimal,
        "string" => DataTypeKind::String,
        "text" => DataTypeKind::Text,
        "bytes" => DataTypeKind::Bytes,
        "timestamp" => DataTypeKind::Timestamp,
        "uuid" => DataTypeKind::Uuid,
        "ulid" => DataTypeKind::Ulid,
        "json" => DataTypeKind::Json,
        _ => return None,
    })
}

/// All names of types.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().flat_map(|info| std::iter::once(info.name).chain(info.synonyms.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_but_ref_is_a_type() {
        for name in names() {
            assert_eq!(lookup(name).is_some(), name != "ref", "{name}");
            assert_eq!(lookup(&name.to_uppercase()), lookup(name));
        }
    }
}
