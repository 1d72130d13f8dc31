//! Which parts of which orders a location has to ship: those that may be handed out, the most urgent
//! first, and those that somebody has.
//!
//! Made from the orders, never written down. An order that is accepted only appends here; sorting is
//! left to whoever claims.

use crate::lifecycle::{FulfillmentOrder, State};
use crate::model::{ClaimMode, EpochMillis, LocationId, Order};
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The order of handing out: what the carrier is to get first, then the higher priority, then the
/// older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    ship_at: EpochMillis,
    priority: Reverse<i32>,
    sequence: u64,
    pub(super) number: u32,
}

impl Turn {
    /// Of a part of an order with this place in the order of creation.
    pub(super) fn of(order: &Order, sequence: u64, ship_at: EpochMillis, number: u32) -> Self {
        Self {
            ship_at,
            priority: Reverse(order.priority),
            sequence,
            number,
        }
    }
}

type Parts = BTreeMap<Turn, Arc<Order>>;

/// A part that was handed out and is not acknowledged.
#[derive(Debug)]
struct Unheard {
    order: Arc<Order>,
    holder: Box<str>,
    /// From when on anybody may have it; `None` while only its holder may.
    free_at: Option<EpochMillis>,
}

#[derive(Debug, Default)]
struct Place {
    /// Not sorted yet.
    fresh: Vec<(Turn, Arc<Order>)>,
    waiting: Parts,
    unheard: BTreeMap<Turn, Unheard>,
    /// Acknowledged, or further, and not yet with the carrier.
    working: Parts,
}

impl Place {
    fn sort(&mut self) {
        self.waiting.extend(self.fresh.drain(..));
    }
}

/// Locks: two locations rarely share one.
const LOCKS: usize = 64;

type Places = Mutex<HashMap<LocationId, Place, RandomState>>;

/// By location.
#[derive(Debug)]
pub(super) struct Waiting {
    places: [Places; LOCKS],
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            places: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Waiting {
    fn at<T>(&self, location: LocationId, work: impl FnOnce(&mut Place) -> T) -> T {
        let mut places = self.places[location.index() % LOCKS].lock();
        work(places.entry(location).or_default())
    }

    /// A part that may be handed out.
    pub(super) fn add(&self, location: LocationId, turn: Turn, order: &Arc<Order>) {
        self.at(location, |place| place.fresh.push((turn, order.clone())));
    }

    /// Notes where a part stands after a change. Whoever changes the order has it locked.
    pub(super) fn note(
        &self,
        (location, turn): (LocationId, Turn),
        order: &Arc<Order>,
        part: &FulfillmentOrder,
    ) {
        let order = order.clone();
        self.at(location, |place| {
            place.sort();
            place.waiting.remove(&turn);
            place.unheard.remove(&turn);
            place.working.remove(&turn);
            match (part.state, &part.holder) {
                (State::Routed, _) => {
                    place.waiting.insert(turn, order);
                }
                (State::Sent, Some(holder)) => {
                    let waits = holder.mode == ClaimMode::AcknowledgeFirst;
                    let unheard = Unheard {
                        order,
                        holder: holder.name.clone(),
                        free_at: holder.lease_end.filter(|_| waits),
                    };
                    place.unheard.insert(turn, unheard);
                }
                (state, _) if state.with_holder() => {
                    place.working.insert(turn, order);
                }
                _ => {}
            }
        });
    }

    /// Takes the most urgent part out; `None` when nothing waits. Whoever takes it hands it out, or
    /// finds that it cannot be handed out any more.
    pub(super) fn take(&self, location: LocationId) -> Option<(Turn, Arc<Order>)> {
        self.at(location, |place| {
            place.sort();
            place.waiting.pop_first()
        })
    }

    /// Parts that `holder` was given and did not acknowledge, and those of others that are free
    /// again by now; the most urgent first, `most` of them.
    pub(super) fn unheard(
        &self,
        location: LocationId,
        holder: &str,
        now: EpochMillis,
        most: usize,
    ) -> Vec<(Turn, Arc<Order>)> {
        self.at(location, |place| {
            let his = |u: &Unheard| *u.holder == *holder || u.free_at.is_some_and(|at| at <= now);
            let all = place.unheard.iter().filter(|(_, u)| his(u)).take(most);
            all.map(|(turn, u)| (*turn, u.order.clone())).collect()
        })
    }

    /// Parts that may be handed out or that somebody has, the most urgent first, `most` of them.
    pub(super) fn all(&self, location: LocationId, most: usize) -> Vec<(Turn, Arc<Order>)> {
        let mut all: Vec<_> = self.at(location, |place| {
            place.sort();
            let unheard = place.unheard.iter().map(|(t, u)| (t, &u.order));
            let held = place.working.iter().take(most).chain(unheard.take(most));
            let all = held.chain(place.waiting.iter().take(most));
            all.map(|(turn, order)| (*turn, order.clone())).collect()
        });
        all.sort_unstable_by_key(|(turn, _)| *turn);
        all.truncate(most);
        all
    }

    /// How many parts may be handed out.
    pub(super) fn count(&self, location: LocationId) -> usize {
        self.at(location, |place| {
            place.sort();
            place.waiting.len()
        })
    }
}

/// The turn of a part, and where; `None` before it is routed.
pub(super) fn turn_of(
    order: &Order,
    sequence: u64,
    part: &FulfillmentOrder,
) -> Option<(LocationId, Turn)> {
    let route = part.route.as_ref()?;
    let turn = Turn::of(order, sequence, route.ship_at, part.id.number);
    Some((route.location, turn))
}
