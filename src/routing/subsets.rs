//! The cheapest two locations for every subset of the demands, as one shipment.
//!
//! Invariant: for every subset that some plan of at most `ceiling` cents ships as one shipment, the
//! two cheapest places for it are there (ties: the lower location).

use super::candidates::{Candidates, ROOMY, Set, Slot};
use super::departures::{Departures, Loads};
use super::request::Job;
use super::tariff::NEVER;
use std::ops::{Index, IndexMut};

/// No place ships it.
pub(super) const NOWHERE: u32 = u32::MAX;

/// How many sets there are.
const SETS: usize = 1 << Set::BITS;

/// Something for every set of demands. As long as there are sets, so that no index is ever outside;
/// memory that no set reaches stays untouched.
#[derive(Debug)]
pub(super) struct BySet<T>(Box<[T; SETS]>);

impl<T: Copy + Default> Default for BySet<T> {
    fn default() -> Self {
        let zeros = vec![T::default(); SETS].into_boxed_slice();
        let zeros = zeros.try_into().ok();
        Self(zeros.expect("as many as there are sets"))
    }
}

impl<T> Index<Set> for BySet<T> {
    type Output = T;

    #[inline]
    fn index(&self, set: Set) -> &T {
        &self.0[usize::from(set)]
    }
}

impl<T> IndexMut<Set> for BySet<T> {
    #[inline]
    fn index_mut(&mut self, set: Set) -> &mut T {
        &mut self.0[usize::from(set)]
    }
}

impl<T: Copy> BySet<T> {
    /// The sets of the first `count` numbers.
    pub(super) fn upto(&mut self, count: usize) -> &mut [T] {
        &mut self.0[..count]
    }

    /// The sets of the first `count` numbers, to read.
    pub(super) fn first(&self, count: usize) -> &[T] {
        &self.0[..count]
    }

    /// Works out every set from the one without its highest demand: `step` is asked for the demand
    /// and what it makes of the smaller set.
    pub(super) fn grow(&mut self, demands: usize, step: impl Fn(usize, &[T], &mut [T])) {
        for demand in 0..demands {
            let (without, with) = self.upto(2 << demand).split_at_mut(1 << demand);
            step(demand, without, with);
        }
    }

    /// For one demand, all sets that have it beside the same sets without.
    pub(super) fn beside(&mut self, demands: usize, demand: usize, step: impl Fn(&mut T, T)) {
        for pair in self.upto(1 << demands).chunks_exact_mut(2 << demand) {
            let (without, with) = pair.split_at_mut(1 << demand);
            for (with, without) in with.iter_mut().zip(without) {
                step(with, *without);
            }
        }
    }
}

/// What a plan for a subset costs at the least, and where one shipment of it is cheapest.
#[derive(Debug, Default)]
pub(super) struct Subsets {
    /// By subset: cost of the cheapest single shipment.
    pub(super) first: BySet<i64>,
    /// By subset: cost from the second cheapest location.
    pub(super) second: BySet<i64>,
    /// By subset: the slots of both.
    pub(super) places: BySet<[u32; 2]>,
    /// How many demands there are.
    pub(super) demands: usize,
}

/// Of one slot, by subset: what the goods and the handling cost, where some have a price of their own.
#[derive(Debug, Default)]
pub(super) struct Sums(BySet<i64>);

/// One slot, for a look at the sets that it ships.
struct Look<'a> {
    job: &'a Job<'a>,
    candidates: &'a Candidates,
    number: u32,
    slot: &'a Slot,
    /// The sets within these that it ships are offered, but for this one.
    within: Set,
    except: Set,
    into: &'a mut Subsets,
}

impl Subsets {
    /// Forgets everything; room for subsets of `demands` demands.
    pub(super) fn start(&mut self, demands: usize) {
        self.demands = demands;
        let subsets = 1 << demands;
        self.first.upto(subsets).fill(NEVER);
        self.second.upto(subsets).fill(NEVER);
        self.places.upto(subsets).fill([NOWHERE; 2]);
    }

    /// Offers `slot` as the place of one shipment of `set`. Of equal ones the lower slot stays, in
    /// whatever order they come.
    #[inline]
    pub(super) fn offer(&mut self, set: Set, cents: i64, slot: u32) {
        let places = &mut self.places[set];
        let [one, two] = *places;
        let second = self.second[set];
        let late = cents > second || (cents == second && slot >= two);
        if late || cents >= NEVER || slot == one {
            return;
        }
        let first = self.first[set];
        if cents < first || (cents == first && slot < one) {
            self.second[set] = first;
            self.first[set] = cents;
            *places = [slot, one];
        } else {
            self.second[set] = cents;
            places[1] = slot;
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
        let within = slot.mask & within;
        if within == 0 {
            return;
        }
        let look = Look {
            job,
            candidates,
            number,
            slot,
            within,
            except,
            into,
        };
        let sets = 1usize << within.count_ones();
        let slots = candidates.slots.len();
        if departures.wants_curve(slot.departure, (sets, slots), loads) {
            let curve = departures.curve(job, slot.departure, loads);
            let curve = departures.curve_row(curve, loads);
            let carried = |set: Set| {
                let id = usize::from(loads.of_set[set].id);
                curve.get(id).copied().unwrap_or(NEVER)
            };
            self.offer_all(look, departures, loads, carried);
        } else {
            let departures = &*departures;
            let carried = |set: Set| departures.carried_load(job, slot.departure, loads, set);
            self.offer_all(look, departures, loads, carried);
        }
    }

    /// Offers the sets, whose carriage is `carried`.
    #[inline]
    fn offer_all(
        &mut self,
        look: Look<'_>,
        departures: &Departures,
        loads: &Loads,
        carried: impl Fn(Set) -> i64,
    ) {
        let (job, candidates, slot) = (look.job, look.candidates, look.slot);
        let base = slot.base - departures.get(slot.departure).least;
        if loads.counted && !candidates.any_scarce() {
            let site = &job.lanes.sites[usize::from(slot.location)];
            let (per_unit, per_line) = (site.per_unit, site.per_line);
            look.offer(|set| {
                let row = &loads.of_set[set];
                let units = per_unit.wrapping_mul(i64::from(row.units));
                let lines = per_line.wrapping_mul(i64::from(row.lines));
                base.wrapping_add(units)
                    .wrapping_add(lines)
                    .wrapping_add(carried(set))
            });
            return;
        }
        let mut goods = [0; Set::BITS as usize];
        let mut rest = look.within;
        while rest != 0 {
            let line = rest.trailing_zeros() as usize;
            goods[line % goods.len()] = candidates.goods(job, slot, line);
            rest &= rest - 1;
        }
        let sums = &mut self.0;
        sums[0] = base;
        look.offer(|set| {
            // Every set is the one without its lowest demand, and that: ascending, so it is there.
            let low = set.trailing_zeros() as usize % goods.len();
            let sum = sums[set & (set - 1)].wrapping_add(goods[low]);
            sums[set] = sum;
            sum.wrapping_add(carried(set))
        });
    }
}

impl Look<'_> {
    /// Offers every set, in ascending order, for what it costs.
    #[inline]
    fn offer(self, mut cost: impl FnMut(Set) -> i64) {
        let (candidates, slot, within) = (self.candidates, self.slot, self.within);
        let tight = slot.room != ROOMY;
        // A later hand-over ships nothing but what has to wait for it.
        let fresh = if tight || slot.fresh == slot.mask {
            Set::MAX
        } else {
            slot.fresh
        };
        let free = !tight && fresh == Set::MAX && !candidates.any_groups();
        let mut set = within & within.wrapping_neg();
        while set != 0 {
            let cents = cost(set);
            if cents <= self.into.second[set]
                && set != self.except
                && (free
                    || (set & fresh != 0
                        && !candidates.cuts(set)
                        && (!tight || candidates.leaves(self.job, self.number, set))))
            {
                self.into.offer(set, cents, self.number);
            }
            set = set.wrapping_sub(within) & within;
        }
    }
}
