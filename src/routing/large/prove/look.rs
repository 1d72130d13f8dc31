//! Sets that look cheap: how they are found from the prices of a part, and what they really cost.

use super::super::exchange::Exchange;
use super::super::node::Node;
use super::super::stairs::Shipped;
use super::{Aim, Run};
use std::cmp::Reverse;

/// Really pricing a set counts as so many cells for each place and demand.
const PRICING: u64 = 60;
/// The same where the cheapest plan of a set is found elsewhere, and counted there.
const FILLING: u64 = 8;
/// Cases that are told apart in a set, each time that it is looked at; a well chosen one is first looked at as
/// closely as is enough to find a good plan.
const CASES: [usize; 4] = [1, 6, 40, 400];
const CHOSEN: usize = 2;
/// A bound that is less than one of so many parts below the target is near it.
const FAR: i64 = 8;
/// Most sets that are kept for later.
const LATER_MAX: usize = 40_000;
/// How many places a good set is chosen from, and how often each of it is chosen anew.
const POOL: usize = 160;
const ROUNDS: usize = 4;
/// Places of the cheapest set are exchanged, one after the other, until so many do not make a better one.
const EXCHANGES: usize = 150;

impl<F: FnMut(&[usize], &[Shipped]) -> i64> Run<'_, F> {
    /// Looks at a set if it may be cheap enough, once.
    pub(super) fn look(&mut self, open: &[u32]) {
        // Well chosen: it is a good plan more often than not.
        self.look_once(open, 0, CHOSEN);
    }

    /// Looks at a set, if that was not done before; `least` is a bound already.
    fn look_once(&mut self, open: &[u32], least: i64, depth: usize) {
        let by_lines = self.costs.least(open);
        if by_lines < self.cheapest.0 {
            self.cheapest = (by_lines, open.to_vec());
        }
        let least = least.max(by_lines - self.costs.split);
        if least >= self.target || open.is_empty() {
            return;
        }
        let mut sorted = open.to_vec();
        sorted.sort_unstable();
        if self.looked.insert(sorted.clone()) {
            self.price(sorted, least, (depth, false));
        }
    }

    /// Looks at a set that may be cheap enough, `least` being a bound of it: at once where that is near the target,
    /// else when it is the lowest of all. Where lines are a poor bound there are too many sets to look at each to
    /// the end.
    pub(super) fn look_later(&mut self, open: &[u32], least: i64) {
        let closer = self.aim == Aim::Near && self.costs.stairs.is_some();
        let far = least < self.target - self.target / FAR;
        if closer && far && self.sets.len() < LATER_MAX {
            self.sets.push(Reverse((least, 0, open.to_vec())));
        } else {
            self.look(open);
        }
    }

    /// Looks at the set with the lowest bound once more.
    pub(super) fn look_closer(&mut self) {
        match self.sets.pop() {
            Some(Reverse((least, 0, open))) => self.look_once(&open, least, 0),
            Some(Reverse((least, depth, open))) => self.price(open, least, (depth, true)),
            None => (),
        }
    }

    /// Bounds and prices a set; `least` is a bound already. If that was done `before`, less closely, it is priced
    /// again only where something cheap enough was found by the steps.
    fn price(&mut self, open: Vec<u32>, least: i64, (depth, before): (usize, bool)) {
        let (least, ended) = self.refined(&open, least, CASES[depth]);
        if least >= self.target {
            return;
        }
        let found = self.refiner.upper.saturating_sub(self.costs.split) < self.target;
        let plan = self.plan.as_mut().filter(|_| found || !before);
        if let Some(plan) = plan {
            let set: Vec<usize> = open.iter().map(|&o| o as usize).collect();
            let cents = plan(&set, &self.refiner.found);
            self.aim(cents);
            let cells = open.len() * self.costs.wanted.len();
            let each = match self.aim {
                Aim::Near => PRICING,
                _ => FILLING,
            };
            self.work = self.work.saturating_sub(each * cells as u64);
        }
        if self.aim != Aim::Near || least >= self.target {
            return;
        }
        if ended || depth + 1 == CASES.len() {
            self.left = self.left.min(least);
        } else {
            self.sets.push(Reverse((least, depth + 1, open)));
        }
    }

    /// What a set costs at the least, with the steps of weight as they are where they are known, so many cases
    /// being told apart; by their lines it is `least`. Tells as well whether nothing more is to be found out.
    fn refined(&mut self, open: &[u32], least: i64, cases: usize) -> (i64, bool) {
        let looks = self.aim == Aim::Near && self.work > 0;
        let Some(stairs) = self.costs.stairs.as_ref().filter(|_| looks) else {
            self.refiner.found.clear();
            return (least, true);
        };
        let target = self.target.saturating_add(self.costs.split);
        let refined = (self.refiner).least((self.costs, stairs), open, target, cases);
        self.work = self.work.saturating_sub(self.refiner.looked);
        refined.map_or((least, true), |(refined, ended)| {
            (least.max(refined - self.costs.split), ended)
        })
    }

    /// Looks at a good set of as many places as the node has at the most: from the most promising
    /// ones always the one that saves most, then each in turn for a better one.
    pub(super) fn round(&mut self, node: &Node) {
        let pool = &node.others[..node.others.len().min(POOL)];
        let mut set = node.clone();
        while set.open.len() < node.most && self.add_best(&mut set, pool) {}
        for _ in 0..ROUNDS {
            let before = set.open.clone();
            for _ in 0..before.len() {
                // The first goes, and comes last if it is the best again.
                set.open.remove(0);
                self.add_best(&mut set, pool);
            }
            if set.open == before {
                break;
            }
        }
        self.look(&set.open);
    }

    /// Opens the place that saves most besides those that are open, if one saves anything.
    fn add_best(&mut self, set: &mut Node, pool: &[u32]) -> bool {
        let costs = self.costs;
        let mut prices = std::mem::take(&mut self.ascent.caps);
        set.caps(costs, &mut prices);
        for (demand, price) in prices.iter_mut().enumerate() {
            if !costs.whole[demand] {
                *price = set.prices[demand];
            }
        }
        let free = pool.iter().filter(|place| !set.open.contains(place));
        let add = |place: &u32| costs.bases[*place as usize] - costs.gain(*place, &prices);
        let best = free.map(|place| (add(place), *place)).min();
        self.ascent.caps = prices;
        self.work = self
            .work
            .saturating_sub((pool.len() * costs.average()) as u64);
        let best = best.filter(|best| best.0 < 0);
        set.open.extend(best.map(|best| best.1));
        best.is_some()
    }

    /// Looks for better sets than the best so far by exchanging its places.
    pub(super) fn exchange(&mut self, mut work: u64) {
        let costs = self.costs;
        let mut search = Exchange::new(costs, &self.cheapest.1);
        let (mut best, mut since) = (self.cheapest.0, 0);
        while since < EXCHANGES {
            since = if self.cheapest.0 < best { 0 } else { since + 1 };
            best = self.cheapest.0;
            let each = search.work();
            if work < each || self.cheapest.1.is_empty() || !search.step(self.cheapest.0) {
                return;
            }
            work -= each;
            self.work = self.work.saturating_sub(each);
            self.look(&search.open);
        }
    }
}
