//! Goes through all sets of a part, where they are few.

use super::super::node::{Ascent, Node, Shorts};
use super::super::stairs::Shipped;
use super::Run;
use super::sets::{Sets, bits};

/// A part with so many sets at the most is gone through at once; one of which all sets have all demands,
/// with so many.
const FEW: u64 = 40_000;
const FEW_WHOLE: u64 = 400_000;

impl<F: FnMut(&[usize], &[Shipped]) -> i64> Run<'_, F> {
    /// The sets of a node, if they are few enough to be gone through; `by` is what it would be
    /// divided by.
    pub(super) fn few<'a>(&self, node: &Node, ascent: &'a Ascent, by: &[u32]) -> Option<Sets<'a>> {
        let places = u32::try_from(node.most.saturating_sub(1)).unwrap_or(u32::MAX);
        // No demand is held by fewer.
        let least = (by.len() as u64).saturating_pow(places);
        let few = match node.shorts {
            Shorts::None => FEW_WHOLE,
            Shorts::Any | Shorts::Some => FEW,
        };
        if least > few && node.most > 2 {
            return None;
        }
        // By the value of these prices: what was known before may count a shortage already that is
        // compared with the prices again.
        let room = self.target - self.without_shorts(node, ascent);
        let sets = Sets::new(self.costs, node, &ascent.priced.adds, room);
        (sets.number(node.most) <= few || node.most <= 2).then_some(sets)
    }

    /// Goes through all sets of a node; `least` is what its open places cost by the prices.
    pub(super) fn go_through(&mut self, node: &Node, mut sets: Sets<'_>, bound: i64, least: i64) {
        if node.fewest == 0 {
            self.look(&node.open);
        }
        self.over = self.above(node);
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
            let all = sets.all.clone();
            let musts = sets.musts();
            self.choose(&mut sets, (all, musts, u32::MAX), count, least);
            if self.work == 0 {
                self.left = self.left.min(bound + self.over);
                return;
            }
        }
    }

    /// Chooses `count` more of the `free` places, which have all of `musts` together and none more than `widest`
    /// of them; `least` is what those so far cost by the prices of the node.
    fn choose(
        &mut self,
        sets: &mut Sets<'_>,
        (mut free, musts, widest): (Vec<u64>, u128, u32),
        count: usize,
        least: i64,
    ) {
        if count == 1 {
            self.choose_last(sets, (&free, musts), least);
            return;
        }
        let costs = self.costs;
        let wanted = musts.count_ones();
        let widest = if count > 2 || widest == u32::MAX {
            self.work = self.work.saturating_sub(sets.adds.len() as u64);
            sets.widest(&free, musts)
        } else {
            widest
        };
        let others = widest.saturating_mul(u32::try_from(count - 1).unwrap_or(u32::MAX));
        if others.saturating_add(widest) < wanted || sets.lacks_too_much(count) {
            return;
        }
        let by = sets.rarest(&free, musts);
        let next: i64 = bits(&free).take(count - 1).map(|at| sets.adds[at].0).sum();
        self.work = self.work.saturating_sub(sets.words as u64 * 4);
        for at in bits(&by) {
            let (add, other) = sets.adds[at];
            if least + add + next + self.over >= self.target || self.work == 0 {
                return;
            }
            // The later ones go without it.
            free[at / 64] &= !(1 << (at % 64));
            if (sets.has[at] & musts).count_ones() + others < wanted {
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
            sets.add(at);
            let rest = (free.clone(), musts & !sets.has[at], widest);
            self.choose(sets, rest, count - 1, least + add);
            sets.remove(at);
        }
    }

    /// Chooses the last place.
    fn choose_last(&mut self, sets: &mut Sets<'_>, (free, musts): (&[u64], u128), least: i64) {
        let prices = std::mem::take(&mut self.prices);
        let here = &prices[1];
        let mut known = None;
        self.work = self.work.saturating_sub(sets.words as u64 * 4);
        'words: for (word, &places) in free.iter().enumerate().take(sets.words) {
            let mut left = sets.with_all(places, word, musts);
            while left != 0 {
                let at = word * 64 + left.trailing_zeros() as usize;
                let (add, other) = sets.adds[at];
                left &= left - 1;
                if least + add + self.over >= self.target {
                    break 'words;
                }
                if !sets.ends_with(at) {
                    continue;
                }
                let known = *known.get_or_insert_with(|| self.costs.known(&sets.open, here));
                self.work = self.work.saturating_sub(self.costs.average() as u64 + 1);
                let costs = self.costs;
                let more = costs.bases[other as usize] - costs.gain(other, here);
                if known + more + self.over < self.target {
                    sets.open.push(other);
                    self.look_later(&sets.open, known + more);
                    sets.open.pop();
                }
            }
        }
        self.prices = prices;
    }
}
