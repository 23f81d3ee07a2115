//! Several statements in one text, and texts that are still being typed.

use crate::Span;
use crate::lexer::{Lexer, Token, TokenKind};

/// A statement's place in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// From its first token to its last, without comments around it and without the semicolon.
    pub span: Span,
    /// Whether a semicolon ends it.
    pub terminated: bool,
}

/// Cuts a script at its semicolons (not those in strings, quoted names and comments). What holds no token is
/// left out. Works for any text; whether the pieces are statements is for the parser to say.
///
/// ```
/// # use ankurah_query_lang::split_statements;
/// let source = "select 1; -- one; two\nselect ';' ";
/// let pieces: Vec<_> = split_statements(source).iter().map(|piece| piece.span.text(source)).collect();
/// assert_eq!(pieces, ["select 1", "select ';'"]);
/// ```
pub fn split_statements(source: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut open: Option<Span> = None;
    for token in Lexer::new(source).filter(|token| !token.kind.is_trivia()) {
        if token.kind == TokenKind::Semicolon {
            pieces.extend(open.take().map(|span| Piece { span, terminated: true }));
        } else {
            open = Some(open.map_or(token.span, |span| span.to(token.span)));
        }
    }
    pieces.extend(open.map(|span| Piece { span, terminated: false }));
    pieces
}

/// Whether a text that is being typed can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// It ends with a semicolon, or holds nothing to run. It may still be wrong.
    Complete,
    /// More is to come.
    Incomplete(Missing),
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The `'` at the end of a string.
    StringEnd,
    /// The `"` at the end of a quoted name.
    NameEnd,
    /// The `*/` at the end of a comment.
    CommentEnd,
    /// A closing parenthesis or bracket.
    Parenthesis,
    /// The semicolon.
    Semicolon,
}

/// Whether a line editor should run the text or let it go on.
pub fn is_complete(source: &str) -> Completeness {
    let mut last: Option<Token> = None;
    let mut open = 0_usize;
    for token in Lexer::new(source).filter(|token| !token.kind.is_trivia()) {
        match token.kind {
            TokenKind::UnterminatedString => return Completeness::Incomplete(Missing::StringEnd),
            TokenKind::UnterminatedName => return Completeness::Incomplete(Missing::NameEnd),
            TokenKind::UnterminatedComment => return Completeness::Incomplete(Missing::CommentEnd),
            TokenKind::LeftParen | TokenKind::LeftBracket => open += 1,
            TokenKind::RightParen | TokenKind::RightBracket => open = open.saturating_sub(1),
            TokenKind::Semicolon => open = 0,
            _ => {}
        }
        last = Some(token);
    }
    match last {
        None => Completeness::Complete,
        Some(token) if token.kind == TokenKind::Semicolon => Completeness::Complete,
        Some(_) if open > 0 => Completeness::Incomplete(Missing::Parenthesis),
        Some(_) => Completeness::Incomplete(Missing::Semicolon),
    }
}
