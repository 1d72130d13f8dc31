//! Trimming and ranges, held against a plain list.

use super::super::event::{Batch, StreamSet};
use super::super::fields::Field;
use super::*;
use crate::model::{EpochMillis, Lsn};
use proptest::prelude::*;

fn push(stream: &mut Stream, id: EventId, value: &str) -> bool {
    let mut batch = Batch::new();
    batch.begin_fact(Lsn(id.fact), EpochMillis(0));
    batch.push(StreamSet::EVENTS, "opening.done", |f| {
        f.text(Field::Name, value);
    });
    let mut event = batch.iter().next().unwrap();
    event.id = id;
    stream.append(&event)
}

fn id(fact: u64, n: u64) -> EventId {
    EventId { fact, n }
}

fn ids(entries: &Entries) -> Vec<EventId> {
    entries.iter().map(|(id, _)| id).collect()
}

#[test]
fn ids_must_ascend() {
    let mut stream = Stream::new(Limits::default());
    assert!(!push(&mut stream, EventId::ZERO, ""));
    assert!(push(&mut stream, id(4, 1), ""));
    assert!(!push(&mut stream, id(4, 1), ""));
    assert!(!push(&mut stream, id(3, 9), ""));
    assert!(push(&mut stream, id(4, 2), ""));
    assert_eq!((stream.stats().len, stream.stats().added), (2, 2));
}

#[test]
fn a_byte_limit_keeps_the_newest_event_whatever_its_size() {
    let limits = Limits {
        events: 100,
        bytes: 1000,
    };
    let mut stream = Stream::new(limits);
    for fact in 1..=50 {
        assert!(push(&mut stream, id(fact, 0), "0123456789"));
        assert!(stream.stats().bytes <= 1000);
    }
    let kept = stream.stats();
    assert_eq!(kept.added, 50);
    assert!(kept.len > 5 && kept.len < 50, "{kept:?}");
    assert_eq!(kept.first, id(51 - kept.len, 0), "the gap is visible");
    assert!(push(&mut stream, id(51, 0), &"x".repeat(70_000)));
    assert_eq!((stream.stats().len, stream.stats().first), (1, id(51, 0)));
}

#[test]
fn what_was_read_outlives_its_stream() {
    let limits = Limits {
        events: 1,
        bytes: usize::MAX,
    };
    let mut stream = Stream::new(limits);
    assert!(push(&mut stream, id(1, 0), "first"));
    let entry = stream.get(id(1, 0)).unwrap();
    let all = stream.range(EventId::ZERO, EventId::MAX, usize::MAX, false);
    assert!(push(&mut stream, id(2, 0), "second"));
    assert!(stream.get(id(1, 0)).is_none() && !stream.contains(id(1, 0)));
    assert_eq!(entry.read().1.get(Field::Name), Some(&b"first"[..]));
    assert_eq!(ids(&all), [id(1, 0)]);
}

#[test]
fn a_resumed_stream_shows_its_gap() {
    let mut stream = Stream::new(Limits::default());
    stream.recount(10, id(9, 3));
    assert!(!push(&mut stream, id(9, 3), ""));
    assert!(push(&mut stream, id(9, 4), ""));
    let stats = stream.stats();
    assert_eq!((stats.added, stats.len, stats.first), (11, 1, id(9, 4)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn ranges_are_those_of_a_list(
        steps in prop::collection::vec((0u64..3, 0u64..3, 0usize..4), 1..200),
        limit in 1usize..120,
        asked in prop::collection::vec((0u64..400, 0u64..4, 0u64..400, 0u64..4, 0usize..50, any::<bool>()), 20),
    ) {
        let mut stream = Stream::new(Limits { events: limit, bytes: usize::MAX });
        let mut list: Vec<EventId> = Vec::new();
        let mut last = EventId::ZERO;
        for (fact, n, size) in steps {
            let next = if fact == 0 { id(last.fact, last.n + 1 + n) } else { id(last.fact + fact, n) };
            // Sizes around that of a block, so that there are several.
            prop_assert!(push(&mut stream, next, &"v".repeat(size * 5_000)));
            list.push(next);
            last = next;
            let kept = &list[list.len().saturating_sub(limit)..];
            prop_assert_eq!(stream.stats().first, kept[0]);
        }
        let kept = &list[list.len().saturating_sub(limit)..];
        prop_assert_eq!(stream.stats().len, kept.len() as u64);
        prop_assert_eq!(stream.stats().added, list.len() as u64);
        for (f0, n0, f1, n1, count, reverse) in asked {
            let (from, to) = (id(f0, n0), if f1 % 5 == 0 { EventId::MAX } else { id(f1, n1) });
            let mut want: Vec<EventId> = kept.iter().copied().filter(|i| (from..=to).contains(i)).collect();
            if reverse {
                want.reverse();
            }
            want.truncate(count);
            let got = stream.range(from, to, count, reverse);
            prop_assert_eq!(got.len(), want.len());
            prop_assert_eq!(ids(&got), want);
        }
    }
}
