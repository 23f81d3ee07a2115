//! Our own reader of yrs updates (encoding v1): nothing reaches yrs that has not passed it.
//!
//! It accepts what one root text of plain strings needs and nothing else: strings and runs of deleted content
//! that belong to the root text [`ROOT`], and a set of deleted ranges. It does not recurse, and the memory it
//! takes is bounded by the bytes it reads.

use std::collections::BTreeMap;

use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::ActorId;

/// The name of the root text in every document.
pub const ROOT: &str = "t";

/// Clocks, that is UTF-16 units that one actor writes in one text, stay below this.
pub const MAX_CLOCK: u32 = 1 << 31;

const HAS_ORIGIN: u8 = 0x80;
const HAS_RIGHT_ORIGIN: u8 = 0x40;
const DELETED: u8 = 1;
const STRING: u8 = 4;

/// How large an update may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// Actors with content in it.
    pub writers: usize,
    /// Pieces of content, of all actors.
    pub blocks: usize,
    /// Deleted ranges, of all actors.
    pub ranges: usize,
}

impl Limits {
    /// For the update of one operation: 12 MiB by one actor, which holds what [`super::MAX_EDITS`] and
    /// [`super::MAX_INSERT`] allow.
    pub const OPERATION: Limits = Limits { bytes: 12 << 20, writers: 1, blocks: 1 << 16, ranges: 1 << 20 };

    /// For a whole document, as a store holds it: 256 MiB.
    pub const DOCUMENT: Limits =
        Limits { bytes: 256 << 20, writers: 1 << 20, blocks: 1 << 24, ranges: 1 << 24 };
}

/// One UTF-16 unit of a document, by who wrote it and as which of its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitId {
    /// Who wrote it.
    pub actor: ActorId,
    /// Its number among the actor's, from 0.
    pub clock: u32,
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content<'a> {
    Text(&'a str),
    /// Content that is deleted: its length in units.
    Deleted(u32),
    /// Text of which only the length in units is known; in structures only.
    Length(u32),
}

impl Content<'_> {
    fn units(self) -> Option<u32> {
        match self {
            Content::Text(text) => u32::try_from(units(text)).ok(),
            Content::Deleted(units) | Content::Length(units) => Some(units),
        }
    }
}

/// The length of a text in UTF-16 units: one for each first byte of a character, two where the character takes
/// four bytes.
pub(super) fn units(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let first = |byte: &u8| byte & 0xc0 != 0x80;
    let pair = |byte: &u8| *byte >= 0xf0;
    text.as_bytes().iter().map(|byte| usize::from(first(byte)) + usize::from(pair(byte))).sum()
}

/// A piece of content that one actor wrote at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block<'a> {
    clock: u32,
    left: Option<UnitId>,
    right: Option<UnitId>,
    content: Content<'a>,
}

/// The blocks of an actor, one after another from its first clock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written<'a> {
    actor: ActorId,
    start: u32,
    end: u32,
    blocks: Vec<Block<'a>>,
}

/// A range of units of one actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Who wrote them.
    pub actor: ActorId,
    /// The first.
    pub start: u32,
    /// One after the last.
    pub end: u32,
}

/// An update that passed the scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    written: Vec<Written<'a>>,
    deleted: Deleted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Update,
    Structure,
}

/// Reads an update and checks it.
///
/// # Errors
/// [`DecodeError`] where the bytes are not an update, or one of anything but plain text, or over a limit.
pub fn prescan(update: &[u8], limits: Limits) -> Result<Scan<'_>, DecodeError> {
    parse(update, limits, Form::Update)
}

fn parse(bytes: &[u8], limits: Limits, form: Form) -> Result<Scan<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    if bytes.len() > limits.bytes {
        let over = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let problem = Problem::OverLimit { length: over(bytes.len()), limit: over(limits.bytes) };
        return Err(reader.error("text update", problem));
    }
    let count = reader.count("writers", limits.writers, 4)?;
    let mut written: Vec<Written<'_>> = Vec::with_capacity(count);
    let mut blocks_left = limits.blocks;
    for _ in 0..count {
        let at = reader.offset();
        let next = parse_written(&mut reader, &mut blocks_left, form)?;
        if written.last().is_some_and(|last| last.actor <= next.actor) {
            return Err(reader.error_at(at, "writers", Problem::Rule("they do not descend")));
        }
        written.push(next);
    }
    let deleted = parse_deleted(&mut reader, limits)?;
    reader.finish()?;
    Ok(Scan { written, deleted })
}

fn parse_written<'a>(
    reader: &mut Reader<'a>,
    blocks_left: &mut usize,
    form: Form,
) -> Result<Written<'a>, DecodeError> {
    let at = reader.offset();
    let count = reader.count("blocks", *blocks_left, 3)?;
    if count == 0 {
        return Err(reader.error_at(at, "blocks", Problem::Rule("a writer without content")));
    }
    *blocks_left = blocks_left.saturating_sub(count);
    let actor = reader.actor("writer")?;
    let start = reader.varint32("clock")?;
    let mut clock = start;
    let mut blocks = Vec::with_capacity(count);
    for _ in 0..count {
        let at = reader.offset();
        let block = parse_block(reader, actor, clock, form)?;
        let end = block.content.units().and_then(|units| clock.checked_add(units));
        clock = end
            .filter(|end| *end < MAX_CLOCK)
            .ok_or_else(|| reader.error_at(at, "block", Problem::Rule("the clock overflows")))?;
        blocks.push(block);
    }
    Ok(Written { actor, start, end: clock, blocks })
}

fn parse_block<'a>(
    reader: &mut Reader<'a>,
    actor: ActorId,
    clock: u32,
    form: Form,
) -> Result<Block<'a>, DecodeError> {
    let at = reader.offset();
    let info = reader.u8("block")?;
    let kind = info & !(HAS_ORIGIN | HAS_RIGHT_ORIGIN);
    if kind != STRING && kind != DELETED {
        return Err(reader.error_at(at, "block", Problem::Tag(u64::from(info))));
    }
    let left = if info & HAS_ORIGIN != 0 { Some(parse_origin(reader, actor, clock)?) } else { None };
    let right = if info & HAS_RIGHT_ORIGIN != 0 { Some(parse_origin(reader, actor, clock)?) } else { None };
    if left.is_none() && right.is_none() {
        let at = reader.offset();
        if reader.u8("parent")? != 1 || reader.string("parent", ROOT.len())? != ROOT {
            return Err(reader.error_at(at, "parent", Problem::Rule("not the root text")));
        }
    }
    let at = reader.offset();
    let content = match (kind, form) {
        (STRING, Form::Update) => {
            let text = reader.string("text", Limits::DOCUMENT.bytes)?;
            if text.as_bytes().contains(&0) {
                return Err(reader.error_at(at, "text", Problem::Rule("contains U+0000")));
            }
            Content::Text(text)
        }
        (STRING, Form::Structure) => Content::Length(reader.varint32("length")?),
        _ => Content::Deleted(reader.varint32("length")?),
    };
    if content.units() == Some(0) {
        return Err(reader.error_at(at, "block", Problem::Rule("empty")));
    }
    Ok(Block { clock, left, right, content })
}

fn parse_origin(reader: &mut Reader<'_>, actor: ActorId, clock: u32) -> Result<UnitId, DecodeError> {
    let at = reader.offset();
    let origin = UnitId { actor: reader.actor("origin")?, clock: reader.varint32("origin's clock")? };
    if origin.clock >= MAX_CLOCK || (origin.actor == actor && origin.clock >= clock) {
        return Err(reader.error_at(at, "origin", Problem::Rule("not before the block")));
    }
    Ok(origin)
}

/// Ranges from a first unit to one after the last, by actor.
type Deleted = Vec<(ActorId, Vec<(u32, u32)>)>;

fn parse_deleted(reader: &mut Reader<'_>, limits: Limits) -> Result<Deleted, DecodeError> {
    let mut ranges_left = limits.ranges;
    let count = reader.count("actors of deleted ranges", limits.ranges, 4)?;
    let mut deleted: Deleted = Vec::with_capacity(count);
    for _ in 0..count {
        let at = reader.offset();
        let actor = reader.actor("actor of deleted ranges")?;
        if deleted.last().is_some_and(|(last, _)| *last >= actor) {
            return Err(reader.error_at(at, "actor of deleted ranges", Problem::Rule("they do not ascend")));
        }
        let count = reader.count("deleted ranges", ranges_left, 2)?;
        ranges_left = ranges_left.saturating_sub(count);
        let mut ranges: Vec<(u32, u32)> = Vec::with_capacity(count);
        for _ in 0..count {
            let at = reader.offset();
            let start = reader.varint32("deleted range")?;
            let length = reader.varint32("deleted range")?;
            let end = start.checked_add(length).filter(|end| *end < MAX_CLOCK && length > 0);
            let follows = ranges.last().is_none_or(|(_, last)| *last <= start);
            match end {
                Some(end) if follows => ranges.push((start, end)),
                _ => {
                    return Err(reader.error_at(at, "deleted range", Problem::Rule("empty or out of order")));
                }
            }
        }
        if ranges.is_empty() {
            return Err(reader.error_at(at, "deleted ranges", Problem::Rule("an actor without ranges")));
        }
        deleted.push((actor, ranges));
    }
    Ok(deleted)
}

/// Sets of units of a text, by who wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units(Deleted);

impl FromIterator<Span> for Units {
    fn from_iter<T: IntoIterator<Item = Span>>(spans: T) -> Self {
        let mut by_actor: BTreeMap<ActorId, Vec<(u32, u32)>> = BTreeMap::new();
        for span in spans.into_iter().filter(|span| span.start < span.end) {
            by_actor.entry(span.actor).or_default().push((span.start, span.end));
        }
        let mut all = Vec::with_capacity(by_actor.len());
        for (actor, mut ranges) in by_actor {
            ranges.sort_unstable();
            let mut joined: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
            for (start, end) in ranges {
                match joined.last_mut() {
                    Some((_, last)) if start <= *last => *last = end.max(*last),
                    _ => joined.push((start, end)),
                }
            }
            all.push((actor, joined));
        }
        Units(all)
    }
}

impl Units {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of ranges.
    pub fn len(&self) -> usize {
        self.0.iter().map(|(_, ranges)| ranges.len()).sum()
    }

    /// The ranges.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        spans(&self.0)
    }

    /// Whether a unit of a span is among them.
    pub fn touches(&self, span: Span) -> bool {
        let of = self.0.iter().find(|(actor, _)| *actor == span.actor);
        let ranges = of.into_iter().flat_map(|(_, ranges)| ranges);
        ranges.into_iter().any(|(start, end)| *start < span.end && span.start < *end)
    }

    /// Writes them like the ranges that an update deletes.
    pub fn encode(&self, writer: &mut Writer) {
        write_ranges(&self.0, writer);
    }

    /// Reads them.
    ///
    /// # Errors
    /// [`DecodeError`] where they are over a limit, out of order or overlap.
    pub fn decode(reader: &mut Reader<'_>, limits: Limits) -> Result<Self, DecodeError> {
        parse_deleted(reader, limits).map(Units)
    }
}

fn spans(ranges: &Deleted) -> impl Iterator<Item = Span> + '_ {
    ranges.iter().flat_map(|(actor, ranges)| {
        ranges.iter().map(|(start, end)| Span { actor: *actor, start: *start, end: *end })
    })
}

fn write_ranges(ranges: &Deleted, writer: &mut Writer) {
    writer.count(ranges.len());
    for (actor, ranges) in ranges {
        writer.actor(*actor);
        writer.count(ranges.len());
        for (start, end) in ranges {
            writer.varint(u64::from(*start));
            writer.varint(u64::from(end.saturating_sub(*start)));
        }
    }
}

/// A document, as one update, with deleted content of equal length in place of some units. What is left reads as
/// before.
///
/// # Errors
/// [`DecodeError`] where the update is none.
pub fn without(update: &[u8], units: &Units, limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let mut scan = parse(update, limits, Form::Update)?;
    for written in &mut scan.written {
        let mut blocks = Vec::with_capacity(written.blocks.len());
        for block in &written.blocks {
            cut_block(*block, written.actor, units, &mut blocks);
        }
        written.blocks = blocks;
    }
    Ok(scan.write(Form::Update))
}

/// Adds a block in pieces, those of the units as deleted content. A piece stands behind the last unit of the one
/// before it, as what is typed in one go does.
fn cut_block<'a>(block: Block<'a>, actor: ActorId, units: &Units, out: &mut Vec<Block<'a>>) {
    let Content::Text(text) = block.content else {
        out.push(block);
        return;
    };
    let whole = Span {
        actor,
        start: block.clock,
        end: block.clock.saturating_add(block.content.units().unwrap_or(0)),
    };
    if !units.touches(whole) {
        out.push(block);
        return;
    }
    let mut at = block.clock;
    let mut pieces: Vec<(u32, bool, usize)> = Vec::new();
    for character in text.chars() {
        let next = at.saturating_add(if character.len_utf16() == 2 { 2 } else { 1 });
        let gone = units.touches(Span { actor, start: at, end: next });
        match pieces.last_mut() {
            Some((_, last, bytes)) if *last == gone => *bytes = bytes.saturating_add(character.len_utf8()),
            _ => pieces.push((at, gone, character.len_utf8())),
        }
        at = next;
    }
    let mut rest = text;
    for (number, (clock, gone, bytes)) in pieces.into_iter().enumerate() {
        let (piece, after) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
        rest = after;
        let content = match gone {
            true => Content::Deleted(Content::Text(piece).units().unwrap_or(0)),
            false => Content::Text(piece),
        };
        let left = match number {
            0 => block.left,
            _ => Some(UnitId { actor, clock: clock.saturating_sub(1) }),
        };
        out.push(Block { clock, left, right: block.right, content });
    }
}

impl<'a> Scan<'a> {
    /// Whether all content in it was written by this actor, which is what an operation's update must hold.
    /// What it deletes may be anyone's.
    pub fn is_only_by(&self, actor: ActorId) -> bool {
        self.written.iter().all(|written| written.actor == actor)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.deleted.is_empty()
    }

    /// The ranges of units that it brings, one an actor.
    pub fn inserts(&self) -> impl Iterator<Item = Span> + '_ {
        self.written.iter().map(|written| Span {
            actor: written.actor,
            start: written.start,
            end: written.end,
        })
    }

    /// The ranges of units that it deletes.
    pub fn deletes(&self) -> impl Iterator<Item = Span> + '_ {
        spans(&self.deleted)
    }

    /// The units that its content stands beside.
    pub fn origins(&self) -> impl Iterator<Item = UnitId> + '_ {
        let blocks = self.written.iter().flat_map(|written| &written.blocks);
        blocks.flat_map(|block| block.left.into_iter().chain(block.right))
    }

    /// Number of pieces of content.
    pub fn blocks(&self) -> usize {
        self.written.iter().map(|written| written.blocks.len()).sum()
    }

    /// The strings in it, in order.
    pub fn strings(&self) -> impl Iterator<Item = &'a str> + '_ {
        let blocks = self.written.iter().flat_map(|written| &written.blocks);
        blocks.filter_map(|block| match block.content {
            Content::Text(text) => Some(text),
            Content::Deleted(_) | Content::Length(_) => None,
        })
    }

    fn write(&self, form: Form) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.count(self.written.len());
        for written in &self.written {
            writer.count(written.blocks.len());
            writer.actor(written.actor);
            writer.varint(u64::from(written.start));
            for block in &written.blocks {
                write_block(block, form, &mut writer);
            }
        }
        write_ranges(&self.deleted, &mut writer);
        writer.into_bytes()
    }
}

fn write_block(block: &Block<'_>, form: Form, writer: &mut Writer) {
    let kind = if matches!(block.content, Content::Deleted(_)) { DELETED } else { STRING };
    let left = if block.left.is_some() { HAS_ORIGIN } else { 0 };
    let right = if block.right.is_some() { HAS_RIGHT_ORIGIN } else { 0 };
    writer.u8(kind | left | right);
    for origin in block.left.iter().chain(&block.right) {
        writer.actor(origin.actor);
        writer.varint(u64::from(origin.clock));
    }
    if block.left.is_none() && block.right.is_none() {
        writer.u8(1);
        writer.string(ROOT);
    }
    match (block.content, form) {
        (Content::Text(text), Form::Update) => writer.string(text),
        (content, _) => writer.varint(u64::from(content.units().unwrap_or(0))),
    }
}

/// Takes an update apart: its structure, in which the length of every string in UTF-16 units stands for the
/// string, and its content, the strings one after another.
///
/// # Errors
/// [`DecodeError`] as [`prescan`].
pub fn split(update: &[u8], limits: Limits) -> Result<(Vec<u8>, Vec<u8>), DecodeError> {
    let scan = prescan(update, limits)?;
    let content: String = scan.strings().collect();
    Ok((scan.write(Form::Structure), content.into_bytes()))
}

/// Puts together what [`split`] took apart.
///
/// # Errors
/// [`DecodeError`] where the structure is none, or the content does not fit it.
pub fn join(structure: &[u8], content: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let mut scan = parse(structure, limits, Form::Structure)?;
    let error = |problem| DecodeError { offset: 0, what: "text content", problem };
    let mut rest = std::str::from_utf8(content).map_err(|_| error(Problem::Utf8))?;
    if rest.as_bytes().contains(&0) {
        return Err(error(Problem::Rule("contains U+0000")));
    }
    for block in scan.written.iter_mut().flat_map(|written| &mut written.blocks) {
        if let Content::Length(units) = block.content {
            let (text, after) = split_units(rest, units).ok_or_else(|| error(Problem::Ends))?;
            block.content = Content::Text(text);
            rest = after;
        }
    }
    if rest.is_empty() { Ok(scan.write(Form::Update)) } else { Err(error(Problem::LeftOver(rest.len()))) }
}

/// The update of a structure whose content was erased: deleted content of equal length, on which later edits
/// can stand.
///
/// # Errors
/// [`DecodeError`] where the structure is none.
pub fn erased(structure: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let mut scan = parse(structure, limits, Form::Structure)?;
    for block in scan.written.iter_mut().flat_map(|written| &mut written.blocks) {
        if let Content::Length(units) = block.content {
            block.content = Content::Deleted(units);
        }
    }
    Ok(scan.write(Form::Update))
}

/// Splits a text after so many UTF-16 units. `None` where it is shorter, or the place is within a character.
fn split_units(text: &str, units: u32) -> Option<(&str, &str)> {
    let wanted = usize::try_from(units).ok()?;
    let mut count = 0;
    let mut bytes = 0;
    for character in text.chars() {
        if count >= wanted {
            break;
        }
        count += character.len_utf16();
        bytes += character.len_utf8();
    }
    if count == wanted { text.split_at_checked(bytes) } else { None }
}
