//! Why each location that holds something of an order is not in its plan.

use super::candidates::Seen;
use super::lanes::location_id;
use super::request::Job;
use super::tariff::NEVER;
use crate::model::{Cents, LocationId, Plan, Rejected, RejectedReason};

/// Locations that hold something and are not in the plan, and all that are paused; ascending.
pub(super) fn rejected(job: &Job<'_>, seen: &[Seen], plan: &Plan) -> Vec<Rejected> {
    let total = plan.objective.total().0;
    let why = |seen: &Seen| {
        let location = LocationId(seen.location);
        match seen.reason {
            Some(reason) => Rejected::new(location, reason),
            None if seen.whole < NEVER => Rejected::dearer(location, Cents(seen.whole - total)),
            None => Rejected::new(location, RejectedReason::PartialDearer),
        }
    };
    let mut rejected = Vec::with_capacity(seen.len());
    // Both by ascending location.
    let mut rest = seen;
    for shipment in &plan.shipments {
        let used = shipment.location.0;
        let before = rest.partition_point(|s| s.location < used);
        rejected.extend(rest[..before].iter().map(why));
        rest = match &rest[before..] {
            [first, others @ ..] if first.location == used => others,
            others => others,
        };
    }
    rejected.extend(rest.iter().map(why));
    if job.lanes.any_paused() {
        add_paused(job, seen, &mut rejected);
    }
    rejected
}

/// Adds the paused locations that hold nothing of the order.
fn add_paused(job: &Job<'_>, seen: &[Seen], rejected: &mut Vec<Rejected>) {
    for location in (0..job.lanes.locations()).map(location_id) {
        let held = seen.binary_search_by_key(&location.0, |s| s.location);
        if held.is_err() && job.lanes.paused(location) {
            rejected.push(Rejected::new(location, RejectedReason::Paused));
        }
    }
    rejected.sort_unstable_by_key(|r| r.location);
}
