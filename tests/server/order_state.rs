//! What the owner of order state must do, line by line, each as one readable scenario over real connections.
//!
//! A scenario that another file tells is named here and not told twice.
//!
//! | what must hold | where |
//! | --- | --- |
//! | an illegal move is refused with the state and what would be allowed | here |
//! | late, repeated and reordered messages move nothing back and are recorded | here; `order_model` at random |
//! | an order's state is derived from its parts | here |
//! | the table of moves is the drawing in the README | `reference` (test program) |
//! | the same order again, other content under its id | `identity`: `an_order_again_gets_the_first_answer…` |
//! | an order is changed in one step | `fulfillment`: `an_order_is_changed_in_one_step…` |
//! | all findings of an order at once, a suspected duplicate | `findings` |
//! | two systems ask for one order | here; `fulfillment`: `two_systems_ask…`; contention in `engine_fulfillment` |
//! | a stale token is refused | here; `fulfillment`: `only_its_holder…`, `a_part_is_held…` |
//! | what a shop has sent directly is the same fulfilment | here (claimed before, and after) |
//! | a claim that was not acknowledged in time | here |
//! | several parcels, tracking, actual cost | here; `costs` |
//! | a rejected or short part is routed anew, the count corrected, the rest held | here; `engine_replan` |
//! | every step is an event; groups, lag, resuming | here; `feed`; `feed_redis`, `feed_restart` (test programs) |
//! | availability thresholds | `availability` |
//! | a deadline's breach | `deadlines`; over a kill in `deadlines_restart` (test program) |
//! | promises at risk move, newest and lowest priority first | here; `engine_replan`: `c31_…` |
//! | backorders are served on receipt, by priority | here; `engine_replan`: `what_arrives…` |
//! | returns: once, never more than delivered, nothing before receipt | `returns` |
//! | costs: parts that add up | `costs`; at random in `engine_replay` |

use crate::engine_support::{engine, order};
use crate::feed::wait_for_event;
use crate::fulfillment::{ask, assert_refused, claim_one, say};
use crate::support::{Connection, TestServer, wait_until};
use allot::model::Order;
use allot::server::Clock;
use allot::wire::Value;
use serde_json::Value as Json;
use std::sync::Arc;

/// A server with `stock[sku][location]` units at EAST, MID and WEST, and these orders.
fn serving(stock: &[[u32; 3]], orders: Vec<Order>) -> TestServer {
    let (engine, clock) = (engine(stock), Clock::start());
    for order in orders {
        engine.submit(Arc::new(order), clock.now()).unwrap();
    }
    TestServer::serving(engine, clock, |_| {})
}

fn line(connection: &mut Connection, line: &str) -> Result<Json, String> {
    let words: Vec<&str> = line.split(' ').collect();
    ask(connection, &words)
}

fn token(part: &Json) -> String {
    part["token"].as_str().unwrap().to_owned()
}

/// Where the parts of an order stand, and at which location.
fn parts(connection: &mut Connection, order: &str) -> Vec<(String, String)> {
    let all = line(connection, &format!("FULFILLMENT.GET shop {order}")).unwrap();
    let each = all["fulfillments"].as_array().unwrap().iter().map(|part| {
        let text = |field: &str| part[field].as_str().unwrap_or("nowhere").to_owned();
        (text("state"), text("location"))
    });
    each.collect()
}

fn state(connection: &mut Connection, order: &str) -> String {
    let order = line(connection, &format!("ORDER.GET shop {order}")).unwrap();
    order["state"].as_str().unwrap().to_owned()
}

fn pair(state: &str, location: &str) -> (String, String) {
    (state.to_owned(), location.to_owned())
}

#[test]
fn an_illegal_move_is_refused_with_the_state_and_what_would_be_allowed() {
    let server = serving(&[[5, 0, 0]], vec![order("1", &[(0, 2)])]);
    let mut wms = server.connect();
    let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]);
    say(&mut wms, "SHIP", "1", &[&token(&part)]).unwrap();
    let refusal = say(&mut wms, "REJECT", "1", &[&token(&part), "no"]).unwrap_err();
    assert!(
        refusal.starts_with("STATE reject is not allowed while shipped; allowed: "),
        "{refusal}"
    );
    let (_, allowed) = refusal.split_once("allowed: ").unwrap();
    assert!(allowed.contains("deliver"), "{refusal}");
    let all = line(&mut wms, "FULFILLMENT.GET shop 1").unwrap();
    assert_eq!(
        all["fulfillments"][0]["state"], "shipped",
        "it is as it was"
    );
}

#[test]
fn late_repeated_and_reordered_messages_move_nothing_back_and_are_counted() {
    let server = serving(&[[5, 0, 0]], vec![order("1", &[(0, 2)])]);
    let mut wms = server.connect();
    let token = token(&claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]));
    // Shipped overtakes picked and packed, and says that they happened.
    let shipped = say(&mut wms, "SHIP", "1", &[&token]).unwrap();
    assert_eq!(shipped["fulfillment"]["lines"][0]["picked"], 2);
    for (number, verb) in (1..).zip(["PICK", "PACK", "ACK", "SHIP", "PICK"]) {
        let late = say(&mut wms, verb, "1", &[&token]).unwrap();
        assert_eq!(
            (&late["applied"], &late["to"]),
            (&"late".into(), &"shipped".into())
        );
        assert_eq!(late["fulfillment"]["late_messages"], number, "{verb}");
        assert_eq!(late["moved"].as_array().unwrap().len(), 0, "booked once");
    }
    server.assert_sound();
}

#[test]
fn an_order_is_where_its_parts_are() {
    // No location has both items.
    let server = serving(&[[5, 0, 0], [0, 5, 0]], vec![order("1", &[(0, 1), (1, 1)])]);
    let mut wms = server.connect();
    assert_eq!(parts(&mut wms, "1").len(), 2);
    let mut tokens = Vec::new();
    for place in ["EAST", "MID"] {
        let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", place]);
        tokens.push((part["number"].to_string(), token(&part)));
    }
    let mut seen = vec![state(&mut wms, "1")];
    for verb in ["SHIP", "DELIVER"] {
        for (number, token) in &tokens {
            line(
                &mut wms,
                &format!("FULFILLMENT.{verb} shop 1 {number} {token}"),
            )
            .unwrap();
            seen.push(state(&mut wms, "1"));
        }
    }
    assert_eq!(seen.last().unwrap(), "delivered");
    // It is not shipped before all of it is, nor delivered.
    assert_eq!(
        seen.iter().filter(|s| *s == "delivered").count(),
        1,
        "{seen:?}"
    );
    assert_ne!(seen[1], seen[2], "one of two is not all: {seen:?}");
}

#[test]
fn of_two_systems_one_gets_it_and_the_other_hears_who_has_it() {
    let server = serving(&[[5, 0, 0]], vec![order("1", &[(0, 2)])]);
    let claim = |holder: &'static str| {
        let mut connection = server.connect();
        move || {
            let asked = format!("FULFILLMENT.CLAIM EAST HOLDER {holder} ORDER shop 1");
            line(&mut connection, &asked)
        }
    };
    let (mut wms, mut threepl) = (claim("wms"), claim("3pl"));
    let both = std::thread::scope(|scope| {
        let one = scope.spawn(&mut wms);
        [threepl(), one.join().unwrap()]
    });
    let got = both.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(got, 1, "{both:?}");
    let winner = ["3pl", "wms"][usize::from(both[0].is_err())];
    let loser = both.into_iter().find(Result::is_err).unwrap();
    assert_refused(loser, &format!("HELD {winner} has it"));
}

#[test]
fn a_direct_path_is_the_same_fulfilment_before_and_after_a_claim() {
    let orders = vec![order("1", &[(0, 1)]), order("2", &[(0, 1)])];
    let server = serving(&[[5, 0, 0]], orders);
    let (mut shop, mut wms) = (server.connect(), server.connect());
    // The shop sent order 1 to a 3PL itself: nobody else is handed it.
    let direct = line(&mut shop, "FULFILLMENT.REGISTER shop 1 * 3pl").unwrap();
    assert_eq!(direct["fulfillments"][0]["state"], "sent");
    let claimed = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST", "COUNT", "5"]);
    assert_eq!(claimed["order"], "2");
    let asked = line(&mut wms, "FULFILLMENT.CLAIM EAST HOLDER wms ORDER shop 1");
    assert_refused(asked, "HELD 3pl");
    // Order 2 is with the warehouse: the shop hears so before a second shipment leaves.
    let second = line(&mut shop, "FULFILLMENT.REGISTER shop 2 * 3pl");
    assert_refused(second, "HELD");
    assert_eq!(parts(&mut shop, "1").len() + parts(&mut shop, "2").len(), 2);
}

#[test]
fn an_unacknowledged_claim_goes_on_only_if_its_holder_cannot_have_begun() {
    let orders = vec![order("1", &[(0, 1)]), order("2", &[(0, 1)])];
    let server = serving(&[[5, 0, 0]], orders);
    let mut wms = server.connect();
    let claim = "FULFILLMENT.CLAIM EAST HOLDER wms LEASE 1 ORDER shop";
    let first = line(
        &mut wms,
        &format!("{claim} 1").replace("ORDER", "ACKFIRST ORDER"),
    )
    .unwrap();
    line(&mut wms, &format!("{claim} 2")).unwrap();
    // The first starts only after his acknowledgement was accepted: another may have it.
    wait_until("it goes back", || parts(&mut wms, "1")[0].0 == "routed");
    let mut other = server.connect();
    let claimed = line(&mut other, "FULFILLMENT.CLAIM EAST HOLDER 3pl ORDER shop 1").unwrap();
    assert_eq!(claimed["fulfillments"][0]["holder"], "3pl");
    let old = token(&first["fulfillments"][0]);
    assert_refused(say(&mut wms, "ACK", "1", &[&old]), "STALE");
    // The second may be at work: it stays his, and somebody has to ask.
    wait_until("an exception", || {
        let stuck = line(&mut other, "ORDER.STUCK CAUSE not_acknowledged").unwrap();
        stuck["stuck"].as_array().unwrap().len() == 1
    });
    assert_eq!(parts(&mut wms, "2")[0].0, "sent");
    let asked = line(&mut other, "FULFILLMENT.CLAIM EAST HOLDER 3pl ORDER shop 2");
    assert_refused(asked, "HELD wms");
    // A person vouches for it; then it may be handed out anew.
    say(&mut other, "TAKEBACK", "2", &["anna"]).unwrap();
    line(&mut other, "FULFILLMENT.CLAIM EAST HOLDER 3pl ORDER shop 2").unwrap();
}

#[test]
fn several_parcels_are_one_shipment_with_its_tracking_and_its_cost() {
    let server = serving(&[[5, 0, 0]], vec![order("1", &[(0, 2)])]);
    let mut wms = server.connect();
    let token = token(&claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]));
    let two = "PARCEL ups 1Z1 CENTS 500 PARCEL ups 1Z2 CENTS 345";
    let shipped = line(
        &mut wms,
        &format!("FULFILLMENT.SHIP shop 1 1 {token} {two}"),
    )
    .unwrap();
    let parcels = shipped["fulfillment"]["parcels"].as_array().unwrap();
    let told: Vec<(&str, i64)> = parcels
        .iter()
        .map(|p| {
            (
                p["tracking"].as_str().unwrap(),
                p["cents"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("1Z1", 500), ("1Z2", 345)]);
    // The second arrives first: delivered is the shipment when both are.
    let deliver = format!("FULFILLMENT.DELIVER shop 1 1 {token} PARCEL ups");
    assert_eq!(
        line(&mut wms, &format!("{deliver} 1Z2")).unwrap()["to"],
        "shipped"
    );
    assert_eq!(
        line(&mut wms, &format!("{deliver} 1Z1")).unwrap()["to"],
        "delivered"
    );
}

#[test]
fn what_a_place_rejects_ships_from_another_by_itself() {
    let server = serving(&[[5, 5, 0]], vec![order("1", &[(0, 2)])]);
    let mut wms = server.connect();
    let token = token(&claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]));
    let told = say(&mut wms, "REJECT", "1", &[&token, "closed"]).unwrap();
    assert_eq!(told["placed"], serde_json::json!([2]), "in the same step");
    let expected = [pair("rejected", "EAST"), pair("routed", "MID")];
    assert_eq!(parts(&mut wms, "1"), expected);
    // The new part is handed out as any other.
    let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "MID"]);
    assert_eq!((&part["order"], &part["number"]), (&"1".into(), &2.into()));
    server.assert_sound();
}

#[test]
fn units_not_found_correct_the_count_hold_the_rest_and_ship_from_elsewhere() {
    let server = serving(&[[5, 5, 0]], vec![order("1", &[(0, 2)])]);
    let mut wms = server.connect();
    let token = token(&claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]));
    let told = say(&mut wms, "SHORT", "1", &[&token, "SKU-0", "1"]).unwrap();
    let moved = &told["moved"][0];
    assert_eq!((&moved["before"], &moved["after"]), (&5.into(), &4.into()));
    assert_eq!(told["holds"].as_array().unwrap().len(), 1, "{told}");
    let expected = [pair("short_picked", "EAST"), pair("routed", "MID")];
    assert_eq!(parts(&mut wms, "1"), expected);
    let now = server.clock.now();
    let east = server.engine.stock("SKU-0", "EAST", now).unwrap().unwrap();
    // Four are counted, one of them is this order's: three wait for somebody to count.
    assert_eq!((east.position.on_hand, east.position.held), (4, 3));
    // The unit that is there ships all the same.
    say(&mut wms, "SHIP", "1", &[&token]).unwrap();
    assert_eq!(parts(&mut wms, "1")[0], pair("shipped", "EAST"));
    server.assert_sound();
}

#[test]
fn every_step_of_an_order_is_an_event_that_a_group_reads_once() {
    let server = serving(&[[5, 0, 0]], vec![]);
    let (mut host, mut wms) = (server.connect(), server.connect());
    wait_until("the feed is there", || !host.say("XLEN orders").is_error());
    assert_eq!(
        host.say("XGROUP CREATE orders erp 0"),
        Value::Simple("OK".into())
    );
    let placed = crate::support::order("1", "10001", &[(0, 2)]);
    let placed = placed.replace("\"web\"", "\"shop\"");
    ask(&mut host, &["ORDER.SUBMIT", &placed]).unwrap();
    let token = token(&claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]));
    for verb in ["ACK", "PICK", "PACK", "SHIP", "DELIVER"] {
        say(&mut wms, verb, "1", &[&token]).unwrap();
    }
    let all = wait_for_event(&mut host, "orders", "fulfillment.delivered");
    let read = host.say("XREADGROUP GROUP erp a STREAMS orders >");
    let events = crate::feed::events(&read);
    let kinds: Vec<&str> = events.iter().map(|(_, kind)| &**kind).collect();
    assert_eq!(kinds, all, "all of them, in their order");
    let steps = kinds.iter().filter(|kind| kind.starts_with("fulfillment."));
    assert!(steps.count() == 6, "{kinds:?}");
    let again = host.say("XREADGROUP GROUP erp a STREAMS orders >");
    assert_eq!(again, Value::Null);
    let ids: Vec<&str> = events.iter().map(|(id, _)| &**id).collect();
    let acked = host.command(&[&["XACK", "orders", "erp"], &ids[..]].concat());
    assert_eq!(acked, Value::Int(i64::try_from(ids.len()).unwrap()));
}

#[test]
fn promises_that_a_count_breaks_move_at_once_the_newest_and_least_urgent_first() {
    let mut urgent = order("urgent", &[(0, 2)]);
    urgent.priority = 5;
    let orders = vec![order("old", &[(0, 2)]), urgent, order("new", &[(0, 2)])];
    let server = serving(&[[6, 0, 4]], orders);
    let mut host = server.connect();
    for id in ["old", "urgent", "new"] {
        assert_eq!(parts(&mut host, id), [pair("routed", "EAST")]);
    }
    // Two of six are gone: one promise cannot be kept from here.
    host.say("STOCK.SET counted SKU-0 EAST 4");
    for (id, place) in [("old", "EAST"), ("urgent", "EAST"), ("new", "WEST")] {
        assert_eq!(
            parts(&mut host, id).last(),
            Some(&pair("routed", place)),
            "{id}"
        );
    }
    // Two more: the next is the older one of the same priority.
    host.say("STOCK.SET counted-2 SKU-0 EAST 2");
    for (id, place) in [("old", "WEST"), ("urgent", "EAST"), ("new", "WEST")] {
        assert_eq!(
            parts(&mut host, id).last(),
            Some(&pair("routed", place)),
            "{id}"
        );
    }
    server.assert_sound();
}

#[test]
fn what_arrives_goes_at_once_to_who_waits_by_priority() {
    let mut urgent = order("urgent", &[(0, 2)]);
    urgent.priority = 5;
    let server = serving(&[[0, 0, 0]], vec![order("old", &[(0, 2)]), urgent]);
    let mut host = server.connect();
    for id in ["old", "urgent"] {
        assert_eq!(state(&mut host, id), "backordered");
    }
    host.say("STOCK.ADJUST received SKU-0 EAST 2 receipt");
    assert_eq!(
        parts(&mut host, "urgent").last(),
        Some(&pair("routed", "EAST"))
    );
    assert_eq!(state(&mut host, "old"), "backordered");
    host.say("STOCK.ADJUST received-2 SKU-0 EAST 2 receipt");
    assert_eq!(
        parts(&mut host, "old").last(),
        Some(&pair("routed", "EAST"))
    );
    server.assert_sound();
}
