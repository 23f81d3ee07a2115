//! Answers of the node.

use ankurah_core::catalog::is_reserved;
use ankurah_core::id::EntityId;
use ankurah_core::node::protocol::{Event, Outcome, Request};
use ankurah_core::storage::{LogEntry, Position, SetAside};
use ankurah_core::value::ValueRef;

use super::fixture::script;
use super::names::{Names, short};
use super::{AsideRow, FAULTS, POINTS, Stale, State, Verification, View, entities, live, statistics};
use crate::line::{Line, Role};
use crate::message::{Ask, Effect, Reply, Slot, Stage};

/// Commits that are shown of those before the inspector was started.
const BEFORE: u64 = 500;

impl State {
    pub(super) fn reply(&mut self, slot: Slot, ticket: u64, reply: Reply) -> Vec<Effect> {
        if self.tickets.get(&slot) != Some(&ticket) {
            return Vec::new();
        }
        if matches!(reply, Reply::End { .. } | Reply::Failed { .. }) {
            self.tickets.remove(&slot);
            // What failed and is answered now is no news any more.
            if self.noticed.take_if(|noticed| *noticed == slot).is_some() {
                self.notice = self.notice.take().filter(|(role, _)| *role != Role::Error);
            }
        }
        self.note(slot, &reply);
        match reply {
            Reply::Events(events) => self.events(slot, 0, events),
            Reply::Of(number, events) => self.events(slot, number, events),
            Reply::Summaries(summaries) => {
                if let Some(subject) = &mut self.subject {
                    subject.take(&summaries);
                }
                Vec::new()
            }
            Reply::Image(image) => {
                if let Some(subject) = &mut self.subject {
                    subject.image = Some(*image);
                }
                Vec::new()
            }
            Reply::Operation(detail) => {
                if let Some(page) = &mut self.operation {
                    page.take(*detail, &self.names);
                }
                Vec::new()
            }
            Reply::Past { image, .. } => {
                self.timeline.failure = None;
                self.timeline.asked = false;
                self.timeline.take(image.map(|image| *image));
                Vec::new()
            }
            Reply::Track(entries) => {
                if let Some(track) = &mut self.track {
                    entries.iter().for_each(|entry| track.take(entry));
                }
                Vec::new()
            }
            Reply::Stages(stages) => self.save(&stages),
            Reply::End { took } => self.end(slot, took),
            Reply::Failed { message, took } => {
                self.fail(slot, &message, took);
                Vec::new()
            }
        }
    }

    fn note(&mut self, slot: Slot, reply: &Reply) {
        let Some(asked) = self.asked.iter_mut().rev().find(|asked| asked.slot == slot) else { return };
        match reply {
            Reply::End { took } => asked.took = Some(*took),
            Reply::Failed { message, took } => {
                asked.took = Some(*took);
                asked.failure = Some(message.clone());
            }
            _ => asked.parts = asked.parts.saturating_add(1),
        }
    }

    fn events(&mut self, slot: Slot, number: usize, events: Vec<Event>) -> Vec<Effect> {
        match slot {
            Slot::Page => {
                if let Some(entities) = &mut self.entities {
                    entities.take(events);
                }
                return Vec::new();
            }
            Slot::Count => {
                if let Some(entities) = &mut self.entities {
                    entities.take_count(&events);
                }
                return Vec::new();
            }
            Slot::Counts => {
                if let Some(count) = entities::counted(&events) {
                    self.counts.insert(number, count);
                }
                return Vec::new();
            }
            Slot::Plan => {
                self.take_plan(&events);
                return Vec::new();
            }
            Slot::Past => {
                self.take_differences(&events);
                return Vec::new();
            }
            _ => {}
        }
        let mut effects = Vec::new();
        for event in events {
            effects.extend(self.event(slot, number, event));
        }
        effects
    }

    fn event(&mut self, slot: Slot, number: usize, event: Event) -> Vec<Effect> {
        match event {
            Event::Info(info) => {
                let first = self.info.is_none();
                let again = std::mem::take(&mut self.lost);
                let position = info.position;
                self.points.push_back((self.now, position.0));
                let surplus = self.points.len().saturating_sub(POINTS);
                self.points.drain(..surplus);
                self.info = Some(info);
                self.trouble = None;
                if again {
                    return self.follow_again(position, first);
                }
                if first {
                    return vec![self.follow_from_before(position)];
                }
            }
            Event::Catalog(catalog) => {
                self.names = Names::new(catalog);
                self.counts.clear();
                return self.ask_counts();
            }
            Event::LiveQueries(report) => self.live = report,
            Event::Indexes(indexes) => self.indexes = indexes,
            Event::Statistics(statistics) => self.statistics = Some(statistics),
            Event::Journal(lines) => self.journal.take(lines),
            Event::Links(links) => self.wire.links = Some(links),
            Event::Tap(frames) => self.wire.take(frames),
            Event::Fault(fault) => {
                if self.faults.len() < FAULTS {
                    self.faults.push(fault);
                }
            }
            Event::Aside { id, entity, reason, missing } => {
                let sets = [SetAside::Parked, SetAside::Refused, SetAside::Equivocal];
                if let Some(set) = sets.get(number).copied() {
                    self.aside.push(AsideRow { set, id, entity, reason, missing });
                }
            }
            Event::Log(entry) => return self.committed(entry),
            Event::Done(done) if slot == Slot::Write => {
                if let Outcome::Updated(count) = done.outcome {
                    let text = if count == 1 { "changed".to_owned() } else { format!("{count} changed") };
                    self.notice = Some((Role::Good, text));
                    self.stale = Stale { entity: true, rows: true, count: true };
                }
            }
            Event::Columns(_)
            | Event::Rows(_)
            | Event::Rejected(_)
            | Event::Live(_)
            | Event::Operation { .. }
            | Event::Dump(_)
            | Event::Heads(_)
            | Event::Values(_)
            | Event::Restored(_)
            | Event::Done(_)
            | Event::Failed(_) => {}
        }
        Vec::new()
    }

    /// Follows the change log, from a little before a position on.
    fn follow_from_before(&mut self, position: Position) -> Effect {
        let after = Position(position.0.saturating_sub(BEFORE));
        self.ask(Slot::Changes, "the change log", Ask::Events(Request::Log { after, follow: true }))
    }

    /// The node, at a position, answers again after the way to it broke: what was followed is followed again, and what
    /// happened meanwhile may concern everything that is shown.
    fn follow_again(&mut self, position: Position, first: bool) -> Vec<Effect> {
        let follow = match first {
            true => self.follow_from_before(position),
            false => {
                let after = self.changes.go_on(position);
                self.ask(Slot::Changes, "the change log", Ask::Events(Request::Log { after, follow: true }))
            }
        };
        let mut effects = vec![follow, self.ask(Slot::Catalog, "the catalog", Ask::Events(Request::Catalog))];
        if self.view == View::Peers {
            self.wire.stream.failure = None;
            effects.push(self.ask_tap());
        }
        for (slot, what, ask) in [live(), statistics()] {
            effects.push(self.ask(slot, what, ask));
        }
        self.notice = None;
        let listed = self.entities.is_some();
        self.stale = Stale { entity: self.subject.is_some(), rows: listed, count: listed };
        effects
    }

    /// A commit: what is shown may be out of date.
    fn committed(&mut self, entry: LogEntry) -> Vec<Effect> {
        let before = self.info.as_ref().is_some_and(|info| entry.position <= info.position);
        let chosen = self.subject.as_ref().map(|subject| subject.entity);
        let listed = self.entities.as_ref().map(|entities| entities.model.id);
        let mut catalog = false;
        for change in entry.changes.iter().filter(|_| !before) {
            self.stale.entity |= chosen == Some(EntityId(change.entity.0));
            self.stale.rows |= listed == Some(change.model);
            self.stale.count |= listed == Some(change.model);
            catalog |= is_reserved(change.model);
        }
        if let Some(track) = &mut self.track {
            track.follow(&entry);
        }
        self.changes.take(entry, &self.names);
        if catalog {
            return vec![self.ask(Slot::Catalog, "the catalog", Ask::Events(Request::Catalog))];
        }
        Vec::new()
    }

    /// Takes lines of a plan in.
    fn take_plan(&mut self, events: &[Event]) {
        for event in events {
            let Event::Rows(rows) = event else { continue };
            for row in rows.iter() {
                if let Some(ValueRef::String(text)) = row.iter().next() {
                    self.plan.lines.push(Line::new().data(Role::Text, text));
                }
            }
        }
    }

    /// Saves an entity as a script.
    fn save(&mut self, stages: &[Stage]) -> Vec<Effect> {
        let Some(script) = script(stages, &self.names) else {
            self.notice = Some((Role::Error, "the entity's model is not in the catalog".to_owned()));
            return Vec::new();
        };
        let entity = stages.last().map(|stage| stage.image.state.entity);
        let name = entity.map(|entity| short(entity.0).to_lowercase()).unwrap_or_default();
        self.notice = None;
        vec![Effect::Save { name: format!("entity-{name}.ank"), content: script }]
    }

    fn end(&mut self, slot: Slot, took: u64) -> Vec<Effect> {
        match slot {
            Slot::Page => {
                if let Some(entities) = &mut self.entities {
                    entities.finish(None);
                }
            }
            Slot::Entity => {
                if let Some(subject) = &mut self.subject {
                    subject.finish();
                }
                if self.view == View::Timeline && !self.whole {
                    if self.timeline.wanted.is_some() {
                        return self.go_where_wanted();
                    }
                    if self.timeline.at.is_some() {
                        return self.ask_point();
                    }
                }
            }
            Slot::Track => {
                if let Some(track) = &mut self.track {
                    track.whole = true;
                    track.settle();
                }
            }
            Slot::Past if self.course.asked => {
                self.course.asked = false;
                self.course.failure = None;
                self.course.differences = std::mem::take(&mut self.course.arriving);
            }
            Slot::Verify => self.verification = Verification::Done(took),
            Slot::Info
            | Slot::Catalog
            | Slot::Counts
            | Slot::Count
            | Slot::Operation
            | Slot::Past
            | Slot::Live
            | Slot::Changes
            | Slot::Aside
            | Slot::Indexes
            | Slot::Statistics
            | Slot::Plan
            | Slot::Journal
            | Slot::Links
            | Slot::Tap
            | Slot::Export
            | Slot::Write => {}
        }
        Vec::new()
    }

    fn fail(&mut self, slot: Slot, message: &str, took: u64) {
        let own = message.to_owned();
        match slot {
            Slot::Page => {
                if let Some(entities) = &mut self.entities {
                    entities.finish(Some(own));
                }
                return;
            }
            Slot::Entity => {
                if let Some(subject) = &mut self.subject {
                    subject.finish();
                    subject.failure = Some(own);
                }
                return;
            }
            Slot::Operation => {
                if let Some(page) = &mut self.operation {
                    page.failure = Some(own);
                }
                return;
            }
            Slot::Past if self.course.asked => {
                self.course.asked = false;
                self.course.failure = Some(own);
            }
            Slot::Past => {
                self.timeline.asked = false;
                self.timeline.failure = Some(own);
            }
            Slot::Track => {
                if let Some(track) = &mut self.track {
                    track.failure = Some(own);
                }
            }
            Slot::Plan => {
                self.plan.failure = Some(own);
                return;
            }
            Slot::Journal => {
                self.journal.stream.failure = Some(own);
                return;
            }
            Slot::Changes => {
                self.changes.stream.failure = Some(own);
                // A node that never told any of it, asked twice, refuses to.
                let again = self.changes.last() > Position(0) || !self.asked_twice;
                self.asked_twice = true;
                self.lost = again;
            }
            Slot::Tap => self.wire.stream.failure = Some(own),
            Slot::Verify => {
                let _ = took;
                self.verification = Verification::Failed(own);
            }
            Slot::Info => {
                self.trouble = Some(own);
                self.lost = true;
            }
            // What is wrong with a condition is said beside it.
            Slot::Count => return,
            Slot::Catalog
            | Slot::Counts
            | Slot::Live
            | Slot::Aside
            | Slot::Indexes
            | Slot::Statistics
            | Slot::Links
            | Slot::Export
            | Slot::Write => {}
        }
        // Once the way to the node is known to be broken, one that says so is enough.
        let asked_for =
            matches!(slot, Slot::Info | Slot::Changes | Slot::Write | Slot::Export | Slot::Verify);
        if self.lost && !asked_for {
            return;
        }
        self.notice = Some((Role::Error, format!("{}: {message}", slot.name())));
        self.noticed = Some(slot);
    }
}
