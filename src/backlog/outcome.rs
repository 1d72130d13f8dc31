//! What came of an optimisation: a plan for every order that changes, what it saves, and the proof.

use super::columns::{BROKEN, Columns, request, units_of_digit};
use super::problem::{OpenOrder, Problem};
use super::solve::Choice;
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
    fn add(&mut self, order: &OpenOrder, plan: &Plan, today: Day) {
        let (sum, part) = (&mut self.objective, &plan.objective);
        sum.postage += part.postage;
        sum.surcharges += part.surcharges;
        sum.handling += part.handling;
        sum.split += part.split;
        sum.late += part.late;
        sum.speed += part.speed;
        sum.scarcity += part.scarcity;
        sum.short += part.short;
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
    /// What no plan costs less than.
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
    /// Orders that were too large or too special to be looked at; they stay as they are.
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
    /// The way there.
    pub trace: Vec<Point>,
}

impl Outcome {
    /// How far the plan may be from the best possible, in millionths of the bound.
    #[must_use]
    pub fn gap_millionths(&self) -> u64 {
        let over = i128::from(self.cents.0) - i128::from(self.bound.0);
        let gap = over.max(0) * 1_000_000 / i128::from(self.bound.0.max(1));
        u64::try_from(gap).unwrap_or(u64::MAX)
    }

    /// Adds what an answer gives every order.
    pub(super) fn fill(
        &mut self,
        problem: &Problem,
        lanes: &Lanes,
        columns: &Columns,
        choices: &[Choice],
    ) {
        let plans: Vec<(Option<Plan>, Option<Plan>)> = choices
            .par_iter()
            .enumerate()
            .map(|(order, choice)| {
                let today = today(&problem.orders[order], problem, lanes);
                let to = (!choice.keep && choice.cents < BROKEN)
                    .then(|| planned(problem, lanes, columns, order, choice));
                (today, to.flatten())
            })
            .collect();
        let today = Day(i32::try_from(problem.now.0.div_euclid(86_400_000)).unwrap_or(0));
        for (order, (from, to)) in plans.into_iter().enumerate() {
            let of = &problem.orders[order];
            let nothing = Plan::default();
            self.before
                .add(of, from.as_ref().unwrap_or(&nothing), today);
            let shape = columns.shapes.get(columns.sheets[order].shape);
            self.fixed += usize::from(shape.digits.is_empty());
            match to {
                Some(to) if from.as_ref() != Some(&to) => {
                    self.after.add(of, &to, today);
                    self.moves.push(Move { order, from, to });
                }
                _ if choices[order].cents >= BROKEN => self.broken.push(order),
                _ => {
                    self.after.add(of, from.as_ref().unwrap_or(&nothing), today);
                }
            }
        }
    }
}

/// What an order has today, priced as of now.
fn today(order: &OpenOrder, problem: &Problem, lanes: &Lanes) -> Option<Plan> {
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
    let shape = columns.shapes.get(columns.sheets[order].shape);
    let mut view = StockView::default();
    of.demands.iter().for_each(|d| view.push_line(d.sku));
    let request = request(of, problem.now, &view);
    let latest = of.latest().filter(|_| !columns.sheets[order].gone);
    let pricer = Pricer::new(lanes, &request, latest).ok()?;
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
