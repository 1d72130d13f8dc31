//! Which parts of which orders a location has to ship: those that may be handed out, the most urgent
//! first, and those that somebody has.
//!
//! Made from the orders, never written down. An order that is accepted only appends here; sorting is
//! left to whoever claims.

use crate::lifecycle::{FulfillmentOrder, State};
use crate::model::{EpochMillis, LocationId, Order};
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

#[derive(Debug, Default)]
struct Place {
    /// Not sorted yet.
    fresh: Vec<(Turn, Arc<Order>)>,
    waiting: Parts,
    /// Handed out and not yet with the carrier.
    held: Parts,
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
    pub(super) fn note(&self, location: LocationId, turn: Turn, order: &Arc<Order>, state: State) {
        self.at(location, |place| {
            place.sort();
            place.waiting.remove(&turn);
            place.held.remove(&turn);
            if state == State::Routed {
                place.waiting.insert(turn, order.clone());
            } else if state.with_holder() {
                place.held.insert(turn, order.clone());
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

    /// Parts that somebody has, the most urgent first.
    pub(super) fn held(&self, location: LocationId) -> Vec<(Turn, Arc<Order>)> {
        self.at(location, |place| {
            place.held.iter().map(|(t, o)| (*t, o.clone())).collect()
        })
    }

    /// Parts that may be handed out or that somebody has, the most urgent first, `most` of them.
    pub(super) fn all(&self, location: LocationId, most: usize) -> Vec<(Turn, Arc<Order>)> {
        let mut all: Vec<_> = self.at(location, |place| {
            place.sort();
            let held = place.held.iter().take(most);
            let both = held.chain(place.waiting.iter().take(most));
            both.map(|(t, o)| (*t, o.clone())).collect()
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
