//! What an entity's operations give.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ankurah_core::entity::State;
use ankurah_core::id::{ActorId, EntityId, OpId, PropertyId};
use ankurah_core::operation::{Change, Operation};
use ankurah_core::property::text::TextDocument;
use ankurah_core::storage::Position;

use crate::message::Image;

/// Operations between two marks, at least.
const SPACING: u64 = 256;

/// An entity, operation after operation in the order of ids.
#[derive(Default)]
pub(super) struct Replay {
    state: Option<State>,
    texts: BTreeMap<PropertyId, (TextDocument, OpId)>,
    operations: u64,
    last: Option<OpId>,
    /// The greatest position of an operation.
    position: Position,
    /// Bytes of text updates.
    bytes: usize,
}

impl Replay {
    /// Applies the next operation.
    pub(super) fn take(&mut self, operation: &Operation, position: Position) -> Result<(), String> {
        let id = operation.id();
        let failed = |error: &dyn std::fmt::Display| format!("operation {id} cannot be applied: {error}");
        match &mut self.state {
            Some(state) => state.apply(operation).map_err(|error| failed(&error))?,
            None => self.state = Some(State::begin(operation).map_err(|error| failed(&error))?),
        }
        for leaf in operation.leaves() {
            if let Change::Text(update) = &leaf.change {
                let text = self.texts.entry(leaf.property);
                let (document, last) = text.or_insert_with(|| (TextDocument::new(ActorId::new(0)), id));
                document.apply(update).map_err(|error| failed(&error))?;
                *last = id;
                self.bytes = self.bytes.saturating_add(update.len());
            }
        }
        self.operations = self.operations.saturating_add(1);
        self.last = Some(id);
        self.position = self.position.max(position);
        Ok(())
    }

    /// The last operation.
    pub(super) fn last(&self) -> Option<OpId> {
        self.last
    }

    /// The entity now; `None` before its beginning.
    pub(super) fn image(&mut self) -> Option<Image> {
        let state = self.state.clone()?;
        let texts =
            self.texts.iter_mut().map(|(property, (document, last))| (*property, document.text(), *last));
        Some(Image { state, texts: texts.collect(), operations: self.operations })
    }
}

/// Where a replay can go on from.
struct Mark {
    state: State,
    texts: Vec<(PropertyId, Vec<u8>, OpId)>,
    operations: u64,
    last: OpId,
    position: Position,
    bytes: usize,
}

impl Mark {
    fn of(replay: &Replay) -> Option<Self> {
        let texts = replay
            .texts
            .iter()
            .map(|(property, (document, last))| Some((*property, document.snapshot().ok()?, *last)));
        Some(Mark {
            state: replay.state.clone()?,
            texts: texts.collect::<Option<_>>()?,
            operations: replay.operations,
            last: replay.last?,
            position: replay.position,
            bytes: replay.bytes,
        })
    }

    fn size(&self) -> usize {
        self.texts.iter().map(|(_, snapshot, _)| snapshot.len()).sum()
    }

    fn replay(&self) -> Result<Replay, String> {
        let mut texts = BTreeMap::new();
        for (property, snapshot, last) in &self.texts {
            let document = TextDocument::load(ActorId::new(0), Some(snapshot), []);
            texts.insert(*property, (document.map_err(|error| error.to_string())?, *last));
        }
        Ok(Replay {
            state: Some(self.state.clone()),
            texts,
            operations: self.operations,
            last: Some(self.last),
            position: self.position,
            bytes: self.bytes,
        })
    }
}

/// The marks of one entity.
pub(super) struct Marks {
    entity: EntityId,
    marks: Vec<Mark>,
}

impl Marks {
    /// Makes a mark where the last one is far enough back: so many operations, and text updates of a size with the
    /// texts themselves, so that all marks together take a few times what the operations do.
    pub(super) fn note(&mut self, replay: &Replay) {
        let (operations, bytes, size) =
            self.marks.last().map_or((0, 0, 0), |last| (last.operations, last.bytes, last.size()));
        let far = replay.operations.saturating_sub(operations) >= SPACING
            && replay.bytes.saturating_sub(bytes) >= size / 2;
        if far {
            self.marks.extend(Mark::of(replay));
        }
    }
}

/// The marks of the entity that was read last.
#[derive(Clone, Default)]
pub struct Replays(Arc<Mutex<Option<Arc<Marks>>>>);

impl Replays {
    pub(super) fn begin(&self, entity: EntityId) -> Marks {
        Marks { entity, marks: Vec::new() }
    }

    pub(super) fn keep(&self, marks: Marks) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(marks));
    }

    /// A replay as near to its end as there is a mark: of operations up to `upto`, all of them accepted at `position`
    /// or before, and below `below`.
    pub(super) fn from(
        &self,
        entity: EntityId,
        upto: OpId,
        position: Option<Position>,
        below: Option<OpId>,
    ) -> Result<Replay, String> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(marks) = marks.filter(|marks| marks.entity == entity) else { return Ok(Replay::default()) };
        let usable = marks.marks.iter().take_while(|mark| {
            mark.last <= upto
                && position.is_none_or(|position| mark.position <= position)
                && below.is_none_or(|below| mark.last < below)
        });
        usable.last().map_or_else(|| Ok(Replay::default()), Mark::replay)
    }
}
