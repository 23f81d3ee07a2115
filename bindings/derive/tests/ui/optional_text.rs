use ankurah::{Model, Text};

#[derive(Model)]
struct Album {
    note: Option<Text>,
}

fn main() {}
