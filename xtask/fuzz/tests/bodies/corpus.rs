//! Everything that fuzzers kept, under `fixtures/fuzz/`.

use std::fs;
use std::path::{Path, PathBuf};

use ankurah_fuzz::{LONGEST, TARGETS, Target, target};

/// Files of a target's corpus that the repository holds at most, and their bytes together.
const MOST: (usize, usize) = (250, 256 << 10);

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fuzz").join(name)
}

/// The inputs of a target's corpus with their names, in the order of these.
pub(crate) fn inputs(name: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder(name)).unwrap_or_else(|error| panic!("corpus of {name}: {error}"));
    let mut inputs: Vec<_> = files
        .map(|file| {
            let file = file.unwrap();
            (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

fn replay(name: &str) {
    let Target { body, .. } = target(name).unwrap();
    for (file, data) in inputs(name) {
        assert!(data.len() <= LONGEST, "{file} is longer than the target reads");
        // A panic names what does not hold; this names the file.
        eprintln!("fixtures/fuzz/{name}/{file}");
        body(&data);
    }
}

#[test]
fn key() {
    replay("key");
}

#[test]
fn operation() {
    replay("operation");
}

#[test]
fn frame() {
    replay("frame");
}

#[test]
fn link() {
    replay("link");
}

#[test]
fn parser() {
    replay("parser");
}

#[test]
fn text() {
    replay("text");
}

#[cfg(feature = "import")]
#[test]
fn import() {
    replay("import");
}

#[test]
fn every_target_has_a_small_corpus() {
    for target in TARGETS {
        let inputs = inputs(target.name);
        let bytes: usize = inputs.iter().map(|(_, data)| data.len()).sum();
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        assert!((inputs.len(), bytes) <= MOST && bytes <= MOST.1, "{}: {} files", target.name, inputs.len());
    }
}

#[cfg(feature = "import")]
#[test]
fn every_folder_is_of_a_target() {
    for file in fs::read_dir(folder("")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(target(&name).is_some(), "fixtures/fuzz/{name} is of no target");
    }
}
