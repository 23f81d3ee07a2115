//! What the tests share.

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_ankurah");

/// Compares with the snapshot of that name in `/snapshots/repl`.
#[track_caller]
pub(crate) fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/repl"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
