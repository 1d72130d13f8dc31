//! What can be promised of one item without an order: by carrier service, the best single shipment.

use super::price::{Cargo, Draft, Travel};
use super::request::{Job, Request, Unroutable};
use crate::model::{Day, EpochMillis, Qty, Shipment, ShipmentLine};
use smallvec::SmallVec;

/// For every service that can carry all units of the request's one demand in one shipment: the
/// shipment that is best by the policy (cost, then date, then location), on the first day on which its
/// location has room for it. By ascending service.
///
/// # Errors
/// The request is malformed, or has more than one demand.
pub fn promise(lanes: &super::Lanes, request: &Request<'_>) -> Result<Vec<Shipment>, Unroutable> {
    let job = Job::new(lanes, request)?;
    let [demand] = request.demands else {
        let (demands, max) = (request.demands.len(), 1);
        return Err(Unroutable::TooManyDemands { demands, max });
    };
    let lines = [ShipmentLine {
        demand: 0,
        qty: demand.qty,
    }];
    let cargo = Cargo::of(&job, &lines);
    let mut best: SmallVec<[Offer<'_>; 8]> = SmallVec::new();
    for cell in request.stock.cells(0) {
        let location = cell.location.index();
        let able = location < lanes.locations()
            && job.closed(cell.location).is_none()
            && job.able(location, demand.class);
        let ready = able.then(|| ready(&job, cell)).flatten();
        let Some(ready) = ready.and_then(|ready| with_room(&job, location, ready)) else {
            continue;
        };
        let Some(draft) = Draft::of(&job, location, ready, &cargo) else {
            continue;
        };
        let Some(kept) = draft.kept(&job, &lines) else {
            continue;
        };
        for travel in draft.travels(&job) {
            let offer = Offer {
                cents: kept.total() + travel.cents(),
                draft,
                travel,
            };
            match best.iter_mut().find(|b| b.travel.service == travel.service) {
                Some(known) if offer.rank() < known.rank() => *known = offer,
                Some(_) => {}
                None => best.push(offer),
            }
        }
    }
    best.sort_by_key(|offer| offer.travel.service);
    // Only the winners are written out.
    let made = best.iter().filter_map(|offer| {
        let Offer { draft, travel, .. } = offer;
        draft.made(&job, travel, lines.to_vec())
    });
    Ok(made.collect())
}

/// A shipment that may be the best by its service.
struct Offer<'c> {
    cents: i64,
    draft: Draft<'c>,
    travel: Travel,
}

impl Offer<'_> {
    fn rank(&self) -> (i64, Day, usize) {
        (self.cents, self.travel.deliver_on, self.draft.location)
    }
}

/// The same moment, or where days are full one that makes the first hand-over with room for all units.
fn with_room(job: &Job<'_>, location: usize, ready: EpochMillis) -> Option<EpochMillis> {
    if !job.tight(location) {
        return Some(ready);
    }
    let handed = job.hand_overs(location, ready);
    let wanted = job.request.demands[0].qty.0;
    let roomy = handed.iter().find(|h| h.room.units >= wanted);
    roomy.map(|h| h.ready)
}

/// When all units are there. To wait longer is never better.
fn ready(job: &Job<'_>, cell: &crate::ledger::Cell) -> Option<EpochMillis> {
    let location = cell.location.index();
    let wanted = job.request.demands[0].qty;
    let enough = |units: Qty| job.beyond_buffer(location, units) >= wanted;
    if enough(cell.now) {
        return Some(job.request.now);
    }
    let later = job.request.stock.later(cell);
    let first = later.iter().find(|step| enough(step.qty));
    first.map(|step| step.from.max(job.request.now))
}
