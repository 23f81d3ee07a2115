//! Licence expressions as crates state them: `MIT OR Apache-2.0`, `(MIT OR Zlib) AND Unicode-3.0`, and
//! the old form `MIT/Apache-2.0`.

/// Whether the terms can be met with the allowed licences alone.
pub(crate) fn is_allowed(expression: &str, allowed: &[String]) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allowed, depth: 0 };
    let verdict = reader.either().ok_or_else(|| format!("`{expression}` is no licence expression"))?;
    if reader.words.is_empty() { Ok(verdict) } else { Err(format!("`{expression}` goes on after its end")) }
}

struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
    depth: usize,
}

impl<'a> Reader<'a> {
    fn either(&mut self) -> Option<bool> {
        let mut verdict = self.both()?;
        while self.take("OR") {
            verdict |= self.both()?;
        }
        Some(verdict)
    }

    fn both(&mut self) -> Option<bool> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Some(verdict)
    }

    fn one(&mut self) -> Option<bool> {
        match self.next()? {
            "(" => {
                self.depth += 1;
                let verdict = if self.depth < 32 { self.either() } else { None };
                self.depth -= 1;
                verdict.filter(|_| self.take(")"))
            }
            ")" | "AND" | "OR" | "WITH" => None,
            name => {
                let full =
                    if self.take("WITH") { format!("{name} WITH {}", self.next()?) } else { name.into() };
                Some(self.allowed.contains(&full))
            }
        }
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.next();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: Option<bool>) {
        let allowed = ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].map(String::from);
        assert_eq!(is_allowed(expression, &allowed).ok(), expected, "{expression}");
    }

    #[test]
    fn expressions() {
        check("MIT", Some(true));
        check("GPL-3.0-only", Some(false));
        check("MIT OR GPL-3.0-only", Some(true));
        check("MIT/Apache-2.0", Some(true));
        check("MIT AND GPL-3.0-only", Some(false));
        check("MIT AND Zlib", Some(true));
        check("GPL-3.0-only OR MIT AND Zlib", Some(true));
        check("(GPL-3.0-only OR MIT) AND Zlib", Some(true));
        check("MIT AND (GPL-3.0-only OR ISC)", Some(false));
        check("Apache-2.0", Some(false));
        check("Apache-2.0 WITH LLVM-exception", Some(true));
    }

    #[test]
    fn nonsense() {
        for text in ["", "MIT OR", "AND", "(MIT", "MIT)", "MIT Zlib", "MIT WITH"] {
            check(text, None);
        }
        check(&"(".repeat(100_000), None);
    }
}
