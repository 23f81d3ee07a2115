//! Writing records.

use crate::codec::Writer;
use crate::storage::{Position, SetAside};

use super::{ASIDE, CHECK, COMMIT, DumpedAside, END, HEADER, Header, MAGIC, OPERATION, Totals, VERSION};

/// The checksum of a record: the first bytes of a hash over the checksum before, its kind and its body.
pub(super) fn check_of(before: [u8; CHECK], record: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ankurah/dump/1\0");
    hasher.update(&before);
    hasher.update(record);
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

/// Writes a dump, record by record, to a buffer that is taken away in pieces.
#[derive(Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
    check: [u8; CHECK],
    totals: Totals,
}

impl Encoder {
    /// The beginning of a dump.
    pub fn new(header: &Header) -> Self {
        let mut encoder = Encoder { out: MAGIC.to_vec(), ..Encoder::default() };
        encoder.out.push(VERSION);
        encoder.record(HEADER, |writer| {
            writer.raw(&header.store.0);
            writer.varint(header.epoch);
            writer.varint(header.position.0);
            writer.raw(&header.made.0.to_be_bytes());
            writer.string(&header.engine);
            writer.string(&header.program);
        });
        encoder
    }

    /// The operations of a commit, encoded. They are restored together.
    pub fn commit(&mut self, position: Position, operations: &[Vec<u8>]) {
        self.totals.commits = self.totals.commits.saturating_add(1);
        self.record(COMMIT, |writer| {
            writer.varint(position.0);
            writer.count(operations.len());
        });
        for operation in operations {
            self.totals.operations = self.totals.operations.saturating_add(1);
            self.record(OPERATION, |writer| writer.raw(operation));
        }
    }

    /// An operation outside the DAG.
    pub fn aside(&mut self, aside: &DumpedAside) {
        self.totals.asides = self.totals.asides.saturating_add(1);
        self.record(ASIDE, |writer| {
            writer.u8(match aside.set {
                SetAside::Parked => 1,
                SetAside::Refused => 2,
                SetAside::Equivocal => 3,
            });
            writer.op_id(aside.id);
            writer.entity_id(aside.entity);
            writer.string(&aside.reason);
            writer.raw(&aside.bytes);
        });
    }

    /// The end. What is after it is no part of the dump.
    pub fn end(&mut self) -> Totals {
        let totals = self.totals;
        self.record(END, |writer| {
            writer.varint(totals.commits);
            writer.varint(totals.operations);
            writer.varint(totals.asides);
        });
        totals
    }

    /// Bytes that wait to be taken.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The bytes since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn record(&mut self, kind: u8, body: impl FnOnce(&mut Writer)) {
        let mut record = Writer::with_capacity(256);
        record.u8(kind);
        body(&mut record);
        self.check = check_of(self.check, record.as_bytes());
        let mut framed = Writer::with_capacity(record.as_bytes().len().saturating_add(16));
        framed.bytes(record.as_bytes());
        framed.raw(&self.check);
        self.out.extend_from_slice(framed.as_bytes());
    }
}
