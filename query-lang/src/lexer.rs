//! From text to tokens. Every text has tokens, which together are the whole text: what is no proper
//! token (an open string, a stray character) becomes a token of a kind that says what is wrong.

use crate::Span;
use crate::keywords::{Kw, is_name_continue, is_name_start, lookup};
use nom::bytes::complete::take_while;
use nom::{IResult, Parser};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Whitespace,
    LineComment,
    BlockComment,
    /// A name or keyword.
    Word,
    QuotedName,
    Integer,
    Decimal,
    Exponent,
    String,
    Bytes,
    Question,
    /// `$1`, `$name`
    Parameter,
    /// `@01HZ…`
    Id,
    Comma,
    Semicolon,
    Dot,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Concat,
    DoubleColon,
    UnterminatedString,
    UnterminatedName,
    UnterminatedComment,
    BadNumber,
    BadParameter,
    BadId,
    /// A character that begins no token.
    Stray,
}

impl TokenKind {
    /// Whether it separates tokens and means nothing.
    pub(crate) fn is_trivia(self) -> bool {
        matches!(self, Self::Whitespace | Self::LineComment | Self::BlockComment)
    }
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// The keyword that a word is, reserved or not.
    pub(crate) keyword: Option<Kw>,
    pub(crate) span: Span,
}

/// All tokens of a text, trivia included.
pub(crate) struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, at: 0 }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.source.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = scan(rest);
        let span = Span::new(self.at, self.at + length);
        self.at = span.end;
        let keyword = if kind == TokenKind::Word { lookup(span.text(self.source)) } else { None };
        Some(Token { kind, keyword, span })
    }
}

/// The first token of a text that is not empty, and its length in bytes: at least 1, on a character boundary.
fn scan(text: &str) -> (TokenKind, usize) {
    use TokenKind as T;
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else { return (T::Whitespace, 0) };
    let second = bytes.get(1).copied().unwrap_or(0);
    match (*first, second) {
        (b'x' | b'X', b'\'') => match quoted(text, 1, '\'') {
            Some(length) => (T::Bytes, length),
            None => (T::UnterminatedString, text.len()),
        },
        (b'a'..=b'z' | b'A'..=b'Z' | b'_', _) => (T::Word, name_length(text)),
        (b' ' | b'\n' | b'\t' | b'\r', _) => (T::Whitespace, space_length(text)),
        (b'-', b'-') => (T::LineComment, text.find(['\n', '\r']).unwrap_or(text.len())),
        (b'/', b'*') => match block_comment(text) {
            Some(length) => (T::BlockComment, length),
            None => (T::UnterminatedComment, text.len()),
        },
        (b'\'', _) => match quoted(text, 0, '\'') {
            Some(length) => (T::String, length),
            None => (T::UnterminatedString, text.len()),
        },
        (b'"', _) => match quoted(text, 0, '"') {
            Some(length) => (T::QuotedName, length),
            None => (T::UnterminatedName, text.len()),
        },
        (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => number(text),
        (b'$', _) => parameter(text),
        (b'@', _) => id(text),
        (b'<', b'=') => (T::LtEq, 2),
        (b'<', b'>') | (b'!', b'=') => (T::NotEq, 2),
        (b'>', b'=') => (T::GtEq, 2),
        (b'|', b'|') => (T::Concat, 2),
        (b':', b':') => (T::DoubleColon, 2),
        (b'?', _) => (T::Question, 1),
        (b',', _) => (T::Comma, 1),
        (b';', _) => (T::Semicolon, 1),
        (b'.', _) => (T::Dot, 1),
        (b'(', _) => (T::LeftParen, 1),
        (b')', _) => (T::RightParen, 1),
        (b'[', _) => (T::LeftBracket, 1),
        (b']', _) => (T::RightBracket, 1),
        (b'=', _) => (T::Eq, 1),
        (b'<', _) => (T::Lt, 1),
        (b'>', _) => (T::Gt, 1),
        (b'+', _) => (T::Plus, 1),
        (b'-', _) => (T::Minus, 1),
        (b'*', _) => (T::Star, 1),
        (b'/', _) => (T::Slash, 1),
        (b'%', _) => (T::Percent, 1),
        _ => scan_rare(text),
    }
}

/// The first token of a text whose first character is beyond ASCII, or begins no token.
fn scan_rare(text: &str) -> (TokenKind, usize) {
    let first = text.chars().next().unwrap_or(' ');
    if is_space(first) {
        (TokenKind::Whitespace, space_length(text))
    } else if is_name_start(first) {
        (TokenKind::Word, name_length(text))
    } else {
        (TokenKind::Stray, first.len_utf8())
    }
}

/// What separates tokens: white space, and the byte order mark that some editors put before a text.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The number of bytes at the start of `text` whose characters satisfy `test`. `ascii` is the same test for
/// ASCII characters, so that most text is never decoded.
fn length_while(text: &str, ascii: impl Fn(u8) -> bool, test: impl Fn(char) -> bool) -> usize {
    let plain = text.bytes().position(|b| !ascii(b)).unwrap_or(text.len());
    match text.as_bytes().get(plain) {
        Some(0x80..) => {
            let taken: IResult<&str, &str> = take_while(test).parse(text.get(plain..).unwrap_or(""));
            plain + taken.map_or(0, |(_, rest)| rest.len())
        }
        _ => plain,
    }
}

/// The number of bytes at the start of `text` that can go on a name.
fn name_length(text: &str) -> usize {
    length_while(text, |b| b == b'_' || b.is_ascii_alphanumeric(), is_name_continue)
}

/// The number of bytes of white space at the start of `text`.
fn space_length(text: &str) -> usize {
    length_while(text, |b| matches!(b, b' ' | b'\t'..=b'\r'), is_space)
}

/// The number of digits at the start of `text`.
fn digits_length(text: &str) -> usize {
    text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len())
}

/// The length of a block comment, those inside it included.
fn block_comment(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let (Some(a), Some(b)) = (bytes.get(at), bytes.get(at + 1)) {
        match (a, b) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                at += 2;
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
    None
}

/// The length of what stands between two `quote`s, the first after `skip` bytes; a doubled quote is none.
fn quoted(text: &str, skip: usize, quote: char) -> Option<usize> {
    let mut at = skip + 1;
    loop {
        at += text.get(at..)?.find(quote)? + 1;
        if text.get(at..)?.starts_with(quote) {
            at += 1;
        } else {
            return Some(at);
        }
    }
}

/// A number, or what begins like one and goes on like a name.
fn number(text: &str) -> (TokenKind, usize) {
    let digits = |at: usize| digits_length(text.get(at..).unwrap_or(""));
    let byte = |at: usize| text.as_bytes().get(at).copied().unwrap_or(0);
    let mut kind = TokenKind::Integer;
    let mut at = digits(0);
    if byte(at) == b'.' {
        kind = TokenKind::Decimal;
        at += 1;
        at += digits(at);
    }
    if matches!(byte(at), b'e' | b'E') {
        let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            kind = TokenKind::Exponent;
            at += 1 + sign + exponent;
        }
    }
    match name_length(text.get(at..).unwrap_or("")) {
        0 => (kind, at),
        junk => (TokenKind::BadNumber, at + junk),
    }
}

/// `$1` or `$name`.
fn parameter(text: &str) -> (TokenKind, usize) {
    let name = text.get(1..).unwrap_or("");
    let length = name_length(name);
    let name = name.get(..length).unwrap_or("");
    let digits = name.bytes().all(|b| b.is_ascii_digit());
    let number = name.parse::<u32>().is_ok_and(|number| number > 0);
    let good = if digits { number } else { name.starts_with(is_name_start) };
    (if good { TokenKind::Parameter } else { TokenKind::BadParameter }, 1 + length)
}

/// `@` and a ULID.
fn id(text: &str) -> (TokenKind, usize) {
    let name = text.get(1..).unwrap_or("");
    let length = name_length(name);
    let good = name.get(..length).is_some_and(is_ulid);
    (if good { TokenKind::Id } else { TokenKind::BadId }, 1 + length)
}

/// Whether `text` is a ULID: 26 digits and letters without I, L, O and U, the first at most 7.
pub(crate) fn is_ulid(text: &str) -> bool {
    let digit =
        |b: u8| b.is_ascii_alphanumeric() && !matches!(b.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U');
    text.len() == 26
        && text.bytes().all(digit)
        && text.as_bytes().first().is_some_and(|b| (b'0'..=b'7').contains(b))
}

/// The text of a string or quoted name without its quotes, doubled ones made single.
/// `skip` is the number of bytes before the opening quote.
pub(crate) fn unquote(token: &str, skip: usize, quote: char) -> String {
    let inner = token.get(skip + 1..token.len().saturating_sub(1)).unwrap_or("");
    if !inner.contains(quote) {
        return inner.to_owned();
    }
    let doubled = [quote, quote].iter().collect::<String>();
    inner.replace(&doubled, quote.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let mut end = 0;
        let mut shown = Vec::new();
        for token in Lexer::new(source) {
            assert_eq!(token.span.start, end);
            end = token.span.end;
            if !token.kind.is_trivia() {
                shown.push(format!("{:?} {}", token.kind, token.span.text(source)));
            }
        }
        assert_eq!(end, source.len());
        assert_eq!(shown.join(" | "), expected);
    }

    #[test]
    fn numbers() {
        check(
            "1 1.5 .5 5. 1e5 1.5E-3 .5e+1",
            "Integer 1 | Decimal 1.5 | Decimal .5 | Decimal 5. | Exponent 1e5 | Exponent 1.5E-3 | Exponent .5e+1",
        );
        check(
            "1a 1e 1.5e+ 0x1f 1_0",
            "BadNumber 1a | BadNumber 1e | BadNumber 1.5e | Plus + | BadNumber 0x1f | BadNumber 1_0",
        );
        check("1-1", "Integer 1 | Minus - | Integer 1");
    }

    #[test]
    fn strings_and_names() {
        check(
            "'it''s' x'0a' X'' \"a\"\"b\" xa",
            "String 'it''s' | Bytes x'0a' | Bytes X'' | QuotedName \"a\"\"b\" | Word xa",
        );
        check("a 'b", "Word a | UnterminatedString 'b");
        check("a x'b", "Word a | UnterminatedString x'b");
        check("a \"b", "Word a | UnterminatedName \"b");
        check("'''", "UnterminatedString '''");
        check("''''", "String ''''");
    }

    #[test]
    fn comments() {
        check("a -- b\nc /* d /* e */ f */ g", "Word a | Word c | Word g");
        check("a /* b /* c */", "Word a | UnterminatedComment /* b /* c */");
        check("a/*/b", "Word a | UnterminatedComment /*/b");
        check("a - - b -- c", "Word a | Minus - | Minus - | Word b");
    }

    #[test]
    fn parameters_and_ids() {
        check(
            "? $1 $a_1 $0 $ $1a $99999999999",
            "Question ? | Parameter $1 | Parameter $a_1 | BadParameter $0 | BadParameter $ | BadParameter $1a | BadParameter $99999999999",
        );
        check(
            "a@01ARZ3NDEKTSV4RRFFQ69G5FAV @81ARZ3NDEKTSV4RRFFQ69G5FAV @x",
            "Word a | Id @01ARZ3NDEKTSV4RRFFQ69G5FAV | BadId @81ARZ3NDEKTSV4RRFFQ69G5FAV | BadId @x",
        );
    }

    #[test]
    fn symbols() {
        check(
            "<= <> != >= < > = || :: |",
            "LtEq <= | NotEq <> | NotEq != | GtEq >= | Lt < | Gt > | Eq = | Concat || | DoubleColon :: | Stray |",
        );
        check(
            "a.b[0] ^ \u{1b}é名",
            "Word a | Dot . | Word b | LeftBracket [ | Integer 0 | RightBracket ] | Stray ^ | Stray \u{1b} | Word é名",
        );
    }
}
