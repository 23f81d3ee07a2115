//! The order-preserving encoding of values in index keys: the order of the bytes is the order of the values.
//!
//! A part of a key is a marker byte and a body. The marker says whether the value is null, and is the same in
//! both directions, so that nulls come last either way. In a descending part every byte of the body is
//! complemented. Bodies, ascending:
//!
//! | type | body |
//! |---|---|
//! | `bool` | 0 or 1 |
//! | `i64`, `timestamp` | 8 bytes, big-endian, the sign bit flipped |
//! | `f64` | 8 bytes, big-endian: bits with the sign bit flipped where positive, all bits flipped where negative; one zero, one NaN above infinity |
//! | `decimal` | sign 0, 1 or 2; if not zero, the place of the first digit plus 64, the digits in pairs plus 1, and 0; these complemented where negative |
//! | `string`, `bytes`, `json` | the bytes, 0 as `00 ff`, and the end as `00 00` |
//! | `uuid`, `ulid`, `ref` | 16 bytes, big-endian |
//!
//! No body is the beginning of another one of its type, so parts can be put one after another. A string,
//! byte string or JSON text is cut after [`MAX_PART`] bytes: cut keys still follow the order, but equal keys no
//! longer mean equal values.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::id::EntityId;

use super::domain::float_bits;
use super::types::{Timestamp, TypeTag, Value};

/// Bytes of a string, byte string or JSON text that a key holds.
pub const MAX_PART: usize = 1024;

/// The marker of a part with a value.
pub const PRESENT: u8 = 0x10;

/// The marker of a null part, greater than [`PRESENT`].
pub const NULL: u8 = 0xf0;

/// Bytes that are not a part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not an index key of type {expected}")]
pub struct KeyError {
    /// The type that was expected.
    pub expected: TypeTag,
}

const SIGN_BIT: u64 = 1 << 63;

/// Appends a part to a key. Gives whether the value was cut.
pub fn encode(value: &Value, descending: bool, out: &mut Vec<u8>) -> bool {
    if value.is_null() {
        out.push(NULL);
        return false;
    }
    out.push(PRESENT);
    let start = out.len();
    let cut = encode_body(value, out);
    if descending {
        out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
    }
    cut
}

/// Whether [`encode`] cuts a value.
pub fn is_cut(value: &Value) -> bool {
    match value {
        Value::String(text) | Value::Json(text) => text.len() > MAX_PART,
        Value::Bytes(bytes) => bytes.len() > MAX_PART,
        _ => false,
    }
}

fn encode_body(value: &Value, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Null => {}
        Value::Bool(value) => out.push(u8::from(*value)),
        Value::Int(value) | Value::Timestamp(Timestamp(value)) => {
            out.extend_from_slice(&(u64::from_be_bytes(value.to_be_bytes()) ^ SIGN_BIT).to_be_bytes());
        }
        Value::Float(value) => {
            let bits = float_bits(*value);
            let ordered = if bits & SIGN_BIT == 0 { bits ^ SIGN_BIT } else { !bits };
            out.extend_from_slice(&ordered.to_be_bytes());
        }
        Value::Decimal(value) => encode_decimal(*value, out),
        Value::String(value) | Value::Json(value) => return encode_bytes(value.as_bytes(), out),
        Value::Bytes(value) => return encode_bytes(value, out),
        Value::Uuid(value) | Value::Ulid(value) => out.extend_from_slice(&value.to_be_bytes()),
        Value::Ref(value) => out.extend_from_slice(&value.to_bytes()),
    }
    false
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let kept = bytes.get(..MAX_PART).unwrap_or(bytes);
    for byte in kept {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
    kept.len() < bytes.len()
}

fn encode_decimal(value: Decimal, out: &mut Vec<u8>) {
    if value.is_zero() {
        return out.push(1);
    }
    let all = value.mantissa().unsigned_abs().to_string();
    // At most 29 digits, of which at most 28 stand after the point: the place is between -28 and 28.
    let place = i64::try_from(all.len()).unwrap_or(0) - 1 - i64::from(value.scale());
    let mut body = vec![u8::try_from(place + 64).unwrap_or(0)];
    for pair in all.trim_end_matches('0').as_bytes().chunks(2) {
        let digit = |at: usize| pair.get(at).map_or(0, |byte| byte.wrapping_sub(b'0'));
        body.push(digit(0) * 10 + digit(1) + 1);
    }
    body.push(0);
    if value.is_sign_negative() {
        out.push(0);
        out.extend(body.iter().map(|byte| !byte));
    } else {
        out.push(2);
        out.extend_from_slice(&body);
    }
}

/// Takes a part of type `tag` from the front of `key`. Gives `None` where the value may have been cut, and must
/// be looked up.
///
/// # Errors
/// [`KeyError`] where the bytes do not begin with such a part; `key` is then unspecified.
pub fn decode(key: &mut &[u8], tag: TypeTag, descending: bool) -> Result<Option<Value>, KeyError> {
    let mut body = Body { key, mask: if descending { 0xff } else { 0 } };
    let value = match body.marker() {
        Some(NULL) => Some(Some(Value::Null)),
        Some(PRESENT) => body.value(tag),
        _ => None,
    };
    value.ok_or(KeyError { expected: tag })
}

/// Steps over a part of type `tag` at the front of `key`.
///
/// # Errors
/// [`KeyError`] as [`decode`].
pub fn skip(key: &mut &[u8], tag: TypeTag, descending: bool) -> Result<(), KeyError> {
    decode(key, tag, descending).map(|_| ())
}

struct Body<'k, 'b> {
    key: &'k mut &'b [u8],
    mask: u8,
}

impl Body<'_, '_> {
    fn marker(&mut self) -> Option<u8> {
        let (marker, rest) = self.key.split_first()?;
        *self.key = rest;
        Some(*marker)
    }

    fn byte(&mut self) -> Option<u8> {
        self.marker().map(|byte| byte ^ self.mask)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.key.split_first_chunk::<N>()?;
        *self.key = rest;
        Some(taken.map(|byte| byte ^ self.mask))
    }

    /// The value; `Some(None)` where it may have been cut.
    fn value(&mut self, tag: TypeTag) -> Option<Option<Value>> {
        Some(Some(match tag {
            TypeTag::Bool => match self.byte()? {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                _ => return None,
            },
            TypeTag::Int => Value::Int(self.integer()?),
            TypeTag::Timestamp => Value::Timestamp(Timestamp(self.integer()?)),
            TypeTag::Float => {
                let ordered = u64::from_be_bytes(self.array()?);
                let bits = if ordered & SIGN_BIT == 0 { !ordered } else { ordered ^ SIGN_BIT };
                let float = f64::from_bits(bits);
                if float_bits(float) != bits {
                    return None;
                }
                Value::Float(float)
            }
            TypeTag::Decimal => Value::Decimal(self.decimal()?),
            TypeTag::Uuid => Value::Uuid(u128::from_be_bytes(self.array()?)),
            TypeTag::Ulid => Value::Ulid(u128::from_be_bytes(self.array()?)),
            TypeTag::Ref => Value::Ref(EntityId::from_bytes(self.array()?)),
            TypeTag::String | TypeTag::Bytes | TypeTag::Json => {
                let bytes = self.bytes()?;
                if bytes.len() >= MAX_PART {
                    return Some(None);
                }
                match tag {
                    TypeTag::Bytes => Value::Bytes(Arc::from(bytes)),
                    TypeTag::Json => Value::Json(Arc::from(String::from_utf8(bytes).ok()?)),
                    _ => Value::String(Arc::from(String::from_utf8(bytes).ok()?)),
                }
            }
        }))
    }

    fn integer(&mut self) -> Option<i64> {
        let flipped = u64::from_be_bytes(self.array()?) ^ SIGN_BIT;
        Some(i64::from_be_bytes(flipped.to_be_bytes()))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            match self.byte()? {
                0 => match self.byte()? {
                    0 => return Some(out),
                    0xff => out.push(0),
                    _ => return None,
                },
                other => out.push(other),
            }
        }
    }

    fn decimal(&mut self) -> Option<Decimal> {
        let negative = match self.byte()? {
            0 => true,
            1 => return Some(Decimal::ZERO),
            2 => false,
            _ => return None,
        };
        if negative {
            self.mask = !self.mask;
        }
        let place = i64::from(self.byte()?) - 64;
        let mut digits: i128 = 0;
        let mut count: i64 = 0;
        loop {
            match self.byte()? {
                0 => break,
                pair @ 1..=100 if count < 30 => {
                    digits = digits * 100 + i128::from(pair - 1);
                    count += 2;
                }
                _ => return None,
            }
        }
        // The last pair of an odd number of digits ends with a zero that is not the number's.
        let mut scale = count - 1 - place;
        while scale > 0 && digits % 10 == 0 && digits != 0 {
            digits /= 10;
            scale -= 1;
        }
        while scale < 0 {
            digits = digits.checked_mul(10)?;
            scale += 1;
        }
        let signed = if negative { -digits } else { digits };
        Decimal::try_from_i128_with_scale(signed, u32::try_from(scale).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::testing::{any_type, value_of};
    use proptest::prelude::*;

    fn key_of(value: &Value, descending: bool) -> Vec<u8> {
        let mut key = Vec::new();
        encode(value, descending, &mut key);
        key
    }

    fn nullable(tag: TypeTag) -> impl Strategy<Value = Value> {
        prop_oneof![1 => Just(Value::Null), 12 => value_of(tag)]
    }

    fn two_of_a_type() -> impl Strategy<Value = (TypeTag, Value, Value)> {
        any_type().prop_flat_map(|tag| (Just(tag), nullable(tag), nullable(tag)))
    }

    /// The order of keys with nulls last either way.
    fn oracle(a: &Value, b: &Value, descending: bool) -> std::cmp::Ordering {
        let order = a.compare(b);
        if descending && !a.is_null() && !b.is_null() { order.reverse() } else { order }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn order_of_bytes_is_order_of_values((_, a, b) in two_of_a_type(), descending: bool) {
            prop_assert_eq!(
                key_of(&a, descending).cmp(&key_of(&b, descending)),
                oracle(&a, &b, descending),
                "{:?} and {:?}", a, b
            );
        }

        #[test]
        fn composite_keys_compare_part_by_part(
            (_, a1, b1) in two_of_a_type(),
            (_, a2, b2) in two_of_a_type(),
            down1: bool,
            down2: bool,
        ) {
            let key = |first: &Value, second: &Value| [key_of(first, down1), key_of(second, down2)].concat();
            let expected = oracle(&a1, &b1, down1).then(oracle(&a2, &b2, down2));
            prop_assert_eq!(key(&a1, &a2).cmp(&key(&b1, &b2)), expected);
        }

        #[test]
        fn reads_what_it_writes((tag, a, b) in two_of_a_type(), down: bool) {
            let key = [key_of(&a, down), key_of(&b, !down)].concat();
            let mut rest = &key[..];
            prop_assert_eq!(decode(&mut rest, tag, down), Ok(Some(a)));
            prop_assert_eq!(decode(&mut rest, tag, !down), Ok(Some(b)));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40), tag in any_type(), down: bool) {
            for marked in [bytes.clone(), [&[PRESENT], &bytes[..]].concat(), [&[PRESENT, 2], &bytes[..]].concat()] {
                let _ = decode(&mut &marked[..], tag, down);
            }
        }

        #[test]
        fn cut_keys_never_turn_the_order(
            a in proptest::collection::vec(0u8..2, 0..4),
            b in proptest::collection::vec(0u8..2, 0..4),
            prefix in MAX_PART - 3..MAX_PART + 1,
            descending: bool,
        ) {
            let long = |tail: &[u8]| Value::bytes([&vec![7; prefix][..], tail].concat());
            let (a, b) = (long(&a), long(&b));
            let order = key_of(&a, descending).cmp(&key_of(&b, descending));
            prop_assert!(order == oracle(&a, &b, descending) || order.is_eq());
        }
    }

    #[test]
    fn cutting() {
        for (length, cut) in [(MAX_PART - 1, false), (MAX_PART, false), (MAX_PART + 1, true)] {
            let value = Value::string("x".repeat(length)).unwrap();
            let mut key = Vec::new();
            assert_eq!(encode(&value, false, &mut key), cut);
            let expected = (length < MAX_PART).then_some(value);
            assert_eq!(decode(&mut &key[..], TypeTag::String, false), Ok(expected));
        }
    }

    #[test]
    fn vectors() {
        for (value, hex) in [
            (Value::Null, "f0"),
            (Value::Int(-1), "107fffffffffffffff"),
            (Value::Float(-0.0), "108000000000000000"),
            (Value::decimal(Decimal::new(-12345, 2)), "1000bdf2dcccff"),
            (Value::decimal(Decimal::new(5, 1)), "10023f3300"),
            (Value::bytes([1u8, 0]), "100100ff0000"),
        ] {
            let shown: String = key_of(&value, false).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shown, hex, "{value:?}");
        }
    }
}
