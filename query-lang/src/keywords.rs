//! The words of the language.

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeywordClass {
    /// Never a name unless quoted.
    Reserved,
    /// A keyword only where the grammar asks for it, a name elsewhere.
    Contextual,
}

/// Reserved words: names only when quoted. Sorted.
pub const RESERVED: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "collate",
    "create",
    "cross",
    "distinct",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "false",
    "fetch",
    "for",
    "from",
    "full",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "join",
    "lateral",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "of",
    "offset",
    "on",
    "or",
    "order",
    "over",
    "returning",
    "right",
    "select",
    "set",
    "some",
    "then",
    "true",
    "union",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
];

/// Words that are keywords only where the grammar asks for them. Sorted.
pub const CONTEXTUAL: &[&str] = &[
    "add",
    "alter",
    "analyze",
    "append",
    "asc",
    "at",
    "begin",
    "bisect",
    "both",
    "commit",
    "compact",
    "conflict",
    "copy",
    "current_timestamp",
    "default",
    "delete",
    "desc",
    "describe",
    "diff",
    "drop",
    "edit",
    "explain",
    "extract",
    "filter",
    "first",
    "history",
    "if",
    "key",
    "last",
    "leading",
    "live",
    "model",
    "nulls",
    "outer",
    "position",
    "primary",
    "property",
    "redact",
    "ref",
    "rename",
    "resolve",
    "restore",
    "rollback",
    "serializable",
    "show",
    "start",
    "substring",
    "to",
    "trailing",
    "transaction",
    "trim",
    "truncate",
    "undo",
    "unknown",
    "update",
    "upsert",
    "why",
];

/// The class of a word, in any case, or `None` where it is not a keyword.
pub fn classify(word: &str) -> Option<KeywordClass> {
    let lower = word.to_ascii_lowercase();
    if RESERVED.binary_search(&lower.as_str()).is_ok() {
        Some(KeywordClass::Reserved)
    } else if CONTEXTUAL.binary_search(&lower.as_str()).is_ok() {
        Some(KeywordClass::Contextual)
    } else {
        None
    }
}

/// Whether `c` may begin an unquoted name.
pub(crate) fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Whether `c` may continue an unquoted name.
pub(crate) fn is_name_continue(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether `name` is read as a name without quotes: letters, digits and `_`, no digit first, not reserved.
pub fn is_plain_identifier(name: &str) -> bool {
    name.chars().next().is_some_and(is_name_start)
        && name.chars().all(is_name_continue)
        && classify(name) != Some(KeywordClass::Reserved)
}
