//! Branch and bound over how heavy the shipments of a set are, where the ways to spread its items are too many
//! to go through.
//!
//! What a shipment costs to carry bends with every step of its tariff, and the line under it lies below: by so
//! much the goods of many units may deviate, in more ways than can be listed. So the steps that a shipment may
//! be billed are divided in two where the cheapest amounts by the lines lie between two of them, and each part
//! gets lines of its own. Soon little is left below the best plan, and few ways deviate so little. On the way
//! the cheapest amounts are made better unit by unit, for a plan that says what is too dear.

use super::super::cargo::Load;
use super::super::departures::Loads;
use super::super::tariff::NEVER;
use super::Piece;
use super::amounts::{Amounts, MIXES};
use super::curves::{BEYOND, Line, MICRO, Window};
use super::held::{Goods, Steps, slope_of};
use super::items::{Item, MILLI, Row};

/// Parts within parts at the most: each is a call within a call.
const DEPTH_MAX: usize = 256;
/// How much work the ways of all of it are worth at first, and those of a part.
const FIRST_MAX: u64 = 60_000;
const PART_MAX: u64 = 20_000;
/// The same where all combinations of the ways are no more: these end.
const FIRST_FEW: u64 = 4_000_000;
const PART_FEW: u64 = 100_000;
/// A line is moved by steps down to this part of its slope.
const FINE: i64 = 256;
/// How often the lines of all places are moved for one part.
const ROUNDS: usize = 3;
/// So often all exchanges of units are tried for a better plan, at so many parts within parts.
const EXCHANGES: usize = 4;
const DEEP: usize = 3;
/// What trying to exchange some units counts as.
const TRYING: usize = 30;

impl Amounts<'_, '_> {
    /// Finds the best plan within the windows of the places, of which none costs less than `bound`. Where that
    /// is too much work, `unfinished` is no more than what no plan that was left costs less than.
    pub(super) fn divide(&mut self, items: &mut [Item], bound: i64, depth: usize) {
        if self.ceiling() < bound || self.ceiling() < self.together(items, bound) {
            return;
        }
        let limit = match depth {
            0 => (FIRST_MAX, FIRST_FEW),
            _ => (PART_MAX, PART_FEW),
        };
        if self.fill_limited(items, bound, limit) {
            return;
        }
        if self.work.is_over() || depth >= DEPTH_MAX {
            self.unfinished = self.unfinished.min(bound);
            return;
        }
        let units: Vec<Row<u32>> = items.iter().map(|i| i.cheapest(&self.places)).collect();
        if depth < DEEP {
            self.improve(items, units.clone());
        }
        let Some((at, parts)) = self.bend(items, &units) else {
            // All that is left of it.
            if !self.fill_limited(items, bound, (u64::MAX, 0)) {
                self.unfinished = self.unfinished.min(bound);
            }
            return;
        };
        let known = self.lines();
        let window = self.places[at].window;
        let mut bounds = [(0, 0), (0, 1)];
        let mut lines = [known.clone(), known.clone()];
        for (part, bounded) in bounds.iter_mut().enumerate() {
            self.look_through(at, parts[part], &known);
            bounded.0 = self.ascend(items).max(bound);
            lines[part] = self.lines();
        }
        // The better one first: it may say that the other is too dear.
        bounds.sort_unstable();
        for (bound, part) in bounds {
            self.look_through(at, parts[part], &lines[part]);
            self.divide(items, bound, depth + 1);
        }
        self.look_through(at, window, &known);
    }

    fn lines(&self) -> Vec<(Line, u8)> {
        self.places.iter().map(|p| (p.line, p.mix)).collect()
    }

    /// Gives a place a window, and all their lines.
    fn look_through(&mut self, at: usize, window: Window, lines: &[(Line, u8)]) {
        let place = &mut self.places[at];
        self.work.spend(place.curve.steps(window) / 2);
        place.window = window;
        place.hulls = place.curve.hulls(window);
        for (place, line) in self.places.iter_mut().zip(lines) {
            (place.line, place.mix) = *line;
        }
        let place = &mut self.places[at];
        place.line = place.line_at(place.line.slope);
    }

    /// A higher bound: all steps together hold what must ship (see `held`).
    fn together(&mut self, items: &[Item], bound: i64) -> i64 {
        let room = self.ceiling() - bound;
        if items
            .iter()
            .any(|item| item.one_more_short(&self.places) <= room)
        {
            return bound;
        }
        // Where all bill volume that may be more.
        let mut bulks = self.places.iter().map(|place| place.curve.bulk);
        let divisor = bulks.try_fold(1, |most: u32, bulk| Some(most.max(bulk?.divisor)));
        let shipped = |by: Option<u32>| -> i64 {
            let shipped = items.iter().map(|item| item.shipped(&self.places, by));
            shipped.fold(0, i64::saturating_add)
        };
        let mass = shipped(None);
        let volume = divisor.map_or(0, |_| shipped(divisor));
        let by_volume = volume > mass;
        let weight = mass.max(volume);
        let places = self.places.iter().filter(|place| place.curve.weighs());
        let slopes = places.map(|place| match place.curve.bulk {
            Some(bulk) if by_volume && Some(bulk.divisor) == divisor => {
                slope_of(place.line, (place.mix, MIXES))
            }
            _ if by_volume => 0,
            _ => slope_of(place.line, (MIXES - place.mix, MIXES)),
        });
        // More than is counted may ship where the lines rather leave it short.
        let slope = match items.iter().all(|item| item.ships_all(&self.places)) {
            true => slopes.min().unwrap_or(0).max(0),
            false => 0,
        };
        let goods = Goods {
            weight: u64::try_from(weight)
                .unwrap_or(0)
                .div_ceil(MILLI.unsigned_abs()),
            slope,
            room,
        };
        let above = self.above(goods, by_volume);
        // With no slope there are fewer steps to tell apart.
        let above = above.or_else(|| match slope {
            0 => None,
            _ => self.above(Goods { slope: 0, ..goods }, by_volume),
        });
        // It comes on top of what these lines say.
        let by_lines = self.bound_by_lines(items);
        above.map_or(bound, |above| {
            bound.max(by_lines.saturating_add(above).min(BEYOND))
        })
    }

    /// How far the steps that hold all goods are above the lines of the places at the least; `None` where that is
    /// not known, or too much work.
    fn above(&mut self, goods: Goods, by_volume: bool) -> Option<i64> {
        let mut all = Steps::new(goods);
        for place in &self.places {
            if !place.curve.weighs() {
                if self.curves.modes[usize::from(place.mode)].packed {
                    return None;
                }
                continue;
            }
            let line = (place.line, place.mix);
            let steps = place
                .curve
                .above(place.window, line, (goods.room, by_volume));
            let before = all.pairs;
            self.work.spend(steps.len() / 2);
            let added = all.add(&steps);
            self.work.spend((all.pairs - before) / 2);
            if !added {
                return None;
            }
        }
        Some(all.least())
    }

    /// Moves the lines of all places for a high bound, and returns it.
    fn ascend(&mut self, items: &[Item]) -> i64 {
        let mut best = self.bound_by_lines(items);
        for _ in 0..ROUNDS {
            let before = best;
            for at in 0..self.places.len() {
                if !self.places[at].curve.weighs() {
                    continue;
                }
                let start = self.places[at].steep();
                let mut step = self.places[at].line.slope.max(start) / 2;
                while step > start / FINE && step > 0 {
                    if best > self.ceiling() || self.work.is_over() {
                        return best;
                    }
                    let old = self.places[at].line;
                    let mut better = false;
                    for slope in [old.slope + step, old.slope - step] {
                        let slope = slope.clamp(0, self.places[at].curve.steepest);
                        self.places[at].line = self.places[at].line_at(slope);
                        let bound = self.bound_by_lines(items);
                        if bound > best {
                            best = bound;
                            better = true;
                            break;
                        }
                        self.places[at].line = old;
                    }
                    if !better {
                        step /= 2;
                    }
                }
                best = self.tilt(items, at, best);
            }
            if best == before {
                break;
            }
        }
        best
    }

    /// Where the cheapest amounts by the lines lie farthest below what they cost: the place, and its window in
    /// two parts.
    fn bend(&self, items: &[Item], units: &[Row<u32>]) -> Option<(usize, [Window; 2])> {
        let billings = &self.search.job.lanes.tariffs.billings;
        let mut most: Option<(i64, usize, [Window; 2])> = None;
        for (at, place) in self.places.iter().enumerate() {
            let (mut load, mut weight) = (Load::default(), 0i64);
            for (item, units) in items.iter().zip(units) {
                load = load.plus(item.load(units[at]));
                weight = weight.saturating_add(item.weighs(units[at], (at, place)));
            }
            load.lots = 1;
            let (end, cents) = place.curve.at(billings, load, place.window);
            let Some(parts) = place.curve.split(place.window, end) else {
                continue;
            };
            let line = place.line.base.saturating_add(weight);
            let below = cents.saturating_mul(MICRO).min(BEYOND) - line;
            if most.is_none_or(|most| most.0 < below) {
                most = Some((below, at, parts));
            }
        }
        most.map(|(_, at, parts)| (at, parts))
    }

    /// Exchanges units between places while that makes a plan better, and offers it.
    fn improve(&mut self, items: &[Item], mut units: Vec<Row<u32>>) {
        if items
            .iter()
            .any(|item| item.shares(&*self.search, &self.places))
        {
            return;
        }
        let places = self.places.len();
        let mut loads: Vec<Load> = (0..places).map(|at| load(items, &units, at)).collect();
        let mut costs: Vec<i64> = Vec::with_capacity(places);
        for (at, load) in loads.iter().enumerate() {
            costs.push(self.cost(items, &units, at, *load));
        }
        for _ in 0..EXCHANGES {
            let sum = |costs: &[i64]| costs.iter().copied().fold(0, i64::saturating_add);
            let before = sum(&costs);
            for (number, item) in items.iter().enumerate() {
                for (from, to) in (0..places).flat_map(|a| (0..places).map(move |b| (a, b))) {
                    let there = item.there(to).saturating_sub(units[number][to]);
                    let most = units[number][from].min(there);
                    if from == to || most == 0 {
                        continue;
                    }
                    for moved in self.amounts(item, most, (from, to), &loads) {
                        self.work.spend(TRYING);
                        let now = units[number].clone();
                        if self.work.is_over() {
                            break;
                        }
                        // One more where no number of them makes a difference: that many may not be there.
                        if moved > most {
                            continue;
                        }
                        units[number][from] -= moved;
                        units[number][to] += moved;
                        let new = [from, to].map(|at| load(items, &units, at));
                        let cost = [(from, new[0]), (to, new[1])]
                            .map(|(at, load)| self.cost(items, &units, at, load));
                        if cost[0] + cost[1] < costs[from] + costs[to] {
                            (loads[from], loads[to]) = (new[0], new[1]);
                            (costs[from], costs[to]) = (cost[0], cost[1]);
                            break;
                        }
                        units[number] = now;
                    }
                }
            }
            if sum(&costs) >= before {
                break;
            }
        }
        let chosen: Vec<&Row<u32>> = units.iter().collect();
        self.complete(items, &chosen, &loads);
    }

    /// How many units to try to move: one, all, as many as make one shipment a step lighter, or as the other
    /// takes within its step.
    fn amounts(
        &self,
        item: &Item,
        most: u32,
        (from, to): (usize, usize),
        loads: &[Load],
    ) -> [u32; 4] {
        let billings = &self.search.job.lanes.tariffs.billings;
        let end = |at: usize, load: Load| {
            let load = Load { lots: 1, ..load };
            self.places[at].curve.at(billings, load, Window::ALL).0
        };
        let (now, then) = (end(from, loads[from]), end(to, loads[to]));
        let fewest = first(most, |units| {
            end(from, loads[from].less(item.load(units))) < now
        });
        let beyond = first(most, |units| {
            end(to, loads[to].plus(item.load(units))) > then
        });
        [most, fewest, (beyond - 1).max(1), 1]
    }

    /// What a shipment costs with its goods.
    fn cost(&mut self, items: &[Item], units: &[Row<u32>], at: usize, load: Load) -> i64 {
        let piece = self.piece(items, units, at);
        let carried = self.carried(&piece, load);
        let goods = items.iter().zip(units);
        let goods: i64 = goods.map(|(item, units)| item.goods(at, units[at])).sum();
        carried.min(NEVER).saturating_add(goods)
    }

    fn piece(&self, items: &[Item], units: &[Row<u32>], at: usize) -> Piece {
        let mut piece = Piece {
            entry: self.places[at].entry,
            units: Default::default(),
        };
        for (item, units) in items.iter().zip(units) {
            item.put(units[at], &mut piece.units);
        }
        piece
    }

    /// What carrying a shipment costs.
    pub(super) fn carried(&mut self, piece: &Piece, load: Load) -> i64 {
        let (job, departures) = (self.search.job, self.search.departures);
        let alone = self.search.alone(piece);
        Loads::of(job, load, &mut self.parcels);
        let departure = self.search.entries.get(piece.entry).departure;
        departures.carried(job, departure, &self.parcels, (&alone, load.kinds))
    }
}

/// What is in a shipment.
fn load(items: &[Item], units: &[Row<u32>], at: usize) -> Load {
    let loads = items
        .iter()
        .zip(units)
        .map(|(item, units)| item.load(units[at]));
    loads.fold(Load::default(), Load::plus)
}

/// The least number up to `most` of which something is so that is so of all larger ones; one more where it is so
/// of none.
fn first(most: u32, so: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (1, most + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if so(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
