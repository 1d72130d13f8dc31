//! All that is wrong with an order is told in one answer.

use crate::support::{TestServer, order, refusal, state};
use allot::wire::Value;
use serde_json::{Value as Json, json};

/// Two lines, four faults: an unknown SKU, no units, an address in no table, a place that is none.
fn four_faults() -> String {
    let mut wrong: Json = serde_json::from_str(&order("9", "99999", &[(0, 1), (1, 1)])).unwrap();
    wrong["lines"][0]["sku"] = json!("SKU-404");
    wrong["lines"][1]["qty"] = json!(0);
    wrong["exclude"] = json!(["NOWHERE"]);
    wrong.to_string()
}

const FIELDS: [&str; 4] = [
    "ship_to.postal",
    "exclude[0]",
    "lines[0].sku",
    "lines[1].qty",
];

#[test]
fn four_faults_are_told_at_once_and_nothing_changes() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let good = order("1", "10001", &[(0, 1)]);
    assert!(!connection.command(&["ORDER.SUBMIT", &good]).is_error());
    let wrong = four_faults();
    let other = four_faults().replace(r#""order":"9""#, r#""order":"1""#);
    let before = state(&mut connection);
    for command in [
        &["ORDER.QUOTE", &wrong][..],
        &["ORDER.AMEND", "edit-1", &other],
        &["ORDER.SUBMIT", &wrong],
    ] {
        let reply = connection.command(command);
        let text = refusal(&reply);
        assert!(text.starts_with("INVALID 4 findings: (1) "), "{text}");
        let places = FIELDS.map(|field| text.find(&format!(") {field} is '")));
        assert!(places.iter().all(Option::is_some), "{text}");
        assert!(places.is_sorted(), "in the order of the fields: {text}");
        assert!(text.contains("'SKU-404'; no such sku is known; introduce it with ITEM.PUT"));
        assert!(text.contains("'NOWHERE'; no such location is known"));
        assert!(text.contains("lines[1].qty is '0'; expected a whole number from 1"));
    }
    let written = |line: &String| line.starts_with("latest_fact:");
    let (before, after) = (before.iter(), state(&mut connection));
    let before: Vec<&String> = before.filter(|line| !written(line)).collect();
    let after: Vec<&String> = after.iter().filter(|line| !written(line)).collect();
    assert_eq!(before, after);
    assert_eq!(connection.say("PING"), Value::Simple("PONG".into()));

    // Whoever looks after each kind of fault has his part of it.
    let list = connection.say("EXCEPTION.LIST KIND validation ORDER web 9");
    let list: Json = serde_json::from_str(list.as_str().unwrap()).unwrap();
    let causes = list["exceptions"].as_array().unwrap().iter();
    let causes: Vec<&str> = causes.map(|e| e["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["address_unknown", "field_invalid", "sku_unknown"]);
    let fields = list["exceptions"][1]["detail"].as_str().unwrap();
    assert!(
        fields.contains("exclude[0]") && fields.contains("lines[1].qty"),
        "{fields}"
    );
    let mended = order("9", "10001", &[(0, 1), (1, 1)]);
    assert!(!connection.command(&["ORDER.SUBMIT", &mended]).is_error());
    let list = connection.say("EXCEPTION.LIST KIND validation ORDER web 9");
    assert_eq!(list.as_str().unwrap(), r#"{"exceptions":[]}"#);
}

#[test]
fn a_batch_names_the_findings_of_each_order() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let good = order("1", "10001", &[(0, 1)]);
    let reply = connection.command(&["ORDER.ROUTEBATCH", &good, &four_faults()]);
    let Value::Array(answers) = reply else {
        panic!("{reply:?}");
    };
    let refused: Json = serde_json::from_str(answers[1].as_str().unwrap()).unwrap();
    assert_eq!(refused["order"], "9");
    assert_eq!(refused["error"]["code"], "INVALID");
    let findings = refused["error"]["findings"].as_array().unwrap();
    let fields: Vec<&str> = findings
        .iter()
        .map(|f| f["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, FIELDS);
    let codes: Vec<&str> = findings
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["INVALID", "NOTFOUND", "NOTFOUND", "INVALID"]);
    assert_eq!(findings[2]["value"], "SKU-404");
}

#[test]
fn a_long_list_is_cut_and_one_kind_of_finding_keeps_its_code() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let wrong = order("9", "10001", &[(0, 1); 150]).replace("SKU-0", "SKU-404");
    let reply = connection.command(&["ORDER.SUBMIT", &wrong]);
    let text = refusal(&reply);
    assert!(
        text.starts_with("NOTFOUND 150 findings: (1) lines[0].sku"),
        "{text}"
    );
    assert!(text.ends_with("; and 140 more"), "{text}");
    assert!(text.len() < 2_000);
    // What is no field is found before anything is looked up.
    let unknown = r#"{"a":1,"#.to_owned() + &r#""a":1,"#.repeat(4_999);
    let reply = connection.command(&["ORDER.SUBMIT", &wrong.replacen('{', &unknown, 1)]);
    let text = refusal(&reply);
    assert!(text.starts_with("INVALID 5000 findings: (1) a"), "{text}");
    assert!(text.ends_with("; and 4990 more"), "{text}");
    let open = connection.say("EXCEPTION.LIST KIND validation");
    let open: Json = serde_json::from_str(open.as_str().unwrap()).unwrap();
    let details = open["exceptions"].as_array().unwrap().iter();
    let details: Vec<&str> = details.map(|e| e["detail"].as_str().unwrap()).collect();
    let of_fields = details
        .iter()
        .find(|d| d.starts_with("5000 findings: (1) a"));
    assert!(of_fields.is_some(), "{details:?}");
}
