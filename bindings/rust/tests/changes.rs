//! Models that change from one version of a program to the next, and defaults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use ankurah::core::env::fixed::FixedEnv;
use ankurah::core::storage::{Engine, memory};
use ankurah::protocol::{Event, Parameters, Request, SessionId};
use ankurah::{Context, Model, Node, NodeOptions, Ref, query};
use futures::StreamExt;
use futures::executor::block_on;
use std::sync::Arc;

/// The first version of a program, and the second one.
mod old {
    use ankurah::Model;

    #[derive(Model)]
    #[model(name = "record")]
    pub(crate) struct Album {
        pub(crate) title: String,
        pub(crate) year: String,
        pub(crate) price: Option<String>,
    }
}

mod new {
    use ankurah::{Decimal, Model};

    fn cents(text: &str) -> Result<Option<i64>, String> {
        let price: Decimal = text.parse().map_err(|_| format!("`{text}` is no price"))?;
        i64::try_from(price * Decimal::from(100)).map(Some).map_err(|error| error.to_string())
    }

    #[derive(Model)]
    #[model(was = "record")]
    pub(crate) struct Album {
        #[model(was = "title")]
        pub(crate) name: String,
        #[model(from = String)]
        pub(crate) year: i64,
        #[model(was = "price", from = String, with = cents)]
        pub(crate) cents: Option<i64>,
        #[model(default = "unknown")]
        pub(crate) genre: String,
        #[model(default = self::plays())]
        pub(crate) plays: i64,
    }

    fn plays() -> i64 {
        7
    }
}

async fn context() -> Context {
    ankurah::OpenOptions::new().env(FixedEnv::new(1).env).open("memory:").await.unwrap()
}

/// What a statement gives, or why it gives nothing.
async fn run(context: &Context, statement: &str) -> String {
    let request = Request::Execute {
        session: SessionId(1),
        statement: statement.to_owned(),
        parameters: Parameters::default(),
    };
    let mut lines = Vec::new();
    let mut events = context.node().connect().request(request);
    while let Some(event) = events.next().await {
        match event {
            Event::Rows(rows) => lines.extend(rows.iter().map(|row| {
                row.iter().map(|value| value.to_value().to_string()).collect::<Vec<_>>().join(" ")
            })),
            Event::Failed(failure) => lines.push(failure.message),
            _ => {}
        }
    }
    lines.join("; ")
}

async fn create_old(context: &Context, title: &str, year: &str, price: Option<&str>) {
    let price = price.map(str::to_owned);
    context.create(&old::Album { title: title.into(), year: year.into(), price }).await.unwrap();
}

#[test]
fn what_the_old_program_wrote_is_read_by_the_new_one() {
    block_on(async {
        let context = context().await;
        create_old(&context, "Blue", "1971", Some("12.50")).await;
        create_old(&context, "Hejira", "1976", None).await;
        let albums = context.fetch::<new::Album>("order by name").await.unwrap();
        let shown: Vec<_> =
            albums.iter().map(|it| (it.name(), it.year(), it.cents(), it.genre(), it.plays())).collect();
        assert_eq!(shown, [("Blue", 1971, Some(1250), "unknown", 7), ("Hejira", 1976, None, "unknown", 7)]);
        // Queries see what is stored: nothing yet, then what was converted.
        assert_eq!(context.count(query!(new::Album: "year > 1900")).await.unwrap(), 0);
        assert_eq!(context.convert::<new::Album>().await.unwrap(), 2);
        assert_eq!(context.convert::<new::Album>().await.unwrap(), 0);
        assert_eq!(context.count(query!(new::Album: "year > 1971 or cents = 1250")).await.unwrap(), 2);
        assert_eq!(context.fetch::<new::Album>("order by name").await.unwrap(), albums);
        // The old program goes on beside it.
        create_old(&context, "Court and Spark", "1974", None).await;
        let old = context.fetch::<old::Album>("year = '1974'").await.unwrap();
        assert_eq!(old.len(), 1);
        let edited = context.edit(Ref::<new::Album>::new(old[0].id().entity()), |album| album.set_year(1975));
        assert_eq!(
            (edited.await.unwrap().year(), context.get(&old[0]).await.unwrap().year()),
            (1975, "1974")
        );
        assert_eq!(run(&context, "select count(*) from album").await, "3");
    });
}

#[test]
fn a_value_that_cannot_be_converted_names_its_entity_and_field() {
    block_on(async {
        let context = context().await;
        create_old(&context, "Blue", "MCMLXXI", Some("12.50")).await;
        let error = context.fetch::<new::Album>("").await.unwrap_err().to_string();
        assert!(error.starts_with("album ") && error.contains(": `year`: "), "{error}");
        assert_eq!(context.convert::<new::Album>().await.unwrap_err().kind(), "invalid-value");
    });
}

#[test]
fn the_catalog_gives_other_programs_the_constant_defaults() {
    block_on(async {
        let context = context().await;
        context.count::<new::Album>("").await.unwrap();
        run(&context, "insert into album (name, year, plays) values ('Blue', 1971, 0)").await;
        assert_eq!(run(&context, "select genre, plays from album").await, "unknown 0");
        // One that is computed is none of the catalog's; this program reads it where there is nothing.
        run(&context, "insert into album (name, year) values ('Hejira', 1976)").await;
        assert_eq!(run(&context, "select plays from album where name = 'Hejira'").await, "null");
        let hejira = context.fetch_one(query!(new::Album: "name = 'Hejira'")).await.unwrap();
        assert_eq!(hejira.plays(), 7);
    });
}

#[test]
fn a_program_keeps_its_names_whatever_the_catalog_calls_them() {
    #[derive(Model)]
    struct Album {
        name: String,
        rating: i64,
    }
    block_on(async {
        let context = context().await;
        // Someone else has a property of the same name and another type, and renames ours.
        run(&context, "create model album (rating string)").await;
        context.create(&Album { name: "Blue".into(), rating: 5 }).await.unwrap();
        run(&context, "alter model album rename property name to title").await;
        let found = context.fetch(query!(Album: "rating > 4 and name = 'Blue'")).await.unwrap();
        assert_eq!(
            found.iter().map(|album| (album.name(), album.rating())).collect::<Vec<_>>(),
            [("Blue", 5)]
        );
        assert_eq!(run(&context, "select rating, title from album").await, "null Blue");
    });
}

#[test]
fn a_field_without_value_and_default_says_what_to_do() {
    #[derive(Model)]
    struct Album {
        name: String,
        year: i64,
    }
    block_on(async {
        let context = context().await;
        run(&context, "create model album (name string)").await;
        run(&context, "insert into album (name) values ('Blue')").await;
        let error = context.fetch::<Album>("").await.unwrap_err().to_string();
        let expected =
            "`year`: there is no value: make the field an `Option`, or give it `#[model(default = …)]`";
        assert!(error.ends_with(expected), "{error}");
    });
}

#[test]
fn a_read_only_store_is_read_and_defines_nothing() {
    block_on(async {
        let fixed = FixedEnv::new(1);
        let engine: Arc<dyn Engine> = Arc::new(memory::open(fixed.env.random.as_ref()).await.unwrap());
        let open = async |read_only: bool| {
            let options = NodeOptions { read_only, ..NodeOptions::default() };
            Context::new(Node::open(Arc::clone(&engine), fixed.env.clone(), options).await.unwrap())
        };
        create_old(&open(false).await, "Blue", "1971", None).await;
        let reader = open(true).await;
        assert_eq!(reader.fetch::<old::Album>("").await.unwrap().len(), 1);
        let refused = [
            reader.fetch::<new::Album>("").await.unwrap_err(),
            reader
                .create(&old::Album { title: "x".into(), year: "1".into(), price: None })
                .await
                .unwrap_err(),
        ];
        assert_eq!(refused.each_ref().map(ankurah::Error::kind), ["read-only", "read-only"]);
    });
}

#[test]
fn another_key_than_the_store_has_is_refused() {
    #[derive(Model)]
    struct Album {
        #[model(key)]
        name: String,
    }
    block_on(async {
        let context = context().await;
        run(&context, "create model album (name string)").await;
        let error = context.count::<Album>("").await.unwrap_err().to_string();
        assert_eq!(error, "model `album` has no key, but the key (name) is declared");
    });
}

#[test]
fn models_that_refer_to_each_other_are_defined_together() {
    #[derive(Model)]
    struct Band {
        name: String,
        leader: Option<ankurah::Ref<Person>>,
    }
    #[derive(Model)]
    struct Person {
        name: String,
        band: Option<ankurah::Ref<Band>>,
        mentor: Option<ankurah::Ref<Person>>,
    }
    block_on(async {
        let context = context().await;
        let band = context.create(&Band { name: "Portishead".into(), leader: None }).await.unwrap();
        let beth = Person { name: "Beth".into(), band: Some(band.id()), mentor: None };
        let beth = context.create(&beth).await.unwrap();
        context.edit(&band, |band| band.set_leader(Some(beth.id()))).await.unwrap();
        let found = context.fetch(query!(Person: "band.leader.name = 'Beth' and mentor is null")).await;
        assert_eq!(found.unwrap(), [beth]);
    });
}

#[test]
fn a_field_that_is_gone_is_dropped_by_hand_and_comes_back_with_the_old_program() {
    #[derive(Model)]
    #[model(name = "record")]
    struct Slim {
        title: String,
    }
    block_on(async {
        let context = context().await;
        create_old(&context, "Blue", "1971", None).await;
        let refused = context.create(&Slim { title: "Hejira".into() }).await.unwrap_err();
        assert_eq!(refused.kind(), "not-null");
        run(&context, "alter model record drop property year").await;
        context.create(&Slim { title: "Hejira".into() }).await.unwrap();
        let error = context.fetch::<old::Album>("order by title").await.unwrap_err().to_string();
        assert!(error.contains("`year`: there is no value"), "{error}");
        assert_eq!(context.fetch::<old::Album>("title = 'Blue'").await.unwrap()[0].year(), "1971");
    });
}
