//! Splitting, completeness and highlighting.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use ankurah_query_lang::{Completeness::*, *};
use common::snapshot;

#[test]
fn splitting() {
    let pieces = |source: &'static str| {
        split_statements(source).iter().map(|p| (p.span.text(source), p.terminated)).collect::<Vec<_>>()
    };
    assert_eq!(pieces(""), []);
    assert_eq!(pieces(" ; ;; -- x;\n /* ; */ "), []);
    assert_eq!(pieces("a b; c"), [("a b", true), ("c", false)]);
    assert_eq!(
        pieces("-- first\na /* ; */ b ; -- second\n'x;' \";\";"),
        [("a /* ; */ b", true), ("'x;' \";\"", true)]
    );
    assert_eq!(pieces("a; 'b; c"), [("a", true), ("'b; c", false)]);
}

#[test]
fn completeness() {
    for (source, expected) in [
        ("", Complete),
        ("  -- only a comment", Complete),
        ("select 1;", Complete),
        ("select 1; -- done", Complete),
        ("select (1;", Complete),
        ("select 1", Incomplete(Missing::Semicolon)),
        ("select 1; select", Incomplete(Missing::Semicolon)),
        ("select (1", Incomplete(Missing::Parenthesis)),
        ("select a[", Incomplete(Missing::Parenthesis)),
        ("select 'a;", Incomplete(Missing::StringEnd)),
        ("select \"a;", Incomplete(Missing::NameEnd)),
        ("select 1; /* ;", Incomplete(Missing::CommentEnd)),
    ] {
        assert_eq!(is_complete(source), expected, "{source}");
    }
}

#[test]
fn highlighting() {
    let mut out = String::new();
    for source in [
        "select key, history as live from album a where first = 1 order by last desc nulls last",
        "select count(*), lower(\"Name\"), left(a, 2), nosuch(x) from album left outer join b on true",
        "create model album (key string key, text text not null default 'x', ref ref(artist), timestamp timestamp)",
        "insert into sum (count, model) values (1.5, x'00', @01ARZ3NDEKTSV4RRFFQ69G5FAV, $p, ?) returning id",
        "alter model model rename property property to to",
        "edit album.note at 5 delete 3 insert 'a' || b, append '!' where at is unknown",
        "begin serializable; commit transaction; explain analyze update album set a = cast(b as text)::i64",
        "select extract(year from t), trim(both 'x' from a), timestamp '2020-01-01' /* c */ -- d",
        "select 12x # 'open",
    ] {
        for (span, class) in tokenize(source) {
            if class != TokenClass::Whitespace {
                out += &format!("{}/{class:?} ", span.text(source));
            }
        }
        out = format!("{}\n\n", out.trim_end());
    }
    snapshot("highlighting", out.trim_end());
}
