//! From a profile to a report.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates for people"
)]

use super::audit;
use super::conditions::{Conditions, Machine};
use super::consumers::Readers;
use super::exchange::exchange;
use super::offer::{Offer, beginning, offer};
use super::report::{self, DriverSide, FORMAT, Mark, Report, Row, Usage};
use super::server::Serving;
use super::watch::Watch;
use crate::bench::dialect::{Allot, Dialect};
use crate::bench::drive::{Gauge, Pacing, Plan, Record, SECOND, Schedule};
use crate::bench::profile::{Catalogue, Load, Profile, Workload};
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long replies are waited for after the last command was due.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where a server is restarted meanwhile.
const PATIENCE_RESTART: Duration = Duration::from_secs(60);

/// The server that is measured.
#[derive(Debug, Clone)]
pub enum Target {
    /// One of our own: the program, and a folder that is empty.
    Own {
        /// What to start.
        program: PathBuf,
        /// Where its network and data go.
        folder: PathBuf,
    },
    /// One that runs, with the profile's catalogue loaded.
    Running(SocketAddr),
}

/// A run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the profile.
    pub name: String,
    /// The profile, with its sizes as they are to be.
    pub profile: Profile,
    /// The server.
    pub target: Target,
    /// When a reply to a write leaves, of a server of our own.
    pub durability: String,
    /// Further arguments of a server of our own.
    pub server_arguments: Vec<String>,
    /// How it is paced.
    pub pacing: Pacing,
    /// Threads of the driver.
    pub threads: usize,
    /// Seed of commands and moments.
    pub seed: u64,
    /// Before every identity; for a server that has seen other runs.
    pub prefix: String,
}

/// Who hears how far it is.
pub trait Progress: Sync {
    /// A step begins.
    fn step(&self, what: &str);
    /// So much of the step is done, of so much.
    fn at(&self, done: u64, of: u64);
}

/// What a run leaves.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// The histograms that it was made of.
    pub record: Record,
}

/// Runs it all.
///
/// # Errors
/// When the server does not start, a connection fails, or the books cannot be read.
pub fn measure(settings: &Settings, progress: &dyn Progress) -> anyhow::Result<Outcome> {
    let machine = Machine::look();
    let profile = &settings.profile;
    let catalogue = Arc::new(Catalogue::new(profile));
    let workload = Arc::new(Workload::new(profile, settings.seed));
    let dialect: Arc<dyn Dialect> = Arc::new(Allot::new(
        catalogue.clone(),
        workload.clone(),
        profile.baskets.allow_backorder,
        &settings.prefix,
    ));
    let server = start(settings, &catalogue, progress)?;
    let address = match (&settings.target, &server) {
        (Target::Running(address), _) => *address,
        (Target::Own { .. }, Some(server)) => server.address(),
        (Target::Own { .. }, None) => anyhow::bail!("the server was not started"),
    };
    if profile.before.orders > 0 {
        progress.step("submitting the orders before");
        let of = profile.before.orders;
        let operations = (0..of).map(|number| workload.before(number));
        exchange(address, &*dialect, operations, |done| progress.at(done, of))?;
    }
    progress.step(&profile.title);
    let began = beginning();
    let watch = Watch::start(address, began);
    let readers = profile.consumers.map(|c| Readers::start(address, c));
    let schedule = profile.schedule();
    let run = Run {
        settings,
        address,
        dialect,
        workload: &*workload,
        schedule: &schedule,
        began,
    };
    let server = Mutex::new(server);
    let (record, mut marks) = run.go(&server, progress)?;
    let events_read = readers.map(Readers::end);
    let samples = watch.end();
    marks.extend(report::snapshot_marks(&samples));
    progress.step("reading the books");
    let mut checked = audit::allot(address, &catalogue)?;
    if report::can_count(profile) && matches!(settings.target, Target::Own { .. }) {
        checked.check.granted = Some(record.all().units);
    }
    for (kind, tally) in record.kinds() {
        checked.hash.update(kind.command().as_bytes());
        checked.hash.update(&tally.done.to_le_bytes());
        checked.hash.update(&tally.refused.to_le_bytes());
    }
    let (offered, most) = schedule.rates();
    let open = settings.pacing == Pacing::Open;
    let (seconds, all) = (record.seconds(), record.all());
    let orders = record.kinds().filter(|(kind, _)| kind.is_order());
    let orders: u64 = orders.map(|(_, tally)| tally.answered()).sum();
    let rows = record.kinds();
    let report = Report {
        format: FORMAT,
        profile: settings.name.clone(),
        title: profile.title.clone(),
        conditions: conditions(settings, &catalogue, machine, address),
        pacing: if open { "open" } else { "closed" }.to_owned(),
        offered_per_second: if open { offered } else { 0.0 },
        offered_most: if open { most } else { 0.0 },
        per_second: all.answered() as f64 / seconds.max(1e-9),
        orders_per_second: orders as f64 / seconds.max(1e-9),
        commands: rows
            .map(|(kind, tally)| Row::of(kind.command(), tally, seconds))
            .collect(),
        all: Row::of("all", &all, seconds),
        refusals: record
            .codes
            .iter()
            .map(|(k, v)| (k.to_string(), *v))
            .collect(),
        failures: record.failures.iter().map(ToString::to_string).collect(),
        driver: DriverSide::of(&record, settings.pacing, offered),
        check: checked.check,
        commands_hash: format!("{:016x}", record.commands_hash),
        result_hash: format!("{:016x}", checked.hash.digest()),
        server: Usage::of(&samples),
        events_read,
        timeline: report::timeline(&record),
        marks,
        samples,
        quantiles: report::quantiles(&all),
    };
    Ok(Outcome { report, record })
}

/// Starts a server of our own, with the catalogue.
fn start(
    settings: &Settings,
    catalogue: &Catalogue,
    progress: &dyn Progress,
) -> anyhow::Result<Option<Serving>> {
    let Target::Own { program, folder } = &settings.target else {
        return Ok(None);
    };
    progress.step("writing the catalogue");
    let network = folder.join("network");
    catalogue
        .write(&network)
        .with_context(|| format!("cannot write {}", network.display()))?;
    progress.step("starting the server");
    let more = &settings.server_arguments;
    let mut server = Serving::start(program, folder, &settings.durability, more)?;
    server.wait_until_ready()?;
    Ok(Some(server))
}

struct Run<'a> {
    settings: &'a Settings,
    address: SocketAddr,
    dialect: Arc<dyn Dialect>,
    workload: &'a dyn Load,
    schedule: &'a Schedule,
    began: Instant,
}

impl Run<'_> {
    /// Offers the load; kills and restarts the server in the middle of it if the profile says so.
    fn go(
        &self,
        server: &Mutex<Option<Serving>>,
        progress: &dyn Progress,
    ) -> anyhow::Result<(Record, Vec<Mark>)> {
        let (settings, profile) = (self.settings, &self.settings.profile);
        let own = matches!(settings.target, Target::Own { .. });
        let restart = profile.restart.filter(|_| own);
        let patience = if restart.is_some() {
            PATIENCE_RESTART
        } else {
            PATIENCE
        };
        let length = self.schedule.length();
        let load = Offer {
            address: self.address,
            dialect: self.dialect.clone(),
            load: self.workload,
            schedule: self.schedule,
            seed: settings.seed,
            connections: profile.run.connections as usize,
            threads: settings.threads,
            plan: Plan {
                pacing: settings.pacing,
                depth: profile.run.depth as usize,
                until: length,
                patience: u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX),
                reconnect: restart.is_some(),
            },
            warm_up: profile.run.warm_up_seconds * SECOND,
        };
        let gauge = Gauge::default();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let now = gauge.now.load(Ordering::Relaxed);
                    progress.at(now.min(length) / 1_000_000, length / 1_000_000);
                    std::thread::park_timeout(Duration::from_millis(100));
                }
            });
            let crash = restart.map(|restart| {
                let at = Duration::from_nanos(length / 100 * restart.at_percent.min(100));
                scope.spawn(move || crash(server, self.began, at))
            });
            let record = offer(&load, &gauge, self.began);
            ended.store(true, Ordering::Relaxed);
            let marks = match crash.map(std::thread::ScopedJoinHandle::join) {
                None => Ok(Vec::new()),
                Some(Ok(mark)) => mark.map(|mark| vec![mark]),
                Some(Err(_)) => Err(anyhow::anyhow!("the thread that restarts the server died")),
            };
            Ok((record?, marks?))
        })
    }
}

/// Kills the server `at` so much after the beginning, and starts it again.
fn crash(server: &Mutex<Option<Serving>>, began: Instant, at: Duration) -> anyhow::Result<Mark> {
    std::thread::sleep((began + at).saturating_duration_since(Instant::now()));
    let millis = || {
        let since = Instant::now().saturating_duration_since(began);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    };
    let at_ms = millis();
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = server.as_mut() {
        server.crash_and_restart()?;
        server.wait_until_ready()?;
    }
    Ok(Mark {
        at_ms,
        to_ms: millis(),
        what: "killed and restarted".into(),
    })
}

fn conditions(
    settings: &Settings,
    catalogue: &Catalogue,
    machine: Machine,
    address: SocketAddr,
) -> Conditions {
    let profile = &settings.profile;
    let own = matches!(settings.target, Target::Own { .. });
    Conditions {
        at: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        cpu: machine.cpu,
        cores: machine.cores,
        memory_bytes: machine.memory_bytes,
        system: machine.system,
        load_before: machine.load,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised: !cfg!(debug_assertions),
        target: match own {
            true => "a server of its own on loopback".to_owned(),
            false => address.to_string(),
        },
        durability: settings.durability.clone(),
        skus: profile.catalogue.skus,
        locations: catalogue.locations(),
        positions: profile.positions(),
        orders_before: profile.before.orders,
        connections: profile.run.connections,
        depth: profile.run.depth,
        threads: settings.threads,
        seconds: profile.run.seconds,
        warm_up_seconds: profile.run.warm_up_seconds,
        seed: settings.seed,
    }
}
