//! All orders by identity.

use super::cost::PartCosts;
use super::deadlines::Timer;
use super::fulfillment::FulfillmentOrder;
use super::order_state::OrderStatus;
use super::planned::planned;
use super::returns::Returns;
use super::states::State;
use crate::model::{Decision, EpochMillis, Order, OrderKey, Plan, Qty, SkuId};
use bincode::{Decode, Encode};
use dashmap::{DashMap, Entry};
use foldhash::fast::RandomState;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was decided of an order as a whole; where it stands by now, its parts say
/// ([`OrderRecord::status`]).
///
/// | from | to | by |
/// | --- | --- | --- |
/// | – | routed | submit: every unit is reserved in a shipment |
/// | – | backordered | submit: some units wait for supply |
/// | routed, backordered | cancelled | cancel: what it held is free |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum OrderState {
    /// Every unit is reserved in a shipment.
    Routed,
    /// Some units wait for supply; the others are reserved.
    Backordered,
    /// It will not be fulfilled; it holds nothing.
    Cancelled,
}

impl OrderState {
    /// Where an order with this plan begins.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        match plan.short.is_empty() {
            true => Self::Routed,
            false => Self::Backordered,
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routed => "routed",
            Self::Backordered => "backordered",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a changed order was before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Amendments {
    /// As it was placed.
    pub first: Arc<Order>,
    /// Every change, by its reference; the last is what the order is now.
    pub changes: Vec<(Box<str>, Arc<Order>)>,
}

/// An accepted order. `H` is what it holds, which only the engine can give back.
#[derive(Debug)]
pub struct OrderRecord<H> {
    /// What was bought, as it is wanted now.
    pub order: Arc<Order>,
    /// The SKUs of the plan's demands, in their order.
    pub demands: Arc<[SkuId]>,
    /// What was decided when it was accepted, or changed the last time.
    pub decision: Arc<Decision>,
    /// When it was accepted.
    pub accepted_at: EpochMillis,
    /// Where it stood when it was accepted, or that it was cancelled.
    pub state: OrderState,
    /// Its fulfilment orders; none while nothing has happened to any: then they are as planned.
    pub parts: Vec<FulfillmentOrder>,
    /// What its parts cost, by their numbers, once that is known of any.
    pub costs: BTreeMap<u32, PartCosts>,
    /// What came back of it, or may; few orders have any.
    pub returns: Option<Box<Returns>>,
    /// What it holds; gone once cancelled.
    pub holding: Option<H>,
    /// What it was before its sender changed it; `None` when he never did.
    pub amended: Option<Box<Amendments>>,
    /// Units that wait for supply, by SKU. Follows from the parts; kept so that a change of them is
    /// noticed.
    pub waits: Box<[(SkuId, Qty)]>,
    /// When it is due next.
    pub watched: Watched,
    /// Whether its shipments count against the days of their locations.
    pub counted: bool,
}

/// Where an order is among those that are watched for time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Watched {
    /// Under which number; `None` before it ever had a deadline.
    pub place: Option<u32>,
    /// Its deadline.
    pub timer: Option<Timer>,
    /// Up to when it has been looked at: nothing is due twice.
    pub looked: EpochMillis,
}

impl<H> OrderRecord<H> {
    /// Where it stands, by its parts.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        if !self.parts.is_empty() {
            return match (OrderStatus::of(&self.parts), self.state) {
                // Nobody wants a place for them any more.
                (OrderStatus::Unplaced, OrderState::Cancelled) => {
                    OrderStatus::All(State::Cancelled)
                }
                (status, _) => status,
            };
        }
        OrderStatus::All(match self.state {
            OrderState::Routed => State::Routed,
            OrderState::Backordered => State::Backordered,
            OrderState::Cancelled => State::Cancelled,
        })
    }

    /// Its fulfilment orders, as they are or as planned.
    #[must_use]
    pub fn parts(&self) -> Cow<'_, [FulfillmentOrder]> {
        match self.parts.is_empty() {
            false => Cow::Borrowed(&self.parts),
            true => Cow::Owned(self.planned()),
        }
    }

    /// Its fulfilment orders, kept from now on.
    pub fn parts_mut(&mut self) -> &mut Vec<FulfillmentOrder> {
        if self.parts.is_empty() {
            self.parts = self.planned();
        }
        &mut self.parts
    }

    /// Whether its sender has said this content of it before: when he placed it, or with any change.
    /// All of them stand for the same order, so a late repeat of each is answered, not refused.
    #[must_use]
    pub fn knows(&self, order: &Order) -> bool {
        let same = |known: &Order| known.differing_fields(order).is_empty();
        let before = |amended: &Amendments| {
            let mut changes = amended.changes.iter();
            same(&amended.first) || changes.any(|(_, known)| same(known))
        };
        same(&self.order) || self.amended.as_deref().is_some_and(before)
    }

    /// What was said under a reference of a change.
    #[must_use]
    pub fn amendment(&self, reference: &str) -> Option<&Arc<Order>> {
        let mut changes = self.amended.as_deref()?.changes.iter();
        let found = changes.find(|(known, _)| **known == *reference);
        found.map(|(_, order)| order)
    }

    /// Is what its sender wants now.
    pub fn amend(&mut self, reference: &str, order: &Arc<Order>) {
        let first = &self.order;
        let amended = self.amended.get_or_insert_with(|| {
            Box::new(Amendments {
                first: first.clone(),
                changes: Vec::new(),
            })
        });
        amended.changes.push((reference.into(), order.clone()));
        self.order = order.clone();
    }

    /// Units of its parts that wait for supply now, by SKU.
    #[must_use]
    pub fn waiting(&self) -> Box<[(SkuId, Qty)]> {
        // Of one that is all as planned the plan says whether anything waits.
        let nothing = match self.parts.is_empty() {
            true => self.state != OrderState::Backordered,
            false => self.state == OrderState::Cancelled,
        };
        if nothing {
            return Box::default();
        }
        let mut all: Vec<(SkuId, Qty)> = Vec::new();
        let parts = self.parts();
        for part in parts.iter().filter(|part| part.waits()) {
            for line in &part.lines {
                let qty = part.may_give_up(line);
                match all.iter_mut().find(|(sku, _)| *sku == line.sku) {
                    Some((_, sum)) => *sum += qty,
                    None => all.push((line.sku, qty)),
                }
            }
        }
        all.retain(|(_, qty)| !qty.is_zero());
        all.into()
    }

    fn planned(&self) -> Vec<FulfillmentOrder> {
        planned(&self.order, &self.demands, &self.decision, self.accepted_at)
    }
}

/// What a submission finds.
pub enum Submission<'b, H> {
    /// Nobody has submitted this identity. It is ours until the place is filled or dropped.
    New(NewOrder<'b, H>),
    /// It was accepted before with the same content, or changed to it: its record.
    Known(dashmap::mapref::one::Ref<'b, OrderKey, Box<OrderRecord<H>>>),
    /// It was accepted before with other content: the fields that differ.
    Differs(Vec<&'static str>),
}

/// The place of an order that is being accepted; others who submit it wait.
pub struct NewOrder<'b, H>(dashmap::VacantEntry<'b, OrderKey, Box<OrderRecord<H>>>);

impl<H> NewOrder<'_, H> {
    /// Accepts the order.
    pub fn accept(self, record: OrderRecord<H>) {
        self.0.insert(Box::new(record));
    }
}

/// How often the records of several orders are tried to be locked together.
const LOCK_TRIES_MAX: usize = 10_000;

/// Shows one of several records; tells whether it is there.
type With<'s, H> = dyn FnMut(usize, &mut dyn FnMut(&mut OrderRecord<H>)) -> bool + 's;

/// Records of several orders, locked together.
pub struct Several<'a, 's, H> {
    with: &'a mut With<'s, H>,
}

impl<H> Several<'_, '_, H> {
    /// Changes one of them; `None` where there is no such order.
    pub fn change<T>(
        &mut self,
        at: usize,
        change: impl FnOnce(&mut OrderRecord<H>) -> T,
    ) -> Option<T> {
        let mut change = Some(change);
        let mut done = None;
        (self.with)(at, &mut |record| {
            done = change.take().map(|change| change(record))
        });
        done
    }
}

/// All orders by identity.
#[derive(Debug)]
pub struct OrderBook<H> {
    /// Records apart from their places: a shard that grows moves places only, and the room that it
    /// has to spare is small.
    orders: DashMap<OrderKey, Box<OrderRecord<H>>, RandomState>,
}

impl<H> Default for OrderBook<H> {
    fn default() -> Self {
        // Many shards, since a shard stays locked while one of its orders is routed.
        Self {
            orders: DashMap::with_hasher_and_shard_amount(RandomState::default(), 1024),
        }
    }
}

impl<H> OrderBook<H> {
    /// Looks an order up, or claims its place.
    pub fn submit(&self, order: &Order) -> Submission<'_, H> {
        match self.orders.entry(order.key.clone()) {
            Entry::Vacant(place) => Submission::New(NewOrder(place)),
            Entry::Occupied(known) => {
                if known.get().knows(order) {
                    return Submission::Known(known.into_ref().downgrade());
                }
                Submission::Differs(known.get().order.differing_fields(order))
            }
        }
    }

    /// Reads an order's record.
    pub fn read<T>(&self, key: &OrderKey, read: impl FnOnce(&OrderRecord<H>) -> T) -> Option<T> {
        self.orders.get(key).map(|record| read(&record))
    }

    /// Changes an order's record; nobody else sees it meanwhile.
    pub fn change<T>(
        &self,
        key: &OrderKey,
        change: impl FnOnce(&mut OrderRecord<H>) -> T,
    ) -> Option<T> {
        self.orders
            .get_mut(key)
            .map(|mut record| change(&mut record))
    }

    /// Changes several orders' records together; nobody else sees any of them meanwhile. `None` where
    /// one of them stays busy. Nobody who waits for a record holds another, so trying is only for
    /// those who change several.
    pub fn change_all<T>(
        &self,
        keys: &[&OrderKey],
        change: impl FnOnce(&mut Several<'_, '_, H>) -> T,
    ) -> Option<T> {
        let hashes: Vec<usize> = keys.iter().map(|key| self.orders.hash_usize(key)).collect();
        let shard_of = |hash: usize| self.orders.determine_shard(hash);
        let mut shards: Vec<usize> = hashes.iter().map(|&hash| shard_of(hash)).collect();
        shards.sort_unstable();
        shards.dedup();
        let all = self.orders.shards();
        'tries: for _ in 0..LOCK_TRIES_MAX {
            let mut guards = Vec::with_capacity(shards.len());
            for &shard in &shards {
                let Some(guard) = all[shard].try_write() else {
                    drop(guards);
                    std::thread::yield_now();
                    continue 'tries;
                };
                guards.push(guard);
            }
            let mut with = |at: usize, see: &mut dyn FnMut(&mut OrderRecord<H>)| {
                let Ok(place) = shards.binary_search(&shard_of(hashes[at])) else {
                    return false;
                };
                let found = guards[place].get_mut(hashes[at] as u64, |(key, _)| key == keys[at]);
                found.map(|(_, record)| see(record.get_mut())).is_some()
            };
            return Some(change(&mut Several { with: &mut with }));
        }
        None
    }

    /// Every order's record.
    pub fn for_each(&self, mut see: impl FnMut(&OrderRecord<H>)) {
        for record in &self.orders {
            see(&record);
        }
    }

    /// Every order's record, to change.
    pub fn change_each(&self, mut change: impl FnMut(&mut OrderRecord<H>)) {
        for mut record in self.orders.iter_mut() {
            change(&mut record);
        }
    }

    /// Number of orders that were ever accepted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether no order was accepted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }
}
