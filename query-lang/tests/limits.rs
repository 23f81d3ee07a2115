//! Deep and long texts: an error or a tree, never an overflow of the stack, and time that is linear.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use ankurah_query_lang::*;

/// The stack that everything must fit in, in a debug build too.
const STACK: usize = 1 << 20;

/// Does all that can be done with a text on a small stack; gives the error's kind, if any.
fn exercise(source: String) -> Option<ParseErrorKind> {
    let run = move || {
        let _ = tokenize(&source);
        let _ = completion_context(&source, source.len());
        let _ = is_complete(&source);
        match parse_statement(&source) {
            Ok(tree) => {
                let copy = tree.clone();
                let printed = tree.to_string();
                let _ = format!("{tree:?}");
                assert!(parse_statement(&printed).unwrap() == copy, "{printed}");
                None
            }
            Err(error) => {
                let _ = error.render(&source);
                Some(error.kind)
            }
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap()
}

/// Texts that nest `n` levels deep in one way each.
fn nested(n: usize) -> Vec<String> {
    let wrap =
        |open: &str, inner: &str, close: &str| format!("select {}{inner}{}", open.repeat(n), close.repeat(n));
    vec![
        wrap("(", "1", ")"),
        wrap("- ", "1", ""),
        wrap("not ", "a", ""),
        wrap("abs(", "1", ")"),
        wrap("trim(", "a", ")"),
        wrap("substring(", "a", ", 1)"),
        wrap("position('a' in ", "a", ")"),
        wrap("case when ", "a", " then 1 end"),
        wrap("case when a then ", "a", " end"),
        wrap("case a when 1 then 2 else ", "a", " end"),
        wrap("cast(", "a", " as text)"),
        wrap("a in (", "1", ")"),
        wrap("a in (1, ", "1", ")"),
        wrap("a between (", "1", ") and 2"),
        wrap("a + (", "1", ")"),
        wrap("(", "1", " + 2)"),
        wrap("(", "1", " is null)"),
        wrap("a like (", "b", ")"),
        wrap("(select ", "1", ")"),
        wrap("exists (select ", "1", ")"),
        wrap("a in (select ", "1", ")"),
        wrap("count(a) filter (where ", "a", ")"),
        wrap("a and (b or (", "1", "))"),
        format!("select * from {}a{}", "(".repeat(n), ")".repeat(n)),
        format!("select * from {}a{}", "(select * from ".repeat(n), ") as b".repeat(n)),
        format!("select * from {}a{}", "(a join ".repeat(n), " on x)".repeat(n)),
        format!("select 1{}", " is null".repeat(n)),
        format!("select 1{}", "::text".repeat(n)),
        format!("select * from a{}", " join b on x".repeat(n)),
        format!("select * from a{}", ", b".repeat(n)),
        format!("select {}1", "a or b and c = d || e + f * (".repeat(n)) + &")".repeat(n),
    ]
}

#[test]
fn shallow_texts_are_parsed() {
    for source in nested(12) {
        assert_eq!(exercise(source.clone()), None, "{source}");
    }
}

#[test]
fn every_depth_up_to_the_limit_and_over_it_is_safe() {
    for depth in [20, 30, 40, 60, 62, 63, 64, 65, 90, 120, 124, 125, 126, 127, 128, 129, 140] {
        for source in nested(depth) {
            let kind = exercise(source.clone());
            assert!(matches!(kind, None | Some(ParseErrorKind::TooDeep { .. })), "{kind:?} {source}");
        }
    }
}

#[test]
fn far_too_deep_texts_are_errors() {
    for source in nested(2_000) {
        assert_eq!(
            exercise(source.clone()),
            Some(ParseErrorKind::TooDeep { limit: MAX_DEPTH }),
            "{:.60}",
            source
        );
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_operators_is_no_deep_tree() {
    for (operators, count) in
        [("+ -", 50_000), ("* / %", 2_000), ("||", 5_000), ("and", 100_000), ("or", 5_000)]
    {
        let links = operators.split(' ').map(|operator| format!(" {operator} a")).collect::<String>();
        assert_eq!(exercise(format!("select a{}", links.repeat(count))), None, "{operators}");
    }
    // As many as fit.
    let longest = format!("select a{}", "+a".repeat((MAX_LENGTH - 8) / 2));
    assert!(longest.len() >= MAX_LENGTH - 1);
    parse_statement(&longest).unwrap();
    // In an operand, a chain is as deep as its operator.
    let inner = |depth: usize| format!("select {}a + b{}", "(a + b + c * ".repeat(depth), ")".repeat(depth));
    assert_eq!(exercise(inner(30)), None);
    assert_eq!(exercise(inner(2_000)), Some(ParseErrorKind::TooDeep { limit: MAX_DEPTH }));
}

#[test]
fn wide_texts_are_no_problem() {
    const N: usize = 5_000;
    let list = |item: &str, separator: &str| vec![item; N].join(separator);
    for source in [
        format!("select {}", list("a", ", ")),
        format!("select {}", list("a", " and ")),
        format!("select {}", list("a = 1", " or ")),
        format!("select {}", list("?", " and ")),
        format!("select a in ({})", list("1", ", ")),
        format!("select {}", list("a", ".")),
        format!("select a{}", "[0]".repeat(N)),
        format!("select case {} end", list("when a then b", " ")),
        format!("select coalesce({})", list("a", ", ")),
        format!("insert into a values {}", list("(1, 2)", ", ")),
        format!("select '{}'", list("''", "")),
        format!("select 1 {}", list("/* x */", " ")),
        format!("select 1 /*{}{}*/", "/*".repeat(N), "*/".repeat(N)),
        format!("select {}", "9".repeat(N)),
    ] {
        assert_eq!(exercise(source.clone()), None, "{:.60}", source);
    }
    assert!(exercise(list("(", "")).is_some());
    assert!(exercise(list("select", " ")).is_some());
}

#[test]
fn overlong_texts_are_errors() {
    let fits = format!("select '{}'", "é".repeat((MAX_LENGTH - 10) / 2));
    assert_eq!(exercise(fits), None);
    let source = format!("select '{}'", "é".repeat(MAX_LENGTH / 2));
    let error = parse_statement(&source).unwrap_err();
    assert_eq!(error.kind, ParseErrorKind::TooLong { length: source.len(), limit: MAX_LENGTH });
    assert!(error.render(&source).len() < 2000);
    assert!(
        parse_script(&source).is_err() && parse_predicate(&source).is_err() && parse_expr(&source).is_err()
    );
}
