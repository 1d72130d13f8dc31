//! The cheapest two ways to cut the demands into shipments.
//!
//! A plan is built by always deciding about the lowest demand that is still open: it goes short,
//! or into a shipment with some of the other open ones. So every plan is built in exactly one
//! way, and the best two ways to reach a set of decided demands are all that is ever needed of it.
//! Sets are worked through in ascending order; one is left out when the best that can come of it
//! costs more than the second-best plan known.
//!
//! Costs carry the split penalty of every shipment, less one: so a plan that ships nothing is
//! dealt with apart.

use super::candidates::Set;
use super::subsets::{BySet, Subsets};
use super::tariff::NEVER;

/// No label.
const NO_LABEL: u32 = u32::MAX;
/// Most demands.
const DEMANDS: usize = super::request::SETS_DEMANDS_MAX;
/// Rows of a table by number of demands: a power of two, so that a remainder costs nothing.
const ROWS: usize = (DEMANDS + 1).next_power_of_two();

/// How many first shipments are tried for a better ceiling.
const STARTS: usize = 24;
/// Up to so many first shipments the bounds are good enough.
const FEW: usize = 48;

/// What the search may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The demands to decide.
    pub(super) all: Set,
    /// By demand: what it costs to leave it short; `NEVER` where that is not allowed.
    pub(super) short: [i64; DEMANDS],
    /// Cents for each shipment after the first.
    pub(super) split: i64,
    /// Most shipments.
    pub(super) most: u8,
    /// A plan with a shipment that is not all of it costs this besides the base of its slot: it has
    /// another shipment, or leaves something short.
    pub(super) besides: i64,
    /// No shipment that is part of a longer plan costs less than this, goods apart.
    pub(super) least_base: i64,
    /// By demand: it costs no plan less than this.
    pub(super) least_goods: [i64; DEMANDS],
    /// A plan that costs more is of no interest: the second best that is known.
    pub(super) ceiling: i64,
    /// What it costs to ship nothing; `NEVER` where that is not allowed.
    pub(super) nothing: i64,
}

/// A way to decide some demands.
#[derive(Debug, Clone, Copy)]
struct Label {
    cents: i64,
    before: u32,
    /// What was decided last.
    set: Set,
    /// From which of the set's places; [`SHORT`] when it went short.
    place: u8,
    shipments: u8,
}

/// The place of what goes short.
const SHORT: u8 = 2;

const UNREACHED: Label = Label {
    cents: NEVER,
    before: NO_LABEL,
    set: 0,
    place: SHORT,
    shipments: 0,
};

/// A plan: which demands ship together from where. The others are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) cents: i64,
    /// Shipments: their demands and slots.
    pub(super) blocks: [(Set, u32); DEMANDS],
    pub(super) shipments: u8,
    pub(super) short: Set,
}

/// Memory of the search.
#[derive(Debug, Default)]
pub(super) struct Partition {
    bounds: Bounds,
    labels: Labels,
}

/// What was reached so far.
#[derive(Debug, Default)]
struct Labels {
    /// By set and layer: which pair of labels; `NO_LABEL` where the search did not come.
    pair_of: Vec<u32>,
    /// The best two labels of a set and layer.
    all: Vec<Label>,
    /// Sets that the search came to and has yet to go on from, as bits.
    open: Vec<u64>,
}

impl Labels {
    /// Forgets everything; room for so many sets in so many layers.
    fn start(&mut self, sets: usize, layers: usize) {
        self.pair_of.clear();
        self.pair_of.resize(layers * sets, NO_LABEL);
        self.all.clear();
        self.open.clear();
        self.open.resize(sets.div_ceil(64), 0);
    }

    /// Takes note of a set to go on from.
    #[inline]
    fn open(&mut self, set: Set) {
        self.open[usize::from(set / 64)] |= 1 << (set % 64);
    }

    /// Takes the least set to go on from that is not before the word `from` of the bits.
    #[inline]
    fn next(&mut self, from: &mut usize) -> Option<Set> {
        loop {
            let bits = self.open.get_mut(*from)?;
            if *bits != 0 {
                let set = *from * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                return Set::try_from(set).ok();
            }
            *from += 1;
        }
    }
}

/// Lower bounds by set.
#[derive(Debug, Default)]
struct Bounds {
    /// What deciding it costs at the least, after a first shipment.
    several: BySet<i64>,
    /// What it costs with one more shipment at the most.
    one: BySet<i64>,
    /// What it costs to leave all of it short.
    short: BySet<i64>,
    goods: BySet<i64>,
    /// How many demands, and how many of them one shipment can hold at the most.
    count: BySet<u8>,
    reach: BySet<u8>,
    starts: Vec<(i64, Set)>,
    /// See [`Rules::several`]; as many rows as there are demands.
    besides: [[i64; ROWS]; ROWS],
}

impl Partition {
    /// What the second best of some plans costs, by the subsets known so far.
    pub(super) fn ceiling(&mut self, rules: &Rules, subsets: &Subsets) -> i64 {
        self.bounds.fill_short(rules, subsets.demands);
        self.bounds.guess(rules, subsets)
    }

    /// The best two plans; those that cost more than the ceiling may be missing.
    pub(super) fn run<F: Fn(u32) -> (u16, i64)>(
        &mut self,
        rules: &Rules,
        subsets: &Subsets,
        tie: F,
    ) -> [Option<Found>; 2] {
        self.bounds.fill_short(rules, subsets.demands);
        let ceiling = self.bounds.guess(rules, subsets);
        self.bounds.fill(rules, subsets);
        let most = usize::from(rules.most);
        let limited = most < rules.all.count_ones() as usize;
        let layers = if limited { most + 1 } else { 1 };
        self.labels.start(1 << subsets.demands, layers);
        let mut ceiling = ceiling;
        if self.bounds.first_shipments(rules, subsets, ceiling) > FEW {
            ceiling = self.bounds.guess_more(rules, subsets, ceiling);
            self.bounds.share(rules, subsets);
        }
        let mut run = Run {
            rules,
            subsets,
            tie,
            limited,
            layers,
            totals: [rules.nothing, NEVER],
            ceiling,
            bounds: &self.bounds,
            memory: &mut self.labels,
        };
        run.search();
        run.answer()
    }
}

impl Bounds {
    /// The second best of the plans with the lowest demand in one shipment, and the others in
    /// another or short: a ceiling that leaves out most of the search.
    fn guess(&self, rules: &Rules, subsets: &Subsets) -> i64 {
        let low = lowest(rules.all);
        let others = rules.all ^ low;
        // Shipping everything at once counts once for each of its places.
        let all = rules.all;
        let mut best = [rules.nothing, NEVER];
        let mut add = |cents: i64| {
            if cents < best[1] {
                best = [best[0].min(cents), best[0].max(cents)];
            }
        };
        add(subsets.first[all]);
        add(subsets.second[all]);
        let mut with = next_subset(0, others);
        // `with` goes without the lowest demand; the last, all others, is followed by 0.
        while with != 0 {
            let rest = rules.all ^ with;
            let first = subsets.first[rest];
            if rules.most > 1 {
                let other = with;
                add(first + subsets.first[other] + rules.split);
                // The same from another place.
                let next = (first + subsets.second[other])
                    .min(subsets.second[rest] + subsets.first[other]);
                add(next + rules.split);
            }
            add(first + self.short[with]);
            with = next_subset(with, others);
        }
        best[1].min(rules.ceiling)
    }

    fn fill_short(&mut self, rules: &Rules, demands: usize) {
        self.short[0] = 0;
        self.short.grow(demands, |i, without, with| {
            let inside = rules.all >> i & 1 == 1;
            let short = if inside { rules.short[i] } else { 0 };
            for (with, without) in with.iter_mut().zip(without) {
                *with = without.wrapping_add(short).min(NEVER);
            }
        });
    }

    /// Fills the tables by set.
    fn fill(&mut self, rules: &Rules, subsets: &Subsets) {
        let demands = subsets.demands;
        let inside = |i: usize| rules.all >> i & 1 == 1;
        self.goods[0] = 0;
        self.goods.grow(demands, |i, without, with| {
            let goods = if inside(i) { rules.least_goods[i] } else { 0 };
            for (with, without) in with.iter_mut().zip(without) {
                *with = without.wrapping_add(goods);
            }
        });
        self.count[0] = 0;
        self.count.grow(demands, |i, without, with| {
            let one = u8::from(inside(i));
            for (with, without) in with.iter_mut().zip(without) {
                *with = without.wrapping_add(one);
            }
        });
        for set in 0..1u32 << demands {
            let set = Set::try_from(set).unwrap_or(0);
            let first = subsets.first[set];
            self.reach[set] = if first < NEVER { self.count[set] } else { 0 };
            self.one[set] = first.wrapping_add(rules.split).min(NEVER);
        }
        // Nothing is left: no shipment.
        self.one[0] = 0;
        for i in (0..demands).filter(|&i| inside(i)) {
            self.reach
                .beside(demands, i, |with, without| *with = (*with).max(without));
            let short = rules.short[i];
            if short < NEVER {
                // One shipment of all but a demand, or of fewer still.
                self.one.beside(demands, i, |with, without| {
                    *with = (*with).min(without.wrapping_add(short));
                });
            }
        }
        rules.several(&mut self.besides);
        for set in 0..1u32 << demands {
            let set = Set::try_from(set).unwrap_or(0);
            let (count, reach) = (usize::from(self.count[set]), usize::from(self.reach[set]));
            let more = self.goods[set].wrapping_add(self.besides[count % ROWS][reach % ROWS]);
            self.several[set] = self.one[set].min(more);
        }
    }

    /// A lower ceiling: the second best of the plans with two more shipments after one of the most
    /// promising first ones. The tables must be there.
    fn guess_more(&mut self, rules: &Rules, subsets: &Subsets, ceiling: i64) -> i64 {
        if rules.most < 3 {
            return ceiling;
        }
        let low = lowest(rules.all);
        let others = rules.all ^ low;
        self.starts.clear();
        let mut with = 0;
        loop {
            let least = subsets.first[low | with] + self.several[others ^ with];
            if least <= ceiling {
                self.starts.push((least, low | with));
            }
            with = next_subset(with, others);
            if with == 0 {
                break;
            }
        }
        let few = STARTS.min(self.starts.len());
        if few < self.starts.len() {
            self.starts.select_nth_unstable(few);
        }
        let mut best = [ceiling, ceiling];
        for &(_, start) in &self.starts[..few] {
            let open = rules.all ^ start;
            if open == 0 {
                continue;
            }
            let low = lowest(open);
            let spent = subsets.first[start] + rules.split;
            let mut with = 0;
            loop {
                let rest = (open ^ low) ^ with;
                let cents = spent + subsets.first[low | with] + self.one[rest];
                if cents < best[1] {
                    best = [best[0].min(cents), best[0].max(cents)];
                }
                with = next_subset(with, open ^ low);
                if with == 0 {
                    break;
                }
            }
        }
        best[1]
    }

    /// How many sets may be the first shipment, as far as the bounds know.
    fn first_shipments(&self, rules: &Rules, subsets: &Subsets, ceiling: i64) -> usize {
        let low = lowest(rules.all);
        let others = rules.all ^ low;
        let mut with = 0;
        let mut count = 0;
        loop {
            let left = self.several[others ^ with];
            let first = subsets.first[low | with];
            count += usize::from(first + left <= ceiling);
            with = next_subset(with, others);
            if with == 0 {
                return count;
            }
        }
    }

    /// Raises the bounds: gives every demand a share of the cost of its shipments such that no
    /// shipment costs less than the shares of what is in it. Then no plan for a set costs less than
    /// its shares.
    fn share(&mut self, rules: &Rules, subsets: &Subsets) {
        // By demand and size: the cheapest shipment of so many demands that has it.
        let mut cheapest = [[NEVER; DEMANDS + 1]; DEMANDS];
        let mut set = next_subset(0, rules.all);
        while set != 0 {
            let cents = subsets.first[set];
            let size = set.count_ones() as usize;
            let mut bits = if cents < NEVER { set } else { 0 };
            while bits != 0 {
                let of_line = &mut cheapest[bits.trailing_zeros() as usize % DEMANDS];
                of_line[size] = of_line[size].min(cents);
                bits &= bits - 1;
            }
            set = next_subset(set, rules.all);
        }
        let mut shares = [0; DEMANDS];
        for (i, share) in shares.iter_mut().enumerate() {
            let sizes = (1i64..).zip(&cheapest[i][1..]);
            let each = sizes.map(|(size, cents)| (cents + rules.split) / size);
            *share = each.min().unwrap_or(0).min(rules.short[i]);
        }
        // `goods` is of no use any more.
        let mut open = next_subset(0, rules.all);
        while open != 0 {
            let low = open.trailing_zeros() as usize % DEMANDS;
            self.goods[open] = self.goods[open & (open - 1)] + shares[low];
            self.several[open] = self.several[open].max(self.goods[open]).min(NEVER);
            open = next_subset(open, rules.all);
        }
    }
}

impl Rules {
    /// Forbids to leave short what no plan worth having leaves short.
    pub(super) fn ship_what_must_ship(&mut self) {
        let all = (0..DEMANDS).filter(|&i| self.all >> i & 1 == 1);
        let goods: i64 = all.clone().map(|i| self.least_goods[i]).sum();
        for i in all {
            let spared = self.short[i].min(NEVER) - self.least_goods[i];
            if goods + spared + self.least_base > self.ceiling {
                self.short[i] = NEVER;
            }
        }
    }

    /// What it costs at the least, beyond the goods, to leave something short.
    pub(super) fn spared(&self) -> i64 {
        let all = (0..DEMANDS).filter(|&i| self.all >> i & 1 == 1);
        let spared = all.map(|i| (self.short[i] - self.least_goods[i]).max(0));
        spared.min().unwrap_or(0)
    }

    /// Of the demands to decide: what it costs to leave each short.
    fn shorts(&self) -> impl Iterator<Item = i64> {
        let all = (0..DEMANDS).filter(|&i| self.all >> i & 1 == 1);
        all.map(|i| self.short[i])
    }

    /// By number of demands and by how many of them one shipment can hold: what at least two
    /// shipments cost beyond the goods, the split penalty of all included; what does not fit into
    /// them is short.
    fn several(&self, several: &mut [[i64; ROWS]; ROWS]) {
        let spared = self.spared();
        let one = (self.least_base + self.split).min(NEVER);
        // After a first shipment.
        let most = i64::from(self.most) - 1;
        let rows = self.all.count_ones() as usize + 1;
        for (count, row) in (0i64..).zip(&mut several[..rows]) {
            for (reach, least) in (0i64..).zip(&mut row[..rows]) {
                *least = NEVER;
                for shipments in 2..=most.min(count) {
                    let missing = (count - shipments * reach).max(0);
                    let missing = missing.saturating_mul(spared).min(NEVER);
                    let bases = one.saturating_mul(shipments).min(NEVER);
                    *least = (*least).min(bases + missing);
                }
            }
        }
    }
}

/// The next subset of `all` in ascending order; 0 after the last.
fn next_subset(set: Set, all: Set) -> Set {
    set.wrapping_sub(all) & all
}

/// One run of the search.
struct Run<'a, F> {
    rules: &'a Rules,
    subsets: &'a Subsets,
    /// By slot: its location and hand-over, to break ties.
    tie: F,
    limited: bool,
    layers: usize,
    /// The two least totals of different plans so far.
    totals: [i64; 2],
    ceiling: i64,
    bounds: &'a Bounds,
    memory: &'a mut Labels,
}

impl Found {
    /// A plan with at most one shipment.
    pub(super) fn new(cents: i64, short: Set, block: Option<(Set, u32)>) -> Self {
        let mut blocks = [(0, 0); DEMANDS];
        blocks[0] = block.unwrap_or_default();
        Self {
            cents,
            blocks,
            shipments: u8::from(block.is_some()),
            short,
        }
    }
}

impl<'a, F: Fn(u32) -> (u16, i64)> Run<'a, F> {
    fn search(&mut self) {
        let all = self.rules.all;
        // The start, and what follows it by leaving the lowest demands short: nothing ships yet.
        // The first shipment pays no split penalty.
        let mut bare = Some(Label {
            cents: -self.rules.split,
            ..UNREACHED
        });
        let mut bare_set = 0;
        self.memory.open(bare_set);
        // What follows a set has more demands: it comes later.
        let mut from = 0;
        while let Some(decided) = self.memory.next(&mut from) {
            if let Some(label) = bare
                && decided == bare_set
            {
                self.ship(decided, 0, [Some((label, NO_LABEL)), None]);
                let low = lowest(all & !decided);
                let short = self.rules.short[low.trailing_zeros() as usize];
                bare_set |= low;
                bare = (short < NEVER && bare_set != all).then(|| Label {
                    cents: label.cents + short,
                    ..label
                });
                if bare.is_some() {
                    self.memory.open(bare_set);
                }
            }
            for layer in 0..self.layers {
                self.expand(decided, layer);
            }
        }
    }

    /// Goes on from the labels of a set.
    fn expand(&mut self, decided: Set, layer: usize) {
        let pair = self.memory.pair_of[usize::from(decided) * self.layers + layer];
        if pair == NO_LABEL {
            return;
        }
        let least = self.least_by(layer)[self.rules.all & !decided];
        let known = |rank: u32| {
            let label = self.memory.all[(pair + rank) as usize];
            (label.cents + least <= self.ceiling).then_some((label, pair + rank))
        };
        let labels = [known(0), known(1)];
        let low = lowest(self.rules.all & !decided);
        let short = self.rules.short[low.trailing_zeros() as usize];
        if short < NEVER {
            for (label, before) in labels.into_iter().flatten() {
                let next = Label {
                    cents: label.cents + short,
                    before,
                    set: low,
                    place: SHORT,
                    ..label
                };
                self.reach(decided | low, layer, next);
            }
        }
        if !self.limited || layer < usize::from(self.rules.most) {
            self.ship(decided, layer, labels);
        }
    }

    /// Puts the lowest open demand into a shipment, with any of the others.
    fn ship(&mut self, decided: Set, layer: usize, labels: [Option<(Label, u32)>; 2]) {
        let Some((best, _)) = labels[0] else { return };
        let subsets = self.subsets;
        let layer = if self.limited { layer + 1 } else { 0 };
        let last = self.limited && layer == usize::from(self.rules.most);
        let open = self.rules.all & !decided;
        let low = lowest(open);
        let spent = best.cents + self.rules.split;
        let mut with = open ^ low;
        let only_all = last && self.rules.shorts().all(|short| short >= NEVER);
        let least_by = self.least_by(layer);
        loop {
            let set = low | with;
            let least = least_by[open ^ set];
            let first = subsets.first[set];
            if spent + first + least <= self.ceiling {
                self.place(decided | set, layer, set, labels, least);
            }
            // After the last shipment the rest must be short: where that is not allowed, only the
            // first set, which is everything, can be a plan.
            if with == 0 || only_all {
                break;
            }
            with = (with - 1) & (open ^ low);
        }
    }

    /// By set: what it costs at the least to decide it after so many shipments, where they are
    /// counted.
    fn least_by(&self, layer: usize) -> &'a BySet<i64> {
        let bounds = self.bounds;
        match usize::from(self.rules.most) - layer {
            0 if self.limited => &bounds.short,
            1 if self.limited => &bounds.one,
            _ => &bounds.several,
        }
    }

    /// Reaches a set by one more shipment, from its first or second place.
    fn place(
        &mut self,
        reached: Set,
        layer: usize,
        set: Set,
        labels: [Option<(Label, u32)>; 2],
        least: i64,
    ) {
        let costs = [self.subsets.first[set], self.subsets.second[set]];
        // The second label from the second place cannot be among the best two.
        for (rank, place) in [(0, 0u8), (0, 1), (1, 0)] {
            let Some((label, before)) = labels[rank] else {
                continue;
            };
            let cents = label.cents + self.rules.split + costs[usize::from(place)];
            if cents + least <= self.ceiling {
                let shipments = label.shipments + 1;
                let next = Label {
                    cents,
                    before,
                    set,
                    place,
                    shipments,
                };
                self.reach(reached, layer, next);
            }
        }
    }

    fn reach(&mut self, set: Set, layer: usize, label: Label) {
        let memory = &mut *self.memory;
        let pair = &mut memory.pair_of[usize::from(set) * self.layers + layer];
        if *pair == NO_LABEL {
            *pair = u32::try_from(memory.all.len()).unwrap_or(NO_LABEL);
            memory.all.extend([UNREACHED; 2]);
        }
        let first = *pair as usize;
        if self.before(&label, &self.memory.all[first]) {
            let labels = &mut self.memory.all;
            labels[first + 1] = labels[first];
            labels[first] = label;
        } else if self.before(&label, &self.memory.all[first + 1]) {
            self.memory.all[first + 1] = label;
        }
        if set == self.rules.all {
            self.count(label.cents);
        } else {
            self.memory.open(set);
        }
    }

    /// Takes note of a complete plan.
    fn count(&mut self, cents: i64) {
        if cents < self.totals[0] {
            self.totals = [cents, self.totals[0]];
        } else if cents < self.totals[1] {
            self.totals[1] = cents;
        }
        self.ceiling = self.ceiling.min(self.totals[1]);
    }

    /// Whether a new label comes before a known one: cheaper, or at the same cost with fewer
    /// shipments, or from smaller locations.
    fn before(&self, new: &Label, known: &Label) -> bool {
        let ranks = (new.cents, new.shipments).cmp(&(known.cents, known.shipments));
        ranks.is_lt() || (ranks.is_eq() && self.places_of(new) < self.places_of(known))
    }

    /// The ascending list of (location, hand-over) of a label.
    fn places_of(&self, label: &Label) -> [(u16, i64); DEMANDS] {
        let found = self.found(label);
        let mut list = [(u16::MAX, i64::MAX); DEMANDS];
        for (place, block) in list
            .iter_mut()
            .zip(&found.blocks[..usize::from(found.shipments)])
        {
            *place = (self.tie)(block.1);
        }
        list.sort_unstable();
        list
    }

    /// The plan that a label stands for.
    fn found(&self, label: &Label) -> Found {
        let mut found = Found {
            cents: label.cents,
            blocks: [(0, 0); DEMANDS],
            shipments: 0,
            short: self.rules.all,
        };
        let mut at = *label;
        loop {
            if at.place < SHORT {
                let slot = self.subsets.places[at.set][usize::from(at.place)];
                found.blocks[usize::from(found.shipments)] = (at.set, slot);
                found.shipments += 1;
                found.short &= !at.set;
            }
            if at.before == NO_LABEL {
                return found;
            }
            at = self.memory.all[at.before as usize];
        }
    }

    /// The best two complete plans.
    fn answer(&self) -> [Option<Found>; 2] {
        let all = usize::from(self.rules.all);
        let nothing = Label {
            cents: self.rules.nothing,
            ..UNREACHED
        };
        let mut best = [nothing, UNREACHED];
        for layer in 0..self.layers {
            let pair = self.memory.pair_of[all * self.layers + layer];
            if pair == NO_LABEL {
                continue;
            }
            for label in &self.memory.all[pair as usize..pair as usize + 2] {
                if self.before(label, &best[0]) {
                    best = [*label, best[0]];
                } else if self.before(label, &best[1]) {
                    best[1] = *label;
                }
            }
        }
        best.map(|label| (label.cents < NEVER).then(|| self.found(&label)))
    }
}

fn lowest(set: Set) -> Set {
    set & set.wrapping_neg()
}
