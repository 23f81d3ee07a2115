//! The file.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;

/// An operation's place in a history.
pub(crate) struct Node {
    /// The operations that it follows, by their place in the file.
    pub(crate) parents: Vec<usize>,
    /// When it was written.
    pub(crate) seconds: u64,
}

/// A history.
pub(crate) struct Shape {
    /// Parents before children; the first has none.
    pub(crate) nodes: Vec<Node>,
    /// A number that follows from the file.
    pub(crate) seed: u64,
}

impl Shape {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Shape, Box<dyn Error>> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut hash = blake3::Hasher::new();
        for (number, line) in BufReader::new(GzDecoder::new(File::open(path)?)).lines().enumerate() {
            let line = line?;
            hash.update(line.as_bytes());
            if number == 0 && line.starts_with("index,") {
                continue;
            }
            let wrong = |what: &str| format!("line {}: {what}: {line}", number + 1);
            let mut fields = line.split(',');
            let (Some(index), Some(parents), Some(seconds)) = (fields.next(), fields.next(), fields.next())
            else {
                return Err(wrong("expected index,parents,unix_seconds").into());
            };
            if index.parse() != Ok(nodes.len()) {
                return Err(wrong("the indexes do not count up").into());
            }
            let parents: Vec<usize> = parents
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map_err(|_| wrong("parents"))?;
            if parents.iter().any(|parent| *parent >= nodes.len()) {
                return Err(wrong("a parent does not come before its child").into());
            }
            if parents.is_empty() != nodes.is_empty() {
                return Err(wrong("an entity begins once, with the first operation").into());
            }
            nodes.push(Node { parents, seconds: seconds.parse().map_err(|_| wrong("seconds"))? });
        }
        let seed =
            hash.finalize().as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Ok(Shape { nodes, seed })
    }
}
