use ankurah::Property;

#[derive(Clone, Debug, Property)]
struct Pair(i64, i64);

#[derive(Clone, Debug, Property)]
enum Shape {
    Circle(f64),
    Square,
}

#[derive(Clone, Debug, Property)]
enum Mood {
    Calm,
    #[property(name = "calm")]
    Quiet,
}

#[derive(Property)]
struct NotClone(i64);

#[derive(Clone, Debug, Property)]
struct OfOption(Option<i64>);

fn main() {}
