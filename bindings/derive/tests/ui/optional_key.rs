use ankurah::Model;

#[derive(Model)]
struct Album {
    #[model(key)]
    name: Option<String>,
}

fn main() {}
