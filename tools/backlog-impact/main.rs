//! What requests feel of a re-optimisation inside the server: their latency while one runs, and while
//! none does, in turns.
//!
//! A server in this process on a free port holds so many open orders; requests come at a fixed rate on a
//! few connections, and a latency counts from the moment at which its request was due, so that a stall is
//! felt by all that it holds up. A third are orders, the rest questions for what may be promised.

#![allow(clippy::print_stdout, reason = "a report for people")]
#![allow(clippy::float_arithmetic, reason = "ratios in a report")]
#![allow(clippy::cast_precision_loss, reason = "ratios in a report")]

use allot::bench::synthetic;
use allot::client::Client;
use allot::engine::{Engine, Limits};
use allot::model::{Cents, Item, Order, OrderKey, OrderLine, Qty, ShipTo, StockRow};
use allot::model::{LocationId, Opening, SkuId};
use allot::server::{Clock, Server, ServerConfig};
use allot::wire::Value;
use anyhow::{Context as _, bail};
use clap::Parser;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Measures latency with and without a BACKLOG.OPTIMIZE that runs.
#[derive(Debug, Parser)]
struct Args {
    /// Open orders.
    #[arg(long, default_value_t = 20_000)]
    orders: u32,
    /// Items.
    #[arg(long, default_value_t = 4_000)]
    skus: u32,
    /// Places that hold stock.
    #[arg(long, default_value_t = 30)]
    locations: u16,
    /// Requests a second.
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// Connections.
    #[arg(long, default_value_t = 4)]
    connections: u64,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Turns of each kind.
    #[arg(long, default_value_t = 3)]
    turns: u32,
    /// Threads that re-optimise.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Small and short: to see that it works.
    #[arg(long)]
    tiny: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if args.tiny {
        (args.orders, args.skus, args.locations) = (500, 100, 5);
        (args.rate, args.seconds, args.turns) = (200, 1, 1);
    }
    let clock = Clock::start();
    let engine = Arc::new(engine(&args, clock)?);
    let address = serve(engine, clock, args.threads)?;
    let mut without = Histogram::<u64>::new(3)?;
    let mut with = Histogram::<u64>::new(3)?;
    let mut runs = 0;
    for turn in 0..args.turns {
        without.add(&offer(&args, address, u64::from(turn) * 2)?)?;
        let over = Arc::new(AtomicBool::new(false));
        let (running, stop) = (over.clone(), address);
        let optimizing = std::thread::spawn(move || optimize(stop, &running));
        let felt = offer(&args, address, u64::from(turn) * 2 + 1);
        over.store(true, Ordering::Relaxed);
        let ran = optimizing.join();
        runs += ran.map_err(|_| anyhow::anyhow!("the re-optimiser's client died"))??;
        with.add(&felt?)?;
    }
    tell(&args, &without, &with, runs);
    Ok(())
}

/// An engine with open orders on scarce stock: four units for every five wanted.
fn engine(args: &Args, clock: Clock) -> anyhow::Result<Engine> {
    let network = synthetic::network(args.locations, 7);
    let items = (0..args.skus).map(|sku| Item {
        sku: sku_name(sku).into(),
        name: "".into(),
        grams: 300 + sku % 50 * 10,
        value: Cents(2_000),
        ..Item::default()
    });
    let each = (args.orders * 2 * 4 / 5 / args.skus / 4).max(1);
    let rows = (0..args.skus).flat_map(|sku| {
        let places = args.locations;
        (0..4u16).map(move |place| StockRow {
            sku: SkuId(sku),
            location: LocationId((place * 7 + u16::try_from(sku % 97).unwrap_or(0)) % places),
            on_hand: Qty(each),
            safety_stock: Qty(0),
            held: None,
        })
    });
    let mut stock: Vec<StockRow> = rows.collect();
    stock.sort_by_key(|row| (row.sku, row.location));
    stock.dedup_by_key(|row| (row.sku, row.location));
    let opening = Opening {
        items: items.collect(),
        stock,
        ..Opening::default()
    };
    let now = clock.now();
    let engine = Engine::new(network, opening, Limits::default(), None, now)?;
    for number in 0..args.orders {
        let line = |line: u32, sku: u32| OrderLine {
            together: None,
            line: line.to_string().into(),
            sku: sku_name(sku).into(),
            qty: Qty(1),
            may_split: false,
        };
        // Popular items more often.
        let first = (number.wrapping_mul(2_654_435_761) >> 7) % args.skus;
        let second = (number.wrapping_mul(40_503) >> 3) % (args.skus / 10).max(1);
        let mut lines = vec![line(1, first)];
        if first != second {
            lines.push(line(2, second));
        }
        let order = Order {
            key: OrderKey::new("open", &number.to_string()),
            channel: "web".into(),
            placed_at: now,
            ship_to: ship_to(number),
            lines,
            ..Order::default()
        };
        engine.submit(Arc::new(order), now)?;
    }
    Ok(engine)
}

fn sku_name(sku: u32) -> String {
    format!("SKU-{sku:05}")
}

fn ship_to(number: u32) -> ShipTo {
    ShipTo {
        country: "US".into(),
        postal: format!("{:03}01", number % 200).into(),
        ..ShipTo::default()
    }
}

/// Serves until the process ends.
fn serve(engine: Arc<Engine>, clock: Clock, threads: usize) -> anyhow::Result<SocketAddr> {
    let config = ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        backlog_threads: threads,
        ..ServerConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let server = runtime.block_on(Server::bind(engine, None, config, clock))?;
    let address = server.address();
    std::thread::spawn(move || runtime.block_on(server.serve()));
    Ok(address)
}

/// Begins one run after the other until told to end. Tells how many it began.
fn optimize(address: SocketAddr, over: &AtomicBool) -> anyhow::Result<u64> {
    let mut client = Client::connect(&address.to_string())?.timeout(Duration::from_secs(60))?;
    let mut runs = 0;
    let mut run = 0;
    while !over.load(Ordering::Relaxed) {
        let asked: [&[u8]; 3] = [b"BACKLOG.OPTIMIZE", b"STRATEGY", b"redistribute"];
        match client.command(&asked)? {
            Value::Int(number) => (run, runs) = (number, runs + 1),
            // The one before is not over.
            Value::Error(text) if text.starts_with("BUSY") => {}
            other => bail!("the server answered {other:?}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let number = run.to_string();
    loop {
        let cancel: [&[u8]; 2] = [b"BACKLOG.CANCEL", number.as_bytes()];
        let told = client.command(&cancel)?;
        let pairs = told.into_pairs().context("no map")?;
        let state = pairs.iter().find(|(key, _)| key.as_str() == Some("state"));
        let state = state.and_then(|(_, state)| state.as_str());
        if !matches!(state, Some("reading" | "optimizing")) {
            return Ok(runs);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Offers requests at the fixed rate for one turn. Latencies in microseconds.
fn offer(args: &Args, address: SocketAddr, turn: u64) -> anyhow::Result<Histogram<u64>> {
    let begin = Instant::now() + Duration::from_millis(20);
    let threads: Vec<_> = (0..args.connections)
        .map(|connection| {
            let count = args.rate * args.seconds / args.connections;
            let gap = Duration::from_nanos(1_000_000_000 * args.connections / args.rate.max(1));
            let first = begin
                + gap / u32::try_from(args.connections).unwrap_or(1)
                    * u32::try_from(connection).unwrap_or(0);
            let skus = args.skus;
            std::thread::spawn(move || -> anyhow::Result<Histogram<u64>> {
                let mut client = Client::connect(&address.to_string())?;
                let mut felt = Histogram::<u64>::new(3)?;
                for number in 0..count {
                    let due = first + gap * u32::try_from(number).unwrap_or(u32::MAX);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let id = (turn * args_span(count) + number) * 16 + connection;
                    ask(&mut client, id, skus)?;
                    let micros = due.elapsed().as_micros();
                    felt.record(u64::try_from(micros).unwrap_or(u64::MAX))?;
                }
                Ok(felt)
            })
        })
        .collect();
    let mut all = Histogram::<u64>::new(3)?;
    for thread in threads {
        let felt = thread.join();
        all.add(felt.map_err(|_| anyhow::anyhow!("a client died"))??)?;
    }
    Ok(all)
}

/// More than any turn has requests.
fn args_span(count: u64) -> u64 {
    count.next_power_of_two()
}

fn ask(client: &mut Client, id: u64, skus: u32) -> anyhow::Result<()> {
    let sku = sku_name(u32::try_from(id % u64::from(skus)).unwrap_or(0));
    let reply = if id.is_multiple_of(3) {
        let json = format!(
            r#"{{"source":"new","order":"{id}","channel":"web","placed_at":"2026-11-23T10:00:00Z","ship_to":{{"country":"US","postal":"{:03}01"}},"lines":[{{"line":"1","sku":"{sku}","qty":1}}]}}"#,
            id % 200
        );
        let words: [&[u8]; 2] = [b"ORDER.SUBMIT", json.as_bytes()];
        client.command(&words)?
    } else {
        let words: [&[u8]; 2] = [b"ATP.GET", sku.as_bytes()];
        client.command(&words)?
    };
    match reply {
        Value::Error(text) => bail!("the server refused: {text}"),
        _ => Ok(()),
    }
}

fn tell(args: &Args, without: &Histogram<u64>, with: &Histogram<u64>, runs: u64) {
    let at = |of: &Histogram<u64>, share: f64| of.value_at_quantile(share);
    if args.json {
        let side = |of: &Histogram<u64>| {
            serde_json::json!({"requests": of.len(), "p50_us": at(of, 0.5), "p99_us": at(of, 0.99),
                "p999_us": at(of, 0.999), "max_us": of.max()})
        };
        let ratio = at(with, 0.99) as f64 / at(without, 0.99).max(1) as f64;
        println!(
            "{}",
            serde_json::json!({"open_orders": args.orders, "rate": args.rate, "threads": args.threads,
                "runs": runs, "without": side(without), "with": side(with), "p99_ratio": ratio})
        );
        return;
    }
    println!(
        "{} open orders, {} requests a second on {} connections, {} runs begun, {} threads re-optimise",
        args.orders, args.rate, args.connections, runs, args.threads
    );
    println!("| latency | without, µs | with, µs | ratio |");
    println!("| --- | --- | --- | --- |");
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        let (a, b) = (at(without, share), at(with, share));
        let ratio = b as f64 / a.max(1) as f64;
        println!("| {name} | {a} | {b} | {ratio:.2} |");
    }
}
