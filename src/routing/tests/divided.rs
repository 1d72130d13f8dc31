//! Divided demands: the search over amounts and the one over sets of shipments, each by itself, must find
//! plans of one cost.

use super::super::Demand;
use super::super::candidates::Candidates;
use super::super::departures::Departures;
use super::super::divide::Divide;
use super::super::request::Job;
use super::super::whole::Whole;
use super::kit::{Case, Dice, Size, demand, location, plain_network, random_case, step};
use crate::ledger::Step;
use crate::model::{Cents, Grams, Plan, Qty};

/// A random order with demands to divide.
fn case(seed: u64) -> Case {
    let mut dice = Dice(seed ^ 0x00d1_f1de);
    let size = Size {
        demands: 1 + dice.below(4),
        locations: 2 + dice.below(5),
        qty: 2 + dice.below(6),
        may_split: true,
        limits: dice.once_in(4),
    };
    let mut case = random_case(seed, size);
    if dice.once_in(2) {
        case.policy.short_per_unit =
            Cents([700, 2_500, 20_000][usize::try_from(seed % 3).unwrap()]);
        case.policy.ship_complete = false;
    }
    case.policy.max_shipments = 1 + u8::try_from(dice.below(4)).unwrap();
    let (together, alone) = (dice.once_in(4), dice.once_in(4));
    for demand in &mut case.demands {
        demand.together = u16::from(together && dice.once_in(3));
        demand.ships_alone = alone && dice.once_in(3);
        demand.may_split |= dice.once_in(2);
    }
    if !case.policy.ship_complete && dice.once_in(4) {
        limited_and_gone(&mut case);
    }
    case
}

/// Adds a demand that the channel has a limit for and nobody has any of.
fn limited_and_gone(case: &mut Case) {
    let gone = demand(u32::try_from(case.demands.len()).unwrap(), 3, 200);
    case.view.push_line(gone.sku);
    case.view.push_limit(&[Step {
        from: case.now,
        qty: Qty(1),
    }]);
    case.demands.push(gone);
}

/// An order of demands that no location has all of, in a network whose services bill volume beyond a
/// threshold: by location, units of every demand.
fn wide(demands: Vec<Demand>, cells: &[u32]) -> Case {
    let locations = (0..cells.len()).map(|i| location(&format!("L{i}"), 40.0, -75.0));
    let mut network = plain_network(locations.collect());
    network.services[0].dim_divisor_cm3_per_kg = Some(6_000);
    network.services[0].dim_threshold_cm3 = 28_317;
    network.policy.split_penalty = Cents(150);
    network.policy.short_per_unit = Cents(2_000);
    network.policy.max_shipments = 3;
    let cells: Vec<(u16, u32)> = (0..).zip(cells.iter().copied()).collect();
    let all = vec![&cells[..]; demands.len()];
    Case::new(&network, demands, &all)
}

/// Twelve demands of more than 200 units, of which each of many locations has a part.
fn many_ways(locations: u32) -> Case {
    let demands = (0..12).map(|sku| demand(sku, 200 + 7 * sku, 3 + sku));
    let cells: Vec<u32> = (0..locations).map(|i| 100 + i % 3).collect();
    wide(demands.collect(), &cells)
}

/// One demand of very many units, of which two locations have more than half each.
fn many_units() -> Case {
    let mut one = demand(0, 100_000, 0);
    one.volume_mm3 = 100;
    wide(vec![one], &[60_000, 60_000])
}

/// An order in a network whose locations all cost the same: only what they have tells them apart.
fn alike(seed: u64) -> Case {
    let mut dice = Dice(seed ^ 0x000a_11ce);
    let count = 3 + dice.below(7);
    let locations = (0..count).map(|i| location(&format!("L{i}"), 40.0, -75.0));
    let mut network = plain_network(locations.collect());
    let service = &mut network.services[0];
    service.dim_divisor_cm3_per_kg = dice.once_in(2).then_some(5_000);
    service.dim_threshold_cm3 = u32::try_from(dice.below(3) * 1_000).unwrap();
    service.max = Grams(4_000);
    network.tariffs.clear();
    let mut cents = dice.between(1, 8) * 100;
    for most in (1..=8).map(|n| n * 500) {
        network.tariffs.push(step(0, 1, most, cents));
        cents += dice.between(0, 6) * 15;
    }
    network.policy.split_penalty = Cents(dice.between(0, 2) * 60);
    network.policy.short_per_unit = Cents([60, 700, 2_500][usize::try_from(seed % 3).unwrap()]);
    network.policy.max_shipments = 2 + u8::try_from(dice.below(3)).unwrap();
    let amount = |n: u64| u32::try_from(n).unwrap();
    let demands: Vec<Demand> = (0..1 + amount(dice.below(3)))
        .map(|sku| {
            let mut one = demand(sku, 2 + amount(dice.below(6)), 50 + amount(dice.below(700)));
            one.volume_mm3 = dice.below(4_000_000);
            one.may_split = !dice.once_in(4);
            one
        })
        .collect();
    let cells = demands.iter().map(|_| {
        let numbers = 0..u16::try_from(count).unwrap();
        let cells = numbers.map(|location| (location, amount(dice.below(6))));
        cells.filter(|cell| cell.1 > 0).collect()
    });
    let cells: Vec<Vec<(u16, u32)>> = cells.collect();
    let cells: Vec<&[(u16, u32)]> = cells.iter().map(|cells| &cells[..]).collect();
    Case::new(&network, demands, &cells)
}

/// The best plan and what is known of it, with so much work for the search over amounts; `None` where no
/// demand is divided.
fn solved(case: &Case, nodes: u32) -> Option<(Option<Plan>, Option<i64>)> {
    let request = case.request();
    let job = Job::new(&case.lanes, &request).unwrap();
    let (mut candidates, mut departures) = (Candidates::default(), Departures::default());
    departures.start(&job);
    candidates.gather(&job, &mut departures);
    let mut whole = Whole::default();
    (candidates.divisible != 0).then(|| {
        let mut divide = Divide::default();
        let solved = divide.solve_within(&job, &mut candidates, &mut departures, &mut whole, nodes);
        let [plan, _] = solved.plans;
        (plan, solved.bound)
    })
}

/// The order of plans.
fn rank(plan: &Plan) -> (i64, usize, Vec<(u16, i64)>) {
    let shipments = plan.shipments.iter();
    let places = shipments.map(|s| (s.location.0, s.ship_at.0)).collect();
    (plan.objective.total().0, plan.shipments.len(), places)
}

/// What the search over sets of shipments has to do at the most: it goes through them twice.
const WORK_MAX: u64 = 150_000_000;

/// How much work the search over sets of shipments was, and what no plan costs less than.
fn settled(case: &Case) -> (u64, i64) {
    let request = case.request();
    let job = Job::new(&case.lanes, &request).unwrap();
    let (mut candidates, mut departures) = (Candidates::default(), Departures::default());
    departures.start(&job);
    candidates.gather(&job, &mut departures);
    let mut divide = Divide::default();
    let mut whole = Whole::default();
    let solved = divide.solve_within(&job, &mut candidates, &mut departures, &mut whole, 0);
    let [plan, _] = solved.plans;
    let (bound, cents) = (solved.bound.unwrap(), plan.unwrap().objective.total().0);
    assert!(0 < bound && bound <= cents, "{bound}, plan {cents}");
    (divide.settled, bound)
}

#[test]
fn many_units_and_many_ways_to_spread_them_are_work_that_ends() {
    for (name, case) in [("ways", many_ways(20)), ("units", many_units())] {
        let work = settled(&case).0;
        assert!(work > 0 && work < WORK_MAX, "{name}: {work}");
    }
}

#[test]
fn what_ships_alone_and_costs_more_than_can_be_counted_is_no_overflow() {
    for price in [2_000_000, 5_000_000_000] {
        let mut one = demand(0, 100_000, 500);
        one.ships_alone = true;
        let locations = ["A", "B"].map(|id| location(id, 40.0, -75.0));
        let mut network = plain_network(locations.into());
        for step in &mut network.tariffs {
            step.cents = Cents(price);
        }
        network.policy.short_per_unit = Cents(2_000);
        network.policy.max_shipments = 3;
        let cells = [(0, 60_000), (1, 60_000)];
        let case = Case::new(&network, vec![one], &[&cells[..]]);
        // All of it is short.
        let (plan, bound) = solved(&case, 0).unwrap();
        let cents = plan.unwrap().objective.total().0;
        assert_eq!(cents, 200_000_000, "at {price}");
        assert!(bound.is_none_or(|b| b == cents), "at {price}: {bound:?}");
    }
}

#[test]
fn all_sets_of_shipments_have_the_plan_that_all_amounts_have() {
    let (mut compared, mut several) = (0, 0);
    for seed in 0..11_000 {
        let mut case = match seed {
            0..8_000 => case(seed),
            _ => alike(seed),
        };
        if (6_000..8_000).contains(&seed) {
            // So large that most is billed by volume, where services bill it.
            for demand in &mut case.demands {
                demand.volume_mm3 *= 8;
            }
        }
        let Some((by_amounts, None)) = solved(&case, 2_000_000) else {
            continue;
        };
        let (by_sets, bound) = solved(&case, 0).unwrap();
        let (one, other) = (by_amounts.as_ref().map(rank), by_sets.as_ref().map(rank));
        assert_eq!(other, one, "seed {seed}");
        if let Some((cents, shipments, _)) = one {
            // To ship nothing is there before any search; else the proof is the search's own.
            assert!(
                bound.is_none_or(|b| b >= cents),
                "seed {seed}: {bound:?}, not {cents}"
            );
            compared += 1;
            several += u32::from(shipments > 1);
        }
    }
    assert!(compared > 3_000 && several > 1_000, "{compared}, {several}");
}
