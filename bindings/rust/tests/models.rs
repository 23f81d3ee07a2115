//! Typed models: what is written is read again, changed, found and deleted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use ankurah::core::env::fixed::FixedEnv;
use ankurah::{Context, Model, OpenOptions, Ref, Text, Timestamp, query};
use futures::executor::block_on;

async fn context() -> Context {
    OpenOptions::new().env(FixedEnv::new(1).env).open("memory:").await.unwrap()
}

#[derive(Model)]
struct Artist {
    #[model(key)]
    name: String,
    founded: Option<i64>,
}

#[derive(Model)]
struct Album {
    name: String,
    year: i32,
    artist: Ref<Artist>,
    note: Text,
}

#[test]
fn what_is_created_is_read_edited_and_deleted() {
    block_on(async {
        let context = context().await;
        let muse = context.create(&Artist { name: "Muse".into(), founded: Some(1994) }).await.unwrap();
        assert_eq!((muse.name(), muse.founded()), ("Muse", Some(1994)));
        let new = Album { name: "Showbiz".into(), year: 1999, artist: muse.id(), note: "Their first".into() };
        let album = context.create(&new).await.unwrap();
        assert_eq!(context.get(album.id()).await.unwrap(), album);
        assert_eq!(album.artist().get(&context).await.unwrap(), muse);
        let edited = context.edit(&album, |album| {
            album.set_name("Show");
            album.set_year(album.year() + 1);
            album.edit_note().insert(11, ".")
        });
        let edited = edited.await.unwrap();
        assert_eq!((edited.name(), edited.year(), edited.note()), ("Show", 2000, "Their first."));
        assert_eq!(context.get(&album).await.unwrap(), edited);
        // A view does not change.
        assert_eq!(album.year(), 1999);
        context.delete(&album).await.unwrap();
        assert_eq!(context.find(&album).await.unwrap(), None);
        let error = context.get(&album).await.unwrap_err();
        assert_eq!(error.to_string(), format!("there is no album {}", album.id()));
        assert_eq!(context.restore(&album).await.unwrap(), edited);
    });
}

#[derive(Model)]
struct Track {
    title: String,
    seconds: i64,
    rating: f64,
    album: Option<Ref<Album>>,
    live: bool,
    recorded: Timestamp,
    #[model(name = "type")]
    kind: String,
    info: serde_json::Value,
}

async fn tracks(context: &Context) -> Ref<Album> {
    let muse = context.create(&Artist { name: "Muse".into(), founded: None }).await.unwrap();
    let new = Album { name: "Showbiz".into(), year: 1999, artist: muse.id(), note: Text::new() };
    let album = context.create(&new).await.unwrap().id();
    let track = |(number, title): (i64, &str)| Track {
        title: title.into(),
        seconds: 100 * number,
        rating: 0.5,
        album: (number > 1).then_some(album),
        live: number == 2,
        recorded: Timestamp(number * 1_000_000),
        kind: "song".into(),
        info: serde_json::json!({ "number": number }),
    };
    let all: Vec<Track> = (1..).zip(["Sunburn", "Muscle Museum", "Fillip"]).map(track).collect();
    context.create_all(&all).await.unwrap();
    album
}

#[test]
fn checked_queries_find_what_the_same_text_finds() {
    block_on(async {
        let context = context().await;
        let album = tracks(&context).await;
        let (least, name) = (150, "Showbiz".to_owned());
        let view = context.get(album).await.unwrap();
        let numbers = [100_i64, 300];
        for (query, expected) in [
            (query!(Track: ""), "Sunburn, Muscle Museum, Fillip"),
            (query!(Track: "seconds > {least} order by seconds desc"), "Fillip, Muscle Museum"),
            (query!(Track: "seconds > ? and not live", 50), "Sunburn, Fillip"),
            (query!(Track: "album.name = {name} and album.artist.name like 'M%'"), "Muscle Museum, Fillip"),
            (query!(Track: "album = {album} limit {1_usize}"), "Muscle Museum"),
            (query!(Track: "album = {view} order by title"), "Fillip, Muscle Museum"),
            (query!(Track: "album is null"), "Sunburn"),
            (query!(Track: "seconds in ({numbers[0]}, {numbers[1]})"), "Sunburn, Fillip"),
            (query!(Track: "info['number'] = 2 and type = 'song'"), "Muscle Museum"),
            (query!(Track: "recorded <= '1970-01-01 00:00:01'"), "Sunburn"),
            (query!(Track: "length(title) between 6 and 7 and rating < 1"), "Sunburn, Fillip"),
            (query!(Track: "seconds * 2 - 100 = {500} and title || '!' like '%p!'"), "Fillip"),
            (query!(Track: "case when live then seconds else 0 end = {200}"), "Muscle Museum"),
        ] {
            let text = query.text().to_owned();
            let found = context.fetch(&query).await.unwrap_or_else(|error| panic!("{text}: {error}"));
            let titles: Vec<&str> = found.iter().map(TrackView::title).collect();
            assert_eq!(titles.join(", "), expected, "{text}");
            let count = u64::try_from(titles.len()).unwrap();
            assert_eq!(context.count(&query).await.unwrap(), count, "{text}");
            assert!(context.exists(&query).await.unwrap(), "{text}");
            let first = context.fetch_first(&query).await.unwrap().unwrap();
            assert_eq!(Some(first.title()), titles.first().copied(), "{text}");
        }
    });
}
