//! Places in the event feed, and what changes a consumer group: as far as it is written down.

use super::{EpochMillis, Lsn};
use bincode::de::Decoder;
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
use std::fmt;
use std::ops::Deref;

/// A stream of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum StreamName {
    /// Every event.
    Events,
    /// What happened to orders and their shipments.
    Orders,
    /// What happened to units: movements, holds, supply, reservations.
    Stock,
    /// What needs a decision.
    Exceptions,
}

impl StreamName {
    /// All streams, in the order of their indexes.
    pub const ALL: [Self; 4] = [Self::Events, Self::Orders, Self::Stock, Self::Exceptions];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Orders => "orders",
            Self::Stock => "stock",
            Self::Exceptions => "exceptions",
        }
    }

    /// The stream with exactly this name.
    #[must_use]
    pub fn find(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|stream| stream.name().as_bytes() == name)
    }

    /// Its place in [`StreamName::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Where in history an event happened. Ascends strictly along every stream.
///
/// Written `<fact>-<n>`: the number of the journal's fact that it follows from, and its place among
/// the events of that fact, from 0. Facts are numbered from 1 without gaps, so ids ascend, are the
/// same after every restart, and never depend on a clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct EventId {
    /// Number of the fact that the event follows from.
    pub fact: u64,
    /// Its place among the events of that fact, from 0.
    pub n: u64,
}

impl EventId {
    /// Before every event.
    pub const ZERO: Self = Self { fact: 0, n: 0 };
    /// Not before any event.
    pub const MAX: Self = Self {
        fact: u64::MAX,
        n: u64::MAX,
    };

    /// The event `n` of the fact with this number.
    #[must_use]
    pub const fn new(fact: Lsn, n: u64) -> Self {
        Self { fact: fact.0, n }
    }

    /// The least id above this one; `None` at the end of all ids.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match (self.n.checked_add(1), self.fact.checked_add(1)) {
            (Some(n), _) => Some(Self { fact: self.fact, n }),
            (None, Some(fact)) => Some(Self { fact, n: 0 }),
            (None, None) => None,
        }
    }

    /// The greatest id below this one; `None` at 0-0.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match (self.n.checked_sub(1), self.fact.checked_sub(1)) {
            (Some(n), _) => Some(Self { fact: self.fact, n }),
            (None, Some(fact)) => Some(Self { fact, n: u64::MAX }),
            (None, None) => None,
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.fact, self.n)
    }
}

/// Ids of events, mostly ascending. Written as differences, two or three bytes each: a hundred
/// groups that acknowledge everything write a hundred times as many ids as there are events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventIds(pub Vec<EventId>);

impl Deref for EventIds {
    type Target = [EventId];

    fn deref(&self) -> &[EventId] {
        &self.0
    }
}

impl From<Vec<EventId>> for EventIds {
    fn from(ids: Vec<EventId>) -> Self {
        Self(ids)
    }
}

impl FromIterator<EventId> for EventIds {
    fn from_iter<I: IntoIterator<Item = EventId>>(ids: I) -> Self {
        Self(ids.into_iter().collect())
    }
}

impl Encode for EventIds {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let mut bytes = Vec::with_capacity(3 * self.0.len());
        let mut before = 0u64;
        for id in &self.0 {
            let step = id.fact.wrapping_sub(before).cast_signed();
            put_varint(&mut bytes, (step << 1 ^ step >> 63).cast_unsigned());
            put_varint(&mut bytes, id.n);
            before = id.fact;
        }
        bytes.encode(encoder)
    }
}

impl<C> Decode<C> for EventIds {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let bytes = Vec::<u8>::decode(decoder)?;
        let (mut rest, mut ids, mut fact) = (&bytes[..], Vec::new(), 0u64);
        while !rest.is_empty() {
            let (step, n) = take_varint(&mut rest)
                .zip(take_varint(&mut rest))
                .ok_or(DecodeError::Other("the ids of events end within one"))?;
            fact = fact.wrapping_add(step >> 1 ^ (step & 1).wrapping_neg());
            ids.push(EventId { fact, n });
        }
        Ok(Self(ids))
    }
}

bincode::impl_borrow_decode!(EventIds);

/// Seven bits a byte, the lowest first.
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// `None` when the bytes end within it, or it has more than 64 bits.
fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// An event in somebody's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct EventClaim {
    /// Which event.
    pub id: EventId,
    /// When it counts as delivered.
    pub delivered_at: EpochMillis,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// A change of one consumer group, complete: replay needs neither the stream nor a clock.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct GroupFact {
    /// Of which stream.
    pub stream: StreamName,
    /// Name of the group.
    pub group: Box<[u8]>,
    /// What changed.
    pub change: GroupChange,
}

/// What changed in a group. Changes of a group that does not exist, other than its creation, have
/// no effect.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum GroupChange {
    /// The group is new.
    Created {
        /// What it counts as having read.
        last: EventId,
        /// How many events of the stream that is, if known.
        read: Option<u64>,
    },
    /// The group is gone with everything pending.
    Destroyed,
    /// It goes on reading after another event.
    Moved {
        /// What it counts as having read.
        last: EventId,
        /// How many events of the stream that is, if known.
        read: Option<u64>,
    },
    /// A consumer is new.
    ConsumerCreated {
        /// Its name.
        consumer: Box<[u8]>,
        /// When.
        at: EpochMillis,
    },
    /// A consumer is gone with what it had pending.
    ConsumerDeleted {
        /// Its name.
        consumer: Box<[u8]>,
    },
    /// New events went to a consumer, which is created by this if need be.
    Delivered {
        /// Its name.
        consumer: Box<[u8]>,
        /// When.
        at: EpochMillis,
        /// Events that are pending there now, each delivered once; none when it acknowledges
        /// nothing.
        ids: EventIds,
        /// What the group has read now.
        last: EventId,
        /// How many events of the stream that is, if known.
        read: Option<u64>,
    },
    /// A consumer read events again that were pending there.
    Repeated {
        /// Its name.
        consumer: Box<[u8]>,
        /// When.
        at: EpochMillis,
        /// Which events.
        ids: EventIds,
    },
    /// Events are a consumer's from now on, which is created by this if need be.
    Claimed {
        /// Its name.
        consumer: Box<[u8]>,
        /// When.
        at: EpochMillis,
        /// Which events, and what is known of them from now on.
        entries: Vec<EventClaim>,
    },
    /// Events are no longer pending because the stream no longer keeps them.
    Dropped {
        /// Which events.
        ids: EventIds,
    },
    /// Events were dealt with.
    Acknowledged {
        /// Which events.
        ids: EventIds,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(ids: &EventIds) -> Result<EventIds, DecodeError> {
        let config = bincode::config::legacy().with_limit::<1_000_000>();
        let bytes = bincode::encode_to_vec(ids, config).unwrap();
        bincode::decode_from_slice(&bytes, config).map(|(ids, _)| ids)
    }

    #[test]
    fn neighbours_carry_over() {
        let id = |fact, n| EventId { fact, n };
        assert_eq!(id(3, 1).next(), Some(id(3, 2)));
        assert_eq!(id(3, u64::MAX).next(), Some(id(4, 0)));
        assert_eq!(id(4, 0).previous(), Some(id(3, u64::MAX)));
        assert_eq!(EventId::ZERO.previous(), None);
        assert_eq!(EventId::MAX.next(), None);
        assert_eq!(id(12, 5).to_string(), "12-5");
    }

    #[test]
    fn ids_in_any_order_read_back_and_take_few_bytes() {
        let id = |fact, n| EventId { fact, n };
        let odd: EventIds = [id(9, 1), EventId::MAX, id(0, 0), id(3, 300), EventId::MAX]
            .into_iter()
            .collect();
        assert_eq!(back(&odd).unwrap(), odd);
        let many: EventIds = (1_000_000..1_001_000).map(|fact| id(fact, 1)).collect();
        assert_eq!(back(&many).unwrap(), many);
        let config = bincode::config::legacy();
        assert!(bincode::encode_to_vec(&many, config).unwrap().len() < 2_100);
        let cut = bincode::encode_to_vec(vec![2u8], config).unwrap();
        assert!(bincode::decode_from_slice::<EventIds, _>(&cut, config).is_err());
        let long = bincode::encode_to_vec(vec![0xffu8; 12], config).unwrap();
        assert!(bincode::decode_from_slice::<EventIds, _>(&long, config).is_err());
    }
}
