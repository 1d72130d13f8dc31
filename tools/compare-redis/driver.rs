//! Measures orders per second of Allot, and of Redis with a script of the same meaning, over TCP on
//! this machine: the same orders, the same stock, the same driver, one server after the other.
//!
//! An order is a firm reservation of all its lines or none, under an id whose repeat gets the first
//! outcome. The stock is finite, so that popular items run out and orders are refused on both
//! sides. Afterwards the stock of each server is read back: not one unit may have been promised
//! that was not there, and what was granted must add up to what is gone.

#![allow(clippy::print_stdout, reason = "a report for people")]

mod allot;
mod load;
mod redis;
mod servers;

use ::allot::bench::workload::{Orders, Shape};
use anyhow::{Context as _, ensure};
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use load::{Load, Outcome};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Orders per second of Allot beside Redis with a script of the same meaning.
#[derive(Debug, Parser)]
struct Args {
    /// The smallest sizes: to see that it works, not how fast.
    #[arg(long)]
    tiny: bool,
    /// Number of items.
    #[arg(long, default_value_t = 100_000)]
    skus: u32,
    /// Number of locations, each of which holds every item; at most those of data/us.
    #[arg(long, default_value_t = 20)]
    locations: u16,
    /// Units of every item at every location.
    #[arg(long, default_value_t = 2_000)]
    units: u32,
    /// Connections at once.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Orders sent on a connection before their replies are read.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    depths: Vec<usize>,
    /// Most orders of a measurement.
    #[arg(long, default_value_t = 1_500_000)]
    orders: usize,
    /// Longest time of a measurement.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Seed of the orders.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Args {
    fn shape(&self) -> Shape {
        Shape {
            skus: self.skus,
            locations: self.locations,
            hot_percent: 0,
        }
    }
}

/// Units that are gone, as the server itself says.
struct Taken {
    units: u64,
    /// Positions that promised more than they had.
    oversold: u64,
}

/// A server under test.
trait Contender {
    /// How the report names it.
    fn name(&self) -> &str;
    fn address(&self) -> SocketAddr;
    /// The bytes that order `index` of `orders` is, under an id of its own in `run`.
    fn encode(&self, orders: &Orders, index: usize, run: usize, out: &mut Vec<u8>);
    /// What is gone from the stock.
    fn taken(&self) -> anyhow::Result<Taken>;
}

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if args.tiny {
        (args.skus, args.orders, args.units, args.seconds) = (500, 2_000, 20, 20);
    }
    let folder = tempfile::tempdir().context("cannot make a folder for the servers")?;
    let mut columns: Vec<(String, Vec<Outcome>)> = Vec::new();
    // A server is stopped before the next one starts, so that neither has the other beside it.
    for (ours, theirs) in allot::DURABILITIES.into_iter().zip(redis::DURABILITIES) {
        let allot = allot::Allot::start(&args, &folder.path().join(ours.1), ours)?;
        columns.push((allot.name().to_owned(), measure(&args, &allot)?));
        drop(allot);
        let redis = redis::Redis::start(&args, &folder.path().join("redis"), theirs)?;
        match redis {
            Some(redis) => columns.push((redis.name().to_owned(), measure(&args, &redis)?)),
            None => {
                println!("redis-server is not installed: no comparison (Debian: redis-server)");
                break;
            }
        }
    }
    report(&args, &columns);
    Ok(())
}

/// Every depth in turn, on a stock that shrinks; then the books are checked.
fn measure(args: &Args, server: &impl Contender) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for (run, &depth) in args.depths.iter().enumerate() {
        let orders = Orders::new(args.shape(), args.orders, args.seed + run as u64);
        let encode = |index, out: &mut Vec<u8>| server.encode(&orders, index, run, out);
        let load = Load::new(&orders, args.connections, encode);
        let within = Duration::from_secs(args.seconds);
        let outcome = load.run(server.address(), depth, within)?;
        ensure!(
            outcome.granted > 0,
            "{} granted not one order",
            server.name()
        );
        // A repeat gets the first outcome, and takes nothing.
        load.repeat(server.address(), depth)?;
        outcomes.push(outcome);
    }
    let taken = server.taken()?;
    let granted: u64 = outcomes.iter().map(|o| o.units).sum();
    ensure!(
        taken.oversold == 0,
        "{}: {} positions are oversold",
        server.name(),
        taken.oversold
    );
    ensure!(
        taken.units == granted,
        "{}: {granted} units were granted, {} are gone",
        server.name(),
        taken.units
    );
    Ok(outcomes)
}

fn report(args: &Args, columns: &[(String, Vec<Outcome>)]) {
    println!(
        "{} SKUs x {} locations, {} units each; {} connections on one machine; orders of 2 lines on \
         average, Zipf; at most {} orders or {} s a measurement",
        args.skus, args.locations, args.units, args.connections, args.orders, args.seconds
    );
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    let mut header = vec!["depth".to_owned()];
    for (number, (name, _)) in columns.iter().enumerate() {
        header.push(format!("{name}\norders/s"));
        header.push("refused".to_owned());
        if number % 2 == 1 {
            header.push("ratio".to_owned());
        }
    }
    table.set_header(header);
    for (row, depth) in args.depths.iter().enumerate() {
        let mut cells = vec![depth.to_string()];
        let mut ours = 0;
        for (number, (_, outcomes)) in columns.iter().enumerate() {
            let outcome = &outcomes[row];
            cells.push(outcome.per_second().to_string());
            cells.push(outcome.refused_percent());
            // Each Redis stands beside the Allot of the same promise.
            match number % 2 {
                0 => ours = outcome.per_second(),
                _ => cells.push(ratio(ours, outcome.per_second())),
            }
        }
        table.add_row(cells);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    println!("nothing oversold; what was granted adds up to what is gone");
}

/// `a / b` to one decimal.
fn ratio(a: u64, b: u64) -> String {
    let tenths = a * 10 / b.max(1);
    format!("{}.{}x", tenths / 10, tenths % 10)
}

/// The text ids of the first locations of data/us.
fn location_names(count: u16) -> anyhow::Result<Vec<String>> {
    let path = Path::new("data/us/locations.csv");
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}; run from the checkout", path.display()))?;
    let names = text.lines().skip(1).filter_map(|row| row.split(',').next());
    let names: Vec<String> = names.take(count.into()).map(str::to_owned).collect();
    ensure!(
        names.len() == usize::from(count),
        "--locations is {count}; expected at most {}, as many as {} has",
        names.len(),
        path.display()
    );
    Ok(names)
}
