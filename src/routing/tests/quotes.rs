//! Cheapest, fastest and balanced, against every plan there is.

use super::super::request::Job;
use super::super::{Goal, Scratch, Unroutable, quote};
use super::kit::{Case, Size, random_case};
use super::oracle::{Oracle, Shape};
use crate::model::{Cents, Day};

fn short_units(case: &Case, shape: &Shape) -> u64 {
    let demands = case.demands.iter().enumerate();
    let short = demands.filter(|(i, _)| shape.1 >> i & 1 == 1);
    short.map(|(_, d)| u64::from(d.qty.0)).sum()
}

/// The fewest short units of all plans that deliver by a date, and the least cost of those.
fn fewest_by(case: &Case, latest: Day) -> Option<(u64, i64)> {
    let request = case.request();
    let mut job = Job::new(&case.lanes, &request).unwrap();
    job.latest = Some(job.latest.map_or(latest, |hard| hard.min(latest)));
    let shapes = Oracle::shapes(&job);
    shapes
        .iter()
        .map(|(s, &cents)| (short_units(case, s), cents))
        .min()
}

#[test]
fn every_goal_gets_its_best_plan() {
    let mut scratch = Scratch::default();
    let mut faster = 0;
    for seed in 0..500 {
        let size = Size {
            demands: 3,
            locations: 4,
            qty: 2,
            may_split: false,
            limits: false,
        };
        let case = random_case(seed, size);
        let request = case.request();
        let [cheapest, fastest, balanced] = match quote(&case.lanes, &request, &mut scratch) {
            Ok(quotes) => quotes,
            Err(Unroutable::Short { .. }) => continue,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(cheapest.0, Goal::Cheapest);
        let mut unhurried = Job::new(&case.lanes, &request).unwrap();
        unhurried.policy.speed_value_per_day = Cents(0);
        let least = Oracle::shapes(&unhurried).into_values().min();
        assert_eq!(
            Some(cheapest.1.plan.objective.total().0),
            least,
            "seed {seed}"
        );
        let job = Job::new(&case.lanes, &request).unwrap();
        let least = Oracle::shapes(&job).into_values().min();
        assert_eq!(
            Some(balanced.1.plan.objective.total().0),
            least,
            "seed {seed}"
        );

        let plan = &fastest.1.plan;
        let found = (plan.short_units(), plan.objective.total().0);
        let (fewest, _) = fewest_by(&case, Day(30_000)).unwrap();
        assert_eq!(found.0, fewest, "seed {seed}: as few short as possible");
        if let Some(day) = plan.delivered_on() {
            assert_eq!(
                fewest_by(&case, day),
                Some(found),
                "seed {seed}: cheapest of these"
            );
            let earlier = fewest_by(&case, Day(day.0 - 1));
            assert!(
                earlier.is_none_or(|e| e.0 > fewest),
                "seed {seed}: earlier is possible"
            );
            faster += usize::from(balanced.1.plan.delivered_on() > Some(day));
        }
        assert!(fastest.1.proof.optimal, "seed {seed}");
        assert_eq!(fastest.1.proof.bound, plan.objective.total(), "seed {seed}");
    }
    assert!(
        faster > 20,
        "the fastest was earlier in only {faster} cases"
    );
}
