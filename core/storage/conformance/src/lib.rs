//! The one conformance suite that every Ankurah storage engine passes.
