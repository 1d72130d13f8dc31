//! The proof where the search over amounts is too much work: all sets of shipments that may be in a plan as
//! good as the best one known, each filled in the cheapest way.
//!
//! The sets come from the branch and bound of large orders, by prices for the demands; what is in their
//! shipments comes from `amounts`. Nothing is left out but what costs more than the best plan, so where both
//! end within their work that is the optimum.

use super::super::large;
use super::super::tariff::NEVER;
use super::amounts::{Amounts, Shipper};
use super::curves::Curves;
use super::together::Together;
use super::{Piece, Search};
use std::collections::HashSet;

/// The goods of one demand, or what of it is short, may cost so many cents for sums of millionths to be
/// exact; a whole plan so many.
const DEMANDS_MAX: i64 = 1 << 28;
const PLANS_MAX: i64 = 1 << 36;
/// A second look is worth its work where the first one's bound is at most so many percent below the best plan.
const NEAR_PERCENT: i64 = 10;
/// Most shipments from one entry in the sets that are looked at, and most cells there are with all of them.
const COPIES_MAX: usize = 4;
const CELLS_MAX: usize = 400_000;

impl Search<'_> {
    /// Looks for better plans, and returns what no plan costs less than; `None` where nothing is known.
    pub(super) fn settle(&mut self) -> Option<i64> {
        if !self.amounts_are_small() {
            return None;
        }
        let lost = (0..self.job.request.demands.len()).any(|i| self.lost(i) > 0);
        if !self.job.may_short_some() && lost {
            // Nothing can ship.
            return Some(NEVER);
        }
        self.offer_large();
        let begun = (self.left, self.open, self.short, self.spent);
        let mut bound = self.pass(true)?;
        let known = self.least_known();
        if bound < known && bound >= known - known / 100 * NEAR_PERCENT {
            // Where many plans cost the same, that none is better may be proven without a look at all of them.
            (self.left, self.open, self.short, self.spent) = begun;
            bound = bound.max(self.pass(false)?);
        }
        Some(bound.min(self.least_known()))
    }

    /// The same, once: with a look at plans that cost as much as the best one known, or without.
    fn pass(&mut self, equal: bool) -> Option<i64> {
        let (job, departures, lost) = (self.job, self.departures, self.lost_cents());
        let demands = 0..job.request.demands.len();
        let lost_units: Vec<u32> = demands.clone().map(|i| self.lost(i)).collect();
        let mut curves = Curves::new(job, departures, self.entries.rows.len());
        let (shippers, beyond) = self.with_copies(&mut curves);
        let places = shippers.iter().map(|&by| self.place(&mut curves, by));
        let places = places.collect();
        let divisible = demands.map(|i| self.candidates.divisible >> i & 1 == 1);
        let divisible = divisible.collect();
        let together = Together::new(self, &mut curves, &shippers);
        let best = |search: &Search<'_>| search.least_known().min(PLANS_MAX) - lost;
        let first = (best(&*self), equal);
        let copied = shippers.windows(2).any(|two| two[0] == two[1]);
        let mut filled: HashSet<Vec<Shipper>> = HashSet::new();
        let mut amounts = Amounts::new(self, curves, equal);
        let goods = (places, divisible, lost_units);
        let above = |able: &[bool]| together.above(able);
        let bound = large::settle(job, departures, goods, first, above, |open, least| {
            let mut set: Vec<Shipper> = open.iter().map(|&at| shippers[at]).collect();
            set.sort_unstable();
            if !copied || filled.insert(set.clone()) {
                amounts.fill(&set, least + lost);
            }
            // What was left says already that no more is known: nothing dearer need be looked at.
            best(&*amounts.search).min(amounts.left - lost)
        })?;
        amounts.finish();
        #[cfg(test)]
        let done = amounts.done();
        // What was known while the sets were gone through may be dearer than what the last ones had.
        let bound = (bound + lost).min(amounts.left).min(beyond);
        #[cfg(test)]
        {
            self.settled += done;
        }
        Some(bound.min(self.least_known()))
    }

    /// All entries in the modes that they best travel in; those of which two shipments may be worth more than
    /// one as often as there may be that many in a plan that is good enough. Of some that is too many: no plan
    /// with more of them than are there costs less than what is returned besides.
    fn with_copies(&self, curves: &mut Curves<'_>) -> (Vec<Shipper>, i64) {
        let split = self.job.policy.split_penalty.0;
        let shipments = usize::from(self.job.policy.max_shipments);
        let mut shippers: Vec<Shipper> = Vec::new();
        for entry in self.entries.numbers() {
            let held = self.entries.holds(entry) & self.frame.served;
            if held != 0 {
                let row = self.entries.get(entry);
                let modes = curves.modes_of(row.location, row.departure, held);
                shippers.extend(modes.into_iter().map(|mode| (entry, mode)));
            }
        }
        let cells = shippers.len() * self.job.request.demands.len();
        let most = (CELLS_MAX / cells.max(1)).clamp(1, COPIES_MAX);
        let goods = self.spent + self.goods_left();
        let (mut all, mut beyond) = (Vec::with_capacity(shippers.len()), i64::MAX);
        for (entry, mode) in shippers {
            let row = self.entries.get(entry);
            // What any plan costs with so many shipments from here.
            let least = |copies: usize| {
                let copies = i64::try_from(copies).unwrap_or(i64::MAX);
                goods.saturating_add((row.base + split).saturating_mul(copies))
            };
            let mut copies = 1;
            let curve = curves.of(row.location, row.departure, mode);
            if curve.is_none_or(|curve| curve.excess > row.handling + split) {
                while copies < shipments && least(copies + 1) <= self.least_known() {
                    copies += 1;
                }
            }
            if copies > most {
                copies = most;
                beyond = beyond.min(least(most + 1));
            }
            all.extend(std::iter::repeat_n((entry, mode), copies));
        }
        (all, beyond)
    }

    fn place(&self, curves: &mut Curves<'_>, (entry, mode): Shipper) -> large::Place {
        let row = self.entries.get(entry);
        let curve = curves.of(row.location, row.departure, mode);
        let all = curves.all;
        let curve = curve.as_deref();
        let units = |i: usize| match curve.is_none_or(|curve| curve.goods >> i & 1 == 1) {
            true => self.entries.units(entry, i).min(self.wanted(i)),
            false => 0,
        };
        let cents = |i: usize| {
            let alone = curve.map_or(0, |curve| curve.single(i));
            self.entries.unit_cents(entry, i).saturating_add(alone)
        };
        let goods = (0u16..).zip(0..self.job.request.demands.len());
        let goods = goods.map(|(n, i)| (n, units(i), cents(i)));
        large::Place {
            location: row.location,
            ready: row.ready,
            departure: row.departure,
            handling: row.handling,
            per_line: row.per_line,
            line: curve.map(|curve| curve.third(all)),
            goods: goods.filter(|good| good.1 > 0).collect(),
        }
    }

    /// Whether sums of costs can be counted in millionths of a cent.
    fn amounts_are_small(&self) -> bool {
        let demands = self.job.request.demands.iter().enumerate();
        let small = demands.map(|(i, demand)| {
            let each = self
                .entries
                .numbers()
                .map(|e| self.entries.unit_cents(e, i));
            let each = each
                .max()
                .unwrap_or(0)
                .max(self.job.policy.short_per_unit.0);
            each.checked_mul(i64::from(demand.qty.0))
        });
        let handled = self
            .entries
            .rows
            .iter()
            .map(|row| row.handling + row.per_line);
        let handled = handled.max().unwrap_or(0) + self.job.policy.split_penalty.0;
        small
            .chain([Some(handled)])
            .all(|cents| cents.is_some_and(|cents| cents <= DEMANDS_MAX))
    }

    /// Units of a demand that no plan ships: beyond the channel's limit. What nobody ships at all is counted
    /// by the frame already, all of it.
    fn lost(&self, demand: usize) -> u32 {
        if self.frame.served >> demand & 1 == 0 {
            return 0;
        }
        let last = self.entries.caps[demand].last();
        let wanted = self.job.request.demands[demand].qty.0;
        last.map_or(0, |cap| wanted.saturating_sub(cap.units))
    }

    /// Units of a demand that a plan may ship.
    pub(super) fn wanted(&self, demand: usize) -> u32 {
        self.job.request.demands[demand].qty.0 - self.lost(demand)
    }

    /// What it costs that no plan ships some units.
    pub(super) fn lost_cents(&self) -> i64 {
        let units = (0..self.job.request.demands.len()).map(|i| i64::from(self.lost(i)));
        units.sum::<i64>() * self.job.policy.short_per_unit.0
    }

    /// What the best plan known costs; `NEVER` where there is none.
    pub(super) fn least_known(&self) -> i64 {
        self.best.first().map_or(NEVER, |best| best.cents)
    }

    /// A complete plan: keeps it if it can be had and is one of the best.
    pub(super) fn offer_pieces(&mut self, pieces: Vec<Piece>, cents: i64) {
        self.pieces = pieces;
        let roomy = |at: usize| self.has_room(&self.pieces[at], |other| other != at);
        if (0..self.pieces.len()).all(roomy) {
            let short = self.short;
            for (i, demand) in self.job.request.demands.iter().enumerate() {
                let shipped: u32 = self.pieces.iter().map(|p| p.units[i]).sum();
                self.short[i] = demand.qty.0 - shipped;
            }
            self.complete(cents, None);
            self.short = short;
        }
        self.pieces.clear();
    }
}
