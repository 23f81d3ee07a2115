//! The pieces of a text with their classes, for highlighting.

use crate::keywords::Kw;
use crate::lexer::{Lexer, Token, TokenKind};
use crate::{Span, functions, types};

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenClass {
    /// A keyword.
    Keyword,
    /// The name of a built-in function before its parenthesis.
    Function,
    /// The name of a type.
    Type,
    /// A name.
    Name,
    /// A string, or bytes.
    String,
    /// A number.
    Number,
    /// A parameter.
    Parameter,
    /// An id.
    Id,
    /// An operator.
    Operator,
    /// A comma, semicolon, dot, parenthesis or bracket.
    Punctuation,
    /// A comment.
    Comment,
    /// White space.
    Whitespace,
    /// What is wrong whatever stands around it: an open string, a stray character.
    Error,
}

/// Cuts any text, however broken, into pieces that together are the whole text.
///
/// Words that are keywords only in places (`key`, `first`, …) are told from names by what stands before
/// them, which is right for all but contrived statements.
pub fn tokenize(source: &str) -> Vec<(Span, TokenClass)> {
    let tokens: Vec<Token> = Lexer::new(source).collect();
    let significant: Vec<Token> = tokens.iter().copied().filter(|token| !token.kind.is_trivia()).collect();
    let mut next = 0;
    let mut starts: Option<Kw> = None;
    let mut previous: Option<(Token, TokenClass)> = None;
    let mut out = Vec::with_capacity(tokens.len());
    for token in tokens {
        if token.kind.is_trivia() {
            out.push((token.span, plain_class(token.kind)));
            continue;
        }
        next += 1;
        let first = previous.is_none_or(|(before, _)| before.kind == TokenKind::Semicolon);
        if first {
            starts = token.keyword;
        }
        let place = Place { source, first, starts, previous, following: significant.get(next).copied() };
        let class = if token.kind == TokenKind::Word { place.word(token) } else { plain_class(token.kind) };
        previous = Some((token, class));
        out.push((token.span, class));
    }
    out
}

/// Where a word stands.
struct Place<'a> {
    source: &'a str,
    /// Whether it begins a statement.
    first: bool,
    /// The keyword that the statement begins with.
    starts: Option<Kw>,
    previous: Option<(Token, TokenClass)>,
    following: Option<Token>,
}

impl Place<'_> {
    fn word(&self, token: Token) -> TokenClass {
        let before = self.previous.map(|(token, _)| token);
        let after = |kind| before.is_some_and(|token| token.kind == kind);
        let followed_by = |kind| self.following.is_some_and(|token| token.kind == kind);
        let text = token.span.text(self.source);
        if after(TokenKind::Dot) {
            return TokenClass::Name;
        }
        let call = followed_by(TokenKind::LeftParen);
        let keyword =
            token.keyword.is_some_and(|kw| if kw.is_reserved() { true } else { self.contextual(kw, call) });
        let table = before.is_some_and(|token| matches!(token.keyword, Some(Kw::Into | Kw::Model)));
        let function = call && !table && functions::find(text).is_some();
        if function
            && (!keyword || !after(TokenKind::Word) || matches!(token.keyword, Some(Kw::Left | Kw::Right)))
        {
            return TokenClass::Function;
        }
        if keyword {
            return TokenClass::Keyword;
        }
        let defines = matches!(self.starts, Some(Kw::Create | Kw::Alter));
        let after_name = self.previous.is_some_and(|(_, class)| class == TokenClass::Name);
        let in_cast =
            before.is_some_and(|token| token.keyword == Some(Kw::As)) && followed_by(TokenKind::RightParen);
        let typed = after(TokenKind::DoubleColon)
            || followed_by(TokenKind::String)
            || in_cast
            || (defines && after_name);
        if typed && types::names().any(|name| name.eq_ignore_ascii_case(text)) {
            return TokenClass::Type;
        }
        TokenClass::Name
    }

    /// Whether a word that may be a name is a keyword here.
    fn contextual(&self, keyword: Kw, call: bool) -> bool {
        if self.first {
            return true;
        }
        if call
            && matches!(keyword, Kw::Extract | Kw::Position | Kw::Substring | Kw::Trim | Kw::Filter | Kw::Ref)
        {
            return keyword != Kw::Ref || self.previous.is_some_and(|(_, class)| class == TokenClass::Name);
        }
        if matches!(keyword, Kw::Both | Kw::Leading | Kw::Trailing) {
            return self
                .following
                .is_some_and(|next| matches!(next.kind, TokenKind::String | TokenKind::Word));
        }
        let Some((before, class)) = self.previous else { return true };
        match (before.keyword, keyword) {
            (Some(Kw::Create | Kw::Alter), Kw::Model)
            | (Some(Kw::Is | Kw::Not), Kw::Unknown)
            | (Some(Kw::Left | Kw::Right | Kw::Full), Kw::Outer)
            | (Some(Kw::On), Kw::Conflict) => true,
            // After the end of an operand or another such word, where no name can stand.
            _ => match class {
                TokenClass::Keyword => {
                    before.keyword.is_some_and(|kw| !kw.is_reserved() || kw == Kw::Null || kw == Kw::End)
                }
                TokenClass::Name | TokenClass::Type | TokenClass::String | TokenClass::Number => true,
                TokenClass::Parameter | TokenClass::Id => true,
                _ => matches!(before.kind, TokenKind::RightParen | TokenKind::RightBracket),
            },
        }
    }
}

/// The class of a token that is no word.
fn plain_class(kind: TokenKind) -> TokenClass {
    use TokenKind as T;
    match kind {
        T::Whitespace => TokenClass::Whitespace,
        T::LineComment | T::BlockComment => TokenClass::Comment,
        T::Word | T::QuotedName => TokenClass::Name,
        T::Integer | T::Decimal | T::Exponent => TokenClass::Number,
        T::String | T::Bytes => TokenClass::String,
        T::Question | T::Parameter => TokenClass::Parameter,
        T::Id => TokenClass::Id,
        T::Comma
        | T::Semicolon
        | T::Dot
        | T::LeftParen
        | T::RightParen
        | T::LeftBracket
        | T::RightBracket => TokenClass::Punctuation,
        T::Eq | T::NotEq | T::Lt | T::LtEq | T::Gt | T::GtEq => TokenClass::Operator,
        T::Plus | T::Minus | T::Star | T::Slash | T::Percent | T::Concat | T::DoubleColon => {
            TokenClass::Operator
        }
        T::UnterminatedString | T::UnterminatedName | T::UnterminatedComment => TokenClass::Error,
        T::BadNumber | T::BadParameter | T::BadId | T::Stray => TokenClass::Error,
    }
}
