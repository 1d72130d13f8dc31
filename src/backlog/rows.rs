//! The scarce units as rows: what the orders may draw together from a SKU at a location, or from a
//! SKU within a channel, up to some moment.
//!
//! A location's supply over time is a chain of rows, one for each step: units drawn at a step count
//! in that row and all later ones of the chain, so row k says that what is drawn up to step k is at
//! most what is promisable by then. A row that can hold all that is wanted of its SKU is free: it
//! is left out of everything.
//!
//! A day of a location that hands over so much a day only is two rows of their own: its shipments and
//! its units.

use super::days::DayRoom;
use super::problem::{OpenOrder, Problem, units};
use crate::ledger::Step;
use crate::model::{ChannelId, EpochMillis, LocationId};
use crate::routing::Lanes;
use std::collections::{BTreeMap, HashMap};

/// No row: all of it is free.
pub(super) const FREE: u32 = u32::MAX;

/// One step of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// From when.
    pub(super) from: EpochMillis,
    /// Units by then.
    pub(super) units: i64,
    /// Its row; [`FREE`] when it binds nobody.
    pub(super) row: u32,
}

/// All rows of a problem.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// By row: the most units.
    pub(super) cap: Vec<i64>,
    /// By row: where its chain ends.
    pub(super) end: Vec<u32>,
    /// By row: the SKU, as a line of the supply.
    pub(super) line: Vec<u32>,
    /// By row: its first draw.
    pub(super) first_draw: Vec<u32>,
    /// By draw: its row. A draw is a number of units at a row.
    pub(super) draw_row: Vec<u32>,
    /// By draw: units.
    pub(super) draw_units: Vec<i64>,
    levels: Vec<Level>,
    /// By line, then cell: its levels. `line_cells` says where a line begins.
    cells: Vec<(LocationId, u32, u32)>,
    line_cells: Vec<u32>,
    limits: HashMap<(u32, ChannelId), (u32, u32), foldhash::fast::FixedState>,
    days: Vec<DayRows>,
}

/// A day of a location, and the levels of what may be handed over on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayRows {
    pub(super) room: DayRoom,
    /// Of shipments and of units, where they are limited.
    levels: [Option<u32>; 2],
}

/// What all orders together want of a line.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    units: i64,
    most: i64,
}

impl Rows {
    /// The rows of a problem.
    pub(super) fn new(problem: &Problem, lanes: &Lanes) -> Self {
        let (wanted, by_channel) = wanted(problem);
        let held = held(problem);
        let mut rows = Self::default();
        let view = problem.supply.view();
        for (line, wanted) in wanted.iter().enumerate() {
            let start = count(rows.cells.len());
            rows.line_cells.push(start);
            for cell in view.cells(line) {
                let now = Step {
                    from: problem.now,
                    qty: cell.now,
                };
                let steps = std::iter::once(now).chain(view.later(cell).iter().copied());
                let key = (count(line), cell.location);
                let usable = |at: EpochMillis, qty| {
                    let all = units(qty);
                    // What an order has today it may keep, also where a buffer came later.
                    let kept = held.get(&key).map_or(0, |held| held_by(held, at));
                    units(lanes.usable(cell.location, qty)).max(all.min(kept))
                };
                let levels = rows.chain(
                    line,
                    *wanted,
                    steps.map(|s| (s.from, usable(s.from, s.qty))),
                );
                rows.cells.push((cell.location, levels.0, levels.1));
            }
        }
        rows.line_cells.push(count(rows.cells.len()));
        for (line, channel, steps) in problem.supply.limits() {
            let key = (count(line), channel);
            let wanted = by_channel.get(&key).copied().unwrap_or_default();
            let steps = steps.iter().map(|s| (s.from, units(s.qty)));
            let levels = rows.chain(line, wanted, steps);
            rows.limits.insert(key, levels);
        }
        rows.days(problem);
        rows
    }

    /// Adds the rows of days.
    fn days(&mut self, problem: &Problem) {
        if problem.days.is_empty() {
            return;
        }
        let mut wanted: HashMap<LocationId, [Wanted; 2]> = HashMap::new();
        for room in &problem.days {
            wanted.entry(room.location).or_default();
        }
        for order in &problem.orders {
            for (location, most, all) in self.could_ship(order, problem) {
                if let Some([shipments, units]) = wanted.get_mut(&location) {
                    shipments.units += most;
                    shipments.most = shipments.most.max(most.min(1));
                    units.units += all;
                    units.most = units.most.max(all);
                }
            }
        }
        for (number, room) in problem.days.iter().enumerate() {
            // A line of its own, after those of the supply.
            let line = problem.supply.view().len() + number;
            let wanted = wanted.get(&room.location).copied().unwrap_or_default();
            let mut levels = [None; 2];
            let limits = [room.shipments, room.units];
            for ((level, limit), wanted) in levels.iter_mut().zip(limits).zip(wanted) {
                let Some(limit) = limit else {
                    continue;
                };
                let step = (room.from, i64::from(limit));
                *level = Some(self.chain(line, wanted, std::iter::once(step)).0);
            }
            self.days.push(DayRows {
                room: *room,
                levels,
            });
        }
    }

    /// By location: shipments and units that an order could have from it at the most.
    fn could_ship(&self, order: &OpenOrder, problem: &Problem) -> Vec<(LocationId, i64, i64)> {
        let most = i64::from(order.policy.max_shipments);
        let mut could: BTreeMap<LocationId, (i64, i64)> = BTreeMap::new();
        for demand in &order.demands {
            let Some(line) = problem.supply.line(demand.sku) else {
                continue;
            };
            let all = units(demand.qty);
            let shipments = if demand.may_split { all } else { 1 };
            for (location, _) in self.cells(line) {
                let of = could.entry(location).or_default();
                of.0 = (of.0 + shipments).min(most);
                of.1 += all;
            }
        }
        let mut kept: BTreeMap<LocationId, (i64, i64)> = BTreeMap::new();
        for shipment in &order.today.shipments {
            let of = kept.entry(shipment.location).or_default();
            of.0 += 1;
            of.1 += shipment.lines.iter().map(|l| units(l.qty)).sum::<i64>();
        }
        for (location, kept) in kept {
            let of = could.entry(location).or_default();
            *of = (of.0.max(kept.0), of.1.max(kept.1));
        }
        let could = could.into_iter();
        could
            .map(|(location, (shipments, all))| (location, shipments, all))
            .collect()
    }

    /// The days of a location, by time.
    pub(super) fn days_of(&self, location: LocationId) -> &[DayRows] {
        let start = self.days.partition_point(|d| d.room.location < location);
        let all = &self.days[start..];
        &all[..all.partition_point(|d| d.room.location == location)]
    }

    /// The levels of shipments and units of a day, as far as they are limited.
    pub(super) fn levels_of(&self, day: &DayRows) -> [Option<&Level>; 2] {
        day.levels.map(|at| at.map(|at| &self.levels[at as usize]))
    }

    /// Whether a day may be full.
    pub(super) fn may_be_full(&self, day: &DayRows) -> bool {
        let mut levels = self.levels_of(day).into_iter().flatten();
        levels.any(|level| level.row != FREE)
    }

    /// Whether any day may be.
    pub(super) fn any_full(&self) -> bool {
        self.days.iter().any(|day| self.may_be_full(day))
    }

    /// Adds a chain; steps that bind nobody get no row. A later step has more units, so the free
    /// ones are the last.
    fn chain(
        &mut self,
        line: usize,
        wanted: Wanted,
        steps: impl Iterator<Item = (EpochMillis, i64)>,
    ) -> (u32, u32) {
        let start = count(self.levels.len());
        let first_row = self.cap.len();
        for (from, units) in steps {
            let mut row = FREE;
            if units < wanted.units {
                row = count(self.cap.len());
                self.cap.push(units);
                self.line.push(count(line));
                self.first_draw.push(count(self.draw_row.len()));
                for drawn in 1..=wanted.most.min(units) {
                    self.draw_row.push(row);
                    self.draw_units.push(drawn);
                }
            }
            self.levels.push(Level { from, units, row });
        }
        let end = count(self.cap.len());
        self.end.resize(self.cap.len(), end);
        debug_assert!(first_row <= self.cap.len(), "rows only grow");
        (start, count(self.levels.len()))
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.cap.len()
    }

    /// The draws of a row.
    pub(super) fn draws(&self, row: usize) -> std::ops::Range<usize> {
        let start = self.first_draw[row] as usize;
        let next = self.first_draw.get(row + 1);
        start..next.map_or(self.draw_row.len(), |&n| n as usize)
    }

    /// The locations that have some of a line, and their levels.
    pub(super) fn cells(&self, line: usize) -> impl Iterator<Item = (LocationId, &[Level])> {
        let range = self.line_cells[line] as usize..self.line_cells[line + 1] as usize;
        let cells = self.cells[range].iter();
        cells.map(|&(at, start, end)| (at, &self.levels[start as usize..end as usize]))
    }

    /// The levels of a line at a location.
    pub(super) fn levels(&self, line: usize, location: LocationId) -> Option<&[Level]> {
        let range = self.line_cells[line] as usize..self.line_cells[line + 1] as usize;
        let cells = &self.cells[range];
        let at = cells.binary_search_by_key(&location, |c| c.0).ok()?;
        let (_, start, end) = cells[at];
        Some(&self.levels[start as usize..end as usize])
    }

    /// The levels of a channel's limit on a line, if it has one.
    pub(super) fn limit(&self, line: usize, channel: ChannelId) -> Option<&[Level]> {
        if self.limits.is_empty() {
            return None;
        }
        let &(start, end) = self.limits.get(&(count(line), channel))?;
        Some(&self.levels[start as usize..end as usize])
    }

    /// The draw of some units at a row; `None` where it is more than the row holds.
    pub(super) fn draw(&self, row: u32, units: i64) -> Option<u32> {
        let first = self.first_draw[row as usize];
        let at = first + u32::try_from(units - 1).ok()?;
        let next = self.first_draw.get(row as usize + 1);
        let end = next.map_or(self.draw_row.len(), |&n| n as usize);
        ((at as usize) < end).then_some(at)
    }
}

/// The level that counts at a moment.
pub(super) fn level_at(levels: &[Level], at: EpochMillis) -> Option<&Level> {
    let after = levels.partition_point(|l| l.from <= at);
    levels.get(after.saturating_sub(1))
}

/// An index as it is stored. Nothing here is longer than four thousand million.
pub(super) fn count(index: usize) -> u32 {
    u32::try_from(index).expect("a backlog has fewer than 2^32 of anything")
}

type ByChannel = HashMap<(u32, ChannelId), Wanted, foldhash::fast::FixedState>;

fn wanted(problem: &Problem) -> (Vec<Wanted>, ByChannel) {
    let mut all = vec![Wanted::default(); problem.supply.view().len()];
    let mut by_channel = ByChannel::default();
    let limited = problem.supply.limits().next().is_some();
    for order in &problem.orders {
        for demand in &order.demands {
            let Some(line) = problem.supply.line(demand.sku) else {
                continue;
            };
            let add = |wanted: &mut Wanted| {
                wanted.units += units(demand.qty);
                wanted.most = wanted.most.max(units(demand.qty));
            };
            add(&mut all[line]);
            if limited {
                add(by_channel.entry((count(line), order.channel)).or_default());
            }
        }
    }
    (all, by_channel)
}

/// What orders hold of a position: units by the moment from which they are needed.
type Held = HashMap<(u32, LocationId), Vec<(EpochMillis, i64)>, foldhash::fast::FixedState>;

fn held(problem: &Problem) -> Held {
    let mut held = Held::default();
    for order in &problem.orders {
        for (line, location, need_at, units) in holdings(order, problem) {
            let of = held.entry((count(line), location)).or_default();
            of.push((need_at, units));
        }
    }
    held
}

fn held_by(held: &[(EpochMillis, i64)], at: EpochMillis) -> i64 {
    let by_then = held.iter().filter(|(need_at, _)| *need_at <= at);
    by_then.map(|(_, units)| units).sum()
}

/// What an order holds today: line, location, moment, units.
pub(super) fn holdings<'a>(
    order: &'a OpenOrder,
    problem: &'a Problem,
) -> impl Iterator<Item = (usize, LocationId, EpochMillis, i64)> + 'a {
    order.today.shipments.iter().flat_map(move |kept| {
        kept.lines.iter().filter_map(move |line| {
            let demand = order.demands.get(usize::from(line.demand))?;
            let of = problem.supply.line(demand.sku)?;
            Some((
                of,
                kept.location,
                kept.need_at.max(problem.now),
                units(line.qty),
            ))
        })
    })
}
