//! Where one is: the lists of the pages, what is seen of them, and the mouse.

use super::entities::Entities;
use super::list::List;
use super::operation::OperationPage;
use super::{State, subject};
use crate::action::{Action, Context};
use crate::message::{Effect, Pointer};
use crate::screen::{Areas, View, head, tabs};

/// The list of the page that a state shows, to be read or to be changed.
macro_rules! list_of {
    ($state:ident, $as:ident, $get:ident, $($mut:ident)?) => {
        match $state.view {
            View::Entities => $state.entities.$as().map(|entities| &$($mut)? entities.list),
            View::Entity => $state.subject.$as().map(|subject| &$($mut)? subject.properties),
            View::Graph => $state.subject.$as().map(|subject| &$($mut)? subject.list),
            View::Operation => $state.operation.$as().map(|page| &$($mut)? page.list),
            View::Timeline if $state.lists_rows() => {
                $state.entities.$as().map(|entities| &$($mut)? entities.list)
            }
            View::Timeline if $state.whole => Some(&$($mut)? $state.course.list),
            View::Timeline => Some(&$($mut)? $state.timeline.list),
            View::Changes => Some(&$($mut)? $state.changes.stream.list),
            View::Log => Some(&$($mut)? $state.journal.stream.list),
            View::Peers => Some(&$($mut)? $state.wire.stream.list),
            View::Overview
            | View::Collections
            | View::Live
            | View::Aside
            | View::Indexes
            | View::Plan
            | View::Asked
            | View::Help => $state.lists.$get(&$state.view),
        }
    };
}

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
            View::Live => (self.live.queries.len(), crate::view::live_head(self)),
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
        list_of!(self, as_ref, get,).copied().unwrap_or_default()
    }

    /// The same, to be changed; `None` where the page shows nothing that has a list.
    pub(crate) fn list_mut(&mut self) -> Option<&mut List> {
        self.lists.entry(self.view).or_default();
        list_of!(self, as_mut, get_mut, mut)
    }

    /// Whether the page is read rather than chosen from.
    pub fn is_text(&self) -> bool {
        matches!(self.view, View::Operation | View::Help | View::Overview | View::Plan)
    }

    pub(super) fn settle(&mut self) {
        let (length, _) = self.shape();
        let (height, is_text) = (self.height(), self.is_text());
        match self.list_mut() {
            Some(list) if is_text => list.scroll(length, height),
            Some(list) => list.settle(length, height),
            None => {}
        }
    }

    pub(super) fn pointed(&mut self, pointer: Pointer, column: u16, line: u16) -> Vec<Effect> {
        let areas = Areas::of(self.size.1);
        match pointer {
            // What lies behind the choices does not move.
            Pointer::WheelUp | Pointer::WheelDown if self.typing.is_some() => {
                if let Some(typing) = &mut self.typing {
                    typing.choose(pointer == Pointer::WheelDown);
                }
                return Vec::new();
            }
            Pointer::WheelUp => return self.act(Action::Up),
            Pointer::WheelDown => return self.act(Action::Down),
            Pointer::Press if self.typing.is_some() => return Vec::new(),
            Pointer::Press => {}
        }
        if areas.tabs.contains(&line) {
            let tab = tabs(self.size.0, self.view, &self.options.keymap)
                .into_iter()
                .find(|(place, ..)| place.contains(&column));
            return tab.map(|(_, view, _)| self.act(Action::Show(view))).unwrap_or_default();
        }
        let (length, lines) = self.shape();
        let first = usize::from(areas.body.start) + head(areas.height(), lines);
        let Some(at) = usize::from(line).checked_sub(first).filter(|_| areas.body.contains(&line)) else {
            return Vec::new();
        };
        let list = self.list();
        let row = list.top + at;
        if row >= length || self.is_text() {
            return Vec::new();
        }
        if row == list.selected {
            return self.act(Action::Enter);
        }
        if let Some(list) = self.list_mut() {
            list.selected = row;
        }
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
