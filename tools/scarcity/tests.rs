//! Invariants of the simulation in its tiny form.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::instance::Setting;
use super::prices;
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
    let instance = Instance::draw(&Setting::small(1_000), 7);
    let first = router::first_prices(&instance);
    let (_, left) = router::cost(&instance, (2, &first), &instance.arrivals(8)).unwrap();
    let units = |stock: &super::instance::Stock| stock.iter().flatten().sum::<u32>();
    let cells = left.iter().flatten().zip(instance.stock.iter().flatten());
    assert!(cells.clone().all(|(left, had)| left <= had));
    assert!(units(&left) < units(&instance.stock) / 2);
}

/// Over whole plans the dual can be a little above the linear programme of shares, never above what
/// the orders cost; prices that are no good would leave it far below.
#[test]
fn prices_prove_nearly_the_bound() {
    let instance = Instance::draw(&Setting::small(1_000), 3);
    let mut prices = prices::none(&instance);
    let (dual, _) = prices::solve(&instance, &instance.stock, 1_000.0, 400, &mut prices, false);
    let optimum = bound::solve(&instance).unwrap().cost;
    assert!((0.99..1.01).contains(&(dual / optimum)), "{dual} {optimum}");
}

/// What stands in for the programme where it is too large: near its optimum, and shares that sum to
/// one and draw no more than there is, nearly.
#[test]
fn the_bound_of_the_large_network_is_near_on_the_small_one() {
    let instance = Instance::draw(&Setting::small(1_000), 5);
    let (exact, near) = (bound::solve(&instance).unwrap(), bound::approach(&instance));
    let ratio = near.cost / exact.cost;
    assert!((0.98..1.02).contains(&ratio), "{ratio}");
    let mut drawn = prices::none(&instance);
    for (kind, items) in instance.types.iter().enumerate() {
        for (metro, share) in instance.share.iter().enumerate() {
            for (row, &item) in items.iter().enumerate() {
                let shares = &near.shares[kind][metro][row];
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                for (facility, drawn) in drawn.iter_mut().enumerate() {
                    drawn[item] += 1_000.0 * instance.chance[kind] * share * shares[facility];
                }
            }
        }
    }
    let (mut over, mut held) = (0.0, 0.0);
    for (units, drawn) in instance.stock.iter().flatten().zip(drawn.iter().flatten()) {
        over += (drawn - f64::from(*units)).max(0.0);
        held += f64::from(*units);
    }
    assert!(over < 0.05 * held, "{over} of {held}, {ratio}");
}

#[test]
fn the_large_network_has_its_published_size() {
    let setting = Setting::large(1_000, 0.5).unwrap();
    assert_eq!(
        (setting.metros.len(), setting.real, setting.items),
        (99, 10, 100)
    );
    let instance = Instance::draw(&setting, 1);
    assert_eq!(instance.types.len(), 100);
    assert_eq!(instance.types.iter().map(Vec::len).max(), Some(10));
    let none = prices::none(&instance);
    let (cost, left) = router::cost(&instance, (0, &none), &instance.arrivals(2)).unwrap();
    assert!(cost > 0.0 && left != instance.stock);
}
