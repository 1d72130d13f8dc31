//! The proof of this room for a search that knows exactly what each set of places costs: see `divide`.

use super::super::cargo::Load;
use super::super::departures::Departures;
use super::super::request::Job;
use super::costs::{Costs, PARTS, Under, under};
use super::offers::{Offer, Offers};
use super::prove::Aim;
use super::stairs::Shipped;
use crate::model::EpochMillis;

/// Millionths of a cent in a cent.
const MICRO: i64 = 1_000_000;
/// Most cells of what each place has of each demand: the work of the proof grows with them.
const CELLS_MAX: u64 = 600_000;

/// A location and a hand-over that one shipment may leave at.
#[derive(Debug, Clone)]
pub(in super::super) struct Place {
    pub(in super::super) location: u16,
    pub(in super::super) ready: EpochMillis,
    pub(in super::super) departure: u32,
    /// Handling of the shipment.
    pub(in super::super) handling: i64,
    /// Handling of each different item in it.
    pub(in super::super) per_line: i64,
    /// By ascending demand: units that are there by then (of a demand that may not be divided all or
    /// none), and cents of handling and scarcity for one unit.
    pub(in super::super) goods: Vec<(u16, u32, i64)>,
    /// A line under what carrying costs, where it is known.
    pub(in super::super) line: Option<Under>,
}

impl Place {
    fn offer(self) -> Offer {
        Offer {
            location: self.location,
            ready: self.ready,
            departure: self.departure,
            handling: self.handling,
            per_line: self.per_line,
            goods: self.goods,
        }
    }
}

/// Looks at every set of places that a plan of at most the cost of the best one known may have, and
/// returns what no plan costs less than that leaves at places of another set, in cents; `None` where
/// the places are too many or the amounts too large to count with.
///
/// `lost` are the units of each demand that no plan ships, `best` is the cost of the best plan known
/// without those, and `plan` is asked to find the cheapest plan with a set of places, told what none of them
/// costs less than, and returns the cost of the best one known by then, likewise. Where it returns less than
/// that, nothing dearer is looked at, and what is returned is no more. Plans that cost as much as the best one
/// known are looked for where `equal` says so. `above` tells by how many millionths of a cent so many shipments cost
/// more than their lines say, from one shipment on, where all of the demands ship that it is told.
pub(in super::super) fn settle(
    job: &Job<'_>,
    departures: &Departures,
    (places, divisible, lost): (Vec<Place>, Vec<bool>, Vec<u32>),
    (best, equal): (i64, bool),
    above: impl FnOnce(&[bool]) -> Vec<i64>,
    mut plan: impl FnMut(&[usize], i64) -> i64,
) -> Option<i64> {
    let lines: Vec<_> = places.iter().map(|place| place.line).collect();
    let rows = places.into_iter().map(Place::offer).collect();
    let offers = Offers::of(rows, divisible, lost);
    if offers.cells() > CELLS_MAX {
        return None;
    }
    let costs = Costs::with_lines(job, &offers, departures, &lines)?;
    let number = |&open: &usize| u32::try_from(open).unwrap_or(u32::MAX);
    let aim = if equal { Aim::Equal } else { Aim::Better };
    let priced = |set: &[usize], _: &[Shipped]| {
        let open: Vec<u32> = set.iter().map(number).collect();
        let least = costs.least(&open) - costs.split;
        plan(set, least.div_euclid(PARTS))
    };
    let above = above(&costs.able[..costs.demands]);
    let above = above.iter().map(|&above| above / (MICRO / PARTS));
    Some(costs.search(best, Some(priced), (aim, above.collect())))
}

/// A line under what carrying costs at a hand-over of a location: cents at the least, and millionths of
/// a cent for every gram.
pub(in super::super) fn lower_line(
    job: &Job<'_>,
    departures: &Departures,
    (location, departure): (u16, u32),
    all: Load,
) -> (i64, i128) {
    let offer = Offer {
        location,
        ready: departures.get(departure).ready,
        departure,
        handling: 0,
        per_line: 0,
        goods: Vec::new(),
    };
    under(job, &offer, departures, all)
}
