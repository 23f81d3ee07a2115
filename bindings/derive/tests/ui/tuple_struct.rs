use ankurah::Model;

#[derive(Model)]
struct Album(String);

fn main() {}
