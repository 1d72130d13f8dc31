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

use super::costs::{Costs, PARTS};
use super::exchange::Exchange;
use super::node::{Ascent, Node, Shorts};
use super::stairs::{Refiner, Shipped};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// A plan within so many thousandths of the optimum is good enough.
const TOLERANCE: i64 = 4;
/// Most cells that are looked at, or each so often where that is more.
const WORK_MAX: u64 = 24_000_000;
const EACH_MAX: u64 = 500;
/// Really pricing a set counts as so many cells for each place and demand.
const PRICING: u64 = 60;
/// The same where the cheapest plan of a set is found elsewhere, and counted there; and by how much more work
/// that search is worth.
const FILLING: u64 = 8;
const MORE: u64 = 4;
/// Sets of more places than this are not told apart by their number.
const COUNTED: usize = 12;
/// Steps for the first prices, and for those of a part.
const FIRST_STEPS: usize = 150;
const STEPS: usize = 14;
/// How many places a good set is chosen from, and how often each of it is chosen anew.
const POOL: usize = 160;
const ROUNDS: usize = 4;
/// Places of the best set are exchanged, one after the other, until so many do not make a better one.
const EXCHANGES: usize = 150;
/// That is one of so many parts of the work at the most. Where the bound is less than one of so many parts
/// below the target, first one of so many parts of the work goes into the bound.
const EXCHANGING: u64 = 2;
/// What is short is told from what is not where that raises the bound by one of so many parts.
const WORTHWHILE: i64 = 64;
const NEAR: i64 = 32;
const WARM: u64 = 8;
/// A part with so many sets at the most is gone through at once; one of which all sets have all demands,
/// with so many.
const FEW: u64 = 40_000;
const FEW_WHOLE: u64 = 400_000;

/// A part that was worked out, with how it is divided.
struct Divided {
    node: Node,
    by: By,
}

/// How a node is divided.
enum By {
    /// Plans that ship everything, and those that do not.
    Shorts,
    /// Of its other places, those of which a set has the first, or the second and not the first …; those
    /// may be all that have a demand.
    Places(Vec<u32>, Option<usize>),
}

/// Part number `1` of a divided node `0`, after the least bound of it.
type Open = Reverse<(i64, u32, u32)>;

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
    plan: F,
    aim: Aim,
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
    /// The set that costs the least by `costs`, and what it costs.
    cheapest: (i64, Vec<u32>),
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
        self.search(best, plan, Aim::Near)
    }

    /// The same with another aim.
    pub(super) fn search(
        &self,
        best: i64,
        plan: impl FnMut(&[usize], &[Shipped]) -> i64,
        aim: Aim,
    ) -> i64 {
        let mut run = Run {
            costs: self,
            plan,
            aim,
            target: i64::MAX,
            left: i64::MAX,
            work: WORK_MAX.max(self.cells() * EACH_MAX) * if aim == Aim::Near { 1 } else { MORE },
            open: BinaryHeap::new(),
            divided: Vec::new(),
            gone: vec![false; self.offers()],
            ascent: Ascent::default(),
            looked: HashSet::new(),
            cheapest: (i64::MAX, Vec::new()),
            prices: Vec::new(),
            refiner: Refiner::default(),
        };
        run.aim(best);
        let all = run.work;
        run.start();
        // Where there is little to prove that may be done sooner.
        let near = run.target - run.target / NEAR;
        let far = run.open.peek().is_some_and(|open| open.0.0 < near);
        let mut later = run.work - if far { 0 } else { run.work.min(all / WARM) };
        while run.work > 0 {
            if run.work <= later {
                later = 0;
                run.exchange(all / EXCHANGING);
            }
            let Some(Reverse((bound, of, part))) = run.open.pop() else {
                break;
            };
            if bound >= run.target {
                // All others are higher.
                run.open.clear();
                break;
            }
            let node = run.part(of as usize, part as usize);
            run.look_into(node, STEPS, bound);
        }
        let open = run.open.peek().map_or(i64::MAX, |open| open.0.0);
        let bound = open.min(run.left).min(run.target).max(0);
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

    /// Looks into all sets, by how many places they have.
    fn start(&mut self) {
        let all: Vec<u32> = (0..self.costs.offers())
            .map(|o| u32::try_from(o).unwrap_or(u32::MAX))
            .collect();
        let most = self.costs.most.min(all.len());
        let mut prices = self.costs.fair_prices(most);
        let numbers = most.min(COUNTED);
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
            prices = self.look_into(node, steps, 0);
        }
    }

    /// A part of a divided node.
    fn part(&mut self, of: usize, part: usize) -> Node {
        let Divided { node, by } = &self.divided[of];
        let mut new = node.clone();
        let (by, rarest) = match by {
            By::Places(by, rarest) => (by, *rarest),
            By::Shorts => {
                new.shorts = match part {
                    0 => Shorts::None,
                    _ => Shorts::Some,
                };
                return new;
            }
        };
        let gone = by.get(..=part).unwrap_or(by);
        for &place in gone {
            self.gone[place as usize] = true;
        }
        new.others.retain(|&other| !self.gone[other as usize]);
        for &place in gone {
            self.gone[place as usize] = false;
        }
        if let Some(&offer) = by.get(part) {
            new.open.push(offer);
            new.fewest = new.fewest.saturating_sub(1);
            new.most -= 1;
        } else if new.shorts == Shorts::Some && rarest.is_some_and(|row| self.costs.able[row]) {
            // That is short; more may be.
            new.shorts = Shorts::Any;
        }
        new
    }

    /// Bounds a node, `known` being a bound already; goes through its sets or divides it. Returns
    /// its prices.
    fn look_into(&mut self, mut node: Node, steps: usize, known: i64) -> Vec<i64> {
        let mut ascent = std::mem::take(&mut self.ascent);
        let aim = (steps, self.target);
        let bound = ascent
            .ascend(self.costs, &mut node, aim, &mut self.work)
            .max(known);
        let prices = node.prices.clone();
        if bound < self.target {
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
                Some(through) => self.go_through(&node, through, bound, ascent.priced.open),
                None => self.divide(node, &ascent, bound, division),
            }
        }
        self.ascent = ascent;
        prices
    }

    /// Tells plans that leave something short from those that do not, where the former cost more:
    /// `true` if there are some of both that have to be looked into.
    fn tell_shorts(&mut self, node: &mut Node, ascent: &Ascent, bound: i64) -> bool {
        let spared = self.costs.spared(&node.prices);
        let some = bound.max(ascent.priced.bound.saturating_add(spared));
        if some >= self.target {
            node.shorts = Shorts::None;
            return false;
        }
        if spared < self.target / WORTHWHILE {
            return false;
        }
        let of = u32::try_from(self.divided.len()).unwrap_or(u32::MAX);
        self.open.push(Reverse((bound, of, 0)));
        self.open.push(Reverse((some, of, 1)));
        let (node, by) = (node.clone(), By::Shorts);
        self.divided.push(Divided { node, by });
        true
    }

    /// The sets of a node, if they are few enough to be gone through; `by` is what it would be
    /// divided by.
    fn few<'a>(&self, node: &Node, ascent: &'a Ascent, by: &[u32]) -> Option<Through<'a>> {
        let places = u32::try_from(node.most.saturating_sub(1)).unwrap_or(u32::MAX);
        // No demand is held by fewer.
        let sets = (by.len() as u64).saturating_pow(places);
        let few = match node.shorts {
            Shorts::None => FEW_WHOLE,
            Shorts::Any | Shorts::Some => FEW,
        };
        if sets > few && node.most > 2 {
            return None;
        }
        // By the value of these prices: what was known before may count a shortage already that is
        // compared with the prices again.
        let room = self.target - self.without_shorts(node, ascent);
        let through = Through::new(self.costs, node, &ascent.priced.adds, room);
        (through.sets(node.most) <= few || node.most <= 2).then_some(through)
    }

    /// The bound of a node by its prices, without what it costs that something is short.
    fn without_shorts(&self, node: &Node, ascent: &Ascent) -> i64 {
        let spared = match node.shorts {
            Shorts::Some => self.costs.spared(&node.prices),
            Shorts::Any | Shorts::None => 0,
        };
        ascent.priced.bound - spared
    }

    /// Looks at a good set of as many places as the node has at the most: from the most promising
    /// ones always the one that saves most, then each in turn for a better one.
    fn round(&mut self, node: &Node) {
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

    /// Looks for better sets than the best so far by exchanging its places.
    fn exchange(&mut self, mut work: u64) {
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

    /// Looks at a set if it may be cheap enough, once.
    fn look(&mut self, open: &[u32]) {
        let least = self.costs.least(open);
        if least < self.cheapest.0 {
            self.cheapest = (least, open.to_vec());
        }
        let least = least - self.costs.split;
        if least >= self.target || open.is_empty() {
            return;
        }
        let mut sorted = open.to_vec();
        sorted.sort_unstable();
        let set: Vec<usize> = sorted.iter().map(|&o| o as usize).collect();
        if !self.looked.insert(sorted.clone()) {
            return;
        }
        let least = self.refined(&sorted, least);
        if least >= self.target {
            return;
        }
        let cents = (self.plan)(&set, &self.refiner.found);
        self.aim(cents);
        let cells = open.len() * self.costs.wanted.len();
        let each = match self.aim {
            Aim::Near => PRICING,
            _ => FILLING,
        };
        self.work = self.work.saturating_sub(each * cells as u64);
        if self.aim == Aim::Near {
            self.left = self.left.min(least);
        }
    }

    /// What a set costs at the least, with the steps of weight as they are where they are known; by their
    /// lines it is `least`.
    fn refined(&mut self, open: &[u32], least: i64) -> i64 {
        let looks = self.aim == Aim::Near && self.work > 0;
        let Some(stairs) = self.costs.stairs.as_ref().filter(|_| looks) else {
            self.refiner.found.clear();
            return least;
        };
        let target = self.target.saturating_add(self.costs.split);
        let refined = self.refiner.least(self.costs, stairs, open, target);
        self.work = self.work.saturating_sub(self.refiner.looked);
        refined.map_or(least, |refined| least.max(refined - self.costs.split))
    }

    /// Divides a node: its parts are looked into later, the lowest bound first.
    fn divide(
        &mut self,
        node: Node,
        ascent: &Ascent,
        bound: i64,
        (by, rarest): (Vec<u32>, Option<usize>),
    ) {
        if node.fewest == 0 {
            // Sets without any of the others.
            self.look(&node.open);
        }
        let of = u32::try_from(self.divided.len()).unwrap_or(u32::MAX);
        let adds = &ascent.priced.adds;
        let mut free: Vec<bool> = vec![true; adds.len()];
        let mut place = 0;
        for part in 0..=by.len() {
            let (mut least, mut fewest, mut most) = (ascent.priced.open, node.fewest, node.most);
            if let Some(&offer) = by.get(part) {
                while adds[place].1 != offer {
                    place += 1;
                }
                free[place] = false;
                least += adds[place].0;
                (fewest, most) = (fewest.saturating_sub(1), most - 1);
            }
            let rest = adds.iter().zip(&free).filter(|a| *a.1).map(|a| a.0.0);
            let (mut count, mut enough) = (0, fewest == 0);
            for add in rest {
                if count == most || (count >= fewest && add >= 0) {
                    break;
                }
                least += add;
                count += 1;
                enough |= count >= fewest;
            }
            let mut least = least.max(bound);
            if let Some(rarest) = rarest.filter(|_| part == by.len()) {
                // Nobody has it: it pays its short cost instead of its price.
                if node.shorts == Shorts::None && self.costs.able[rarest] {
                    continue;
                }
                let more = self.costs.short[rarest] - node.prices[rarest];
                least = least.max(self.without_shorts(&node, ascent) + more);
            }
            if enough && least < self.target {
                let part = u32::try_from(part).unwrap_or(u32::MAX);
                self.open.push(Reverse((least, of, part)));
            }
        }
        let by = By::Places(by, rarest);
        self.divided.push(Divided { node, by });
    }

    /// By which places a node is divided: those that have a demand that no open place has, the
    /// rarest, which is told as well; else the most promising one.
    fn division(&self, node: &Node) -> (Vec<u32>, Option<usize>) {
        let costs = self.costs;
        let mut count = vec![0u32; costs.wanted.len()];
        for &other in &node.others {
            for cell in costs.cells_of(other) {
                count[cell.demand as usize] += 1;
            }
        }
        for &open in &node.open {
            for cell in costs.cells_of(open) {
                count[cell.demand as usize] = 0;
            }
        }
        let rarest = count
            .iter()
            .enumerate()
            .filter(|&(i, &n)| n > 0 && costs.whole[i]);
        let rarest = rarest.min_by_key(|&(i, n)| (*n, i));
        let Some((rarest, _)) = rarest else {
            let first = node.others.first().copied();
            return (first.into_iter().collect(), None);
        };
        let has = |other: &&u32| {
            let mut cells = costs.cells_of(**other).iter();
            cells.any(|c| c.demand as usize == rarest)
        };
        let by = node.others.iter().filter(has).copied().collect();
        (by, Some(rarest))
    }

    /// Goes through all sets of a node; `least` is what its open places cost by the prices.
    fn go_through(&mut self, node: &Node, mut through: Through<'_>, bound: i64, least: i64) {
        if node.fewest == 0 {
            self.look(&node.open);
        }
        for count in node.fewest.max(1)..=node.most.min(node.others.len()) {
            let mut prices = std::mem::take(&mut self.prices);
            prices.resize(prices.len().max(count + 1), Vec::new());
            // What ships whole costs what the open places ask, no more.
            node.caps(self.costs, &mut prices[count]);
            for (demand, price) in prices[count].iter_mut().enumerate() {
                if !self.costs.whole[demand] {
                    *price = node.prices[demand];
                }
            }
            self.prices = prices;
            let all = through.all.clone();
            let musts = numbered(&through.musts);
            self.choose(&mut through, (all, musts, u32::MAX), count, least);
            if self.work == 0 {
                self.left = self.left.min(bound);
                return;
            }
        }
    }

    /// Chooses `count` more of the `free` places, which have all of `musts` together and none more than `widest`
    /// of them; `least` is what those so far cost by the prices of the node.
    fn choose(
        &mut self,
        through: &mut Through<'_>,
        (mut free, musts, widest): (Vec<u64>, u128, u32),
        count: usize,
        least: i64,
    ) {
        if count == 1 {
            self.choose_last(through, (&free, musts), least);
            return;
        }
        let costs = self.costs;
        let wanted = musts.count_ones();
        let widest = if count > 2 || widest == u32::MAX {
            self.work = self.work.saturating_sub(through.adds.len() as u64);
            through.widest(&free, musts)
        } else {
            widest
        };
        let others = widest.saturating_mul(u32::try_from(count - 1).unwrap_or(u32::MAX));
        if others.saturating_add(widest) < wanted || through.lacks_too_much(count) {
            return;
        }
        let by = through.rarest(&free, musts);
        let next: i64 = bits(&free)
            .take(count - 1)
            .map(|at| through.adds[at].0)
            .sum();
        self.work = self.work.saturating_sub(through.words as u64 * 4);
        for at in bits(&by) {
            let (add, other) = through.adds[at];
            if least + add + next >= self.target || self.work == 0 {
                return;
            }
            // The later ones go without it.
            free[at / 64] &= !(1 << (at % 64));
            if (through.has[at] & musts).count_ones() + others < wanted {
                continue;
            }
            let (fewer, more) = self.prices.split_at_mut(count);
            fewer[count - 1].clone_from(&more[0]);
            for cell in costs.cells_of(other) {
                let demand = cell.demand as usize;
                if costs.whole[demand] {
                    let price = &mut fewer[count - 1][demand];
                    *price = (*price).min(cell.each);
                }
            }
            let copied = costs.wanted.len() / 4 + costs.average();
            self.work = self.work.saturating_sub(copied as u64);
            through.add(at);
            let rest = (free.clone(), musts & !through.has[at], widest);
            self.choose(through, rest, count - 1, least + add);
            through.remove(at);
        }
    }

    /// Chooses the last place.
    fn choose_last(
        &mut self,
        through: &mut Through<'_>,
        (free, musts): (&[u64], u128),
        least: i64,
    ) {
        let prices = std::mem::take(&mut self.prices);
        let here = &prices[1];
        let mut known = None;
        self.work = self.work.saturating_sub(through.words as u64 * 4);
        'words: for (word, &places) in free.iter().enumerate().take(through.words) {
            let mut left = through.with_all(places, word, musts);
            while left != 0 {
                let at = word * 64 + left.trailing_zeros() as usize;
                let (add, other) = through.adds[at];
                left &= left - 1;
                if least + add >= self.target {
                    break 'words;
                }
                if !through.ends_with(at) {
                    continue;
                }
                let known = *known.get_or_insert_with(|| self.costs.known(&through.open, here));
                self.work = self.work.saturating_sub(self.costs.average() as u64 + 1);
                let costs = self.costs;
                let more = costs.bases[other as usize] - costs.gain(other, here);
                if known + more < self.target {
                    through.open.push(other);
                    self.look(&through.open);
                    through.open.pop();
                }
            }
        }
        self.prices = prices;
    }
}

/// The sets of a node while they are gone through: places by their number among those that it has
/// besides, the most promising first.
struct Through<'a> {
    adds: &'a [(i64, u32)],
    open: Vec<u32>,
    words: usize,
    /// All places, as bits.
    all: Vec<u64>,
    /// Demands that are too dear to leave short: 128 of them at the most.
    musts: Vec<usize>,
    /// By one of those and place, as bits: which places have it.
    holders: Vec<u64>,
    /// By place: which of those it has.
    has: Vec<u128>,
    /// Of demands that must ship but may be divided: what the open places lack, what each of the others has,
    /// and the most that one of them has.
    lacks: Vec<i64>,
    units: Vec<i64>,
    units_most: Vec<i64>,
}

impl<'a> Through<'a> {
    /// `room` is by how much the bound of the node is below the target.
    fn new(costs: &Costs, node: &Node, adds: &'a [(i64, u32)], room: i64) -> Self {
        let words = adds.len().div_ceil(64);
        let mut must = vec![u32::MAX; costs.wanted.len()];
        let mut held = vec![false; costs.wanted.len()];
        let open = node.open.iter().flat_map(|&o| costs.cells_of(o));
        open.for_each(|cell| held[cell.demand as usize] = true);
        // A set without it pays its short cost instead of its price.
        let none = node.shorts == Shorts::None;
        let too_dear =
            |&i: &usize| (none && costs.able[i]) || costs.short[i] - node.prices[i] >= room;
        let musts = (0..costs.wanted.len()).filter(|&i| costs.whole[i] && !held[i]);
        let musts: Vec<usize> = musts.filter(too_dear).take(128).collect();
        for (number, &demand) in (0u32..).zip(&musts) {
            must[demand] = number;
        }
        let mut new = Self {
            adds,
            open: node.open.clone(),
            words,
            all: vec![0; words],
            holders: vec![0; words * musts.len()],
            has: vec![0; adds.len()],
            musts,
            lacks: Vec::new(),
            units: Vec::new(),
            units_most: Vec::new(),
        };
        if none {
            new.add_divided(costs);
        }
        for (at, &(_, other)) in adds.iter().enumerate() {
            new.all[at / 64] |= 1 << (at % 64);
            for cell in costs.cells_of(other) {
                let number = must[cell.demand as usize];
                if number != u32::MAX {
                    new.has[at] |= 1 << number;
                    new.holders[number as usize * words + at / 64] |= 1 << (at % 64);
                }
            }
        }
        new
    }

    /// Lays out the demands that may be divided.
    fn add_divided(&mut self, costs: &Costs) {
        let units = |offer: u32, demand: usize| {
            let goods = costs.goods_of(offer);
            let found = goods.binary_search_by_key(&demand, |cell| cell.demand as usize);
            found.map_or(0, |at| i64::from(goods[at].units))
        };
        for demand in costs.divided() {
            let open: i64 = self.open.iter().map(|&o| units(o, demand)).sum();
            self.lacks.push(costs.wanted[demand] - open);
            let first = self.units.len();
            self.units
                .extend(self.adds.iter().map(|add| units(add.1, demand)));
            let most = self.units[first..].iter().copied().max();
            self.units_most.push(most.unwrap_or(0));
        }
    }

    /// Opens a place by its number.
    fn add(&mut self, at: usize) {
        self.open.push(self.adds[at].1);
        for (lacks, units) in self
            .lacks
            .iter_mut()
            .zip(self.units.chunks(self.adds.len().max(1)))
        {
            *lacks -= units[at];
        }
    }

    /// Closes the place that was opened last.
    fn remove(&mut self, at: usize) {
        self.open.pop();
        for (lacks, units) in self
            .lacks
            .iter_mut()
            .zip(self.units.chunks(self.adds.len().max(1)))
        {
            *lacks += units[at];
        }
    }

    /// Whether no `count` places have what is lacking of some demand.
    fn lacks_too_much(&self, count: usize) -> bool {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut all = self.lacks.iter().zip(&self.units_most);
        all.any(|(&lacks, most)| lacks > most.saturating_mul(count))
    }

    /// Whether a place has all that is lacking.
    fn ends_with(&self, at: usize) -> bool {
        let all = self
            .lacks
            .iter()
            .zip(self.units.chunks(self.adds.len().max(1)));
        all.into_iter().all(|(lacks, units)| *lacks <= units[at])
    }

    /// The most of `musts` that one of the free places has.
    fn widest(&self, free: &[u64], musts: u128) -> u32 {
        let has = bits(free).map(|at| (self.has[at] & musts).count_ones());
        has.max().unwrap_or(0)
    }

    /// About how many sets there are of `count` places that have all that they must.
    fn sets(&self, count: usize) -> u64 {
        let holders = self.holders.chunks(self.words.max(1));
        let holders = holders.map(|words| words.iter().map(|w| u64::from(w.count_ones())).sum());
        let places = self.adds.len() as u64;
        let Some(fewest): Option<u64> = holders.min() else {
            return (0..count as u64).fold(1, |sets, n| sets.saturating_mul(places) / (n + 1));
        };
        (1..count).fold(1, |sets: u64, _| sets.saturating_mul(fewest))
    }

    /// Of the free places those with the rarest of `musts`; all of them where there is none.
    fn rarest(&self, free: &[u64], musts: u128) -> Vec<u64> {
        let with = |must: usize| {
            let holders = &self.holders[must * self.words..(must + 1) * self.words];
            holders.iter().zip(free).map(|(h, f)| h & f)
        };
        let count = |must: &usize| with(*must).map(u64::count_ones).sum::<u32>();
        let musts = (0..self.musts.len()).filter(|must| musts >> must & 1 == 1);
        match musts.min_by_key(count) {
            Some(must) => with(must).collect(),
            None => free.to_vec(),
        }
    }

    /// Of the places of a word those that have all of `musts`.
    fn with_all(&self, mut places: u64, word: usize, mut musts: u128) -> u64 {
        while musts != 0 && places != 0 {
            let must = musts.trailing_zeros() as usize;
            places &= self.holders[must * self.words + word];
            musts &= musts - 1;
        }
        places
    }
}

/// As many of the lowest bits as there are.
fn numbered(musts: &[usize]) -> u128 {
    musts
        .iter()
        .enumerate()
        .fold(0, |all, (number, _)| all | 1 << number)
}

/// The numbers of the bits that are set, ascending.
fn bits(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(word, &bits)| {
        let mut left = bits;
        std::iter::from_fn(move || {
            let at = (left != 0).then(|| word * 64 + left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            at
        })
    })
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
