//! What came of an optimisation: a plan for every order that changes, what it saves, and the proof.

use super::columns::{BROKEN, Columns, SCALE, request};
use super::prices::Prices;
use super::problem::{OpenOrder, Problem};
use super::reroute::{reroute, wishes};
use super::rows::{FREE, Level, level_at};
use super::sheets::units_of_digit;
use super::solve::Choice;
use super::whole::{Least, alone};
use crate::ledger::StockView;
use crate::model::{Cents, Day, Objective, Plan, Qty, ShipmentLine, ShortLine};
use crate::routing::{Lanes, Pricer, price};
use rayon::prelude::*;

/// A plan that an order gets instead of what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Which order of the problem.
    pub order: usize,
    /// What it has today, priced as of now; `None` where that cannot be priced any more.
    pub from: Option<Plan>,
    /// What it gets.
    pub to: Plan,
}

impl Move {
    /// What the change saves by the order's own objective; less than nothing where it gives way to
    /// others.
    #[must_use]
    pub fn saved(&self) -> Cents {
        let from = self.from.as_ref().map_or(Cents(0), |p| p.objective.total());
        from - self.to.objective.total()
    }

    /// By how many days the last delivery is earlier; `None` where one of the plans delivers nothing.
    #[must_use]
    pub fn days_gained(&self) -> Option<i64> {
        let from: Day = self.from.as_ref()?.delivered_on()?;
        let to = self.to.delivered_on()?;
        Some(i64::from(from.0) - i64::from(to.0))
    }
}

/// All orders together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// The objective by part.
    pub objective: Objective,
    /// Shipments.
    pub shipments: u64,
    /// Orders in more than one shipment.
    pub split: u64,
    /// Orders with something short.
    pub short: u64,
    /// Units short.
    pub short_units: u64,
    /// Days from now to the last delivery of each order that delivers anything, summed.
    pub days: u64,
    /// Orders that deliver something.
    pub delivering: u64,
    /// Orders whose last delivery is after the promise date.
    pub late: u64,
    /// Orders by their number of shipments, from none on; the last counts those with more.
    pub by_shipments: [u64; 6],
    /// Orders that deliver something by days to their last delivery; the last counts the later ones.
    pub by_days: [u64; 15],
}

/// One more in the row of a number, or in the last.
fn note<const N: usize>(counts: &mut [u64; N], number: u64) {
    let row = usize::try_from(number).unwrap_or(usize::MAX);
    counts[row.min(N - 1)] += 1;
}

impl Totals {
    pub(super) fn add(&mut self, order: &OpenOrder, plan: &Plan, today: Day) {
        self.objective += plan.objective;
        self.shipments += plan.shipments.len() as u64;
        note(&mut self.by_shipments, plan.shipments.len() as u64);
        self.split += u64::from(plan.shipments.len() > 1);
        self.short += u64::from(!plan.short.is_empty());
        self.short_units += plan.short_units();
        if let Some(last) = plan.delivered_on() {
            self.delivering += 1;
            let days = i64::from(last.0) - i64::from(today.0);
            let days = u64::try_from(days).unwrap_or(0);
            self.days += days;
            note(&mut self.by_days, days);
            self.late += u64::from(order.deliver_by.is_some_and(|by| last > by));
        }
    }
}

/// A moment of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// What the best plan so far costs, by what is minimised; `None` before there is one.
    pub cents: Option<Cents>,
    /// What no plan costs less than; 0 while orders that are routed anew at the end may change it.
    pub bound: Cents,
}

/// The result.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Orders that change, ascending.
    pub moves: Vec<Move>,
    /// Orders that have no plan at all any more: what they held is gone, and their policy and strategy
    /// allow nothing that is left. They are in none of the sums after.
    pub broken: Vec<usize>,
    /// Orders that were not looked at, since they are frozen, or too large for what their strategy asks;
    /// they stay as they are.
    pub fixed: usize,
    /// What all orders have today.
    pub before: Totals,
    /// What they get.
    pub after: Totals,
    /// The plan by what is minimised: the objective, with what winners are short of weighed more
    /// and every change paid for.
    pub cents: Cents,
    /// What today costs in the same way.
    pub cents_before: Cents,
    /// No plan of all orders costs less: proven.
    pub bound: Cents,
    /// No plan costs less in which the orders that are too large for a sheet ship as they do in this one:
    /// proven, and the same as `bound` where there are none.
    pub bound_with_large: Cents,
    /// The way there: a point for each time that somebody was told of progress, and the end.
    pub trace: Vec<Point>,
}

/// What an order has, and what it gets instead.
type FromTo = (Option<Plan>, Option<Plan>);

impl Outcome {
    /// How far the plan may be from the best possible, in millionths of the bound.
    #[must_use]
    pub fn gap_millionths(&self) -> u64 {
        let over = i128::from(self.cents.0) - i128::from(self.bound.0);
        let gap = over.max(0) * 1_000_000 / i128::from(self.bound.0.max(1));
        u64::try_from(gap).unwrap_or(u64::MAX)
    }

    /// Adds what an answer gives every order. Orders without a sheet are routed anew, in so many
    /// `rounds`: tells what that changes.
    pub(super) fn fill(
        &mut self,
        problem: &Problem,
        lanes: &Lanes,
        columns: &Columns,
        answer: (&[Choice], &Prices, &[Least]),
        rounds: u32,
    ) -> Rerouted {
        let choices = answer.0;
        let plans = choices.par_iter().enumerate().map(|(order, choice)| {
            let today = today(&problem.orders[order], problem, lanes);
            let to = (!choice.keep && choice.cents < BROKEN)
                .then(|| planned(problem, lanes, columns, order, choice));
            (today, to.flatten())
        });
        let mut plans: Vec<FromTo> = plans.collect();
        let changed = self.improve_large(problem, lanes, columns, answer, (&mut plans, rounds));
        let day = Day(i32::try_from(problem.now.0.div_euclid(86_400_000)).unwrap_or(0));
        for (order, (from, to)) in plans.into_iter().enumerate() {
            let of = &problem.orders[order];
            let nothing = Plan::default();
            self.before.add(of, from.as_ref().unwrap_or(&nothing), day);
            match to {
                Some(to) if from.as_ref() != Some(&to) => {
                    self.after.add(of, &to, day);
                    self.moves.push(Move { order, from, to });
                }
                _ if choices[order].cents >= BROKEN => self.broken.push(order),
                _ => self.after.add(of, from.as_ref().unwrap_or(&nothing), day),
            }
        }
        changed
    }

    /// Routes orders without a sheet anew, and counts what that changes of cost and bound.
    fn improve_large(
        &mut self,
        problem: &Problem,
        lanes: &Lanes,
        columns: &Columns,
        (choices, prices, large): (&[Choice], &Prices, &[Least]),
        (plans, rounds): (&mut [FromTo], u32),
    ) -> Rerouted {
        let without = |&order: &usize| {
            let shape = columns.shapes.get(columns.sheets[order].shape);
            shape.digits.is_empty()
        };
        let open: Vec<usize> = large.iter().map(|one| one.order).collect();
        let all = (0..choices.len()).filter(without);
        let fixed = all.filter(|order| open.binary_search(order).is_err());
        self.fixed = fixed.count();
        if open.is_empty() {
            return Rerouted::default();
        }
        let priced = lanes
            .priced(&prices.by_position(problem, lanes, columns))
            .ok();
        let wishes = wishes(problem, lanes, &open);
        let has_plan = |choice: &Choice| choice.cents < BROKEN;
        let had = plans.iter().zip(choices).map(|((from, to), choice)| {
            let had = if choice.keep { from } else { to };
            had.clone().filter(|_| has_plan(choice))
        });
        let mut now: Vec<Option<Plan>> = had.collect();
        let changed = reroute(problem, lanes, priced.as_ref(), &wishes, &mut now, rounds);
        let mut told = Rerouted::default();
        for (&order, &cents) in &changed {
            let choice = &choices[order];
            let before = if has_plan(choice) { choice.cents } else { 0 };
            told.cents += i128::from(cents) * i128::from(SCALE) - i128::from(before);
            plans[order].1 = now[order].take();
        }
        let others = alone(columns, prices, &open) - prices.all_earned(columns);
        let (mut bound, mut with_large) = (others, others);
        for &Least { order, least } in large {
            let choice = &choices[order];
            let cents = changed.get(&order);
            if !has_plan(choice) {
                // What stands for an order without a plan is in all sums alike.
                bound += i128::from(choice.cents);
                with_large += i128::from(choice.cents);
                if cents.is_none() {
                    continue;
                }
            }
            bound += i128::from(least.unwrap_or(0));
            let (from, to) = &plans[order];
            let plan = to.as_ref().or(from.as_ref());
            let own = cents.map_or(choice.cents, |cents| cents * SCALE);
            with_large += i128::from(own) + paid(problem, columns, prices, order, plan);
        }
        told.bound = Some(bound);
        told.with_large = Some(with_large);
        told
    }
}

/// What a plan of a large order pays for its units, scaled.
fn paid(
    problem: &Problem,
    columns: &Columns,
    prices: &Prices,
    order: usize,
    plan: Option<&Plan>,
) -> i128 {
    let of = &problem.orders[order];
    let shipments = plan.into_iter().flat_map(|p| &p.shipments);
    let lines = shipments.flat_map(|s| s.lines.iter().map(move |l| (s, l)));
    let each = lines.map(|(shipment, line)| {
        let sku = of.demands[usize::from(line.demand)].sku;
        let Some(at) = problem.supply.line(sku) else {
            return 0;
        };
        let need_at = shipment.need_at.max(problem.now);
        let levels = columns.rows.levels(at, shipment.location);
        let limit = columns.rows.limit(at, of.channel);
        let drawn = |levels: &[Level]| {
            let row = level_at(levels, need_at)?.row;
            let drawn = (row != FREE).then(|| columns.rows.draw(row, i64::from(line.qty.0)))?;
            Some(prices.of[drawn? as usize])
        };
        levels.into_iter().chain(limit).filter_map(drawn).sum()
    });
    each.map(i128::from).sum()
}

/// What routing large orders anew changes, scaled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rerouted {
    /// Of the cost.
    pub(super) cents: i128,
    /// What no plan costs less than; nothing where there is none of them.
    pub(super) bound: Option<i128>,
    /// What no plan costs less than in which these orders stay as they are now.
    pub(super) with_large: Option<i128>,
}

/// What an order has today, priced as of now.
pub(super) fn today(order: &OpenOrder, problem: &Problem, lanes: &Lanes) -> Option<Plan> {
    let mut view = StockView::default();
    order.demands.iter().for_each(|d| view.push_line(d.sku));
    let mut request = request(order, problem.now, &view);
    request.deliver_by_is_hard = false;
    let shipments: Vec<_> = order
        .today
        .shipments
        .iter()
        .map(|k| (k.location, k.need_at.max(problem.now), k.lines.clone()))
        .collect();
    price(lanes, &request, &shipments, &order.today.short)
}

/// The plan that a choice stands for.
fn planned(
    problem: &Problem,
    lanes: &Lanes,
    columns: &Columns,
    order: usize,
    choice: &Choice,
) -> Option<Plan> {
    let of = &problem.orders[order];
    if let Some(plan) = choice.offers.first().and_then(|&at| columns.whole_plan(at)) {
        return Some(plan.clone());
    }
    let shape = columns.shapes.get(columns.sheets[order].shape);
    let mut view = StockView::default();
    of.demands.iter().for_each(|d| view.push_line(d.sku));
    let request = request(of, problem.now, &view);
    let latest = of.latest().filter(|_| !columns.sheets[order].gone);
    let pricer = Pricer::new(lanes, &request, latest).ok()?;
    if shape.digits.len() != of.demands.len() {
        // Too large for a sheet: nothing of it ships.
        let short = (0u16..).zip(&of.demands);
        let short = short.map(|(demand, of)| ShortLine {
            demand,
            qty: of.qty,
        });
        return pricer.plan(&[], short.collect());
    }
    let mut rest = shape.all();
    let digits = |part: u16| {
        (0..shape.digits.len()).filter_map(move |demand| {
            let units = i64::from(shape.digit(part, demand)) * units_of_digit(of, shape, demand);
            let qty = Qty(u32::try_from(units).unwrap_or(0));
            (units > 0).then(|| (u16::try_from(demand).unwrap_or(u16::MAX), qty))
        })
    };
    let mut shipments = Vec::with_capacity(choice.offers.len());
    for &offer in &choice.offers {
        let offer = &columns.offers[offer as usize];
        rest -= offer.part;
        let lines = digits(offer.part).map(|(demand, qty)| ShipmentLine { demand, qty });
        shipments.push((offer.location, offer.ready(problem.now), lines.collect()));
    }
    let given_up = (0u16..).zip(&of.demands).zip(&shape.digits);
    let given_up = given_up.filter(|(_, digit)| **digit == 0);
    let given_up = given_up.map(|((demand, of), _)| (demand, of.qty));
    let short = digits(rest).chain(given_up);
    let short = short.map(|(demand, qty)| ShortLine { demand, qty });
    pricer.plan(&shipments, short.collect())
}
