//! Days on which a location has room for a shipment.
//!
//! A hand-over is on a day. Where a location may hand over so many shipments or units a day only, a
//! shipment waits for the first day with room for it. Where there is room for the whole order on the
//! first day nothing of this is asked: such a location is not *tight*.

use super::binding::Constraint;
use super::request::Job;
use crate::model::{EpochMillis, LocationId};
use smallvec::SmallVec;

/// Most hand-overs of one location and moment that are looked at.
const HANDOVERS_MAX: usize = 64;

/// Most that a location hands over on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    /// Shipments.
    pub shipments: Option<u32>,
    /// Units.
    pub units: Option<u32>,
}

/// A hand-over with what may still be handed over on its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handed {
    /// The latest moment that makes it.
    pub(super) ready: EpochMillis,
    pub(super) ship_at: EpochMillis,
    pub(super) room: Left,
}

/// What may still be handed over on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) shipments: u32,
    pub(super) units: u32,
}

impl Left {
    /// Where there is no limit.
    pub(super) const ANY: Self = Self {
        shipments: u32::MAX,
        units: u32::MAX,
    };
}

impl Job<'_> {
    /// Most shipments that a plan of the request has.
    fn shipments_max(&self) -> u32 {
        let most = u64::from(self.policy.max_shipments).min(self.units);
        u32::try_from(most).unwrap_or(u32::MAX)
    }

    fn limit(&self, location: usize) -> Option<Limit> {
        match self.lifted {
            Some(Constraint::Capacity) => None,
            _ if self.unlimited => None,
            _ => self.lanes.limit(super::lanes::location_id(location)),
        }
    }

    fn uses(&self, location: usize) -> &[crate::ledger::DayUse] {
        let days = self.request.days;
        let first = days.partition_point(|d| d.location.index() < location);
        let own = days[first..].partition_point(|d| d.location.index() == location);
        &days[first..first + own]
    }

    /// Whether some day of a location may not have room for all of the request.
    #[inline]
    pub(super) fn tight(&self, location: usize) -> bool {
        self.lanes.limited()
            && self
                .limit(location)
                .is_some_and(|l| self.presses(location, l))
    }

    fn presses(&self, location: usize, limit: Limit) -> bool {
        let (mut shipments, mut units) = (u64::from(self.shipments_max()), self.units);
        for used in self.uses(location) {
            shipments += u64::from(used.shipments);
            units += u64::from(used.units);
        }
        let over = |needed: u64, most: Option<u32>| most.is_some_and(|m| needed > u64::from(m));
        over(shipments, limit.shipments) || over(units, limit.units)
    }

    /// The hand-overs of a tight location for what is ready at a moment that have any room, up to one
    /// with room for everything, or to as many untouched days as a plan has shipments.
    pub(super) fn hand_overs(&self, location: usize, ready: EpochMillis) -> SmallVec<[Handed; 4]> {
        let mut found = SmallVec::new();
        let Some(limit) = self.limit(location) else {
            return found;
        };
        let hours = self.lanes.hours(&self.lanes.sites[location]);
        let shipments_max = self.shipments_max();
        let (mut ready, mut untouched) = (ready, 0);
        // By ascending moment, as the days are that are looked at: none is looked at twice.
        let mut uses = self.uses(location);
        for _ in 0..HANDOVERS_MAX {
            let Some((ship_at, day)) = hours.handover(ready) else {
                break;
            };
            ready = ship_at - hours.lead();
            let Some((from, until)) = hours.bounds(day) else {
                break;
            };
            while let [before, rest @ ..] = uses
                && before.at < from
            {
                uses = rest;
            }
            let today = uses.iter().take_while(|u| u.at < until);
            let (shipments, units) = today.fold((0u32, 0u32), |sum, u| {
                let more = sum.0.saturating_add(u.shipments);
                (more, sum.1.saturating_add(u.units))
            });
            let left = |most: Option<u32>, used| most.map_or(u32::MAX, |m| m.saturating_sub(used));
            let room = Left {
                shipments: left(limit.shipments, shipments),
                units: left(limit.units, units),
            };
            if room.shipments > 0 && room.units > 0 {
                found.push(Handed {
                    ready,
                    ship_at,
                    room,
                });
            }
            untouched += u32::from((shipments, units) == (0, 0));
            let all = room.shipments >= shipments_max && u64::from(room.units) >= self.units;
            if all || untouched >= shipments_max {
                break;
            }
            ready.0 += 1;
        }
        found
    }
}

/// The limit of a location of the network.
pub(super) fn limits(locations: &[crate::model::Location]) -> Vec<Option<Limit>> {
    let limit = |l: &crate::model::Location| {
        let limit = Limit {
            shipments: l.shipments_per_day,
            units: l.units_per_day,
        };
        Some(limit).filter(|l| *l != Limit::default())
    };
    let limits: Vec<Option<Limit>> = locations.iter().map(limit).collect();
    match limits.iter().any(Option::is_some) {
        true => limits,
        false => Vec::new(),
    }
}

impl super::Lanes {
    /// Whether any location may hand over so much a day only.
    #[inline]
    #[must_use]
    pub fn limited(&self) -> bool {
        !self.limits.is_empty()
    }

    /// Most that a location hands over on one day.
    #[inline]
    #[must_use]
    pub fn limit(&self, location: LocationId) -> Option<Limit> {
        self.limits.get(location.index()).copied().flatten()
    }

    /// When a location hands over what is ready at a moment; `None` beyond the calendar.
    #[must_use]
    pub fn hand_over(&self, location: LocationId, ready: EpochMillis) -> Option<EpochMillis> {
        let hours = self.hours(self.sites.get(location.index())?);
        hours.handover(ready).map(|(ship_at, _)| ship_at)
    }

    /// When the local day of a moment at a location begins and ends; `None` beyond the calendar.
    #[must_use]
    pub fn day_of(
        &self,
        location: LocationId,
        at: EpochMillis,
    ) -> Option<(EpochMillis, EpochMillis)> {
        let hours = self.hours(self.sites.get(location.index())?);
        hours.bounds(hours.date_of(at)?)
    }
}
