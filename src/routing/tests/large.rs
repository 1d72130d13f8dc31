//! Orders beyond the exact search: sound plans, sound bounds, the same every time.

use super::super::departures::Departures;
use super::super::large;
use super::super::request::Job;
use super::super::{Demand, EXACT_DEMANDS_MAX, Scratch, Unroutable, price, route};
use super::kit::{Case, Dice, Size, demand, location, plain_network, random_case, step};
use crate::ledger::{Step, StockView};
use crate::model::{Cents, Decision, EpochMillis, LocationId, Plan, Qty, ShipmentLine};

const SIZE: Size = Size {
    demands: 60,
    locations: 12,
    qty: 3,
    may_split: true,
    limits: true,
};

/// A random case with more demands than the exact search takes.
fn large_case(seed: u64) -> Case {
    let mut seed = seed << 20;
    loop {
        let case = random_case(seed, SIZE);
        if case.demands.len() > EXACT_DEMANDS_MAX {
            return case;
        }
        seed += 1;
    }
}

/// Everything that must hold of a plan, whoever made it.
fn assert_sound(case: &Case, plan: &Plan, name: &str) {
    let mut left: Vec<u32> = case.demands.iter().map(|d| d.qty.0).collect();
    for line in plan.shipments.iter().flat_map(|s| &s.lines) {
        left[usize::from(line.demand)] -= line.qty.0;
    }
    for short in &plan.short {
        left[usize::from(short.demand)] -= short.qty.0;
    }
    assert!(
        left.iter().all(|&l| l == 0),
        "{name}: shipped and short are what was wanted"
    );
    assert!(
        plan.shipments.len() <= usize::from(case.policy.max_shipments),
        "{name}"
    );
    for shipment in &plan.shipments {
        assert!(!case.lanes.paused(shipment.location), "{name}");
        for line in &shipment.lines {
            let i = usize::from(line.demand);
            let cells = case.view.cells(i);
            let cell = cells.iter().find(|c| c.location == shipment.location);
            let cell = cell.unwrap_or_else(|| panic!("{name}: nothing there"));
            let later = case.view.later(cell).iter();
            let by = later.filter(|s| s.from <= shipment.need_at).map(|s| s.qty);
            let there = by.max().unwrap_or(cell.now);
            assert!(line.qty <= there, "{name}: {} of {there} units", line.qty);
        }
    }
    // One shipment a location, so its need time is its ready time as good as any.
    let shipments: Vec<(LocationId, EpochMillis, _)> = plan
        .shipments
        .iter()
        .map(|s| {
            let hours = case.lanes.hours(&case.lanes.sites[s.location.index()]);
            (s.location, s.ship_at - hours.lead(), s.lines.clone())
        })
        .collect();
    let again = price(&case.lanes, &case.request(), &shipments, &plan.short);
    assert_eq!(again.as_ref(), Some(plan), "{name}");
}

fn answer(case: &Case) -> Option<Decision> {
    match route(&case.lanes, &case.request(), &mut Scratch::default()) {
        Ok(decision) => Some(decision),
        Err(Unroutable::Short { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn large_orders_get_sound_plans_and_bounds() {
    let mut routed = 0;
    for seed in 0..300 {
        let case = large_case(seed);
        let name = format!("seed {seed}");
        let Some(decision) = answer(&case) else {
            continue;
        };
        assert_sound(&case, &decision.plan, &name);
        assert!(
            decision.proof.bound <= decision.plan.objective.total(),
            "{name}"
        );
        if let Some(second) = &decision.runner_up {
            assert_sound(&case, second, &name);
            assert!(
                second.objective.total() >= decision.plan.objective.total(),
                "{name}"
            );
            assert_ne!(second.shipments, decision.plan.shipments, "{name}");
        }
        assert_eq!(answer(&case), Some(decision), "{name}: the same again");
        routed += 1;
    }
    assert!(routed > 100, "only {routed} were routed");
}

/// Where the exact search can still answer, it lies between the bound and the plan.
#[test]
fn the_bound_is_below_and_the_plan_above_the_optimum() {
    let mut scratch = Scratch::default();
    let (mut excess, mut total) = (0, 0);
    for seed in 0..400 {
        let size = Size {
            demands: 6,
            locations: 6,
            may_split: seed % 2 == 0,
            ..SIZE
        };
        let mut case = random_case(seed, size);
        case.policy.short_per_unit = Cents(2_500);
        let request = case.request();
        let Ok(exact) = route(&case.lanes, &request, &mut scratch) else {
            continue;
        };
        let job = Job::new(&case.lanes, &request).unwrap();
        let mut departures = Departures::default();
        departures.start(&job);
        let (solved, _) = large::solve(&job, &mut departures);
        let best = exact.plan.objective.total().0;
        let bound = solved.bound.unwrap();
        assert!(
            bound <= best,
            "seed {seed}: bound {bound} above the optimum {best}"
        );
        if let Some(plan) = &solved.plans[0] {
            let found = plan.objective.total().0;
            assert!(
                found >= best,
                "seed {seed}: {found} below the optimum {best}"
            );
            excess += found - best;
            total += best;
        }
    }
    assert!(
        excess * 20 < total,
        "{excess} cents above {total} on small orders"
    );
}

/// Some small demands that one location has.
fn many(count: u32, dice: &mut Dice) -> Vec<Demand> {
    (0..count)
        .map(|sku| demand(sku, 1, u32::try_from(10 + dice.below(490)).unwrap()))
        .collect()
}

#[test]
fn a_thousand_demands_in_one_location_leave_from_there() {
    let demands = many(1_000, &mut Dice(7));
    let network = plain_network(vec![location("A", 40.0, -75.0), location("B", 41.0, -75.0)]);
    let cells = vec![&[(0, 5), (1, 0)][..]; 1_000];
    let mut case = Case::new(&network, demands, &cells);
    case.policy.short_per_unit = Cents(100_000);
    let decision = answer(&case).unwrap();
    assert_eq!(decision.plan.short_units(), 0);
    assert_eq!(decision.plan.shipments.len(), 1);
    assert!(decision.plan.shipments[0].parcels > 1);
}

/// The carrier takes parcels of up to 30 kg but has prices only up to 8 kg: more than that cannot
/// go in one shipment, however many parcels.
#[test]
fn what_one_shipment_cannot_hold_goes_in_several() {
    let demands = many(80, &mut Dice(9));
    let grams: u32 = demands.iter().map(|d| d.grams).sum();
    let mut network = plain_network(vec![location("A", 40.0, -75.0)]);
    network.tariffs = vec![step(0, 1, 8_000, 900)];
    let cells = vec![&[(0, 1)][..]; 80];
    let mut case = Case::new(&network, demands, &cells);
    case.policy.max_shipments = 20;
    let decision = answer(&case).unwrap();
    assert_eq!(decision.plan.short_units(), 0);
    let least = usize::try_from(grams.div_ceil(8_000)).unwrap();
    assert!((least..=least + 1).contains(&decision.plan.shipments.len()));
}

/// One item more arrives on each of twenty days: more hand-overs of a location than are looked at, and
/// to wait for the last of them is the best plan. Nothing above its cost may be told as a bound.
#[test]
fn what_waits_longer_than_is_looked_at_is_not_said_to_cost_more() {
    let demands = many(20, &mut Dice(3));
    let network = plain_network(vec![location("A", 40.0, -75.0)]);
    let cells = vec![&[(0, 0)][..]; 20];
    let mut case = Case::new(&network, demands, &cells);
    case.view = StockView::default();
    let mut last = case.now;
    for (day, demand) in (1i64..).zip(&mut case.demands) {
        demand.qty = Qty(1);
        last = EpochMillis(case.now.0 + day * 86_400_000);
        let arrives = Step {
            from: last,
            qty: Qty(1),
        };
        case.view.push_line(demand.sku);
        case.view.push_cell(LocationId(0), Qty(0), &[arrives]);
    }
    case.policy.short_per_unit = Cents(1_000_000);
    case.policy.max_shipments = 1;
    let lines = (0..20).map(|demand| ShipmentLine {
        demand,
        qty: Qty(1),
    });
    let all = [(LocationId(0), last, lines.collect())];
    let waits = price(&case.lanes, &case.request(), &all, &[]).unwrap();
    let decision = answer(&case).unwrap();
    assert!(decision.proof.bound <= waits.objective.total());
    assert!(!decision.proof.optimal);
}

/// As many units as a demand may have, of three demands at once, and next to no stock: no sum on the way
/// may leave its range.
#[test]
fn the_most_units_that_may_be_asked_for_are_bounded_too() {
    let mut demands = many(20, &mut Dice(5));
    for demand in &mut demands {
        demand.may_split = true;
        demand.grams = 1;
    }
    for demand in &mut demands[..3] {
        demand.qty = Qty::MAX;
    }
    let network = plain_network(vec![location("A", 40.0, -75.0), location("B", 41.0, -75.0)]);
    let cells = vec![&[(0, 5), (1, 3)][..]; 20];
    let mut case = Case::new(&network, demands, &cells);
    for cents in [1, 20, 45] {
        case.policy.short_per_unit = Cents(cents);
        let decision = answer(&case).unwrap();
        assert!(decision.proof.bound <= decision.plan.objective.total());
    }
}
