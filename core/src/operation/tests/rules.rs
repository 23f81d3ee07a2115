//! What makes an operation invalid, when it is made and when it is read.

use std::sync::Arc;

use super::arbitrary::text_update;
use crate::codec::Writer;
use crate::dag::Link;
use crate::id::{ActorId, Author, Digest, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use crate::operation::commitment::{digest, id_bits, payload_root};
use crate::operation::{
    Change, Decoded, Header, Kind, Leaf, Operation, OperationError, Origin, Salts, limits,
};
use crate::property::text::{Edit, TextDocument};
use crate::value::Value;

fn model() -> ModelId {
    ModelId(OpId::from_bits(77))
}

fn property(number: u128) -> PropertyId {
    PropertyId(OpId::from_bits(number))
}

fn origin(sequence: u64) -> Origin {
    Origin { actor: ActorId::new(5), sequence, author: Author([6; 16]), transaction: TransactionId(7) }
}

fn set(number: u128, value: Value) -> Leaf {
    Leaf { property: property(number), change: Change::Set(value) }
}

fn genesis() -> Operation {
    let leaves = vec![set(2, Value::Int(1)), set(1, Value::Null)];
    Operation::genesis(model(), Stamp::from_millis(10), [1; 16], origin(1), leaves, [2; 16]).unwrap()
}

fn edit(millis: u64, origin: Origin, parents: Vec<Link>) -> Result<Operation, OperationError> {
    let leaves = vec![set(1, Value::Bool(true))];
    Operation::edit(genesis().entity(), model(), Stamp::from_millis(millis), origin, parents, leaves, [3; 16])
}

#[track_caller]
fn check_not_made(result: Result<Operation, OperationError>, message: &str) {
    assert_eq!(result.unwrap_err().to_string(), message);
}

#[test]
fn leaves_and_parents_are_sorted() {
    let genesis = genesis();
    let properties: Vec<PropertyId> = genesis.leaves().iter().map(|leaf| leaf.property).collect();
    assert_eq!(properties, [property(1), property(2)]);
    let (a, b) =
        (edit(11, origin(2), vec![genesis.link()]).unwrap(), edit(12, origin(3), vec![genesis.link()]));
    let (a, b) = (a.link(), b.unwrap().link());
    let merge = edit(13, origin(4), vec![b, a, b]).unwrap();
    assert_eq!(merge.parents(), [a, b]);
}

#[test]
fn equal_keys_make_equal_operations() {
    let key = |text: &str| {
        let decimal = Value::Decimal(text.parse().unwrap());
        Operation::keyed_genesis(model(), vec![(property(1), decimal)]).unwrap()
    };
    assert_eq!(key("1.50"), key("1.5"));
    assert_eq!(key("1.50").encode(), key("1.5").encode());
    assert_ne!(key("1.5").id(), key("1.6").id());
    assert_eq!(key("1.5").link().sequence, 0);
    assert_eq!(key("1.5").key().map(<[_]>::len), Some(1));
    let other = Operation::keyed_genesis(ModelId(OpId::from_bits(78)), key("1.5").key().unwrap().to_vec());
    assert_ne!(other.unwrap().id(), key("1.5").id());
}

#[test]
fn operations_that_are_not_made() {
    let stamp = Stamp::from_millis(10);
    let make = |leaves| Operation::genesis(model(), stamp, [1; 16], origin(1), leaves, [2; 16]);
    let at = |stamp| Operation::genesis(model(), stamp, [1; 16], origin(1), vec![], [2; 16]);
    check_not_made(
        at(Stamp::from_bits(9)),
        "not a valid operation: a keyed genesis, and nothing else, has an id of millisecond zero",
    );
    check_not_made(
        make(vec![set(1, Value::Null), set(1, Value::Null)]),
        "property 00000000000000000000000001 is changed twice in one operation",
    );
    check_not_made(
        make((0..=limits::LEAVES as u128).map(|number| set(number, Value::Null)).collect()),
        "an operation changes at most 4096 properties, not 4097",
    );
    check_not_made(
        make(vec![set(1, Value::String("a\0b".into()))]),
        "property 00000000000000000000000001: a string cannot contain the character U+0000 (at byte 1)",
    );
    let long = |byte: u8| Value::Bytes(vec![byte; limits::VALUE_BYTES].into());
    check_not_made(
        make(vec![set(1, Value::String("x".repeat(limits::VALUE_BYTES + 1).into()))]),
        "property 00000000000000000000000001: the value has 4194305 bytes, the limit is 4194304",
    );
    check_not_made(
        make((0..4).map(|number| set(number, long(1))).collect()),
        "the operation has 16777439 bytes, the limit is 16777216",
    );
    check_not_made(
        make(vec![Leaf { property: property(1), change: Change::Erased(Digest([0; 32])) }]),
        "property 00000000000000000000000001: an operation is made whole",
    );
    for backend in [0, 1, 2, 3, 4] {
        let change = Change::Opaque { backend, bytes: Arc::from([]) };
        check_not_made(
            make(vec![Leaf { property: property(1), change }]),
            "property 00000000000000000000000001: an opaque change has the tag of a known backend",
        );
    }
    let text = |update| make(vec![Leaf { property: property(1), change: Change::Text(update) }]);
    assert!(text(text_update(5, "abc", 1)).is_ok());
    check_not_made(
        text(text_update(6, "abc", 1)),
        "property 00000000000000000000000001: the text update is not acceptable: it has content of another actor",
    );
    check_not_made(
        text(Arc::from([7])),
        "property 00000000000000000000000001: the text update is not acceptable: writers at byte 0: 7 is over the limit of 1",
    );
    check_not_made(edit(11, origin(2), vec![]), "not a valid operation: an edit has no parents");
    check_not_made(
        edit(10, origin(2), vec![edit(11, origin(2), vec![genesis().link()]).unwrap().link()]),
        "not a valid operation: the id does not exceed the id of a parent",
    );
    check_not_made(
        edit(11, origin(1), vec![genesis().link()]),
        "not a valid operation: the sequence number does not exceed that of the actor's own parent",
    );
    check_not_made(
        edit(11, Origin { actor: ActorId::new(0), ..origin(2) }, vec![genesis().link()]),
        "not a valid operation: the actor is zero",
    );
    let keyed = |key| Operation::keyed_genesis(model(), key);
    check_not_made(keyed(vec![]), "not a valid operation: a key has 1 to 16 properties");
    check_not_made(keyed(vec![(property(1), Value::Null)]), "not a valid operation: a key value is null");
    check_not_made(
        keyed(vec![(property(1), Value::Int(1)), (property(1), Value::Int(2))]),
        "not a valid operation: a property is twice in the key",
    );
    check_not_made(
        genesis().erase(property(3)),
        "property 00000000000000000000000003 is not changed by the operation",
    );
}

/// Bytes of an operation with this header and payload, whose digest and id fit whatever they say.
fn forge(mut header: Header, salts: Salts, leaves: Vec<Leaf>) -> Vec<u8> {
    let root = payload_root(&salts, &leaves).unwrap();
    let digest = digest(&header, None, &root);
    if matches!(header.kind, Kind::Edit) {
        header.id = OpId::new(header.id.stamp(), id_bits(&digest));
    }
    Operation { header, salts, leaves, digest }.encode()
}

#[track_caller]
fn check_refused(bytes: &[u8], message: &str) {
    match Operation::decode(bytes) {
        Err(error) => assert_eq!(error.to_string(), message),
        Ok(decoded) => panic!("accepted: {decoded:?}"),
    }
}

#[track_caller]
fn check_header(change: impl FnOnce(&mut Header), message: &str) {
    let a = edit(11, origin(2), vec![genesis().link()]).unwrap().link();
    let b = edit(12, origin(3), vec![genesis().link()]).unwrap().link();
    let mut header = edit(13, origin(4), vec![a, b]).unwrap().header().clone();
    assert!(Operation::decode(&forge(header.clone(), Salts::None, vec![])).is_ok());
    change(&mut header);
    check_refused(&forge(header, Salts::None, vec![]), message);
}

#[test]
fn headers_that_are_not_read() {
    check_header(|h| h.parents.reverse(), "parents at byte 135: links are not ascending");
    check_header(|h| h.parents.clear(), "header at byte 0: an edit has no parents");
    check_header(
        |h| h.id = OpId::new(Stamp::from_millis(11), 0),
        "header at byte 0: the id does not exceed the id of a parent",
    );
    check_header(
        |h| h.entity = EntityId(OpId::new(Stamp::from_millis(12), 0)),
        "header at byte 0: a parent is not of the entity",
    );
    check_header(
        |h| h.parents = vec![Link::keyed(OpId::from_bits(1), Digest([0; 32]))],
        "header at byte 0: a parent is not of the entity",
    );
    check_header(|h| h.origin = Some(origin(0)), "header at byte 0: the sequence number is zero");
    check_header(
        |h| h.origin = Some(Origin { actor: ActorId::new(0), ..origin(4) }),
        "header at byte 0: the actor is zero",
    );
    check_header(
        |h| h.origin = Some(origin(3)),
        "header at byte 0: the sequence number does not exceed that of the actor's own parent",
    );
    check_header(
        |h| {
            let mut twin = h.parents[1];
            twin.digest = Digest([0xff; 32]);
            h.parents.push(twin);
        },
        "header at byte 0: parents are not ascending",
    );
    check_header(
        |h| h.parents[0].sequence = 0,
        "link at byte 85: actor and sequence are both zero or both positive",
    );
    let mut header = genesis().header().clone();
    header.entity = EntityId(OpId::from_bits(1));
    let message = "header at byte 0: the entity of a genesis is not its id";
    check_refused(&forge(header, Salts::None, vec![]), message);
}

#[test]
fn too_many_parents_are_not_read() {
    let parents = |count: u64| {
        (0..count)
            .map(|number| Link {
                id: OpId::new(Stamp::from_millis(10), u64::MAX - count + number),
                digest: Digest([1; 32]),
                actor: ActorId::new(1 + number),
                sequence: 1,
            })
            .collect::<Vec<_>>()
    };
    let most = edit(11, origin(2), parents(1024)).unwrap();
    assert_eq!(Operation::decode(&most.encode()), Ok(Decoded::Known(most.clone())));
    check_not_made(
        edit(11, origin(2), parents(1025)),
        "not a valid operation: there are more than 1024 parents",
    );
    let header = Header { parents: parents(1025), ..most.header().clone() };
    let bytes = forge(header, Salts::None, vec![]);
    check_refused(&bytes, "parents at byte 84: 1025 is over the limit of 1024");
}

#[test]
fn payloads_that_are_not_read() {
    let header = || edit(13, origin(4), vec![genesis().link()]).unwrap().header().clone();
    let forge = |leaves: Vec<Leaf>| forge(header(), Salts::Seed([9; 16]), leaves);
    let (one, two) = (|| set(1, Value::Null), || set(2, Value::Null));
    assert!(Operation::decode(&forge(vec![one(), two()])).is_ok());
    check_refused(&forge(vec![two(), one()]), "property at byte 172: leaves are not ascending");
    check_refused(&forge(vec![one(), one()]), "property at byte 172: leaves are not ascending");
    let message = "payload at byte 152: a payload without leaves has a form of its own";
    check_refused(&forge(vec![]), message);

    let text = Leaf { property: property(1), change: Change::Text(text_update(6, "abc", 1)) };
    check_refused(&forge(vec![text]), "payload at byte 135: a text update is not acceptable");

    let keyed = Operation::keyed_genesis(model(), vec![(property(1), Value::Int(1))]).unwrap();
    let leaves = vec![one()];
    let root = payload_root(&Salts::Seed([9; 16]), &leaves).unwrap();
    let digest = digest(keyed.header(), None, &root);
    let header = keyed.header().clone();
    let bytes = Operation { header, salts: Salts::Seed([9; 16]), leaves, digest }.encode();
    check_refused(&bytes, "payload at byte 70: a keyed genesis has a payload");
}

#[test]
fn the_id_must_fit() {
    let genesis = genesis();
    let mut bytes = genesis.encode();
    bytes[16] ^= 1;
    bytes[32] ^= 1;
    check_refused(&bytes, "id at byte 1: the id does not fit the content");
    check_refused(&[], "version at byte 0: the bytes end here");
    check_refused(&[0; 40], "version at byte 0: unknown tag 0");
    check_refused(&[0x80; 40], "version at byte 0: unknown tag 128");
    let long = vec![1; limits::OPERATION_BYTES + 1];
    check_refused(&long, "operation at byte 0: 16777217 is over the limit of 16777216");
}

#[test]
fn what_a_newer_version_writes_is_kept() {
    let genesis = genesis();
    let bytes = genesis.encode();
    let last = bytes.len() - 1;
    // Version, kind, form of the payload, signature.
    for (place, value) in [(0, 2), (0, 127), (33, 9), (100, 7), (last, 1)] {
        let mut newer = bytes.clone();
        newer[place] = value;
        let version = newer[0];
        let expected = Decoded::Unknown {
            version,
            id: genesis.id(),
            entity: genesis.entity(),
            bytes: Arc::from(&newer[..]),
        };
        assert_eq!(Operation::decode(&newer), Ok(expected), "byte {place}");
    }
    check_refused(&[2; 32], "entity at byte 17: the bytes end here");
}

#[test]
fn unknown_backends_round_trip() {
    let opaque =
        Leaf { property: property(1), change: Change::Opaque { backend: 200, bytes: Arc::from([1, 2, 3]) } };
    let text = Leaf { property: property(2), change: Change::Text(text_update(5, "some text", 2)) };
    let leaves = vec![opaque, text];
    let operation = Operation::edit(
        genesis().entity(),
        model(),
        Stamp::from_millis(11),
        origin(2),
        vec![genesis().link()],
        leaves.clone(),
        [1; 16],
    )
    .unwrap();
    assert_eq!(Operation::decode(&operation.encode()), Ok(Decoded::Known(operation.clone())));
    assert_eq!(operation.leaves(), leaves);
    let erased = operation.erase(property(1)).unwrap();
    assert_eq!(Operation::decode(&erased.encode()), Ok(Decoded::Known(erased.clone())));
    assert_eq!(erased.change(property(2)), operation.change(property(2)));
}

#[test]
fn later_edits_stand_on_erased_content() {
    let property = property(2);
    let (ann, bob) = (ActorId::new(5), ActorId::new(6));
    let mut document = TextDocument::new(ann);
    let insert = |position, text: &str| Edit { position, delete: 0, insert: text.to_owned() };
    let first = document.edit(ann, &[insert(0, "the sécret 😀 word")]).unwrap();
    let second = document.edit(bob, &[insert(4, "open "), insert(0, "so ")]).unwrap();
    let whole = TextDocument::load(bob, None, [&first[..], &second]).unwrap().text();
    assert_eq!(&*whole, "so the open sécret 😀 word");

    let leaf = Leaf { property, change: Change::Text(Arc::from(first)) };
    let operation =
        Operation::genesis(model(), Stamp::from_millis(9), [1; 16], origin(1), vec![leaf], [4; 16]).unwrap();
    let erased = operation.erase_content(property).unwrap();
    assert_eq!(erased.link(), operation.link());
    assert!(operation.is_whole() && !erased.is_whole());
    assert_eq!(erased.erase_content(property).unwrap(), erased);
    assert_eq!(erased.erase(property).unwrap(), operation.erase(property).unwrap());
    let bytes = erased.encode();
    assert_eq!(Operation::decode(&bytes), Ok(Decoded::Known(erased.clone())));
    assert!(!bytes.windows(4).any(|part| part == b"word" || part == [4; 4]));

    let Some(Change::Text(left)) = erased.change(property) else { panic!("no text") };
    let text = TextDocument::load(bob, None, [&left[..], &second]).unwrap().text();
    assert_eq!(&*text, "so open ");

    assert_eq!(
        operation.erase_content(self::property(1)).unwrap_err().to_string(),
        "property 00000000000000000000000001 is not changed by the operation"
    );
    check_not_made(
        genesis().erase_content(self::property(1)),
        "property 00000000000000000000000001: the change is not one of text",
    );
}

/// Everything that the digest must cover changes it.
#[test]
fn the_digest_covers_everything() {
    let parent = edit(11, origin(2), vec![genesis().link()]).unwrap().link();
    let make = |entity: EntityId, model, millis, origin, parents, leaves, salt| {
        Operation::edit(entity, model, Stamp::from_millis(millis), origin, parents, leaves, salt)
            .unwrap()
            .digest()
    };
    let entity = genesis().entity();
    let other_entity = EntityId(OpId::from_bits(genesis().id().bits() - 1));
    let parents = vec![parent];
    let leaves = vec![set(1, Value::Int(1))];
    let base = origin(9);
    let mut digests = vec![
        make(entity, model(), 13, base, parents.clone(), leaves.clone(), [1; 16]),
        make(other_entity, model(), 13, base, parents.clone(), leaves.clone(), [1; 16]),
        make(entity, ModelId(OpId::from_bits(78)), 13, base, parents.clone(), leaves.clone(), [1; 16]),
        make(entity, model(), 14, base, parents.clone(), leaves.clone(), [1; 16]),
        make(entity, model(), 13, base, vec![genesis().link()], leaves.clone(), [1; 16]),
        make(entity, model(), 13, base, vec![genesis().link(), parent], leaves.clone(), [1; 16]),
        make(entity, model(), 13, base, parents.clone(), vec![], [1; 16]),
        make(entity, model(), 13, base, parents.clone(), vec![set(2, Value::Int(1))], [1; 16]),
        make(entity, model(), 13, base, parents.clone(), vec![set(1, Value::Int(2))], [1; 16]),
        make(entity, model(), 13, base, parents.clone(), leaves.clone(), [2; 16]),
    ];
    for origin in [
        Origin { actor: ActorId::new(8), ..base },
        Origin { sequence: 10, ..base },
        Origin { author: Author([7; 16]), ..base },
        Origin { transaction: TransactionId(8), ..base },
    ] {
        digests.push(make(entity, model(), 13, origin, parents.clone(), leaves.clone(), [1; 16]));
    }
    for change in [
        |link: &mut Link| link.id = OpId::from_bits(link.id.bits() - 1),
        |link: &mut Link| link.digest = Digest([0; 32]),
        |link: &mut Link| link.actor = ActorId::new(99),
        |link: &mut Link| link.sequence = 1,
    ] {
        let mut changed = parent;
        change(&mut changed);
        digests.push(make(entity, model(), 13, base, vec![changed], leaves.clone(), [1; 16]));
    }
    let nonce =
        |nonce| Operation::genesis(model(), Stamp::from_millis(9), nonce, base, vec![], [0; 16]).unwrap();
    digests.extend([nonce([1; 16]).digest(), nonce([2; 16]).digest()]);
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn a_writer_and_its_operation_are_small() {
    let genesis = genesis();
    assert_eq!(genesis.encode().len(), 158);
    let mut writer = Writer::new();
    genesis.link().encode(&mut writer);
    assert_eq!(writer.as_bytes().len(), Link::LEAST_BYTES);
}
