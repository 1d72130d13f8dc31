//! Everything that the orders could do, priced once: per order a sheet of offers.
//!
//! An offer is one shipment: a location, a moment from which its units are there, and what is in
//! it. Its cost by the router's objective does not depend on anybody else, only the units that it
//! draws from scarce rows do. So an order's best plan at any prices is found on its sheet, without
//! routing it again, and exactly.
//!
//! # Which plans an order may get
//!
//! A demand that may split is divided in any way while its order stays small (at most
//! [`STATES_MAX`](super::shape::STATES_MAX) rests); any other ships whole or not at all. An order
//! too large for that has no sheet (`reroute`). Demands that go together ship in one shipment or not at all. What an order has today is always one of its plans, as it
//! is. The limits of its policy and of its strategy hold for every other plan.
//!
//! Left out are offers that cannot be in a plan worth having, whatever the prices: what they ship
//! can be shipped from unlimited stock, or left short, for no more.

use super::problem::{OpenOrder, Problem, Strategy, units};
use super::rows::{FREE, Level, Rows, count, level_at};
use super::shape::{DEMANDS_MAX, STATES_MAX, Shape, Shapes};
use super::solve::{Choice, Scratch};
use crate::ledger::StockView;
use crate::model::{EpochMillis, LocationId, Qty, ShipmentLine};
use crate::routing::{Lanes, Pricer, Request};
use rayon::prelude::*;
use smallvec::SmallVec;

/// Prices and costs are counted in so many parts of a cent.
pub(super) const SCALE: i64 = 64;
/// The cost of what does not exist.
pub(super) const NEVER: i64 = 1 << 56;
/// What it costs that an order has no plan, scaled: more than anything that it could have. Twice as
/// much where it could stay as it is, so that nobody's promise is broken for another's.
pub(super) const BROKEN: i64 = 1 << 46;
/// What is short of an order that wins counts so many times.
const WIN_FACTOR: i64 = 100;
/// Orders that are priced in one piece of work.
const CHUNK: usize = 1024;

/// One shipment that an order could have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    /// By the objective, scaled; without the split penalty.
    pub(super) cents: i64,
    /// Which of the order's units: a rest of its shape.
    pub(super) part: u16,
    /// From where.
    pub(super) location: LocationId,
    /// Where its draws begin.
    first_draw: u32,
    /// From when, in seconds after the moment of the problem.
    after: u32,
    draws: u8,
}

impl Offer {
    /// From when its units are there.
    pub(super) fn ready(&self, now: EpochMillis) -> EpochMillis {
        EpochMillis(now.0.saturating_add(i64::from(self.after) * 1000))
    }
}

/// What leaving a demand short costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short {
    /// By digit, scaled.
    pub(super) cents: i64,
    /// The most digits that may be short.
    pub(super) most: u8,
}

/// What an order could do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sheet {
    pub(super) shape: u32,
    /// Its offers.
    pub(super) offers: (u32, u32),
    pub(super) first_short: u32,
    pub(super) keep_draws: (u32, u32),
    /// Cost of what it has today, scaled; [`NEVER`] where it has no plan that can stay.
    pub(super) keep: i64,
    /// Cost of any other plan on top.
    pub(super) change: i64,
    /// Cost of shipping nothing, all included; [`BROKEN`] or more where that is not allowed.
    pub(super) nothing: i64,
    /// For every shipment after the first.
    pub(super) split: i64,
    /// Most shipments.
    pub(super) most: u8,
    /// What it was promised is not there any more, so it may get worse.
    pub(super) gone: bool,
}

/// All sheets of a problem.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) rows: Rows,
    pub(super) shapes: Shapes,
    pub(super) sheets: Vec<Sheet>,
    pub(super) offers: Vec<Offer>,
    draws: Vec<u32>,
    shorts: Vec<Short>,
}

impl Columns {
    /// Prices everything. Work is shared by the threads of the pool that this runs in.
    pub(super) fn new(problem: &Problem, lanes: &Lanes) -> Self {
        let mut columns = Self {
            rows: Rows::new(problem, lanes),
            ..Self::default()
        };
        // Shapes first: they are few, and everybody shares them.
        let shapes: Vec<u32> = problem
            .orders
            .iter()
            .map(|order| columns.shapes.of(&digits(order)))
            .collect();
        let numbered: Vec<usize> = (0..problem.orders.len()).collect();
        let parts: Vec<Columns> = numbered
            .par_chunks(CHUNK)
            .map(|chunk| {
                let mut part = Columns::default();
                let mut desk = Desk::default();
                for &order in chunk {
                    desk.sheet(problem, lanes, &columns, order, shapes[order], &mut part);
                }
                part
            })
            .collect();
        for part in parts {
            columns.append(part);
        }
        columns
    }

    fn append(&mut self, part: Self) {
        let offers = count(self.offers.len());
        let draws = count(self.draws.len());
        let shorts = count(self.shorts.len());
        self.sheets.extend(part.sheets.into_iter().map(|mut sheet| {
            sheet.offers.0 += offers;
            sheet.offers.1 += offers;
            sheet.keep_draws.0 += draws;
            sheet.keep_draws.1 += draws;
            sheet.first_short += shorts;
            sheet
        }));
        self.offers.extend(part.offers.into_iter().map(|mut offer| {
            offer.first_draw += draws;
            offer
        }));
        self.draws.extend(part.draws);
        self.shorts.extend(part.shorts);
    }

    /// What an offer draws from rows.
    #[inline]
    pub(super) fn draws_of(&self, offer: &Offer) -> &[u32] {
        &self.draws[offer.first_draw as usize..][..usize::from(offer.draws)]
    }

    /// What an order draws as it is today.
    pub(super) fn keep_draws(&self, order: usize) -> &[u32] {
        let (start, end) = self.sheets[order].keep_draws;
        &self.draws[start as usize..end as usize]
    }

    /// What a choice draws.
    pub(super) fn chosen<'a>(
        &'a self,
        order: usize,
        choice: &'a Choice,
    ) -> impl Iterator<Item = &'a u32> + 'a {
        let kept = if choice.keep {
            self.keep_draws(order)
        } else {
            &[]
        };
        let offers = choice.offers.iter();
        let drawn = offers.flat_map(|&o| self.draws_of(&self.offers[o as usize]));
        kept.iter().chain(drawn)
    }

    /// Whether an order is too large for a sheet, and may be routed anew.
    pub(super) fn too_large(&self, problem: &Problem, order: usize) -> bool {
        let shape = self.shapes.get(self.sheets[order].shape);
        shape.digits.is_empty() && super::reroute::may_be_rerouted(&problem.orders[order])
    }

    /// By line of the supply: whether an order without a sheet, that may be routed anew, wants it.
    pub(super) fn wanted_by_large(&self, problem: &Problem) -> Vec<bool> {
        let mut wanted = vec![false; problem.supply.view().len()];
        for order in (0..problem.orders.len()).filter(|&o| self.too_large(problem, o)) {
            for demand in &problem.orders[order].demands {
                if let Some(line) = problem.supply.line(demand.sku) {
                    wanted[line] = true;
                }
            }
        }
        wanted
    }

    /// What leaving one step of a demand short costs, of all orders.
    pub(super) fn short_cents(&self) -> impl Iterator<Item = i64> + '_ {
        self.shorts.iter().map(|short| short.cents)
    }

    /// The rows that some plan of an order draws from, later ones of their chains included.
    pub(super) fn rows_of(&self, order: usize) -> impl Iterator<Item = u32> + '_ {
        let sheet = &self.sheets[order];
        let offers = &self.offers[sheet.offers.0 as usize..sheet.offers.1 as usize];
        let drawn = offers.iter().flat_map(|o| self.draws_of(o));
        let all = self.keep_draws(order).iter().chain(drawn);
        all.flat_map(|&draw| {
            let row = self.rows.draw_row[draw as usize];
            row..self.rows.end[row as usize]
        })
    }

    /// What leaving a demand short costs.
    #[inline]
    pub(super) fn short(&self, sheet: &Sheet, demand: usize) -> Short {
        self.shorts[sheet.first_short as usize + demand]
    }
}

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

/// What a location has of one demand.
#[derive(Debug, Clone, Copy)]
struct Held<'a> {
    location: LocationId,
    demand: usize,
    levels: &'a [Level],
}

/// Memory for writing sheets.
#[derive(Debug, Default)]
struct Desk {
    scratch: Scratch,
    moments: Vec<EpochMillis>,
}

/// What all offers of an order have in common.
struct Frame<'a> {
    problem: &'a Problem,
    columns: &'a Columns,
    order: &'a OpenOrder,
    shape: &'a Shape,
}

impl Desk {
    /// Writes the sheet of an order.
    fn sheet(
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
            self.moments.sort_unstable();
            self.moments.dedup();
            for (number, &moment) in self.moments.iter().enumerate() {
                let before = number.checked_sub(1).map(|n| self.moments[n]);
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

impl Frame<'_> {
    /// A moment as offers keep it: not before now, rounded up to a second.
    fn whole_seconds(&self, at: EpochMillis) -> EpochMillis {
        let now = self.problem.now;
        let after = (at.max(now).0 - now.0).saturating_add(999) / 1000;
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
        let mut draws: SmallVec<[u32; 2 * DEMANDS_MAX]> = SmallVec::new();
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
    fn draw(&self, level: &Level, units: i64, into: &mut SmallVec<[u32; 2 * DEMANDS_MAX]>) -> bool {
        if level.row == FREE {
            return true;
        }
        let draw = self.columns.rows.draw(level.row, units);
        into.extend(draw);
        draw.is_some()
    }

    /// The same for the limit of the order's channel.
    fn limited(
        &self,
        demand: usize,
        moment: EpochMillis,
        units: i64,
        into: &mut SmallVec<[u32; 2 * DEMANDS_MAX]>,
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

/// The order as the router sees it.
pub(super) fn request<'a>(
    order: &'a OpenOrder,
    now: EpochMillis,
    view: &'a StockView,
) -> Request<'a> {
    Request {
        now,
        destination: &order.destination,
        deliver_by: order.deliver_by,
        deliver_by_is_hard: order.deliver_by_is_hard,
        policy: order.policy,
        demands: &order.demands,
        stock: view,
        excluded: &order.excluded,
        pickup: order.pickup,
        days: &[],
    }
}

/// What may go short, and at what cost.
fn shorts(
    order: &OpenOrder,
    shape: &Shape,
    strict: bool,
    policy: &crate::model::Policy,
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

/// Whether something that an order was promised is not there any more.
fn gone(problem: &Problem, rows: &Rows, order: &OpenOrder) -> bool {
    let kept = order.today.shipments.iter();
    let mut lines = kept.flat_map(|k| k.lines.iter().map(move |l| (k, l)));
    lines.any(|(kept, line)| {
        let sku = order.demands.get(usize::from(line.demand)).map(|d| d.sku);
        let of = sku.and_then(|sku| problem.supply.line(sku));
        let levels = of.and_then(|l| rows.levels(l, kept.location));
        let level = levels.and_then(|l| level_at(l, kept.need_at.max(problem.now)));
        level.is_none_or(|level| level.units < units(line.qty))
    })
}

/// The plan of today: what it costs, and what it draws.
fn keep(frame: &Frame<'_>, lanes: &Lanes, sheet: &mut Sheet, part: &mut Columns) {
    let start = count(part.draws.len());
    sheet.keep_draws = (start, start);
    let (order, problem) = (frame.order, frame.problem);
    let mut draws: SmallVec<[u32; 2 * DEMANDS_MAX]> = SmallVec::new();
    for kept in &order.today.shipments {
        for line in &kept.lines {
            let demand = usize::from(line.demand);
            let sku = order.demands.get(demand).map(|d| d.sku);
            let of = sku.and_then(|sku| problem.supply.line(sku));
            let levels = of.and_then(|l| frame.columns.rows.levels(l, kept.location));
            let at = kept.need_at.max(problem.now);
            let level = levels.and_then(|levels| level_at(levels, at));
            let drawn = units(line.qty);
            let there = level.is_some_and(|l| {
                l.units >= drawn
                    && frame.draw(l, drawn, &mut draws)
                    && frame.limited(demand, at, drawn, &mut draws)
            });
            if !there {
                // What it was promised is not there any more.
                return;
            }
        }
    }
    part.draws.extend_from_slice(&draws);
    sheet.keep_draws.1 = count(part.draws.len());
    sheet.keep = today_cents(order, problem.now, lanes).map_or(0, |cents| {
        let mut all = cents * SCALE;
        if order.strategy == Strategy::Win {
            let short: i64 = order.today.short.iter().map(|s| units(s.qty)).sum();
            all += short * order.policy.short_per_unit.0 * SCALE * (WIN_FACTOR - 1);
        }
        all
    });
}

/// What an order's plan of today costs by its objective as of now; `None` where a shipment cannot
/// be priced any more. A hard promise date that was missed since costs as a soft one does.
pub(super) fn today_cents(order: &OpenOrder, now: EpochMillis, lanes: &Lanes) -> Option<i64> {
    let mut view = StockView::default();
    order.demands.iter().for_each(|d| view.push_line(d.sku));
    let mut request = request(order, now, &view);
    request.deliver_by_is_hard = false;
    let shipments: Vec<_> = order
        .today
        .shipments
        .iter()
        .map(|k| (k.location, k.need_at.max(now), k.lines.clone()))
        .collect();
    let plan = crate::routing::price(lanes, &request, &shipments, &order.today.short)?;
    Some(plan.objective.total().0)
}
