//! What a server says while it is still reading its state: what the map of the newest snapshot knows
//! for certain, and to everything else that it should be asked again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::client::Client;
use allot::engine::{Engine, FactSink, Limits, Replay, ReservationPut, WantedLine};
use allot::journal::{Journal, Options, RealDisk};
use allot::model::{Millis, Opening, Qty};
use allot::server::{Clock, Early, Server, ServerConfig};
use allot::wire::Value;
use engine_support::commands::opening;
use engine_support::{NOW, item, network};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

fn start(dir: &Path, opening: Opening) -> (Engine, Journal) {
    let fresh = || Replay::new(network(), Limits::default());
    let opened = Replay::open(Arc::new(RealDisk), dir, Options::default(), &fresh, &|_| {});
    let opened = opened.unwrap();
    let sink: Box<dyn FactSink> = Box::new(opened.journal.clone());
    let last = opened.recovered.last;
    let engine = opened.replay.finish(opening, Some(sink), last, NOW);
    (engine.unwrap(), opened.journal)
}

fn reserve(engine: &Engine, id: &str, sku: &str, ttl: Option<Millis>) {
    let lines = [WantedLine {
        sku,
        location: "EAST",
        qty: Qty(3),
    }];
    let put = ReservationPut {
        id,
        ttl,
        channel: "web",
        priority: 0,
        need_at: None,
        lines: &lines,
    };
    engine.put_reservation(&put, NOW).unwrap();
}

fn is_loading(value: &Value) -> bool {
    matches!(value, Value::Error(text) if text.starts_with("LOADING"))
}

fn text(value: &Value) -> String {
    match value {
        Value::Bulk(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        other => format!("{other:?}"),
    }
}

/// What is not told apart from what the snapshot knew is not answered at all.
#[test]
fn a_reservation_changed_after_the_snapshot_makes_every_answer_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, journal) = start(dir.path(), opening());
    reserve(&engine, "firm", "SKU-0", None);
    engine
        .take_snapshot(&journal, &RealDisk, dir.path(), NOW)
        .unwrap();
    reserve(&engine, "later", "SKU-2", None);
    assert!(Early::of(&RealDisk, dir.path()).is_some());
    // It gives SKU-0 back, and the fact names SKU-1 only.
    reserve(&engine, "firm", "SKU-1", None);
    journal.close().unwrap();
    assert!(Early::of(&RealDisk, dir.path()).is_none());
}

#[test]
fn what_the_snapshot_knows_is_answered_before_the_state_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, journal) = start(dir.path(), opening());
    reserve(&engine, "firm", "SKU-0", None);
    reserve(&engine, "cart", "SKU-1", Some(Millis(60_000)));
    engine
        .take_snapshot(&journal, &RealDisk, dir.path(), NOW)
        .unwrap();
    reserve(&engine, "later", "SKU-2", None);
    engine.put_item(item(77), NOW).unwrap();
    let known = engine_support::atp(&engine, "SKU-0");
    journal.close().unwrap();
    drop(engine);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..ServerConfig::default()
    };
    let server = runtime.block_on(Server::listen(config)).unwrap();
    let (address, opener) = (server.address().to_string(), server.opener());
    let stop = server.stop_handle();
    let serving = runtime.spawn(server.serve());
    let mut client = Client::connect(&address).unwrap();
    let mut ask = |words: &[&str]| client.command(words).unwrap();

    // Before the snapshot is looked at, and afterwards.
    assert!(is_loading(&ask(&["ATP.GET", "SKU-0"])));
    opener.early(Early::of(&RealDisk, dir.path()).unwrap());
    let units = |units: u64| Value::Array(vec![Value::Int(i64::try_from(units).unwrap())]);
    assert_eq!(ask(&["ATP.GET", "SKU-0"]), units(known));
    assert_eq!(ask(&["PING"]), Value::Simple("PONG".to_owned()));
    for waits in [
        &["ATP.GET", "SKU-1"][..],           // its cart may have run out meanwhile
        &["ATP.GET", "SKU-2"],               // a fact after the snapshot is about it
        &["ATP.GET", "SKU-77"],              // introduced after the snapshot
        &["ATP.GET", "SKU-0", "SKU-2"],      // all or nothing
        &["ATP.GET", "SKU-0", "AT", "EAST"], // more than the map is asked for
        &["ORDER.GET", "shop", "1"],
        &["RESERVATION.CANCEL", "firm"],
    ] {
        assert!(is_loading(&ask(waits)), "{waits:?}");
    }
    let info = text(&ask(&["INFO", "persistence"]));
    assert!(info.contains("loading:1"), "{info}");

    let (engine, journal) = start(dir.path(), opening());
    opener.open(Arc::new(engine), Some(journal), None, Clock::start());
    assert_eq!(ask(&["ATP.GET", "SKU-0"]), units(known));
    assert!(!is_loading(&ask(&["ATP.GET", "SKU-77"])));
    assert_eq!(ask(&["RESERVATION.CANCEL", "firm"]), Value::Int(1));
    let info = text(&ask(&["INFO", "persistence"]));
    assert!(info.contains("loading:0"), "{info}");
    stop.stop();
    runtime.block_on(serving).unwrap();
}
