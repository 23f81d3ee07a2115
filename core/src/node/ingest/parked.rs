//! What is parked, in memory: enough to know what to try again when.

use std::collections::{BTreeMap, BTreeSet};

use crate::env::Clock;
use crate::id::{EntityId, OpId};
use crate::node::clock;
use crate::storage::{Position, ReadView, SetAside, StorageError};

use super::check::Lack;

/// A parked operation.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Its entity.
    pub(crate) entity: EntityId,
    /// Parents that it waits for; empty where it waits for something else.
    pub(crate) missing: Vec<OpId>,
    /// Whether it waits for the clock.
    pub(crate) clock: bool,
}

/// All parked operations of a store.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    waiting: BTreeMap<OpId, Waiting>,
    /// Who waits for an operation.
    by_missing: BTreeMap<OpId, BTreeSet<OpId>>,
    /// The state of the catalog when those that wait for it were looked at last.
    catalog: Option<Position>,
}

impl Parked {
    pub(crate) async fn load(view: &dyn ReadView) -> Result<Self, StorageError> {
        const PAGE: usize = 256;
        let mut parked = Parked::default();
        let mut after = OpId::MIN;
        loop {
            let page = view.set_aside(SetAside::Parked, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(parked) };
            after = last.id;
            for aside in page {
                let clock = aside.reason == Lack::Clock.to_string();
                parked.insert(aside.id, Waiting { entity: aside.entity, missing: aside.missing, clock });
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Those of an entity.
    pub(crate) fn waiting_in(&self, entity: EntityId) -> impl Iterator<Item = OpId> + '_ {
        self.waiting.iter().filter(move |(_, waiting)| waiting.entity == entity).map(|(id, _)| *id)
    }

    pub(crate) fn contains(&self, id: OpId) -> bool {
        self.waiting.contains_key(&id)
    }

    fn insert(&mut self, id: OpId, waiting: Waiting) {
        self.remove(id);
        for missing in &waiting.missing {
            self.by_missing.entry(*missing).or_default().insert(id);
        }
        self.waiting.insert(id, waiting);
    }

    fn remove(&mut self, id: OpId) {
        for missing in self.waiting.remove(&id).into_iter().flat_map(|waiting| waiting.missing) {
            if let Some(waiters) = self.by_missing.get_mut(&missing) {
                waiters.remove(&id);
                if waiters.is_empty() {
                    self.by_missing.remove(&missing);
                }
            }
        }
    }

    /// Takes in what a commit did.
    pub(crate) fn update(&mut self, parked: BTreeMap<OpId, Waiting>, taken: &BTreeSet<OpId>) {
        for (id, waiting) in parked {
            self.insert(id, waiting);
        }
        taken.iter().for_each(|id| self.remove(*id));
    }

    /// Those that wait for the catalog were looked at when it was as at `position`.
    pub(crate) fn looked_at(&mut self, position: Position) {
        self.catalog = Some(position);
    }

    /// What to try again: those whose time has come, and, if the catalog has changed, those that wait for it.
    pub(crate) fn due(&self, catalog: Position, wall: &dyn Clock) -> BTreeSet<OpId> {
        let changed = self.catalog != Some(catalog);
        let is_due = |id: &OpId, waiting: &Waiting| match waiting.clock {
            true => !clock::is_ahead(id.stamp(), wall),
            false => changed && waiting.missing.is_empty(),
        };
        self.waiting.iter().filter(|(id, waiting)| is_due(id, waiting)).map(|(id, _)| *id).collect()
    }

    /// What to try again since `accepted` were, and perhaps the catalog changed with them.
    pub(crate) fn freed(
        &self,
        accepted: &BTreeSet<OpId>,
        catalog: bool,
        taken: &BTreeSet<OpId>,
    ) -> BTreeSet<OpId> {
        let mut freed: BTreeSet<OpId> =
            accepted.iter().filter_map(|id| self.by_missing.get(id)).flatten().copied().collect();
        if catalog && !accepted.is_empty() {
            let others = self.waiting.iter().filter(|(_, waiting)| waiting.missing.is_empty());
            freed.extend(others.filter(|(_, waiting)| !waiting.clock).map(|(id, _)| *id));
        }
        freed.retain(|id| !taken.contains(id));
        freed
    }

    /// Those that wait for keyed geneses, which may come to be here without coming from outside, by genesis.
    pub(crate) fn keyed(&self) -> impl Iterator<Item = (EntityId, OpId)> + '_ {
        // A keyed genesis has the name of its entity, and no time.
        self.by_missing.keys().take_while(|id| id.stamp().millis() == 0).map(|id| (EntityId(*id), *id))
    }

    /// The operations that are waited for and not parked themselves.
    pub(crate) fn missing(&self, limit: usize) -> Vec<(EntityId, OpId)> {
        let entity_of = |waiters: &BTreeSet<OpId>| {
            waiters.first().and_then(|waiter| self.waiting.get(waiter)).map(|waiting| waiting.entity)
        };
        self.by_missing
            .iter()
            .filter(|(id, _)| !self.waiting.contains_key(id))
            .filter_map(|(id, waiters)| Some((entity_of(waiters)?, *id)))
            .take(limit)
            .collect()
    }
}
