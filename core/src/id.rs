//! Names: of operations, entities, models, properties, actors, authors, transactions and stores.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A hybrid logical clock reading: 48 bits of Unix milliseconds and a 16-bit counter.
///
/// Adding one carries from the counter into the milliseconds, so readings never repeat.
/// After Kulkarni et al., "Logical Physical Clocks" (2014).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Stamp(u64);

impl Stamp {
    /// A stamp of raw bits: milliseconds in the upper 48, the counter in the lower 16.
    pub const fn from_bits(bits: u64) -> Self {
        Stamp(bits)
    }

    /// A stamp at `millis` Unix milliseconds with counter 0. Milliseconds over 48 bits saturate.
    pub const fn from_millis(millis: u64) -> Self {
        const MAX: u64 = (1 << 48) - 1;
        let millis = if millis > MAX { MAX } else { millis };
        Stamp(millis << 16)
    }

    /// The raw bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Unix milliseconds.
    pub const fn millis(self) -> u64 {
        self.0 >> 16
    }

    /// The counter within the millisecond.
    pub const fn counter(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// The next stamp, or `None` after the last one.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(bits) => Some(Stamp(bits)),
            None => None,
        }
    }
}

/// The name and sort key of an operation: a ULID of a [`Stamp`] and 64 bits of digest.
///
/// A new id exceeds every id that the node has made or taken in, so the order of ids is a linear
/// extension of every operation DAG. Shown as 26 characters of Crockford base 32 (ULID specification).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct OpId(u128);

impl OpId {
    /// The smallest id; no operation has it.
    pub const MIN: OpId = OpId(0);
    /// The greatest id; no operation has it.
    pub const MAX: OpId = OpId(u128::MAX);

    /// An id of its stamp and 64 digest bits.
    pub const fn new(stamp: Stamp, digest_bits: u64) -> Self {
        OpId(((stamp.bits() as u128) << 64) | digest_bits as u128)
    }

    /// An id of raw bits.
    pub const fn from_bits(bits: u128) -> Self {
        OpId(bits)
    }

    /// The raw bits.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The big-endian bytes; their order is the order of ids.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The id with these big-endian bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        OpId(u128::from_be_bytes(bytes))
    }

    /// The clock reading in the id.
    pub const fn stamp(self) -> Stamp {
        Stamp::from_bits((self.0 >> 64) as u64)
    }

    /// The 64 digest bits in the id.
    pub const fn digest_bits(self) -> u64 {
        (self.0 & 0xffff_ffff_ffff_ffff) as u64
    }
}

/// A text that is not the 26-character form of an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id: expected 26 characters of Crockford base 32")]
pub struct ParseIdError {
    /// The text as given, cut to 64 characters.
    pub text: String,
}

impl ParseIdError {
    fn new(text: &str) -> Self {
        ParseIdError { text: text.chars().take(64).collect() }
    }
}

fn parse_ulid(text: &str) -> Result<u128, ParseIdError> {
    // The crate lets a first digit over 7 overflow silently.
    if !text.starts_with(|first: char| ('0'..='7').contains(&first) || "oOiIlL".contains(first)) {
        return Err(ParseIdError::new(text));
    }
    ulid::Ulid::from_string(text).map(|ulid| ulid.0).map_err(|_| ParseIdError::new(text))
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0u8; ulid::ULID_LEN];
        f.pad(ulid::Ulid(self.0).array_to_str(&mut buffer))
    }
}

impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OpId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_ulid(text).map(OpId)
    }
}

macro_rules! op_named {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub OpId);

        impl $name {
            /// The id with these big-endian bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                $name(OpId::from_bytes(bytes))
            }

            /// The big-endian bytes; their order is the order of ids.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.parse().map($name)
            }
        }
    };
}

op_named!(
    /// An entity: the id of its genesis operation.
    EntityId
);
op_named!(
    /// A model: the entity id of its entry in the catalog.
    ModelId
);
op_named!(
    /// A property of a model: the entity id of its entry in the catalog.
    PropertyId
);

impl From<ModelId> for EntityId {
    fn from(id: ModelId) -> Self {
        EntityId(id.0)
    }
}

impl From<PropertyId> for EntityId {
    fn from(id: PropertyId) -> Self {
        EntityId(id.0)
    }
}

/// A transaction: a ULID of the stamp at its commit and 64 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransactionId(pub u128);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&OpId(self.0), f)
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A strictly sequential writer: a number of at most 53 bits, which is the yrs client id too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActorId(u64);

impl ActorId {
    /// Bits of an actor's number: what a JavaScript number holds exactly.
    pub const BITS: u32 = 53;

    /// The actor with the lower 53 bits of `number`.
    pub const fn new(number: u64) -> Self {
        ActorId(number & ((1 << Self::BITS) - 1))
    }

    /// The actor with exactly this number, or `None` over 53 bits.
    pub const fn exact(number: u64) -> Option<Self> {
        if number >> Self::BITS == 0 { Some(ActorId(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014x}", self.0)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! byte_named {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

byte_named!(
    /// A BLAKE3 hash. The digest of an operation is its identity, which parent links chain.
    Digest,
    32
);
byte_named!(
    /// The fingerprint of an author's public key: the first 16 bytes of its BLAKE3 hash.
    Author,
    16
);
byte_named!(
    /// A store: 16 random bytes drawn when it is made.
    StoreId,
    16
);
