//! The cheapest plan when no demand divides: a table over all subsets of the demands.
//!
//! `cheapest[S]` is the price of the cheapest single shipment of exactly the demands in S, and
//! `plans[m][S]` that of shipping exactly S in m shipments. It reaches further than enumeration
//! (a dozen demands, many locations), because whole demands never compete for stock.

use super::instance::Instance;
use super::naive;
use super::{Best, Verdict};

/// The optimum of `inst`; unknown when a demand divides or there are more than twelve.
pub(crate) fn solve(inst: &Instance) -> Verdict {
    let k = inst.demands.len();
    let limited = (0..inst.network.locations.len()).any(|l| naive::is_limited(inst, l));
    if k > 12 || limited || (0..k).any(|d| naive::divisible(inst, d)) {
        return Verdict::Unknown;
    }
    let all = (1_usize << k) - 1;
    let single = cheapest(inst);
    let mut best: Option<i64> = None;
    let mut consider = |cents: Option<i64>| {
        best = [best, cents].into_iter().flatten().min();
    };
    let mut plans: Vec<Option<i64>> = vec![None; all + 1];
    plans[0] = Some(0);
    for shipments in 0..=i64::from(naive::max_shipments(inst)) {
        let split = inst.policy.split_penalty.0 * (shipments - 1).max(0);
        for (sent, cents) in plans.iter().enumerate() {
            if allowed(inst, sent, all) {
                consider(cents.map(|c| c + split + short_cents(inst, all ^ sent)));
            }
        }
        plans = one_more(&plans, &single);
    }
    best.map_or(Verdict::NoPlan, |total| {
        Verdict::Best(Box::new(Best {
            total,
            plan: None,
            second: None,
        }))
    })
}

/// Whether a plan that ships exactly the demands in `sent` may be.
fn allowed(inst: &Instance, sent: usize, all: usize) -> bool {
    let policy = &inst.policy;
    sent == all || (policy.allow_backorder && (sent == 0 || !policy.ship_complete))
}

fn short_cents(inst: &Instance, short: usize) -> i64 {
    let demands = inst.demands.iter().enumerate();
    let units = demands
        .filter(|(d, _)| short >> d & 1 == 1)
        .map(|(_, spec)| i64::from(spec.qty));
    inst.policy.short_per_unit.0 * units.sum::<i64>()
}

/// Plans of one more shipment: it holds the lowest demand, so that each plan is met once.
fn one_more(plans: &[Option<i64>], single: &[Option<i64>]) -> Vec<Option<i64>> {
    let mut more = vec![None; plans.len()];
    for (sent, best) in more.iter_mut().enumerate().skip(1) {
        let lowest = sent & sent.wrapping_neg();
        let others = sent ^ lowest;
        let mut part = others;
        loop {
            let cents = single[part | lowest]
                .zip(plans[others ^ part])
                .map(|(a, b)| a + b);
            *best = [*best, cents].into_iter().flatten().min();
            if part == 0 {
                break;
            }
            part = (part - 1) & others;
        }
    }
    more
}

/// The cheapest shipment of exactly each subset.
fn cheapest(inst: &Instance) -> Vec<Option<i64>> {
    let k = inst.demands.len();
    let mut single = vec![None; 1 << k];
    for location in 0..inst.network.locations.len() {
        for lane in naive::lanes(inst, location, |d| naive::eligible(inst, location, d)) {
            let has = |d: usize| {
                let (stock, qty) = (&inst.stock[d], inst.demands[d].qty);
                let most = stock
                    .atp(location, lane.ready)
                    .min(stock.limit_at(lane.ready));
                naive::eligible(inst, location, d) && most >= qty
            };
            let held: usize = (0..k).filter(|&d| has(d)).map(|d| 1 << d).sum();
            let mut subset = held;
            while subset > 0 {
                let units = |(d, spec): (usize, &super::instance::DemandSpec)| {
                    if subset >> d & 1 == 1 { spec.qty } else { 0 }
                };
                let units: Vec<u32> = inst.demands.iter().enumerate().map(units).collect();
                let priced = naive::price(inst, &lane, &units);
                let priced = priced.filter(|_| naive::keeps_together(inst, &units));
                let cents = priced.map(|p| p.cents.total().0);
                single[subset] = [single[subset], cents].into_iter().flatten().min();
                subset = (subset - 1) & held;
            }
        }
    }
    single
}
