//! `allot bench capacity`: the highest rate that holds an objective, and what a load to come needs.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates and ratios for people"
)]

mod clock;
mod plan;
mod runner;
mod told;

use super::Out;
use super::bar::Bar;
use super::options::{Aim, Rate, RunOptions};
use super::table::{count, time};
use crate::bench::capacity::{Limits, Objective, Search};
use crate::bench::profile::{EMBEDDED, Kind, Profile, Shape};
use crate::bench::report::{Results, Searched};
use crate::bench::run::Outcome;
use crate::journal::Durability;
use anyhow::bail;
use clock::Clock;
use runner::Runner;
use std::process::ExitCode;

/// Runs of a search after which it narrows no more. Most searches take 10 to 20.
const RUNS: usize = 60;

/// Arguments of `allot bench capacity`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  allot bench capacity --slo \"p99<5ms\" --profiles day,reserve --durabilities sync,none --html capacity.html
  allot bench capacity --slo \"p99<10ms,p99.9<50ms\" --profiles my-load.toml --sizes 20000x10,100000x20
  allot bench capacity --profiles all --durabilities none,sync --trial-seconds 2 --confirmations 1 --minutes 8
  allot bench capacity --target \"2000 orders/s at peak, 300k SKUs, 40 locations\"

A rate is believed when it holds in --confirmations longer runs, of which one more may fail; when that fails, rates \
that held before are confirmed instead. Exit code 1: for one of the searches nothing holds, or books did not add up.")]
pub(super) struct CapacityArgs {
    /// What must hold: p50, p90, p99, p99.9 or max below a time; several with commas.
    #[arg(long, default_value = "p99<5ms")]
    slo: Objective,
    /// Profiles to search, of the program or TOML files; `all` for all of the program but `restart`, which is about a
    /// moment and not about a rate. That of --profile when absent.
    #[arg(long, value_delimiter = ',')]
    profiles: Vec<String>,
    /// Durabilities to search; that of --durability when absent.
    #[arg(long, value_delimiter = ',')]
    durabilities: Vec<Durability>,
    /// Sizes to search, each as items x places, such as 100000x20; the profile's when absent.
    #[arg(long, value_delimiter = ',', value_parser = size)]
    sizes: Vec<(u32, u32)>,
    /// Seconds of a trial, one of which is warm-up; a confirmation takes twice as long.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=3_600))]
    trial_seconds: u64,
    /// Longer runs in which an answer must hold; one more may fail.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=20))]
    confirmations: u8,
    /// How close what holds and what does not must come: 1.1 is ten percent.
    #[arg(long, default_value_t = 1.1, value_parser = precision)]
    precision: f64,
    /// No rate above this is tried.
    #[arg(long, value_name = "RATE", default_value_t = 2_000_000.0, value_parser = most)]
    most: f64,
    /// All searches together end after about so long: each narrows as far as its share of it lets it, and confirms
    /// what it has.
    #[arg(long, value_parser = minutes)]
    minutes: Option<f64>,
    /// How busy a core may be at the peak, in percent, in the answer to --target.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    busy_percent: u32,
    #[command(flatten)]
    options: RunOptions,
    #[command(flatten)]
    out: Out,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('x');
    let parsed = parts.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parsed
        .filter(|(skus, places)| *skus > 0 && *places > 0)
        .ok_or_else(|| format!("size is '{text}'; expected items x places, such as 100000x20"))
}

/// A number above `least`.
fn above(text: &str, least: f64, expected: &str) -> Result<f64, String> {
    let number: f64 = text.replace([',', '_'], "").parse().unwrap_or(f64::NAN);
    match number > least && number.is_finite() {
        true => Ok(number),
        false => Err(format!("'{text}' is not {expected}")),
    }
}

fn precision(text: &str) -> Result<f64, String> {
    above(text, 1.019, "a ratio from 1.02 on, such as 1.1")
}

fn most(text: &str) -> Result<f64, String> {
    above(text, 0.999, "a number of commands a second from 1 on")
}

fn minutes(text: &str) -> Result<f64, String> {
    above(text, 0.0, "a number of minutes above 0")
}

/// What is searched.
struct Wanted {
    name: String,
    profile: Profile,
    durability: Durability,
}

pub(super) fn run(args: &CapacityArgs) -> anyhow::Result<ExitCode> {
    args.check()?;
    if let Some(Aim::Load(target)) = &args.options.target {
        return plan::run(args, target);
    }
    let wanted = args.wanted()?;
    let many = wanted.len() > 1;
    let mut results = Results::of(Vec::new());
    let (mut clock, mut good, mut last) = (Clock::new(args.minutes, wanted.len()), true, None);
    for (number, want) in wanted.iter().enumerate() {
        // The progress of a search goes to standard error, whoever reads the result.
        let bar = Bar::new(false);
        bar.line(&format!(
            "[{}/{}] {}",
            number + 1,
            wanted.len(),
            heading(want)
        ));
        clock.begin();
        let (searched, outcome, books) = one(args, want, &clock, &bar)?;
        clock.end();
        if !args.out.is_quiet() {
            crate::cli::emit(&told::search(&searched));
        }
        good &= books && searched.found.holds.is_some();
        results.searches.push(searched);
        last = outcome.or(last);
    }
    if many && !args.out.is_quiet() {
        crate::cli::emit(&told::overview(&results.searches));
    }
    args.out.write(&results, last.as_ref())?;
    Ok(super::code(good))
}

fn heading(want: &Wanted) -> String {
    let size = &want.profile.catalogue;
    format!(
        "{}, durability {}, {} SKUs x {} locations",
        want.name,
        want.durability,
        size.skus,
        size.warehouses + size.stores
    )
}

impl CapacityArgs {
    /// Options of a single run that mean nothing here are refused, since they would be believed.
    fn check(&self) -> anyhow::Result<()> {
        if self.options.rate == Some(Rate::Most) {
            bail!("--rate is max; expected the rate at which the search begins, or none");
        }
        if self.options.seconds.is_some() {
            bail!(
                "--seconds is for a single run; a search has --trial-seconds, and --minutes for all of it"
            );
        }
        if self
            .options
            .warm_up
            .is_some_and(|s| s >= self.trial_seconds)
        {
            bail!("--warm-up leaves nothing of a trial; expected less than --trial-seconds");
        }
        if self.out.repeat == 0 {
            bail!("--repeat is 0; expected at least 1");
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for name in &self.profiles {
            match name.as_str() {
                "all" => names.extend(
                    EMBEDDED
                        .iter()
                        .map(|(name, _)| (*name).to_owned())
                        .filter(|name| name != "restart"),
                ),
                _ => names.push(name.clone()),
            }
        }
        if names.is_empty() {
            names.push(self.options.profile.clone());
        }
        names
    }

    fn durabilities(&self) -> Vec<Durability> {
        match self.durabilities.is_empty() {
            true => vec![self.options.durability],
            false => self.durabilities.clone(),
        }
    }

    /// All searches, checked before the first of them takes its time.
    fn wanted(&self) -> anyhow::Result<Vec<Wanted>> {
        let sizes: Vec<Option<(u32, u32)>> = match self.sizes.is_empty() {
            true => vec![None],
            false => self.sizes.iter().copied().map(Some).collect(),
        };
        let mut all = Vec::new();
        for name in self.names() {
            for durability in self.durabilities() {
                for size in &sizes {
                    for _ in 0..self.out.repeat {
                        let (name, profile) = self.steady(&name, *size)?;
                        all.push(Wanted {
                            name,
                            profile,
                            durability,
                        });
                    }
                }
            }
        }
        Ok(all)
    }

    /// The profile as it is searched: its mix, by chance, at a steady rate.
    fn steady(&self, name: &str, size: Option<(u32, u32)>) -> anyhow::Result<(String, Profile)> {
        let mut options = self.options.clone();
        name.clone_into(&mut options.profile);
        let (name, mut profile) = options.profile()?;
        profile.arrivals.shape = Shape::Poisson;
        profile.restart = None;
        // Trials follow each other on one server: what is sold out in the first would be refused in all others, and
        // a refusal is cheap.
        profile.catalogue.hot_units_per_warehouse = None;
        if let Some((skus, places)) = size {
            (profile.catalogue.skus, profile.catalogue.warehouses) = (skus, places);
            profile.catalogue.skus_per_store = profile.catalogue.skus_per_store.min(skus);
            profile.baskets.hot_skus = profile.baskets.hot_skus.min(skus);
        }
        profile.run.seconds = self.trial_seconds;
        profile.run.warm_up_seconds = options.warm_up.unwrap_or(1);
        profile.check(&name)?;
        Ok((name, profile))
    }
}

/// One search; also the run that confirmed its answer, and whether the books added up in all of them.
fn one(
    args: &CapacityArgs,
    want: &Wanted,
    clock: &Clock,
    bar: &Bar,
) -> anyhow::Result<(Searched, Option<Outcome>, bool)> {
    let mut runner = Runner::open(args, want, bar)?;
    let mut search = Search::new(Limits {
        start: runner.start(clock)?,
        most: args.most,
        precision: args.precision,
        confirmations: args.confirmations.into(),
        runs: RUNS,
    });
    loop {
        let reserve = f64::from(args.confirmations) * runner.takes(true);
        if clock.is_late(runner.takes(false) + reserve) {
            search.hurry();
        }
        let Some(trial) = search.wanted() else {
            break;
        };
        let point = runner.run(trial)?;
        search.tell(point.clone());
        let (short, long) = search.left();
        let left = short as f64 * runner.takes(false) + long as f64 * runner.takes(true);
        bar.line(&format!(
            "{:>12}/s  {:<9}  p50 {:>8}  p99 {:>8}  {:<18}  {}",
            count(point.rate),
            point.purpose.word(),
            time(point.latency.p50),
            time(point.latency.p99),
            point.why.as_deref().unwrap_or("holds"),
            clock.left(left)
        ));
    }
    bar.end();
    let found = search.found();
    let (books, outcome) = runner.close(found.holds);
    let profile = &want.profile;
    let searched = Searched {
        profile: want.name.clone(),
        title: profile.title.clone(),
        durability: want.durability.to_string(),
        skus: profile.catalogue.skus,
        locations: profile.catalogue.warehouses + profile.catalogue.stores,
        objective: args.slo.to_string(),
        orders_per_second: found.holds.unwrap_or(0.0) * orders_share(profile),
        knee: crate::bench::capacity::knee(&found.points),
        found,
        run: outcome.as_ref().map(|outcome| outcome.report.clone()),
    };
    Ok((searched, outcome, books))
}

/// The share of a mix that are orders.
fn orders_share(profile: &Profile) -> f64 {
    let all: u64 = profile.mix.values().sum();
    let orders = profile
        .mix
        .iter()
        .filter(|(kind, _)| Kind::is_order(**kind));
    orders.map(|(_, weight)| *weight).sum::<u64>() as f64 / all.max(1) as f64
}
