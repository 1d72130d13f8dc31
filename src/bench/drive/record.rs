//! What was measured: latencies by command, over time, and the driver's own delay.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "statistics for people"
)]

use super::schedule::{Nanos, SECOND};
use crate::bench::profile::Kind;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest latency that is told apart: an hour.
const LONGEST: u64 = 3_600 * SECOND;

/// A histogram of nanoseconds with three significant digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are valid")
}

/// What came of the commands of a kind.
#[derive(Debug, Clone)]
pub struct Tally {
    /// From due to answered, of everything that was answered with yes or no.
    pub latency: Histogram<u64>,
    /// Answered yes.
    pub done: u64,
    /// Answered no, as a shop hears it.
    pub refused: u64,
    /// Answered with an error that no run should see.
    pub failed: u64,
    /// Without an answer when the driver stopped waiting; they count with the time they had waited.
    pub unanswered: u64,
    /// Asked again because the server could not answer yet.
    pub again: u64,
    /// Units of all that were ever done, the warm-up's among them.
    pub units: u64,
    /// Number of all that were ever done, the warm-up's among them.
    pub whole: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            latency: histogram(),
            done: 0,
            refused: 0,
            failed: 0,
            unanswered: 0,
            again: 0,
            units: 0,
            whole: 0,
        }
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.latency += &other.latency;
        self.done += other.done;
        self.refused += other.refused;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
        self.again += other.again;
        self.units += other.units;
        self.whole += other.whole;
    }

    /// Yes or no.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.done + self.refused
    }
}

/// The commands that were answered within a part of the run.
#[derive(Debug, Clone)]
pub struct Interval {
    /// Their latencies, two digits of them.
    pub latency: Histogram<u64>,
}

impl Default for Interval {
    fn default() -> Self {
        let latency = Histogram::new_with_bounds(1_000, LONGEST, 2);
        Self {
            latency: latency.expect("the bounds are valid"),
        }
    }
}

/// Everything that one thread, or all of them, measured.
#[derive(Debug, Clone)]
pub struct Record {
    kinds: BTreeMap<Kind, Tally>,
    /// From due to seen by the driver: its own delay, of which no server knows.
    pub lag: Histogram<u64>,
    /// The run in equal parts.
    pub timeline: Vec<Interval>,
    /// How long each of them is.
    pub interval: Nanos,
    /// Codes of refusals.
    pub codes: BTreeMap<Box<str>, u64>,
    /// The first errors that no run should see.
    pub failures: Vec<Box<str>>,
    /// Commands are due from here on; those before are the warm-up.
    pub warm_up: Nanos,
    /// The last reply that counts.
    pub last_reply: Nanos,
    /// Time in which the driver's threads waited, and time that they ran altogether.
    pub waited: Nanos,
    /// See `waited`.
    pub ran: Nanos,
    /// A hash of the commands sent, in any order.
    pub commands_hash: u64,
    /// Commands of the schedule that were sent.
    pub sent: u64,
    /// Connections that were lost and opened again.
    pub reconnects: u64,
    /// Bytes over the wire, both ways.
    pub bytes: u64,
}

/// Failures kept for the report.
const FAILURES_KEPT: usize = 5;

impl Record {
    /// Nothing measured yet, of a run whose first `warm_up` does not count.
    #[must_use]
    pub fn new(warm_up: Nanos, interval: Nanos) -> Self {
        Self {
            kinds: BTreeMap::new(),
            lag: histogram(),
            timeline: Vec::new(),
            interval: interval.max(1),
            codes: BTreeMap::new(),
            failures: Vec::new(),
            warm_up,
            last_reply: 0,
            waited: 0,
            ran: 0,
            commands_hash: 0,
            sent: 0,
            reconnects: 0,
            bytes: 0,
        }
    }

    /// What came of `kind`, if it counts.
    pub(super) fn tally(&mut self, kind: Kind) -> &mut Tally {
        self.kinds.entry(kind).or_default()
    }

    /// A latency.
    pub(super) fn latency(&mut self, kind: Kind, due: Nanos, now: Nanos) {
        let took = now.saturating_sub(due).max(1);
        self.tally(kind).latency.saturating_record(took);
        let part = usize::try_from(now / self.interval).unwrap_or(usize::MAX);
        // A driver that waits longer than any run lasts would only cost memory.
        if part < 1 << 16 {
            if self.timeline.len() <= part {
                self.timeline.resize_with(part + 1, Interval::default);
            }
            self.timeline[part].latency.saturating_record(took);
        }
        self.last_reply = self.last_reply.max(now);
    }

    pub(super) fn failure(&mut self, text: Box<str>) {
        if self.failures.len() < FAILURES_KEPT {
            self.failures.push(text);
        }
    }

    /// Adds what another thread measured.
    pub fn add(&mut self, other: Self) {
        for (kind, tally) in &other.kinds {
            self.tally(*kind).add(tally);
        }
        self.lag += &other.lag;
        if self.timeline.len() < other.timeline.len() {
            let length = other.timeline.len();
            self.timeline.resize_with(length, Interval::default);
        }
        for (ours, theirs) in self.timeline.iter_mut().zip(&other.timeline) {
            ours.latency += &theirs.latency;
        }
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        for failure in other.failures {
            self.failure(failure);
        }
        self.last_reply = self.last_reply.max(other.last_reply);
        self.waited += other.waited;
        self.ran += other.ran;
        self.commands_hash = self.commands_hash.wrapping_add(other.commands_hash);
        self.sent += other.sent;
        self.reconnects += other.reconnects;
        self.bytes += other.bytes;
    }

    /// By command.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, &Tally)> {
        self.kinds.iter().map(|(kind, tally)| (*kind, tally))
    }

    /// All commands together.
    #[must_use]
    pub fn all(&self) -> Tally {
        let mut all = Tally::default();
        self.kinds.values().for_each(|tally| all.add(tally));
        all
    }

    /// Seconds in which what counts was answered.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.last_reply.saturating_sub(self.warm_up) as f64 / SECOND as f64
    }

    /// The share of its time in which the driver had something to do.
    #[must_use]
    pub fn busy(&self) -> f64 {
        1.0 - self.waited as f64 / (self.ran as f64).max(1.0)
    }
}

/// Latencies as a report shows them, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Half are below.
    pub p50: u64,
    /// Nine of ten are below.
    pub p90: u64,
    /// 99 of a hundred.
    pub p99: u64,
    /// 999 of a thousand.
    pub p999: u64,
    /// The longest.
    pub max: u64,
    /// The mean, rounded down.
    pub mean: u64,
}

impl Summary {
    /// Of a histogram; zeros when it is empty.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean of nanoseconds lies among them"
    )]
    pub fn of(latency: &Histogram<u64>) -> Self {
        if latency.is_empty() {
            return Self::default();
        }
        let at = |quantile| latency.value_at_quantile(quantile);
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: latency.max(),
            mean: latency.mean() as u64,
        }
    }
}
