//! The runs of one search: on one server that stays, until it has grown too large.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates and seconds for people"
)]

use super::super::bar::Bar;
use super::super::options::{Folder, Rate};
use super::super::table::{count, time};
use super::clock::Clock;
use super::{CapacityArgs, Wanted};
use crate::bench::capacity::{Objective, Point, Purpose, Trial};
use crate::bench::drive::Pacing;
use crate::bench::profile::Shape;
use crate::bench::run::{Outcome, Report, Session, Settings};
use std::time::{Duration, Instant};

/// A trial at a rate that is too high is known to be so after this.
const PATIENCE: Duration = Duration::from_secs(2);
/// A server is replaced when it has grown by this share of the machine's memory: an eighth.
const WORN_SHARE: u64 = 8;
/// A search begins at this part of what a closed loop reaches: low enough that the knee is seen.
const BEGIN: f64 = 16.0;
/// The same where time is short.
const BEGIN_SHORT: f64 = 4.0;
/// Cores that others may use without being told.
const OTHERS: f64 = 0.2;
/// What is said of a run in which the driver was late himself.
pub(super) const DRIVER_LATE: &str = "the driver was late";

/// A server, and the folder that it lives in; it ends before the folder is removed.
struct Held {
    session: Session,
    _folder: Folder,
}

/// Runs of one search.
pub(super) struct Runner<'a> {
    args: &'a CapacityArgs,
    want: &'a Wanted,
    bar: &'a Bar,
    settings: Settings,
    /// Before every identity; the number of the run follows.
    prefix: String,
    held: Option<Held>,
    /// Memory before the server's first run.
    fresh: Option<u64>,
    runs: u64,
    /// Seconds that a run takes beside those of its load.
    beside: f64,
    books_good: bool,
    /// Runs that an answer could be, by rate.
    kept: Vec<(f64, Outcome)>,
}

impl<'a> Runner<'a> {
    /// Starts the server.
    pub(super) fn open(
        args: &'a CapacityArgs,
        want: &'a Wanted,
        bar: &'a Bar,
    ) -> anyhow::Result<Self> {
        let (held, settings) = held(args, want, bar)?;
        Ok(Self {
            args,
            want,
            bar,
            prefix: settings.prefix.clone(),
            settings,
            held: Some(held),
            fresh: None,
            runs: 0,
            beside: 1.0,
            books_good: true,
            kept: Vec::new(),
        })
    }

    /// Where the search begins: at what was asked for, or at a part of what a closed loop reaches.
    pub(super) fn start(&mut self, clock: &Clock) -> anyhow::Result<f64> {
        if let Some(Rate::PerSecond(rate)) = self.args.options.rate {
            return Ok(rate);
        }
        self.settings.pacing = Pacing::Closed;
        self.settings.profile.arrivals.shape = Shape::Constant;
        let outcome = self.measure(false)?;
        self.settings.pacing = Pacing::Open;
        self.settings.profile.arrivals.shape = Shape::Poisson;
        // Commands that replies asked for are not offered by a schedule.
        let seconds = outcome.record.last_reply as f64 / 1e9;
        let most = (outcome.record.sent as f64 / seconds.max(1e-9)).max(1.0);
        let part = if clock.is_bounded() {
            BEGIN_SHORT
        } else {
            BEGIN
        };
        self.bar.line(&format!(
            "{:>12}/s  as much as goes in a closed loop; the search begins at 1/{part:.0} of that",
            count(most)
        ));
        Ok(most / part)
    }

    /// About how many seconds a short or a longer run takes.
    pub(super) fn takes(&self, long: bool) -> f64 {
        self.seconds(long) as f64 + self.beside
    }

    fn seconds(&self, long: bool) -> u64 {
        self.want.profile.run.seconds * if long { 2 } else { 1 }
    }

    /// Runs what a search wants.
    pub(super) fn run(&mut self, trial: Trial) -> anyhow::Result<Point> {
        let confirms = trial.purpose == Purpose::Confirm;
        self.settings.profile.arrivals.rate = trial.rate;
        let outcome = self.measure(confirms)?;
        let point = judged(&self.args.slo, trial, &outcome.report);
        if point.holds && (confirms || self.args.confirmations == 0) {
            self.kept.push((trial.rate, outcome));
        }
        Ok(point)
    }

    /// Ends: whether all books added up, and the run that confirmed `answer`.
    pub(super) fn close(self, answer: Option<f64>) -> (bool, Option<Outcome>) {
        let is = |(rate, _): &(f64, Outcome)| answer.is_some_and(|a| a.total_cmp(rate).is_eq());
        let run = self.kept.into_iter().rfind(is);
        (self.books_good, run.map(|(_, outcome)| outcome))
    }

    fn measure(&mut self, long: bool) -> anyhow::Result<Outcome> {
        let began = Instant::now();
        self.settings.profile.run.seconds = self.seconds(long);
        self.settings.prefix = format!("{}t{}-", self.prefix, self.runs);
        self.runs += 1;
        let session = match &mut self.held {
            Some(held) => &mut held.session,
            none => {
                let (held, settings) = held(self.args, self.want, self.bar)?;
                // Only where it lives is new.
                self.settings.target = settings.target;
                self.fresh = None;
                &mut none.insert(held).session
            }
        };
        let outcome = session.run(&self.settings, self.bar)?;
        self.books_good &= outcome.report.check.is_good();
        if self.is_worn(&outcome.report) {
            self.held = None;
        }
        self.beside = (began.elapsed().as_secs_f64() - self.seconds(long) as f64).max(0.1);
        Ok(outcome)
    }

    /// Whether the server has so many orders of earlier trials that later ones would be told of another one.
    fn is_worn(&mut self, report: &Report) -> bool {
        let own = self.args.options.connect.is_none() && self.args.options.target.is_none();
        let Some(server) = report.server.filter(|_| own) else {
            return false;
        };
        let fresh = *self.fresh.get_or_insert(server.memory_before);
        let most = report.conditions.memory_bytes / WORN_SHARE;
        server.memory_after.saturating_sub(fresh) > most.max(1 << 28)
    }
}

fn held(args: &CapacityArgs, want: &Wanted, bar: &Bar) -> anyhow::Result<(Held, Settings)> {
    let folder = args.options.folder()?;
    let (name, profile) = (want.name.clone(), want.profile.clone());
    let mut settings = args.options.settings(name, profile, folder.path())?;
    settings.durability = want.durability.to_string();
    settings.pacing = Pacing::Open;
    settings.patience = PATIENCE;
    let session = Session::open(&settings, bar)?;
    let held = Held {
        session,
        _folder: folder,
    };
    Ok((held, settings))
}

/// Whether a run held, and why not.
fn judged(slo: &Objective, trial: Trial, report: &Report) -> Point {
    let latency = report.all.latency;
    let broken = slo.broken_by(&latency);
    let broken = broken.map(|(limit, found)| format!("{} is {}", limit.name, time(found)));
    let failed = (report.all.failed > 0).then(|| format!("{} commands failed", report.all.failed));
    let oversold = (!report.check.is_good()).then(|| "the books are wrong".to_owned());
    let driver = &report.driver;
    let behind = driver.behind.is_some();
    let mut why = oversold
        .or(failed)
        .or(broken)
        .or_else(|| behind.then(|| "did not keep up".to_owned()))
        .or_else(|| (latency.max == 0).then(|| "nothing was due".to_owned()));
    // Who is late himself cannot tell that the server was not.
    if let (Some(text), Some(_)) = (&why, &driver.limit) {
        why = Some(format!("{text} ({DRIVER_LATE})"));
    }
    let others = report.conditions.others.filter(|cores| *cores >= OTHERS);
    if let (Some(text), Some(cores)) = (&why, others) {
        why = Some(format!("{text} (others used {cores:.1} cores)"));
    }
    Point {
        rate: trial.rate,
        answered: report.per_second,
        latency,
        cores: report.server.map_or(0.0, |s| s.cores),
        holds: why.is_none(),
        why,
        purpose: trial.purpose,
    }
}
