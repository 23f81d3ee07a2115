//! A store in memory whose clock, chance and tasks are the test's.

use ankurah::core::env::fixed::FixedEnv;
use ankurah::{Context, Durability, Model, OpenOptions, Ref, Target};
use futures::executor::block_on;

#[derive(Debug, Model)]
pub(crate) struct Artist {
    #[model(key)]
    pub(crate) name: String,
}

#[derive(Debug, Model)]
pub(crate) struct Album {
    pub(crate) title: String,
    pub(crate) year: i64,
    pub(crate) artist: Option<Ref<Artist>>,
}

pub(crate) struct World {
    pub(crate) context: Context,
    pub(crate) fixed: FixedEnv,
}

impl World {
    pub(crate) fn new() -> Self {
        let fixed = FixedEnv::new(1);
        let options = OpenOptions::new().env(fixed.env.clone()).durability(Durability::Buffered);
        World { context: block_on(options.open_target(&Target::Memory)).unwrap(), fixed }
    }

    /// Lets everything in the background happen.
    pub(crate) fn settle(&self) {
        self.fixed.spawn.run_until_stalled();
    }

    pub(crate) fn create(&self, title: &str, year: i64) -> AlbumView {
        let album = Album { title: title.to_owned(), year, artist: None };
        let album = block_on(self.context.create(&album)).unwrap();
        self.settle();
        album
    }
}
