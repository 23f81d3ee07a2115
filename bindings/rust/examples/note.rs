//! A note that two people write at the same time, each on a node of their own, without a server between them.
//!
//! ```sh
//! cargo run --example note
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;

use ankurah::core::node::sync::{Peer, PeerError, PeerOptions};
use ankurah::{Model, Text};

#[derive(Model)]
struct Note {
    title: String,
    body: Text,
}

/// A link between two nodes. Messages are bytes: over a network they would go through a socket.
struct Link {
    left: Peer,
    right: Peer,
    to_left: Vec<Vec<u8>>,
    to_right: Vec<Vec<u8>>,
}

impl Link {
    async fn new(mut left: Peer, mut right: Peer) -> Result<Link, PeerError> {
        let (to_right, to_left) = (left.start().await?, right.start().await?);
        Ok(Link { left, right, to_left, to_right })
    }

    /// Carries messages until neither side has anything more to say.
    async fn carry(&mut self) -> Result<usize, PeerError> {
        let mut carried = 0;
        self.to_right.extend(self.left.poll().await?);
        self.to_left.extend(self.right.poll().await?);
        while !(self.to_left.is_empty() && self.to_right.is_empty()) {
            for message in std::mem::take(&mut self.to_right) {
                self.to_left.extend(self.right.receive(&message).await?);
                carried += 1;
            }
            for message in std::mem::take(&mut self.to_left) {
                self.to_right.extend(self.left.receive(&message).await?);
                carried += 1;
            }
        }
        Ok(carried)
    }
}

async fn write_together() -> Result<(), Box<dyn Error>> {
    let (ada, ben) = (ankurah::open("memory:").await?, ankurah::open("memory:").await?);
    let options = PeerOptions::default;
    let mut link = Link::new(ada.node().peer(options()), ben.node().peer(options())).await?;

    let new = Note { title: "Plan".to_owned(), body: "Meet at noon.".into() };
    let note = ada.create(&new).await?.id();
    println!("{} messages carried", link.carry().await?);
    println!("Ben reads: {}", ben.get(note).await?.body());

    // Both write before they hear of each other.
    ada.edit(note, |note| note.edit_body().replace(8..12, "one")).await?;
    ben.edit(note, |note| {
        note.set_title("The plan");
        note.edit_body().push(" Bring the tapes.");
    })
    .await?;
    println!("Ada reads: {}", ada.get(note).await?.body());
    println!("Ben reads: {}", ben.get(note).await?.body());

    println!("{} messages carried", link.carry().await?);
    let (hers, his) = (ada.get(note).await?, ben.get(note).await?);
    println!("Both read: {}: {}", hers.title(), hers.body());
    assert_eq!(hers, his);
    assert_eq!((hers.title(), hers.body()), ("The plan", "Meet at one. Bring the tapes."));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    futures::executor::block_on(write_together())
}
