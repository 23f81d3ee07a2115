//! From the furthest token that did not fit to an error that helps.

use super::input::Context;
use crate::keywords::Kw;
use crate::lexer::{Token, TokenKind};
use crate::{Expected, ParseError, ParseErrorKind, Span, nearest};

/// The error at token `at`, where `expected` could have stood.
pub(super) fn error(
    context: &Context<'_>,
    at: usize,
    expected: Vec<Expected>,
    bare_alias: Option<usize>,
) -> ParseError {
    let Some(token) = context.token(at) else {
        let mut error = ParseError::new(ParseErrorKind::UnexpectedEnd, Span::point(context.end()));
        error.suggestion =
            at.checked_sub(1).and_then(|at| mistyped_alias(context, at, &expected, bare_alias));
        error.expected = tidy(expected);
        return error;
    };
    if let Some(error) = lexical(context, token) {
        return error;
    }
    // `select name form album`: the mistake is the word before, taken as an alias.
    if let Some(before) = at.checked_sub(1) {
        if let Some(suggestion) = mistyped_alias(context, before, &expected, bare_alias) {
            if let Some(word) = context.token(before) {
                let mut error =
                    ParseError::new(unexpected(context, word), word.span).with_suggestion(suggestion);
                error.expected = tidy(expected);
                return error;
            }
        }
    }
    let mut error = ParseError::new(unexpected(context, token), token.span);
    error.suggestion = suggestion(context, at, token, &expected);
    error.expected = tidy(expected);
    error
}

fn unexpected(context: &Context<'_>, token: &Token) -> ParseErrorKind {
    let text = token.span.text(context.source);
    let found = match token.kind {
        TokenKind::String => "string".to_owned(),
        TokenKind::Bytes => "bytes".to_owned(),
        TokenKind::Integer | TokenKind::Decimal | TokenKind::Exponent if text.len() > 40 => {
            "a number".to_owned()
        }
        _ if text.chars().count() > 40 => format!("`{}…`", text.chars().take(40).collect::<String>()),
        _ => format!("`{text}`"),
    };
    ParseErrorKind::Unexpected { found }
}

/// The error that a token is by itself.
fn lexical(context: &Context<'_>, token: &Token) -> Option<ParseError> {
    let text = token.span.text(context.source);
    let short = || -> String { text.chars().take(40).collect() };
    let opening =
        |length: usize| Span::new(token.span.start, (token.span.start + length).min(token.span.end));
    let (kind, span) = match token.kind {
        TokenKind::UnterminatedString => {
            (ParseErrorKind::UnterminatedString, opening(1 + usize::from(!text.starts_with('\''))))
        }
        TokenKind::UnterminatedName => (ParseErrorKind::UnterminatedName, opening(1)),
        TokenKind::UnterminatedComment => (ParseErrorKind::UnterminatedComment, opening(2)),
        TokenKind::BadNumber => (ParseErrorKind::InvalidNumber { text: short() }, token.span),
        TokenKind::BadParameter => (ParseErrorKind::InvalidParameter { text: short() }, token.span),
        TokenKind::BadId => (ParseErrorKind::InvalidId { text: short() }, token.span),
        TokenKind::Stray => (ParseErrorKind::UnexpectedCharacter(text.chars().next()?), token.span),
        _ => return None,
    };
    let mut error = ParseError::new(kind, span);
    error.suggestion = stray_help(text).filter(|_| token.kind == TokenKind::Stray).map(str::to_owned);
    Some(error)
}

/// What to write instead of a character that the language does not have.
fn stray_help(text: &str) -> Option<&'static str> {
    Some(match text {
        "`" => "names are quoted with double quotes: `\"name\"`",
        "‘" | "’" | "“" | "”" => "strings stand between straight quotes: `'text'`",
        "!" => "write `not`, or `<>` for unequal",
        "&" => "write `and`",
        "|" => "write `or`, or `||` to join strings",
        ":" => "parameters are written `$name`, casts `value::type`",
        "#" => "comments begin with `--`",
        "\\" => "commands that begin with a backslash stand on a line of their own",
        "−" | "–" | "—" => "minus is written `-`",
        _ => return None,
    })
}

/// The suggestion for a word that was taken as an alias and may be a keyword.
fn mistyped_alias(
    context: &Context<'_>,
    at: usize,
    expected: &[Expected],
    bare_alias: Option<usize>,
) -> Option<String> {
    let token = context.token(at).filter(|token| bare_alias == Some(at) && token.kind == TokenKind::Word)?;
    let near = nearest(token.span.text(context.source), keywords(expected))?;
    Some(format!("did you mean `{near}`?"))
}

fn keywords(expected: &[Expected]) -> impl Iterator<Item = &'static str> {
    expected.iter().filter_map(|expected| match expected {
        Expected::Keyword(text) => Some(*text),
        _ => None,
    })
}

/// What to write instead of `token`.
fn suggestion(context: &Context<'_>, at: usize, token: &Token, expected: &[Expected]) -> Option<String> {
    let text = token.span.text(context.source);
    let before = at.checked_sub(1).and_then(|at| context.token(at));
    let follows =
        |kind| before.is_some_and(|before| before.kind == kind && before.span.end == token.span.start);
    if before.is_some_and(|before| before.kind == TokenKind::Comma) && ends_list(token) {
        return Some("remove the comma before it".to_owned());
    }
    match token.kind {
        TokenKind::Eq if follows(TokenKind::Eq) => return Some("equality is written `=`".to_owned()),
        TokenKind::Gt if follows(TokenKind::Minus) => {
            return Some("JSON is reached into with `a.key` or `a['key']`".to_owned());
        }
        TokenKind::String => {
            let word = before.map_or("", |before| before.span.text(context.source)).to_ascii_lowercase();
            return match word.as_str() {
                "date" | "time" => Some("write `timestamp '2020-01-31 00:00:00'`".to_owned()),
                "interval" => Some("intervals are not available in this version".to_owned()),
                _ => None,
            };
        }
        TokenKind::Word => {}
        _ => return None,
    }
    if let Some(near) = nearest(text, keywords(expected)) {
        return Some(format!("did you mean `{near}`?"));
    }
    if token.keyword.is_none() {
        let instead = match text.to_ascii_lowercase().as_str() {
            "table" | "collection" | "type" => "model",
            "column" | "field" => "property",
            "replace" => "upsert",
            "abort" => "rollback",
            "remove" => "delete",
            _ => return None,
        };
        return keywords(expected).find(|word| *word == instead).map(|word| format!("write `{word}`"));
    }
    let names = [Expected::Model, Expected::Property, Expected::NewName];
    let reserved = token.keyword.is_some_and(Kw::is_reserved);
    (reserved && expected.iter().any(|expected| names.contains(expected)))
        .then(|| format!("`{text}` is a reserved word: as a name it is written `\"{text}\"`"))
}

/// Whether a token shows that a list has ended, or goes on with another comma.
fn ends_list(token: &Token) -> bool {
    let clause = matches!(
        token.keyword,
        Some(
            Kw::From
                | Kw::Where
                | Kw::Group
                | Kw::Having
                | Kw::Order
                | Kw::Limit
                | Kw::Offset
                | Kw::Returning
        )
    );
    clause || matches!(token.kind, TokenKind::Comma | TokenKind::RightParen | TokenKind::Semicolon)
}

/// What a message lists: one word for all operators, no aliases, the most telling first.
fn tidy(mut expected: Vec<Expected>) -> Vec<Expected> {
    let operator = expected.contains(&Expected::Operator);
    let mute = |expected: &Expected| match expected {
        Expected::Keyword("and" | "or" | "is" | "in" | "not" | "like" | "ilike" | "between" | "filter") => {
            operator
        }
        Expected::Symbol(".") => operator,
        Expected::Alias => true,
        _ => false,
    };
    if expected.len() > 1 {
        expected.retain(|expected| !mute(expected));
    }
    expected.sort_by_key(|expected| match expected {
        Expected::Symbol(")" | "]") => 0,
        Expected::Keyword("as") => 3,
        Expected::Operator | Expected::End => 2,
        _ => 1,
    });
    expected
}
