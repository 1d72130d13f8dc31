//! The cheapest way to fill a set of shipments: how much of what is in each of them.
//!
//! Every shipment gets a line under what it costs to carry, so that every demand has a least cost of its
//! own: what is left between the sum of these and the best plan known is by how much the demands may
//! deviate from it together. The ways to spread each demand that deviate no more are listed, and their
//! combinations gone through, the largest demands first. What the shipments weigh at the least and at the
//! most, by the ways that are left, says more about their cost than the line does: at last what it is.
//!
//! All of the work is counted: lines, ways, and their combinations. A set that is too much of it is left, and
//! bounds what is known; where none of it is left, so is every other set, without a look at it.

use super::super::cargo::Load;
use super::super::tariff::{NEVER, Parcels};
use super::curves::{BEYOND, Curve, Curves, Hull, Line, MICRO, Window, line_under, slope};
use super::items::{Item, Row, Way};
use super::{Piece, Search};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::rc::Rc;

/// Most places that are looked at for one request, each for one way to spread an item; and where plans of equal
/// cost are looked for.
const WORK_MAX: u64 = 120_000_000;
const EQUAL_WORK_MAX: u64 = 20_000_000;
/// As many at most from where a set that had its share is still so many percent below the best plan: that is
/// no gap that work closes.
const FAR_WORK_MAX: u64 = 4_000_000;
const FAR_PERCENT: i64 = 25;
/// As many of them for one set at first: with a better plan known there may be less to do.
const EACH_MAX: u64 = 2_000_000;
/// What carrying costs at one of the places, by its tables, counts as so many looks at it.
const CARRYING: usize = 3;
/// What the price of a complete shipment counts as.
const PRICING: usize = 20;
/// How often the ways are looked through for those that the others make too dear.
const ROUNDS: usize = 4;
/// Goods are weighed by mass and by volume in so many parts.
pub(super) const MIXES: u8 = 4;
/// How often all places are weighed anew.
const TILTS: usize = 3;

/// Counts down how much work is left.
#[derive(Debug)]
pub(super) struct Work {
    left: u64,
    /// The rest, which is kept for later sets.
    kept: u64,
    /// All that was done, also by a step that took more than was left.
    #[cfg(test)]
    done: u64,
}

impl Work {
    /// Does so much of it, if there is so much left or not: who works in steps asks `is_over` before each.
    #[inline]
    pub(super) fn spend(&mut self, work: usize) {
        let work = work as u64;
        // A step that takes more than there is takes it from what is kept.
        self.kept = self.kept.saturating_sub(work.saturating_sub(self.left));
        self.left = self.left.saturating_sub(work);
        #[cfg(test)]
        {
            self.done = self.done.saturating_add(work);
        }
    }

    /// Whether all of it is used up.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }
}

/// An entry and a mode that a shipment from it travels in.
pub(super) type Shipper = (u32, u16);

/// A shipment to fill.
pub(super) struct Place {
    pub(super) entry: u32,
    pub(super) mode: u16,
    pub(super) curve: Rc<Curve>,
    pub(super) line: Line,
    /// How goods are weighed for it: so many parts by volume, the others by mass.
    pub(super) mix: u8,
    /// The steps that it may be billed, and their lower edge.
    pub(super) window: Window,
    /// By mass and by volume.
    pub(super) hulls: [Hull; 2],
}

impl Place {
    /// The line of a slope.
    pub(super) fn line_at(&self, slope: i64) -> Line {
        line_under(&self.hulls[usize::from(self.mix > 0)], slope)
    }

    /// How steep its costs rise on average.
    pub(super) fn steep(&self) -> i64 {
        let [whole, _] = self.curve.hulls(Window::ALL);
        match whole[..] {
            [first, .., last] => slope(first, last).max(MICRO / 1_000),
            _ => MICRO / 1_000,
        }
    }
}

/// What some items have in the shipments, by place, at the least and at the most; and what they cost at the
/// least by the lines.
#[derive(Clone)]
struct Rest {
    loads: Row<(Load, Load)>,
    cost: i64,
}

/// Fills sets of shipments.
pub(super) struct Amounts<'s, 'a> {
    pub(super) search: &'s mut Search<'a>,
    pub(super) curves: Curves<'a>,
    /// Whether plans that cost as much as the best one known are of interest.
    equal: bool,
    /// No plan that was left costs less, in cents.
    pub(super) left: i64,
    /// No plan of the set that was left costs less, in millionths of a cent.
    pub(super) unfinished: i64,
    pub(super) work: Work,
    /// Sets that were too much work at first, after their bounds in cents.
    later: Vec<(i64, Vec<Shipper>)>,
    pub(super) places: Vec<Place>,
    /// By place and how goods are weighed: the line that was chosen last.
    good: HashMap<(Shipper, u8), Line>,
    /// What every plan of the set costs besides carrying, goods and what is short, in cents.
    fixed: i64,
    /// By item: the number of its way.
    chosen: Vec<usize>,
    pub(super) parcels: Vec<Parcels>,
}

impl<'s, 'a> Amounts<'s, 'a> {
    pub(super) fn new(search: &'s mut Search<'a>, curves: Curves<'a>, equal: bool) -> Self {
        let job = search.job;
        Self {
            equal,
            search,
            curves,
            left: i64::MAX,
            unfinished: i64::MAX,
            work: Work {
                left: job.effort(if equal { EQUAL_WORK_MAX } else { WORK_MAX }),
                kept: 0,
                #[cfg(test)]
                done: 0,
            },
            later: Vec::new(),
            places: Vec::new(),
            good: HashMap::new(),
            fixed: 0,
            chosen: Vec::new(),
            parcels: Vec::new(),
        }
    }

    /// What costs more than this is of no interest.
    pub(super) fn ceiling(&self) -> i64 {
        let known = self.search.least_known() - i64::from(!self.equal);
        known.saturating_mul(MICRO).min(BEYOND)
    }

    /// How much work was done.
    #[cfg(test)]
    pub(super) fn done(&self) -> u64 {
        self.work.done
    }

    /// Finds the best plan with one shipment from each of some places, now or `finish`ing; no plan of
    /// them costs less than `least` cents.
    pub(super) fn fill(&mut self, set: &[Shipper], least: i64) {
        if self.work.is_over() {
            self.left = self.left.min(least);
            return;
        }
        let job = self.search.job;
        self.work.kept = self.work.left.saturating_sub(job.effort(EACH_MAX));
        self.work.left -= self.work.kept;
        let left = self.try_set(set, least);
        self.work.left += std::mem::take(&mut self.work.kept);
        if let Some(bound) = left {
            let known = self.search.least_known();
            if bound < known - known / 100 * FAR_PERCENT {
                self.work.left = self.work.left.min(job.effort(FAR_WORK_MAX));
            }
            self.later.push((bound, set.to_vec()));
        }
    }

    /// Finds the best plans with the sets that were too much work, as far as there is work left.
    pub(super) fn finish(&mut self) {
        let mut later = std::mem::take(&mut self.later);
        later.sort_unstable();
        for (bound, set) in later {
            if bound > self.search.least_known() {
                return;
            }
            if let Some(bound) = self.try_set(&set, bound) {
                self.left = self.left.min(bound);
            }
        }
    }

    /// Finds the best plan of a set; where that is too much work, returns what no plan of it costs less than:
    /// `least` or more.
    fn try_set(&mut self, set: &[Shipper], least: i64) -> Option<i64> {
        if self.work.is_over() {
            return Some(least);
        }
        let split = self.search.job.policy.split_penalty.0;
        self.places.clear();
        self.fixed = self.search.frame.lost + self.search.lost_cents() - split;
        for &(entry, mode) in set {
            let row = self.search.entries.get(entry);
            let curve = self.curves.of(row.location, row.departure, mode)?;
            let (line, window) = (curve.lines(0)[0], Window::ALL);
            let hulls = curve.hulls(window);
            self.fixed += row.handling + split;
            self.places.push(Place {
                entry,
                mode,
                curve,
                line,
                mix: 0,
                window,
                hulls,
            });
            let later = (row.end - entry) as usize;
            self.work
                .spend((1 + later) * self.search.job.request.demands.len());
        }
        let mut items = Item::list(&*self.search, &self.places)?;
        let bound = self.choose_lines(&mut items);
        self.unfinished = i64::MAX;
        self.divide(&mut items, bound, 0);
        let left = self.unfinished.max(bound);
        if left > self.ceiling() {
            return None;
        }
        // Plans cost whole cents.
        Some((left + MICRO - 1).div_euclid(MICRO).max(least))
    }

    /// Tries all ways of a set of which no plan costs less than `bound`, with so much work, or `few` where all
    /// combinations of them are no more; `false` where that is too little.
    pub(super) fn fill_limited(
        &mut self,
        items: &mut [Item],
        bound: i64,
        (limit, few): (u64, u64),
    ) -> bool {
        let mut kept = self.work.left.saturating_sub(limit);
        self.work.left -= kept;
        let done = match self.list_ways(items, self.ceiling() - bound) {
            None => false,
            Some(false) => true,
            Some(true) => {
                let all = combinations(items).saturating_mul((CARRYING * self.places.len()) as u64);
                if all <= few.min(kept) {
                    self.work.left += all;
                    kept -= all;
                }
                self.combine_all(items)
            }
        };
        self.work.left += kept;
        done
    }

    /// Lists all ways that cost so much more than the bound by the lines; `None` where that is too much, `false`
    /// where there are none for some item.
    fn list_ways(&mut self, items: &mut [Item], room: i64) -> Option<bool> {
        for item in items.iter_mut() {
            if !item.list_ways(&*self.search, &self.places, room, &mut self.work) {
                return None;
            }
            if item.ways.is_empty() {
                return Some(false);
            }
        }
        Some(self.narrow(items))
    }

    /// Goes through the combinations of all ways; `false` when that is too much work.
    fn combine_all(&mut self, items: &mut [Item]) -> bool {
        let ways: usize = items.iter().map(|item| item.ways.len()).sum();
        self.work.spend(ways * self.places.len());
        items.sort_by_cached_key(|item| std::cmp::Reverse(item.spread()));
        let rests = rests(items, self.places.len());
        self.chosen.clear();
        let loads: Row<Load> = self.places.iter().map(|_| Load::default()).collect();
        let carry = self.carry(&loads, &rests[0].loads);
        self.combine(items, &rests, (0, carry), &loads)
    }

    /// Chooses how goods are weighed and the line of every place, for a high bound, and returns it.
    fn choose_lines(&mut self, items: &mut [Item]) -> i64 {
        let mixes: &[u8] = match self.places.iter().any(|p| p.curve.bulk.is_some()) {
            true => &[0, MIXES, MIXES / 2],
            false => &[0],
        };
        for item in items.iter_mut() {
            item.weigh(&self.places);
        }
        let mut best = (i64::MIN, 0);
        for &mix in mixes {
            let bound = self.climb(items, mix);
            if bound > self.ceiling() {
                return bound;
            }
            best = best.max((bound, mix));
        }
        let bound = match Some(&best.1) == mixes.last() {
            // As it is now.
            true => best.0,
            false => self.climb(items, best.1),
        };
        if mixes.len() < 2 {
            return bound;
        }
        self.tilt_all(items, bound)
    }

    /// Weighs goods anew for one place after the other while that raises the bound.
    fn tilt_all(&mut self, items: &[Item], mut best: i64) -> i64 {
        for _ in 0..TILTS {
            let before = best;
            for at in 0..self.places.len() {
                if best > self.ceiling() || self.work.is_over() {
                    return best;
                }
                best = self.tilt(items, at, best);
            }
            if best == before {
                return best;
            }
            best = self.climb_on(items);
        }
        best
    }

    /// Weighs goods for a place a little more by volume, or by mass, where that raises the bound.
    pub(super) fn tilt(&mut self, items: &[Item], at: usize, best: i64) -> i64 {
        let place = &self.places[at];
        let (old, line) = (place.mix, place.line);
        if place.curve.bulk.is_none() {
            return best;
        }
        for mix in [old + 1, old.wrapping_sub(1)] {
            if mix <= MIXES {
                let place = &mut self.places[at];
                place.mix = mix;
                place.line = place.line_at(line.slope);
                let bound = self.bound_by_lines(items);
                if bound > best {
                    return bound;
                }
            }
        }
        (self.places[at].mix, self.places[at].line) = (old, line);
        best
    }

    /// Changes the line of one place after the other while that raises the bound.
    fn climb(&mut self, items: &[Item], mix: u8) -> i64 {
        for place in &mut self.places {
            place.mix = place.curve.bulk.map_or(0, |_| mix);
            // In the set before, the line was good, as it may be here.
            let good = self.good.get(&((place.entry, place.mode), place.mix));
            place.line = good.copied().unwrap_or(place.curve.lines(place.mix)[0]);
        }
        let bound = self.climb_on(items);
        for place in &self.places {
            self.good
                .insert(((place.entry, place.mode), place.mix), place.line);
        }
        bound
    }

    fn climb_on(&mut self, items: &[Item]) -> i64 {
        let mut best = self.bound_by_lines(items);
        loop {
            let before = best;
            for at in 0..self.places.len() {
                let place = &self.places[at];
                let lines = Rc::clone(place.curve.lines(place.mix));
                for &line in lines.iter() {
                    if best > self.ceiling() || self.work.is_over() {
                        return best;
                    }
                    let old = std::mem::replace(&mut self.places[at].line, line);
                    let bound = self.bound_by_lines(items);
                    if bound > best {
                        best = bound;
                    } else {
                        self.places[at].line = old;
                    }
                }
            }
            if best == before {
                return best;
            }
        }
    }

    pub(super) fn bound_by_lines(&mut self, items: &[Item]) -> i64 {
        // A line is looked at more quickly than the steps of a table.
        self.work.spend((1 + items.len()) * self.places.len() / 2);
        // A hand-over that carries nothing has no line.
        let bases = self.places.iter().map(|p| p.line.base);
        let bases = bases.fold(0, i64::saturating_add).min(BEYOND);
        let items: i64 = items.iter().map(|item| item.least(&self.places)).sum();
        self.fixed * MICRO + bases + items
    }

    /// By how much carrying costs more than the goods' weights at the lines, at the least, where the
    /// shipments have `loads` and the rest comes besides.
    fn carry(&self, loads: &[Load], rest: &[(Load, Load)]) -> i64 {
        let mut sum = 0i64;
        for (place, (load, rest)) in self.places.iter().zip(loads.iter().zip(rest)) {
            if !place.curve.weighs() {
                sum = sum.saturating_add(place.line.base).min(BEYOND);
                continue;
            }
            let billings = &self.search.job.lanes.tariffs.billings;
            let with = |more: Load| {
                let all = load.plus(more);
                Load { lots: 1, ..all }
            };
            // Of many places that carry nothing of this weight the sum would be no number.
            let loads = (with(rest.0), with(rest.1));
            let least = place
                .curve
                .least(billings, loads, (place.window, place.line, place.mix));
            sum = sum.saturating_add(least).min(BEYOND);
        }
        sum
    }

    /// Takes out the ways that are too dear with whatever ways of the others; `false` where that leaves
    /// none.
    fn narrow(&mut self, items: &mut [Item]) -> bool {
        let places = self.places.len();
        for _ in 0..ROUNDS {
            let ways: usize = items.iter().map(|item| item.ways.len()).sum();
            self.work.spend(ways * places);
            if self.work.is_over() {
                break;
            }
            let all = rests(items, places).swap_remove(0);
            let none: Row<Load> = (0..places).map(|_| Load::default()).collect();
            let carry = self.carry(&none, &all.loads);
            let bound = self.fixed * MICRO + carry + all.cost;
            let ceiling = self.ceiling();
            if bound > ceiling {
                return false;
            }
            let mut gone = false;
            for item in items.iter_mut() {
                let before = item.ways.len();
                let mut ways = std::mem::take(&mut item.ways);
                let least = ways[0].cost;
                let others = without(&all.loads, &ways);
                ways.retain(|way| {
                    let more = way.cost - least;
                    if self.work.is_over() {
                        return true;
                    }
                    self.work.spend(CARRYING * places);
                    bound + more <= ceiling
                        && self.fixed * MICRO + self.carry(&way.loads, &others) + all.cost + more
                            <= ceiling
                });
                gone |= ways.len() < before;
                if ways.is_empty() {
                    return false;
                }
                item.ways = ways;
            }
            if !gone {
                break;
            }
        }
        true
    }

    /// Goes through all ways of the items that are not chosen yet; `false` when that is too much work.
    /// `spent` is what the chosen ones cost by the lines, `carry` what is known of carrying.
    fn combine(
        &mut self,
        items: &[Item],
        rests: &[Rest],
        (spent, carry): (i64, i64),
        loads: &[Load],
    ) -> bool {
        let depth = self.chosen.len();
        let Some(item) = items.get(depth) else {
            let ways = items.iter().zip(&self.chosen);
            let units: Vec<&Row<u32>> = ways.map(|(item, &way)| &item.ways[way].units).collect();
            self.complete(items, &units, loads);
            return true;
        };
        let rest = &rests[depth + 1];
        let besides = self.fixed * MICRO + spent + rest.cost;
        let mut with: Row<Load> = SmallVec::from_slice(loads);
        for (number, way) in item.ways.iter().enumerate() {
            if besides + way.cost + carry > self.ceiling() {
                break;
            }
            if self.work.is_over() {
                return false;
            }
            self.work.spend(CARRYING * self.places.len());
            for (with, (load, more)) in with.iter_mut().zip(loads.iter().zip(&way.loads)) {
                *with = load.plus(*more);
            }
            let carry = self.carry(&with, &rest.loads);
            if besides + way.cost + carry > self.ceiling() {
                continue;
            }
            self.chosen.push(number);
            let done = self.combine(items, rests, (spent + way.cost, carry), &with);
            self.chosen.pop();
            if !done {
                return false;
            }
        }
        true
    }

    /// All amounts are chosen, by item and place: what the plan really costs.
    pub(super) fn complete(&mut self, items: &[Item], units: &[&Row<u32>], loads: &[Load]) {
        let missing = items.iter().zip(units).map(|(item, row)| item.missing(row));
        let mut cents = missing.fold(self.fixed, i64::saturating_add);
        let (places, kinds) = (self.places.len(), items.len());
        self.work.spend(places * (kinds + PRICING));
        let mut pieces: Vec<Piece> = Vec::with_capacity(places);
        for (at, load) in loads.iter().enumerate() {
            let mut piece = Piece {
                entry: self.places[at].entry,
                units: Default::default(),
            };
            for (item, row) in items.iter().zip(units) {
                item.put(row[at], &mut piece.units);
                cents = cents.saturating_add(item.goods(at, row[at]));
            }
            let carried = self.carried(&piece, *load);
            if carried >= NEVER || piece.units.iter().all(|&units| units == 0) {
                // Where nothing leaves here it is a plan of another set.
                return;
            }
            cents = cents.saturating_add(carried);
            pieces.push(piece);
        }
        if cents <= self.search.least_known() {
            // Whether one of them would also be there sooner is looked at.
            let entries = self.search.entries;
            let sooner = pieces
                .iter()
                .map(|p| (p.entry - entries.get(p.entry).first) as usize);
            self.work.spend(sooner.sum::<usize>() * places * kinds);
            self.search.offer_pieces(pieces, cents);
        }
    }
}

/// About how many combinations there are of the ways of the first items, of the first two, and so on.
fn combinations(items: &[Item]) -> u64 {
    let ways = items.iter().map(|item| item.ways.len() as u64);
    // Where each has two ways or more, all are no fewer than those of fewer items together.
    ways.fold(2, u64::saturating_mul)
}

/// What the items from each one on have and cost: one more for none.
fn rests(items: &[Item], places: usize) -> Vec<Rest> {
    let mut rest = Rest {
        loads: (0..places).map(|_| Default::default()).collect(),
        cost: 0,
    };
    let mut rests = vec![rest.clone()];
    for item in items.iter().rev() {
        rest.cost += item.ways.iter().map(|way| way.cost).min().unwrap_or(0);
        for (at, load) in rest.loads.iter_mut().enumerate() {
            let (least, most) = range(&item.ways, at);
            *load = (load.0.plus(least), load.1.plus(most));
        }
        rests.push(rest.clone());
    }
    rests.reverse();
    rests
}

/// What some ways have at a place at the least and at the most.
fn range(ways: &[Way], at: usize) -> (Load, Load) {
    let loads = || ways.iter().map(|way| way.loads[at]);
    let load = |grams: Option<u64>, mm3: Option<u64>| Load {
        grams: grams.unwrap_or(0),
        mm3: mm3.unwrap_or(0),
        ..Load::default()
    };
    let least = load(loads().map(|l| l.grams).min(), loads().map(|l| l.mm3).min());
    let most = load(loads().map(|l| l.grams).max(), loads().map(|l| l.mm3).max());
    (least, most)
}

/// What the others have when an item has `ways`.
fn without(all: &[(Load, Load)], ways: &[Way]) -> Row<(Load, Load)> {
    let rest = all.iter().enumerate().map(|(at, all)| {
        let own = range(ways, at);
        (all.0.less(own.0), all.1.less(own.1))
    });
    rest.collect()
}
