//! Days of locations: what every accepted shipment uses of the day on which it is handed over.
//!
//! Counted only where the network limits some location. What an order uses follows from its record:
//! every part that is not cancelled or rejected is one shipment with the units that it was made for.
//! It is taken in the step that reserves the units, and given back in the one that ends the part. So
//! nothing of it is written down; a start, or the first limit of a network, counts all orders anew.

use super::Engine;
use crate::ledger::{DayUse, Reservation, Room, StockView};
use crate::lifecycle::{FulfillmentOrder, OrderRecord, State};
use crate::model::{EpochMillis, LocationId, NewPart, Plan, Shipment};
use crate::routing::Lanes;
use smallvec::SmallVec;

/// Rooms of a plan.
pub(super) type Rooms = SmallVec<[Room; 3]>;

impl Engine {
    /// The rooms that a plan needs; none where nothing is counted. Whoever asks holds a pass until the
    /// order is remembered.
    pub(super) fn rooms(&self, plan: &Plan) -> Rooms {
        if !self.ledger.days().counting() {
            return Rooms::new();
        }
        let lanes = self.lanes.load();
        plan.shipments.iter().map(|s| room(&lanes, s)).collect()
    }

    /// The rooms that new parts of a locked order need. None while the order is not counted: when
    /// counting has just begun it will be, with the parts that it has then.
    pub(super) fn rooms_of_parts(
        &self,
        record: &OrderRecord<Reservation>,
        parts: &[NewPart],
    ) -> Rooms {
        if !record.counted {
            return Rooms::new();
        }
        let lanes = self.lanes.load();
        let routed = parts.iter().filter_map(|part| {
            let route = part.route.as_ref()?;
            let units = part.lines.iter().map(|l| u64::from(l.1.0)).sum::<u64>();
            Some(room_of(&lanes, (route.location, route.ship_at), units))
        });
        routed.collect()
    }

    /// Counts the parts of an order that gave units up as they are now; new ones are counted already.
    pub(super) fn recount_old(
        &self,
        record: &OrderRecord<Reservation>,
        before: &[DayUse],
        new: &[NewPart],
        now: EpochMillis,
    ) {
        if !record.counted {
            return;
        }
        for gone in before {
            self.ledger.days().remove(gone);
        }
        let is_new = |part: &&FulfillmentOrder| new.iter().any(|n| n.number == part.id.number);
        for part in record.parts.iter().filter(|part| !is_new(part)) {
            if let Some(used) = used(part) {
                self.ledger.days().add(&used, now);
            }
        }
    }

    /// What the locations with a limit hand over from today on, as far as they hold anything of a
    /// view.
    pub(super) fn list_days(
        &self,
        lanes: &Lanes,
        view: &StockView,
        now: EpochMillis,
        into: &mut Vec<DayUse>,
    ) {
        into.clear();
        if !lanes.limited() {
            return;
        }
        let limited = limited_in(lanes, view);
        // The day of a hand-over today may have begun by its other hand-overs.
        let from = now - crate::model::Millis::from_hours(26);
        self.ledger.days().list(limited.into_iter(), from, into);
        // Today has begun, so only of moments before now it has to be asked where today begins.
        into.retain(|used| {
            used.at >= now
                || lanes
                    .day_of(used.location, now)
                    .is_none_or(|(begin, _)| used.at >= begin)
        });
    }

    /// Counts what every order hands over, from now on and from before. Whoever asks holds no pass.
    pub(super) fn count_days(&self, now: EpochMillis) {
        if !self.ledger.days().counting() {
            // Nobody passes meanwhile: an order is accepted counted or not, and those that are not
            // are in the book from here on.
            let closed = self.gate.close();
            self.ledger.days().begin();
            drop(closed);
            self.orders.change_each(|record| {
                if !record.counted {
                    record.counted = true;
                    for used in record.parts().iter().filter_map(used) {
                        self.ledger.days().add(&used, now);
                    }
                }
            });
        }
    }

    /// Counts a part of an order as it is now instead of as it was.
    pub(super) fn recount(
        &self,
        record: &OrderRecord<Reservation>,
        after: &FulfillmentOrder,
        now: EpochMillis,
    ) {
        if !record.counted {
            return;
        }
        let parts = record.parts();
        let before = parts.iter().find(|p| p.id == after.id).and_then(used);
        let after = used(after);
        if before != after {
            if let Some(before) = before {
                self.ledger.days().remove(&before);
            }
            if let Some(after) = after {
                self.ledger.days().add(&after, now);
            }
        }
    }
}

/// The locations with a limit that hold anything of a view, ascending.
pub(super) fn limited_in(lanes: &Lanes, view: &StockView) -> SmallVec<[LocationId; 32]> {
    // A bit for each location: asked for every order, and cheaper than sorting what all lines name.
    let mut held: SmallVec<[u64; 32]> = SmallVec::from_elem(0, lanes.locations().div_ceil(64));
    for line in 0..view.len() {
        for cell in view.cells(line) {
            let at = cell.location.index();
            if let Some(word) = held.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
    }
    let mut limited = SmallVec::new();
    for (at, mut word) in held.into_iter().enumerate() {
        while word != 0 {
            let location = LocationId::from_index(at * 64 + word.trailing_zeros() as usize);
            limited.extend(location.filter(|&l| lanes.limit(l).is_some()));
            word &= word - 1;
        }
    }
    limited
}

/// What the parts of an order hand over; nothing where they are not counted.
pub(super) fn used_by(record: &OrderRecord<Reservation>) -> Vec<DayUse> {
    match record.counted {
        true => record.parts().iter().filter_map(used).collect(),
        false => Vec::new(),
    }
}

/// Takes an order's own use out of what is handed over.
pub(super) fn without(days: &mut [DayUse], own: &[DayUse]) {
    for gone in own {
        let same = |d: &&mut DayUse| (d.location, d.at) == (gone.location, gone.at);
        if let Some(day) = days.iter_mut().find(same) {
            day.shipments = day.shipments.saturating_sub(gone.shipments);
            day.units = day.units.saturating_sub(gone.units);
        }
    }
}

/// What a part of an order hands over.
fn used(part: &FulfillmentOrder) -> Option<DayUse> {
    let route = part.route.as_ref()?;
    let ships = !matches!(part.state, State::Cancelled | State::Rejected);
    let units: u64 = part
        .lines
        .iter()
        .map(|l| u64::from(l.units.ordered.0))
        .sum();
    ships.then(|| DayUse {
        location: route.location,
        at: route.ship_at,
        shipments: 1,
        units: u32::try_from(units).unwrap_or(u32::MAX),
    })
}

fn room(lanes: &Lanes, shipment: &Shipment) -> Room {
    let units: u64 = shipment.lines.iter().map(|l| u64::from(l.qty.0)).sum();
    room_of(lanes, (shipment.location, shipment.ship_at), units)
}

fn room_of(lanes: &Lanes, (location, at): (LocationId, EpochMillis), units: u64) -> Room {
    let limit = lanes.limit(location).unwrap_or_default();
    let (from, until) = lanes.day_of(location, at).unwrap_or((at, at));
    Room {
        wanted: DayUse {
            location,
            at,
            shipments: 1,
            units: u32::try_from(units).unwrap_or(u32::MAX),
        },
        from,
        until,
        shipments: limit.shipments,
        units: limit.units,
    }
}
