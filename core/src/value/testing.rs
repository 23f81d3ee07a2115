//! Generators of values for property tests. They favour what is near a limit or alike.

use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{TypeTag, Value};
use crate::id::{EntityId, OpId};

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -300i64..300, Just(i64::MIN), Just(i64::MAX)]
}

fn number() -> impl Strategy<Value = u128> {
    prop_oneof![any::<u128>(), 0u128..3, Just(u128::MAX)]
}

fn decimal() -> impl Strategy<Value = Decimal> {
    let small = (-2000i64..2000, 0u32..6).prop_map(|(digits, scale)| Decimal::new(digits, scale));
    let large = (any::<u128>(), any::<bool>(), 0u32..=28).prop_map(|(bits, negative, scale)| {
        let digits = i128::try_from(bits >> 32).unwrap();
        Decimal::from_i128_with_scale(if negative { -digits } else { digits }, scale)
    });
    prop_oneof![small, large, Just(Decimal::MIN), Just(Decimal::MAX)]
}

/// Any value of a type, canonical.
pub(crate) fn value_of(tag: TypeTag) -> BoxedStrategy<Value> {
    match tag {
        TypeTag::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        TypeTag::Int => integer().prop_map(Value::Int).boxed(),
        TypeTag::Float => prop_oneof![
            any::<f64>(),
            (-4i32..4).prop_map(|n| f64::from(n) / 2.0),
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(f64::MIN_POSITIVE),
        ]
        .prop_map(Value::float)
        .boxed(),
        TypeTag::Decimal => decimal().prop_map(Value::decimal).boxed(),
        TypeTag::String => prop_oneof!["[a\u{1}b\u{ff}é😀]{0,4}", "[^\\x00]{0,12}"]
            .prop_map(|text| Value::string(text).unwrap())
            .boxed(),
        TypeTag::Bytes => prop_oneof![vec(0u8..3, 0..5), vec(254u8..=255, 0..4), vec(any::<u8>(), 0..12)]
            .prop_map(Value::bytes)
            .boxed(),
        TypeTag::Timestamp => integer().prop_map(Value::timestamp).boxed(),
        TypeTag::Uuid => number().prop_map(Value::Uuid).boxed(),
        TypeTag::Ulid => number().prop_map(Value::Ulid).boxed(),
        TypeTag::Ref => number().prop_map(|n| Value::Ref(EntityId(OpId::from_bits(n)))).boxed(),
        TypeTag::Json => {
            let leaf = prop_oneof![
                Just("null".to_owned()),
                integer().prop_map(|n| n.to_string()),
                "[a-z\\\\\"]{0,3}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            ];
            leaf.prop_recursive(3, 12, 3, |inner| {
                prop_oneof![
                    vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
                    vec(("[ab]{0,2}", inner), 0..3).prop_map(|members| {
                        let members: Vec<String> =
                            members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                        format!("{{{}}}", members.join(" , "))
                    }),
                ]
            })
            .prop_map(|text| Value::json(&text).unwrap())
            .boxed()
        }
    }
}

/// Any type.
pub(crate) fn any_type() -> impl Strategy<Value = TypeTag> {
    proptest::sample::select(TypeTag::ALL.to_vec())
}

/// Any value, null too, canonical.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 20 => any_type().prop_flat_map(value_of)]
}
