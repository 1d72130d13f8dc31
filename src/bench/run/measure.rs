//! From a profile to a report.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates for people"
)]

use super::audit::{self, Checked};
use super::conditions::{Conditions, Machine};
use super::consumers::Readers;
use super::exchange::exchange;
use super::offer::{Offer, beginning, offer};
use super::peer::Peer;
use super::report::{self, DriverSide, FORMAT, Mark, Report, Row, Usage};
use super::server::Serving;
use super::watch::{Others, Sample, Watch, wait_until_idle};
use crate::bench::dialect::{Allot, Dialect};
use crate::bench::drive::{Gauge, Pacing, Plan, Record, SECOND, Schedule};
use crate::bench::profile::{Catalogue, Load, Operation, OrderId, Profile, Workload};
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long replies are waited for at least, where a server is restarted meanwhile.
const PATIENCE_RESTART: Duration = Duration::from_secs(60);

/// The server that is measured.
#[derive(Debug, Clone)]
pub enum Target {
    /// One of our own: the program, and a folder that is empty.
    Own {
        /// What to start.
        program: PathBuf,
        /// Where its data go, and its network if none is given.
        folder: PathBuf,
        /// A network folder in place of the profile's catalogue.
        network: Option<PathBuf>,
    },
    /// One that runs.
    Running {
        /// Where.
        address: SocketAddr,
        /// Whether it has the profile's catalogue; another's items are not read one by one.
        catalogue: bool,
    },
    /// Another system.
    Peer(Peer),
}

/// What is measured, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the profile.
    pub name: String,
    /// The profile, with its sizes as they are to be.
    pub profile: Profile,
    /// The server.
    pub target: Target,
    /// When a reply to a write leaves, of a server of our own; of a peer it only names what it was told.
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
    /// How long replies are waited for after the last command was due.
    pub patience: Duration,
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
    /// When it began.
    pub began: SystemTime,
}

/// A server that is there, for one run or several.
pub struct Session {
    target: Target,
    /// Present when it is our own.
    server: Mutex<Option<Serving>>,
    address: SocketAddr,
    catalogue: Arc<Catalogue>,
    dialect: Option<Arc<dyn Dialect>>,
    /// Units granted by all runs so far.
    granted: u64,
    /// Whether `granted` is all that was ever granted.
    countable: bool,
}

/// Runs a profile from an empty folder to a report.
///
/// # Errors
/// When the server does not start, a connection fails, or the books cannot be read.
pub fn measure(settings: &Settings, progress: &dyn Progress) -> anyhow::Result<Outcome> {
    let mut session = Session::open(settings, progress)?;
    session.run(settings, progress)
}

impl Session {
    /// Starts the server of `settings`, or finds it, with the catalogue of their profile.
    ///
    /// # Errors
    /// When it does not start, or does not take the stock.
    pub fn open(settings: &Settings, progress: &dyn Progress) -> anyhow::Result<Self> {
        let catalogue = Arc::new(Catalogue::new(&settings.profile));
        let (mut server, mut dialect) = (None, None);
        let address = match &settings.target {
            Target::Own {
                program,
                folder,
                network,
            } => {
                let network = match network {
                    Some(network) => network.clone(),
                    None => {
                        progress.step("writing the catalogue");
                        let network = folder.join("network");
                        catalogue
                            .write(&network)
                            .with_context(|| format!("cannot write {}", network.display()))?;
                        network
                    }
                };
                progress.step("starting the server");
                let (mode, more) = (&settings.durability, &settings.server_arguments);
                let mut started = Serving::start(program, folder, &network, mode, more)?;
                started.wait_until_ready()?;
                let address = started.address();
                server = Some(started);
                address
            }
            Target::Running { address, .. } => *address,
            Target::Peer(peer) => {
                progress.step("giving it its stock");
                let durable = settings.durability != "none";
                let tell = |done, of| progress.at(done, of);
                dialect = Some(peer.prepare(&catalogue, durable, tell)?);
                peer.address()
            }
        };
        Ok(Self {
            target: settings.target.clone(),
            server: Mutex::new(server),
            address,
            catalogue,
            dialect,
            granted: 0,
            countable: !matches!(settings.target, Target::Running { .. }),
        })
    }

    /// Offers the load of `settings`' profile, whose catalogue must be that of the session.
    ///
    /// # Errors
    /// When a connection fails, or the books cannot be read.
    pub fn run(&mut self, settings: &Settings, progress: &dyn Progress) -> anyhow::Result<Outcome> {
        let workload = Arc::new(Workload::new(&settings.profile, settings.seed));
        let schedule = settings.profile.schedule();
        self.run_load(settings, &workload, &*workload, &schedule, progress)
    }

    /// The same with another load than the profile's, by another schedule.
    ///
    /// # Errors
    /// When a connection fails, or the books cannot be read.
    pub fn run_load(
        &mut self,
        settings: &Settings,
        workload: &Arc<Workload>,
        load: &dyn Load,
        schedule: &Schedule,
        progress: &dyn Progress,
    ) -> anyhow::Result<Outcome> {
        let machine = Machine::look();
        let profile = &settings.profile;
        let ours = !matches!(self.target, Target::Peer(_));
        let dialect = match &self.dialect {
            Some(dialect) => dialect.with_prefix(&settings.prefix),
            None => {
                let policy = profile.baskets.allow_backorder;
                let dialect = Allot::new(self.catalogue.clone(), workload.clone(), policy);
                dialect.with_prefix(&settings.prefix)
            }
        };
        if profile.before.orders > 0 && ours {
            progress.step("submitting the orders before");
            let of = profile.before.orders;
            let operations = (0..of).map(|number| workload.before(number));
            exchange(self.address, &*dialect, operations, |done| {
                progress.at(done, of)
            })?;
            if profile.before.delivered {
                progress.step("shipping and delivering them");
                self.deliver(&*dialect, progress)?;
            }
        }
        if ours {
            wait_until_idle(self.address);
        }
        progress.step(&profile.title);
        let counted = ours && profile.restart.is_none();
        let others = counted.then(|| Others::start(self.address)).flatten();
        let (began, began_at) = (beginning(), SystemTime::now());
        let watch = ours.then(|| Watch::start(self.address, began));
        let readers = profile.consumers.filter(|_| ours);
        let readers = readers.map(|c| Readers::start(self.address, c));
        let run = Run {
            settings,
            server: &self.server,
            address: self.address,
            dialect,
            load,
            schedule,
            began,
        };
        let driven = run.go(progress);
        let events_read = readers.map(Readers::end);
        let samples = watch.map(Watch::end).unwrap_or_default();
        let others = others.and_then(|others| others.cores());
        let (record, mut marks) = driven?;
        marks.extend(report::snapshot_marks(&samples));
        progress.step("reading the books");
        self.granted += record.all().units;
        self.countable &= report::can_count(profile, ours);
        let mut checked = self.books()?;
        for (kind, tally) in record.kinds() {
            checked.hash.update(kind.command().as_bytes());
            checked.hash.update(&tally.done.to_le_bytes());
            checked.hash.update(&tally.refused.to_le_bytes());
        }
        let mut conditions = conditions(settings, &self.catalogue, machine, &self.target);
        conditions.others = others;
        if let Some((skus, locations, positions)) = checked.sizes {
            (conditions.skus, conditions.locations) = (skus, locations);
            conditions.positions = positions;
        }
        let found = Findings {
            settings,
            schedule,
            conditions,
            samples,
            marks,
            checked,
            events_read,
        };
        Ok(Outcome {
            report: found.report(&record),
            record,
            began: began_at,
        })
    }

    /// Every warehouse ships what it has, and all of it is delivered.
    fn deliver(&self, dialect: &dyn Dialect, progress: &dyn Progress) -> anyhow::Result<()> {
        let locations = self.catalogue.locations();
        let silent = |_| ();
        for location in 0..locations {
            progress.at(location.into(), locations.into());
            for round in 0.. {
                let claim = Operation::Claim {
                    id: OrderId::Before((u64::from(location) << 32) | round),
                    location,
                    count: 1_000,
                };
                let parts = exchange(self.address, dialect, std::iter::once(claim), silent)?;
                if parts.is_empty() {
                    break;
                }
                let delivered = parts.clone().into_iter().filter_map(|part| match part {
                    Operation::Ship {
                        order,
                        number,
                        token,
                    } => Some(Operation::Deliver {
                        order,
                        number,
                        token,
                    }),
                    _ => None,
                });
                exchange(self.address, dialect, parts.into_iter(), silent)?;
                exchange(self.address, dialect, delivered, silent)?;
            }
        }
        Ok(())
    }

    /// What the server's own books say now.
    fn books(&self) -> anyhow::Result<Checked> {
        let (known, own_network) = match &self.target {
            Target::Peer(peer) => {
                return peer.check(&self.catalogue, self.countable.then_some(self.granted));
            }
            Target::Own { network, .. } => (true, network.is_some()),
            Target::Running { catalogue, .. } => (*catalogue, false),
        };
        let skus: Vec<u32> = self.catalogue.best_sellers().collect();
        let read = if known && !own_network {
            &skus[..]
        } else {
            &[]
        };
        let mut checked = audit::allot(self.address, read)?;
        checked.check.granted = self.countable.then_some(self.granted);
        Ok(checked)
    }
}

struct Run<'a> {
    settings: &'a Settings,
    server: &'a Mutex<Option<Serving>>,
    address: SocketAddr,
    dialect: Arc<dyn Dialect>,
    load: &'a dyn Load,
    schedule: &'a Schedule,
    began: Instant,
}

impl Run<'_> {
    /// Offers the load; kills and restarts the server in the middle of it if the profile says so.
    fn go(&self, progress: &dyn Progress) -> anyhow::Result<(Record, Vec<Mark>)> {
        let (settings, profile) = (self.settings, &self.settings.profile);
        let own = matches!(settings.target, Target::Own { .. });
        let restart = profile.restart.filter(|_| own);
        let least = restart.map_or(Duration::ZERO, |_| PATIENCE_RESTART);
        let patience = settings.patience.max(least);
        // The last command of a recording is due at its very end.
        let length = self.schedule.length() + 1;
        let load = Offer {
            address: self.address,
            dialect: self.dialect.clone(),
            load: self.load,
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
            let bar = scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let now = gauge.now.load(Ordering::Relaxed);
                    progress.at(now.min(length) / 1_000_000, length / 1_000_000);
                    std::thread::park_timeout(Duration::from_millis(100));
                }
            });
            let crash = restart.map(|restart| {
                let at = Duration::from_nanos(length / 100 * restart.at_percent.min(100));
                scope.spawn(move || crash(self.server, self.began, at))
            });
            let record = offer(&load, &gauge, self.began);
            ended.store(true, Ordering::Relaxed);
            bar.thread().unpark();
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

/// Everything beside the record that a report is made of.
struct Findings<'a> {
    settings: &'a Settings,
    schedule: &'a Schedule,
    conditions: Conditions,
    samples: Vec<Sample>,
    marks: Vec<Mark>,
    checked: Checked,
    events_read: Option<u64>,
}

impl Findings<'_> {
    fn report(self, record: &Record) -> Report {
        let (offered, most) = self.schedule.rates();
        let open = self.settings.pacing == Pacing::Open;
        let (seconds, all) = (record.seconds(), record.all());
        let of_orders = |of: fn(&crate::bench::drive::Tally) -> u64| -> u64 {
            let orders = record.kinds().filter(|(kind, _)| kind.is_order());
            orders.map(|(_, tally)| of(tally)).sum()
        };
        let per_second = |count: u64| count as f64 / seconds.max(1e-9);
        let whole = record.last_reply as f64 / SECOND as f64;
        Report {
            format: FORMAT,
            profile: self.settings.name.clone(),
            title: self.settings.profile.title.clone(),
            conditions: self.conditions,
            pacing: if open { "open" } else { "closed" }.to_owned(),
            offered_per_second: if open { offered } else { 0.0 },
            offered_most: if open { most } else { 0.0 },
            per_second: per_second(all.answered()),
            orders_per_second: per_second(of_orders(crate::bench::drive::Tally::answered)),
            orders: of_orders(|tally| tally.whole),
            wire_per_second: record.bytes as f64 / whole.max(1e-9),
            commands: record
                .kinds()
                .map(|(kind, tally)| Row::of(kind.command(), tally, seconds))
                .collect(),
            all: Row::of("all", &all, seconds),
            refusals: record
                .codes
                .iter()
                .map(|(k, v)| (k.to_string(), *v))
                .collect(),
            failures: record.failures.iter().map(ToString::to_string).collect(),
            driver: DriverSide::of(
                record,
                self.settings.pacing,
                offered,
                self.schedule.length(),
            ),
            check: self.checked.check,
            commands_hash: format!("{:016x}", record.commands_hash),
            result_hash: format!("{:016x}", self.checked.hash.digest()),
            server: Usage::of(&self.samples),
            events_read: self.events_read,
            timeline: report::timeline(record),
            marks: self.marks,
            samples: self.samples,
            quantiles: report::quantiles(&all),
            histogram: report::histogram(&all),
        }
    }
}

fn conditions(
    settings: &Settings,
    catalogue: &Catalogue,
    machine: Machine,
    target: &Target,
) -> Conditions {
    let profile = &settings.profile;
    Conditions {
        at: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        cpu: machine.cpu,
        cores: machine.cores,
        memory_bytes: machine.memory_bytes,
        system: machine.system,
        load_before: machine.load,
        others: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised: !cfg!(debug_assertions),
        target: match target {
            Target::Own { .. } => "a server of its own on loopback".to_owned(),
            Target::Running { address, .. } => address.to_string(),
            Target::Peer(peer) => format!("{} at {}", peer.name(), peer.address()),
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
