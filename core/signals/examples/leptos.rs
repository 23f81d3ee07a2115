//! A view in the style of Leptos over data that is kept in our signals.
//!
//! `cargo run -p ankurah-signals --example leptos --features reactive-graph`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use ankurah_signals::{Signal, WritableSignal, batch, combine};
use reactive_graph::effect::ImmediateEffect;
use reactive_graph::owner::Owner;
use reactive_graph::prelude::*;
use reactive_graph::signal::ArcRwSignal;
use reactive_graph::wrappers::read::ArcSignal;

fn main() {
    let owner = Owner::new();
    owner.set();

    // The data layer: what a live query would give.
    let albums = WritableSignal::new(vec!["Blue Train", "Giant Steps"]);

    // The view's own state is a signal of Leptos; the data layer filters by it.
    let typed = ArcRwSignal::new(String::new());
    let filter = Signal::from(ArcSignal::<String>::from(typed.clone()));
    let found = combine((&albums, &filter), |(albums, filter)| {
        albums.iter().filter(|album| album.contains(filter.as_str())).copied().collect::<Vec<_>>()
    });

    // What is found goes back into the view. Leptos would make the effect from a component.
    let shown: ArcSignal<Vec<&str>> = found.into();
    let _view = ImmediateEffect::new_isomorphic(move || println!("{}", shown.get().join(", ")));

    typed.set("Blue".into());
    batch(|| {
        albums.update(|albums| albums.push("Kind of Blue"));
        albums.update(|albums| albums.push("A Love Supreme"));
    });
    typed.set("Love".into());
}
