//! Operations and states: what is read is written as it was, and nothing unchecked is taken for checked.

use std::sync::Arc;

use ankurah_core::codec::{Reader, Writer};
use ankurah_core::dag::{Head, Link};
use ankurah_core::entity::{Columns, State, StateReader};
use ankurah_core::id::{ActorId, Digest, OpId, PropertyId, Stamp};
use ankurah_core::operation::{Change, Decoded, Leaf, Operation, Origin};
use ankurah_core::property::text::{Edit, TextDocument};
use ankurah_core::value::Rows;
use arbitrary::{Result, Unstructured};

use crate::input;

/// The first byte says what the others are.
pub fn body(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 4 {
        0 => any_operation(rest),
        1 => any_state(rest),
        2 => head(rest),
        _ => {
            let _ = made(&mut Unstructured::new(rest));
        }
    }
}

/// Any bytes as an operation.
fn any_operation(data: &[u8]) {
    match Operation::decode(data) {
        Ok(Decoded::Known(operation)) => {
            assert_eq!(operation.encode(), data, "an operation has one encoding");
            whole(&operation);
        }
        Ok(Decoded::Unknown { bytes, .. }) => assert_eq!(&*bytes, data, "what is unknown is kept as it came"),
        Err(error) => assert!(error.offset <= data.len(), "{error}"),
    }
}

/// What holds for every operation.
fn whole(operation: &Operation) {
    let bytes = operation.encode();
    assert_eq!(
        Operation::decode(&bytes),
        Ok(Decoded::Known(operation.clone())),
        "what is written reads back"
    );
    for leaf in operation.leaves() {
        let erased = operation.erase(leaf.property).expect("it has the property");
        assert_eq!(Operation::decode(&erased.encode()), Ok(Decoded::Known(erased.clone())));
        assert_eq!(erased.digest(), operation.digest(), "erasing keeps the digest");
        if matches!(leaf.change, Change::Text(_)) {
            let hollow = operation.erase_content(leaf.property).expect("it is a text");
            assert_eq!(Operation::decode(&hollow.encode()), Ok(Decoded::Known(hollow.clone())));
            assert_eq!(hollow.digest(), operation.digest(), "erasing keeps the digest");
        }
    }
    if let Ok(state) = State::begin(operation) {
        state_reads_back(&state);
    }
}

/// Any bytes as a state.
fn any_state(data: &[u8]) {
    let columns = Columns::new(&[PropertyId(OpId::from_bits(1 << 64)), PropertyId(OpId::from_bits(2 << 64))]);
    if let Ok(reader) = StateReader::new(data) {
        let _ = reader
            .columns(&columns, &mut Rows::new(columns.len()), |place, _| assert!(place < columns.len()));
    }
    if let Ok(state) = State::decode(data) {
        assert_eq!(state.encode(), data, "a state has one encoding");
        state_reads_back(&state);
    }
}

/// What holds for every state.
fn state_reads_back(state: &State) {
    let bytes = state.encode();
    assert_eq!(State::decode(&bytes).as_ref(), Ok(state), "what is written reads back");
    let properties: Vec<PropertyId> = state.registers.keys().chain(state.texts.keys()).copied().collect();
    let columns = Columns::new(&properties);
    let (mut rows, mut texts) = (Rows::new(properties.len()), Vec::new());
    let reader = StateReader::new(&bytes).expect("it was read just now");
    reader.columns(&columns, &mut rows, |place, version| texts.push((place, version))).expect("it was read");
    let row = rows.first().expect("a row was added");
    for (place, property) in properties.iter().enumerate() {
        if let Some(set) = state.get(*property) {
            assert_eq!(row.get(place).to_value(), *set, "a scan sees what the state has");
        }
        let of_text =
            texts.iter().any(|(at, version)| *at == place && Some(*version) == state.text(*property));
        assert_eq!(of_text, state.text(*property).is_some(), "a scan sees the texts that the state has");
    }
}

/// Any bytes as a head.
fn head(data: &[u8]) {
    let mut reader = Reader::new(data);
    if let Ok(head) = Head::decode(&mut reader) {
        let mut writer = Writer::new();
        head.encode(&mut writer);
        assert_eq!(Some(writer.as_bytes()), data.get(..reader.offset()), "a head has one encoding");
    }
}

fn change(actor: ActorId, input: &mut Unstructured<'_>) -> Result<Change> {
    Ok(match input.arbitrary::<u8>()? {
        0..=159 => Change::Set(input::value(input)?),
        160..=219 => {
            let insert = input::text(input)?;
            let mut document = TextDocument::new(actor);
            let edit = Edit { position: 0, delete: 0, insert };
            match document.edit(actor, &[edit]) {
                Ok(update) => Change::Text(Arc::from(update)),
                Err(_) => Change::Text(Arc::from(input::bytes(input)?)),
            }
        }
        220..=239 => Change::Text(Arc::from(input::bytes(input)?)),
        _ => Change::Opaque { backend: input.arbitrary()?, bytes: Arc::from(input::bytes(input)?) },
    })
}

fn leaves(origin: Origin, input: &mut Unstructured<'_>) -> Result<Vec<Leaf>> {
    let count = input.int_in_range(0..=6)?;
    let mut leaves = Vec::with_capacity(count);
    for _ in 0..count {
        leaves.push(Leaf { property: input::property(input)?, change: change(origin.actor, input)? });
    }
    Ok(leaves)
}

/// Operations of one entity, made of the bytes: those that can be made read back, follow one another to a
/// state, and are not taken for themselves once a byte was changed.
fn made(input: &mut Unstructured<'_>) -> Result<()> {
    let model = input::model(input)?;
    let stamp = Stamp::from_bits(u64::from(input.arbitrary::<u32>()?) << 12);
    let genesis = if input.arbitrary()? {
        let mut key = Vec::new();
        for _ in 0..input.int_in_range(0..=3)? {
            key.push((input::property(input)?, input::value(input)?));
        }
        Operation::keyed_genesis(model, key)
    } else {
        let origin = input::origin(input)?;
        Operation::genesis(model, stamp, [input.arbitrary()?; 16], origin, leaves(origin, input)?, [7; 16])
    };
    let Ok(genesis) = genesis else { return Ok(()) };
    whole(&genesis);
    let mut state = State::begin(&genesis).expect("a genesis begins a state");
    let mut known = vec![genesis.link()];
    while !input.is_empty() && known.len() < 8 {
        let parents = parents(&known, input)?;
        let origin = input::origin(input)?;
        let stamp = Stamp::from_bits(u64::from(input.arbitrary::<u32>()?) << 14);
        let leaves = leaves(origin, input)?;
        let Ok(edit) = Operation::edit(genesis.entity(), model, stamp, origin, parents, leaves, [9; 16])
        else {
            continue;
        };
        whole(&edit);
        changed(&edit, input)?;
        let before = state.clone();
        match state.apply(&edit) {
            Ok(()) => known.push(edit.link()),
            Err(_) => assert_eq!(state, before, "an operation that cannot be applied changes nothing"),
        }
        state_reads_back(&state);
    }
    Ok(())
}

fn parents(known: &[Link], input: &mut Unstructured<'_>) -> Result<Vec<Link>> {
    let mut parents = Vec::new();
    for _ in 0..input.int_in_range(0..=3)? {
        parents.push(if input.ratio(1, 16)? {
            let actor = ActorId::new(u64::from(input.arbitrary::<u8>()?));
            let sequence = u64::from(input.arbitrary::<u8>()?);
            Link { id: input::id(input)?, digest: Digest([input.arbitrary()?; 32]), actor, sequence }
        } else {
            *input.choose(known)?
        });
    }
    Ok(parents)
}

/// A changed byte is found out: the operation is refused, unknown, or another one by name or digest.
fn changed(operation: &Operation, input: &mut Unstructured<'_>) -> Result<()> {
    let mut bytes = operation.encode();
    let at = input.choose_index(bytes.len())?;
    let flip = input.int_in_range(1..=255u8)?;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= flip;
    }
    if let Ok(Decoded::Known(other)) = Operation::decode(&bytes) {
        assert_ne!(
            (other.id(), other.digest()),
            (operation.id(), operation.digest()),
            "a changed byte went by"
        );
    }
    Ok(())
}
