//! What the parser reads: tokens without trivia, and the notes that it takes on the way.

use crate::keywords::Kw;
use crate::lexer::{Lexer, Token, TokenKind};
use crate::{Expected, MAX_DEPTH, MAX_LENGTH, ParseError, ParseErrorKind, Span};
use nom::error::ErrorKind;
use nom::{Err, IResult, Needed};
use std::cell::{Cell, OnceCell, RefCell};

/// The marker that a parser failed. What it expected and where is in the [`Context`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fail;

impl<'a> nom::error::ParseError<Input<'a>> for Fail {
    fn from_error_kind(_: Input<'a>, _: ErrorKind) -> Self {
        Self
    }

    fn append(_: Input<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// What a parser gives.
pub(crate) type Parsed<'a, T> = IResult<Input<'a>, T, Fail>;

/// Tokens with their text, shared by all positions in it.
pub(crate) struct Context<'a> {
    pub(crate) source: &'a str,
    tokens: &'a [Token],
    /// Where each `?` begins, found when the first one is met.
    questions: OnceCell<Vec<usize>>,
    /// The index of the furthest token that did not fit.
    furthest: Cell<usize>,
    /// Whether expectations at the furthest token are noted. The first run only finds the place, so that
    /// texts without error pay nothing for messages.
    recording: bool,
    expected: RefCell<Vec<Expected>>,
    /// An error that is certain, whatever else might fit.
    fatal: RefCell<Option<ParseError>>,
    /// The index of the last word taken as an alias without `as`: perhaps a mistyped keyword.
    bare_alias: Cell<Option<usize>>,
    /// The number of levels open.
    depth: Cell<usize>,
    /// The height of the tree parsed at this level so far.
    height: Cell<usize>,
}

impl<'a> Context<'a> {
    fn new(source: &'a str, tokens: &'a [Token], recording: Option<usize>) -> Self {
        Self {
            source,
            tokens,
            questions: OnceCell::new(),
            furthest: Cell::new(recording.unwrap_or(0)),
            recording: recording.is_some(),
            expected: RefCell::new(Vec::new()),
            fatal: RefCell::new(None),
            bare_alias: Cell::new(None),
            depth: Cell::new(0),
            height: Cell::new(0),
        }
    }

    /// Whether expectations are noted, beyond the furthest place.
    pub(crate) fn is_recording(&self) -> bool {
        self.recording
    }

    pub(crate) fn token(&self, at: usize) -> Option<&'a Token> {
        self.tokens.get(at)
    }

    /// The place of the `?` at `span` among all.
    pub(crate) fn positional(&self, span: Span) -> usize {
        let all = self.questions.get_or_init(|| {
            let questions = self.tokens.iter().filter(|token| token.kind == TokenKind::Question);
            questions.map(|token| token.span.start).collect()
        });
        all.partition_point(|start| *start < span.start)
    }

    /// Where the text ends that the tokens cover.
    pub(crate) fn end(&self) -> usize {
        self.tokens.last().map_or(0, |token| token.span.end)
    }
}

/// A position in the tokens. Small, since it is on every frame of the parser's recursion.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) context: &'a Context<'a>,
    /// The index of the next token.
    at: u32,
    /// The index where the tokens end.
    end: u32,
}

/// What [`Input::leave`] puts back.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    depth: usize,
    height: usize,
    levels: usize,
}

/// The tokens of a text without trivia.
pub(crate) fn significant(source: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(source.len().min(4096) / 4);
    tokens.extend(Lexer::new(source).filter(|token| !token.kind.is_trivia()));
    tokens
}

/// Runs a parser over the whole text.
pub(crate) fn run<T>(source: &str, parser: fn(Input<'_>) -> Parsed<'_, T>) -> Result<T, ParseError> {
    if source.len() > MAX_LENGTH {
        let kind = ParseErrorKind::TooLong { length: source.len(), limit: MAX_LENGTH };
        let at = crate::diagnostic::floor_boundary(source, MAX_LENGTH);
        return Err(ParseError::new(kind, Span::point(at)));
    }
    let tokens = significant(source);
    let context = Context::new(source, &tokens, None);
    match parser(context.start()) {
        Ok((_, value)) => Ok(value),
        Err(_) => Err(explain(&context, parser)),
    }
}

/// Runs a failed parser again to note what it expected at the furthest token, and makes an error of it.
fn explain<T>(failed: &Context<'_>, parser: fn(Input<'_>) -> Parsed<'_, T>) -> ParseError {
    if let Some(error) = failed.fatal.take() {
        return error;
    }
    let context = Context::new(failed.source, failed.tokens, Some(failed.furthest.get()));
    // The result is known: it fails like the first time.
    let _ = parser(context.start());
    super::failure::error(&context, failed.furthest.get(), context.expected.take(), failed.bare_alias.get())
}

/// What a parser expects after the tokens, or `None` where it fails before their end.
pub(crate) fn expected_at_end<T>(
    source: &str,
    tokens: &[Token],
    parser: fn(Input<'_>) -> Parsed<'_, T>,
) -> Option<Vec<Expected>> {
    let context = Context::new(source, tokens, Some(tokens.len()));
    let _ = parser(context.start());
    let expected = context.expected.take();
    if expected.is_empty() { None } else { Some(expected) }
}

impl<'a> Context<'a> {
    fn start(&'a self) -> Input<'a> {
        // A text has no more tokens than bytes, and those are limited.
        let end = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        Input { context: self, at: 0, end }
    }
}

impl<'a> Input<'a> {
    /// The index of the next token among all.
    fn index(self) -> usize {
        self.at as usize
    }

    /// The next token.
    pub(crate) fn peek(self) -> Option<&'a Token> {
        self.peek_at(0)
    }

    /// The token after `ahead` further ones.
    pub(crate) fn peek_at(self, ahead: usize) -> Option<&'a Token> {
        let at = self.index() + ahead;
        if at < self.end as usize { self.context.token(at) } else { None }
    }

    /// The kind of the next token.
    pub(crate) fn kind(self) -> Option<TokenKind> {
        self.peek().map(|token| token.kind)
    }

    /// The keyword that the next token is.
    pub(crate) fn keyword(self) -> Option<Kw> {
        self.peek().and_then(|token| token.keyword)
    }

    /// The keyword that the token after `ahead` further ones is.
    pub(crate) fn keyword_at(self, ahead: usize) -> Option<Kw> {
        self.peek_at(ahead).and_then(|token| token.keyword)
    }

    /// The position after the next token.
    pub(crate) fn advance(self) -> Self {
        Self { at: self.at.saturating_add(1), ..self }
    }

    /// Where the next token begins; the end of the text where there is none.
    pub(crate) fn offset(self) -> usize {
        self.peek().map_or_else(|| self.context.end(), |token| token.span.start)
    }

    /// Where the token before this position ends.
    pub(crate) fn previous_end(self) -> usize {
        self.index().checked_sub(1).and_then(|at| self.context.token(at)).map_or(0, |token| token.span.end)
    }

    /// The span from `start` (a position) to the token before this position.
    pub(crate) fn span_from(self, start: Input<'_>) -> Span {
        let begin = start.offset();
        Span::new(begin, self.previous_end().max(begin))
    }

    /// The text of a token.
    pub(crate) fn text(self, token: &Token) -> &'a str {
        token.span.text(self.context.source)
    }

    /// The text of the next token.
    pub(crate) fn next_text(self) -> &'a str {
        self.peek().map_or("", |token| self.text(token))
    }

    /// Notes that `expected` could stand here.
    pub(crate) fn note(self, expected: Expected) {
        let context = self.context;
        if !context.recording {
            if self.index() > context.furthest.get() {
                context.furthest.set(self.index());
            }
        } else if self.index() == context.furthest.get() {
            let mut list = context.expected.borrow_mut();
            if !list.contains(&expected) {
                list.push(expected);
            }
        }
    }

    /// Fails because `expected` does not stand here.
    pub(crate) fn fail<T>(self, expected: Expected) -> Parsed<'a, T> {
        self.note(expected);
        Err(Err::Error(Fail))
    }

    /// Fails for certain.
    pub(crate) fn fatal<T>(self, error: ParseError) -> Parsed<'a, T> {
        self.context.fatal.borrow_mut().get_or_insert(error);
        Err(Err::Failure(Fail))
    }

    /// Notes that the word before this position was taken as an alias without `as`.
    pub(crate) fn took_bare_alias(self) {
        self.context.bare_alias.set(self.index().checked_sub(1));
    }

    /// Goes so many levels deeper, until [`leave`](Self::leave) with what this gives. The limit bounds both
    /// the parser's recursion and the tree's height.
    pub(crate) fn enter(self, levels: usize) -> Result<Level, Err<Fail>> {
        let context = self.context;
        let depth = context.depth.get();
        if depth + levels > MAX_DEPTH {
            self.too_deep::<()>()?;
        }
        context.depth.set(depth + levels);
        Ok(Level { depth, height: context.height.replace(0), levels })
    }

    /// Comes back from where [`enter`](Self::enter) went.
    pub(crate) fn leave(self, level: Level) {
        let context = self.context;
        context.height.set(level.height.max(context.height.get() + level.levels));
        context.depth.set(level.depth);
    }

    /// Notes that what was parsed at this level becomes the child of another node.
    pub(crate) fn grow(self) -> Parsed<'a, ()> {
        let context = self.context;
        let height = context.height.get() + 1;
        context.height.set(height);
        if context.depth.get() + height > MAX_DEPTH { self.too_deep() } else { Ok((self, ())) }
    }

    fn too_deep<T>(self) -> Parsed<'a, T> {
        let span = self.peek().map_or(Span::point(self.context.end()), |token| token.span);
        self.fatal(ParseError::new(ParseErrorKind::TooDeep { limit: MAX_DEPTH }, span))
    }
}

impl<'a> Input<'a> {
    /// The tokens from here on.
    fn rest(self) -> &'a [Token] {
        self.context.tokens.get(self.index()..self.end as usize).unwrap_or(&[])
    }

    /// The position `count` tokens on, at most the end.
    fn skip(self, count: usize) -> u32 {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.at.saturating_add(count).min(self.end)
    }
}

/// So that nom's combinators work on tokens.
impl<'a> nom::Input for Input<'a> {
    type Item = &'a Token;
    type Iter = std::slice::Iter<'a, Token>;
    type IterIndices = std::iter::Enumerate<std::slice::Iter<'a, Token>>;

    fn input_len(&self) -> usize {
        self.rest().len()
    }

    fn take(&self, index: usize) -> Self {
        Self { end: self.skip(index), ..*self }
    }

    fn take_from(&self, index: usize) -> Self {
        Self { at: self.skip(index), ..*self }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Self::Item) -> bool>(&self, predicate: P) -> Option<usize> {
        self.rest().iter().position(predicate)
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest().iter()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.rest().iter().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        let length = self.rest().len();
        if count <= length { Ok(count) } else { Err(Needed::new(count - length)) }
    }
}
