use ankurah::{Model, query};

#[derive(Model)]
struct Album {
    name: String,
    year: i64,
}

fn main() {
    query!(Album: "yaer > 1990");
}
