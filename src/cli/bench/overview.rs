//! `allot bench table`: profiles by durability, beside the peers that are given.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates and ratios for people"
)]

use super::Out;
use super::bar::Bar;
use super::options::RunOptions;
use super::table::{count, time};
use crate::bench::drive::Pacing;
use crate::bench::profile::{EMBEDDED, Profile, Shape};
use crate::bench::report::Results;
use crate::bench::run::{Peer, Report, Session, Settings, Target, common_part};
use crate::journal::Durability;
use comfy_table::{CellAlignment, Table, presets};
use std::process::ExitCode;

/// How long a rate is tried.
const TRIAL_SECONDS: u64 = 2;
/// Rates that are tried.
const TRIALS: u32 = 10;
/// From one to the next.
const LOWER: f64 = 0.75;
/// Who answers 99 of 100 within this (nanoseconds) keeps up; queues that grow for a second are longer.
const KEPT_UP_WITHIN: u64 = 100_000_000;

/// Arguments of `allot bench table`.
#[derive(Debug, clap::Args)]
pub(super) struct TableArgs {
    /// Profiles; all when absent.
    #[arg(long, value_delimiter = ',')]
    profiles: Vec<String>,
    /// Durabilities.
    #[arg(long, value_delimiter = ',', default_value = "none,sync")]
    durabilities: Vec<Durability>,
    /// Other systems, as for `--target`; may be given several times.
    #[arg(long = "peer", value_name = "URL")]
    peers: Vec<Peer>,
    #[command(flatten)]
    options: RunOptions,
    #[command(flatten)]
    out: Out,
}

/// A row: what a profile reaches at a durability.
struct Line {
    profile: String,
    durability: String,
    /// As much as goes, in a closed loop.
    most: Report,
    /// As much as it keeps up with when a schedule offers it.
    kept: Option<Report>,
    /// Half of that.
    half: Option<Report>,
    /// The part that all systems can be asked for, of ours, and of each peer.
    common: Option<Report>,
    peers: Vec<Report>,
}

pub(super) fn run(args: &TableArgs) -> anyhow::Result<ExitCode> {
    let names: Vec<String> = match args.profiles.is_empty() {
        true => EMBEDDED
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect(),
        false => args.profiles.clone(),
    };
    args.out.only_once("table", false)?;
    let bar = Bar::new(args.out.is_quiet());
    let mut lines = Vec::new();
    for name in &names {
        for durability in &args.durabilities {
            bar.line(&format!("{name}, {durability}"));
            lines.push(line(args, name, *durability, &bar)?);
        }
    }
    bar.end();
    let reports = || {
        let all = lines.iter().flat_map(|line| {
            let own = [
                Some(&line.most),
                line.kept.as_ref(),
                line.half.as_ref(),
                line.common.as_ref(),
            ];
            own.into_iter().flatten().chain(&line.peers)
        });
        all.cloned()
    };
    let good = reports().all(|report| super::is_good(&report));
    if !args.out.is_quiet() {
        crate::cli::emit(&told(args, &lines, good));
    }
    args.out.write(&Results::of(reports().collect()), None)?;
    Ok(super::code(good))
}

fn line(args: &TableArgs, name: &str, durability: Durability, bar: &Bar) -> anyhow::Result<Line> {
    let mut options = args.options.clone();
    name.clone_into(&mut options.profile);
    options.durability = durability;
    let (name, profile) = options.profile()?;
    // A crash belongs to a load with a schedule, and takes its own time.
    let restarts = profile.restart.is_some();
    let (most, kept, half) = {
        let folder = options.folder()?;
        let mut settings = options.settings(name.clone(), profile.clone(), folder.path())?;
        let mut session = Session::open(&settings, bar)?;
        if restarts {
            settings.pacing = Pacing::Open;
            (session.run(&settings, bar)?.report, None, None)
        } else {
            let most = closed(&mut session, &settings, &profile, bar)?;
            settings.pacing = Pacing::Open;
            settings.profile.arrivals.shape = Shape::Poisson;
            let kept = kept_up(&mut session, &settings, scheduled(&most), bar)?;
            let rate = kept.as_ref().map(|k| k.offered_per_second / 2.0);
            let half = rate.map(|rate| {
                settings.prefix = "half-".into();
                settings.profile.arrivals.rate = rate.max(1.0);
                session.run(&settings, bar)
            });
            (most, kept, half.transpose()?.map(|outcome| outcome.report))
        }
    };
    let (shared, _) = common_part(profile.clone());
    let has_order = shared.mix.keys().any(|kind| kind.is_order());
    let (mut common, mut peers) = (None, Vec::new());
    if !args.peers.is_empty() && has_order && !restarts {
        let folder = options.folder()?;
        let settings = options.settings(name.clone(), shared.clone(), folder.path())?;
        let mut session = Session::open(&settings, bar)?;
        common = Some(closed(&mut session, &settings, &shared, bar)?);
        drop(session);
        for peer in &args.peers {
            let settings = Settings {
                target: Target::Peer(peer.clone()),
                ..settings.clone()
            };
            let mut session = Session::open(&settings, bar)?;
            peers.push(closed(&mut session, &settings, &shared, bar)?);
        }
    }
    Ok(Line {
        profile: name,
        durability: durability.to_string(),
        most,
        kept,
        half,
        common,
        peers,
    })
}

/// As much as goes.
fn closed(
    session: &mut Session,
    settings: &Settings,
    profile: &Profile,
    bar: &Bar,
) -> anyhow::Result<Report> {
    let mut settings = settings.clone();
    settings.pacing = Pacing::Closed;
    settings.profile = profile.clone();
    settings.profile.arrivals.shape = Shape::Constant;
    Ok(session.run(&settings, bar)?.report)
}

/// The first of ever lower rates, beginning below `most` commands a second, that the server keeps up with for a
/// moment: one command at a time costs more than those that a closed loop sends together. `None` when it
/// keeps up with none.
fn kept_up(
    session: &mut Session,
    settings: &Settings,
    most: f64,
    bar: &Bar,
) -> anyhow::Result<Option<Report>> {
    let mut settings = settings.clone();
    let run = &mut settings.profile.run;
    (run.seconds, run.warm_up_seconds) =
        (run.seconds.min(TRIAL_SECONDS), run.warm_up_seconds.min(1));
    let mut rate = most * LOWER;
    for number in 0..TRIALS {
        settings.prefix = format!("try{number}-");
        settings.profile.arrivals.rate = rate.max(1.0);
        let report = session.run(&settings, bar)?.report;
        if report.driver.behind.is_none() && report.all.latency.p99 < KEPT_UP_WITHIN {
            return Ok(Some(report));
        }
        rate *= LOWER;
    }
    Ok(None)
}

/// Commands of the schedule a second: without those that replies asked for.
fn scheduled(report: &Report) -> f64 {
    let follows = report
        .commands
        .iter()
        .filter(|row| row.command == "FULFILLMENT.SHIP");
    report.per_second - follows.map(|row| row.per_second).sum::<f64>()
}

fn told(args: &TableArgs, lines: &[Line], good: bool) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    let mut header: Vec<String> = [
        "profile",
        "durability",
        "commands/s",
        "orders/s",
        "by schedule/s",
        "p50 at half",
        "p99 at half",
        "oversold",
    ]
    .map(str::to_owned)
    .into();
    if !args.peers.is_empty() {
        header.push("common part/s".into());
        for peer in &args.peers {
            header.extend([format!("{}/s", peer.name()), "ratio".into()]);
        }
    }
    table.set_header(&header);
    for line in lines {
        let (most, half) = (&line.most, line.half.as_ref());
        let latency = half.map_or(most.all.latency, |h| h.all.latency);
        let kept = line.kept.as_ref();
        let all = [Some(most), kept, half, line.common.as_ref()];
        let reports = all.into_iter().flatten().chain(&line.peers);
        let oversold: u64 = reports
            .map(|r| r.check.oversold + r.check.read_oversold)
            .sum();
        let mut cells = vec![
            line.profile.clone(),
            line.durability.clone(),
            count(most.per_second),
            count(most.orders_per_second),
            kept.map_or_else(|| "–".into(), |k| count(k.offered_per_second)),
            time(latency.p50),
            time(latency.p99),
            oversold.to_string(),
        ];
        if let Some(common) = &line.common {
            cells.push(count(common.per_second));
            for peer in &line.peers {
                cells.push(count(peer.per_second));
                cells.push(format!(
                    "{:.1}x",
                    common.per_second / peer.per_second.max(1e-9)
                ));
            }
        }
        cells.resize(header.len(), "–".into());
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut out = String::new();
    if let Some(line) = lines.first() {
        for line in line.most.conditions.lines().iter().take(1) {
            out.push_str(&format!("{line}\n"));
        }
    }
    let verdict = match good {
        true => "nothing oversold, and the books add up",
        false => "SOMETHING IS WRONG: see --json",
    };
    out.push_str(&format!(
        "{table}\n{verdict}; commands/s and orders/s in a closed loop; by schedule/s: what it keeps up with when \
         commands come one by one, at random moments; latencies at half of that, from due\n"
    ));
    out
}
