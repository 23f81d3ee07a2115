//! Reading records, in pieces of any size.

use std::io::{self, Read};

use crate::codec::{DecodeError, Problem, Reader};
use crate::node::compact::{CONTAINER, Container};
use crate::operation::{Decoded, Operation};
use crate::storage::{Position, SetAside};
use crate::value::Timestamp;

use super::encode::check_of;
use super::{
    ASIDE, CHECK, COMMIT, DumpError, DumpedAside, END, HEADER, Header, MAGIC, MAX_RECORD, MAX_UNIT,
    OPERATION, Totals, Unit, VERSION,
};

/// The longest text in a record, in bytes.
const MAX_TEXT: usize = 1 << 15;

/// The longest length of a record as a varint.
const MAX_LENGTH: usize = 5;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// Makes units of the bytes that it is fed. After an error it gives nothing more.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// How much of `bytes` is done with.
    at: usize,
    /// Where `bytes` begins in the dump.
    start: u64,
    number: u64,
    check: [u8; CHECK],
    begun: bool,
    header: Option<Header>,
    commit: Option<Open>,
    totals: Totals,
    ended: bool,
}

/// A commit whose operations have not all come.
#[derive(Debug)]
struct Open {
    position: Position,
    left: u64,
    operations: Vec<Vec<u8>>,
    bytes: usize,
}

/// What came of reading a record.
enum Step {
    /// It was the last of a unit.
    Unit(Unit),
    /// It was read.
    Read,
    /// It is not there as a whole.
    Wait,
}

impl Decoder {
    /// A reader at the start of a dump.
    pub fn new() -> Self {
        Decoder::default()
    }

    /// Takes in the next bytes of the dump.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.at > 0 && self.at.saturating_mul(2) >= self.bytes.len() {
            self.bytes.drain(..self.at);
            self.start = self.offset();
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Where the next record begins.
    fn offset(&self) -> u64 {
        self.start.saturating_add(u64::try_from(self.at).unwrap_or(u64::MAX))
    }

    /// Where the dump comes from, once that was read.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// What was read so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Reads up to the header, if enough bytes were fed.
    ///
    /// # Errors
    /// [`DumpError`].
    pub fn read_header(&mut self) -> Result<Option<&Header>, DumpError> {
        if self.header.is_none() {
            self.step()?;
        }
        Ok(self.header.as_ref())
    }

    /// The next unit; `None` where that needs more bytes, or there is none.
    ///
    /// # Errors
    /// [`DumpError`]: the bytes are no dump, or a newer one, or a record is damaged. Units that came before are right.
    pub fn advance(&mut self) -> Result<Option<Unit>, DumpError> {
        loop {
            match self.step()? {
                Step::Unit(unit) => return Ok(Some(unit)),
                Step::Read => {}
                Step::Wait => return Ok(None),
            }
        }
    }

    /// Reads one record.
    fn step(&mut self) -> Result<Step, DumpError> {
        if !self.begun && !self.begin()? {
            return Ok(Step::Wait);
        }
        let bytes = std::mem::take(&mut self.bytes);
        let step = self.framed(bytes.get(self.at..).unwrap_or_default());
        self.bytes = bytes;
        step
    }

    /// Reads the record that the bytes begin with.
    fn framed(&mut self, rest: &[u8]) -> Result<Step, DumpError> {
        let (offset, number) = (self.offset(), self.number.saturating_add(1));
        let damaged = |problem: String| DumpError::Damaged { number, offset, problem };
        if self.ended {
            return match rest.is_empty() {
                true => Ok(Step::Wait),
                false => Err(damaged("there is something after the end of the dump".to_owned())),
            };
        }
        let mut reader = Reader::new(rest);
        let length = match reader.varint("length") {
            Ok(length) => length,
            Err(DecodeError { problem: Problem::Ends, .. }) if rest.len() < MAX_LENGTH => {
                return Ok(Step::Wait);
            }
            Err(error) => return Err(damaged(error.to_string())),
        };
        let length = usize::try_from(length).ok().filter(|length| (1..=MAX_RECORD).contains(length));
        let Some(length) = length else { return Err(damaged("its length cannot be right".to_owned())) };
        let (Ok(record), Ok(check)) = (reader.raw("record", length), reader.array::<CHECK>("checksum"))
        else {
            return Ok(Step::Wait);
        };
        if check_of(self.check, record) != check {
            return Err(damaged("its checksum is another".to_owned()));
        }
        let step = self.record(record).map_err(damaged)?;
        self.check = check;
        self.number = number;
        self.at = self.at.saturating_add(reader.offset());
        Ok(step)
    }

    /// Reads what every dump begins with; `false` where that needs more bytes.
    fn begin(&mut self) -> Result<bool, DumpError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let known = rest.len().min(MAGIC.len());
        if rest.get(..known) != MAGIC.get(..known) {
            return Err(DumpError::NotADump);
        }
        match rest.get(MAGIC.len()) {
            None => Ok(false),
            Some(&VERSION) => {
                self.at = self.at.saturating_add(MAGIC.len()).saturating_add(1);
                self.begun = true;
                Ok(true)
            }
            Some(0) => Err(DumpError::NotADump),
            Some(&found) => Err(DumpError::Newer { found, known: VERSION }),
        }
    }

    /// Takes in a record whose checksum is right.
    fn record(&mut self, record: &[u8]) -> Result<Step, String> {
        let words = |error: DecodeError| error.to_string();
        let mut reader = Reader::new(record);
        let kind = reader.u8("kind").map_err(words)?;
        if self.header.is_none() != (kind == HEADER) {
            return Err("the header does not stand at the beginning alone".to_owned());
        }
        if self.commit.is_some() != (kind == OPERATION) {
            return Err("a commit and its operations do not stand together".to_owned());
        }
        match kind {
            HEADER => {
                self.header = Some(header(reader).map_err(words)?);
                Ok(Step::Read)
            }
            COMMIT => {
                let position = Position(reader.varint("position").map_err(words)?);
                let left = reader.varint("operations").map_err(words)?;
                reader.finish().map_err(words)?;
                if left == 0 {
                    return Err("a commit without operations".to_owned());
                }
                self.commit = Some(Open { position, left, operations: Vec::new(), bytes: 0 });
                Ok(Step::Read)
            }
            OPERATION => self.operation(reader.rest()),
            ASIDE => {
                let aside = aside(reader)?;
                self.totals.asides = self.totals.asides.saturating_add(1);
                Ok(Step::Unit(Unit::Aside(aside)))
            }
            END => {
                let (commits, operations) = (reader.varint("commits"), reader.varint("operations"));
                let asides = reader.varint("operations outside the DAG").map_err(words)?;
                let told = Totals {
                    commits: commits.map_err(words)?,
                    operations: operations.map_err(words)?,
                    asides,
                };
                reader.finish().map_err(words)?;
                if told != self.totals {
                    return Err("the dump holds another number of operations than its end says".to_owned());
                }
                self.ended = true;
                Ok(Step::Read)
            }
            other => Err(format!("a record of kind {other} is not known")),
        }
    }

    fn operation(&mut self, bytes: &[u8]) -> Result<Step, String> {
        // A base stands for operations that the store had folded into it.
        let checked = match bytes.first() {
            Some(&CONTAINER) => Container::decode(bytes).map(drop),
            _ => Operation::decode(bytes).map(drop),
        };
        if let Err(error) = checked {
            return Err(format!("it holds no operation: {error}"));
        }
        let Some(open) = &mut self.commit else { return Ok(Step::Read) };
        open.bytes = open.bytes.saturating_add(bytes.len());
        if open.bytes > MAX_UNIT.saturating_add(MAX_RECORD) {
            return Err("the commit is larger than a part of a dump can be".to_owned());
        }
        open.operations.push(bytes.to_vec());
        open.left = open.left.saturating_sub(1);
        if open.left > 0 {
            return Ok(Step::Read);
        }
        let Some(done) = self.commit.take() else { return Ok(Step::Read) };
        self.totals.commits = self.totals.commits.saturating_add(1);
        let count = u64::try_from(done.operations.len()).unwrap_or(u64::MAX);
        self.totals.operations = self.totals.operations.saturating_add(count);
        Ok(Step::Unit(Unit::Commit { position: done.position, operations: done.operations }))
    }

    /// The end: all bytes were fed. Gives what the dump holds.
    ///
    /// # Errors
    /// [`DumpError::Cut`] where the bytes end before the dump does.
    pub fn finish(&self) -> Result<Totals, DumpError> {
        if self.ended {
            return Ok(self.totals);
        }
        let rest = self.bytes.len().saturating_sub(self.at);
        let end = self.offset().saturating_add(u64::try_from(rest).unwrap_or(u64::MAX));
        Err(DumpError::Cut { number: self.number.saturating_add(1), offset: self.offset(), end })
    }
}

fn header(mut reader: Reader<'_>) -> Result<Header, DecodeError> {
    let header = Header {
        store: reader.store_id("store")?,
        epoch: reader.varint("epoch")?,
        position: Position(reader.varint("position")?),
        made: Timestamp(reader.array("time").map(i64::from_be_bytes)?),
        engine: reader.string("engine", MAX_TEXT)?.to_owned(),
        program: reader.string("program", MAX_TEXT)?.to_owned(),
    };
    reader.finish()?;
    Ok(header)
}

fn aside(mut reader: Reader<'_>) -> Result<DumpedAside, String> {
    let words = |error: DecodeError| error.to_string();
    let set = match reader.u8("set").map_err(words)? {
        1 => SetAside::Parked,
        2 => SetAside::Refused,
        3 => SetAside::Equivocal,
        other => return Err(format!("a set {other} of operations is not known")),
    };
    let id = reader.op_id("operation").map_err(words)?;
    let entity = reader.entity_id("entity").map_err(words)?;
    let reason = reader.string("reason", MAX_TEXT).map_err(words)?.to_owned();
    let bytes = reader.rest().to_vec();
    let found = match Operation::decode(&bytes) {
        Ok(Decoded::Known(operation)) => (operation.id(), operation.entity()),
        Ok(Decoded::Unknown { id, entity, .. }) => (id, entity),
        Err(error) => return Err(format!("it holds no operation: {error}")),
    };
    if found != (id, entity) {
        return Err("it holds another operation than it says".to_owned());
    }
    Ok(DumpedAside { set, id, entity, reason, bytes })
}

/// Why a dump could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not what it should be.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The bytes cannot be read.
    #[error("the dump cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The units of a dump that is read from somewhere.
#[derive(Debug)]
pub struct DumpReader<R> {
    from: R,
    decoder: Decoder,
    piece: Vec<u8>,
}

impl<R: Read> DumpReader<R> {
    /// Reads up to the header.
    ///
    /// # Errors
    /// [`ReadError`]: there is no dump, or a newer one, or it is damaged from the start.
    pub fn open(from: R) -> Result<(Self, Header), ReadError> {
        let mut reader = DumpReader { from, decoder: Decoder::new(), piece: vec![0; PIECE] };
        loop {
            if let Some(header) = reader.decoder.read_header()?.cloned() {
                return Ok((reader, header));
            }
            if !reader.more()? {
                reader.decoder.finish()?;
                return Err(DumpError::NotADump.into());
            }
        }
    }

    /// The next unit; `None` at the end of the dump.
    ///
    /// # Errors
    /// [`ReadError`]; the units before it are right.
    pub fn advance(&mut self) -> Result<Option<Unit>, ReadError> {
        loop {
            if let Some(unit) = self.decoder.advance()? {
                return Ok(Some(unit));
            }
            if !self.more()? {
                self.decoder.finish()?;
                return Ok(None);
            }
        }
    }

    /// What was read so far.
    pub fn totals(&self) -> Totals {
        self.decoder.totals()
    }

    fn more(&mut self) -> io::Result<bool> {
        loop {
            match self.from.read(&mut self.piece) {
                Ok(count) => {
                    self.decoder.feed(self.piece.get(..count).unwrap_or_default());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
