//! Random stock of one demand: scarce or plenty, now or arriving, limited by a channel or not.

use super::generate::Shape;
use super::instance::{CellSpec, DemandSpec, Instance, StockSpec};
use super::naive;
use super::rng::Rng;
use allot::model::{EpochMillis, Millis};

/// Milliseconds of an hour.
pub(crate) const HOUR: u64 = 3_600_000;

/// What may be promised of `spec` on the network of `inst`.
pub(crate) fn stock(rng: &mut Rng, inst: &Instance, shape: &Shape, spec: &DemandSpec) -> StockSpec {
    let scarce = spec.may_split && rng.chance(75);
    let most = if scarce {
        (spec.qty - 1).max(1)
    } else {
        spec.qty + 3
    };
    let incoming = rng.pick(&[0, 0, 30, 60]);
    let mut cells = Vec::new();
    for location in 0..inst.network.locations.len() {
        if rng.chance(shape.stocked) {
            let now = if rng.chance(incoming / 2) {
                0
            } else {
                rng.small(1, most)
            };
            let mut later: Vec<(EpochMillis, u32)> = Vec::new();
            let mut qty = now;
            while rng.chance(incoming) && later.len() < 3 {
                qty += rng.small(1, spec.qty + 1);
                later.push((arrival(rng, inst, location), qty));
            }
            cells.push(CellSpec {
                location,
                now,
                later: ascending(later),
            });
        }
    }
    let limit = rng.chance(shape.limited).then(|| {
        let mut limit = vec![(inst.now, rng.small(0, spec.qty + 2))];
        while rng.chance(45) {
            let qty = limit[limit.len() - 1].1 + rng.small(1, spec.qty);
            limit.push((arrival(rng, inst, 0), qty));
        }
        ascending(limit)
    });
    let mut stock = StockSpec { cells, limit };
    cut_to_limit(inst.now, &mut stock);
    stock
}

/// A moment after `now`: any, or one around a cut-off that it just makes or just misses.
fn arrival(rng: &mut Rng, inst: &Instance, location: usize) -> EpochMillis {
    let hours = u64::try_from(rng.range(1, 150)).expect("positive");
    let any = inst.now + Millis(hours * HOUR + 1);
    if rng.chance(60) {
        return any;
    }
    let cut = naive::first_cut_off(&inst.network, location, any);
    let edge = cut - naive::lead(&inst.network, location);
    let edge = EpochMillis(edge.0 + rng.pick(&[-1, 0, 0, 1]));
    if edge > inst.now { edge } else { any }
}

/// The same amounts at ascending times, each time once.
fn ascending(mut steps: Vec<(EpochMillis, u32)>) -> Vec<(EpochMillis, u32)> {
    let mut times: Vec<EpochMillis> = steps.iter().map(|s| s.0).collect();
    times.sort_unstable();
    for (step, time) in steps.iter_mut().zip(times) {
        step.0 = time;
    }
    steps.reverse();
    steps.dedup_by_key(|s| s.0);
    steps.reverse();
    steps
}

/// Cuts every cell to the limit, moment by moment, as the ledger's view does.
fn cut_to_limit(now: EpochMillis, stock: &mut StockSpec) {
    let limit = stock.clone();
    let limit_times = stock.limit.iter().flatten().map(|s| s.0);
    let limit_times: Vec<EpochMillis> = limit_times.collect();
    for cell in &mut stock.cells {
        let mut times: Vec<EpochMillis> = cell.later.iter().map(|s| s.0).collect();
        times.extend(limit_times.iter().filter(|&&t| t > now));
        times.sort_unstable();
        let cut = |at: EpochMillis| limit.atp(cell.location, at).min(limit.limit_at(at));
        let start = cut(now);
        let mut later: Vec<(EpochMillis, u32)> = Vec::new();
        for at in times {
            if cut(at) > later.last().map_or(start, |s| s.1) {
                later.push((at, cut(at)));
            }
        }
        (cell.now, cell.later) = (start, later);
    }
    stock.cells.retain(|c| c.now > 0 || !c.later.is_empty());
}
