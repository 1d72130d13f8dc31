//! Handing out, shipping and cancelling, as two systems on two connections meet it.

use crate::engine_support::{self, atp, order, submit};
use crate::support::{Connection, TestServer};
use allot::server::Clock;
use allot::wire::Value;
use serde_json::Value as Json;

/// Five units of one item in one place, and these orders of two units each.
pub(crate) fn serving(orders: &[&str]) -> (TestServer, Connection, Connection) {
    let engine = engine_support::engine(&[[5, 0, 0]]);
    for id in orders {
        submit(&engine, order(id, &[(0, 2)])).unwrap();
    }
    let server = TestServer::serving(engine, Clock::start(), |_| {});
    let (one, two) = (server.connect(), server.connect());
    (server, one, two)
}

pub(crate) fn ask(connection: &mut Connection, words: &[&str]) -> Result<Json, String> {
    match connection.command(words) {
        Value::Bulk(bytes) => Ok(serde_json::from_slice(&bytes).unwrap()),
        Value::Error(text) => Err(text),
        other => panic!("{other:?}"),
    }
}

/// Asks for work and gets one part.
pub(crate) fn claim_one(connection: &mut Connection, words: &[&str]) -> Json {
    let handed = ask(connection, words).unwrap();
    let parts = handed["fulfillments"].as_array().unwrap();
    assert_eq!(parts.len(), 1, "{handed}");
    parts[0].clone()
}

fn assert_nothing(connection: &mut Connection, words: &[&str]) {
    let handed = ask(connection, words).unwrap();
    assert_eq!(handed["fulfillments"].as_array().unwrap().len(), 0);
}

pub(crate) fn assert_refused(answer: Result<Json, String>, code: &str) {
    let refusal = answer.unwrap_err();
    assert!(refusal.starts_with(code), "{refusal}");
}

/// Says something about part 1 of an order.
pub(crate) fn say(
    connection: &mut Connection,
    verb: &str,
    order: &str,
    more: &[&str],
) -> Result<Json, String> {
    let verb = format!("FULFILLMENT.{verb}");
    ask(connection, &[&[&verb, "shop", order, "1"], more].concat())
}

#[test]
fn two_systems_ask_and_one_gets_it() {
    let (server, mut wms, mut other) = serving(&["1"]);
    let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST", "COUNT", "5"]);
    assert_eq!(part["state"], "sent");
    // Nothing is left for the second, and asking for this very order names who has it.
    assert_nothing(&mut other, &["FULFILLMENT.CLAIM", "EAST"]);
    let this = ["FULFILLMENT.CLAIM", "EAST", "ORDER", "shop", "1"];
    assert_refused(ask(&mut other, &this), "HELD connection-");
    let direct = ["FULFILLMENT.REGISTER", "shop", "1", "*", "3pl"];
    assert_refused(ask(&mut other, &direct), "HELD");
    assert_refused(ask(&mut other, &["ORDER.CANCEL", "shop", "1"]), "HELD");
    // Asking again gives the first the same token.
    let again = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]);
    assert_eq!(
        (&again["token"], &again["repeated"]),
        (&part["token"], &true.into())
    );
    server.assert_sound();
}

#[test]
fn only_its_holder_may_speak_for_it_from_acknowledged_to_delivered() {
    let (server, mut wms, mut other) = serving(&["1"]);
    let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]);
    let token = part["token"].as_str().unwrap();
    assert_refused(
        say(&mut other, "SHIP", "1", &["0".repeat(32).as_str()]),
        "STALE",
    );
    assert_eq!(
        say(&mut wms, "ACK", "1", &[token]).unwrap()["to"],
        "acknowledged"
    );
    let parcel = [token, "PARCEL", "ups", "1Z", "CENTS", "845"];
    let shipped = say(&mut wms, "SHIP", "1", &parcel).unwrap();
    assert_eq!(
        (&shipped["to"], &shipped["moved"][0]["after"]),
        (&"shipped".into(), &3.into())
    );
    // A message that was overtaken moves nothing; a repeat books nothing twice.
    let late = say(&mut wms, "PICK", "1", &[token]).unwrap();
    assert_eq!(
        (&late["applied"], &late["to"]),
        (&"late".into(), &"shipped".into())
    );
    assert_eq!(
        say(&mut wms, "SHIP", "1", &parcel).unwrap()["applied"],
        "late"
    );
    assert_refused(say(&mut wms, "REJECT", "1", &[token, "too late"]), "STATE");
    assert_refused(ask(&mut wms, &["ORDER.CANCEL", "shop", "1"]), "STATE");
    assert_eq!(
        say(&mut wms, "DELIVER", "1", &[token]).unwrap()["to"],
        "delivered"
    );
    let order = ask(&mut wms, &["ORDER.GET", "shop", "1"]).unwrap();
    assert_eq!(order["state"], "delivered");
    // What left is gone, and nothing is reserved any more.
    assert_eq!(atp(&server.engine, "SKU-0"), 3);
    server.assert_sound();
}

#[test]
fn refused_units_are_free_again_and_missing_ones_are_not_there() {
    let (server, mut wms, _) = serving(&["1", "2"]);
    let claim = ["FULFILLMENT.CLAIM", "EAST", "COUNT", "5", "HOLDER", "wms"];
    let handed = ask(&mut wms, &claim).unwrap();
    let token = |order: &str| {
        let parts = handed["fulfillments"].as_array().unwrap();
        let part = parts.iter().find(|p| p["order"] == order).unwrap();
        part["token"].as_str().unwrap()
    };
    let rejected = say(&mut wms, "REJECT", "1", &[token("1"), "closed"]).unwrap();
    assert_eq!(rejected["to"], "rejected");
    let short = say(&mut wms, "SHORT", "2", &[token("2"), "SKU-0", "1"]).unwrap();
    assert_eq!(
        (&short["to"], &short["moved"][0]["after"]),
        (&"short_picked".into(), &4.into())
    );
    let unknown = say(&mut wms, "SHORT", "2", &[token("2"), "SKU-9", "1"]);
    assert_refused(unknown, "INVALID");
    let list = ask(&mut wms, &["FULFILLMENT.LIST", "EAST"]).unwrap();
    assert_eq!(list["fulfillments"].as_array().unwrap().len(), 1);
    // Four are there, one of them is still reserved; the other three are held until somebody counts.
    assert_eq!(atp(&server.engine, "SKU-0"), 0);
    let hold = short["holds"][0].as_str().unwrap();
    let counted = wms.command(&["HOLD.RELEASE", "counted", hold]);
    assert_eq!(counted, Value::Int(3), "{hold}");
    assert_eq!(
        atp(&server.engine, "SKU-0"),
        3,
        "not for who was refused here"
    );
    // An order that is refused everywhere can still be cancelled.
    let cancelled = ask(&mut wms, &["ORDER.CANCEL", "shop", "1"]).unwrap();
    assert_eq!(cancelled["state"], "cancelled");
    server.assert_sound();
}

#[test]
fn what_a_shop_has_sent_itself_is_handed_to_nobody_else() {
    let (_server, mut shop, mut wms) = serving(&["1", "2"]);
    let direct = ["FULFILLMENT.REGISTER", "shop", "1", "*", "3pl"];
    assert_eq!(claim_one(&mut shop, &direct)["holder"], "3pl");
    assert_eq!(claim_one(&mut shop, &direct)["repeated"], true);
    ask(&mut wms, &["ORDER.CANCEL", "shop", "2"]).unwrap();
    assert_nothing(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]);
    // What was cancelled meanwhile must be stopped there, so the shop has to hear of it.
    let cancelled = ["FULFILLMENT.REGISTER", "shop", "2", "*", "3pl"];
    assert_refused(ask(&mut shop, &cancelled), "STATE");
}

#[test]
fn a_part_is_held_resumed_taken_back_and_cancelled_by_decision() {
    let (server, mut wms, mut person) = serving(&["1"]);
    assert_eq!(
        say(&mut person, "HOLD", "1", &["fraud?"]).unwrap()["to"],
        "on_hold"
    );
    assert_nothing(&mut wms, &["FULFILLMENT.CLAIM", "EAST"]);
    assert_eq!(
        say(&mut person, "RESUME", "1", &[]).unwrap()["to"],
        "routed"
    );
    let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST", "HOLDER", "wms"]);
    let old = part["token"].as_str().unwrap();
    assert_refused(say(&mut person, "CANCEL", "1", &["late"]), "HELD wms");
    assert_eq!(
        say(&mut person, "TAKEBACK", "1", &["anna"]).unwrap()["to"],
        "routed"
    );
    let claim = [
        "FULFILLMENT.CLAIM",
        "EAST",
        "HOLDER",
        "3pl",
        "ORDER",
        "shop",
        "1",
    ];
    let new = claim_one(&mut wms, &claim);
    assert_eq!(new["release"], 2);
    assert_refused(say(&mut wms, "SHIP", "1", &[old]), "STALE");
    let token = new["token"].as_str().unwrap();
    let cancel = ["not wanted", "TOKEN", token];
    assert_eq!(
        say(&mut person, "CANCEL", "1", &cancel).unwrap()["to"],
        "cancelled"
    );
    assert_eq!(atp(&server.engine, "SKU-0"), 5);
    server.assert_sound();
}

#[test]
fn bad_input_names_the_field() {
    let (_server, mut c, _) = serving(&["1"]);
    for (words, field) in [
        (&["FULFILLMENT.CLAIM", "NOWHERE"][..], "location"),
        (&["FULFILLMENT.CLAIM", "EAST", "COUNT", "1001"], "COUNT"),
        (&["FULFILLMENT.CLAIM", "EAST", "LEASE", "0"], "LEASE"),
        (&["FULFILLMENT.CLAIM", "EAST", "HOLDER", "a b"], "holder"),
        (&["FULFILLMENT.CLAIM", "EAST", "NOW"], "NOW"),
        (&["FULFILLMENT.GET", "shop", "9"], "order"),
        (&["FULFILLMENT.GET", "shop", "1", "9"], "fulfillment"),
        (&["FULFILLMENT.ACK", "shop", "1", "1", "token"], "token"),
    ] {
        let refusal = ask(&mut c, words).unwrap_err();
        assert!(refusal.contains(field), "{words:?}: {refusal}");
    }
}

fn changed(qty: u32) -> String {
    let json = crate::support::order("a", "10001", &[(0, qty)]);
    json.replace("\"web\"", "\"shop\"")
}

#[test]
fn an_order_is_changed_in_one_step_and_a_repeat_changes_nothing() {
    let (server, mut shop, mut wms) = serving(&[]);
    ask(&mut shop, &["ORDER.SUBMIT", &changed(2)]).unwrap();
    let amend = ["ORDER.AMEND", "edit-1", &changed(5)];
    let answer = ask(&mut shop, &amend).unwrap();
    assert_eq!(answer["state"], "routed");
    assert_eq!(answer["shipments"][0]["lines"][0]["qty"], 5);
    let parts = answer["fulfillments"].as_array().unwrap();
    let states: Vec<&str> = parts.iter().filter_map(|p| p["state"].as_str()).collect();
    assert_eq!(states, ["cancelled", "routed"]);
    assert_eq!(atp(&server.engine, "SKU-0"), 0);
    // Sent again by a client that never heard the answer, on another connection.
    assert_eq!(ask(&mut wms, &amend).unwrap()["repeated"], true);
    let first = ask(&mut wms, &["ORDER.SUBMIT", &changed(2)]).unwrap();
    assert_eq!(
        (
            &first["repeated"],
            &first["shipments"][0]["lines"][0]["qty"]
        ),
        (&true.into(), &5.into())
    );
    assert_refused(
        ask(&mut shop, &["ORDER.AMEND", "edit-1", &changed(4)]),
        "CONFLICT",
    );
    let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST", "HOLDER", "wms"]);
    assert_eq!(part["number"], 2);
    assert_refused(
        ask(&mut shop, &["ORDER.AMEND", "edit-2", &changed(1)]),
        "HELD",
    );
    assert_eq!(ask(&mut shop, &amend).unwrap()["repeated"], true);
    server.assert_sound();
}

#[test]
fn what_waits_is_told_with_its_date_and_gets_what_arrives() {
    let (server, mut shop, _) = serving(&["1", "2"]);
    let waits = ask(&mut shop, &["ORDER.SUBMIT", &changed(3)]).unwrap();
    assert_eq!(waits["waiting"][0]["qty"], 2);
    assert!(waits["waiting"][0]["expected_at"].is_null());
    shop.command(&["STOCK.ADJUST", "found", "SKU-0", "MID", "2", "found"]);
    let got = ask(&mut shop, &["ORDER.GET", "shop", "a"]).unwrap();
    assert_eq!(
        (&got["state"], &got["waiting"]),
        (&"routed".into(), &serde_json::json!([]))
    );
    server.assert_sound();
}
