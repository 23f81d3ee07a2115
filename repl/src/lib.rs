//! The ankurah command: REPL, script runner, import, export, verify.
