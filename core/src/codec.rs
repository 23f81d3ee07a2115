//! The bounded reader and the writer that every stored and sent byte of our own formats goes through.
//!
//! Integers are little-endian base-128 varints of the least length (as in LEB128); signed ones are zigzag
//! coded first. Fixed-width fields are big-endian. Reading checks every length against a limit and against
//! the bytes at hand before it allocates, so a hostile input costs no more memory than its own length.
//!
//! Every value has exactly one encoding: what was decoded encodes to the same bytes.

use crate::id::{ActorId, Author, Digest, EntityId, ModelId, OpId, PropertyId, StoreId, TransactionId};

/// What is wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The bytes end within the field.
    #[error("the bytes end here")]
    Ends,
    /// A varint is not of the least length, or does not fit its type.
    #[error("not a minimal integer of its type")]
    Integer,
    /// A length or count is over its limit.
    #[error("{length} is over the limit of {limit}")]
    OverLimit {
        /// The length or count.
        length: u64,
        /// The greatest allowed.
        limit: u64,
    },
    /// A string is not UTF-8.
    #[error("not valid UTF-8")]
    Utf8,
    /// A tag names nothing.
    #[error("unknown tag {0}")]
    Tag(u64),
    /// A rule of the format is broken.
    #[error("{0}")]
    Rule(&'static str),
    /// Bytes are left over after the end.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

/// Bytes that are not what the format says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}: {problem}")]
pub struct DecodeError {
    /// Where the field begins, in bytes from the start of the input.
    pub offset: usize,
    /// The field.
    pub what: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Reads fields from bytes.
///
/// After an error the position is unspecified; start over or give up. `what` names the field for the error.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, offset: 0 }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything is read.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Ends the reading. An error if bytes are left over.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(self.error("end", Problem::LeftOver(count))),
        }
    }

    /// An error at the current position, for rules that the caller checks. Take it before reading the field,
    /// or use [`Reader::error_at`] with the field's offset.
    #[cold]
    pub fn error(&self, what: &'static str, problem: Problem) -> DecodeError {
        self.error_at(self.offset, what, problem)
    }

    /// An error at a given offset.
    #[cold]
    pub fn error_at(&self, offset: usize, what: &'static str, problem: Problem) -> DecodeError {
        DecodeError { offset, what, problem }
    }

    /// Exactly `count` bytes, without a length before them.
    #[inline]
    pub fn raw(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.error(what, Problem::Ends));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(taken)
    }

    /// A fixed number of bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.error(what, Problem::Ends));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(*taken)
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(what).map(u8::from_be_bytes)
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// Sixteen bytes, big-endian.
    pub fn u128(&mut self, what: &'static str) -> Result<u128, DecodeError> {
        self.array(what).map(u128::from_be_bytes)
    }

    /// A byte 0 or 1.
    pub fn bool(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        let at = self.offset;
        match self.u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.error_at(at, what, Problem::Tag(u64::from(other)))),
        }
    }

    /// A varint of up to 64 bits.
    #[inline]
    pub fn varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                self.offset = self.offset.saturating_add(1);
                Ok(u64::from(byte))
            }
            _ => self.long_varint(what),
        }
    }

    /// A varint of any length.
    fn long_varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let at = self.offset;
        let mut value: u64 = 0;
        let mut shift: u32 = 0;
        loop {
            let Some((&byte, rest)) = self.rest.split_first() else {
                return Err(self.error_at(at, what, Problem::Ends));
            };
            self.rest = rest;
            self.offset = self.offset.saturating_add(1);
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds the last bit; a last byte of zero (but the first) would not be minimal.
            if shift > 63 || (shift == 63 && bits > 1) || (shift > 0 && byte == 0) {
                return Err(self.error_at(at, what, Problem::Integer));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    /// A varint of up to 32 bits.
    pub fn varint32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let at = self.offset;
        let value = self.varint(what)?;
        u32::try_from(value).map_err(|_| self.error_at(at, what, Problem::Integer))
    }

    /// A zigzag-coded varint.
    pub fn signed(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        let value = self.varint(what)?;
        let magnitude = i64::from_be_bytes((value >> 1).to_be_bytes());
        Ok(if value & 1 == 0 { magnitude } else { !magnitude })
    }

    /// The count of items that follow, each of at least `least` bytes (at least 1 is assumed): at most `limit`,
    /// and no more than the bytes at hand can hold.
    #[inline]
    pub fn count(&mut self, what: &'static str, limit: usize, least: usize) -> Result<usize, DecodeError> {
        let at = self.offset;
        let count = self.varint(what)?;
        let within = usize::try_from(count).ok().filter(|count| *count <= limit);
        let Some(within) = within else {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Err(self.error_at(at, what, Problem::OverLimit { length: count, limit }));
        };
        match within.checked_mul(least.max(1)) {
            Some(bytes) if bytes <= self.rest.len() => Ok(within),
            _ => Err(self.error_at(at, what, Problem::Ends)),
        }
    }

    /// Bytes with their length as a varint before them, at most `limit`.
    #[inline]
    pub fn bytes(&mut self, what: &'static str, limit: usize) -> Result<&'a [u8], DecodeError> {
        let count = self.count(what, limit, 1)?;
        self.raw(what, count)
    }

    /// A UTF-8 string with its length in bytes before it, at most `limit` bytes.
    #[inline]
    pub fn string(&mut self, what: &'static str, limit: usize) -> Result<&'a str, DecodeError> {
        let at = self.offset;
        let bytes = self.bytes(what, limit)?;
        std::str::from_utf8(bytes).map_err(|_| self.error_at(at, what, Problem::Utf8))
    }

    /// A reader of a part with its length before it, at most `limit` bytes. Its offsets continue this one's.
    /// End it with [`Reader::finish`].
    pub fn part(&mut self, what: &'static str, limit: usize) -> Result<Reader<'a>, DecodeError> {
        let count = self.count(what, limit, 1)?;
        let offset = self.offset;
        let rest = self.raw(what, count)?;
        Ok(Reader { rest, offset })
    }

    /// An operation id: 16 bytes.
    pub fn op_id(&mut self, what: &'static str) -> Result<OpId, DecodeError> {
        self.array(what).map(OpId::from_bytes)
    }

    /// An entity id: 16 bytes.
    pub fn entity_id(&mut self, what: &'static str) -> Result<EntityId, DecodeError> {
        self.array(what).map(EntityId::from_bytes)
    }

    /// A model id: 16 bytes.
    pub fn model_id(&mut self, what: &'static str) -> Result<ModelId, DecodeError> {
        self.array(what).map(ModelId::from_bytes)
    }

    /// A property id: 16 bytes.
    #[inline]
    pub fn property_id(&mut self, what: &'static str) -> Result<PropertyId, DecodeError> {
        self.array(what).map(PropertyId::from_bytes)
    }

    /// A transaction id: 16 bytes.
    pub fn transaction_id(&mut self, what: &'static str) -> Result<TransactionId, DecodeError> {
        self.u128(what).map(TransactionId)
    }

    /// A digest: 32 bytes.
    pub fn digest(&mut self, what: &'static str) -> Result<Digest, DecodeError> {
        self.array(what).map(Digest)
    }

    /// An author: 16 bytes.
    pub fn author(&mut self, what: &'static str) -> Result<Author, DecodeError> {
        self.array(what).map(Author)
    }

    /// A store: 16 bytes.
    pub fn store_id(&mut self, what: &'static str) -> Result<StoreId, DecodeError> {
        self.array(what).map(StoreId)
    }

    /// An actor: a varint of at most 53 bits.
    pub fn actor(&mut self, what: &'static str) -> Result<ActorId, DecodeError> {
        let at = self.offset;
        let number = self.varint(what)?;
        ActorId::exact(number).ok_or_else(|| self.error_at(at, what, Problem::Integer))
    }
}

/// Writes fields to bytes. The counterpart of [`Reader`], method by method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Writer::default()
    }

    /// An empty writer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Writer { bytes: Vec::with_capacity(capacity) }
    }

    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Ends the writing.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes as they are, without a length before them.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_be_bytes());
    }

    /// Sixteen bytes, big-endian.
    pub fn u128(&mut self, value: u128) {
        self.raw(&value.to_be_bytes());
    }

    /// A byte 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// A varint.
    pub fn varint(&mut self, value: u64) {
        let mut rest = value;
        loop {
            let [.., low] = rest.to_be_bytes();
            rest >>= 7;
            if rest == 0 {
                return self.u8(low & 0x7f);
            }
            self.u8(low | 0x80);
        }
    }

    /// A length or count, as a varint.
    pub fn count(&mut self, count: usize) {
        // No platform that we run on has addresses of more than 64 bits.
        self.varint(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A zigzag-coded varint.
    pub fn signed(&mut self, value: i64) {
        self.varint(u64::from_be_bytes(((value << 1) ^ (value >> 63)).to_be_bytes()));
    }

    /// Bytes with their length before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// What `write` writes, with its length before it.
    pub fn part(&mut self, write: impl FnOnce(&mut Writer)) {
        let start = self.bytes.len();
        self.u8(0);
        write(self);
        let length = self.bytes.len().saturating_sub(start).saturating_sub(1);
        match (u8::try_from(length), self.bytes.get_mut(start)) {
            (Ok(short @ 0..0x80), Some(byte)) => *byte = short,
            _ => {
                let mut prefix = Writer::new();
                prefix.count(length);
                self.bytes.splice(start..=start, prefix.into_bytes());
            }
        }
    }

    /// A string with its length in bytes before it.
    pub fn string(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// An operation id. Entity, model and property ids wrap one.
    pub fn op_id(&mut self, id: OpId) {
        self.raw(&id.to_bytes());
    }

    /// An entity id.
    pub fn entity_id(&mut self, id: EntityId) {
        self.op_id(id.0);
    }

    /// A model id.
    pub fn model_id(&mut self, id: ModelId) {
        self.op_id(id.0);
    }

    /// A property id.
    pub fn property_id(&mut self, id: PropertyId) {
        self.op_id(id.0);
    }

    /// A transaction id.
    pub fn transaction_id(&mut self, id: TransactionId) {
        self.u128(id.0);
    }

    /// A digest.
    pub fn digest(&mut self, digest: &Digest) {
        self.raw(&digest.0);
    }

    /// An author.
    pub fn author(&mut self, author: &Author) {
        self.raw(&author.0);
    }

    /// A store.
    pub fn store_id(&mut self, store: &StoreId) {
        self.raw(&store.0);
    }

    /// An actor.
    pub fn actor(&mut self, actor: ActorId) {
        self.varint(actor.get());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_varint(value: u64, bytes: &[u8]) {
        let mut writer = Writer::new();
        writer.varint(value);
        assert_eq!(writer.as_bytes(), bytes);
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.varint("value"), Ok(value));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[track_caller]
    fn check_refused(bytes: &[u8], problem: Problem) {
        let error = Reader::new(bytes).varint("value").unwrap_err();
        assert_eq!(error, DecodeError { offset: 0, what: "value", problem });
    }

    #[test]
    fn varints() {
        check_varint(0, &[0]);
        check_varint(127, &[0x7f]);
        check_varint(128, &[0x80, 1]);
        check_varint(300, &[0xac, 2]);
        check_varint(u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        check_refused(&[], Problem::Ends);
        check_refused(&[0x80], Problem::Ends);
        check_refused(&[0x80, 0], Problem::Integer);
        check_refused(&[0xff, 0x80, 0], Problem::Integer);
        check_refused(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Problem::Integer);
        check_refused(&[0x80; 11], Problem::Integer);
    }

    #[test]
    fn signed_integers_are_zigzag_coded() {
        for (value, byte) in [(0, 0), (-1, 1), (1, 2), (-2, 3), (63, 126), (-64, 127)] {
            let mut writer = Writer::new();
            writer.signed(value);
            assert_eq!(writer.as_bytes(), &[byte]);
        }
    }

    #[test]
    fn lengths_are_checked_before_allocation() {
        let mut writer = Writer::new();
        writer.varint(1 << 40);
        let bytes = writer.into_bytes();
        let error = Reader::new(&bytes).bytes("name", 100).unwrap_err();
        assert_eq!(error.problem, Problem::OverLimit { length: 1 << 40, limit: 100 });
        assert_eq!(error.to_string(), "name at byte 0: 1099511627776 is over the limit of 100");
        let error = Reader::new(&[5, 1, 2]).bytes("name", 100).unwrap_err();
        assert_eq!(error.problem, Problem::Ends);
        let error = Reader::new(&[5, 1, 2, 3, 4, 5]).count("items", 100, 2).unwrap_err();
        assert_eq!(error.problem, Problem::Ends);
    }

    #[test]
    fn errors_tell_the_offset_in_the_whole_input() {
        let mut reader = Reader::new(&[9, 2, 0, 7]);
        reader.u8("first").unwrap();
        let mut part = reader.part("part", 10).unwrap();
        part.bool("flag").unwrap();
        let error = part.bool("flag").unwrap_err();
        assert_eq!(error.to_string(), "flag at byte 3: unknown tag 7");
        assert_eq!(reader.finish(), Ok(()));
        let error = Reader::new(&[1, 0xff]).string("text", 9).unwrap_err();
        assert_eq!(error.to_string(), "text at byte 0: not valid UTF-8");
        let error = Reader::new(&[1, 2]).finish().unwrap_err();
        assert_eq!(error.to_string(), "end at byte 0: 2 bytes are left over");
    }

    #[test]
    fn actors_have_at_most_53_bits() {
        let mut writer = Writer::new();
        writer.varint(1 << 53);
        assert!(Reader::new(writer.as_bytes()).actor("actor").is_err());
        let mut writer = Writer::new();
        writer.actor(ActorId::new(u64::MAX));
        assert_eq!(Reader::new(writer.as_bytes()).actor("actor"), Ok(ActorId::new(u64::MAX)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            a in any::<u64>(), b in any::<i64>(), c in any::<Vec<u8>>(), d in any::<String>(),
            e in any::<u128>(), f in any::<bool>(), g in any::<u32>(),
        ) {
            let mut writer = Writer::new();
            writer.varint(a);
            writer.signed(b);
            writer.bytes(&c);
            writer.string(&d);
            writer.u128(e);
            writer.bool(f);
            writer.u32(g);
            let mut reader = Reader::new(writer.as_bytes());
            prop_assert_eq!(reader.varint("a"), Ok(a));
            prop_assert_eq!(reader.signed("b"), Ok(b));
            prop_assert_eq!(reader.bytes("c", usize::MAX), Ok(&c[..]));
            prop_assert_eq!(reader.string("d", usize::MAX), Ok(&d[..]));
            prop_assert_eq!(reader.u128("e"), Ok(e));
            prop_assert_eq!(reader.bool("f"), Ok(f));
            prop_assert_eq!(reader.u32("g"), Ok(g));
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn a_varint_has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.varint("value") {
                let mut writer = Writer::new();
                writer.varint(value);
                prop_assert_eq!(writer.as_bytes(), &bytes[..reader.offset()]);
            }
        }
    }
}
