//! The words of the language.

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeywordClass {
    /// Never a name unless quoted (or after a dot or `as`).
    Reserved,
    /// A keyword only where the grammar asks for it, a name elsewhere.
    Contextual,
}

macro_rules! keywords {
    (reserved { $($reserved:ident = $reserved_text:literal,)+ } contextual { $($contextual:ident = $contextual_text:literal,)+ }) => {
        /// A keyword.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub(crate) enum Kw { $($reserved,)+ $($contextual,)+ }

        impl Kw {
            /// The keyword in lower case.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$reserved => $reserved_text,)+ $(Self::$contextual => $contextual_text,)+ }
            }

            /// Whether it is never a name unless quoted.
            pub(crate) fn is_reserved(self) -> bool {
                matches!(self, $(Self::$reserved)|+)
            }
        }

        /// Reserved words, in alphabetical order: names only when quoted, after a dot or after `as`.
        pub const RESERVED: &[&str] = &[$($reserved_text,)+];

        /// Words that are keywords only where the grammar asks for them, in alphabetical order.
        pub const CONTEXTUAL: &[&str] = &[$($contextual_text,)+];

        /// All of them, with their text.
        const KEYWORDS: &[(&str, Kw)] =
            &[$(($reserved_text, Kw::$reserved),)+ $(($contextual_text, Kw::$contextual),)+];
    };
}

keywords! {
    reserved {
        All = "all", And = "and", Any = "any", As = "as", Between = "between", By = "by", Case = "case",
        Cast = "cast", Collate = "collate", Create = "create", Cross = "cross",
        CurrentTimestamp = "current_timestamp", Distinct = "distinct", Else = "else", End = "end", Escape = "escape", Except = "except", Exists = "exists", False = "false",
        Fetch = "fetch", For = "for", From = "from", Full = "full", Group = "group", Having = "having",
        Ilike = "ilike", In = "in", Inner = "inner", Insert = "insert", Intersect = "intersect",
        Into = "into", Is = "is", Join = "join", Lateral = "lateral", Left = "left", Like = "like",
        Limit = "limit", Natural = "natural", Not = "not", Null = "null", Of = "of", Offset = "offset",
        On = "on", Or = "or", Order = "order", Over = "over", Returning = "returning", Right = "right",
        Select = "select", Set = "set", Some = "some", Then = "then", True = "true", Union = "union",
        Using = "using", Values = "values", When = "when", Where = "where", Window = "window", With = "with",
    }
    contextual {
        Add = "add", Alter = "alter", Analyze = "analyze", Append = "append", Asc = "asc", At = "at",
        Begin = "begin", Bisect = "bisect", Both = "both", Commit = "commit", Compact = "compact",
        Conflict = "conflict", Copy = "copy", Default = "default",
        Delete = "delete", Desc = "desc", Describe = "describe", Diff = "diff", Drop = "drop", Edit = "edit",
        Explain = "explain", Extract = "extract", Filter = "filter", First = "first", Force = "force", History = "history",
        If = "if", Key = "key", Last = "last", Leading = "leading", Live = "live", Model = "model",
        Nulls = "nulls", Outer = "outer", Position = "position", Precision = "precision",
        Primary = "primary", Property = "property", Redact = "redact", Ref = "ref", Rename = "rename",
        Resolve = "resolve", Restore = "restore", Rollback = "rollback", Serializable = "serializable",
        Show = "show", Start = "start", Substring = "substring", To = "to", Trailing = "trailing",
        Transaction = "transaction", Trim = "trim", Truncate = "truncate", Undo = "undo",
        Unknown = "unknown", Update = "update", Upsert = "upsert", Why = "why",
    }
}

/// The keywords by their first letters: those with the `n`-th letter of the alphabet stand from entry
/// `starts[n]` on, before entry `starts[n + 1]`.
struct Index {
    sorted: [(&'static str, Kw); KEYWORDS.len()],
    starts: [usize; 27],
}

const fn index() -> Index {
    let mut index = Index { sorted: [KEYWORDS[0]; KEYWORDS.len()], starts: [0; 27] };
    let (mut filled, mut letter) = (0, 0);
    while letter < 26 {
        index.starts[letter] = filled;
        let mut at = 0;
        while at < KEYWORDS.len() {
            if KEYWORDS[at].0.as_bytes()[0] as usize == b'a' as usize + letter {
                index.sorted[filled] = KEYWORDS[at];
                filled += 1;
            }
            at += 1;
        }
        letter += 1;
    }
    index.starts[26] = filled;
    index
}

static INDEX: Index = index();

/// The keyword that `word` is, in any case.
pub(crate) fn lookup(word: &str) -> Option<Kw> {
    let letter = usize::from(word.as_bytes().first()?.to_ascii_lowercase().checked_sub(b'a')?);
    let range = *INDEX.starts.get(letter)?..*INDEX.starts.get(letter + 1)?;
    let candidates = INDEX.sorted.get(range)?;
    candidates.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map(|(_, keyword)| *keyword)
}

/// The class of a word, in any case, or `None` where it is not a keyword.
pub fn classify(word: &str) -> Option<KeywordClass> {
    lookup(word).map(|kw| if kw.is_reserved() { KeywordClass::Reserved } else { KeywordClass::Contextual })
}

/// Whether `c` may begin an unquoted name.
pub(crate) fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Whether `c` may continue an unquoted name.
pub(crate) fn is_name_continue(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether `name` has the form of a name without quotes: letters, digits and `_`, no digit first.
pub(crate) fn is_word(name: &str) -> bool {
    name.chars().next().is_some_and(is_name_start) && name.chars().all(is_name_continue)
}

/// Whether `name` is read as a name without quotes: letters, digits and `_`, no digit first, not reserved.
pub fn is_plain_identifier(name: &str) -> bool {
    is_word(name) && classify(name) != Some(KeywordClass::Reserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found() {
        for (words, reserved) in [(RESERVED, true), (CONTEXTUAL, false)] {
            assert!(words.is_sorted());
            for word in words {
                for spelling in [word.to_string(), word.to_uppercase()] {
                    let kw = lookup(&spelling).unwrap();
                    assert_eq!(kw.text(), *word);
                    assert_eq!(kw.is_reserved(), reserved);
                }
            }
        }
        assert_eq!(lookup("a_word_longer_than_any_keyword"), None);
        assert_eq!(lookup("album"), None);
        assert_eq!(lookup(""), None);
    }

    #[test]
    fn plain_identifiers() {
        for name in ["a", "_", "année", "key", "history", "名前", "a1", "İ"] {
            assert!(is_plain_identifier(name), "{name}");
        }
        for name in ["", "1a", "select", "Select", "a b", "a-b", "a.b", "é\u{301}", "\u{202e}a"] {
            assert!(!is_plain_identifier(name), "{name}");
        }
    }
}
