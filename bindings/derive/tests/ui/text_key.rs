use ankurah::{Model, Text};

#[derive(Model)]
struct Album {
    #[model(key)]
    name: Text,
}

fn main() {}
