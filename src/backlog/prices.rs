//! Prices of scarce units, and the lower bound that they prove.
//!
//! Every draw pays a price; every order then takes its best plan alone. Whatever the prices, no
//! plan of all orders together costs less than
//!
//! ```text
//! Σ orders [ cheapest plan with prices ] − Σ rows [ the most that the row can earn ]
//! ```
//!
//! since any plan that the rows allow pays them no more than that. This is a Lagrangian bound; it
//! holds exactly, in integers, after each iteration. Rows with few units have a price for each
//! size of draw, and what they can earn is a knapsack (`knapsack`), so that the bound knows that
//! whole lines do not fit into scattered single units; all others have one price a unit.
//!
//! Prices rise where more is drawn than there is and fall where less is. The steps are those of
//! Adam (Kingma, Ba 2015) with a length that falls to a few cents: each row has a market of its own,
//! and one length for all, as in Polyak's rule, fits none of them. Floats only choose the prices;
//! all that is added up over orders is integer, so threads change nothing.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "any prices prove a bound: how they are chosen may be inexact, and is the same everywhere"
)]

use super::columns::{Columns, NEVER, SCALE};
use super::knapsack::{CAP_MAX, Earning, Knapsack};
use super::large::LargeOrder;
use super::problem::Problem;
use super::rows::FREE;
use super::solve::Scratch;
use crate::model::{Cents, LocationId, ScarcityRow};
use crate::routing::Lanes;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

/// Orders that one piece of work prices.
const CHUNK: usize = 256;

/// Prices of all draws and the bound that they prove.
#[derive(Debug, Clone, Default)]
pub(super) struct Prices {
    /// By draw, scaled.
    pub(super) of: Vec<i64>,
    /// No plan of all orders costs less, scaled.
    pub(super) bound: i128,
    /// By row: whether each size has its price.
    sized: Vec<bool>,
}

/// The state of the ascent.
pub(super) struct Ascent<'a> {
    columns: &'a Columns,
    /// By draw: its price in cents, or, in rows that have one price, that of a unit in the first.
    price: Vec<f64>,
    momentum: Vec<f64>,
    spread: Vec<f64>,
    uses: Vec<AtomicU32>,
    /// Orders without a sheet, ascending: their bounds take part.
    large: Vec<LargeOrder>,
    slack: Vec<i64>,
    knapsack: Knapsack,
    /// Length of the first steps, in cents.
    first: f64,
    /// The best so far; the rows with prices by size never change.
    pub(super) best: Prices,
}

/// Length of the first steps as a share of what a unit that is short costs: no price is above that
/// for long, and so many steps are enough to come there.
const STEP_FIRST: f64 = 1.0 / 16.0;
/// The length halves until it is so many cents.
const STEP_LAST: f64 = 0.4;
const MOMENTUM: f64 = 0.8;
const SPREAD: f64 = 0.95;

/// Length of a step, the first being `first`: straight between halvings, so that no power function is
/// asked, which differ.
fn step_cents(first: f64, done: u32, of: u32) -> f64 {
    let mut halvings = 0u32;
    let mut last = first;
    while last > STEP_LAST {
        halvings += 1;
        last /= 2.0;
    }
    let at = f64::from(done) * f64::from(halvings) / f64::from(of.max(1));
    let halved = (0..halvings)
        .take_while(|&h| f64::from(h + 1) <= at)
        .count();
    let top = (0..halved).fold(first, |cents, _| cents / 2.0);
    top * (1.0 - (at - halved as f64) / 2.0)
}

/// What a unit that is short costs most orders, in cents.
fn short_cents(columns: &Columns, large: &[LargeOrder]) -> f64 {
    let of_large = large.iter().flat_map(LargeOrder::short_cents);
    let mut all: Vec<i64> = columns.short_cents().chain(of_large).collect();
    if all.is_empty() {
        return 0.0;
    }
    let upper = all.len() * 3 / 4;
    let (_, &mut cents, _) = all.select_nth_unstable(upper);
    cents as f64 / SCALE as f64
}

impl Prices {
    /// The most that a row can earn, scaled: what the bound counts for it.
    pub(super) fn earned(&self, columns: &Columns, row: u32) -> i128 {
        let row = row as usize;
        let rows = &columns.rows;
        let draws = rows.draws(row);
        if draws.is_empty() {
            return 0;
        }
        if self.sized[row] {
            let cap = usize::try_from(rows.cap[row]).unwrap_or(0);
            let mut counts = vec![0; draws.len()];
            let best = Knapsack::default().fill(cap, &self.of[draws], &mut counts);
            return i128::from(best);
        }
        i128::from(self.own(columns, row)) * i128::from(rows.cap[row])
    }

    /// What a unit pays a row with one price that it does not pay to the later rows of its chain.
    fn own(&self, columns: &Columns, row: usize) -> i64 {
        let rows = &columns.rows;
        let mut own = self.of[rows.draws(row).start];
        if row + 1 < rows.end[row] as usize {
            own -= self.of[rows.draws(row + 1).start];
        }
        own
    }

    /// What a plan that takes so many units of a row pays it for each number of them up to `most`.
    pub(super) fn by_units(&self, columns: &Columns, row: u32, most: i64) -> Vec<i64> {
        let earning = self.earning(columns, row, most);
        let price = |units: i64| match columns.rows.draw(row, units) {
            Some(draw) if self.is_sized(row) => self.of[draw as usize],
            _ => earning.of(units),
        };
        let paid = (1..=most).map(price);
        std::iter::once(0).chain(paid).collect()
    }

    /// Whether draws of each size have a price of their own at a row.
    pub(super) fn is_sized(&self, row: u32) -> bool {
        self.sized[row as usize]
    }

    /// The most that a row can earn, for any number of units up to `left`.
    pub(super) fn earning(&self, columns: &Columns, row: u32, left: i64) -> Earning {
        let row = row as usize;
        let draws = columns.rows.draws(row);
        if draws.is_empty() {
            return Earning::Unit(0);
        }
        if self.sized[row] {
            let left = usize::try_from(left).unwrap_or(0);
            return Earning::Table(Knapsack::default().table(left, &self.of[draws]));
        }
        Earning::Unit(self.own(columns, row))
    }
}

impl Prices {
    /// What a unit of each position costs at least on top of what it is worth to the orders to come, in
    /// whole cents: less than what some draw pays, so that it may stand for all of them in a bound.
    pub(super) fn by_position(
        &self,
        problem: &Problem,
        lanes: &Lanes,
        columns: &Columns,
    ) -> Vec<ScarcityRow> {
        let mut rows = Vec::new();
        let view = problem.supply.view();
        for line in 0..view.len() {
            let sku = view.sku(line);
            // Known prices stay, of positions that hold nothing as well.
            let mut all: BTreeMap<LocationId, Cents> = lanes.scarcity_prices(sku).collect();
            for (location, levels) in columns.rows.cells(line) {
                let least = levels
                    .iter()
                    .map(|l| self.least_a_unit(columns, l.row))
                    .min();
                let cents = Cents(least.unwrap_or(0) / SCALE);
                if cents.0 > 0 {
                    *all.entry(location).or_default() += cents;
                }
            }
            let row = |(location, cents)| ScarcityRow {
                sku,
                location,
                cents,
            };
            rows.extend(all.into_iter().map(row));
        }
        rows
    }

    /// The same with what they are known to prove.
    pub(super) fn proving(mut self, bound: i128) -> Self {
        self.bound = bound;
        self
    }

    /// Prices half way to others of the same kind.
    pub(super) fn between(mut self, columns: &Columns, others: &Self) -> Self {
        let half = |a: i64, b: i64| (a + b) / 2;
        for row in 0..columns.rows.len() {
            let draws = columns.rows.draws(row);
            let first = draws.start;
            let unit = (!draws.is_empty()).then(|| half(self.of[first], others.of[first]));
            for (units, draw) in (1i64..).zip(draws) {
                self.of[draw] = match unit {
                    // Of one price a unit no rounding may make two.
                    Some(unit) if !self.sized[row] => unit * units,
                    _ => half(self.of[draw], others.of[draw]),
                };
            }
        }
        self
    }

    /// The most that all rows can earn, scaled.
    pub(super) fn all_earned(&self, columns: &Columns) -> i128 {
        let rows = 0..super::rows::count(columns.rows.len());
        rows.map(|row| self.earned(columns, row)).sum()
    }

    fn least_a_unit(&self, columns: &Columns, row: u32) -> i64 {
        if row == FREE {
            return 0;
        }
        let draws = columns.rows.draws(row as usize);
        let each = (1i64..).zip(draws).map(|(units, d)| self.of[d] / units);
        each.min().unwrap_or(0)
    }
}

impl<'a> Ascent<'a> {
    /// Starts at zero. Rows of `plain` lines have one price for all sizes: of these, and of days, large
    /// orders draw any number of units.
    pub(super) fn new(columns: &'a Columns, plain: &[bool], large: Vec<LargeOrder>) -> Self {
        let rows = &columns.rows;
        let draws = rows.draw_row.len();
        let sized = (0..rows.len()).map(|row| {
            let alone = rows.end[row] as usize == row + 1
                && (row == 0 || rows.end[row - 1] as usize == row);
            let sizes = rows.draws(row).len();
            let plain = plain.get(rows.line[row] as usize).copied();
            let plain = plain.unwrap_or(!large.is_empty());
            alone && sizes > 1 && rows.cap[row] <= CAP_MAX && !plain
        });
        let sized = sized.collect();
        Self {
            columns,
            price: vec![0.0; draws],
            momentum: vec![0.0; draws],
            spread: vec![0.0; draws],
            uses: (0..draws).map(|_| AtomicU32::new(0)).collect(),
            slack: vec![0; draws],
            knapsack: Knapsack::default(),
            first: (short_cents(columns, &large) * STEP_FIRST).max(50.0),
            best: Prices {
                of: vec![0; draws],
                bound: i128::MIN,
                sized,
            },
            large,
        }
    }

    /// Goes on from some prices where orders offer other plans than before: what it proves is about these
    /// only. Every row keeps its kind of prices.
    pub(super) fn again(columns: &'a Columns, from: &Prices) -> Self {
        let mut new = Self::new(columns, &[], Vec::new());
        new.first = (new.first / 4.0).max(50.0);
        for row in 0..columns.rows.len() {
            let draws = columns.rows.draws(row);
            if from.sized[row] {
                for draw in draws {
                    new.price[draw] = from.of[draw] as f64 / SCALE as f64;
                }
            } else if !draws.is_empty() {
                new.price[draws.start] = from.own(columns, row) as f64 / SCALE as f64;
            }
        }
        new.best.sized.clone_from(&from.sized);
        new
    }

    /// One iteration of so many: the bound at the prices as they are, then better prices.
    pub(super) fn step(&mut self, done: u32, of: u32) {
        let cents = step_cents(self.first, done, of);
        let prices = self.prices();
        let earned = self.earn(&prices);
        let bound = self.draw(&prices) + self.draw_large(&prices, cents) - earned;
        if bound > self.best.bound {
            self.best.of = prices;
            self.best.bound = bound;
            self.large.par_iter_mut().for_each(LargeOrder::keep_prices);
        }
        self.move_on(cents);
    }

    /// The best prices, and the large orders with theirs.
    pub(super) fn into_best(self) -> (Prices, Vec<LargeOrder>) {
        (self.best, self.large)
    }

    /// The prices of all draws.
    fn prices(&self) -> Vec<i64> {
        let rows = &self.columns.rows;
        let mut prices = vec![0; self.price.len()];
        let scaled = |cents: f64| (cents * SCALE as f64).round() as i64;
        for row in 0..rows.len() {
            let draws = rows.draws(row);
            if self.best.sized[row] {
                for draw in draws {
                    prices[draw] = scaled(self.price[draw]);
                }
                continue;
            }
            // A row that holds nothing has no draw; those after it in its chain do.
            if draws.is_empty() {
                continue;
            }
            // What holds nothing is drawn from by nobody, and has no price.
            let later = row..rows.end[row] as usize;
            let later = later.filter(|&r| !rows.draws(r).is_empty());
            let unit: i64 = later.map(|r| scaled(self.price[rows.draws(r).start])).sum();
            for (units, draw) in (1i64..).zip(draws) {
                prices[draw] = unit * units;
            }
        }
        prices
    }

    /// What the rows can earn; leaves in `slack` how many draws (or, with one price, units) of each
    /// that takes.
    fn earn(&mut self, prices: &[i64]) -> i128 {
        let rows = &self.columns.rows;
        self.slack.fill(0);
        let mut earned = 0i128;
        for row in 0..rows.len() {
            let draws = rows.draws(row);
            if draws.is_empty() {
                continue;
            }
            if self.best.sized[row] {
                let cap = usize::try_from(rows.cap[row]).unwrap_or(0);
                let best = self
                    .knapsack
                    .fill(cap, &prices[draws.clone()], &mut self.slack[draws]);
                earned += i128::from(best);
            } else {
                // Its own price: what is left without the later rows of its chain.
                let mut own = prices[draws.start];
                if row + 1 < rows.end[row] as usize {
                    own -= prices[rows.draws(row + 1).start];
                }
                self.slack[draws.start] = rows.cap[row];
                earned += i128::from(own) * i128::from(rows.cap[row]);
            }
        }
        earned
    }

    /// Every order with a sheet takes its best plan; counts the draws.
    fn draw(&self, prices: &[i64]) -> i128 {
        let columns = self.columns;
        for uses in &self.uses {
            uses.store(0, Ordering::Relaxed);
        }
        let orders = columns.sheets.len();
        let chunks = orders.div_ceil(CHUNK);
        let sums = (0..chunks)
            .into_par_iter()
            .map_init(Scratch::default, |scratch, chunk| {
                let mut sum = 0i128;
                for order in chunk * CHUNK..((chunk + 1) * CHUNK).min(orders) {
                    if self.is_large(order) {
                        continue;
                    }
                    let price = |draw: u32| prices[draw as usize];
                    let (cost, choice) = columns.solve(order, price, |_| true, scratch);
                    if cost >= NEVER {
                        continue;
                    }
                    sum += i128::from(cost);
                    for &draw in columns.chosen(order, &choice) {
                        self.uses[draw as usize].fetch_add(1, Ordering::Relaxed);
                    }
                }
                sum
            });
        sums.sum()
    }

    fn is_large(&self, order: usize) -> bool {
        !self.large.is_empty() && self.large.binary_search_by_key(&order, |l| l.order).is_ok()
    }

    /// What large orders cost at the least; counts what they would draw.
    fn draw_large(&mut self, prices: &[i64], cents: f64) -> i128 {
        let (columns, uses) = (self.columns, &self.uses);
        let costs = self.large.par_iter_mut().map(|one| {
            let drawn = |draw: u32| {
                uses[draw as usize].fetch_add(1, Ordering::Relaxed);
            };
            i128::from(one.step(columns, prices, cents, drawn))
        });
        costs.sum()
    }

    /// Prices rise where more was drawn than there is, and fall where less was.
    fn move_on(&mut self, cents: f64) {
        let rows = &self.columns.rows;
        let uses = std::mem::take(&mut self.uses);
        let drawn = |draw: usize| i64::from(uses[draw].load(Ordering::Relaxed));
        let mut begun = 0i64;
        for row in 0..rows.len() {
            let draws = rows.draws(row);
            if self.best.sized[row] {
                for (units, draw) in (1i64..).zip(draws) {
                    let over = drawn(draw) - self.slack[draw];
                    self.adapt(draw, over as f64, cents * units as f64);
                }
                continue;
            }
            let units: i64 = (1i64..).zip(draws.clone()).map(|(u, d)| u * drawn(d)).sum();
            begun += units;
            if let Some(first) = draws.clone().next() {
                self.adapt(first, (begun - rows.cap[row]) as f64, cents);
            }
            if rows.end[row] as usize == row + 1 {
                begun = 0;
            }
        }
        self.uses = uses;
    }

    fn adapt(&mut self, draw: usize, over: f64, cents: f64) {
        let momentum = &mut self.momentum[draw];
        *momentum = MOMENTUM * *momentum + (1.0 - MOMENTUM) * over;
        let spread = &mut self.spread[draw];
        *spread = SPREAD * *spread + (1.0 - SPREAD) * over * over;
        if *spread > 0.0 {
            let moved = self.price[draw] + cents * *momentum / spread.sqrt();
            self.price[draw] = moved.max(0.0);
        }
    }
}
