//! What is shown: messages in, effects out. No I/O, no clock but the one in the messages.
//!
//! | module | what it holds |
//! |---|---|
//! | `act` | what each action does |
//! | `typing` | what is typed: palette, search, query, filter, value |
//! | `reply` | answers of the node |
//! | `course` | going through time |
//! | `place` | lists, what is seen of them, the mouse |
//! | `selection` | what is selected: entities, a text to copy, a statement for a prompt |
//! | the others | one page each, and what pages share |

mod act;
pub mod changes;
mod course;
pub mod entities;
pub mod fixture;
pub mod input;
pub mod journal;
pub mod list;
pub mod names;
pub mod operation;
mod place;
mod reply;
pub mod selection;
pub mod stream;
pub mod subject;
pub mod timeline;
pub mod track;
pub mod typing;
pub mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ankurah_core::id::{EntityId, OpId};
use ankurah_core::node::protocol::{LiveReport, NodeInfo, Request};
use ankurah_core::storage::{Fault, Index, SetAside, StoreStatistics};

use crate::action::{Context, Entry};
use crate::keymap::Keymap;
use crate::line::Line;
use crate::line::Role;
use crate::message::{Ask, Effect, Message, Slot};
pub use crate::screen::View;
use changes::Changes;
use entities::Entities;
use journal::Journal;
use list::List;
use names::Names;
use operation::OperationPage;
use subject::Subject;
use timeline::Timeline;
use track::Track;
use typing::Typing;
use wire::Wire;

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

/// Something that was asked.
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

/// The plan of a query.
#[derive(Clone, Debug, Default)]
pub struct PlanPage {
    /// The query.
    pub statement: String,
    /// The plan, the outermost step first.
    pub lines: Vec<Line>,
    /// Why there is none.
    pub failure: Option<String>,
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

/// Questions that are kept.
const ASKED: usize = 1000;
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
    /// The slot whose failure that tells of.
    noticed: Option<Slot>,
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
    /// The listed collection at any time.
    pub course: Timeline,
    /// Its operations.
    pub track: Option<Track>,
    /// Whether the timeline shows the collection, not the entity.
    pub whole: bool,
    /// Whether the entity's timeline was opened from that of its collection.
    from_course: bool,
    /// The live queries.
    pub live: LiveReport,
    /// The change log.
    pub changes: Changes,
    /// Operations outside the graph.
    pub aside: Vec<AsideRow>,
    /// Indexes.
    pub indexes: Vec<Index>,
    /// What the store takes.
    pub statistics: Option<StoreStatistics>,
    /// The plan of a query.
    pub plan: PlanPage,
    /// What the program says.
    pub journal: Journal,
    /// Who is linked, and what goes over the links.
    pub wire: Wire,
    /// What was asked.
    pub asked: VecDeque<Asked>,
    /// Where one is in views that have no place of their own.
    pub lists: BTreeMap<View, List>,
    tickets: BTreeMap<Slot, u64>,
    ticket: u64,
    refreshed: i64,
    /// Whether the change log is followed no more, since the way to the node broke: it is asked for again as soon as
    /// the node answers.
    lost: bool,
    /// Whether the change log was asked for again after an answer that never told any of it.
    asked_twice: bool,
    /// What has changed since it was read.
    stale: Stale,
}

/// What has changed since it was read, and is to be read again at the next moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stale {
    /// The chosen entity.
    entity: bool,
    /// The rows of what is listed.
    rows: bool,
    /// How many there are.
    count: bool,
}

impl Stale {
    fn any(self) -> bool {
        self.entity || self.rows || self.count
    }
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
            noticed: None,
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
            course: Timeline::default(),
            track: None,
            whole: false,
            from_course: false,
            live: LiveReport::default(),
            changes: Changes::default(),
            aside: Vec::new(),
            indexes: Vec::new(),
            statistics: None,
            plan: PlanPage::default(),
            journal: Journal::default(),
            wire: Wire::default(),
            asked: VecDeque::new(),
            lists: BTreeMap::new(),
            tickets: BTreeMap::new(),
            ticket: 0,
            refreshed: now,
            lost: false,
            asked_twice: false,
            stale: Stale::default(),
        }
    }

    /// What is wanted at the beginning.
    pub fn begin(&mut self) -> Vec<Effect> {
        let catalog = self.ask(Slot::Catalog, "the catalog", Ask::Events(Request::Catalog));
        let mut effects = vec![catalog];
        effects.extend(self.refresh());
        effects
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
            Message::Named(name) => {
                self.options.name = name;
                Vec::new()
            }
            Message::Reply { slot, ticket, reply } => self.reply(slot, ticket, reply),
            Message::Said { good, text } => {
                self.notice = Some((if good { Role::Good } else { Role::Error }, text));
                Vec::new()
            }
        };
        if self.view == View::Timeline
            && let (true, Some(track)) = (self.whole, &mut self.track)
        {
            track.settle();
        }
        self.settle();
        effects.extend(self.missing_rows());
        effects
    }

    /// After how many milliseconds it wants to know the time; `None` where nothing depends on it.
    pub fn wake(&self) -> Option<u64> {
        match self.view {
            View::Timeline if self.shown_timeline().playing => Some(self.shown_timeline().pause()),
            View::Overview | View::Live | View::Indexes | View::Log | View::Peers => Some(1000),
            _ if self.stale.any() => Some(250),
            _ if self.lost => Some(1000),
            _ => None,
        }
    }

    /// Whether something that is shown has changed since it was read.
    pub fn is_stale(&self) -> bool {
        self.stale.any()
    }

    /// Where a key counts.
    pub fn context(&self) -> Context {
        if self.typing.is_some() {
            return Context::Typing;
        }
        place::context_of(self.view)
    }

    /// Whether a line of the table means something on the page.
    pub fn offers(&self, entry: &Entry) -> bool {
        let has_rows = self.view != View::Timeline || self.lists_rows();
        entry.context.covers(self.context()) && (entry.context != Context::Rows || has_rows)
    }

    /// Where keys counted on the page before this one.
    pub fn context_before(&self) -> Context {
        self.trail.last().map_or(Context::Everywhere, |view| place::context_of(*view))
    }

    /// Goes to a page; what it shows is asked for.
    pub(crate) fn show(&mut self, view: View) -> Vec<Effect> {
        if self.view != view {
            self.trail.push(self.view);
            let surplus = self.trail.len().saturating_sub(TRAIL);
            self.trail.drain(..surplus);
        }
        let before = std::mem::replace(&mut self.view, view);
        self.timeline.playing = false;
        self.course.playing = false;
        let mut effects = self.refresh();
        // Nothing is tapped while nobody looks.
        match (before, view) {
            (View::Peers, View::Peers) => {}
            (View::Peers, _) => effects.push(self.forget(Slot::Tap)),
            (_, View::Peers) => effects.push(self.ask_tap()),
            _ => {}
        }
        if view == View::Entities {
            effects.extend(self.leave_past());
        }
        effects
    }

    /// Goes to the page before.
    pub(super) fn back(&mut self) -> Vec<Effect> {
        self.timeline.playing = false;
        self.course.playing = false;
        if self.view == View::Timeline && !self.whole && std::mem::take(&mut self.from_course) {
            // The entity's time was opened from within that of its collection.
            self.whole = true;
            return self.ask_point();
        }
        let before = std::mem::replace(&mut self.view, self.trail.pop().unwrap_or(View::Overview));
        match (before, self.view) {
            (View::Peers, _) => vec![self.forget(Slot::Tap)],
            (_, View::Entities) => self.leave_past(),
            (_, View::Peers) => vec![self.ask_tap()],
            _ => Vec::new(),
        }
    }

    /// Asks again for what the page shows.
    fn refresh(&mut self) -> Vec<Effect> {
        self.refreshed = self.now;
        if self.view == View::Aside {
            self.aside.clear();
        }
        let questions = self.questions();
        questions.into_iter().map(|(slot, what, ask)| self.ask(slot, what, ask)).collect()
    }

    /// The same, of what is not being asked already: a slow answer is waited for.
    fn refresh_what_came(&mut self) -> Vec<Effect> {
        self.refreshed = self.now;
        let mut questions = self.questions();
        questions.retain(|(slot, _, _)| !self.is_asking(*slot));
        questions.into_iter().map(|(slot, what, ask)| self.ask(slot, what, ask)).collect()
    }

    /// What the page shows, as questions.
    fn questions(&self) -> Vec<Question> {
        match self.view {
            View::Overview => vec![info(), live(), statistics()],
            View::Collections => self.counts_question().into_iter().collect(),
            View::Live => vec![live()],
            View::Indexes => {
                vec![(Slot::Indexes, "the indexes", Ask::Events(Request::Indexes)), statistics()]
            }
            // What the program has said since.
            View::Log if self.journal.stream.failure.is_none() => {
                let request = Request::Journal { after: self.journal.last() };
                vec![(Slot::Journal, "what the program says", Ask::Events(request))]
            }
            View::Peers => vec![(Slot::Links, "who is linked", Ask::Events(Request::Links))],
            View::Aside => {
                let sets = [SetAside::Parked, SetAside::Refused, SetAside::Equivocal];
                let requests = sets.map(|set| Request::SetAside { set }).to_vec();
                vec![(Slot::Aside, "operations that are set aside", Ask::Each(requests))]
            }
            View::Log
            | View::Entities
            | View::Entity
            | View::Graph
            | View::Operation
            | View::Timeline
            | View::Changes
            | View::Plan
            | View::Asked
            | View::Help => Vec::new(),
        }
    }

    fn ask_info(&mut self) -> Effect {
        let (slot, what, ask) = info();
        self.ask(slot, what, ask)
    }

    /// Whether the answer to the last question of a slot is still to come, or to end.
    fn is_asking(&self, slot: Slot) -> bool {
        self.tickets.contains_key(&slot)
    }

    fn counts_question(&self) -> Option<Question> {
        let count = |model: &Arc<ankurah_core::catalog::Model>| {
            let statement = format!("select count(*) from {}", names::model_text(model));
            entities::execute(ankurah_core::node::protocol::SessionId(103), statement)
        };
        let requests: Vec<Request> = self.names.models().iter().map(count).collect();
        (!requests.is_empty()).then_some((Slot::Counts, "entities of each collection", Ask::Each(requests)))
    }

    fn ask_counts(&mut self) -> Vec<Effect> {
        let question = self.counts_question();
        question.map(|(slot, what, ask)| self.ask(slot, what, ask)).into_iter().collect()
    }

    /// Asks; earlier questions of the slot are forgotten.
    pub(crate) fn ask(&mut self, slot: Slot, what: impl Into<String>, ask: Ask) -> Effect {
        self.ticket += 1;
        self.tickets.insert(slot, self.ticket);
        // What is asked every second would fill the list.
        let again = self.asked.iter().rposition(|asked| asked.slot == slot);
        let quiet = matches!(
            slot,
            Slot::Info
                | Slot::Live
                | Slot::Past
                | Slot::Statistics
                | Slot::Indexes
                | Slot::Journal
                | Slot::Links
        );
        if let Some(at) = again.filter(|_| quiet) {
            self.asked.remove(at);
        }
        let asked = Asked { slot, what: what.into(), at: self.now, parts: 0, took: None, failure: None };
        self.asked.push_back(asked);
        if self.asked.len() > ASKED {
            self.asked.pop_front();
        }
        Effect::Ask { slot, ticket: self.ticket, ask }
    }

    /// Asks for what goes over links, as long as it is looked at.
    fn ask_tap(&mut self) -> Effect {
        self.ask(Slot::Tap, "what goes over links", Ask::Events(Request::Tap))
    }

    /// Wants no more of an answer.
    fn forget(&mut self, slot: Slot) -> Effect {
        self.tickets.remove(&slot);
        Effect::Forget(slot)
    }

    /// Chooses an entity, and asks for its operations.
    pub(crate) fn choose(&mut self, entity: EntityId) -> Vec<Effect> {
        if self.subject.as_ref().is_some_and(|subject| subject.entity == entity) && !self.stale.entity {
            return Vec::new();
        }
        self.timeline = Timeline::default();
        self.operation = None;
        self.stale.entity = false;
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

    fn tick(&mut self, now: i64) -> Vec<Effect> {
        self.now = now;
        let mut effects = Vec::new();
        effects.extend(self.play_on());
        let alive =
            matches!(self.view, View::Overview | View::Live | View::Indexes | View::Log | View::Peers);
        if (alive || self.lost) && now - self.refreshed >= 900_000 {
            if alive {
                effects.extend(self.refresh_what_came());
            }
            self.refreshed = now;
            if self.lost && !self.is_asking(Slot::Info) {
                effects.push(self.ask_info());
            }
        }
        // What is being read is read to its end, or changes that come faster would never let one come.
        if self.stale.entity && !self.is_asking(Slot::Entity) {
            self.stale.entity = false;
            if let Some(subject) = &mut self.subject {
                let entity = subject.entity;
                subject.restart();
                effects.push(self.ask_entity(entity));
            }
        }
        if self.stale.count && !self.is_asking(Slot::Count) {
            self.stale.count = false;
            effects.extend(self.count_entities());
        }
        if std::mem::take(&mut self.stale.rows) {
            let compares = self.view == View::Timeline && self.whole;
            if let Some(entities) = &mut self.entities {
                if compares {
                    entities.remember();
                }
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
        if self.view != View::Entities && !(self.view == View::Timeline && self.whole) {
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
}

/// A question: its slot, what it is in words, and how it is asked.
type Question = (Slot, &'static str, Ask);

fn info() -> Question {
    (Slot::Info, "what the node is", Ask::Events(Request::Info))
}

fn live() -> Question {
    (Slot::Live, "the live queries", Ask::Events(Request::LiveQueries))
}

fn statistics() -> Question {
    (Slot::Statistics, "what the store takes", Ask::Events(Request::Statistics))
}
