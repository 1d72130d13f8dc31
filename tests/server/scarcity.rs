//! Prices of scarce units, as a client meets them.

use crate::engine_support::{self, order};
use crate::support::{Connection, TestServer, refusal, wait_until};
use allot::engine::{Engine, Limits};
use allot::model::{LocationId, Millis, Opening, PricingRules, Qty, SkuId, StockRow};
use allot::server::Clock;
use allot::wire::Value;

/// One item: ten units in the east, plenty in the middle.
fn engine(pricing: PricingRules, clock: &Clock) -> Engine {
    let mut network = engine_support::network();
    network.pricing = pricing;
    let row = |location, units| StockRow {
        sku: SkuId(0),
        location: LocationId(location),
        on_hand: Qty(units),
        safety_stock: Qty(0),
        held: None,
    };
    let opening = Opening {
        items: vec![engine_support::item(0)],
        stock: vec![row(0, 10), row(1, 900)],
        ..Opening::default()
    };
    Engine::new(network, opening, Limits::default(), None, clock.now()).unwrap()
}

fn info(connection: &mut Connection, key: &str) -> i64 {
    let reply = connection.say("INFO scarcity");
    let prefix = format!("{key}:");
    let lines = reply.as_str().unwrap().lines();
    let value = lines.filter_map(|line| line.strip_prefix(&*prefix)).next();
    value.unwrap_or_else(|| panic!("{key}")).parse().unwrap()
}

fn prices(connection: &mut Connection) -> usize {
    let Value::Array(rows) = connection.say("SCARCITY.GET SKU-0") else {
        panic!("no list");
    };
    rows.len()
}

#[test]
fn prices_are_made_when_asked_and_only_then() {
    let clock = Clock::start();
    let engine = engine(PricingRules::default(), &clock);
    for n in 0..5 {
        engine
            .submit(
                std::sync::Arc::new(order(&n.to_string(), &[(0, 1)])),
                clock.now(),
            )
            .unwrap();
    }
    let mut server = TestServer::serving(engine, clock, |_| {});
    let mut connection = server.connect();
    assert_eq!(
        (
            prices(&mut connection),
            info(&mut connection, "scarcity_live")
        ),
        (0, 0)
    );
    assert_eq!(info(&mut connection, "scarcity_moved_units"), 5);
    let solved = connection.say("SCARCITY.SOLVE").into_pairs().unwrap();
    assert_eq!(solved[0].1, Value::Int(5), "orders");
    assert!(prices(&mut connection) > 0);
    assert_eq!(info(&mut connection, "scarcity_solved"), 1);
    assert_eq!(info(&mut connection, "scarcity_moved_units"), 0);
    assert!(refusal(&connection.say("SCARCITY.GET NOPE")).starts_with("NOTFOUND"));
    server.stop();
}

#[test]
fn prices_follow_the_stock_by_themselves() {
    let live = PricingRules {
        live: true,
        every: Millis(1),
        moved_units: 3,
        ..PricingRules::default()
    };
    let clock = Clock::start();
    let server = TestServer::serving(engine(live, &clock), clock, |_| {});
    let mut connection = server.connect();
    for n in 0..5 {
        let order = std::sync::Arc::new(order(&n.to_string(), &[(0, 1)]));
        server.engine.submit(order, server.clock.now()).unwrap();
    }
    wait_until("what moved is priced", || prices(&mut connection) > 0);
    wait_until("it is told", || {
        info(&mut connection, "scarcity_solved") > 0
    });
    server.assert_sound();
}
