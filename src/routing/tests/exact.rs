//! The exact search against every plan there is.

use super::super::request::Job;
use super::super::{Scratch, Unroutable, route};
use super::kit::{Case, Size, random_case};
use super::oracle::{Oracle, Shape};
use crate::model::{Cents, Decision, Plan, ShipmentLine};

/// What tells a plan from another.
fn shape(plan: &Plan) -> Shape {
    let mut shipments: Vec<(u16, i64, u32)> = plan
        .shipments
        .iter()
        .map(|s| {
            let set = s.lines.iter().map(|l| 1u32 << l.demand).sum();
            (s.location.0, s.ship_at.0, set)
        })
        .collect();
    shipments.sort_unstable();
    (shipments, plan.short.iter().map(|s| 1u32 << s.demand).sum())
}

/// The order of plans: total, shipments, list of places.
fn rank(shape: &Shape, cents: i64) -> (i64, usize, Vec<(u16, i64)>) {
    let places = shape.0.iter().map(|s| (s.0, s.1)).collect();
    (cents, shape.0.len(), places)
}

/// Routes a case and holds the answer against all plans.
fn check(case: &Case, scratch: &mut Scratch, name: &str) -> Option<Decision> {
    let request = case.request();
    let job = Job::new(&case.lanes, &request).unwrap();
    let shapes = Oracle::shapes(&job);
    let mut ranks: Vec<_> = shapes.iter().map(|(s, &c)| rank(s, c)).collect();
    ranks.sort();
    let decision = match route(&case.lanes, &request, scratch) {
        Ok(decision) => decision,
        Err(Unroutable::Short { short, .. }) => {
            assert!(
                ranks.is_empty(),
                "{name}: refused, but there is {:?}",
                ranks[0]
            );
            assert!(!short.is_empty(), "{name}");
            return None;
        }
        Err(other) => panic!("{name}: {other}"),
    };
    let (plan, best) = (&decision.plan, ranks.first());
    let best = best.unwrap_or_else(|| panic!("{name}: no plan exists, got {plan:?}"));
    let mine = rank(&shape(plan), plan.objective.total().0);
    assert_eq!(&mine, best, "{name}: {plan:?}");
    assert!(decision.proof.optimal, "{name}");
    let second = decision.runner_up.as_ref().map(|p| p.objective.total().0);
    assert_eq!(
        second,
        ranks.get(1).map(|r| r.0),
        "{name}: runner-up of {plan:?}"
    );
    if let Some(runner_up) = &decision.runner_up {
        assert_ne!(shape(runner_up), shape(plan), "{name}");
    }
    Some(decision)
}

#[test]
fn whole_demands_are_routed_like_the_best_of_all_plans() {
    let mut scratch = Scratch::default();
    let size = Size {
        demands: 4,
        locations: 4,
        qty: 2,
        may_split: false,
        limits: false,
    };
    let routed = (0..3_000).filter_map(|seed| {
        let case = random_case(seed, size);
        check(&case, &mut scratch, &format!("seed {seed}"))
    });
    let splits = routed.filter(|d| d.plan.shipments.len() > 1).count();
    assert!(splits > 150, "only {splits} cases split");
}

/// A policy under which most orders ship in parts rather than not at all.
fn make_willing(case: &mut Case) {
    case.policy.short_per_unit = Cents(2_500);
    case.policy.ship_complete = false;
    case.policy.max_shipments = 3;
    case.deliver_by = None;
}

/// How many lines of a plan hold only a part of their demand.
fn parts(case: &Case, plan: &Plan) -> usize {
    let lines = plan.shipments.iter().flat_map(|s| &s.lines);
    let part = |l: &&ShipmentLine| l.qty < case.demands[usize::from(l.demand)].qty;
    lines.filter(part).count()
}

#[test]
fn divided_demands_are_routed_like_the_best_of_all_plans() {
    let mut scratch = Scratch::default();
    let mut divided = 0;
    for seed in 0..1_500 {
        let size = Size {
            demands: 2 + seed % 2,
            locations: 3,
            qty: 4 - seed % 2,
            may_split: true,
            limits: seed % 3 == 0,
        };
        let mut case = random_case(seed, size);
        case.policy.max_shipments = case.policy.max_shipments.min(3);
        if seed % 4 < 2 {
            make_willing(&mut case);
        }
        let decision = check(&case, &mut scratch, &format!("seed {seed}"));
        divided += decision.map_or(0, |d| parts(&case, &d.plan));
    }
    assert!(divided > 100, "only {divided} parts shipped");
}

#[test]
fn one_large_demand_is_divided_at_the_ends_of_brackets_without_loss() {
    let mut scratch = Scratch::default();
    let mut divided = 0;
    for seed in 0..120 {
        let size = Size {
            demands: 1,
            locations: 3,
            qty: 14,
            may_split: true,
            limits: false,
        };
        let mut case = random_case(seed, size);
        case.demands[0].grams = 150 + case.demands[0].grams / 4;
        make_willing(&mut case);
        let decision = check(&case, &mut scratch, &format!("seed {seed}"));
        divided += decision.map_or(0, |d| parts(&case, &d.plan));
    }
    assert!(divided > 25, "only {divided} parts shipped");
}
