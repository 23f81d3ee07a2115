//! Reading commands: a name and its arguments.

/// The words of a command after its name. Single quotes hold blanks; a quote inside is written twice.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = chars.peek().copied() else { return Ok(words) };
        let mut word = String::new();
        if first == '\'' {
            chars.next();
            loop {
                match chars.next() {
                    Some('\'') if chars.next_if_eq(&'\'').is_some() => word.push('\''),
                    Some('\'') => break,
                    Some(c) => word.push(c),
                    None => return Err("a quote is not closed".to_owned()),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                word.push(c);
            }
        }
        words.push(word);
    }
}

/// The name of a command and the text after it.
pub(super) fn split(line: &str) -> (&str, &str) {
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    // As people are used to end statements.
    (name.strip_suffix(';').unwrap_or(name), rest.trim())
}

/// `on` or `off`; nothing turns it over.
pub(super) fn switch(words: &[String], now: bool) -> Result<bool, String> {
    match words.first().map(String::as_str) {
        None => Ok(!now),
        Some("on" | "true" | "1") => Ok(true),
        Some("off" | "false" | "0") => Ok(false),
        Some(other) => Err(format!("`{other}` is neither on nor off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        assert_eq!(words("a  'b c' it's").unwrap(), ["a", "b c", "it's"]);
        assert_eq!(words("'it''s' ''").unwrap(), ["it's", ""]);
        assert!(words("'open").is_err());
    }

    #[test]
    fn names() {
        assert_eq!(split("\\d album"), ("\\d", "album"));
        assert_eq!(split("\\q;"), ("\\q", ""));
        assert_eq!(split("\\"), ("\\", ""));
    }
}
