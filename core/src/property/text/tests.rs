use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::entity::TextVersion;
use crate::id::{ActorId, EntityId, OpId, PropertyId};

fn edit(position: usize, delete: usize, insert: &str) -> Edit {
    Edit { position, delete, insert: insert.to_owned() }
}

fn actor(number: u64) -> ActorId {
    ActorId::new(number)
}

/// A text, and the updates that made it.
fn written(actor: ActorId, edits: &[&[Edit]]) -> (TextDocument, Vec<Vec<u8>>) {
    let mut document = TextDocument::new(actor);
    let updates = edits.iter().map(|edits| document.edit(actor, edits).unwrap()).collect();
    (document, updates)
}

/// The oracle: the edits on a vector of characters.
fn edited(text: &str, edits: &[Edit]) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    for Edit { position, delete, insert } in edits {
        let end = position.checked_add(*delete).filter(|end| *end <= chars.len())?;
        chars.splice(*position..end, insert.chars());
    }
    Some(chars.into_iter().collect())
}

#[test]
fn edits_count_characters() {
    let (mut document, _) = written(
        actor(1),
        &[&[edit(0, 0, "a😀é")], &[edit(2, 1, "𝄞b"), edit(1, 1, "")], &[edit(3, 0, "!"), edit(0, 0, ">")]],
    );
    assert_eq!(&*document.text(), ">a𝄞b!");
}

#[test]
fn edits_beyond_the_text_are_errors_and_change_nothing() {
    let (mut document, _) = written(actor(1), &[&[edit(0, 0, "a😀")]]);
    let out = |position, delete, length| Err(TextError::OutOfRange { position, delete, length });
    assert_eq!(document.edit(actor(1), &[edit(3, 0, "x")]), out(3, 0, 2));
    assert_eq!(document.edit(actor(1), &[edit(1, 2, "x")]), out(1, 2, 2));
    assert_eq!(document.edit(actor(1), &[edit(0, 0, "ok"), edit(0, 5, "")]), out(0, 5, 4));
    assert_eq!(document.edit(actor(1), &[edit(0, usize::MAX, "")]), out(0, usize::MAX, 2));
    assert_eq!(document.edit(actor(1), &[edit(0, 0, "a\0b")]), Err(TextError::Nul));
    assert_eq!(document.edit(actor(1), &[edit(0, 0, &"x".repeat(MAX_INSERT + 1))]), Err(TextError::TooMuch));
    assert_eq!(document.edit(actor(1), &vec![edit(0, 0, ""); MAX_EDITS + 1]), Err(TextError::TooMuch));
    assert_eq!(&*document.text(), "a😀");
}

#[test]
fn a_text_has_a_greatest_length() {
    let mut document = TextDocument::new(actor(1));
    let part = "x".repeat(MAX_INSERT);
    for _ in 0..MAX_TEXT / MAX_INSERT {
        document.edit(actor(1), &[edit(0, 0, &part)]).unwrap();
    }
    assert_eq!(document.edit(actor(1), &[edit(0, 0, "y")]), Err(TextError::TooLong));
    document.edit(actor(1), &[edit(0, 1, "y")]).unwrap();
    assert_eq!(document.text().len(), MAX_TEXT);
}

#[test]
fn the_largest_edits_fit_an_operation() {
    let mut document = TextDocument::new(actor(1));
    document.edit(actor(1), &[edit(0, 0, &"x".repeat(MAX_EDITS * 4))]).unwrap();
    // Each edit deletes within what was there and what the edit before inserted.
    let edits: Vec<Edit> = (0..MAX_EDITS).map(|at| edit(at * 2, 2, "abc")).collect();
    let update = document.edit(actor(2), &edits).unwrap();
    assert!(prescan(&update, Limits::OPERATION).unwrap().is_only_by(actor(2)));
}

#[test]
fn an_edit_of_nothing_is_empty() {
    let mut document = TextDocument::new(actor(1));
    let update = document.edit(actor(1), &[edit(0, 0, "")]).unwrap();
    assert!(prescan(&update, Limits::OPERATION).unwrap().is_empty());
}

#[test]
fn another_actor_edits_a_copy() {
    let (mut document, first) = written(actor(1), &[&[edit(0, 0, "hello")]]);
    let second = document.edit(actor(2), &[edit(5, 0, " world"), edit(0, 1, "J")]).unwrap();
    assert!(prescan(&second, Limits::OPERATION).unwrap().is_only_by(actor(2)));
    assert_eq!(&*document.text(), "Jello world");
    let updates = [&first[0][..], &second[..]];
    assert_eq!(&*TextDocument::load(actor(3), None, updates).unwrap().text(), "Jello world");
}

#[test]
fn an_update_waits_for_what_it_stands_on() {
    let (mut whole, updates) =
        written(actor(1), &[&[edit(0, 0, "ab")], &[edit(1, 0, "x")], &[edit(0, 1, "")]]);
    let mut document = TextDocument::default();
    assert_eq!(document.apply(&updates[2]), Ok(Applied::Waits));
    assert_eq!(document.apply(&updates[1]), Ok(Applied::Waits));
    assert_eq!(document.snapshot(), Err(TextError::Waiting { count: 2 }));
    assert_eq!(document.edit(actor(2), &[]), Err(TextError::Waiting { count: 2 }));
    assert_eq!(&*document.text(), "");
    assert_eq!(document.apply(&updates[0]), Ok(Applied::Now));
    assert_eq!(document.waiting(), 0);
    assert_eq!(document.apply(&updates[1]), Ok(Applied::Known));
    assert_eq!(document.text(), whole.text());
    assert_eq!(&*document.text(), "xb");
}

/// yrs 0.24 allocated 96 GB for these 15 bytes: four billion blocks of one client are announced.
#[test]
fn fifteen_byte_allocation_bomb() {
    let bomb = [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0, 4, 1, 1, b't', 1, b'x', 0];
    assert_eq!(bomb.len(), 15);
    assert!(prescan(&bomb, Limits::OPERATION).is_err());
    assert!(prescan(&bomb, Limits::DOCUMENT).is_err());
    assert!(TextDocument::default().apply(&bomb).is_err());
}

#[test]
fn refuses_all_but_plain_text() {
    // One client (1), one block at clock 0, no deleted ranges.
    let with_block = |block: &[u8]| [&[1, 1, 1, 0][..], block, &[0]].concat();
    let good = with_block(&[4, 1, 1, b't', 1, b'x']);
    assert!(prescan(&good, Limits::OPERATION).unwrap().is_only_by(actor(1)));
    for (what, bytes) in [
        ("nothing", vec![]),
        ("left over", [&good[..], &[0]].concat()),
        ("another root", with_block(&[4, 1, 1, b'u', 1, b'x'])),
        ("a nested parent", with_block(&[4, 0, 1, 0, 1, b'x'])),
        ("a map entry", with_block(&[4 | 0x20, 1, 1, b't', 1, b'k', 1, b'x'])),
        ("an empty string", with_block(&[4, 1, 1, b't', 0])),
        ("no deleted content", with_block(&[1, 1, 1, b't', 0])),
        ("invalid UTF-8", with_block(&[4, 1, 1, b't', 1, 0xff])),
        ("U+0000", with_block(&[4, 1, 1, b't', 1, 0])),
        ("garbage collected", with_block(&[0, 1])),
        ("a gap", with_block(&[10, 1])),
        ("json", with_block(&[2, 1, 1, b't', 1, 1, b'1'])),
        ("binary", with_block(&[3, 1, 1, b't', 1, 1])),
        ("an embed", with_block(&[5, 1, 1, b't', 1, b'1'])),
        ("a format", with_block(&[6, 1, 1, b't', 1, b'b', 1, b'1'])),
        ("a type", with_block(&[7, 1, 1, b't', 2])),
        ("any", with_block(&[8, 1, 1, b't', 1, 117, 1, 117])),
        ("a document", with_block(&[9, 1, 1, b't', 1, b'g', 118, 0])),
        ("an origin in itself", with_block(&[4 | 0x80, 1, 0, 1, b'x'])),
        ("a client of 54 bits", {
            let mut bytes = vec![1, 1];
            bytes.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
            bytes.extend_from_slice(&[0, 4, 1, 1, b't', 1, b'x', 0]);
            bytes
        }),
        ("a clock that overflows", {
            let mut bytes = vec![1, 1, 1];
            bytes.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x07]);
            bytes.extend_from_slice(&[4, 1, 1, b't', 1, b'x', 0]);
            bytes
        }),
        ("two writers in an operation", {
            let block = [4, 1, 1, b't', 1, b'x'];
            [&[2, 1, 2, 0][..], &block, &[1, 1, 0], &block, &[0]].concat()
        }),
        ("an empty deleted range", vec![0, 1, 1, 1, 0, 0]),
        ("deleted ranges out of order", vec![0, 1, 1, 2, 5, 1, 0, 1]),
        ("deleted ranges of one actor twice", vec![0, 2, 1, 1, 0, 1, 1, 1, 2, 1]),
        ("a minimal integer spelled longer", vec![0x80, 0, 0]),
    ] {
        assert!(prescan(&bytes, Limits::OPERATION).is_err(), "{what} was accepted");
    }
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    // An `Any` block of arrays in arrays, 16 KB.
    let nested = [117u8, 1].repeat(8192);
    let bytes = [&[1, 1, 1, 0, 8, 1, 1, b't', 1][..], &nested, &[0]].concat();
    assert!(prescan(&bytes, Limits::DOCUMENT).is_err());
}

#[test]
fn structure_and_content() {
    let (_, updates) = written(actor(1), &[&[edit(0, 0, "a😀")], &[edit(2, 0, "b"), edit(0, 1, "")]]);
    let (structure, content) = split(&updates[0], Limits::OPERATION).unwrap();
    assert_eq!(structure, [1, 1, 1, 0, 4, 1, 1, b't', 3, 0]);
    assert_eq!(content, "a😀".as_bytes());
    assert_eq!(join(&structure, &content, Limits::OPERATION).as_ref(), Ok(&updates[0]));
    assert!(join(&structure, "a😀b".as_bytes(), Limits::OPERATION).is_err());
    assert!(join(&structure, b"a", Limits::OPERATION).is_err());
    assert!(join(&structure, b"ab\0", Limits::OPERATION).is_err());
    assert!(join(&structure, "ab😀".as_bytes(), Limits::OPERATION).is_err());

    // With the first update erased, the second still has its place.
    let erased = erased(&structure, Limits::OPERATION).unwrap();
    let mut document = TextDocument::load(actor(2), None, [&erased[..], &updates[1][..]]).unwrap();
    assert_eq!(&*document.text(), "b");
}

#[test]
fn folding() {
    for (operations, tail, snapshot, expected) in [
        (0, 0, 0, false),
        (15, 100_000, 0, false),
        (16, 4095, 0, false),
        (16, 4096, 0, true),
        (16, 4096, 4097, false),
        (100, 50_000, 40_000, true),
        (511, 500, 1_000_000, false),
        (512, 500, 1_000_000, true),
    ] {
        assert_eq!(should_fold(operations, tail, snapshot), expected, "{operations} {tail} {snapshot}");
    }
}

#[test]
fn the_cache_gives_up_the_least_recently_used() {
    let entity = |number| EntityId(OpId::from_bits(number));
    let key = |number, tail| TextKey {
        entity: entity(number),
        property: PropertyId(OpId::from_bits(9)),
        version: TextVersion { folded: 0, tail },
    };
    let document = || written(actor(1), &[&[edit(0, 0, "text")]]).0;
    let one = document().weight();
    let mut cache = TextCache::new(one * 5 / 2);
    cache.put(key(1, 1), document());
    cache.put(key(2, 1), document());
    assert_eq!(cache.text(&key(1, 1)).as_deref(), Some("text"));
    cache.put(key(3, 1), document());
    assert_eq!(cache.len(), 2);
    assert!(cache.weight() <= one * 5 / 2);
    assert_eq!(cache.text(&key(2, 1)), None);
    assert_eq!(cache.text(&key(1, 2)), None);
    assert_eq!(cache.text(&key(1, 1)).as_deref(), Some("text"));

    let mut taken = cache.take(&key(1, 1)).unwrap();
    taken.edit(actor(1), &[edit(4, 0, "s")]).unwrap();
    cache.put(key(1, 2), taken);
    assert_eq!(cache.text(&key(1, 2)).as_deref(), Some("texts"));
    cache.forget(entity(1));
    assert_eq!((cache.len(), cache.text(&key(1, 2))), (1, None));

    let mut small = TextCache::new(10);
    small.put(key(1, 1), document());
    assert!(small.is_empty() && small.weight() == 0);
}

/// What an actor does: edits somewhere, or reads all that another has.
#[derive(Clone, Debug)]
enum Step {
    Edit(Vec<(Index, Index, String)>),
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let edits = vec((any::<Index>(), any::<Index>(), "[a-c😀𝄞é]{0,3}"), 1..4);
    prop_oneof![3 => edits.prop_map(Step::Edit), 1 => (0usize..3).prop_map(Step::Read)]
}

/// Runs three actors; gives their updates in the order of writing, and checks every edit against the oracle.
fn run(steps: &[(usize, Step)]) -> Vec<Vec<u8>> {
    let mut documents: Vec<TextDocument> =
        (0..3).map(|number| TextDocument::new(actor(number + 1))).collect();
    let mut seen: Vec<Vec<usize>> = vec![Vec::new(); 3];
    let mut updates: Vec<Vec<u8>> = Vec::new();
    for (who, step) in steps {
        match step {
            Step::Edit(places) => {
                let mut text = documents[*who].text().to_string();
                let mut edits = Vec::new();
                for (at, end, insert) in places {
                    let length = text.chars().count();
                    let at = at.index(length + 1);
                    let edit = edit(at, end.index(length - at + 1).min(4), insert);
                    text = edited(&text, std::slice::from_ref(&edit)).unwrap();
                    edits.push(edit);
                }
                let own = actor(u64::try_from(*who).unwrap() + 1);
                let update = documents[*who].edit(own, &edits).unwrap();
                assert_eq!(&*documents[*who].text(), text);
                let scan = prescan(&update, Limits::OPERATION).unwrap();
                assert!(scan.is_only_by(own));
                if !scan.is_empty() {
                    seen[*who].push(updates.len());
                    updates.push(update);
                }
            }
            Step::Read(whom) => {
                for update in seen[*whom].clone() {
                    if !seen[*who].contains(&update) {
                        assert_ne!(documents[*who].apply(&updates[update]), Ok(Applied::Waits));
                        seen[*who].push(update);
                    }
                }
            }
        }
    }
    updates
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    vec((0usize..3, step()), 1..16)
}

fn text_of(updates: &[Vec<u8>]) -> String {
    let tail = updates.iter().map(Vec::as_slice);
    TextDocument::load(actor(9), None, tail).unwrap().text().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_order_gives_the_same_text(steps in steps(), seed in any::<u64>()) {
        let updates = run(&steps);
        let expected = text_of(&updates);
        let mut shuffled = updates.clone();
        let mut state = seed;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        prop_assert_eq!(&text_of(&shuffled), &expected);
        shuffled.extend_from_slice(&updates);
        prop_assert_eq!(&text_of(&shuffled), &expected, "with every update twice");
    }

    #[test]
    fn snapshots_stand_for_their_updates(steps in steps(), at in any::<Index>()) {
        let updates = run(&steps);
        let expected = text_of(&updates);
        let (folded, tail) = updates.split_at(at.index(updates.len() + 1));
        let head = TextDocument::load(actor(7), None, folded.iter().map(Vec::as_slice)).unwrap();
        let snapshot = head.snapshot().unwrap();
        let mut loaded = TextDocument::load(actor(8), Some(&snapshot), tail.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(&*loaded.text(), &expected[..]);
        prop_assert_eq!(loaded.waiting(), 0);
        // A snapshot joined to a document that has a part of it, and more.
        let mut other = TextDocument::load(actor(8), None, tail.iter().map(Vec::as_slice)).unwrap();
        other.merge(&snapshot).unwrap();
        prop_assert_eq!(&*other.text(), &expected[..]);
    }

    #[test]
    fn what_is_split_joins(steps in steps()) {
        for update in run(&steps) {
            let (structure, content) = split(&update, Limits::OPERATION).unwrap();
            prop_assert_eq!(join(&structure, &content, Limits::OPERATION), Ok(update));
        }
    }

    #[test]
    fn erased_content_leaves_its_place(steps in steps(), gone in any::<Index>()) {
        let mut updates = run(&steps);
        if updates.is_empty() {
            return Ok(());
        }
        let gone = gone.index(updates.len());
        let (structure, _) = split(&updates[gone], Limits::OPERATION).unwrap();
        updates[gone] = erased(&structure, Limits::OPERATION).unwrap();
        let tail = updates.iter().map(Vec::as_slice);
        let document = TextDocument::load(actor(9), None, tail).unwrap();
        prop_assert_eq!(document.waiting(), 0);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..60)) {
        let _ = prescan(&bytes, Limits::OPERATION);
        let _ = join(&bytes, b"abc", Limits::OPERATION);
        let _ = erased(&bytes, Limits::OPERATION);
        let _ = TextDocument::default().apply(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Damaged updates that pass the scan are applied without a panic, in any company.
    #[test]
    fn damaged_updates_never_panic(
        steps in steps(),
        damage in vec((any::<Index>(), any::<Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let mut updates = run(&steps);
        if updates.is_empty() {
            return Ok(());
        }
        for (which, at, byte, how) in damage {
            let mut damaged = updates[which.index(updates.len())].clone();
            let at = at.index(damaged.len());
            match how {
                0 => damaged[at] = byte,
                1 => damaged[at] = damaged[at].wrapping_add((byte % 5).wrapping_sub(2)),
                _ => damaged.insert(at, byte),
            }
            let at = which.index(updates.len() + 1);
            updates.insert(at, damaged);
        }
        let mut document = TextDocument::default();
        for update in &updates {
            let _ = document.apply(update);
        }
        // Forged origins may contradict one another, so the text may depend on the order; a snapshot is still
        // one that can be read.
        if let Ok(snapshot) = document.snapshot() {
            prop_assert!(TextDocument::default().merge(&snapshot).is_ok());
        }
    }
}
