//! What is proposed at a cursor, written `|` in the texts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use ankurah_query_lang::*;
use common::snapshot;
use std::fmt::Write;

fn describe(marked: &str) -> String {
    let cursor = marked.find('|').expect("a cursor");
    let source = marked.replacen('|', "", 1);
    let context = completion_context(&source, cursor);
    let mut out = format!("{marked}\n  replace {:?}", context.replace.text(&source));
    let quoted = if context.quoted { " quoted" } else { "" };
    let _ = write!(out, " prefix {:?}{quoted}", context.prefix);
    let mut keywords = Vec::new();
    let mut others = Vec::new();
    for expectation in &context.expects {
        match expectation {
            Expectation::Keyword(word) => keywords.push(*word),
            Expectation::PathStep { base: Some(base) } => others.push(format!("PathStep of {base}")),
            other => others.push(format!("{other:?}")),
        }
    }
    let _ = write!(out, "\n  expects {}\n  keywords {}\n  tables", others.join(", "), keywords.join(", "));
    for table in &context.tables {
        let _ = write!(out, " {}", table.model.as_deref().unwrap_or("(query)"));
        if let Some(alias) = &table.alias {
            let _ = write!(out, " as {alias}");
        }
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn check(name: &str, marked: &[&str]) {
    snapshot(name, &marked.iter().map(|text| describe(text)).collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn statements() {
    check(
        "complete-statements",
        &[
            "|",
            "sel|",
            "select 1; up|",
            "explain |",
            "live |",
            "live select |",
            "live from album |",
            "begin |",
            "create |",
            "create model album (name |",
            "create model album (name string |",
            "create model album (artist ref(|",
            "alter model al|",
            "alter model album |",
            "alter model album rename |",
            "alter model album drop property |",
            "insert |",
            "insert into |",
            "insert into album (|",
            "insert into album (name) |",
            "insert into album (name) values (|",
            "update |",
            "update album |",
            "update album set |",
            "update album set name = |",
            "update album set name = 'x' |",
            "delete |",
            "delete from album |",
            "restore |",
            "edit |",
            "edit album.|",
            "edit album.note |",
            "edit album.note at 5 |",
            "edit album.note at 5 insert 'x' |",
            "history |",
            "history of @01ARZ3NDEKTSV4RRFFQ69G5FAV |",
            "history of @01ARZ3NDEKTSV4RRFFQ69G5FAV where |",
            "select | from history of @01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "diff |",
            "diff album |",
            "diff album from |",
            "diff album from '2020-01-01' |",
            "diff album from '2020-01-01' where |",
            "why @01ARZ3NDEKTSV4RRFFQ69G5FAV.|",
            "why @01ARZ3NDEKTSV4RRFFQ69G5FAV.name |",
            "select * from album |",
            "select * from album as |",
            "select * from album as of |",
            "select * from album as of '2020-01-01' where |",
        ],
    );
}

#[test]
fn queries() {
    check(
        "complete-queries",
        &[
            "select |",
            "select | from album",
            "select na| from album",
            "select na|me from album a",
            "select name |",
            "select name, | from album",
            "select name fr|",
            "select name from |",
            "select name from al|",
            "select name from album |",
            "select name from album wh|",
            "select name from album where |",
            "select name from album where year |",
            "select name from album where year > |",
            "select name from album where year > 5 |",
            "select name from album where year is |",
            "select name from album where year not |",
            "select name from album where year between 1 |",
            "select name from album where lower(|",
            "select name from album where x in (|",
            "select year / 10 as decade, count(*) as n from album group by |",
            "select year / 10 as decade, count(*) as n from album group by 1 order by |",
            "select name from album order |",
            "select name from album order by name |",
            "select name from album order by name desc nulls |",
            "select name from album order by name limit |",
            "select case |",
            "select case when a |",
            "select cast(a as |",
            "select a::|",
            "select count(|",
            "select $na|",
            "from |",
            "from album |",
        ],
    );
}

#[test]
fn scopes_and_paths() {
    check(
        "complete-scopes",
        &[
            "select a.| from album a",
            "select track.al| from track",
            "select track.album.|title from track",
            "select data['k'][0].| from t",
            "select f(x).| from t",
            "select | from album a, artist b join track on x",
            "select a.name, (select max(|) from track t where t.album = a.id) from album a",
            "select * from (select name from album) as x where |",
            "select * from album where year is distinct from |",
            "select extract(year from |) from album",
            "select | from \"Line Item\" as \"L I\"",
            "select \"na| from album",
            "select \"na|me\" from album",
            "update album a set name = | where b",
            "insert into album (name, |) values (1)",
            "select 1 from a; select | from b; select 2 from c",
        ],
    );
}

#[test]
fn broken_and_odd_places() {
    check(
        "complete-broken",
        &[
            "selct name from album where |",
            "selct name from album where year > 5 |",
            "select name,, from album where |",
            "select ) from album order by |",
            "select name from album whree year = |",
            "foo bar (|",
            "select 'abc|",
            "select 'a|bc' from album",
            "select 1 -- com|ment\n from album",
            "select /* | */ 1",
            "select 12| from album",
            "select @01|",
            "select a # b where |",
            "select\n  name,\n  |\nfrom album\nwhere year >",
            "select name from album where (year > 5 and |",
            "select name from album where year = 5)) and |",
            "s|elect",
        ],
    );
}

#[test]
fn every_cursor_in_every_text_is_safe() {
    let texts = [
        "select a.b['k'][0].c, \"q\"\"x\" from album as a, (select 1) b where x in (select y from z) -- é\n order by 1; ",
        "edit album.note at 5 delete 3 insert 'it''s' where id = @01ARZ3NDEKTSV4RRFFQ69G5FAV returning $name",
        "select 名前 from «x» where 'open",
        "((( ]]] .. , ; ; '",
    ];
    for text in texts {
        for start in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            for cursor in 0..=text.len() + 1 {
                let part = &text[start..];
                let context = completion_context(part, cursor);
                assert!(part.get(context.replace.start..context.replace.end).is_some());
                assert!(context.replace.start <= cursor.min(part.len()));
            }
        }
    }
}
