//! Every plan there is, one by one: what the search is measured against in the tests.

use super::super::lanes::location_id;
use super::super::price::shipment;
use super::super::request::Job;
use crate::ledger::Cell;
use crate::model::{EpochMillis, Qty, ShipmentLine};
use std::collections::BTreeMap;

/// What tells two plans apart: shipments as (location, hand-over, demands), and what is short.
pub(super) type Shape = (Vec<(u16, i64, u32)>, u32);

/// The least cost of every shape of plan, with its number of shipments.
pub(super) type Shapes = BTreeMap<Shape, i64>;

/// One possible shipment.
struct Choice {
    location: u16,
    ready: EpochMillis,
    ship_at: i64,
    units: Vec<u32>,
    cents: i64,
}

pub(super) struct Oracle<'a> {
    job: &'a Job<'a>,
    divisible: Vec<bool>,
    times: Vec<EpochMillis>,
    choices: Vec<Choice>,
    shapes: Shapes,
}

impl<'a> Oracle<'a> {
    /// All plans of a job.
    pub(super) fn shapes(job: &'a Job<'a>) -> Shapes {
        let demands = job.request.demands.len();
        let mut oracle = Self {
            divisible: (0..demands).map(|i| divisible(job, i)).collect(),
            times: times(job),
            job,
            choices: Vec::new(),
            shapes: Shapes::new(),
        };
        oracle.list_choices();
        let wanted: Vec<u32> = job.request.demands.iter().map(|d| d.qty.0).collect();
        oracle.extend(0, &mut Vec::new(), &wanted);
        oracle.shapes
    }

    fn list_choices(&mut self) {
        for location in 0..self.job.lanes.locations() {
            if self.job.lanes.paused(location_id(location)) {
                continue;
            }
            for time in 0..self.times.len() {
                let mut units = vec![0; self.job.request.demands.len()];
                while self.next_units(location, time, &mut units) {
                    self.add_choice(location, self.times[time], &units);
                }
            }
        }
    }

    fn add_choice(&mut self, location: usize, ready: EpochMillis, units: &[u32]) {
        let lines: Vec<ShipmentLine> = units
            .iter()
            .enumerate()
            .filter(|(_, u)| **u > 0)
            .map(|(i, &u)| ShipmentLine {
                demand: u16::try_from(i).unwrap(),
                qty: Qty(u),
            })
            .collect();
        let Some(priced) = shipment(self.job, location, ready, lines) else {
            return;
        };
        self.choices.push(Choice {
            location: u16::try_from(location).unwrap(),
            ready,
            ship_at: priced.ship_at.0,
            units: units.to_vec(),
            cents: priced.cents.total().0,
        });
    }

    /// Counts `units` up within what the location has; false after the last.
    fn next_units(&self, location: usize, time: usize, units: &mut [u32]) -> bool {
        for (i, unit) in units.iter_mut().enumerate() {
            let wanted = self.job.request.demands[i].qty.0;
            let most = atp(self.job, i, location, self.times[time]).min(wanted);
            let next = if self.divisible[i] {
                *unit + 1
            } else {
                *unit + wanted
            };
            if next <= most {
                *unit = next;
                return true;
            }
            *unit = 0;
        }
        false
    }

    /// Adds shipments from `from` on to `chosen`; each prefix is a plan.
    fn extend(&mut self, from: usize, chosen: &mut Vec<usize>, left: &[u32]) {
        self.keep(chosen, left);
        if chosen.len() == usize::from(self.job.policy.max_shipments) {
            return;
        }
        for at in from..self.choices.len() {
            let units = &self.choices[at].units;
            if units.iter().zip(left).all(|(u, l)| u <= l) {
                let rest: Vec<u32> = left.iter().zip(units).map(|(l, u)| l - u).collect();
                chosen.push(at);
                if self.available(chosen, None) {
                    self.extend(at, chosen, &rest);
                }
                chosen.pop();
            }
        }
    }

    /// Whether the shipments keep within the stock; with `(which, ready)` one of them is moved.
    fn available(&self, chosen: &[usize], moved: Option<(usize, EpochMillis)>) -> bool {
        let ready = |at: usize| match moved {
            Some((which, ready)) if which == at => ready,
            _ => self.choices[chosen[at]].ready,
        };
        let demands = self.job.request.demands.len();
        self.times.iter().all(|&t| {
            (0..demands).all(|i| {
                let mut by_location: BTreeMap<u16, u32> = BTreeMap::new();
                for (at, &c) in chosen.iter().enumerate() {
                    if ready(at) <= t {
                        let choice = &self.choices[c];
                        *by_location.entry(choice.location).or_default() += choice.units[i];
                    }
                }
                let all: u32 = by_location.values().sum();
                by_location
                    .iter()
                    .all(|(&l, &units)| units <= atp(self.job, i, usize::from(l), t))
                    && limit(self.job, i, t).is_none_or(|most| all <= most)
            })
        })
    }

    /// Whether some shipment waits longer than its units need.
    fn waits(&self, chosen: &[usize]) -> bool {
        (0..chosen.len()).any(|at| {
            let choice = &self.choices[chosen[at]];
            self.times.iter().any(|&t| {
                let site = &self.job.lanes.sites[usize::from(choice.location)];
                let earlier = self.job.lanes.hours(site).handover(t);
                t < choice.ready
                    && earlier.is_some_and(|h| h.0.0 < choice.ship_at)
                    && self.available(chosen, Some((at, t)))
            })
        })
    }

    fn keep(&mut self, chosen: &[usize], left: &[u32]) {
        let policy = &self.job.policy;
        let demands = self.job.request.demands;
        let short: u32 = left.iter().sum();
        let nothing = chosen.is_empty();
        // A whole demand is in one piece or short; `left` has it whole either way.
        if short > 0 && (!policy.allow_backorder || (policy.ship_complete && !nothing)) {
            return;
        }
        if self.waits(chosen) {
            return;
        }
        let mut cents = policy.short_per_unit.0 * i64::from(short);
        cents += policy.split_penalty.0 * i64::try_from(chosen.len().saturating_sub(1)).unwrap();
        let mut shipments: Vec<(u16, i64, u32)> = Vec::new();
        for &c in chosen {
            let choice = &self.choices[c];
            cents += choice.cents;
            let set = bits(choice.units.iter().map(|&u| u > 0));
            shipments.push((choice.location, choice.ship_at, set));
        }
        shipments.sort_unstable();
        let missing = bits(left.iter().map(|&l| l > 0));
        assert_eq!(left.len(), demands.len());
        let known = self.shapes.entry((shipments, missing)).or_insert(cents);
        *known = (*known).min(cents);
    }
}

fn bits(flags: impl Iterator<Item = bool>) -> u32 {
    flags.enumerate().map(|(i, f)| u32::from(f) << i).sum()
}

fn able(job: &Job<'_>, i: usize, location: usize) -> bool {
    job.lanes.able(location, job.request.demands[i].class)
}

fn cell<'a>(job: &Job<'a>, i: usize, location: usize) -> Option<&'a Cell> {
    let cells = job.request.stock.cells(i);
    cells.iter().find(|c| c.location.index() == location)
}

fn atp(job: &Job<'_>, i: usize, location: usize, t: EpochMillis) -> u32 {
    if !able(job, i, location) {
        return 0;
    }
    cell(job, i, location).map_or(0, |c| {
        let later = job.request.stock.later(c);
        let reached = later.iter().rev().find(|s| s.from <= t);
        reached.map_or(c.now.0, |s| s.qty.0)
    })
}

fn limit(job: &Job<'_>, i: usize, t: EpochMillis) -> Option<u32> {
    let steps = job.request.stock.limit(i)?;
    Some(
        steps
            .iter()
            .rev()
            .find(|s| s.from <= t)
            .map_or(0, |s| s.qty.0),
    )
}

fn divisible(job: &Job<'_>, i: usize) -> bool {
    let demand = &job.request.demands[i];
    let whole = |location: usize| {
        !job.lanes.paused(location_id(location))
            && atp(job, i, location, job.request.now) >= demand.qty.0
    };
    demand.may_split && !(0..job.lanes.locations()).any(whole)
}

fn times(job: &Job<'_>) -> Vec<EpochMillis> {
    let stock = job.request.stock;
    let mut times = vec![job.request.now];
    for i in 0..stock.len() {
        for cell in stock.cells(i) {
            times.extend(stock.later(cell).iter().map(|s| s.from));
        }
        times.extend(stock.limit(i).unwrap_or(&[]).iter().map(|s| s.from));
    }
    times.sort_unstable();
    times.dedup();
    times
}
