//! A run as data: what is printed, drawn, written as JSON and compared.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "statistics for people"
)]

use super::audit::Check;
use super::conditions::Conditions;
use super::watch::Sample;
use crate::bench::drive::{Nanos, Pacing, Record, Summary, Tally};
use crate::bench::profile::{Kind, Profile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this shape; a reader refuses another.
pub const FORMAT: u32 = 1;
/// A driver that is late by more than this on one command in a hundred, and that accounts for half of
/// the latency, is the limit.
const LATE: u64 = 1_000_000;

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the profile.
    pub profile: String,
    /// Its title.
    pub title: String,
    /// The machine and the sizes.
    pub conditions: Conditions,
    /// `open`: latency counts from when a command was due; `closed`: from when it was sent.
    pub pacing: String,
    /// Commands a second that were offered, on average; 0 in a closed loop.
    pub offered_per_second: f64,
    /// The same where it was most.
    pub offered_most: f64,
    /// Commands answered a second.
    pub per_second: f64,
    /// Orders among them.
    pub orders_per_second: f64,
    /// Orders that were accepted, the warm-up's among them.
    pub orders: u64,
    /// Bytes a second over the wire, both ways.
    pub wire_per_second: f64,
    /// All commands together.
    pub all: Row,
    /// By command.
    pub commands: Vec<Row>,
    /// Codes of refusals.
    pub refusals: BTreeMap<String, u64>,
    /// Errors that no run should see.
    pub failures: Vec<String>,
    /// How the driver itself did.
    pub driver: DriverSide,
    /// The books afterwards.
    pub check: Check,
    /// Hash of all commands that were scheduled: the same for the same profile, seed and length.
    pub commands_hash: String,
    /// Hash of what came of them: answers by command, and units promised of the best sellers. The same
    /// where nothing ran out, since then nobody could be first.
    pub result_hash: String,
    /// What the server used, where that can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Usage>,
    /// Events of the feed that slow readers got, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_read: Option<u64>,
    /// The run in parts.
    pub timeline: Vec<Moment>,
    /// Snapshots and restarts.
    pub marks: Vec<Mark>,
    /// Looks at the server.
    pub samples: Vec<Sample>,
    /// Latency in nanoseconds by the share of commands that were faster, in millionths.
    pub quantiles: Vec<(u32, u64)>,
    /// How many commands took how long: the end of each span in nanoseconds, with those that ended in
    /// it; three spans for every factor of ten.
    #[serde(default)]
    pub histogram: Vec<(u64, u64)>,
}

/// What came of a command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub command: String,
    /// Answered a second.
    pub per_second: f64,
    /// Answered yes.
    pub done: u64,
    /// Answered no.
    pub refused: u64,
    /// Answered with an error that no run should see.
    pub failed: u64,
    /// Without an answer at the end.
    pub unanswered: u64,
    /// Asked again.
    pub again: u64,
    /// Nanoseconds.
    pub latency: Summary,
}

/// How the driver itself did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DriverSide {
    /// From due to seen by the driver, nanoseconds. It is part of every latency.
    pub lag: Summary,
    /// Share of its time in which it had something to do.
    pub busy: f64,
    /// Connections opened again.
    pub reconnects: u64,
    /// Why the figures speak of the driver rather than of the server, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// That the server did not keep up with the schedule, if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<String>,
}

/// What the server used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Cores, on average over the run.
    pub cores: f64,
    /// Memory before the first command, bytes.
    pub memory_before: u64,
    /// At the end.
    pub memory_after: u64,
    /// The most that was seen.
    pub memory_most: u64,
    /// Bytes written to the disk a second.
    pub disk_per_second: f64,
    /// Syncs a second.
    pub syncs_per_second: f64,
    /// Facts a second.
    pub facts_per_second: f64,
    /// Bytes of the journal for a fact.
    pub bytes_per_fact: f64,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Most facts that the event feed was behind.
    pub feed_lag_most: u64,
}

/// A part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Where it begins, milliseconds.
    pub at_ms: u64,
    /// Commands answered a second.
    pub per_second: f64,
    /// Latencies of those, nanoseconds.
    pub latency: Summary,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When, milliseconds.
    pub at_ms: u64,
    /// Until when; the same where it took no time.
    pub to_ms: u64,
    /// What.
    pub what: String,
}

impl Row {
    pub(super) fn of(command: &str, tally: &Tally, seconds: f64) -> Self {
        Self {
            command: command.to_owned(),
            per_second: tally.answered() as f64 / seconds.max(1e-9),
            done: tally.done,
            refused: tally.refused,
            failed: tally.failed,
            unanswered: tally.unanswered,
            again: tally.again,
            latency: Summary::of(&tally.latency),
        }
    }
}

impl DriverSide {
    pub(super) fn of(record: &Record, pacing: Pacing, offered: f64, length: Nanos) -> Self {
        let all = record.all();
        let (lag, latency) = (Summary::of(&record.lag), Summary::of(&all.latency));
        let busy = record.busy();
        let late = lag.p99 > LATE && lag.p99 > latency.p99 / 2;
        let limit = (pacing == Pacing::Open && late).then(|| {
            let why = match busy > 0.8 {
                true => "it had too much to do: use --threads, or a second machine with --connect",
                false => "the machine did not let it run in time: leave it alone, or offer less",
            };
            let (of, share) = (latency.p99 / 1_000, busy * 100.0);
            format!(
                "the driver itself was late by {} µs at p99, of {of} µs in all (busy {share:.0} % of its \
                 time); these figures are not the server's; {why}",
                lag.p99 / 1_000
            )
        });
        let answered = all.answered() as f64 / record.seconds().max(1e-9);
        // By chance fewer may have been due than the schedule offers on average; those cannot be answered.
        let due = (all.answered() + all.failed + all.unanswered) as f64;
        let due = due * 1e9 / (length.saturating_sub(record.warm_up) as f64).max(1.0);
        let offered = offered.min(due);
        let short = pacing == Pacing::Open && (all.unanswered > 0 || answered < offered * 0.95);
        let behind = short.then(|| {
            format!(
                "the server did not keep up: {answered:.0} of {offered:.0} commands a second were answered, \
                 {} had no answer at the end",
                all.unanswered
            )
        });
        Self {
            lag,
            busy,
            reconnects: record.reconnects,
            limit,
            behind,
        }
    }
}

impl Usage {
    /// From looks at the server, the first of them before the run.
    pub(super) fn of(samples: &[Sample]) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        let seconds = (last.at_ms - first.at_ms) as f64 / 1_000.0;
        let rate = |from: u64, to: u64| to.saturating_sub(from) as f64 / seconds.max(1e-9);
        let facts = last.facts.saturating_sub(first.facts);
        let bytes = last.journal_bytes.saturating_sub(first.journal_bytes);
        Some(Self {
            cores: (last.cpu_seconds - first.cpu_seconds).max(0.0) / seconds.max(1e-9),
            memory_before: first.memory_bytes,
            memory_after: last.memory_bytes,
            memory_most: samples.iter().map(|s| s.memory_bytes).max().unwrap_or(0),
            disk_per_second: rate(first.disk_bytes, last.disk_bytes),
            syncs_per_second: rate(first.syncs, last.syncs),
            facts_per_second: rate(first.facts, last.facts),
            bytes_per_fact: bytes as f64 / (facts as f64).max(1.0),
            snapshots: last.snapshots.saturating_sub(first.snapshots),
            feed_lag_most: samples.iter().map(|s| s.feed_lag).max().unwrap_or(0),
        })
    }
}

/// The run in parts, without the warm-up's.
pub(super) fn timeline(record: &Record) -> Vec<Moment> {
    let seconds = record.interval as f64 / 1e9;
    let parts = record.timeline.iter().zip(0u64..);
    parts
        .map(|(part, number)| Moment {
            at_ms: number * record.interval / 1_000_000,
            per_second: part.latency.len() as f64 / seconds,
            latency: Summary::of(&part.latency),
        })
        .collect()
}

/// Snapshots, as the looks at the server saw them.
pub(super) fn snapshot_marks(samples: &[Sample]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let mut before = samples.first().copied().unwrap_or_default();
    for sample in samples {
        let seen = sample.snapshot_running || sample.snapshots > before.snapshots;
        let goes_on = before.snapshot_running;
        match marks.last_mut() {
            Some(mark) if seen && goes_on => mark.to_ms = sample.at_ms,
            _ if seen => marks.push(Mark {
                at_ms: before.at_ms,
                to_ms: sample.at_ms,
                what: "snapshot".into(),
            }),
            _ => {}
        }
        before = *sample;
    }
    marks
}

/// How many commands took how long, from the first span that has any to the last.
pub(super) fn histogram(tally: &Tally) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for value in tally.latency.iter_recorded() {
        let end = span_end(value.value_iterated_to());
        match spans.last_mut() {
            Some(last) if last.0 == end => last.1 += value.count_since_last_iteration(),
            _ => {
                let mut next = spans.last().map(|last| span_end(last.0 + 1));
                while let Some(empty) = next.filter(|at| *at < end) {
                    spans.push((empty, 0));
                    next = Some(span_end(empty + 1));
                }
                spans.push((end, value.count_since_last_iteration()));
            }
        }
    }
    spans
}

/// The least of 1, 2, 5, 10, 20, … that is not below a value.
fn span_end(value: u64) -> u64 {
    let mut power = 1u64;
    loop {
        for end in [power, power.saturating_mul(2), power.saturating_mul(5)] {
            if end >= value {
                return end;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// Latencies by share, dense where the tail is.
pub(super) fn quantiles(tally: &Tally) -> Vec<(u32, u64)> {
    if tally.latency.is_empty() {
        return Vec::new();
    }
    const SHARES: [u32; 22] = [
        0, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 750_000, 800_000,
        850_000, 900_000, 925_000, 950_000, 975_000, 990_000, 995_000, 999_000, 999_500, 999_900,
        999_990, 1_000_000,
    ];
    let value = |share: u32| tally.latency.value_at_quantile(f64::from(share) / 1e6);
    SHARES.iter().map(|&share| (share, value(share))).collect()
}

/// Whether a profile's commands leave reservations whose units the driver can count by itself: nothing
/// is given back, shipped or backordered. On peers an order is such a reservation as well.
pub(super) fn can_count(profile: &Profile, ours: bool) -> bool {
    profile.restart.is_none()
        && profile.before.orders == 0
        && profile.mix.keys().all(|kind| match kind {
            Kind::Atp | Kind::Promise | Kind::Reserve | Kind::OrderGet => true,
            // Whatever Redis is told of stock, it only knows what is left.
            Kind::StockSet | Kind::StockLoad | Kind::StockAdjust => ours,
            Kind::Submit => !ours,
            _ => false,
        })
}
