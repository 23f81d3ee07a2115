//! The Ankurah query language: nom parser, AST with spans, printer, completion context.
