//! What one shipment may hold: every choice that can be part of a best plan.

use super::super::candidates::Set;
use super::super::cargo::Load;
use super::super::days::Left;
use super::super::departures::{Loads, all_parcels};
use super::super::request::SETS_DEMANDS_MAX;
use super::super::tariff::NEVER;
use super::{Piece, Search, Units};
use smallvec::SmallVec;
use std::ops::ControlFlow;

/// Up to so many units every amount is tried: cheaper than to look for the ends of brackets.
const ALL_AMOUNTS: u32 = 6;

/// A shipment being filled for the divided demand `now`.
#[derive(Clone, Copy)]
struct Filling {
    now: usize,
    group: usize,
    entry: u32,
    /// The demand behind `now`.
    demand: usize,
    /// Most units of it.
    most: u32,
    /// Only the shipment that takes all the rest is wanted.
    rest_only: bool,
    /// What is in it besides units of the demand.
    units: Units,
    load: Load,
    cents: i64,
}

impl Search<'_> {
    /// Tries every shipment from an entry that has some units of divided demand `now`.
    pub(super) fn fillings(
        &mut self,
        now: usize,
        group: usize,
        entry: u32,
        rest_only: bool,
    ) -> ControlFlow<()> {
        let demand = self.divided[now].demand;
        let here = self.room(entry, demand, |_| true);
        let cap = self.cap_room(entry, demand, |_| true);
        let most = here.min(self.left[demand]);
        // It takes the rest if nothing is left, or nothing more may be promised, or all but the
        // one unit that a plan of its kind leaves short.
        let left = self.left[demand];
        let takes_rest = most == left || most == cap || (most + 1 == left && self.may_short());
        if most == 0 || (rest_only && !takes_rest) {
            return ControlFlow::Continue(());
        }
        let filling = Filling {
            now,
            group,
            entry,
            demand,
            most,
            rest_only,
            units: [0; SETS_DEMANDS_MAX],
            load: Load::default(),
            cents: self.entries.get(entry).handling,
        };
        self.add_divided(now + 1, filling)
    }

    /// Adds units of the divided demands from `next` on, in every amount.
    fn add_divided(&mut self, next: usize, filling: Filling) -> ControlFlow<()> {
        let Some(demand) = self.divided.get(next).map(|d| d.demand) else {
            return self.add_whole(filling);
        };
        let room = self.room(filling.entry, demand, |_| true);
        let most = room.min(self.left[demand]);
        let one = self.job.request.demands[demand];
        let cents = self.entries.unit_cents(filling.entry, demand);
        let line = self.entries.get(filling.entry).per_line;
        for units in (0..=most).rev() {
            let mut filling = filling;
            filling.units[demand] = units;
            filling.load = filling.load.plus(one.load(crate::model::Qty(units)));
            filling.cents += cents * i64::from(units) + if units > 0 { line } else { 0 };
            self.add_divided(next + 1, filling)?;
        }
        ControlFlow::Continue(())
    }

    /// Adds any of the whole demands that are there.
    fn add_whole(&mut self, filling: Filling) -> ControlFlow<()> {
        let there = self.entries.holds(filling.entry) & self.open;
        let mut with = there;
        loop {
            if self.candidates.cuts(with) {
                with = (with - 1) & there;
                continue;
            }
            let mut filled = filling;
            for (i, demand) in self.job.request.demands.iter().enumerate() {
                if with >> i & 1 == 1 {
                    filled.units[i] = demand.qty.0;
                    filled.load = filled.load.plus(demand.load(demand.qty));
                    let cents = self.entries.unit_cents(filling.entry, i);
                    let line = self.entries.get(filling.entry).per_line;
                    filled.cents += cents * i64::from(demand.qty.0) + line;
                }
            }
            self.add_amounts(with, filled)?;
            if with == 0 {
                return ControlFlow::Continue(());
            }
            with = (with - 1) & there;
        }
    }

    /// Adds units of the demand itself: in every amount, or in those at the ends of brackets.
    fn add_amounts(&mut self, with: Set, filling: Filling) -> ControlFlow<()> {
        let mut units = filling.most;
        self.take(with, filling, units)?;
        // Of the plans that leave some of it short, the best may leave only one.
        let but_one = self.left[filling.demand] - 1;
        if self.ends_only && units > but_one && but_one > 0 && self.may_short() {
            units = but_one;
            self.take(with, filling, units)?;
        }
        if filling.rest_only {
            return ControlFlow::Continue(());
        }
        while units > 1 {
            if self.ends_only && units > ALL_AMOUNTS {
                let low = self.bracket_start(filling, units);
                if low < units {
                    self.take(with, filling, low)?;
                }
                units = low;
            }
            units -= 1;
            if units > 0 {
                self.take(with, filling, units)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn may_short(&self) -> bool {
        self.job.may_short_some()
    }

    /// The least amount that every service bills like `units`.
    fn bracket_start(&self, filling: Filling, units: u32) -> u32 {
        let demand = &self.job.request.demands[filling.demand];
        let parcels = |units| {
            let load = filling.load.plus(demand.load(crate::model::Qty(units)));
            all_parcels(self.job, load)
        };
        let alike = |fewer| parcels(fewer).eq(parcels(units));
        let (mut low, mut high) = (1, units);
        while low < high {
            let middle = low + (high - low) / 2;
            if alike(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// Makes the shipment and goes on, unless that is dearer than what is known.
    fn take(&mut self, with: Set, filling: Filling, units: u32) -> ControlFlow<()> {
        let Some(nodes) = self.nodes.checked_sub(1) else {
            return ControlFlow::Break(());
        };
        self.nodes = nodes;
        let demand = self.job.request.demands[filling.demand];
        let load = filling.load.plus(demand.load(crate::model::Qty(units)));
        Loads::of(self.job, load, &mut self.parcels);
        let entry = self.entries.get(filling.entry);
        let mut piece = Piece {
            entry: filling.entry,
            units: filling.units,
        };
        piece.units[filling.demand] = units;
        if !self.has_room(&piece, |_| true) {
            return ControlFlow::Continue(());
        }
        let alone = self.alone(&piece);
        let (departures, parcels) = (self.departures, &self.parcels);
        let carried = departures.carried(self.job, entry.departure, parcels, (&alone, load.kinds));
        if carried >= NEVER {
            return ControlFlow::Continue(());
        }
        let each = self.entries.unit_cents(filling.entry, filling.demand);
        let goods = each * i64::from(units) + entry.per_line;
        let cents = filling.cents + goods + carried + self.job.policy.split_penalty.0;
        self.put(&piece, cents, with);
        let mut flow = ControlFlow::Continue(());
        if self.spent + self.least_left() <= self.ceiling {
            flow = self.node(Some((filling.now, filling.group)));
        }
        self.put_back(&piece, cents, with);
        flow
    }

    /// The units of a shipment that ship alone.
    pub(super) fn alone(&self, piece: &Piece) -> SmallVec<[(u16, u32); SETS_DEMANDS_MAX]> {
        if !self.job.alone {
            return SmallVec::new();
        }
        let units = (0u16..).zip(self.job.request.demands).zip(piece.units);
        let alone = units.filter(|((_, demand), units)| demand.ships_alone && *units > 0);
        alone.map(|((i, _), units)| (i, units)).collect()
    }

    fn put(&mut self, piece: &Piece, cents: i64, with: Set) {
        for divided in &self.divided {
            self.left[divided.demand] -= piece.units[divided.demand];
        }
        self.open ^= with;
        self.spent += cents;
        self.pieces.push(*piece);
    }

    fn put_back(&mut self, piece: &Piece, cents: i64, with: Set) {
        self.pieces.pop();
        self.spent -= cents;
        self.open ^= with;
        for divided in &self.divided {
            self.left[divided.demand] += piece.units[divided.demand];
        }
    }

    /// How many more units of a demand an entry can give, after the shipments that `counts`
    /// selects: a unit that leaves late must not be missing for one that leaves earlier.
    pub(super) fn room(&self, entry: u32, demand: usize, counts: impl Fn(usize) -> bool) -> u32 {
        let row = self.entries.get(entry);
        let mut room = self.cap_room(entry, demand, &counts);
        for by in entry..row.end {
            let taken = self.taken(demand, &counts, |piece| {
                (row.first..=by).contains(&piece.entry)
            });
            let there = self.entries.units(by, demand);
            room = room.min(there.saturating_sub(taken));
        }
        room
    }

    /// Whether the day of an entry has room for a shipment, after those that `counts` selects.
    pub(super) fn has_room(&self, piece: &Piece, counts: impl Fn(usize) -> bool) -> bool {
        let room = self.entries.get(piece.entry).room;
        if room == Left::ANY {
            return true;
        }
        let (mut shipments, mut units) = (1, total(piece));
        for (at, other) in self.pieces.iter().enumerate() {
            if counts(at) && other.entry == piece.entry {
                shipments += 1;
                units += total(other);
            }
        }
        shipments <= u64::from(room.shipments) && units <= u64::from(room.units)
    }

    /// How many more units the channel's limit leaves for an entry.
    fn cap_room(&self, entry: u32, demand: usize, counts: impl Fn(usize) -> bool) -> u32 {
        let ready = self.entries.get(entry).ready;
        let mut room = u32::MAX;
        for cap in &self.entries.caps[demand] {
            if cap.until.is_none_or(|until| ready < until) {
                let taken = self.taken(demand, &counts, |piece| {
                    let ready = self.entries.get(piece.entry).ready;
                    cap.until.is_none_or(|until| ready < until)
                });
                room = room.min(cap.units.saturating_sub(taken));
            }
        }
        room
    }

    /// Units of a demand in the shipments so far.
    fn taken(
        &self,
        demand: usize,
        counts: impl Fn(usize) -> bool,
        within: impl Fn(&Piece) -> bool,
    ) -> u32 {
        let pieces = self.pieces.iter().enumerate();
        pieces
            .filter(|&(at, piece)| counts(at) && within(piece))
            .map(|(_, piece)| piece.units[demand])
            .sum()
    }
}

/// Units of everything in a shipment.
fn total(piece: &Piece) -> u64 {
    piece.units.iter().map(|&units| u64::from(units)).sum()
}
