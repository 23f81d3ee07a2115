//! Texts as the units that they were written in: what an operation did to a text, taken back in what the text is now.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::ActorId;
use crate::node::draft::Splice;
use crate::property::text::{Span, TextDocument};

/// A character and the first of its units.
#[derive(Clone, Copy, Debug)]
struct Unit {
    actor: ActorId,
    clock: u32,
    character: char,
}

/// Ranges of units by actor, to be looked up.
#[derive(Debug, Default)]
pub(super) struct Ranges(BTreeMap<ActorId, Vec<(u32, u32)>>);

impl FromIterator<Span> for Ranges {
    fn from_iter<T: IntoIterator<Item = Span>>(spans: T) -> Self {
        let mut ranges = Ranges::default();
        for span in spans {
            ranges.0.entry(span.actor).or_default().push((span.start, span.end));
        }
        ranges
    }
}

impl Ranges {
    fn has(&self, unit: &Unit) -> bool {
        let ranges = self.0.get(&unit.actor).into_iter().flatten();
        ranges.into_iter().any(|(start, end)| (*start..*end).contains(&unit.clock))
    }
}

fn units(document: &TextDocument) -> Vec<Unit> {
    let mut all = Vec::new();
    for (span, text) in document.pieces() {
        let mut clock = span.start;
        for character in text.chars() {
            all.push(Unit { actor: span.actor, clock, character });
            clock = clock.saturating_add(u32::try_from(character.len_utf16()).unwrap_or(1));
        }
    }
    all
}

/// What takes an operation's change of a text back.
#[derive(Debug)]
pub(super) struct Inverse {
    /// In order: each sees the text that the one before it left.
    pub(super) splices: Vec<Splice>,
    /// Whether something was changed later in what the operation wrote, or where it deleted something.
    pub(super) overlaps: bool,
}

/// What takes an operation's change of a text back: the units that it inserted go, those that it deleted come again
/// where they were. `before` is the text that the operation was made on, `after` what it made of it, `now` the text as
/// it is.
pub(super) fn inverse(
    before: &TextDocument,
    after: &TextDocument,
    now: &TextDocument,
    inserted: &Ranges,
) -> Inverse {
    let (before, after, now) = (units(before), units(after), units(now));
    let place_of: BTreeMap<(ActorId, u32), usize> =
        now.iter().enumerate().map(|(at, unit)| ((unit.actor, unit.clock), at)).collect();
    let place = |unit: &Unit| place_of.get(&(unit.actor, unit.clock)).copied();
    let mut overlaps = false;

    // What goes: all that was inserted and is still there. Neighbours must still be neighbours.
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let mut last: Option<(usize, Option<usize>)> = None;
    for (number, unit) in after.iter().enumerate().filter(|(_, unit)| inserted.has(unit)) {
        let at = place(unit);
        overlaps |= at.is_none();
        if let Some((before, Some(old))) = last {
            let adjacent = before.saturating_add(1) == number;
            overlaps |= adjacent && at.is_some_and(|at| at != old.saturating_add(1));
        }
        gone.extend(at);
        last = Some((number, at));
    }

    // What comes: the units of `before` that `after` lacks, each run behind the unit that it stood behind.
    let kept: BTreeSet<(ActorId, u32)> = after.iter().map(|unit| (unit.actor, unit.clock)).collect();
    let mut comes: BTreeMap<usize, String> = BTreeMap::new();
    let mut behind = 0usize;
    let mut anchored = true;
    let mut in_run = false;
    for unit in &before {
        if kept.contains(&(unit.actor, unit.clock)) {
            let at = place(unit);
            anchored = at.is_some();
            behind = at.map_or(behind, |at| at.saturating_add(1));
            in_run = false;
        } else {
            overlaps |= !in_run && !anchored;
            in_run = true;
            comes.entry(behind).or_default().push(unit.character);
        }
    }

    // From the end on, so that places stay what they are.
    let mut splices: Vec<Splice> = Vec::new();
    for at in (0..=now.len()).rev() {
        let delete = usize::from(gone.contains(&at));
        let insert = comes.remove(&at).unwrap_or_default();
        match splices.last_mut() {
            _ if delete == 0 && insert.is_empty() => {}
            Some(last) if insert.is_empty() && last.insert.is_empty() && last.at == at.saturating_add(1) => {
                last.at = at;
                last.delete = last.delete.saturating_add(1);
            }
            _ => splices.push(Splice { at, delete, insert: insert.into() }),
        }
    }
    Inverse { splices, overlaps }
}
