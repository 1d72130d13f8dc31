//! Invariants of the simulation in its tiny form.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::prices::{self, Prices};
use super::{Args, Instance, bound, measure, router};
use clap::Parser as _;

fn tiny() -> Args {
    let args = [
        "b1",
        "--instances",
        "1",
        "--sequences",
        "1",
        "--periods",
        "1000",
    ];
    Args::parse_from(args)
}

#[test]
fn the_same_seed_gives_the_same_table_and_no_policy_beats_the_bound() {
    let first = measure(&tiny()).unwrap();
    assert_eq!(first, measure(&tiny()).unwrap());
    // A horizon of a thousand periods can be some percent luckier than the expected one.
    assert!(first.iter().all(|&(mean, _)| mean > 0.95), "{first:?}");
}

/// What left every facility is what it had less what it has; `router::cost` fails on a unit too many.
#[test]
fn nothing_is_oversold_and_units_are_used() {
    let instance = Instance::draw(7, 1_000);
    let (_, left) = router::cost(&instance, 2, &instance.arrivals(8)).unwrap();
    let units = |stock: &super::instance::Stock| stock.iter().flatten().sum::<u32>();
    let cells = left.iter().flatten().zip(instance.stock.iter().flatten());
    assert!(cells.clone().all(|(left, had)| left <= had));
    assert!(units(&left) < units(&instance.stock) / 2);
}

/// Over whole plans the dual can be a little above the linear programme of shares, never above what
/// the orders cost; prices that are no good would leave it far below.
#[test]
fn prices_prove_nearly_the_bound() {
    let instance = Instance::draw(3, 1_000);
    let mut prices = Prices::default();
    let dual = prices::solve(&instance, &instance.stock, 1_000.0, 400, &mut prices);
    let optimum = bound::solve(&instance).unwrap().cost;
    assert!((0.99..1.01).contains(&(dual / optimum)), "{dual} {optimum}");
}
