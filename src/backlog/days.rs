//! Days of locations that hand over so much a day only: what the orders of a problem may use of them
//! together.

use super::problem::{Kept, OpenOrder, Problem, units};
use crate::ledger::DayUse;
use crate::model::{EpochMillis, LocationId};
use crate::routing::{Lanes, Limit};
use std::collections::{BTreeMap, BTreeSet};

/// Working days of a location that an order may wait for when those before are full. Whatever must wait
/// longer stays as it is, or waits for supply.
const DAYS_AHEAD: usize = 5;

/// A day of a location, and what may be handed over on it by the orders of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRoom {
    /// Where.
    pub location: LocationId,
    /// The latest moment at which units must be there to be handed over on that day.
    pub ready: EpochMillis,
    /// When the local day begins …
    pub from: EpochMillis,
    /// … and when the next one does.
    pub until: EpochMillis,
    /// Shipments, where they are limited.
    pub shipments: Option<u32>,
    /// Units, where they are limited.
    pub units: Option<u32>,
}

impl DayRoom {
    /// Whether a moment is within the day.
    #[must_use]
    pub fn has(&self, at: EpochMillis) -> bool {
        self.from <= at && at < self.until
    }
}

impl Problem {
    /// Opens the days of all locations with a limit: every one on which an order's units, as they are
    /// or as they arrive, can be handed over, and some more. `used` is what others hand over. Where the
    /// orders use more of a day than there is, they may keep that among themselves.
    pub fn open_days(
        &mut self,
        lanes: &Lanes,
        limit: &dyn Fn(LocationId) -> Option<Limit>,
        used: &[DayUse],
    ) {
        let mut days: BTreeMap<(LocationId, EpochMillis), DayRoom> = BTreeMap::new();
        let mut open = |location: LocationId, ship_at: EpochMillis| {
            let (Some(limit), Some((from, until))) =
                (limit(location), lanes.day_of(location, ship_at))
            else {
                return;
            };
            days.entry((location, from)).or_insert_with(|| {
                let mut room = DayRoom {
                    location,
                    ready: lanes.needed_by(location, ship_at),
                    from,
                    until,
                    shipments: limit.shipments,
                    units: limit.units,
                };
                let here = used
                    .iter()
                    .filter(|u| u.location == location && room.has(u.at));
                let mut theirs = (0u32, 0u32);
                for other in here {
                    theirs.0 = theirs.0.saturating_add(other.shipments);
                    theirs.1 = theirs.1.saturating_add(other.units);
                }
                room.shipments = room.shipments.map(|most| most.saturating_sub(theirs.0));
                room.units = room.units.map(|most| most.saturating_sub(theirs.1));
                room
            });
        };
        let view = self.supply.view();
        for line in 0..view.len() {
            for cell in view.cells(line) {
                if limit(cell.location).is_none() {
                    continue;
                }
                let steps = view.later(cell).iter().map(|step| step.from);
                for from in std::iter::once(self.now).chain(steps) {
                    let ready = from.max(self.now);
                    if let Some(ship_at) = lanes.hand_over(cell.location, ready) {
                        open(cell.location, ship_at);
                    }
                }
                ahead(lanes, cell.location, self.now, &mut open);
            }
        }
        for kept in self.orders.iter().flat_map(|o| &o.today.shipments) {
            open(kept.location, kept.ship_at);
        }
        for room in days.values_mut() {
            let (shipments, units) = own(&self.orders, room);
            room.shipments = room.shipments.map(|left| left.max(shipments));
            room.units = room.units.map(|left| left.max(units));
        }
        self.days = days.into_values().collect();
    }
}

impl Problem {
    /// What some of the orders may use of the days while all others stay as they are.
    pub(super) fn days_for(&self, orders: &[usize]) -> Vec<DayRoom> {
        let some: BTreeSet<usize> = orders.iter().copied().collect();
        let room = |day: &DayRoom| {
            let all = self.orders.iter().enumerate();
            let others = all.filter(|(number, _)| !some.contains(number));
            let (shipments, units) = own(others.map(|(_, order)| order), day);
            DayRoom {
                shipments: day.shipments.map(|most| most.saturating_sub(shipments)),
                units: day.units.map(|most| most.saturating_sub(units)),
                ..*day
            }
        };
        self.days.iter().map(room).collect()
    }
}

/// The next working days of a location.
fn ahead(
    lanes: &Lanes,
    location: LocationId,
    now: EpochMillis,
    open: &mut impl FnMut(LocationId, EpochMillis),
) {
    let mut ready = now;
    for _ in 0..DAYS_AHEAD {
        let Some(ship_at) = lanes.hand_over(location, ready) else {
            return;
        };
        open(location, ship_at);
        ready = lanes.needed_by(location, ship_at);
        ready.0 += 1;
    }
}

/// What the orders hand over on a day as they are.
fn own<'o>(orders: impl IntoIterator<Item = &'o OpenOrder>, room: &DayRoom) -> (u32, u32) {
    let mut sum = (0u32, 0u32);
    for kept in orders.into_iter().flat_map(|o| &o.today.shipments) {
        if kept.location == room.location && room.has(kept.ship_at) {
            sum.0 = sum.0.saturating_add(1);
            sum.1 = sum.1.saturating_add(units_of(kept));
        }
    }
    sum
}

fn units_of(kept: &Kept) -> u32 {
    let all: i64 = kept.lines.iter().map(|line| units(line.qty)).sum();
    u32::try_from(all).unwrap_or(u32::MAX)
}
