//! The keys of a view.

use super::Page;
use crate::action::Context;
use crate::line::{Line, Role};
use crate::state::State;

pub(super) fn lines(state: &State) -> Vec<Line> {
    let mut lines = Vec::new();
    // Those of the page that one came from are what one looks for.
    let here = state.context_before();
    let others = Context::ALL.into_iter().filter(|context| *context != here);
    for context in std::iter::once(here).chain(others) {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        lines.push(Line::new().own(Role::Strong, format!("Keys: {}", context.title())));
        for (entry, keys) in state.options.keymap.entries().filter(|(entry, _)| entry.context == context) {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let line = Line::new().own(Role::Key, format!("  {:<18}", keys.join(" ")));
            lines.push(line.own(Role::Name, format!("{:<18}", entry.name)).own(Role::Text, entry.about));
        }
    }
    lines
}

pub(super) fn page(state: &State) -> Page<'_> {
    let lines = lines(state);
    let rows = move |range: std::ops::Range<usize>| lines.get(range).unwrap_or_default().to_vec();
    Page { rows: Box::new(rows), ..Page::bare("Keys", Line::new()) }
}
