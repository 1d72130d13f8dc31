//! Returns, as a shop's returns desk meets them.

use crate::fulfillment::{ask, assert_refused, claim_one, say, serving};
use crate::support::{Connection, TestServer};
use allot::wire::Value;
use serde_json::{Value as Json, json};

/// An order of two units that were delivered from EAST, where three are left.
fn delivered() -> (TestServer, Connection) {
    let (server, mut wms, _) = serving(&["1", "2"]);
    let part = claim_one(&mut wms, &["FULFILLMENT.CLAIM", "EAST", "HOLDER", "wms"]);
    let token = part["token"].as_str().unwrap().to_owned();
    say(&mut wms, "SHIP", "1", &[&token]).unwrap();
    say(&mut wms, "DELIVER", "1", &[&token]).unwrap();
    (server, wms)
}

fn do_it(connection: &mut Connection, line: &str) -> Result<Json, String> {
    let words: Vec<&str> = line.split(' ').collect();
    ask(connection, &words)
}

fn booked(answer: &Json) -> Vec<(u64, String, u64)> {
    let all = answer["booked"].as_array().unwrap().iter();
    let one = |b: &Json| {
        let name = b["booking"].as_str().unwrap().to_owned();
        (b["n"].as_u64().unwrap(), name, b["qty"].as_u64().unwrap())
    };
    all.map(one).collect()
}

/// Units on hand, and of these on hold.
fn on_hand(server: &TestServer, location: &str) -> (u32, u32) {
    let now = server.clock.now();
    let found = server.engine.stock("SKU-0", location, now).unwrap();
    found.map_or((0, 0), |r| (r.position.on_hand, r.position.held))
}

#[test]
fn a_return_is_authorised_against_what_was_delivered() {
    let (server, mut desk) = delivered();
    let more = do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 1 1 SKU-0 3");
    assert_refused(
        more,
        "INVALID lines[0].qty is '3'; expected 1 to 2, delivered",
    );
    let not_yet = do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 2 1 SKU-0 1");
    assert_refused(not_yet, "INVALID lines[0].qty is '1'; expected 1 to 0");
    let one = do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 1 1 SKU-0 1").unwrap();
    assert_eq!(
        (&one["repeated"], &one["location"]),
        (&json!(false), &json!("EAST"))
    );
    // The id is an identity, and what is authorised already cannot be so again.
    let again = do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 1 1 SKU-0 1").unwrap();
    assert_eq!(again["repeated"], true);
    assert_refused(
        do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 1 1 SKU-0 2"),
        "CONFLICT return",
    );
    assert_refused(
        do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 2 1 SKU-0 1"),
        "CONFLICT return",
    );
    assert_refused(
        do_it(&mut desk, "RETURN.AUTHORIZE r2 shop 1 1 SKU-0 2"),
        "INVALID",
    );
    // Closed, it leaves the rest to another one.
    do_it(&mut desk, "RETURN.CLOSE r1").unwrap();
    do_it(&mut desk, "RETURN.AUTHORIZE r2 shop 1 1 SKU-0 2").unwrap();
    let all = do_it(&mut desk, "RETURN.LIST shop 1").unwrap();
    assert_eq!(all["returns"].as_array().unwrap().len(), 2);
    server.assert_sound();
}

#[test]
fn nothing_happens_before_receipt_and_the_last_unit_back_makes_the_order_returned() {
    let (server, mut desk) = delivered();
    do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 1 1 SKU-0 2").unwrap();
    assert_refused(
        do_it(&mut desk, "RETURN.GRADE r1 SKU-0 1 SELLABLE"),
        "INVALID",
    );
    let first = do_it(&mut desk, "RETURN.RECEIVE r1 SKU-0 1").unwrap();
    assert_eq!(first["state"], "delivered");
    assert_eq!(booked(&first), [(1, "item_receipt".to_owned(), 1)]);
    assert_eq!(
        booked(&do_it(&mut desk, "RETURN.RECEIVE r1 SKU-0 1").unwrap()),
        []
    );
    assert_refused(do_it(&mut desk, "RETURN.RECEIVE r1 SKU-0 3"), "INVALID");
    let rest = do_it(&mut desk, "RETURN.RECEIVE r1 SKU-0 2").unwrap();
    assert_eq!(
        (&rest["state"], &booked(&rest)[..]),
        (&json!("returned"), &[(2, "item_receipt".to_owned(), 1)][..])
    );
    let order = do_it(&mut desk, "ORDER.GET shop 1").unwrap();
    assert_eq!(order["state"], "returned");
    assert_eq!(
        on_hand(&server, "EAST"),
        (3, 0),
        "received is not on hand yet"
    );
    server.assert_sound();
}

#[test]
fn sellable_units_are_on_hand_in_the_same_step_and_damaged_ones_on_hold() {
    let (server, mut desk) = delivered();
    do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 1 1 SKU-0 2").unwrap();
    do_it(&mut desk, "RETURN.RECEIVE r1 SKU-0 2").unwrap();
    let good = do_it(&mut desk, "RETURN.GRADE r1 SKU-0 1 SELLABLE").unwrap();
    assert_eq!(booked(&good), [(2, "credit_memo".to_owned(), 1)]);
    assert_eq!(good["moved"]["after"], 4);
    assert_eq!(on_hand(&server, "EAST"), (4, 0));
    // A repeat books nothing and moves nothing.
    let again = do_it(&mut desk, "RETURN.GRADE r1 SKU-0 1 SELLABLE").unwrap();
    assert_eq!((booked(&again), &again["moved"]), (vec![], &Json::Null));
    let bad = do_it(&mut desk, "RETURN.GRADE r1 SKU-0 1 CARRIER").unwrap();
    assert_eq!(booked(&bad), [(3, "carrier_claim".to_owned(), 1)]);
    assert_eq!(on_hand(&server, "EAST"), (5, 1));
    assert_refused(
        do_it(&mut desk, "RETURN.GRADE r1 SKU-0 1 DAMAGED"),
        "INVALID",
    );
    assert_eq!(
        desk.command(&["HOLD.RELEASE", "h1", "return/r1/3"]),
        Value::Int(1)
    );
    server.assert_sound();
}

#[test]
fn units_go_to_another_location() {
    let (server, mut desk) = delivered();
    do_it(&mut desk, "RETURN.AUTHORIZE r1 shop 1 1 AT MID SKU-0 2").unwrap();
    do_it(&mut desk, "RETURN.RECEIVE r1 SKU-0 2").unwrap();
    let here = do_it(&mut desk, "RETURN.GRADE r1 SKU-0 1 DAMAGED").unwrap();
    assert_eq!(booked(&here), [(2, "inventory_adjustment".to_owned(), 1)]);
    let there = do_it(&mut desk, "RETURN.GRADE r1 SKU-0 1 TO WEST").unwrap();
    assert_eq!(booked(&there), [(3, "inventory_adjustment".to_owned(), 1)]);
    assert_eq!(
        [on_hand(&server, "MID"), on_hand(&server, "WEST")],
        [(1, 1), (1, 0)]
    );
    server.assert_sound();
}

#[test]
fn every_unit_is_booked_by_exactly_one_event() {
    let (_server, mut desk) = delivered();
    for line in [
        "RETURN.AUTHORIZE r1 shop 1 1 SKU-0 2",
        "RETURN.RECEIVE r1 SKU-0 1",
        "RETURN.RECEIVE r1 SKU-0 2",
        "RETURN.RECEIVE r1 SKU-0 1",
        "RETURN.GRADE r1 SKU-0 1 SELLABLE",
        "RETURN.GRADE r1 SKU-0 1 SELLABLE",
        "RETURN.GRADE r1 SKU-0 1 DAMAGED",
        "RETURN.CLOSE r1",
        "RETURN.CLOSE r1",
    ] {
        do_it(&mut desk, line).unwrap();
    }
    let kinds = crate::feed::wait_for_event(&mut desk, "orders", "return.closed");
    let returns: Vec<&str> = kinds
        .iter()
        .filter_map(|k| k.strip_prefix("return."))
        .collect();
    let each = [
        "authorised",
        "item_receipt",
        "item_receipt",
        "credit_memo",
        "inventory_adjustment",
        "closed",
    ];
    assert_eq!(returns, each);
}
