//! Orders that look like another one again: the same customer, the same items in the same number, at
//! about the same time, under another identity.
//!
//! A suspicion is no refusal: people do buy the same thing twice. The order is accepted, and whoever
//! looks after orders hears of it in the same step; where the network says so, its parts are on hold
//! until he has decided. An order without a customer is never suspected: an address alone says too
//! little, since offices and parcel shops have many customers.
//!
//! The rule: both were placed within the window of each other, and the second one comes (is accepted,
//! or changed to these lines) no later than the window after the first was accepted, or placed if that
//! was later. So what has to be remembered ends with time, and a late import of old orders is compared
//! by when they were placed. Cancelled orders are forgotten. An order is compared with the last few that
//! have its customer and its items and no more: one customer may stand for all that do not log in.
//!
//! Made from the orders, never written down: replay and snapshots give the orders, and what was found
//! is a fact of its own. Its locks are taken while an order is locked, before those of the exceptions.

use crate::model::{Cause, Subject, Topic};
use crate::model::{ChannelId, DuplicateRules, EpochMillis, Finding, Order, OrderKey};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Locks: two orders rarely share one.
const LOCKS: usize = 64;

/// Orders that are remembered at most; when there are more, those whose time ends first are forgotten
/// first.
const REMEMBERED_MAX: usize = 1 << 20;

/// Orders of one customer and of the same items that a new one is compared with: the last that came.
/// Comparing happens while the ledger is locked, and whoever decides looks at one or two.
const COMPARED_MAX: usize = 16;

/// The order that another one looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suspicion {
    /// Of all that it looks like the one that was placed nearest to it.
    other: OrderKey,
    placed_at: EpochMillis,
    customer: Box<str>,
    /// How many others there are beside it.
    more: usize,
}

/// Begins the reason for which a suspected order is held.
const HELD_AS: &str = "suspected duplicate: ";

impl Suspicion {
    /// Why parts of the order are held.
    pub(super) fn reason(&self) -> String {
        format!("{HELD_AS}{self}")
    }

    /// Whether a part is held for such a reason.
    pub(super) fn is_reason(reason: &str) -> bool {
        reason.starts_with(HELD_AS)
    }

    /// What is told of it.
    pub(super) fn finding(&self, key: &OrderKey, channel: Option<ChannelId>) -> Finding {
        Finding {
            subject: subject(key),
            channel,
            detail: self.to_string().into(),
            waits_for: Vec::new(),
        }
    }
}

impl std::fmt::Display for Suspicion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            other,
            placed_at,
            customer,
            more,
        } = self;
        write!(
            f,
            "customer {customer} has the same items in order {other}, placed {placed_at}"
        )?;
        match more {
            0 => Ok(()),
            more => write!(f, ", and in {more} more"),
        }
    }
}

/// That an order looks like another one.
pub(super) fn subject(key: &OrderKey) -> Subject {
    Subject {
        topic: Topic::order(key),
        cause: Cause::LooksAlike,
    }
}

/// An order that may be looked like.
#[derive(Debug, Clone)]
struct Entry {
    order: Arc<Order>,
    /// The last moment at which one that looks like it is suspected.
    until: EpochMillis,
}

#[derive(Debug, Default)]
struct Shard {
    /// By customer and items, and by their place in the order of creation.
    alike: BTreeMap<(u64, u64), Entry>,
    /// By when they are forgotten, with their place in the order of creation.
    ends: BTreeMap<(EpochMillis, u64), u64>,
    /// The latest moment that was seen.
    now: EpochMillis,
}

impl Shard {
    fn put(&mut self, (hash, sequence): (u64, u64), entry: Entry) {
        self.ends.insert((entry.until, sequence), hash);
        self.alike.insert((hash, sequence), entry);
        self.forget(REMEMBERED_MAX / LOCKS);
    }

    /// It is `now`, at least: what is over is forgotten.
    fn pass_to(&mut self, now: EpochMillis) {
        self.now = self.now.max(now);
        self.forget(usize::MAX);
    }

    /// Forgets what is over, and what is more than `most`.
    fn forget(&mut self, most: usize) {
        while let Some((&(until, sequence), &hash)) = self.ends.first_key_value() {
            if until >= self.now && self.ends.len() <= most {
                break;
            }
            self.remove((hash, sequence), until);
        }
    }

    fn remove(&mut self, (hash, sequence): (u64, u64), until: EpochMillis) {
        self.ends.remove(&(until, sequence));
        self.alike.remove(&(hash, sequence));
    }

    /// The last that have this hash, the newest first, without the one of this `sequence`.
    fn last(&self, (hash, sequence): (u64, u64)) -> impl Iterator<Item = (u64, &Entry)> {
        let all = self.alike.range((hash, 0)..=(hash, u64::MAX)).rev();
        let others = all.map(|(&(_, other), entry)| (other, entry));
        let others = others.filter(move |(other, _)| *other != sequence);
        others.take(COMPARED_MAX)
    }
}

/// All orders that another one may look like, by customer and items.
#[derive(Debug)]
pub(super) struct Duplicates {
    rules: DuplicateRules,
    shards: Box<[Mutex<Shard>]>,
}

/// An order as it enters: what it is, its place in the order of creation, and when it was accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entering<'a> {
    pub(super) order: &'a Arc<Order>,
    pub(super) sequence: u64,
    pub(super) accepted_at: EpochMillis,
}

/// What an order was before its customer or its items were changed.
#[derive(Debug)]
pub(super) struct Was {
    order: Arc<Order>,
    sequence: u64,
    pub(super) channel: ChannelId,
    accepted_at: EpochMillis,
}

impl Was {
    /// `None` where nothing changes of what others may look like.
    pub(super) fn before(
        order: &Arc<Order>,
        after: &Order,
        (sequence, channel, accepted_at): (u64, ChannelId, EpochMillis),
    ) -> Option<Self> {
        (!same(order, after)).then(|| Self {
            order: order.clone(),
            sequence,
            channel,
            accepted_at,
        })
    }

    fn known(&self) -> Entering<'_> {
        Entering {
            order: &self.order,
            sequence: self.sequence,
            accepted_at: self.accepted_at,
        }
    }
}

impl Duplicates {
    /// An order is another one since `now`, without a look at the others.
    pub(super) fn change_again(&self, was: &Was, after: &Arc<Order>, now: EpochMillis) {
        let known = was.known();
        self.leave(known);
        let new = Entering {
            order: after,
            ..known
        };
        self.remember(new, now);
    }

    /// An order is another one since `now`: says which one it looks like.
    pub(super) fn change(
        &self,
        was: &Was,
        after: &Arc<Order>,
        now: EpochMillis,
    ) -> Option<Suspicion> {
        let known = was.known();
        self.leave(known);
        let new = Entering {
            order: after,
            ..known
        };
        self.enter(new, now)
    }

    pub(super) fn new(rules: DuplicateRules) -> Self {
        Self {
            rules,
            shards: (0..LOCKS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Whether the parts of a suspected order are held.
    pub(super) fn holds(&self) -> bool {
        self.rules.hold
    }

    /// Remembers an order that comes at `now`, and says which one it looks like.
    pub(super) fn enter(&self, new: Entering<'_>, now: EpochMillis) -> Option<Suspicion> {
        let hash = self.hash(new.order)?;
        let (entry, key) = (self.entry(new), (hash, new.sequence));
        let mut shard = self.shard(hash).lock();
        shard.pass_to(now);
        let alike = shard.last(key).filter(|(_, known)| {
            let apart = known.order.placed_at.0.abs_diff(new.order.placed_at.0);
            apart <= self.rules.window.0 && now <= known.until && same(&known.order, new.order)
        });
        let found = nearest(new.order, alike);
        shard.put(key, entry);
        found
    }

    /// Remembers an order that came at `now` without a look at the others: what it looked like then is
    /// known.
    pub(super) fn remember(&self, known: Entering<'_>, now: EpochMillis) {
        if let Some(hash) = self.hash(known.order) {
            let entry = self.entry(known);
            let mut shard = self.shard(hash).lock();
            shard.pass_to(now);
            shard.put((hash, known.sequence), entry);
        }
    }

    /// Forgets an order as it was.
    pub(super) fn leave(&self, known: Entering<'_>) {
        if let Some(hash) = self.hash(known.order) {
            let until = self.entry(known).until;
            let mut shard = self.shard(hash).lock();
            shard.remove((hash, known.sequence), until);
        }
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|s| s.lock().ends.len()).sum()
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        let number = hash % self.shards.len() as u64;
        &self.shards[usize::try_from(number).unwrap_or(0)]
    }

    fn entry(&self, new: Entering<'_>) -> Entry {
        Entry {
            order: new.order.clone(),
            until: new.order.placed_at.max(new.accepted_at) + self.rules.window,
        }
    }

    /// Of customer and items; `None` where nothing is suspected.
    fn hash(&self, order: &Order) -> Option<u64> {
        let customer = order.customer.as_deref()?;
        if self.rules.window.0 == 0 {
            return None;
        }
        let mut hash = Xxh3::new();
        let mut text = |text: &str| {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        text(customer);
        let items = items(order);
        items.iter().for_each(|(sku, _)| text(sku));
        items
            .iter()
            .for_each(|(_, units)| hash.update(&units.to_le_bytes()));
        Some(hash.digest())
    }
}

/// Whether two orders are of one customer and of the same items.
pub(super) fn same(left: &Order, right: &Order) -> bool {
    left.customer == right.customer && items(left) == items(right)
}

/// Units by SKU, in one order, however they are spread over lines.
fn items(order: &Order) -> SmallVec<[(&str, u64); 8]> {
    let lines = order.lines.iter();
    let mut items: SmallVec<[(&str, u64); 8]> =
        lines.map(|l| (&*l.sku, u64::from(l.qty.0))).collect();
    items.sort_unstable();
    items.dedup_by(|next, kept| {
        let one = next.0 == kept.0;
        if one {
            kept.1 += next.1;
        }
        one
    });
    items
}

/// The one that was placed nearest; of two the older.
fn nearest<'e>(order: &Order, alike: impl Iterator<Item = (u64, &'e Entry)>) -> Option<Suspicion> {
    let apart = |entry: &Entry| entry.order.placed_at.0.abs_diff(order.placed_at.0);
    let mut all: SmallVec<[(u64, &Entry); 4]> = alike.collect();
    all.sort_unstable_by_key(|(sequence, entry)| (apart(entry), *sequence));
    let (_, first) = all.first()?;
    Some(Suspicion {
        other: first.order.key.clone(),
        placed_at: first.order.placed_at,
        customer: order.customer.clone().unwrap_or_default(),
        more: all.len() - 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Millis, OrderLine, Qty};

    const MINUTE: i64 = 60_000;

    fn order(id: &str, customer: &str, placed: i64, lines: &[(&str, u32)]) -> Arc<Order> {
        let line = |&(sku, qty): &(&str, u32)| OrderLine {
            sku: sku.into(),
            qty: Qty(qty),
            ..OrderLine::default()
        };
        Arc::new(Order {
            key: OrderKey::new("shop", id),
            customer: (!customer.is_empty()).then(|| customer.into()),
            placed_at: EpochMillis(placed * MINUTE),
            lines: lines.iter().map(line).collect(),
            ..Order::default()
        })
    }

    fn watching(minutes: u64) -> Duplicates {
        Duplicates::new(DuplicateRules {
            window: Millis(minutes * 60_000),
            hold: false,
        })
    }

    fn enter(all: &Duplicates, order: &Arc<Order>, sequence: u64, now: i64) -> Option<String> {
        let accepted_at = EpochMillis(now * MINUTE);
        let new = Entering {
            order,
            sequence,
            accepted_at,
        };
        all.enter(new, accepted_at)
            .map(|found| format!("{} +{}", found.other.order(), found.more))
    }

    #[test]
    fn lines_may_be_in_any_order_and_spread() {
        let all = watching(60);
        let first = order("1", "ann", 0, &[("A", 2), ("B", 1)]);
        assert_eq!(enter(&all, &first, 1, 0), None);
        let again = order("2", "ann", 5, &[("B", 1), ("A", 1), ("A", 1)]);
        assert_eq!(enter(&all, &again, 2, 5).as_deref(), Some("1 +0"));
        let third = order("3", "ann", 4, &[("A", 2), ("B", 1)]);
        assert_eq!(enter(&all, &third, 3, 5).as_deref(), Some("2 +1"));
        for other in [
            order("4", "bob", 5, &[("A", 2), ("B", 1)]),
            order("5", "ann", 5, &[("A", 2)]),
            order("6", "ann", 5, &[("A", 2), ("B", 2)]),
            order("7", "ann", 200, &[("A", 2), ("B", 1)]),
            order("8", "", 5, &[("A", 2), ("B", 1)]),
            order("9", "", 5, &[("A", 2), ("B", 1)]),
        ] {
            assert_eq!(enter(&all, &other, 9, 5), None, "{}", other.key);
        }
    }

    #[test]
    fn what_is_over_is_forgotten_and_off_is_off() {
        let all = watching(60);
        // Placed long before it came.
        let late = order("1", "ann", -600, &[("A", 1)]);
        assert_eq!(enter(&all, &late, 1, 0), None);
        assert_eq!(enter(&all, &order("2", "ann", 0, &[("A", 1)]), 2, 1), None);
        let also_late = order("3", "ann", -590, &[("A", 1)]);
        assert_eq!(enter(&all, &also_late, 3, 2).as_deref(), Some("1 +0"));
        assert_eq!(all.len(), 3);
        assert_eq!(
            enter(&all, &order("4", "ann", 500, &[("A", 1)]), 4, 500),
            None
        );
        assert_eq!(all.len(), 1, "all others are over");
        let off = watching(0);
        for sequence in 0..2 {
            assert_eq!(enter(&off, &late, sequence, 0), None);
        }
        assert_eq!(off.len(), 0);
    }

    #[test]
    fn one_is_compared_with_the_last_few_and_no_more() {
        let all = watching(60);
        for sequence in 0..40 {
            let next = order(&sequence.to_string(), "guest", 0, &[("A", 1)]);
            let found = enter(&all, &next, sequence, 0);
            let first = sequence.saturating_sub(16);
            let more = (sequence - first).saturating_sub(1);
            let expected = (sequence > 0).then(|| format!("{first} +{more}"));
            assert_eq!(found, expected);
        }
        assert_eq!(all.len(), 40, "those that are not compared are remembered");
    }

    #[test]
    fn one_that_has_left_is_not_looked_like() {
        let all = watching(60);
        let first = order("1", "ann", 0, &[("A", 1)]);
        enter(&all, &first, 1, 0);
        all.leave(Entering {
            order: &first,
            sequence: 1,
            accepted_at: EpochMillis(0),
        });
        assert_eq!(all.len(), 0);
        assert_eq!(enter(&all, &order("2", "ann", 1, &[("A", 1)]), 2, 1), None);
    }
}
