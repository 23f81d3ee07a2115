//! Finding `{expr}` and `?` in the text of a query.

use syn::{Error, Expr, LitStr, Result};

/// A text as the parser takes it: every value is a `?`.
pub(super) struct Scanned {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

/// Where the value of a `?` comes from.
pub(super) enum Value {
    /// From the text: `{expr}`.
    Inline(Box<Expr>),
    /// From the values after the text.
    Next,
}

/// Reads the text of a query. Braces inside of quotes and comments are left alone.
pub(super) fn scan(literal: &LitStr) -> Result<Scanned> {
    let source = literal.value();
    let mut scanned = Scanned { text: String::with_capacity(source.len()), values: Vec::new() };
    let mut rest = source.as_str();
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '\'' | '"' => quoted(rest, next),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '{' => {
                let (expr, end) = interpolation(rest, literal)?;
                scanned.values.push(Value::Inline(Box::new(expr)));
                scanned.text.push('?');
                rest = rest.get(end..).unwrap_or_default();
                continue;
            }
            '}' => return Err(Error::new(literal.span(), "this `}` closes nothing")),
            '?' => {
                scanned.values.push(Value::Next);
                1
            }
            other => other.len_utf8(),
        };
        let (head, tail) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        scanned.text.push_str(head);
        rest = tail;
    }
    Ok(scanned)
}

/// The length of a quoted text at the beginning; a doubled quote does not end it.
fn quoted(text: &str, quote: char) -> usize {
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = rest.next() {
        if letter == quote {
            match rest.peek() {
                Some((_, next)) if *next == quote => {
                    rest.next();
                }
                _ => return at.saturating_add(1),
            }
        }
    }
    text.len()
}

/// The length of a comment at the beginning; comments nest.
fn comment(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth = depth.saturating_add(1);
            at = at.saturating_add(2);
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at = at.saturating_add(2);
            if depth == 0 {
                return at;
            }
        } else {
            at = at.saturating_add(rest.chars().next().map_or(1, char::len_utf8));
        }
    }
    text.len()
}

/// The expression in braces at the beginning, and where it ends. The first closing brace that leaves an expression
/// ends it, so that braces may stand in the expression.
fn interpolation(text: &str, literal: &LitStr) -> Result<(Expr, usize)> {
    for (at, _) in text.match_indices('}') {
        let inner = LitStr::new(text.get(1..at).unwrap_or_default(), literal.span());
        if let Ok(expr) = inner.parse::<Expr>() {
            return Ok((expr, at.saturating_add(1)));
        }
    }
    Err(Error::new(literal.span(), "what stands in braces is not an expression of Rust"))
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use quote::ToTokens;

    use super::*;

    fn check(text: &str, expected: &str, values: &[&str]) {
        let scanned =
            scan(&LitStr::new(text, Span::call_site())).unwrap_or_else(|error| panic!("{text}: {error}"));
        let shown: Vec<String> = scanned
            .values
            .iter()
            .map(|value| match value {
                Value::Inline(expr) => expr.to_token_stream().to_string(),
                Value::Next => "?".to_owned(),
            })
            .collect();
        assert_eq!(
            (scanned.text.as_str(), shown),
            (expected, values.iter().map(ToString::to_string).collect()),
            "{text}"
        );
    }

    #[test]
    fn values_are_found_outside_of_quotes_and_comments() {
        check("", "", &[]);
        check("year > {min}", "year > ?", &["min"]);
        check("a = ? and b = {x + 1} or c = ?", "a = ? and b = ? or c = ?", &["?", "x + 1", "?"]);
        check("name = '{a}?''{b}' and n = {c}", "name = '{a}?''{b}' and n = ?", &["c"]);
        check("\"odd{name}\" = {v}", "\"odd{name}\" = ?", &["v"]);
        check("a = {v} -- {not} ?\n and b = {w}", "a = ? -- {not} ?\n and b = ?", &["v", "w"]);
        check("a /* {x} /* ? */ é */ = {v}", "a /* {x} /* ? */ é */ = ?", &["v"]);
        check("a = {if b { 1 } else { 2 }}", "a = ?", &["if b { 1 } else { 2 }"]);
        check("a = {\"}\"}", "a = ?", &["\"}\""]);
        check("é = 'ü", "é = 'ü", &[]);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for (text, expected) in [
            ("a = {", "what stands in braces is not an expression of Rust"),
            ("a = {1 +}", "what stands in braces is not an expression of Rust"),
            ("a = }", "this `}` closes nothing"),
        ] {
            let error = scan(&LitStr::new(text, Span::call_site())).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(expected), "{text}");
        }
    }
}
