//! Group state: what a change does, and that it reads back as it was written.

use super::*;
use crate::model::{GroupFact, StreamName};
use bincode::{Decode, Encode};

const T: EpochMillis = EpochMillis(1000);

fn id(fact: u64) -> EventId {
    EventId { fact, n: 0 }
}

fn config() -> impl bincode::config::Config {
    bincode::config::legacy().with_limit::<1_000_000>()
}

fn back<T: Encode + Decode<()>>(value: &T) -> T {
    let bytes = bincode::encode_to_vec(value, config()).unwrap();
    let (back, read) = bincode::decode_from_slice(&bytes, config()).unwrap();
    assert_eq!(read, bytes.len());
    back
}

/// One of each change, as a group might see them.
fn changes() -> Vec<GroupChange> {
    let claim = |fact, deliveries| Claim {
        id: id(fact),
        delivered_at: EpochMillis(500),
        deliveries,
    };
    vec![
        GroupChange::Created {
            last: id(0),
            read: None,
        },
        GroupChange::Moved {
            last: id(1),
            read: Some(1),
        },
        GroupChange::ConsumerCreated {
            consumer: b"idle".as_slice().into(),
            at: T,
        },
        GroupChange::Delivered {
            consumer: b"a".as_slice().into(),
            at: T,
            ids: (2..=9).map(id).collect(),
            last: id(9),
            read: Some(9),
        },
        GroupChange::Repeated {
            consumer: b"a".as_slice().into(),
            at: EpochMillis(2000),
            ids: vec![id(2), id(3)].into(),
        },
        GroupChange::Claimed {
            consumer: b"b".as_slice().into(),
            at: T,
            entries: vec![claim(3, 7), claim(4, 2), claim(5, 2)],
        },
        GroupChange::Dropped {
            ids: vec![id(6)].into(),
        },
        GroupChange::Acknowledged {
            ids: vec![id(7), id(3), id(99)].into(),
        },
        GroupChange::ConsumerDeleted {
            consumer: b"idle".as_slice().into(),
        },
    ]
}

fn after(changes: &[GroupChange]) -> Groups {
    let mut groups = Groups::default();
    changes.iter().for_each(|c| groups.apply(b"g", c));
    groups
}

/// The invariant of the module.
fn is_consistent(group: &Group) -> bool {
    let held: usize = group.consumers.values().map(|c| c.pending.len()).sum();
    let at_holder = |(id, pending): (&EventId, &Pending)| {
        group.consumers[&pending.consumer].pending.contains(id)
    };
    held == group.pending.len() && group.pending.iter().all(at_holder)
}

#[test]
fn every_change_keeps_each_pending_event_with_one_consumer() {
    let changes = changes();
    for upto in 1..=changes.len() {
        assert!(is_consistent(after(&changes[..upto]).get(b"g").unwrap()));
    }
    let groups = after(&changes);
    let group = groups.get(b"g").unwrap();
    let held = |name: &[u8]| -> Vec<u64> {
        group.consumers[name]
            .pending
            .iter()
            .map(|i| i.fact)
            .collect()
    };
    assert_eq!(held(b"a"), [2, 8, 9]);
    assert_eq!(held(b"b"), [4, 5]);
    assert_eq!(group.consumers.len(), 2);
    let repeated = &group.pending[&id(2)];
    assert_eq!(
        (repeated.delivered_at, repeated.deliveries),
        (EpochMillis(2000), 2)
    );
    let claimed = &group.pending[&id(4)];
    assert_eq!(
        (claimed.delivered_at, claimed.deliveries),
        (EpochMillis(500), 2)
    );
}

#[test]
fn a_deleted_consumer_takes_what_it_had_pending() {
    let mut groups = after(&changes());
    let consumer = b"a".as_slice().into();
    groups.apply(b"g", &GroupChange::ConsumerDeleted { consumer });
    let group = groups.get(b"g").unwrap();
    assert!(is_consistent(group));
    assert_eq!(group.pending.len(), 2);
    groups.apply(b"g", &GroupChange::Destroyed);
    assert!(groups.is_empty());
}

#[test]
fn state_and_facts_read_back_as_they_were_written() {
    let changes = changes();
    let mut replayed = Groups::default();
    let mut groups = Groups::default();
    for change in changes {
        groups.apply(b"g", &change);
        let fact = GroupFact {
            stream: StreamName::Orders,
            group: b"g".as_slice().into(),
            change,
        };
        let read = back(&fact);
        assert_eq!(read, fact);
        replayed.apply(&read.group, &read.change);
        // A snapshot may be taken after any change and go on from there.
        let mut again = Groups::default();
        groups
            .changes()
            .for_each(|(group, change)| again.apply(group, &back(&change)));
        assert_eq!(again, groups);
        assert_eq!(replayed, groups);
    }
    let images: Vec<GroupChange> = groups.changes().map(|(_, change)| change).collect();
    let bytes = bincode::encode_to_vec(&images, config()).unwrap();
    for cut in 0..bytes.len() {
        let cut = bincode::decode_from_slice::<Vec<GroupChange>, _>(&bytes[..cut], config());
        assert!(cut.is_err());
    }
}

#[test]
fn lag_is_known_where_the_place_in_the_stream_is() {
    let stats = Stats {
        len: 4,
        added: 10,
        first: id(7),
        last: id(10),
        ..Stats::default()
    };
    let lag = |fact, read| {
        let group = Group {
            last: id(fact),
            read,
            ..Group::default()
        };
        group.lag(&stats)
    };
    assert_eq!(lag(10, None), Some(0));
    assert_eq!(lag(7, None), Some(3));
    assert_eq!(lag(3, None), Some(4), "all that is kept is still to come");
    assert_eq!(lag(8, None), None);
    assert_eq!(lag(8, Some(8)), Some(2));
    assert_eq!(lag(11, None), None);
    assert_eq!(Group::default().lag(&Stats::default()), Some(0));
}
