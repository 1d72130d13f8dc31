//! What each promise about the disk costs: submit and reserve, by durability and number of clients, in
//! process and over TCP.
//!
//! ```text
//! cargo bench --bench durability                     two seconds a measurement
//! cargo bench --bench durability -- --seconds 5
//! ```
//!
//! All modes are measured one after the other in one run, each on an engine and a journal of its own
//! in a temporary folder (`TMPDIR` chooses the disk). In process a client waits for each of its
//! commands; over TCP it sends 64 reservations before it reads their replies.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, reason = "its tables are what it is for")]
#![allow(clippy::float_arithmetic, reason = "rates and ratios for people")]
#![allow(clippy::cast_precision_loss, reason = "rates and ratios for people")]

use allot::bench::synthetic::{self, Popularity};
use allot::client::Client;
use allot::engine::{Engine, FactSink, Limits, Replay, ReservationPut, WantedLine};
use allot::journal::{Durability, Journal, Options, RealDisk};
use allot::model::{EpochMillis, Qty};
use allot::server::{Clock, Server, ServerConfig};
use allot::wire::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NOW: EpochMillis = EpochMillis(1_795_000_000_000);
const LOCATIONS: u16 = 20;
const DEPTH: u64 = 64;
const MODES: [&str; 3] = ["none", "interval:10", "sync"];

/// An engine whose facts go to a journal in a folder.
struct Kept {
    engine: Arc<Engine>,
    journal: Journal,
    _dir: tempfile::TempDir,
}

impl Kept {
    fn new(mode: &str, skus: u32) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let durability: Durability = mode.parse().expect("a mode");
        let options = Options {
            durability,
            ..Options::default()
        };
        let fresh = || Replay::new(synthetic::network(LOCATIONS, 1), Limits::default());
        let opened = Replay::open(Arc::new(RealDisk), dir.path(), options, &fresh, &|_| {});
        let opened = opened.unwrap_or_else(|e| panic!("{e}"));
        let journal = opened.journal.clone();
        let sink: Box<dyn FactSink> = Box::new(journal.clone());
        let opening = synthetic::opening(skus, LOCATIONS, 100_000_000);
        let last = opened.recovered.last;
        let engine = opened.replay.finish(opening, Some(sink), last, NOW);
        let engine = engine.expect("the network is valid");
        // The facts of the opening must not be written while something else is measured.
        journal.rotate().unwrap_or_else(|e| panic!("{e}"));
        Self {
            engine: Arc::new(engine),
            journal,
            _dir: dir,
        }
    }

    /// Calls `act` with ascending numbers on so many threads for so long; commands a second, and
    /// facts for each sync.
    fn rate(
        &self,
        clients: u64,
        within: Duration,
        act: impl Fn(u64, u64) -> u64 + Sync,
    ) -> (f64, f64) {
        let before = self.journal.stats();
        let begun = Instant::now();
        let done: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..clients)
                .map(|client| {
                    let act = &act;
                    scope.spawn(move || {
                        let (mut done, mut n) = (0, 0);
                        while begun.elapsed() < within {
                            done += act(client, n);
                            n += 1;
                        }
                        done
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().expect("it works"))
                .sum()
        });
        let rate = done as f64 / begun.elapsed().as_secs_f64();
        let after = self.journal.stats();
        let syncs = (after.syncs - before.syncs).max(1);
        (rate, (after.facts - before.facts) as f64 / syncs as f64)
    }

    fn wait(&self) {
        let told = self.engine.latest_fact();
        self.journal.wait(told).unwrap_or_else(|e| panic!("{e}"));
    }
}

fn main() {
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    let tiny = told("--test") || !told("--bench");
    let mut seconds = std::env::args().skip_while(|a| a != "--seconds");
    let seconds: u64 = seconds
        .nth(1)
        .map_or(2, |n| n.parse().expect("a whole number"));
    let within = match tiny {
        true => Duration::from_millis(20),
        false => Duration::from_secs(seconds),
    };
    let skus = if tiny { 200 } else { 100_000 };
    println!("commands a second (of those without a journal's promise), facts a sync\n");
    println!(
        "{:<28} {:>8} {:>24} {:>24} {:>24}",
        "", "clients", MODES[0], MODES[1], MODES[2]
    );
    let tests: [(&str, Test, &[u64]); 3] = [
        ("submit, in process", submit, &[1, 4, 16]),
        ("reserve, in process", reserve, &[1, 4, 16]),
        ("reserve, TCP, 64 at once", reserve_tcp, &[1, 4, 16, 50]),
    ];
    for (name, test, clients) in tests {
        for &clients in clients {
            print!("{name:<28} {clients:>8}");
            let mut none = None;
            for mode in MODES {
                let kept = Kept::new(mode, skus);
                let (rate, facts) = test(&kept, clients, within, skus);
                let of = rate / *none.get_or_insert(rate);
                print!(
                    " {:>24}",
                    format!("{rate:.0} ({:.0} %) {facts:.0}", 100.0 * of)
                );
                kept.journal.close().unwrap_or_else(|e| panic!("{e}"));
            }
            println!();
        }
    }
    println!("\nin mode none nothing is synced, so the last number is all facts");
}

type Test = fn(&Kept, u64, Duration, u32) -> (f64, f64);

fn submit(kept: &Kept, clients: u64, within: Duration, skus: u32) -> (f64, f64) {
    let baskets = synthetic::baskets(skus, 10_000, Popularity::Zipf, 1);
    kept.rate(clients, within, |client, n| {
        let index = usize::try_from(n % 10_000).unwrap_or(0);
        let number = usize::try_from(client * 100_000_000 + n).unwrap_or(0);
        let order = synthetic::order(number, &baskets[index], NOW);
        kept.engine
            .submit(Arc::new(order), NOW)
            .expect("there is stock for all");
        kept.wait();
        1
    })
}

fn reserve(kept: &Kept, clients: u64, within: Duration, skus: u32) -> (f64, f64) {
    kept.rate(clients, within, |client, n| {
        let id = format!("{client}-{n}");
        let sku = format!("SKU-{}", (client * 7919 + n * 104_729) % u64::from(skus));
        let lines = [WantedLine {
            sku: &sku,
            location: "L-3",
            qty: Qty(1),
        }];
        let put = ReservationPut {
            id: &id,
            ttl: None,
            channel: "web",
            priority: 0,
            need_at: None,
            lines: &lines,
        };
        let granted = kept.engine.put_reservation(&put, NOW);
        granted.expect("there is stock for all");
        kept.wait();
        1
    })
}

fn reserve_tcp(kept: &Kept, clients: u64, within: Duration, skus: u32) -> (f64, f64) {
    let runtime = tokio::runtime::Runtime::new().expect("threads are to be had");
    let config = ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..ServerConfig::default()
    };
    let (engine, journal) = (kept.engine.clone(), Some(kept.journal.clone()));
    let bound = Server::bind(engine, journal, config, Clock::start());
    let server = runtime.block_on(bound).expect("a port is free");
    let (address, stop) = (server.address().to_string(), server.stop_handle());
    let serving = runtime.spawn(server.serve());
    thread_local! {
        static CLIENT: std::cell::RefCell<Option<(String, Client)>> =
            const { std::cell::RefCell::new(None) };
    }
    let rate = kept.rate(clients, within, |client, n| {
        CLIENT.with_borrow_mut(|slot| {
            let fresh = || {
                (
                    address.clone(),
                    Client::connect(&address).expect("it listens"),
                )
            };
            let (_, connection) = slot.get_or_insert_with(fresh);
            for k in 0..DEPTH {
                let id = format!("{client}-{n}-{k}");
                let number = (client * 7919 + n * 104_729 + k * 31) % u64::from(skus);
                let sku = format!("SKU-{number}");
                let words = ["RESERVATION.PUT", &id, "FIRM", "LINES", &sku, "L-3", "1"];
                connection.send(&words);
            }
            connection.flush().expect("it reads");
            for _ in 0..DEPTH {
                let reply = connection.receive().expect("it answers");
                assert!(!matches!(reply, Value::Error(_)), "{reply:?}");
            }
        });
        DEPTH
    });
    stop.stop();
    runtime.block_on(serving).expect("it ends");
    rate
}
