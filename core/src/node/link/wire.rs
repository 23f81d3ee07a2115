//! How the parts of requests and events are written: every value has one encoding, and nothing in it nests without
//! a bound, as no type holds itself.

use std::sync::Arc;

use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::{EntityId, ModelId, OpId, PropertyId, StoreId, TransactionId};
use crate::node::protocol::SessionId;
use crate::storage::{IndexId, Position};
use crate::value::{Rows, Timestamp, TypeTag, Value, ValueRef, ValueType, codec};

/// The most columns of rows.
const MAX_WIDTH: u64 = 1 << 20;
/// The most rows without columns.
const MAX_EMPTY: u64 = 1 << 20;

/// What can be written to a link and read from it.
pub(super) trait Wire: Sized {
    /// The least bytes of a value: what is counted can thus be no more than the bytes at hand.
    const LEAST: usize;
    /// Writes the value.
    fn write(&self, writer: &mut Writer);
    /// Reads a value; `what` names it in errors.
    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError>;
}

/// A struct, field after field.
macro_rules! wire_struct {
    ($type:ident { $($field:ident: $of:ty),* $(,)? }) => {
        impl Wire for $type {
            const LEAST: usize = 0 $(+ <$of as Wire>::LEAST)*;

            fn write(&self, writer: &mut Writer) {
                $( self.$field.write(writer); )*
            }

            fn read(reader: &mut Reader<'_>, _: &'static str) -> Result<Self, DecodeError> {
                $( let $field = <$of as Wire>::read(reader, stringify!($field))?; )*
                Ok($type { $($field),* })
            }
        }
    };
}

/// An enum: a byte for the variant, then its fields.
macro_rules! wire_enum {
    ($type:ident {
        $( $tag:literal = $variant:ident
            $( { $($field:ident: $of:ty),* $(,)? } )?
            $( ( $name:ident: $inner:ty ) )?
        ),* $(,)?
    }) => {
        impl Wire for $type {
            const LEAST: usize = 1;

            fn write(&self, writer: &mut Writer) {
                match self {
                    $( $type::$variant $( { $($field),* } )? $( ($name) )? => {
                        writer.u8($tag);
                        $( $( $field.write(writer); )* )?
                        $( $name.write(writer); )?
                    } )*
                }
            }

            fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
                let at = reader.offset();
                match reader.u8(what)? {
                    $( $tag => Ok($type::$variant
                        $( { $($field: <$of as Wire>::read(reader, stringify!($field))?),* } )?
                        $( ( <$inner as Wire>::read(reader, stringify!($name))? ) )?
                    ), )*
                    other => Err(reader.error_at(at, what, Problem::Tag(u64::from(other)))),
                }
            }
        }
    };
}

pub(super) use {wire_enum, wire_struct};

/// A number with one field that is written as another.
macro_rules! wire_number {
    ($($type:ident($of:ty)),* $(,)?) => { $(
        impl Wire for $type {
            const LEAST: usize = <$of as Wire>::LEAST;

            fn write(&self, writer: &mut Writer) {
                self.0.write(writer);
            }

            fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
                <$of as Wire>::read(reader, what).map($type)
            }
        }
    )* };
}

/// Something that the reader and the writer have methods for.
macro_rules! wire_plain {
    ($($type:ty, $least:literal, $value:ident, $writer:ident => $write:expr, $read:ident);* $(;)?) => { $(
        impl Wire for $type {
            const LEAST: usize = $least;

            fn write(&self, $writer: &mut Writer) {
                let $value = self;
                $write;
            }

            fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
                reader.$read(what)
            }
        }
    )* };
}

wire_plain! {
    u64, 1, value, writer => writer.varint(*value), varint;
    u32, 1, value, writer => writer.varint(u64::from(*value)), varint32;
    i64, 1, value, writer => writer.signed(*value), signed;
    bool, 1, value, writer => writer.bool(*value), bool;
    u128, 16, value, writer => writer.u128(*value), u128;
    OpId, 16, value, writer => writer.op_id(*value), op_id;
    EntityId, 16, value, writer => writer.entity_id(*value), entity_id;
    ModelId, 16, value, writer => writer.model_id(*value), model_id;
    PropertyId, 16, value, writer => writer.property_id(*value), property_id;
    StoreId, 16, value, writer => writer.store_id(value), store_id;
}

wire_number!(Position(u64), SessionId(u64), IndexId(u32), Timestamp(i64), TransactionId(u128));

impl Wire for usize {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        writer.count(*self);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let number = reader.varint(what)?;
        usize::try_from(number).map_err(|_| reader.error_at(at, what, Problem::Integer))
    }
}

impl Wire for f64 {
    const LEAST: usize = 8;

    fn write(&self, writer: &mut Writer) {
        writer.u64(self.to_bits());
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        reader.u64(what).map(f64::from_bits)
    }
}

impl Wire for String {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        writer.string(self);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        reader.string(what, usize::MAX).map(str::to_owned)
    }
}

impl Wire for Arc<str> {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        writer.string(self);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        reader.string(what, usize::MAX).map(Arc::from)
    }
}

impl<T: Wire> Wire for Arc<T> {
    const LEAST: usize = T::LEAST;

    fn write(&self, writer: &mut Writer) {
        T::write(self, writer);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        T::read(reader, what).map(Arc::new)
    }
}

impl<T: Wire> Wire for Option<T> {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        writer.bool(self.is_some());
        if let Some(value) = self {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        if reader.bool(what)? { T::read(reader, what).map(Some) } else { Ok(None) }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    const LEAST: usize = A::LEAST + B::LEAST;

    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
        self.1.write(writer);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        Ok((A::read(reader, what)?, B::read(reader, what)?))
    }
}

fn write_list<T: Wire>(list: &[T], writer: &mut Writer) {
    writer.count(list.len());
    list.iter().for_each(|item| item.write(writer));
}

impl<T: Wire> Wire for Vec<T> {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        write_list(self, writer);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let count = reader.count(what, usize::MAX, T::LEAST)?;
        (0..count).map(|_| T::read(reader, what)).collect()
    }
}

impl<T: Wire> Wire for Arc<[T]> {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        write_list(self, writer);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        Vec::read(reader, what).map(Arc::from)
    }
}

impl Wire for Vec<u8> {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        writer.bytes(self);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        reader.bytes(what, usize::MAX).map(<[u8]>::to_vec)
    }
}

impl Wire for Value {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        codec::encode(self, writer);
    }

    fn read(reader: &mut Reader<'_>, _: &'static str) -> Result<Self, DecodeError> {
        codec::decode(reader)
    }
}

impl Wire for ValueType {
    const LEAST: usize = 1;

    fn write(&self, writer: &mut Writer) {
        writer.u8(self.tag() as u8);
        if let ValueType::Ref(model) = self {
            writer.model_id(*model);
        }
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let number = reader.u8(what)?;
        let Some(tag) = TypeTag::ALL.into_iter().find(|tag| *tag as u8 == number) else {
            return Err(reader.error_at(at, what, Problem::Tag(u64::from(number))));
        };
        let none = ModelId(OpId::MIN);
        Ok(tag.of(if tag == TypeTag::Ref { reader.model_id("model")? } else { none }))
    }
}

impl Wire for Rows {
    const LEAST: usize = 2;

    fn write(&self, writer: &mut Writer) {
        writer.count(self.width());
        writer.count(self.len());
        for row in self.iter() {
            row.iter().for_each(|value| codec::encode_ref(value, writer));
        }
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let (width, length) = (reader.varint("columns")?, reader.varint("rows")?);
        let over = |length: u64, limit: u64| Problem::OverLimit { length, limit };
        if width > MAX_WIDTH {
            return Err(reader.error_at(at, what, over(width, MAX_WIDTH)));
        }
        if width == 0 && length > MAX_EMPTY {
            return Err(reader.error_at(at, what, over(length, MAX_EMPTY)));
        }
        // Each value takes a byte at least.
        let cells = width.checked_mul(length).and_then(|cells| usize::try_from(cells).ok());
        if cells.is_none_or(|cells| cells > reader.rest().len()) {
            return Err(reader.error_at(at, what, Problem::Ends));
        }
        let (Ok(width), Ok(length)) = (usize::try_from(width), usize::try_from(length)) else {
            return Err(reader.error_at(at, what, Problem::Integer));
        };
        let mut rows = Rows::new(width);
        rows.reserve(length, 0);
        for row in 0..length {
            rows.push_nulls();
            for column in 0..width {
                match codec::decode_unread(reader)? {
                    codec::Unread::Value(ValueRef::Null) => {}
                    codec::Unread::Value(value) => rows.set(row, column, value),
                    codec::Unread::String(bytes) => rows.set_unread(row, column, bytes),
                }
            }
        }
        let text = Problem::Rule("a string is not UTF-8, or contains U+0000");
        rows.settle().map_err(|_| reader.error_at(at, what, text))?;
        Ok(rows)
    }
}
