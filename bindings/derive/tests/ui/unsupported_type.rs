use ankurah::Model;

#[derive(Clone, Debug)]
struct Colour(u8, u8, u8);

#[derive(Model)]
struct Album {
    sleeve: Colour,
}

fn main() {}
