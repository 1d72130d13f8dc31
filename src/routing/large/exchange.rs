//! Better sets of open places: one place is exchanged for another, opened or closed, by what the set
//! costs at the least (`costs`); also for the worse for a while, so that the search leaves a set that no
//! single exchange makes better (tabu search, Glover 1989). In a fixed order, so many steps.

use super::costs::Costs;
use std::ops::Range;

/// So many steps long at the least what was closed stays closed and what was opened stays open.
const CLOSED: usize = 3;
const OPENED: usize = 1;
/// Scatters the numbers of steps: any odd number of 64 bits without a pattern.
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Nobody.
const NONE: usize = usize::MAX;

/// What the places of a set ask for every demand, and what they would ask without one of them. So each
/// offer is looked at once for all exchanges (Resende and Werneck 2007, for facility location).
#[derive(Debug, Default)]
struct Asked {
    /// By demand that ships whole: the least cost, the place that asks it, and the least of the others.
    whole: Vec<(i64, usize, i64)>,
    /// Of divided demands: units by what one of them costs, the dearest first; short ones among them.
    units: Vec<(i64, i64)>,
    /// By demand: which of `units` all places ship, and which of `without` are its own.
    divided: Vec<(Range<usize>, Range<usize>)>,
    /// A place, and which of `units` ship without it.
    without: Vec<(usize, Range<usize>)>,
    /// By place: what closing it costs more.
    closed: Vec<i64>,
    /// Memory: place, cost and units of a demand.
    ships: Vec<(i64, usize, i64)>,
}

/// One step: what it costs more, the place (of the set) that goes, the offer that comes.
type Move = (i64, Option<usize>, Option<u32>);

/// A search for cheap sets.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    costs: &'a Costs,
    /// The set now, and what it costs at the least, the split penalty of every shipment included.
    pub(super) open: Vec<u32>,
    pub(super) least: i64,
    /// By offer: the first step in which it may come or go again.
    free_at: Vec<usize>,
    step: usize,
    asked: Asked,
    /// By place: what an offer saves more without it.
    more: Vec<i64>,
    /// Cells of demands that may be divided.
    divided: u64,
    /// Units of divided demands that the last step looked at.
    looked: u64,
}

/// Most units of divided demands that a step may have to look at.
const STEP_MOST: u64 = 1 << 30;

fn divided_cells(costs: &Costs) -> u64 {
    let offers = (0..costs.offers()).filter_map(|o| u32::try_from(o).ok());
    let cells = offers.flat_map(|offer| costs.goods_of(offer));
    cells
        .filter(|cell| !costs.whole[cell.demand as usize])
        .count() as u64
}

impl<'a> Exchange<'a> {
    /// Starts from a set of open offers.
    pub(super) fn new(costs: &'a Costs, open: &[u32]) -> Self {
        Self {
            costs,
            open: open.to_vec(),
            least: costs.least(open),
            free_at: vec![0; costs.offers()],
            step: 0,
            asked: Asked::default(),
            more: Vec::new(),
            divided: divided_cells(costs),
            looked: 0,
        }
    }

    /// What a step costs, in cells looked at: by what the last one looked at where demands are divided.
    pub(super) fn work(&self) -> u64 {
        let places = self.open.len();
        2 * self.costs.cells() + (self.costs.offers() * places) as u64 / 2 + self.looked
    }

    /// Whether one step may take too long: each divided cell may be laid out beside all places, without
    /// each of them.
    fn is_too_much(&self) -> bool {
        let places = self.open.len() as u64;
        let squares = places.saturating_mul(places);
        self.divided.saturating_mul(squares) > STEP_MOST
    }

    /// Takes the best step there is, though the set becomes dearer; one below `best` in any case.
    /// `false` where there is none.
    pub(super) fn step(&mut self, best: i64) -> bool {
        self.step += 1;
        if self.is_too_much() {
            return false;
        }
        let Some((more, goes, comes)) = self.best_move(best.saturating_sub(self.least)) else {
            return false;
        };
        if let Some(goes) = goes {
            let gone = self.open.remove(goes);
            self.free_at[gone as usize] = self.held(CLOSED);
        }
        if let Some(comes) = comes {
            self.open.push(comes);
            self.free_at[comes as usize] = self.held(OPENED);
        }
        self.least += more;
        debug_assert_eq!(self.least, self.costs.least(&self.open), "step by step");
        true
    }

    /// Until when an offer is held that came or went now. That differs from step to step, so that the
    /// search does not go round in a circle (Taillard 1991).
    fn held(&self, least: usize) -> usize {
        let scattered = (self.step as u64).wrapping_mul(SCATTER) >> 44;
        let more = scattered % (2 * least as u64 + 1);
        self.step + least + usize::try_from(more).unwrap_or(0)
    }

    /// The cheapest move; one that costs less than `enough` more may undo what was just done.
    fn best_move(&mut self, enough: i64) -> Option<Move> {
        let places = self.open.len();
        let mut asked = std::mem::take(&mut self.asked);
        asked.fill(self.costs, &self.open);
        let mut more = std::mem::take(&mut self.more);
        let mut looked = asked.units.len() as u64;
        let held = |at: usize| self.free_at[self.open[at] as usize] > self.step;
        let mut best: Option<Move> = None;
        for goes in (0..places).filter(|_| places > 1) {
            let cost = asked.closed[goes];
            best = Self::better(best, (cost, Some(goes), None), held(goes) && cost >= enough);
        }
        for offer in (0..self.free_at.len()).filter_map(|o| u32::try_from(o).ok()) {
            more.clear();
            more.resize(places, 0);
            let saved = asked.saved(self.costs, offer, &mut more);
            looked += saved.1;
            let opened = self.costs.bases[offer as usize] - saved.0;
            let late = self.free_at[offer as usize] > self.step;
            let full = places >= self.costs.most;
            let gone = (0..places)
                .map(Some)
                .chain([None].into_iter().filter(|_| !full));
            for goes in gone {
                let cost = opened + goes.map_or(0, |at| asked.closed[at] - more[at]);
                if best.is_some_and(|best| cost >= best.0) || self.is_open(offer, goes) {
                    continue;
                }
                let held = late || goes.is_some_and(held);
                best = Self::better(best, (cost, goes, Some(offer)), held && cost >= enough);
            }
        }
        self.asked = asked;
        self.more = more;
        self.looked = looked;
        best
    }

    /// The cheaper of two moves; not the new one if it is `held`.
    fn better(best: Option<Move>, new: Move, held: bool) -> Option<Move> {
        match best {
            _ if held => best,
            Some(best) if best <= new => Some(best),
            _ => Some(new),
        }
    }

    /// Whether a location ships already: it does at one hand-over. The place that goes may come back
    /// at another.
    fn is_open(&self, offer: u32, goes: Option<usize>) -> bool {
        let location = |offer: u32| self.costs.locations[offer as usize];
        let mut open = self.open.iter().enumerate();
        open.any(|(at, &o)| o == offer || (Some(at) != goes && location(o) == location(offer)))
    }
}

impl Asked {
    /// Works out a set of open offers.
    fn fill(&mut self, costs: &Costs, open: &[u32]) {
        self.whole.clear();
        self.whole
            .extend(costs.short.iter().map(|&short| (short, NONE, short)));
        self.closed.clear();
        self.closed
            .extend(open.iter().map(|&o| -costs.bases[o as usize]));
        for (place, &offer) in open.iter().enumerate() {
            for cell in costs.goods_of(offer) {
                let (least, by, second) = &mut self.whole[cell.demand as usize];
                if cell.each < *least {
                    (*least, *by, *second) = (cell.each, place, *least);
                } else {
                    *second = cell.each.min(*second);
                }
            }
        }
        self.units.clear();
        self.divided.clear();
        self.without.clear();
        for demand in 0..costs.demands {
            if costs.whole[demand] {
                let (least, by, second) = self.whole[demand];
                if by != NONE {
                    self.closed[by] += second - least;
                }
                self.divided.push((0..0, 0..0));
            } else {
                self.divide(costs, open, demand);
            }
        }
    }

    /// Works out a demand that may be divided.
    fn divide(&mut self, costs: &Costs, open: &[u32], demand: usize) {
        self.ships.clear();
        for (place, &offer) in open.iter().enumerate() {
            let goods = costs.goods_of(offer);
            let found = goods.binary_search_by_key(&demand, |cell| cell.demand as usize);
            let cell = found.ok().map(|at| goods[at]);
            if let Some(cell) = cell.filter(|cell| cell.each < costs.short[demand]) {
                self.ships.push((cell.each, place, cell.units.into()));
            }
        }
        self.ships.sort_unstable();
        let (all, cents) = self.lay_out(costs, demand, NONE);
        let first = self.without.len();
        for at in 0..self.ships.len() {
            let place = self.ships[at].1;
            let (units, without) = self.lay_out(costs, demand, place);
            self.closed[place] += without - cents;
            self.without.push((place, units));
        }
        self.divided.push((all, first..self.without.len()));
    }

    /// Lays out the units of a demand without those of one place, and what they cost.
    fn lay_out(&mut self, costs: &Costs, demand: usize, without: usize) -> (Range<usize>, i64) {
        let first = self.units.len();
        let (mut left, mut cents) = (costs.wanted[demand], 0);
        for &(each, _, units) in self.ships.iter().filter(|s| s.1 != without) {
            let units = units.min(left);
            left -= units;
            cents += each * units;
            self.units.push((each, units));
        }
        cents += costs.short[demand] * left;
        self.units.push((costs.short[demand], left));
        self.units[first..].reverse();
        (first..self.units.len(), cents)
    }

    /// What an offer saves beside all places; adds to `more` what it saves besides without each. Tells as
    /// well how many units of divided demands it looked at.
    fn saved(&self, costs: &Costs, offer: u32, more: &mut [i64]) -> (i64, u64) {
        let (mut all, mut looked) = (0, 0);
        for cell in costs.goods_of(offer) {
            let demand = cell.demand as usize;
            if costs.whole[demand] {
                let (least, by, second) = self.whole[demand];
                let saved = (least - cell.each).max(0);
                all += saved;
                if by != NONE {
                    more[by] += (second - cell.each).max(0) - saved;
                }
                continue;
            }
            let mut saves = |units: &Range<usize>| {
                let mut left = i64::from(cell.units);
                let mut saved = 0;
                for &(each, units) in &self.units[units.clone()] {
                    looked += 1;
                    if each <= cell.each || left == 0 {
                        break;
                    }
                    let units = units.min(left);
                    left -= units;
                    saved += (each - cell.each) * units;
                }
                saved
            };
            let (units, without) = &self.divided[demand];
            let saved = saves(units);
            all += saved;
            for (place, units) in &self.without[without.clone()] {
                more[*place] += saves(units) - saved;
            }
        }
        (all, looked)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::kit::Dice;
    use super::*;

    /// The cheapest set of `costs` that differs from `open` by one place that goes, one that comes, or
    /// both, by trying all.
    fn nearest(costs: &Costs, open: &[u32]) -> Option<i64> {
        let offers = u32::try_from(costs.offers()).unwrap();
        let gone = (0..open.len()).map(Some).chain([None]);
        let mut least = None;
        for goes in gone {
            let mut rest = open.to_vec();
            if let Some(at) = goes {
                rest.remove(at);
            }
            for comes in (0..offers).map(Some).chain([None]) {
                let mut set = rest.clone();
                set.extend(comes.filter(|comes| !open.contains(comes)));
                let mut locations: Vec<u16> =
                    set.iter().map(|&o| costs.locations[o as usize]).collect();
                locations.sort_unstable();
                locations.dedup();
                let may = locations.len() == set.len() && set.len() <= costs.most;
                if may && !set.is_empty() && set != open {
                    let cost = costs.least(&set);
                    least = Some(least.map_or(cost, |least: i64| least.min(cost)));
                }
            }
        }
        least
    }

    #[test]
    fn each_step_takes_the_best_exchange_and_knows_what_it_costs() {
        for seed in 0..300 {
            let costs = Costs::random(&mut Dice(seed));
            let mut search = Exchange::new(&costs, &[0]);
            let nearest = nearest(&costs, &search.open);
            let first = search.step(i64::MIN).then_some(search.least);
            assert_eq!(first, nearest, "seed {seed}");
            let mut best = search.least;
            for _ in 0..30 {
                if !search.step(best) {
                    break;
                }
                assert_eq!(search.least, costs.least(&search.open), "seed {seed}");
                assert!(search.open.len() <= costs.most, "seed {seed}");
                best = best.min(search.least);
            }
        }
    }
}
