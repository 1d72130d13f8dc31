//! Whether a set of shipments finds its units, and whether one of them waits for nothing.

use super::instance::{Instance, location_id};
use super::naive;
use allot::model::EpochMillis;

/// A shipment as far as stock is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) location: usize,
    /// The latest ready time that makes its hand-over: the loosest.
    pub(crate) ready: EpochMillis,
    /// Units by demand.
    pub(crate) units: Vec<u32>,
}

/// Fails when `sent` draws more than a location's ATP or a limit at any moment.
pub(crate) fn within(inst: &Instance, sent: &[Sent]) -> Result<(), String> {
    for one in sent.iter().filter(|s| naive::is_limited(inst, s.location)) {
        let net = &inst.network;
        let date = |s: &Sent| {
            let ship_at = naive::hand_over(net, s.location, s.ready);
            naive::local_date(net, s.location, ship_at)
        };
        let day = date(one);
        let same = sent
            .iter()
            .filter(|s| s.location == one.location && date(s) == day);
        let shipments = i64::try_from(same.clone().count()).expect("few");
        let units: i64 = same.flat_map(|s| &s.units).map(|&n| i64::from(n)).sum();
        let left = naive::left(inst, one.location, day);
        if shipments > left.0 || units > left.1 {
            return Err(format!(
                "{shipments} shipments of {units} units from {} on {day}, left are {left:?}",
                one.location
            ));
        }
    }
    for (d, stock) in inst.stock.iter().enumerate() {
        for at in sent.iter().map(|s| s.ready) {
            let due = || sent.iter().filter(|s| s.ready <= at);
            let all: u32 = due().map(|s| s.units[d]).sum();
            let limit = stock.limit_at(at);
            if all > limit {
                return Err(format!("{all} of demand {d} by {at}, limit is {limit}"));
            }
            for l in 0..inst.network.locations.len() {
                let here: u32 = due().filter(|s| s.location == l).map(|s| s.units[d]).sum();
                let atp = stock.atp(l, at);
                if here > atp {
                    return Err(format!(
                        "{here} of demand {d} from {l} by {at}, ATP is {atp}"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The latest of the ready times at which a shipment of `units` from `location` makes the hand-over
/// at `ship_at`, if any does.
pub(crate) fn latest_ready(
    inst: &Instance,
    location: usize,
    units: &[u32],
    ship_at: EpochMillis,
) -> Option<EpochMillis> {
    let mut ready = naive::ready_times(inst, location, |d| units[d] > 0);
    ready.retain(|&t| naive::hand_over(&inst.network, location, t) == ship_at);
    ready.pop()
}

/// Fails when a shipment of `sent` could be handed over earlier with all others as they are.
pub(crate) fn waits_for_something(inst: &Instance, sent: &[Sent]) -> Result<(), String> {
    for (i, one) in sent.iter().enumerate() {
        let hand_over = |ready| naive::hand_over(&inst.network, one.location, ready);
        let ship_at = hand_over(one.ready);
        for ready in naive::ready_times(inst, one.location, |d| one.units[d] > 0) {
            let earlier = hand_over(ready);
            if earlier >= ship_at {
                break;
            }
            let mut moved = sent.to_vec();
            let latest = latest_ready(inst, one.location, &one.units, earlier);
            moved[i].ready = latest.expect("this ready time makes it");
            if within(inst, &moved).is_ok() {
                let from = location_id(one.location).0;
                return Err(format!("shipment {i} from {from} could leave {earlier}"));
            }
        }
    }
    Ok(())
}
