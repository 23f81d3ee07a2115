//! Stores are opened by target, and refused with a reason.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ankurah::core::operation::{Decoded, Operation};
use ankurah::protocol::{Event, Outcome, Parameters, Request, SessionId};
use ankurah::{Node, OpenOptions, ValueRef};
use futures::StreamExt;
use futures::executor::block_on;

fn create() -> OpenOptions {
    OpenOptions::new()
}

fn existing() -> OpenOptions {
    OpenOptions::new().create(false)
}

fn open(target: &str, options: &OpenOptions) -> Node {
    block_on(options.open(target)).unwrap().node().clone()
}

fn run(node: &Node, statement: &str) -> Result<Outcome, String> {
    let request = Request::Execute {
        session: SessionId(1),
        statement: statement.to_owned(),
        parameters: Parameters::default(),
    };
    match block_on(node.connect().request(request).collect::<Vec<_>>()).pop() {
        Some(Event::Done(done)) => Ok(done.outcome),
        Some(Event::Failed(failure)) => Err(failure.message),
        other => panic!("an answer that ends with {other:?}"),
    }
}

#[test]
fn a_store_keeps_what_was_written_and_its_author() {
    for scheme in ["sled:", "fjall:", ""] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let target = format!("{scheme}{}", path.display());
        let node = open(&target, &create());
        assert_eq!(run(&node, "create model album (name string key)"), Ok(Outcome::Defined));
        assert_eq!(run(&node, "insert into album (name) values ('Blue')"), Ok(Outcome::Created(1)));
        let author = node.author();
        block_on(node.close()).unwrap();
        drop(node);
        // A bare path finds the engine by itself.
        let again = open(path.to_str().unwrap(), &existing());
        assert_eq!(again.author(), author);
        let error = run(&again, "insert into album (name) values ('Blue')").unwrap_err();
        assert!(error.starts_with("`album` has an entity with name = Blue already"), "{error}");
    }
}

#[test]
fn a_read_only_store_refuses_writes() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("store").display().to_string();
    let node = open(&target, &create());
    run(&node, "create model album (name string key)").unwrap();
    block_on(node.close()).unwrap();
    drop(node);
    let node = open(&target, &OpenOptions::new().read_only(true));
    let error = run(&node, "insert into album (name) values ('Blue')").unwrap_err();
    assert_eq!(error, "the store is open read-only");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).display().to_string();
    let check = |target: &str, options: &OpenOptions, expected: &str| {
        let error = block_on(options.open(target)).unwrap_err().to_string();
        assert!(error.contains(expected), "{target}: {error}");
    };
    check(&place("none"), &existing(), "there is no store at ");
    check(&format!("sled:{}", place("none")), &existing(), "there is no store at ");
    std::fs::create_dir(place("other")).unwrap();
    std::fs::write(place("other/file"), "text").unwrap();
    check(&place("other"), &create(), "it is no store");
    check("postgres://localhost/music", &create(), "`postgres:` is not available in this version");

    let node = open(&place("store"), &create());
    check(&place("store"), &create(), "is in use by ");
    drop(node);
    check(&format!("sled:{}", place("store")), &create(), "holds a store of engine fjall");
}

#[test]
#[cfg(unix)]
fn others_attach_to_an_open_store_unless_told_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("store").display().to_string();
    let socket = directory.path().join("store/socket");
    let context = block_on(create().open(&target)).unwrap();
    let clone = context.clone();
    drop(context);
    assert!(socket.exists());
    let attached = ankurah::attach(&target, false).unwrap();
    assert_eq!(attached.welcome().process, Some(std::process::id()));
    let infos = block_on(attached.connection().request(Request::Info).collect::<Vec<_>>());
    assert!(matches!(infos.as_slice(), [Event::Info(info), Event::Done(_)] if info.store.engine == "fjall"));
    assert!(attached.is_linked());
    drop(clone);
    assert!(!socket.exists() && !attached.is_linked());

    let context = block_on(create().listen(false).open(&target)).unwrap();
    assert!(!socket.exists() && ankurah::attach(&target, false).is_err());
    drop(context);
    // What is open for reading alone can be read alone.
    let context = block_on(OpenOptions::new().read_only(true).open(&target)).unwrap();
    assert!(ankurah::attach(&target, false).unwrap().welcome().read_only);
    block_on(context.close()).unwrap();
    assert!(!socket.exists());
    assert!(ankurah::attach("memory:", false).is_err());
}

/// The actors that wrote the operations of the only entity of a model.
fn actors(node: &Node, model: &str) -> Vec<String> {
    let execute = Request::Execute {
        session: SessionId(1),
        statement: format!("select id from {model}"),
        parameters: Parameters::default(),
    };
    let entity = block_on(node.connect().request(execute).collect::<Vec<_>>()).into_iter().find_map(
        |event| match event {
            Event::Rows(rows) => match rows.first()?.get(0) {
                ValueRef::Ref(entity) => Some(entity),
                _ => None,
            },
            _ => None,
        },
    );
    let request = Request::Operations { entity: entity.unwrap(), after: None };
    let operations = block_on(node.connect().request(request).collect::<Vec<_>>());
    let actor = |event| match event {
        Event::Operation { bytes, .. } => match Operation::decode(&bytes).unwrap() {
            Decoded::Known(operation) => operation.origin().map(|origin| origin.actor.to_string()),
            other @ Decoded::Unknown { .. } => panic!("{other:?}"),
        },
        _ => None,
    };
    operations.into_iter().filter_map(actor).collect()
}

#[test]
fn an_actor_goes_on_after_a_clean_shutdown_and_is_given_up_after_another() {
    for (clean, same) in [(true, true), (false, false)] {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("store").display().to_string();
        let node = open(&target, &create());
        run(&node, "create model counter (n i64)").unwrap();
        run(&node, "insert into counter (n) values (1)").unwrap();
        if clean {
            block_on(node.close()).unwrap();
        }
        drop(node);
        let node = open(&target, &create());
        run(&node, "update counter set n = 2").unwrap();
        let actors = actors(&node, "counter");
        assert_eq!(actors.len(), 2);
        assert_eq!(actors[0] == actors[1], same, "{actors:?}");
    }
}
