//! The search when demands may be divided: branch and bound over amounts.
//!
//! Shipments are built for the lowest divided demand that is still open: from where, how many of
//! its units, and what else goes with them. Once the divided demands are settled, the whole ones
//! that are left are a problem of their own (`partition`), solved once for each set of them.
//!
//! With a single divided demand not every amount need be tried. For given places and brackets the
//! cost is linear in the amounts, so some best plan has all of them but one at an end: everything
//! that is there, or the first or last unit of a bracket, or (for what is short) one unit; the
//! remaining one takes the rest.
//!
//! The plans that divide nothing are there from the start, so a search that has to stop early is
//! never worse than they are.
//!
//! Orders of few and small divided demands end here. Where [`NODES_MAX`] shipments have been tried, the best
//! plans so far are where another search begins: over all sets of shipments that may be as good (`settle`),
//! each filled in the cheapest way (`amounts`). Its work is limited too; where it runs out, the best plans
//! stand with a lower bound instead of a proof.

mod amounts;
mod curves;
mod drafts;
mod entries;
mod fillings;
mod held;
mod items;
mod modes;
mod settle;
mod together;
mod windows;

use self::drafts::Draft;
use self::entries::Entries;
use super::candidates::{Candidates, Set};
use super::departures::Departures;
use super::partition::{Found, Rules};
use super::request::{Job, SETS_DEMANDS_MAX};
use super::solve::Solved;
use super::tariff::{NEVER, Parcels};
use super::whole::{Frame, Whole};
use crate::model::Qty;
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Most shipments that the search over amounts tries.
const NODES_MAX: u32 = 10_000;
/// The same where the costs are too high for the sums of the search over sets, as when an order is
/// refused and what must be short is looked for.
const NODES_ALONE: u32 = 200_000;

/// Units by demand.
type Units = [u32; SETS_DEMANDS_MAX];

/// Memory of the search.
#[derive(Debug, Default)]
pub(super) struct Divide {
    entries: Entries,
    /// How much work the search over sets of shipments was.
    #[cfg(test)]
    pub(super) settled: u64,
}

/// A shipment of a plan in the making.
#[derive(Debug, Clone, Copy)]
struct Piece {
    entry: u32,
    units: Units,
}

/// What is known of one divided demand before the search.
#[derive(Debug, Clone)]
struct Divided {
    demand: usize,
    /// Entries that have some, by location: ranges, the most promising first.
    groups: Vec<(u32, u32)>,
    /// The most units that so many locations have together.
    reach: Vec<u64>,
    /// The least base of an entry that has some.
    base: i64,
    /// The least that one unit costs any plan.
    unit: i64,
    /// What one short unit costs; `NEVER` where that is not allowed.
    short: i64,
}

/// One run of the search.
struct Search<'a> {
    job: &'a Job<'a>,
    entries: &'a Entries,
    candidates: &'a Candidates,
    departures: &'a Departures,
    whole: &'a mut Whole,
    frame: Frame,
    divided: Vec<Divided>,
    /// By whole demand: the least that it costs any plan.
    least_goods: [i64; SETS_DEMANDS_MAX],
    least_base: i64,
    /// Whether only the ends of brackets need be tried.
    ends_only: bool,
    /// Best plans of whole demands: by set and most shipments.
    tails: HashMap<(Set, u8), [Option<Found>; 2]>,
    // The plan in the making.
    left: Units,
    open: Set,
    short: Units,
    pieces: Vec<Piece>,
    /// Its cost so far, the split penalty of every shipment included, less one.
    spent: i64,
    // What was found.
    best: Vec<Draft>,
    ceiling: i64,
    nodes: u32,
    /// Whether a plan was left out because its whole demands had no room beside the others.
    crowded: bool,
    /// How much work the search over sets of shipments was.
    #[cfg(test)]
    settled: u64,
    parcels: Vec<Parcels>,
}

impl Divide {
    /// The best two plans when some demands may be divided.
    pub(super) fn solve(
        &mut self,
        job: &Job<'_>,
        candidates: &mut Candidates,
        departures: &mut Departures,
        whole: &mut Whole,
    ) -> Solved {
        self.solve_within(job, candidates, departures, whole, NODES_MAX)
    }

    /// The same with so much work for the search over amounts.
    pub(super) fn solve_within(
        &mut self,
        job: &Job<'_>,
        candidates: &mut Candidates,
        departures: &mut Departures,
        whole: &mut Whole,
        nodes: u32,
    ) -> Solved {
        self.entries.fill(job, candidates, departures);
        let mut served = candidates.served & !candidates.divisible;
        for entry in self.entries.numbers() {
            served |= self.entries.holds(entry) & candidates.divisible;
        }
        let frame = Frame::new(job, served);
        let undivided = whole.solve(job, candidates, departures);
        let rest = frame.served & !candidates.divisible;
        fill_subsets(job, candidates, departures, whole, rest);
        let mut search = Search::new(job, &self.entries, candidates, departures, whole, frame);
        search.open = rest;
        search.nodes = nodes;
        for found in undivided.into_iter().flatten() {
            search.offer_undivided(found);
        }
        let solved = search.run();
        #[cfg(test)]
        {
            self.settled = search.settled;
        }
        solved
    }
}

/// Best places of all subsets of the whole demands.
fn fill_subsets(
    job: &Job<'_>,
    candidates: &Candidates,
    departures: &mut Departures,
    whole: &mut Whole,
    within: Set,
) {
    whole.loads.fill(job, departures);
    whole.subsets.start(job.request.demands.len());
    for (number, slot) in candidates.slots.iter().enumerate() {
        if slot.mask & within != 0 {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let (loads, slot) = (&whole.loads, (number, within, 0));
            let into = &mut whole.subsets;
            let sums = &mut whole.sums;
            sums.add_slot(job, candidates, departures, loads, slot, into);
        }
    }
}

impl<'a> Search<'a> {
    fn new(
        job: &'a Job<'a>,
        entries: &'a Entries,
        candidates: &'a Candidates,
        departures: &'a Departures,
        whole: &'a mut Whole,
        frame: Frame,
    ) -> Self {
        let (least_base, mut least_goods) = candidates.least(job, departures, &frame);
        let divided: Vec<Divided> = (0..job.request.demands.len())
            .filter(|&i| (candidates.divisible & frame.served) >> i & 1 == 1)
            .map(|i| Divided::new(job, entries, departures, i))
            .collect();
        let mut left = [0; SETS_DEMANDS_MAX];
        for one in &divided {
            left[one.demand] = job.request.demands[one.demand].qty.0;
            least_goods[one.demand] = 0;
        }
        let mut short = [0; SETS_DEMANDS_MAX];
        for (i, demand) in job.request.demands.iter().enumerate() {
            if frame.served >> i & 1 == 0 {
                short[i] = demand.qty.0;
            }
        }
        let bases = divided.iter().map(|d| d.base);
        Self {
            ends_only: divided.len() == 1
                && entries.caps[divided[0].demand].len() < 2
                && !bends(job, divided[0].demand)
                && !entries.any_tight(),
            least_base: bases.fold(least_base, i64::min),
            job,
            entries,
            candidates,
            departures,
            whole,
            divided,
            least_goods,
            tails: HashMap::new(),
            left,
            open: 0,
            short,
            pieces: Vec::new(),
            spent: frame.lost - job.policy.split_penalty.0,
            frame,
            best: Vec::new(),
            ceiling: NEVER - 1,
            nodes: NODES_MAX,
            crowded: false,
            #[cfg(test)]
            settled: 0,
            parcels: Vec::new(),
        }
    }

    fn run(&mut self) -> Solved {
        if self.frame.nothing < NEVER {
            self.offer_undivided(Found::new(self.frame.nothing, self.frame.all, None));
        }
        let least = self.spent + self.least_left();
        let begun = (self.left, self.open, self.short, self.spent);
        let known = (self.best.clone(), self.ceiling);
        let mut bound = None;
        if self.frame.served != 0 && (self.node(None).is_break() || self.crowded) {
            (self.left, self.open, self.short, self.spent) = begun;
            self.pieces.clear();
            let settled = self.settle();
            bound = Some(settled.map_or(least, |bound| bound.max(least)));
            if settled.is_none() && self.goes_on(begun, known) {
                bound = None;
            }
            // To ship nothing is a plan as well.
            bound = bound.map(|bound| bound.min(self.frame.nothing));
        }
        let mut best = std::mem::take(&mut self.best).into_iter();
        let mut plan = || best.next().map(|draft| self.plan_of(&draft));
        let plans = [plan(), plan()];
        Solved { plans, bound }
    }

    /// Searches over amounts once more, with more work: there is no other proof. `true` when it ends.
    fn goes_on(
        &mut self,
        begun: (Units, Set, Units, i64),
        (best, ceiling): (Vec<Draft>, i64),
    ) -> bool {
        (self.left, self.open, self.short, self.spent) = begun;
        self.pieces.clear();
        let found = (std::mem::replace(&mut self.best, best), self.ceiling);
        let nodes = self.job.effort(NODES_ALONE.into());
        let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
        (self.ceiling, self.crowded, self.nodes) = (ceiling, false, nodes);
        let ended = self.node(None).is_continue() && !self.crowded;
        if self.least_known() > found.0.first().map_or(NEVER, |best| best.cents) {
            (self.best, self.ceiling) = found;
        }
        ended
    }

    /// Goes on with the plan in the making: `after` is the demand and the group of the last
    /// shipment. Breaks off when the work is used up.
    fn node(&mut self, after: Option<(usize, usize)>) -> ControlFlow<()> {
        let Some(now) = (0..self.divided.len()).find(|&d| self.left[self.divided[d].demand] > 0)
        else {
            self.leaf();
            return ControlFlow::Continue(());
        };
        let from = after.map_or(0, |(before, group)| if before == now { group } else { 0 });
        if self.shipments_left() > 0 {
            for group in 0..self.divided[now].groups.len() {
                // Shipments for one demand come in the order of its groups, except the one that
                // takes the rest.
                if group >= from || self.ends_only {
                    self.group(now, group, group < from)?;
                }
            }
        }
        self.leave_short(now)
    }

    /// Tries all shipments from one location.
    fn group(&mut self, now: usize, group: usize, rest_only: bool) -> ControlFlow<()> {
        let (first, end) = self.divided[now].groups[group];
        let split = self.job.policy.split_penalty.0;
        for entry in first..end {
            let least = self.entries.get(entry).base + split + self.goods_left();
            if self.spent + least <= self.ceiling {
                self.fillings(now, group, entry, rest_only)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Leaves what is left of a demand short.
    fn leave_short(&mut self, now: usize) -> ControlFlow<()> {
        let Divided { demand, short, .. } = self.divided[now];
        if short >= NEVER {
            return ControlFlow::Continue(());
        }
        let units = std::mem::take(&mut self.left[demand]);
        let cents = short * i64::from(units);
        self.short[demand] += units;
        self.spent += cents;
        let flow = if self.spent + self.least_left() <= self.ceiling {
            self.node(None)
        } else {
            ControlFlow::Continue(())
        };
        self.spent -= cents;
        self.short[demand] -= units;
        self.left[demand] = units;
        flow
    }

    /// All divided demands are settled: adds the best plans for the whole ones that are left.
    fn leaf(&mut self) {
        let split = self.job.policy.split_penalty.0;
        if self.open == 0 {
            // To ship nothing pays no split penalty less one: that plan is there from the start.
            if !self.pieces.is_empty() {
                self.complete(self.spent, None);
            }
            return;
        }
        let left = u8::try_from(self.shipments_left()).unwrap_or(u8::MAX);
        if left > 0 {
            for tail in self.tails(self.open, left).into_iter().flatten() {
                self.complete(self.spent + tail.cents + split, Some(tail));
            }
        }
        if self.job.may_short_some() && !self.pieces.is_empty() {
            let open = (0..SETS_DEMANDS_MAX).filter(|&i| self.open >> i & 1 == 1);
            let cents: i64 = open.map(|i| self.frame.short[i]).sum();
            self.complete(self.spent + cents, Some(Found::new(cents, self.open, None)));
        }
    }

    /// The best two plans that ship some of a set of whole demands.
    fn tails(&mut self, set: Set, most: u8) -> [Option<Found>; 2] {
        if let Some(known) = self.tails.get(&(set, most)) {
            return *known;
        }
        let rules = Rules {
            all: set,
            short: self.frame.short,
            split: self.job.policy.split_penalty.0,
            most,
            besides: 0,
            least_base: self.least_base,
            least_goods: self.least_goods,
            ceiling: NEVER - 1,
            nothing: NEVER,
        };
        let (slots, departures) = (&self.candidates.slots, self.departures);
        let tie = |slot: u32| {
            let slot = &slots[slot as usize];
            (slot.location, departures.get(slot.departure).ship_at.0)
        };
        let Whole {
            partition, subsets, ..
        } = &mut *self.whole;
        let found = partition.run(&rules, subsets, tie);
        self.tails.insert((set, most), found);
        found
    }

    fn shipments_left(&self) -> usize {
        usize::from(self.job.policy.max_shipments).saturating_sub(self.pieces.len())
    }

    /// What the goods that are left cost at the least, shipped or short.
    fn goods_left(&self) -> i64 {
        let whole = (0..SETS_DEMANDS_MAX).filter(|&i| self.open >> i & 1 == 1);
        let whole: i64 = whole.map(|i| self.least_goods[i]).sum();
        let divided = self.divided.iter();
        let divided: i64 = divided
            .map(|d| d.unit * i64::from(self.left[d.demand]))
            .sum();
        whole + divided
    }

    /// What completing the plan costs at the least.
    fn least_left(&self) -> i64 {
        let shipments = self.shipments_left();
        let split = self.job.policy.split_penalty.0;
        let more = self.divided.iter();
        let more = more
            .map(|d| d.extra(self.left[d.demand], shipments, split))
            .max();
        self.goods_left() + more.unwrap_or(0)
    }
}

/// Whether the cost of a shipment bends between two brackets as the amount of a demand grows: the
/// minimum of a carrier ends somewhere among units that ship alone.
fn bends(job: &Job<'_>, demand: usize) -> bool {
    job.request.demands[demand].ships_alone && job.lanes.tariffs.has_minimum()
}

impl Divided {
    fn new(job: &Job<'_>, entries: &Entries, departures: &Departures, demand: usize) -> Self {
        let weight = job.request.demands[demand].load(Qty(1)).grams;
        let weight = departures.weight_cents(job, weight);
        let short = job.policy.short_per_unit.0;
        let may_short = job.may_short_some();
        let wanted = job.request.demands[demand].qty.0;
        let mut new = Self {
            demand,
            groups: Vec::new(),
            reach: vec![0],
            base: NEVER,
            unit: if may_short { short } else { NEVER },
            short: if may_short { short } else { NEVER },
        };
        // Everything that the location has by its last hand-over, and its least base.
        let mut groups: Vec<(u32, i64, (u32, u32))> = Vec::new();
        let mut entry = 0;
        while entry < entries.numbers().end {
            let row = entries.get(entry);
            let (first, end) = (row.first, row.end);
            let units = entries.units(end - 1, demand).min(wanted);
            if units > 0 {
                new.base = new.base.min(row.base);
                new.unit = new.unit.min(entries.unit_cents(entry, demand) + weight);
                groups.push((units, row.base, (first, end)));
            }
            entry = end;
        }
        groups.sort_by_key(|&(units, base, range)| (std::cmp::Reverse(units), base, range));
        for &(units, _, range) in &groups {
            let before = new.reach[new.reach.len() - 1];
            new.reach.push(before + u64::from(units));
            new.groups.push(range);
        }
        // More than the limit cannot be had from however many locations.
        if let Some(last) = entries.caps[demand].last() {
            for reach in &mut new.reach {
                *reach = (*reach).min(u64::from(last.units));
            }
        }
        new
    }

    /// What `units` cost at the least beyond their goods, in shipments that each pay `split`.
    fn extra(&self, units: u32, shipments: usize, split: i64) -> i64 {
        let mut least = NEVER;
        let mut bases = 0;
        for &reach in self.reach.iter().take(shipments + 1) {
            let missing = i64::from(units).saturating_sub_unsigned(reach).max(0);
            let missed = if missing == 0 {
                0
            } else if self.short >= NEVER {
                NEVER
            } else {
                (self.short - self.unit) * missing
            };
            least = least.min(bases + missed);
            if missing == 0 {
                break;
            }
            bases += self.base + split;
        }
        least
    }
}
