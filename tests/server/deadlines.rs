//! A breach is told while it can still be acted on, over a real connection.

use crate::engine_support::{commands::opening, network};
use crate::support::{TestServer, order, wait_until};
use allot::engine::{Engine, Limits};
use allot::lifecycle::State;
use allot::model::{DeadlineRow, Limit, Millis, Network};
use allot::server::Clock;
use allot::wire::Value;
use serde_json::Value as Json;

/// Nobody may leave a routed order alone for longer than this.
const SPAN: Millis = Millis(300);

fn short() -> Network {
    let row = DeadlineRow {
        state: State::Routed,
        channel: None,
        location: None,
        limit: Some(Limit {
            span: SPAN,
            working: false,
        }),
    };
    Network {
        deadlines: vec![row],
        ..network()
    }
}

fn json(reply: &Value) -> Json {
    match reply {
        Value::Bulk(bytes) => serde_json::from_slice(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_that_nobody_claims_is_told_and_listed_until_somebody_does() {
    let clock = Clock::start();
    let engine = Engine::new(short(), opening(), Limits::default(), None, clock.now());
    let server = TestServer::serving(engine.unwrap(), clock, |_| {});
    let (mut host, mut desk) = (server.connect(), server.connect());
    wait_until("the feed is there", || {
        !host.say("XLEN exceptions").is_error()
    });
    let placed = order("1", "10001", &[(0, 1)]);
    assert!(!host.command(&["ORDER.SUBMIT", &placed]).is_error());
    // Nothing is there yet: the reply comes when the breach does.
    let told = desk.say("XREAD BLOCK 10000 STREAMS exceptions 0");
    let text = format!("{told:?}");
    assert!(!matches!(told, Value::Null), "{text}");
    let word = |word: &str| {
        let bytes = format!("{:?}", Value::Bulk(word.as_bytes().to_vec()));
        text.contains(&bytes)
    };
    for expected in ["exception.opened", "stuck", "not_claimed", "location"] {
        assert!(word(expected), "{expected}: {text}");
    }
    let stuck = json(&desk.say("ORDER.STUCK CAUSE not_claimed"));
    assert_eq!(stuck["causes"]["not_claimed"], 1);
    let one = &stuck["stuck"][0];
    assert_eq!(
        (&one["state"], &one["order"]),
        (&"routed".into(), &"1".into())
    );
    assert_eq!(one["owner"], "location");
    assert!(one["action"].as_str().unwrap().contains("asks for work"));
    let id = one["exception"].to_string();
    assert_eq!(
        json(&desk.command(&["EXCEPTION.GET", &id]))["cause"],
        "not_claimed"
    );
    let assigned = json(&desk.command(&["EXCEPTION.ASSIGN", &id, "anna"]));
    assert_eq!(assigned["assigned_to"], "anna");
    // It is claimed: nobody has to decide any more.
    let place = one["location"].as_str().unwrap();
    assert!(!desk.command(&["FULFILLMENT.CLAIM", place]).is_error());
    let ended = json(&desk.command(&["EXCEPTION.RESOLVE", &id, "anna", "asked"]));
    assert_eq!(ended["repeated"], true);
    assert_eq!(ended["resolved"]["how"], "it is sent");
    assert_eq!(json(&desk.say("ORDER.STUCK"))["stuck"], Json::Array(vec![]));
    server.assert_sound();
}
