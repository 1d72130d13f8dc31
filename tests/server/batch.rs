//! Many orders in one command, as a client meets it.

use crate::support::{Connection, LOCATIONS, TestServer, UNITS, frame, order, refusal, state};
use allot::wire::Value;
use serde_json::Value as Json;

fn answers(reply: Value) -> Vec<Json> {
    let Value::Array(rows) = reply else {
        panic!("{reply:?}");
    };
    let read = |row| match row {
        Value::Bulk(bytes) => serde_json::from_slice(&bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(read).collect()
}

fn batch(connection: &mut Connection, arguments: &[&str]) -> Value {
    connection.command(&[&["ORDER.ROUTEBATCH"], arguments].concat())
}

#[test]
fn every_order_is_answered_where_it_stands() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let list = format!(
        "[{},{},{}]",
        order("1", "10001", &[(0, 2)]),
        order("2", "10001", &[(0, 0)]),
        order("3", "99999", &[(0, 1)]),
    );
    let single = order("4", "94107", &[(1, 3)]);
    let rows = answers(batch(
        &mut connection,
        &[&list, &single, "{\"source\":", &single],
    ));
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0]["order"], "1");
    assert_eq!(rows[0]["shipments"][0]["location"], "EAST");
    assert_eq!(rows[1]["error"]["code"], "INVALID");
    let message = rows[1]["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("lines[0].qty is '0'"), "{message}");
    assert_eq!(rows[1]["order"], "2", "that much could be read");
    assert_eq!(rows[2]["order"], "3");
    assert_eq!(rows[2]["error"]["code"], "INVALID");
    assert_eq!(rows[3]["shipments"][0]["location"], "WEST");
    assert_eq!(rows[4]["error"]["code"], "INVALID");
    assert_eq!(
        rows[5]["repeated"], true,
        "the same order twice in one batch"
    );
    // Each is an order like any other.
    for (id, row) in [("1", &rows[0]), ("4", &rows[3])] {
        let kept = connection.say(&format!("ORDER.GET web {id}"));
        let kept: Json = serde_json::from_str(kept.as_str().unwrap()).unwrap();
        assert_eq!(kept["shipments"], row["shipments"]);
        let again = connection.command(&["ORDER.SUBMIT", &order(id, "10001", &[(3, 1)])]);
        assert!(refusal(&again).starts_with("CONFLICT"), "{again:?}");
    }
    server.assert_sound();
}

/// The reply comes in its place, whatever was sent after it; and a client that wants to hear nothing
/// hears nothing.
#[test]
fn replies_keep_their_order() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let mut bytes = Vec::new();
    for n in 0..20 {
        let orders: Vec<String> = (0..30)
            .map(|i| order(&format!("{n}-{i}"), "10001", &[(i % 4, 1)]))
            .collect();
        let list = format!("[{}]", orders.join(","));
        bytes.extend(frame(&["ORDER.ROUTEBATCH", &list]));
        bytes.extend(frame(&["ECHO", &n.to_string()]));
    }
    bytes.extend(frame(&["CLIENT", "REPLY", "SKIP"]));
    bytes.extend(frame(&[
        "ORDER.ROUTEBATCH",
        &order("silent", "10001", &[(0, 1)]),
    ]));
    bytes.extend(frame(&["ECHO", "end"]));
    connection.send(&bytes);
    for n in 0..20 {
        let rows = answers(connection.reply());
        assert_eq!(rows.len(), 30);
        assert_eq!(rows[29]["order"], format!("{n}-29"));
        assert_eq!(connection.reply().as_str().unwrap(), n.to_string());
    }
    assert_eq!(connection.reply().as_str(), Some("end"));
    assert!(!connection.say("ORDER.GET web silent").is_error());
    server.assert_sound();
}

#[test]
fn a_batch_that_cannot_be_read_or_is_too_large_changes_nothing() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let before = state(&mut connection);
    let good = order("1", "10001", &[(0, 1)]);
    for broken in [
        format!("[{good},{{]"),
        format!("[{good}"),
        "[1,2".to_owned(),
    ] {
        let reply = batch(&mut connection, &[&good, &broken]);
        assert!(refusal(&reply).starts_with("INVALID json is"), "{reply:?}");
    }
    let many = format!("[{}]", vec![good.as_str(); 4_097].join(","));
    let reply = batch(&mut connection, &[&many]);
    let said = refusal(&reply);
    assert!(said.starts_with("TOOLARGE json is '4097'"), "{said}");
    assert!(answers(batch(&mut connection, &["[]"])).is_empty());
    let one = &answers(batch(&mut connection, &["[7]"]))[0];
    assert_eq!(one["error"]["code"], "INVALID");
    assert_eq!(state(&mut connection), before);
}

/// Four connections send batches, four send single orders, all for the same units.
#[test]
fn batches_and_single_orders_share_the_stock() {
    let server = TestServer::start();
    let units = UNITS as usize * LOCATIONS.len();
    let accepted: usize = std::thread::scope(|scope| {
        let senders = (0..8).map(|sender| {
            let mut connection = server.connect();
            scope.spawn(move || {
                let order = |n: usize| {
                    let json = order(&format!("{sender}-{n}"), "10001", &[(0, 1)]);
                    json.replace(
                        "\"lines\"",
                        "\"policy\":{\"allow_backorder\":false},\"lines\"",
                    )
                };
                let orders: Vec<String> = (0..60).map(order).collect();
                if sender % 2 == 0 {
                    let list = format!("[{}]", orders.join(","));
                    let rows = answers(batch(&mut connection, &[&list]));
                    rows.iter().filter(|row| row.get("error").is_none()).count()
                } else {
                    let replies = orders
                        .iter()
                        .map(|o| connection.command(&["ORDER.SUBMIT", o]));
                    replies.filter(|reply| !reply.is_error()).count()
                }
            })
        });
        let senders: Vec<_> = senders.collect();
        senders.into_iter().map(|s| s.join().unwrap()).sum()
    });
    assert_eq!(accepted, units, "every unit is sold, each once");
    server.assert_sound();
}

#[test]
fn what_was_begun_before_a_stop_is_answered() {
    let mut server = TestServer::start();
    let mut connection = server.connect();
    let orders: Vec<String> = (0..1_000)
        .map(|n| order(&n.to_string(), "10001", &[(n % 4, 1)]))
        .collect();
    let list = format!("[{}]", orders.join(","));
    let bytes: Vec<u8> = (0..4)
        .flat_map(|_| frame(&["ORDER.ROUTEBATCH", &list]))
        .collect();
    connection.send(&bytes);
    let first = answers(connection.reply());
    server.begin_stop();
    let rest = connection.replies_to_the_end();
    server.stop();
    assert_eq!(first.len(), 1_000);
    assert_eq!(server.engine.identity_counts().0, 1_000);
    assert_eq!(
        refusal(rest.last().unwrap()),
        "ERR the server is shutting down"
    );
    server.assert_sound();
}
