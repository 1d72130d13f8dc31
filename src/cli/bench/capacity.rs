//! `allot bench capacity`: the highest rate that holds an objective, and what a load to come needs.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates and ratios for people"
)]

use super::Out;
use super::bar::Bar;
use super::options::{Rate, RunOptions, read};
use super::table::{count, time};
use crate::bench::capacity::{
    Answered, Limits, Measured, Model, Objective, Point, Target, knee, search,
};
use crate::bench::drive::Pacing;
use crate::bench::profile::{Kind, Profile, Shape};
use crate::bench::report::{Results, Searched};
use crate::bench::run::{FORMAT, Report, Session, Settings};
use crate::journal::Durability;
use comfy_table::{CellAlignment, Table, presets};
use std::process::ExitCode;
use std::time::Duration;

/// A trial at a rate that is too high is known to be so after this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Sizes that a model is fitted to: items and places.
const SIZES: [(u32, u32); 3] = [(20_000, 10), (100_000, 20), (50_000, 60)];

/// Arguments of `allot bench capacity`.
#[derive(Debug, clap::Args)]
pub(super) struct CapacityArgs {
    /// What must hold: p50, p90, p99, p99.9 or max below a time; several with commas.
    #[arg(long, default_value = "p99<5ms")]
    slo: Objective,
    /// Profiles to search.
    #[arg(long, value_delimiter = ',', default_value = "day")]
    profiles: Vec<String>,
    /// Durabilities to search.
    #[arg(long, value_delimiter = ',', default_value = "sync")]
    durabilities: Vec<Durability>,
    /// Sizes to search, each as items x places, such as 100000x20; the profile's when absent.
    #[arg(long, value_delimiter = ',', value_parser = size)]
    sizes: Vec<(u32, u32)>,
    /// Seconds of a trial; a confirmation takes twice as long.
    #[arg(long, default_value_t = 5)]
    trial_seconds: u64,
    /// Longer runs that must all hold.
    #[arg(long, default_value_t = 2)]
    confirmations: usize,
    /// How close what holds and what does not must come: 1.1 is ten percent.
    #[arg(long, default_value_t = 1.1)]
    precision: f64,
    /// No rate above this is tried.
    #[arg(long, value_name = "RATE", default_value_t = 2_000_000.0)]
    most: f64,
    /// Instead of searching, say what this load needs: orders/s or orders/day, SKUs, locations and, if
    /// wanted, open orders.
    #[arg(long, value_name = "LOAD")]
    target: Option<Target>,
    /// How busy a core may be at the peak, in percent, in the answer to --target.
    #[arg(long, default_value_t = 50)]
    busy_percent: u32,
    #[command(flatten)]
    options: RunOptions,
    #[command(flatten)]
    out: Out,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('x');
    let parsed = parts.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parsed.ok_or_else(|| format!("size is '{text}'; expected items x places, such as 100000x20"))
}

pub(super) fn run(args: &CapacityArgs) -> anyhow::Result<ExitCode> {
    if let Some(target) = &args.target {
        return plan(args, target);
    }
    let mut results = Results {
        format: FORMAT,
        runs: Vec::new(),
        searches: Vec::new(),
    };
    for name in &args.profiles {
        for durability in &args.durabilities {
            let sizes: Vec<Option<(u32, u32)>> = match args.sizes.is_empty() {
                true => vec![None],
                false => args.sizes.iter().copied().map(Some).collect(),
            };
            for size in sizes {
                let searched = one(args, name, *durability, size, &mut results.runs)?;
                if !args.out.is_quiet() {
                    crate::cli::emit(&told(&searched));
                }
                results.searches.push(searched);
            }
        }
    }
    let good = results.runs.iter().all(super::is_good);
    args.out.write(&results, None)?;
    Ok(super::code(good))
}

/// The profile as it is searched: its mix, by chance, at a steady rate.
fn steady(
    args: &CapacityArgs,
    name: &str,
    size: Option<(u32, u32)>,
) -> anyhow::Result<(String, Profile)> {
    let mut options = args.options.clone();
    name.clone_into(&mut options.profile);
    let (name, mut profile) = options.profile()?;
    profile.arrivals.shape = Shape::Poisson;
    profile.restart = None;
    if let Some((skus, places)) = size {
        (profile.catalogue.skus, profile.catalogue.warehouses) = (skus, places);
        profile.catalogue.skus_per_store = profile.catalogue.skus_per_store.min(skus);
        profile.baskets.hot_skus = profile.baskets.hot_skus.min(skus);
    }
    profile.run.seconds = args.trial_seconds.max(2);
    profile.run.warm_up_seconds = 1;
    profile.check(&name)?;
    Ok((name, profile))
}

/// One search, on one server that stays.
fn one(
    args: &CapacityArgs,
    name: &str,
    durability: Durability,
    size: Option<(u32, u32)>,
    runs: &mut Vec<Report>,
) -> anyhow::Result<Searched> {
    let (name, profile) = steady(args, name, size)?;
    let folder = args.options.folder()?;
    let mut settings = args.options.settings(name, profile, folder.path())?;
    settings.durability = durability.to_string();
    settings.pacing = Pacing::Open;
    settings.patience = PATIENCE;
    let bar = Bar::new(args.out.is_quiet());
    let mut session = Session::open(&settings, &bar)?;
    let (base, before) = (settings.prefix.clone(), settings.profile.run);
    let mut last = None;
    let trial = |rate: f64, confirms: bool| -> anyhow::Result<Point> {
        settings.profile.arrivals.rate = rate;
        settings.profile.run.seconds = before.seconds * if confirms { 2 } else { 1 };
        settings.prefix = format!("{base}t{}-", runs_so_far(&last));
        let report = session.run(&settings, &bar)?.report;
        let point = judged(&args.slo, rate, confirms, &report);
        bar.line(&format!(
            "{:>10} commands/s  p50 {:>8}  p99 {:>8}  {}",
            count(rate),
            time(point.latency.p50),
            time(point.latency.p99),
            point.why.as_deref().unwrap_or("holds")
        ));
        last = Some((runs_so_far(&last) + 1, report));
        Ok(point)
    };
    let limits = Limits {
        start: settings_start(args),
        most: args.most.max(1.0),
        precision: args.precision,
        confirmations: args.confirmations,
        tries: 4,
    };
    let found = search(limits, trial)?;
    bar.end();
    let profile = &settings.profile;
    let share = orders_share(profile);
    if let Some((_, report)) = last {
        runs.push(report);
    }
    Ok(Searched {
        profile: settings.name.clone(),
        title: profile.title.clone(),
        durability: settings.durability.clone(),
        skus: profile.catalogue.skus,
        locations: profile.catalogue.warehouses + profile.catalogue.stores,
        objective: args.slo.to_string(),
        orders_per_second: found.holds.unwrap_or(0.0) * share,
        knee: knee(&found.points),
        found,
    })
}

fn runs_so_far(last: &Option<(usize, Report)>) -> usize {
    last.as_ref().map_or(0, |(number, _)| *number)
}

fn settings_start(args: &CapacityArgs) -> f64 {
    if let Some(Rate::PerSecond(rate)) = args.options.rate {
        return rate;
    }
    let profile = args.profiles.first().and_then(|name| read(name).ok());
    // A rate that most machines hold, so that the search begins upwards.
    profile.map_or(1_000.0, |(_, profile)| profile.arrivals.rate / 2.0)
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

/// Whether a run held, and why not.
fn judged(slo: &Objective, rate: f64, confirms: bool, report: &Report) -> Point {
    let latency = report.all.latency;
    let broken = slo.broken_by(&latency);
    let broken = broken.map(|(limit, found)| format!("{} is {}", limit.name, time(found)));
    let failed = (report.all.failed > 0).then(|| format!("{} commands failed", report.all.failed));
    let oversold = (!report.check.is_good()).then(|| "the books are wrong".to_owned());
    let behind = report
        .driver
        .behind
        .as_ref()
        .map(|_| "did not keep up".to_owned());
    // Who is late himself cannot tell that the server was not.
    let limit = report
        .driver
        .limit
        .as_ref()
        .map(|_| "the driver was late".to_owned());
    let mut why = oversold.or(failed).or(broken).or(behind);
    if let (Some(text), Some(limit)) = (&why, limit) {
        why = Some(format!("{text} ({limit})"));
    }
    Point {
        rate,
        answered: report.per_second,
        latency,
        cores: report.server.map_or(0.0, |s| s.cores),
        holds: why.is_none(),
        why,
        confirms,
    }
}

fn told(searched: &Searched) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "offered/s",
        "answered/s",
        "p50",
        "p99",
        "p99.9",
        "max",
        "cores",
        "verdict",
    ]);
    let mut points = searched.found.points.clone();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    for point in &points {
        let latency = point.latency;
        let verdict = match (&point.why, point.confirms) {
            (Some(why), _) => why.clone(),
            (None, true) => "holds, confirmed".to_owned(),
            (None, false) => "holds".to_owned(),
        };
        table.add_row([
            count(point.rate),
            count(point.answered),
            time(latency.p50),
            time(latency.p99),
            time(latency.p999),
            time(latency.max),
            format!("{:.2}", point.cores),
            verdict,
        ]);
    }
    for column in table.column_iter_mut().take(7) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let holds = match searched.found.holds {
        Some(rate) => format!(
            "{} commands/s hold {}, {} orders/s among them; {} do not",
            count(rate),
            searched.objective,
            count(searched.orders_per_second),
            searched
                .found
                .fails
                .map_or("more were not tried; those above".into(), count)
        ),
        None => format!("no rate that was tried holds {}", searched.objective),
    };
    let knee = searched.knee.map_or("below every rate tried".into(), |k| {
        format!(
            "{} commands/s: up to there p99 stays within twice its least",
            count(k)
        )
    });
    format!(
        "{}, durability {}, {} SKUs x {} locations\n{table}\nholds     {holds}\nknee      {knee}\n\n",
        searched.title, searched.durability, searched.skus, searched.locations
    )
}

/// Measures several sizes at two rates each, fits the model, and answers.
fn plan(args: &CapacityArgs, target: &Target) -> anyhow::Result<ExitCode> {
    let name = args.profiles.first().map_or("day", String::as_str);
    let sizes = if args.sizes.is_empty() {
        &SIZES[..]
    } else {
        &args.sizes[..]
    };
    let durability = args.durabilities.first().copied().unwrap_or_default();
    let bar = Bar::new(args.out.is_quiet());
    let (mut measured, mut reports) = (Vec::new(), Vec::new());
    for size in sizes {
        let (name, profile) = steady(args, name, Some(*size))?;
        let folder = args.options.folder()?;
        let mut settings: Settings = args.options.settings(name, profile, folder.path())?;
        settings.durability = durability.to_string();
        settings.pacing = Pacing::Open;
        settings.profile.before.orders = settings.profile.before.orders.min(1_000);
        let rate = settings.profile.arrivals.rate;
        let mut session = Session::open(&settings, &bar)?;
        for (number, times) in [0.5, 1.0].into_iter().enumerate() {
            settings.profile.arrivals.rate = rate * times;
            settings.prefix = format!("t{number}-");
            let report = session.run(&settings, &bar)?.report;
            measured.extend(of_run(&report));
            reports.push(report);
        }
    }
    bar.end();
    let Some(model) = Model::fit(&measured) else {
        anyhow::bail!("profile '{name}' has no orders; a plan needs one that has");
    };
    let answer = model.answer(target, f64::from(args.busy_percent.clamp(1, 100)) / 100.0);
    if !args.out.is_quiet() {
        crate::cli::emit(&planned(name, target, &model, &answer, measured.len()));
    }
    let good = reports.iter().all(super::is_good);
    let results = Results {
        format: FORMAT,
        runs: reports,
        searches: Vec::new(),
    };
    args.out.write(&results, None)?;
    Ok(super::code(good))
}

fn of_run(report: &Report) -> Option<Measured> {
    let server = report.server?;
    let conditions = &report.conditions;
    Some(Measured {
        orders_per_second: report.orders_per_second,
        locations: f64::from(conditions.locations),
        positions: conditions.positions as f64,
        cores: server.cores,
        memory_before: server.memory_before as f64,
        memory_after: server.memory_after as f64,
        orders: report.orders as f64,
        journal_per_second: server.facts_per_second * server.bytes_per_fact,
        wire_per_second: report.wire_per_second,
        syncs_per_second: server.syncs_per_second,
    })
}

fn planned(name: &str, target: &Target, model: &Model, answer: &Answered, runs: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["need", "how much", "because", "beyond what was measured"]);
    for need in &answer.needs {
        let beyond = match need.beyond > 1.0 {
            true => format!("{:.1} times", need.beyond),
            false => "no".to_owned(),
        };
        table.add_row([&need.what, &need.amount, &need.because, &beyond]);
    }
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_width(118);
    let caution = match answer.beyond {
        b if b > 10.0 => {
            "That is a guess: measure at least a tenth of it (--sizes) before you order machines."
        }
        b if b > 3.0 => {
            "That is an extrapolation: measure nearer to it (--sizes) before you rely on it."
        }
        _ => "All of it lies near what was measured.",
    };
    format!(
        "For {} orders/s at the peak with what profile '{name}' asks beside them, {} SKUs x {} locations:\n\
         {table}\n\
         fitted to {runs} runs on this machine: an order takes {:.1} µs of a core and {:.2} µs for each \
         location (± {:.1} µs)\n{caution}\n",
        count(target.orders_per_second),
        count(target.skus),
        count(target.locations),
        model.cpu.base * 1e6,
        model.cpu.slope * 1e6,
        model.cpu.error * 1e6,
    )
}
