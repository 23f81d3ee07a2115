//! The fjall storage engine of Ankurah.
