//! Texts as a search compares them: without case and without accents.

use nucleo_matcher::chars::normalize;

/// A text without case and without accents: `Björk` and `bjork` are the same.
pub fn fold(text: &str) -> String {
    let plain = text.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).map(normalize);
    plain.flat_map(char::to_lowercase).map(normalize).collect()
}

/// Whether a text has each of some words, which are folded already.
pub fn has_all(text: &str, words: &[String]) -> bool {
    let folded = fold(text);
    words.iter().all(|word| folded.contains(word.as_str()))
}

/// The words of a text, folded.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_count() {
        for (text, expected) in [
            ("Björk", "bjork"),
            ("bjo\u{308}rk", "bjork"),
            ("ÉCOLE", "ecole"),
            ("Ærø", "ærø"),
            ("ŁÓDŹ", "lodz"),
            ("東京", "東京"),
            ("", ""),
        ] {
            assert_eq!(fold(text), fold(expected), "{text}");
        }
        assert_eq!(fold("Björk Guðmundsdóttir"), fold("BJORK GUÐMUNDSDOTTIR"));
        assert!(has_all("Homogenic, Björk 1997", &words("bjork 1997")));
        assert!(!has_all("Homogenic, Björk 1997", &words("bjork 1998")));
        assert!(has_all("anything", &words("  ")));
    }
}
