//! The node as a program sees it: requests in, events out.

mod dumps;
mod faults;
mod history;
mod introspection;
mod keys;
mod live;
mod outside;
mod program;
mod redact;
mod statements;
mod upsert;

use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;

use super::protocol::{Event, Failure, Outcome, Parameters, Request, SessionId};
use super::{Node, NodeOptions};
use crate::env::fixed::FixedEnv;
use crate::storage::{Engine, memory};
use crate::value::Value;

pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) fixed: FixedEnv,
    pub(crate) engine: Arc<dyn Engine>,
}

/// What came of a request.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
    pub(crate) rejected: Vec<(u64, String)>,
    pub(crate) others: Vec<Event>,
}

impl Answer {
    /// The rows as text: values joined by `|`, rows by a line break.
    pub(crate) fn text(&self) -> String {
        let line = |row: &Vec<Value>| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(NodeOptions::default())
    }

    pub(crate) fn with(options: NodeOptions) -> Self {
        Self::seeded(1, options)
    }

    pub(crate) fn seeded(seed: u64, options: NodeOptions) -> Self {
        let fixed = FixedEnv::new(seed);
        let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(fixed.env.random.as_ref())).unwrap());
        let node = block_on(Node::open(Arc::clone(&engine), fixed.env.clone(), options)).unwrap();
        World { node, fixed, engine }
    }

    /// Another node on the same store.
    pub(crate) fn reopen(&self) -> Self {
        let (fixed, engine) = (self.fixed.clone(), Arc::clone(&self.engine));
        let node =
            block_on(Node::open(Arc::clone(&engine), fixed.env.clone(), NodeOptions::default())).unwrap();
        World { node, fixed, engine }
    }

    pub(crate) fn ask(&self, request: Request) -> Result<(Outcome, Answer), Box<Failure>> {
        let mut answer = Answer::default();
        let events: Vec<Event> = block_on(self.node.connect().request(request).collect());
        for event in events {
            match event {
                Event::Columns(columns) => answer.columns = columns.into_iter().map(|it| it.name).collect(),
                Event::Rows(rows) => answer.rows.extend(rows),
                Event::Rejected(rejected) => answer.rejected.push((rejected.row, rejected.message)),
                Event::Done(done) => return Ok((done.outcome, answer)),
                Event::Failed(failure) => return Err(Box::new(failure)),
                other => answer.others.push(other),
            }
        }
        panic!("an answer without an end");
    }

    pub(crate) fn run_in(&self, session: u64, statement: &str) -> Result<(Outcome, Answer), Box<Failure>> {
        self.ask(Request::Execute {
            session: SessionId(session),
            statement: statement.to_owned(),
            parameters: Parameters::default(),
        })
    }

    pub(crate) fn run(&self, statement: &str) -> (Outcome, Answer) {
        match self.run_in(1, statement) {
            Ok(done) => done,
            Err(failure) => panic!("{statement}: {failure:?}"),
        }
    }
}
