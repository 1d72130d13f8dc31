//! `allot bench`: what load a server holds.

mod options;
mod table;

use super::progress;
use crate::bench::drive::Pacing;
use crate::bench::profile::EMBEDDED;
use crate::bench::run::{Outcome, Progress, Settings, Target, measure};
use anyhow::Context as _;
use clap::Subcommand;
use indicatif::ProgressBar;
use options::RunOptions;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `allot bench`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  allot bench                                     the representative day in a minute, over TCP
  allot bench --profile flash-sale --seconds 20
  allot bench --profile reserve --rate max        as much as goes, in a closed loop
  allot bench --rate 40000 --durability none --json result.json
  allot bench list                                the profiles that are part of the program"
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
}

/// Where results go.
#[derive(Debug, Clone, clap::Args)]
struct Out {
    /// Write the report as JSON; to standard output, in place of the table, when no file is named.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

pub(super) fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    match args.verb {
        None => one(&args.run, &args.out),
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
    }
}

fn list() {
    for (name, text) in EMBEDDED {
        // A test parses all of them.
        if let Ok(profile) = crate::bench::profile::Profile::parse(name, text) {
            super::emit(&format!("{name:<16} {}\n", profile.about));
        }
    }
}

fn one(options: &RunOptions, out: &Out) -> anyhow::Result<ExitCode> {
    let quiet = out.json.as_deref().is_some_and(|p| p.as_os_str() == "-");
    let outcome = measured(options, quiet)?;
    let report = &outcome.report;
    match &out.json {
        None => {}
        Some(_) if quiet => super::emit(&format!("{}\n", serde_json::to_string_pretty(report)?)),
        Some(path) => std::fs::write(path, serde_json::to_string_pretty(report)?)
            .with_context(|| format!("cannot write {}", path.display()))?,
    }
    if !quiet {
        super::emit(&table::of(report));
    }
    Ok(verdict(report))
}

/// A run that promised what was not there, or met an error, has failed.
fn verdict(report: &crate::bench::run::Report) -> ExitCode {
    match report.check.is_good() && report.all.failed == 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Runs a profile against a server of its own, in a folder that is removed afterwards, or against one
/// that runs.
fn measured(options: &RunOptions, quiet: bool) -> anyhow::Result<Outcome> {
    let (name, profile) = options.profile()?;
    let folder = options.folder()?;
    let target = match &options.connect {
        Some(address) => Target::Running(*address),
        None => Target::Own {
            program: std::env::current_exe().context("cannot tell where this program is")?,
            folder: folder.path().to_owned(),
        },
    };
    let settings = Settings {
        name,
        profile,
        target,
        durability: options.durability.to_string(),
        server_arguments: options.server_arguments(),
        pacing: options.pacing(),
        threads: options.threads,
        seed: options.seed,
        prefix: options.prefix(),
    };
    let bar = Bar::new(quiet);
    let outcome = measure(&settings, &bar);
    bar.end();
    outcome
}

/// A line on standard error that says what is going on.
struct Bar {
    bar: ProgressBar,
}

impl Bar {
    fn new(quiet: bool) -> Self {
        let bar = match quiet {
            true => ProgressBar::hidden(),
            false => progress::bar("starting", 1),
        };
        Self { bar }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.set_length(1);
        self.bar.set_position(0);
    }

    fn at(&self, done: u64, of: u64) {
        self.bar.set_length(of.max(1));
        self.bar.set_position(done);
    }
}

impl RunOptions {
    fn pacing(&self) -> Pacing {
        match self.rate {
            Some(options::Rate::Most) => Pacing::Closed,
            Some(options::Rate::PerSecond(_)) | None => Pacing::Open,
        }
    }
}
