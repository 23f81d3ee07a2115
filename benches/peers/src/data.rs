//! The rows that everybody writes.

use ankurah::Model;

/// An album.
#[derive(Clone, Debug, Model)]
pub struct Album {
    /// Its name; no two albums have the same.
    pub name: String,
    /// When it came out.
    pub year: String,
    /// By whom.
    pub artist: String,
}

/// Albums by number, always the same ones.
pub fn albums(count: usize) -> Vec<Album> {
    let album = |number: usize| Album {
        name: format!("Origin of Symmetry, volume {number}"),
        year: (1950 + number % 75).to_string(),
        artist: format!("Artist {}", number.wrapping_mul(2_654_435_761) % 10_000),
    };
    (0..count).map(album).collect()
}
