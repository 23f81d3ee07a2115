use ankurah::Model;

#[derive(Model)]
#[model(nmae = "record")]
struct Album {
    #[model(kee)]
    name: String,
    #[model(key, key)]
    number: i64,
    #[model(index)]
    year: i64,
    #[model(name = "year")]
    released: i64,
    id: i64,
    #[model(default = None)]
    genre: Option<String>,
    #[model(with = str::parse)]
    price: i64,
}

fn main() {}
