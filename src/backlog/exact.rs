//! Small components solved exactly, with their proof.
//!
//! Orders that share no scarce row, directly or through others, are problems of their own. In a
//! small one every order has few plans worth looking at (`plans`), and a search of our own takes one
//! order after the other (`joint`, `branch`). Where that does not come to the end of it, what is left
//! by reduced-cost fixing is solved as an integer programme (`programme`, `milp`), as long as it is small enough
//! for the solver. The work is counted, so that the answer does not depend on the machine.

use super::branch::search;
use super::columns::{Columns, NEVER, SCALE};
use super::groups::Groups;
use super::joint::Joint;
use super::milp;
use super::plans::Near;
use super::prices::Prices;
use super::programme::{Part, Wanted, offers};
use super::solve::{Choice, Scratch};
use super::start::Answer;
use rayon::prelude::*;
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};

/// Most orders of a component that is looked at.
const ORDERS_MAX: usize = 256;
/// Most plans of one order.
const PLANS_MAX: usize = 2_000;

/// Nodes of the solver for what is nearest to the cheapest, where all that may be better is too much.
const NODES_NEAREST: u32 = 1_000;

/// What came of a component.
struct Solved {
    orders: Vec<u32>,
    /// A cheaper answer.
    choices: Option<Vec<Choice>>,
    /// By how much its bound is higher than that of the prices.
    raised: i128,
}

/// How much work a component is worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// Steps of the own search.
    pub(super) nodes: u64,
    /// Nodes of the solver's search, where the own one does not end.
    pub(super) solver_nodes: u32,
}

impl Work {
    /// What there is time for once somebody has said that it is enough.
    pub(super) fn glance(self) -> Self {
        Self {
            nodes: self.nodes.min(NODES_STOPPED),
            solver_nodes: 0,
        }
    }
}

/// Steps of the own search in a glance.
const NODES_STOPPED: u64 = 2_000;
/// So many components at least are solved before somebody may say that it is enough.
const TOGETHER: usize = 16;
/// About so often at most he is asked.
const ROUNDS_HEARD: usize = 64;

/// Solves small components; tells how much higher the bound is for it. `go_on` hears how many are
/// solved, of how many; once it says no, the rest get no more than a glance.
pub(super) fn solve_small(
    columns: &Columns,
    prices: &Prices,
    lines: &[SmallVec<[u32; 4]>],
    mut work: Work,
    answer: &mut Answer<'_>,
    go_on: &mut dyn FnMut(u32, u32) -> bool,
) -> i128 {
    let small = components(lines);
    let others = Others::new(columns, prices, lines, answer);
    let all = u32::try_from(small.len()).unwrap_or(u32::MAX);
    let together = TOGETHER.max(small.len() / ROUNDS_HEARD);
    let mut solved: Vec<Solved> = Vec::with_capacity(small.len());
    for group in small.chunks(together) {
        let group = group.par_iter().cloned();
        let group = group.map_init(Scratch::default, |scratch, orders| {
            Component::new(columns, prices, orders, answer, &others, scratch).solve(work, scratch)
        });
        solved.par_extend(group);
        let done = u32::try_from(solved.len()).unwrap_or(u32::MAX);
        if done < all && !go_on(done, all) {
            work = work.glance();
        }
    }
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
            assert!(taken.is_ok(), "only what is there is taken");
            answer.choices[order as usize] = choice;
        }
    }
    raised
}

/// Orders connected by the lines they contend for, where they are few.
fn components(lines: &[SmallVec<[u32; 4]>]) -> Vec<Vec<u32>> {
    let mut groups = Groups::new(lines.iter().flatten().copied());
    lines.iter().for_each(|of| groups.join(of));
    let mut all = groups.of(lines);
    all.retain(|orders| orders.len() <= ORDERS_MAX);
    all
}

/// Orders that are in no component: they stay as they are, and what they draw is not there for the
/// others.
#[derive(Default)]
struct Others {
    /// By row: what they pay it.
    paid: HashMap<u32, i128, foldhash::fast::FixedState>,
    /// Rows of those that are not as the prices would have them: nothing is proven of these.
    open: HashSet<u32, foldhash::fast::FixedState>,
}

impl Others {
    fn new(
        columns: &Columns,
        prices: &Prices,
        lines: &[SmallVec<[u32; 4]>],
        answer: &Answer<'_>,
    ) -> Self {
        let mut others = Self::default();
        let mut scratch = Scratch::default();
        let price = |draw: u32| prices.of[draw as usize];
        for order in (0..lines.len()).filter(|&order| lines[order].is_empty()) {
            let choice = &answer.choices[order];
            let mut cost = choice.cents;
            for &draw in columns.chosen(order, choice) {
                let row = columns.rows.draw_row[draw as usize];
                *others.paid.entry(row).or_default() += i128::from(price(draw));
                cost += price(draw);
            }
            let draws = columns.keep_draws(order);
            if !draws.is_empty() && cost > columns.solve(order, price, |_| true, &mut scratch).0 {
                let rows = &columns.rows;
                let of = draws.iter().map(|&draw| rows.draw_row[draw as usize]);
                others
                    .open
                    .extend(of.flat_map(|row| row..rows.end[row as usize]));
            }
        }
        others
    }
}

/// A component.
struct Component<'a> {
    columns: &'a Columns,
    prices: &'a Prices,
    answer: &'a Answer<'a>,
    orders: Vec<u32>,
    /// What its orders give back when they are all released.
    given: HashMap<u32, i64, foldhash::fast::FixedState>,
    /// By order: what it costs at the prices at least.
    ideals: Vec<i64>,
    /// What the component costs as it is, scaled.
    known: i128,
    /// What it costs at least with what the others leave, scaled.
    bound: i128,
    /// What the bound of all orders together counts for it, scaled; `None` where that cannot be told.
    counted: Option<i128>,
}

impl<'a> Component<'a> {
    fn new(
        columns: &'a Columns,
        prices: &'a Prices,
        orders: Vec<u32>,
        answer: &'a Answer<'a>,
        others: &Others,
        scratch: &mut Scratch,
    ) -> Self {
        let price = |draw: u32| prices.of[draw as usize];
        let mut component = Self {
            columns,
            prices,
            answer,
            given: HashMap::default(),
            ideals: Vec::with_capacity(orders.len()),
            known: 0,
            bound: 0,
            counted: None,
            orders,
        };
        let mut rows: Vec<u32> = Vec::new();
        for &order in &component.orders {
            let order = order as usize;
            let choice = &answer.choices[order];
            component.known += i128::from(choice.cents);
            for &draw in columns.chosen(order, choice) {
                let row = columns.rows.draw_row[draw as usize];
                let units = columns.rows.draw_units[draw as usize];
                for row in row..columns.rows.end[row as usize] {
                    *component.given.entry(row).or_default() += units;
                }
            }
            let (cost, _) = columns.solve(order, price, |_| true, scratch);
            component.bound += i128::from(cost);
            component.ideals.push(cost);
            rows.extend(columns.rows_of(order));
        }
        rows.sort_unstable();
        rows.dedup();
        let mut counted = component.bound;
        for &row in &rows {
            let left = component.left(row);
            let most = prices.earning(columns, row, left).of(left);
            component.bound -= i128::from(most);
            counted -= match others.paid.get(&row) {
                Some(paid) if prices.is_sized(row) => prices.earned(columns, row) - paid,
                _ => i128::from(most),
            };
        }
        let open = rows.iter().any(|row| others.open.contains(row));
        component.counted = (!open).then_some(counted);
        component
    }

    /// What a row holds once all of its orders have given back.
    fn left(&self, row: u32) -> i64 {
        self.answer.rest.left[row as usize] + self.given.get(&row).copied().unwrap_or(0)
    }

    /// By how much a plan may cost more at the prices than its order's cheapest, in an answer that is
    /// better than `known`.
    fn room(&self, known: i128) -> i64 {
        let room = known - i128::from(SCALE) - self.bound;
        i64::try_from(room).unwrap_or(NEVER).min(NEVER)
    }

    fn solve(self, work: Work, scratch: &mut Scratch) -> Solved {
        let room = self.room(self.known);
        if room < 0 {
            let least = self.known;
            return self.solved(None, Some(least));
        }
        if work.nodes == 0 || self.known >= i128::from(NEVER) {
            return self.solved(None, None);
        }
        let list = |&order: &u32| {
            let much = (room, PLANS_MAX);
            Near::new(self.columns, order as usize, &self.prices.of, much, scratch)
        };
        let near: Vec<Near> = self.orders.iter().map(list).collect();
        let all: Vec<&Near> = near.iter().collect();
        let left = |row: u32| self.left(row);
        let joint = Joint::new(self.columns, self.prices, &all, left, self.known);
        let found = search(&joint, work.nodes);
        let choices = found.plans.map(|plans| {
            let choice = |(near, plan): (&Near, u32)| near.plans[plan as usize].choice.clone();
            near.iter().zip(plans).map(choice).collect::<Vec<_>>()
        });
        let cost = self.cost(choices.as_deref());
        // What is not listed may be in a better answer unless all was listed that may.
        let all_listed = near.iter().all(|n| n.reach >= room);
        let least = all_listed.then(|| match found.complete {
            true => cost,
            false => joint.bound.min(cost),
        });
        if least == Some(cost) || work.solver_nodes == 0 {
            return self.solved(choices, least);
        }
        let mut wanted: Vec<Wanted> = if all_listed {
            let plans = near.iter().zip(&joint.plans).zip(&self.orders);
            let of = plans.map(|((near, items), &order)| {
                let plans = items
                    .iter()
                    .map(|item| &near.plans[item.plan as usize].choice);
                Wanted::of(order as usize, plans)
            });
            of.collect()
        } else {
            self.wanted(self.room(cost), scratch)
        };
        let today = self
            .orders
            .iter()
            .map(|&o| &self.answer.choices[o as usize]);
        let known = choices.clone().unwrap_or_else(|| today.cloned().collect());
        let mut nodes = work.solver_nodes;
        let whole = offers(&wanted) <= milp::OFFERS_MAX;
        if !whole {
            // Not for the proof, but the best answer is mostly made of what is near the cheapest.
            if nodes < NODES_NEAREST {
                return self.solved(choices, least);
            }
            nodes = NODES_NEAREST;
            wanted = self.nearest(self.room(cost), scratch);
            if offers(&wanted) > 2 * milp::OFFERS_MAX {
                return self.solved(choices, least);
            }
        }
        for (wanted, choice) in wanted.iter_mut().zip(&known) {
            wanted.add(choice);
        }
        match self.programme(&wanted, &known, nodes) {
            Some((better, proven)) => {
                let proven = proven.filter(|_| whole);
                self.solved(better.or(choices), proven.max(least))
            }
            None => self.solved(choices, least),
        }
    }

    /// What may be in a plan that costs at the prices at most so much more than its order's cheapest.
    fn wanted(&self, over: i64, scratch: &mut Scratch) -> Vec<Wanted> {
        let orders = self.orders.iter().zip(&self.ideals);
        let wanted = orders.map(|(&order, &ideal)| {
            let most = ideal.saturating_add(over);
            Wanted::within(self.columns, order as usize, &self.prices.of, most, scratch)
        });
        wanted.collect()
    }

    /// What is nearest to the cheapest, as much as a solver may have; `room` is too much of it.
    fn nearest(&self, room: i64, scratch: &mut Scratch) -> Vec<Wanted> {
        let (mut fits, mut many) = (0, room);
        while many - fits > SCALE {
            let over = fits + (many - fits) / 2;
            if offers(&self.wanted(over, scratch)) > milp::OFFERS_MAX {
                many = over;
            } else {
                fits = over;
            }
        }
        self.wanted(fits, scratch)
    }

    /// What an integer programme finds that is better than what is known, and what it says that no answer
    /// costs less than; `None` where it finds nothing at all.
    fn programme(
        &self,
        wanted: &[Wanted],
        known: &[Choice],
        nodes: u32,
    ) -> Option<(Option<Vec<Choice>>, Option<i128>)> {
        let part = Part::new(self.columns, wanted, &|row| self.left(row));
        let start = part.values(self.columns, known);
        let answer = milp::solve(&part.programme, start.as_deref(), nodes)?;
        let choices = part.choices(self.columns, &answer.values)?;
        let (found, known) = (self.cost(Some(&choices)), self.cost(Some(known)));
        let least = found.min(known);
        let proven = answer.proven.then(|| least - milp::inexact(least));
        Some(((found < known).then_some(choices), proven))
    }

    fn cost(&self, choices: Option<&[Choice]>) -> i128 {
        choices.map_or(self.known, |all| {
            all.iter().map(|c| i128::from(c.cents)).sum()
        })
    }

    /// The result; `least` is what no answer costs less than, as far as that is proven.
    fn solved(self, choices: Option<Vec<Choice>>, least: Option<i128>) -> Solved {
        let raised = match (least, self.counted) {
            (Some(least), Some(counted)) => (least - counted).max(0),
            _ => 0,
        };
        Solved {
            orders: self.orders,
            choices,
            raised,
        }
    }
}
