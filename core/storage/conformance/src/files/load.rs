//! A load on a node that can be worked out again: what each writer does follows from a seed and what it has done.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah_core::node::{Node, NodeError, NodeOptions};
use ankurah_core::storage::{Durability, StorageError};
use ankurah_core::value::Value;
use futures::StreamExt;
use futures::executor::block_on;

use super::{Embedded, Mode};
use crate::data::Dice;

/// How many write at the same time.
pub(super) const WRITERS: u64 = 4;
const DEFINE: &str = "create model if not exists item (name string key, n i64, note text)";

/// The items of a store by name: number and note.
pub(super) type Items = BTreeMap<String, (i64, String)>;

/// The name of an item says who writes it, so that writers do not meet.
fn prefix(writer: u64) -> String {
    format!("{writer}-")
}

/// What one writer does, step by step.
#[derive(Clone, Debug)]
pub(super) struct Script {
    dice: Dice,
    writer: u64,
    /// Counts steps over all rounds: numbers and names are never used again.
    next: i64,
    items: Items,
}

impl Script {
    /// What a writer does in a round, where the store holds `items`.
    pub(super) fn new(seed: u64, round: u64, writer: u64, items: &Items) -> Self {
        let own = items.iter().filter(|(name, _)| name.starts_with(&prefix(writer)));
        Script {
            dice: Dice::new(seed ^ (round << 20) ^ (writer << 56)),
            writer,
            next: i64::try_from(round).unwrap() * 1_000_000,
            items: own.map(|(name, item)| (name.clone(), item.clone())).collect(),
        }
    }

    /// What the writer's items are after the steps so far.
    pub(super) fn items(&self) -> &Items {
        &self.items
    }

    /// The statements of the next step, which happens whole or not at all.
    pub(super) fn step(&mut self) -> Vec<String> {
        self.next += 1;
        if self.items.len() < 3 {
            return vec![self.insert()];
        }
        match self.dice.below(12) {
            0..=1 => vec![self.insert()],
            2..=4 => vec![self.update()],
            5..=8 => vec![self.append()],
            9 if self.items.len() > 40 => vec![self.delete()],
            _ => {
                let mut all = vec!["begin".to_owned(), self.insert()];
                for _ in 0..1 + self.dice.below(4) {
                    all.push(match self.dice.below(3) {
                        0 => self.append(),
                        _ => self.update(),
                    });
                }
                all.push("commit".to_owned());
                all
            }
        }
    }

    /// Some words.
    fn words(&mut self, most: usize) -> String {
        let word = |dice: &mut Dice| ["some ", "words ", "of a note ", "äöü "][dice.below(4)];
        (0..=self.dice.below(most)).map(|_| word(&mut self.dice)).collect()
    }

    fn pick(&mut self) -> String {
        let at = self.dice.below(self.items.len());
        self.items.keys().nth(at).unwrap().clone()
    }

    fn insert(&mut self) -> String {
        let (number, note) = (self.next, self.words(200));
        let name = format!("{}{number}", prefix(self.writer));
        let statement = format!("insert into item (name, n, note) values ('{name}', {number}, '{note}')");
        self.items.insert(name, (number, note));
        statement
    }

    fn update(&mut self) -> String {
        let name = self.pick();
        self.items.get_mut(&name).unwrap().0 = self.next;
        format!("update item set n = {} where name = '{name}'", self.next)
    }

    fn append(&mut self) -> String {
        let (name, added) = (self.pick(), self.words(20));
        let note = &mut self.items.get_mut(&name).unwrap().1;
        if note.len() > 4000 {
            note.clone_from(&added);
            return format!("update item set note = '{added}' where name = '{name}'");
        }
        note.push_str(&added);
        format!("edit item.note append '{added}' where name = '{name}'")
    }

    fn delete(&mut self) -> String {
        let name = self.pick();
        self.items.remove(&name);
        format!("delete from item where name = '{name}'")
    }
}

/// A node on a store.
#[derive(Clone)]
pub(super) struct Server {
    node: Node,
    env: FixedEnv,
}

impl Server {
    /// Opens a store. Its randomness follows from `seed`, which must not be used twice for one store.
    pub(super) fn open(engine: &Embedded, path: &Path, mode: Mode, seed: u64) -> Result<Self, StorageError> {
        let env = FixedEnv::new(seed);
        let options = NodeOptions {
            read_only: mode.read_only,
            durability: Durability::Synced,
            ..NodeOptions::default()
        };
        let node = block_on(Node::open((engine.open)(path, mode)?, env.env.clone(), options));
        match node {
            Ok(node) => Ok(Server { node, env }),
            Err(NodeError::Storage(error)) => Err(error),
            Err(error) => {
                Err(StorageError::Damaged { what: "the store".to_owned(), message: error.to_string() })
            }
        }
    }

    pub(super) fn close(&self) -> Result<(), StorageError> {
        block_on(self.node.close())
    }

    fn ask(&self, request: Request) -> Result<Vec<Event>, String> {
        let mut all: Vec<Event> = block_on(self.node.connect().request(request).collect());
        match all.pop() {
            Some(Event::Done(_)) => Ok(all),
            Some(Event::Failed(failure)) => Err(failure.message),
            other => panic!("an answer that ends with {other:?}"),
        }
    }

    fn execute(&self, session: u64, statement: &str) -> Result<Vec<Event>, String> {
        let (session, statement) = (SessionId(session), statement.to_owned());
        self.ask(Request::Execute { session, statement, parameters: Parameters::default() })
    }

    /// Defines the model of the items.
    pub(super) fn define(&self) -> Result<(), String> {
        self.execute(100, DEFINE).map(|_| ())
    }

    /// Makes an item with a note of half a megabyte.
    pub(super) fn insert_long(&self, name: &str) -> Result<(), String> {
        let note = "a long note ".repeat(40_000);
        let statement = format!("insert into item (name, n, note) values ('{name}', 0, '{note}')");
        self.execute(100, &statement).map(|_| ())
    }

    /// All items.
    pub(super) fn items(&self) -> Result<Items, String> {
        let mut items = Items::new();
        for event in self.execute(100, "select name, n, note from item")? {
            let Event::Rows(rows) = event else { continue };
            for row in rows {
                let [Value::String(name), Value::Int(number), Value::String(note)] = &row[..] else {
                    return Err(format!("a row {row:?}"));
                };
                items.insert(name.to_string(), (*number, note.to_string()));
            }
        }
        Ok(items)
    }

    /// What checking the whole store finds.
    pub(super) fn faults(&self) -> Result<Vec<String>, String> {
        let faults = self.ask(Request::Verify)?.into_iter().filter_map(|event| match event {
            Event::Fault(fault) => Some(format!("{}: {}", fault.record, fault.message)),
            _ => None,
        });
        Ok(faults.collect())
    }

    /// Lets every writer do its steps, `most` of them or until one fails, all at the same time; `done` is told of each
    /// that was acknowledged. Gives how each ended.
    pub(super) fn write(
        &self,
        scripts: Vec<Script>,
        most: u64,
        done: impl Fn(u64) + Send + Sync + 'static,
    ) -> Vec<Result<(), String>> {
        let done = Arc::new(done);
        let writer = |mut script: Script| {
            let (server, done) = (self.clone(), done.clone());
            thread::spawn(move || {
                for _ in 0..most {
                    for statement in script.step() {
                        server.execute(script.writer, &statement).inspect_err(|_| {
                            // What fails within a transaction leaves it open.
                            let _ = server.execute(script.writer, "rollback");
                        })?;
                    }
                    done(script.writer);
                    if script.writer == 0 {
                        server.env.spawn.run_until_stalled();
                    }
                }
                Ok(())
            })
        };
        let threads: Vec<_> = scripts.into_iter().map(writer).collect();
        threads.into_iter().map(|thread| thread.join().expect("no writer panics")).collect()
    }
}

/// What all writers do in a round.
pub(super) fn scripts(seed: u64, round: u64, items: &Items) -> Vec<Script> {
    (0..WRITERS).map(|writer| Script::new(seed, round, writer, items)).collect()
}

/// Compares what a store holds with what the writers were told: all that was acknowledged, and of the step that each
/// was in the middle of, all or nothing.
pub(super) fn compare(scripts: Vec<Script>, acknowledged: &[u64], found: &Items) -> Result<(), String> {
    let mut found = found.clone();
    for (mut script, count) in scripts.into_iter().zip(acknowledged) {
        for _ in 0..*count {
            script.step();
        }
        let prefix = prefix(script.writer);
        let (own, others) = found.into_iter().partition(|(name, _)| name.starts_with(&prefix));
        found = others;
        let own: Items = own;
        if own == *script.items() {
            continue;
        }
        let least = script.items().clone();
        let last = script.step();
        if own != *script.items() {
            let lost: Vec<_> = least.iter().filter(|(name, item)| own.get(*name) != Some(item)).collect();
            return Err(format!("writer {prefix} acknowledged {count}, then {last:?}; not found: {lost:?}"));
        }
    }
    match found.is_empty() {
        true => Ok(()),
        false => Err(format!("nobody wrote {found:?}")),
    }
}
