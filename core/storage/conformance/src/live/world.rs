//! A node whose data change at random, by statements, by another node and by refusals.

use std::sync::Arc;

use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::id::{EntityId, TransactionId};
use ankurah_core::node::ingest::Role;
use ankurah_core::node::protocol::{Connection, Event, Failure, Parameters, Request, SessionId};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::operation::{Decoded, Operation};
use ankurah_core::storage::{Durability, Engine, Position, memory};
use ankurah_core::value::Value;
use futures::StreamExt;
use futures::executor::block_on;

use crate::live::Dice;
use crate::live::question::WORDS;
use crate::live::schema::{Kind, Property, Schema, value};

pub(super) struct World {
    pub(super) node: Node,
    pub(super) fixed: FixedEnv,
    engine: Arc<dyn Engine>,
    connection: Arc<dyn Connection>,
    /// Another node with a store of its own, whose operations come late.
    elsewhere: Option<Box<World>>,
    sent: Position,
    schema: Schema,
    /// How many properties were added later.
    added: usize,
    /// Whether another session has a transaction open, while all else goes on.
    open: bool,
}

/// What a statement gave.
pub(super) type Found = Result<Vec<Vec<Value>>, Box<Failure>>;

impl World {
    pub(super) fn new(engine: Arc<dyn Engine>, seed: u64, schema: Schema) -> Self {
        let mut world = World::on(engine, seed, schema.clone());
        let fixed = FixedEnv::new(seed.wrapping_add(1_000_000));
        let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(fixed.env.random.as_ref())).unwrap());
        world.elsewhere = Some(Box::new(World::on(engine, seed.wrapping_add(1_000_000), schema)));
        world
    }

    fn on(engine: Arc<dyn Engine>, seed: u64, schema: Schema) -> Self {
        let fixed = FixedEnv::new(seed);
        let options = NodeOptions { durability: Durability::Buffered, ..NodeOptions::default() };
        let node = block_on(Node::open(Arc::clone(&engine), fixed.env.clone(), options)).unwrap();
        let connection = node.connect();
        let (elsewhere, sent, added, open) = (None, Position(0), 0, false);
        let world = World { node, fixed, engine, connection, elsewhere, sent, schema, added, open };
        for statement in world.schema.create() {
            world.run(&statement).unwrap_or_else(|failure| panic!("{statement}: {failure:?}"));
        }
        world
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn position(&self) -> Position {
        block_on(self.engine.view()).unwrap().position()
    }

    pub(super) fn ask(&self, request: Request) -> Vec<Event> {
        block_on(self.connection.request(request).collect())
    }

    pub(super) fn run(&self, statement: &str) -> Found {
        self.run_in(SessionId(1), statement)
    }

    fn run_in(&self, session: SessionId, statement: &str) -> Found {
        let (mut rows, parameters) = (Vec::new(), Parameters::default());
        let statement = statement.to_owned();
        for event in self.ask(Request::Execute { session, statement, parameters }) {
            match event {
                Event::Rows(more) => rows.extend(more),
                Event::Failed(failure) => return Err(Box::new(failure)),
                _ => {}
            }
        }
        Ok(rows)
    }

    fn ids(&self, model: &str) -> Vec<EntityId> {
        let id = |row: Vec<Value>| match row.first() {
            Some(Value::Ref(id)) => *id,
            other => panic!("{other:?}"),
        };
        self.run(&format!("select id from {model}")).unwrap().into_iter().map(id).collect()
    }

    /// Changes something.
    pub(super) fn change(&mut self, dice: &Dice) {
        match dice.below(18) {
            16 | 17 => self.write_beside(dice),
            0 => self.hear(dice),
            1 => self.refuse(dice),
            2 if dice.one_in(3) => self.alter(dice),
            2 | 3 => {
                let end = *dice.pick(&["commit", "rollback"]);
                let begin = if dice.one_in(2) { "begin" } else { "begin serializable" };
                self.run(begin).unwrap();
                for _ in 0..=dice.below(4) {
                    let statement = self.statement(dice);
                    if self.run(&statement).is_err() {
                        self.run("rollback").unwrap();
                        return;
                    }
                }
                self.run(end).unwrap();
            }
            _ => {
                let statement = self.statement(dice);
                if let Err(failure) = self.run(&statement) {
                    assert_eq!(failure.kind, "duplicate-key", "{statement}: {failure:?}");
                }
            }
        }
    }

    /// Goes on with a transaction of another session, which began some time ago: what it writes may concern entities that
    /// others have changed since.
    fn write_beside(&mut self, dice: &Dice) {
        let beside = SessionId(2);
        if !self.open {
            let begin = if dice.one_in(2) { "begin" } else { "begin serializable" };
            self.open = self.run_in(beside, begin).is_ok();
            return;
        }
        let ends = dice.one_in(3);
        let statement = if ends {
            (*dice.pick(&["commit", "commit", "rollback"])).to_owned()
        } else {
            self.statement(dice)
        };
        // It may be refused: entities are locked, a key is taken, what it read has changed.
        let done = self.run_in(beside, &statement);
        if ends || done.is_err() {
            self.open = false;
            // Nothing is open any more where it has ended.
            let _ = self.run_in(beside, "rollback");
        }
    }

    /// Changes what models there are.
    fn alter(&mut self, dice: &Dice) {
        let number = dice.place(self.schema.models.len());
        let model = &mut self.schema.models[number];
        let name = model.name.clone();
        let statement = if dice.one_in(3) && model.properties.len() > 3 {
            let at = 2 + dice.place(model.properties.len() - 2);
            let property = model.properties.remove(at);
            format!("alter model {name} drop property {}", property.name)
        } else {
            self.added += 1;
            let property = format!("added{}", self.added);
            model.properties.push(Property { name: property.clone(), kind: Kind::Int });
            format!("alter model {name} add property {property} i64")
        };
        self.run(&statement).unwrap_or_else(|failure| panic!("{statement}: {failure:?}"));
    }

    fn statement(&self, dice: &Dice) -> String {
        let model = dice.pick(&self.schema.models);
        let (name, number) = (&model.name, &model.properties[0].name);
        let some = || format!("{number} % {} = {}", 1 + dice.below(4), dice.below(3));
        let own = |property: &Property| self.value(dice, property.kind);
        let free: Vec<&Property> = model
            .properties
            .iter()
            .enumerate()
            .filter(|(at, _)| !(model.keyed && *at == 1))
            .map(|(_, p)| p)
            .collect();
        match dice.below(12) {
            0..=4 => {
                let names: Vec<&str> =
                    model.properties.iter().map(|property| property.name.as_str()).collect();
                let rows = (0..=dice.below(3)).map(|_| {
                    let values = model.properties.iter().enumerate().map(|(at, property)| {
                        if model.keyed && at == 1 { format!("'{}'", dice.pick(WORDS)) } else { own(property) }
                    });
                    format!("({})", values.collect::<Vec<_>>().join(", "))
                });
                let insert = if model.keyed && dice.one_in(2) { "upsert" } else { "insert" };
                // A key that comes twice in one statement is an error.
                let rows: Vec<String> = if model.keyed { rows.take(1).collect() } else { rows.collect() };
                format!("{insert} into {name} ({}) values {}", names.join(", "), rows.join(", "))
            }
            5 => format!("update {name} set {number} = {number} + 1 where {}", some()),
            6..=8 => {
                let property = *dice.pick(&free);
                format!("update {name} set {} = {} where {}", property.name, own(property), some())
            }
            9 => match free.iter().find(|property| property.kind == Kind::Text) {
                Some(text) => {
                    format!("edit {name}.{} append '{}' where {}", text.name, dice.pick(WORDS), some())
                }
                None => format!("update {name} set {number} = null where {number} = 1970"),
            },
            10 => format!("delete from {name} where {}", some()),
            _ => format!("restore {name} where {}", some()),
        }
    }

    /// A random value, as it is written.
    fn value(&self, dice: &Dice, kind: Kind) -> String {
        let Kind::Ref(to) = kind else { return value(dice, kind) };
        let ids = self.ids(&self.schema.models[to].name);
        if ids.is_empty() || dice.one_in(6) { "null".to_owned() } else { format!("@{}", dice.pick(&ids)) }
    }

    /// Takes in what the other node did meanwhile.
    fn hear(&mut self, dice: &Dice) {
        let Some(other) = &mut self.elsewhere else { return };
        for _ in 0..=dice.below(3) {
            let statement = other.statement(dice);
            let _ = other.run(&statement);
        }
        let view = block_on(other.engine.view()).unwrap();
        let entries = block_on(view.log(other.sent, usize::MAX)).unwrap();
        other.sent = view.position();
        let changes = entries.into_iter().flat_map(|entry| entry.changes);
        let ids = changes.flat_map(|change| change.operations.into_iter().map(move |id| (change.entity, id)));
        let bytes: Vec<Vec<u8>> = ids
            .filter_map(|(entity, id)| block_on(view.operation(entity, id)).unwrap())
            .map(|(_, operation)| operation.encode())
            .collect();
        block_on(self.node.ingest(&bytes, Role::Replica)).unwrap();
    }

    /// Refuses a transaction that was accepted, with all that descends from it.
    fn refuse(&self, dice: &Dice) {
        if let Some(transaction) = self.some_transaction(dice) {
            block_on(self.node.refuse(transaction, "it was not allowed")).unwrap();
        }
    }

    fn some_transaction(&self, dice: &Dice) -> Option<TransactionId> {
        let entities = self.ids(&dice.pick(&self.schema.models).name);
        if entities.is_empty() {
            return None;
        }
        let mut found = None;
        for event in self.ask(Request::Operations { entity: *dice.pick(&entities), after: None }) {
            if let Event::Operation { bytes, .. } = event
                && let Decoded::Known(operation) = Operation::decode(&bytes).unwrap()
            {
                found = operation.origin().map(|origin| origin.transaction).or(found);
            }
        }
        found
    }
}
