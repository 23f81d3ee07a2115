use ankurah::{Model, query};

#[derive(Model)]
struct Album {
    name: String,
    year: i64,
}

fn main() {
    query!(Album: "name > 1990");
    let year = "1990";
    query!(Album: "year = {year}");
    query!(Album: "year = '1990'");
    query!(Album: "year like '19%'");
    query!(Album: "name");
}
