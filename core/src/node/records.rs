//! The small records that a node keeps in its store.

use ed25519_dalek::SigningKey;

use crate::env::Random;
use crate::id::{Author, Stamp};
use crate::storage::StorageError;

/// The greatest stamp made or taken in: 8 bytes, big-endian.
pub(crate) const CLOCK: &str = "clock";

/// The secret half of the key pair: 32 bytes.
pub(crate) const KEY: &str = "key";

/// The record of the clock, which commits raise: they may reach the store in another order than they drew their stamps.
pub(crate) fn clock(high: Stamp) -> (String, Vec<u8>) {
    (CLOCK.to_owned(), high.bits().to_be_bytes().to_vec())
}

/// Reads the record of the clock.
pub(crate) fn read_clock(bytes: &[u8]) -> Result<Stamp, StorageError> {
    <[u8; 8]>::try_from(bytes)
        .map(|bytes| Stamp::from_bits(u64::from_be_bytes(bytes)))
        .map_err(|_| damaged(CLOCK, "8", bytes.len()))
}

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
