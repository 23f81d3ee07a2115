use ankurah::Model;

#[derive(Model)]
enum Mood {
    Calm,
}

fn main() {}
