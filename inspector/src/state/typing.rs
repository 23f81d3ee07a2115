//! What is typed: the palette, a choice, a search, a query, a filter, a value.

use std::sync::Arc;

use ankurah_core::catalog::Model;
use ankurah_core::id::{EntityId, OpId, PropertyId};
use ankurah_core::node::protocol::SessionId;
use ankurah_query_lang::ast::{Expr, StatementKind};
use ankurah_query_lang::{Expectation, completion_context, functions, parse_expr, parse_statement};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};

use super::entities::{Entities, execute};
use super::input::Input;
use super::names::{model_text, property_text};
use super::selection::Purpose;
use super::{State, View};
use crate::action::Action;
use crate::message::{Ask, Effect, Slot};

/// What a text is typed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Something to do, by name.
    Palette,
    /// One of a few things that were meant.
    Choice {
        /// What is asked.
        prompt: &'static str,
    },
    /// Something to find.
    Search,
    /// What a table lists.
    Query {
        /// What it listed before.
        before: String,
    },
    /// What a stream shows.
    Filter {
        /// What it showed before.
        before: String,
    },
    /// A query whose plan is wanted.
    Explain,
    /// A value of the chosen entity.
    Edit {
        /// The property.
        property: PropertyId,
    },
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it is called.
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// What comes of it.
    pub does: Does,
}

/// What comes of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// An action.
    Act(Action),
    /// A collection is shown.
    Collection(Arc<str>),
    /// An entity or an operation is shown.
    Go(OpId),
    /// An operation of the graph is selected.
    Select(OpId),
    /// Something is done with an entity.
    With(Purpose, EntityId),
    /// The text takes the place of the word at the cursor, which begins there.
    Insert(usize),
}

/// A text that is typed, and what can be chosen.
#[derive(Clone, Debug)]
pub struct Typing {
    /// For what.
    pub what: What,
    /// The text.
    pub input: Input,
    /// What can be chosen, the best first.
    pub choices: Vec<Choice>,
    /// Which one is.
    pub chosen: usize,
    /// What is wrong with the text.
    pub wrong: Option<String>,
    all: Vec<Choice>,
}

/// Choices that are offered at a time.
const OFFERED: usize = 200;

impl Typing {
    /// A text that begins with what is there.
    pub(super) fn new(what: What, text: &str) -> Self {
        let all = Vec::new();
        Typing { what, input: Input::new(text), choices: Vec::new(), chosen: 0, wrong: None, all }
    }

    /// Everything that can be done in a state.
    pub(super) fn palette(state: &State) -> Self {
        let mut all = Vec::new();
        for (entry, _) in state.options.keymap.entries() {
            let moves = matches!(entry.action, Action::Palette | Action::Up | Action::Down);
            if state.offers(entry) && !moves {
                let (name, about) = (entry.name.to_owned(), entry.about.to_owned());
                all.push(Choice { name, about, does: Does::Act(entry.action) });
            }
        }
        for model in state.names.models() {
            let name = format!("open {}", model.label);
            let about = "the entities of the collection".to_owned();
            all.push(Choice { name, about, does: Does::Collection(Arc::clone(&model.label)) });
        }
        let mut typing = Typing::new(What::Palette, "");
        typing.all = all;
        typing.offer();
        typing
    }

    /// One of a few things, which are asked for so.
    pub(super) fn choice(prompt: &'static str, all: Vec<Choice>) -> Self {
        let mut typing = Typing::new(What::Choice { prompt }, "");
        typing.all = all;
        typing.offer();
        typing
    }

    /// Chooses the next, or the one before.
    pub(super) fn choose(&mut self, down: bool) {
        let last = self.choices.len().saturating_sub(1);
        self.chosen = if down { (self.chosen + 1).min(last) } else { self.chosen.saturating_sub(1) };
    }

    /// The palette's choices that fit what was typed, the best first.
    fn offer(&mut self) {
        let text = self.input.text().trim();
        self.chosen = 0;
        let id = text.trim_start_matches('@').parse::<OpId>().ok();
        if let Some(id) = id.filter(|_| self.what == What::Palette) {
            let (name, about) = (format!("go to {id}"), "the entity or operation with this id".to_owned());
            self.choices = vec![Choice { name, about, does: Does::Go(id) }];
            return;
        }
        let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, &Choice)> = Vec::new();
        for choice in &self.all {
            let name = nucleo_matcher::Utf32Str::new(&choice.name, &mut buffer);
            let by_name = pattern.score(name, &mut matcher).map(|score| score.saturating_mul(2));
            let about = nucleo_matcher::Utf32Str::new(&choice.about, &mut buffer);
            let score = by_name.or_else(|| pattern.score(about, &mut matcher));
            scored.extend(score.map(|score| (score, choice)));
        }
        // Equal ones stay in the order of the table.
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.choices = scored.into_iter().take(OFFERED).map(|(_, choice)| choice.clone()).collect();
    }
}

impl State {
    /// The text that is typed is edited.
    pub(super) fn typed(&mut self, edit: impl FnOnce(&mut Input)) -> Vec<Effect> {
        let Some(typing) = &mut self.typing else { return Vec::new() };
        let text = typing.input.text().to_owned();
        edit(&mut typing.input);
        let changed = typing.input.text() != text;
        match typing.what {
            What::Palette | What::Choice { .. } => {
                typing.offer();
                Vec::new()
            }
            What::Edit { .. } => {
                typing.wrong = value(typing.input.text()).err();
                Vec::new()
            }
            What::Search | What::Explain => Vec::new(),
            What::Filter { .. } => {
                let text = typing.input.text().to_owned();
                self.set_filter(&text);
                Vec::new()
            }
            What::Query { .. } => {
                typing.wrong = Entities::wrong(typing.input.text());
                if let Some(entities) = &self.entities {
                    typing.choices = candidates(&typing.input, &entities.model);
                    typing.chosen = 0;
                }
                let condition = typing.input.text().to_owned();
                let right = typing.wrong.is_none();
                match &mut self.entities {
                    Some(entities) if changed && right && entities.condition != condition => {
                        entities.condition = condition;
                        self.list_again()
                    }
                    _ => Vec::new(),
                }
            }
        }
    }

    pub(super) fn accept(&mut self) -> Vec<Effect> {
        let Some(typing) = self.typing.take() else { return Vec::new() };
        let text = typing.input.text().to_owned();
        match typing.what {
            What::Palette | What::Choice { .. } => {
                match typing.choices.get(typing.chosen).map(|choice| choice.does.clone()) {
                    Some(Does::Act(action)) => self.act(action),
                    Some(Does::Collection(label)) => {
                        let model = self.names.models().iter().find(|model| model.label == label).cloned();
                        model.map(|model| self.open_collection(model)).unwrap_or_default()
                    }
                    Some(Does::Go(id)) => self.go_to_id(id),
                    Some(Does::Select(id)) => {
                        if let Some(subject) = &mut self.subject
                            && let Some(op) = subject.graph.find(id)
                        {
                            subject.select(op);
                        }
                        Vec::new()
                    }
                    Some(Does::With(purpose, entity)) => self.with_entity(purpose, entity),
                    Some(Does::Insert(_)) | None => Vec::new(),
                }
            }
            What::Search => {
                self.search(&text);
                Vec::new()
            }
            What::Query { .. } => {
                let wrong = Entities::wrong(&text);
                match wrong {
                    Some(wrong) => {
                        self.typing = Some(Typing { wrong: Some(wrong), ..typing });
                        Vec::new()
                    }
                    None => {
                        if let Some(entities) = &mut self.entities {
                            entities.condition = text;
                        }
                        self.list_again()
                    }
                }
            }
            What::Filter { .. } => Vec::new(),
            What::Explain if text.trim().is_empty() => Vec::new(),
            What::Explain => self.explain_query(&text),
            What::Edit { property } => match value(&text) {
                Ok(value) => self.write(property, value),
                Err(wrong) => {
                    self.typing = Some(Typing { wrong: Some(wrong), ..typing });
                    Vec::new()
                }
            },
        }
    }

    pub(super) fn cancel(&mut self) -> Vec<Effect> {
        let Some(typing) = self.typing.take() else { return Vec::new() };
        match (typing.what, &mut self.entities) {
            (What::Query { before }, Some(entities)) if entities.condition != before => {
                entities.condition = before;
                self.list_again()
            }
            (What::Filter { before }, _) => {
                self.set_filter(&before);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// What the stream on the page shows.
    fn set_filter(&mut self, text: &str) {
        match self.view {
            View::Log => self.journal.set_filter(text),
            View::Peers => self.wire.set_filter(text),
            _ => self.changes.set_filter(text, &self.names),
        }
    }

    /// Puts the chosen word into the text.
    pub(super) fn complete(&mut self) -> Vec<Effect> {
        let chosen = self.typing.as_ref().and_then(|typing| typing.choices.get(typing.chosen).cloned());
        match chosen {
            Some(Choice { name, does: Does::Insert(start), .. }) => {
                self.typed(|input| input.replace(start, &format!("{name} ")))
            }
            Some(Choice { name, .. }) => self.typed(|input| *input = Input::new(&name)),
            None => self.typed(|_| {}),
        }
    }

    /// Sets a value of the chosen entity. What is typed goes in as an expression, not as text, so that it can be nothing
    /// else and reaches no other entity.
    fn write(&mut self, property: PropertyId, value: Expr) -> Vec<Effect> {
        let template = self.subject.as_ref().and_then(|subject| {
            let model = self.names.model(subject.image.as_ref()?.state.model)?;
            let property = property_text(self.names.property(property)?);
            let name = model_text(model);
            Some(format!("update {name} set {property} = null where id = @{}", subject.entity))
        });
        let Some(template) = template else { return Vec::new() };
        let mut statement = match parse_statement(&template) {
            Ok(statement) => statement,
            Err(error) => {
                self.say(error.to_string());
                return Vec::new();
            }
        };
        let StatementKind::Update(update) = &mut statement.kind else { return Vec::new() };
        let [assignment] = update.assignments.as_mut_slice() else { return Vec::new() };
        assignment.value = value;
        let statement = statement.to_string();
        let request = execute(SessionId(104), statement.clone());
        vec![self.ask(Slot::Write, statement, Ask::Events(request))]
    }
}

/// The value that is typed.
fn value(text: &str) -> Result<Expr, String> {
    if text.trim().is_empty() {
        return Err("type a value, such as 'a text', 12, true or null".to_owned());
    }
    parse_expr(text).map_err(|error| error.to_string())
}

/// What can stand at the cursor of a query.
fn candidates(input: &Input, model: &Model) -> Vec<Choice> {
    let start = format!("select id from {} where ", model_text(model));
    let text = format!("{start}{}", input.text());
    let context = completion_context(&text, start.len() + input.cursor());
    let prefix = context.prefix.to_lowercase();
    let place = context.replace.start.saturating_sub(start.len());
    let mut all: Vec<(String, String)> = Vec::new();
    for expectation in &context.expects {
        match expectation {
            Expectation::Property => {
                let columns = model.columns();
                all.extend(
                    columns.map(|property| {
                        (property_text(property), property.value_type.tag().name().to_owned())
                    }),
                );
                all.push(("id".to_owned(), "ref".to_owned()));
            }
            Expectation::Keyword(keyword) => all.push(((*keyword).to_owned(), String::new())),
            Expectation::Function if !prefix.is_empty() => {
                let names = functions::FUNCTIONS.iter();
                all.extend(names.map(|function| (function.name.to_owned(), "function".to_owned())));
            }
            _ => {}
        }
    }
    // Properties come first.
    all.sort_by_key(|(_, about)| about.is_empty());
    let fits = |name: &str| name.trim_start_matches('"').to_lowercase().starts_with(&prefix);
    let fitting = all.into_iter().filter(|(name, _)| fits(name) && *name != context.prefix);
    fitting.take(OFFERED).map(|(name, about)| Choice { name, about, does: Does::Insert(place) }).collect()
}
