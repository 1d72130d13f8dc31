//! Which places can be open together: branch and bound over sets of them, for a proven bound.
//!
//! The sets are first told apart by how many places they have: what so many shipments cost at the
//! least is known much better than what any number of them costs. Each part (`node`) has a bound, and
//! the part with the lowest is always divided next, so that what is known of all of them rises as
//! the search goes on: by a demand that no open place has, of which each place that has it is tried
//! in turn, later ones without the earlier, and at last none of them. Where only one or two places
//! are missing they are gone through. Every set that looks cheap enough is priced as it is.
//!
//! What cannot be better than the best plan less a small tolerance is left out, so that a search that
//! ends proves the best plan to be that close to the optimum. The work is counted; where it runs
//! out, the lowest bound that is left bounds the optimum instead.
//!
//! The order of the search is here; `parts` divides, `through` goes through what is small (as bits of
//! `sets`), `look` finds sets that look cheap and prices them.

mod look;
mod parts;
mod sets;
mod through;

use self::parts::Divided;
use super::super::request::part_of;
use super::costs::{Costs, PARTS};
use super::node::{Ascent, Node, Shorts};
use super::stairs::{Refiner, Shipped};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// A plan within so many thousandths of the optimum is good enough.
const TOLERANCE: i64 = 4;
/// Most cells that are looked at, or each so often where that is more.
const WORK_MAX: u64 = 24_000_000;
const EACH_MAX: u64 = 500;
/// For plans that are better by a small tolerance: each so often, and no fewer. Plans are found early; what more
/// work adds is mostly the proof.
const EACH_NEAR: u64 = 8_000;
const WORK_NEAR: u64 = 2_000_000;
/// How much is looked at where the first bounds are one of so many parts below the target, or more, before it is
/// asked whether the rest would be enough: that much is seldom proven.
const FARTHER: i64 = 3;
const EACH_FAR: u64 = 3_000;
const WORK_FAR: u64 = 1_000_000;
/// By how much more work a search is worth that has the cheapest plan of a set found elsewhere.
const MORE: u64 = 4;
/// Where only better plans are looked for, each so often where that is more: many places have many sets.
const EACH_BETTER: u64 = 24_000;
const WORK_BETTER: u64 = 1_500_000_000;
/// Most divided parts and sets that are kept: their memory is bounded, however much work is allowed.
const KEPT_MAX: usize = 400_000;
/// Sets of more places than this are not told apart by their number.
const COUNTED: usize = 12;
/// Steps for the first prices, and for those of a part.
const FIRST_STEPS: usize = 150;
const STEPS: usize = 14;
/// Looking for better sets by exchange is one of so many parts of the work at the most. Where the bound is less
/// than one of so many parts below the target, first one of so many parts of the work goes into the bound.
const EXCHANGING: u64 = 2;
const NEAR: i64 = 32;
const WARM: u64 = 8;

/// Part number `1` of a divided node `0`, after the least bound of it.
type Open = Reverse<(i64, u32, u32)>;

/// A set after its bound, and how closely it was looked at.
type Looked = Reverse<(i64, usize, Vec<u32>)>;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Plans that are better by a small tolerance, `plan` telling what some plan with a set costs.
    Near,
    /// Plans that are better, `plan` telling the least cost of a set: nothing is left of it then.
    Better,
    /// The same, and those that cost as much as the best.
    Equal,
}

/// The search, asking `plan` what a set of open offers really costs.
struct Run<'a, F> {
    costs: &'a Costs,
    /// Where there is none, sets are bounded and not priced.
    plan: Option<F>,
    aim: Aim,
    /// By their number less one: how much more shipments cost that leave nothing short than the lines say, at the
    /// least; nothing more where it ends.
    above: Vec<i64>,
    /// Nothing of that cost or more is looked at.
    target: i64,
    /// The least bound of what was left.
    left: i64,
    work: u64,
    open: BinaryHeap<Open>,
    divided: Vec<Divided>,
    /// Memory of `part`: by offer.
    gone: Vec<bool>,
    ascent: Ascent,
    looked: HashSet<Vec<u32>>,
    /// Sets that may be cheap, the one with the lowest bound first.
    sets: BinaryHeap<Looked>,
    /// The set that costs the least by `costs`, and what it costs.
    cheapest: (i64, Vec<u32>),
    /// What `above` says of the sets that are gone through.
    over: i64,
    /// Memory of `go_through`, and of `look`.
    prices: Vec<Vec<i64>>,
    refiner: Refiner,
}

impl Costs {
    /// In cents, what no plan that ships something costs less than; `best` is the cost of the best
    /// one known, in cents, and `plan` tells the cost of the best one known after trying to do better
    /// with a set of open offers.
    /// It is told as well how the goods of the set cost the least by the steps of weight, if that is known.
    pub(super) fn prove(&self, best: i64, plan: impl FnMut(&[usize], &[Shipped]) -> i64) -> i64 {
        self.search(best, Some(plan), (Aim::Near, Vec::new()))
    }

    /// The same where no set is to be priced.
    pub(super) fn bound(&self, best: i64) -> i64 {
        type Nobody = fn(&[usize], &[Shipped]) -> i64;
        self.search(best, None::<Nobody>, (Aim::Near, Vec::new()))
    }

    /// How many cells a search may look at.
    fn work(&self, aim: Aim) -> u64 {
        let most = WORK_MAX.max(self.cells() * EACH_MAX);
        let usual = match aim {
            Aim::Near => (self.cells() * EACH_NEAR).max(WORK_NEAR).min(most),
            Aim::Equal => most * MORE,
            Aim::Better => (self.cells() * EACH_BETTER)
                .min(WORK_BETTER)
                .max(most * MORE),
        };
        part_of(usual, self.effort)
    }

    /// How many cells are worth to be looked at where there is much to prove.
    fn far_work(&self) -> u64 {
        part_of((self.cells() * EACH_FAR).max(WORK_FAR), self.effort)
    }

    /// The same with another aim; `above` is told how much more so many shipments cost than the lines say, from one
    /// on, where nothing is short that is able to ship.
    pub(super) fn search(
        &self,
        best: i64,
        plan: Option<impl FnMut(&[usize], &[Shipped]) -> i64>,
        (aim, above): (Aim, Vec<i64>),
    ) -> i64 {
        let mut run = Run {
            costs: self,
            plan,
            aim,
            above,
            target: i64::MAX,
            left: i64::MAX,
            work: self.work(aim),
            open: BinaryHeap::new(),
            divided: Vec::new(),
            gone: vec![false; self.offers()],
            ascent: Ascent::default(),
            looked: HashSet::new(),
            sets: BinaryHeap::new(),
            cheapest: (i64::MAX, Vec::new()),
            over: 0,
            prices: Vec::new(),
            refiner: Refiner::default(),
        };
        run.aim(best);
        let all = run.work;
        run.start();
        // Where there is little to prove that may be done sooner.
        let near = run.target - run.target / NEAR;
        let set = run.sets.peek().map_or(i64::MAX, |set| set.0.0);
        let open = run.open.peek().map_or(i64::MAX, |open| open.0.0);
        let lowest = open.min(set);
        let far = lowest < near;
        let begun = run.work;
        let mut doubted = 0;
        if aim == Aim::Near && lowest < run.target - run.target / FARTHER {
            doubted = begun.saturating_sub(self.far_work().saturating_sub(all - begun));
        }
        let mut later = run.work - if far { 0 } else { run.work.min(all / WARM) };
        while run.work > 0 && run.divided.len() + run.looked.len() < KEPT_MAX {
            if run.work <= later {
                later = 0;
                run.exchange(all / EXCHANGING);
            }
            let part = run.open.peek().map_or(i64::MAX, |open| open.0.0);
            let set = run.sets.peek().map_or(i64::MAX, |set| set.0.0);
            if run.work <= doubted {
                let bound = part.min(set).min(run.left);
                if !run.may_end((lowest, bound), (begun - run.work, run.work)) {
                    break;
                }
                doubted = 0;
            }
            if part.min(set) >= run.target {
                // All others are higher.
                run.open.clear();
                run.sets.clear();
                break;
            }
            if set <= part {
                run.look_closer();
            } else if let Some(Reverse((bound, of, part))) = run.open.pop() {
                let node = run.part(of as usize, part as usize);
                run.look_into(node, STEPS, bound);
            }
        }
        let open = run.open.peek().map_or(i64::MAX, |open| open.0.0);
        let set = run.sets.peek().map_or(i64::MAX, |set| set.0.0);
        let bound = open.min(set).min(run.left).min(run.target).max(0);
        match aim {
            Aim::Near => bound / PARTS,
            // Plans cost whole cents, and none is dearer than the best known.
            _ => (bound + PARTS - 1) / PARTS,
        }
    }
}

impl<F: FnMut(&[usize], &[Shipped]) -> i64> Run<'_, F> {
    /// Only what is cheaper than this plan by more than the tolerance is of interest.
    fn aim(&mut self, cents: i64) {
        let parts = cents.saturating_mul(PARTS);
        let target = match self.aim {
            Aim::Near => parts - parts / 1_000 * TOLERANCE,
            // Plans cost whole cents.
            Aim::Better => parts - PARTS + 1,
            Aim::Equal => parts.saturating_add(1),
        };
        self.target = self.target.min(target);
    }

    /// How much more any set of a node costs than the lines say.
    fn above(&self, node: &Node) -> i64 {
        let places = node.open.len() + node.most;
        let known = node.shorts == Shorts::None && node.fewest == node.most;
        let above = self.above.get(places.wrapping_sub(1)).filter(|_| known);
        above.copied().unwrap_or(0)
    }

    /// No set of a node is of interest that costs as much by the lines.
    fn goal(&self, node: &Node) -> i64 {
        self.target.saturating_sub(self.above(node))
    }

    /// Whether the bound, that rose so far with the work that was spent since, would reach the target with what is
    /// left if it went on like that.
    fn may_end(&self, (from, bound): (i64, i64), (spent, left): (u64, u64)) -> bool {
        let rise = i128::from(bound.saturating_sub(from));
        let missing = i128::from(self.target.saturating_sub(bound));
        rise * i128::from(left) >= missing * i128::from(spent.max(1))
    }

    /// Looks into all sets, by how many places they have.
    fn start(&mut self) {
        let all: Vec<u32> = (0..self.costs.offers())
            .map(|o| u32::try_from(o).unwrap_or(u32::MAX))
            .collect();
        let most = self.costs.most.min(all.len());
        let mut prices = self.costs.fair_prices(most);
        let numbers = most.min(COUNTED);
        let mut later: Vec<(i64, Node)> = Vec::new();
        // The more places, the lower the prices: they rise from number to number.
        for fewest in (1..=numbers).rev() {
            let node = Node {
                open: Vec::new(),
                others: all.clone(),
                fewest,
                most: if fewest == COUNTED { most } else { fewest },
                shorts: Shorts::Any,
                prices,
            };
            let steps = if fewest == numbers {
                FIRST_STEPS
            } else {
                FIRST_STEPS / 2
            };
            if self.aim == Aim::Near {
                prices = self.look_into(node, steps, 0);
                continue;
            }
            let mut node = node;
            let aim = (steps, self.target);
            let bound = self
                .ascent
                .ascend(self.costs, &mut node, aim, &mut self.work);
            prices = node.prices.clone();
            later.push((bound, node));
        }
        // Where all cheap enough sets are looked at to the end, the lowest bound first: what is found there may say
        // that the others are too dear.
        later.sort_by_key(|node| node.0);
        for (bound, node) in later {
            self.look_into(node, STEPS, bound);
        }
    }

    /// Bounds a node, `known` being a bound already; goes through its sets or divides it. Returns
    /// its prices.
    fn look_into(&mut self, mut node: Node, steps: usize, known: i64) -> Vec<i64> {
        let mut ascent = std::mem::take(&mut self.ascent);
        let aim = (steps, self.goal(&node));
        let bound = ascent
            .ascend(self.costs, &mut node, aim, &mut self.work)
            .max(known - self.above(&node));
        let prices = node.prices.clone();
        if bound < self.goal(&node) {
            // The set that the prices choose is a good one more often than not.
            let chosen = ascent.priced.chosen.min(node.others.len());
            let likely = node.open.iter().chain(&node.others[..chosen]);
            let likely: Vec<u32> = likely.copied().collect();
            self.look(&likely);
            if node.open.is_empty() {
                self.round(&node);
            }
            if node.shorts == Shorts::Any && self.tell_shorts(&mut node, &ascent, bound) {
                self.ascent = ascent;
                return prices;
            }
            let division = self.division(&node);
            match self.few(&node, &ascent, &division.0) {
                Some(sets) => self.go_through(&node, sets, bound, ascent.priced.open),
                None => self.divide(node, &ascent, bound, division),
            }
        }
        self.ascent = ascent;
        prices
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::kit::Dice;
    use super::*;

    /// The cheapest set of places, by trying all of them.
    fn cheapest(costs: &Costs) -> i64 {
        let all = u32::try_from(costs.offers()).unwrap();
        let sets = (1u32..1 << all).filter(|set| set.count_ones() as usize <= costs.most);
        let open = |set: u32| (0..all).filter(|o| set >> o & 1 == 1).collect::<Vec<_>>();
        sets.map(|set| costs.least(&open(set)) - costs.split)
            .min()
            .unwrap()
    }

    #[test]
    fn a_search_that_ends_is_within_its_tolerance_of_all_sets() {
        for seed in 0..400 {
            let costs = Costs::random(&mut Dice(seed));
            let best = cheapest(&costs);
            // A plan costs what the set of its places costs at the least, in whole cents.
            let mut known = i64::MAX / PARTS / 2;
            let bound = costs.prove(known, |open, _| {
                let open: Vec<u32> = open.iter().map(|&o| u32::try_from(o).unwrap()).collect();
                known = known.min((costs.least(&open) - costs.split).div_euclid(PARTS) + 1);
                known
            });
            let cents = best / PARTS;
            assert!(bound <= cents, "seed {seed}: {bound} above {cents}");
            assert!(
                bound >= cents - cents / 200 - 1,
                "seed {seed}: {bound}, not {cents}"
            );
        }
    }
}
