//! Prices of scarce units: they rise where more is wanted than there is, routing uses the newest, and
//! neither state nor history depends on them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::engine::Engine;
use allot::model::{Cents, LocationId, Millis, Order, PricingRules, Qty, ScarcityRow, SkuId};
use allot::routing::Constraint;
use engine_support::{NOW, engine, order, submit, threads};
use std::sync::Arc;

fn rules(horizon_hours: u32) -> PricingRules {
    PricingRules {
        horizon: Millis::from_hours(horizon_hours),
        ..PricingRules::default()
    }
}

/// An order for a customer far west, to whom MID is near.
fn western(id: &str, sku: usize, qty: u32) -> Order {
    let mut order = order(id, &[(sku, qty)]);
    order.ship_to.coordinate = allot::model::Coordinate::from_degrees(40.0, -91.0);
    order
}

fn price(engine: &Engine, sku: &str, location: u16) -> i64 {
    let prices = engine.scarcity(sku).unwrap();
    let found = prices.iter().find(|(at, _)| *at == LocationId(location));
    found.map_or(0, |(_, Cents(cents))| *cents)
}

#[test]
fn only_what_runs_short_gets_a_price() {
    let engine = engine(&[[10, 500, 500], [500, 500, 500]]);
    let nothing = engine.price_scarcity(&rules(168), NOW).unwrap();
    assert_eq!(
        (nothing.orders, nothing.positions),
        (0, 0),
        "nobody has bought"
    );
    for n in 0..5 {
        submit(&engine, order(&n.to_string(), &[(0, 1)])).unwrap();
        submit(&engine, order(&format!("b{n}"), &[(1, 1)])).unwrap();
    }
    // Five came within the hour: some hundred are to come, and near them five units are left.
    let priced = engine.price_scarcity(&rules(24), NOW).unwrap();
    assert_eq!(priced.orders, 10);
    let east = price(&engine, "SKU-0", 0);
    assert!(
        (200..1_000).contains(&east),
        "what going elsewhere costs more: {east}"
    );
    assert!(price(&engine, "SKU-0", 1) < east);
    for location in 0..3 {
        assert_eq!(price(&engine, "SKU-1", location), 0, "plenty everywhere");
    }
}

/// The last units near many are kept for them: someone whom another location serves as well gets his
/// from there, and the answer says what the price was.
#[test]
fn routing_goes_by_the_newest_prices() {
    let engine = engine(&[[10, 10, 0]]);
    let one = |id: &str| submit(&engine, order(id, &[(0, 1)])).unwrap().decision;
    let shipped_from = |d: &allot::model::Decision| d.plan.shipments[0].location;
    assert_eq!(shipped_from(&one("1")), LocationId(0));
    let row = |cents| ScarcityRow {
        sku: SkuId(0),
        location: LocationId(0),
        cents: Cents(cents),
    };
    engine.set_scarcity(vec![row(5)]).unwrap();
    let dearer = one("2");
    assert_eq!(shipped_from(&dearer), LocationId(0));
    assert_eq!(dearer.plan.objective.scarcity, Cents(5));
    engine.set_scarcity(vec![row(5_000)]).unwrap();
    assert_eq!(shipped_from(&one("3")), LocationId(1));
    // Describing a location anew, or pausing one, keeps the prices.
    engine
        .put_location(engine_support::location("WEST", -121.0), NOW)
        .unwrap();
    assert_eq!(price(&engine, "SKU-0", 0), 5_000);
    engine.pause_location("MID", true, NOW).unwrap();
    engine.set_scarcity(Vec::new()).unwrap();
    assert_eq!(
        shipped_from(&one("4")),
        LocationId(0),
        "MID stays paused, EAST is free again"
    );
    let unknown = ScarcityRow {
        location: LocationId(9),
        ..row(1)
    };
    assert_eq!(
        engine.set_scarcity(vec![unknown]).unwrap_err().code(),
        "INVALID"
    );
}

#[test]
fn prices_are_no_state_and_write_no_fact() {
    let engine = engine(&[[10, 500, 0]]);
    for n in 0..6 {
        submit(&engine, order(&n.to_string(), &[(0, 1)])).unwrap();
    }
    let before = (engine.latest_fact(), engine.state_hash(NOW));
    assert!(engine.price_scarcity(&rules(48), NOW).unwrap().positions > 0);
    assert_eq!((engine.latest_fact(), engine.state_hash(NOW)), before);
    let again = submit(&engine, order("0", &[(0, 1)])).unwrap();
    assert!(again.repeated && again.decision.plan.objective.scarcity == Cents(0));
}

#[test]
fn the_same_sample_gives_the_same_prices_with_any_number_of_threads() {
    let priced = |count: usize| {
        let engine = engine(&[[20, 30, 10], [4, 4, 4], [100, 0, 7]]);
        let orders = (0..60).zip([1, 2].into_iter().cycle());
        let orders = orders.map(|(n, qty)| Arc::new(western(&n.to_string(), n % 3, qty)));
        let near = (60..90).map(|n| Arc::new(order(&n.to_string(), &[(n % 3, 1), (0, 1)])));
        engine.expect_orders(orders.chain(near).collect());
        let done = threads(count).install(|| engine.price_scarcity(&rules(2), NOW).unwrap());
        assert_eq!(done.orders, 90);
        let skus = ["SKU-0", "SKU-1", "SKU-2"].map(|sku| engine.scarcity(sku).unwrap());
        (done, skus)
    };
    let one = priced(1);
    assert!(one.0.positions > 2, "{one:?}");
    assert_eq!(priced(2), one);
    assert_eq!(priced(4), one);
}

/// The sample is the newest orders of the window, without cancelled ones.
#[test]
fn the_sample_is_what_was_accepted_lately() {
    let engine = engine(&[[500, 500, 500]]);
    for n in 0..10 {
        submit(&engine, order(&n.to_string(), &[(0, 1)])).unwrap();
    }
    engine.cancel_order("shop", "3", NOW).unwrap();
    assert_eq!(engine.price_scarcity(&rules(24), NOW).unwrap().orders, 9);
    let few = PricingRules {
        orders_max: 4,
        ..rules(24)
    };
    assert_eq!(engine.price_scarcity(&few, NOW).unwrap().orders, 4);
    let later = NOW + Millis::from_hours(169);
    assert_eq!(engine.price_scarcity(&rules(24), later).unwrap().orders, 0);
    let moved = engine.units_moved();
    assert_eq!(moved, 10);
    engine
        .adjust_stock("r", "SKU-0", "EAST", -7, "lost", NOW)
        .unwrap();
    assert_eq!(engine.units_moved(), 17);
    assert_eq!(
        engine.order("shop", "0").unwrap().order.lines[0].qty,
        Qty(1)
    );
}

/// What a unit was worth to others when an order was accepted is part of why it ships as it does: prices
/// that are made anew afterwards change nothing of it, and are no change of the network either.
#[test]
fn an_explanation_goes_by_the_prices_of_then() {
    let engine = engine(&[[10, 10, 0]]);
    let row = |location, cents| ScarcityRow {
        sku: SkuId(0),
        location: LocationId(location),
        cents: Cents(cents),
    };
    engine.set_scarcity(vec![row(0, 900), row(1, 7)]).unwrap();
    engine.pause_location("MID", true, NOW).unwrap();
    let placed = submit(&engine, order("1", &[(0, 1)])).unwrap();
    assert_eq!(placed.decision.plan.objective.scarcity, Cents(900));
    let binding = engine.explain("shop", "1").unwrap().binding.unwrap();
    engine.pause_location("MID", false, NOW).unwrap();
    let asked = engine.quote(&order("2", &[(0, 1)]), NOW).unwrap();
    let from_mid = asked.plans[2].1.plan.objective;
    assert_eq!(from_mid.scarcity, Cents(7));
    let [paused] = &binding[..] else {
        panic!("{binding:?}")
    };
    assert_eq!(paused.constraint, Constraint::Paused);
    let saves = placed.decision.plan.objective.total() - from_mid.total();
    assert!(saves > Cents(0));
    assert_eq!((paused.saves, paused.proven), (saves, true));
    for prices in [vec![], vec![row(0, 1)], vec![row(1, 9_000), row(2, 3)]] {
        engine.set_scarcity(prices).unwrap();
        let again = engine.explain("shop", "1").unwrap();
        assert_eq!(again.binding.as_ref(), Ok(&binding));
        // Describing a location as it is makes the tables anew.
        engine
            .put_location(engine_support::location("WEST", -120.0), NOW)
            .unwrap();
        let again = engine.explain("shop", "1").unwrap();
        assert_eq!(again.binding.as_ref(), Ok(&binding));
    }
}
