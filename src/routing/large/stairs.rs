//! What a set of open places costs at the least, with each step of weight as it is.
//!
//! The costs of the proof (`costs`) put a line under what it costs to carry a shipment; here the steps count:
//! a shipment within a part of them costs at least a line under that part only. The parts are halved where
//! the shipment that the lines choose costs more than its line says, the cheapest case first, until none
//! does (spatial branch and bound, as Falk and Soland 1969 for separable costs). Which lines are best is
//! found by subgradient steps: their prices of a gram are multipliers. In whole parts of a cent, counted.

use super::costs::Costs;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Most steps of a place.
const STEPS_MAX: usize = 200;
/// Most steps of which all pairs are looked at.
const PAIRED_MAX: usize = 64;
/// Prices of a gram are counted in so many parts of a part.
const SCALE: i64 = 256;
/// Most units that are looked at for one set: an order of thousands of them is no more work than others.
const LOOKED_MAX: u64 = 2_000_000;
/// Steps for the prices of a case.
const ROUNDS: usize = 12;
/// Steps are counted in so many parts.
const STEP: i64 = 16;
/// No price of a gram is higher, no order heavier and none dearer: then no sum overflows.
const PRICE_MOST: i64 = 1 << 28;
const GRAMS_MOST: u64 = 1 << 24;
const CENTS_MOST: i64 = 1 << 40;

/// What it costs to carry a shipment, by weight: grams at the most, and parts of a cent; ascending.
pub(super) type Steps = Vec<(i64, i64)>;

/// What a place of a set ships: a demand, the place's number in the set, and units, 1 of what ships whole.
pub(super) type Shipped = (usize, usize, u32);

/// The steps of all offers.
#[derive(Debug, Default)]
pub(super) struct Stairs {
    /// By departure.
    steps: Vec<Steps>,
    /// By offer: its departure, what its shipment costs besides carrying, and the price of a gram in its
    /// costs, in millionths of a part.
    offers: Vec<(u32, i64, i128)>,
    /// By demand: grams of one of the wanted.
    grams: Vec<i64>,
}

impl Stairs {
    /// The stairs of an order with so many grams in all, and so many of each of the wanted.
    pub(super) fn new(all: u64, grams: Vec<i64>) -> Option<Self> {
        (all < GRAMS_MOST).then_some(Self {
            grams,
            ..Self::default()
        })
    }

    /// The lower steps of some points: nothing that is lighter costs less.
    pub(super) fn steps_of(points: &[(u64, i64)], parts: i64) -> Steps {
        let mut points = points.to_vec();
        points.sort_unstable_by_key(|&(grams, cents)| (cents, Reverse(grams)));
        let mut steps = Steps::new();
        for (grams, cents) in points {
            let grams = i64::try_from(grams).unwrap_or(i64::MAX);
            if steps.last().is_none_or(|last| last.0 < grams) {
                steps.push((grams, cents.saturating_mul(parts).min(CENTS_MOST)));
            }
        }
        Self::together(steps, STEPS_MAX)
    }

    /// Of many steps some at a time cost what the cheapest of them does: that is less, and so a bound too.
    fn together(steps: Steps, most: usize) -> Steps {
        let together = steps.len().div_ceil(most).max(1);
        if together == 1 {
            return steps;
        }
        let merged = steps
            .chunks(together)
            .filter_map(|of| Some((of.last()?.0, of.first()?.1)));
        merged.collect()
    }

    /// The steps of what leaves one place in up to so many shipments, each but the first costing `more`
    /// besides: now and then two of them are cheaper than one, or carry what no single one does. `all` is what
    /// the order weighs.
    pub(super) fn of_several(mut steps: Steps, all: i64, more: i64, shipments: usize) -> Steps {
        let mut most = 1;
        while most < shipments {
            most *= 2;
            let mut cheaper = Self::cheaper_pairs(&steps, all, more);
            if cheaper.is_empty() {
                break;
            }
            let all = steps.iter().map(|s| (u64::try_from(s.0).unwrap_or(0), s.1));
            cheaper.extend(all);
            steps = Self::steps_of(&cheaper, 1);
        }
        steps
    }

    /// Two shipments that carry more than any one of some steps, or as much for less.
    fn cheaper_pairs(steps: &Steps, all: i64, more: i64) -> Vec<(u64, i64)> {
        let mut cheaper = Vec::new();
        // What any one costs at the most, where one carries everything.
        let covers = steps.last().filter(|last| last.0 >= all);
        let dearest = covers.map_or(i64::MAX, |last| last.1);
        let few = Self::together(steps.clone(), PAIRED_MAX);
        for (at, one) in few.iter().enumerate() {
            let mut both = 0;
            for other in &few[at..] {
                let grams = one.0.saturating_add(other.0).min(all.max(one.0));
                let cents = one.1.saturating_add(other.1).saturating_add(more);
                if cents >= dearest {
                    // Nor is any later one cheaper.
                    break;
                }
                // What lies beyond the last step one shipment does not carry.
                both += steps[both..].partition_point(|step| step.0 < grams);
                if steps.get(both).is_none_or(|step| cents < step.1) {
                    cheaper.push((u64::try_from(grams).unwrap_or(0), cents));
                }
                if grams >= all {
                    break;
                }
            }
        }
        cheaper
    }

    /// Adds an offer; `steps` where its departure is a new one.
    pub(super) fn add(&mut self, departure: u32, fixed: i64, slope: i128, steps: Option<Steps>) {
        let at = departure as usize;
        if self.steps.len() <= at {
            self.steps.resize(at + 1, Steps::new());
        }
        if let Some(steps) = steps {
            self.steps[at] = steps;
        }
        self.offers.push((departure, fixed, slope));
    }
}

/// What a place has of a demand.
#[derive(Debug, Clone, Copy)]
struct Goods {
    demand: usize,
    place: usize,
    units: i64,
    /// What one costs, its weight apart.
    each: i64,
}

/// A case: which steps each shipment may be within, from and to, and the price of a gram of each.
#[derive(Debug, Clone, Default)]
struct Case {
    spans: Vec<(usize, usize)>,
    prices: Vec<i64>,
    /// By what a place has of a demand: units that it ships at the least, and at the most.
    units: Vec<(i64, i64)>,
    split: Option<Split>,
}

/// Where a case is divided.
#[derive(Debug, Clone, Copy)]
enum Split {
    /// At a step of a place, the first of the upper half.
    Step(usize, usize),
    /// By whether a place, what it has being the first number, ships so many units or more.
    Units(usize, i64),
}

/// Cases by number, the cheapest first: what each costs at the least, in parts of a part.
type Open = BinaryHeap<Reverse<(i64, usize)>>;

impl Case {
    /// One of its two parts.
    fn take(&mut self, split: Split, second: bool) {
        match split {
            Split::Step(place, upper) if second => self.spans[place].0 = upper,
            Split::Step(place, upper) => self.spans[place].1 = upper - 1,
            Split::Units(at, units) if second => self.units[at].1 = units - 1,
            Split::Units(at, units) => self.units[at].0 = units,
        }
    }
}

/// Memory.
#[derive(Debug, Default)]
pub(super) struct Refiner {
    /// By demand.
    goods: Vec<Goods>,
    /// By demand: which of `goods` are its own.
    own: Vec<Range<usize>>,
    /// By place: the steps as far as its goods can weigh.
    steps: Vec<Steps>,
    /// By place: of the steps of a case those that a line can touch.
    hulls: Vec<Steps>,
    fixed: i64,
    /// Chosen by the prices: grams by place, goods and short units in all.
    weights: Vec<i64>,
    bought: i64,
    /// The least that the set was found to cost, and how: demand, place and units.
    pub(super) upper: i64,
    pub(super) found: Vec<Shipped>,
    /// Chosen by the prices: by what a place has of a demand.
    chosen: Vec<i64>,
    options: Vec<(i64, usize)>,
    /// By place: of what it ships and need not, what is nearly as cheap elsewhere: how nearly, which, and how
    /// many units of it.
    close: Vec<(i64, usize, i64)>,
    /// By place: grams of what it must ship.
    held: Vec<i64>,
    /// What was looked at.
    pub(super) looked: u64,
}

impl Refiner {
    /// What a set of open offers costs at the least, the split penalty of every shipment included, as far
    /// as that is below `target` and so many cases that are told apart show; and whether more of them would show
    /// no more.
    pub(super) fn least(
        &mut self,
        (costs, stairs): (&Costs, &Stairs),
        open: &[u32],
        target: i64,
        most: usize,
    ) -> Option<(i64, bool)> {
        self.looked = 0;
        if target >= CENTS_MOST {
            return None;
        }
        self.lay_out(costs, stairs, open);
        self.upper = i64::MAX;
        self.found.clear();
        let first = Case {
            spans: self.steps.iter().map(|s| (0, s.len() - 1)).collect(),
            prices: open.iter().map(|&o| stairs.price(o)).collect(),
            units: self.goods.iter().map(|g| (0, g.units)).collect(),
            split: None,
        };
        let mut cases = Vec::new();
        let mut heap = Open::new();
        self.push((&mut cases, &mut heap), (costs, stairs), first, (target, 0));
        while let Some(Reverse((value, at))) = heap.pop() {
            let least = value.div_euclid(SCALE).min(self.upper);
            let ended = least >= target || least >= self.upper;
            if ended || cases.len() >= most || self.looked >= LOOKED_MAX {
                return Some((least, ended));
            }
            let at: usize = at;
            let case: Case = std::mem::take(&mut cases[at]);
            let Some(split) = case.split else {
                return Some((least, true));
            };
            for second in [false, true] {
                let mut case = case.clone();
                case.take(split, second);
                let memory = (&mut cases, &mut heap);
                self.push(memory, (costs, stairs), case, (target, value));
            }
        }
        Some((self.upper, true))
    }

    /// Bounds a case and keeps it.
    fn push(
        &mut self,
        (cases, heap): (&mut Vec<Case>, &mut Open),
        of: (&Costs, &Stairs),
        mut case: Case,
        (target, known): (i64, i64),
    ) {
        self.looked += case.units.len() as u64;
        let value = self.ascend(of, &mut case, target).max(known);
        heap.push(Reverse((value, cases.len())));
        cases.push(case);
    }

    fn lay_out(&mut self, costs: &Costs, stairs: &Stairs, open: &[u32]) {
        self.goods.clear();
        self.steps.clear();
        self.fixed = 0;
        for (place, &offer) in open.iter().enumerate() {
            let (departure, fixed, _) = stairs.offers[offer as usize];
            self.fixed += fixed;
            let mut most = 0;
            for cell in costs.goods_of(offer) {
                let demand = cell.demand as usize;
                let units = i64::from(cell.units);
                most += units * stairs.grams[demand];
                let each = cell.each - stairs.weight(offer, demand, units, costs.whole[demand]);
                self.goods.push(Goods {
                    demand,
                    place,
                    units,
                    each,
                });
            }
            let mut steps = Steps::new();
            for &(grams, cents) in &stairs.steps[departure as usize] {
                steps.push((grams.min(most), cents));
                if grams >= most {
                    break;
                }
            }
            self.steps.push(steps);
        }
        self.goods.sort_unstable_by_key(|g| (g.demand, g.place));
        self.own.clear();
        let mut first = 0;
        for demand in 0..costs.demands {
            let own = self.goods[first..].iter();
            let count = own.take_while(|g| g.demand == demand).count();
            self.own.push(first..first + count);
            first += count;
        }
        self.weights.clear();
        self.weights.resize(open.len(), 0);
        self.close.clear();
        self.close.resize(open.len(), (i64::MAX, 0, 0));
    }

    /// Looks for the best prices of a case; returns what it costs at the least.
    fn ascend(&mut self, of: (&Costs, &Stairs), case: &mut Case, target: i64) -> i64 {
        let spans = case.spans.iter().map(|(from, to)| (to - from) as u64);
        self.looked += spans.sum::<u64>();
        let mut prices = case.prices.clone();
        let mut at = vec![0; prices.len()];
        let (mut best, mut length) = (i64::MIN, STEP);
        if !self.may_be(of, case) {
            return i64::MAX;
        }
        self.lay_out_hulls(case);
        for _ in 0..ROUNDS {
            let mut value = self.choose(of, case, &prices);
            let (mut worst, mut split) = (0, None);
            for (place, &price) in prices.iter().enumerate() {
                let (least, grams) = self.line(place, case.spans[place], price);
                (value, at[place]) = (value + least, grams);
                let (lost, by) = self.lost(place, case.spans[place], (price, least));
                let steps = matches!(split, Some(Split::Step(..)));
                // At a step rather than by what ships, and where most is lost.
                let better = match (by.is_some(), steps) {
                    (true, false) => true,
                    (false, true) => false,
                    _ => lost > worst,
                };
                if lost > 0 && better {
                    let (near, at, units) = self.close[place];
                    let by = by.map(|step| Split::Step(place, step));
                    let by = by.or((near < i64::MAX).then_some(Split::Units(at, units)));
                    if by.is_some() {
                        (worst, split) = (lost, by);
                    }
                }
            }
            if split.is_none() && value < self.upper.saturating_mul(SCALE) {
                // Whatever is not settled yet.
                let close = self.close.iter().min().filter(|close| close.0 < i64::MAX);
                split = close.map(|&(_, at, units)| Split::Units(at, units));
                let mut free = case.units.iter().enumerate();
                let free = free.find(|(_, (least, most))| least < most);
                split = split.or(free.map(|(at, units)| Split::Units(at, units.0 + 1)));
            }
            if value > best {
                best = value;
                case.prices.clone_from(&prices);
                case.split = split;
            } else {
                length /= 2;
            }
            let limit = target.min(self.upper).saturating_mul(SCALE);
            let moved = |place: usize| self.weights[place] - at[place];
            let squares: i64 = (0..prices.len()).map(|p| moved(p).pow(2)).sum();
            if value >= limit || squares == 0 || length == 0 {
                break;
            }
            for (place, price) in prices.iter_mut().enumerate() {
                let step = i128::from(limit - value) * i128::from(moved(place) * length);
                let step = step / i128::from(squares) / i128::from(STEP);
                let step = i64::try_from(step).unwrap_or(0);
                *price = price.saturating_add(step).clamp(-PRICE_MOST, PRICE_MOST);
            }
        }
        best
    }

    /// Whether no place must ship more than it may, and nobody more than is wanted.
    fn may_be(&mut self, (costs, stairs): (&Costs, &Stairs), case: &Case) -> bool {
        self.held.clear();
        self.held.resize(self.steps.len(), 0);
        let (mut demand, mut left) = (usize::MAX, 0);
        for (one, &(least, _)) in self.goods.iter().zip(&case.units) {
            if one.demand != demand {
                (demand, left) = (one.demand, costs.wanted[one.demand]);
            }
            left -= least;
            self.held[one.place] += least * stairs.grams[demand];
            if left < 0 {
                return false;
            }
        }
        let held = self.held.iter().zip(&self.steps).zip(&case.spans);
        held.into_iter()
            .all(|((held, steps), span)| *held <= steps[span.1].0)
    }

    /// Chooses by the prices who ships what; returns what that costs by them.
    fn choose(&mut self, (costs, stairs): (&Costs, &Stairs), case: &Case, prices: &[i64]) -> i64 {
        self.weights.fill(0);
        self.close.fill((i64::MAX, 0, 0));
        self.looked += self.goods.len() as u64 + 4 * prices.len() as u64;
        self.chosen.clear();
        self.chosen.extend(case.units.iter().map(|units| units.0));
        self.bought = 0;
        let mut value = 0;
        for demand in 0..costs.demands {
            let all = (costs.wanted[demand], costs.short[demand]);
            value += match costs.whole[demand] {
                true => self.choose_whole((demand, all.1), stairs.grams[demand], case, prices),
                false => self.choose_units((demand, all), stairs.grams[demand], case, prices),
            };
        }
        let mut all = self.bought + self.fixed;
        for (steps, &weight) in self.steps.iter().zip(&self.weights) {
            let step = steps.partition_point(|s| s.0 < weight);
            all += steps.get(step).map_or(CENTS_MOST, |s| s.1);
        }
        if all < self.upper {
            self.upper = all;
            self.keep();
        }
        value + self.fixed * SCALE
    }

    /// Chooses who ships a demand that ships whole, if anybody does.
    fn choose_whole(
        &mut self,
        (demand, short): (usize, i64),
        grams: i64,
        case: &Case,
        prices: &[i64],
    ) -> i64 {
        let scaled = short * SCALE;
        // The cheapest, and the next.
        let (mut least, mut by, mut next) = (scaled, None, scaled);
        for at in self.own[demand].clone() {
            let one = self.goods[at];
            let cents = one.each * SCALE + prices[one.place] * grams;
            let (must, may) = case.units[at];
            if must > 0 {
                (least, by, next) = (cents, Some(at), i64::MAX);
                break;
            }
            if may > 0 && cents < least {
                (least, by, next) = (cents, Some(at), least);
            } else if may > 0 {
                next = next.min(cents);
            }
        }
        let Some(at) = by else {
            self.bought += short;
            return scaled;
        };
        let one = self.goods[at];
        self.bought += one.each;
        self.weights[one.place] += grams;
        self.chosen[at] = 1;
        if next < i64::MAX {
            let close = &mut self.close[one.place];
            *close = (*close).min((next - least, at, 1));
        }
        least
    }

    /// Chooses who ships how many units of a demand.
    fn choose_units(
        &mut self,
        (demand, (wanted, short)): (usize, (i64, i64)),
        grams: i64,
        case: &Case,
        prices: &[i64],
    ) -> i64 {
        let (mut left, mut value) = (wanted, 0);
        self.options.clear();
        for at in self.own[demand].clone() {
            let one = self.goods[at];
            let (least, most) = case.units[at];
            let cents = one.each * SCALE + prices[one.place] * grams;
            left -= least;
            value += least * cents;
            self.bought += least * one.each;
            self.weights[one.place] += least * grams;
            if most > least {
                self.options.push((cents, at));
            }
        }
        self.options.sort_unstable();
        let scaled = short * SCALE;
        for (number, &(cents, at)) in self.options.iter().enumerate() {
            if cents >= scaled || left == 0 {
                break;
            }
            let one = self.goods[at];
            let (least, most) = case.units[at];
            let units = (most - least).min(left);
            left -= units;
            value += units * cents;
            self.bought += units * one.each;
            self.weights[one.place] += units * grams;
            self.chosen[at] += units;
            let next = self.options.get(number + 1);
            let next = next.map_or(scaled, |o| o.0.min(scaled));
            let close = &mut self.close[one.place];
            *close = (*close).min((next - cents, at, least + units));
        }
        self.bought += left * short;
        value + left * scaled
    }

    /// Keeps what was chosen as the cheapest.
    fn keep(&mut self) {
        self.found.clear();
        let chosen = self.goods.iter().zip(&self.chosen);
        let chosen = chosen.filter(|(_, units)| **units > 0);
        let chosen = chosen.map(|(one, units)| (one.demand, one.place, units));
        let units = |units: &i64| u32::try_from(*units).unwrap_or(u32::MAX);
        self.found
            .extend(chosen.map(|(demand, place, all)| (demand, place, units(all))));
    }

    /// Of the steps of each span those that a line of some price of a gram touches: the corners of the lower
    /// hull, each less steep than the next.
    fn lay_out_hulls(&mut self, case: &Case) {
        self.hulls.resize(self.steps.len(), Steps::new());
        let all = self.steps.iter().zip(&case.spans).zip(&mut self.hulls);
        for ((steps, &(from, to)), hull) in all {
            hull.clear();
            for &step in &steps[from..=to] {
                while let [.., first, last] = hull[..] {
                    let before = i128::from(last.1 - first.1) * i128::from(step.0 - last.0);
                    let after = i128::from(step.1 - last.1) * i128::from(last.0 - first.0);
                    if before < after {
                        break;
                    }
                    hull.pop();
                }
                hull.push(step);
            }
        }
    }

    /// The line of a price under the steps of a span: what it says of no weight, and where it touches.
    fn line(&self, place: usize, (from, _): (usize, usize), price: i64) -> (i64, i64) {
        let steps = &self.steps[place];
        if price < 0 {
            // The lightest is the cheapest as well.
            let grams = from.checked_sub(1).map_or(0, |before| steps[before].0 + 1);
            return (steps[from].1 * SCALE - price * grams, grams);
        }
        let hull = &self.hulls[place];
        let next = hull
            .windows(2)
            .position(|two| (two[1].1 - two[0].1) * SCALE >= price * (two[1].0 - two[0].0));
        let touches = hull.get(next.unwrap_or(hull.len().saturating_sub(1)));
        touches.map_or((0, 0), |&(grams, cents)| {
            (cents * SCALE - price * grams, grams)
        })
    }

    /// How much more the chosen weight costs than the line says, and where to divide the span.
    fn lost(
        &self,
        place: usize,
        (from, to): (usize, usize),
        (price, least): (i64, i64),
    ) -> (i64, Option<usize>) {
        let steps = &self.steps[place];
        let weight = self.weights[place];
        let step = steps.partition_point(|s| s.0 < weight).min(steps.len() - 1);
        let lost = steps[step].1 * SCALE - (least + price * weight);
        if from == to {
            return (lost, None);
        }
        let by = match step > from {
            true => step.min(to),
            false => from + 1,
        };
        (lost, Some(by))
    }
}

impl Stairs {
    /// The price of a gram that an offer starts with.
    fn price(&self, offer: u32) -> i64 {
        let price = self.offers[offer as usize].2 * i128::from(SCALE) / 1_000_000;
        i64::try_from(price).unwrap_or(PRICE_MOST).min(PRICE_MOST)
    }

    /// What the weight of one of the wanted adds in the costs of an offer, at the most.
    fn weight(&self, offer: u32, demand: usize, units: i64, whole: bool) -> i64 {
        let slope = self.offers[offer as usize].2;
        let grams = i128::from(self.grams[demand]);
        let all = slope * grams * i128::from(units);
        let all = i64::try_from(all / 1_000_000).unwrap_or(i64::MAX);
        if whole {
            all
        } else {
            (all + units - 1).div_euclid(units.max(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::kit::Dice;
    use super::super::costs::PARTS;
    use super::*;

    fn random_stairs(costs: &Costs, dice: &mut Dice) -> Stairs {
        let grams = (0..costs.demands).map(|_| dice.between(0, 400)).collect();
        let mut stairs = Stairs::new(1, grams).unwrap();
        for offer in 0..u32::try_from(costs.offers()).unwrap() {
            let mut points = Vec::new();
            let mut cents = dice.between(100, 900);
            for step in 1..=12 {
                points.push((step * 300, cents));
                // Mostly dearer with weight, now and then not.
                cents += dice.between(-20, 120);
            }
            points.push((u64::MAX, 4_000));
            let steps = Stairs::steps_of(&points, PARTS);
            let fixed = dice.between(0, 300) * PARTS;
            stairs.add(offer, fixed, 0, Some(steps));
        }
        stairs
    }

    /// Every way to ship the demands from the first one not yet chosen.
    struct Trial<'a> {
        costs: &'a Costs,
        stairs: &'a Stairs,
        open: &'a [u32],
    }

    impl Trial<'_> {
        fn cheapest(&self, demand: usize, weights: &mut Vec<i64>, goods: i64) -> i64 {
            if demand == self.costs.demands {
                let each = self.open.iter().zip(weights.iter());
                let each = each.map(|(&offer, weight)| {
                    let (departure, fixed, _) = self.stairs.offers[offer as usize];
                    let steps = self.stairs.steps[departure as usize].iter();
                    let fitting = steps.filter(|s| s.0 >= *weight);
                    fixed + fitting.map(|s| s.1).min().unwrap()
                });
                return goods + each.sum::<i64>();
            }
            self.ships(demand, 0, self.costs.wanted[demand], weights, goods)
        }

        fn ships(
            &self,
            demand: usize,
            place: usize,
            left: i64,
            weights: &mut Vec<i64>,
            goods: i64,
        ) -> i64 {
            let Some(&offer) = self.open.get(place) else {
                let short = left * self.costs.short[demand];
                return self.cheapest(demand + 1, weights, goods + short);
            };
            let cells = self.costs.goods_of(offer).iter();
            let cell = cells.into_iter().find(|c| c.demand as usize == demand);
            let most = cell.map_or(0, |c| i64::from(c.units)).min(left);
            let each = cell.map_or(0, |c| c.each);
            let mut best = i64::MAX;
            for units in 0..=most {
                weights[place] += units * self.stairs.grams[demand];
                let rest = goods + units * each;
                best = best.min(self.ships(demand, place + 1, left - units, weights, rest));
                weights[place] -= units * self.stairs.grams[demand];
            }
            best
        }
    }

    /// What a shipment of so many grams costs by some steps.
    fn one(steps: &Steps, grams: i64) -> Option<i64> {
        let fits = steps.iter().find(|step| step.0 >= grams);
        fits.map(|step| step.1)
    }

    #[test]
    fn several_shipments_cost_what_trying_all_ways_to_divide_the_weight_finds() {
        let mut cheaper = 0;
        for seed in 0..200 {
            let dice = &mut Dice(seed);
            let (all, more) = (60, dice.between(0, 30));
            let mut points = Vec::new();
            let mut cents = dice.between(1, 40);
            for _ in 0..6 {
                points.push((u64::try_from(dice.between(1, 40)).unwrap(), cents));
                cents += dice.between(0, 60);
            }
            let steps = Stairs::steps_of(&points, 1);
            for shipments in [1, 2, 4] {
                let mut least: Vec<Option<i64>> = (0..=all).map(|g| one(&steps, g)).collect();
                for _ in 1..shipments {
                    let two = |grams: i64| {
                        let ways = (0..=grams).filter_map(|part| {
                            let rest = least[usize::try_from(grams - part).unwrap()]?;
                            Some(one(&steps, part)? + rest + more)
                        });
                        ways.chain(least[usize::try_from(grams).unwrap()]).min()
                    };
                    least = (0..=all).map(two).collect();
                }
                let several = Stairs::of_several(steps.clone(), all, more, shipments);
                for grams in 1..=all {
                    let expected = least[usize::try_from(grams).unwrap()];
                    assert_eq!(one(&several, grams), expected, "seed {seed}: {grams} g");
                    cheaper += u32::from(expected < one(&steps, grams));
                }
            }
        }
        assert!(cheaper > 100, "{cheaper}");
    }

    #[test]
    fn a_set_costs_what_trying_all_ways_to_ship_from_it_finds() {
        let mut refiner = Refiner::default();
        let (mut exact, mut tried) = (0, 0);
        for seed in 0..300 {
            let dice = &mut Dice(seed);
            let costs = Costs::random(dice);
            if costs.demands > 6 {
                continue;
            }
            let stairs = random_stairs(&costs, dice);
            let open = [0, 2];
            let trial = Trial {
                costs: &costs,
                stairs: &stairs,
                open: &open,
            };
            let best = trial.cheapest(0, &mut vec![0; 2], 0);
            let least = refiner
                .least((&costs, &stairs), &open, CENTS_MOST - 1, 400)
                .unwrap()
                .0;
            assert!(least <= best, "seed {seed}: {least} above {best}");
            assert!(best <= refiner.upper, "seed {seed}: {best}");
            exact += u32::from(best - least <= best / 1_000);
            tried += 1;
            let halfway = refiner
                .least((&costs, &stairs), &open, best / 2, 400)
                .unwrap()
                .0;
            assert!(halfway <= best, "seed {seed}: {halfway} above {best}");
        }
        assert!(exact * 100 >= tried * 98, "only {exact} of {tried}");
    }
}
