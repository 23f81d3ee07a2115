//! Directories of stores: what is opened, what is refused.
// Helpers of tests are no test code to clippy.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use ankurah_core::storage::StorageError;
use ankurah_storage_directory::{Directory, Marker, look};

fn marker(engine: &str, made: bool) -> Option<Marker> {
    Some(Marker { engine: engine.to_owned(), made, closed: 0 })
}

#[test]
fn a_new_directory_is_made_locked_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    assert!(matches!(look(&path), Ok(None)));
    assert!(matches!(Directory::open(&path, "a", false), Err(StorageError::Open { .. })));
    assert!(!path.exists(), "nothing is made unasked");
    let mut first = Directory::open(&path, "a", true).unwrap();
    assert!(!first.is_made() && first.data().is_dir());
    assert_eq!(look(&path).unwrap(), marker("a", false));
    match Directory::open(&path, "a", true) {
        Err(StorageError::Locked { holder, .. }) => {
            let expected = format!("process {} (directory-", std::process::id());
            assert!(holder.starts_with(&expected), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    first.made().unwrap();
    assert!(matches!(Directory::open(&path, "a", true), Err(StorageError::Locked { .. })));
    drop(first);
    let mut second = Directory::open(&path, "a", false).unwrap();
    assert!(second.is_made() && second.closed() == 0);
    second.set_closed(17).unwrap();
    drop(second);
    assert_eq!(Directory::open(&path, "a", false).unwrap().closed(), 17);
    for word in ["format", "layout"] {
        let text = format!("ankurah store\n{word} 1\nengine a\nmade yes\nclosed 0\n");
        fs::write(path.join("ankurah-store"), text).unwrap();
        assert_eq!(look(&path).unwrap(), marker("a", true));
    }
    match Directory::open(&path, "b", true) {
        Err(StorageError::Open { message, .. }) => {
            assert_eq!(message, "it holds a store of engine a, not b");
        }
        other => panic!("{other:?}"),
    }
    fs::remove_dir_all(path.join("data")).unwrap();
    assert!(matches!(Directory::open(&path, "a", true), Err(StorageError::Damaged { .. })));
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "important").unwrap();
    match Directory::open(folder.path(), "a", true) {
        Err(StorageError::Open { message, .. }) => {
            assert_eq!(message, "it is no store, but holds thesis.txt");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let file = folder.path().join("thesis.txt");
    assert!(matches!(Directory::open(&file, "a", true), Err(StorageError::Open { .. })));
    assert!(matches!(Directory::open(&file.join("x"), "a", true), Err(StorageError::Open { .. })));
}

#[test]
fn an_unfinished_beginning_is_begun_again() {
    for left in ["owner", "ankurah-store.new"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(left), "12").unwrap();
        assert!(!Directory::open(folder.path(), "a", true).unwrap().is_made());
    }
}

#[test]
fn what_an_interrupted_making_left_is_removed_by_who_may_make_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let being_made = Directory::open(&path, "a", true).unwrap();
    assert!(matches!(Directory::open(&path, "a", false), Err(StorageError::Locked { .. })), "not over yet");
    let data = being_made.data();
    drop(being_made);
    fs::create_dir_all(data.join("deep/er")).unwrap();
    fs::write(data.join("deep/file"), "half").unwrap();
    fs::write(data.join("file"), "half").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), data.join("elsewhere")).unwrap();
    for refused in [
        Directory::open(&path, "a", false),
        Directory::open_read_only(&path, "a", |_| false),
        Directory::open_copy(&path, "a", |_| false),
    ] {
        match refused {
            Err(StorageError::Open { message, .. }) => {
                assert!(message.contains("never finished"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(Directory::open(&path, "b", true).is_err());
    assert!(data.join("deep/file").exists(), "others leave it alone");
    let mut made = Directory::open(&path, "a", true).unwrap();
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    assert!(path.join("ankurah-store").exists(), "a link is removed, not followed");
    made.made().unwrap();
    fs::write(data.join("file"), "whole").unwrap();
    drop(made);
    drop(Directory::open(&path, "a", true).unwrap());
    assert_eq!(fs::read(data.join("file")).unwrap(), b"whole", "what was made is kept");
}

fn marked(text: &[u8]) -> StorageError {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ankurah-store"), text).unwrap();
    Directory::open(folder.path(), "a", true).unwrap_err()
}

#[test]
fn a_bad_marker_is_an_error() {
    let long = [b'x'; 5000];
    let bad: [&[u8]; 9] = [
        b"ankurah store\nlayout 1\nengine a\nmade no\nclosed 3\n",
        b"ankurah store\nlayout 1\nengine a\nmade yes\n",
        b"",
        b"\xff\xfe",
        b"something else\n",
        b"ankurah store\nengine a\nmade yes\n",
        b"ankurah store\nlayout 1\nmade yes\nclosed 0\n",
        b"ankurah store\nlayout 1\nengine a\nmade perhaps\nclosed 0\n",
        &long,
    ];
    for text in bad {
        let error = marked(text);
        assert!(matches!(error, StorageError::Damaged { .. }), "{error}");
    }
    let newer = marked(b"ankurah store\nlayout 9\nengine quantum\nmade yes\nmore yes\n");
    assert!(matches!(newer, StorageError::Newer { what: "folder layout", found: 9, known: 1 }), "{newer}");
    assert!(matches!(look(Path::new("/dev/null/x")), Err(StorageError::Open { .. })));
}
