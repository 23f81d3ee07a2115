//! What an editor collects.

use std::ops::{Bound, RangeBounds};

use ankurah_core::property::text::Edit;
use ankurah_core::property::{TextPart, text_difference};
use ankurah_core::value::Value;

use crate::error::Error;
use crate::model::FieldError;
use crate::property::Text;

/// The changes that an editor collected: fields by their number.
#[derive(Debug, Default)]
pub struct Edits {
    pub(crate) values: Vec<(usize, Value)>,
    pub(crate) texts: Vec<(usize, Vec<Edit>)>,
    pub(crate) failure: Option<FieldError>,
}

impl Edits {
    /// Notes the new value of a field. One that cannot be stored fails the edit as a whole.
    pub fn set(&mut self, number: usize, value: Result<Value, FieldError>) {
        match value {
            Ok(value) => {
                self.values.retain(|(known, _)| *known != number);
                self.values.push((number, value));
            }
            Err(error) => {
                self.failure.get_or_insert(error);
            }
        }
    }

    /// A handle on a text.
    pub fn text<'a>(&'a mut self, number: usize, text: &'a mut Text) -> TextEditor<'a> {
        if self.texts.iter().all(|(known, _)| *known != number) {
            self.texts.push((number, Vec::new()));
        }
        let edits = self.texts.iter_mut().find(|(known, _)| *known == number).map(|(_, edits)| edits);
        TextEditor { text: &mut text.0, edits }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.texts.iter().all(|(_, edits)| edits.is_empty())
    }
}

/// Changes a collaborative text in place. Positions count Unicode scalar values (what [`str::chars`] gives) from 0; one
/// beyond the end of the text is an error.
#[derive(Debug)]
pub struct TextEditor<'a> {
    text: &'a mut String,
    edits: Option<&'a mut Vec<Edit>>,
}

impl TextEditor<'_> {
    /// The text as it is now.
    pub fn as_str(&self) -> &str {
        self.text
    }

    /// How many Unicode scalar values it has.
    pub fn len(&self) -> usize {
        self.text.chars().count()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Inserts at a place.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where it is beyond the end.
    pub fn insert(&mut self, at: usize, text: &str) -> Result<(), Error> {
        self.replace(at..at, text)
    }

    /// Deletes a range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where it reaches beyond the end, or ends before it begins.
    pub fn delete(&mut self, range: impl RangeBounds<usize>) -> Result<(), Error> {
        self.replace(range, "")
    }

    /// Appends.
    pub fn push(&mut self, text: &str) {
        let end = self.len();
        self.splice(end, self.text.len()..self.text.len(), 0, text);
    }

    /// Puts a text in the place of a range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where the range reaches beyond the end, or ends before it begins.
    pub fn replace(&mut self, range: impl RangeBounds<usize>, text: &str) -> Result<(), Error> {
        let start = match range.start_bound() {
            Bound::Included(start) => Some(*start),
            Bound::Excluded(start) => start.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let end = match range.end_bound() {
            Bound::Included(end) => end.checked_add(1),
            Bound::Excluded(end) => Some(*end),
            Bound::Unbounded => Some(self.len()),
        };
        let out = || Error::OutOfRange { start, end, length: self.len() };
        let (Some(from), Some(to)) = (start, end) else { return Err(out()) };
        let bytes = (self.byte(from), self.byte(to));
        let (Some(first), Some(last), Some(delete)) = (bytes.0, bytes.1, to.checked_sub(from)) else {
            return Err(out());
        };
        self.splice(from, first..last, delete, text);
        Ok(())
    }

    /// Makes the text read as `text`, leaving what both have in common where it is, so that edits made there elsewhere
    /// stay.
    pub fn apply_diff(&mut self, text: &str) {
        let mut at = 0usize;
        let mut byte = 0usize;
        for part in text_difference(self.text, text) {
            match part {
                TextPart::Same(same) => {
                    at = at.saturating_add(same.chars().count());
                    byte = byte.saturating_add(same.len());
                }
                TextPart::Deleted(gone) => {
                    self.splice(at, byte..byte.saturating_add(gone.len()), gone.chars().count(), "");
                }
                TextPart::Inserted(new) => {
                    self.splice(at, byte..byte, 0, &new);
                    at = at.saturating_add(new.chars().count());
                    byte = byte.saturating_add(new.len());
                }
            }
        }
    }

    /// The byte at which the scalar value of a number begins; the length where it is the end.
    fn byte(&self, number: usize) -> Option<usize> {
        let ends = std::iter::once(self.text.len());
        self.text.char_indices().map(|(byte, _)| byte).chain(ends).nth(number)
    }

    fn splice(&mut self, position: usize, bytes: std::ops::Range<usize>, delete: usize, insert: &str) {
        if delete == 0 && insert.is_empty() {
            return;
        }
        self.text.replace_range(bytes, insert);
        if let Some(edits) = &mut self.edits {
            edits.push(Edit { position, delete, insert: insert.to_owned() });
        }
    }
}
