//! Some orders and what they may share, as small as it can be made: their plans that may be in a
//! better answer, and the rows that these contend for.
//!
//! Whatever the orders get costs, exactly,
//!
//! ```text
//! bound + Σ orders [ over of the plan ] + Σ rows [ what could be earned − what is paid ]
//! ```
//!
//! where both sums are of nothing below zero. A plan whose `over` alone is more than answer and bound
//! are apart is left out; rows then have fewer who may draw from them. A row that has enough for all of
//! them costs nothing any more, which raises the bound, and so on. Between that the prices of the few
//! rows that are left are fitted to these few orders: a subgradient with Polyak's steps, which are right
//! here since the known answer is near the best.

use super::columns::{Columns, SCALE};
use super::knapsack::Knapsack;
use super::plans::{Near, Uses};
use super::prices::Prices;

/// Times that plans are left out and prices fitted to the rest.
const ROUNDS: usize = 3;
/// Steps of the prices each time.
const STEPS: usize = 8;
/// Steps without a better bound after which they get shorter.
const STALLS: usize = 2;

/// A plan.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// What it costs at the prices more than the least of its order.
    pub(super) over: i64,
    /// What it costs without prices.
    pub(super) cents: i64,
    /// Rows of the joint problem, and units.
    pub(super) uses: Uses,
    /// Which of those near its order's cheapest.
    pub(super) plan: u32,
}

/// A row.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) left: i64,
    /// Units that all orders together could draw, each by its plan that draws the most.
    pub(super) wanted: i64,
    /// What a plan pays, by units.
    prices: Vec<i64>,
    /// The most that the row can earn, by units.
    earning: Vec<i64>,
}

impl Row {
    /// What a plan pays for so many units.
    #[inline]
    pub(super) fn price(&self, units: i64) -> i64 {
        at(&self.prices, units)
    }

    /// The most that so many units can earn.
    #[inline]
    pub(super) fn earn(&self, units: i64) -> i64 {
        at(&self.earning, units)
    }

    /// Units that can be sold.
    fn cap(&self) -> usize {
        usize::try_from(self.left.min(self.wanted)).unwrap_or(0)
    }
}

/// The value for so many units; more than there are values are worth no more.
#[inline]
fn at(values: &[i64], units: i64) -> i64 {
    let last = values.len().saturating_sub(1);
    let of = values.get(usize::try_from(units).unwrap_or(0).min(last));
    of.copied().unwrap_or(0)
}

/// The joint problem of some orders.
#[derive(Debug, Default)]
pub(super) struct Joint {
    /// By order: its plans, in ascending cost at the prices.
    pub(super) plans: Vec<Vec<Item>>,
    pub(super) rows: Vec<Row>,
    /// No answer costs less that is better than the known one, scaled.
    pub(super) bound: i128,
    /// What the known answer costs, scaled.
    pub(super) known: i128,
}

impl Joint {
    /// The joint problem of orders that cost `known` as they are; `left` is what the rows hold once they
    /// have given back.
    pub(super) fn new(
        columns: &Columns,
        prices: &Prices,
        near: &[&Near],
        left: impl Fn(u32) -> i64,
        known: i128,
    ) -> Self {
        let drawn = near.iter().flat_map(|n| &n.plans).flat_map(|p| &p.uses);
        let mut drawn: Vec<(u32, i64)> = drawn.copied().collect();
        drawn.sort_unstable_by_key(|&(row, units)| (row, -units));
        drawn.dedup_by_key(|(row, _)| *row);
        let rows = drawn.iter().map(|&(row, most)| Row {
            left: left(row),
            prices: prices.by_units(columns, row, most),
            ..Row::default()
        });
        let mut joint = Self {
            plans: Vec::with_capacity(near.len()),
            rows: rows.collect(),
            bound: i128::MIN,
            known,
        };
        let slot = |row: u32| super::rows::count(drawn.partition_point(|d| d.0 < row));
        for one in near {
            let items = (0u32..).zip(&one.plans).filter_map(|(number, plan)| {
                let fits = |&(row, units): &(u32, i64)| left(row) >= units;
                plan.uses.iter().all(fits).then(|| Item {
                    over: plan.over,
                    cents: plan.choice.cents,
                    uses: plan.uses.iter().map(|&(row, u)| (slot(row), u)).collect(),
                    plan: number,
                })
            });
            joint.plans.push(items.collect());
        }
        joint.settle();
        for _ in 0..ROUNDS {
            let before = joint.room();
            joint.fit_prices();
            let fewer = joint.leave_out();
            if joint.is_done() || !fewer && joint.room() == before {
                break;
            }
        }
        joint
    }

    /// By how much plans together may cost more than the least, in a better answer: all costs are whole
    /// cents.
    pub(super) fn room(&self) -> i128 {
        self.known - i128::from(SCALE) - self.bound
    }

    /// Whether no better answer is left to be found.
    pub(super) fn is_done(&self) -> bool {
        self.room() < 0 || self.plans.iter().any(Vec::is_empty)
    }

    /// Leaves out what is in no better answer; tells whether there was any.
    fn leave_out(&mut self) -> bool {
        let room = self.room();
        let mut fewer = false;
        for plans in &mut self.plans {
            let before = plans.len();
            plans.retain(|p| i128::from(p.over) <= room);
            fewer |= plans.len() < before;
        }
        if fewer && !self.is_done() {
            self.settle();
        }
        fewer
    }

    /// Counts who may draw from what, has rows that have enough cost nothing, and brings everything up to
    /// date with the prices.
    fn settle(&mut self) {
        self.rows.iter_mut().for_each(|row| row.wanted = 0);
        for plans in &self.plans {
            for (row, most) in most_used(plans) {
                self.rows[row as usize].wanted += most;
            }
        }
        let rows = &mut self.rows;
        for row in rows.iter_mut().filter(|row| row.left >= row.wanted) {
            row.prices.clear();
        }
        for plan in self.plans.iter_mut().flatten() {
            plan.uses
                .retain(|(row, _)| !rows[*row as usize].prices.is_empty());
        }
        let mut knapsack = Knapsack::default();
        for row in rows.iter_mut() {
            row.earning = match row.prices.get(1..) {
                Some(prices) => knapsack.table(row.cap(), prices),
                None => Vec::new(),
            };
        }
        self.bound = 0;
        for plans in &mut self.plans {
            plans.iter_mut().for_each(|p| p.over = cost(p, rows));
            let least = plans.iter().map(|p| p.over).min().unwrap_or(0);
            plans.iter_mut().for_each(|p| p.over -= least);
            plans.sort_by_key(|p| (p.over, p.plan));
            self.bound += i128::from(least);
        }
        let earned = rows.iter().map(|row| i128::from(row.earn(row.left)));
        self.bound -= earned.sum::<i128>();
    }

    /// Raises the bound by other prices, where that goes.
    fn fit_prices(&mut self) {
        let prices = |rows: &[Row]| rows.iter().map(|r| r.prices.clone()).collect();
        let mut best: Vec<Vec<i64>> = prices(&self.rows);
        let mut highest = self.bound;
        let (mut part, mut stalls) = (2i128, 0);
        let mut knapsack = Knapsack::default();
        for _ in 0..STEPS {
            let (bound, over) = self.overdrawn(&mut knapsack);
            if bound > highest {
                highest = bound;
                best = prices(&self.rows);
                stalls = 0;
            } else {
                stalls += 1;
                if stalls == STALLS {
                    (part, stalls) = (part * 2, 0);
                }
            }
            let length: i128 = over.iter().flatten().map(|&o| i128::from(o * o)).sum();
            let room = self.known - bound;
            if length == 0 || room <= 0 {
                break;
            }
            // As far as what is known is away, then half of that, and so on.
            let step = 2 * room / (part * length);
            let step = i64::try_from(step).unwrap_or(0);
            if step == 0 {
                break;
            }
            for (row, over) in self.rows.iter_mut().zip(&over) {
                for (price, over) in row.prices.iter_mut().zip(over) {
                    *price = (*price + step.saturating_mul(*over)).max(0);
                }
            }
        }
        for (row, prices) in self.rows.iter_mut().zip(best) {
            row.prices = prices;
        }
        self.settle();
    }

    /// The bound at the prices, and by row and units how many more plans draw that than the row would
    /// like to sell.
    fn overdrawn(&self, knapsack: &mut Knapsack) -> (i128, Vec<Vec<i64>>) {
        let mut bound = 0i128;
        let mut over: Vec<Vec<i64>> = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let mut sold = vec![0; row.prices.len()];
            if let (Some(prices), Some(counts)) = (row.prices.get(1..), sold.get_mut(1..)) {
                bound -= i128::from(knapsack.fill(row.cap(), prices, counts));
            }
            sold.iter_mut().for_each(|count| *count = -*count);
            over.push(sold);
        }
        for plans in &self.plans {
            let priced = plans.iter().map(|plan| (cost(plan, &self.rows), plan));
            let Some((least, plan)) = priced.min_by_key(|(cost, plan)| (*cost, plan.plan)) else {
                continue;
            };
            bound += i128::from(least);
            for &(row, units) in &plan.uses {
                let units = usize::try_from(units).unwrap_or(0);
                if let Some(over) = over[row as usize].get_mut(units) {
                    *over += 1;
                }
            }
        }
        (bound, over)
    }
}

/// What a plan costs at the prices.
fn cost(plan: &Item, rows: &[Row]) -> i64 {
    let paid = plan
        .uses
        .iter()
        .map(|&(row, units)| rows[row as usize].price(units));
    plan.cents + paid.sum::<i64>()
}

/// The rows that some plans draw from, ascending, and the most units that one of them takes.
pub(super) fn most_used(plans: &[Item]) -> Vec<(u32, i64)> {
    let mut all: Vec<(u32, i64)> = plans.iter().flat_map(|p| p.uses.iter().copied()).collect();
    all.sort_unstable_by_key(|&(row, units)| (row, -units));
    all.dedup_by_key(|(row, _)| *row);
    all
}
