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
use super::subsets::Subsets;
use super::tariff::NEVER;

/// No label.
const NO_LABEL: u32 = u32::MAX;
/// Most demands.
const DEMANDS: usize = super::EXACT_DEMANDS_MAX;

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
    /// By set and layer: which pair of labels; `NO_LABEL` where the search did not come.
    pair_of: Vec<u32>,
    /// The best two labels of a set and layer.
    labels: Vec<Label>,
    /// By set: what deciding it costs at the least, after a first shipment.
    bound: Vec<i64>,
    /// The same exactly, where at most one more shipment is left.
    one_left: Vec<i64>,
    /// By set: what it costs to leave all of it short.
    short: Vec<i64>,
    goods: Vec<i64>,
}

impl Partition {
    /// What the second best of some plans costs, by the subsets known so far.
    pub(super) fn ceiling(&mut self, rules: &Rules, subsets: &Subsets) -> i64 {
        self.short
            .resize(subsets.first.len().max(self.short.len()), 0);
        self.short[0] = 0;
        let mut open = next_subset(0, rules.all);
        while open != 0 {
            let rest = self.short[usize::from(open & (open - 1))];
            let low = open.trailing_zeros() as usize;
            self.short[usize::from(open)] = (rest + rules.short[low]).min(NEVER);
            open = next_subset(open, rules.all);
        }
        self.guess(rules, subsets)
    }

    /// The best two plans; those that cost more than the ceiling may be missing.
    pub(super) fn run<F: Fn(u32) -> (u16, i64)>(
        &mut self,
        rules: &Rules,
        subsets: &Subsets,
        tie: F,
    ) -> [Option<Found>; 2] {
        self.bounds(rules, subsets);
        let most = usize::from(rules.most);
        let limited = most < rules.all.count_ones() as usize;
        let layers = if limited { most + 1 } else { 1 };
        self.pair_of.clear();
        self.pair_of.resize(subsets.first.len() * layers, NO_LABEL);
        self.labels.clear();
        let ceiling = self.guess(rules, subsets);
        if self.first_shipments(rules, subsets, ceiling) > FEW {
            self.share(rules, subsets);
        }
        let mut run = Run {
            rules,
            subsets,
            tie,
            limited,
            layers,
            totals: [rules.nothing, NEVER],
            ceiling,
            memory: self,
        };
        run.search();
        run.answer()
    }

    /// The second best of the plans with the lowest demand in one shipment, and the others in
    /// another or short: a ceiling that leaves out most of the search.
    fn guess(&self, rules: &Rules, subsets: &Subsets) -> i64 {
        let low = lowest(rules.all);
        let others = rules.all ^ low;
        // Shipping everything at once counts once for each of its places.
        let all = usize::from(rules.all);
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
            let rest = usize::from(rules.all ^ with);
            let first = subsets.first[rest];
            if rules.most > 1 {
                let other = usize::from(with);
                add(first + subsets.first[other] + rules.split);
                // The same from another place.
                let next = (first + subsets.second[other])
                    .min(subsets.second[rest] + subsets.first[other]);
                add(next + rules.split);
            }
            add(first + self.short[usize::from(with)]);
            with = next_subset(with, others);
        }
        best[1].min(rules.ceiling)
    }

    /// Fills the tables by set.
    fn bounds(&mut self, rules: &Rules, subsets: &Subsets) {
        let tables = [
            &mut self.bound,
            &mut self.one_left,
            &mut self.short,
            &mut self.goods,
        ];
        for table in tables {
            // What an earlier run left is written over, but for the empty set.
            table.resize(subsets.first.len().max(table.len()), 0);
            table[0] = 0;
        }
        let several = rules.several(subsets);
        let may_short = rules.shorts().any(|short| short < NEVER);
        let mut open = next_subset(0, rules.all);
        while open != 0 {
            let low = open.trailing_zeros() as usize;
            let (at, rest) = (usize::from(open), usize::from(open & (open - 1)));
            let short = (self.short[rest] + rules.short[low]).min(NEVER);
            let mut one = subsets.first[at] + rules.split;
            if may_short {
                // One shipment of all but a demand, or of fewer still.
                let mut bits = open;
                while bits != 0 {
                    let i = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    one = one.min(self.one_left[usize::from(open & !(1 << i))] + rules.short[i]);
                }
            }
            one = one.min(short).min(NEVER);
            self.short[at] = short;
            self.one_left[at] = one;
            self.goods[at] = self.goods[rest] + rules.least_goods[low];
            let more = self.goods[at] + several[open.count_ones() as usize];
            self.bound[at] = one.min(more);
            open = next_subset(open, rules.all);
        }
    }

    /// How many sets may be the first shipment, as far as the bounds know.
    fn first_shipments(&self, rules: &Rules, subsets: &Subsets, ceiling: i64) -> usize {
        let low = lowest(rules.all);
        let others = rules.all ^ low;
        let mut with = 0;
        let mut count = 0;
        loop {
            let left = self.bound[usize::from(others ^ with)];
            let first = subsets.first[usize::from(low | with)];
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
            let cents = subsets.first[usize::from(set)];
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
            let (at, rest) = (usize::from(open), usize::from(open & (open - 1)));
            self.goods[at] = self.goods[rest] + shares[open.trailing_zeros() as usize];
            self.bound[at] = self.bound[at].max(self.goods[at]).min(NEVER);
            open = next_subset(open, rules.all);
        }
    }
}

impl Partition {
    /// By set: what it costs at the least to decide it after so many shipments, where they are
    /// counted.
    fn least_by(&mut self, rules: &Rules, layer: usize) -> &mut Vec<i64> {
        match usize::from(rules.most).saturating_sub(layer) {
            0 => &mut self.short,
            1 => &mut self.one_left,
            _ => &mut self.bound,
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

    /// Of the demands to decide: what it costs to leave each short.
    fn shorts(&self) -> impl Iterator<Item = i64> {
        let all = (0..DEMANDS).filter(|&i| self.all >> i & 1 == 1);
        all.map(|i| self.short[i])
    }

    /// By number of demands: what at least two shipments of so many cost beyond their goods, the
    /// split penalty of both included; what does not fit into them is short.
    fn several(&self, subsets: &Subsets) -> [i64; DEMANDS + 1] {
        let all = (0..DEMANDS).filter(|&i| self.all >> i & 1 == 1);
        let spared = all.map(|i| (self.short[i] - self.least_goods[i]).max(0));
        let spared = spared.min().unwrap_or(0);
        let mut largest = 0;
        let mut set = next_subset(0, self.all);
        while set != 0 {
            if subsets.first[usize::from(set)] < NEVER {
                largest = largest.max(set.count_ones());
            }
            set = next_subset(set, self.all);
        }
        let one = (self.least_base + self.split).min(NEVER);
        let most = i64::from(self.most).min(DEMANDS as i64 + 1) - 1;
        let mut several = [NEVER; DEMANDS + 1];
        for (count, least) in (0i64..).zip(&mut several) {
            for shipments in 2..=most.min(count) {
                let missing = (count - shipments * i64::from(largest)).max(0);
                let missing = missing.saturating_mul(spared).min(NEVER);
                *least = (*least).min((one.saturating_mul(shipments).min(NEVER)) + missing);
            }
        }
        several
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
    memory: &'a mut Partition,
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

impl<F: Fn(u32) -> (u16, i64)> Run<'_, F> {
    fn search(&mut self) {
        let all = self.rules.all;
        // The start, and what follows it by leaving the lowest demands short: nothing ships yet.
        // The first shipment pays no split penalty.
        let mut bare = Some(Label {
            cents: -self.rules.split,
            ..UNREACHED
        });
        let mut bare_set = 0;
        let mut decided = 0;
        while decided != all {
            if let Some(label) = bare
                && decided == bare_set
            {
                self.ship(decided, 0, [Some((label, NO_LABEL)), None]);
                let low = lowest(all & !decided);
                let short = self.rules.short[low.trailing_zeros() as usize];
                bare_set |= low;
                bare = (short < NEVER).then(|| Label {
                    cents: label.cents + short,
                    ..label
                });
            }
            for layer in 0..self.layers {
                self.expand(decided, layer);
            }
            decided = next_subset(decided, all);
        }
    }

    /// Goes on from the labels of a set.
    fn expand(&mut self, decided: Set, layer: usize) {
        let pair = self.memory.pair_of[usize::from(decided) * self.layers + layer];
        if pair == NO_LABEL {
            return;
        }
        let least = self.least(self.rules.all & !decided, layer);
        let known = |rank: u32| {
            let label = self.memory.labels[(pair + rank) as usize];
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
        // Taken out while labels are added.
        let least_by = std::mem::take(self.memory.least_by(self.rules, layer));
        loop {
            let set = low | with;
            let least = least_by[usize::from(open ^ set)];
            let first = subsets.first[usize::from(set)];
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
        *self.memory.least_by(self.rules, layer) = least_by;
    }

    /// What it costs at the least to decide what is open, after so many shipments.
    fn least(&self, open: Set, layer: usize) -> i64 {
        let left = usize::from(self.rules.most) - layer;
        let memory = &self.memory;
        let table = match left {
            0 if self.limited => &memory.short,
            1 if self.limited => &memory.one_left,
            _ => &memory.bound,
        };
        table[usize::from(open)]
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
        let costs = [
            self.subsets.first[usize::from(set)],
            self.subsets.second[usize::from(set)],
        ];
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
            *pair = u32::try_from(memory.labels.len()).unwrap_or(NO_LABEL);
            memory.labels.extend([UNREACHED; 2]);
        }
        let first = *pair as usize;
        if self.before(&label, &self.memory.labels[first]) {
            let labels = &mut self.memory.labels;
            labels[first + 1] = labels[first];
            labels[first] = label;
        } else if self.before(&label, &self.memory.labels[first + 1]) {
            self.memory.labels[first + 1] = label;
        }
        if set == self.rules.all {
            self.count(label.cents);
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
                let slot = self.subsets.places[usize::from(at.set)][usize::from(at.place)];
                found.blocks[usize::from(found.shipments)] = (at.set, slot);
                found.shipments += 1;
                found.short &= !at.set;
            }
            if at.before == NO_LABEL {
                return found;
            }
            at = self.memory.labels[at.before as usize];
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
            for label in &self.memory.labels[pair as usize..pair as usize + 2] {
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
