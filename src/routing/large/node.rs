//! A part of all sets of places, and how little any of them costs: prices for the demands.
//!
//! Let every wanted unit have a price of at most its short cost. A set of places costs at least the
//! prices of all that is wanted and, for every place, its base less what it can sell below the
//! prices; so a part of all sets costs at least that with the places that all of them have and the
//! cheapest of the others, as many as they have at the fewest. That is the Lagrangian relaxation of
//! "everything wanted ships or is short" with the number of places kept (Beasley 1993, for set
//! covering and location); the prices rise where too little is on offer and fall where too much is
//! (subgradient steps after Held, Wolfe and Crowder 1974), in whole parts of a cent.

use super::costs::Costs;

/// Steps are counted in so many parts.
const STEP: i64 = 32;
/// After so many steps without a better bound they become half as long.
const PATIENCE: usize = 4;

/// All sets of places that have some, may have others, and have so many in all.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Places that every set has.
    pub(super) open: Vec<u32>,
    /// Places that a set may have besides; after `ascend` the most promising first.
    pub(super) others: Vec<u32>,
    /// How many of those at the fewest, and at the most.
    pub(super) fewest: usize,
    pub(super) most: usize,
    /// By demand: the price of one of the wanted.
    pub(super) prices: Vec<i64>,
}

/// What the prices say about a node.
#[derive(Debug, Default)]
pub(super) struct Priced {
    /// No set of the node costs less.
    pub(super) bound: i64,
    /// The same without the others.
    pub(super) open: i64,
    /// What each of the others adds at the least, with the place; after `sort` ascending.
    pub(super) adds: Vec<(i64, u32)>,
    /// How many of them are in the bound.
    pub(super) chosen: usize,
}

/// Memory of `ascend`.
#[derive(Debug, Default)]
pub(super) struct Ascent {
    prices: Vec<i64>,
    pub(super) caps: Vec<i64>,
    missing: Vec<i64>,
    pub(super) priced: Priced,
}

impl Node {
    /// What a demand costs with the open places only, for all that ship whole; the short cost of
    /// what may be divided.
    pub(super) fn caps(&self, costs: &Costs, into: &mut Vec<i64>) {
        into.clone_from(&costs.short);
        for &offer in &self.open {
            for cell in costs.cells_of(offer) {
                let demand = cell.demand as usize;
                if costs.whole[demand] {
                    into[demand] = into[demand].min(cell.each);
                }
            }
        }
    }
}

impl Priced {
    /// Works out the bound of a node at some prices.
    fn work_out(&mut self, costs: &Costs, node: &Node, prices: &[i64]) {
        let add = |&offer: &u32| costs.bases[offer as usize] - costs.gain(offer, prices);
        // The first shipment pays no split penalty.
        self.open = costs.worth(prices) - costs.split + node.open.iter().map(add).sum::<i64>();
        self.adds.clear();
        self.adds.extend(node.others.iter().map(|o| (add(o), *o)));
        let most = node.most.min(self.adds.len());
        if most < self.adds.len() {
            self.adds.select_nth_unstable(most);
        }
        if node.fewest < most {
            self.adds[..most].select_nth_unstable(node.fewest);
        }
        let worthwhile = |&(at, add): &(usize, &(i64, u32))| at < node.fewest || add.0 < 0;
        let chosen = self.adds[..most].iter().enumerate().filter(worthwhile);
        let (mut count, mut sum) = (0, 0);
        for (_, add) in chosen {
            count += 1;
            sum += add.0;
        }
        self.chosen = count;
        self.bound = self.open + sum;
        if node.fewest < most {
            // The chosen ones first.
            self.adds[..most].sort_unstable();
        }
    }

    /// What a set of the node costs more than the bound at the least where it has one more of the
    /// others, that adds `add`.
    fn forced(&self, node: &Node) -> i64 {
        let last = self.adds[..self.chosen].iter().map(|a| a.0).max();
        // It takes the place of the dearest, or comes besides.
        match last {
            Some(last) if self.chosen == node.most => last,
            last => last.unwrap_or(0).max(0),
        }
    }
}

impl Ascent {
    /// Looks for the prices with the highest bound, in so many steps or until it reaches `target`;
    /// leaves out the places that no set below the target has, sorts the others by what they add,
    /// and returns the bound. `work` is what one step costs, and what was spent.
    pub(super) fn ascend(
        &mut self,
        costs: &Costs,
        node: &mut Node,
        (steps, target): (usize, i64),
        work: &mut u64,
    ) -> i64 {
        if node.others.len() < node.fewest {
            return i64::MAX;
        }
        node.caps(costs, &mut self.caps);
        for (price, cap) in node.prices.iter_mut().zip(&self.caps) {
            *price = (*price).min(*cap);
        }
        self.prices.clone_from(&node.prices);
        let places = node.open.len() + node.others.len();
        let each = (places * (costs.average() + 1) + costs.wanted.len()) as u64;
        let (mut best, mut length, mut since) = (i64::MIN, STEP, 0);
        for _ in 0..steps {
            *work = work.saturating_sub(each);
            self.priced.work_out(costs, node, &self.prices);
            let bound = self.priced.bound;
            if bound > best {
                best = bound;
                node.prices.clone_from(&self.prices);
                since = 0;
            } else {
                since += 1;
                if since == PATIENCE {
                    length /= 2;
                    since = 0;
                }
            }
            if best >= target || length == 0 || !self.step(costs, node, (target - bound, length)) {
                break;
            }
        }
        self.priced.work_out(costs, node, &node.prices);
        let priced = &mut self.priced;
        let spared = priced.forced(node);
        let room = target.saturating_sub(priced.bound);
        priced.adds.retain(|add| add.0 - spared < room);
        priced.adds.sort_unstable();
        node.others.clear();
        node.others.extend(priced.adds.iter().map(|a| a.1));
        best
    }

    /// Moves the prices towards what is missing; `false` when nothing is.
    fn step(&mut self, costs: &Costs, node: &Node, (room, length): (i64, i64)) -> bool {
        self.missing.clone_from(&costs.wanted);
        let chosen = self.priced.adds[..self.priced.chosen].iter().map(|a| a.1);
        for offer in node.open.iter().copied().chain(chosen) {
            for cell in costs.cells_of(offer) {
                let demand = cell.demand as usize;
                if self.prices[demand] > cell.each {
                    self.missing[demand] -= i64::from(cell.units);
                }
            }
        }
        // Two thousand million units of one demand are allowed: their square fills an i64.
        let mut squares = 0i128;
        for (demand, missing) in self.missing.iter_mut().enumerate() {
            let price = self.prices[demand];
            if (*missing > 0 && price >= self.caps[demand]) || (*missing < 0 && price <= 0) {
                *missing = 0;
            }
            squares += i128::from(*missing).pow(2);
        }
        if squares == 0 {
            return false;
        }
        let step = i128::from(room / STEP) * i128::from(length) / squares;
        let step = i64::try_from(step).unwrap_or(i64::MAX).max(1);
        for (demand, missing) in self.missing.iter().enumerate() {
            let price = self.prices[demand].saturating_add(missing.saturating_mul(step));
            self.prices[demand] = price.clamp(0, self.caps[demand]);
        }
        true
    }
}
