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
    /// By set: what it costs to leave all of it short.
    short: Vec<i64>,
    goods: Vec<i64>,
}

impl Partition {
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
            let first = subsets.first[usize::from(rules.all ^ with)];
            if rules.most > 1 {
                add(first + subsets.first[usize::from(with)] + rules.split);
            }
            add(first + self.short[usize::from(with)]);
            with = next_subset(with, others);
        }
        best[1].min(rules.ceiling)
    }

    /// Fills the tables by set.
    fn bounds(&mut self, rules: &Rules, subsets: &Subsets) {
        for table in [&mut self.bound, &mut self.short, &mut self.goods] {
            table.clear();
            table.resize(subsets.first.len(), 0);
        }
        // What it costs at the least to leave one demand short rather than ship it.
        let spared = (0..DEMANDS)
            .filter(|&i| rules.all >> i & 1 == 1)
            .map(|i| (rules.short[i] - rules.least_goods[i]).max(0))
            .min()
            .unwrap_or(0);
        let one = (rules.least_base + rules.split).min(NEVER);
        // One shipment of exactly the set costs what it costs. Otherwise there are at least two,
        // or one and something short, or everything is short.
        let other = one + one.min(spared);
        let mut open = next_subset(0, rules.all);
        while open != 0 {
            let low = open.trailing_zeros() as usize;
            let (at, rest) = (usize::from(open), usize::from(open & (open - 1)));
            self.short[at] = (self.short[rest] + rules.short[low]).min(NEVER);
            self.goods[at] = self.goods[rest] + rules.least_goods[low];
            self.bound[at] = (subsets.first[at] + rules.split)
                .min(self.short[at])
                .min(self.goods[at] + other)
                .min(NEVER);
            open = next_subset(open, rules.all);
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
        let least = self.memory.bound[usize::from(self.rules.all & !decided)];
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
        loop {
            let set = low | with;
            let left = usize::from(open ^ set);
            let memory = &self.memory;
            let least = if last {
                memory.short[left]
            } else {
                memory.bound[left]
            };
            let first = subsets.first[usize::from(set)];
            if spent + first + least <= self.ceiling {
                self.place(decided | set, layer, set, labels, least);
            }
            // After the last shipment the rest must be short: where that is not allowed, only the
            // first set, which is everything, can be a plan.
            if with == 0 || (last && self.memory.short[usize::from(low)] >= NEVER) {
                return;
            }
            with = (with - 1) & (open ^ low);
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
