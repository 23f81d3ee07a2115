//! How many entities the models of a store have.

use super::record::Count;
use crate::id::ModelId;

/// Counts by model, ascending. A commit makes a copy of all, and most stores have few models.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(Vec<(ModelId, Count)>);

impl Counts {
    fn place(&self, model: ModelId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&model, |(model, _)| *model)
    }

    pub(super) fn get(&self, model: ModelId) -> Option<&Count> {
        let place = self.place(model).ok()?;
        self.0.get(place).map(|(_, count)| count)
    }

    /// Changes the count of a model, which begins with nothing.
    pub(super) fn change(&mut self, model: ModelId, change: impl FnOnce(&mut Count)) {
        let place = self.place(model).unwrap_or_else(|place| {
            self.0.insert(place, (model, Count::default()));
            place
        });
        if let Some((_, count)) = self.0.get_mut(place) {
            change(count);
        }
    }

    /// Entities of all models that are not deleted, and those that are.
    pub(super) fn total(&self) -> (u64, u64) {
        self.0.iter().fold((0, 0), |(live, deleted), (_, count)| {
            (count.live.saturating_add(live), count.deleted.saturating_add(deleted))
        })
    }

    pub(super) fn models(&self) -> impl Iterator<Item = ModelId> + '_ {
        self.0.iter().map(|(model, _)| *model)
    }
}
