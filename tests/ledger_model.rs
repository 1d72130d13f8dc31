//! The ledger against a naive oracle: the same random commands to both, every reply and every
//! read compared after each of them.
//!
//! `ALLOT_CASES=20000 cargo test --test ledger_model` for more than the usual 512 stories.

mod ledger_support;

use ledger_support::command::{Story, story};
use ledger_support::world::World;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Commands in a story, on average.
const STEPS: usize = 60;

/// Every outcome that the random stories must bring about.
const OUTCOMES: [&str; 42] = [
    "adjust: done",
    "adjust: out of range",
    "allocate",
    "broken promises",
    "cancel: again",
    "cancel: given back",
    "cancel: lost",
    "cancel: over already",
    "change: done",
    "change: refused",
    "confirm: done",
    "count: done",
    "count: stale",
    "count: with deducted",
    "delay: done",
    "dispatch: done",
    "dispatch: forced",
    "dispatch: not free",
    "dispatch: same location",
    "extend: done",
    "extend: refused",
    "hold: again",
    "hold: differs",
    "hold: not on hand",
    "hold: not released",
    "hold: placed",
    "hold: released",
    "opening row named again later",
    "receive: done",
    "receive: short",
    "release: live",
    "settle: more than was there",
    "settle: only given back",
    "settle: units left",
    "release: over already",
    "safety stock",
    "supply: expected",
    "supply: known already",
    "supply: no report taken",
    "take: granted",
    "take: over before it begins",
    "take: refused for stock",
];

#[test]
fn ledger_and_oracle_agree_on_everything() {
    let cases = std::env::var("ALLOT_CASES");
    let cases = cases.map_or(512, |n| n.parse().expect("ALLOT_CASES is a number"));
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let seen: RefCell<BTreeMap<&'static str, u64>> = RefCell::default();
    let outcome = TestRunner::new(config).run(&story(STEPS), |story: Story| {
        let mut world = World::new(&story);
        world.check_opening();
        for step in &story.steps {
            world.step(step);
            world.check();
        }
        for (name, count) in world.seen {
            *seen.borrow_mut().entry(name).or_default() += count;
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let seen = seen.into_inner();
    println!("{seen:#?}");
    if cases >= 512 {
        assert_coverage(&seen);
    }
}

/// The generator must reach what it is meant to test.
fn assert_coverage(seen: &BTreeMap<&'static str, u64>) {
    for outcome in OUTCOMES {
        assert!(
            seen.get(outcome).is_some_and(|&n| n >= 20),
            "{outcome} is rare: {seen:#?}"
        );
    }
    let share = |outcome: &str| {
        let takes = seen.iter().filter(|(name, _)| name.starts_with("take:"));
        100 * seen[outcome] / takes.map(|(_, n)| n).sum::<u64>()
    };
    assert!(
        share("take: granted") >= 30,
        "{}% granted",
        share("take: granted")
    );
    assert!(
        share("take: refused for stock") >= 20,
        "{}%",
        share("take: refused for stock")
    );
}
