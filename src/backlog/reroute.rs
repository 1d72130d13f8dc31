//! Orders too large for a sheet: routed again by the router itself, on what all others leave.
//!
//! First each alone. Then with those who hold what it would like: the order's best plan on all of
//! the stock names units that others have; they give them back, the order takes its best plan, they
//! take theirs of what is left, and that stays where all together cost less (the exchange of Xu, Allgor
//! and Graves 2009). The same once more from where everybody pays for scarce units. The work is counted and in a fixed order, so the plan depends on neither the
//! machine nor the threads.
//!
//! What the order would pay at the prices if all the stock were its own is what it costs at least: that
//! counts for it in the bound (`large`).

use super::columns::request;
use super::handed::Days;
use super::left::{Draw, Left};
use super::problem::{OpenOrder, Problem, Strategy, units};
use crate::ledger::StockView;
use crate::model::{EpochMillis, LocationId, Plan};
use crate::routing::{Lanes, Scratch, draft, price, route};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Most orders that give back what one would like.
const HOLDERS_MAX: usize = 4;
/// Exchanges that an order tries in a round.
const TRIES: usize = 3;
/// Rounds in which everybody takes what is best for him at the prices.
const PRICED_ROUNDS: u32 = 3;
/// Most rounds.
const ROUNDS_MAX: u32 = 6;
/// Who asks for fewer rounds gets no tries at random.
const ROUNDS_TO_RETRY: u32 = 4;
/// What counts as short of an order that wins, on top.
const WIN_MORE: i64 = 99;

/// A large order before anything is tried.
pub(super) struct Wish {
    /// Which.
    order: usize,
    /// What it costs at least, in cents; `None` where it cannot be routed.
    least: Option<i64>,
    /// Its best plan if all the stock were its own.
    plan: Option<Plan>,
}

/// Looks at large orders: what each would do with all the stock.
pub(super) fn wishes(problem: &Problem, lanes: &Lanes, orders: &[usize]) -> Vec<Wish> {
    let all = Left::new(problem);
    let looked = orders
        .par_iter()
        .map_init(Scratch::default, |scratch, &at| {
            let order = &problem.orders[at];
            let view = all.view(order);
            let asked = request(order, problem.now, &view);
            let decision = route(lanes, &asked, scratch).ok();
            Wish {
                order: at,
                least: decision.as_ref().map(|d| d.proof.bound.0),
                plan: decision.map(|d| d.plan),
            }
        });
    looked.collect()
}

/// Improves the plans of `orders`, and of others where that helps them; `plans` holds what everybody
/// has at the moment, `None` where that is no plan. Tells which orders changed, and what each costs then.
///
/// There are two ways, and the better one counts: from the plans as they are; and from those that the
/// large orders take where everybody pays for scarce units (`priced`), so that who can do without leaves
/// them to who cannot.
pub(super) fn reroute(
    problem: &Problem,
    lanes: &Lanes,
    priced: Option<&Lanes>,
    orders: &[Wish],
    plans: &mut Vec<Option<Plan>>,
    rounds: u32,
) -> BTreeMap<usize, i64> {
    // In a single round there is no time for a second way.
    let priced = priced.filter(|_| rounds > 1);
    let mut ranked: Vec<&Wish> = orders.iter().collect();
    ranked.sort_by_key(|l| (problem.orders[l.order].placed_at, l.order));
    let way = |priced: Option<&Lanes>, plans: &mut [Option<Plan>]| {
        let mut desk = Desk::new(problem, lanes, plans);
        if let Some(priced) = priced {
            for _ in 0..PRICED_ROUNDS {
                ranked
                    .iter()
                    .for_each(|large| desk.at_prices(large.order, priced));
            }
        }
        desk.improve(&ranked, rounds);
        if rounds >= ROUNDS_TO_RETRY {
            let all: Vec<usize> = ranked.iter().map(|large| large.order).collect();
            desk.retry(&all);
            desk.improve(&ranked, rounds);
        }
        let changed = desk.changed.iter();
        let costs: BTreeMap<usize, i64> = changed.map(|&o| (o, desk.now(o))).collect();
        let saved: i64 = costs.iter().map(|(&o, now)| desk.before[o] - now).sum();
        (saved, costs)
    };
    let mut others = plans.clone();
    let two = rayon::join(
        || way(None, plans),
        || priced.map(|p| way(Some(p), &mut others)),
    );
    match two {
        ((saved, _), Some((more, costs))) if more > saved => {
            *plans = others;
            costs
        }
        ((_, costs), _) => costs,
    }
}

/// Everybody's plans, and what they leave.
pub(super) struct Desk<'a> {
    pub(super) problem: &'a Problem,
    lanes: &'a Lanes,
    plans: &'a mut [Option<Plan>],
    left: Left<'a>,
    days: Days<'a>,
    /// By item and location: who draws from it.
    holders: BTreeMap<(usize, LocationId), BTreeSet<usize>>,
    /// By order: what it draws.
    draws: Vec<Vec<Draw>>,
    scratch: Scratch,
    /// By order: what it cost before anything was tried.
    before: Vec<i64>,
    changed: BTreeSet<usize>,
    improved: u64,
}

impl<'a> Desk<'a> {
    fn new(problem: &'a Problem, lanes: &'a Lanes, plans: &'a mut [Option<Plan>]) -> Self {
        let mut desk = Self {
            problem,
            lanes,
            left: Left::new(problem),
            days: Days::new(problem),
            holders: BTreeMap::new(),
            draws: vec![Vec::new(); plans.len()],
            scratch: Scratch::default(),
            before: Vec::with_capacity(plans.len()),
            changed: BTreeSet::new(),
            improved: 0,
            plans,
        };
        for order in 0..desk.plans.len() {
            let draws = desk.draws_of(order);
            desk.take(order, draws);
            desk.before.push(desk.now(order));
        }
        desk
    }

    /// Everybody alone, then in exchange with others, as long as that helps.
    fn improve(&mut self, ranked: &[&Wish], rounds: u32) {
        for _ in 0..rounds.min(ROUNDS_MAX) {
            let before = self.improved;
            for large in ranked {
                let best = large
                    .least
                    .is_some_and(|least| self.now(large.order) <= least);
                if large.least.is_some() && !best {
                    self.alone(large.order);
                }
            }
            for large in ranked {
                if let (Some(wish), Some(least)) = (&large.plan, large.least) {
                    self.exchange(large.order, wish, least);
                }
            }
            if self.improved == before {
                break;
            }
        }
    }

    /// Gives an order the best of its own and what is left where it pays for scarce units, unless that
    /// is what it has.
    fn at_prices(&mut self, order: usize, priced: &Lanes) {
        let problem = self.problem;
        let of = &problem.orders[order];
        if !may_be_rerouted(of) {
            return;
        }
        let paid = self.plans[order].as_ref();
        let paid = paid.and_then(|plan| priced_again(problem, of, plan, priced));
        let Some(pays) = paid.map(|plan| self.cost(order, Some(&plan))) else {
            return;
        };
        let draws = self.give(order);
        let view = self.left.view(of);
        let asked = request(of, problem.now, &view);
        let found = route(priced, &asked, &mut self.scratch)
            .ok()
            .map(|d| d.plan);
        let found = found.filter(|plan| allowed(of, plan) && self.cost(order, Some(plan)) < pays);
        let found = match found {
            Some(plan) if self.days.fits(&plan) => priced_again(problem, of, &plan, self.lanes),
            _ => None,
        };
        let Some(plan) = found else {
            self.take(order, draws);
            return;
        };
        self.plans[order] = Some(plan);
        let draws = self.draws_of(order);
        self.take(order, draws);
        self.changed.insert(order);
    }

    /// What an order draws as it stands: by its plan, or, as long as that is today's, by what it holds.
    fn draws_of(&self, order: usize) -> Vec<Draw> {
        let of = &self.problem.orders[order];
        let Some(plan) = &self.plans[order] else {
            return Vec::new();
        };
        let shipments = plan.shipments.iter();
        let lines = shipments.flat_map(|s| s.lines.iter().map(move |l| (s, l)));
        let draw = |(s, l): (&crate::model::Shipment, &crate::model::ShipmentLine)| {
            let line = self
                .problem
                .supply
                .line(of.demands[usize::from(l.demand)].sku)?;
            Some(Draw {
                line,
                location: s.location,
                at: s.need_at.max(self.problem.now),
                units: units(l.qty),
            })
        };
        lines.filter_map(draw).collect()
    }

    fn take(&mut self, order: usize, draws: Vec<Draw>) {
        for draw in &draws {
            self.left
                .change(self.problem.orders[order].channel, draw, -1);
            let place = (draw.line, draw.location);
            self.holders.entry(place).or_default().insert(order);
        }
        self.draws[order] = draws;
        self.hand_over(order, 1);
    }

    /// Counts what an order hands over on days, or counts it no more.
    fn hand_over(&mut self, order: usize, times: i64) {
        if let Some(plan) = &self.plans[order] {
            let of = &self.problem.orders[order];
            let today = same_as_today(of, plan, self.lanes, self.problem.now);
            self.days.change(of, plan, today, times);
        }
    }

    fn give(&mut self, order: usize) -> Vec<Draw> {
        self.hand_over(order, -1);
        let draws = std::mem::take(&mut self.draws[order]);
        for draw in &draws {
            self.left
                .change(self.problem.orders[order].channel, draw, 1);
            if let Some(holders) = self.holders.get_mut(&(draw.line, draw.location)) {
                holders.remove(&order);
            }
        }
        draws
    }

    /// What an order costs as it stands.
    fn cost(&self, order: usize, plan: Option<&Plan>) -> i64 {
        let of = &self.problem.orders[order];
        let Some(plan) = plan else {
            return NO_PLAN;
        };
        let mut cents = own_cents(of, plan);
        if !same_as_today(of, plan, self.lanes, self.problem.now) {
            cents += self.problem.change_cents;
        }
        cents
    }

    /// The best plan of what is left that the order may have, taken; without one nothing is taken.
    fn place(&mut self, order: usize, as_draft: bool) -> Option<Plan> {
        let of = &self.problem.orders[order];
        let view = self.left.view(of);
        let asked = request(of, self.problem.now, &view);
        let plan = match as_draft {
            true => draft(self.lanes, &asked, &mut self.scratch).ok()?,
            false => route(self.lanes, &asked, &mut self.scratch).ok()?.plan,
        };
        if !allowed(of, &plan) || !self.days.fits(&plan) {
            return None;
        }
        self.plans[order] = Some(plan.clone());
        let draws = self.draws_of(order);
        self.take(order, draws);
        Some(plan)
    }

    fn now(&self, order: usize) -> i64 {
        self.cost(order, self.plans[order].as_ref())
    }

    fn alone(&mut self, order: usize) {
        if may_be_rerouted(&self.problem.orders[order]) {
            self.attempt(&[order], false);
        }
    }

    /// Who draws from a line of the supply.
    pub(super) fn holders_of_line(&self, line: usize) -> Vec<usize> {
        let places = (line, LocationId(0))..=(line, LocationId(u16::MAX));
        let holders = self.holders.range(places);
        let mut all: Vec<usize> = holders.flat_map(|(_, of)| of.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Releases some orders, and routes them again, the first one first; keeps that where it is cheaper.
    /// A `draft` is what the router finds before it proves anything.
    pub(super) fn attempt(&mut self, all: &[usize], draft: bool) -> bool {
        let plans: Vec<Option<Plan>> = all.iter().map(|&o| self.plans[o].clone()).collect();
        let before: i64 = all
            .iter()
            .zip(&plans)
            .map(|(&o, p)| self.cost(o, p.as_ref()))
            .sum();
        let draws: Vec<Vec<Draw>> = all.iter().map(|&o| self.give(o)).collect();
        let mut after = 0;
        let mut placed = 0;
        for &one in all {
            let Some(plan) = self.place(one, draft) else {
                break;
            };
            placed += 1;
            after += self.cost(one, Some(&plan));
            if after >= before {
                break;
            }
        }
        if placed == all.len() && after < before {
            self.improved += 1;
            self.changed.extend(all.iter().copied());
            return true;
        }
        for &one in &all[..placed] {
            self.give(one);
        }
        for ((&one, plan), draws) in all.iter().zip(plans).zip(draws) {
            self.plans[one] = plan;
            self.take(one, draws);
        }
        false
    }

    /// Tries to get what the order would like from those who have it.
    fn exchange(&mut self, order: usize, wish: &Plan, least: i64) {
        if !may_be_rerouted(&self.problem.orders[order]) {
            return;
        }
        for turn in 0..TRIES {
            if self.now(order) <= least {
                return;
            }
            let mut all = self.holders_of(order, wish, turn);
            if all.is_empty() {
                return;
            }
            all.insert(0, order);
            if self.attempt(&all, false) {
                return;
            }
        }
    }

    /// Orders that hold what the wish is missing; others at each turn.
    fn holders_of(&self, order: usize, wish: &Plan, turn: usize) -> Vec<usize> {
        let of = &self.problem.orders[order];
        let mut found: Vec<usize> = Vec::new();
        for shipment in &wish.shipments {
            for line in &shipment.lines {
                let sku = of.demands[usize::from(line.demand)].sku;
                let Some(at) = self.problem.supply.line(sku) else {
                    continue;
                };
                let own = self.draws[order].iter();
                let own = own.filter(|d| d.line == at && d.location == shipment.location);
                let own: i64 = own.map(|d| d.units).sum();
                let left = self.left.at(at, shipment.location, shipment.need_at);
                if left + own >= units(line.qty) {
                    continue;
                }
                let Some(holders) = self.holders.get(&(at, shipment.location)) else {
                    continue;
                };
                let others = holders.iter().copied().filter(|&o| {
                    o != order && may_be_rerouted(&self.problem.orders[o]) && !found.contains(&o)
                });
                // The latest first: they came after, and took what this one would have had.
                let others: Vec<usize> = others.collect();
                if let Some(&other) = others.iter().rev().nth(turn % others.len().max(1)) {
                    found.push(other);
                }
                if found.len() == HOLDERS_MAX {
                    return found;
                }
            }
        }
        found
    }
}

/// A plan with what it costs by other prices of scarce units.
pub(super) fn priced_again(
    problem: &Problem,
    of: &OpenOrder,
    plan: &Plan,
    lanes: &Lanes,
) -> Option<Plan> {
    let mut view = StockView::default();
    of.demands.iter().for_each(|d| view.push_line(d.sku));
    let mut asked = request(of, problem.now, &view);
    // What was found in time is in time; what an order has today may be late by now.
    asked.deliver_by_is_hard = false;
    let shipments = plan.shipments.iter();
    let shipments: Vec<_> = shipments
        .map(|s| (s.location, s.need_at.max(problem.now), s.lines.clone()))
        .collect();
    price(lanes, &asked, &shipments, &plan.short)
}

/// What a plan costs its order; without what a change costs.
pub(super) fn own_cents(of: &OpenOrder, plan: &Plan) -> i64 {
    let more = match of.strategy {
        Strategy::Win => plan.objective.short.0 * WIN_MORE,
        _ => 0,
    };
    plan.objective.total().0 + more
}

/// What an order without a plan counts.
const NO_PLAN: i64 = 1 << 44;

/// Whether the router may choose another plan of an order.
pub(super) fn may_be_rerouted(order: &OpenOrder) -> bool {
    let may = matches!(
        order.strategy,
        Strategy::Win | Strategy::Gain | Strategy::Redistribute
    );
    may && !order.frozen
}

/// Whether an order may have a plan: never fewer units and never later where its strategy says so.
pub(super) fn allowed(order: &OpenOrder, plan: &Plan) -> bool {
    if !order.never_worse() {
        return true;
    }
    let later = plan
        .delivered_on()
        .zip(order.latest())
        .is_some_and(|(on, latest)| on > latest);
    let fewer = plan
        .short
        .iter()
        .any(|s| units(s.qty) > order.short_today(usize::from(s.demand)));
    !later && !fewer
}

/// Whether a plan is what the order has, handed over when that would be as of `now`.
fn same_as_today(order: &OpenOrder, plan: &Plan, lanes: &Lanes, now: EpochMillis) -> bool {
    let today = &order.today;
    let same = |kept: &super::problem::Kept| {
        let mut shipments = plan.shipments.iter();
        let ship_at = lanes.hand_over(kept.location, kept.need_at.max(now));
        shipments.any(|s| {
            s.location == kept.location && s.lines == kept.lines && Some(s.ship_at) == ship_at
        })
    };
    plan.shipments.len() == today.shipments.len()
        && today.shipments.iter().all(same)
        && plan.short == today.short
}
