//! What several searches found, put together: every order takes the plan that it has in one of their
//! answers, so that all together cost the least.
//!
//! Searches that began elsewhere are stuck elsewhere, and each is right in another part (Cook, Seymour 2003
//! did this with tours; Aggarwal, Orlin, Tai 1997 call it an optimised crossover). Orders that have the same
//! plan everywhere stay. The others fall into groups that share no row which is short of units for
//! all of them; each group is searched (`joint`, `branch`), and where that does not end it is an integer
//! programme (`programme`, `milp`) of few variables. The work is counted.

use super::branch::search;
use super::columns::{BROKEN, Columns};
use super::groups::Groups;
use super::joint::Joint;
use super::milp;
use super::plans::Near;
use super::prices::Prices;
use super::programme::{Part, Wanted, offers};
use super::solve::Choice;
use super::start::Answer;
use rayon::prelude::*;
use std::collections::HashMap;

/// Steps of the search of a group.
const NODES: u64 = 20_000;
/// Nodes of the solver, where that does not end.
const SOLVER_NODES: u32 = 300;

/// Plans that orders have in good answers.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// By order.
    plans: Vec<Vec<Choice>>,
}

impl Pool {
    /// Adds what the orders have in an answer.
    pub(super) fn add(&mut self, answer: &Answer<'_>) {
        self.plans.resize(answer.choices.len(), Vec::new());
        for (plans, choice) in self.plans.iter_mut().zip(&answer.choices) {
            if choice.cents < BROKEN && !plans.contains(choice) {
                plans.push(choice.clone());
            }
        }
    }

    /// The plans of an order.
    pub(super) fn of(&self, order: usize) -> &[Choice] {
        self.plans.get(order).map_or(&[], Vec::as_slice)
    }
}

/// Improves an answer that is in the pool with what else is in it; the scaled cents that it gained.
pub(super) fn merge(
    columns: &Columns,
    prices: &Prices,
    pool: &Pool,
    answer: &mut Answer<'_>,
) -> i128 {
    let before = answer.cents();
    let free = (0..answer.choices.len()).filter(|&order| {
        let own = &answer.choices[order];
        own.cents < BROKEN && pool.of(order).iter().any(|plan| plan != own)
    });
    let free: Vec<usize> = free.collect();
    let near: Vec<Near> = free
        .par_iter()
        .map(|&order| Near::of(columns, order, &prices.of, pool.of(order)))
        .collect();
    let merging = Merging {
        columns,
        prices,
        answer,
        free: &free,
        near: &near,
    };
    let groups = merging.groups();
    let found: Vec<Option<Vec<Choice>>> = groups
        .par_iter()
        .map(|group| merging.solve(group))
        .collect();
    for (group, choices) in groups.iter().zip(found) {
        let Some(choices) = choices else {
            continue;
        };
        for &at in group {
            let order = free[at as usize];
            answer.rest.give(order, &answer.choices[order]);
        }
        // A programme may put together what no plan of the pool draws: then another group was faster.
        let mut taken = 0;
        for (&at, choice) in group.iter().zip(&choices) {
            if answer.rest.take(free[at as usize], choice).is_err() {
                break;
            }
            taken += 1;
        }
        if taken < group.len() {
            for (&at, choice) in group[..taken].iter().zip(&choices) {
                answer.rest.give(free[at as usize], choice);
            }
            for &at in group {
                let order = free[at as usize];
                let back = answer.rest.take(order, &answer.choices[order]);
                assert!(back.is_ok(), "it was there a moment ago");
            }
            continue;
        }
        for (&at, choice) in group.iter().zip(choices) {
            answer.choices[free[at as usize]] = choice;
        }
    }
    before - answer.cents()
}

struct Merging<'a> {
    columns: &'a Columns,
    prices: &'a Prices,
    answer: &'a Answer<'a>,
    /// Orders that have several plans.
    free: &'a [usize],
    /// Their plans.
    near: &'a [Near],
}

impl Merging<'_> {
    /// Groups of free orders, by their places in the list, that share no row which is short of units.
    fn groups(&self) -> Vec<Vec<u32>> {
        let all: Vec<u32> = (0u32..).zip(self.free).map(|(at, _)| at).collect();
        let left = self.left(&all);
        let mut wanted: HashMap<u32, i64, foldhash::fast::FixedState> = HashMap::default();
        let most: Vec<Vec<(u32, i64)>> = self.near.iter().map(Near::most_used).collect();
        for &(row, units) in most.iter().flatten() {
            *wanted.entry(row).or_default() += units;
        }
        let short = |&(row, _): &(u32, i64)| {
            let left = left.get(&row).copied().unwrap_or(0);
            left + self.answer.rest.left[row as usize] < wanted[&row]
        };
        let mut groups = Groups::new(most.iter().flatten().map(|(row, _)| *row));
        let rows = most.into_iter().map(|rows| {
            let short = rows.iter().filter(|row| short(row));
            short.map(|(row, _)| *row).collect::<Vec<u32>>()
        });
        let rows: Vec<Vec<u32>> = rows.collect();
        rows.iter().for_each(|rows| groups.join(rows));
        groups.of(&rows)
    }

    /// What rows hold on top of what is left once some orders have given back.
    fn left(&self, group: &[u32]) -> HashMap<u32, i64, foldhash::fast::FixedState> {
        let rows = &self.columns.rows;
        let mut given: HashMap<u32, i64, foldhash::fast::FixedState> = HashMap::default();
        for &at in group {
            let order = self.free[at as usize];
            for &draw in self.columns.chosen(order, &self.answer.choices[order]) {
                let row = rows.draw_row[draw as usize];
                for row in row..rows.end[row as usize] {
                    *given.entry(row).or_default() += rows.draw_units[draw as usize];
                }
            }
        }
        given
    }

    /// Better plans of a group.
    fn solve(&self, group: &[u32]) -> Option<Vec<Choice>> {
        let given = self.left(group);
        let left =
            |row: u32| self.answer.rest.left[row as usize] + given.get(&row).copied().unwrap_or(0);
        let own = |&at: &u32| &self.answer.choices[self.free[at as usize]];
        let known: i128 = group.iter().map(|at| i128::from(own(at).cents)).sum();
        let near: Vec<&Near> = group.iter().map(|&at| &self.near[at as usize]).collect();
        let joint = Joint::new(self.columns, self.prices, &near, left, known);
        let found = search(&joint, NODES);
        let choice = |(near, plan): (&&Near, u32)| near.plans[plan as usize].choice.clone();
        let choices = found.plans.map(|plans| {
            let of = near.iter().zip(plans);
            of.map(choice).collect::<Vec<_>>()
        });
        if found.complete {
            return choices;
        }
        let best: Vec<Choice> = match &choices {
            Some(choices) => choices.clone(),
            None => group.iter().map(own).cloned().collect(),
        };
        let plans = near.iter().zip(&joint.plans).zip(group).zip(&best);
        let wanted = plans.map(|(((near, items), &at), best)| {
            let plans = items.iter().map(|i| &near.plans[i.plan as usize].choice);
            Wanted::of(self.free[at as usize], plans.chain([best]))
        });
        let wanted: Vec<Wanted> = wanted.collect();
        if offers(&wanted) > milp::OFFERS_MAX {
            return choices;
        }
        let part = Part::new(self.columns, &wanted, &left);
        let start = part.values(self.columns, &best);
        let answer = milp::solve(&part.programme, start.as_deref(), SOLVER_NODES);
        let better = answer.and_then(|answer| part.choices(self.columns, &answer.values));
        let cost = |of: &[Choice]| of.iter().map(|c| i128::from(c.cents)).sum::<i128>();
        better
            .filter(|better| cost(better) < cost(&best))
            .or(choices)
    }
}
