//! Small components solved exactly: branch and bound over whole plans.
//!
//! Orders that share no scarce row, directly or through others, are problems of their own. In a
//! small one every order has few plans worth looking at: at the prices, a plan that costs more than
//! its order's cheapest by more than the gap of the component is in no better answer. The search
//! takes the orders one after the other and their plans in ascending cost; what was chosen so far
//! and the least that the others cost at the prices bound what can come of it. The work is counted
//! in nodes, so that the answer does not depend on the machine.

use super::columns::{Columns, NEVER, Offer, Sheet};
use super::prices::Prices;
use super::shape::Shape;
use super::solve::{Choice, Scratch};
use super::start::Answer;
use super::state::Rest;
use rayon::prelude::*;
use smallvec::SmallVec;

/// Most orders of a component that is looked at.
const ORDERS_MAX: usize = 64;
/// Most plans of one order.
const PLANS_MAX: usize = 2_000;

/// What came of a component.
struct Solved {
    orders: Vec<u32>,
    /// A cheaper answer.
    choices: Option<Vec<Choice>>,
    /// By how much its bound is higher than that of the prices; the bound is then the cost.
    raised: i128,
}

/// Solves small components with `nodes` steps each; tells how much higher the bound is for it.
pub(super) fn solve_small(
    columns: &Columns,
    prices: &Prices,
    lines: &[SmallVec<[u32; 4]>],
    nodes: u64,
    answer: &mut Answer<'_>,
) -> i128 {
    let small = components(lines);
    let solved: Vec<Solved> = small
        .into_par_iter()
        .map(|orders| {
            let mut search = Search::new(columns, prices, &orders, answer, nodes);
            search.run();
            search.into_solved(orders)
        })
        .collect();
    let mut raised = 0;
    for one in solved {
        raised += one.raised;
        let Some(choices) = one.choices else {
            continue;
        };
        for &order in &one.orders {
            answer
                .rest
                .give(order as usize, &answer.choices[order as usize]);
        }
        for (&order, choice) in one.orders.iter().zip(choices) {
            let taken = answer.rest.take(order as usize, &choice);
            assert!(taken.is_ok(), "the search only takes what is there");
            answer.choices[order as usize] = choice;
        }
    }
    raised
}

/// Orders connected by the lines they contend for, where they are few.
fn components(lines: &[SmallVec<[u32; 4]>]) -> Vec<Vec<u32>> {
    let most = lines.iter().flatten().max().map_or(0, |&l| l as usize + 1);
    let mut parent: Vec<u32> = (0..super::rows::count(most)).collect();
    for of in lines {
        for pair in of.windows(2) {
            let (a, b) = (root(&mut parent, pair[0]), root(&mut parent, pair[1]));
            parent[a.max(b) as usize] = a.min(b);
        }
    }
    let mut by_root: std::collections::BTreeMap<u32, Vec<u32>> = std::collections::BTreeMap::new();
    for (order, of) in (0u32..).zip(lines) {
        if let Some(&first) = of.first() {
            let orders = by_root.entry(root(&mut parent, first)).or_default();
            orders.push(order);
        }
    }
    by_root
        .into_values()
        .filter(|orders| orders.len() <= ORDERS_MAX)
        .collect()
}

fn root(parent: &mut [u32], of: u32) -> u32 {
    let mut at = of;
    while parent[at as usize] != at {
        let above = parent[parent[at as usize] as usize];
        parent[at as usize] = above;
        at = above;
    }
    at
}

/// A plan of one order.
#[derive(Debug, Clone)]
struct Plan {
    /// What it costs at the prices more than the order's cheapest.
    over: i64,
    choice: Choice,
}

struct Search<'a> {
    /// Orders by their number of plans, as positions in the list.
    sequence: Vec<usize>,
    orders: Vec<u32>,
    plans: Vec<Vec<Plan>>,
    /// By position in the sequence: the least that it and those after it cost without prices.
    least: Vec<i128>,
    rest: Rest<'a>,
    chosen: Vec<usize>,
    /// Cost of the best answer so far.
    best: i128,
    found: Option<Vec<usize>>,
    /// What no answer costs less than, by the prices.
    bound: i128,
    /// The least of what each row earns and does not sell is already in the bound.
    nodes: u64,
    complete: bool,
}

impl<'a> Search<'a> {
    fn new(
        columns: &'a Columns,
        prices: &Prices,
        orders: &[u32],
        answer: &Answer<'a>,
        nodes: u64,
    ) -> Self {
        let mut rest = answer.rest.clone();
        let mut scratch = Scratch::default();
        let price = |draw: u32| prices.of[draw as usize];
        let mut before = 0i128;
        let mut ideal = 0i128;
        let mut rows: Vec<u32> = Vec::new();
        let mut ideals = Vec::new();
        for &order in orders {
            let order = order as usize;
            before += i128::from(answer.choices[order].cents);
            rest.give(order, &answer.choices[order]);
            let (cost, _) = columns.solve(order, price, |_| true, &mut scratch);
            ideal += i128::from(cost);
            ideals.push(cost);
            rows.extend(columns.rows_of(order));
        }
        rows.sort_unstable();
        rows.dedup();
        let earned: i128 = rows.iter().map(|&row| prices.earned(columns, row)).sum();
        let bound = ideal - earned;
        let gap = (before - bound).min(i128::from(NEVER));
        let gap = i64::try_from(gap).unwrap_or(NEVER);
        let mut complete = before < i128::from(NEVER);
        let mut plans = Vec::new();
        for (&order, ideal) in orders.iter().zip(ideals) {
            let all = plans_within(columns, order as usize, &prices.of, ideal, gap);
            complete &= all.is_some();
            plans.push(all.unwrap_or_default());
        }
        let mut sequence: Vec<usize> = (0..orders.len()).collect();
        sequence.sort_by_key(|&at| (plans[at].len(), at));
        let mut least = vec![0i128; orders.len() + 1];
        for (place, &at) in sequence.iter().enumerate().rev() {
            let cents = plans[at].iter().map(|p| i128::from(p.choice.cents)).min();
            least[place] = least[place + 1] + cents.unwrap_or(0);
        }
        Self {
            sequence,
            orders: orders.to_vec(),
            plans,
            least,
            rest,
            chosen: Vec::new(),
            best: before,
            found: None,
            bound,
            nodes,
            complete,
        }
    }

    fn run(&mut self) {
        if self.complete && self.bound < self.best {
            self.node(0, 0, 0);
        }
    }

    /// Goes on with the order at a place of the sequence; `over` is what was lost at the prices,
    /// `spent` what was spent without them.
    fn node(&mut self, place: usize, over: i128, spent: i128) {
        if place == self.sequence.len() {
            if spent < self.best {
                self.best = spent;
                self.found = Some(self.chosen.clone());
            }
            return;
        }
        let at = self.sequence[place];
        let order = self.orders[at] as usize;
        for plan in 0..self.plans[at].len() {
            let over = over + i128::from(self.plans[at][plan].over);
            if self.bound + over >= self.best {
                // The others of this order cost more.
                return;
            }
            let spent = spent + i128::from(self.plans[at][plan].choice.cents);
            if spent + self.least[place + 1] >= self.best {
                continue;
            }
            if self.nodes == 0 {
                self.complete = false;
                return;
            }
            self.nodes -= 1;
            let choice = self.plans[at][plan].choice.clone();
            if self.rest.take(order, &choice).is_ok() {
                self.chosen.push(plan);
                self.node(place + 1, over, spent);
                self.chosen.pop();
                self.rest.give(order, &choice);
            }
        }
    }

    fn into_solved(self, orders: Vec<u32>) -> Solved {
        let raised = if self.complete && self.best > self.bound {
            self.best - self.bound
        } else {
            0
        };
        let choices = self.found.map(|found| {
            let mut choices = vec![Choice::none(); orders.len()];
            for (&at, plan) in self.sequence.iter().zip(found) {
                choices[at] = self.plans[at][plan].choice.clone();
            }
            choices
        });
        Solved {
            orders,
            choices,
            raised,
        }
    }
}

/// All plans of an order that cost at the prices at most `gap` more than `ideal`, in ascending cost;
/// `None` where they are too many.
fn plans_within(
    columns: &Columns,
    order: usize,
    prices: &[i64],
    ideal: i64,
    gap: i64,
) -> Option<Vec<Plan>> {
    let sheet = &columns.sheets[order];
    let shape = columns.shapes.get(sheet.shape);
    let mut list = List {
        columns,
        sheet,
        shape,
        prices,
        ceiling: ideal.saturating_add(gap),
        ideal,
        plans: Vec::new(),
        offers: SmallVec::new(),
        nodes: 50 * PLANS_MAX,
    };
    if sheet.keep < NEVER {
        let draws = columns.keep_draws(order).iter();
        let paid: i64 = draws.map(|&d| prices[d as usize]).sum();
        let choice = Choice {
            cents: sheet.keep,
            keep: true,
            offers: SmallVec::new(),
        };
        list.add(sheet.keep + paid, choice);
    }
    if sheet.nothing < NEVER {
        let choice = Choice {
            cents: sheet.nothing,
            ..Choice::none()
        };
        list.add(sheet.nothing, choice);
    }
    if sheet.offers.0 < sheet.offers.1 {
        list.go_on(shape.all(), sheet.change, sheet.change)?;
    }
    let mut plans = list.plans;
    plans.sort_by(|a, b| (a.over, &a.choice.offers).cmp(&(b.over, &b.choice.offers)));
    Some(plans)
}

struct List<'a> {
    columns: &'a Columns,
    sheet: &'a Sheet,
    shape: &'a Shape,
    prices: &'a [i64],
    ceiling: i64,
    ideal: i64,
    plans: Vec<Plan>,
    offers: SmallVec<[u32; 3]>,
    nodes: usize,
}

impl List<'_> {
    fn add(&mut self, cost: i64, choice: Choice) {
        if cost <= self.ceiling {
            let over = cost - self.ideal;
            self.plans.push(Plan { over, choice });
        }
    }

    /// Adds every plan that begins with the offers chosen so far; `None` where it is too much.
    fn go_on(&mut self, rest: u16, cost: i64, cents: i64) -> Option<()> {
        if cost > self.ceiling {
            return Some(());
        }
        if self.nodes == 0 || self.plans.len() > PLANS_MAX {
            return None;
        }
        self.nodes -= 1;
        if rest == 0 {
            if !self.offers.is_empty() {
                let mut offers = self.offers.clone();
                offers.sort_unstable();
                let choice = Choice {
                    cents,
                    keep: false,
                    offers,
                };
                self.add(cost, choice);
            }
            return Some(());
        }
        let lowest = self.shape.lowest[usize::from(rest)];
        let short = self.columns.short(self.sheet, usize::from(lowest.demand));
        if lowest.digit <= short.most {
            let more = short.cents * i64::from(lowest.digit);
            self.go_on(lowest.without, cost + more, cents + more)?;
        }
        if self.offers.len() >= usize::from(self.sheet.most) {
            return Some(());
        }
        let split = match self.offers.is_empty() {
            true => 0,
            false => self.sheet.split,
        };
        for at in self.sheet.offers.0..self.sheet.offers.1 {
            let offer: &Offer = &self.columns.offers[at as usize];
            let cut = self.shape.cuts(rest).iter().find(|c| c.part == offer.part);
            let Some(cut) = cut else {
                continue;
            };
            let draws = self.columns.draws_of(offer).iter();
            let paid: i64 = draws.map(|&d| self.prices[d as usize]).sum();
            let own = offer.cents + split;
            self.offers.push(at);
            self.go_on(cut.rest, cost + own + paid, cents + own)?;
            self.offers.pop();
        }
        Some(())
    }
}
