//! Values: their encoding, their text, their casts, and the index keys whose order is theirs.

use std::cmp::Ordering;

use ankurah_core::codec::{Reader, Writer};
use ankurah_core::id::{ModelId, OpId};
use ankurah_core::value::{TypeTag, Value, cast, codec, key, parse};
use arbitrary::{Result, Unstructured};

use crate::input;

/// The model that references lead to.
const MODEL: ModelId = ModelId(OpId::MIN);

/// The first byte says what the others are.
pub fn body(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 4 {
        0 => encoded(rest),
        1 => bytes_of_a_key(rest),
        2 => {
            let _ = texts(Unstructured::new(rest));
        }
        _ => {
            let _ = pair(&mut Unstructured::new(rest));
        }
    }
}

fn bytes_of(value: &Value) -> Vec<u8> {
    let mut writer = Writer::new();
    codec::encode(value, &mut writer);
    writer.into_bytes()
}

/// Encoded values, one after another: each has one encoding, and is skipped as far as it is read.
fn encoded(data: &[u8]) {
    let mut reader = Reader::new(data);
    while !reader.is_at_end() {
        let start = reader.offset();
        let mut skipped = reader.clone();
        let skipped = codec::skip(&mut skipped).map(|()| skipped.offset());
        let Ok(value) = codec::decode(&mut reader) else { return };
        let end = reader.offset();
        assert_eq!(skipped, Ok(end), "{value:?} is skipped as far as it is read");
        assert_eq!(Some(&bytes_of(&value)[..]), data.get(start..end), "{value:?} has one encoding");
        properties(&value);
    }
}

/// What holds for every value of the domain.
fn properties(value: &Value) {
    let normal = value.clone().normalized().expect("what was read is of the domain");
    assert_eq!(bytes_of(&normal), bytes_of(value), "{value:?} is in its canonical form");
    assert_eq!(codec::decode(&mut Reader::new(&bytes_of(value))), Ok(value.clone()));
    let Some(tag) = value.type_of() else { return };
    let shown = value.to_string();
    assert_eq!(parse(&shown, tag.of(MODEL)).as_ref(), Ok(value), "{shown} reads back");
    for down in [false, true] {
        let mut bytes = Vec::new();
        let cut = key::encode(value, down, &mut bytes);
        let mut rest = &bytes[..];
        let read = key::decode(&mut rest, tag, down).expect("what was written is a key");
        assert!(rest.is_empty(), "the key of {value:?} is read to its end");
        match read {
            Some(read) => assert_eq!((&read, cut), (value, false)),
            None => assert!(shown.len() >= key::MAX_PART, "{value:?} is short enough to stand in a key"),
        }
    }
    for to in TypeTag::ALL {
        if let Ok(value) = cast(value, to.of(MODEL)) {
            assert!(value.is_of(to.of(MODEL)), "{value:?} is of the type that it was cast to");
            let normal = value.clone().normalized().expect("a cast stays in the domain");
            assert_eq!(bytes_of(&normal), bytes_of(&value), "{value:?} is in its canonical form");
        }
    }
}

/// Any bytes as a key: what is read is a value whose own key reads as the same.
fn bytes_of_a_key(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let (Ok(tag), Ok(down)) = (input::tag(&mut input), input.arbitrary::<bool>()) else { return };
    let mut rest = input.take_rest();
    while let Ok(Some(value)) = key::decode(&mut rest, tag, down) {
        let mut own = Vec::new();
        assert!(!key::encode(&value, down, &mut own), "{value:?} was not cut");
        assert_eq!(key::decode(&mut &own[..], tag, down), Ok(Some(value)));
        if rest.is_empty() {
            return;
        }
    }
}

/// Any text as a value of each type: what is read is of the domain, and its own text reads as the same.
fn texts(mut input: Unstructured<'_>) -> Result<()> {
    let tag = input::tag(&mut input)?;
    let text = String::from_utf8_lossy(input.take_rest());
    if let Ok(value) = parse(&text, tag.of(MODEL)) {
        assert_eq!(value.type_of(), Some(tag));
        properties(&value);
    }
    Ok(())
}

/// The order of keys with nulls last either way.
fn order(a: &Value, b: &Value, down: bool) -> Ordering {
    let order = a.compare(b);
    if down && !a.is_null() && !b.is_null() { order.reverse() } else { order }
}

fn nullable(tag: TypeTag, input: &mut Unstructured<'_>) -> Result<Value> {
    if input.ratio(1, 16)? { Ok(Value::Null) } else { input::value_of(tag, input) }
}

/// Two rows of two columns: the order of their keys is theirs, and no key begins another.
fn pair(input: &mut Unstructured<'_>) -> Result<()> {
    let (tags, down) = ([input::tag(input)?, input::tag(input)?], input.arbitrary::<[bool; 2]>()?);
    let a = [nullable(tags[0], input)?, nullable(tags[1], input)?];
    let b = [
        if input.ratio(1, 2)? { a[0].clone() } else { nullable(tags[0], input)? },
        nullable(tags[1], input)?,
    ];
    let (mut left, mut right, mut expected) = (Vec::new(), Vec::new(), Ordering::Equal);
    for ((a, b), down) in a.iter().zip(&b).zip(down) {
        let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
        let cut = [key::encode(a, down, &mut of_a), key::encode(b, down, &mut of_b)];
        let order = order(a, b, down);
        let found = of_a.cmp(&of_b);
        // A cut key is the same as that of another value with the same beginning, never turned round.
        let same_for_once = found.is_eq() && cut.contains(&true);
        assert!(found == order || same_for_once, "{a:?} {b:?} down: {down}");
        if !found.is_eq() {
            assert!(!of_a.starts_with(&of_b) && !of_b.starts_with(&of_a), "{a:?} begins {b:?}");
        }
        expected = expected.then(found);
        left.extend(of_a);
        right.extend(of_b);
    }
    assert_eq!(left.cmp(&right), expected, "{a:?} {b:?} down: {down:?}");
    for value in a.iter().chain(&b) {
        properties(value);
    }
    Ok(())
}
