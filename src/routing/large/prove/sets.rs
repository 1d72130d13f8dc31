//! The sets of a part as bits: which places have which demands, and what is lacking so far.

use super::super::costs::Costs;
use super::super::node::{Node, Shorts};

/// The sets of a node while they are gone through: places by their number among those that it has
/// besides, the most promising first.
pub(super) struct Sets<'a> {
    pub(super) adds: &'a [(i64, u32)],
    pub(super) open: Vec<u32>,
    pub(super) words: usize,
    /// All places, as bits.
    pub(super) all: Vec<u64>,
    /// Demands that are too dear to leave short: 128 of them at the most.
    musts: Vec<usize>,
    /// By one of those and place, as bits: which places have it.
    holders: Vec<u64>,
    /// By place: which of those it has.
    pub(super) has: Vec<u128>,
    /// Of demands that must ship but may be divided: what the open places lack, what each of the others has,
    /// and the most that one of them has.
    lacks: Vec<i64>,
    units: Vec<i64>,
    units_most: Vec<i64>,
}

impl<'a> Sets<'a> {
    /// `room` is by how much the bound of the node is below the target.
    pub(super) fn new(costs: &Costs, node: &Node, adds: &'a [(i64, u32)], room: i64) -> Self {
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
    pub(super) fn add(&mut self, at: usize) {
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
    pub(super) fn remove(&mut self, at: usize) {
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
    pub(super) fn lacks_too_much(&self, count: usize) -> bool {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut all = self.lacks.iter().zip(&self.units_most);
        all.any(|(&lacks, most)| lacks > most.saturating_mul(count))
    }

    /// Whether a place has all that is lacking.
    pub(super) fn ends_with(&self, at: usize) -> bool {
        let all = self
            .lacks
            .iter()
            .zip(self.units.chunks(self.adds.len().max(1)));
        all.into_iter().all(|(lacks, units)| *lacks <= units[at])
    }

    /// All of the demands that are too dear to leave short, as bits.
    pub(super) fn musts(&self) -> u128 {
        (0..self.musts.len()).fold(0, |all, number| all | 1 << number)
    }

    /// The most of `musts` that one of the free places has.
    pub(super) fn widest(&self, free: &[u64], musts: u128) -> u32 {
        let has = bits(free).map(|at| (self.has[at] & musts).count_ones());
        has.max().unwrap_or(0)
    }

    /// About how many sets there are of `count` places that have all that they must.
    pub(super) fn number(&self, count: usize) -> u64 {
        let holders = self.holders.chunks(self.words.max(1));
        let holders = holders.map(|words| words.iter().map(|w| u64::from(w.count_ones())).sum());
        let places = self.adds.len() as u64;
        let Some(fewest): Option<u64> = holders.min() else {
            return (0..count as u64).fold(1, |sets, n| sets.saturating_mul(places) / (n + 1));
        };
        (1..count).fold(1, |sets: u64, _| sets.saturating_mul(fewest))
    }

    /// Of the free places those with the rarest of `musts`; all of them where there is none.
    pub(super) fn rarest(&self, free: &[u64], musts: u128) -> Vec<u64> {
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
    pub(super) fn with_all(&self, mut places: u64, word: usize, mut musts: u128) -> u64 {
        while musts != 0 && places != 0 {
            let must = musts.trailing_zeros() as usize;
            places &= self.holders[must * self.words + word];
            musts &= musts - 1;
        }
        places
    }
}

/// The numbers of the bits that are set, ascending.
pub(super) fn bits(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(word, &bits)| {
        let mut left = bits;
        std::iter::from_fn(move || {
            let at = (left != 0).then(|| word * 64 + left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            at
        })
    })
}
