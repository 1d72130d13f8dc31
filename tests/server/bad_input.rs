//! What a client may not say: each gets one line that opens with a code and names field and value,
//! and leaves the state, the connection and everybody else as they were.

use crate::support::{TestServer, UNITS, order, refusal, state};
use allot::wire::Value;

/// A command, the code it is refused with, and what the line must name.
struct Bad {
    arguments: Vec<String>,
    code: &'static str,
    names: Vec<String>,
}

fn bad(line: &str, code: &'static str, names: &[&str]) -> Bad {
    Bad {
        arguments: line.split(' ').map(str::to_owned).collect(),
        code,
        names: names.iter().map(|&n| n.to_owned()).collect(),
    }
}

/// An order with `was` replaced by `becomes`, submitted.
fn bad_order(was: &str, becomes: &str, code: &'static str, names: &[&str]) -> Bad {
    let good = order("1", "10001", &[(0, 2)]);
    assert!(good.contains(was), "{good} has no {was}");
    Bad {
        arguments: vec!["ORDER.SUBMIT".to_owned(), good.replace(was, becomes)],
        ..bad("", code, names)
    }
}

fn bad_item(json: &str, names: &[&str]) -> Bad {
    let arguments = ["ITEM.PUT", "MUG", json].map(str::to_owned).to_vec();
    Bad {
        arguments,
        ..bad("", "INVALID", names)
    }
}

/// Sends each on one connection and asserts what it gets, and that it changed nothing.
fn assert_refused(cases: &[Bad]) {
    let server = TestServer::start();
    let mut witness = server.connect();
    let mut connection = server.connect();
    let mut before = state(&mut witness);
    for case in cases {
        let shown: String = case.arguments.join(" ").chars().take(200).collect();
        let reply = connection.command(&case.arguments);
        let text = refusal(&reply);
        let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
        assert_eq!(code, case.code, "{shown}: {text}");
        for name in &case.names {
            assert!(
                rest.contains(name.as_str()),
                "{shown}: '{name}' is not named in: {text}"
            );
        }
        assert!(
            !text.contains(['\r', '\n']) && text.len() < 1_000,
            "{shown}: {text}"
        );
        let mut after = state(&mut witness);
        if case.arguments[0] == "ORDER.SUBMIT" {
            // That an order was refused is written down, for whoever looks after exceptions.
            for state in [&mut before, &mut after] {
                state.retain(|line| !line.starts_with("latest_fact:"));
            }
        }
        assert!(after == before, "{shown} changed something");
        before = state(&mut witness);
    }
    assert_eq!(connection.say("PING"), Value::Simple("PONG".into()));
}

#[test]
fn unknown_names() {
    assert_refused(&[
        bad("STOCK.GET SKU-9", "NOTFOUND", &["sku is 'SKU-9'"]),
        bad(
            "STOCK.GET SKU-0 NOWHERE",
            "NOTFOUND",
            &["location is 'NOWHERE'"],
        ),
        bad("STOCK.SET r SKU-9 EAST 1", "NOTFOUND", &["sku is 'SKU-9'"]),
        bad(
            "STOCK.SET r SKU-0 NOWHERE 1",
            "NOTFOUND",
            &["location is 'NOWHERE'"],
        ),
        bad(
            "STOCK.LOAD r SKU-0 EAST 1 SKU-9 EAST 1",
            "NOTFOUND",
            &["SKU-9"],
        ),
        bad("ATP.GET SKU-0 SKU-9", "NOTFOUND", &["SKU-9"]),
        bad("ATP.GET SKU-0 AT NOWHERE", "NOTFOUND", &["AT is 'NOWHERE'"]),
        bad(
            "RESERVATION.PUT r FIRM LINES SKU-0 EAST 1 SKU-9 EAST 1",
            "NOTFOUND",
            &["SKU-9"],
        ),
        bad(
            "RESERVATION.CONFIRM nobody",
            "NOTFOUND",
            &["reservation is 'nobody'"],
        ),
        bad(
            "RESERVATION.CANCEL nobody",
            "NOTFOUND",
            &["reservation is 'nobody'"],
        ),
        bad("HOLD.RELEASE r nothing", "NOTFOUND", &["hold is 'nothing'"]),
        bad("TRANSFER.RECEIVE r t-9 1", "NOTFOUND", &["t-9"]),
        bad("SUPPLY.CANCEL r po-9", "NOTFOUND", &["po-9"]),
        bad(
            "LOCATION.PAUSE NOWHERE",
            "NOTFOUND",
            &["location is 'NOWHERE'"],
        ),
        bad("ORDER.GET web 404", "NOTFOUND", &["404"]),
        bad("ORDER.CANCEL web 404", "NOTFOUND", &["404"]),
        bad_order("SKU-0", "SKU-9", "NOTFOUND", &["lines[0].sku is 'SKU-9'"]),
    ]);
}

#[test]
fn quantities() {
    let too_many = "99999999999999999999999";
    let wrong = [
        "-1",
        "2000000001",
        "4294967296",
        too_many,
        "1.5",
        "1e3",
        "NaN",
        "",
        "0x10",
        "٣",
    ];
    let cases = wrong.iter().flat_map(|qty| {
        let value: &'static str = Box::leak(format!("is '{qty}'").into_boxed_str());
        let lines = [
            format!("STOCK.SET r SKU-0 EAST {qty}"),
            format!("STOCK.LOAD r SKU-0 EAST 1 SKU-1 EAST {qty}"),
            format!("STOCK.SAFETY r SKU-0 EAST {qty}"),
            format!("RESERVATION.PUT r FIRM LINES SKU-0 EAST {qty}"),
            format!("HOLD.PLACE h SKU-0 EAST {qty} damaged"),
            format!("TRANSFER.DISPATCH t SKU-0 EAST WEST {qty} 2030-01-01T00:00:00Z"),
            format!("SUPPLY.EXPECT p SKU-0 EAST {qty} 2030-01-01T00:00:00Z"),
            format!("ALLOCATION.SET r SKU-0 web {qty}"),
            format!("ALLOCATION.SET r SKU-0 web 1 CAP {qty}"),
            format!("ATP.GET SKU-0 FOR {qty}"),
        ];
        lines.map(|line| bad(&line, "INVALID", &[value]))
    });
    assert_refused(&cases.collect::<Vec<_>>());
}

#[test]
fn quantities_that_may_not_be_zero_or_too_many() {
    let more = UNITS + 1;
    assert_refused(&[
        bad(
            "RESERVATION.PUT r FIRM LINES SKU-0 EAST 0",
            "INVALID",
            &["qty is '0'"],
        ),
        bad(
            "HOLD.PLACE h SKU-0 EAST 0 damaged",
            "INVALID",
            &["qty is '0'"],
        ),
        bad(
            "HOLD.PLACE h SKU-0 EAST 101 damaged",
            "INVALID",
            &["qty is '101'"],
        ),
        bad("ATP.GET SKU-0 FOR 0", "INVALID", &["FOR is '0'"]),
        bad(
            "STOCK.ADJUST r SKU-0 EAST -101 lost",
            "INVALID",
            &["change is '-1'"],
        ),
        bad(
            "STOCK.ADJUST r SKU-0 EAST 2000000000 found",
            "INVALID",
            &["change is '2000000100'"],
        ),
        bad(
            "STOCK.ADJUST r SKU-0 EAST --1 lost",
            "INVALID",
            &["change is '--1'"],
        ),
        bad(
            "STOCK.ADJUST r SKU-0 EAST -9223372036854775808 lost",
            "INVALID",
            &["change is"],
        ),
        bad(
            "TRANSFER.DISPATCH t SKU-0 EAST WEST 101 2030-01-01T00:00:00Z",
            "INVALID",
            &["qty is '101'"],
        ),
        bad(
            "TRANSFER.DISPATCH t SKU-0 EAST EAST 1 2030-01-01T00:00:00Z",
            "INVALID",
            &["to is"],
        ),
        bad(
            &format!("RESERVATION.PUT r FIRM LINES SKU-0 EAST {more}"),
            "NOSTOCK",
            &["SKU-0 at EAST", "asked 101", "available 100"],
        ),
        bad(
            "RESERVATION.PUT r FIRM LINES SKU-0 EAST 2000000000 SKU-0 EAST 2000000000 SKU-0 EAST 2000000000",
            "NOSTOCK",
            &["SKU-0"],
        ),
    ]);
}

#[test]
fn words_and_times() {
    assert_refused(&[
        bad(
            "HOLD.PLACE h SKU-0 EAST 1 whim",
            "INVALID",
            &["reason is 'whim'", "damaged"],
        ),
        bad(
            "RESERVATION.PUT r SOFT 5 LINES SKU-0 EAST 1",
            "INVALID",
            &["TTL|FIRM is 'SOFT'"],
        ),
        bad(
            "RESERVATION.PUT r TTL 0 LINES SKU-0 EAST 1",
            "INVALID",
            &["ttl is '0'"],
        ),
        bad(
            "RESERVATION.PUT r TTL 99999999999999 LINES SKU-0 EAST 1",
            "INVALID",
            &["ttl is '99999999999999'"],
        ),
        bad(
            "RESERVATION.PUT r TTL 18446744073709551616 LINES SKU-0 EAST 1",
            "INVALID",
            &["TTL is"],
        ),
        bad(
            "RESERVATION.PUT r FIRM PRIORITY high LINES SKU-0 EAST 1",
            "INVALID",
            &["PRIORITY is 'high'"],
        ),
        bad(
            "RESERVATION.PUT r FIRM COLOUR red LINES SKU-0 EAST 1",
            "INVALID",
            &["'COLOUR'"],
        ),
        bad(
            "RESERVATION.PUT r FIRM LINES SKU-0 EAST 1 SKU-1",
            "INVALID",
            &["location is ''"],
        ),
        bad(
            "RESERVATION.PUT r FIRM NEED tomorrow LINES SKU-0 EAST 1",
            "INVALID",
            &["NEED is 'tomorrow'", "zone"],
        ),
        bad(
            "ATP.GET SKU-0 BY 2026-11-23T10:00:00",
            "INVALID",
            &["BY is '2026-11-23T10:00:00'", "zone"],
        ),
        bad(
            "ATP.GET SKU-0 BY 2026-11-23",
            "INVALID",
            &["BY is '2026-11-23'"],
        ),
        bad(
            "ATP.GET SKU-0 BY 2026-13-41T10:00:00Z",
            "INVALID",
            &["BY is"],
        ),
        bad("ATP.GET SKU-0 AT", "INVALID", &["AT is ''"]),
        bad("ATP.GET SKU-0 FOR 1 2", "INVALID", &["'2'"]),
        bad(
            "STOCK.SET r SKU-0 EAST 5 ASOF yesterday",
            "INVALID",
            &["ASOF is 'yesterday'"],
        ),
        bad(
            "STOCK.SET r SKU-0 EAST 5 DEDUCTED web",
            "INVALID",
            &["DEDUCTED order is ''"],
        ),
        bad("STOCK.SET r SKU-0 EAST 5 AT noon", "INVALID", &["'AT'"]),
        bad(
            "SUPPLY.EXPECT p SKU-0 EAST 5 2030-01-01T00:00:00",
            "INVALID",
            &["arrives_at is"],
        ),
        bad(
            "TRANSFER.CANCEL r t MAYBE",
            "INVALID",
            &["RETURNED|LOST is 'MAYBE'"],
        ),
        bad(
            "ALLOCATION.SET r SKU-0 web 5 MOST 9",
            "INVALID",
            &["'MOST'"],
        ),
    ]);
}

#[test]
fn ids() {
    let long = "x".repeat(65);
    let set = |reference: &str| Bad {
        arguments: ["STOCK.SET", reference, "SKU-0", "EAST", "1"]
            .map(str::to_owned)
            .to_vec(),
        ..bad("", "INVALID", &["ref is"])
    };
    let mut bytes = bad(
        "RESERVATION.PUT r FIRM LINES SKU-0 EAST 1",
        "INVALID",
        &["reservation is"],
    );
    bytes.arguments[1] = "with blank".to_owned();
    assert_refused(&[
        set(""),
        set(&long),
        set("two words"),
        set("line\nbreak"),
        set("naïve"),
        bytes,
    ]);
}

#[test]
fn bytes_that_are_no_text_are_shown_escaped() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let reply = connection.command(&[b"STOCK.GET".as_slice(), b"\xff\r\n\0"]);
    let text = refusal(&reply);
    assert!(
        text.starts_with("INVALID sku is '") && text.ends_with("expected text in UTF-8"),
        "{text}"
    );
}

#[test]
fn commands_and_arity() {
    assert_refused(&[
        bad(
            "NO.SUCH thing",
            "ERR",
            &["unknown command 'NO.SUCH'", "'thing'"],
        ),
        bad("STOCK", "ERR", &["unknown command 'STOCK'"]),
        bad(
            "STOCK.GET",
            "ERR",
            &["'stock.get'", "got 0", "STOCK.GET sku [location]"],
        ),
        bad(
            "STOCK.GET SKU-0 EAST WEST",
            "ERR",
            &["'stock.get'", "got 3"],
        ),
        bad("STOCK.SET r SKU-0 EAST", "ERR", &["'stock.set'", "got 3"]),
        bad(
            "RESERVATION.PUT r FIRM",
            "ERR",
            &["'reservation.put'", "got 2"],
        ),
        bad("ORDER.SUBMIT", "ERR", &["'order.submit'", "got 0"]),
        bad("AUTH", "ERR", &["wrong number of arguments for 'auth'"]),
        bad("ECHO", "ERR", &["wrong number of arguments for 'echo'"]),
        bad("CLIENT", "ERR", &["wrong number of arguments for 'client'"]),
        bad("CLIENT DANCE", "ERR", &["unknown subcommand 'DANCE'"]),
        bad("CONFIG SET dir /tmp", "ERR", &["command line"]),
        bad("HELLO 3 COLOUR red", "ERR", &["'COLOUR'"]),
        bad("MULTI", "ERR", &["unknown command 'MULTI'"]),
        bad("EVAL return 0", "ERR", &["unknown command 'EVAL'"]),
    ]);
}

#[test]
fn more_lines_than_the_limit() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let before = state(&mut connection);
    let mut put = vec!["RESERVATION.PUT", "r", "FIRM", "LINES"];
    put.extend(["SKU-0", "EAST", "1"].repeat(201));
    let reply = connection.command(&put);
    assert!(
        refusal(&reply).starts_with("TOOLARGE lines is '201'"),
        "{reply:?}"
    );
    let lines = [(0, 1)].repeat(10_000);
    for verb in ["ORDER.SUBMIT", "ORDER.QUOTE"] {
        let reply = connection.command(&[verb, &order("1", "10001", &lines)]);
        let text = refusal(&reply);
        assert!(text.contains("10000") && text.contains("200"), "{text}");
    }
    // That an order was refused is written down.
    let but_facts = |state: Vec<String>| -> Vec<String> {
        let mut lines = state.into_iter();
        lines
            .by_ref()
            .filter(|l| !l.starts_with("latest_fact:"))
            .collect()
    };
    assert_eq!(but_facts(state(&mut connection)), but_facts(before));
}

#[test]
fn orders_that_are_no_orders() {
    let line = r#"{"sku":"SKU-0","qty":2}"#;
    let zone = "2026-11-23T10:00:00Z";
    let deep = "[".repeat(100_000);
    let plain = |json: &str, names: &[&str]| Bad {
        arguments: vec!["ORDER.SUBMIT".to_owned(), json.to_owned()],
        ..bad("", "INVALID", names)
    };
    let invalid = "INVALID";
    assert_refused(&[
        plain("", &["json is"]),
        plain("{", &["json is"]),
        plain("nonsense", &["json is"]),
        plain("[]", &["order is"]),
        plain("null", &["order is"]),
        plain(&deep, &["json is"]),
        plain(r#"{"source":"web","order":"1"} x"#, &["json is"]),
        bad_order(r#""source":"web","#, "", invalid, &["source is 'missing'"]),
        bad_order(r#""order":"1","#, "", invalid, &["order is 'missing'"]),
        bad_order(
            &format!(r#","lines":[{line}]"#),
            "",
            invalid,
            &["lines is 'missing'"],
        ),
        bad_order(line, "", invalid, &["lines is"]),
        bad_order(line, "7", invalid, &["lines[0] is '7'"]),
        bad_order(r#","qty":2"#, "", invalid, &["lines[0].qty is 'missing'"]),
        bad_order(
            r#""qty":2"#,
            r#""qty":0"#,
            invalid,
            &["lines[0].qty is '0'"],
        ),
        bad_order(
            r#""qty":2"#,
            r#""qty":-1"#,
            invalid,
            &["lines[0].qty is '-1'"],
        ),
        bad_order(
            r#""qty":2"#,
            r#""qty":2.0"#,
            invalid,
            &["lines[0].qty is '2.0'"],
        ),
        bad_order(
            r#""qty":2"#,
            r#""qty":1e300"#,
            invalid,
            &["lines[0].qty is"],
        ),
        bad_order(r#""qty":2"#, r#""qty":NaN"#, invalid, &["json is"]),
        bad_order(
            r#""qty":2"#,
            r#""qty":99999999999"#,
            invalid,
            &["lines[0].qty is '99999999999'"],
        ),
        bad_order(
            r#""qty":2"#,
            r#""qty":"two""#,
            invalid,
            &["lines[0].qty is 'two'"],
        ),
        bad_order(
            r#""qty":2"#,
            r#""qty":2,"qty":3"#,
            invalid,
            &["lines[0].qty is '3'"],
        ),
        bad_order(
            r#""qty":2"#,
            r#""qty":2,"colour":"red""#,
            invalid,
            &["lines[0].colour is 'red'"],
        ),
        bad_order(
            r#""source""#,
            r#""colour":"red","source""#,
            invalid,
            &["colour is 'red'"],
        ),
        bad_order(
            zone,
            "2026-11-23T10:00:00",
            invalid,
            &["placed_at is '2026-11-23T10:00:00'", "zone"],
        ),
        bad_order(zone, "2026-11-23", invalid, &["placed_at is '2026-11-23'"]),
        bad_order(
            r#""source""#,
            r#""deliver_by":"soon","source""#,
            invalid,
            &["deliver_by is 'soon'"],
        ),
        bad_order(
            r#""source""#,
            r#""deliver_by":"2026-02-30","source""#,
            invalid,
            &["deliver_by is '2026-02-30'"],
        ),
        bad_order(
            r#""source""#,
            r#""deliver_by_is_hard":true,"source""#,
            invalid,
            &["deliver_by"],
        ),
        bad_order(
            r#""source""#,
            r#""policy":{"split_penalty_cents":1.5},"source""#,
            invalid,
            &["policy.split_penalty_cents is '1.5'"],
        ),
        bad_order(
            r#""source""#,
            r#""policy":{"split_penalty_cents":"NaN"},"source""#,
            invalid,
            &["policy.split_penalty_cents is 'NaN'"],
        ),
        bad_order(
            r#""source""#,
            r#""policy":{"split_penalty_cents":99999999999999999999},"source""#,
            invalid,
            &["policy.split_penalty_cents is"],
        ),
        bad_order(
            r#""source""#,
            r#""policy":{"max_shipments":0},"source""#,
            invalid,
            &["policy.max_shipments is '0'"],
        ),
        bad_order(
            r#""source""#,
            r#""policy":{"generous":true},"source""#,
            invalid,
            &["policy.generous is 'true'"],
        ),
        bad_order(
            r#""postal":"10001""#,
            r#""lat":91,"lon":0"#,
            invalid,
            &["lat is '91'"],
        ),
        bad_order(
            r#""postal":"10001""#,
            r#""lat":40.0"#,
            invalid,
            &["ship_to.lon is 'missing'"],
        ),
        bad_order(
            r#","postal":"10001""#,
            "",
            invalid,
            &["ship_to.postal is 'missing'"],
        ),
        bad_order(r#""web""#, r#""we b""#, invalid, &["source is 'we b'"]),
    ]);
}

#[test]
fn items_that_are_no_items() {
    assert_refused(&[
        bad_item("{}", &["grams is 'missing'"]),
        bad_item(r#"{"grams":-1}"#, &["grams is '-1'"]),
        bad_item(r#"{"grams":350.5}"#, &["grams is '350.5'"]),
        bad_item(r#"{"grams":99999999999}"#, &["grams is '99999999999'"]),
        bad_item(
            r#"{"grams":350,"value_cents":9.99}"#,
            &["value_cents is '9.99'"],
        ),
        bad_item(
            r#"{"grams":350,"value_cents":"NaN"}"#,
            &["value_cents is 'NaN'"],
        ),
        bad_item(r#"{"grams":350,"weight":1}"#, &["weight is '1'"]),
        bad_item(r#"{"grams":350"#, &["json is"]),
        bad_item(r#"{"sku":"OTHER","grams":350}"#, &["sku is 'OTHER'"]),
    ]);
}
