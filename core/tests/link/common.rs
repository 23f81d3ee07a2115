//! A node, and links to it.

use std::sync::{Arc, Mutex};

use ankurah_core::env::Random;
use ankurah_core::env::fixed::{FixedEnv, SeededRandom};
use ankurah_core::node::link::ClientOptions;
use ankurah_core::node::link::memory::{Carry, Loopback};
use ankurah_core::node::protocol::{Connection, Event, Failure, LinkInfo, Parameters, Request, SessionId};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::storage::{Engine, memory};
use futures::StreamExt;
use futures::executor::block_on;

/// A node in memory whose ids depend on the seed alone.
pub(crate) struct Site {
    pub(crate) node: Node,
    pub(crate) fixed: FixedEnv,
}

impl Site {
    pub(crate) fn new(seed: u64) -> Self {
        let fixed = FixedEnv::new(seed);
        let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(fixed.env.random.as_ref())).unwrap());
        let node = block_on(Node::open(engine, fixed.env.clone(), NodeOptions::default())).unwrap();
        Site { node, fixed }
    }

    pub(crate) fn link(&self, carry: Carry) -> Loopback {
        self.node.loopback(ClientOptions { program: "test".to_owned(), read_only: false }, carry)
    }

    /// The only link.
    pub(crate) fn the_link(&self) -> LinkInfo {
        let mut links = links(&*self.node.connect());
        assert_eq!(links.len(), 1, "{links:?}");
        links.remove(0)
    }

    /// Albums by number.
    pub(crate) fn fill(&self, count: u32, note: &str) {
        run(&*self.node.connect(), "create model album (number i64 key, note string)").unwrap();
        for from in (0..count).step_by(1000) {
            let rows = (from..count.min(from + 1000)).map(|number| format!("({number}, '{note}')"));
            let values = rows.collect::<Vec<_>>().join(", ");
            run(&*self.node.connect(), &format!("insert into album (number, note) values {values}")).unwrap();
        }
    }
}

pub(crate) fn execute(session: u64, statement: &str) -> Request {
    Request::Execute {
        session: SessionId(session),
        statement: statement.to_owned(),
        parameters: Parameters::default(),
    }
}

/// The whole answer.
pub(crate) fn ask(connection: &dyn Connection, request: Request) -> Vec<Event> {
    block_on(connection.request(request).collect())
}

/// The whole answer to a statement in session 1, or why it failed.
pub(crate) fn run(connection: &dyn Connection, statement: &str) -> Result<Vec<Event>, Box<Failure>> {
    run_in(1, connection, statement)
}

pub(crate) fn run_in(
    session: u64,
    connection: &dyn Connection,
    statement: &str,
) -> Result<Vec<Event>, Box<Failure>> {
    let events = ask(connection, execute(session, statement));
    match events.last() {
        Some(Event::Failed(failure)) => Err(Box::new(failure.clone())),
        Some(Event::Done(_)) => Ok(events),
        other => panic!("{statement}: {other:?}"),
    }
}

/// The number that a query gives.
pub(crate) fn number(connection: &dyn Connection, query: &str) -> i64 {
    let events = run(connection, query).unwrap();
    let rows = events.iter().find_map(|event| match event {
        Event::Rows(rows) => rows.first().map(|row| row.to_values()),
        _ => None,
    });
    match rows.as_deref() {
        Some([ankurah_core::value::Value::Int(number)]) => *number,
        other => panic!("{query}: {other:?}"),
    }
}

pub(crate) fn links(connection: &dyn Connection) -> Vec<LinkInfo> {
    match ask(connection, Request::Links).as_slice() {
        [Event::Links(links), Event::Done(_)] => links.clone(),
        other => panic!("{other:?}"),
    }
}

/// Pieces of any size, some of which have to wait.
pub(crate) fn pieces(seed: u64) -> Carry {
    let random = SeededRandom::new(seed);
    Box::new(move |waiting| {
        Some(match random.next_u64() % 8 {
            0 => 0,
            1 => 1,
            2 => waiting,
            _ => 1 + usize::try_from(random.next_u64() % 40).unwrap(),
        })
    })
}

/// Breaks the link after so many bytes in both directions; counts what was carried.
pub(crate) fn breaks_after(bytes: usize) -> (Carry, Arc<Mutex<usize>>) {
    let carried = Arc::new(Mutex::new(0));
    let count = Arc::clone(&carried);
    let carry = move |waiting: usize| {
        let mut count = count.lock().unwrap();
        let size = waiting.min(bytes - *count);
        *count += size;
        (size > 0).then_some(size)
    };
    (Box::new(carry), carried)
}
