//! The inspector on a node that gives up when it is asked for its indexes, in a program that gives up when it is to
//! write a file: for the tests of what then becomes of the terminal.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use ankurah::{OpenOptions, Target};
use ankurah_core::node::protocol::{Connection, EventStream, Parameters, Request, SessionId};
use ankurah_inspector::keymap::Keymap;
use ankurah_inspector::state::Options;
use ankurah_inspector::theme::Theme;
use ankurah_inspector::{End, Host, run};
use futures::StreamExt;
use futures::executor::block_on;

struct Faulty(Arc<dyn Connection>);

impl Connection for Faulty {
    fn request(&self, request: Request) -> EventStream {
        match request {
            Request::Indexes => panic!("the index is on fire"),
            other => self.0.request(other),
        }
    }
}

impl Host for Faulty {
    fn repl(&mut self, _: &str, _: bool) {}

    fn save(&mut self, _: &str, _: &str) -> Result<String, String> {
        panic!("the file is on fire");
    }
}

fn main() {
    let context = block_on(OpenOptions::new().open_target(&Target::Memory)).unwrap();
    let connection = context.node().connect();
    for statement in ["create model note (words string)", "insert into note (words) values ('first')"] {
        let (session, parameters) = (SessionId(1), Parameters::default());
        let request = Request::Execute { session, statement: statement.to_owned(), parameters };
        block_on(connection.request(request).collect::<Vec<_>>());
    }
    let options = Options { name: "faulty".to_owned(), write: false, keymap: Keymap::standard().unwrap() };
    let node: Arc<dyn Connection> = Arc::new(Faulty(Arc::clone(&connection)));
    match run(node, options, Theme::default(), &mut Faulty(connection)) {
        Ok(End::Quit) => {}
        Ok(End::Signal(signal)) => std::process::exit(100 + signal),
        Err(_) => std::process::exit(2),
    }
}
