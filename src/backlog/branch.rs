//! The best answer of a joint problem, by branch and bound: one order after the other, its plans by what
//! they leave possible.
//!
//! What an answer costs is its bound, what its plans cost more at the prices, and what the rows earn less than they could
//! (`joint`). All three are known exactly of the orders that are decided, and of a row at least
//! what its rest cannot earn any more from the orders that come: so the search knows early when units are left over.
//! Orders that share rows come one after another. The work is counted in nodes, so that the answer
//! does not depend on the machine.

use super::columns::SCALE;
use super::joint::{Joint, most_used};

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// By order: which of its plans near the cheapest, where that is cheaper than what was known.
    pub(super) plans: Option<Vec<u32>>,
    /// Whether nothing cheaper is left among the plans of the joint problem.
    pub(super) complete: bool,
    /// Nodes that were not needed.
    pub(super) nodes: u64,
}

/// Looks for a better answer in at most so many nodes.
pub(super) fn search(joint: &Joint, nodes: u64) -> Found {
    if joint.is_done() {
        return Found {
            plans: None,
            complete: true,
            nodes,
        };
    }
    let steps = steps(joint);
    let mut branch = Branch {
        joint,
        steps: &steps,
        left: joint.rows.iter().map(|r| r.left).collect(),
        chosen: Vec::with_capacity(steps.len()),
        children: Vec::new(),
        bar: joint.known - i128::from(SCALE),
        best: None,
        nodes,
        complete: true,
    };
    branch.node(0, joint.bound);
    let (complete, nodes) = (branch.complete, branch.nodes);
    let plans = branch.best.map(|chosen| {
        let mut plans = vec![0; steps.len()];
        for (step, item) in steps.iter().zip(chosen) {
            plans[step.order] = joint.plans[step.order][item].plan;
        }
        plans
    });
    Found {
        plans,
        complete,
        nodes,
    }
}

/// An order in the sequence.
#[derive(Debug)]
struct Step {
    order: usize,
    /// Its rows, and what this and later orders could draw from each, and later ones alone.
    rows: Vec<(u32, i64, i64)>,
}

/// The orders in their sequence: whoever shares the most with those before, and brings the least that is
/// new, comes next.
fn steps(joint: &Joint) -> Vec<Step> {
    let uses: Vec<Vec<(u32, i64)>> = joint.plans.iter().map(|p| most_used(p)).collect();
    let mut users = vec![0i64; joint.rows.len()];
    for of in &uses {
        of.iter().for_each(|(row, _)| users[*row as usize] += 1);
    }
    let mut seen = vec![false; joint.rows.len()];
    let mut wanted: Vec<i64> = joint.rows.iter().map(|r| r.wanted).collect();
    let mut open: Vec<usize> = (0..uses.len()).collect();
    let mut steps = Vec::with_capacity(uses.len());
    while !open.is_empty() {
        let rank = |&order: &usize| {
            let rows = uses[order].iter().map(|(row, _)| *row as usize);
            // A row that nobody else draws from is closed at once.
            let new = rows.clone().filter(|&r| !seen[r] && users[r] > 1).count();
            let closed = rows.filter(|&r| users[r] == 1).count();
            (
                new,
                std::cmp::Reverse(closed),
                joint.plans[order].len(),
                order,
            )
        };
        let next = open.iter().copied().min_by_key(rank).unwrap_or(0);
        open.retain(|&order| order != next);
        let rows = uses[next].iter().map(|&(row, most)| {
            let at = row as usize;
            seen[at] = true;
            users[at] -= 1;
            let before = wanted[at];
            wanted[at] -= most;
            (row, before, wanted[at])
        });
        steps.push(Step {
            order: next,
            rows: rows.collect(),
        });
    }
    steps
}

struct Branch<'a> {
    joint: &'a Joint,
    steps: &'a [Step],
    left: Vec<i64>,
    /// By step: which of the order's plans.
    chosen: Vec<usize>,
    /// What the nodes on the way have still to look at: what it costs at least, and which plan.
    children: Vec<(i128, usize)>,
    /// A better answer costs at most so much.
    bar: i128,
    best: Option<Vec<usize>>,
    nodes: u64,
    complete: bool,
}

impl Branch<'_> {
    /// Goes on with the order at a place of the sequence; no answer from here on costs less than `cost`.
    fn node(&mut self, place: usize, cost: i128) {
        let Some(step) = self.steps.get(place) else {
            self.bar = cost - i128::from(SCALE);
            self.best = Some(self.chosen.clone());
            return;
        };
        let from = self.children.len();
        self.look(step, cost);
        self.children[from..].sort_unstable();
        let end = self.children.len();
        for at in from..end {
            let (least, item) = self.children[at];
            if least > self.bar {
                break;
            }
            if self.nodes == 0 {
                self.complete = false;
                break;
            }
            self.nodes -= 1;
            let plans = &self.joint.plans[step.order];
            for &(row, units) in &plans[item].uses {
                self.left[row as usize] -= units;
            }
            self.chosen.push(item);
            self.node(place + 1, least);
            self.chosen.pop();
            for &(row, units) in &plans[item].uses {
                self.left[row as usize] += units;
            }
        }
        self.children.truncate(from);
    }

    /// Lists the plans of an order that fit, and may come to something better.
    fn look(&mut self, step: &Step, cost: i128) {
        let rows = &self.joint.rows;
        let left = &self.left;
        let earn = |row: u32, units: i64| rows[row as usize].earn(units);
        // What the rows of the order can earn less because it is decided, before it pays.
        let lost = step.rows.iter().map(|&(row, before, after)| {
            let left = left[row as usize];
            earn(row, left.min(before)) - earn(row, left.min(after))
        });
        let lost: i64 = lost.sum();
        for (item, plan) in self.joint.plans[step.order].iter().enumerate() {
            if cost + i128::from(plan.over) > self.bar {
                break;
            }
            let mut more = lost + plan.over;
            let mut fits = true;
            for &(row, units) in &plan.uses {
                let left = left[row as usize];
                fits &= left >= units;
                let of = step.rows.binary_search_by_key(&row, |r| r.0);
                let after = of.map_or(0, |at| step.rows[at].2);
                more += earn(row, left.min(after)) - earn(row, (left - units).min(after));
                more -= rows[row as usize].price(units);
            }
            let least = cost + i128::from(more);
            if fits && least <= self.bar {
                self.children.push((least, item));
            }
        }
    }
}
