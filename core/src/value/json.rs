//! The canonical form of JSON documents: equal documents are equal texts.
//!
//! Canonical means: no white space between tokens; the keys of an object ascending by their bytes, the last of
//! equal keys kept; strings with the shortest escapes and only where JSON demands one; numbers by value, not by
//! spelling (`1`, `1.0` and `1e0` are all `1`), exact to the last digit. A number is written plainly where its
//! first digit stands between 10^-7 and 10^20, else with an exponent, as in `1.5e21`.
//!
//! Refused, as in PostgreSQL's `jsonb`: U+0000 in strings and escapes of half a surrogate pair.

use super::types::Value;

/// The deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 128;

/// Exponents of numbers stay within ± this many decimal places, after normalisation.
pub const MAX_EXPONENT: i64 = 1_000_000;

/// Why a text is not a JSON document of the domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct JsonError {
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong there.
    pub problem: JsonProblem,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonProblem {
    /// Something else was expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// U+0000 in a string.
    #[error("the character U+0000 is not allowed")]
    Nul,
    /// Half a surrogate pair.
    #[error("an escape names half a surrogate pair")]
    Surrogate,
    /// A number beyond [`MAX_EXPONENT`].
    #[error("the exponent is out of range")]
    Exponent,
    /// Something follows the document.
    #[error("unexpected text after the document")]
    Trailing,
    /// A key of an object comes twice, and the last one is not to win.
    #[error("the key comes twice in its object")]
    Repeated,
}

/// The canonical form of a JSON text.
///
/// # Errors
/// [`JsonError`] where the text is not one document of the domain.
pub fn canonical(text: &str) -> Result<String, JsonError> {
    document(Parser { text, offset: 0, unique: false })
}

/// The value of a JSON text in whose objects no key comes twice, so that nothing of it is lost.
///
/// # Errors
/// [`JsonError`] where the text is not one document of the domain, or a key comes twice.
pub fn with_unique_keys(text: &str) -> Result<Value, JsonError> {
    Ok(Value::Json(document(Parser { text, offset: 0, unique: true })?.into()))
}

fn document(mut parser: Parser<'_>) -> Result<String, JsonError> {
    let text = parser.text;
    let mut out = String::with_capacity(text.len());
    parser.skip_space();
    parser.value(MAX_DEPTH, &mut out)?;
    parser.skip_space();
    if parser.offset < text.len() { Err(parser.error(JsonProblem::Trailing)) } else { Ok(out) }
}

/// Writes a JSON string literal in canonical form.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{9}' => out.push_str("\\t"),
            '\u{a}' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\u{d}' => out.push_str("\\r"),
            control if control < ' ' => {
                let code = u32::from(control);
                out.push_str(if code < 16 { "\\u000" } else { "\\u001" });
                out.extend(char::from_digit(code % 16, 16));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Parser<'a> {
    text: &'a str,
    offset: usize,
    /// Whether a key that comes twice is an error.
    unique: bool,
}

impl<'a> Parser<'a> {
    fn error(&self, problem: JsonProblem) -> JsonError {
        JsonError { offset: self.offset, problem }
    }

    fn expected<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(self.error(JsonProblem::Expected(what)))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.offset += 1;
        }
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.offset += 1;
        }
    }

    fn value(&mut self, depth: usize, out: &mut String) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth, out),
            Some(b'[') => self.array(depth, out),
            Some(b'"') => {
                let text = self.string()?;
                write_string(&text, out);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(out),
            _ => {
                for word in ["true", "false", "null"] {
                    if self.rest().starts_with(word) {
                        self.offset += word.len();
                        out.push_str(word);
                        return Ok(());
                    }
                }
                self.expected("a JSON value")
            }
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        depth.checked_sub(1).ok_or_else(|| self.error(JsonProblem::TooDeep))
    }

    fn array(&mut self, depth: usize, out: &mut String) -> Result<(), JsonError> {
        let depth = self.deeper(depth)?;
        self.offset += 1;
        out.push('[');
        self.skip_space();
        if !self.take(b']') {
            loop {
                self.skip_space();
                self.value(depth, out)?;
                self.skip_space();
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return self.expected("`,` or `]`");
                }
                out.push(',');
            }
        }
        out.push(']');
        Ok(())
    }

    fn object(&mut self, depth: usize, out: &mut String) -> Result<(), JsonError> {
        let depth = self.deeper(depth)?;
        self.offset += 1;
        let mut members = std::collections::BTreeMap::new();
        self.skip_space();
        if !self.take(b'}') {
            loop {
                self.skip_space();
                if self.peek() != Some(b'"') {
                    return self.expected("a key in double quotes");
                }
                let start = self.offset;
                let key = self.string()?;
                if self.unique && members.contains_key(&key) {
                    self.offset = start;
                    return Err(self.error(JsonProblem::Repeated));
                }
                self.skip_space();
                if !self.take(b':') {
                    return self.expected("`:`");
                }
                self.skip_space();
                let mut value = String::new();
                self.value(depth, &mut value)?;
                members.insert(key, value);
                self.skip_space();
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return self.expected("`,` or `}`");
                }
            }
        }
        out.push('{');
        for (index, (key, value)) in members.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_string(key, out);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Ok(())
    }

    /// Reads a string literal, the opening quote at the current byte.
    fn string(&mut self) -> Result<String, JsonError> {
        self.offset += 1;
        let mut out = String::new();
        loop {
            let Some(character) = self.rest().chars().next() else {
                return self.expected("the closing `\"`");
            };
            match character {
                '"' => {
                    self.offset += 1;
                    return Ok(out);
                }
                '\\' => out.push(self.escape()?),
                '\0' => return Err(self.error(JsonProblem::Nul)),
                control if control < ' ' => return self.expected("an escape for the control character"),
                other => {
                    out.push(other);
                    self.offset += other.len_utf8();
                }
            }
        }
    }

    /// Reads an escape, the backslash at the current byte.
    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.offset;
        self.offset += 1;
        let simple = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.offset += 1;
                let first = self.hex4()?;
                let surrogate = JsonError { offset: start, problem: JsonProblem::Surrogate };
                let code = match first {
                    0xd800..=0xdbff => {
                        if !self.rest().starts_with("\\u") {
                            return Err(surrogate);
                        }
                        self.offset += 2;
                        let second = self.hex4()?;
                        if !(0xdc00..=0xdfff).contains(&second) {
                            return Err(surrogate);
                        }
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    0 => return Err(JsonError { offset: start, problem: JsonProblem::Nul }),
                    other => other,
                };
                return char::from_u32(code).ok_or(surrogate);
            }
            _ => return self.expected("an escape character after `\\`"),
        };
        self.offset += 1;
        Ok(simple)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.offset += 4;
                Ok(code)
            }
            None => self.expected("four hexadecimal digits"),
        }
    }

    fn digits(&mut self) -> Result<&'a str, JsonError> {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        if end == 0 {
            return self.expected("a digit");
        }
        self.offset += end;
        Ok(rest.get(..end).unwrap_or(""))
    }

    fn number(&mut self, out: &mut String) -> Result<(), JsonError> {
        let start = self.offset;
        let negative = self.take(b'-');
        let whole = self.digits()?;
        if whole.len() > 1 && whole.starts_with('0') {
            self.offset = start;
            return self.expected("a number without leading zeros");
        }
        let fraction = if self.take(b'.') { self.digits()? } else { "" };
        let out_of_range = JsonError { offset: start, problem: JsonProblem::Exponent };
        let exponent = if self.take(b'e') || self.take(b'E') {
            let minus = self.take(b'-');
            if !minus {
                self.take(b'+');
            }
            let digits = self.digits()?.trim_start_matches('0');
            if digits.len() > 9 {
                None
            } else {
                let size: i64 = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(i64::MAX) };
                Some(if minus { -size } else { size })
            }
        } else {
            Some(0)
        };
        write_number(negative, whole, fraction, exponent, out).ok_or(out_of_range)
    }
}

/// Writes the number `whole.fraction × 10^exponent` in canonical form. `None` where the exponent is out of
/// range; an exponent of `None` is out of range for every number but zero.
fn write_number(
    negative: bool,
    whole: &str,
    fraction: &str,
    exponent: Option<i64>,
    out: &mut String,
) -> Option<()> {
    let all: String = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        out.push('0');
        return Some(());
    }
    // The place of the first digit: 0 for units, 1 for tens, -1 for tenths.
    let leading = i64::try_from(all.len() - significant.len()).ok()?;
    let whole_len = i64::try_from(whole.len()).ok()?;
    let place = whole_len.checked_sub(leading)?.checked_sub(1)?.checked_add(exponent?)?;
    if place.abs() > MAX_EXPONENT {
        return None;
    }
    if negative {
        out.push('-');
    }
    let count = i64::try_from(digits.len()).ok()?;
    if (0..=20).contains(&place) {
        let whole_digits = place + 1;
        if count <= whole_digits {
            out.push_str(digits);
            out.extend((count..whole_digits).map(|_| '0'));
        } else {
            let (left, right) = digits.split_at_checked(usize::try_from(whole_digits).ok()?)?;
            out.push_str(left);
            out.push('.');
            out.push_str(right);
        }
    } else if (-7..0).contains(&place) {
        out.push_str("0.");
        out.extend((place + 1..0).map(|_| '0'));
        out.push_str(digits);
    } else {
        let (left, right) = digits.split_at_checked(1)?;
        out.push_str(left);
        if !right.is_empty() {
            out.push('.');
            out.push_str(right);
        }
        out.push('e');
        out.push_str(&place.to_string());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(canonical(input).as_deref(), Ok(expected), "{input}");
        assert_eq!(
            canonical(expected).as_deref(),
            Ok(expected),
            "canonical form of {input} is not a fixpoint"
        );
    }

    fn check_error(input: &str, offset: usize, problem: JsonProblem) {
        assert_eq!(canonical(input), Err(JsonError { offset, problem }), "{input}");
    }

    #[test]
    fn documents() {
        check(" { \"b\" : [ 1 , true , null ] , \"a\" : \"x\" } ", r#"{"a":"x","b":[1,true,null]}"#);
        check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#);
        check(r#"{"é":1,"z":2,"":3}"#, r#"{"":3,"z":2,"é":1}"#);
        check("[]", "[]");
        check("[ ]", "[]");
        check("{ }", "{}");
        check(r#""\u0041\/\ud83d\ude00\u001f\n""#, "\"A/😀\\u001f\\n\"");
        check("\"\\u0001\\u000b\\u007f\"", "\"\\u0001\\u000b\u{7f}\"");
    }

    #[test]
    fn numbers() {
        for (input, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0e5", "0"),
            ("0e999999999999", "0"),
            ("1.0", "1"),
            ("1e0", "1"),
            ("10e-1", "1"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e21"),
            ("12.50e21", "1.25e22"),
            ("0.0000001", "0.0000001"),
            ("0.00000001", "1e-8"),
            ("-123.4560", "-123.456"),
            ("123456789012345678901234567890.123", "1.23456789012345678901234567890123e29"),
            ("0.1e+1", "1"),
            ("1E-2", "0.01"),
        ] {
            check(input, expected);
        }
    }

    #[test]
    fn errors() {
        check_error("", 0, JsonProblem::Expected("a JSON value"));
        check_error("[1,]", 3, JsonProblem::Expected("a JSON value"));
        check_error("[1 2]", 3, JsonProblem::Expected("`,` or `]`"));
        check_error("{a:1}", 1, JsonProblem::Expected("a key in double quotes"));
        check_error("01", 0, JsonProblem::Expected("a number without leading zeros"));
        check_error("1.", 2, JsonProblem::Expected("a digit"));
        check_error("1 x", 2, JsonProblem::Trailing);
        check_error("\"\\u0000\"", 1, JsonProblem::Nul);
        check_error("\"a\0\"", 2, JsonProblem::Nul);
        check_error("\"\\ud800\"", 1, JsonProblem::Surrogate);
        check_error("\"\\udc00\"", 1, JsonProblem::Surrogate);
        check_error("\"\\ud800\\u0041\"", 1, JsonProblem::Surrogate);
        check_error("\"a\n\"", 2, JsonProblem::Expected("an escape for the control character"));
        check_error("\"abc", 4, JsonProblem::Expected("the closing `\"`"));
        check_error("1e1000001", 0, JsonProblem::Exponent);
        check_error("1e99999999999999999999", 0, JsonProblem::Exponent);
    }

    #[test]
    fn keys_that_come_twice_are_kept_last_or_refused() {
        for (text, offset) in
            [(r#"{"a":1,"a":2}"#, 7), (r#"[{"b":{"a":1,"c":[],"\u0061":{}}}]"#, 20), (r#"{"":1,"":1}"#, 6)]
        {
            assert!(canonical(text).is_ok());
            assert_eq!(
                with_unique_keys(text).err(),
                Some(JsonError { offset, problem: JsonProblem::Repeated })
            );
        }
        let fine = r#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#;
        assert_eq!(with_unique_keys(fine), Ok(Value::Json(fine.into())));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(canonical(&nested(MAX_DEPTH)), Ok(nested(MAX_DEPTH)));
        check_error(&nested(MAX_DEPTH + 1), MAX_DEPTH, JsonProblem::TooDeep);
        assert!(canonical(&"{\"a\":".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn never_panics_and_is_a_fixpoint(text in "[\\[\\]{},:\"0-9eE+.\\-ntrufalsd\\\\ é😀]{0,40}") {
            if let Ok(once) = canonical(&text) {
                let twice = canonical(&once);
                prop_assert_eq!(twice, Ok(once));
            }
        }

        #[test]
        fn strings_read_back(text in "[^\\x00]{0,20}") {
            let mut literal = String::new();
            write_string(&text, &mut literal);
            prop_assert_eq!(serde_json::from_str::<String>(&literal).ok(), Some(text));
            prop_assert_eq!(canonical(&literal), Ok(literal.clone()));
        }

        #[test]
        fn numbers_keep_their_value(float in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            let text = canonical(&format!("{float:e}")).unwrap();
            prop_assert_eq!(text.parse::<f64>().unwrap(), float);
        }
    }
}
