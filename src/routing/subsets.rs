//! The cheapest two locations for every subset of the demands, as one shipment.
//!
//! Invariant: for every subset that some plan of at most `ceiling` cents ships as one shipment, the
//! two cheapest places for it are there (ties: the lower location).

use super::candidates::{Candidates, ROOMY, Set, Slot};
use super::departures::{Departures, Loads};
use super::request::Job;
use super::tariff::NEVER;

/// No place ships it.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What a plan for a subset costs at the least, and where one shipment of it is cheapest.
#[derive(Debug, Default)]
pub(super) struct Subsets {
    /// By subset: cost of the cheapest single shipment.
    pub(super) first: Vec<i64>,
    /// By subset: cost from the second cheapest location.
    pub(super) second: Vec<i64>,
    /// By subset: the slots of both.
    pub(super) places: Vec<[u32; 2]>,
}

/// Of one slot, by subset: what the goods and the handling cost. As long as there are sets, so that
/// no index is ever outside.
#[derive(Debug)]
pub(super) struct Sums(Box<[i64; SETS]>);

/// How many sets there are.
const SETS: usize = 1 << Set::BITS;

impl Default for Sums {
    fn default() -> Self {
        let zeros = vec![0; SETS].into_boxed_slice();
        Self(zeros.try_into().expect("as many as there are sets"))
    }
}

impl Subsets {
    /// Forgets everything; room for subsets of `demands` demands.
    pub(super) fn start(&mut self, demands: usize) {
        let subsets = 1 << demands;
        self.first.clear();
        self.first.resize(subsets, NEVER);
        self.second.clear();
        self.second.resize(subsets, NEVER);
        self.places.clear();
        self.places.resize(subsets, [NOWHERE; 2]);
    }

    /// Offers `slot` as the place of one shipment of `set`. Of equal ones the lower slot stays, in
    /// whatever order they come.
    pub(super) fn offer(&mut self, set: Set, cents: i64, slot: u32) {
        let at = usize::from(set);
        let [one, two] = self.places[at];
        if (cents, slot) >= (self.second[at], two) || cents >= NEVER || slot == one {
            return;
        }
        if (cents, slot) < (self.first[at], one) {
            self.second[at] = self.first[at];
            self.first[at] = cents;
            self.places[at] = [slot, one];
        } else {
            self.second[at] = cents;
            self.places[at][1] = slot;
        }
    }
}

impl Sums {
    /// Offers one slot for every set `within` the given demands that it can ship, except one.
    pub(super) fn add_slot(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &mut Departures,
        loads: &Loads,
        (number, within, except): (u32, Set, Set),
        into: &mut Subsets,
    ) {
        let slot: &Slot = &candidates.slots[number as usize];
        let mask = slot.mask & within;
        if mask == 0 {
            return;
        }
        let curve = departures.curve(job, slot.departure, loads);
        let curve = departures.curve_row(curve, loads);
        let least = departures.get(slot.departure).least;
        let mut goods = [0; Set::BITS as usize];
        let mut rest = mask;
        while rest != 0 {
            let line = rest.trailing_zeros() as usize;
            goods[line % goods.len()] = candidates.goods(job, slot, line);
            rest &= rest - 1;
        }
        // A later hand-over ships nothing but what has to wait for it.
        let tight = slot.room != ROOMY;
        let fresh = if tight || slot.fresh == slot.mask {
            Set::MAX
        } else {
            slot.fresh
        };
        let subsets = 1 << job.request.demands.len();
        let ids = &loads.id_of[..subsets];
        let sums = &mut *self.0;
        sums[0] = slot.base - least;
        let mut set = mask & mask.wrapping_neg();
        // Every set is the one without its lowest demand, and that: ascending, so it is there.
        while set != 0 {
            let low = set.trailing_zeros() as usize % goods.len();
            let sum = sums[usize::from(set & (set - 1))].wrapping_add(goods[low]);
            sums[usize::from(set)] = sum;
            let cents = sum.wrapping_add(curve[ids[usize::from(set)] as usize]);
            if cents <= into.second[usize::from(set)]
                && set != except
                && set & fresh != 0
                && !candidates.cuts(set)
                && (!tight || candidates.leaves(job, number, set))
            {
                into.offer(set, cents, number);
            }
            set = set.wrapping_sub(mask) & mask;
        }
    }
}
