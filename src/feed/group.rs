//! Consumer groups of one stream: how far each has read, and what it was given and has not yet
//! acknowledged.
//!
//! State changes only by [`Groups::apply`]: a command decides on a [`GroupChange`], applies it and
//! hands it on, so that replaying the same changes gives the same state. One thing is not a change
//! and is forgotten by a restart: when a consumer that got nothing was last heard of. Otherwise
//! every poll of an idle consumer would have to be written down.
//!
//! Invariant: an event is pending in a group exactly when it is pending at exactly one of the
//! group's consumers.

use super::event::StreamName;
use super::id::EventId;
use super::stream::Stats;
use crate::model::EpochMillis;
use bincode::de::Decoder;
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

/// An event in somebody's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Claim {
    /// Which event.
    pub id: EventId,
    /// When it counts as delivered.
    pub delivered_at: EpochMillis,
    /// How often it was delivered.
    pub deliveries: u64,
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
        ids: Vec<EventId>,
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
        ids: Vec<EventId>,
    },
    /// Events are a consumer's from now on, which is created by this if need be.
    Claimed {
        /// Its name.
        consumer: Box<[u8]>,
        /// When.
        at: EpochMillis,
        /// Which events, and what is known of them from now on.
        entries: Vec<Claim>,
    },
    /// Events are no longer pending because the stream no longer keeps them.
    Dropped {
        /// Which events.
        ids: Vec<EventId>,
    },
    /// Events were dealt with.
    Acknowledged {
        /// Which events.
        ids: Vec<EventId>,
    },
}

/// Who has an event, since when, and the how manieth time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Name of the consumer.
    pub consumer: Arc<[u8]>,
    /// When it counts as delivered.
    pub delivered_at: EpochMillis,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// Somebody who reads for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// When it was last heard of.
    pub seen_at: EpochMillis,
    /// What it was given and has not acknowledged.
    pub pending: BTreeSet<EventId>,
}

/// One consumer group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    last: EventId,
    read: Option<u64>,
    pending: BTreeMap<EventId, Pending>,
    consumers: BTreeMap<Arc<[u8]>, Consumer>,
}

impl Group {
    /// The last event it was given.
    #[must_use]
    pub fn last(&self) -> EventId {
        self.last
    }

    /// How many events of the stream that is, if known.
    #[must_use]
    pub fn read(&self) -> Option<u64> {
        self.read
    }

    /// Everything that was delivered and not acknowledged.
    #[must_use]
    pub fn pending(&self) -> &BTreeMap<EventId, Pending> {
        &self.pending
    }

    /// Its consumers by name.
    #[must_use]
    pub fn consumers(&self) -> &BTreeMap<Arc<[u8]>, Consumer> {
        &self.consumers
    }

    /// Events that it has not yet been given; `None` when that cannot be known. As in Redis 7.0,
    /// events that were dropped unread count.
    #[must_use]
    pub fn lag(&self, stats: &Stats) -> Option<i64> {
        let known = match self.read {
            _ if stats.added == 0 => Some(0),
            Some(read) => Some(read),
            None => events_up_to(self.last, stats),
        };
        known.map(|read| whole(stats.added).saturating_sub(whole(read)))
    }

    /// How many events of the stream are read once `id`, the next of the group, is.
    #[must_use]
    pub(super) fn read_after(read: Option<u64>, id: EventId, stats: &Stats) -> Option<u64> {
        match read {
            Some(read) => Some(read.saturating_add(1)),
            None => events_up_to(id, stats),
        }
    }

    /// Notes that a consumer was heard of, if it exists.
    pub(super) fn seen(&mut self, consumer: &[u8], at: EpochMillis) {
        if let Some(consumer) = self.consumers.get_mut(consumer) {
            consumer.seen_at = at;
        }
    }

    /// The consumer's name as it is shared; the consumer is created if need be.
    fn consumer(&mut self, name: &[u8], at: EpochMillis) -> Arc<[u8]> {
        if let Some((name, _)) = self.consumers.get_key_value(name) {
            let name = Arc::clone(name);
            self.seen(&name, at);
            return name;
        }
        let name: Arc<[u8]> = name.into();
        let consumer = Consumer {
            seen_at: at,
            pending: BTreeSet::new(),
        };
        self.consumers.insert(Arc::clone(&name), consumer);
        name
    }

    /// Puts an event into one consumer's hands, out of those of any other.
    fn give(&mut self, claim: Claim, consumer: &Arc<[u8]>) {
        let now = Pending {
            consumer: Arc::clone(consumer),
            delivered_at: claim.delivered_at,
            deliveries: claim.deliveries,
        };
        let before = self.pending.insert(claim.id, now);
        if let Some(before) = before.filter(|b| b.consumer != *consumer)
            && let Some(loser) = self.consumers.get_mut(&before.consumer)
        {
            loser.pending.remove(&claim.id);
        }
        if let Some(holder) = self.consumers.get_mut(consumer) {
            holder.pending.insert(claim.id);
        }
    }

    /// Takes an event out of everybody's hands.
    fn settle(&mut self, id: EventId) {
        if let Some(pending) = self.pending.remove(&id)
            && let Some(holder) = self.consumers.get_mut(&pending.consumer)
        {
            holder.pending.remove(&id);
        }
    }

    fn apply(&mut self, change: &GroupChange) {
        match change {
            GroupChange::Created { .. } | GroupChange::Destroyed => {}
            GroupChange::Moved { last, read } => (self.last, self.read) = (*last, *read),
            GroupChange::ConsumerCreated { consumer, at } => {
                self.consumer(consumer, *at);
            }
            GroupChange::ConsumerDeleted { consumer } => {
                let gone = self.consumers.remove(&consumer[..]);
                for id in gone.into_iter().flat_map(|gone| gone.pending) {
                    self.pending.remove(&id);
                }
            }
            GroupChange::Delivered {
                consumer,
                at,
                ids,
                last,
                read,
            } => {
                let consumer = self.consumer(consumer, *at);
                (self.last, self.read) = (*last, *read);
                for &id in ids {
                    let (delivered_at, deliveries) = (*at, 1);
                    let claim = Claim {
                        id,
                        delivered_at,
                        deliveries,
                    };
                    self.give(claim, &consumer);
                }
            }
            GroupChange::Repeated { consumer, at, ids } => {
                self.seen(consumer, *at);
                for id in ids {
                    if let Some(pending) = self.pending.get_mut(id) {
                        pending.delivered_at = *at;
                        pending.deliveries = pending.deliveries.saturating_add(1);
                    }
                }
            }
            GroupChange::Claimed {
                consumer,
                at,
                entries,
            } => {
                let consumer = self.consumer(consumer, *at);
                entries.iter().for_each(|&e| self.give(e, &consumer));
            }
            GroupChange::Dropped { ids } | GroupChange::Acknowledged { ids } => {
                ids.iter().for_each(|&id| self.settle(id));
            }
        }
    }
}

/// How many events were ever added up to `id`, where that follows from what is kept.
fn events_up_to(id: EventId, stats: &Stats) -> Option<u64> {
    if stats.added == 0 {
        return Some(0);
    }
    if id == stats.last || (stats.len == 0 && id < stats.last) {
        return Some(stats.added);
    }
    if id > stats.last {
        return None;
    }
    match id.cmp(&stats.first) {
        std::cmp::Ordering::Less => Some(stats.added - stats.len),
        std::cmp::Ordering::Equal => Some(stats.added - stats.len + 1),
        std::cmp::Ordering::Greater => None,
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// All consumer groups of one stream, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Groups {
    groups: BTreeMap<Box<[u8]>, Group>,
}

impl Groups {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The group of that name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.groups.get_mut(name)
    }

    /// All groups by ascending name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().map(|(name, group)| (&name[..], group))
    }

    /// Makes a change; the same changes in the same order give the same state.
    pub fn apply(&mut self, group: &[u8], change: &GroupChange) {
        match change {
            GroupChange::Created { last, read } => {
                let new = Group {
                    last: *last,
                    read: *read,
                    ..Group::default()
                };
                self.groups.entry(group.into()).or_insert(new);
            }
            GroupChange::Destroyed => {
                self.groups.remove(group);
            }
            other => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.apply(other);
                }
            }
        }
    }
}

/// A group as it is written: every pending event once, under its consumer.
#[derive(Encode, Decode)]
struct GroupImage {
    last: EventId,
    read: Option<u64>,
    consumers: Vec<(Box<[u8]>, EpochMillis, Vec<Claim>)>,
}

impl Encode for Group {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let claim = |id: &EventId| {
            let pending = self.pending.get(id)?;
            Some(Claim {
                id: *id,
                delivered_at: pending.delivered_at,
                deliveries: pending.deliveries,
            })
        };
        let consumers = self.consumers.iter().map(|(name, consumer)| {
            let claims = consumer.pending.iter().filter_map(claim).collect();
            (Box::from(&name[..]), consumer.seen_at, claims)
        });
        GroupImage {
            last: self.last,
            read: self.read,
            consumers: consumers.collect(),
        }
        .encode(encoder)
    }
}

impl<C> Decode<C> for Group {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let image = GroupImage::decode(decoder)?;
        let mut group = Self {
            last: image.last,
            read: image.read,
            ..Self::default()
        };
        for (name, seen_at, claims) in image.consumers {
            let name = group.consumer(&name, seen_at);
            claims.into_iter().for_each(|c| group.give(c, &name));
        }
        Ok(group)
    }
}

bincode::impl_borrow_decode!(Group);

#[cfg(test)]
mod tests;
