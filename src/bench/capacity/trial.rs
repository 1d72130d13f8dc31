//! One run of a search: at which rate, what for, and what came of it.
#![allow(clippy::float_arithmetic, reason = "rates of commands")]

use crate::bench::drive::Summary;
use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// How far up or down the answer lies.
    #[default]
    Reach,
    /// Between a rate that holds and one that does not.
    Narrow,
    /// Whether a rate that failed fails again.
    Again,
    /// Whether a rate that held holds again, for longer.
    Confirm,
}

impl Purpose {
    /// In a word or two, for whoever waits.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Narrow => "narrow",
            Self::Again => "once more",
            Self::Confirm => "confirm",
        }
    }
}

/// A run that is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Commands a second to offer.
    pub rate: f64,
    /// What for.
    pub purpose: Purpose,
}

/// What a run at a rate gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Commands a second that were offered.
    pub rate: f64,
    /// Commands a second that were answered.
    pub answered: f64,
    /// Latencies.
    pub latency: Summary,
    /// Cores that the server used.
    pub cores: f64,
    /// Whether the objective was kept, by a server that kept up.
    pub holds: bool,
    /// Why not.
    pub why: Option<String>,
    /// What the run was for.
    #[serde(default)]
    pub purpose: Purpose,
}

impl Point {
    /// Whether it is one of the longer runs.
    #[must_use]
    pub fn confirms(&self) -> bool {
        self.purpose == Purpose::Confirm
    }
}

/// The knee: the highest rate up to which p99 stays within twice of what it is where it is least. Of several
/// runs at a rate the one in the middle speaks, since a stall of the machine is not the rate's.
#[must_use]
pub fn knee(points: &[Point]) -> Option<f64> {
    let mut sorted: Vec<(f64, u64)> = points.iter().map(|p| (p.rate, p.latency.p99)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let same = |a: &(f64, u64), b: &(f64, u64)| a.0.total_cmp(&b.0).is_eq();
    let middles = sorted.chunk_by(same).map(|runs| runs[(runs.len() - 1) / 2]);
    let middles: Vec<(f64, u64)> = middles.collect();
    let least = middles.iter().map(|(_, p99)| *p99).min()?;
    let flat = |(_, p99): &&(f64, u64)| *p99 <= least.saturating_mul(2);
    // Where even the lowest rate waits longer, waiting begins below all of them.
    middles
        .iter()
        .take_while(flat)
        .last()
        .map(|(rate, _)| *rate)
}
