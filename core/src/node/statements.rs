//! Statements that were parsed lately.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ankurah_query_lang::{ParseError, ast, parse_statement};

/// The longest text of a statement that is kept, in bytes.
const LONGEST: usize = 4 << 10;
/// How long the kept texts may be together, in bytes.
const BOUND: usize = 256 << 10;

/// Parsed statements by their text, so that a program that asks the same again and again, with other parameters, does
/// not have it parsed again. When there is no more room all are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Statements(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    statements: HashMap<Arc<str>, Arc<ast::Statement>>,
    bytes: usize,
}

impl Statements {
    /// Forgets all statements: what they say is to be kept no longer.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }

    /// The statement that a text is.
    pub(crate) fn parse(&self, source: &str) -> Result<Arc<ast::Statement>, ParseError> {
        if source.len() > LONGEST {
            return parse_statement(source).map(Arc::new);
        }
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).statements.get(source) {
            return Ok(Arc::clone(known));
        }
        let statement = Arc::new(parse_statement(source)?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.bytes.saturating_add(source.len()) > BOUND {
            *known = Known::default();
        }
        if known.statements.insert(Arc::from(source), Arc::clone(&statement)).is_none() {
            known.bytes = known.bytes.saturating_add(source.len());
        }
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once() {
        let statements = Statements::default();
        let first = statements.parse("select 1").unwrap();
        assert!(Arc::ptr_eq(&first, &statements.parse("select 1").unwrap()));
        assert_eq!(*statements.parse("select 2").unwrap(), parse_statement("select 2").unwrap());
        assert!(statements.parse("select").is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let statements = Statements::default();
        for number in 0..4_000 {
            let text = format!("select {number} -- {}", "x".repeat(100));
            statements.parse(&text).unwrap();
            let known = statements.0.lock().unwrap();
            assert!(known.bytes <= BOUND);
            assert_eq!(known.bytes, known.statements.keys().map(|text| text.len()).sum::<usize>());
        }
        let long = format!("select '{}'", "x".repeat(LONGEST));
        statements.parse(&long).unwrap();
        assert!(!statements.0.lock().unwrap().statements.contains_key(long.as_str()));
    }
}
