//! The built-in functions: names, arities and one line about each. What they compute is the evaluator's.

/// A built-in function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Other names for the same function.
    pub synonyms: &'static [&'static str],
    /// What it is about.
    pub kind: FunctionKind,
    /// How it is called, for people: optional arguments in brackets, repeated ones with dots.
    pub signature: &'static str,
    /// The least number of arguments; `count(*)` counts as one.
    pub min_args: usize,
    /// The greatest number of arguments, `None` where there is no limit.
    pub max_args: Option<usize>,
    /// What it gives, in one line.
    pub doc: &'static str,
}

/// What a function is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// Numbers.
    Math,
    /// Strings.
    String,
    /// Values of any type and NULL.
    Condition,
    /// Timestamps.
    Time,
    /// JSON.
    Json,
    /// One value of many rows. The only functions that take `*`, `distinct` and `filter`.
    Aggregate,
}

impl Function {
    /// Whether it makes one value of many rows.
    pub fn is_aggregate(&self) -> bool {
        self.kind == FunctionKind::Aggregate
    }

    /// Whether it can be called with so many arguments.
    pub fn takes(&self, arguments: usize) -> bool {
        arguments >= self.min_args && self.max_args.is_none_or(|max| arguments <= max)
    }
}

/// The built-in function with a name or synonym, in any case.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| {
        function.name.eq_ignore_ascii_case(name)
            || function.synonyms.iter().any(|synonym| synonym.eq_ignore_ascii_case(name))
    })
}

/// All names of functions, synonyms included.
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS
        .iter()
        .flat_map(|function| std::iter::once(function.name).chain(function.synonyms.iter().copied()))
}

/// All built-in functions.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "abs",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "abs(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "The number without its sign.",
    },
    Function {
        name: "ceil",
        synonyms: &["ceiling"],
        kind: FunctionKind::Math,
        signature: "ceil(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "The least integer that is not less.",
    },
    Function {
        name: "floor",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "floor(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "The greatest integer that is not greater.",
    },
    Function {
        name: "round",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "round(number [, digits])",
        min_args: 1,
        max_args: Some(2),
        doc: "The nearest number with so many digits after the point (0 where none are given), halves away from zero.",
    },
    Function {
        name: "trunc",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "trunc(number [, digits])",
        min_args: 1,
        max_args: Some(2),
        doc: "The number cut to so many digits after the point (0 where none are given).",
    },
    Function {
        name: "sign",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "sign(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "-1, 0 or 1.",
    },
    Function {
        name: "mod",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "mod(number, divisor)",
        min_args: 2,
        max_args: Some(2),
        doc: "The remainder, with the sign of the number; the same as %.",
    },
    Function {
        name: "sqrt",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "sqrt(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "The square root.",
    },
    Function {
        name: "power",
        synonyms: &["pow"],
        kind: FunctionKind::Math,
        signature: "power(number, exponent)",
        min_args: 2,
        max_args: Some(2),
        doc: "The number raised to the exponent.",
    },
    Function {
        name: "exp",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "exp(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "e raised to the number.",
    },
    Function {
        name: "ln",
        synonyms: &[],
        kind: FunctionKind::Math,
        signature: "ln(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "The natural logarithm.",
    },
    Function {
        name: "lower",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "lower(string)",
        min_args: 1,
        max_args: Some(1),
        doc: "The string in lower case.",
    },
    Function {
        name: "upper",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "upper(string)",
        min_args: 1,
        max_args: Some(1),
        doc: "The string in upper case.",
    },
    Function {
        name: "length",
        synonyms: &["char_length", "character_length"],
        kind: FunctionKind::String,
        signature: "length(string)",
        min_args: 1,
        max_args: Some(1),
        doc: "The number of characters (Unicode scalar values); of bytes, the number of bytes.",
    },
    Function {
        name: "octet_length",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "octet_length(string)",
        min_args: 1,
        max_args: Some(1),
        doc: "The number of bytes in UTF-8.",
    },
    Function {
        name: "trim",
        synonyms: &["btrim"],
        kind: FunctionKind::String,
        signature: "trim(string [, characters])",
        min_args: 1,
        max_args: Some(2),
        doc: "The string without such characters (spaces where none are given) at both ends.",
    },
    Function {
        name: "ltrim",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "ltrim(string [, characters])",
        min_args: 1,
        max_args: Some(2),
        doc: "The string without such characters (spaces where none are given) at its start.",
    },
    Function {
        name: "rtrim",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "rtrim(string [, characters])",
        min_args: 1,
        max_args: Some(2),
        doc: "The string without such characters (spaces where none are given) at its end.",
    },
    Function {
        name: "substr",
        synonyms: &["substring"],
        kind: FunctionKind::String,
        signature: "substr(string, start [, length])",
        min_args: 2,
        max_args: Some(3),
        doc: "The part from a character on, counted from 1.",
    },
    Function {
        name: "left",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "left(string, count)",
        min_args: 2,
        max_args: Some(2),
        doc: "The first characters; all but the last ones where the count is negative.",
    },
    Function {
        name: "right",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "right(string, count)",
        min_args: 2,
        max_args: Some(2),
        doc: "The last characters; all but the first ones where the count is negative.",
    },
    Function {
        name: "replace",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "replace(string, from, to)",
        min_args: 3,
        max_args: Some(3),
        doc: "The string with every occurrence replaced.",
    },
    Function {
        name: "strpos",
        synonyms: &["instr"],
        kind: FunctionKind::String,
        signature: "strpos(string, part)",
        min_args: 2,
        max_args: Some(2),
        doc: "The place of the first occurrence, counted from 1; 0 where there is none.",
    },
    Function {
        name: "starts_with",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "starts_with(string, start)",
        min_args: 2,
        max_args: Some(2),
        doc: "Whether the string starts so.",
    },
    Function {
        name: "split_part",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "split_part(string, separator, n)",
        min_args: 3,
        max_args: Some(3),
        doc: "The n-th field, counted from 1; the empty string where there is none.",
    },
    Function {
        name: "repeat",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "repeat(string, count)",
        min_args: 2,
        max_args: Some(2),
        doc: "The string so many times over.",
    },
    Function {
        name: "reverse",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "reverse(string)",
        min_args: 1,
        max_args: Some(1),
        doc: "The characters in reverse order.",
    },
    Function {
        name: "lpad",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "lpad(string, length [, fill])",
        min_args: 2,
        max_args: Some(3),
        doc: "The string filled up at its start, or cut, to a length.",
    },
    Function {
        name: "rpad",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "rpad(string, length [, fill])",
        min_args: 2,
        max_args: Some(3),
        doc: "The string filled up at its end, or cut, to a length.",
    },
    Function {
        name: "concat",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "concat(value, ...)",
        min_args: 1,
        max_args: None,
        doc: "All values as strings, joined; NULLs are left out.",
    },
    Function {
        name: "concat_ws",
        synonyms: &[],
        kind: FunctionKind::String,
        signature: "concat_ws(separator, value, ...)",
        min_args: 2,
        max_args: None,
        doc: "All values as strings, joined with a separator; NULLs are left out.",
    },
    Function {
        name: "coalesce",
        synonyms: &[],
        kind: FunctionKind::Condition,
        signature: "coalesce(value, ...)",
        min_args: 1,
        max_args: None,
        doc: "The first value that is not NULL.",
    },
    Function {
        name: "ifnull",
        synonyms: &[],
        kind: FunctionKind::Condition,
        signature: "ifnull(value, otherwise)",
        min_args: 2,
        max_args: Some(2),
        doc: "The value, or the other where it is NULL.",
    },
    Function {
        name: "nullif",
        synonyms: &[],
        kind: FunctionKind::Condition,
        signature: "nullif(a, b)",
        min_args: 2,
        max_args: Some(2),
        doc: "NULL where both are equal, otherwise the first.",
    },
    Function {
        name: "greatest",
        synonyms: &[],
        kind: FunctionKind::Condition,
        signature: "greatest(value, ...)",
        min_args: 1,
        max_args: None,
        doc: "The greatest value; NULLs are left out.",
    },
    Function {
        name: "least",
        synonyms: &[],
        kind: FunctionKind::Condition,
        signature: "least(value, ...)",
        min_args: 1,
        max_args: None,
        doc: "The least value; NULLs are left out.",
    },
    Function {
        name: "typeof",
        synonyms: &["pg_typeof"],
        kind: FunctionKind::Condition,
        signature: "typeof(value)",
        min_args: 1,
        max_args: Some(1),
        doc: "The name of the value's type.",
    },
    Function {
        name: "now",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "now()",
        min_args: 0,
        max_args: Some(0),
        doc: "The time of the statement, the same throughout it.",
    },
    Function {
        name: "date_part",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "date_part(field, timestamp)",
        min_args: 2,
        max_args: Some(2),
        doc: "A part of a timestamp: 'millennium', 'century', 'decade', 'year', 'isoyear', 'quarter', 'month', 'week', 'day', 'dow', 'isodow', 'doy', 'hour', 'minute', 'second', 'milliseconds', 'microseconds' or 'epoch'.",
    },
    Function {
        name: "date_trunc",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "date_trunc(field, timestamp)",
        min_args: 2,
        max_args: Some(2),
        doc: "The timestamp cut to a 'millennium', 'century', 'decade', 'year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'milliseconds' or 'microseconds'.",
    },
    Function {
        name: "year",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "year(timestamp)",
        min_args: 1,
        max_args: Some(1),
        doc: "The year.",
    },
    Function {
        name: "month",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "month(timestamp)",
        min_args: 1,
        max_args: Some(1),
        doc: "The month, from 1.",
    },
    Function {
        name: "day",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "day(timestamp)",
        min_args: 1,
        max_args: Some(1),
        doc: "The day of the month.",
    },
    Function {
        name: "hour",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "hour(timestamp)",
        min_args: 1,
        max_args: Some(1),
        doc: "The hour, 0 to 23.",
    },
    Function {
        name: "minute",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "minute(timestamp)",
        min_args: 1,
        max_args: Some(1),
        doc: "The minute, 0 to 59.",
    },
    Function {
        name: "second",
        synonyms: &[],
        kind: FunctionKind::Time,
        signature: "second(timestamp)",
        min_args: 1,
        max_args: Some(1),
        doc: "The second, 0 to 59, without its fraction.",
    },
    Function {
        name: "json_typeof",
        synonyms: &[],
        kind: FunctionKind::Json,
        signature: "json_typeof(json)",
        min_args: 1,
        max_args: Some(1),
        doc: "The kind of a JSON value: 'object', 'array', 'string', 'number', 'boolean' or 'null'.",
    },
    Function {
        name: "json_array_length",
        synonyms: &[],
        kind: FunctionKind::Json,
        signature: "json_array_length(json)",
        min_args: 1,
        max_args: Some(1),
        doc: "The number of elements of a JSON array.",
    },
    Function {
        name: "count",
        synonyms: &[],
        kind: FunctionKind::Aggregate,
        signature: "count(* | value)",
        min_args: 1,
        max_args: Some(1),
        doc: "The number of rows, or of values that are not NULL.",
    },
    Function {
        name: "sum",
        synonyms: &[],
        kind: FunctionKind::Aggregate,
        signature: "sum(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "The sum; NULL of no values.",
    },
    Function {
        name: "avg",
        synonyms: &[],
        kind: FunctionKind::Aggregate,
        signature: "avg(number)",
        min_args: 1,
        max_args: Some(1),
        doc: "The mean; NULL of no values.",
    },
    Function {
        name: "min",
        synonyms: &[],
        kind: FunctionKind::Aggregate,
        signature: "min(value)",
        min_args: 1,
        max_args: Some(1),
        doc: "The least value; NULL of no values.",
    },
    Function {
        name: "max",
        synonyms: &[],
        kind: FunctionKind::Aggregate,
        signature: "max(value)",
        min_args: 1,
        max_args: Some(1),
        doc: "The greatest value; NULL of no values.",
    },
    Function {
        name: "string_agg",
        synonyms: &[],
        kind: FunctionKind::Aggregate,
        signature: "string_agg(string, separator)",
        min_args: 2,
        max_args: Some(2),
        doc: "All strings, joined with a separator; NULL of no values.",
    },
    Function {
        name: "bool_and",
        synonyms: &["every"],
        kind: FunctionKind::Aggregate,
        signature: "bool_and(condition)",
        min_args: 1,
        max_args: Some(1),
        doc: "Whether all are true; NULL of no values.",
    },
    Function {
        name: "bool_or",
        synonyms: &[],
        kind: FunctionKind::Aggregate,
        signature: "bool_or(condition)",
        min_args: 1,
        max_args: Some(1),
        doc: "Whether one is true; NULL of no values.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_one_function_and_callable() {
        let all: Vec<_> = names().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for name in all {
            let function = find(&name.to_uppercase()).unwrap();
            assert!(function.signature.starts_with(&format!("{}(", function.name)), "{name}");
            assert!(function.takes(function.min_args));
            let args = vec!["x"; function.min_args].join(", ");
            let call =
                if name == "substring" { "substring(x, 1)".to_owned() } else { format!("{name}({args})") };
            assert_eq!(crate::parse_expr(&call).unwrap().to_string(), call);
        }
        assert!(find("sum").unwrap().is_aggregate() && !find("abs").unwrap().is_aggregate());
        assert!(find("nosuch").is_none());
        assert!(!find("abs").unwrap().takes(2) && find("concat").unwrap().takes(100));
    }
}
