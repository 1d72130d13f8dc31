//! What each location and hand-over can ship of a large order.

use super::super::candidates::Seen;
use super::super::cargo::Load;
use super::super::departures::Departures;
use super::super::lanes::{finite, location_id};
use super::super::request::Job;
use super::super::tariff::{NEVER, Parcels};
use crate::ledger::Cell;
use crate::model::{EpochMillis, Qty, RejectedReason};

/// Most hand-overs of one location that are looked at.
const HANDOVERS_MAX: usize = 8;

/// A location and a hand-over.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) location: u16,
    pub(super) ready: EpochMillis,
    pub(super) departure: u32,
    /// Handling of the shipment.
    pub(super) handling: i64,
    /// Handling of each different item in it.
    pub(super) per_line: i64,
    /// By ascending demand: units that are there by then (of a demand that may not be divided all
    /// or none), and cents of handling and scarcity for one unit.
    pub(super) goods: Vec<(u16, u32, i64)>,
}

/// What the stock says about a large order.
#[derive(Debug, Default)]
pub(super) struct Offers {
    pub(super) rows: Vec<Offer>,
    /// By demand: whether it may be divided.
    pub(super) divisible: Vec<bool>,
    /// By demand: the most that may be promised of it.
    pub(super) caps: Vec<u32>,
    /// By demand: units that no plan ships and no cost counts.
    pub(super) lost: Vec<u32>,
    /// Whether some location has more hand-overs than are looked at: then there are plans that the
    /// search does not know, and what it proves holds for none of them.
    pub(super) cut: bool,
    /// Locations that hold something, with why they ship nothing.
    pub(super) reasons: Vec<(u16, Option<RejectedReason>)>,
}

/// One location while the stock is read.
#[derive(Default)]
pub(super) struct Held<'a> {
    /// Something is there, able or not.
    any: bool,
    /// It has the ability for some of it.
    able: bool,
    /// Of demands whose class it may ship.
    pub(super) cells: Vec<(u16, &'a Cell)>,
}

impl Offers {
    /// Offers that somebody else worked out, all that there are; `lost` are the units of each demand that
    /// no plan ships.
    pub(super) fn of(rows: Vec<Offer>, divisible: Vec<bool>, lost: Vec<u32>) -> Self {
        Self {
            rows,
            caps: vec![u32::MAX; divisible.len()],
            divisible,
            lost,
            cut: false,
            reasons: Vec::new(),
        }
    }

    pub(super) fn gather(job: &Job<'_>, departures: &mut Departures) -> Self {
        let demands = job.request.demands;
        let stock = job.request.stock;
        let mut held: Vec<Held<'_>> = Vec::new();
        held.resize_with(job.lanes.locations(), Held::default);
        let mut offers = Self {
            rows: Vec::new(),
            divisible: Vec::with_capacity(demands.len()),
            caps: Vec::with_capacity(demands.len()),
            lost: vec![0; demands.len()],
            cut: false,
            reasons: Vec::new(),
        };
        for (line, demand) in demands.iter().enumerate() {
            let mut divisible = demand.may_split && demand.qty > Qty(1) && demand.together == 0;
            for cell in stock.cells(line) {
                let location = cell.location.index();
                let Some(held) = held.get_mut(location) else {
                    continue;
                };
                held.any = true;
                held.able |= job.has_ability(location, demand.class);
                if job.able(location, demand.class) {
                    held.cells.push((super::number(line), cell));
                    let whole = job.beyond_buffer(location, cell.now) >= demand.qty;
                    divisible = divisible && (!whole || job.closed(cell.location).is_some());
                }
            }
            offers.divisible.push(divisible);
            // The least step: what may be promised of it whenever it leaves.
            let steps = stock.limit(line).filter(|_| divisible).unwrap_or(&[]);
            let least = steps.iter().map(|s| s.qty.0).min();
            offers.caps.push(least.unwrap_or(u32::MAX));
        }
        for (location, held) in held.iter().enumerate().filter(|(_, h)| h.any) {
            let reason = offers.add_location(job, departures, location, held);
            offers.reasons.push((location_id(location).0, reason));
        }
        offers
    }

    /// Adds the hand-overs of a location, or says why there are none.
    fn add_location(
        &mut self,
        job: &Job<'_>,
        departures: &mut Departures,
        location: usize,
        held: &Held<'_>,
    ) -> Option<RejectedReason> {
        if let Some(closed) = job.closed(location_id(location)) {
            return Some(closed);
        }
        if held.cells.is_empty() {
            return Some(match held.able {
                true => RejectedReason::Region,
                false => RejectedReason::LacksAbility,
            });
        }
        let first = self.rows.len();
        let class = job.request.destination.class_of[location];
        let now = departures.now(job, class);
        let mut last = None;
        for ready in times(job, held, location) {
            let departure = if ready == job.request.now {
                now
            } else {
                departures.add(job, class, ready)
            };
            let known = departures.get(departure);
            if !finite(known.least) {
                break;
            }
            if self.rows.len() - first == HANDOVERS_MAX {
                self.cut = true;
                break;
            }
            let goods = self.goods(job, location, held, ready);
            if goods.is_empty() {
                continue;
            }
            if last == Some(known.ship_at) {
                // The same hand-over with more stock.
                self.rows.pop();
            }
            last = Some(known.ship_at);
            self.rows.push(Offer {
                location: location_id(location).0,
                ready,
                departure,
                handling: job.lanes.sites[location].per_shipment,
                per_line: job.lanes.sites[location].per_line,
                goods,
            });
        }
        if self.rows.len() > first {
            return None;
        }
        let departure = departures.get(now);
        Some(match (departure.reaches, finite(departure.least)) {
            (false, _) => RejectedReason::NoService,
            (true, false) => RejectedReason::TooLate,
            (true, true) if job.tight(location) => RejectedReason::Full,
            // There will be some, but it leaves too late.
            (true, true)
                if !self
                    .goods(job, location, held, EpochMillis::DISTANT_FUTURE)
                    .is_empty() =>
            {
                RejectedReason::TooLate
            }
            (true, true) => RejectedReason::NoStock,
        })
    }

    /// What is there of every demand at a moment.
    pub(super) fn goods(
        &self,
        job: &Job<'_>,
        location: usize,
        held: &Held<'_>,
        ready: EpochMillis,
    ) -> Vec<(u16, u32, i64)> {
        let mut goods = Vec::with_capacity(held.cells.len());
        for &(line, cell) in &held.cells {
            let demand = &job.request.demands[usize::from(line)];
            let later = job.request.stock.later(cell);
            let reached = later.iter().take_while(|s| s.from <= ready).last();
            let all = reached.map_or(cell.now, |s| s.qty);
            let units = job.beyond_buffer(location, all).min(demand.qty);
            if units == demand.qty || (self.divisible[usize::from(line)] && units > Qty(0)) {
                let mut cents = job.lanes.sites[location].per_unit;
                let scarce = job.lanes.scarcity(demand.sku);
                if let Ok(row) = scarce.binary_search_by_key(&cell.location, |p| p.0) {
                    cents += scarce[row].1;
                }
                goods.push((line, units.0, cents));
            }
        }
        goods
    }

    /// Whether a location that holds something may not have room for all of the order on some day.
    pub(super) fn tight(&self, job: &Job<'_>) -> bool {
        let mut held = self.reasons.iter();
        job.lanes.limited() && held.any(|(location, _)| job.tight(usize::from(*location)))
    }

    /// How many cells all hand-overs have.
    pub(super) fn cells(&self) -> u64 {
        self.rows.iter().map(|o| o.goods.len() as u64).sum()
    }

    /// The locations for the explanation, with what one shipment of everything would cost.
    pub(super) fn seen(&self, job: &Job<'_>, departures: &Departures) -> Vec<Seen> {
        let demands = job.request.demands;
        let load = demands
            .iter()
            .fold(Load::default(), |l, d| l.plus(d.load(d.qty)));
        let alone = (0u16..).zip(demands).filter(|(_, d)| d.ships_alone);
        let alone: Vec<(u16, u32)> = alone.map(|(i, d)| (i, d.qty.0)).collect();
        let mut parcels: Vec<Parcels> = Vec::new();
        super::super::departures::Loads::of(job, load, &mut parcels);
        let mut offers = self.rows.iter().peekable();
        let mut seen = Vec::with_capacity(self.reasons.len());
        for &(location, reason) in &self.reasons {
            let mut whole = NEVER;
            while let Some(offer) = offers.next_if(|o| o.location == location) {
                let has =
                    |&(line, units, _): &(u16, u32, i64)| units == demands[usize::from(line)].qty.0;
                if offer.goods.len() == demands.len() && offer.goods.iter().all(has) {
                    let goods = offer.goods.iter();
                    let goods = goods.map(|g| g.2 * i64::from(g.1) + offer.per_line);
                    let carried =
                        departures.carried(job, offer.departure, &parcels, (&alone, load.kinds));
                    whole = whole.min(carried + offer.handling + goods.sum::<i64>());
                }
            }
            let whole = whole.min(NEVER);
            seen.push(Seen {
                location,
                reason,
                whole,
            });
        }
        seen
    }
}

/// Now, and when more comes to a location. Where it has no room for the whole order on every day, the
/// days on which it has room for all of it that is there: not every plan, but only plans that may be.
fn times(job: &Job<'_>, held: &Held<'_>, location: usize) -> Vec<EpochMillis> {
    let mut times = vec![job.request.now];
    for (_, cell) in &held.cells {
        let later = job.request.stock.later(cell);
        times.extend(later.iter().map(|s| s.from.max(job.request.now)));
    }
    if job.tight(location) {
        let roomy = times.iter().flat_map(|&t| {
            let mut handed = job.hand_overs(location, t).into_iter();
            handed.find(|h| {
                h.room.shipments >= u32::from(job.policy.max_shipments)
                    && u64::from(h.room.units) >= job.units
            })
        });
        times = roomy.map(|h| h.ready).collect();
    }
    times.sort_unstable();
    times.dedup();
    times
}
