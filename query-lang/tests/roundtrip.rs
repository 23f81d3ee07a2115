//! Printing a tree and parsing the text gives the tree back, and nothing panics on any text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod trees;

use ankurah_query_lang::{ast::*, *};
use proptest::prelude::*;

/// Words and symbols that random texts are made of, so that many of them are almost right.
fn fragments() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = keywords::RESERVED
        .iter()
        .chain(keywords::CONTEXTUAL)
        .copied()
        .chain(TYPES.iter().map(|ty| ty.name))
        .chain([
            "album",
            "a",
            "\"q x\"",
            "'s'",
            "'it''s'",
            "1",
            "2.5",
            "1e3",
            "x'00'",
            "?",
            "$1",
            "$n",
            "(",
            ")",
            ",",
            ".",
            "*",
            "+",
            "-",
            "/",
            "%",
            "||",
            "=",
            "<>",
            "<",
            ">=",
            "[",
            "]",
            "::",
            ";",
            "@01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "'",
            "\"",
            "--",
            "\n",
            "/*",
            "*/",
            "count",
            "é",
            "\u{1b}",
            "\\",
            "{",
            "\t",
            "select * from album where ",
            "order by ",
        ])
        .collect();
    prop::collection::vec((prop::sample::select(words), prop::bool::ANY), 0..40).prop_map(|parts| {
        parts
            .iter()
            .map(|(word, space)| if *space { format!("{word} ") } else { (*word).to_owned() })
            .collect()
    })
}

/// Everything that takes a text.
fn exercise(text: &str) {
    let mut end = 0;
    for (span, _) in tokenize(text) {
        assert_eq!(span.start, end);
        assert!(span.end > span.start && text.is_char_boundary(span.end));
        end = span.end;
    }
    assert_eq!(end, text.len());
    for piece in split_statements(text) {
        assert!(text.get(piece.span.start..piece.span.end).is_some());
    }
    let _ = is_complete(text);
    for cursor in 0..=text.len() {
        let _ = completion_context(text, cursor);
    }
    check(text, parse_script(text).map(|tree| tree.iter().map(|s| format!("{s};")).collect::<String>()));
    check(text, parse_statement(text).map(|tree| reprinted(&tree, parse_statement)));
    check(text, parse_predicate(text).map(|tree| reprinted(&tree, parse_predicate)));
    check(text, parse_expr(text).map(|tree| reprinted(&tree, parse_expr)));
}

/// The printed tree, after making sure that it parses to an equal one.
fn reprinted<T: ToString + PartialEq + std::fmt::Debug>(
    tree: &T,
    parse: fn(&str) -> Result<T, ParseError>,
) -> String {
    let printed = tree.to_string();
    assert_eq!(parse(&printed).as_ref(), Ok(tree), "{printed}");
    printed
}

/// Errors have a place in the text and a message without control characters.
fn check(text: &str, result: Result<String, ParseError>) {
    if let Err(error) = result {
        assert!(text.get(error.span.start..error.span.end).is_some(), "{error:?}");
        let shown = error.render(text);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_survive_printing(tree in trees::statement()) {
        let printed = tree.to_string();
        match parse_statement(&printed) {
            Ok(parsed) => prop_assert_eq!(parsed, tree, "{}", printed),
            Err(error) => prop_assert!(false, "{}", error.render(&printed)),
        }
    }

    #[test]
    fn predicates_survive_printing(filter in prop::option::of(trees::expr()), order_by in trees::order_by()) {
        let tree = Predicate { filter, order_by, limit: None, offset: None, span: Span::default() };
        prop_assert_eq!(parse_predicate(&tree.to_string()), Ok(tree));
    }

    #[test]
    fn nothing_panics_on_any_text(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn nothing_panics_on_almost_right_texts(text in fragments()) {
        exercise(&text);
    }

    #[test]
    fn nothing_panics_on_cut_and_changed_statements(
        tree in trees::statement(),
        cut in any::<prop::sample::Index>(),
        put in fragments(),
    ) {
        let printed = tree.to_string();
        let at = (0..=cut.index(printed.len() + 1)).rev().find(|at| printed.is_char_boundary(*at)).unwrap_or(0);
        let (head, tail) = printed.split_at(at);
        for text in [head.to_owned(), tail.to_owned(), format!("{head}{put}"), format!("{head} {put} {tail}")] {
            let _ = completion_context(&text, at);
            check(&text, parse_statement(&text).map(|tree| reprinted(&tree, parse_statement)));
        }
    }
}
