//! The search over demands that ship whole: the best two plans, exactly.
//!
//! Most orders end at the second step: a single shipment is cheaper than the least that any split
//! could cost.

use super::candidates::{Candidates, ROOMY, Set, Slot};
use super::cargo::Load;
use super::departures::{Departures, Loads};
use super::joint;
use super::partition::{Found, Partition, Rules};
use super::request::{Job, SETS_DEMANDS_MAX};
use super::subsets::{Subsets, Sums};
use super::tariff::{NEVER, Parcels};
use super::worth::Worth;

/// How many slots are worked out before the others are looked at again.
const SEEDS: usize = 16;
/// To see which are of no use takes about as long as so many sets of every set.
const ROUND_SETS: usize = 6;

/// Locations are looked through by price where there is a slot for so many at the most.
const WALKED_MAX: usize = 8;

/// Memory of the search.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) loads: Loads,
    pub(super) subsets: Subsets,
    pub(super) partition: Partition,
    pub(super) sums: Sums,
    parcels: Vec<Parcels>,
    kept: Vec<u32>,
    /// Of these, the slots that one search still has to work out.
    open: Vec<Open>,
    worth: Worth,
}

/// A slot to work out, cheaper bases first: how much its base is above the least, as far as 32 bits tell that
/// apart, then its number. One number, so that they are compared at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Open(u64);

impl Open {
    fn new(beyond: i64, slot: u32) -> Self {
        Self(u64::from(Self::beyond(beyond)) << 32 | u64::from(slot))
    }

    /// Cents as they are told apart: the nearest number that there is.
    fn beyond(cents: i64) -> u32 {
        u32::try_from(cents.max(0)).unwrap_or(u32::MAX)
    }

    /// Number of the slot.
    #[inline]
    fn slot(self) -> u32 {
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    /// Whether its base is above the least by more than so much, and that can be told.
    #[inline]
    fn is_beyond(self, most: u32) -> bool {
        self.0 >> 32 > u64::from(most)
    }
}

/// Keeps some slots in their order. Whether one is kept is anybody's guess: no branch hangs on that.
#[inline]
fn keep_only(open: &mut Vec<Open>, keeps: impl Fn(Open) -> bool) {
    let mut kept = 0;
    for at in 0..open.len() {
        let slot = open[at];
        open[kept] = slot;
        kept += usize::from(keeps(slot));
    }
    open.truncate(kept);
}

/// What a request's demands come to, before any search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Demands that some location ships, and that are to be decided.
    pub(super) served: Set,
    /// Those and the others.
    pub(super) all: Set,
    /// By demand: what it costs to leave it short while something ships; `NEVER` where that is
    /// not allowed.
    pub(super) short: [i64; SETS_DEMANDS_MAX],
    /// Cost of leaving short what nobody ships.
    pub(super) lost: i64,
    /// Cost of shipping nothing; `NEVER` where that is not allowed.
    pub(super) nothing: i64,
    /// The cheapest two single shipments of everything that is served.
    single: [(i64, u32); 2],
}

impl Frame {
    /// The frame of a request, `served` being the demands that some location ships.
    pub(super) fn new(job: &Job<'_>, served: Set) -> Self {
        let mut frame = Self {
            served,
            all: 0,
            short: [0; SETS_DEMANDS_MAX],
            lost: 0,
            nothing: 0,
            single: [(NEVER, 0); 2],
        };
        for (i, demand) in job.request.demands.iter().enumerate() {
            let cents = job.short_cents(demand.qty);
            frame.all |= 1 << i;
            frame.nothing += cents;
            if served >> i & 1 == 0 {
                frame.lost += cents;
            }
            frame.short[i] = if job.may_short_some() { cents } else { NEVER };
        }
        if frame.served != frame.all && !job.may_short_some() {
            // Something cannot ship and nothing may be left out: all that remains is nothing.
            frame.served = 0;
            frame.lost = 0;
        }
        if !job.policy.allow_backorder {
            frame.nothing = NEVER;
        }
        frame
    }

    /// What it costs to ship nothing of what is served.
    fn nothing_served(&self) -> i64 {
        if self.nothing < NEVER {
            self.nothing - self.lost
        } else {
            NEVER
        }
    }

    /// The second best of the plans known so far, less what is lost.
    fn ceiling(&self) -> i64 {
        let [(first, _), (second, _)] = self.single;
        // The middle one of three: shipping nothing may come anywhere.
        second.min(first.max(self.nothing_served())).min(NEVER - 1)
    }

    /// Adds what nobody ships to a plan for what is served.
    fn complete(&self, mut found: Found) -> Found {
        found.cents += self.lost;
        found.short |= self.all & !self.served;
        found
    }

    /// The best two of the plans with at most one shipment that leaves out nothing it could ship.
    fn only_singles(&self) -> [Option<Found>; 2] {
        let mut found: [Option<Found>; 3] = [None; 3];
        if self.nothing < NEVER {
            found[0] = Some(Found::new(self.nothing, self.all, None));
        }
        for (at, &(cents, slot)) in self.single.iter().enumerate() {
            if cents < NEVER && self.served != 0 {
                let short = self.all & !self.served;
                let block = Some((self.served, slot));
                found[at + 1] = Some(Found::new(cents + self.lost, short, block));
            }
        }
        // Stable: of equal ones, nothing comes before one shipment, lower slots before higher.
        found.sort_by_key(|f| f.map_or(i64::MAX, |f| f.cents));
        [found[0], found[1]]
    }
}

impl Whole {
    /// The best two plans.
    pub(super) fn solve(
        &mut self,
        job: &Job<'_>,
        candidates: &mut Candidates,
        departures: &mut Departures,
    ) -> [Option<Found>; 2] {
        let mut frame = Frame::new(job, candidates.served);
        if frame.served != 0 {
            self.singles(job, candidates, departures, &mut frame);
        }
        if frame.served.count_ones() < 2 {
            return frame.only_singles();
        }
        let Some(rules) = self.rules(job, candidates, departures, &frame) else {
            return frame.only_singles();
        };
        self.loads.fill(job, departures);
        if candidates.any_tight() {
            return joint::best_two(job, candidates, departures, |candidates, departures| {
                self.search(job, candidates, departures, (&frame, &rules))
            });
        }
        self.search(job, candidates, departures, (&frame, &rules))
    }

    /// The best two plans of the slots that are kept.
    fn search(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &mut Departures,
        (frame, rules): (&Frame, &Rules),
    ) -> [Option<Found>; 2] {
        self.subsets.start(job.request.demands.len());
        for (cents, slot) in frame.single {
            self.subsets.offer(frame.served, cents, slot);
        }
        let mut rules = *rules;
        self.open.clear();
        let open = |&slot: &u32| {
            let base = candidates.slots[slot as usize].base;
            Open::new(base - rules.least_base, slot)
        };
        self.open.extend(self.kept.iter().map(open));
        self.narrow(job, candidates, departures, &mut rules);
        for at in 0..self.open.len() {
            let slot = self.open[at].slot();
            self.add_slot(job, candidates, departures, (slot, rules.all));
        }
        rules.ship_what_must_ship();
        let slots = &candidates.slots;
        let tie = |slot: u32| {
            let slot = &slots[slot as usize];
            (slot.location, departures.get(slot.departure).ship_at.0)
        };
        let found = self.partition.run(&rules, &self.subsets, tie);
        found.map(|f| f.map(|f| frame.complete(f)))
    }

    /// Where no single shipment is a good plan: works out the cheapest slots first, and keeps of
    /// the others only those that can still be in a plan as good as the best two from there.
    fn narrow(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &mut Departures,
        rules: &mut Rules,
    ) {
        let slots = &candidates.slots;
        let mut some = SEEDS;
        // To look at all sets takes about as long as to work out slots with so many. Where more than
        // the tariff is paid, fewer slots turn out to be of no use.
        let round = match job.lanes.plain {
            true => ROUND_SETS << self.subsets.demands,
            false => (2 * ROUND_SETS) << self.subsets.demands,
        };
        while self.open.len() >= 2 * some {
            self.open.select_nth_unstable(some);
            for at in 0..some {
                let slot = self.open[at].slot();
                self.add_slot(job, candidates, departures, (slot, rules.all));
            }
            self.open.drain(..some);
            rules.ceiling = self.partition.ceiling(rules, &self.subsets);
            let most = Open::beyond(rules.ceiling - rules.besides - rules.least_base);
            keep_only(&mut self.open, |slot| !slot.is_beyond(most));
            if !self.loads.counted || self.work(slots) < round {
                break;
            }
            if some == SEEDS {
                let kept = self.kept.iter().map(|&slot| &slots[slot as usize]);
                self.worth
                    .start(job, (departures, &self.loads), rules, kept);
            }
            self.worth.fill(rules, &self.subsets);
            let worth = &self.worth;
            keep_only(&mut self.open, |slot| {
                worth.keeps(job, &slots[slot.slot() as usize])
            });
            some *= 2;
        }
    }

    /// How many sets the open slots have.
    fn work(&self, slots: &[Slot]) -> usize {
        let lines = |slot: u32| self.loads.of_set[slots[slot as usize].mask].lines;
        let open = self.open.iter();
        open.map(|open| 1usize << lines(open.slot())).sum()
    }

    fn add_slot(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &mut Departures,
        (slot, all): (u32, Set),
    ) {
        let (loads, slot) = (&self.loads, (slot, all, all));
        self.sums
            .add_slot(job, candidates, departures, loads, slot, &mut self.subsets);
    }

    /// Prices one shipment of everything served, from every slot that has it.
    fn singles(
        &mut self,
        job: &Job<'_>,
        candidates: &mut Candidates,
        departures: &mut Departures,
        frame: &mut Frame,
    ) {
        let demands = job.request.demands;
        let within = |i: usize| frame.served >> i & 1 == 1;
        let mut load = Load::default();
        for (_, demand) in demands.iter().enumerate().filter(|&(i, _)| within(i)) {
            load = load.plus(demand.load(demand.qty));
        }
        Loads::of(job, load, &mut self.parcels);
        let alone = Loads::alone_in(job, frame.served);
        let mut seen = 0;
        for at in 0..candidates.slots.len() {
            let slot = &candidates.slots[at];
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            if slot.mask != frame.served
                || (slot.room != ROOMY && !candidates.leaves(job, number, frame.served))
            {
                continue;
            }
            while candidates.seen[seen].location < slot.location {
                seen += 1;
            }
            let goods = (0..demands.len()).filter(|&i| within(i));
            let goods: i64 = goods.map(|i| candidates.goods(job, slot, i)).sum();
            let handling = job.lanes.sites[usize::from(slot.location)].per_shipment;
            let carried =
                departures.whole(job, slot.departure, &self.parcels, (&alone, load.kinds));
            let cents = (carried + goods + handling).min(NEVER);
            if frame.served == frame.all {
                candidates.seen[seen].whole = cents;
            }
            let new = (cents, number);
            if cents < frame.single[0].0 {
                frame.single = [new, frame.single[0]];
            } else if cents < frame.single[1].0 {
                frame.single[1] = new;
            }
        }
    }

    /// Whether, by a first glance, no plan with two shipments or something left short can be among
    /// the best two. Spares most orders the closer look.
    fn hopeless(
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &Departures,
        frame: &Frame,
    ) -> bool {
        let unit = job.lanes.unit_min;
        let mut goods = 0;
        let mut spared = NEVER;
        for (i, demand) in job.request.demands.iter().enumerate() {
            if frame.served >> i & 1 == 1 {
                let weight = departures.weight_cents(job, demand.load(demand.qty).grams);
                let least = frame.short[i].min(unit * i64::from(demand.qty.0) + weight);
                goods += least;
                spared = spared.min(frame.short[i] - least);
            }
        }
        let base = candidates.least_base;
        base + spared.min(base + job.policy.split_penalty.0) + goods > frame.ceiling()
    }

    /// What is left to search once the slots that cannot be in a plan worth having are gone;
    /// `None` when that is nothing.
    fn rules(
        &mut self,
        job: &Job<'_>,
        candidates: &Candidates,
        departures: &Departures,
        frame: &Frame,
    ) -> Option<Rules> {
        let demands = job.request.demands.len();
        let ceiling = frame.ceiling();
        let split = job.policy.split_penalty.0;
        if Self::hopeless(job, candidates, departures, frame) {
            return None;
        }
        let (least_base, least_goods) = candidates.least(job, departures, frame);
        let served = (0..demands).filter(|&i| frame.served >> i & 1 == 1);
        let goods: i64 = served.clone().map(|i| least_goods[i]).sum();
        let spared = served
            .map(|i| frame.short[i] - least_goods[i])
            .min()
            .unwrap_or(NEVER);
        let besides = goods + spared.min(least_base + split);
        self.kept.clear();
        let mut kept_base = NEVER;
        for (number, slot) in candidates.slots.iter().enumerate() {
            if slot.base + besides <= ceiling {
                kept_base = kept_base.min(slot.base);
                self.kept.push(u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        (!self.kept.is_empty()).then(|| Rules {
            all: frame.served,
            short: frame.short,
            split,
            most: job.policy.max_shipments,
            besides,
            least_base: kept_base,
            least_goods,
            ceiling,
            nothing: frame.nothing_served(),
        })
    }
}

impl Candidates {
    /// The least base of any slot; by demand, the least that it costs any plan, its weight
    /// included.
    pub(super) fn least(
        &self,
        job: &Job<'_>,
        departures: &Departures,
        frame: &Frame,
    ) -> (i64, [i64; SETS_DEMANDS_MAX]) {
        let mut goods = [NEVER; SETS_DEMANDS_MAX];
        // Where many locations ship, one of the first of the cheapest ones does.
        if self.only_now() && job.lanes.locations() <= WALKED_MAX * self.slots.len() {
            for (i, goods) in goods.iter_mut().enumerate() {
                if frame.served >> i & 1 == 1 {
                    *goods = self.least_goods(job, i);
                }
            }
        } else {
            self.least_goods_of_slots(job, &mut goods);
        }
        for (i, demand) in job.request.demands.iter().enumerate() {
            let weight = departures.weight_cents(job, demand.load(demand.qty).grams);
            goods[i] = (goods[i] + weight).min(frame.short[i]);
        }
        (self.least_base, goods)
    }
    /// What handling the whole of a demand costs at the least where it is there now.
    fn least_goods(&self, job: &Job<'_>, line: usize) -> i64 {
        let lanes = job.lanes;
        let units = i64::from(job.request.demands[line].qty.0);
        let mut least = NEVER;
        for &location in &lanes.by_unit {
            let location = usize::from(location);
            let site = &lanes.sites[location];
            let cents = site.per_unit * units + lanes.line_min;
            if cents >= least {
                break;
            }
            if self.has(location, line) {
                least = least.min(self.goods_at(job, location, line));
            }
        }
        least
    }

    fn least_goods_of_slots(&self, job: &Job<'_>, goods: &mut [i64; SETS_DEMANDS_MAX]) {
        for slot in &self.slots {
            let mut mask = slot.mask;
            while mask != 0 {
                let i = mask.trailing_zeros() as usize % SETS_DEMANDS_MAX;
                goods[i] = goods[i].min(self.goods(job, slot, i));
                mask &= mask - 1;
            }
        }
    }
}
