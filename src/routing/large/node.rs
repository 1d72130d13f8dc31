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
/// Directions are counted in so many parts, and so many of these stay from step to step.
const PART: i64 = 8;
const KEPT: i64 = 4;
/// All places are looked at in one of so many steps, in the others only the most promising (as in
/// Caprara, Fischetti and Toth 1999), and of these so many at the fewest.
const BETWEEN: usize = 4;
const ACTIVE: usize = 64;
/// No target is farther away than this counts for a step.
const FAR: i64 = 1 << 44;
/// After so many looks without a better bound the steps become half as long.
const PATIENCE: usize = 2;

/// Which plans with the sets of a node are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shorts {
    /// All of them.
    Any,
    /// Those that ship everything that is able to ship.
    None,
    /// Those that do not.
    Some,
}

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
    pub(super) shorts: Shorts,
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
    /// Where the prices move: what is missing, and a part of what was.
    direction: Vec<i64>,
    /// The places that are looked at between two looks at all of them.
    active: Vec<u32>,
    cheap: Vec<(i64, u32)>,
    pub(super) priced: Priced,
}

impl Node {
    /// What a demand costs with the open places only, for all that ship whole; the short cost of
    /// what may be divided. What may not be short has as high a price as there is.
    pub(super) fn caps(&self, costs: &Costs, into: &mut Vec<i64>) {
        into.clone_from(match self.shorts {
            Shorts::None => &costs.lifted,
            Shorts::Any | Shorts::Some => &costs.short,
        });
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
    /// Works out the bound of a node at some prices, as if it had these other places only.
    fn work_out(&mut self, costs: &Costs, node: &Node, prices: &[i64], others: &[u32]) {
        let add = |&offer: &u32| costs.bases[offer as usize] - costs.gain(offer, prices);
        // The first shipment pays no split penalty.
        self.open = costs.worth(prices) - costs.split + node.open.iter().map(add).sum::<i64>();
        if node.shorts == Shorts::Some {
            self.open += costs.spared(prices);
        }
        self.adds.clear();
        self.adds.extend(others.iter().map(|o| (add(o), *o)));
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
    /// returns the bound. Where that stays below, leaves out the places that no set below the target has, and
    /// sorts the others by what they add. `work` is what one step costs, and what was spent.
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
        let unable = node.shorts == Shorts::None;
        costs.tie(&mut node.prices, unable);
        self.prices.clone_from(&node.prices);
        self.direction.clear();
        self.direction.resize(costs.wanted.len(), 0);
        let each = costs.average() as u64 + 1;
        let rows = costs.wanted.len() as u64;
        let (mut best, mut length, mut since) = (i64::MIN, STEP, 0);
        for step in 0..steps {
            let mut all = step % BETWEEN == 0;
            if !all {
                self.priced
                    .work_out(costs, node, &self.prices, &self.active);
                *work = work.saturating_sub(self.active.len() as u64 * each + rows);
                // As it seems; what is left out may be cheaper.
                all = self.priced.bound >= target;
            }
            if all {
                self.priced
                    .work_out(costs, node, &self.prices, &node.others);
                *work = work.saturating_sub(node.others.len() as u64 * each + rows);
                self.activate(node.most);
                if self.priced.bound > best {
                    best = self.priced.bound;
                    node.prices.clone_from(&self.prices);
                    since = 0;
                } else {
                    since += 1;
                    if since == PATIENCE {
                        length /= 2;
                        since = 0;
                    }
                }
                if best >= target || length == 0 {
                    break;
                }
            }
            if !self.step(costs, node, (target - self.priced.bound, length)) && all {
                break;
            }
        }
        if best >= target {
            return best;
        }
        // Once more for the best prices, and as much for sorting and dividing.
        *work = work.saturating_sub(2 * (node.others.len() as u64 * each + rows));
        self.priced
            .work_out(costs, node, &node.prices, &node.others);
        let priced = &mut self.priced;
        let spared = priced.forced(node);
        let room = target.saturating_sub(priced.bound);
        priced.adds.retain(|add| add.0 - spared < room);
        priced.adds.sort_unstable();
        node.others.clear();
        node.others.extend(priced.adds.iter().map(|a| a.1));
        best
    }

    /// Chooses the places that the next steps look at: those that add the least now.
    fn activate(&mut self, most: usize) {
        let adds = &self.priced.adds;
        self.cheap.clone_from(adds);
        let count = ACTIVE.max(4 * most);
        if count < adds.len() {
            self.cheap.select_nth_unstable(count);
            self.cheap.truncate(count);
        }
        self.active.clear();
        self.active.extend(self.cheap.iter().map(|add| add.1));
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
        for (row, missing) in self.missing.iter().enumerate() {
            let price = self.prices[row];
            let moved = &mut self.direction[row];
            *moved = *moved * KEPT / PART + missing * PART;
            if (*moved > 0 && price >= self.caps[row]) || (*moved < 0 && price <= 0) {
                *moved = 0;
            }
            squares += match moved.checked_mul(*moved) {
                Some(square) => i128::from(square / costs.scales[row]),
                None => i128::from(*moved).pow(2) / i128::from(costs.scales[row]),
            };
        }
        if squares == 0 {
            return false;
        }
        let squares = i64::try_from(squares).unwrap_or(i64::MAX);
        let room = room.clamp(0, FAR);
        let step = (room / STEP * length * PART * PART / squares).max(1);
        for (row, moved) in self.direction.iter().enumerate() {
            // The scale of two thousand million units times anything would overflow.
            let change = moved.saturating_mul(step) / PART / costs.scales[row];
            let price = self.prices[row].saturating_add(change);
            self.prices[row] = price.clamp(0, self.caps[row]);
        }
        costs.tie(&mut self.prices, node.shorts == Shorts::None);
        true
    }
}
