use ankurah::Model;

#[derive(Model)]
struct Album {
    #[model(default = "unknown")]
    year: i64,
}

fn main() {}
