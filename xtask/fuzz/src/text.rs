//! Collaborative text: what passes the scan is safe for yrs, and every order of the same updates gives the same
//! text.

use ankurah_core::id::ActorId;
use ankurah_core::property::text::{
    Applied, Edit, Limits, MAX_CLOCK, TextDocument, erased, join, prescan, split,
};
use arbitrary::{Result, Unstructured};

use crate::input;

/// The first byte says what the others are.
pub fn body(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 4 {
        0 => any_update(rest),
        1 => any_parts(rest),
        2 => {
            let _ = session(&mut Unstructured::new(rest), false);
        }
        _ => {
            let _ = session(&mut Unstructured::new(rest), true);
        }
    }
}

/// Any bytes as an update, and as a whole document.
fn any_update(data: &[u8]) {
    for limits in [Limits::OPERATION, Limits::DOCUMENT] {
        let Ok(scan) = prescan(data, limits) else { continue };
        assert!(scan.inserts().all(|span| span.start < span.end && span.end < MAX_CLOCK));
        assert!(scan.deletes().all(|span| span.start < span.end && span.end < MAX_CLOCK));
        takes_apart(data, limits);
        let mut document = TextDocument::default();
        let applied = match limits == Limits::OPERATION {
            true => document.apply(data),
            false => document.merge(data),
        };
        // Content that begins after a gap, or stands on what is not there, waits.
        match applied.expect("what passes the scan is not refused") {
            Applied::Waits => assert_eq!(document.waiting(), 1),
            Applied::Now | Applied::Known => comes_back(&mut document),
        }
    }
}

/// An update is a structure and a content, and has one form.
fn takes_apart(update: &[u8], limits: Limits) {
    let (structure, content) = split(update, limits).expect("it passed the scan");
    assert_eq!(join(&structure, &content, limits).as_deref(), Ok(update), "the parts are the whole");
    let hollow = erased(&structure, limits).expect("the structure is one");
    let (scan, rest) = (prescan(update, limits), prescan(&hollow, limits));
    let (scan, rest) = (scan.expect("it passed"), rest.expect("what is left of an update is one"));
    assert!(scan.inserts().eq(rest.inserts()), "erasing keeps the units");
    assert_eq!(rest.strings().count(), 0, "erasing leaves no text");
}

/// A structure and a content of any bytes.
fn any_parts(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(structure) = input::bytes(&mut input) else { return };
    let content = input.take_rest();
    if let Ok(update) = join(&structure, content, Limits::OPERATION) {
        assert_eq!(split(&update, Limits::OPERATION), Ok((structure, content.to_vec())));
        any_update(&update);
    }
}

/// A whole document as an update is the same document.
fn comes_back(document: &mut TextDocument) {
    let snapshot = document.snapshot().expect("nothing waits");
    let mut copy = TextDocument::default();
    copy.merge(&snapshot).expect("a snapshot passes the scan");
    assert_eq!(copy.text(), document.text(), "a snapshot has the text");
    assert_eq!(copy.known(), document.known(), "a snapshot has the units");
}

/// Three writers edit and hear of one another late. With `hostile`, some updates are changed on their way, as
/// a fourth writer's may be anything.
fn session(input: &mut Unstructured<'_>, hostile: bool) -> Result<()> {
    let mut writers: Vec<(ActorId, TextDocument)> =
        (1..=3).map(ActorId::new).map(|actor| (actor, TextDocument::new(actor))).collect();
    let mut updates: Vec<Vec<u8>> = Vec::new();
    while !input.is_empty() && updates.len() < 24 {
        let who = input.choose_index(writers.len())?;
        let action: u8 = input.arbitrary()?;
        let known = updates.len();
        let Some((actor, document)) = writers.get_mut(who) else { break };
        if action < 96 && known > 0 {
            let update = input.choose(&updates)?;
            document.apply(update).expect("an update of ours is applied");
            continue;
        }
        let Some(mut update) = edited(document, *actor, input)? else { continue };
        takes_apart(&update, Limits::OPERATION);
        if action > 240 {
            let (structure, _) = split(&update, Limits::OPERATION).expect("an update of ours");
            update = erased(&structure, Limits::OPERATION).expect("an update of ours");
        }
        updates.push(update);
    }
    if hostile && !updates.is_empty() {
        let stranger = strange(&updates, input)?;
        updates.extend(stranger);
    }
    let orders = orders(updates.len(), input)?;
    let mut found: Option<TextDocument> = None;
    for order in orders {
        let mut document = TextDocument::default();
        for update in order.into_iter().filter_map(|at| updates.get(at)) {
            document.apply(update).expect("it passes the scan");
        }
        match &mut found {
            None => {
                if document.waiting() == 0 {
                    comes_back(&mut document);
                }
                found = Some(document);
            }
            Some(first) => {
                assert_eq!(first.text(), document.text(), "every order gives the same text");
                assert_eq!(first.known(), document.known(), "every order gives the same units");
                assert_eq!(first.waiting(), document.waiting(), "every order leaves as much waiting");
            }
        }
    }
    Ok(())
}

/// An edit of the document: the update, where there is one. An edit that is out of range changes nothing.
fn edited(
    document: &mut TextDocument,
    actor: ActorId,
    input: &mut Unstructured<'_>,
) -> Result<Option<Vec<u8>>> {
    let mut edits = Vec::new();
    for _ in 0..input.int_in_range(1..=3)? {
        let (position, delete) =
            (usize::from(input.arbitrary::<u8>()?), usize::from(input.arbitrary::<u8>()? % 8));
        let length = usize::from(input.arbitrary::<u8>()? % 16).min(input.len());
        let insert = String::from_utf8_lossy(input.bytes(length)?).into_owned();
        edits.push(Edit { position: position % 24, delete, insert });
    }
    let (before, waiting) = (document.text(), document.waiting());
    match document.edit(actor, &edits) {
        Ok(update) => {
            let scan = prescan(&update, Limits::OPERATION).expect("our own updates pass");
            assert!(scan.is_only_by(actor), "our own updates are our own");
            let mut expected = before.to_string();
            for edit in &edits {
                let place =
                    |count: usize| expected.char_indices().nth(count).map_or(expected.len(), |(at, _)| at);
                let range = place(edit.position)..place(edit.position + edit.delete);
                expected.replace_range(range, &edit.insert);
            }
            assert_eq!(*document.text(), *expected, "the text is the edited one");
            Ok((!scan.is_empty()).then_some(update))
        }
        Err(_) => {
            assert_eq!(
                (document.text(), document.waiting()),
                (before, waiting),
                "a refused edit changes nothing"
            );
            Ok(None)
        }
    }
}

/// A changed update of a fourth writer, who has heard of everything.
fn strange(updates: &[Vec<u8>], input: &mut Unstructured<'_>) -> Result<Option<Vec<u8>>> {
    let fourth = ActorId::new(4);
    let mut document = TextDocument::new(fourth);
    for update in updates {
        document.apply(update).expect("an update of ours is applied");
    }
    let Some(mut update) = edited(&mut document, fourth, input)? else { return Ok(None) };
    for _ in 0..input.int_in_range(1..=4)? {
        let at = input.choose_index(update.len())?;
        if let Some(byte) = update.get_mut(at) {
            *byte = input.arbitrary()?;
        }
    }
    Ok(prescan(&update, Limits::OPERATION).is_ok_and(|scan| scan.is_only_by(fourth)).then_some(update))
}

/// The order of the updates, its reverse, and two that the bytes choose.
fn orders(count: usize, input: &mut Unstructured<'_>) -> Result<Vec<Vec<usize>>> {
    let straight: Vec<usize> = (0..count).collect();
    let mut orders = vec![straight.clone(), straight.iter().rev().copied().collect()];
    for _ in 0..2 {
        let mut order = straight.clone();
        for at in (1..count).rev() {
            order.swap(at, input.choose_index(at + 1)?);
        }
        orders.push(order);
    }
    Ok(orders)
}
