//! What the frontier of an order and the promise of one item must be, by trying everything.

use super::ask::{frontier_of, promised};
use super::checker;
use super::instance::{Instance, service_id};
use super::naive;
use super::rules::ensure;
use super::{Verdict, enumerate};
use allot::model::{Cents, Day, Plan};
use allot::routing::{EXACT_DEMANDS_MAX, Unroutable};
use std::collections::BTreeSet;

/// A price of a unit short that no plan of a tiny instance outweighs.
const DEAR: i64 = 1_000_000_000;

/// Cost, date of the last delivery, number of shipments.
type Choice = (i64, Option<Day>, usize);

fn choice(plan: &Plan) -> Choice {
    let (cents, shipments) = (plan.objective.total().0, plan.shipments.len());
    (cents, plan.delivered_on(), shipments)
}

/// Holds the router's frontier of `inst` against the table of the cheapest
/// plan for every number of shipments and every date. `false` when it could not be judged, or says of divided
/// demands that it may not be complete.
pub(crate) fn all_choices(inst: &Instance) -> Result<bool, String> {
    let divides = |d: usize| inst.demands[d].qty > 1 && naive::divisible(inst, d);
    let divided = (0..inst.demands.len()).any(divides);
    let mut timeless = inst.clone();
    timeless.policy.speed_value_per_day = Cents(0);
    let mut eager = timeless.clone();
    eager.policy.short_per_unit = Cents(DEAR);
    let should = match choices(&eager) {
        Table::Unknown => return Ok(false),
        Table::NoPlan => {
            let refused = matches!(frontier_of(inst), Err(Unroutable::Short { .. }));
            return ensure(refused, || "there is no plan".into()).map(|()| true);
        }
        Table::Choices(found) => found,
    };
    let found = frontier_of(inst).map_err(|e| format!("refused: {e}"))?;
    if divided && !found.complete {
        return Ok(false);
    }
    let is: Vec<Choice> = found.plans.iter().map(|d| choice(&d.plan)).collect();
    let cheaper = DEAR - inst.policy.short_per_unit.0;
    let should: Vec<Choice> = should
        .iter()
        .map(|&(cents, day, shipments)| (cents - cents / DEAR * cheaper, day, shipments))
        .collect();
    ensure(is == should, || {
        format!("choices are {is:?}, not {should:?}")
    })?;
    let exact = inst.demands.len() <= EXACT_DEMANDS_MAX;
    ensure(found.complete == exact, || "not complete".into())?;
    for decision in &found.plans {
        // Services are chosen among those that keep the date.
        timeless.latest = decision.plan.delivered_on();
        checker::check(&timeless, &decision.plan)
            .map_err(|e| format!("{e}\n{}", checker::brief(&decision.plan)))?;
        let total = decision.plan.objective.total();
        let proven = decision.proof.optimal && decision.proof.bound == total;
        ensure(proven, || format!("{total} is not proven"))?;
    }
    Ok(true)
}

enum Table {
    Unknown,
    NoPlan,
    Choices(Vec<Choice>),
}

/// Plans that nothing beats, among those with the fewest short, by ascending cost, date, number.
fn choices(eager: &Instance) -> Table {
    let best = match enumerate::all(eager) {
        Verdict::Best(best) => best,
        Verdict::NoPlan => return Table::NoPlan,
        Verdict::Unknown => return Table::Unknown,
    };
    let fewest = best.total / DEAR;
    let plan = best.plan.expect("enumeration keeps it");
    let days: Vec<Option<Day>> = match plan.delivered_on() {
        // A plan of fewer shipments may be delivered later, but not by three weeks; a dearer one sooner.
        Some(last) => (-60..=21).rev().map(|days| Some(last + days)).collect(),
        None => vec![None],
    };
    let mut found: BTreeSet<Choice> = BTreeSet::new();
    for most in 1..=naive::max_shipments(eager) {
        for &latest in &days {
            let mut bounded = eager.clone();
            bounded.policy.max_shipments = most;
            bounded.latest = latest;
            match enumerate::all(&bounded) {
                Verdict::Best(best) if best.total / DEAR == fewest => {
                    found.insert(choice(best.plan.as_ref().expect("enumeration keeps it")));
                }
                Verdict::Best(_) | Verdict::NoPlan => break,
                Verdict::Unknown => return Table::Unknown,
            }
        }
    }
    let beaten = |one: &Choice| {
        let better = |other: &Choice| {
            other != one && other.0 <= one.0 && other.1 <= one.1 && other.2 <= one.2
        };
        found.iter().any(better)
    };
    Table::Choices(found.iter().filter(|one| !beaten(one)).copied().collect())
}

/// Holds the promises for the first demand of `inst` against every lane that has all of it.
pub(crate) fn all_services(inst: &Instance) -> Result<(), String> {
    let mut one = inst.clone();
    one.demands.truncate(1);
    one.stock.truncate(1);
    one.demands[0].may_split = false;
    let qty = one.demands[0].qty;
    let found = promised(&one).map_err(|e| format!("refused: {e}"))?;
    for service in naive::services(&one) {
        let mut best: Option<(i64, Day, usize)> = None;
        for location in (0..one.network.locations.len()).filter(|&l| naive::eligible(&one, l, 0)) {
            for ready in naive::ready_times(&one, location, |_| true) {
                let stock = &one.stock[0];
                let there = stock.atp(location, ready).min(stock.limit_at(ready)) >= qty;
                let lane = naive::lane(&one, location, ready, service).filter(|_| there);
                let lane = lane.filter(|lane| {
                    let date = naive::local_date(&one.network, location, lane.ship_at);
                    let (shipments, units) = naive::left(&one, location, date);
                    shipments > 0 && units >= i64::from(qty)
                });
                let priced = lane.and_then(|l| Some((l, naive::price(&one, &l, &[qty])?)));
                let rank = priced.map(|(l, p)| (p.cents.total().0, l.deliver_on, location));
                best = [best, rank].into_iter().flatten().min();
            }
        }
        let is = found.iter().find(|s| s.service == service_id(service));
        let is = is.map(|s| (s.cents.total().0, s.deliver_on, s.location.index()));
        ensure(is == best, || {
            format!("service {service}: {is:?}, not {best:?}")
        })?;
    }
    Ok(())
}
