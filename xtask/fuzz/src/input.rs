//! Values of ours, out of the bytes of a fuzzer.

use std::sync::Arc;

use ankurah_core::id::{ActorId, Author, EntityId, ModelId, OpId, PropertyId, TransactionId};
use ankurah_core::operation::Origin;
use ankurah_core::value::{TypeTag, Value};
use arbitrary::{Result, Unstructured};
use rust_decimal::Decimal;

/// A type.
pub(crate) fn tag(input: &mut Unstructured<'_>) -> Result<TypeTag> {
    input.choose(&TypeTag::ALL).copied()
}

/// A short byte string.
pub(crate) fn bytes(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = usize::from(input.arbitrary::<u8>()?).min(input.len());
    // At times as long as no input is: what is long is cut in keys.
    let repeat = if input.ratio(1, 32)? { 40 } else { 1 };
    Ok(input.bytes(length)?.repeat(repeat))
}

/// A string of the domain.
pub(crate) fn text(input: &mut Unstructured<'_>) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes(input)?).replace('\0', "0"))
}

fn number(input: &mut Unstructured<'_>) -> Result<i64> {
    Ok(match input.arbitrary::<u8>()? {
        0 => i64::MIN,
        1 => i64::MAX,
        2..=99 => i64::from(input.arbitrary::<i8>()?),
        _ => input.arbitrary()?,
    })
}

fn decimal(input: &mut Unstructured<'_>) -> Result<Decimal> {
    let scale = u32::from(input.int_in_range(0u8..=28)?);
    let digits: i128 = if input.arbitrary()? {
        i128::from(number(input)?)
    } else {
        let most = Decimal::MAX.mantissa();
        input.arbitrary::<i128>()?.clamp(-most, most)
    };
    Ok(Decimal::from_i128_with_scale(digits, scale))
}

/// A value of a type, canonical; a document that is none is a string of JSON.
pub(crate) fn value_of(tag: TypeTag, input: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match tag {
        TypeTag::Bool => Value::Bool(input.arbitrary()?),
        TypeTag::Int => Value::Int(number(input)?),
        TypeTag::Float => Value::float(if input.arbitrary()? {
            f64::from(input.arbitrary::<i8>()?) / 4.0
        } else {
            input.arbitrary()?
        }),
        TypeTag::Decimal => Value::decimal(decimal(input)?),
        TypeTag::String => Value::String(Arc::from(text(input)?)),
        TypeTag::Bytes => Value::bytes(bytes(input)?),
        TypeTag::Timestamp => Value::timestamp(number(input)?),
        TypeTag::Uuid => Value::Uuid(input.arbitrary()?),
        TypeTag::Ulid => Value::Ulid(input.arbitrary()?),
        TypeTag::Ref => Value::Ref(entity(input)?),
        TypeTag::Json => {
            let text = text(input)?;
            Value::json(&text).unwrap_or_else(|_| {
                let mut literal = String::new();
                ankurah_core::value::json::write_string(&text, &mut literal);
                Value::Json(Arc::from(literal))
            })
        }
    })
}

/// Any value, null too.
pub(crate) fn value(input: &mut Unstructured<'_>) -> Result<Value> {
    if input.ratio(1, 16)? {
        return Ok(Value::Null);
    }
    let tag = tag(input)?;
    value_of(tag, input)
}

/// An id, often a small one, so that the same comes twice.
pub(crate) fn id(input: &mut Unstructured<'_>) -> Result<OpId> {
    let small: u8 = input.arbitrary()?;
    Ok(OpId::from_bits(if small < 200 { u128::from(small % 8) << 64 } else { input.arbitrary()? }))
}

/// An entity.
pub(crate) fn entity(input: &mut Unstructured<'_>) -> Result<EntityId> {
    Ok(EntityId(id(input)?))
}

/// A model.
pub(crate) fn model(input: &mut Unstructured<'_>) -> Result<ModelId> {
    Ok(ModelId(id(input)?))
}

/// A property.
pub(crate) fn property(input: &mut Unstructured<'_>) -> Result<PropertyId> {
    Ok(PropertyId(id(input)?))
}

/// A writer.
pub(crate) fn origin(input: &mut Unstructured<'_>) -> Result<Origin> {
    Ok(Origin {
        actor: ActorId::new(u64::from(input.arbitrary::<u16>()?)),
        sequence: u64::from(input.arbitrary::<u16>()?),
        author: Author([input.arbitrary()?; 16]),
        transaction: TransactionId(u128::from(input.arbitrary::<u8>()?)),
    })
}
