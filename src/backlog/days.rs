//! Days of locations that hand over so much a day only: what the orders of a problem may use of them
//! together.

use super::problem::{Kept, OpenOrder, Problem, units};
use crate::ledger::DayUse;
use crate::model::{EpochMillis, LocationId};
use crate::routing::{Lanes, Limit};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

    /// Takes shipments and units of it.
    fn take(&mut self, (shipments, units): (u32, u32)) {
        self.shipments = self.shipments.map(|most| most.saturating_sub(shipments));
        self.units = self.units.map(|most| most.saturating_sub(units));
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
        let mut others: BTreeMap<LocationId, Vec<&DayUse>> = BTreeMap::new();
        for other in used {
            others.entry(other.location).or_default().push(other);
        }
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
                let here = others.get(&location).into_iter().flatten();
                let mut theirs = (0u32, 0u32);
                for other in here.filter(|other| room.has(other.at)) {
                    theirs.0 = theirs.0.saturating_add(other.shipments);
                    theirs.1 = theirs.1.saturating_add(other.units);
                }
                room.take(theirs);
                room
            });
        };
        for (location, moments) in self.moments(limit) {
            for ready in moments {
                if let Some(ship_at) = lanes.hand_over(location, ready) {
                    open(location, ship_at);
                }
            }
            ahead(lanes, location, self.now, &mut open);
        }
        for kept in self.orders.iter().flat_map(|o| &o.today.shipments) {
            open(kept.location, kept.ship_at);
        }
        let mut rooms: Vec<DayRoom> = days.into_values().collect();
        let own = handed(&rooms, &self.orders);
        for (room, (shipments, units)) in rooms.iter_mut().zip(own) {
            room.shipments = room.shipments.map(|left| left.max(shipments));
            room.units = room.units.map(|left| left.max(units));
        }
        self.days = rooms;
    }

    /// By location with a limit: the moments at which units come to it, now included.
    fn moments(
        &self,
        limit: &dyn Fn(LocationId) -> Option<Limit>,
    ) -> BTreeMap<LocationId, BTreeSet<EpochMillis>> {
        let view = self.supply.view();
        // A location has many items, of which few arrive.
        let mut limited: HashMap<LocationId, bool> = HashMap::new();
        let mut moments: BTreeMap<LocationId, BTreeSet<EpochMillis>> = BTreeMap::new();
        for cell in (0..view.len()).flat_map(|line| view.cells(line)) {
            let location = cell.location;
            let known = limited.entry(location);
            if !*known.or_insert_with(|| limit(location).is_some()) {
                continue;
            }
            let of = moments.entry(location).or_default();
            let steps = view.later(cell).iter();
            of.insert(self.now);
            of.extend(steps.map(|step| step.from.max(self.now)));
        }
        moments
    }

    /// What some of the orders may use of the days while all others stay as they are.
    pub(super) fn days_for(&self, orders: &[usize]) -> Vec<DayRoom> {
        let some: BTreeSet<usize> = orders.iter().copied().collect();
        let all = self.orders.iter().enumerate();
        let others = all.filter(|(number, _)| !some.contains(number));
        let used = handed(&self.days, others.map(|(_, order)| order));
        let mut rooms = self.days.clone();
        rooms
            .iter_mut()
            .zip(used)
            .for_each(|(room, used)| room.take(used));
        rooms
    }
}

/// The day of a moment at a location; the rooms are by location and time.
pub(super) fn day_at(rooms: &[DayRoom], location: LocationId, at: EpochMillis) -> Option<usize> {
    let after = rooms.partition_point(|room| (room.location, room.from) <= (location, at));
    let day = after.checked_sub(1)?;
    let room = &rooms[day];
    (room.location == location && room.has(at)).then_some(day)
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

/// By day: the shipments and units that the orders hand over on it as they are.
fn handed<'o>(
    rooms: &[DayRoom],
    orders: impl IntoIterator<Item = &'o OpenOrder>,
) -> Vec<(u32, u32)> {
    let mut used = vec![(0u32, 0u32); rooms.len()];
    for kept in orders.into_iter().flat_map(|o| &o.today.shipments) {
        if let Some(day) = day_at(rooms, kept.location, kept.ship_at) {
            let (shipments, units) = &mut used[day];
            *shipments = shipments.saturating_add(1);
            *units = units.saturating_add(units_of(kept));
        }
    }
    used
}

fn units_of(kept: &Kept) -> u32 {
    let all: i64 = kept.lines.iter().map(|line| units(line.qty)).sum();
    u32::try_from(all).unwrap_or(u32::MAX)
}
