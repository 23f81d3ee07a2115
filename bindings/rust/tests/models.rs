//! Typed models: what is written is read again, changed, found and deleted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use ankurah::core::env::fixed::FixedEnv;
use ankurah::{Context, Model, OpenOptions, Ref, Text};
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
