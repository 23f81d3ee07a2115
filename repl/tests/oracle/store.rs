//! Our side: a store of each engine, asked through its connection.

use std::fmt;

use ankurah::{Durability, Node, OpenOptions, Target};
use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::protocol::{Event, Failure, Outcome, SessionId};
use ankurah_core::storage::{IndexDefinition, IndexPart, IndexState};
use ankurah_core::value::Value;
use ankurah_repl::client::{Client, Interrupt, Pump, Stop};
use futures::executor::block_on;
use tempfile::TempDir;

use crate::answer::{Answer, Cell, Row};

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineKind {
    Memory,
    Sled,
    Fjall,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EngineKind::Memory => "memory",
            EngineKind::Sled => "sled",
            EngineKind::Fjall => "fjall",
        })
    }
}

/// An open store with a fixed clock and fixed randomness. Background tasks run when they are told to.
pub(crate) struct Store {
    pub(crate) kind: EngineKind,
    pub(crate) client: Client,
    env: FixedEnv,
    node: Node,
    _folder: TempDir,
}

impl Store {
    /// A new, empty store.
    pub(crate) fn new(kind: EngineKind, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = match kind {
            EngineKind::Memory => Target::Memory,
            EngineKind::Sled => Target::Sled(folder.path().join("store")),
            EngineKind::Fjall => Target::Fjall(folder.path().join("store")),
        };
        let env = FixedEnv::new(seed);
        let options = OpenOptions::new().durability(Durability::Buffered).env(env.env.clone());
        let node = block_on(options.open_target(&target)).unwrap().node().clone();
        let client = Client::new(node.connect(), SessionId(1), Interrupt::default(), Pump::Here);
        Store { kind, client, env, node, _folder: folder }
    }

    /// Runs a statement that gives rows, or none.
    pub(crate) fn ask(&self, statement: &str) -> Result<Answer, Box<Failure>> {
        let mut answer = Answer::default();
        let asked = self.client.execute(statement, Default::default());
        let done = asked.for_each(|event| {
            if let Event::Rows(rows) = event {
                answer.rows.extend(rows.into_iter().map(|row| cells(&row)));
            }
        });
        match done {
            Ok(_) => Ok(answer),
            Err(Stop::Failed(failure)) => Err(failure),
            Err(Stop::Cancelled) => panic!("nobody cancels"),
        }
    }

    /// Runs a statement and gives how many entities it wrote.
    pub(crate) fn write(&self, statement: &str) -> Result<u64, Box<Failure>> {
        let done = self.client.execute(statement, Default::default()).for_each(|_| {});
        match done {
            Ok(done) => Ok(match done.outcome {
                Outcome::Created(count)
                | Outcome::Updated(count)
                | Outcome::Deleted(count)
                | Outcome::Restored(count)
                | Outcome::Redacted(count) => count,
                _ => 0,
            }),
            Err(Stop::Failed(failure)) => Err(failure),
            Err(Stop::Cancelled) => panic!("nobody cancels"),
        }
    }

    /// The same where the statement must not fail.
    #[track_caller]
    pub(crate) fn run(&self, statement: &str) -> u64 {
        self.write(statement).unwrap_or_else(|failure| panic!("{}: {failure:?}\n  {statement}", self.kind))
    }

    /// Makes an index over properties, each with whether it descends, and waits until it is ready.
    pub(crate) fn index(&self, model: &str, parts: &[(&str, bool)]) {
        let catalog = self.client.catalog().unwrap();
        let model = catalog.models.iter().find(|known| *known.name == *model).unwrap();
        let part = |(name, descending): &(&str, bool)| {
            let property = model.find(name, true, None).unwrap();
            IndexPart { property: property.id, value_type: property.value_type, descending: *descending }
        };
        let definition = IndexDefinition { model: model.id, parts: parts.iter().map(part).collect() };
        let engine = self.node.engine();
        let index = block_on(engine.create_index(definition)).unwrap();
        block_on(engine.build_index(index)).unwrap();
        let state = engine.indexes().into_iter().find(|known| known.id == index).unwrap().state;
        assert!(matches!(state, IndexState::Ready { .. }), "{state:?}");
    }

    /// How many indexes are ready.
    pub(crate) fn indexes(&self) -> usize {
        let indexes = self.node.engine().indexes();
        indexes.iter().filter(|index| matches!(index.state, IndexState::Ready { .. })).count()
    }

    /// Runs what waits in the background.
    pub(crate) fn run_background(&self) {
        self.env.spawn.run_until_stalled();
    }
}

fn cells(row: &[Value]) -> Row {
    row.iter().map(cell).collect()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Int((*truth).into()),
        Value::Int(int) => Cell::Int(*int),
        Value::Float(float) => Cell::Real(*float),
        Value::Decimal(decimal) => Cell::Real(decimal.to_string().parse().unwrap()),
        Value::Bytes(bytes) => Cell::Bytes(bytes.to_vec()),
        Value::String(_)
        | Value::Timestamp(_)
        | Value::Uuid(_)
        | Value::Ulid(_)
        | Value::Ref(_)
        | Value::Json(_) => Cell::Text(value.to_string()),
    }
}
