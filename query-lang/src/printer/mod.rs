//! From trees to text. Parsing the text of a tree that the parser made gives an equal tree.

mod expr;
mod past;
mod query;
mod statement;

use crate::ast::{Id, Ident, Name};
use crate::keywords::{is_plain_identifier, is_word};
use std::fmt::{self, Display, Formatter, Write};

/// Items with something between them.
fn separated<T: Display>(f: &mut Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// ` keyword item, item`, or nothing where there is no item.
fn clause<T: Display>(f: &mut Formatter<'_>, keyword: &str, items: &[T]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    write!(f, " {keyword} ")?;
    separated(f, items, ", ")
}

/// `text` between quotes, those in it doubled.
fn quote(f: &mut Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    f.write_char(quote)?;
    for c in text.chars() {
        if c == quote {
            f.write_char(quote)?;
        }
        f.write_char(c)?;
    }
    f.write_char(quote)
}

/// Writes `name` as an identifier of the language, in double quotes where it needs them (it is a reserved
/// word, or holds something else than letters, digits and `_`).
///
/// ```
/// # use ankurah_query_lang::quote_identifier;
/// assert_eq!(quote_identifier("year"), "year");
/// assert_eq!(quote_identifier("order"), "\"order\"");
/// assert_eq!(quote_identifier("Line \"Total\""), "\"Line \"\"Total\"\"\"");
/// ```
pub fn quote_identifier(name: &str) -> String {
    if is_plain_identifier(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Writes `text` as a string literal of the language, in single quotes.
///
/// ```
/// assert_eq!(ankurah_query_lang::quote_string("it's"), "'it''s'");
/// ```
pub fn quote_string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Display for Ident {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.quoted || !is_plain_identifier(&self.name) {
            quote(f, &self.name, '"')
        } else {
            f.write_str(&self.name)
        }
    }
}

/// An identifier where reserved words need no quotes: after a dot and after `as`.
struct AnyIdent<'a>(&'a Ident);

impl Display for AnyIdent<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(ident) = self;
        if ident.quoted || !is_word(&ident.name) {
            quote(f, &ident.name, '"')
        } else {
            f.write_str(&ident.name)
        }
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.text)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.ident.fmt(f)?;
        self.id.as_ref().map_or(Ok(()), |id| id.fmt(f))
    }
}
