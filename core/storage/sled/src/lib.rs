//! The sled storage engine of Ankurah.
