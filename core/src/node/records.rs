//! The small records that a node keeps in its store.

use ed25519_dalek::SigningKey;

use crate::env::Random;
use crate::id::Author;
use crate::storage::StorageError;

/// The secret half of the key pair: 32 bytes.
pub(crate) const KEY: &str = "key";

/// A new key pair.
pub(crate) fn new_key(random: &dyn Random) -> SigningKey {
    let mut secret = [0; 32];
    random.fill(&mut secret);
    SigningKey::from_bytes(&secret)
}

/// The record of a key pair.
pub(crate) fn key(key: &SigningKey) -> (String, Option<Vec<u8>>) {
    (KEY.to_owned(), Some(key.to_bytes().to_vec()))
}

/// Reads the record of a key pair.
pub(crate) fn read_key(bytes: &[u8]) -> Result<SigningKey, StorageError> {
    <[u8; 32]>::try_from(bytes)
        .map(|secret| SigningKey::from_bytes(&secret))
        .map_err(|_| damaged(KEY, "32", bytes.len()))
}

/// The author that a key pair stands for.
pub(crate) fn author(key: &SigningKey) -> Author {
    let hash = blake3::hash(key.verifying_key().as_bytes());
    let mut author = [0; 16];
    author.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    Author(author)
}

fn damaged(name: &str, expected: &str, found: usize) -> StorageError {
    StorageError::Damaged {
        what: format!("record `{name}`"),
        message: format!("expected {expected} bytes, found {found}"),
    }
}
