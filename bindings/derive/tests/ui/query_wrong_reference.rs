use ankurah::{Model, Ref, query};

#[derive(Model)]
struct Artist {
    name: String,
}

#[derive(Model)]
struct Album {
    name: String,
    artist: Ref<Artist>,
}

fn main() {
    let album: Ref<Album> = ankurah::Ref::new("01HZX3Y7ZV9W8Q6R5T4S3P2N1M".parse().unwrap());
    query!(Album: "artist = {album}");
    query!(Album: "artist.nam = 'Muse'");
    query!(Album: "name.first = 'Muse'");
}
