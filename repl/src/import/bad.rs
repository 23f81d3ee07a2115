//! What is wrong with a row, and where.

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// What is wrong, in one line.
    pub message: String,
    /// Where in the row's text, if it can be pointed at.
    pub place: Option<Place>,
}

/// A place in the text of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text of the row as it can be shown, from its first line on.
    pub text: String,
    /// The offset of what is wrong, in bytes of the text.
    pub at: usize,
}

impl From<String> for Bad {
    fn from(message: String) -> Self {
        Bad { message, place: None }
    }
}

impl Bad {
    /// Something wrong at an offset of a text.
    pub(super) fn at(message: impl Into<String>, text: &str, at: usize) -> Self {
        Bad { message: message.into(), place: Some(Place { text: text.to_owned(), at }) }
    }

    /// Bytes that are not UTF-8 from `at` on. `what` they are a part of.
    pub(super) fn utf8(bytes: &[u8], at: usize, what: &str) -> Self {
        // What is before the fault stays as long as it is, so that the offset stays true.
        Bad::at(
            format!("invalid UTF-8 at byte {} of the {what}", at + 1),
            &String::from_utf8_lossy(bytes),
            at,
        )
    }
}
