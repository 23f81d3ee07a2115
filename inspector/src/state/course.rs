//! Going through time: the chosen entity's, or that of the whole collection that is listed.

use ankurah_core::node::protocol::{Event, Request, SessionId};
use ankurah_core::storage::Position;
use ankurah_core::value::ValueRef;

use super::entities::{Entities, execute};
use super::names::model_text;
use super::timeline::{Difference, Moments, Point, Timeline};
use super::track::Track;
use super::{State, View};
use crate::message::{Ask, Effect, Slot};

/// Differences that are kept.
const DIFFERENCES: usize = 10_000;
/// Characters of a difference that are kept.
const LONGEST: usize = 1000;

impl State {
    /// The timeline that is shown.
    pub fn shown_timeline(&self) -> &Timeline {
        if self.whole { &self.course } else { &self.timeline }
    }

    /// The same, to be changed.
    pub(super) fn timeline_mut(&mut self) -> &mut Timeline {
        if self.whole { &mut self.course } else { &mut self.timeline }
    }

    /// Its operations.
    pub fn moments(&self) -> Option<&dyn Moments> {
        if self.whole {
            self.track.as_ref().map(|track| track as &dyn Moments)
        } else {
            self.subject.as_ref().map(|subject| &subject.graph as &dyn Moments)
        }
    }

    /// The timeline that is shown with its operations.
    fn in_time<T>(&mut self, act: impl FnOnce(&mut Timeline, &dyn Moments) -> T) -> Option<T> {
        if self.whole {
            let track = self.track.as_ref()?;
            Some(act(&mut self.course, track))
        } else {
            let subject = self.subject.as_ref()?;
            Some(act(&mut self.timeline, &subject.graph))
        }
    }

    /// Whether the timeline shows the rows of a collection, and not what differs between two points.
    pub fn lists_rows(&self) -> bool {
        self.whole && self.course.marks.is_empty()
    }

    /// The lines of the timeline of a collection.
    pub(super) fn collection_rows(&self) -> usize {
        if self.lists_rows() {
            self.entities.as_ref().map_or(0, Entities::len)
        } else {
            self.course.differences.len()
        }
    }

    /// Shows the timeline of what the page is about: an entity's from its pages, a collection's from its table.
    pub(super) fn show_timeline(&mut self) -> Vec<Effect> {
        match self.view {
            View::Collections => {
                let model = self.names.models().get(self.list().selected).cloned();
                model.map(|model| self.show_course(Entities::new(model))).unwrap_or_default()
            }
            View::Entities => match self.entities.clone() {
                Some(entities) => self.show_course(entities),
                None => self.show(View::Timeline),
            },
            View::Timeline => Vec::new(),
            _ => {
                // From an operation one comes to the time of it.
                let chosen = match (self.view, &self.subject, &self.operation) {
                    (View::Graph, Some(subject), _) => subject.selected().map(|op| subject.graph.id(op)),
                    (View::Operation, _, Some(page)) => Some(page.id),
                    _ => None,
                };
                let of_entity = matches!(self.view, View::Entity | View::Graph | View::Operation);
                // From elsewhere one comes back to what was shown last.
                self.whole = self.whole && !of_entity && self.entities.is_some();
                let mut effects = self.show(View::Timeline);
                if let Some(id) = chosen {
                    effects.extend(self.go_to_point(Point::Operation(id)));
                } else if self.whole {
                    effects.extend(self.ask_point());
                }
                effects
            }
        }
    }

    /// Shows the timeline of a collection.
    fn show_course(&mut self, entities: Entities) -> Vec<Effect> {
        let model = entities.model.id;
        let same = self.entities.as_ref().is_some_and(|known| known.model.id == model);
        if !same {
            self.entities = Some(entities);
        }
        self.whole = true;
        let mut effects = Vec::new();
        if self.track.as_ref().is_none_or(|track| track.model != model || track.failure.is_some()) {
            self.course = Timeline::default();
            effects.push(self.ask_track(Track::new(model)));
        }
        effects.extend(self.show(View::Timeline));
        effects.extend(self.ask_point());
        effects
    }

    fn ask_track(&mut self, track: Track) -> Effect {
        let model = track.model;
        self.track = Some(track);
        let what = format!("the history of {}", self.names.model_name(model));
        self.ask(Slot::Track, what, Ask::Track { model, after: Position(0) })
    }

    /// Leaves the past of a collection: its table shows what is there now.
    pub(super) fn leave_past(&mut self) -> Vec<Effect> {
        match &mut self.entities {
            Some(entities) if entities.at.is_some() => {
                entities.at = None;
                self.list_again()
            }
            _ => Vec::new(),
        }
    }

    /// Goes one step on, or back.
    pub(super) fn step_in_time(&mut self, back: bool) -> Vec<Effect> {
        let now = self.subject.as_ref().and_then(|subject| subject.image.clone());
        let stepped = self.in_time(|timeline, moments| {
            timeline.leave_now(now.as_ref());
            timeline.step(moments, back)
        });
        if stepped == Some(true) { self.ask_point() } else { Vec::new() }
    }

    fn go_to_point(&mut self, point: Point) -> Vec<Effect> {
        let now = self.subject.as_ref().and_then(|subject| subject.image.clone());
        self.in_time(|timeline, moments| {
            timeline.leave_now(now.as_ref());
            timeline.go_to(point, moments);
        });
        self.ask_point()
    }

    /// Shows what is there now.
    pub(super) fn go_to_now(&mut self) -> Vec<Effect> {
        self.timeline_mut().playing = false;
        if self.shown_timeline().at.is_none() {
            return Vec::new();
        }
        self.in_time(|timeline, moments| timeline.go(moments.len(), moments));
        self.ask_point()
    }

    /// Goes to where it was wanted before the operations were read.
    pub(super) fn go_where_wanted(&mut self) -> Vec<Effect> {
        match self.timeline_mut().wanted.take() {
            Some(point) => self.go_to_point(point),
            None => Vec::new(),
        }
    }

    /// Plays, or stops.
    pub(super) fn play(&mut self) -> Vec<Effect> {
        let begun = self.in_time(|timeline, moments| {
            timeline.playing = !timeline.playing;
            // At the end there is nothing to play: from the beginning.
            let begins = timeline.playing && timeline.at.is_none();
            if begins {
                timeline.go(0, moments);
            }
            begins
        });
        if begun == Some(true) { self.ask_point() } else { Vec::new() }
    }

    /// One step of what plays by itself; none while the answer to the last one is still to come.
    pub(super) fn play_on(&mut self) -> Vec<Effect> {
        if self.view != View::Timeline || !self.shown_timeline().playing || self.is_waiting() {
            return Vec::new();
        }
        let effects = self.step_in_time(false);
        if self.shown_timeline().at.is_none() {
            self.timeline_mut().playing = false;
        }
        effects
    }

    /// Whether what the timeline is to show is still to come.
    fn is_waiting(&self) -> bool {
        let height = self.height();
        let waiting = |entities: &Entities| entities.is_waiting(height);
        self.shown_timeline().asked || (self.lists_rows() && self.entities.as_ref().is_some_and(waiting))
    }

    /// Another unit of steps.
    pub(super) fn next_unit(&mut self) -> Vec<Effect> {
        self.in_time(|timeline, moments| timeline.set_unit(timeline.unit.next(), moments));
        self.ask_point()
    }

    /// Marks where one is.
    pub(super) fn mark(&mut self) -> Vec<Effect> {
        let image = if self.whole { None } else { self.timeline_image().cloned() };
        self.in_time(|timeline, moments| timeline.mark(moments, image));
        if !self.whole {
            return Vec::new();
        }
        self.course.list = super::list::List::default();
        self.ask_point()
    }

    /// Asks for what the timeline is to show: the chosen entity or the collection at the chosen time.
    pub(crate) fn ask_point(&mut self) -> Vec<Effect> {
        if self.whole { self.ask_collection() } else { self.ask_entity_past() }
    }

    fn ask_entity_past(&mut self) -> Vec<Effect> {
        let Some(subject) = &self.subject else { return Vec::new() };
        let moments: &dyn Moments = &subject.graph;
        let point = self.timeline.point(moments);
        if self.timeline.at.is_none() {
            let now = subject.image.clone();
            self.timeline.take(now);
            return Vec::new();
        }
        let last = moments.len().checked_sub(1).map(|last| moments.id(last));
        let (upto, position) = match (point, last) {
            (Point::Operation(id), _) => (id, None),
            (Point::Position(position), Some(last)) => (last, Some(Position(position))),
            (Point::Beginning, _) | (_, None) => {
                self.timeline.take(None);
                return Vec::new();
            }
        };
        self.timeline.asked = true;
        let entity = subject.entity;
        let what = format!("{entity} as of {}", point.text());
        vec![self.ask(Slot::Past, what, Ask::Past { entity, upto, position })]
    }

    fn ask_collection(&mut self) -> Vec<Effect> {
        let (Some(entities), Some(track)) = (&mut self.entities, &self.track) else { return Vec::new() };
        let at = self.course.at.map(|_| self.course.point(track));
        if entities.at != at {
            entities.travel(at);
        }
        let model = model_text(&entities.model);
        let mut effects = self.count_entities();
        let points = match self.course.marks.as_slice() {
            [] => return effects,
            [mark] => (mark.point, at),
            [first, second, ..] => (first.point, Some(second.point)),
        };
        let to = points.1.map(|point| format!(" to {}", point.text())).unwrap_or_default();
        let statement = format!("diff {model} from {}{to} limit {DIFFERENCES}", points.0.text());
        self.course.asked = true;
        self.course.arriving.clear();
        let request: Request = execute(SessionId(105), statement.clone());
        effects.push(self.ask(Slot::Past, statement, Ask::Events(request)));
        effects
    }

    /// Takes differences in.
    pub(super) fn take_differences(&mut self, events: &[Event]) {
        for event in events {
            let Event::Rows(rows) = event else { continue };
            for row in rows.iter() {
                let mut values = row.iter();
                let Some(ValueRef::Ref(entity)) = values.next() else { continue };
                let mut text = || match values.next() {
                    Some(ValueRef::String(text)) => text.chars().take(LONGEST).collect(),
                    _ => String::new(),
                };
                let (what, property, change) = (text(), text(), text());
                if self.course.arriving.len() < DIFFERENCES {
                    self.course.arriving.push(Difference { entity: entity.0, what, property, change });
                }
            }
        }
    }

    /// Opens what is selected: of a collection the entity, at the same time; of an entity its last operation.
    pub(super) fn open_in_time(&mut self) -> Vec<Effect> {
        if !self.whole {
            let id = self.subject.as_ref().and_then(|subject| {
                let graph: &dyn Moments = &subject.graph;
                self.timeline.last(graph).map(|at| graph.id(at))
            });
            return id.map(|id| self.open_operation(id)).unwrap_or_default();
        }
        let selected = self.list().selected;
        let entity = if self.lists_rows() {
            self.entities.as_ref().and_then(|entities| entities.row(selected)).map(|row| row.id)
        } else {
            let found = self.course.differences.get(selected);
            found.map(|difference| ankurah_core::id::EntityId(difference.entity))
        };
        let Some(entity) = entity else { return Vec::new() };
        let wanted =
            self.track.as_ref().filter(|_| self.course.at.is_some()).map(|track| self.course.point(track));
        self.course.playing = false;
        let mut effects = self.choose(entity);
        self.whole = false;
        self.from_course = true;
        self.timeline.wanted = wanted;
        if self.subject.as_ref().is_some_and(|subject| subject.whole) {
            effects.extend(self.go_where_wanted());
        }
        effects
    }
}
