//! The sheet of one order: every shipment that some location could make, priced, and what may go short.

use super::columns::{BROKEN, Columns, NEVER, Offer, SCALE, Sheet, Short, WIN_FACTOR, request};
use super::keep::{gone, keep};
use super::problem::{OpenOrder, Problem, Strategy, units};
use super::rows::{DayRows, FREE, Level, count, level_at};
use super::shape::{DEMANDS_MAX, STATES_MAX, Shape};
use super::solve::Scratch;
use crate::ledger::StockView;
use crate::model::{EpochMillis, LocationId, Policy, Qty, ShipmentLine};
use crate::routing::{Lanes, Pricer};
use smallvec::SmallVec;

/// The digits of an order's shape; none where it is too large to be looked at.
pub(super) fn digits(order: &OpenOrder) -> SmallVec<[u8; DEMANDS_MAX]> {
    let mut digits = SmallVec::new();
    if order.demands.len() > DEMANDS_MAX || order.frozen {
        return digits;
    }
    digits.resize(order.demands.len(), 1u8);
    let mut states = 1usize << order.demands.len();
    for (at, (digit, demand)) in digits.iter_mut().zip(&order.demands).enumerate() {
        if order.strategy == Strategy::Fill && order.short_today(at) > 0 {
            // It wins nothing: what is short of it stays short in every other plan.
            *digit = 0;
            continue;
        }
        let Ok(all) = u8::try_from(demand.qty.0) else {
            continue;
        };
        let more = states / 2 * (usize::from(all) + 1);
        if demand.may_split && demand.together == 0 && all > 1 && more <= STATES_MAX {
            states = more;
            *digit = all;
        }
    }
    digits
}

/// Units of one step of a demand's digit.
pub(super) fn units_of_digit(order: &OpenOrder, shape: &Shape, demand: usize) -> i64 {
    units(order.demands[demand].qty) / i64::from(shape.digits[demand].max(1))
}

/// Draws of one shipment or plan.
pub(super) type Draws = SmallVec<[u32; 2 * DEMANDS_MAX]>;

/// What a location has of one demand.
#[derive(Debug, Clone, Copy)]
struct Held<'a> {
    location: LocationId,
    demand: usize,
    levels: &'a [Level],
}

/// Memory for writing sheets.
#[derive(Debug, Default)]
pub(super) struct Desk {
    scratch: Scratch,
    moments: Vec<EpochMillis>,
    /// Those of days after full ones.
    days: Vec<EpochMillis>,
}

/// What all offers of an order have in common.
pub(super) struct Frame<'a> {
    pub(super) problem: &'a Problem,
    pub(super) columns: &'a Columns,
    pub(super) order: &'a OpenOrder,
    shape: &'a Shape,
}

impl Desk {
    /// Writes the sheet of an order.
    pub(super) fn sheet(
        &mut self,
        problem: &Problem,
        lanes: &Lanes,
        columns: &Columns,
        order: usize,
        shape: u32,
        part: &mut Columns,
    ) {
        let order = &problem.orders[order];
        let shape_of = columns.shapes.get(shape);
        let mut view = StockView::default();
        order.demands.iter().for_each(|d| view.push_line(d.sku));
        let request = request(order, problem.now, &view);
        let start = count(part.offers.len());
        let mut sheet = Sheet {
            shape,
            offers: (start, start),
            first_short: count(part.shorts.len()),
            keep_draws: (0, 0),
            keep: NEVER,
            change: problem.change_cents * SCALE,
            nothing: BROKEN,
            split: 0,
            most: 0,
            gone: gone(problem, &columns.rows, order),
        };
        let strict = order.never_worse() && !sheet.gone;
        let latest = order.latest().filter(|_| strict);
        let frame = Frame {
            problem,
            columns,
            order,
            shape: shape_of,
        };
        // Who cannot be routed at all keeps what he has.
        if let Ok(pricer) = Pricer::new(lanes, &request, latest) {
            let policy = pricer.policy();
            sheet.split = policy.split_penalty.0 * SCALE;
            sheet.most = policy.max_shipments;
            shorts(order, shape_of, strict, policy, &mut sheet, part);
            if !shape_of.digits.is_empty() && order.strategy != Strategy::Lose {
                self.offers(&frame, &pricer, part);
                sheet.offers.1 = count(part.offers.len());
                self.prune(&frame, &mut sheet, part);
            }
        }
        keep(&frame, lanes, &mut sheet, part);
        if order.strategy == Strategy::Lose && sheet.nothing < BROKEN {
            sheet.keep = NEVER;
        }
        if sheet.nothing >= BROKEN && sheet.keep < NEVER {
            sheet.nothing = 2 * BROKEN;
        }
        part.sheets.push(sheet);
    }

    /// Every shipment that some location could make.
    fn offers(&mut self, frame: &Frame<'_>, pricer: &Pricer<'_>, part: &mut Columns) {
        let held = held(frame, pricer);
        let mut at = 0;
        while at < held.len() {
            let location = held[at].location;
            let same = held[at..].iter().take_while(|h| h.location == location);
            let here = &held[at..at + same.count()];
            at += here.len();
            self.moments.clear();
            let froms = here.iter().flat_map(|h| h.levels.iter().map(|l| l.from));
            self.moments.extend(froms.map(|f| frame.whole_seconds(f)));
            // Later days too, when those before may be full.
            let days = frame.columns.rows.days_of(location);
            let full = |day: &&DayRows| frame.columns.rows.may_be_full(day);
            let after_full = days.iter().skip(1).zip(days.iter().take_while(full));
            self.days.clear();
            self.days
                .extend(after_full.map(|(day, _)| frame.seconds_before(day.room.ready)));
            self.days.retain(|ready| *ready > frame.problem.now);
            self.moments.extend_from_slice(&self.days);
            self.moments.sort_unstable();
            self.moments.dedup();
            for (number, &moment) in self.moments.iter().enumerate() {
                let before = number.checked_sub(1).map(|n| self.moments[n]);
                let before = before.filter(|_| !self.days.contains(&moment));
                frame.from(pricer, (location, here), (moment, before), part);
            }
        }
    }

    /// Leaves out offers for which unlimited stock, or going short, costs no more.
    fn prune(&mut self, frame: &Frame<'_>, sheet: &mut Sheet, part: &mut Columns) {
        let free = self.scratch.cheapest_free(part, sheet, frame.shape);
        let start = sheet.offers.0 as usize;
        let mut kept = start;
        for at in start..part.offers.len() {
            let offer = part.offers[at];
            let (cost, by) = free[usize::from(offer.part)];
            if offer.cents < cost || by as usize == at {
                part.offers[kept] = offer;
                kept += 1;
            }
        }
        part.offers.truncate(kept);
        sheet.offers.1 = count(kept);
    }
}

impl<'a> Frame<'a> {
    /// What all plans of an order have in common.
    pub(super) fn of(problem: &'a Problem, columns: &'a Columns, order: &'a OpenOrder) -> Self {
        Self {
            problem,
            columns,
            order,
            shape: columns.shapes.get(0),
        }
    }
}

impl Frame<'_> {
    /// A moment as offers keep it: not before now, rounded up to a second.
    fn whole_seconds(&self, at: EpochMillis) -> EpochMillis {
        let now = self.problem.now;
        let after = (at.max(now).0 - now.0).saturating_add(999) / 1000;
        EpochMillis(now.0.saturating_add(after.saturating_mul(1000)))
    }

    /// The same, rounded down.
    fn seconds_before(&self, at: EpochMillis) -> EpochMillis {
        let now = self.problem.now;
        let after = (at.max(now).0 - now.0) / 1000;
        EpochMillis(now.0.saturating_add(after.saturating_mul(1000)))
    }

    /// The shipments that a location could make of what is there from a moment on and was not so
    /// at the moment before.
    fn from(
        &self,
        pricer: &Pricer<'_>,
        (location, here): (LocationId, &[Held<'_>]),
        (moment, before): (EpochMillis, Option<EpochMillis>),
        part: &mut Columns,
    ) {
        let mut lines: SmallVec<[ShipmentLine; DEMANDS_MAX]> = SmallVec::new();
        let mut draws: Draws = SmallVec::new();
        'parts: for of in 1..=self.shape.all() {
            if !self.keeps_together(of) {
                continue;
            }
            lines.clear();
            draws.clear();
            let mut fresh = before.is_none();
            for demand in 0..self.shape.digits.len() {
                let digit = self.shape.digit(of, demand);
                if digit == 0 {
                    continue;
                }
                let Some(held) = here.iter().find(|h| h.demand == demand) else {
                    continue 'parts;
                };
                let drawn = i64::from(digit) * units_of_digit(self.order, self.shape, demand);
                let Some(level) = level_at(held.levels, moment) else {
                    continue 'parts;
                };
                if level.units < drawn {
                    continue 'parts;
                }
                fresh |= before.is_some_and(|b| level.from > b);
                if !self.draw(level, drawn, &mut draws)
                    || !self.limited(demand, moment, drawn, &mut draws)
                {
                    continue 'parts;
                }
                lines.push(ShipmentLine {
                    demand: u16::try_from(demand).unwrap_or(u16::MAX),
                    qty: Qty(u32::try_from(drawn).unwrap_or(u32::MAX)),
                });
            }
            if !fresh {
                continue;
            }
            let Some(shipment) = pricer.shipment(location, moment, &lines) else {
                continue;
            };
            if !self.handed((location, shipment.ship_at), &lines, &mut draws) {
                continue;
            }
            let after = (moment.0 - self.problem.now.0) / 1000;
            let (Ok(after), Ok(count_of)) = (u32::try_from(after), u8::try_from(draws.len()))
            else {
                continue;
            };
            part.offers.push(Offer {
                cents: shipment.cents.total().0 * SCALE,
                part: of,
                location,
                first_draw: count(part.draws.len()),
                after,
                draws: count_of,
            });
            part.draws.extend_from_slice(&draws);
        }
    }

    /// Whether a part has all or none of the demands that go together.
    fn keeps_together(&self, part: u16) -> bool {
        let demands = self.order.demands.iter().enumerate();
        let inside = |demand| self.shape.digit(part, demand) > 0;
        demands.filter(|(_, d)| d.together != 0).all(|(at, one)| {
            let mut others = self.order.demands.iter().enumerate();
            others.all(|(other, d)| d.together != one.together || inside(other) == inside(at))
        })
    }

    /// Adds a draw, unless its row is free; tells whether it is possible at all.
    pub(super) fn draw(&self, level: &Level, units: i64, into: &mut Draws) -> bool {
        if level.row == FREE {
            return true;
        }
        let draw = self.columns.rows.draw(level.row, units);
        into.extend(draw);
        draw.is_some()
    }

    /// The same for the day on which a shipment is handed over.
    pub(super) fn handed(
        &self,
        (location, ship_at): (LocationId, EpochMillis),
        lines: &[ShipmentLine],
        into: &mut Draws,
    ) -> bool {
        let rows = &self.columns.rows;
        let days = rows.days_of(location);
        let Some(day) = days.iter().find(|day| day.room.has(ship_at)) else {
            return true;
        };
        let all: i64 = lines.iter().map(|line| units(line.qty)).sum();
        let levels = rows.levels_of(day).into_iter().zip([1, all]);
        let mut levels = levels.filter_map(|(level, drawn)| Some((level?, drawn)));
        levels.all(|(level, drawn)| level.units >= drawn && self.draw(level, drawn, into))
    }

    /// The same for the limit of the order's channel.
    pub(super) fn limited(
        &self,
        demand: usize,
        moment: EpochMillis,
        units: i64,
        into: &mut Draws,
    ) -> bool {
        let line = self.problem.supply.line(self.order.demands[demand].sku);
        let limit = line.and_then(|l| self.columns.rows.limit(l, self.order.channel));
        let Some(level) = limit.and_then(|levels| level_at(levels, moment)) else {
            return true;
        };
        level.units >= units && self.draw(level, units, into)
    }
}

/// What the locations have of an order's demands, by location.
fn held<'a>(frame: &Frame<'a>, pricer: &Pricer<'_>) -> Vec<Held<'a>> {
    let mut held = Vec::new();
    for (demand, of) in frame.order.demands.iter().enumerate() {
        let Some(line) = frame.problem.supply.line(of.sku) else {
            continue;
        };
        for (location, levels) in frame.columns.rows.cells(line) {
            if pricer.may_ship(location, demand) {
                held.push(Held {
                    location,
                    demand,
                    levels,
                });
            }
        }
    }
    held.sort_by_key(|h| (h.location, h.demand));
    held
}

/// What may go short, and at what cost.
fn shorts(
    order: &OpenOrder,
    shape: &Shape,
    strict: bool,
    policy: &Policy,
    sheet: &mut Sheet,
    part: &mut Columns,
) {
    let factor = if order.strategy == Strategy::Win {
        WIN_FACTOR
    } else {
        1
    };
    let some = policy.allow_backorder && !policy.ship_complete;
    let given_up = (0..shape.digits.len()).filter(|&d| shape.digits[d] == 0);
    let given_up: i64 = given_up.map(|d| units(order.demands[d].qty)).sum();
    sheet.change += given_up * policy.short_per_unit.0 * SCALE;
    let mut nothing = sheet.change;
    let mut may_be_nothing = policy.allow_backorder;
    for demand in 0..shape.digits.len() {
        let per_digit = units_of_digit(order, shape, demand);
        let today = order.short_today(demand);
        let all = shape.digits[demand];
        let cents = policy.short_per_unit.0 * factor * per_digit * SCALE;
        let allowed = if strict {
            u8::try_from(today / per_digit.max(1)).unwrap_or(u8::MAX)
        } else {
            all
        };
        may_be_nothing &= allowed >= all;
        nothing += cents * i64::from(all);
        let most = if some { allowed.min(all) } else { 0 };
        part.shorts.push(Short { cents, most });
    }
    if may_be_nothing && !shape.digits.is_empty() {
        sheet.nothing = nothing.min(BROKEN - 1);
    }
}
