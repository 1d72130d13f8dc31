//! Events: what a fact means to other systems, and the streams that carry it.
//!
//! A [`Batch`] holds the events of one or more facts in one buffer that is used again and again, so
//! that making events allocates nothing once it has grown. Event `n` of fact `f` has the id `f-n`
//! whatever happened before: a feed can be resumed after any restart.

use super::fields::{Field, Fields, FieldsWriter};
use crate::model::{
    ChannelId, EpochMillis, EventId, LocationId, Lsn, ServiceId, SkuId, StreamName,
};
use std::fmt::Write as _;
use std::ops::Range;

/// A set of streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamSet(u8);

impl StreamSet {
    /// Only the stream of everything.
    pub const EVENTS: Self = Self(1);
    /// Everything, and orders.
    pub const ORDERS: Self = Self(1 | 2);
    /// Everything, and stock.
    pub const STOCK: Self = Self(1 | 4);
    /// Everything, orders and exceptions.
    pub const ORDER_EXCEPTIONS: Self = Self(1 | 2 | 8);
    /// Everything, and exceptions.
    pub const EXCEPTIONS: Self = Self(1 | 8);
    /// Everything, stock and exceptions.
    pub const STOCK_EXCEPTIONS: Self = Self(1 | 4 | 8);

    /// Whether `stream` is one of them.
    #[must_use]
    pub const fn contains(self, stream: StreamName) -> bool {
        self.0 >> stream as u8 & 1 == 1
    }

    /// Adds a stream.
    pub const fn insert(&mut self, stream: StreamName) {
        self.0 |= 1 << stream as u8;
    }

    /// The streams in it.
    pub fn iter(self) -> impl Iterator<Item = StreamName> {
        StreamName::ALL
            .into_iter()
            .filter(move |&stream| self.contains(stream))
    }
}

/// Text of dense ids, as the registry of the engine knows it. Empty when an id has no name; the
/// field is then left out.
pub trait Names {
    /// Text id of an item.
    fn sku_name(&self, sku: SkuId) -> &str;
    /// Text id of a location.
    fn location_name(&self, location: LocationId) -> &str;
    /// Text id of a selling channel.
    fn channel_name(&self, channel: ChannelId) -> &str;
    /// Text id of a carrier service.
    fn service_name(&self, service: ServiceId) -> &str;
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Where in history it happened.
    pub id: EventId,
    /// The streams that carry it.
    pub streams: StreamSet,
    pub(super) bytes: &'a [u8],
}

impl<'a> Event<'a> {
    /// Its names and values.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::new(self.bytes)
    }
}

#[derive(Debug)]
struct Head {
    id: EventId,
    streams: StreamSet,
    bytes: Range<usize>,
}

/// Events on their way into the feed, by ascending id.
#[derive(Debug, Default)]
pub struct Batch {
    heads: Vec<Head>,
    bytes: Vec<u8>,
    fact: Lsn,
    next: u64,
    /// The moment of the current fact, and its text.
    at: Option<EpochMillis>,
    at_text: String,
}

impl Batch {
    /// No events yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets its events and keeps its memory.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.bytes.clear();
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether it holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Its events, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        self.heads.iter().map(|head| Event {
            id: head.id,
            streams: head.streams,
            bytes: &self.bytes[head.bytes.clone()],
        })
    }

    /// The events that follow belong to the fact with this number, decided at that moment.
    pub fn begin_fact(&mut self, fact: Lsn, at: EpochMillis) {
        (self.fact, self.next) = (fact, 0);
        if self.at != Some(at) {
            self.at = Some(at);
            self.at_text.clear();
            write!(self.at_text, "{at}").expect("writing to a string succeeds");
        }
    }

    /// Adds the next event of the current fact; `write` adds the fields after `type` and `at`.
    pub fn push(
        &mut self,
        streams: StreamSet,
        kind: &'static str,
        write: impl FnOnce(&mut FieldsWriter<'_>),
    ) {
        let start = self.bytes.len();
        let mut fields = FieldsWriter::new(&mut self.bytes);
        fields.text(Field::Type, kind);
        fields.text(Field::At, &self.at_text);
        write(&mut fields);
        self.heads.push(Head {
            id: EventId::new(self.fact, self.next),
            streams,
            bytes: start..self.bytes.len(),
        });
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_the_index_of_their_place_and_are_found_by_exact_name() {
        for (at, stream) in StreamName::ALL.into_iter().enumerate() {
            assert_eq!(stream.index(), at);
            assert_eq!(StreamName::find(stream.name().as_bytes()), Some(stream));
        }
        assert_eq!(StreamName::find(b"Orders"), None);
        let mut set = StreamSet::default();
        set.insert(StreamName::Events);
        set.insert(StreamName::Stock);
        assert_eq!(set, StreamSet::STOCK);
        let all: Vec<_> = StreamSet::ORDER_EXCEPTIONS.iter().collect();
        assert_eq!(
            all,
            [
                StreamName::Events,
                StreamName::Orders,
                StreamName::Exceptions
            ]
        );
    }

    #[test]
    fn ids_follow_from_the_fact_alone() {
        let mut batch = Batch::new();
        for lsn in [7, 9] {
            batch.begin_fact(Lsn(lsn), EpochMillis(0));
            for _ in 0..2 {
                batch.push(StreamSet::EVENTS, "opening.done", |_| {});
            }
        }
        let ids: Vec<_> = batch.iter().map(|e| e.id.to_string()).collect();
        assert_eq!(ids, ["7-0", "7-1", "9-0", "9-1"]);
        let first = batch.iter().next().unwrap();
        let at = first.fields().get(Field::At).unwrap();
        assert_eq!(at, b"1970-01-01T00:00:00Z");
    }
}
