//! `\log`: the operations of an entity as a graph.

use std::collections::VecDeque;

use ankurah_core::id::EntityId;
use ankurah_core::node::protocol::Event;
use ankurah_core::value::Value;

use super::graph::Graph;
use super::{Halt, Session};
use crate::client::Next;
use crate::display::{Safe, Tone};
use crate::format::text;

/// How many operations are kept where no number is given.
const MOST: usize = 100_000;

/// An operation as it is listed.
struct Entry {
    id: EntityId,
    parents: Vec<EntityId>,
    about: String,
    changes: Vec<String>,
}

impl Session {
    /// Runs `\log`.
    pub(super) fn log(&mut self, words: &[String]) -> Result<(), Halt> {
        let (word, most) = match words {
            [word] => (word, MOST),
            [word, number] => match number.trim_end_matches(';').parse() {
                Ok(number) => (word, number),
                Err(_) => return self.fail(&format!("\\log: `{number}` is not a number of operations")),
            },
            _ => return self.fail("\\log: give the id of an entity and, if not all are wanted, a number"),
        };
        let word = word.trim_end_matches(';');
        let bare = word.trim_start_matches('@');
        let entity = if bare.parse::<EntityId>().is_ok() {
            format!("@{bare}")
        } else if word.starts_with('$') {
            word.to_owned()
        } else {
            return self.fail(&format!("\\log: `{word}` is not an id"));
        };
        let statement =
            format!("select id, parents, time, author, property, change from history of {entity}");
        let (entries, dropped) = self.entries(&statement, most)?;
        let mut graph = Graph::new(self.settings.style.ascii);
        for entry in entries.iter().rev() {
            self.draw(&mut graph, entry)?;
        }
        if dropped > 0 {
            let line = format!("({dropped} older operations are not shown)");
            let line = self.settings.style.paint(Tone::Dim, &line);
            self.output.note(&line)?;
        }
        Ok(())
    }

    /// The latest operations, ascending, and how many there are before them.
    fn entries(&mut self, statement: &str, most: usize) -> Result<(VecDeque<Entry>, usize), Halt> {
        let mut entries: VecDeque<Entry> = VecDeque::new();
        let mut dropped = 0usize;
        let mut answer = self.client.execute(statement, self.variables.parameters());
        let stop = loop {
            match answer.advance() {
                Ok(Next::Event(Event::Rows(rows))) => {
                    for row in rows {
                        take(&mut entries, &row);
                        if entries.len() > most {
                            entries.pop_front();
                            dropped = dropped.saturating_add(1);
                        }
                    }
                }
                Ok(Next::Event(_)) => {}
                Ok(Next::Done(_)) => break None,
                Err(stop) => break Some(stop),
            }
        };
        drop(answer);
        match stop {
            None => Ok((entries, dropped)),
            Some(stop) => self.log_stopped(statement, stop),
        }
    }

    fn log_stopped<T>(&mut self, statement: &str, stop: crate::client::Stop) -> Result<T, Halt> {
        use crate::client::Stop;
        match stop {
            Stop::Cancelled => Err(Halt::Cancelled),
            Stop::Failed(mut failure) => {
                // The statement is not the person's.
                failure.span = None;
                self.show_failure(statement, &failure)?;
                Err(Halt::Failed)
            }
        }
    }

    fn draw(&mut self, graph: &mut Graph<EntityId>, entry: &Entry) -> Result<(), Halt> {
        let style = self.settings.style;
        let columns = self.settings.width.filter(|_| self.settings.terminal);
        let drawn = graph.draw(entry.id, &entry.parents);
        let mut row = [Value::Ref(entry.id)];
        self.variables.name_row(&mut row);
        let id = row.iter().map(|value| text(value).into_owned()).collect::<String>();
        let mut lines = Vec::new();
        lines.extend(drawn.above);
        lines.push(format!("{}  {} {}", drawn.beside, style.paint(Tone::Strong, &id), entry.about));
        // What is said of an operation stands beside the lines that pass by, below those that begin here.
        lines.extend(drawn.below);
        for change in &entry.changes {
            let indent = format!("{}  ", drawn.margin);
            let room =
                columns.map_or(usize::MAX, |columns| columns.saturating_sub(indent.chars().count() + 2));
            let shown = Safe::line(change).cut(room, style.ellipsis());
            lines.push(format!("{indent}  {shown}"));
        }
        for line in lines {
            self.output.note(line.trim_end())?;
        }
        Ok(())
    }
}

/// Adds a row: another operation, or another change of the last one.
fn take(entries: &mut VecDeque<Entry>, row: &[Value]) {
    let column = |at: usize| row.get(at).map(|value| text(value).into_owned()).unwrap_or_default();
    let Some(Value::Ref(id)) = row.first() else { return };
    if entries.back().is_none_or(|last| last.id != *id) {
        let parents = column(1).split_whitespace().filter_map(|parent| parent.parse().ok()).collect();
        let author: String = column(3).chars().take(8).collect();
        let about = format!("{} {author}", column(2));
        entries.push_back(Entry { id: *id, parents, about: about.trim().to_owned(), changes: Vec::new() });
    }
    let (property, change) = (column(4), column(5));
    if let (Some(last), false) = (entries.back_mut(), property.is_empty()) {
        last.changes.push(format!("{property}: {change}"));
    }
}
