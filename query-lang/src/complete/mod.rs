//! What can stand at a cursor, in statements that are half typed or broken.

mod expect;
mod scope;

use crate::Span;
use crate::ast::Path;
use crate::diagnostic::floor_boundary;
use crate::lexer::{Lexer, Token, TokenKind};

/// What can stand at a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionContext {
    /// The word at the cursor, which a candidate replaces; empty between words. Its part after the cursor is
    /// included: an editor that replaces up to the cursor only takes `replace.start` and the cursor.
    pub replace: Span,
    /// The part of the word before the cursor, without an opening double quote.
    pub prefix: String,
    /// Whether the word is a quoted name: candidates are then names, to be quoted.
    pub quoted: bool,
    /// What can stand there, without duplicates. Empty inside comments, strings and numbers.
    pub expects: Vec<Expectation>,
    /// The tables whose properties can be named at the cursor, the innermost query's first, whether they are
    /// named before or after it.
    pub tables: Vec<Table>,
}

/// Something that can stand at a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// A keyword or a phrase of keywords (`order by`), in lower case.
    Keyword(&'static str),
    /// The name of a model.
    Model,
    /// A property of the [tables](CompletionContext::tables), or the alias of one of them.
    Property,
    /// A property of the [tables](CompletionContext::tables) where only one that can be written or defined stands:
    /// neither `id` nor an alias.
    OwnProperty,
    /// A property of the [tables](CompletionContext::tables) that holds a text which can be edited in place.
    TextProperty,
    /// What a value that is stepped into has: the properties of a table, of what a reference points to, or
    /// JSON keys.
    PathStep {
        /// The path before the last dot, `None` where it is no path (`f(x).`).
        base: Option<Path>,
    },
    /// A [function](crate::functions).
    Function,
    /// A parameter.
    Parameter,
    /// A [type](crate::TYPES).
    Type,
    /// A column alias of the query's select list.
    Alias(String),
    /// A new name: nothing to propose.
    NewName,
}

/// A table that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The model's name as written, without quotes; `None` for a query in `from`.
    pub model: Option<String>,
    /// Its alias, without quotes.
    pub alias: Option<String>,
}

/// The tokens around a cursor.
struct Surroundings<'a> {
    source: &'a str,
    /// The statement's tokens before the word at the cursor.
    before: Vec<Token>,
    /// The statement's tokens after the word at the cursor.
    after: Vec<Token>,
}

/// What can stand at `cursor` (a byte offset, moved left to a character boundary). Needs no catalog and
/// does not require that the rest of the text is right.
///
/// ```
/// # use ankurah_query_lang::{Expectation, completion_context};
/// let source = "select na from album where";
/// let context = completion_context(source, 9);
/// assert_eq!(context.prefix, "na");
/// assert_eq!(context.replace.text(source), "na");
/// assert!(context.expects.contains(&Expectation::Property));
/// assert_eq!(context.tables[0].model.as_deref(), Some("album"));
/// ```
pub fn completion_context(source: &str, cursor: usize) -> CompletionContext {
    let cursor = floor_boundary(source, cursor);
    let tokens: Vec<Token> = Lexer::new(source).collect();
    let at = tokens.iter().find(|token| token.span.start < cursor && cursor <= token.span.end).copied();
    let Some(word) = Word::at(source, at, cursor) else {
        return CompletionContext {
            replace: Span::point(cursor),
            prefix: String::new(),
            quoted: false,
            expects: Vec::new(),
            tables: Vec::new(),
        };
    };
    let around = surroundings(source, &tokens, &word, cursor);
    let tables = scope::tables(&around);
    let mut expects = match word.kind {
        WordKind::Parameter => vec![Expectation::Parameter],
        WordKind::Name | WordKind::Quoted => expect::expectations(&around),
    };
    if word.kind == WordKind::Quoted {
        expects.retain(|expectation| {
            !matches!(expectation, Expectation::Keyword(_) | Expectation::Function | Expectation::Type)
        });
    }
    let quoted = word.kind == WordKind::Quoted;
    CompletionContext { replace: word.span, prefix: word.prefix, quoted, expects, tables }
}

/// The word at the cursor.
struct Word {
    span: Span,
    prefix: String,
    kind: WordKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordKind {
    /// A word, or nothing.
    Name,
    /// A quoted name, perhaps without its closing quote.
    Quoted,
    /// `$name`
    Parameter,
}

impl Word {
    /// The word that ends at the cursor or holds it; `None` where nothing can be completed.
    /// `token` is the token that does so.
    fn at(source: &str, token: Option<Token>, cursor: usize) -> Option<Self> {
        let nothing = Some(Self { span: Span::point(cursor), prefix: String::new(), kind: WordKind::Name });
        let Some(token) = token else { return nothing };
        let prefix = |skip: usize| source.get(token.span.start + skip..cursor).unwrap_or("").to_owned();
        let inside = cursor < token.span.end;
        match token.kind {
            TokenKind::Word => Some(Self { span: token.span, prefix: prefix(0), kind: WordKind::Name }),
            TokenKind::Parameter | TokenKind::BadParameter => {
                Some(Self { span: token.span, prefix: prefix(0), kind: WordKind::Parameter })
            }
            TokenKind::QuotedName if inside => {
                Some(Self { span: token.span, prefix: prefix(1), kind: WordKind::Quoted })
            }
            TokenKind::UnterminatedName => {
                let span = Span::new(token.span.start, cursor);
                Some(Self { span, prefix: prefix(1), kind: WordKind::Quoted })
            }
            TokenKind::LineComment
            | TokenKind::UnterminatedComment
            | TokenKind::UnterminatedString
            | TokenKind::Integer
            | TokenKind::Decimal
            | TokenKind::Exponent
            | TokenKind::BadNumber
            | TokenKind::Id
            | TokenKind::BadId => None,
            TokenKind::BlockComment | TokenKind::String | TokenKind::Bytes if inside => None,
            _ => nothing,
        }
    }
}

/// The tokens of the statement that the cursor stands in, without the word at the cursor.
fn surroundings<'a>(source: &'a str, tokens: &[Token], word: &Word, cursor: usize) -> Surroundings<'a> {
    let significant = || tokens.iter().filter(|token| !token.kind.is_trivia());
    let mut before: Vec<Token> =
        significant().filter(|token| token.span.end <= word.span.start).copied().collect();
    if let Some(semicolon) = before.iter().rposition(|token| token.kind == TokenKind::Semicolon) {
        before.drain(..=semicolon);
    }
    // An open quote takes all that follows into its token: read it again from the cursor on.
    let open = tokens.last().is_some_and(|last| last.kind == TokenKind::UnterminatedName);
    let rest: Vec<Token> = if open && word.span.end == cursor {
        let rest = source.get(cursor..).unwrap_or("");
        let shifted = Lexer::new(rest).map(|token| Token { span: token.span.shift(cursor), ..token });
        shifted.filter(|token| !token.kind.is_trivia()).collect()
    } else {
        significant().filter(|token| token.span.start >= word.span.end).copied().collect()
    };
    let after = rest.into_iter().take_while(|token| token.kind != TokenKind::Semicolon).collect();
    Surroundings { source, before, after }
}
