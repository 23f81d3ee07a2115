//! What is selected: the entities that it is about, a text to copy, a statement for a prompt.

use ankurah_core::id::EntityId;
use ankurah_core::storage::LogChange;

use super::entities::Entities;
use super::names::model_text;
use super::timeline::Point;
use super::typing::{Choice, Does, Typing};
use super::{State, View};
use crate::line::Role;
use crate::message::{Ask, Effect, Slot};

/// What a selected entity is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its page.
    Open,
    /// Its graph.
    Graph,
    /// Its script, in a file.
    Export,
}

impl State {
    /// The entities that the selected line is about; on the pages of the chosen entity that one. Only a commit is
    /// about several.
    pub fn selected_entities(&self) -> Vec<EntityId> {
        let selected = self.list().selected;
        let one = match self.view {
            View::Timeline if self.whole && !self.lists_rows() => {
                self.course.differences.get(selected).map(|difference| EntityId(difference.entity))
            }
            View::Timeline if self.whole => self.selected_row(),
            View::Entities => self.selected_row(),
            View::Entity | View::Graph | View::Operation | View::Timeline => {
                self.subject.as_ref().map(|subject| subject.entity)
            }
            View::Aside => self.aside.get(selected).map(|row| row.entity),
            View::Changes => {
                let entry = self.changes.stream.entry(selected);
                let changes = entry.map(|entry| entry.changes.iter()).into_iter().flatten();
                return changes.map(|change| change.entity).collect();
            }
            View::Overview
            | View::Collections
            | View::Live
            | View::Indexes
            | View::Plan
            | View::Peers
            | View::Log
            | View::Asked
            | View::Help => None,
        };
        one.into_iter().collect()
    }

    fn selected_row(&self) -> Option<EntityId> {
        let entities = self.entities.as_ref()?;
        entities.row(entities.list.selected).map(|row| row.id)
    }

    /// Does something with the entity that is selected; of several, one is chosen first.
    pub(super) fn with_selected(&mut self, purpose: Purpose) -> Vec<Effect> {
        match self.selected_entities().as_slice() {
            [] => match purpose {
                Purpose::Graph => self.show(View::Graph),
                Purpose::Open => Vec::new(),
                Purpose::Export => {
                    self.say("select an entity first");
                    Vec::new()
                }
            },
            [entity] => self.with_entity(purpose, *entity),
            several => {
                let choice = |entity: &EntityId| {
                    let changes = self.changes.stream.entry(self.list().selected);
                    let change = changes
                        .and_then(|entry| entry.changes.iter().find(|change| change.entity == *entity));
                    let about = change.map(|change| self.names.model_name(change.model));
                    Choice {
                        name: entity.to_string(),
                        about: about.unwrap_or_default(),
                        does: Does::With(purpose, *entity),
                    }
                };
                self.typing = Some(Typing::choice("which entity: ", several.iter().map(choice).collect()));
                Vec::new()
            }
        }
    }

    /// Does something with an entity.
    pub(super) fn with_entity(&mut self, purpose: Purpose, entity: EntityId) -> Vec<Effect> {
        match purpose {
            Purpose::Open => self.open_entity(entity),
            Purpose::Graph => {
                let mut effects = self.choose(entity);
                effects.extend(self.show(View::Graph));
                effects
            }
            Purpose::Export => {
                self.say("reading the operations ...");
                vec![self.ask(Slot::Export, format!("a script of {entity}"), Ask::Script { entity })]
            }
        }
    }

    /// What is selected, as a text that can be used elsewhere.
    pub(super) fn copy(&mut self) -> Vec<Effect> {
        let list = self.list();
        let subject = self.subject.as_ref();
        let ids = || {
            let ids: Vec<String> = self.selected_entities().iter().map(ToString::to_string).collect();
            Some(ids.join("\n")).filter(|ids| !ids.is_empty())
        };
        let text = match self.view {
            View::Timeline if self.whole && !self.lists_rows() => ids(),
            _ if self.view == View::Entities || (self.view == View::Timeline && self.whole) => {
                self.entities.as_ref().and_then(|entities| {
                    let row = entities.row(list.selected)?;
                    Some(match entities.focus.checked_sub(1) {
                        Some(column) => row.values.get(column)?.to_string(),
                        None => row.id.to_string(),
                    })
                })
            }
            View::Entity | View::Timeline => {
                let image = if self.view == View::Entity {
                    subject.and_then(|subject| subject.image.as_ref())
                } else {
                    self.timeline_image()
                };
                image.and_then(|image| {
                    let shown = super::subject::shown(image, &self.names);
                    shown.get(list.selected)?.value.as_ref().map(ToString::to_string)
                })
            }
            View::Graph => {
                subject.and_then(|subject| Some(subject.graph.id(subject.selected()?).to_string()))
            }
            View::Operation => self.operation.as_ref().map(|page| page.id.to_string()),
            View::Changes => ids(),
            View::Aside => self.aside.get(list.selected).map(|row| row.id.to_string()),
            View::Live => self.live.queries.get(list.selected).map(|query| query.text.clone()),
            View::Collections => self.names.models().get(list.selected).map(|model| model_text(model)),
            View::Asked => self.selected_question().map(|asked| asked.what.clone()),
            View::Log => self.journal.stream.entry(list.selected).map(|line| line.text.clone()),
            View::Peers => self.wire.stream.entry(list.selected).map(|frame| frame.what.clone()),
            View::Plan => Some(self.plan.lines.iter().map(|line| format!("{}\n", line.text())).collect()),
            View::Entities | View::Overview | View::Indexes | View::Help => None,
        };
        match text {
            Some(text) => vec![self.copied(text)],
            None => {
                self.say("there is nothing to copy");
                Vec::new()
            }
        }
    }

    /// Puts a text into the clipboard, and says so.
    fn copied(&mut self, text: String) -> Effect {
        let count = text.chars().count();
        self.notice = Some((Role::Good, format!("copied {count} characters")));
        Effect::Copy(text)
    }

    /// The statement that lists what a table lists.
    pub(super) fn listed(&self) -> String {
        self.entities.as_ref().map(Entities::statement).unwrap_or_default()
    }

    /// A prompt on what is selected; in the past nothing is written there.
    pub(super) fn prompt(&self) -> Effect {
        Effect::Repl { statement: self.statement(), past: self.past().is_some() }
    }

    /// The point in the past that is shown; `None` where what is shown is now.
    fn past(&self) -> Option<Point> {
        if self.view != View::Timeline {
            return None;
        }
        self.shown_timeline().at?;
        Some(self.shown_timeline().point(self.moments()?))
    }

    /// The statement that shows the selection in a prompt.
    pub(super) fn statement(&self) -> String {
        let selected = self.list().selected;
        let past = self.past().map(|point| format!(" as of {}", point.text())).unwrap_or_default();
        let row = |model: &ankurah_core::catalog::Model, entity: EntityId| {
            format!("select * from {}{past} where id = @{entity}", model_text(model))
        };
        let listed = || {
            let entities = self.entities.as_ref()?;
            match self.selected_entities().as_slice() {
                [entity] => Some(row(&entities.model, *entity)),
                _ => Some(entities.statement()),
            }
        };
        let of_entity = || {
            let subject = self.subject.as_ref()?;
            let model = self.names.model(subject.image.as_ref()?.state.model)?;
            Some(row(model, subject.entity))
        };
        match self.view {
            View::Entities => listed(),
            View::Timeline if self.whole => listed(),
            View::Entity | View::Graph | View::Operation | View::Timeline => of_entity(),
            View::Collections => {
                let model = self.names.models().get(selected);
                model.map(|model| format!("select * from {}", model_text(model)))
            }
            View::Indexes => {
                let model = self.indexes.get(selected).map(|index| index.definition.model);
                let model = model.and_then(|model| self.names.model(model));
                model.map(|model| format!("select * from {}", model_text(model)))
            }
            View::Changes => {
                let changes = self.changes.stream.entry(selected).map(|entry| entry.changes.as_slice());
                changes.and_then(|changes| self.changed(changes))
            }
            View::Asked => {
                let asked = self.selected_question().map(|asked| asked.what.clone());
                // What wrote is not done again.
                asked.filter(|what| what.starts_with("select "))
            }
            View::Live => self.live.queries.get(selected).map(|query| query.text.clone()),
            View::Plan => Some(self.plan.statement.clone()),
            View::Overview | View::Aside | View::Log | View::Peers | View::Help => None,
        }
        .unwrap_or_default()
    }

    /// The statement that shows what a commit changed: the entities of its first model.
    fn changed(&self, changes: &[LogChange]) -> Option<String> {
        let first = changes.first()?;
        let model = self.names.model(first.model)?;
        let same = changes.iter().filter(|change| change.model == first.model);
        let ids: Vec<String> = same.map(|change| format!("@{}", change.entity)).collect();
        let condition = match ids.as_slice() {
            [one] => format!("= {one}"),
            several => format!("in ({})", several.join(", ")),
        };
        Some(format!("select * from {} where id {condition}", model_text(model)))
    }
}
