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
    /// Of one slot: the sets it can ship, and what their goods and the handling cost.
    sums: Vec<i64>,
    sets: Vec<Set>,
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

    /// Offers `slot` as the place of one shipment of `set`. Slots come in ascending order, so of
    /// equal ones the first stays.
    pub(super) fn offer(&mut self, set: Set, cents: i64, slot: u32) {
        let at = usize::from(set);
        if cents >= self.second[at] {
            return;
        }
        if cents < self.first[at] {
            self.second[at] = self.first[at];
            self.first[at] = cents;
            self.places[at] = [slot, self.places[at][0]];
        } else {
            self.second[at] = cents;
            self.places[at][1] = slot;
        }
    }

    /// Offers one slot for every set `within` the given demands that it can ship, except one.
    pub(super) fn add_slot(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &mut Departures,
        loads: &Loads,
        number: u32,
        (within, except): (Set, Set),
    ) {
        let slot: &Slot = &candidates.slots[number as usize];
        let curve = departures.curve(job, slot.departure, loads);
        let curve = departures.curve_row(curve, loads);
        let least = departures.get(slot.departure).least;
        let mut rest = slot.mask & within;
        let count = 1usize << rest.count_ones();
        if self.sums.len() < count {
            self.sums.resize(count, 0);
            self.sets.resize(count, 0);
        }
        self.sums[0] = slot.base - least;
        self.sets[0] = 0;
        let mut done = 1;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let cents = candidates.goods(job, slot, bit.trailing_zeros() as usize);
            rest ^= bit;
            // Every set so far, once more with the next demand.
            let (known, new) = self.sums.split_at_mut(done);
            for (new, known) in new.iter_mut().zip(known) {
                *new = *known + cents;
            }
            let (known, new) = self.sets.split_at_mut(done);
            for (new, known) in new.iter_mut().zip(known) {
                *new = *known | bit;
            }
            done *= 2;
        }
        let tight = slot.room != ROOMY;
        let late = slot.fresh != slot.mask && !tight;
        for at in 1..count {
            let set = self.sets[at];
            let cents = self.sums[at] + curve[usize::from(loads.id_of[usize::from(set)])];
            if cents < self.second[usize::from(set)]
                && set != except
                && (!late || set & slot.fresh != 0)
                && !candidates.cuts(set)
                && (!tight || candidates.leaves(job, number, set))
            {
                self.offer(set, cents, number);
            }
        }
    }
}
