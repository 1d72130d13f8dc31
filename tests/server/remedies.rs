//! Rules and thresholds of `network.toml`, as a shop sees them over the wire.

use crate::engine_support::{self, commands::opening, network, rule};
use crate::support::{Connection, TestServer, order, wait_until};
use allot::engine::{Engine, Limits};
use allot::model::{Action, Cause, Millis, Network, Qty, ThresholdRow, Trigger};
use allot::server::Clock;
use allot::wire::Value;
use serde_json::{Value as Json, json};

fn text(reply: &Value) -> String {
    match reply {
        Value::Bulk(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        other => format!("{other:?}"),
    }
}

fn json_of(reply: &Value) -> Json {
    serde_json::from_str(&text(reply)).unwrap()
}

fn serving(network: Network) -> (TestServer, Connection) {
    let clock = Clock::start();
    let engine = Engine::new(network, opening(), Limits::default(), None, clock.now());
    let server = TestServer::serving(engine.unwrap(), clock, |_| {});
    let mut c = server.connect();
    wait_until("the feed is there", || !c.say("XLEN events").is_error());
    (server, c)
}

/// An order that must not wait.
fn strict(id: &str, units: u32) -> String {
    let mut placed: Json = serde_json::from_str(&order(id, "10001", &[(0, units)])).unwrap();
    placed["policy"] = json!({"allow_backorder": false});
    placed.to_string()
}

#[test]
fn a_refused_order_is_kept_placed_and_counted_by_its_rule() {
    let retry = Action::RetryRouting;
    let network = Network {
        remedies: vec![
            rule(
                "again",
                Some(Cause::NoStock),
                None,
                Trigger::StockArrived,
                retry,
            ),
            rule(
                "soon",
                Some(Cause::NoStock),
                None,
                Trigger::After(Millis(50)),
                retry,
            ),
        ],
        ..network()
    };
    let (server, mut c) = serving(network);
    let refused = c.command(&["ORDER.SUBMIT", &strict("1", 300)]);
    assert!(format!("{refused:?}").contains("NOSTOCK"), "{refused:?}");
    assert!(
        format!("{refused:?}").contains("exception 1 keeps it"),
        "{refused:?}"
    );
    let one = json_of(&c.say("EXCEPTION.GET 1"));
    assert_eq!(
        (&one["kept"], &one["cause"]),
        (&json!(true), &json!("no_stock"))
    );
    // The one that waits for time acts by itself, in vain, and once.
    wait_until("the rule that waits for time", || {
        text(&c.say("INFO exceptions"))
            .contains("rule_soon:action=retry_routing,resolved=0,in_vain=1")
    });
    assert!(!c.say("STOCK.SET c1 SKU-0 EAST 400").is_error());
    let placed = json_of(&c.say("ORDER.GET web 1"));
    assert_eq!(placed["state"], "routed");
    let ended = json_of(&c.say("EXCEPTION.GET 1"));
    assert_eq!(ended["resolved"]["rule"], "again");
    assert_eq!(ended["resolved"]["by"], Json::Null);
    let info = text(&c.say("INFO exceptions"));
    assert!(
        info.contains("rule_again:action=retry_routing,resolved=1,in_vain=0"),
        "{info}"
    );
    wait_until("the feed tells of it", || {
        let kinds = crate::feed::kinds(&mut c, "exceptions");
        let told = ["exception.opened", "exception.tried", "exception.resolved"];
        told.iter().all(|kind| kinds.iter().any(|k| k == kind))
    });
    server.assert_sound();
}

#[test]
fn what_is_open_in_a_cost_report_is_what_is_still_to_ship() {
    let engine = engine_support::engine(&[[9, 0, 0]]);
    for id in ["1", "2"] {
        engine_support::submit(&engine, engine_support::order(id, &[(0, 2)])).unwrap();
    }
    let server = TestServer::serving(engine, Clock::start(), |_| {});
    let mut c = server.connect();
    let report = json_of(&c.say("COST.REPORT BY LOCATION OPEN"));
    let columns = report["columns"].as_array().unwrap();
    let at = columns.iter().position(|name| name == "open").unwrap();
    assert_eq!(columns[at - 1], "open_shipments");
    let row = &report["rows"][0];
    let said = (&row[0], &row[1], &row[at - 1], &row[at]);
    assert_eq!(said, (&json!("EAST"), &json!(0), &json!(2), &json!(1440)));
    assert_eq!(report["total"][at], 1440);
    let without = json_of(&c.say("COST.REPORT BY LOCATION"));
    assert_eq!(without["rows"], json!([]));
}

#[test]
fn a_threshold_of_the_network_holds_where_nobody_has_set_one() {
    let network = Network {
        thresholds: vec![ThresholdRow {
            sku: None,
            channel: None,
            low: Qty(5),
        }],
        ..network()
    };
    let (server, mut c) = serving(network);
    for place in ["EAST", "MID", "WEST"] {
        let set = c.say(&format!("STOCK.SET s-{place} SKU-2 {place} 3"));
        assert!(!set.is_error(), "{set:?}");
    }
    wait_until("it is low", || {
        let kinds = crate::feed::kinds(&mut c, "stock");
        kinds.iter().any(|kind| kind == "availability.low")
    });
    server.assert_sound();
}
