//! What a snapshot costs while it is taken, and how soon a server answers after a restart.
//!
//! ```text
//! cargo bench --bench recovery                                    1 million positions, 100,000 orders
//! cargo bench --bench recovery -- --positions 10000000 --orders 1000000
//! ```
//!
//! Everything is measured in one run on files in a temporary folder (`TMPDIR` chooses the disk), read
//! back from a warm page cache. The server that is started again is this program.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, reason = "its tables are what it is for")]
#![allow(clippy::float_arithmetic, reason = "rates and ratios for people")]
#![allow(clippy::cast_precision_loss, reason = "rates and ratios for people")]

use allot::bench::random::Random;
use allot::bench::synthetic::{self, Popularity};
use allot::client::Client;
use allot::engine::{
    AtpRequest, Engine, FactSink, Limits, Opened, Replay, ReservationPut, WantedLine,
};
use allot::journal::{Durability, Options, RealDisk};
use allot::model::{EpochMillis, Opening, Qty};
use allot::server::{Clock, Early, Server, ServerConfig};
use allot::snapshot::{Glance, Snapshot, found};
use allot::wire::Value;
use hdrhistogram::Histogram;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LOCATIONS: u16 = 40;
const NOW: EpochMillis = EpochMillis(1_795_000_000_000);

fn number(name: &str, default: u32) -> u32 {
    let mut args = std::env::args().skip_while(|a| a != name);
    args.nth(1)
        .map_or(default, |n| n.parse().expect("a whole number"))
}

fn main() {
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    if let Some(dir) = std::env::args().skip_while(|a| a != "--serve").nth(1) {
        return serve(Path::new(&dir));
    }
    let tiny = told("--test") || !told("--bench");
    let (positions, orders) = if tiny {
        (20_000, 500)
    } else {
        (1_000_000, 100_000)
    };
    let (positions, orders) = (number("--positions", positions), number("--orders", orders));
    let skus = (positions / u32::from(LOCATIONS)).max(1);
    let dir = tempfile::tempdir().expect("a temporary folder");
    measure(dir.path(), skus, orders, if tiny { 50 } else { 4_000 });
}

fn open(dir: &Path) -> Opened {
    let fresh = || Replay::new(synthetic::network(LOCATIONS, 1), Limits::default());
    let options = Options {
        durability: Durability::None,
        ..Options::default()
    };
    let opened = Replay::open(Arc::new(RealDisk), dir, options, &fresh, &|_| {});
    opened.unwrap_or_else(|e| panic!("{e}"))
}

fn finish(opened: Opened, opening: Opening) -> Engine {
    let sink: Box<dyn FactSink> = Box::new(opened.journal.clone());
    let last = opened.recovered.last;
    let engine = opened.replay.finish(opening, Some(sink), last, NOW);
    engine.expect("the network is the same")
}

fn measure(dir: &Path, skus: u32, orders: u32, millis: u64) {
    let opened = open(dir);
    let journal = opened.journal.clone();
    let engine = finish(opened, synthetic::opening(skus, LOCATIONS, 1_000_000));
    let numbered = |n: u32, basket: &_| synthetic::order(n as usize, basket, NOW);
    let mut placed = 0;
    while placed < orders {
        let some = (orders - placed).min(10_000);
        let seed = u64::from(placed);
        let baskets = synthetic::baskets(skus, some as usize, Popularity::Zipf, seed);
        for (n, basket) in (placed..).zip(&baskets) {
            engine
                .submit(Arc::new(numbered(n, basket)), NOW)
                .expect("there is stock for all");
        }
        placed += some;
    }
    let positions = u64::from(skus) * u64::from(LOCATIONS);
    println!("{positions} positions, {orders} open orders, {LOCATIONS} locations\n");

    let without = commands(&engine, skus, 0, || false, Duration::from_millis(millis));
    let done = AtomicBool::new(false);
    let (taken, took, with) = std::thread::scope(|scope| {
        let taker = scope.spawn(|| {
            let begun = Instant::now();
            let taken = engine.take_snapshot(&journal, &RealDisk, dir, NOW);
            let took = begun.elapsed();
            done.store(true, Ordering::Release);
            (taken, took)
        });
        let with = commands(
            &engine,
            skus,
            1,
            || done.load(Ordering::Acquire),
            Duration::from_secs(600),
        );
        let (taken, took) = taker.join().expect("it reports its errors");
        (taken.unwrap_or_else(|e| panic!("{e}")), took, with)
    });
    let bytes = taken.file.bytes;
    println!(
        "snapshot  {:.2} s, {:.1} MB, {:.1} bytes a position all in all\n",
        took.as_secs_f64(),
        bytes as f64 / 1e6,
        bytes as f64 / positions as f64
    );
    println!("commands in process, 1 thread   count     p50 ns     p99 ns    p99.9 ns      max ns");
    for (name, seen) in [
        ("without a snapshot", &without),
        ("while it is taken", &with),
    ] {
        println!(
            "{name:<28} {:>8} {:>10} {:>10} {:>11} {:>11}",
            seen.len(),
            seen.value_at_quantile(0.5),
            seen.value_at_quantile(0.99),
            seen.value_at_quantile(0.999),
            seen.max()
        );
    }
    let ratio = with.value_at_quantile(0.999) as f64 / without.value_at_quantile(0.999) as f64;
    println!("p99.9 with / without {ratio:.2}\n");

    // What was written since is replayed by the start.
    engine
        .take_snapshot(&journal, &RealDisk, dir, NOW)
        .unwrap_or_else(|e| panic!("{e}"));
    journal.close().unwrap_or_else(|e| panic!("{e}"));
    drop(engine);
    glance(dir, skus);
    restart(dir, skus);
}

/// A mix of what hosts ask, for so long: 8 of 10 read, one reserves, one cancels that.
fn commands(
    engine: &Engine,
    skus: u32,
    run: u64,
    over: impl Fn() -> bool,
    most: Duration,
) -> Histogram<u64> {
    let mut seen = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these are bounds");
    let mut random = Random::new(run);
    let begun = Instant::now();
    let mut n = 0u64;
    while !over() && begun.elapsed() < most {
        n += 1;
        let sku = format!("SKU-{}", random.below(u64::from(skus)));
        let id = format!("r{run}-{}", n / 10);
        let lines = [WantedLine {
            sku: &sku,
            location: "*",
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
        let started = Instant::now();
        match n % 10 {
            3 => drop(engine.put_reservation(&put, NOW)),
            7 => drop(engine.cancel_reservation(&id, NOW)),
            _ => drop(engine.atp(&[&sku], &AtpRequest::default(), NOW)),
        }
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        seen.saturating_record(nanos);
    }
    seen
}

/// The first answer from the map, in this process.
fn glance(dir: &Path, skus: u32) {
    let newest = found(&RealDisk, dir)
        .expect("the folder is there")
        .remove(0);
    let begun = Instant::now();
    let file = allot::sys::Mapped::open(&dir.join(&newest.name)).expect("it is there");
    let mapped = file.is_map();
    let snapshot = Snapshot::open(&newest.name, file).expect("it is whole");
    let said = Glance::of(&snapshot).atp(&format!("SKU-{}", skus / 2));
    let took = begun.elapsed();
    println!(
        "first answer from the {}    {:.2} ms: {:?}",
        if mapped { "map" } else { "file" },
        took.as_secs_f64() * 1e3,
        said.expect("it is whole")
    );
}

/// A server started again on the folder, as a process of its own.
fn restart(dir: &Path, skus: u32) {
    let program = std::env::current_exe().expect("it runs");
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args([PathBuf::from("--serve").as_os_str(), dir.as_os_str()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut line = String::new();
    let out = child.stdout.take().expect("it is piped");
    BufReader::new(out)
        .read_line(&mut line)
        .expect("it says where it listens");
    let mut client = Client::connect(line.trim()).expect("it listens");
    let listening = begun.elapsed();
    let sku = format!("SKU-{}", skus / 2);
    let mut asked = 0u32;
    let first = loop {
        asked += 1;
        match client.command(&["ATP.GET", &sku]).expect("it answers") {
            Value::Error(_) => std::thread::sleep(Duration::from_micros(200)),
            _ => break begun.elapsed(),
        }
    };
    let ready = loop {
        let info = client
            .command(&["INFO", "persistence"])
            .expect("it answers");
        let text = match info {
            Value::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        };
        if text.contains("loading:0") {
            break begun.elapsed();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    println!(
        "a new process: listening {:.1} ms, first ATP.GET {:.1} ms (asked {asked} times), ready {:.2} s",
        listening.as_secs_f64() * 1e3,
        first.as_secs_f64() * 1e3,
        ready.as_secs_f64()
    );
    child.kill().expect("it runs");
    child.wait().expect("it was killed");
}

fn serve(dir: &Path) {
    let runtime = tokio::runtime::Runtime::new().expect("threads are to be had");
    let dir = dir.to_owned();
    runtime.block_on(async {
        let config = ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..ServerConfig::default()
        };
        let server = Server::listen(config).await.expect("a port is free");
        println!("{}", server.address());
        let opener = server.opener();
        tokio::task::spawn_blocking(move || {
            if let Some(early) = Early::of(&RealDisk, &dir) {
                opener.early(early);
            }
            let opened = open(&dir);
            let journal = opened.journal.clone();
            let engine = finish(opened, Opening::default());
            opener.open(Arc::new(engine), Some(journal), None, Clock::start());
        });
        server.serve().await;
    });
}
