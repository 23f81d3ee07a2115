use ankurah::{Model, query};

#[derive(Model)]
struct Album {
    year: i64,
}

fn main() {
    query!(Album: "year >");
    query!(Album: "year > ? and year < ?", 1990);
    query!(Album: "year > 1990", 1);
    query!(Album: "year > {1 +}");
    query!(Album: "year > $min");
    query!(Album: "lenght(year) > 1");
    query!(Album: "count(*) > 1");
    query!("year > 1990");
}
