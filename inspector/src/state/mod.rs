//! What is shown: messages in, effects out. No I/O, no clock but the one in the messages.
//!
//! | module | what it holds |
//! |---|---|
//! | `act` | what each action does |
//! | `typing` | what is typed: palette, search, query, filter, value |
//! | `reply` | answers of the node |
//! | the others | one page each, and what pages share |

mod act;
pub mod changes;
pub mod entities;
pub mod fixture;
pub mod input;
pub mod list;
pub mod names;
pub mod operation;
mod reply;
pub mod subject;
pub mod timeline;
pub mod typing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ankurah_core::id::{EntityId, OpId};
use ankurah_core::node::protocol::{LiveQueryInfo, NodeInfo, Request};
use ankurah_core::storage::{Fault, Index, SetAside};

use crate::action::{Action, Context};
use crate::keymap::Keymap;
use crate::line::Role;
use crate::message::{Ask, Effect, Message, Pointer, Slot};
use crate::screen::{Areas, head, tabs};
use changes::Changes;
use entities::Entities;
use list::List;
use names::Names;
use operation::OperationPage;
use subject::Subject;
use timeline::Timeline;
use typing::Typing;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what is shown")]
pub enum View {
    Overview,
    Collections,
    Entities,
    Entity,
    Graph,
    Operation,
    Timeline,
    Live,
    Changes,
    Aside,
    Indexes,
    Log,
    Help,
}

/// What the inspector was told when it was started.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is inspected, without secrets.
    pub name: String,
    /// Whether values may be changed.
    pub write: bool,
    /// The keys.
    pub keymap: Keymap,
}

/// A line of the log: something that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// In which slot.
    pub slot: Slot,
    /// What, in words or as a statement.
    pub what: String,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
    /// How many parts the answer has so far.
    pub parts: u64,
    /// How long it took, in nanoseconds, once it has ended.
    pub took: Option<u64>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// An operation outside the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsideRow {
    /// Which set.
    pub set: SetAside,
    /// The operation.
    pub id: OpId,
    /// Its entity.
    pub entity: EntityId,
    /// Why it is there.
    pub reason: String,
    /// The parents that it waits for.
    pub missing: Vec<OpId>,
}

/// Checking the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// It was not asked for.
    #[default]
    Not,
    /// It is being done.
    Running,
    /// It was done; so many nanoseconds.
    Done(u64),
    /// It could not be done.
    Failed(String),
}

/// Lines of the log that are kept.
const LOGGED: usize = 1000;
/// Views that one can go back to.
const TRAIL: usize = 64;
/// Points of a rate that are kept.
const POINTS: usize = 120;
/// Faults that are listed.
const FAULTS: usize = 10_000;

/// Everything that is known and shown.
#[derive(Clone, Debug)]
pub struct State {
    /// What it was started with.
    pub options: Options,
    /// Columns and lines of the screen.
    pub size: (u16, u16),
    /// The time, in microseconds since the Unix epoch.
    pub now: i64,
    /// The page.
    pub view: View,
    trail: Vec<View>,
    /// What is typed.
    pub typing: Option<Typing>,
    /// What happened, until the next key.
    pub notice: Option<(Role, String)>,
    /// What was searched for last.
    pub sought: String,
    /// Names from the catalog.
    pub names: Names,
    /// What the node is.
    pub info: Option<NodeInfo>,
    /// Why the node does not answer.
    pub trouble: Option<String>,
    /// Positions of the log, second by second: time and position.
    pub points: VecDeque<(i64, u64)>,
    /// Entities of each collection, in the order of the names.
    pub counts: BTreeMap<usize, i64>,
    /// Faults of the store.
    pub faults: Vec<Fault>,
    /// How far checking is.
    pub verification: Verification,
    /// The table of a collection.
    pub entities: Option<Entities>,
    /// The chosen entity.
    pub subject: Option<Subject>,
    /// The chosen operation.
    pub operation: Option<OperationPage>,
    /// The chosen entity at any time.
    pub timeline: Timeline,
    /// The live queries.
    pub live: Vec<LiveQueryInfo>,
    /// The change log.
    pub changes: Changes,
    /// Operations outside the graph.
    pub aside: Vec<AsideRow>,
    /// Indexes.
    pub indexes: Vec<Index>,
    /// What was asked.
    pub log: VecDeque<Asked>,
    /// Where one is in views that have no place of their own.
    pub lists: BTreeMap<&'static str, List>,
    tickets: BTreeMap<Slot, u64>,
    ticket: u64,
    refreshed: i64,
    /// Whether the chosen entity, or what is listed, has changed since it was read.
    stale: (bool, bool),
}

impl State {
    /// The first page, of a terminal of so many columns and lines, at a time.
    pub fn new(options: Options, size: (u16, u16), now: i64) -> Self {
        State {
            options,
            size,
            now,
            view: View::Overview,
            trail: Vec::new(),
            typing: None,
            notice: None,
            sought: String::new(),
            names: Names::default(),
            info: None,
            trouble: None,
            points: VecDeque::new(),
            counts: BTreeMap::new(),
            faults: Vec::new(),
            verification: Verification::default(),
            entities: None,
            subject: None,
            operation: None,
            timeline: Timeline::default(),
            live: Vec::new(),
            changes: Changes::default(),
            aside: Vec::new(),
            indexes: Vec::new(),
            log: VecDeque::new(),
            lists: BTreeMap::new(),
            tickets: BTreeMap::new(),
            ticket: 0,
            refreshed: now,
            stale: (false, false),
        }
    }

    /// What is wanted at the beginning.
    pub fn begin(&mut self) -> Vec<Effect> {
        let catalog = self.ask(Slot::Catalog, "the catalog", Ask::Events(Request::Catalog));
        vec![catalog, self.ask_info(), self.ask_live()]
    }

    /// Takes a message in, and says what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        let mut effects = match message {
            Message::Key(key) => {
                let context = self.context();
                if context != Context::Typing {
                    self.notice = None;
                }
                match self.options.keymap.action(context, key) {
                    Some(action) => self.act(action),
                    None if context == Context::Typing => self.typed(|input| input.take(key)),
                    None => Vec::new(),
                }
            }
            Message::Paste(text) if self.typing.is_some() => self.typed(|input| input.insert(&text)),
            Message::Paste(_) => Vec::new(),
            Message::Mouse { pointer, column, line } => self.pointed(pointer, column, line),
            Message::Resize { columns, lines } => {
                self.size = (columns, lines);
                Vec::new()
            }
            Message::Tick { now } => self.tick(now),
            Message::Reply { slot, ticket, reply } => self.reply(slot, ticket, reply),
            Message::Said { good, text } => {
                self.notice = Some((if good { Role::Good } else { Role::Error }, text));
                Vec::new()
            }
        };
        self.settle();
        effects.extend(self.missing_rows());
        effects
    }

    /// After how many milliseconds it wants to know the time; `None` where nothing depends on it.
    pub fn wake(&self) -> Option<u64> {
        match self.view {
            View::Timeline if self.timeline.playing => Some(self.timeline.pause()),
            View::Overview | View::Live => Some(1000),
            _ if self.stale != (false, false) => Some(250),
            _ => None,
        }
    }

    /// Whether something that is shown has changed since it was read.
    pub fn is_stale(&self) -> bool {
        self.stale != (false, false)
    }

    /// Where a key counts.
    pub fn context(&self) -> Context {
        if self.typing.is_some() {
            return Context::Typing;
        }
        context_of(self.view)
    }

    /// Where keys counted on the page before this one.
    pub fn context_before(&self) -> Context {
        self.trail.last().map_or(Context::Everywhere, |view| context_of(*view))
    }

    /// Goes to a page; what it shows is asked for.
    pub(crate) fn show(&mut self, view: View) -> Vec<Effect> {
        if self.view != view {
            self.trail.push(self.view);
            let surplus = self.trail.len().saturating_sub(TRAIL);
            self.trail.drain(..surplus);
        }
        self.view = view;
        self.timeline.playing = false;
        self.refresh()
    }

    /// Goes to the page before.
    fn back(&mut self) {
        self.timeline.playing = false;
        match self.trail.pop() {
            Some(view) => self.view = view,
            None => self.view = View::Overview,
        }
    }

    /// Asks again for what the page shows.
    fn refresh(&mut self) -> Vec<Effect> {
        self.refreshed = self.now;
        match self.view {
            View::Overview => vec![self.ask_info(), self.ask_live()],
            View::Collections => self.ask_counts(),
            View::Live => vec![self.ask_live()],
            View::Indexes => vec![self.ask(Slot::Indexes, "the indexes", Ask::Events(Request::Indexes))],
            View::Aside => {
                self.aside.clear();
                let sets = [SetAside::Parked, SetAside::Refused, SetAside::Equivocal];
                let requests = sets.map(|set| Request::SetAside { set }).to_vec();
                vec![self.ask(Slot::Aside, "operations that are set aside", Ask::Each(requests))]
            }
            View::Entities
            | View::Entity
            | View::Graph
            | View::Operation
            | View::Timeline
            | View::Changes
            | View::Log
            | View::Help => Vec::new(),
        }
    }

    fn ask_info(&mut self) -> Effect {
        self.ask(Slot::Info, "what the node is", Ask::Events(Request::Info))
    }

    fn ask_live(&mut self) -> Effect {
        self.ask(Slot::Live, "the live queries", Ask::Events(Request::LiveQueries))
    }

    fn ask_counts(&mut self) -> Vec<Effect> {
        let count = |model: &Arc<ankurah_core::catalog::Model>| {
            let statement = format!("select count(*) from {}", names::model_text(model));
            entities::execute(ankurah_core::node::protocol::SessionId(103), statement)
        };
        let requests: Vec<Request> = self.names.models().iter().map(count).collect();
        if requests.is_empty() {
            return Vec::new();
        }
        vec![self.ask(Slot::Counts, "entities of each collection", Ask::Each(requests))]
    }

    /// Asks; earlier questions of the slot are forgotten.
    pub(crate) fn ask(&mut self, slot: Slot, what: impl Into<String>, ask: Ask) -> Effect {
        self.ticket += 1;
        self.tickets.insert(slot, self.ticket);
        // What is asked every second would fill the log.
        let again = self.log.iter().rposition(|asked| asked.slot == slot);
        let quiet = matches!(slot, Slot::Info | Slot::Live | Slot::Past);
        if let Some(at) = again.filter(|_| quiet) {
            self.log.remove(at);
        }
        let asked = Asked { slot, what: what.into(), at: self.now, parts: 0, took: None, failure: None };
        self.log.push_back(asked);
        if self.log.len() > LOGGED {
            self.log.pop_front();
        }
        Effect::Ask { slot, ticket: self.ticket, ask }
    }

    /// Chooses an entity, and asks for its operations.
    pub(crate) fn choose(&mut self, entity: EntityId) -> Vec<Effect> {
        if self.subject.as_ref().is_some_and(|subject| subject.entity == entity) && !self.stale.0 {
            return Vec::new();
        }
        self.timeline = Timeline::default();
        self.operation = None;
        self.stale.0 = false;
        self.subject = Some(Subject::new(entity));
        vec![self.ask_entity(entity)]
    }

    fn ask_entity(&mut self, entity: EntityId) -> Effect {
        self.ask(Slot::Entity, format!("operations of {entity}"), Ask::Entity { entity })
    }

    /// Asks for an operation.
    pub(crate) fn open_operation(&mut self, id: OpId) -> Vec<Effect> {
        let Some(subject) = &self.subject else { return Vec::new() };
        let (entity, op) = (subject.entity, subject.graph.find(id));
        let without = op.map(|op| subject.outside(op)).unwrap_or_default();
        self.operation = Some(OperationPage::new(entity, id));
        let mut effects = self.show(View::Operation);
        let ask = Ask::Operation { entity, id, without };
        effects.push(self.ask(Slot::Operation, format!("operation {id}"), ask));
        effects
    }

    /// Asks for the chosen entity at the chosen time.
    pub(crate) fn ask_past(&mut self) -> Vec<Effect> {
        let Some(subject) = &self.subject else { return Vec::new() };
        match self.timeline.last(&subject.graph) {
            None => {
                self.timeline.take(None);
                Vec::new()
            }
            Some(op) => {
                let (entity, upto) = (subject.entity, subject.graph.id(op));
                let ask = Ask::Past { entity, upto, position: None };
                vec![self.ask(Slot::Past, format!("{entity} up to {upto}"), ask)]
            }
        }
    }

    fn tick(&mut self, now: i64) -> Vec<Effect> {
        self.now = now;
        let mut effects = Vec::new();
        if self.view == View::Timeline && self.timeline.playing {
            if let Some(subject) = &self.subject {
                self.timeline.playing = self.timeline.step(&subject.graph, false);
            }
            effects.extend(self.ask_past());
        }
        if matches!(self.view, View::Overview | View::Live) && now - self.refreshed >= 900_000 {
            effects.extend(self.refresh());
        }
        if std::mem::take(&mut self.stale.0)
            && let Some(subject) = &mut self.subject
        {
            let entity = subject.entity;
            subject.restart();
            effects.push(self.ask_entity(entity));
        }
        if std::mem::take(&mut self.stale.1) {
            effects.extend(self.count_entities());
            if let Some(entities) = &mut self.entities {
                entities.renew();
            }
        }
        effects
    }

    fn count_entities(&mut self) -> Vec<Effect> {
        let Some(entities) = &self.entities else { return Vec::new() };
        let what = format!("the number of {}", entities.model.label);
        let request = entities.count_request();
        vec![self.ask(Slot::Count, what, Ask::Events(request))]
    }

    /// Asks for rows of the table that are to be seen and were not read.
    fn missing_rows(&mut self) -> Vec<Effect> {
        if self.view != View::Entities {
            return Vec::new();
        }
        let height = self.height();
        let Some(entities) = &mut self.entities else { return Vec::new() };
        let Some(request) = entities.wanted(height) else { return Vec::new() };
        let what = match &request {
            Request::Execute { statement, .. } => statement.clone(),
            _ => "rows".to_owned(),
        };
        vec![self.ask(Slot::Page, what, Ask::Events(request))]
    }

    /// Lists what a condition says, from the beginning.
    pub(crate) fn list_again(&mut self) -> Vec<Effect> {
        if let Some(entities) = &mut self.entities {
            entities.reset();
            entities.list = List::default();
        }
        self.count_entities()
    }

    /// How many lines the page has, and how many of them stand above the list and do not move.
    pub fn shape(&self) -> (usize, usize) {
        let subject = self.subject.as_ref();
        match self.view {
            View::Overview => (crate::view::overview_length(self), 0),
            View::Collections => (self.names.models().len(), 1),
            View::Entities => (self.entities.as_ref().map_or(0, Entities::len), 1),
            View::Entity => {
                let image = subject.and_then(|subject| subject.image.as_ref());
                (image.map_or(0, |image| subject::shown(image, &self.names).len()), 5)
            }
            View::Graph => (subject.map_or(0, |subject| subject.layout.len()), 0),
            View::Operation => (self.operation.as_ref().map_or(0, OperationPage::len), 0),
            View::Timeline => {
                let image = self.timeline_image();
                (image.map_or(0, |image| subject::shown(image, &self.names).len()), 4)
            }
            View::Live => (self.live.len(), 1),
            View::Changes => (self.changes.len(), 1),
            View::Aside => (self.aside.len(), 1),
            View::Indexes => (self.indexes.len(), 1),
            View::Log => (self.log.len(), 1),
            View::Help => (crate::view::help_length(self), 0),
        }
    }

    /// What the timeline shows.
    pub fn timeline_image(&self) -> Option<&crate::message::Image> {
        match self.timeline.at {
            None => self.subject.as_ref().and_then(|subject| subject.image.as_ref()),
            Some(_) => self.timeline.image.as_ref(),
        }
    }

    /// The lines that the list has on the screen.
    pub fn height(&self) -> usize {
        let body = Areas::of(self.size.1).height();
        body - head(body, self.shape().1)
    }

    /// Where one is in the list of the page.
    pub fn list(&self) -> List {
        let own = || self.lists.get(self.list_name()).copied().unwrap_or_default();
        let subject = self.subject.as_ref();
        match self.view {
            View::Entities => self.entities.as_ref().map_or_else(List::default, |entities| entities.list),
            View::Entity => subject.map_or_else(List::default, |subject| subject.properties),
            View::Graph => subject.map_or_else(List::default, |subject| subject.list),
            View::Operation => self.operation.as_ref().map_or_else(List::default, |page| page.list),
            View::Timeline => self.timeline.list,
            View::Changes => self.changes.list,
            View::Overview
            | View::Collections
            | View::Live
            | View::Aside
            | View::Indexes
            | View::Log
            | View::Help => own(),
        }
    }

    fn list_name(&self) -> &'static str {
        match self.view {
            View::Overview => "overview",
            View::Collections => "collections",
            View::Live => "live",
            View::Aside => "aside",
            View::Indexes => "indexes",
            View::Log => "log",
            View::Help => "help",
            View::Entities
            | View::Entity
            | View::Graph
            | View::Operation
            | View::Timeline
            | View::Changes => "",
        }
    }

    pub(crate) fn set_list(&mut self, list: List) {
        let subject = self.subject.as_mut();
        let place = match self.view {
            View::Entities => self.entities.as_mut().map(|entities| &mut entities.list),
            View::Entity => subject.map(|subject| &mut subject.properties),
            View::Graph => subject.map(|subject| &mut subject.list),
            View::Operation => self.operation.as_mut().map(|page| &mut page.list),
            View::Timeline => Some(&mut self.timeline.list),
            View::Changes => Some(&mut self.changes.list),
            View::Overview
            | View::Collections
            | View::Live
            | View::Aside
            | View::Indexes
            | View::Log
            | View::Help => {
                let name = self.list_name();
                Some(self.lists.entry(name).or_default())
            }
        };
        if let Some(place) = place {
            *place = list;
        }
    }

    /// Whether the page is read rather than chosen from.
    pub fn is_text(&self) -> bool {
        matches!(self.view, View::Operation | View::Help | View::Overview)
    }

    fn settle(&mut self) {
        let (length, _) = self.shape();
        let (height, mut list) = (self.height(), self.list());
        if self.is_text() {
            list.scroll(length, height);
        } else {
            list.settle(length, height);
        }
        self.set_list(list);
    }

    fn pointed(&mut self, pointer: Pointer, column: u16, line: u16) -> Vec<Effect> {
        let areas = Areas::of(self.size.1);
        match pointer {
            Pointer::WheelUp => return self.act(Action::Up),
            Pointer::WheelDown => return self.act(Action::Down),
            Pointer::Press if self.typing.is_some() => return Vec::new(),
            Pointer::Press => {}
        }
        if areas.tabs.contains(&line) {
            let tab = tabs(self.size.0).into_iter().find(|(place, ..)| place.contains(&column));
            return tab.map(|(_, action, _)| self.act(action)).unwrap_or_default();
        }
        let (length, lines) = self.shape();
        let first = usize::from(areas.body.start) + head(areas.height(), lines);
        let Some(at) = usize::from(line).checked_sub(first).filter(|_| areas.body.contains(&line)) else {
            return Vec::new();
        };
        let mut list = self.list();
        let row = list.top + at;
        if row >= length || self.is_text() {
            return Vec::new();
        }
        if row == list.selected {
            return self.act(Action::Enter);
        }
        list.selected = row;
        self.set_list(list);
        Vec::new()
    }
}

/// Where keys count on a page.
fn context_of(view: View) -> Context {
    match view {
        View::Overview => Context::Overview,
        View::Entities => Context::Entities,
        View::Entity => Context::Entity,
        View::Graph => Context::Graph,
        View::Timeline => Context::Timeline,
        View::Changes => Context::Changes,
        View::Collections
        | View::Operation
        | View::Live
        | View::Aside
        | View::Indexes
        | View::Log
        | View::Help => Context::Everywhere,
    }
}
