//! Scripts cut into statements and commands.

/// What a piece of a script is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// A statement, without its `;`.
    Statement,
    /// A line that begins with a backslash.
    Command,
    /// A statement that the end of the text cuts off: no `;` ends it.
    Rest,
}

/// A piece of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What it is.
    pub kind: PieceKind,
    /// Its text, without blanks and comments around it.
    pub text: &'a str,
    /// The offset of the text in the script, in bytes.
    pub start: usize,
    /// The offset just after the piece and its `;`.
    pub end: usize,
    /// The number of the text's first line in the script, from 1.
    pub line: usize,
}

/// What ends a comment that begins with `--`, and a command.
const LINE_END: [char; 2] = ['\n', '\r'];

/// The pieces of a script, in order. Blanks and comments between them are left out.
pub fn pieces(script: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut counted = 0;
    let mut line = 1;
    while let Some(start) = skip_trivia(script, at) {
        line += script.get(counted..start).unwrap_or("").matches('\n').count();
        counted = start;
        let rest = script.get(start..).unwrap_or("");
        let (kind, length, end) = if rest.starts_with('\\') {
            let length = rest.find(LINE_END).unwrap_or(rest.len());
            (PieceKind::Command, length, start + length)
        } else {
            match statement_end(rest) {
                Some(length) => (PieceKind::Statement, length, start + length + 1),
                None => (PieceKind::Rest, rest.len(), script.len()),
            }
        };
        let text = script.get(start..start + length).unwrap_or("").trim_end();
        if !text.is_empty() {
            pieces.push(Piece { kind, text, start, end, line });
        }
        at = end;
    }
    pieces
}

/// The text of a script's bytes.
///
/// # Errors
/// The line, and the byte in it, from 1, at which the bytes are no UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, (usize, usize)> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or(&[]);
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let before = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        (line, good.len() - before + 1)
    })
}

/// A script without the byte order mark that some editors begin a file with.
pub fn without_mark(script: &str) -> &str {
    script.strip_prefix('\u{feff}').unwrap_or(script)
}

/// Whether a line editor should read on: the text ends inside of a statement.
pub fn is_incomplete(text: &str) -> bool {
    pieces(text).last().is_some_and(|piece| piece.kind == PieceKind::Rest)
}

/// The offset of the first character at or after `at` that is neither blank nor in a comment.
fn skip_trivia(text: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.is_empty() {
            return None;
        }
        if trimmed.starts_with("--") {
            at += trimmed.find(LINE_END)?;
        } else if trimmed.starts_with("/*") {
            match block_comment(trimmed) {
                Some(length) => at += length,
                None => return Some(at),
            }
        } else {
            return Some(at);
        }
    }
}

/// The offset of the `;` that ends the statement at the start of `text`.
fn statement_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b';', _) => return Some(at),
            (quote @ (b'\'' | b'"'), _) => at += 1 + find(bytes.get(at + 1..)?, &[*quote])? + 1,
            (b'-', Some(b'-')) => at += text.get(at..)?.find(LINE_END)?,
            (b'/', Some(b'*')) => at += block_comment(text.get(at..)?)?,
            _ => at += 1,
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The length of the comment at the start of `text`; comments nest.
fn block_comment(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)?) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(script: &str, expected: &[(PieceKind, usize, &str)]) {
        let found: Vec<_> = pieces(script).iter().map(|piece| (piece.kind, piece.line, piece.text)).collect();
        assert_eq!(found, expected);
    }

    use PieceKind::{Command, Rest, Statement};

    #[test]
    fn statements() {
        check("select 1; select 2;", &[(Statement, 1, "select 1"), (Statement, 1, "select 2")]);
        check("select 1;\n\n  select\n2 ;\n", &[(Statement, 1, "select 1"), (Statement, 3, "select\n2")]);
        check(" ;; select 1", &[(Rest, 1, "select 1")]);
        check("", &[]);
        check("-- nothing\n/* at /* all */ */", &[]);
    }

    #[test]
    fn what_does_not_end_a_statement() {
        check("select ';''', \"a;\"; x", &[(Statement, 1, "select ';''', \"a;\""), (Rest, 1, "x")]);
        check("a -- ;\n; b", &[(Statement, 1, "a -- ;"), (Rest, 2, "b")]);
        check("a /* ; /* ; */ ; */ ; b", &[(Statement, 1, "a /* ; /* ; */ ; */"), (Rest, 1, "b")]);
        check("a 'open; b", &[(Rest, 1, "a 'open; b")]);
        check("/* open; b", &[(Rest, 1, "/* open; b")]);
    }

    #[test]
    fn commands() {
        check(
            "\\d album\nselect 1;\\x",
            &[(Command, 1, "\\d album"), (Statement, 2, "select 1"), (Command, 2, "\\x")],
        );
        check("select\n\\d;", &[(Statement, 1, "select\n\\d")]);
    }

    #[test]
    fn a_carriage_return_ends_comments_and_commands() {
        check(
            "-- c\rselect 1;\r\\x\rselect 2 -- ;\r;",
            &[(Statement, 1, "select 1"), (Command, 1, "\\x"), (Statement, 1, "select 2 -- ;")],
        );
    }

    #[test]
    fn bytes() {
        assert_eq!(decode(b"select 1".to_vec()), Ok("select 1".to_owned()));
        assert_eq!(decode(b"\xff".to_vec()), Err((1, 1)));
        assert_eq!(decode("é\na\n".bytes().chain(*b"ab\xc3").collect()), Err((3, 3)));
    }

    #[test]
    fn incomplete() {
        assert!(is_incomplete("select 1"));
        assert!(is_incomplete("select 'a;\n"));
        assert!(is_incomplete("select 1; select"));
        assert!(!is_incomplete("select 1; -- done"));
        assert!(!is_incomplete("\\d"));
        assert!(!is_incomplete(""));
    }

    proptest! {
        #[test]
        fn statements_are_cut_as_the_language_cuts_them(script in "[a;'\"\\-/*\n\r x]{0,40}") {
            let ours: Vec<_> = pieces(&script).iter().map(|piece| (piece.start, piece.kind == Statement)).collect();
            let theirs: Vec<_> = ankurah_query_lang::split_statements(&script)
                .iter()
                .map(|piece| (piece.span.start, piece.terminated))
                .collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn pieces_lie_in_the_text(script in "[a;'\"\\-/*\\\\\n é]{0,40}") {
            let mut before = 0;
            for piece in pieces(&script) {
                prop_assert!(piece.start >= before && piece.end >= piece.start + piece.text.len());
                prop_assert!(piece.end <= script.len());
                prop_assert_eq!(&script[piece.start..piece.start + piece.text.len()], piece.text);
                before = piece.end;
            }
        }
    }
}
