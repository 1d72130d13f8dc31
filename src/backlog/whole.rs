//! Orders too large for a sheet, with some whole plans instead, each an offer of its own.
//!
//! Nobody can list the plans of such an order, but those worth having come up one after the other: the
//! router finds its best plan at what scarce units cost at the moment; all plans that are known then give
//! other prices, and so on. That is column generation (Dantzig, Wolfe 1960; Gilmore, Gomory 1961), its
//! prices held near the best known (Wentges 1997), since those of few plans go far astray. What the
//! router proves at each price proves a bound of all orders together (`large`), of which the best counts.
//!
//! An order with such offers is one of one demand for everything else: it takes one of them, or keeps what it has,
//! or ships nothing.

use super::columns::{Columns, Offer, SCALE, Short, request};
use super::large::LargeOrder;
use super::left::Left;
use super::prices::{Ascent, Prices};
use super::problem::{OpenOrder, Problem, units};
use super::reroute::{allowed, own_cents, priced_again};
use super::rows::{count, level_at};
use super::sheets::{Draws, Frame};
use super::solve::Scratch as SheetScratch;
use crate::model::{Cents, Plan, ScarcityRow};
use crate::routing::{Lanes, Scratch, Unroutable, route};
use rayon::prelude::*;

/// Most times that the router is asked for an order's best plan at new prices, and for all orders together.
const ROUNDS_MAX: usize = 12;
const ASKED_MAX: usize = 3_000;
/// Iterations of the prices of known plans in a round, fewest and most, and orders that are in all of them
/// together.
const ITERATIONS: (usize, usize) = (5, 120);
const PRICED_MAX: usize = 200_000;
/// Halves of the first prices at which everybody is asked, too.
const HALVES: [i64; 3] = [0, 1, 3];

/// A plan of a large order.
#[derive(Debug, Clone)]
struct Whole {
    plan: Plan,
    /// What it costs, scaled; without what a change costs.
    cents: i64,
    draws: Draws,
}

/// The plans that are known of some large orders.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Which, ascending.
    orders: Vec<usize>,
    plans: Vec<Vec<Whole>>,
}

impl Known {
    fn new(orders: Vec<usize>) -> Self {
        Self {
            plans: vec![Vec::new(); orders.len()],
            orders,
        }
    }

    /// Adds a plan of the order at a place of the list; tells whether it is new, and may be had.
    pub(super) fn add(
        &mut self,
        (problem, columns): (&Problem, &Columns),
        at: usize,
        plan: Plan,
    ) -> bool {
        let order = &problem.orders[self.orders[at]];
        if !allowed(order, &plan)
            || plan.shipments.is_empty()
            || self.plans[at]
                .iter()
                .any(|w| w.plan.shipments == plan.shipments)
        {
            return false;
        }
        let Some(draws) = draws(problem, columns, order, &plan) else {
            return false;
        };
        self.plans[at].push(Whole {
            cents: own_cents(order, &plan) * SCALE,
            plan,
            draws,
        });
        true
    }
}

/// What a plan draws from rows; `None` where that is not there.
fn draws(problem: &Problem, columns: &Columns, order: &OpenOrder, plan: &Plan) -> Option<Draws> {
    let frame = Frame::of(problem, columns, order);
    let mut draws = Draws::new();
    for shipment in &plan.shipments {
        let at = shipment.need_at.max(problem.now);
        for line in &shipment.lines {
            let demand = usize::from(line.demand);
            let of = problem.supply.line(order.demands[demand].sku)?;
            let level = level_at(columns.rows.levels(of, shipment.location)?, at)?;
            let drawn = units(line.qty);
            let there = level.units >= drawn
                && frame.draw(level, drawn, &mut draws)
                && frame.limited(demand, at, drawn, &mut draws);
            there.then_some(())?;
        }
        let day = (shipment.location, shipment.ship_at);
        frame
            .handed(day, &shipment.lines, &mut draws)
            .then_some(())?;
    }
    (draws.len() <= usize::from(u8::MAX)).then_some(draws)
}

/// Where the offers of large orders begin, with their plans.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// Offers, draws and shorts of orders with a sheet; none before anything of others is offered.
    before: Option<(u32, u32, u32)>,
    plans: Vec<Plan>,
}

impl Columns {
    /// Offers what is known of large orders, and nothing else of them.
    pub(super) fn offer(&mut self, known: &Known, bounds: &[LargeOrder]) {
        let now = (self.offers.len(), self.draws.len(), self.shorts.len());
        let now = (count(now.0), count(now.1), count(now.2));
        let (offers, draws, shorts) = *self.whole.before.get_or_insert(now);
        self.offers.truncate(offers as usize);
        self.draws.truncate(draws as usize);
        self.shorts.truncate(shorts as usize);
        self.whole.plans.clear();
        let one = self.shapes.of(&[1]);
        for ((&order, plans), large) in known.orders.iter().zip(&known.plans).zip(bounds) {
            let start = count(self.offers.len());
            for whole in plans {
                self.offers.push(Offer {
                    cents: whole.cents,
                    part: 1,
                    location: whole.plan.shipments[0].location,
                    first_draw: count(self.draws.len()),
                    after: 0,
                    draws: u8::try_from(whole.draws.len()).unwrap_or(u8::MAX),
                });
                self.draws.extend_from_slice(&whole.draws);
                self.whole.plans.push(whole.plan.clone());
            }
            let sheet = &mut self.sheets[order];
            sheet.shape = one;
            sheet.offers = (start, count(self.offers.len()));
            sheet.first_short = count(self.shorts.len());
            (sheet.split, sheet.most) = (0, 1);
            if let Some(nothing) = large.nothing() {
                sheet.nothing = nothing;
            }
            self.shorts.push(Short { cents: 0, most: 0 });
        }
    }

    /// The plan of a large order that an offer is.
    pub(super) fn whole_plan(&self, offer: u32) -> Option<&Plan> {
        let (first, ..) = self.whole.before?;
        let at = offer.checked_sub(first)?;
        self.whole.plans.get(at as usize)
    }
}

/// What a large order costs at the least at some prices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Least {
    /// Which.
    pub(super) order: usize,
    /// Scaled; `None` where it has no plan at all.
    pub(super) least: Option<i64>,
}

/// What was found of large orders.
pub(super) struct Generated {
    pub(super) known: Known,
    /// The prices that prove the most.
    pub(super) prices: Prices,
    /// By large order, at these prices.
    pub(super) leasts: Vec<Least>,
}

/// What the router answers: plans by large order, and what none costs less than, in cents.
type Asked = Vec<(Option<Plan>, Option<i64>)>;

/// Everything that is asked of the router.
struct Oracle<'a> {
    problem: &'a Problem,
    lanes: &'a Lanes,
    stock: Left<'a>,
}

impl Oracle<'_> {
    /// The best plan of each order where it pays for scarce units and all the stock is its own.
    fn ask(&self, priced: &Lanes, orders: &[usize]) -> Asked {
        let one = |scratch: &mut Scratch, &at: &usize| {
            let order = &self.problem.orders[at];
            let view = self.stock.view(order);
            let asked = request(order, self.problem.now, &view);
            match route(priced, &asked, scratch) {
                Ok(decision) => {
                    let plan = priced_again(self.problem, order, &decision.plan, self.lanes);
                    (plan, Some(decision.proof.bound.0))
                }
                // Prices that are too high to be added up are no proof that it cannot ship.
                Err(Unroutable::Short { .. }) => (None, None),
                Err(_) => (None, Some(0)),
            }
        };
        orders.par_iter().map_init(Scratch::default, one).collect()
    }
}

/// Finds plans of large orders, and better prices.
pub(super) fn generate(
    (problem, lanes): (&Problem, &Lanes),
    columns: &mut Columns,
    first: Prices,
    bounds: &mut [LargeOrder],
    rounds: u32,
    go_on: &mut dyn FnMut(i128) -> bool,
) -> Generated {
    let oracle = Oracle {
        problem,
        lanes,
        stock: Left::new(problem),
    };
    let mut known = Known::new(bounds.iter().map(|one| one.order).collect());
    let most = (ASKED_MAX / known.orders.len().max(1)).min(ROUNDS_MAX);
    let rounds = most.min(rounds as usize);
    let iterations = PRICED_MAX / columns.sheets.len().max(1);
    let iterations = count(iterations.clamp(ITERATIONS.0, ITERATIONS.1));
    let rows = first.by_position(problem, lanes, columns);
    // To route all of them once may take long: whoever waits is asked before each time but the one that the bound
    // needs.
    let mut enough = false;
    for halves in HALVES.iter().take(rounds) {
        enough = enough || !go_on(first.bound);
        if enough {
            break;
        }
        let rows = times(lanes, &rows, *halves);
        if let Ok(priced) = lanes.priced(&rows) {
            let asked = oracle.ask(&priced, &known.orders);
            add(&mut known, (problem, columns), asked);
        }
    }
    let (asked, leasts, proven) = prove(&oracle, columns, &first, bounds);
    add(&mut known, (problem, columns), asked);
    columns.offer(&known, bounds);
    let mut best = Generated {
        known,
        prices: first.proving(proven),
        leasts,
    };
    for _ in 0..rounds {
        if enough || !go_on(best.prices.bound) {
            break;
        }
        let mut ascent = Ascent::again(columns, &best.prices);
        (0..iterations).for_each(|done| ascent.step(done, iterations));
        let (found, _) = ascent.into_best();
        let between = found.between(columns, &best.prices);
        let (asked, leasts, proven) = prove(&oracle, columns, &between, bounds);
        let new = add(&mut best.known, (problem, columns), asked);
        columns.offer(&best.known, bounds);
        if proven > best.prices.bound {
            best.prices = between.proving(proven);
            best.leasts = leasts;
        }
        if new == 0 {
            break;
        }
    }
    best
}

/// Prices by position, those of orders to come apart, times so many halves.
fn times(lanes: &Lanes, rows: &[ScarcityRow], halves: i64) -> Vec<ScarcityRow> {
    let row = |row: &ScarcityRow| {
        let known = lanes.scarcity_of(row.sku, row.location);
        ScarcityRow {
            cents: known + Cents((row.cents - known).0 * halves / 2),
            ..*row
        }
    };
    rows.iter().map(row).collect()
}

/// Adds what was answered; tells how much of it is new.
fn add(known: &mut Known, of: (&Problem, &Columns), asked: Asked) -> usize {
    let plans = asked.into_iter().enumerate();
    let new = plans.filter_map(|(at, (plan, _))| known.add(of, at, plan?).then_some(()));
    new.count()
}

/// Asks at some prices: the answers, what each order costs at the least, and all orders together.
fn prove(
    oracle: &Oracle<'_>,
    columns: &Columns,
    prices: &Prices,
    bounds: &mut [LargeOrder],
) -> (Asked, Vec<Least>, i128) {
    let (problem, lanes) = (oracle.problem, oracle.lanes);
    let orders: Vec<usize> = bounds.iter().map(|one| one.order).collect();
    let rows = prices.by_position(problem, lanes, columns);
    let asked = match lanes.priced(&rows) {
        Ok(priced) => oracle.ask(&priced, &orders),
        Err(_) => vec![(None, Some(0)); orders.len()],
    };
    let leasts = bounds.par_iter_mut().zip(&asked);
    let leasts: Vec<Least> = leasts
        .map(|(one, (_, routed))| Least {
            order: one.order,
            least: one.proven(problem, columns, &prices.of, *routed),
        })
        .collect();
    let all = leasts.iter().filter_map(|one| one.least);
    let all: i128 = all.map(i128::from).sum();
    let proven = alone(columns, prices, &orders) - prices.all_earned(columns) + all;
    (asked, leasts, proven)
}

/// What orders with a sheet cost at the prices, each alone; `others` have none.
pub(super) fn alone(columns: &Columns, prices: &Prices, others: &[usize]) -> i128 {
    let price = |draw: u32| prices.of[draw as usize];
    let orders = (0..columns.sheets.len()).into_par_iter();
    let costs = orders.map_init(SheetScratch::default, |scratch, order| {
        if others.binary_search(&order).is_ok() {
            return 0;
        }
        i128::from(columns.solve(order, price, |_| true, scratch).0)
    });
    costs.sum()
}
