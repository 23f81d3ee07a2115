//! Finding operations.

use ankurah_core::id::{OpId, PropertyId};
use ankurah_core::value::Timestamp;

use super::graph::{Graph, Op};
use crate::fold::{fold, has_all};

/// What is searched for. Without a name before it, a text is looked for in ids, authors and names of properties, and,
/// where it looks like a part of a date or a time of day, in times.
#[derive(Clone, Debug, Default)]
pub struct Search {
    id: Option<String>,
    time: Option<String>,
    /// Which authors match, by their number in the graph.
    authors: Vec<bool>,
    /// Which sets of properties match.
    sets: Vec<bool>,
}

impl Search {
    /// A search in a graph for `text`: a part of an id, of an author, of a time or of a property's name, or
    /// `id:…`, `author:…`, `time:…`, `prop:…` for one of them alone. `name` names a property.
    pub fn new(graph: &Graph, text: &str, name: impl Fn(PropertyId) -> String) -> Self {
        let (field, text) = match text.split_once(':') {
            Some((field @ ("id" | "author" | "time" | "prop"), rest)) => (Some(field), rest.trim_start()),
            _ => (None, text),
        };
        if text.is_empty() {
            return Search::default();
        }
        let wants = |one: &str| field.is_none_or(|field| field == one);
        let lower = text.to_lowercase();
        let folded = [fold(text)];
        let dated = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['-', ':']);
        let authors =
            graph.authors().iter().map(|author| wants("author") && author.to_string().contains(&lower));
        let has = |set: &[PropertyId]| set.iter().any(|property| has_all(&name(*property), &folded));
        Search {
            id: wants("id").then(|| text.to_uppercase()),
            time: (field == Some("time") || (field.is_none() && dated)).then_some(lower.clone()),
            authors: authors.collect(),
            sets: graph.sets().iter().map(|set| wants("prop") && has(set)).collect(),
        }
    }

    /// Whether an operation is found.
    pub fn finds(&self, graph: &Graph, op: Op) -> bool {
        let known = |flags: &[bool], number: usize| flags.get(number).copied().unwrap_or(false);
        known(&self.authors, graph.author_of(op))
            || known(&self.sets, graph.set_of(op))
            || self.id.as_ref().is_some_and(|text| graph.id(op).to_string().contains(text.as_str()))
            || self.time.as_ref().is_some_and(|text| time_text(graph.id(op)).contains(text.as_str()))
    }
}

/// The time in an id, as it is shown; empty for a keyed genesis, which has none.
pub(crate) fn time_text(id: OpId) -> String {
    match id.stamp().millis() {
        0 => String::new(),
        millis => {
            let micros = i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000);
            let text = Timestamp(micros).to_string();
            match text.split_once('.') {
                Some((whole, part)) => format!("{whole}.{part:0<3}"),
                None => format!("{text}.000"),
            }
        }
    }
}
