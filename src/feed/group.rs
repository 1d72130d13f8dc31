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

use super::stream::Stats;
use crate::model::{EpochMillis, EventClaim as Claim, EventId, GroupChange};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most pending events that one written change names.
const CLAIMS_TOGETHER: usize = 10_000;

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

    /// The fewest changes that make this group.
    fn changes(&self) -> impl Iterator<Item = GroupChange> {
        let created = GroupChange::Created {
            last: self.last,
            read: self.read,
        };
        let consumers = self.consumers.iter().flat_map(|(name, consumer)| {
            let new = GroupChange::ConsumerCreated {
                consumer: (&**name).into(),
                at: consumer.seen_at,
            };
            let claims: Vec<Claim> = consumer
                .pending
                .iter()
                .filter_map(|id| self.claim(*id))
                .collect();
            let claimed: Vec<_> = claims
                .chunks(CLAIMS_TOGETHER)
                .map(|entries| GroupChange::Claimed {
                    consumer: (&**name).into(),
                    at: consumer.seen_at,
                    entries: entries.into(),
                })
                .collect();
            std::iter::once(new).chain(claimed)
        });
        std::iter::once(created).chain(consumers)
    }

    fn claim(&self, id: EventId) -> Option<Claim> {
        let pending = self.pending.get(&id)?;
        Some(Claim {
            id,
            delivered_at: pending.delivered_at,
            deliveries: pending.deliveries,
        })
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
                for &id in ids.iter() {
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
                for id in ids.iter() {
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

/// All consumer groups of one stream, by name. A copy shares every group until it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    groups: BTreeMap<Box<[u8]>, Arc<Group>>,
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
        self.groups.get(name).map(|group| &**group)
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.groups.get_mut(name).map(Arc::make_mut)
    }

    /// All groups by ascending name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups
            .iter()
            .map(|(name, group)| (&name[..], &**group))
    }

    /// The fewest changes that make these groups, each of bounded size.
    pub fn changes(&self) -> impl Iterator<Item = (&[u8], GroupChange)> {
        self.iter()
            .flat_map(|(name, group)| group.changes().map(move |change| (name, change)))
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
                let place = self.groups.entry(group.into());
                place.or_insert_with(|| Arc::new(new));
            }
            GroupChange::Destroyed => {
                self.groups.remove(group);
            }
            other => {
                if let Some(group) = self.get_mut(group) {
                    group.apply(other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
