//! Handing out, shipping and cancelling, as two systems on two connections meet it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::client::Client;
use allot::engine::Engine;
use allot::server::{Clock, Server, ServerConfig};
use allot::wire::Value;
use engine_support::{atp, engine, order, submit};
use serde_json::Value as Json;
use std::net::SocketAddr;
use std::sync::Arc;

/// Carries out `work` with two connections to a server on `engine`.
fn serve(engine: Arc<Engine>, work: impl FnOnce(&mut Client, &mut Client)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..ServerConfig::default()
    };
    let server = runtime.block_on(Server::listen(config)).unwrap();
    let (address, opener) = (server.address().to_string(), server.opener());
    let stop = server.stop_handle();
    let serving = runtime.spawn(server.serve());
    opener.open(engine, None, None, Clock::start());
    let mut one = Client::connect(&address).unwrap();
    let mut two = Client::connect(&address).unwrap();
    work(&mut one, &mut two);
    stop.stop();
    runtime.block_on(serving).unwrap();
}

fn ask(client: &mut Client, words: &[&str]) -> Result<Json, String> {
    match client.command(words).unwrap() {
        Value::Bulk(bytes) => Ok(serde_json::from_slice(&bytes).unwrap()),
        Value::Error(text) => Err(text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_handed_out_once_and_only_its_holder_may_speak_for_it() {
    let engine = Arc::new(engine(&[[5, 0, 0]]));
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    assert_eq!(atp(&engine, "SKU-0"), 3);
    serve(engine.clone(), |wms, other| {
        let handed = ask(wms, &["FULFILLMENT.CLAIM", "EAST", "COUNT", "5"]).unwrap();
        let part = &handed["fulfillments"][0];
        assert_eq!(
            (&part["state"], &part["number"]),
            (&"sent".into(), &1.into())
        );
        let token = part["token"].as_str().unwrap().to_owned();
        // Nothing is left for the second, and asking for this very order names who has it.
        let none = ask(other, &["FULFILLMENT.CLAIM", "EAST"]).unwrap();
        assert_eq!(none["fulfillments"].as_array().unwrap().len(), 0);
        let claim = ["FULFILLMENT.CLAIM", "EAST", "ORDER", "shop", "1"];
        let held = ask(other, &claim).unwrap_err();
        assert!(held.starts_with("HELD connection-"), "{held}");
        let direct = ["FULFILLMENT.REGISTER", "shop", "1", "*", "3pl"];
        assert!(ask(other, &direct).unwrap_err().starts_with("HELD"));
        // Asking again gives the first the same token.
        let again = ask(wms, &["FULFILLMENT.CLAIM", "EAST"]).unwrap();
        assert_eq!(again["fulfillments"][0]["token"], *token);
        assert_eq!(again["fulfillments"][0]["repeated"], true);
        let cancel = ask(other, &["ORDER.CANCEL", "shop", "1"]).unwrap_err();
        assert!(cancel.starts_with("HELD"), "{cancel}");
        let wrong = "0".repeat(32);
        let stale = ask(other, &["FULFILLMENT.SHIP", "shop", "1", "1", &wrong]);
        assert!(stale.unwrap_err().starts_with("STALE"));

        let mut say = |verb: &str, more: &[&str]| {
            let words = [&[verb, "shop", "1", "1", &token], more].concat();
            ask(wms, &words)
        };
        assert_eq!(say("FULFILLMENT.ACK", &[]).unwrap()["to"], "acknowledged");
        let shipped = say("FULFILLMENT.SHIP", &["PARCEL", "ups", "1Z", "CENTS", "845"]);
        let shipped = shipped.unwrap();
        assert_eq!(shipped["to"], "shipped");
        assert_eq!(shipped["moved"][0]["after"], 3);
        // A message that was overtaken moves nothing; a repeat books nothing twice.
        let late = say("FULFILLMENT.PICK", &[]).unwrap();
        assert_eq!(
            (&late["applied"], &late["to"]),
            (&"late".into(), &"shipped".into())
        );
        let twice = say("FULFILLMENT.SHIP", &["PARCEL", "ups", "1Z", "CENTS", "845"]);
        assert_eq!(twice.unwrap()["applied"], "late");
        let refused = say("FULFILLMENT.REJECT", &["too late"]).unwrap_err();
        assert!(refused.starts_with("STATE"), "{refused}");
        assert_eq!(say("FULFILLMENT.DELIVER", &[]).unwrap()["to"], "delivered");
        let order = ask(wms, &["ORDER.GET", "shop", "1"]).unwrap();
        assert_eq!(order["state"], "delivered");
    });
    // What left is gone, and nothing is reserved any more.
    assert_eq!(atp(&engine, "SKU-0"), 3);
}

#[test]
fn a_refused_part_is_free_again_and_missing_units_are_not() {
    let engine = Arc::new(engine(&[[5, 0, 0]]));
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    submit(&engine, order("2", &[(0, 2)])).unwrap();
    serve(engine.clone(), |wms, _| {
        let claim = ["FULFILLMENT.CLAIM", "EAST", "COUNT", "5", "HOLDER", "wms"];
        let handed = ask(wms, &claim).unwrap();
        let token = |at: usize| handed["fulfillments"][at]["token"].as_str().unwrap();
        let id = |at: usize| handed["fulfillments"][at]["order"].as_str().unwrap();
        let words = ["FULFILLMENT.REJECT", "shop", id(0), "1", token(0), "closed"];
        assert_eq!(ask(wms, &words).unwrap()["to"], "rejected");
        let words = [
            "FULFILLMENT.SHORT",
            "shop",
            id(1),
            "1",
            token(1),
            "SKU-0",
            "1",
        ];
        let short = ask(wms, &words).unwrap();
        assert_eq!(short["to"], "short_picked");
        assert_eq!(short["moved"][0]["after"], 4);
        let list = ask(wms, &["FULFILLMENT.LIST", "EAST"]).unwrap();
        assert_eq!(list["fulfillments"].as_array().unwrap().len(), 1);
    });
    // Four are there, one of them is still reserved.
    assert_eq!(atp(&engine, "SKU-0"), 3);
}

#[test]
fn what_a_shop_has_sent_itself_is_handed_to_nobody_else() {
    let engine = Arc::new(engine(&[[5, 0, 0]]));
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    serve(engine, |shop, wms| {
        let direct = ["FULFILLMENT.REGISTER", "shop", "1", "*", "3pl"];
        let first = ask(shop, &direct).unwrap();
        assert_eq!(first["fulfillments"][0]["holder"], "3pl");
        let again = ask(shop, &direct).unwrap();
        assert_eq!(again["fulfillments"][0]["repeated"], true);
        let none = ask(wms, &["FULFILLMENT.CLAIM", "EAST"]).unwrap();
        assert_eq!(none["fulfillments"].as_array().unwrap().len(), 0);
    });
}

/// Many ask at once: every part has one holder.
#[test]
fn under_contention_no_part_has_two_holders() {
    let engine = engine(&[[400, 0, 0]]);
    for id in 0..300 {
        submit(&engine, order(&id.to_string(), &[(0, 1)])).unwrap();
    }
    let handed: Vec<String> = std::thread::scope(|scope| {
        let one = |who: usize| {
            let engine = &engine;
            scope.spawn(move || {
                let holder = format!("wms-{who}");
                let mut mine = Vec::new();
                for count in (1..=7).cycle() {
                    let ask = allot::engine::ClaimAsk {
                        location: "EAST",
                        holder: &holder,
                        count,
                        lease: allot::model::Millis(60_000),
                        mode: allot::model::ClaimMode::WorkAtOnce,
                        order: None,
                    };
                    let handed = engine.claim(&ask, engine_support::NOW).unwrap();
                    let new = handed.iter().filter(|(_, release)| !release.repeat);
                    let new: Vec<_> = new.map(|(view, _)| view.part.id.to_string()).collect();
                    if new.is_empty() {
                        return mine;
                    }
                    for (view, release) in handed {
                        let key = view.order.key.clone();
                        let name = allot::engine::PartName {
                            source: key.source(),
                            order: key.order(),
                            number: view.part.id.number,
                        };
                        let change = allot::model::Change::Acknowledge;
                        let now = engine_support::NOW;
                        let told =
                            engine.tell_fulfillment(name, Some(&release.token), &change, now);
                        told.unwrap();
                    }
                    mine.extend(new);
                }
                mine
            })
        };
        let workers: Vec<_> = (0..4).map(one).collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    });
    let different: std::collections::HashSet<_> = handed.iter().collect();
    assert_eq!((handed.len(), different.len()), (300, 300));
}
