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

pub(super) struct World {
    pub(super) node: Node,
    pub(super) fixed: FixedEnv,
    engine: Arc<dyn Engine>,
    connection: Arc<dyn Connection>,
    /// Another node with a store of its own, whose operations come late.
    elsewhere: Option<Box<World>>,
    sent: Position,
}

/// What a statement gave.
pub(super) type Found = Result<Vec<Vec<Value>>, Box<Failure>>;

const MODELS: &str = "create model country (code string key, big bool);
    create model artist (name string, born i64, home ref(country));
    create model album (title string, year i64, rating f64, price decimal, live bool, note text, cover bytes,
        made timestamp, data json, artist ref(artist))";

impl World {
    pub(super) fn new(engine: Arc<dyn Engine>, seed: u64) -> Self {
        let mut world = World::on(engine, seed);
        let fixed = FixedEnv::new(seed.wrapping_add(1_000_000));
        let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(fixed.env.random.as_ref())).unwrap());
        world.elsewhere = Some(Box::new(World::on(engine, seed.wrapping_add(1_000_000))));
        world
    }

    fn on(engine: Arc<dyn Engine>, seed: u64) -> Self {
        let fixed = FixedEnv::new(seed);
        let options = NodeOptions { durability: Durability::Buffered, ..NodeOptions::default() };
        let node = block_on(Node::open(Arc::clone(&engine), fixed.env.clone(), options)).unwrap();
        let connection = node.connect();
        let world = World { node, fixed, engine, connection, elsewhere: None, sent: Position(0) };
        for statement in MODELS.split(';') {
            world.run(statement).unwrap();
        }
        world
    }

    pub(super) fn position(&self) -> Position {
        block_on(self.engine.view()).unwrap().position()
    }

    pub(super) fn ask(&self, request: Request) -> Vec<Event> {
        block_on(self.connection.request(request).collect())
    }

    pub(super) fn run(&self, statement: &str) -> Found {
        let mut rows = Vec::new();
        let (session, parameters) = (SessionId(1), Parameters::default());
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
        match dice.below(14) {
            0 => self.hear(dice),
            1 => self.refuse(dice),
            2 => {
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

    fn statement(&self, dice: &Dice) -> String {
        let some = || format!("year % {} = {}", 1 + dice.below(4), dice.below(3));
        match dice.below(16) {
            0..=4 => format!(
                "insert into album (title, year, rating, price, live, note, cover, made, data, artist) values \
                 ({}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
                word(dice),
                number(dice),
                dice.pick(&["null", "1.5", "0.1", "0.2", "1e300", "cast('NaN' as f64)"]),
                dice.pick(&["null", "9.99", "1.1", "100"]),
                dice.pick(&["true", "false", "null"]),
                word(dice),
                dice.pick(&["null", "x'00ff'", "x''"]),
                dice.pick(&["null", "timestamp '1971-01-01 00:00:00'", "timestamp '1972-02-02 00:00:00'"]),
                dice.pick(&["null", "json '{\"label\":\"a\"}'", "json '{\"label\":null}'", "json '[1]'"]),
                self.reference(dice, "artist"),
            ),
            5 | 6 => format!(
                "insert into artist (name, born, home) values ({}, {}, {})",
                word(dice),
                number(dice),
                self.reference(dice, "country")
            ),
            7 => format!(
                "upsert into country (code, big) values ('{}', {})",
                dice.pick(WORDS),
                dice.pick(&["true", "false"])
            ),
            8 => format!("update album set year = year + 1 where {}", some()),
            9 => format!(
                "update album set title = {}, rating = {} where {}",
                word(dice),
                dice.pick(&["2", "null"]),
                some()
            ),
            10 => format!(
                "update artist set name = {}, home = {} where born < {}",
                word(dice),
                self.reference(dice, "country"),
                number(dice)
            ),
            11 => format!("update album set artist = {} where {}", self.reference(dice, "artist"), some()),
            12 => format!("edit album.note append {} where {}", word(dice).replace("null", "'z'"), some()),
            13 => format!(
                "delete from {}",
                dice.pick(&["album where year % 3 = 1", "artist where born % 3 = 1", "country where big"])
            ),
            14 => format!("restore {}", dice.pick(&["album where year % 2 = 1", "artist", "country"])),
            _ => format!("update country set big = {}", dice.pick(&["true", "not big", "null"])),
        }
    }

    fn reference(&self, dice: &Dice, model: &str) -> String {
        let ids = self.ids(model);
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
        let albums = self.ids("album");
        if albums.is_empty() {
            return None;
        }
        let mut found = None;
        for event in self.ask(Request::Operations { entity: *dice.pick(&albums), after: None }) {
            if let Event::Operation { bytes, .. } = event
                && let Decoded::Known(operation) = Operation::decode(&bytes).unwrap()
            {
                found = operation.origin().map(|origin| origin.transaction).or(found);
            }
        }
        found
    }
}

fn word(dice: &Dice) -> String {
    if dice.one_in(5) { "null".to_owned() } else { format!("'{}'", dice.pick(WORDS)) }
}

fn number(dice: &Dice) -> String {
    match dice.below(6) {
        0 => "null".to_owned(),
        1 => dice.below(4).to_string(),
        _ => (1969 + dice.below(8)).to_string(),
    }
}
