//! The fulfilment simulation of Jasin and Sinha (2015) and Ma (2023), small and large network: what
//! policies cost beside the optimum of the deterministic linear programme.
//!
//! The rounding rules nominate a facility blindly, the router sees the stock and chooses again; the
//! report says so. The orders of a seed are the same for every policy.

#![allow(clippy::print_stdout, reason = "a report for people")]
#![allow(
    clippy::float_arithmetic,
    reason = "a simulation that is compared with a linear programme"
)]

mod bound;
mod instance;
mod prices;
mod rounding;
mod router;
#[cfg(test)]
mod tests;

use allot::bench::random::Random;
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::ProgressBar;
use instance::{Instance, Setting};
use rayon::prelude::*;
use rounding::Rule;

/// What routing policies cost, as a multiple of a linear programme's optimum.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// Few short horizons: to see that it works.
    #[arg(long)]
    tiny: bool,
    /// The large network: 99 metros, 10 facilities, 100 items.
    #[arg(long)]
    large: bool,
    /// Chance that a facility of the large network stocks an item; published are 0.5 and 0.25.
    #[arg(long, default_value_t = 0.5)]
    stocked: f64,
    /// Random networks of stock and demand; 30, or 4 of the large one.
    #[arg(long)]
    instances: Option<u32>,
    /// Random horizons of each; 3, or 1 of the large one.
    #[arg(long)]
    sequences: Option<u32>,
    /// Periods of a horizon; in each comes one order or none. 10,000, or 100,000 of the large one.
    #[arg(long)]
    periods: Option<u32>,
    /// Seed of everything.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn instances(&self) -> u32 {
        let default = if self.large { 4 } else { 30 };
        self.instances.unwrap_or(default).max(1)
    }

    fn sequences(&self) -> u32 {
        let default = if self.large { 1 } else { 3 };
        self.sequences.unwrap_or(default).max(1)
    }

    fn periods(&self) -> u32 {
        let default = if self.large {
            100_000
        } else {
            REFERENCE_PERIODS
        };
        self.periods.unwrap_or(default)
    }

    fn setting(&self) -> anyhow::Result<Setting> {
        match self.large {
            true => Setting::large(self.periods(), self.stocked),
            false => Ok(Setting::small(self.periods())),
        }
    }
}

/// How a policy decides.
#[derive(Debug, Clone, Copy)]
enum Way {
    Blind(Rule),
    /// The router, and how often units are priced.
    Router(u32),
}

/// Periods of the published settings, and so of the reference.
const REFERENCE_PERIODS: u32 = 10_000;

/// A policy, and the mean and standard error that an earlier, independent implementation of the
/// published settings had with 30 instances x 3 horizons.
type Policy = (&'static str, Way, Option<(f64, f64)>);

const POLICIES: [Policy; 8] = [
    (
        "nearest stocking facility",
        Way::Blind(Rule::Nearest),
        Some((1.134, 0.006)),
    ),
    (
        "independent rounding",
        Way::Blind(Rule::Independent),
        Some((1.136, 0.006)),
    ),
    (
        "dilated opening times (Ma)",
        Way::Blind(Rule::Dilated),
        Some((1.077, 0.003)),
    ),
    (
        "forced opening (Ma)",
        Way::Blind(Rule::Forced),
        Some((1.083, 0.003)),
    ),
    ("router, no prices *", Way::Router(0), Some((1.081, 0.003))),
    (
        "router, priced once *",
        Way::Router(1),
        Some((1.046, 0.003)),
    ),
    (
        "router, priced 5 times *",
        Way::Router(5),
        Some((1.031, 0.002)),
    ),
    ("router, priced 20 times *", Way::Router(20), None),
];

/// Cost divided by the bound, by policy, of one instance.
type Scores = [f64; POLICIES.len()];

/// Runs every policy on the horizons of one instance.
fn scores(
    args: &Args,
    setting: &Setting,
    number: u32,
    bar: &ProgressBar,
) -> anyhow::Result<Scores> {
    let seed = args
        .seed
        .wrapping_mul(1_000_003)
        .wrapping_add(u64::from(number) << 20);
    let instance = Instance::draw(setting, seed);
    let bound = match args.large {
        true => bound::approach(&instance),
        false => bound::solve(&instance)?,
    };
    let first = router::first_prices(&instance);
    bar.inc(1);
    let mut scores = Scores::default();
    for sequence in 1..=u64::from(args.sequences()) {
        let arrivals = instance.arrivals(seed + sequence);
        for (score, (_, way, _)) in scores.iter_mut().zip(POLICIES) {
            let dollars = match way {
                Way::Blind(rule) => {
                    let mut random = Random::new(!(seed + sequence));
                    rounding::cost(rule, &instance, &bound, &arrivals, &mut random)
                }
                Way::Router(pricings) => router::cost(&instance, (pricings, &first), &arrivals)?.0,
            };
            bar.inc(1);
            *score += dollars / bound.cost / f64::from(args.sequences());
        }
    }
    Ok(scores)
}

/// Mean and standard error over instances, by policy.
fn measure(args: &Args) -> anyhow::Result<Vec<(f64, f64)>> {
    let setting = args.setting()?;
    let steps = u64::from(args.sequences()) * POLICIES.len() as u64 + 1;
    let bar = ProgressBar::new(u64::from(args.instances()) * steps);
    let all: Vec<Scores> = (0..args.instances())
        .into_par_iter()
        .map(|number| scores(args, &setting, number, &bar))
        .collect::<anyhow::Result<_>>()?;
    bar.finish_and_clear();
    let count = f64::from(args.instances());
    let of_policy = |policy: usize| {
        let mean = all.iter().map(|s| s[policy]).sum::<f64>() / count;
        let squares: f64 = all.iter().map(|s| (s[policy] - mean).powi(2)).sum();
        (mean, (squares / (count - 1.0).max(1.0) / count).sqrt())
    };
    Ok((0..POLICIES.len()).map(of_policy).collect())
}

fn json(args: &Args, rows: &[(f64, f64)]) -> serde_json::Value {
    let rows = POLICIES
        .iter()
        .zip(rows)
        .map(|((name, _, reference), row)| {
            serde_json::json!({
                "policy": name.trim_end_matches(" *"), "mean": row.0, "standard_error": row.1,
                "reference_mean": reference.map(|r| r.0),
                "reference_standard_error": reference.map(|r| r.1),
            })
        });
    serde_json::json!({
        "large": args.large, "stocked": args.stocked, "instances": args.instances(),
        "sequences": args.sequences(), "periods": args.periods(),
        "seed": args.seed, "policies": rows.collect::<Vec<_>>(),
    })
}

fn print(args: &Args, rows: &[(f64, f64)]) {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "policy",
        "cost / LP bound (s.e.)",
        "reference",
        "apart, in s.e.",
    ]);
    for ((name, _, reference), (mean, error)) in POLICIES.iter().zip(rows) {
        // Shorter horizons are noisier, so they have other ratios.
        let reference = reference.filter(|_| !args.large && args.periods() == REFERENCE_PERIODS);
        let apart = |r: &(f64, f64)| format!("{:+.1}", (mean - r.0) / error.hypot(r.1));
        table.add_row([
            (*name).to_owned(),
            format!("{mean:.3} ({error:.3})"),
            reference.map_or_else(String::new, |r| format!("{:.3} ({:.3})", r.0, r.1)),
            reference.as_ref().map_or_else(String::new, apart),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
    let network = match args.large {
        true => format!(
            "large network (99 metros, 10 facilities, stocked {})",
            args.stocked
        ),
        false => "small network (10 metros, 5 facilities)".to_owned(),
    };
    println!(
        "{} instances x {} horizons of {} periods, seed {}; {network}.",
        args.instances(),
        args.sequences(),
        args.periods(),
        args.seed
    );
    println!("* sees the live stock and routes around what ran out; the rules above it do not.");
    if args.large {
        println!("The bound is the best value of the dual, and the rules round its mean picks.");
        return;
    }
    println!("The reference is 30 instances x 3 horizons of 10,000 periods, other random numbers.");
}

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if args.tiny {
        (args.instances, args.sequences, args.periods) = (Some(2), Some(1), Some(2_000));
    }
    let rows = measure(&args)?;
    if args.json {
        println!("{:#}", json(&args, &rows));
    } else {
        print(&args, &rows);
    }
    Ok(())
}
