//! Collaborative text.

use std::fmt;
use std::ops::Deref;

use ankurah_core::value::{TypeTag, Value, ValueRef};

use super::{Property, PropertyError, ToValue, kind};

/// A text that several people edit at once: edits merge to the character.
///
/// In a model it is the text that a new entity begins with; afterwards it is changed in place through the editor's
/// [`TextEditor`](crate::TextEditor). A text that was never written reads as empty.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub(crate) String);

impl Text {
    /// An empty text.
    pub const fn new() -> Self {
        Text(String::new())
    }

    /// The text as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as a string.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl ToValue for Text {
    type Kind = kind::String;

    fn to_value(&self) -> Result<Value, PropertyError> {
        self.0.to_value()
    }
}

impl Property for Text {
    type Get<'a> = &'a str;
    const COLLABORATIVE: bool = true;

    fn get(&self) -> &str {
        &self.0
    }

    fn from_value(value: ValueRef<'_>) -> Result<Self, PropertyError> {
        match value {
            ValueRef::Null => Ok(Text::new()),
            ValueRef::String(text) => Ok(Text(text.to_owned())),
            other => Err(PropertyError::unexpected(TypeTag::String, other)),
        }
    }
}
