use ankurah::Model;

#[derive(Model)]
struct Album<T> {
    name: T,
}

fn main() {}
