//! Divided demands: the search over amounts and the one over sets of shipments, each by itself, must find
//! plans of one cost.

use super::super::candidates::Candidates;
use super::super::departures::Departures;
use super::super::divide::Divide;
use super::super::request::Job;
use super::super::whole::Whole;
use super::kit::{Case, Dice, Size, demand, random_case};
use crate::ledger::Step;
use crate::model::{Cents, Plan, Qty};

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

#[test]
fn all_sets_of_shipments_have_the_plan_that_all_amounts_have() {
    let (mut compared, mut several) = (0, 0);
    for seed in 0..6_000 {
        let case = case(seed);
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
    assert!(compared > 1_000 && several > 200, "{compared}, {several}");
}
