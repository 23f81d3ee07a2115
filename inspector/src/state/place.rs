//! Where one is: the lists of the pages, what is seen of them, and the mouse.

use super::entities::Entities;
use super::list::List;
use super::operation::OperationPage;
use super::{State, subject};
use crate::action::{Action, Context};
use crate::message::{Effect, Pointer};
use crate::screen::{Areas, View, head, tabs};

impl State {
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
            View::Timeline if self.whole => (self.collection_rows(), 4),
            View::Timeline => {
                let image = self.timeline_image();
                (image.map_or(0, |image| subject::shown(image, &self.names).len()), 4)
            }
            View::Live => (self.live.queries.len(), 1),
            View::Changes => (self.changes.stream.len(), 1),
            View::Aside => (self.aside.len(), 1),
            View::Indexes => (self.indexes.len(), 1),
            View::Plan => (self.plan.lines.len(), 0),
            View::Log => (self.journal.stream.len(), 1),
            View::Peers => (self.wire.stream.len(), crate::view::peers_head(self)),
            View::Asked => (self.asked.len(), 1),
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
            View::Timeline if self.lists_rows() => {
                self.entities.as_ref().map_or_else(List::default, |entities| entities.list)
            }
            View::Timeline if self.whole => self.course.list,
            View::Timeline => self.timeline.list,
            View::Changes => self.changes.stream.list,
            View::Log => self.journal.stream.list,
            View::Peers => self.wire.stream.list,
            View::Overview
            | View::Collections
            | View::Live
            | View::Aside
            | View::Indexes
            | View::Plan
            | View::Asked
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
            View::Plan => "plan",
            View::Asked => "asked",
            View::Help => "help",
            View::Entities
            | View::Entity
            | View::Graph
            | View::Operation
            | View::Timeline
            | View::Changes
            | View::Log
            | View::Peers => "",
        }
    }

    pub(crate) fn set_list(&mut self, list: List) {
        let rows = self.lists_rows();
        let subject = self.subject.as_mut();
        let place = match self.view {
            View::Entities => self.entities.as_mut().map(|entities| &mut entities.list),
            View::Entity => subject.map(|subject| &mut subject.properties),
            View::Graph => subject.map(|subject| &mut subject.list),
            View::Operation => self.operation.as_mut().map(|page| &mut page.list),
            View::Timeline if self.whole && rows => self.entities.as_mut().map(|entities| &mut entities.list),
            View::Timeline if self.whole => Some(&mut self.course.list),
            View::Timeline => Some(&mut self.timeline.list),
            View::Changes => Some(&mut self.changes.stream.list),
            View::Log => Some(&mut self.journal.stream.list),
            View::Peers => Some(&mut self.wire.stream.list),
            View::Overview
            | View::Collections
            | View::Live
            | View::Aside
            | View::Indexes
            | View::Plan
            | View::Asked
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
        matches!(self.view, View::Operation | View::Help | View::Overview | View::Plan)
    }

    pub(super) fn settle(&mut self) {
        let (length, _) = self.shape();
        let (height, mut list) = (self.height(), self.list());
        if self.is_text() {
            list.scroll(length, height);
        } else {
            list.settle(length, height);
        }
        self.set_list(list);
    }

    pub(super) fn pointed(&mut self, pointer: Pointer, column: u16, line: u16) -> Vec<Effect> {
        let areas = Areas::of(self.size.1);
        match pointer {
            Pointer::WheelUp => return self.act(Action::Up),
            Pointer::WheelDown => return self.act(Action::Down),
            Pointer::Press if self.typing.is_some() => return Vec::new(),
            Pointer::Press => {}
        }
        if areas.tabs.contains(&line) {
            let tab = tabs(self.size.0, self.view).into_iter().find(|(place, ..)| place.contains(&column));
            return tab.map(|(_, view, _)| self.act(Action::Show(view))).unwrap_or_default();
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
pub(super) fn context_of(view: View) -> Context {
    match view {
        View::Overview => Context::Overview,
        View::Entities => Context::Entities,
        View::Graph => Context::Graph,
        View::Timeline => Context::Timeline,
        View::Changes | View::Log | View::Peers => Context::Stream,
        View::Collections
        | View::Entity
        | View::Operation
        | View::Live
        | View::Aside
        | View::Indexes
        | View::Plan
        | View::Asked
        | View::Help => Context::Everywhere,
    }
}
