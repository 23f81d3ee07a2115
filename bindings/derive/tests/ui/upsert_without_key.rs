use ankurah::{Context, Model};

#[derive(Model)]
struct Album {
    name: String,
}

async fn save(context: &Context, album: &Album) {
    let _ = context.upsert(album).await;
}

fn main() {}
