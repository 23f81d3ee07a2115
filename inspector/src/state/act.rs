//! What each action does.

use std::sync::Arc;

use ankurah_core::id::{EntityId, OpId};
use ankurah_core::node::protocol::{Request, SessionId};

use super::entities::{Entities, execute};
use super::operation::find;
use super::selection::Purpose;
use super::typing::{Choice, Does, Typing, What};
use super::{PlanPage, State, Verification, View};
use crate::action::Action;
use crate::dag::{Op, time_text};
use crate::fold::{fold, has_all};
use crate::line::Role;
use crate::message::{Ask, Effect, Slot};

impl State {
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Show(View::Graph) => return self.with_selected(Purpose::Graph),
            Action::Show(View::Timeline) => return self.show_timeline(),
            Action::Show(View::Help) if self.view == View::Help => return self.back(),
            Action::Show(View::Help) => {
                self.lists.remove(&View::Help);
                return self.show(View::Help);
            }
            Action::Show(view) => return self.show(view),
            Action::Palette => self.typing = Some(Typing::palette(self)),
            Action::Quit => return vec![Effect::Quit],
            Action::Back => return self.back(),
            Action::Enter => return self.open(),
            Action::Down => self.step(1),
            Action::Up => self.step(-1),
            Action::HalfDown => self.step(self.half()),
            Action::HalfUp => self.step(-self.half()),
            Action::PageDown => self.step(2 * self.half()),
            Action::PageUp => self.step(-2 * self.half()),
            Action::First => self.step(isize::MIN),
            Action::Last => self.step(isize::MAX),
            Action::Left | Action::Right => return self.sideways(action == Action::Right),
            Action::Search => self.typing = Some(Typing::new(What::Search, "")),
            Action::SearchNext | Action::SearchPrevious => {
                self.search_on(action == Action::SearchPrevious);
            }
            Action::Refresh => return self.reread(),
            Action::Copy => return self.copy(),
            Action::Export => return self.with_selected(Purpose::Export),
            Action::Repl => return vec![self.prompt()],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Verify => {
                self.faults.clear();
                self.verification = Verification::Running;
                return vec![self.ask(
                    Slot::Verify,
                    "whether the store is sound",
                    Ask::Events(Request::Verify),
                )];
            }
            Action::Query | Action::Sort | Action::ColumnBefore | Action::ColumnNext
                if self.view == View::Timeline && !self.lists_rows() =>
            {
                self.say("only the rows of a collection are filtered and sorted");
            }
            Action::Query => {
                let condition = self.entities.as_ref().map(|entities| entities.condition.clone());
                if let Some(condition) = condition {
                    self.typing = Some(Typing::new(What::Query { before: condition.clone() }, &condition));
                }
            }
            Action::Sort => {
                let Some(entities) = &mut self.entities else { return Vec::new() };
                if entities.has_own_order() {
                    self.say("the query has an order of its own");
                    return Vec::new();
                }
                entities.cycle_sort();
                return self.list_again();
            }
            Action::ColumnBefore | Action::ColumnNext => {
                if let Some(entities) = &mut self.entities {
                    entities.focus_on(action == Action::ColumnNext);
                }
            }
            Action::HideColumn | Action::ShowColumns => {
                if let Some(entities) = &mut self.entities {
                    if action == Action::HideColumn {
                        entities.hide_column();
                    } else {
                        entities.show_columns();
                    }
                }
                return self.list_again();
            }
            Action::Edit => self.edit(),
            Action::Plan => return self.explain(),
            Action::Parent => self.walk(true),
            Action::Child => self.walk(false),
            Action::Head => {
                if let Some(subject) = &mut self.subject {
                    subject.to_head();
                }
            }
            Action::Collapse => {
                if let Some(subject) = &mut self.subject {
                    subject.fold();
                }
            }
            Action::Play => return self.play(),
            Action::Faster | Action::Slower => self.timeline_mut().speed(action == Action::Faster),
            Action::Unit => return self.next_unit(),
            Action::Mark => return self.mark(),
            Action::Now => return self.go_to_now(),
            Action::Pause if self.view == View::Log => self.journal.pause(),
            Action::Pause if self.view == View::Peers => self.wire.pause(),
            Action::Pause => self.changes.pause(&self.names),
            Action::Filter => {
                let filter = match self.view {
                    View::Log => self.journal.stream.filter(),
                    View::Peers => self.wire.stream.filter(),
                    _ => self.changes.stream.filter(),
                };
                self.typing = Some(Typing::new(What::Filter { before: filter.to_owned() }, filter));
            }
            Action::Accept => return self.accept(),
            Action::Cancel => return self.cancel(),
            Action::Complete => return self.complete(),
            Action::ChoiceUp | Action::ChoiceDown => {
                if let Some(typing) = &mut self.typing {
                    typing.choose(action == Action::ChoiceDown);
                }
            }
            Action::Backspace
            | Action::Delete
            | Action::DeleteWord
            | Action::Clear
            | Action::CursorLeft
            | Action::CursorRight
            | Action::CursorHome
            | Action::CursorEnd => {
                return self.typed(|input| {
                    input.edit(action);
                });
            }
        }
        Vec::new()
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some((Role::Warning, text.into()));
    }

    fn half(&self) -> isize {
        isize::try_from(self.height() / 2).unwrap_or(1).max(1)
    }

    fn step(&mut self, by: isize) {
        let length = self.shape().0;
        if let Some(list) = self.list_mut() {
            list.step(by, length);
        }
    }

    fn sideways(&mut self, right: bool) -> Vec<Effect> {
        match self.view {
            View::Entities => {
                if let Some(entities) = &mut self.entities {
                    entities.focus_on(right);
                }
                Vec::new()
            }
            View::Timeline => {
                self.timeline_mut().playing = false;
                self.step_in_time(!right)
            }
            View::Overview
            | View::Collections
            | View::Entity
            | View::Graph
            | View::Operation
            | View::Live
            | View::Changes
            | View::Aside
            | View::Indexes
            | View::Plan
            | View::Log
            | View::Peers
            | View::Asked
            | View::Help => Vec::new(),
        }
    }

    /// Goes to a parent of the selected operation, or to a child; of several, one is chosen first.
    fn walk(&mut self, parents: bool) {
        let Some(subject) = &mut self.subject else { return self.say("no entity is chosen yet") };
        match subject.ways(parents).as_slice() {
            [] if parents => self.say("no parent of it is held"),
            [] => self.say("nothing follows it"),
            [one] => subject.select(*one),
            several => {
                let choice = |op: &Op| {
                    let id = subject.graph.id(*op);
                    let names = subject.graph.properties(*op).iter().take(8);
                    let names: Vec<String> = names.map(|name| self.names.property_name(*name)).collect();
                    let about = format!("{} {}", time_text(id), names.join(", "));
                    Choice { name: id.to_string(), about, does: Does::Select(id) }
                };
                let prompt = if parents { "which parent: " } else { "which child: " };
                self.typing = Some(Typing::choice(prompt, several.iter().map(choice).collect()));
            }
        }
    }

    /// How the node would run what is selected; without a selection, what is typed.
    fn explain(&mut self) -> Vec<Effect> {
        let query = match self.view {
            View::Entities => self.listed(),
            View::Timeline if self.whole => self.listed(),
            View::Collections | View::Live => self.statement(),
            View::Asked => self
                .selected_question()
                .filter(|asked| asked.what.starts_with("select"))
                .map(|asked| asked.what.clone())
                .unwrap_or_default(),
            _ => String::new(),
        };
        if query.is_empty() {
            self.typing = Some(Typing::new(What::Explain, ""));
            return Vec::new();
        }
        self.explain_query(&query)
    }

    pub(super) fn selected_question(&self) -> Option<&super::Asked> {
        self.asked.len().checked_sub(self.list().selected + 1).and_then(|at| self.asked.get(at))
    }

    /// Asks for the plan of a query.
    pub(super) fn explain_query(&mut self, query: &str) -> Vec<Effect> {
        let query = query.trim().trim_end_matches(';');
        let query = query.strip_prefix("live ").unwrap_or(query);
        let statement = match query.split_whitespace().next() {
            Some("explain") => query.to_owned(),
            _ => format!("explain {query}"),
        };
        self.plan = PlanPage { statement: statement.clone(), ..PlanPage::default() };
        self.lists.remove(&View::Plan);
        let mut effects = self.show(View::Plan);
        let request = execute(SessionId(106), statement.clone());
        effects.push(self.ask(Slot::Plan, statement, Ask::Events(request)));
        effects
    }

    /// Whether the page is about an entity, and none was chosen yet.
    fn chooses(&self) -> bool {
        match self.view {
            View::Entity | View::Graph => self.subject.is_none(),
            View::Timeline if self.whole => self.track.is_none(),
            View::Timeline => self.subject.is_none(),
            _ => false,
        }
    }

    /// Opens what is selected.
    fn open(&mut self) -> Vec<Effect> {
        if self.chooses() {
            return self.show(View::Collections);
        }
        let list = self.list();
        match self.view {
            View::Collections => {
                let model = self.names.models().get(list.selected).cloned();
                model.map(|model| self.open_collection(model)).unwrap_or_default()
            }
            View::Entities | View::Changes | View::Aside => self.with_selected(Purpose::Open),
            View::Entity => {
                let winner = self.subject.as_ref().and_then(|subject| {
                    let shown = super::subject::shown(subject.image.as_ref()?, &self.names);
                    shown.get(list.selected)?.winner
                });
                match winner {
                    Some(id) => self.open_operation(id),
                    None => {
                        self.say("it was never set");
                        Vec::new()
                    }
                }
            }
            View::Graph => {
                let subject = self.subject.as_mut();
                let row = subject.and_then(|subject| subject.layout.at(subject.list.selected));
                match row {
                    Some(row) if row.count > 1 => {
                        self.act(Action::Collapse);
                        Vec::new()
                    }
                    Some(row) => {
                        let id = self.subject.as_ref().map(|subject| subject.graph.id(row.op));
                        id.map(|id| self.open_operation(id)).unwrap_or_default()
                    }
                    None => Vec::new(),
                }
            }
            View::Timeline => self.open_in_time(),
            View::Indexes => {
                let model = self.indexes.get(list.selected).map(|index| index.definition.model);
                let model = model.and_then(|model| self.names.model(model)).cloned();
                model.map(|model| self.open_collection(model)).unwrap_or_default()
            }
            View::Live => self.explain(),
            View::Overview
            | View::Operation
            | View::Plan
            | View::Log
            | View::Peers
            | View::Asked
            | View::Help => Vec::new(),
        }
    }

    /// Shows the entities of a model.
    pub(super) fn open_collection(&mut self, model: Arc<ankurah_core::catalog::Model>) -> Vec<Effect> {
        if self.entities.as_ref().is_none_or(|entities| entities.model != model) {
            self.entities = Some(Entities::new(model));
        }
        let mut effects = self.show(View::Entities);
        effects.extend(self.count_entities());
        effects
    }

    /// Shows an entity.
    pub(super) fn open_entity(&mut self, entity: EntityId) -> Vec<Effect> {
        let mut effects = self.choose(entity);
        effects.extend(self.show(View::Entity));
        effects
    }

    /// Goes to an entity or an operation by its id.
    pub(super) fn go_to_id(&mut self, id: OpId) -> Vec<Effect> {
        let held = self.subject.as_ref().and_then(|subject| subject.graph.find(id));
        match held {
            Some(op) => {
                if let Some(subject) = &mut self.subject {
                    subject.select(op);
                }
                self.open_operation(id)
            }
            None => self.open_entity(EntityId(id)),
        }
    }

    fn reread(&mut self) -> Vec<Effect> {
        match self.view {
            View::Entities => {
                if let Some(entities) = &mut self.entities {
                    entities.failure = None;
                    entities.renew();
                }
                self.count_entities()
            }
            View::Timeline if self.whole => {
                if let Some(entities) = &mut self.entities {
                    entities.failure = None;
                    entities.renew();
                }
                self.ask_point()
            }
            View::Plan => {
                let statement = self.plan.statement.clone();
                self.explain_query(&statement)
            }
            View::Log => {
                self.journal.stream.failure = None;
                self.refresh()
            }
            View::Entity | View::Graph | View::Timeline => {
                let Some(subject) = &mut self.subject else { return Vec::new() };
                subject.restart();
                let entity = subject.entity;
                vec![self.ask_entity(entity)]
            }
            View::Operation => {
                let id = self.operation.as_ref().map(|page| page.id);
                id.map(|id| self.open_operation(id)).unwrap_or_default()
            }
            View::Overview
            | View::Collections
            | View::Live
            | View::Changes
            | View::Aside
            | View::Indexes
            | View::Peers
            | View::Asked
            | View::Help => self.refresh(),
        }
    }

    /// Searches in the page, from the selected line on.
    pub(super) fn search(&mut self, text: &str) {
        text.clone_into(&mut self.sought);
        if text.is_empty() {
            if let Some(subject) = &mut self.subject {
                subject.search = None;
            }
            return;
        }
        let found = match (self.view, &mut self.subject) {
            (View::Graph, Some(subject)) => subject.search(text, &self.names),
            _ => self.search_lines(false, true),
        };
        if !found {
            self.say(format!("`{text}` is not found"));
        }
    }

    fn search_on(&mut self, back: bool) {
        if self.sought.is_empty() {
            self.say("nothing was searched for yet");
            return;
        }
        let found = match (self.view, &mut self.subject) {
            (View::Graph, Some(subject)) => {
                let sought = subject.search.as_ref().is_some_and(|(text, _)| *text == self.sought);
                if sought { subject.search_on(back) } else { subject.search(&self.sought, &self.names) }
            }
            _ => self.search_lines(back, false),
        };
        if !found {
            self.say(format!("`{}` is not found", self.sought));
        }
    }

    fn search_lines(&mut self, back: bool, here: bool) -> bool {
        let (length, list) = (self.shape().0, self.list());
        let sought = [fold(&self.sought)];
        let found = match self.view {
            View::Operation => self.operation.as_ref().and_then(|page| page.find(&self.sought, back, here)),
            // Only rows that were read can be looked at: the query finds the others.
            _ if self.view == View::Entities || (self.view == View::Timeline && self.lists_rows()) => {
                self.entities.as_ref().and_then(|entities| {
                    let wanted = |row: usize| {
                        let row = entities.row(row);
                        row.is_some_and(|row| {
                            let has = |text: String| has_all(&text, &sought);
                            has(row.id.to_string()) || row.values.iter().any(|value| has(value.to_string()))
                        })
                    };
                    find(length, list.selected, back, here, wanted)
                })
            }
            _ => {
                let page = crate::view::Page::of(self, crate::view::WIDE);
                let wanted = |line: usize| {
                    let lines = (page.rows)(line..line + 1);
                    lines.first().is_some_and(|line| has_all(&line.text(), &sought))
                };
                find(length, list.selected, back, here, wanted)
            }
        };
        if let (Some(found), Some(list)) = (found, self.list_mut()) {
            list.selected = found;
        }
        found.is_some()
    }

    fn edit(&mut self) {
        if !self.options.write {
            return self.say("the inspector only reads: start it with --write to change values");
        }
        let past = self.view == View::Timeline && self.shown_timeline().at.is_some();
        if past {
            let now = self.options.keymap.first(Action::Now);
            return self.say(format!("the past is only looked at: go back to now ({now}) to change values"));
        }
        let of_entity = self.view == View::Entity || (self.view == View::Timeline && !self.whole);
        if !of_entity {
            return self.say("open an entity to change its values");
        }
        let selected = self.list().selected;
        let shown = self.subject.as_ref().and_then(|subject| {
            let shown = super::subject::shown(subject.image.as_ref()?, &self.names);
            shown.get(selected).cloned()
        });
        let Some(shown) = shown else { return };
        let known = self.names.property(shown.property).is_some();
        if !known {
            return self.say("its model does not have this property any more");
        }
        let text = super::fixture::literal(shown.value.as_ref());
        self.typing = Some(Typing::new(What::Edit { property: shown.property }, &text));
    }
}
