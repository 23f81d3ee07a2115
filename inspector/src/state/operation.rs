//! One operation: what it says, what it did, its bytes.

use std::sync::Arc;

use ankurah_core::id::{EntityId, OpId, PropertyId};
use ankurah_core::operation::{Change, Kind, Operation};
use ankurah_core::property::{TextPart, text_difference};
use ankurah_core::value::Value;

use super::list::List;
use super::names::Names;
use super::subject::one;
use crate::dag::time_text;
use crate::fold::{fold, has_all};
use crate::line::{Line, Role};
use crate::message::{Detail, Image};

/// Bytes in a line of raw bytes.
const BYTES: usize = 16;

/// An operation and what is shown of it.
#[derive(Clone, Debug)]
pub struct OperationPage {
    /// The entity.
    pub entity: EntityId,
    /// The operation.
    pub id: OpId,
    /// Where one is.
    pub list: List,
    /// Why it cannot be shown.
    pub failure: Option<String>,
    lines: Vec<Line>,
    bytes: Vec<u8>,
}

impl OperationPage {
    /// An operation that is still to be read.
    pub fn new(entity: EntityId, id: OpId) -> Self {
        OperationPage {
            entity,
            id,
            list: List::default(),
            failure: None,
            lines: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Takes it in.
    pub fn take(&mut self, detail: Detail, names: &Names) {
        self.lines = describe(self.id, &detail, names);
        self.bytes = detail.bytes;
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.lines.len() + self.bytes.len().div_ceil(BYTES)
    }

    /// Whether it was not read yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A line.
    pub fn line(&self, number: usize) -> Line {
        if let Some(line) = self.lines.get(number) {
            return line.clone();
        }
        let start = (number - self.lines.len()) * BYTES;
        let end = self.bytes.len().min(start + BYTES);
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        let mut hex = String::new();
        for (at, byte) in bytes.iter().enumerate() {
            hex.push_str(if at == BYTES / 2 { "  " } else { " " });
            hex.push_str(&format!("{byte:02x}"));
        }
        let shown: String = bytes.iter().map(|byte| printable(*byte)).collect();
        let columns = 3 * BYTES + 1;
        Line::new()
            .own(Role::Dim, format!("  {start:06x} "))
            .own(Role::Text, format!("{hex:columns$}  "))
            .own(Role::String, shown)
    }

    /// The line that the next, or the last, find of a text is in.
    pub fn find(&self, text: &str, back: bool, here: bool) -> Option<usize> {
        let sought = [fold(text)];
        find(self.len(), self.list.selected, back, here, |line| has_all(&self.line(line).text(), &sought))
    }
}

/// The next of `length` lines, from `from` on, round the end, that is wanted.
pub(super) fn find(
    length: usize,
    from: usize,
    back: bool,
    here: bool,
    wanted: impl Fn(usize) -> bool,
) -> Option<usize> {
    let start = usize::from(!here);
    let at = |step: usize| if back { (from + 2 * length - step) % length } else { (from + step) % length };
    (start..=length).filter(|_| length > 0).map(at).find(|line| wanted(*line))
}

fn printable(byte: u8) -> char {
    if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '.' }
}

fn field(name: &str) -> Line {
    Line::new().own(Role::Dim, format!("  {name:<12} "))
}

fn heading(text: &str) -> Line {
    Line::new().own(Role::Strong, text)
}

fn describe(id: OpId, detail: &Detail, names: &Names) -> Vec<Line> {
    let mut lines = vec![heading("Operation"), field("id").own(Role::Id, id.to_string())];
    match &detail.operation {
        Ok(operation) => header(operation, names, &mut lines),
        Err(message) => lines.push(field("unreadable").data(Role::Error, message)),
    }
    lines.push(field("accepted").own(Role::Number, format!("at position {}", detail.position.0)));
    if let Ok(operation) = &detail.operation {
        lines.push(field("digest").own(Role::Id, operation.digest().to_string()));
        let whole = if operation.is_whole() { "nothing erased" } else { "something of it is erased" };
        lines.push(
            field("verified")
                .own(Role::Good, format!("ok: digest and id were computed again from the bytes; {whole}")),
        );
        changes(operation, detail, names, &mut lines);
    }
    lines.push(Line::new());
    lines.push(heading(&format!("Bytes ({})", detail.bytes.len())));
    lines
}

fn header(operation: &Operation, names: &Names, lines: &mut Vec<Line>) {
    let kind = match &operation.header().kind {
        Kind::Genesis { .. } => "genesis: creates the entity",
        Kind::KeyedGenesis { .. } => "keyed genesis: creates the entity that its key names",
        Kind::Edit => "edit",
    };
    lines.push(field("kind").own(Role::Text, kind));
    lines.push(field("entity").own(Role::Id, operation.entity().to_string()));
    lines.push(field("model").data(Role::Name, &names.model_name(operation.model())));
    match operation.origin() {
        Some(origin) => {
            lines.push(field("time").own(Role::Text, format!("{} UTC", time_text(operation.id()))));
            lines.push(field("author").own(Role::Id, origin.author.to_string()));
            let place = format!("{} number {}", origin.actor, origin.sequence);
            lines.push(field("actor").own(Role::Id, place));
            lines.push(field("transaction").own(Role::Id, origin.transaction.to_string()));
        }
        None => lines.push(field("author").own(Role::Dim, "none: it follows from model and key alone")),
    }
    for (at, parent) in operation.parents().iter().enumerate() {
        let name = if at == 0 { "parents" } else { "" };
        lines.push(field(name).own(Role::Id, parent.id.to_string()));
    }
}

fn changes(operation: &Operation, detail: &Detail, names: &Names, lines: &mut Vec<Line>) {
    lines.push(Line::new());
    let key = operation.key().unwrap_or_default();
    let count = operation.leaves().len() + key.len();
    lines.push(heading(&format!("Changes ({count})")));
    for (property, value) in key {
        let line = name(*property, names).own(Role::Dim, "key ");
        lines.push(line.with(value_line(Some(value))));
    }
    for leaf in operation.leaves() {
        let line = name(leaf.property, names);
        match &leaf.change {
            Change::Set(value) => {
                let old = detail.before.as_deref().and_then(|image| one(image, leaf.property).value);
                let line = line.with(value_line(old.as_ref())).own(Role::Dim, " -> ");
                lines.push(line.with(value_line(Some(value))));
                let won = detail.after.as_deref().and_then(|image| one(image, leaf.property).winner);
                if won.is_some_and(|won| won != operation.id()) {
                    lines.push(Line::new().own(Role::Warning, "    a greater operation won"));
                }
            }
            Change::Text(update) => {
                lines.push(line.own(Role::Dim, format!("text, an update of {} bytes", update.len())));
                lines.extend(text_lines(leaf.property, detail));
            }
            Change::Erased(commitment) => {
                lines.push(line.own(Role::Warning, format!("erased; its commitment is {commitment}")));
            }
            Change::Redact(redaction) => {
                let text = match &redaction.value {
                    Some(_) => "redacts what it was, and sets it to ".to_owned(),
                    None => "redacts what it was".to_owned(),
                };
                let line = line.own(Role::Warning, text);
                lines.push(match &redaction.value {
                    Some(value) => line.with(value_line(Some(value))),
                    None => line,
                });
            }
            Change::Horizon(_) => {
                lines.push(line.own(Role::Warning, "horizon: what is before it is not kept"));
            }
            Change::Opaque { backend, bytes } => {
                let text =
                    format!("{} bytes for backend {backend}, which this version does not know", bytes.len());
                lines.push(line.own(Role::Warning, text));
            }
        }
    }
}

fn name(property: PropertyId, names: &Names) -> Line {
    Line::new().own(Role::Text, "  ").data(Role::Name, &names.property_name(property)).own(Role::Text, "  ")
}

/// Lines that show how a text changed: what is unchanged and far from a change is left out.
fn text_lines(property: PropertyId, detail: &Detail) -> Vec<Line> {
    let text = |image: &Option<Box<Image>>| -> Arc<str> {
        let value = image.as_deref().and_then(|image| one(image, property).value);
        match value {
            Some(Value::String(text)) => text,
            _ => Arc::from(""),
        }
    };
    difference(&text(&detail.before), &text(&detail.after))
}

/// The difference of two texts, line by line, what came and went set off.
pub(super) fn difference(old: &str, new: &str) -> Vec<Line> {
    const AROUND: usize = 40;
    let mut lines = Vec::new();
    let mut line = Line::new().own(Role::Dim, "    ");
    let parts = text_difference(old, new);
    let count = parts.len();
    for (at, part) in parts.iter().enumerate() {
        let (role, before, text, after) = match part {
            TextPart::Same(text) => (Role::Text, "", middle(text, AROUND, at > 0, at + 1 < count), ""),
            TextPart::Deleted(text) => (Role::Removed, "[-", text.clone(), "-]"),
            TextPart::Inserted(text) => (Role::Added, "{+", text.clone(), "+}"),
        };
        line = line.own(role, before);
        for (number, piece) in text.split('\n').enumerate() {
            if number > 0 {
                lines.push(std::mem::replace(&mut line, Line::new().own(Role::Dim, "    ")));
            }
            line = line.data(role, piece);
        }
        line = line.own(role, after);
    }
    lines.push(line);
    lines
}

/// An unchanged text without its middle.
fn middle(text: &str, around: usize, after: bool, before: bool) -> String {
    let count = text.chars().count();
    let head = if after { around } else { 0 };
    let tail = if before { around } else { 0 };
    if count <= head + tail + 5 {
        return text.to_owned();
    }
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start} ... {end}")
}

/// A value as it is shown: strings in quotes, so that nothing is like them.
pub fn value_line(value: Option<&Value>) -> Line {
    let line = Line::new();
    match value {
        None => line.own(Role::Dim, "unset"),
        Some(Value::Null) => line.own(Role::Dim, "NULL"),
        Some(Value::String(text)) => line.own(Role::Dim, "'").data(Role::String, text).own(Role::Dim, "'"),
        Some(value @ (Value::Json(_) | Value::Bytes(_))) => line.data(Role::String, &long(value)),
        Some(value @ (Value::Ref(_) | Value::Ulid(_) | Value::Uuid(_))) => {
            line.own(Role::Id, value.to_string())
        }
        Some(value) => line.own(Role::Number, value.to_string()),
    }
}

/// The text form of a value of which no more is written than can be shown.
fn long(value: &Value) -> String {
    const LONGEST: usize = 1000;
    match value {
        Value::Bytes(bytes) => Value::Bytes(bytes.get(..LONGEST).unwrap_or(bytes).into()).to_string(),
        Value::Json(text) => text.chars().take(LONGEST).collect(),
        other => other.to_string(),
    }
}
