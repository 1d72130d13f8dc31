//! Where the time of an order went, and of many.

use crate::fulfillment::{ask, claim_one, say, serving};

const PARTS: [&str; 4] = [
    "validation_ms",
    "routing_ms",
    "waiting_ms",
    "transmission_ms",
];
const WAITING: [&str; 3] = ["waiting_supply_ms", "waiting_hold_ms", "waiting_claim_ms"];

fn sum(delay: &serde_json::Value, parts: &[&str]) -> u64 {
    parts
        .iter()
        .map(|part| delay[*part].as_u64().unwrap())
        .sum()
}

#[test]
fn the_parts_of_an_orders_delay_add_up_before_and_after_it_is_sent() {
    let (server, mut c, mut wms) = serving(&["1", "2"]);
    let waits = ask(&mut c, &["ORDER.GET", "shop", "1"]).unwrap()["delay"].clone();
    assert!(
        waits["sent_at"].is_null() && waits["fulfillment"] == 1,
        "{waits}"
    );
    assert_eq!(sum(&waits, &PARTS), waits["total_ms"].as_u64().unwrap());
    let nothing = ask(&mut c, &["ORDER.DELAYS"]).unwrap();
    assert_eq!(nothing["rows"], serde_json::json!([]));

    let part = claim_one(
        &mut wms,
        &["FULFILLMENT.CLAIM", "EAST", "ORDER", "shop", "1"],
    );
    let token = part["token"].as_str().unwrap();
    assert!(part["delay"].is_null(), "not confirmed yet");
    let told = say(&mut wms, "ACK", "1", &[token]).unwrap();
    let sent = ask(&mut c, &["ORDER.GET", "shop", "1"]).unwrap()["delay"].clone();
    assert!(sent["sent_at"].is_string(), "{sent}");
    let total = sent["total_ms"].as_u64().unwrap();
    assert_eq!(sum(&sent, &PARTS), total);
    assert_eq!(sum(&sent, &WAITING), sent["waiting_ms"].as_u64().unwrap());
    assert_eq!(told["fulfillment"]["delay"]["total_ms"], sent["total_ms"]);

    let by = [
        "ORDER.DELAYS",
        "BY",
        "CHANNEL",
        "BY",
        "LOCATION",
        "BY",
        "DAY",
    ];
    let report = ask(&mut c, &by).unwrap();
    let [row] = &report["rows"].as_array().unwrap()[..] else {
        panic!("{report}");
    };
    assert_eq!(
        (&row["channel"], &row["location"]),
        (&"web".into(), &"EAST".into())
    );
    assert_eq!(
        (&row["sent"], &row["total"]["sum_ms"]),
        (&1.into(), &sent["total_ms"])
    );
    let p99 = row["total"]["p99_ms"].as_u64().unwrap();
    assert!(p99 >= total && p99 <= total + total / 16, "{row}");
    for (words, field) in [
        (&["ORDER.DELAYS", "BY", "HOUR"][..], "BY is 'HOUR'"),
        (&["ORDER.DELAYS", "FROM", "today"], "FROM is 'today'"),
    ] {
        let refusal = ask(&mut c, words).unwrap_err();
        assert!(refusal.contains(field), "{refusal}");
    }
    let before = ask(&mut c, &["ORDER.DELAYS", "TO", "2001-01-01"]).unwrap();
    assert_eq!(before["rows"], serde_json::json!([]));
    server.assert_sound();
}
