//! How long the router takes, by lines and locations: microseconds, and the proven gap where the
//! optimum is not proven.
//!
//! `cargo run --release --example route-table`; `--tiny` for a quick look, `--export FILE` writes the
//! same orders for `tools/route-table/run`, which solves them with HiGHS as well.
//!
//! One thread. The orders of a cell are routed in turn, many times, their stock already gathered; an
//! order's time is its median, a cell's the median and the largest of its orders. Kinds of order:
//! `near` (half of the locations hold an item: mostly one shipment), `deep` (one in six does: most
//! orders split), both again with everything that carriers and locations can charge, and all four where
//! half of the lines have to be divided over locations (`near-divided` and so on). Asked for by name, these
//! too with what is hard to prove: items that ship alone (`near-divided-alone`), that a service refuses
//! (`-refused`), that carriers charge for by size (`-sized`), all of that (`-odd`), lines of hundreds of
//! light or heavy units (`-many`, `-heavy`), locations that all cost the same (`-alike`).

#![allow(clippy::print_stdout, reason = "a report for people")]
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "statistics"
)]

mod export;

use allot::bench::single::{Mix, Odd, World};
use allot::routing::{Scratch, route};
use anyhow::{Context as _, ensure};
use clap::Parser;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

/// Times of the router by lines and locations.
#[derive(Debug, Parser)]
struct Args {
    /// Small cells, once: only to see that it works.
    #[arg(long)]
    tiny: bool,
    /// Only these cells, as lines x locations: 2x20,5x100.
    #[arg(long, value_delimiter = ',')]
    cells: Vec<String>,
    /// Only these kinds of order: near, deep, near-extras, deep-extras, near-divided, deep-divided,
    /// near-divided-extras, deep-divided-extras; the last four also with -alone, -refused, -sized, -odd,
    /// -many, -heavy or -alike after their name.
    #[arg(long, value_delimiter = ',')]
    kinds: Vec<String>,
    /// Rounds through the orders of a cell; by default as many as fit in a fifth of a second; 0 times
    /// every order once.
    #[arg(long)]
    rounds: Option<usize>,
    /// How much work a search may be, as percent of the usual (policy field `effort_percent`).
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    effort: u16,
    /// Writes the first orders of every cell to a file, one JSON object a line.
    #[arg(long)]
    export: Option<PathBuf>,
    /// How many orders of each cell are written; of the largest cells one.
    #[arg(long, default_value_t = 3)]
    exported: usize,
    /// Of which kind.
    #[arg(long, default_value = "near-extras")]
    beside: String,
}

/// A kind of order: name, percent of locations with stock, extras, percent of lines that want more than any
/// location has.
const KINDS: [(&str, u64, bool, u64); 8] = [
    ("near", 50, false, 0),
    ("deep", 17, false, 0),
    ("near-extras", 50, true, 0),
    ("deep-extras", 17, true, 0),
    ("near-divided", 50, false, 50),
    ("deep-divided", 17, false, 50),
    ("near-divided-extras", 50, true, 50),
    ("deep-divided-extras", 17, true, 50),
];
/// What else may be odd about the last four.
const ODD: [(&str, Odd); 7] = [
    ("alone", Odd::Alone),
    ("refused", Odd::Refused),
    ("sized", Odd::Sized),
    ("odd", Odd::All),
    ("many", Odd::Many),
    ("heavy", Odd::Heavy),
    ("alike", Odd::Alike),
];
const LINES: [u32; 10] = [1, 2, 3, 5, 8, 12, 16, 20, 50, 200];
const LOCATIONS: [u16; 4] = [20, 100, 500, 2_000];

/// An order's median time, and its answer.
#[derive(Clone, Copy)]
struct Timed {
    micros: f64,
    cents: i64,
    bound: i64,
}

/// What the orders of one kind, with so many lines, on so many locations came to.
struct Cell {
    kind: String,
    mix: Mix,
    orders: Vec<Timed>,
    /// Microseconds, of their medians.
    median: f64,
    largest: f64,
}

impl Cell {
    fn proven(&self) -> usize {
        self.orders.iter().filter(|o| o.bound == o.cents).count()
    }

    /// Mean gap of all orders, in percent.
    fn gap(&self) -> f64 {
        let gap = |o: &Timed| 100.0 * (o.cents - o.bound) as f64 / o.cents.max(1) as f64;
        self.orders.iter().map(gap).sum::<f64>() / self.orders.len() as f64
    }

    /// Cost of all plans.
    fn cents(&self) -> i64 {
        self.orders.iter().map(|o| o.cents).sum()
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let sizes = sizes(&args)?;
    let mut export = match &args.export {
        Some(path) => Some(export::Export::new(path, args.exported, &args.beside)?),
        None => None,
    };
    println!("kind | lines x locations | us median | us largest | proven | mean gap % | cents");
    for (kind, stocked, extras, scattered, odd) in kinds(&args)? {
        for &(lines, locations) in &sizes {
            let mix = Mix {
                odd,
                lines,
                locations,
                stocked,
                scattered: if lines > 16 { 10 } else { scattered },
                extras,
                orders: if lines > 16 {
                    8
                } else if scattered > 0 {
                    40
                } else {
                    64
                },
            };
            let mut world = World::new(mix, 1);
            for order in &mut world.orders {
                order.policy.effort_percent = args.effort;
            }
            let cell = measure(&world, &kind, mix, &args)?;
            println!(
                "{kind} | {lines} x {locations} | {:.2} | {:.2} | {}/{} | {:.3} | {}",
                cell.median,
                cell.largest,
                cell.proven(),
                cell.orders.len(),
                cell.gap(),
                cell.cents()
            );
            if let Some(export) = &mut export {
                export.write(&world, &cell)?;
            }
        }
    }
    Ok(())
}

/// A kind of order with its name, and what is odd about it.
type Kind = (String, u64, bool, u64, Odd);

/// The kinds that are asked for; of those that are not odd all, where none is.
fn kinds(args: &Args) -> anyhow::Result<Vec<Kind>> {
    let named = |name: &String| -> anyhow::Result<Kind> {
        let plain = ("", Odd::None);
        let all = KINDS.iter().flat_map(|kind| {
            let odd = ODD.iter().filter(|_| kind.3 > 0);
            std::iter::once(&plain)
                .chain(odd)
                .map(move |odd| (kind, odd))
        });
        let mut all = all.map(|(&(kind, stocked, extras, scattered), &(odd_name, odd))| {
            let name = match odd {
                Odd::None => kind.to_owned(),
                _ => format!("{kind}-{odd_name}"),
            };
            (name, stocked, extras, scattered, odd)
        });
        let found = all.find(|kind| kind.0 == *name);
        found.with_context(|| format!("--kinds: no kind is called {name}"))
    };
    if args.kinds.is_empty() {
        let all = KINDS.iter().map(|kind| kind.0.to_owned());
        return all.map(|name| named(&name)).collect();
    }
    args.kinds.iter().map(named).collect()
}

fn sizes(args: &Args) -> anyhow::Result<Vec<(u32, u16)>> {
    if args.tiny {
        return Ok(vec![(1, 20), (5, 20), (20, 20)]);
    }
    if args.cells.is_empty() {
        let all = LINES
            .iter()
            .flat_map(|&l| LOCATIONS.iter().map(move |&n| (l, n)));
        return Ok(all.collect());
    }
    let cell = |text: &String| {
        let (lines, locations) = text.split_once('x').context("--cells: lines x locations")?;
        Ok((lines.parse()?, locations.parse()?))
    };
    args.cells.iter().map(cell).collect()
}

fn measure(world: &World, kind: &str, mix: Mix, args: &Args) -> anyhow::Result<Cell> {
    let mut scratch = Scratch::default();
    let start = Instant::now();
    let mut orders = Vec::with_capacity(world.orders.len());
    for order in &world.orders {
        let begun = Instant::now();
        let decision = route(&world.lanes, &order.request(), &mut scratch)?;
        let micros = begun.elapsed().as_secs_f64() * 1e6;
        let (cents, bound) = (decision.plan.objective.total().0, decision.proof.bound.0);
        ensure!(bound <= cents, "bound {bound} above the plan's {cents}");
        orders.push(Timed {
            micros,
            cents,
            bound,
        });
    }
    let once = start.elapsed().as_micros().max(1);
    let fitting = (200_000 / once).clamp(3, 5_000);
    let rounds = args.rounds.unwrap_or(usize::try_from(fitting)?);
    let rounds = if args.tiny { 1 } else { rounds };
    let mut times: Vec<Vec<f64>> = vec![Vec::with_capacity(rounds); orders.len()];
    for _ in 0..rounds {
        for (order, times) in world.orders.iter().zip(&mut times) {
            let request = order.request();
            let start = Instant::now();
            let decision = route(&world.lanes, black_box(&request), &mut scratch);
            times.push(start.elapsed().as_secs_f64() * 1e6);
            black_box(decision).ok();
        }
    }
    for (order, times) in orders.iter_mut().zip(&mut times) {
        if rounds > 0 {
            order.micros = median(times);
        }
    }
    let mut medians: Vec<f64> = orders.iter().map(|o| o.micros).collect();
    Ok(Cell {
        kind: kind.to_owned(),
        mix,
        orders,
        median: median(&mut medians),
        largest: medians.iter().copied().fold(0.0, f64::max),
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
