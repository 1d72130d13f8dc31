//! Joint re-optimisation of backlogs measured: how good, how fast, how large.
//!
//! Backlogs are made up (`bench::backlog`), their orders routed first come, first served; then all
//! of them are optimised together. Every outcome passes the checker before it is printed.

#![allow(clippy::print_stdout, reason = "a report for people")]
#![allow(clippy::float_arithmetic, reason = "percentages in a report")]
#![allow(clippy::cast_precision_loss, reason = "percentages in a report")]

use allot::backlog::{Effort, Outcome, Programme, Totals, check, optimize};
use allot::bench::backlog::{Backlog, Shape};
use allot::routing::Limit;
use anyhow::Context as _;
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use std::fs::File;
use std::io::Write as _;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Optimises made-up backlogs and prints cost, proven gap and time.
#[derive(Debug, Parser)]
struct Args {
    /// Open orders.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    orders: Vec<usize>,
    /// Units in stock for every hundred that are wanted, on average.
    #[arg(long, value_delimiter = ',', default_values_t = [130])]
    stock: Vec<u64>,
    /// Threads.
    #[arg(long, value_delimiter = ',', default_values_t = [2])]
    threads: Vec<usize>,
    /// Items; a fifth of the orders, but at most 100,000, by default.
    #[arg(long)]
    skus: Option<u32>,
    /// Places that hold stock.
    #[arg(long, default_value_t = 50)]
    locations: u16,
    /// Of a hundred lines, how many may be divided.
    #[arg(long, default_value_t = 0)]
    split: u64,
    /// Lines of each order, as `10-30`: any number of these is as likely; two on average by default.
    #[arg(long, value_name = "LEAST-MOST", value_parser = lines)]
    lines: Option<RangeInclusive<u32>>,
    /// Seeds of the backlogs.
    #[arg(long, value_delimiter = ',', default_values_t = [1])]
    seeds: Vec<u64>,
    /// Seconds after which no further step is begun; the work is fixed without it.
    #[arg(long)]
    seconds: Option<u64>,
    /// Write each backlog as an integer programme with its plan there, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Have HiGHS solve each backlog too, in so many seconds.
    #[cfg(feature = "highs")]
    #[arg(long, value_name = "SECONDS")]
    highs: Option<u32>,
    /// Measure instead how the work for days grows with the locations that hand over so much a day only:
    /// from so many on, twice as many in each row.
    #[arg(long, value_name = "LOCATIONS")]
    days: Option<u16>,
    /// One small backlog: to see that it works.
    #[arg(long)]
    tiny: bool,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
}

fn lines(text: &str) -> Result<RangeInclusive<u32>, String> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let number = |of: &str| of.parse::<u32>().map_err(|e| format!("{of:?}: {e}"));
    match (number(least)?, number(most)?) {
        (least, most) if 1 <= least && least <= most && most <= 1_000 => Ok(least..=most),
        _ => Err("at least 1 line, at most 1000, the fewest first: 10-30".to_owned()),
    }
}

struct Run {
    shape: Shape,
    threads: usize,
    outcome: Outcome,
    time: Duration,
}

fn run(
    backlog: &Backlog,
    shape: Shape,
    threads: usize,
    limit: Option<Duration>,
) -> anyhow::Result<Run> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let effort = Effort::usual(shape.orders);
    let start = Instant::now();
    let mut hear = |_| match limit {
        Some(limit) if start.elapsed() > limit => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let outcome = pool.install(|| optimize(&backlog.problem, &backlog.lanes, effort, &mut hear));
    let time = start.elapsed();
    check(&backlog.problem, &outcome).map_err(anyhow::Error::msg)?;
    Ok(Run {
        shape,
        threads,
        outcome,
        time,
    })
}

/// The most memory that this process ever had, in MiB; `None` where the system does not say.
fn memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

impl Run {
    fn cells(&self) -> Vec<String> {
        let Outcome {
            before,
            after,
            cents,
            cents_before,
            ..
        } = &self.outcome;
        let dollars = |cents: i64| format!("{:.0}", cents as f64 / 100.0);
        let pair = |of: &dyn Fn(&Totals) -> i64| {
            format!("{} → {}", dollars(of(before)), dollars(of(after)))
        };
        vec![
            self.shape.orders.to_string(),
            format!("{} %", self.shape.stock_percent),
            self.threads.to_string(),
            format!("{:.1}", self.time.as_secs_f64()),
            memory_mib().map_or("?".into(), |mib| mib.to_string()),
            memory_mib().map_or("?".into(), |mib| {
                (mib * 1024 * 1024 / self.shape.orders.max(1) as u64).to_string()
            }),
            dollars(cents.0),
            format!("{:.2} %", self.outcome.gap_millionths() as f64 / 10_000.0),
            format!(
                "{:.1} %",
                (cents_before.0 - cents.0) as f64 / cents.0 as f64 * 100.0
            ),
            pair(&|t| t.objective.freight().0),
            pair(&|t| t.objective.short.0),
            format!("{} → {}", before.shipments, after.shipments),
        ]
    }

    fn json(&self) -> serde_json::Value {
        let Outcome {
            before,
            after,
            cents,
            cents_before,
            bound,
            ..
        } = &self.outcome;
        serde_json::json!({
            "orders": self.shape.orders,
            "stock_percent": self.shape.stock_percent,
            "seed": self.shape.seed,
            "threads": self.threads,
            "seconds": self.time.as_secs_f64(),
            "memory_mib": memory_mib(),
            "cents": cents.0,
            "cents_first_come": cents_before.0,
            "bound_cents": bound.0,
            "gap_millionths": self.outcome.gap_millionths(),
            "moved": self.outcome.moves.len(),
            "freight_cents": [before.objective.freight().0, after.objective.freight().0],
            "short_cents": [before.objective.short.0, after.objective.short.0],
            "shipments": [before.shipments, after.shipments],
        })
    }
}

impl Run {
    /// The programme, and what the plan costs.
    fn exported(&self, backlog: &Backlog) -> serde_json::Value {
        let programme = Programme::new(&backlog.problem, &backlog.lanes);
        let variables = programme.variables.iter().map(|v| (v.cents, v.most));
        let rows = programme.rows.iter().map(|r| (&r.terms, r.least, r.most));
        serde_json::json!({
            "orders": self.shape.orders,
            "stock_percent": self.shape.stock_percent,
            "seed": self.shape.seed,
            "seconds": self.time.as_secs_f64(),
            "cents": self.outcome.cents.0,
            "bound_cents": self.outcome.bound.0,
            "variables": variables.collect::<Vec<_>>(),
            "rows": rows.collect::<Vec<_>>(),
        })
    }
}

/// Rows of the measurement of days.
const DAY_ROWS: u32 = 4;

/// How long it takes to open the days of so many limited locations, four orders each, to plan with them a
/// little, and to check the plan: every time in turns, the least of some.
fn days(first: u16) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header([
        "limited locations",
        "orders",
        "days",
        "open, ms",
        "times the row before",
        "check, ms",
        "times the row before",
    ]);
    let mut before: Option<(f64, f64)> = None;
    for row in 0..DAY_ROWS {
        let locations = u16::try_from(u32::from(first) << row).context("too many locations")?;
        let orders = 4 * usize::from(locations);
        let mut backlog = Backlog::new(Shape {
            orders,
            locations,
            skus: u32::try_from(orders / 5)?.max(1),
            stock_percent: 130,
            split_percent: 0,
            seed: 1,
        });
        let limit = |_| {
            Some(Limit {
                shipments: Some(3),
                units: Some(8),
            })
        };
        let Backlog { lanes, problem } = &mut backlog;
        let least = |work: &mut dyn FnMut()| {
            let times = (0..5).map(|_| {
                let start = Instant::now();
                work();
                start.elapsed().as_secs_f64() * 1_000.0
            });
            times.fold(f64::INFINITY, f64::min)
        };
        let opened = least(&mut || problem.open_days(lanes, &limit, &[]));
        let effort = Effort {
            iterations: 5,
            rounds: 1,
            ..Effort::usual(orders)
        };
        let outcome = optimize(problem, lanes, effort, &mut |_| ControlFlow::Continue(()));
        check(problem, &outcome).map_err(anyhow::Error::msg)?;
        let checked = least(&mut || drop(check(problem, &outcome)));
        let times = |now: f64, then: Option<f64>| {
            then.map_or(String::new(), |then| format!("{:.2}", now / then))
        };
        table.add_row([
            locations.to_string(),
            orders.to_string(),
            problem.days.len().to_string(),
            format!("{opened:.2}"),
            times(opened, before.map(|b| b.0)),
            format!("{checked:.2}"),
            times(checked, before.map(|b| b.1)),
        ]);
        before = Some((opened, checked));
    }
    println!("{table}");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if let Some(first) = args.days {
        return days(first);
    }
    if args.tiny {
        args.orders = vec![300];
        args.skus = Some(60);
    }
    let mut export = args.export.as_ref().map(File::create).transpose()?;
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header([
        "orders",
        "stock",
        "threads",
        "s",
        "MiB",
        "bytes an order",
        "cost",
        "proven gap",
        "first come above",
        "freight",
        "short",
        "shipments",
    ]);
    table
        .column_iter_mut()
        .for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for &orders in &args.orders {
        for &stock_percent in &args.stock {
            for &seed in &args.seeds {
                let fifth = u32::try_from(orders / 5).unwrap_or(u32::MAX);
                let shape = Shape {
                    orders,
                    locations: args.locations,
                    skus: args.skus.unwrap_or(fifth.clamp(1, 100_000)),
                    stock_percent,
                    split_percent: args.split,
                    seed,
                };
                let backlog = Backlog::with_lines(shape, args.lines.clone());
                for &threads in &args.threads {
                    let limit = args.seconds.map(Duration::from_secs);
                    let run = run(&backlog, shape, threads, limit)
                        .with_context(|| format!("{orders} orders, seed {seed}"))?;
                    if args.json {
                        println!("{}", run.json());
                    }
                    if let Some(file) = &mut export {
                        writeln!(file, "{}", run.exported(&backlog))?;
                    }
                    #[cfg(feature = "highs")]
                    if let Some(seconds) = args.highs {
                        let programme = Programme::new(&backlog.problem, &backlog.lanes);
                        let found = allot::backlog::highs_answer(&programme, seconds);
                        println!(
                            "{orders} orders, seed {seed}: ours {:?}, HiGHS {found:?}",
                            run.outcome.cents
                        );
                    }
                    table.add_row(run.cells());
                }
            }
        }
    }
    if !args.json {
        println!("{table}");
    }
    Ok(())
}
