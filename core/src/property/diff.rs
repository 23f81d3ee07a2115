//! The difference between two values, for people.

use std::fmt;

use crate::value::Value;

/// How a property changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// A value became another one. `None` is a property that was never set.
    Set {
        /// The value before.
        old: Option<Value>,
        /// The value after.
        new: Option<Value>,
    },
    /// A text was edited.
    Text(Vec<TextPart>),
}

/// A part of a text that was kept, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// In both texts.
    Same(String),
    /// In the old text only.
    Deleted(String),
    /// In the new text only.
    Inserted(String),
}

impl Difference {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        match self {
            Difference::Set { old, new } => old == new,
            Difference::Text(parts) => parts.iter().all(|part| matches!(part, TextPart::Same(_))),
        }
    }
}

/// Characters of unchanged text that are shown beside a change.
const CONTEXT: usize = 24;

impl fmt::Display for Difference {
    /// `old → new` or `unchanged`; a text with what went as `[-…-]`, what came as `{+…+}`, and `…` for long unchanged parts.
    ///
    /// The texts are data: escape the whole where it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            same if same.is_empty() => f.write_str("unchanged"),
            Difference::Set { old, new } => {
                let show = |value: &Option<Value>| match value {
                    None => "unset".to_owned(),
                    Some(Value::String(text)) => format!("'{}'", text.replace('\'', "''")),
                    Some(other) => other.to_string(),
                };
                write!(f, "{} → {}", show(old), show(new))
            }
            Difference::Text(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    match part {
                        TextPart::Same(text) => {
                            write_same(f, text, index > 0, index + 1 < parts.len())?;
                        }
                        TextPart::Deleted(text) => write!(f, "[-{text}-]")?,
                        TextPart::Inserted(text) => write!(f, "{{+{text}+}}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// Writes unchanged text, its middle left out where it is long. `after` and `before` tell whether a change
/// stands on that side.
fn write_same(f: &mut fmt::Formatter<'_>, text: &str, after: bool, before: bool) -> fmt::Result {
    let count = text.chars().count();
    let head = if after { CONTEXT } else { 0 };
    let tail = if before { CONTEXT } else { 0 };
    if count <= head + tail + 1 {
        return f.write_str(text);
    }
    f.write_str(&text.chars().take(head).collect::<String>())?;
    f.write_str("…")?;
    f.write_str(&text.chars().skip(count - tail).collect::<String>())
}

/// The difference of two texts, by words. Where both are long and have little in common, words are not matched
/// up and the differing middle counts as replaced.
pub fn text_difference(old: &str, new: &str) -> Vec<TextPart> {
    let old = words(old);
    let new = words(new);
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let middle = |all: &[&str]| -> Vec<String> {
        all.iter().skip(start).take(all.len() - start - end).map(|word| (*word).to_owned()).collect()
    };
    let mut parts = Parts::default();
    old.iter().take(start).for_each(|word| parts.same(word));
    match_words(&middle(&old), &middle(&new), &mut parts);
    old.iter().skip(old.len() - end).for_each(|word| parts.same(word));
    parts.finish()
}

/// Pairs of words beyond which words are not matched up.
const MAX_PAIRS: usize = 1 << 20;

/// Words, runs of white space, and single other characters.
fn words(text: &str) -> Vec<&str> {
    let class = |character: char| {
        if character.is_alphanumeric() {
            0
        } else if character.is_whitespace() {
            1
        } else {
            2
        }
    };
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match class(first) {
            2 => first.len_utf8(),
            kind => rest.find(|character| class(character) != kind).unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        words.push(word);
        rest = after;
    }
    words
}

/// The heaviest common subsequence, by dynamic programming.
fn match_words(old: &[String], new: &[String], parts: &mut Parts) {
    let width = new.len() + 1;
    let cells = (old.len() + 1).saturating_mul(width);
    if cells > MAX_PAIRS {
        old.iter().for_each(|word| parts.deleted(word));
        new.iter().for_each(|word| parts.inserted(word));
        return;
    }
    // Words count more than the white space between them, or it would be matched in their place.
    let weight = |word: &str| if word.starts_with(char::is_alphanumeric) { 3 } else { 1 };
    // The weight of the best common subsequence of what follows, by place in both.
    let mut longest = vec![0u32; cells];
    let at = |longest: &[u32], a: usize, b: usize| longest.get(a * width + b).copied().unwrap_or(0);
    for (a, old_word) in old.iter().enumerate().rev() {
        for (b, new_word) in new.iter().enumerate().rev() {
            let best = if old_word == new_word {
                at(&longest, a + 1, b + 1) + weight(new_word)
            } else {
                at(&longest, a + 1, b).max(at(&longest, a, b + 1))
            };
            if let Some(cell) = longest.get_mut(a * width + b) {
                *cell = best;
            }
        }
    }
    let (mut a, mut b) = (0, 0);
    loop {
        match (old.get(a), new.get(b)) {
            (None, None) => return,
            (Some(word), Some(other)) if word == other => {
                parts.same(word);
                a += 1;
                b += 1;
            }
            (Some(word), _) if b == new.len() || at(&longest, a + 1, b) >= at(&longest, a, b + 1) => {
                parts.deleted(word);
                a += 1;
            }
            (_, Some(word)) => {
                parts.inserted(word);
                b += 1;
            }
            (Some(_), None) => return,
        }
    }
}

/// Collects parts, neighbours of a kind made one, what went before what came.
#[derive(Default)]
struct Parts {
    done: Vec<TextPart>,
    gone: String,
    come: String,
}

impl Parts {
    fn deleted(&mut self, text: &str) {
        self.gone.push_str(text);
    }

    fn inserted(&mut self, text: &str) {
        self.come.push_str(text);
    }

    fn same(&mut self, text: &str) {
        self.flush();
        match self.done.last_mut() {
            Some(TextPart::Same(last)) => last.push_str(text),
            _ => self.done.push(TextPart::Same(text.to_owned())),
        }
    }

    fn flush(&mut self) {
        if !self.gone.is_empty() {
            self.done.push(TextPart::Deleted(std::mem::take(&mut self.gone)));
        }
        if !self.come.is_empty() {
            self.done.push(TextPart::Inserted(std::mem::take(&mut self.come)));
        }
    }

    fn finish(mut self) -> Vec<TextPart> {
        self.flush();
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(old: &str, new: &str, shown: &str) {
        assert_eq!(Difference::Text(text_difference(old, new)).to_string(), shown);
    }

    #[test]
    fn texts() {
        check("", "", "unchanged");
        check("same", "same", "unchanged");
        check("", "new", "{+new+}");
        check("old", "", "[-old-]");
        check("the quick fox", "the slow fox", "the [-quick-]{+slow+} fox");
        check("one two three", "zero one three four", "{+zero +}one [-two -]three{+ four+}");
        check("a.b", "a,b", "a[-.-]{+,+}b");
        let long = "word ".repeat(40);
        check(
            &format!("{long}x {long}y"),
            &format!("{long}z {long}y"),
            "…ord word word word word [-x-]{+z+} word word word word wor…",
        );
    }

    #[test]
    fn long_texts_without_much_in_common_are_replaced() {
        let old: String = (0..2000).map(|n| format!("a{n} ")).collect();
        let new: String = (0..2000).map(|n| format!("b{n} ")).collect();
        let parts = text_difference(&format!("same {old}same"), &format!("same {new}same"));
        assert_eq!(parts.len(), 4);
    }

    #[test]
    fn values() {
        let set = |old, new| Difference::Set { old, new }.to_string();
        assert_eq!(set(None, Some(Value::Int(1))), "unset → 1");
        assert_eq!(set(Some(Value::Null), Some(Value::string("it's").unwrap())), "null → 'it''s'");
    }

    proptest! {
        #[test]
        fn parts_make_both_texts(old in "[ab é.]{0,30}", new in "[ab é.]{0,30}") {
            let parts = text_difference(&old, &new);
            let (mut before, mut after) = (String::new(), String::new());
            for part in &parts {
                match part {
                    TextPart::Same(text) => {
                        before.push_str(text);
                        after.push_str(text);
                    }
                    TextPart::Deleted(text) => before.push_str(text),
                    TextPart::Inserted(text) => after.push_str(text),
                }
            }
            prop_assert_eq!(Difference::Text(parts).is_empty(), old == new);
            prop_assert_eq!((before, after), (old, new));
        }
    }
}
