//! The real server, killed with SIGKILL at random moments under load, and started again: what was
//! acknowledged is there, nothing is half there, nothing happened twice.
//!
//! `ALLOT_KILLS=500 cargo test --release --test crash` is the long form; `ALLOT_SEED` repeats one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod process_support;

use allot::bench::random::Random;
use allot::client::Client;
use allot::wire::Value;
use process_support::{DEADLINE, Served, comes_true};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

const CLIENTS: usize = 4;
/// Commands a client sends before it waits for their replies.
const DEPTH: usize = 8;
/// A server is killed after fewer answers than these.
const ANSWERS: u64 = 1_000;

fn text(value: &Value) -> String {
    match value {
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Simple(text) | Value::Error(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

/// The `n`-th write of a client, and how its effect is asked for.
fn write(client: usize, n: u64) -> Vec<String> {
    let sku = format!("SKU-{:05}", 1 + (client as u64 * 31 + n * 7) % 40);
    let id = format!("c{client}-{n}");
    let words: Vec<String> = match n % 3 {
        0 => vec![
            "RESERVATION.PUT",
            &id,
            "FIRM",
            "LINES",
            &sku,
            "*",
            "1",
            "SKU-00077",
            "*",
            "1",
        ]
        .into_iter()
        .map(str::to_owned)
        .collect(),
        1 => ["STOCK.ADJUST", &id, &sku, "DC-ORD", "1", "found"]
            .map(str::to_owned)
            .to_vec(),
        _ => {
            let order = serde_json::json!({
                "source": "shop", "order": id, "placed_at": "2026-11-23T12:00:00Z",
                "ship_to": {"country": "US", "postal": "10001"},
                "lines": [{"line": "1", "sku": sku, "qty": 1}, {"line": "2", "sku": "SKU-00078", "qty": 1}],
            });
            vec!["ORDER.SUBMIT".to_owned(), order.to_string()]
        }
    };
    words
}

/// Replies by client and number of the write.
type Answers = BTreeMap<(usize, u64), String>;

/// Sends writes from `from` on until the server is gone; returns what was answered, and counts it.
fn load(address: &str, client: usize, from: u64, answered: &AtomicU64) -> Answers {
    let mut answers = Answers::new();
    let Ok(connection) = Client::connect(address) else {
        return answers;
    };
    let mut connection = connection.timeout(DEADLINE).unwrap();
    let mut next = from;
    loop {
        let batch = next..next + DEPTH as u64;
        for n in batch.clone() {
            connection.send(&write(client, n));
        }
        if connection.flush().is_err() {
            return answers;
        }
        for n in batch {
            match connection.receive() {
                Ok(value) => {
                    answered.fetch_add(1, Ordering::Relaxed);
                    answers.insert((client, n), text(&value))
                }
                Err(_) => return answers,
            };
        }
        next += DEPTH as u64;
    }
}

/// Has one snapshot taken after the other until the server is gone, so that it is killed while it
/// writes one, renames one, removes what is needless.
fn take_snapshots(address: &str) {
    let Ok(connection) = Client::connect(address) else {
        return;
    };
    let mut connection = connection.timeout(DEADLINE).unwrap();
    while connection.command(&["SNAPSHOT.TAKE"]).is_ok() {}
}

/// Without what a repeat says of itself, and of where the order stands by now: stock that arrived
/// since may have gone to it.
fn content(answer: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(answer) else {
        return answer.to_owned();
    };
    if let Some(fields) = json.as_object_mut() {
        for field in ["repeated", "state", "waiting", "fulfillments"] {
            fields.remove(field);
        }
    }
    json.to_string()
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let kills = std::env::var("ALLOT_KILLS").map_or(5, |n| n.parse().unwrap());
    let seed = std::env::var("ALLOT_SEED").map_or(7, |n| n.parse().unwrap());
    println!("seed {seed}, {kills} kills");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut all = Answers::new();
    let mut sent = [0u64; CLIENTS];
    let mut server = Served::start(dir.path(), &["--durability", "sync"]);
    let before = opening_counts(&server);
    for cycle in 0..kills {
        let (count, enough) = (AtomicU64::new(0), random.below(ANSWERS));
        // The last one is killed when there is a snapshot, however slow that was.
        let last = cycle + 1 == kills;
        let is_time =
            || count.load(Ordering::Relaxed) >= enough && (!last || snapshots_in(dir.path()) > 0);
        let (in_time, answered): (bool, Vec<Answers>) = std::thread::scope(|scope| {
            let loads: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (address, from) = (server.address.clone(), sent[client]);
                    let count = &count;
                    scope.spawn(move || load(&address, client, from, count))
                })
                .collect();
            let address = server.address.clone();
            let snapshots = scope.spawn(move || take_snapshots(&address));
            let in_time = comes_true(is_time);
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            snapshots.join().unwrap();
            let answers = loads.into_iter().map(|l| l.join().unwrap());
            (in_time, answers.collect())
        });
        assert!(
            in_time,
            "cycle {cycle}, seed {seed}: {enough} answers, a snapshot"
        );
        server = Served::start(dir.path(), &["--durability", "sync"]);
        for answers in answered {
            all.extend(answers);
        }
        // Every write that may have been carried out is sent again, as a client library would.
        for (client, sent) in sent.iter_mut().enumerate() {
            let known = all.range((client, 0)..(client + 1, 0)).count() as u64;
            let next = known + DEPTH as u64;
            let mut connection = server.client();
            for n in *sent..next {
                let again = connection.command(&write(client, n)).unwrap();
                let again = text(&again);
                // A refusal is no effect: it may be granted later.
                let first = all.insert((client, n), again.clone());
                if let Some(first) = first.filter(|first| is_done(first)) {
                    let what = format!("cycle {cycle}, seed {seed}: {:?}", write(client, n));
                    assert_eq!(content(&again), content(&first), "{what}");
                }
            }
            *sent = next;
        }
        let count = |kind: u64| {
            let ours = all.iter().filter(|((_, n), a)| n % 3 == kind && is_done(a));
            ours.count() as u64
        };
        let now = opening_counts(&server);
        let what = format!("cycle {cycle}, seed {seed}");
        assert_eq!(
            now.on_hand - before.on_hand,
            count(1),
            "{what}: adjustments"
        );
        let (reservations, orders) = (count(0), count(2));
        assert_eq!(now.reservations, reservations, "{what}: reservations");
        assert_eq!(now.orders, orders, "{what}: orders");
        assert_eq!(server.info("Ledger", "positions_oversold"), "0", "{what}");
        if cycle == 0 {
            assert!(orders > 0 && reservations > 0, "the load does something");
        }
    }
    assert!(
        (1..=3).contains(&snapshots_in(dir.path())),
        "snapshots are taken and removed"
    );
    // A clean stop and a kill without load give back the same state.
    let hash = server.info("State", "state_hash");
    server.stop();
    let server = Served::start(dir.path(), &["--durability", "none"]);
    assert_eq!(server.info("State", "state_hash"), hash);
    server.kill();
    let server = Served::start(dir.path(), &["--durability", "interval:5"]);
    assert_eq!(server.info("State", "state_hash"), hash);
    server.kill();
}

fn snapshots_in(dir: &Path) -> usize {
    let names = std::fs::read_dir(dir).unwrap();
    let names = names.map(|e| e.unwrap().file_name().into_string().unwrap());
    let snapshots = names.filter(|n| n.starts_with("snapshot-") && n.ends_with(".allot"));
    snapshots.count()
}

fn is_done(answer: &str) -> bool {
    !["NOSTOCK", "CONFLICT", "INVALID", "IOERR", "ERR", "NOTFOUND"]
        .iter()
        .any(|code| answer.starts_with(code))
}

struct Counted {
    on_hand: u64,
    reservations: u64,
    orders: u64,
}

fn opening_counts(server: &Served) -> Counted {
    let number = |section, key| server.info(section, key).parse().unwrap();
    Counted {
        on_hand: number("Ledger", "units_on_hand"),
        reservations: number("Orders", "reservations_known"),
        orders: number("Orders", "orders_known"),
    }
}
