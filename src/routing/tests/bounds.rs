//! The lower bound of large orders against the optimum of the exact search, on thousands of small
//! orders: parts of lines from several places, few shipments, items that stay together, odd tariffs.

use super::super::departures::Departures;
use super::super::large;
use super::super::request::Job;
use super::super::{EXACT_DEMANDS_MAX, Scratch, route};
use super::kit::{Case, Dice, Size, random_case};
use crate::model::{Cents, Decision};

/// A random order that the exact search can answer.
fn case(seed: u64) -> Case {
    let mut dice = Dice(seed ^ 0x5eed);
    let size = Size {
        demands: 2 + dice.below(5),
        locations: 2 + dice.below(8),
        qty: 1 + dice.below(4),
        may_split: seed.is_multiple_of(2),
        limits: dice.once_in(4),
    };
    let mut case = random_case(seed, size);
    case.policy.short_per_unit = Cents([700, 2_500, 20_000][usize::try_from(seed % 3).unwrap()]);
    let together = dice.once_in(3);
    for demand in &mut case.demands {
        demand.together = u16::from(together && dice.once_in(2));
        demand.ships_alone = dice.once_in(9);
    }
    case
}

/// The bound of the search for large orders and the cost of its plan.
fn bounded(case: &Case) -> (i64, Option<i64>) {
    let request = case.request();
    let job = Job::new(&case.lanes, &request).unwrap();
    let mut departures = Departures::default();
    departures.start(&job);
    let (solved, _) = large::solve(&job, &mut departures);
    let cents = solved.plans[0].as_ref().map(|p| p.objective.total().0);
    (solved.bound.unwrap(), cents)
}

#[test]
fn no_order_costs_less_than_its_bound_and_none_more_than_its_plan() {
    let mut scratch = Scratch::default();
    let (mut proven, mut near) = (0, 0);
    for seed in 0..4_000 {
        let case = case(seed);
        let Ok(exact) = route(&case.lanes, &case.request(), &mut scratch) else {
            continue;
        };
        if !exact.proof.optimal {
            continue;
        }
        let best = exact.plan.objective.total().0;
        let (bound, cents) = bounded(&case);
        assert!(bound <= best, "seed {seed}: {bound} above {best}");
        if let Some(cents) = cents {
            assert!(cents >= best, "seed {seed}: {cents} below {best}");
        }
        proven += 1;
        near += u32::from(bound * 100 >= best * 80);
    }
    assert!(proven > 2_000, "only {proven} orders were proven");
    // What ships alone, stays together or waits for room is not in the bound: it need not be close.
    assert!(near * 2 > proven, "{near} of {proven} bounds come near");
}

/// Large orders answer the same whichever threads ask, and whatever they were asked before.
#[test]
fn every_thread_finds_the_same_plans_and_bounds() {
    let size = Size {
        demands: 60,
        locations: 14,
        qty: 3,
        may_split: true,
        limits: true,
    };
    let cases: Vec<Case> = (0..24).map(|seed| random_case(seed << 24, size)).collect();
    let answers = |backwards: bool| -> Vec<Option<Decision>> {
        let mut scratch = Scratch::default();
        let mut answer = |case: &Case| route(&case.lanes, &case.request(), &mut scratch).ok();
        if backwards {
            let mut all: Vec<_> = cases.iter().rev().map(&mut answer).collect();
            all.reverse();
            all
        } else {
            cases.iter().map(&mut answer).collect()
        }
    };
    let alone = answers(false);
    assert!(alone.iter().flatten().count() > 8);
    std::thread::scope(|scope| {
        let answers = &answers;
        let threads: Vec<_> = (0..4)
            .map(|thread| scope.spawn(move || answers(thread % 2 == 1)))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), alone);
        }
    });
}

/// Between 12 and 16 demands that ship whole all sets are gone through as well: the proven optimum
/// lies between the bound and the plan of the search for large orders.
#[test]
fn what_is_proven_beyond_twelve_demands_lies_within_the_bounds() {
    let mut scratch = Scratch::default();
    let size = Size {
        demands: 16,
        locations: 7,
        qty: 2,
        may_split: false,
        limits: false,
    };
    let mut proven = 0;
    for seed in 0..500 {
        let mut case = random_case(seed << 24, size);
        if case.demands.len() <= EXACT_DEMANDS_MAX {
            continue;
        }
        case.policy.short_per_unit = Cents(2_500);
        let Ok(exact) = route(&case.lanes, &case.request(), &mut scratch) else {
            continue;
        };
        assert!(exact.proof.optimal, "seed {seed}");
        let best = exact.plan.objective.total().0;
        let (bound, cents) = bounded(&case);
        assert!(bound <= best, "seed {seed}: {bound} above {best}");
        assert!(
            cents.is_none_or(|c| c >= best),
            "seed {seed}: {cents:?} below {best}"
        );
        proven += 1;
    }
    assert!(proven > 50, "only {proven} were routed");
}
