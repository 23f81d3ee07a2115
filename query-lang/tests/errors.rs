//! What a person sees of malformed texts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use ankurah_query_lang::*;
use common::snapshot;

/// The messages for all sources, one after the other.
fn messages<T: std::fmt::Debug>(sources: &[&str], parse: fn(&str) -> Result<T, ParseError>) -> String {
    let show = |source: &&str| {
        let error = parse(source).expect_err(source);
        let shown = error.render(source);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        shown
    };
    sources.iter().map(show).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn mistyped_keywords() {
    snapshot(
        "errors-mistyped",
        &messages(
            &[
                "selct * from album",
                "select * form album",
                "select name form album",
                "select name from album wher year > 1",
                "select name from album where year > 1 ordr by name",
                "select name from album order bye name",
                "select name from album order by name dsc",
                "slect",
                "inser into album values (1)",
                "create modle album (a i64)",
                "create table album (a i64)",
                "alter model album renam to b",
                "update album st a = 1",
                "delete album where x",
                "select case a wen 1 then 2 end",
            ],
            parse_statement,
        ),
    );
}

#[test]
fn unexpected_tokens() {
    snapshot(
        "errors-unexpected",
        &messages(
            &[
                "",
                "   -- nothing\n",
                "select",
                "select from album",
                "select a,, b from album",
                "select a from",
                "select a from album where",
                "select a from album where year >",
                "select (1 + 2",
                "select 1 + 2)",
                "select a from album where year in ()",
                "select a from album where year in (1, 2",
                "select a from album where not",
                "select a b c from album",
                "select 1 select 2",
                "select 1; select 2",
                "select a from order",
                "insert into album (a, b) values",
                "insert into album (a b) values (1)",
                "update album set a == 1",
                "update album set a = 1, where b",
                "select data -> 'x' from album",
                "select date '2020-01-01'",
                "select interval '1 day'",
                "select a from album where name = 'x' 'y'",
                "select case end",
                "select a is 5",
                "select a not 5",
                "edit album.note at 5",
                "edit album at 5 insert 'x'",
                "select data[x]",
                "select data[99999999999999999999]",
                "alter model a resolve property b to c",
            ],
            parse_statement,
        ),
    );
}

#[test]
fn lexical() {
    snapshot(
        "errors-lexical",
        &messages(
            &[
                "select 'abc",
                "select x'0a",
                "select \"abc from album",
                "select 1 /* open /* nested */",
                "select \"\" from album",
                "select 12ab",
                "select 1e",
                "select x'0g'",
                "select x'0'",
                "select @abc",
                "select $0 + $",
                "select `a` from album",
                "select a from album where a & b",
                "select a from album where !a",
                "select a ^ 2",
                "select :name",
                "select “a”",
                "select a\u{1b}[31m from album",
                "select '\u{0}'",
                "select a # comment",
            ],
            parse_statement,
        ),
    );
}

#[test]
fn meaning() {
    snapshot(
        "errors-meaning",
        &messages(
            &[
                "select 1 where a < b < c",
                "select 1 where a = b = c",
                "select 1 where a in (1) in (2)",
                "select 1 limit 5 where x",
                "select a from b order by c group by a",
                "select a from b where c where d",
                "select cast(a as strng)",
                "select cast(a as nothing_like_it)",
                "create model m (a varchar(20))",
                "create model m (a)",
                "create model m (a i64 key key)",
            ],
            parse_statement,
        ),
    );
}

#[test]
fn history() {
    snapshot(
        "errors-history",
        &messages(
            &[
                "history",
                "history of",
                "history of album",
                "history of @01ARZ3NDEKTSV4RRFFQ69G5FAV were author = 'a'",
                "history of @01ARZ3NDEKTSV4RRFFQ69G5FAV limit 1 where author = 'a'",
                "diff",
                "diff album",
                "diff album form '2020-01-01'",
                "diff album from",
                "diff album from '2020-01-01' two '2021-01-01'",
                "diff @01ARZ3NDEKTSV4RRFFQ69G5FAV to '2021-01-01'",
                "why",
                "why album.name",
                "why @01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "why @01ARZ3NDEKTSV4RRFFQ69G5FAV.",
                "undo",
                "undo album",
                "undo transaction",
                "undo @01ARZ3NDEKTSV4RRFFQ69G5FAV froce",
                "redact",
                "redact album",
                "redact album.",
                "redact album.name off @01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "redact album.name of 5",
                "redact album.name too 'x'",
                "redact @01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "redact @01ARZ3NDEKTSV4RRFFQ69G5FAV.name where year = 1",
                "compact",
                "compact album as of",
                "compact album befor '2020-01-01'",
                "compact @01ARZ3NDEKTSV4RRFFQ69G5FAV where year = 1",
                "bisect album where year > 1990",
                "bisect @01ARZ3NDEKTSV4RRFFQ69G5FAV wher year > 1990",
                "select * from album as of",
                "select * from album as of position",
                "select * from album as of (@01ARZ3NDEKTSV4RRFFQ69G5FAV,",
                "select * from album as of (@01ARZ3NDEKTSV4RRFFQ69G5FAV, 5)",
                "select * from album where a = 1 as of now()",
                "select * from @01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "live history of @01ARZ3NDEKTSV4RRFFQ69G5FAV",
            ],
            parse_statement,
        ),
    );
}

#[test]
fn not_available() {
    let sources = [
        "update album as of '2020-01-01' set a = 1",
        "drop model album",
        "show models",
        "describe album",
        "truncate album",
        "copy album",
        "with x as (select 1) select * from x",
        "values (1)",
        "select 1 union select 2",
        "select 1 intersect select 2",
        "select 1 except select 2",
        "select a from b natural join c",
        "select a from lateral (select 1) x",
        "select a from b fetch first 5 rows only",
        "select a from b for update",
        "select sum(a) over (order by b)",
        "select name over (x) from album",
        "select a.name over(partition by x) from album",
        "select a from album order by a over w",
        "select 1, (b) over ()",
        "select current_timestamp over (x)",
        "select a from b where c = any (select 1)",
        "select a from b where c > some (select 1)",
        "select a from b where c <> all (select 1)",
        "select a collate \"C\"",
        "select distinct on (a) b from c",
        "insert into a values (1) on conflict do nothing",
    ];
    for source in sources {
        let error = parse_statement(source).expect_err(source);
        assert!(matches!(error.kind, ParseErrorKind::NotAvailable { .. }), "{source}: {error:?}");
    }
    snapshot("errors-not-available", &messages(&sources, parse_statement));
}

#[test]
fn other_entry_points() {
    snapshot(
        "errors-predicate",
        &messages(
            &[
                "year >",
                "year > 1 order name",
                "select * from album",
                "year > 1; drop",
                "limit 1 where x",
                "year > 1 group by x",
            ],
            parse_predicate,
        ),
    );
    snapshot("errors-expr", &messages(&["", "1 +", "a b", "a order by b"], parse_expr));
    snapshot("errors-script", &messages(&["select 1;\nselct 2;\nselect 3", "begin commit"], parse_script));
}

#[test]
fn places() {
    let long = format!("select {} ) from album where b", "column_with_a_name, ".repeat(30));
    snapshot(
        "errors-places",
        &messages(
            &[
                "select a\nfrom album\nwhere\n\tyear >> 5\n\tand b",
                "select a\r\nfrom album whre\r\nx",
                "select '名前', wide + ) from album",
                "select 'é\u{301}', ) from album",
                "select\t\ta,\t)",
                "select 'a\n\n",
                "select '\u{202e}abc\u{7}' )",
                &long,
            ],
            parse_statement,
        ),
    );
}

#[test]
fn rendering_options() {
    let source = "one\ntwo three\nfour";
    let diagnostic = Diagnostic::warning("odd\u{1b}ity", Span::new(8, 13))
        .with_label("here")
        .with_help("do\nthat")
        .with_note("first")
        .with_note("second");
    let options =
        RenderOptions { origin: Some("file\u{7}.ank".into()), first_line: 99, width: 40, mark: "..." };
    snapshot("errors-options", &diagnostic.render(source, &options));
    // Spans that fit no text are shown at its end.
    for (start, end) in [(0, 0), (100, 200), (18, 18), (13, 2), (3, 9)] {
        let _ = Diagnostic::error("x", Span::new(start, end)).render(source, &RenderOptions::default());
        let _ = Diagnostic::error("x", Span::new(start, end)).render("é名\u{1b}", &RenderOptions::default());
    }
}

#[test]
fn what_there_is_nothing_to_explain_about_is_pointed_at() {
    let sources = [
        "explain explain select 1",
        "explain analyze explain analyze select 1",
        "explain begin",
        "explain analyze commit",
        "explain rollback transaction",
        "explain start transaction",
        "explain",
        "explain selct 1",
    ];
    for source in &sources[..6] {
        let error = parse_statement(source).expect_err(source);
        assert!(matches!(error.kind, ParseErrorKind::NothingToExplain { .. }), "{source}: {error:?}");
    }
    snapshot("errors-explain", &messages(&sources, parse_statement));
}

#[test]
fn incomplete_texts_say_so() {
    for source in ["select", "select 'a", "select (1", "select \"a", "select 1 /*", ""] {
        assert!(parse_statement(source).unwrap_err().is_incomplete(), "{source}");
    }
    for source in ["selct", "select )", "select 1 select"] {
        assert!(!parse_statement(source).unwrap_err().is_incomplete(), "{source}");
    }
}

#[test]
fn nearest_names() {
    let names = ["name", "artist", "year", "genre"];
    for (typed, near) in [
        ("nmae", Some("name")),
        ("NAME", Some("name")),
        ("artst", Some("artist")),
        ("yeer", Some("year")),
        ("x", None),
        ("tame", Some("name")),
        ("nope", None),
        ("tear", Some("year")),
        ("beat", None),
        ("rating", None),
        ("", None),
    ] {
        assert_eq!(nearest(typed, names), near, "{typed}");
    }
}
