//! A transaction: a view, and what is written on it.

use std::sync::{Arc, Mutex};

use super::Inner;
use super::draft::{Birth, Draft, Pending, Splice, TextDraft};
use super::failure::{Outcome, failure};
use super::overlay::{Overlay, ReadSet, Reads, note_entities};
use crate::catalog::{Catalog, reserved};
use crate::entity::State;
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::query::{BoundSelect, Lookups, Source};
use crate::storage::{ReadView, SetAside};

/// How a transaction deals with what others commit meanwhile. All of them read at one position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// It is not committed if an entity that it writes has changed: whoever began it runs it again on what is
    /// there now. So are statements run that are not in a transaction, and an increment is never lost.
    #[default]
    Snapshot,
    /// Its operations follow what it saw; they fork from what came meanwhile, and merge.
    Merge,
    /// It is not committed if anything that it read has changed.
    Serializable,
}

/// An open transaction. Dropping it forgets what it wrote. See `Node::begin`.
pub struct Transaction {
    pub(crate) node: Arc<Inner>,
    pub(crate) view: Arc<dyn ReadView>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) isolation: Isolation,
    pub(crate) draft: Arc<Draft>,
    pub(crate) reads: Reads,
    /// Operations that leave a set with the commit.
    pub(crate) take_back: Vec<(SetAside, OpId)>,
}

impl Transaction {
    pub(crate) async fn begin(node: &Arc<Inner>, isolation: Isolation) -> Outcome<Self> {
        let view = node.engine.view().await?;
        let catalog = node.catalog_at(view.as_ref()).await?;
        let reads = (isolation == Isolation::Serializable).then(|| Arc::new(Mutex::new(ReadSet::default())));
        Ok(Transaction {
            node: Arc::clone(node),
            view,
            catalog,
            isolation,
            draft: Arc::new(Draft::default()),
            reads,
            take_back: Vec::new(),
        })
    }

    /// What queries read.
    pub(crate) fn source(&self) -> Arc<dyn Source> {
        Arc::new(Overlay {
            view: Arc::clone(&self.view),
            draft: Arc::clone(&self.draft),
            reads: self.reads.clone(),
        })
    }

    /// What a query of this transaction can use: not the indexes of models that it has written. New entities
    /// that it has written are named by the key that its catalog knows.
    pub(crate) fn lookups(&self, select: &BoundSelect) -> Lookups {
        // What is found there is what is.
        if select.is_past() {
            return Lookups::default();
        }
        let mut lookups = Lookups::of(self.view.as_ref(), select);
        if lookups.indexes.iter().any(|index| self.draft.touches(index.definition.model)) {
            Arc::make_mut(&mut lookups.indexes).retain(|index| !self.draft.touches(index.definition.model));
        }
        lookups
    }

    /// The entity as the transaction has it so far, ready to be changed; `None` where it does not exist.
    pub(crate) async fn pending(&self, model: ModelId, entity: EntityId) -> Outcome<Option<Pending>> {
        if let Some(pending) = self.draft.get(entity) {
            return Ok(Some(Pending::clone(pending)));
        }
        note_entities(&self.reads, [entity]);
        let state = self.view.state(model, entity).await?;
        Ok(state.map(|state| Pending::existing(Arc::new(state))))
    }

    /// A new entity without a key.
    pub(crate) fn new_plain(&self, model: ModelId) -> Outcome<(EntityId, Pending)> {
        let stamp = self.node.clock.next(self.node.env.clock.as_ref())?;
        let mut nonce = [0; 16];
        self.node.env.random.fill(&mut nonce);
        let entity = crate::operation::Operation::genesis_id(model, stamp, nonce);
        Ok((entity, Pending::new(model, Birth::Plain { stamp, nonce })))
    }

    /// Takes in what a statement changed, all at once, so that a statement that fails or is cancelled leaves
    /// nothing behind.
    pub(crate) async fn apply(&mut self, changes: Vec<(EntityId, Pending)>) -> Outcome<()> {
        let limit = self.node.options.limits.transaction_entities;
        if self.draft.len().saturating_add(changes.len()) > limit {
            return Err(failure("too-large", format!("a transaction writes at most {limit} entities")));
        }
        let defines = changes.iter().any(|(_, pending)| reserved::is_reserved(pending.model));
        let draft = Arc::make_mut(&mut self.draft);
        for (entity, pending) in changes {
            draft.put(entity, pending);
        }
        if defines {
            self.catalog = Arc::new(Box::pin(self.own_catalog()).await?);
        }
        Ok(())
    }

    /// The catalog with the transaction's own definitions.
    async fn own_catalog(&self) -> Outcome<Catalog> {
        let mut states: Vec<State> = Catalog::states(self.view.as_ref()).await?;
        states.retain(|state| self.draft.get(state.entity).is_none());
        for model in [*reserved::MODEL, *reserved::PROPERTY] {
            let own = self.draft.of_model(model, None);
            states.extend(own.map(|(entity, pending)| pending.provisional(entity)));
        }
        Ok(Catalog::from_states(self.view.position(), &states))
    }
}

/// Makes a text read as `text`, leaving a common beginning and end in place. `now` is what it reads as, where
/// the transaction has not changed it yet.
pub(crate) fn set_text(pending: &mut Pending, property: PropertyId, now: &str, text: &Arc<str>) {
    let mut draft = pending
        .texts
        .remove(&property)
        .unwrap_or_else(|| TextDraft { text: Arc::from(now), splices: Vec::new() });
    let old: Vec<char> = draft.text.chars().collect();
    let new: Vec<char> = text.chars().collect();
    let prefix = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()).saturating_sub(prefix);
    let suffix = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let insert: String =
        new.iter().skip(prefix).take(new.len().saturating_sub(prefix).saturating_sub(suffix)).collect();
    let delete = old.len().saturating_sub(prefix).saturating_sub(suffix);
    if delete > 0 || !insert.is_empty() {
        draft.splices.push(Splice { at: prefix, delete, insert: Arc::from(insert) });
        draft.text = Arc::clone(text);
    }
    // An empty text is not null: where there was none, it is written though nothing is in it.
    if !draft.splices.is_empty() || !pending.has_stored_text(property) {
        pending.texts.insert(property, draft);
    }
}
