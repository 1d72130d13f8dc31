//! How much every location has promised to hand over on which day.
//!
//! Nothing is counted until some location has a limit. From then on every accepted shipment counts
//! at its moment of hand-over, from the step that reserves its units until nothing of it ships; which
//! moments are of one day the caller says, who knows the calendar. What is counted follows from the
//! orders alone, so it is written nowhere and counted anew at every start.
//!
//! One lock for all: it is held for a few dozen nanoseconds, and is the last that anybody takes.

use crate::model::{EpochMillis, LocationId, Millis};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Moments of a location that are kept before those long past are dropped.
const MOMENTS_MAX: usize = 64;
/// How long past.
const KEPT: Millis = Millis::from_hours(24 * 7);

/// What is handed over at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayUse {
    /// Where.
    pub location: LocationId,
    /// When: the cut-off that it makes.
    pub at: EpochMillis,
    /// How many shipments.
    pub shipments: u32,
    /// How many units are in them.
    pub units: u32,
}

/// What a plan asks of one day of a location.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// What it hands over.
    pub wanted: DayUse,
    /// When the local day begins …
    pub from: EpochMillis,
    /// … and when the next one does.
    pub until: EpochMillis,
    /// Most shipments of that day.
    pub shipments: Option<u32>,
    /// Most units of that day.
    pub units: Option<u32>,
}

/// By moment: shipments and units.
type Place = BTreeMap<EpochMillis, (u64, u64)>;

/// What all locations hand over.
#[derive(Debug, Default)]
pub struct Days {
    counting: AtomicBool,
    places: Mutex<Vec<Place>>,
}

impl Days {
    /// Whether anything is counted.
    #[inline]
    #[must_use]
    pub fn counting(&self) -> bool {
        self.counting.load(Ordering::Acquire)
    }

    /// Counts from now on.
    pub fn begin(&self) {
        self.counting.store(true, Ordering::Release);
    }

    /// Counts all of `rooms`, or nothing and names a location without room for its own.
    ///
    /// # Errors
    /// That location.
    pub fn take(&self, rooms: &[Room], now: EpochMillis) -> Result<(), LocationId> {
        take(&mut self.places.lock(), rooms, now)
    }

    /// Counts `rooms` instead of what was given back, or changes nothing.
    ///
    /// # Errors
    /// A location without room for its own.
    pub fn exchange(
        &self,
        given_back: &[DayUse],
        rooms: &[Room],
        now: EpochMillis,
    ) -> Result<(), LocationId> {
        let mut places = self.places.lock();
        for gone in given_back {
            remove(&mut places, gone);
        }
        let taken = take(&mut places, rooms, now);
        if taken.is_err() {
            for gone in given_back {
                add(place(&mut places, gone.location), gone, now);
            }
        }
        taken
    }

    /// Takes an exchange back.
    pub fn undo(&self, given_back: &[DayUse], rooms: &[Room], now: EpochMillis) {
        let mut places = self.places.lock();
        for room in rooms {
            remove(&mut places, &room.wanted);
        }
        for gone in given_back {
            add(place(&mut places, gone.location), gone, now);
        }
    }

    /// Counts what is handed over whether or not there is room.
    pub fn add(&self, wanted: &DayUse, now: EpochMillis) {
        let mut places = self.places.lock();
        add(place(&mut places, wanted.location), wanted, now);
    }

    /// What was counted is handed over no more.
    pub fn remove(&self, wanted: &DayUse) {
        remove(&mut self.places.lock(), wanted);
    }

    /// Appends what `locations` hand over from a moment on, each by ascending moment.
    pub fn list(
        &self,
        locations: impl Iterator<Item = LocationId>,
        from: EpochMillis,
        into: &mut Vec<DayUse>,
    ) {
        let places = self.places.lock();
        for location in locations {
            let Some(place) = places.get(location.index()) else {
                continue;
            };
            into.extend(place.range(from..).map(|(&at, &(shipments, units))| {
                let most = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
                let (shipments, units) = (most(shipments), most(units));
                DayUse {
                    location,
                    at,
                    shipments,
                    units,
                }
            }));
        }
    }
}

fn take(places: &mut Vec<Place>, rooms: &[Room], now: EpochMillis) -> Result<(), LocationId> {
    for (at, room) in rooms.iter().enumerate() {
        let place = place(places, room.wanted.location);
        if !fits(place, room) {
            for taken in &rooms[..at] {
                remove(places, &taken.wanted);
            }
            return Err(room.wanted.location);
        }
        add(place, &room.wanted, now);
    }
    Ok(())
}

fn place(places: &mut Vec<Place>, location: LocationId) -> &mut Place {
    if places.len() <= location.index() {
        places.resize_with(location.index() + 1, Place::default);
    }
    &mut places[location.index()]
}

fn fits(place: &Place, room: &Room) -> bool {
    let used = place.range(room.from..room.until);
    let (shipments, units) = used.fold((0, 0), |sum, (_, n)| (sum.0 + n.0, sum.1 + n.1));
    let within = |used: u64, wanted: u32, most: Option<u32>| {
        most.is_none_or(|most| used + u64::from(wanted) <= u64::from(most))
    };
    within(shipments, room.wanted.shipments, room.shipments)
        && within(units, room.wanted.units, room.units)
}

fn add(place: &mut Place, wanted: &DayUse, now: EpochMillis) {
    if place.len() >= MOMENTS_MAX {
        *place = place.split_off(&(now - KEPT));
    }
    let (shipments, units) = place.entry(wanted.at).or_default();
    *shipments += u64::from(wanted.shipments);
    *units += u64::from(wanted.units);
}

fn remove(places: &mut [Place], wanted: &DayUse) {
    let Some(place) = places.get_mut(wanted.location.index()) else {
        return;
    };
    // Gone already where it is long past.
    if let Some((shipments, units)) = place.get_mut(&wanted.at) {
        *shipments = shipments.saturating_sub(u64::from(wanted.shipments));
        *units = units.saturating_sub(u64::from(wanted.units));
        if (*shipments, *units) == (0, 0) {
            place.remove(&wanted.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(at: i64, shipments: u32, units: u32) -> Room {
        Room {
            wanted: DayUse {
                location: LocationId(3),
                at: EpochMillis(at),
                shipments,
                units,
            },
            from: EpochMillis(100),
            until: EpochMillis(200),
            shipments: Some(3),
            units: Some(10),
        }
    }

    #[test]
    fn a_day_takes_what_fits_and_all_rooms_or_none() {
        let days = Days::default();
        let now = EpochMillis(0);
        assert_eq!(days.take(&[room(150, 1, 6), room(120, 1, 3)], now), Ok(()));
        // Two that only one of fits in take nothing.
        let two = [room(150, 1, 1), room(150, 1, 1)];
        assert_eq!(days.take(&two, now), Err(LocationId(3)));
        assert_eq!(days.take(&two[..1], now), Ok(()));
        assert_eq!(days.take(&[room(130, 1, 0)], now), Err(LocationId(3)));
        days.remove(&room(120, 1, 3).wanted);
        assert_eq!(days.take(&[room(130, 1, 3)], now), Ok(()));
        let mut list = Vec::new();
        days.list([LocationId(3)].into_iter(), EpochMillis(131), &mut list);
        assert_eq!(
            list,
            [DayUse {
                units: 7,
                ..room(150, 2, 0).wanted
            }]
        );
    }
}
