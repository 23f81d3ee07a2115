//! The query language: any text is read or refused with a place in it, and what is printed reads back.

use std::fmt::{Debug, Display};

use ankurah_query_lang::{
    ParseError, completion_context, is_complete, parse_expr, parse_predicate, parse_script, parse_statement,
    split_statements, tokenize,
};

/// How many places of a text are completed at.
const CURSORS: usize = 64;

/// The bytes are a text; what is not UTF-8 in them is replaced.
pub fn body(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    pieces(&text);
    completion(&text);
    read(&text, parse_expr);
    read(&text, parse_predicate);
    read(&text, parse_statement);
    match parse_script(&text) {
        Ok(statements) => {
            let printed: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
            assert_eq!(parse_script(&printed).as_ref(), Ok(&statements), "{printed}");
        }
        Err(error) => refused(&text, &error),
    }
}

/// Tokens and statements: the one covers the text without a gap, the others lie in it one after another.
fn pieces(text: &str) {
    let mut end = 0;
    for (span, _) in tokenize(text) {
        assert_eq!(span.start, end, "tokens leave no gap");
        assert!(span.end > span.start && text.is_char_boundary(span.end), "{span:?}");
        end = span.end;
    }
    assert_eq!(end, text.len(), "tokens reach the end");
    let mut end = 0;
    for piece in split_statements(text) {
        assert!(piece.span.start >= end, "statements follow one another");
        assert!(text.get(piece.span.start..piece.span.end).is_some(), "{:?}", piece.span);
        end = piece.span.end;
    }
    let _ = is_complete(text);
}

fn completion(text: &str) {
    let step = text.len() / CURSORS + 1;
    for cursor in (0..=text.len() + 1).step_by(step) {
        let context = completion_context(text, cursor);
        let replaced = text.get(context.replace.start..context.replace.end);
        let replaced = replaced.unwrap_or_else(|| panic!("{:?} is no part of the text", context.replace));
        let name = replaced.strip_prefix('"').filter(|_| context.quoted).unwrap_or(replaced);
        assert!(name.starts_with(&context.prefix), "{replaced:?} does not begin with {:?}", context.prefix);
    }
}

/// A text as one thing: its tree prints as a text that reads as the same tree.
fn read<T: Display + Debug + PartialEq>(text: &str, parse: fn(&str) -> Result<T, ParseError>) {
    match parse(text) {
        Ok(tree) => {
            let printed = tree.to_string();
            assert_eq!(parse(&printed).as_ref(), Ok(&tree), "{printed}");
            assert_eq!(parse(&printed).map(|tree| tree.to_string()), Ok(printed), "printing is settled");
        }
        Err(error) => refused(text, &error),
    }
}

/// An error has a place in the text, and a message that a terminal can show.
fn refused(text: &str, error: &ParseError) {
    assert!(text.get(error.span.start..error.span.end).is_some(), "{error:?}");
    let shown = error.render(text);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}
