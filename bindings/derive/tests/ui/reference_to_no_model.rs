use ankurah::{Model, Ref};

struct Artist;

#[derive(Model)]
struct Album {
    artist: Ref<Artist>,
}

fn main() {}
