use ankurah::Model;

#[derive(Model)]
struct Album {
    plays: u64,
}

fn main() {}
