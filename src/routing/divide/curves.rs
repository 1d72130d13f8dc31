//! What carrying costs by weight from each hand-over: tables of steps, lines under them, and whether one
//! shipment costs no more than two.
//!
//! Where services differ in how they bill weight, there is a table for each way. Where more than the
//! billable weight counts (units that ship alone, kinds that a service refuses, surcharges by size) there
//! are none, only a line.

use super::super::cargo::Load;
use super::super::departures::{Departures, Loads};
use super::super::large::lower_line;
use super::super::request::Job;
use super::super::tariff::{Billing, NEVER, Parcels};
use std::rc::Rc;

/// Costs are compared in millionths of a cent.
pub(super) const MICRO: i64 = 1_000_000;
/// Most steps of a table.
const STEPS_MAX: usize = 1_024;
/// Most steps of a table that all pairs of are tried, and most pairs for all hand-overs.
const PAIRS_MAX: usize = 400;
const ALL_PAIRS_MAX: usize = 40_000_000;
/// Most lines of one hand-over.
const LINES_MAX: usize = 8;
/// More than any cost that is compared, and few enough that a plan's sum of them is a number.
pub(super) const BEYOND: i64 = 1 << 57;
/// No line is so steep that the whole order costs more by it.
const STEEP_MAX: i64 = 1 << 53;

/// A line that no shipment's carrying costs less than.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// At no weight.
    pub(super) base: i64,
    /// For each gram, not negative.
    pub(super) slope: i64,
}

/// The costs of one hand-over.
#[derive(Debug)]
pub(super) struct Curve {
    /// By billing: heaviest weight of every step and its cents; no tables at all where the weight is not
    /// all that counts.
    tables: Vec<Vec<(u64, i64)>>,
    /// By ascending slope; at least one.
    pub(super) lines: Vec<Line>,
    /// By how much at the most one shipment costs more than two with the same goods.
    pub(super) excess: i64,
}

/// Billable weights by billing: at the least and at the most.
pub(super) type Weights = [(u64, u64)];

/// The costs of all hand-overs of a request, worked out when they are asked for.
pub(super) struct Curves<'a> {
    job: &'a Job<'a>,
    departures: &'a Departures,
    /// The ways to bill; none where weight is not all that counts.
    pub(super) billings: &'a [Billing],
    /// By billing: the ends of its steps.
    ends: Vec<Vec<u64>>,
    /// What the order weighs.
    all: Load,
    /// Pairs of steps that were tried.
    pairs: usize,
    curves: Vec<Option<Rc<Curve>>>,
    parcels: Vec<Parcels>,
}

impl<'a> Curves<'a> {
    pub(super) fn new(job: &'a Job<'a>, departures: &'a Departures) -> Self {
        let loads = job.request.demands.iter().map(|d| d.load(d.qty));
        let mut new = Self {
            job,
            departures,
            billings: &[],
            ends: Vec::new(),
            all: loads.fold(Load::default(), Load::plus),
            pairs: 0,
            curves: Vec::new(),
            parcels: Vec::new(),
        };
        if let Some(ends) = new.all_ends() {
            new.ends = ends;
            new.billings = &job.lanes.tariffs.billings;
        }
        new
    }

    /// The ends of all steps; `None` where weight is not all that counts.
    fn all_ends(&self) -> Option<Vec<Vec<u64>>> {
        let job = self.job;
        if job.alone || job.request.pickup.is_some() || self.departures.refuses_some() {
            return None;
        }
        let billings = job.lanes.tariffs.billings.iter().enumerate();
        let ends = billings.map(|(number, billing)| {
            let rules = job.request.destination.rules(number);
            if rules.iter().any(|r| r.measures()) {
                return None;
            }
            billing.ends(rules, billing.billable(self.all)?, STEPS_MAX)
        });
        ends.collect()
    }

    /// What volume is divided by at the least to be billed, where all services bill it.
    pub(super) fn divisor(&self) -> Option<u32> {
        let divisors = self.billings.iter().map(Billing::divides_all);
        divisors.collect::<Option<Vec<u32>>>()?.into_iter().max()
    }

    /// The costs of a hand-over of a location.
    pub(super) fn of(&mut self, location: u16, departure: u32) -> Rc<Curve> {
        let at = departure as usize;
        if self.curves.len() <= at {
            self.curves.resize(at + 1, None);
        }
        if let Some(known) = &self.curves[at] {
            return Rc::clone(known);
        }
        let tables = self.tables(departure);
        let lines = match tables.is_empty() {
            true => vec![self.single_line(location, departure)],
            false => lines(&tables),
        };
        let excess = self.excess(&tables);
        let new = Rc::new(Curve {
            tables,
            lines,
            excess,
        });
        self.curves[at] = Some(Rc::clone(&new));
        new
    }

    fn single_line(&self, location: u16, departure: u32) -> Line {
        let (base, slope) = lower_line(self.job, self.departures, (location, departure), self.all);
        // What does not fit is as good as nothing: a line that is too low is still one.
        let grams = i64::try_from(self.all.grams).unwrap_or(i64::MAX);
        let fits = |s: &i64| s.checked_mul(grams).is_some_and(|all| all < STEEP_MAX);
        let slope = i64::try_from(slope).ok().filter(fits).unwrap_or(0);
        let base = base.saturating_mul(MICRO).min(BEYOND);
        Line { base, slope }
    }

    fn tables(&mut self, departure: u32) -> Vec<Vec<(u64, i64)>> {
        let mut tables = Vec::with_capacity(self.ends.len());
        for (number, ends) in self.ends.iter().enumerate() {
            let mut table = Vec::with_capacity(ends.len());
            for &end in ends {
                let load = Load {
                    grams: end,
                    lots: 1,
                    ..Load::default()
                };
                Loads::of(self.job, load, &mut self.parcels);
                for (other, parcels) in self.parcels.iter_mut().enumerate() {
                    if other != number {
                        *parcels = Parcels::NONE;
                    }
                }
                let parcels = &self.parcels;
                let cents = self
                    .departures
                    .carried(self.job, departure, parcels, (&[], 0));
                table.push((end, cents));
            }
            tables.push(table);
        }
        tables
    }

    /// By how much at the most one shipment costs more than two; `NEVER` where that is not known.
    fn excess(&mut self, tables: &[Vec<(u64, i64)>]) -> i64 {
        if self.job.request.pickup.is_some() {
            // One costs as much as each of the two.
            return 0;
        }
        let rises = |t: &Vec<(u64, i64)>| t.windows(2).all(|w| w[0].1 <= w[1].1);
        if tables.is_empty() || !tables.iter().all(|t| t.len() <= PAIRS_MAX && rises(t)) {
            return NEVER;
        }
        let mut excess = 0;
        for (a, one) in tables.iter().enumerate() {
            for (b, other) in tables.iter().enumerate().skip(a) {
                // Both travel by the way that bills them less.
                let (bill, table) = match self.billings[a].bills_no_more_than(&self.billings[b]) {
                    true => (a, one),
                    false => (b, other),
                };
                let bills_less =
                    self.billings[bill].bills_no_more_than(&self.billings[a + b - bill]);
                if !bills_less || !self.billings[bill].adds_up() {
                    return NEVER;
                }
                self.pairs += one.len() * other.len();
                if self.pairs > ALL_PAIRS_MAX {
                    return NEVER;
                }
                excess = excess.max(most_excess(table, one, other));
            }
        }
        excess
    }
}

/// By how much at the most a weight of both costs more by a table than each by its own.
fn most_excess(table: &[(u64, i64)], one: &[(u64, i64)], other: &[(u64, i64)]) -> i64 {
    let mut excess = 0;
    let last = table.len() - 1;
    for &(weight, cents) in one.iter().filter(|s| s.1 < NEVER) {
        let mut at = 0;
        for &(more, besides) in other.iter().filter(|s| s.1 < NEVER) {
            // Together they weigh no more than the order, the last step.
            while at < last && table[at].0 < weight + more {
                at += 1;
            }
            excess = excess.max(table[at].1 - cents - besides);
        }
    }
    excess.min(NEVER)
}

/// Lines under tables: those along the edges of what is above all of them.
fn lines(tables: &[Vec<(u64, i64)>]) -> Vec<Line> {
    let points = tables.iter().flatten().filter(|p| p.1 < NEVER);
    let mut points: Vec<(u64, i64)> = points.copied().collect();
    points.sort_unstable();
    let mut hull: Vec<(u64, i64)> = Vec::new();
    for &point in &points {
        if hull.last().is_some_and(|last| last.0 == point.0) {
            continue;
        }
        while let [.., a, b] = hull[..]
            && slope(a, b) >= slope(a, point)
        {
            hull.pop();
        }
        hull.push(point);
    }
    let mut slopes: Vec<i64> = hull.windows(2).map(|w| slope(w[0], w[1]).max(0)).collect();
    slopes.push(0);
    slopes.sort_unstable();
    slopes.dedup();
    let heaviest = points.last().map_or(0, |p| p.0);
    let heaviest = i64::try_from(heaviest).unwrap_or(i64::MAX);
    slopes.retain(|slope| {
        slope
            .checked_mul(heaviest)
            .is_some_and(|all| all < STEEP_MAX)
    });
    let some = slopes.len().div_ceil(LINES_MAX);
    let lines = slopes.iter().rev().step_by(some).map(|&slope| {
        let over = points.iter().map(|&p| over(p, slope));
        let base = over.min().unwrap_or(BEYOND);
        Line { base, slope }
    });
    let mut lines: Vec<Line> = lines.collect();
    lines.reverse();
    lines
}

/// How steep the way from one point to the next is, rounded down.
fn slope(from: (u64, i64), to: (u64, i64)) -> i64 {
    let grams = i128::from(to.0) - i128::from(from.0);
    let cents = i128::from(to.1) - i128::from(from.1);
    let slope = (cents * i128::from(MICRO)).div_euclid(grams.max(1));
    i64::try_from(slope).unwrap_or(0)
}

/// By how much a point is above its weight at a slope.
#[inline]
fn over((grams, cents): (u64, i64), slope: i64) -> i64 {
    // Lines are not so steep that this is too much.
    let weight = i64::try_from(grams).unwrap_or(0).saturating_mul(slope);
    cents.saturating_mul(MICRO).min(BEYOND) - weight
}

impl Curve {
    /// Whether what it costs is known by weight.
    pub(super) fn weighs(&self) -> bool {
        !self.tables.is_empty()
    }

    /// By how much at the least a shipment of some weight costs more than its weight at a slope.
    pub(super) fn least(&self, weights: &Weights, slope: i64) -> i64 {
        let mut least = BEYOND;
        for (table, &(low, high)) in self.tables.iter().zip(weights) {
            let first = table.partition_point(|step| step.0 < low);
            for &(end, cents) in &table[first..] {
                if cents < NEVER {
                    least = least.min(over((end.min(high), cents), slope));
                }
                if end >= high {
                    break;
                }
            }
        }
        least
    }
}
