//! The encoding of values in payloads, states and messages: a tag byte and a body.
//!
//! | tag | value | body |
//! |---|---|---|
//! | 0 | null | – |
//! | 1, 2 | false, true | – |
//! | 3 | `i64` | zigzag varint |
//! | 4 | `f64` | IEEE 754 bits, 8 bytes; NaN is `7ff8000000000000`, there is no negative zero |
//! | 5 | `decimal` | a byte: sign in bit 7, scale in the rest; the digits as a big-endian number with its length |
//! | 6 | `string` | bytes with their length |
//! | 7 | `bytes` | bytes with their length |
//! | 8 | `timestamp` | microseconds, two's complement, 8 bytes |
//! | 9, 10, 11 | `uuid`, `ulid`, `ref` | 16 bytes |
//! | 12 | `json` | the canonical text, with its length |
//!
//! Every value has one encoding, and reading refuses any other.

use rust_decimal::Decimal;

use crate::codec::{DecodeError, Problem, Reader, Writer};

use super::borrowed::ValueRef;
use super::domain::{float_bits, normalize_decimal};
use super::json;
use super::types::{Timestamp, TypeTag, Value};

/// The longest string, byte string or JSON text, in bytes.
pub const MAX_LENGTH: usize = 4 << 20;

const NULL: u8 = 0;
const FALSE: u8 = TypeTag::Bool as u8;
const TRUE: u8 = 2;
const INT: u8 = TypeTag::Int as u8;
const FLOAT: u8 = TypeTag::Float as u8;
const DECIMAL: u8 = TypeTag::Decimal as u8;
const STRING: u8 = TypeTag::String as u8;
const BYTES: u8 = TypeTag::Bytes as u8;
const TIMESTAMP: u8 = TypeTag::Timestamp as u8;
const UUID: u8 = TypeTag::Uuid as u8;
const ULID: u8 = TypeTag::Ulid as u8;
const REF: u8 = TypeTag::Ref as u8;
const JSON: u8 = TypeTag::Json as u8;

/// Writes a value. It must be inside the domain; see [`Value::normalized`].
pub fn encode(value: &Value, writer: &mut Writer) {
    encode_ref(value.as_ref(), writer);
}

/// Writes a value that borrows its text or bytes. It must be inside the domain.
pub fn encode_ref(value: ValueRef<'_>, writer: &mut Writer) {
    match value {
        ValueRef::Null => writer.u8(NULL),
        ValueRef::Bool(value) => writer.u8(if value { TRUE } else { FALSE }),
        ValueRef::Int(value) => {
            writer.u8(INT);
            writer.signed(value);
        }
        ValueRef::Float(value) => {
            writer.u8(FLOAT);
            writer.u64(float_bits(value));
        }
        ValueRef::Decimal(value) => {
            writer.u8(DECIMAL);
            encode_decimal(value, writer);
        }
        ValueRef::String(value) => {
            writer.u8(STRING);
            writer.string(value);
        }
        ValueRef::Bytes(value) => {
            writer.u8(BYTES);
            writer.bytes(value);
        }
        ValueRef::Timestamp(value) => {
            writer.u8(TIMESTAMP);
            writer.raw(&value.0.to_be_bytes());
        }
        ValueRef::Uuid(value) => {
            writer.u8(UUID);
            writer.u128(value);
        }
        ValueRef::Ulid(value) => {
            writer.u8(ULID);
            writer.u128(value);
        }
        ValueRef::Ref(value) => {
            writer.u8(REF);
            writer.entity_id(value);
        }
        ValueRef::Json(value) => {
            writer.u8(JSON);
            writer.string(value);
        }
    }
}

fn encode_decimal(value: Decimal, writer: &mut Writer) {
    let value = normalize_decimal(value);
    let sign = if value.is_sign_negative() { 0x80 } else { 0 };
    let [.., scale] = value.scale().to_be_bytes();
    writer.u8(sign | scale);
    let digits = value.mantissa().unsigned_abs().to_be_bytes();
    let zeros = digits.iter().take_while(|byte| **byte == 0).count();
    writer.bytes(digits.get(zeros..).unwrap_or_default());
}

/// Reads a value.
///
/// # Errors
/// [`DecodeError`] where the bytes are not the encoding of a value of the domain.
pub fn decode(reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    decode_ref(reader).map(ValueRef::to_value)
}

/// Reads a value that borrows its text or bytes from the encoding.
///
/// # Errors
/// [`DecodeError`] where the bytes are not the encoding of a value of the domain.
pub fn decode_ref<'a>(reader: &mut Reader<'a>) -> Result<ValueRef<'a>, DecodeError> {
    let at = reader.offset().saturating_add(1);
    match decode_unread(reader)? {
        Unread::Value(value) => Ok(value),
        Unread::String(bytes) => match std::str::from_utf8(bytes) {
            Err(_) => Err(reader.error_at(at, "string", Problem::Utf8)),
            Ok(text) if text.contains('\0') => {
                Err(reader.error_at(at, "string", Problem::Rule("contains U+0000")))
            }
            Ok(text) => Ok(ValueRef::String(text)),
        },
    }
}

/// A value of which a string was not looked at: whether it is UTF-8 without U+0000 is still to be seen.
pub(crate) enum Unread<'a> {
    /// A string.
    String(&'a [u8]),
    /// Anything else.
    Value(ValueRef<'a>),
}

/// Reads a value, but does not look at strings.
///
/// # Errors
/// [`DecodeError`] where the bytes are not the encoding of a value of the domain.
#[inline]
pub(crate) fn decode_unread<'a>(reader: &mut Reader<'a>) -> Result<Unread<'a>, DecodeError> {
    let at = reader.offset();
    Ok(Unread::Value(match reader.u8("value tag")? {
        NULL => ValueRef::Null,
        FALSE => ValueRef::Bool(false),
        TRUE => ValueRef::Bool(true),
        INT => ValueRef::Int(reader.signed("i64")?),
        FLOAT => ValueRef::Float(decode_float(reader)?),
        DECIMAL => ValueRef::Decimal(decode_decimal(reader)?),
        STRING => return Ok(Unread::String(reader.bytes("string", MAX_LENGTH)?)),
        BYTES => ValueRef::Bytes(reader.bytes("bytes", MAX_LENGTH)?),
        TIMESTAMP => ValueRef::Timestamp(Timestamp(i64::from_be_bytes(reader.array("timestamp")?))),
        UUID => ValueRef::Uuid(reader.u128("uuid")?),
        ULID => ValueRef::Ulid(reader.u128("ulid")?),
        REF => ValueRef::Ref(reader.entity_id("ref")?),
        JSON => {
            let at = reader.offset();
            let text = reader.string("json", MAX_LENGTH)?;
            if json::canonical(text).as_deref() != Ok(text) {
                return Err(reader.error_at(at, "json", Problem::Rule("not a canonical document")));
            }
            ValueRef::Json(text)
        }
        other => return Err(reader.error_at(at, "value tag", Problem::Tag(u64::from(other)))),
    }))
}

/// Steps over a value without building it. Checks its tag and length alone.
///
/// # Errors
/// [`DecodeError`] where the bytes end early or the tag is unknown.
pub fn skip(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let at = reader.offset();
    match reader.u8("value tag")? {
        NULL | FALSE | TRUE => {}
        INT => {
            reader.varint("i64")?;
        }
        FLOAT | TIMESTAMP => {
            reader.raw("value", 8)?;
        }
        DECIMAL => {
            reader.u8("decimal")?;
            reader.bytes("decimal", 12)?;
        }
        STRING | BYTES | JSON => {
            reader.bytes("value", MAX_LENGTH)?;
        }
        UUID | ULID | REF => {
            reader.raw("value", 16)?;
        }
        other => return Err(reader.error_at(at, "value tag", Problem::Tag(u64::from(other)))),
    }
    Ok(())
}

fn decode_float(reader: &mut Reader<'_>) -> Result<f64, DecodeError> {
    let at = reader.offset();
    let bits = reader.u64("f64")?;
    let float = f64::from_bits(bits);
    if float_bits(float) == bits {
        Ok(float)
    } else {
        Err(reader.error_at(at, "f64", Problem::Rule("not the one form of NaN or zero")))
    }
}

fn decode_decimal(reader: &mut Reader<'_>) -> Result<Decimal, DecodeError> {
    let at = reader.offset();
    let head = reader.u8("decimal")?;
    let digits = reader.bytes("decimal", 12)?;
    let error = |rule| reader.error_at(at, "decimal", Problem::Rule(rule));
    if digits.first() == Some(&0) {
        return Err(error("leading zero byte"));
    }
    let magnitude = digits.iter().fold(0i128, |sum, byte| (sum << 8) | i128::from(*byte));
    let signed = if head & 0x80 == 0 { magnitude } else { -magnitude };
    let decimal = Decimal::try_from_i128_with_scale(signed, u32::from(head & 0x7f))
        .map_err(|_| error("out of range"))?;
    let normal = normalize_decimal(decimal);
    if normal.scale() != decimal.scale() || (magnitude == 0 && head != 0) {
        return Err(error("not normalised"));
    }
    Ok(decimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::testing::any_value;
    use proptest::prelude::*;

    fn bytes_of(value: &Value) -> Vec<u8> {
        let mut writer = Writer::new();
        encode(value, &mut writer);
        writer.into_bytes()
    }

    fn read(bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    #[test]
    fn vectors() {
        for (value, hex) in [
            (Value::Null, "00"),
            (Value::Bool(false), "01"),
            (Value::Bool(true), "02"),
            (Value::Int(-1), "0301"),
            (Value::Int(i64::MIN), "03ffffffffffffffffff01"),
            (Value::Float(-0.0), "040000000000000000"),
            (Value::Float(f64::NAN), "047ff8000000000000"),
            (Value::Float(1.5), "043ff8000000000000"),
            (Value::decimal(Decimal::new(-12300, 3)), "0581017b"),
            (Value::decimal(Decimal::ZERO), "050000"),
            (Value::String("é".into()), "0602c3a9"),
            (Value::bytes([0u8, 255]), "070200ff"),
            (Value::timestamp(-1), "08ffffffffffffffff"),
            (Value::Uuid(1), "0900000000000000000000000000000001"),
            (Value::json("{ }").unwrap(), "0c027b7d"),
        ] {
            let bytes = bytes_of(&value);
            let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shown, hex, "{value:?}");
            assert_eq!(read(&bytes), Ok(value));
        }
    }

    #[test]
    fn refuses_second_forms() {
        for (what, bytes) in [
            ("negative zero", &[4u8, 0x80, 0, 0, 0, 0, 0, 0, 0][..]),
            ("another NaN", &[4, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1]),
            ("decimal with trailing zero", &[5, 1, 1, 10]),
            ("decimal with a leading zero byte", &[5, 0, 2, 0, 1]),
            ("negative zero decimal", &[5, 0x80, 0]),
            ("decimal of scale 29", &[5, 29, 1, 1]),
            ("string with U+0000", &[6, 1, 0]),
            ("invalid UTF-8", &[6, 1, 0xff]),
            ("json with a space", &[12, 2, b' ', b'1']),
            ("unknown tag", &[13]),
            ("nothing", &[]),
            ("left over", &[0, 0]),
        ] {
            assert!(read(bytes).is_err(), "{what} was accepted");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes_and_skips_as_far(value in any_value()) {
            let bytes = bytes_of(&value);
            prop_assert_eq!(read(&bytes), Ok(value));
            let mut reader = Reader::new(&bytes);
            skip(&mut reader).unwrap();
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..40), tag in 0u8..14) {
            let bytes: Vec<u8> = std::iter::once(tag).chain(bytes).collect();
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = decode(&mut reader) {
                prop_assert_eq!(&bytes_of(&value)[..], &bytes[..reader.offset()]);
            }
        }
    }
}
