//! What nodes say to each other: any message is read or refused, and no order of messages, changed ones among
//! them, damages a store.

use std::sync::Arc;

use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah_core::node::sync::{Message, Peer, PeerOptions};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::storage::{Engine, memory};
use arbitrary::{Result, Unstructured};
use futures::StreamExt;
use futures::executor::block_on;

use crate::input;

/// The first byte says what the others are.
pub fn body(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 3 {
        0 => any_message(rest),
        1 => {
            let _ = said(&mut Unstructured::new(rest));
        }
        _ => {
            let _ = link(&mut Unstructured::new(rest));
        }
    }
}

/// Any bytes as a message.
fn any_message(data: &[u8]) {
    if let Ok(message) = Message::decode(data) {
        let bytes = message.encode().expect("it was short enough");
        assert!(bytes.len() <= data.len(), "what is written is the shortest form");
        assert_eq!(Message::decode(&bytes), Ok(message), "what is written reads back");
    }
}

struct Site {
    node: Node,
    fixed: FixedEnv,
}

impl Site {
    fn new(seed: u64) -> Self {
        let fixed = FixedEnv::new(seed);
        let engine: Arc<dyn Engine> =
            Arc::new(block_on(memory::open(fixed.env.random.as_ref())).expect("memory opens"));
        let node = block_on(Node::open(engine, fixed.env.clone(), NodeOptions::default()));
        Site { node: node.expect("memory opens"), fixed }
    }

    fn ask(&self, request: Request) -> Vec<Event> {
        block_on(self.node.connect().request(request).collect())
    }

    fn run(&self, statement: &str) -> Vec<Event> {
        let statement = statement.to_owned();
        self.ask(Request::Execute { session: SessionId(1), statement, parameters: Parameters::default() })
    }

    fn peer(&self) -> Peer {
        // Small pieces and a small window, so that there are many messages.
        self.node.peer(PeerOptions { operations: 2, window: 3, ..PeerOptions::default() })
    }

    fn rows(&self) -> Vec<Event> {
        let mut rows = self.run("select id, title, year, note from album order by id");
        rows.retain(|event| matches!(event, Event::Rows(_)));
        rows
    }

    fn is_whole(&self) {
        let mut faults = self.ask(Request::Verify);
        assert!(matches!(faults.pop(), Some(Event::Done(_))), "a store can be verified");
        assert!(faults.is_empty(), "{faults:?}");
    }
}

const MODEL: &str = "create model album (title string key, year i64, note text)";

fn act(site: &Site, input: &mut Unstructured<'_>) -> Result<()> {
    let title = input.choose(&["Blue", "Hejira", "Clouds"])?;
    let number: u8 = input.arbitrary()?;
    let statement = match input.arbitrary::<u8>()? % 7 {
        0 => MODEL.to_owned(),
        1 => format!("insert into album (title, year, note) values ('{title}', {number}, 'new')"),
        2 => format!("update album set year = {number} where title = '{title}'"),
        3 => format!("edit album.note at 0 insert '{number} 🎵' where title = '{title}'"),
        4 => format!("update album set note = 'rewritten {number}' where title = '{title}'"),
        5 => format!("delete from album where title = '{title}'"),
        _ => format!("alter model album add property p{} i64", number % 3),
    };
    // Much of it may not be possible yet, or not any more.
    let _ = site.run(&statement);
    Ok(())
}

/// A node that is told anything.
fn said(input: &mut Unstructured<'_>) -> Result<()> {
    let site = Site::new(1);
    let other = Site::new(2);
    site.run(MODEL);
    other.run(MODEL);
    site.run("insert into album (title, year, note) values ('Blue', 1971, 'new')");
    other.run("insert into album (title, year, note) values ('Hejira', 1976, 'new')");
    let mut peer = site.peer();
    if input.arbitrary()? {
        // It knows the other side, who is as anyone is.
        for message in block_on(other.peer().start()).unwrap_or_default() {
            let _ = block_on(peer.receive(&message));
        }
    }
    while !input.is_empty() {
        let mut message = vec![ankurah_core::node::sync::VERSION];
        message.extend(input::bytes(input)?);
        if block_on(peer.receive(&message)).is_err() {
            peer = site.peer();
        }
        site.fixed.clock.advance(input.arbitrary::<u16>()?.into());
        let _ = block_on(peer.poll());
    }
    site.is_whole();
    Ok(())
}

/// Two nodes over a link that loses, repeats, reorders and changes messages. Then the link is whole, and if
/// nothing was changed, both end up the same.
fn link(input: &mut Unstructured<'_>) -> Result<()> {
    let sites = [Site::new(1), Site::new(2)];
    sites[0].run(MODEL);
    let mut ends = [sites[0].peer(), sites[1].peer()];
    let mut pipes =
        [block_on(ends[0].start()).unwrap_or_default(), block_on(ends[1].start()).unwrap_or_default()];
    let mut changed = false;
    let mut steps = 0;
    while !input.is_empty() && steps < 64 {
        steps += 1;
        let from = usize::from(input.arbitrary::<bool>()?);
        let to = 1 - from;
        let action: u8 = input.arbitrary()?;
        if action < 80 {
            act(&sites[from], input)?;
            pipes[from].extend(block_on(ends[from].poll()).unwrap_or_default());
            continue;
        }
        if pipes[from].is_empty() {
            sites[from].fixed.clock.advance(6_000_000);
            pipes[from].extend(block_on(ends[from].poll()).unwrap_or_default());
            continue;
        }
        let at = input.choose_index(pipes[from].len())?;
        let mut message = if action < 100 { pipes[from][at].clone() } else { pipes[from].remove(at) };
        if action < 110 {
            continue;
        }
        if action > 220 {
            changed = true;
            let at = input.choose_index(message.len().max(1))?;
            if let Some(byte) = message.get_mut(at) {
                *byte = input.arbitrary()?;
            }
        }
        match block_on(ends[to].receive(&message)) {
            Ok(answers) => pipes[to].extend(answers),
            Err(error) => {
                assert!(changed, "{error}");
                ends[to] = sites[to].peer();
                pipes[to] = block_on(ends[to].start()).unwrap_or_default();
            }
        }
    }
    if !changed {
        settle(&sites);
        assert_eq!(sites[0].rows(), sites[1].rows(), "both have the same");
    }
    sites.iter().for_each(Site::is_whole);
    Ok(())
}

/// Delivers everything over a new link until nothing is left to say.
fn settle(sites: &[Site; 2]) {
    let mut ends = [sites[0].peer(), sites[1].peer()];
    let mut pipes: [Vec<Vec<u8>>; 2] = Default::default();
    for (end, pipe) in ends.iter_mut().zip(&mut pipes) {
        pipe.extend(block_on(end.start()).expect("a link starts"));
    }
    for _ in 0..8 {
        while let Some(from) = pipes.iter().position(|pipe| !pipe.is_empty()) {
            let message = pipes[from].remove(0);
            let answers = block_on(ends[1 - from].receive(&message)).expect("a whole link");
            pipes[1 - from].extend(answers);
        }
        for ((site, end), pipe) in sites.iter().zip(&mut ends).zip(&mut pipes) {
            site.fixed.clock.advance(6_000_000);
            pipe.extend(block_on(end.poll()).expect("a whole link"));
        }
    }
}
