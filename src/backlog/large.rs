//! The bound of an order too large for a sheet, at any prices of scarce units.
//!
//! Nobody can list its plans, but what they cost at the least, place by place, is known
//! ([`LeastCosts`]). On top of that, every demand of the order gets a price: what it pays to whoever ships
//! it. Then a plan that ships something costs at least what all demands pay, and for each of its
//! shipments the base less what it is paid beyond its costs; the cheapest places, as many as it may have,
//! bound that. It is the relaxation of `routing::large` with the prices of scarce units among the costs, so
//! both kinds of prices rise and fall in one ascent (`prices`), each of them proving a bound at every step.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "any prices prove a bound: how they are chosen may be inexact, and is the same everywhere"
)]

use super::columns::{BROKEN, Columns, NEVER, SCALE, WIN_FACTOR, request};
use super::left::Left;
use super::problem::{OpenOrder, Problem, Strategy, units};
use super::rows::{FREE, count, level_at};
use crate::model::{EpochMillis, LocationId, Qty};
use crate::routing::{Lanes, LeastCosts, LeastGood, LeastPlace};
use rayon::prelude::*;
use smallvec::SmallVec;
use std::ops::Range;

const _: () = assert!(SCALE == LeastCosts::PARTS, "one part of a cent");

/// What all demands of an order that may not be short together are worth at the most, scaled.
const DEAR: i64 = 1 << 43;
/// Steps of an order's own prices for each of those of scarce units.
const STEPS: u32 = 2;
/// Steps of its own prices once those of scarce units stay.
const LAST_STEPS: u32 = 120;
/// How long the first of these are, in cents.
const LAST_CENTS: f64 = 20.0;
const MOMENTUM: f64 = 0.8;
const SPREAD: f64 = 0.95;

/// A place of an order and a hand-over.
#[derive(Debug)]
struct Place {
    base: i64,
    cells: Range<u32>,
    /// What a shipment draws from the day; [`FREE`] where it is not scarce.
    day: u32,
}

/// What a place has of a demand.
#[derive(Debug)]
struct Cell {
    demand: u16,
    /// Of the wanted.
    units: i64,
    /// What one of the wanted costs.
    each: i64,
    /// What that draws from the position, the channel and the day.
    draws: SmallVec<[u32; 2]>,
}

/// A demand, with its price.
#[derive(Debug, Clone)]
struct Wanted {
    wanted: i64,
    /// Units in one of them.
    units: f64,
    /// What one of them costs when it is short.
    short: i64,
    /// What one of them pays, in cents.
    price: f64,
    momentum: f64,
    spread: f64,
}

/// A large order.
#[derive(Debug)]
pub(super) struct LargeOrder {
    /// Which.
    pub(super) order: usize,
    /// What it has today, scaled, and what that draws; [`NEVER`] where that cannot stay.
    keep: i64,
    /// What it costs to ship nothing, scaled; [`NEVER`] where it may not.
    nothing: i64,
    /// On every other plan, scaled.
    change: i64,
    /// Whether something is known of what a shipment costs; else it is nothing at the least.
    known: bool,
    places: Vec<Place>,
    cells: Vec<Cell>,
    demands: Vec<Wanted>,
    most: usize,
    split: i64,
    /// By demand, scaled: as looked at last, and as they were at the best prices.
    prices: Vec<i64>,
    best: Vec<i64>,
    /// What each place adds, with its number.
    adds: Vec<(i64, u32)>,
}

/// All large orders of a problem that may change.
pub(super) fn large_orders(problem: &Problem, lanes: &Lanes, columns: &Columns) -> Vec<LargeOrder> {
    let all = columns.large(problem);
    if all.is_empty() {
        return Vec::new();
    }
    let stock = Left::new(problem);
    all.into_par_iter()
        .map(|order| LargeOrder::new(problem, lanes, columns, &stock, order))
        .collect()
}

impl LargeOrder {
    fn new(
        problem: &Problem,
        lanes: &Lanes,
        columns: &Columns,
        stock: &Left<'_>,
        at: usize,
    ) -> Self {
        let order = &problem.orders[at];
        let change = problem.change_cents * SCALE;
        let mut new = Self {
            order: at,
            keep: columns.sheets[at].keep,
            nothing: nothing(order).map_or(NEVER, |cents| cents + change),
            change,
            known: true,
            places: Vec::new(),
            cells: Vec::new(),
            demands: Vec::new(),
            most: 0,
            split: 0,
            prices: Vec::new(),
            best: Vec::new(),
            adds: Vec::new(),
        };
        let view = stock.view(order);
        let asked = request(order, problem.now, &view);
        let latest = order.latest();
        let later = |location| moments(columns, location);
        // Who cannot be routed at all has no other plan.
        let Ok(costs) = LeastCosts::new(lanes, &asked, latest, &later) else {
            return new;
        };
        let Some(costs) = costs else {
            new.known = false;
            return new;
        };
        new.most = costs.most;
        new.split = costs.split;
        new.add_demands(order, &costs);
        for place in &costs.places {
            new.add_place(problem, columns, order, place);
        }
        new.start();
        new
    }

    fn add_demands(&mut self, order: &OpenOrder, costs: &LeastCosts) {
        let all: i64 = costs.demands.iter().map(|d| d.wanted).sum();
        let factor = match order.strategy {
            Strategy::Win => WIN_FACTOR,
            _ => 1,
        };
        let demands = costs.demands.iter().zip(&order.demands).enumerate();
        self.demands = demands
            .map(|(at, (least, of))| {
                let each = if least.whole { units(of.qty) } else { 1 };
                let today = order.short_today(at);
                // What is not short today may not be then, nor may half of what ships whole.
                let kept = order.never_worse() && (today == 0 || today < each);
                let dear = DEAR / all.max(1);
                let short = least.short.filter(|_| !kept);
                Wanted {
                    wanted: least.wanted,
                    units: each as f64,
                    short: short.map_or(dear, |cents| cents.saturating_mul(factor).min(dear)),
                    price: 0.0,
                    momentum: 0.0,
                    spread: 0.0,
                }
            })
            .collect();
    }

    fn add_place(
        &mut self,
        problem: &Problem,
        columns: &Columns,
        order: &OpenOrder,
        place: &LeastPlace,
    ) {
        let rows = &columns.rows;
        let days = rows.days_of(place.location);
        let day = days.iter().find(|day| day.room.has(place.ship_at));
        let [shipments, handed] = day.map_or([None, None], |day| rows.levels_of(day));
        let mut drawn = FREE;
        if let Some(level) = shipments {
            if level.units < 1 {
                return;
            }
            drawn = draw(columns, level.row, 1);
        }
        let first = self.cells.len();
        for good in &place.goods {
            let sku = order.demands[usize::from(good.demand)].sku;
            let Some(line) = problem.supply.line(sku) else {
                continue;
            };
            let position = rows.levels(line, place.location);
            let limit = rows.limit(line, order.channel);
            let position = position.and_then(|levels| level_at(levels, place.ready));
            let limit = limit.and_then(|levels| level_at(levels, place.ready));
            let levels = position.into_iter().chain(limit).chain(handed);
            let levels: SmallVec<[(i64, u32); 3]> = levels.map(|l| (l.units, l.row)).collect();
            self.cells.extend(self.cell(columns, good, &levels));
        }
        if first < self.cells.len() {
            self.places.push(Place {
                base: place.base,
                cells: count(first)..count(self.cells.len()),
                day: drawn,
            });
        }
    }

    /// What a place has of a demand where rows have so many units.
    fn cell(&self, columns: &Columns, good: &LeastGood, levels: &[(i64, u32)]) -> Option<Cell> {
        let demand = &self.demands[usize::from(good.demand)];
        let whole = demand.wanted == 1;
        let there = i64::from(good.units);
        let drawn = levels.iter().fold(there, |units, level| units.min(level.0));
        if drawn <= 0 || (whole && drawn < there) {
            return None;
        }
        let draws = levels.iter().map(|&(_, row)| draw(columns, row, drawn));
        Some(Cell {
            demand: good.demand,
            units: if whole { 1 } else { drawn },
            each: good.each,
            draws: draws.filter(|d| *d != FREE).collect(),
        })
    }

    /// First prices: the least that anybody asks, and a fair part of a shipment.
    fn start(&mut self) {
        let mut least: Vec<i64> = self.demands.iter().map(|d| d.short).collect();
        for cell in &self.cells {
            let price = &mut least[usize::from(cell.demand)];
            *price = (*price).min(cell.each);
        }
        let base = self.places.iter().map(|p| p.base).min().unwrap_or(0);
        let all: i64 = self.demands.iter().map(|d| d.wanted).sum();
        for (demand, least) in self.demands.iter_mut().zip(least) {
            let price = (least + base / all.max(1)).min(demand.short);
            demand.price = price as f64 / SCALE as f64;
        }
    }
}

/// A draw of a row; [`FREE`] where the row is.
fn draw(columns: &Columns, row: u32, units: i64) -> u32 {
    match row {
        FREE => FREE,
        row => columns.rows.draw(row, units).unwrap_or(FREE),
    }
}

/// What it costs to ship nothing of an order, scaled; `None` where it may not be.
fn nothing(order: &OpenOrder) -> Option<i64> {
    let mut all = 0i64;
    for (at, demand) in order.demands.iter().enumerate() {
        if order.never_worse() && order.short_today(at) < units(demand.qty) {
            return None;
        }
        all = all.saturating_add(units(demand.qty));
    }
    let factor = match order.strategy {
        Strategy::Win => WIN_FACTOR,
        _ => 1,
    };
    let cents = order.policy.short_per_unit.0.saturating_mul(all);
    let scaled = cents.saturating_mul(factor * SCALE).min(BROKEN - 1);
    order.policy.allow_backorder.then_some(scaled)
}

/// Moments at which a location hands over on days that may be full, and on the one after.
fn moments(columns: &Columns, location: LocationId) -> Vec<EpochMillis> {
    let rows = &columns.rows;
    let days = rows.days_of(location);
    if !days.iter().any(|day| rows.may_be_full(day)) {
        return Vec::new();
    }
    let mut moments: Vec<EpochMillis> = days.iter().map(|day| day.room.ready).collect();
    moments.extend(days.last().map(|day| day.room.until));
    moments
}

impl LargeOrder {
    /// What it costs at the least at some prices of draws, scaled; then its own prices take steps of so
    /// many cents. `drawn` hears what that plan would draw.
    pub(super) fn step(
        &mut self,
        columns: &Columns,
        prices: &[i64],
        cents: f64,
        drawn: impl FnMut(u32),
    ) -> i64 {
        for _ in 1..STEPS {
            self.ship(prices);
            self.move_on(prices, cents);
        }
        let ships = self.ship(prices);
        let least = self.least(columns, prices, ships);
        self.tell(columns, prices, (least, ships), drawn);
        self.move_on(prices, cents);
        least
    }

    /// What units that may be short cost then, scaled.
    pub(super) fn short_cents(&self) -> impl Iterator<Item = i64> + '_ {
        let may = self.demands.iter().filter(|d| d.short < self.dear());
        may.map(|d| (d.short as f64 / d.units) as i64)
    }

    /// What one of the wanted costs that may not be short, scaled.
    fn dear(&self) -> i64 {
        let all: i64 = self.demands.iter().map(|d| d.wanted).sum();
        DEAR / all.max(1)
    }

    /// What it costs to ship nothing, scaled; `None` where it may not.
    pub(super) fn nothing(&self) -> Option<i64> {
        (self.nothing < BROKEN).then_some(self.nothing)
    }

    /// Keeps the prices of the demands as they were looked at last.
    pub(super) fn keep_prices(&mut self) {
        self.best.clone_from(&self.prices);
    }

    /// The least of what it may do, shipping something costing `ships`.
    fn least(&self, columns: &Columns, prices: &[i64], ships: i64) -> i64 {
        let kept = self.kept(columns, prices);
        kept.min(self.nothing).min(ships).min(BROKEN)
    }

    /// What it has today with what that pays.
    fn kept(&self, columns: &Columns, prices: &[i64]) -> i64 {
        let draws = columns.keep_draws(self.order).iter();
        let paid: i64 = draws.map(|&d| prices[d as usize]).sum();
        self.keep.saturating_add(paid)
    }

    /// What it costs at the least where the prices of draws stay as they are, scaled, better prices of its
    /// demands being looked for; `None` where it has no plan at all. `routed` is what the router says that
    /// a plan costs at the least with what it pays, in cents; `None` where it says that there is none.
    pub(super) fn proven(
        &mut self,
        problem: &Problem,
        columns: &Columns,
        prices: &[i64],
        routed: Option<i64>,
    ) -> Option<i64> {
        let mut other = self.last(prices);
        if !self.may_divide(problem) {
            let routed = routed.map(|cents| cents * SCALE + self.change);
            other = other.max(routed.unwrap_or(NEVER));
        }
        let least = self.least(columns, prices, other);
        (least < BROKEN).then_some(least)
    }

    /// Whether it may divide a demand that it may not where all the stock is its own.
    fn may_divide(&self, problem: &Problem) -> bool {
        let order = &problem.orders[self.order];
        let view = problem.supply.view();
        let mut demands = order.demands.iter();
        demands.any(|demand| {
            let line = problem.supply.line(demand.sku);
            let cells = line.map_or(&[][..], |line| view.cells(line));
            let whole = cells.iter().any(|cell| cell.now >= demand.qty);
            demand.may_split && demand.qty > Qty(1) && demand.together == 0 && whole
        })
    }

    /// The least that a plan which ships something costs, by the demands' prices as they are; they are
    /// kept in `prices`, and in `adds` the places by what they add, those of that plan first.
    fn ship(&mut self, prices: &[i64]) -> i64 {
        self.prices.clear();
        let scaled = |d: &Wanted| ((d.price * SCALE as f64).round() as i64).clamp(0, d.short);
        self.prices.extend(self.demands.iter().map(scaled));
        self.ship_at(prices)
    }

    fn ship_at(&mut self, prices: &[i64]) -> i64 {
        if !self.known {
            return self.change;
        }
        self.adds.clear();
        for (number, place) in (0u32..).zip(&self.places) {
            let mut add = place.base;
            if place.day != FREE {
                add += prices[place.day as usize];
            }
            for cell in &self.cells[place.cells.start as usize..place.cells.end as usize] {
                let over = self.prices[usize::from(cell.demand)] - cell.each(prices);
                add -= over.max(0) * cell.units;
            }
            self.adds.push((add, number));
        }
        let most = self.most.min(self.adds.len());
        if most == 0 {
            return NEVER;
        }
        if most < self.adds.len() {
            self.adds.select_nth_unstable(most - 1);
            self.adds.truncate(most);
        }
        self.adds.sort_unstable();
        let worth = self.demands.iter().zip(&self.prices);
        let worth: i64 = worth.map(|(d, price)| d.wanted * price).sum();
        // It ships something, so one place is open whatever it adds.
        let others = self.adds.iter().skip(1).filter(|add| add.0 < 0);
        let chosen = self.adds[0].0 + others.map(|add| add.0).sum::<i64>();
        self.change + worth - self.split + chosen
    }

    /// The places of the plan that `ship` found.
    fn chosen(&self) -> impl Iterator<Item = &Place> {
        let adds = self.adds.iter().enumerate();
        let open = adds.filter(|(at, add)| *at == 0 || add.0 < 0);
        open.map(|(_, add)| &self.places[add.1 as usize])
    }

    fn sold(&self, place: &Place, prices: &[i64]) -> impl Iterator<Item = &Cell> {
        let cells = &self.cells[place.cells.start as usize..place.cells.end as usize];
        let pays = |cell: &&Cell| self.prices[usize::from(cell.demand)] > cell.each(prices);
        cells.iter().filter(pays)
    }

    /// Tells what is drawn by what is the cheapest to do.
    fn tell(
        &self,
        columns: &Columns,
        prices: &[i64],
        (least, ships): (i64, i64),
        mut drawn: impl FnMut(u32),
    ) {
        if ships > least {
            if self.kept(columns, prices) == least {
                columns
                    .keep_draws(self.order)
                    .iter()
                    .for_each(|&d| drawn(d));
            }
            return;
        }
        for place in self.chosen() {
            if place.day != FREE {
                drawn(place.day);
            }
            let cells = self.sold(place, prices);
            cells.for_each(|cell| cell.draws.iter().for_each(|&d| drawn(d)));
        }
    }

    /// The demands' prices rise where too little is on offer for them, and fall where too much is.
    fn move_on(&mut self, prices: &[i64], cents: f64) {
        if self.adds.is_empty() {
            return;
        }
        let mut missing: Vec<i64> = self.demands.iter().map(|d| d.wanted).collect();
        for place in self.chosen() {
            for cell in self.sold(place, prices) {
                missing[usize::from(cell.demand)] -= cell.units;
            }
        }
        for ((demand, missing), price) in self.demands.iter_mut().zip(missing).zip(&self.prices) {
            // Who is short pays no more than that.
            let over = match missing > 0 && *price >= demand.short {
                true => 0.0,
                false => missing as f64,
            };
            demand.momentum = MOMENTUM * demand.momentum + (1.0 - MOMENTUM) * over;
            demand.spread = SPREAD * demand.spread + (1.0 - SPREAD) * over * over;
            if demand.spread > 0.0 {
                let step = cents * demand.units * demand.momentum / demand.spread.sqrt();
                let most = demand.short as f64 / SCALE as f64;
                demand.price = (demand.price + step).clamp(0.0, most);
            }
        }
    }

    /// What a plan that ships something costs at the least where the prices of draws stay as they are:
    /// better prices of the demands are looked for, beginning with the best known.
    fn last(&mut self, prices: &[i64]) -> i64 {
        self.prices.clone_from(&self.best);
        if self.prices.len() < self.demands.len() {
            return self.change;
        }
        let mut best = self.ship_at(prices);
        for (demand, price) in self.demands.iter_mut().zip(&self.best) {
            demand.price = *price as f64 / SCALE as f64;
            (demand.momentum, demand.spread) = (0.0, 0.0);
        }
        for step in 0..LAST_STEPS {
            let left = f64::from(LAST_STEPS - step) / f64::from(LAST_STEPS);
            self.move_on(prices, LAST_CENTS * left * left);
            best = best.max(self.ship(prices));
        }
        best
    }
}

impl Cell {
    /// What one of the wanted costs at some prices of draws.
    #[inline]
    fn each(&self, prices: &[i64]) -> i64 {
        let drawn = self.draws.iter();
        let paid: i64 = drawn.map(|&d| prices[d as usize]).sum();
        // Where several units are one draw all have the same price.
        self.each + paid / self.units
    }
}
