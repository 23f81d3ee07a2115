//! The documentation says what the program does.

use ankurah_inspector::keymap::Keymap;

#[test]
fn the_keys_are_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/inspect.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, _) = text.split_once("\n## Keys\n").unwrap();
    let expected = format!("{before}\n## Keys\n{}", Keymap::standard().unwrap().documentation());
    if std::env::var_os("ANKURAH_PICTURE").is_some_and(|value| value == "draw") {
        std::fs::write(path, expected).unwrap();
    } else {
        assert!(text == expected, "docs/inspect.md has other keys than the program: cargo xtask picture");
    }
}
