//! An order that looks like another one, as its host and whoever looks after orders meet it.

use crate::feed::wait_for_event;
use crate::support::{Connection, TestServer, order};
use allot::wire::Value;
use serde_json::{Value as Json, json};

fn of_ann(id: &str, units: u32) -> String {
    let mut order: Json = serde_json::from_str(&order(id, "10001", &[(0, units)])).unwrap();
    order["customer"] = json!("ann");
    order.to_string()
}

fn ask(connection: &mut Connection, words: &[&str]) -> Json {
    match connection.command(words) {
        Value::Bulk(bytes) => serde_json::from_slice(&bytes).unwrap(),
        other => panic!("{words:?}: {other:?}"),
    }
}

fn suspected(connection: &mut Connection) -> Vec<Json> {
    let list = ask(
        connection,
        &["EXCEPTION.LIST", "KIND", "duplicate_suspected"],
    );
    list["exceptions"].as_array().unwrap().clone()
}

#[test]
fn it_is_accepted_told_and_decided() {
    let server = TestServer::start();
    let mut c = server.connect();
    let first = ask(&mut c, &["ORDER.SUBMIT", &of_ann("1", 2)]);
    assert_eq!(first["customer"], "ann");
    ask(&mut c, &["ORDER.SUBMIT", &of_ann("1", 2)]);
    ask(&mut c, &["ORDER.SUBMIT", &of_ann("2", 1)]);
    assert_eq!(suspected(&mut c), [] as [Json; 0]);
    let again = ask(&mut c, &["ORDER.SUBMIT", &of_ann("3", 2)]);
    assert_eq!(
        (&again["state"], &again["repeated"]),
        (&json!("routed"), &json!(false))
    );
    assert_eq!(ask(&mut c, &["ORDER.GET", "web", "3"])["customer"], "ann");

    let all = suspected(&mut c);
    assert_eq!(all.len(), 1, "{all:?}");
    let one = &all[0];
    assert_eq!(
        (&one["order"], &one["cause"]),
        (&json!("3"), &json!("looks_alike"))
    );
    let detail = one["detail"].as_str().unwrap();
    assert!(
        detail.contains("customer ann") && detail.contains("web/1"),
        "{detail}"
    );
    assert!(one["action"].as_str().unwrap().contains("keep both"));
    assert_eq!(one["channel"], "default");
    let number = one["exception"].to_string();
    assert_eq!(
        ask(&mut c, &["EXCEPTION.GET", &number])["detail"],
        one["detail"]
    );
    wait_for_event(&mut c, "exceptions", "exception.opened");
    let resolve = ["EXCEPTION.RESOLVE", &number, "bob", "she wants both"];
    assert_eq!(ask(&mut c, &resolve)["resolved"]["by"], "bob");
    wait_for_event(&mut c, "exceptions", "exception.resolved");
    assert_eq!(suspected(&mut c), [] as [Json; 0]);

    // A change can make an order look like another one, and no longer.
    ask(&mut c, &["ORDER.AMEND", "edit-1", &of_ann("2", 2)]);
    assert_eq!(suspected(&mut c)[0]["order"], "2");
    ask(&mut c, &["ORDER.AMEND", "edit-2", &of_ann("2", 5)]);
    assert_eq!(suspected(&mut c), [] as [Json; 0]);
    server.assert_sound();
}
