use ankurah::{Context, Model, Ref};

#[derive(Model)]
struct Artist {
    #[model(key)]
    name: String,
}

async fn rename(context: &Context, artist: Ref<Artist>) {
    let _ = context.edit(artist, |artist| artist.set_name("Muse")).await;
}

fn main() {}
