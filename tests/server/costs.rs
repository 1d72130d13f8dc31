//! Costs, as a controller asks for them.

use crate::engine_support::{self, order, submit};
use crate::fulfillment::{ask, assert_refused, claim_one, say};
use crate::support::{Connection, TestServer};
use allot::server::Clock;
use allot::wire::Value;
use serde_json::{Value as Json, json};

/// An order of two units, 800 g, that EAST ships by ground in zone 1 (600 cents, handling 120): forecast 720.
fn serving() -> (TestServer, Connection, String) {
    let engine = engine_support::engine(&[[5, 5, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    let server = TestServer::serving(engine, Clock::start(), |_| {});
    let mut c = server.connect();
    let part = claim_one(&mut c, &["FULFILLMENT.CLAIM", "EAST", "HOLDER", "wms"]);
    assert_eq!(part["forecast_cents"], 720);
    let token = part["token"].as_str().unwrap().to_owned();
    (server, c, token)
}

fn of_part(c: &mut Connection) -> Json {
    ask(c, &["COST.GET", "shop", "1", "1"]).unwrap()
}

/// The one row of a report without groups, by the names of its columns.
fn report(c: &mut Connection) -> Json {
    let report = ask(c, &["COST.REPORT"]).unwrap();
    let columns = report["columns"].as_array().unwrap().iter();
    let names = columns.map(|name| name.as_str().unwrap().to_owned());
    let values = report["total"].as_array().unwrap().iter().cloned();
    Json::Object(names.zip(values).collect())
}

#[test]
fn a_shipment_that_costs_what_was_forecast_differs_in_nothing() {
    let (_server, mut c, token) = serving();
    assert_eq!(c.command(&["COST.GET", "shop", "1", "1"]), Value::Null);
    let parcel = [&*token, "PARCEL", "Test", "1Z", "CENTS", "600"];
    say(&mut c, "SHIP", "1", &parcel).unwrap();
    let sums = report(&mut c);
    let said = (
        &sums["shipments"],
        &sums["forecast"],
        &sums["actual"],
        &sums["difference"],
    );
    assert_eq!(said, (&json!(1), &json!(720), &json!(720), &json!(0)));
    assert_eq!(of_part(&mut c)["carrier"], "Test");
}

#[test]
fn what_the_carrier_charges_beyond_its_tariff_is_postage_and_comes_when_it_is_told() {
    let (_server, mut c, token) = serving();
    say(&mut c, "SHIP", "1", &[&token, "PARCEL", "Test", "1Z"]).unwrap();
    assert_eq!(
        report(&mut c)["difference"],
        0,
        "no charge is known: the tariff's"
    );
    let parcel = [&*token, "PARCEL", "Test", "1Z", "CENTS", "645"];
    say(&mut c, "SHIP", "1", &parcel).unwrap();
    say(&mut c, "SHIP", "1", &parcel).unwrap();
    let sums = report(&mut c);
    assert_eq!(
        (&sums["postage"], &sums["difference"]),
        (&json!(45), &json!(45))
    );
    assert_eq!(sums["shipments"], 1);
}

#[test]
fn more_parcels_than_planned_are_split_where_it_is_told_what_is_in_them() {
    let (_server, mut c, token) = serving();
    let both = [
        &*token, "PARCEL", "Test", "a", "CENTS", "600", "HOLDS", "SKU-0", "1", "PARCEL", "Test",
        "b", "CENTS", "610", "HOLDS", "SKU-0", "1",
    ];
    let shipped = say(&mut c, "SHIP", "1", &both).unwrap();
    let contents = &shipped["fulfillment"]["parcels"][1]["contents"];
    assert_eq!(contents, &json!([{"sku": "SKU-0", "qty": 1}]));
    let sums = report(&mut c);
    let said = (&sums["split"], &sums["postage"], &sums["difference"]);
    assert_eq!(said, (&json!(600), &json!(10), &json!(610)));
    // One parcel delivered is its units delivered.
    let one = say(&mut c, "DELIVER", "1", &[&token, "PARCEL", "Test", "b"]).unwrap();
    assert_eq!(
        (&one["to"], &one["fulfillment"]["lines"][0]["delivered"]),
        (&json!("shipped"), &json!(1))
    );
    let too_much = [&*token, "PARCEL", "Test", "c", "HOLDS", "SKU-0", "1"];
    assert_refused(say(&mut c, "SHIP", "1", &too_much), "INVALID");
}

#[test]
fn what_is_spent_beside_the_shipment_is_told_once_by_its_reference() {
    let (server, mut c, token) = serving();
    let call = [
        "COST.ADD",
        "c1",
        "shop",
        "1",
        "1",
        "manual_exception",
        "450",
        "called him",
    ];
    assert_eq!(c.command(&call), Value::Simple("OK".into()));
    assert_eq!(c.command(&call), Value::Simple("OK".into()));
    let other = [
        "COST.ADD",
        "c1",
        "shop",
        "1",
        "1",
        "manual_exception",
        "500",
        "called him",
    ];
    assert_refused(ask(&mut c, &other), "CONFLICT ref");
    say(
        &mut c,
        "SHIP",
        "1",
        &[&token, "PARCEL", "Test", "1Z", "CENTS", "600"],
    )
    .unwrap();
    for (reference, kind) in [("c2", "return"), ("c3", "reship"), ("c4", "return")] {
        let add = ["COST.ADD", reference, "shop", "1", "1", kind, "30", "label"];
        assert_eq!(c.command(&add), Value::Simple("OK".into()));
    }
    let sums = report(&mut c);
    let said = [
        "manual_exception",
        "return",
        "reship",
        "postage",
        "difference",
    ]
    .map(|name| sums[name].clone());
    assert_eq!(
        said,
        [json!(450), json!(60), json!(30), json!(0), json!(540)]
    );
    let none = ["COST.ADD", "c5", "shop", "1", "1", "gift", "30", "label"];
    assert_refused(ask(&mut c, &none), "INVALID kind");
    assert_refused(
        ask(
            &mut c,
            &["COST.ADD", "c5", "shop", "1", "9", "return", "30", "x"],
        ),
        "NOTFOUND",
    );
    server.assert_sound();
}

#[test]
fn a_report_has_a_row_for_each_day_location_carrier_and_channel() {
    let (_server, mut c, token) = serving();
    say(
        &mut c,
        "SHIP",
        "1",
        &[&token, "PARCEL", "Test", "1Z", "CENTS", "650"],
    )
    .unwrap();
    let by = [
        "COST.REPORT",
        "BY",
        "DAY",
        "BY",
        "LOCATION",
        "BY",
        "CARRIER",
        "BY",
        "CHANNEL",
    ];
    let report = ask(&mut c, &by).unwrap();
    let row = &report["rows"][0];
    let said = (&row[1], &row[2], &row[3], &row[4], &row[7]);
    assert_eq!(
        said,
        (
            &json!("EAST"),
            &json!("Test"),
            &json!("web"),
            &json!(1),
            &json!(50)
        )
    );
    let earlier = ask(&mut c, &["COST.REPORT", "TO", "2020-01-01"]).unwrap();
    assert_eq!(earlier["rows"], json!([]));
    assert_refused(ask(&mut c, &["COST.REPORT", "BY", "moon"]), "INVALID BY");
    assert_refused(
        ask(&mut c, &["COST.REPORT", "FROM", "monday"]),
        "INVALID FROM",
    );
}
