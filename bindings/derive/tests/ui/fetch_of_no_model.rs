use ankurah::Context;

struct Album {
    name: String,
}

async fn all(context: &Context) {
    let _ = context.fetch::<Album>("").await;
}

fn main() {}
