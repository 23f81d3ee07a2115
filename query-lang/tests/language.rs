//! `docs/language.md` says what the parser does: every example is parsed, every table is complete.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use ankurah_query_lang::*;

const DOCUMENT: &str = include_str!("../../docs/language.md");

/// The fenced blocks with a language, each with the block that follows at once, if any.
fn blocks(language: &str) -> Vec<(&'static str, Option<&'static str>)> {
    let mut parts = DOCUMENT.split("```");
    let mut all: Vec<(&str, &str, &str)> = Vec::new();
    while let (Some(before), Some(block)) = (parts.next(), parts.next()) {
        let (language, body) = block.split_once('\n').expect("a block has lines");
        all.push((before, language, body));
    }
    let follows = |at: usize| {
        let (before, language, body) = all.get(at + 1)?;
        (*language == "text" && before.trim().is_empty()).then_some(*body)
    };
    let chosen = all.iter().enumerate().filter(|(_, (_, found, _))| *found == language);
    chosen.map(|(at, (_, _, body))| (*body, follows(at))).collect()
}

/// Parses an example and makes sure that it survives printing.
#[track_caller]
fn parses<T: ToString + PartialEq + std::fmt::Debug>(source: &str, parse: fn(&str) -> Result<T, ParseError>) {
    let tree = parse(source).unwrap_or_else(|error| panic!("{}", error.render(source)));
    assert_eq!(parse(&tree.to_string()).as_ref(), Ok(&tree), "{source}");
}

#[test]
fn examples_are_parsed() {
    let mut statements = 0;
    for (script, _) in blocks("sql") {
        for piece in split_statements(script) {
            assert!(piece.terminated, "{script}");
            parses(piece.span.text(script), parse_statement);
            statements += 1;
        }
    }
    assert_eq!(statements, 53);
    for (language, parse) in [("predicate", true), ("expr", false)] {
        let blocks = blocks(language);
        assert!(!blocks.is_empty());
        for line in blocks.iter().flat_map(|(block, _)| block.lines()) {
            if parse { parses(line, parse_predicate) } else { parses(line, parse_expr) }
        }
    }
}

#[test]
fn errors_are_shown_as_the_parser_shows_them() {
    let errors = blocks("sql-error");
    assert!(errors.len() >= 3);
    for (source, shown) in errors {
        let source = source.trim_end();
        let error = parse_statement(source).expect_err(source);
        assert_eq!(Some(error.render(source).as_str()), shown.map(str::trim_end));
    }
}

#[test]
fn functions_and_types_are_listed() {
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for function in functions::FUNCTIONS {
        let signature = function.signature.replace('|', "\\|");
        let row = format!("| `{signature}` | {} | {} |", code(function.synonyms), function.doc);
        assert!(DOCUMENT.contains(&row), "missing: {row}");
    }
    let aggregates = functions::FUNCTIONS.iter().rev().take_while(|function| function.is_aggregate()).count();
    assert_eq!(aggregates, functions::FUNCTIONS.iter().filter(|function| function.is_aggregate()).count());
    for ty in TYPES {
        let row = format!("| `{}` | {} | {} |", ty.name, code(ty.synonyms), ty.doc);
        assert!(DOCUMENT.contains(&row), "missing: {row}");
    }
}

#[test]
fn keywords_are_listed_and_in_the_grammar() {
    let words = |language: &str| blocks(language)[0].0.split_whitespace().collect::<Vec<_>>();
    assert_eq!(words("reserved"), keywords::RESERVED);
    assert_eq!(words("contextual"), keywords::CONTEXTUAL);
    let grammar = blocks("ebnf")[0].0;
    for word in keywords::RESERVED.iter().chain(keywords::CONTEXTUAL) {
        assert!(grammar.contains(&format!("'{word}'")), "`{word}` is not in the grammar");
    }
    for quoted in grammar.split('\'').skip(1).step_by(2) {
        let word = quoted.chars().all(|c| c.is_alphabetic() || c == '_');
        assert!(
            !word || quoted == "double" || keywords::classify(quoted).is_some(),
            "`{quoted}` is no keyword"
        );
    }
}

#[test]
fn limits_are_the_real_ones() {
    let length = MAX_LENGTH.to_string();
    let (millions, rest) = length.split_at(1);
    let (thousands, units) = rest.split_at(3);
    assert!(DOCUMENT.contains(&format!("{millions},{thousands},{units} bytes")));
    assert!(DOCUMENT.contains(&format!("nest {MAX_DEPTH} levels deep")));
}
