//! Entities, operations and batches to store.

use std::collections::BTreeMap;
use std::sync::Arc;

use ankurah_core::catalog::reserved::DELETED;
use ankurah_core::dag::{Head, RunStart, VersionVector};
use ankurah_core::entity::State;
use ankurah_core::id::{ActorId, Author, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use ankurah_core::operation::{Change, Leaf, Operation, Origin};
use ankurah_core::property::Lww;
use ankurah_core::storage::{Batch, Position, StateWrite};
use ankurah_core::value::Value;
use yrs::{GetString, ReadTxn, Text, Transact};

/// A small reproducible generator (Steele et al., SplitMix64, 2014).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// The model with this number.
pub fn model(number: u64) -> ModelId {
    ModelId(OpId::new(Stamp::from_millis(0), number + 1))
}

/// The property with this number.
pub fn property(number: u64) -> PropertyId {
    PropertyId(OpId::new(Stamp::from_bits(1), number + 1))
}

/// A string value.
pub fn text(value: &str) -> Value {
    Value::String(value.into())
}

/// A writer of operations, with its own clock.
#[derive(Debug)]
pub struct Writer {
    actor: ActorId,
    sequence: u64,
    stamp: u64,
}

impl Writer {
    /// Writer number `number`: writers with different numbers make different operations.
    pub fn new(number: u64) -> Self {
        Writer { actor: ActorId::new(number + 1), sequence: 0, stamp: (1 << 30) + (number << 20) }
    }

    fn origin(&mut self) -> (Stamp, Origin) {
        self.sequence += 1;
        self.stamp += 1;
        let origin = Origin {
            actor: self.actor,
            sequence: self.sequence,
            author: Author([7; 16]),
            transaction: TransactionId(u128::from(self.stamp)),
        };
        (Stamp::from_bits(self.stamp), origin)
    }

    /// The creation of an entity: what a batch needs.
    pub fn create(&mut self, model: ModelId, values: &[(PropertyId, Value)]) -> Write {
        let (stamp, origin) = self.origin();
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.stamp.to_be_bytes());
        let operation = Operation::genesis(model, stamp, nonce, origin, leaves(values), [1; 16]).unwrap();
        let entity = operation.entity();
        let state = State {
            entity,
            model,
            position: Position(0),
            head: Head::default(),
            base: None,
            registers: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        self.write(state, operation)
    }

    /// A change of an entity.
    pub fn edit(&mut self, state: &State, values: &[(PropertyId, Value)]) -> Write {
        self.change(state, leaves(values))
    }

    /// A change of a text: `update` is one yrs update.
    pub fn edit_text(&mut self, state: &State, property: PropertyId, update: Vec<u8>) -> Write {
        let mut write = self.change(state, vec![Leaf { property, change: Change::Text(update.into()) }]);
        write.state.texts.entry(property).or_default().tail += 1;
        write
    }

    fn change(&mut self, state: &State, leaves: Vec<Leaf>) -> Write {
        let (stamp, origin) = self.origin();
        let parents = state.head.links().to_vec();
        let greatest = state.head.links().iter().map(|link| link.id.stamp()).max().unwrap_or_default();
        self.stamp = self.stamp.max(greatest.bits() + 1);
        let stamp = stamp.max(Stamp::from_bits(self.stamp));
        let operation =
            Operation::edit(state.entity, state.model, stamp, origin, parents, leaves, [2; 16]).unwrap();
        self.write(state.clone(), operation)
    }

    fn write(&self, old: State, operation: Operation) -> Write {
        let mut state = old.clone();
        state.head = Head::of([operation.link()]);
        for leaf in operation.leaves() {
            if let Change::Set(value) = &leaf.change {
                let register = Lww { value: value.clone(), winner: operation.id() };
                state.registers.insert(leaf.property, register);
            }
        }
        let mut vector = VersionVector::new();
        vector.raise(self.actor, self.sequence);
        let run = RunStart { entity: state.entity, first: operation.link(), vector };
        Write { expected: old.head, state, operation: Arc::new(operation), run }
    }
}

fn leaves(values: &[(PropertyId, Value)]) -> Vec<Leaf> {
    let leaf = |(property, value): &(PropertyId, Value)| Leaf {
        property: *property,
        change: Change::Set(value.clone()),
    };
    values.iter().map(leaf).collect()
}

/// One operation and the state that it leads to.
#[derive(Clone, Debug)]
pub struct Write {
    /// The head that it builds on.
    pub expected: Head,
    /// The state after it.
    pub state: State,
    /// The operation.
    pub operation: Arc<Operation>,
    /// The run that it starts.
    pub run: RunStart,
}

impl Write {
    /// The entity.
    pub fn entity(&self) -> EntityId {
        self.state.entity
    }

    /// A batch of this alone.
    pub fn batch(&self) -> Batch {
        batch(std::slice::from_ref(self))
    }
}

/// A batch of writes to different entities.
pub fn batch(writes: &[Write]) -> Batch {
    Batch {
        operations: writes.iter().map(|write| write.operation.clone()).collect(),
        runs: writes.iter().map(|write| write.run.clone()).collect(),
        states: writes
            .iter()
            .map(|write| StateWrite { expected: write.expected.clone(), state: write.state.clone() })
            .collect(),
        ..Batch::default()
    }
}

/// The creation of an entity that is named by a key.
pub fn keyed(model: ModelId, key: &[(PropertyId, Value)]) -> Batch {
    let operation = Operation::keyed_genesis(model, key.to_vec()).unwrap();
    let state = State::begin(&operation).unwrap();
    Batch {
        operations: vec![Arc::new(operation)],
        states: vec![StateWrite { expected: Head::default(), state }],
        ..Batch::default()
    }
}

/// The values that mark an entity as deleted or not.
pub fn deleted(value: bool) -> (PropertyId, Value) {
    (*DELETED, Value::Bool(value))
}

/// Someone who types into a text and hands out one update for each change.
pub struct Typist(yrs::Doc);

impl Default for Typist {
    fn default() -> Self {
        Self::new()
    }
}

impl Typist {
    /// At an empty text.
    pub fn new() -> Self {
        Typist(yrs::Doc::with_client_id(1))
    }

    /// Adds to the end. Gives the update.
    pub fn append(&mut self, added: &str) -> Vec<u8> {
        let text = self.0.get_or_insert_text("t");
        let mut transaction = self.0.transact_mut();
        let end = text.len(&transaction);
        text.insert(&mut transaction, end, added);
        transaction.encode_update_v1()
    }

    /// The text so far.
    pub fn text(&self) -> String {
        let text = self.0.get_or_insert_text("t");
        text.get_string(&self.0.transact())
    }

    /// The whole document as one update.
    pub fn snapshot(&self) -> Vec<u8> {
        self.0.transact().encode_state_as_update_v1(&yrs::StateVector::default())
    }
}
