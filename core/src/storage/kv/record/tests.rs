use super::*;
use crate::id::{Digest, ModelId, Stamp, TransactionId};
use crate::storage::{LogChange, LogEntry};
use proptest::prelude::*;

fn id() -> impl Strategy<Value = OpId> {
    any::<(u64, u64)>().prop_map(|(stamp, bits)| OpId::new(Stamp::from_bits(stamp), bits))
}

fn entry() -> impl Strategy<Value = LogEntry> {
    let change =
        (id(), id(), proptest::collection::vec(id(), 0..4)).prop_map(|(model, entity, operations)| {
            LogChange { model: ModelId(model), entity: EntityId(entity), operations }
        });
    let changes = proptest::collection::vec(change, 0..4);
    let relayed = proptest::collection::vec((id().prop_map(EntityId), id()), 0..3);
    (any::<u64>(), any::<Option<u128>>(), changes, relayed).prop_map(
        |(position, transaction, changes, relayed)| LogEntry {
            position: Position(position),
            transaction: transaction.map(TransactionId),
            changes,
            relayed,
        },
    )
}

proptest! {
    #[test]
    fn records_come_back(
        entry in entry(), bytes in any::<Vec<u8>>(), reason in ".{0,20}", a in any::<(u64, u64, bool)>(),
        one in id(), other in id(),
    ) {
        let tail = LogTail { version: a.0, clock: Stamp::from_bits(a.1), counts: vec![(ModelId(one), a.0, a.1)] };
        let encoded = encode_log(&entry, &tail);
        prop_assert_eq!(&decode_log(entry.position, &encoded).unwrap(), &entry);
        prop_assert_eq!(decode_log_tail(entry.position, &encoded).unwrap(), (entry, tail));
        let aside = Aside {
            id: one, entity: EntityId(other), bytes: bytes.clone().into(), reason, missing: vec![one, other],
        };
        prop_assert_eq!(decode_aside(one, &encode_aside(&aside)).unwrap(), aside);
        let clock = Stamp::from_bits(a.1);
        let head = LogHead { version: a.0, position: Position(a.1), catalog: Position(a.0), clock, clean: a.2 };
        prop_assert_eq!(LogHead::decode(&head.encode()).unwrap(), head);
        for naming in [Naming::Unused, Naming::Various, Naming::Key([PropertyId(one), PropertyId(other)].into())] {
            let count = Count { live: a.0, deleted: a.1, naming };
            prop_assert_eq!(Count::decode(ModelId(one), &count.encode()).unwrap(), count);
        }
        let actor = ActorRecord { actor: ActorId::new(a.0), sequence: a.1, retired: a.2 };
        prop_assert_eq!(decode_actor(&layout::actor(actor.actor), &encode_actor(&actor)).unwrap(), actor);
        prop_assert_eq!(decode_record("r", &encode_record(&bytes)).unwrap(), bytes.as_slice());
        prop_assert_eq!(&*decode_text(EntityId(one), &encode_text(&bytes)).unwrap(), bytes.as_slice());
        prop_assert_eq!(decode_tail(EntityId(one), &encode_tail(other)).unwrap(), other);
        let mut vector = VersionVector::new();
        vector.raise(ActorId::new(a.0 | 1), a.1 | 1);
        let first = Link { id: one, digest: Digest([7; 32]), actor: ActorId::new(a.0 | 1), sequence: a.1 | 1 };
        let run = RunStart { entity: EntityId(other), first, vector };
        prop_assert_eq!(decode_run(run.entity, &encode_run(&run)).unwrap(), run);
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in any::<Vec<u8>>(), format in 0..4_u8, one in id()) {
        if let Some(first) = bytes.first_mut().filter(|_| format > 0) {
            *first = format;
        }
        let entity = EntityId(one);
        let _ = Identity::decode(&bytes);
        let _ = LogHead::decode(&bytes);
        let _ = Count::decode(ModelId(one), &bytes);
        let _ = decode_state(ModelId(one), entity, &bytes);
        let mut rows = Rows::new(0);
        let _ = decode_columns((ModelId(one), entity), &Columns::new(&[]), |_| true, &bytes, &mut rows, |_, _| {});
        let _ = decode_operation(entity, one, &bytes);
        let _ = decode_run(entity, &bytes);
        let _ = decode_text(entity, &bytes);
        let _ = decode_tail(entity, &bytes);
        let _ = decode_log(Position(1), &bytes);
        let _ = decode_aside(one, &bytes);
        let _ = decode_actor(&bytes, &bytes);
        let _ = decode_index(&bytes, &bytes);
        let _ = decode_index(&layout::index(IndexId(1)), &bytes);
    }
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let newer = |result: Result<(), StorageError>| match result {
        Err(StorageError::Newer { what: "record format", found, known }) => (found, known),
        other => panic!("{other:?}"),
    };
    let entry = LogEntry { position: Position(1), transaction: None, changes: vec![], relayed: vec![] };
    let mut log = encode_log(&entry, &LogTail::default());
    log[0] = 3;
    assert_eq!(newer(decode_log(Position(1), &log).map(drop)), (3, 2));
    let identity = Identity { format: 9, store: StoreId([1; 16]), epoch: 1 };
    let mut bytes = identity.encode();
    bytes.extend_from_slice(b"fields that are not known yet");
    assert_eq!(newer(Identity::decode(&bytes).map(drop)), (9, 2));
    let older = Identity { format: 1, ..identity }.encode();
    assert_eq!(
        Identity::decode(&older).unwrap_err().to_string(),
        "the store has record format 1, which a build from before the first release wrote; this program reads 2: \
         export the data with the program that wrote it, and import it into a new store"
    );
    let entity = EntityId(OpId::MAX);
    assert_eq!(newer(decode_state(ModelId(OpId::MAX), entity, &[9, 9]).map(drop)), (9, 1));
    let damaged = decode_log(Position(3), &[0]).unwrap_err().to_string();
    assert_eq!(damaged, "the store is damaged: log entry 3: format at byte 0: unknown tag 0");
}

#[test]
fn long_messages_are_cut_between_characters() {
    let long = "ä".repeat(MAX_MESSAGE);
    let cut = truncated(&long);
    assert!(cut.len() <= MAX_MESSAGE && cut.chars().all(|c| c == 'ä') && !cut.is_empty());
    assert_eq!(truncated("short"), "short");
}
