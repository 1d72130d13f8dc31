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
//! too large for that has no sheet (`reroute`). Demands that go together ship in one shipment or not at
//! all. What an order has today is always one of its plans, as it is. The limits of its policy and of its
//! strategy hold for every other plan.
//!
//! Left out are offers that cannot be in a plan worth having, whatever the prices: what they ship
//! can be shipped from unlimited stock, or left short, for no more.

use super::problem::{OpenOrder, Problem};
use super::rows::{Rows, count};
use super::shape::Shapes;
use super::sheets::{Desk, digits};
use super::solve::Choice;
use super::whole::Offered;
use crate::ledger::StockView;
use crate::model::{EpochMillis, LocationId};
use crate::routing::{Lanes, Request};
use rayon::prelude::*;

/// Prices and costs are counted in so many parts of a cent.
pub(super) const SCALE: i64 = 64;
/// The cost of what does not exist.
pub(super) const NEVER: i64 = 1 << 56;
/// What it costs that an order has no plan, scaled: more than anything that it could have. Twice as
/// much where it could stay as it is, so that nobody's promise is broken for another's.
pub(super) const BROKEN: i64 = 1 << 46;
/// What is short of an order that wins counts so many times.
pub(super) const WIN_FACTOR: i64 = 100;
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
    pub(super) first_draw: u32,
    /// From when, in seconds after the moment of the problem.
    pub(super) after: u32,
    pub(super) draws: u8,
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
    pub(super) draws: Vec<u32>,
    pub(super) shorts: Vec<Short>,
    /// What is offered of orders too large for a sheet.
    pub(super) whole: Offered,
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

    /// All orders that are, ascending.
    pub(super) fn large(&self, problem: &Problem) -> Vec<usize> {
        let all = 0..problem.orders.len();
        all.filter(|&order| self.too_large(problem, order))
            .collect()
    }

    /// By line of the supply: whether an order without a sheet, that may be routed anew, may have any
    /// number of units of it.
    pub(super) fn divided_by_large(&self, problem: &Problem) -> Vec<bool> {
        let mut divided = vec![false; problem.supply.view().len()];
        for order in self.large(problem) {
            let demands = problem.orders[order].demands.iter();
            for demand in demands.filter(|d| d.may_split && d.together == 0) {
                if let Some(line) = problem.supply.line(demand.sku) {
                    divided[line] = true;
                }
            }
        }
        divided
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
