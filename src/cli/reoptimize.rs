//! `allot reoptimize`: all open orders together, on a snapshot, in a process of its own.

use super::demo::thousands;
use super::{emit, plan, progress, sample_network, what_if};
use crate::backlog::{
    Effort, OpenState, Outcome, PlanFile, Proposal, Rules, Scope, Snapshot, Stage, Strategy, Terms,
    Weights, check, optimize, propose, read,
};
use crate::engine::{Engine, Limits, Replay};
use crate::journal::{RealDisk, scan_after};
use crate::load;
use crate::model::{Cents, EpochMillis, Lsn, PromiseFrom};
use crate::server::Clock;
use crate::snapshot::{Snapshot as File, found};
use anyhow::{Context as _, anyhow, bail, ensure};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Arguments of `allot reoptimize`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  allot reoptimize --data-dir allot-data                     what could be saved, and a plan file
  allot reoptimize --data-dir allot-data --seconds 30 --strategy redistribute
  allot reoptimize --data-dir allot-data --dry-run --html plan.html
  allot reoptimize --data-dir allot-data --dry-run --transfers --transfer-cents 1500
  allot reoptimize --data-dir allot-data --connect 127.0.0.1:7411 --apply
  allot reoptimize --data-dir allot-data --what-if close=DC-SCK --what-if surge=@web:130
  allot plan show plan.json
  allot plan apply plan.json --connect 127.0.0.1:7411")]
pub(super) struct ReoptimizeArgs {
    /// A snapshot file; its server may go on working.
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir")]
    snapshot: Option<PathBuf>,
    /// A server's data directory: its newest snapshot and the facts after it. Nothing in it is changed.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Network folder that the server was started with. The sample when absent.
    #[arg(long, value_name = "DIR")]
    network: Option<PathBuf>,
    /// Only orders of these channels.
    #[arg(long, value_name = "CHANNEL")]
    channel: Vec<String>,
    /// Only orders that ship something from these locations, or wait.
    #[arg(long, value_name = "LOCATION")]
    location: Vec<String>,
    /// Only orders with a line of these items.
    #[arg(long, value_name = "SKU")]
    sku: Vec<String>,
    /// Only orders in this state: any, waiting (something of it waits for supply), planned (nothing
    /// waits), late (it is delivered after its promise date).
    #[arg(long, value_name = "STATE", default_value = "any", value_parser = state)]
    state: OpenState,
    /// The same as --state waiting.
    #[arg(long, conflicts_with = "state")]
    waiting: bool,
    /// Only orders placed so many hours ago or longer.
    #[arg(long, value_name = "HOURS", default_value_t = 0)]
    age_hours: u32,
    /// What may become of an order.
    #[arg(long, default_value = "gain", value_parser = strategy)]
    strategy: Strategy,
    /// Another strategy for a channel, as `wholesale=fill`.
    #[arg(long, value_name = "CHANNEL=STRATEGY")]
    channel_strategy: Vec<String>,
    /// Do not change what is handed over sooner than so many hours from now.
    #[arg(long, value_name = "HOURS", default_value_t = 0)]
    frozen_hours: u32,
    /// Change an order only if that saves so many cents.
    #[arg(long, value_name = "CENTS", default_value_t = 0)]
    change_cents: i64,
    /// By so many percent lateness, waiting and being short weigh more for each day of an order's age.
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    age_percent: u32,
    /// A weight of the objective in percent of what each order's policy says, as `late=200`: split,
    /// late, speed or short.
    #[arg(long, value_name = "PART=PERCENT")]
    weight: Vec<String>,
    /// Plan under assumptions, beside today and the plan without any, and write nothing: between
    /// commas `close=LOCATION`, `late=SUPPLY:DAYS`, `surge=[SKU:|@CHANNEL:]PERCENT` (150 is half as
    /// many orders again), `weight=PART:PERCENT`. Again for another scenario.
    #[arg(long, value_name = "SCENARIO", conflicts_with = "apply")]
    pub(super) what_if: Vec<String>,
    /// Stop beginning further steps after so many seconds. How far it comes then depends on the
    /// machine; without it the work is fixed, and the same state gives the same plan.
    #[arg(long, value_name = "S")]
    pub(super) seconds: Option<u64>,
    /// Seed of the search.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Threads; one a core when absent. They change nothing of the plan.
    #[arg(long)]
    pub(super) threads: Option<usize>,
    /// Where the plan goes.
    #[arg(long, value_name = "FILE", default_value = "plan.json")]
    out: PathBuf,
    /// Write no plan.
    #[arg(long)]
    dry_run: bool,
    /// Propose transfers between locations that would pay for themselves on top of the plan.
    #[arg(long)]
    transfers: bool,
    /// Cents for each transfer, whatever is in it.
    #[arg(
        long,
        value_name = "CENTS",
        default_value_t = 2_000,
        requires = "transfers"
    )]
    transfer_cents: i64,
    /// Cents for each unit of a transfer.
    #[arg(
        long,
        value_name = "CENTS",
        default_value_t = 30,
        requires = "transfers"
    )]
    transfer_unit_cents: i64,
    /// Hours that a transfer takes, whatever lies between.
    #[arg(
        long,
        value_name = "HOURS",
        default_value_t = 24,
        requires = "transfers"
    )]
    transfer_hours: u32,
    /// Hours more for every thousand kilometres.
    #[arg(
        long,
        value_name = "HOURS",
        default_value_t = 16,
        requires = "transfers"
    )]
    transfer_hours_per_1000_km: u32,
    /// Most transfers that are proposed.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "transfers")]
    transfers_most: usize,
    /// Print the plan as JSON instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Write a page with charts and a map, for people.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Have the server move the orders at once.
    #[arg(long, requires = "connect")]
    apply: bool,
    /// Where the server listens.
    #[arg(long, value_name = "ADDR", env = "ALLOT_ADDR")]
    connect: Option<String>,
    /// File whose first line is the server's password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

fn strategy(name: &str) -> Result<Strategy, String> {
    let expected = "expected win, gain, redistribute, fill or lose";
    Strategy::named(name).ok_or_else(|| expected.to_owned())
}

fn state(name: &str) -> Result<OpenState, String> {
    let expected = "expected any, waiting, planned or late";
    OpenState::named(name).ok_or_else(|| expected.to_owned())
}

pub(super) fn run(args: &ReoptimizeArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        args.change_cents >= 0,
        "--change-cents {}: at least 0",
        args.change_cents
    );
    let rules = rules(args)?;
    let (engine, now) = engine(args)?;
    let scope = Scope {
        channels: boxed(&args.channel),
        skus: boxed(&args.sku),
        locations: boxed(&args.location),
        state: match args.waiting {
            true => OpenState::Waiting,
            false => args.state,
        },
        age_hours: args.age_hours,
    };
    if !args.what_if.is_empty() {
        return what_if::run(&engine, (&scope, &rules), args, now);
    }
    let spinner = progress::spinner("reading the open orders");
    let snapshot = read(engine, &scope, &rules, now);
    spinner.finish_and_clear();
    ensure!(
        !snapshot.problem.orders.is_empty(),
        "no open order that nobody has a part of is in the scope"
    );
    let file = solve(args, &snapshot)?;
    if !args.dry_run {
        let text = file.text();
        std::fs::write(&args.out, text)
            .with_context(|| format!("cannot write {}", args.out.display()))?;
    }
    if let Some(to) = &args.html {
        plan::write_page(&file, to)?;
    }
    emit(&match args.json {
        true => file.text(),
        false => plan::summary(&file),
    });
    if !args.json && !args.dry_run {
        emit(&format!("plan      {}\n", args.out.display()));
    }
    match &args.connect {
        Some(addr) if args.apply && !args.dry_run => {
            plan::apply(&file, addr, args.password_file.as_deref(), args.json)
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn boxed(names: &[String]) -> Vec<Box<str>> {
    names.iter().map(|name| name.as_str().into()).collect()
}

fn rules(args: &ReoptimizeArgs) -> anyhow::Result<Rules> {
    let mut rules = Rules {
        strategy: args.strategy,
        frozen_hours: args.frozen_hours,
        change_cents: args.change_cents,
        age_percent_per_day: args.age_percent,
        ..Rules::default()
    };
    for text in &args.weight {
        let set = text.split_once('=').and_then(|(part, percent)| {
            let percent = percent.parse().ok().filter(|&p| p <= Weights::MOST)?;
            rules.weights.set(part, percent).then_some(())
        });
        set.with_context(|| {
            format!("--weight {text}: expected split, late, speed or short, =, and a percentage")
        })?;
    }
    for text in &args.channel_strategy {
        let (channel, how) = text
            .split_once('=')
            .with_context(|| format!("--channel-strategy {text}: expected CHANNEL=STRATEGY"))?;
        let how = strategy(how).map_err(|why| anyhow!("--channel-strategy {text}: {why}"))?;
        rules.by_channel.insert(channel.into(), how);
    }
    Ok(rules)
}

/// An engine of our own in the state of a snapshot or a data directory, and the moment of it.
fn engine(args: &ReoptimizeArgs) -> anyhow::Result<(Engine, EpochMillis)> {
    let folder = args.network.clone().unwrap_or_else(sample_network);
    let spinner = progress::spinner("bringing the state back");
    let files = load::network_folder(&folder)?;
    let mut replay = Replay::new(files.network, Limits::default())?;
    let (file, dir) = match (&args.snapshot, &args.data_dir) {
        (Some(file), None) => (Some(open(file)?), None),
        (None, Some(dir)) => (newest(dir)?, Some(dir)),
        _ => bail!("give --snapshot FILE or --data-dir DIR"),
    };
    let (mut at, mut last_at) = (Lsn(0), EpochMillis::default());
    if let Some(file) = &file {
        file.verify(&mut |_, _| {})?;
        (at, last_at) = replay.restore(file, &|_, _| {})?;
    }
    if let Some(dir) = dir {
        let mut failed = None;
        let mut apply = |lsn: Lsn, moment: EpochMillis, fact| {
            (at, last_at) = (lsn, last_at.max(moment));
            if failed.is_none() {
                let applied = replay.apply(moment, fact);
                failed = applied.err().map(|why| format!("fact {}: {why}", lsn.0));
            }
        };
        let after = file.as_ref().map_or(Lsn(0), File::at);
        scan_after(&RealDisk, dir, after, &mut apply)?;
        if let Some(why) = failed {
            bail!("{why}");
        }
    }
    ensure!(
        at > Lsn(0),
        "there is no state: neither a snapshot nor facts"
    );
    let now = Clock::start().not_before(last_at).now();
    // The opening names the items that the folder's rules and prices are about.
    let engine = replay.finish(files.opening, None, at, now)?;
    spinner.finish_and_clear();
    Ok((engine, now))
}

fn open(path: &Path) -> anyhow::Result<File> {
    use crate::journal::Disk as _;
    let name = path.file_name().and_then(|n| n.to_str());
    let name = name.with_context(|| format!("{} is no snapshot", path.display()))?;
    let map = RealDisk.map(path);
    let map = map.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(File::open(name, map)?)
}

fn newest(dir: &Path) -> anyhow::Result<Option<File>> {
    let mut there = found(&RealDisk, dir)?.into_iter();
    there.next().map(|f| open(&dir.join(f.name))).transpose()
}

/// Optimises, and checks what came of it.
fn solve(args: &ReoptimizeArgs, snapshot: &Snapshot) -> anyhow::Result<PlanFile> {
    let effort = Effort {
        seed: args.seed,
        ..Effort::usual(snapshot.problem.orders.len())
    };
    let threads = args.threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let bar = progress::told("pricing shipments", 1);
    let limit = args.seconds.map(Duration::from_secs);
    let start = Instant::now();
    let over = |stage: Stage| limit.is_some_and(|limit| start.elapsed() > stage.share(limit));
    let mut reached = Vec::new();
    let mut hear = |at: crate::backlog::Progress| {
        reached.push(start.elapsed());
        bar.set_length(u64::from(at.of));
        bar.set_position(u64::from(at.done));
        bar.set_message(told(&at));
        match over(at.stage) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let (problem, lanes) = (&snapshot.problem, &snapshot.lanes);
    let outcome = pool.install(|| optimize(problem, lanes, effort, &mut hear));
    reached.push(start.elapsed());
    bar.finish_and_clear();
    check(problem, &outcome)
        .map_err(|rule| anyhow!("the plan breaks a rule, please report it: {rule}"))?;
    let file = PlanFile::new(snapshot, &outcome).timed(&outcome, &reached);
    if !args.transfers {
        return Ok(file);
    }
    let proposals = pool.install(|| transfers(args, snapshot, &outcome))?;
    Ok(file.with_transfers(snapshot, &proposals))
}

/// Transfers that pay for themselves on top of an outcome.
fn transfers(
    args: &ReoptimizeArgs,
    snapshot: &Snapshot,
    outcome: &Outcome,
) -> anyhow::Result<Vec<Proposal>> {
    ensure!(
        args.transfer_cents >= 0 && args.transfer_unit_cents >= 0,
        "--transfer-cents and --transfer-unit-cents: at least 0"
    );
    let promise = snapshot.engine.with_network(|n| n.promise.clone());
    ensure!(
        promise.default != PromiseFrom::Off,
        "--transfers: network.toml promises nothing from incoming units ([promise] from_incoming = \"off\"), so no \
         order could get what a transfer brings"
    );
    let terms = Terms {
        fixed: Cents(args.transfer_cents),
        per_unit: Cents(args.transfer_unit_cents),
        hours: args.transfer_hours.saturating_add(promise.buffer_hours),
        hours_per_1000_km: args.transfer_hours_per_1000_km,
        most: args.transfers_most,
    };
    let effort = Effort {
        iterations: 120,
        rounds: 20,
        passes: 0,
        nodes: 20_000,
        solver_nodes: 0,
        seed: args.seed,
    };
    // As long again as the plan had.
    let (start, budget) = (Instant::now(), args.seconds.map(Duration::from_secs));
    let bar = progress::told("looking for transfers", 1);
    let mut hear = |done: usize, of: usize| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        match budget {
            Some(budget) if start.elapsed() > budget => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let (problem, lanes) = (&snapshot.problem, &snapshot.lanes);
    let proposals = propose(problem, outcome, lanes, terms, effort, &mut hear);
    bar.finish_and_clear();
    proposals.map_err(|rule| anyhow!("a transfer's plan breaks a rule, please report it: {rule}"))
}

/// How far it is, in words: what is worked at, what the best plan costs, what none costs less than,
/// and how far they are apart.
fn told(at: &crate::backlog::Progress) -> String {
    let whole = |cents: Cents| thousands(cents.0.max(0).unsigned_abs() / 100);
    let bound = whole(at.at.bound);
    match (at.stage, at.at.cents) {
        (Stage::Sheets, _) => "pricing shipments".into(),
        // Orders with many items are routed anew at the end: until then nothing is proven of all.
        (_, Some(cents)) if at.at.bound.0 == 0 => format!("improving  cost {}", whole(cents)),
        (_, None) if at.at.bound.0 == 0 => "pricing scarce units".into(),
        (_, Some(cents)) => {
            let over = (cents.0 - at.at.bound.0).max(0);
            let gap = over.saturating_mul(10_000) / at.at.bound.0.max(1);
            let (percent, rest) = (gap / 100, gap % 100);
            format!(
                "improving  cost {}  bound {bound}  gap {percent}.{rest:02} %",
                whole(cents)
            )
        }
        (_, None) => format!("pricing scarce units  bound {bound}"),
    }
}
