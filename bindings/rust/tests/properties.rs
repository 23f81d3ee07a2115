//! Every type of property comes back as it was given, and texts change as a vector of characters does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::{Duration, SystemTime};

use ankurah::core::env::fixed::FixedEnv;
use ankurah::{
    Context, Decimal, Json, Model, OpenOptions, Property, PropertyError, Ref, Text, Timestamp, ToValue, Ulid,
    Uuid, ValueRef,
};
use futures::executor::block_on;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

async fn context() -> Context {
    OpenOptions::new().env(FixedEnv::new(1).env).open("memory:").await.unwrap()
}

#[derive(Clone, Debug, PartialEq, Property)]
struct Email(String);

#[derive(Clone, Copy, Debug, PartialEq, Property)]
enum Mood {
    VeryCalm,
    #[property(name = "wild!")]
    Wild,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Property)]
struct Address {
    street: String,
    number: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Property)]
#[property(json)]
enum Shape {
    Circle(i64),
    Point,
}

#[derive(Model)]
struct Everything {
    truth: bool,
    number: i64,
    small: u8,
    float: f64,
    exact: Decimal,
    string: String,
    bytes: Vec<u8>,
    time: Timestamp,
    system: SystemTime,
    uuid: Uuid,
    ulid: Ulid,
    this: Option<Ref<Everything>>,
    json: serde_json::Value,
    list: Json<Vec<String>>,
    text: Text,
    email: Email,
    mood: Option<Mood>,
    address: Address,
    shape: Shape,
    r#type: String,
}

fn everything(string: &str, number: i64, micros: i64) -> Everything {
    Everything {
        truth: number % 2 == 0,
        number,
        small: u8::try_from(number.rem_euclid(256)).unwrap(),
        float: number as f64 / 3.0,
        exact: Decimal::new(number, 3),
        string: string.to_owned(),
        bytes: string.as_bytes().to_vec(),
        time: Timestamp(micros),
        system: SystemTime::UNIX_EPOCH + Duration::from_micros(micros.unsigned_abs() / 8),
        uuid: Uuid::from_u128(u128::from(number.unsigned_abs())),
        ulid: Ulid(u128::from(micros.unsigned_abs())),
        this: None,
        json: serde_json::json!({ "b": [number], "a": string }),
        list: Json(vec![string.to_owned(), String::new()]),
        text: Text::from(string),
        email: Email(string.to_owned()),
        mood: [None, Some(Mood::VeryCalm), Some(Mood::Wild)][usize::try_from(number.rem_euclid(3)).unwrap()],
        address: Address { street: string.to_owned(), number: 7 },
        shape: if number % 2 == 0 { Shape::Point } else { Shape::Circle(number) },
        r#type: "x".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_stored_comes_back(string in "[^\\x00]{0,12}", number: i64, micros: i64) {
        block_on(async {
            let context = context().await;
            let made = context.create(&everything(&string, number, micros)).await.unwrap();
            let made = context.edit(&made, |made| made.set_this(Some(made.id()))).await.unwrap();
            let read = context.get(&made).await.unwrap();
            assert_eq!(read, made);
            assert_eq!(context.fetch::<Everything>(("email = ?", string.as_str())).await.unwrap(), std::slice::from_ref(&read));
            assert_eq!(read.this(), Some(made.id()));
            assert_eq!((read.string(), read.text(), read.r#type()), (&*string, &*string, "x"));
        });
    }

    #[test]
    fn a_text_changes_like_a_vector_of_characters(
        start in "[aé😀 ]{0,8}",
        edits in proptest::collection::vec((0usize..12, 0usize..6, "[bü🎉 ]{0,4}", 0u8..4), 0..8),
    ) {
        block_on(async {
            let context = context().await;
            let expected = std::cell::RefCell::new(Vec::new());
            let note = everything(&start, 1, 1);
            let note = context.create(&note).await.unwrap();
            let edited = context.edit(&note, |note| {
                // The closure may run again, from the beginning.
                let mut expected = expected.borrow_mut();
                *expected = start.chars().collect::<Vec<char>>();
                let mut text = note.edit_text();
                for (at, delete, insert, kind) in &edits {
                    let range = *at..at.saturating_add(*delete);
                    let fits = range.end <= expected.len();
                    match kind {
                        0 => {
                            text.push(insert);
                            expected.extend(insert.chars());
                        }
                        1 => {
                            let all: String = expected.iter().rev().chain(&[' ']).collect::<String>() + insert;
                            text.apply_diff(&all);
                            *expected = all.chars().collect();
                        }
                        _ => {
                            assert_eq!(text.replace(range.clone(), insert).is_ok(), fits);
                            if fits {
                                expected.splice(range, insert.chars());
                            }
                        }
                    }
                    assert_eq!((text.as_str(), text.len()), (&*String::from_iter(&*expected), expected.len()));
                }
            });
            let edited = edited.await.unwrap();
            assert_eq!(edited.text(), String::from_iter(&*expected.borrow()));
            assert_eq!(context.get(&note).await.unwrap().text(), edited.text());
        });
    }
}

#[test]
fn ranges_outside_of_a_text_are_errors() {
    block_on(async {
        let context = context().await;
        let note = context.create(&everything("four", 1, 1)).await.unwrap();
        let check = async |edit: &dyn Fn(&mut ankurah::TextEditor<'_>) -> Result<(), ankurah::Error>,
                           expected: &str| {
            let edited = context.edit(&note, |note| edit(&mut note.edit_text())).await;
            let shown = edited.map_or_else(|error| error.to_string(), |note| note.text().to_owned());
            assert_eq!(shown, expected);
        };
        check(&|text| text.insert(5, "x"), "position 5 is outside the text, which has 4 characters").await;
        check(&|text| text.delete(3..5), "the range 3..5 is outside the text, which has 4 characters").await;
        #[expect(clippy::reversed_empty_ranges, reason = "it is what is refused")]
        check(&|text| text.delete(2..1), "the range 2..1 is outside the text, which has 4 characters").await;
        check(&|text| text.delete(..=usize::MAX), "the range is outside the text, which has 4 characters")
            .await;
        check(&|text| text.replace(.., "all"), "all").await;
        check(&|text| text.delete(1..), "a").await;
    });
}

#[test]
fn values_that_a_type_does_not_have_are_errors() {
    fn check<T: Property>(value: ValueRef<'_>, expected: &str) {
        assert_eq!(T::from_value(value).unwrap_err().to_string(), expected);
    }
    check::<u8>(ValueRef::Int(256), "256 does not fit into u8");
    check::<i32>(ValueRef::Int(i64::MIN), "-9223372036854775808 does not fit into i32");
    check::<i64>(ValueRef::String("1"), "a value of type i64 was expected, but it is of type string");
    check::<Mood>(ValueRef::String("calm"), "`calm` is none of `very_calm`, `wild!`");
    check::<Email>(ValueRef::Bool(true), "a value of type string was expected, but it is of type bool");
    check::<Address>(ValueRef::Json("{\"street\":\"A\"}"), "missing field `number` at line 1 column 14");
    assert_eq!(Email::from_value(ValueRef::Null), Err(PropertyError::Missing));
    assert_eq!(Option::<Email>::from_value(ValueRef::Null), Ok(None));
    assert_eq!(Text::from_value(ValueRef::Null), Ok(Text::new()));
    let nul = "a\0".to_value().unwrap_err().to_string();
    assert_eq!(nul, "a string cannot contain the character U+0000 (at byte 1)");
    let before = SystemTime::UNIX_EPOCH - Duration::from_nanos(1);
    assert_eq!(before.to_value().unwrap(), ankurah::Value::timestamp(-1));
}

#[test]
fn a_value_that_cannot_be_stored_fails_the_edit_and_names_the_field() {
    block_on(async {
        let context = context().await;
        let made = context.create(&everything("x", 1, 1)).await.unwrap();
        let edited = context.edit(&made, |made| {
            made.set_number(2);
            made.set_string("a\0");
        });
        let expected = "everything.string: a string cannot contain the character U+0000 (at byte 1)";
        assert_eq!(edited.await.unwrap_err().to_string(), expected);
        assert_eq!(context.get(&made).await.unwrap().number(), 1);
    });
}
