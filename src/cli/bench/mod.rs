//! `allot bench`: what load a server holds.

mod bar;
mod capacity;
mod compare;
mod options;
mod overview;
mod record;
mod replay;
mod table;

use crate::bench::profile::{Catalogue, EMBEDDED, Profile};
use crate::bench::report::{Results, page, write_hlog};
use crate::bench::run::{Outcome, Report, measure};
use anyhow::{Context as _, bail};
use bar::Bar;
use clap::Subcommand;
use options::RunOptions;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `allot bench`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  allot bench                                     the representative day in a minute, over TCP
  allot bench --profile flash-sale --seconds 20 --html sale.html
  allot bench --profile reserve --rate max        as much as goes, in a closed loop
  allot bench --rate 40000 --durability none --json result.json
  allot bench list                                the profiles that are part of the program
  allot bench network folder --profile day        for a server elsewhere that --connect measures
  allot bench capacity --slo \"p99<5ms\"            the highest rate that holds it
  allot bench capacity --target \"2000 orders/s at peak, 300k SKUs, 40 locations\"
  allot bench compare before.json after.json      exit code 1 when something became worse
  allot bench replay orders.csv --speed 1000x     arrivals as they were recorded
  allot bench record                              as many orders as go, in this process"
)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    out: Out,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The profiles that are part of the program.
    List,
    /// Print a profile's file, to change a copy of it.
    Show {
        /// Its name.
        profile: String,
    },
    /// Write a profile's items, places and stock as a network folder: for a server that runs elsewhere and that
    /// --connect measures.
    Network(Box<NetworkArgs>),
    /// Find the highest rate that holds an objective, or what a load to come needs.
    Capacity(capacity::CapacityArgs),
    /// Compare two results, each of one run or of several.
    Compare(compare::CompareArgs),
    /// Play a recorded journal, or an orders.csv, as it was recorded.
    Replay(replay::ReplayArgs),
    /// As many orders a second as one process routes, reserves and journals; and what binds.
    Record(record::RecordArgs),
    /// Profiles by durability in one table, beside Redis and PostgreSQL where they are given.
    Table(overview::TableArgs),
}

/// Arguments of `allot bench network`.
#[derive(Debug, clap::Args)]
struct NetworkArgs {
    /// The folder; it must be empty, or not be there.
    dir: PathBuf,
    #[command(flatten)]
    options: RunOptions,
}

/// Where results go.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Out {
    /// Write the report as JSON; to standard output, in place of the table, when no file is named.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Write the report as one HTML file with charts.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the latencies as a histogram log, which HdrHistogram's viewers open.
    #[arg(long, value_name = "FILE")]
    hlog: Option<PathBuf>,
    /// Run so many times, each on a server of its own, so that `compare` knows the noise.
    #[arg(long, value_name = "RUNS", default_value_t = 1)]
    repeat: usize,
}

pub(super) fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    match args.verb {
        None => runs(&args.run, &args.out),
        Some(Verb::List) => {
            list();
            Ok(ExitCode::SUCCESS)
        }
        Some(Verb::Show { profile }) => {
            let text = EMBEDDED.iter().find(|(name, _)| *name == profile);
            let (_, text) = text.with_context(|| {
                format!("there is no profile '{profile}'; see: allot bench list")
            })?;
            super::emit(text);
            Ok(ExitCode::SUCCESS)
        }
        Some(Verb::Network(args)) => network(&args),
        Some(Verb::Capacity(args)) => capacity::run(&args),
        Some(Verb::Compare(args)) => compare::run(&args),
        Some(Verb::Replay(args)) => replay::run(&args),
        Some(Verb::Record(args)) => record::run(&args),
        Some(Verb::Table(args)) => overview::run(&args),
    }
}

fn network(args: &NetworkArgs) -> anyhow::Result<ExitCode> {
    let (dir, shown) = (&args.dir, args.dir.display());
    let (_, profile) = args.options.profile()?;
    if std::fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some()) {
        bail!("{shown} is not empty; expected a folder for a network of its own");
    }
    Catalogue::new(&profile)
        .write(dir)
        .with_context(|| format!("cannot write {shown}"))?;
    super::emit(&format!(
        "{} positions; start the server with: allot serve --network {shown}\n",
        profile.positions()
    ));
    Ok(ExitCode::SUCCESS)
}

fn list() {
    for (name, text) in EMBEDDED {
        // A test parses all of them.
        if let Ok(profile) = Profile::parse(name, text) {
            super::emit(&format!("{name:<16} {}\n", profile.about));
        }
    }
}

fn runs(options: &RunOptions, out: &Out) -> anyhow::Result<ExitCode> {
    if out.repeat == 0 {
        bail!("--repeat is 0; expected at least 1");
    }
    let mut reports = Vec::new();
    let mut last = None;
    for number in 0..out.repeat {
        let outcome = measured(options, out.is_quiet(), number)?;
        if !out.is_quiet() {
            super::emit(&table::of(&outcome.report));
        }
        reports.push(outcome.report.clone());
        last = Some(outcome);
    }
    let good = reports.iter().all(is_good);
    out.write(&Results::of(reports), last.as_ref())?;
    Ok(code(good))
}

/// A run that promised what was not there, or met an error, has failed.
fn is_good(report: &Report) -> bool {
    report.check.is_good() && report.all.failed == 0
}

fn code(good: bool) -> ExitCode {
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

impl Out {
    /// Whether standard output belongs to a program.
    fn is_quiet(&self) -> bool {
        self.json.as_deref().is_some_and(|p| p.as_os_str() == "-")
    }

    /// Refuses `--repeat`, and `--hlog` where a result is not of one run: what is asked for and not done would be
    /// noticed at the end only.
    fn only_once(&self, verb: &str, hlog: bool) -> anyhow::Result<()> {
        if self.repeat != 1 {
            bail!("--repeat is not for '{verb}'; run it several times");
        }
        if self.hlog.is_some() && !hlog {
            bail!(
                "--hlog is of one run; '{verb}' makes several: --json and --html have all of them"
            );
        }
        Ok(())
    }

    /// Writes what was asked for: one run as itself, several as a list.
    fn write(&self, results: &Results, last: Option<&Outcome>) -> anyhow::Result<()> {
        if let Some(path) = &self.json {
            let only_runs = results.searches.is_empty() && results.plan.is_none();
            let text = match (&results.runs[..], only_runs) {
                ([one], true) => serde_json::to_string_pretty(one)?,
                _ => serde_json::to_string_pretty(results)?,
            };
            match self.is_quiet() {
                true => super::emit(&format!("{text}\n")),
                false => write(path, text.as_bytes())?,
            }
        }
        if let Some(path) = &self.html {
            write(path, page(results).as_bytes())?;
        }
        if let (Some(path), Some(outcome)) = (&self.hlog, last) {
            let mut text = Vec::new();
            write_hlog(
                &outcome.record,
                outcome.began,
                &outcome.report.title,
                &mut text,
            )?;
            write(path, &text)?;
        }
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Runs a profile against a server of its own, in a folder that is removed afterwards, or against one
/// that runs.
fn measured(options: &RunOptions, quiet: bool, number: usize) -> anyhow::Result<Outcome> {
    let (name, profile) = options.profile()?;
    let folder = options.folder()?;
    let mut settings = options.settings(name, profile, folder.path())?;
    if options.connect.is_some() {
        settings.prefix = format!("{}{number}-", settings.prefix);
    }
    let bar = Bar::new(quiet);
    let outcome = measure(&settings, &bar);
    bar.end();
    outcome
}
