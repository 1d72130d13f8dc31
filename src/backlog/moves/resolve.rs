//! Some orders that want the same scarce items are given their best plans together: exactly, given what
//! all others have.
//!
//! - *Preconditions*: a handful of orders that share contended SKUs, one with the next.
//! - *Gain*: what they cost before less the least that they can cost.
//! - *Validity*: the joint problem (`joint`) has no more of any row than what is left.
//! - *Apply*: they take what the search (`branch`) found, or what they had. As long as searches end
//!   early the next is of more orders; where one does not end, of fewer.

use super::Bench;
use crate::backlog::branch::search;
use crate::backlog::joint::Joint;
use crate::backlog::plans::Near;
use crate::backlog::prices::Prices;
use smallvec::SmallVec;

/// Fewest and most orders of a search.
const SIZES: (usize, usize) = (4, 40);
/// Size of the first.
const SIZE_FIRST: usize = 8;

/// The move.
pub(in crate::backlog) struct Resolve<'a> {
    prices: &'a Prices,
    /// By order.
    near: &'a [Near],
    /// Most nodes of a search.
    nodes: u64,
    size: usize,
}

impl<'a> Resolve<'a> {
    /// Searches of so many nodes each, on the plans near each order's cheapest.
    pub(in crate::backlog) fn new(prices: &'a Prices, near: &'a [Near], nodes: u64) -> Self {
        Self {
            prices,
            near,
            nodes,
            size: SIZE_FIRST,
        }
    }

    /// Tries it once; the scaled cents it gained.
    pub(in crate::backlog) fn run(&mut self, bench: &mut Bench<'_>) -> i64 {
        let members = self.members(bench);
        let order = |&at: &u32| bench.orders[at as usize] as usize;
        let known = |bench: &Bench<'_>| {
            let cents = members.iter().map(|&at| bench.choices[at as usize].cents);
            cents.map(i128::from).sum::<i128>()
        };
        let before = known(bench);
        for at in &members {
            bench.rest.give(order(at), &bench.choices[*at as usize]);
        }
        let near: SmallVec<[&Near; 40]> = members.iter().map(|at| &self.near[order(at)]).collect();
        let left = |row: u32| bench.rest.left[row as usize];
        let joint = Joint::new(bench.columns, self.prices, &near, left, before);
        let found = search(&joint, self.nodes);
        if let Some(plans) = &found.plans {
            for ((&at, near), &plan) in members.iter().zip(&near).zip(plans) {
                bench.choices[at as usize] = near.plans[plan as usize].choice.clone();
            }
        }
        for at in &members {
            let taken = bench.rest.take(order(at), &bench.choices[*at as usize]);
            assert!(taken.is_ok(), "the search only takes what is there");
        }
        if !found.complete {
            self.size = (self.size - 1).max(SIZES.0);
        } else if found.nodes > self.nodes / 2 {
            self.size = (self.size + 1).min(SIZES.1);
        }
        i64::try_from(before - known(bench)).unwrap_or(i64::MAX)
    }

    /// Positions of orders that share lines, around one that would do better.
    fn members(&self, bench: &mut Bench<'_>) -> SmallVec<[u32; 40]> {
        let first = bench.seed();
        let mut members = SmallVec::from_slice(&[first]);
        let mut last = first;
        for _ in 0..self.size * 4 {
            if members.len() == self.size {
                break;
            }
            let Some(next) = bench.neighbour(last) else {
                break;
            };
            if !members.contains(&next) {
                members.push(next);
            }
            // Mostly around those that are already there: they share more than a path does.
            last = match bench.random.next() & 3 {
                0 => next,
                _ => members[bench.random.index(members.len())],
            };
        }
        members
    }
}
