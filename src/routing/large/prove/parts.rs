//! How a part of the sets is divided into smaller ones, each with a bound of its own.
//!
//! By whether all is shipped, or by the places that have a demand that no open place has: a set has the
//! first of them, or the second and not the first …; at last none of them.

use super::super::node::{Ascent, Node, Shorts};
use super::super::stairs::Shipped;
use super::Run;
use std::cmp::Reverse;

/// What is short is told from what is not where that raises the bound by one of so many parts.
const WORTHWHILE: i64 = 64;

/// A part that was worked out, with how it is divided.
pub(super) struct Divided {
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

impl<F: FnMut(&[usize], &[Shipped]) -> i64> Run<'_, F> {
    /// A part of a divided node.
    pub(super) fn part(&mut self, of: usize, part: usize) -> Node {
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

    /// Tells plans that leave something short from those that do not, where the former cost more:
    /// `true` if nothing of the node is left to be looked into now.
    pub(super) fn tell_shorts(&mut self, node: &mut Node, ascent: &Ascent, bound: i64) -> bool {
        let spared = self.costs.spared(&node.prices);
        let some = bound.max(ascent.priced.bound.saturating_add(spared));
        if some >= self.target {
            node.shorts = Shorts::None;
            return bound >= self.goal(node);
        }
        if spared < self.target / WORTHWHILE {
            return false;
        }
        let of = u32::try_from(self.divided.len()).unwrap_or(u32::MAX);
        let none = Node {
            shorts: Shorts::None,
            ..node.clone()
        };
        if bound < self.goal(&none) {
            self.open.push(Reverse((bound + self.above(&none), of, 0)));
        }
        self.open.push(Reverse((some, of, 1)));
        let (node, by) = (node.clone(), By::Shorts);
        self.divided.push(Divided { node, by });
        true
    }

    /// The bound of a node by its prices, without what it costs that something is short.
    pub(super) fn without_shorts(&self, node: &Node, ascent: &Ascent) -> i64 {
        let spared = match node.shorts {
            Shorts::Some => self.costs.spared(&node.prices),
            Shorts::Any | Shorts::None => 0,
        };
        ascent.priced.bound - spared
    }

    /// Divides a node: its parts are looked into later, the lowest bound first.
    pub(super) fn divide(
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
            if enough && least < self.goal(&node) {
                let part = u32::try_from(part).unwrap_or(u32::MAX);
                self.open
                    .push(Reverse((least + self.above(&node), of, part)));
            }
        }
        let by = By::Places(by, rarest);
        self.divided.push(Divided { node, by });
    }

    /// By which places a node is divided: those that have a demand that no open place has, the
    /// rarest, which is told as well; else the most promising one.
    pub(super) fn division(&self, node: &Node) -> (Vec<u32>, Option<usize>) {
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
}
