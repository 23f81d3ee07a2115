//! What was redacted is not in the files of a closed store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::Path;

use ankurah::{Context, Error, Model, OpenOptions, Ref, Text};
use futures::executor::block_on;

#[derive(Model)]
struct Person {
    #[model(key)]
    name: String,
    mail: Option<String>,
    age: i64,
    note: Text,
}

/// Whether a file below a folder has a string in it.
fn is_in(folder: &Path, wanted: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            return is_in(&entry.path(), wanted);
        }
        let bytes = fs::read(entry.path()).unwrap();
        bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    })
}

async fn open(target: &str) -> Context {
    OpenOptions::new().open(target).await.unwrap()
}

fn person(number: usize) -> Person {
    let mail = (number == 7).then(|| "hush-mail-4711".to_owned());
    let note = if number == 7 { Text::from("a hush-note-4711") } else { Text::from("another") };
    Person { name: format!("person {number}"), mail, age: 7, note }
}

#[test]
fn what_was_redacted_is_not_in_the_files_of_a_closed_store() {
    for scheme in ["sled:", "fjall:"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let target = format!("{scheme}{}", path.display());
        block_on(async {
            let context = open(&target).await;
            let people: Vec<Person> = (0..500).map(person).collect();
            context.create_all(&people).await.unwrap();
            context.close().await.unwrap();
        });
        assert!(is_in(&path, "hush-mail-4711"), "{scheme}");
        assert!(is_in(&path, "hush-note-4711"), "{scheme}");
        let one: Ref<Person> = block_on(async {
            let context = open(&target).await;
            let one = context.reference::<Person>("person 7").await.unwrap();
            context.redact::<Person>(one, "mail").await.unwrap();
            context.redact::<Person>(one, "note").await.unwrap();
            context.close().await.unwrap();
            one
        });
        assert!(!is_in(&path, "hush-mail-4711"), "{scheme}");
        assert!(!is_in(&path, "hush-note-4711"), "{scheme}");
        block_on(async {
            let context = open(&target).await;
            let seven = context.get::<Person>(one).await.unwrap();
            assert_eq!((seven.mail(), seven.age()), (None, 7));
            assert_eq!(context.count::<Person>("true").await.unwrap(), 500);
            let refused = context.redact::<Person>(one, "age").await;
            assert!(matches!(refused, Err(Error::Node(_))), "{refused:?}");
            context.compact::<Person>(one).await.unwrap();
            assert_eq!(context.get::<Person>(one).await.unwrap().age(), 7);
            context.close().await.unwrap();
        });
    }
}
