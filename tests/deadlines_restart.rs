//! The real server, killed with SIGKILL near a deadline and started again: each breach is told once, and
//! not before its time; one whose time came while nobody was there is told at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod process_support;

use allot::client::Client;
use allot::wire::Value;
use process_support::{DEADLINE, Served, say, wait_until};
use serde_json::Value as Json;
use std::path::Path;
use std::time::{Duration, Instant};

/// Nobody may leave a routed order alone for longer.
const SPAN: Duration = Duration::from_secs(2);

/// The sample network with a short deadline.
fn network(folder: &Path) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    for file in std::fs::read_dir(sample).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    let settings = folder.join("network.toml");
    let mut text = std::fs::read_to_string(&settings).unwrap();
    text.push_str(&format!(
        "\n[[deadlines]]\nstate = \"routed\"\nseconds = {}\n",
        SPAN.as_secs()
    ));
    std::fs::write(settings, text).unwrap();
}

fn place(client: &mut Client, id: &str) {
    let order = serde_json::json!({
        "source": "shop", "order": id, "placed_at": "2026-11-23T12:00:00Z",
        "ship_to": {"country": "US", "postal": "10001"},
        "lines": [{"sku": "SKU-00001", "qty": 1}],
    });
    let placed = client.command(&["ORDER.SUBMIT", &order.to_string()]);
    assert!(!placed.as_ref().unwrap().is_error(), "{placed:?}");
}

/// A field of a text event.
fn field<'v>(event: &'v Value, name: &str) -> &'v str {
    let Value::Array(parts) = event else {
        panic!("{event:?}");
    };
    let Value::Array(fields) = &parts[1] else {
        panic!("{event:?}");
    };
    let mut pairs = fields.chunks(2);
    let pair = pairs.find(|pair| pair[0].as_str() == Some(name));
    pair.map_or("", |pair| pair[1].as_str().unwrap())
}

/// The orders of which a breach was told, and when.
fn told(client: &mut Client) -> Vec<(String, jiff::Timestamp)> {
    let Value::Array(events) = say(client, "XRANGE exceptions - +") else {
        panic!("no events");
    };
    let opened = events.iter().filter(|event| {
        let is = |name, value| field(event, name) == value;
        is("type", "exception.opened") && is("cause", "not_claimed")
    });
    let each = opened.map(|event| {
        let at = field(event, "at").parse().unwrap();
        (field(event, "order").to_owned(), at)
    });
    each.collect()
}

#[test]
fn a_breach_near_a_kill_is_told_once_and_in_its_time() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    network(folder.path());
    let arguments = ["--network", folder.path().to_str().unwrap()];
    let server = Served::start(data.path(), &arguments);
    let mut client = server.client();
    say(&mut client, "XLEN exceptions");
    let placed = jiff::Timestamp::now();
    place(&mut client, "while-away");
    server.kill();
    // Its time comes while nobody is there.
    let since = Instant::now();
    wait_until("its time", || since.elapsed() > SPAN);

    let server = Served::start(data.path(), &arguments);
    let mut client = server.client();
    let first = say(&mut client, "XREAD BLOCK 60000 STREAMS exceptions 0");
    assert!(matches!(first, Value::Array(_)), "{first:?}");
    // The next is killed before its time, and told after it.
    place(&mut client, "near");
    let near = jiff::Timestamp::now();
    server.kill();
    let server = Served::start(data.path(), &arguments);
    let mut client = server.client();
    wait_until("the second breach", || told(&mut client).len() == 2);
    server.kill();

    // What was told is told no more.
    let server = Served::start(data.path(), &arguments);
    let mut client = server.client();
    place(&mut client, "after");
    wait_until("the third breach", || told(&mut client).len() > 2);
    let all = told(&mut client);
    let orders: Vec<&str> = all.iter().map(|(order, _)| &**order).collect();
    assert_eq!(orders, ["while-away", "near", "after"], "each once");
    let span = jiff::SignedDuration::try_from(SPAN).unwrap();
    for ((order, at), since) in all.iter().zip([placed, near]) {
        let waited = at.duration_since(since);
        // The clock of the server is read to the millisecond, and the second order came before it.
        let slack = jiff::SignedDuration::from_millis(1_000);
        assert!(waited >= span - slack, "{order} is told after {waited}");
        assert!(waited.unsigned_abs() < DEADLINE, "{order} after {waited}");
    }
    let stuck = say(&mut client, "ORDER.STUCK CAUSE not_claimed");
    let stuck: Json = serde_json::from_str(stuck.as_str().unwrap()).unwrap();
    assert_eq!(stuck["causes"]["not_claimed"], 3, "{stuck}");
    server.kill();
}
