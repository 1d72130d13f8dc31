//! What it is worth to wait: a trace of orders played with each order held for some hours before it is
//! released, routed when it comes and optimised once more, with everybody who is still held, when
//! it goes.
//!
//! Xu, Allgor and Graves (2009) asked this of a large retailer: orders wait in a queue for hours anyway,
//! and what came meanwhile knows better who should have which unit. The stock is that of the opening
//! and what is on its way; daily capacities and allocations are left out.

use crate::backlog::{Effort, Kept, Move, OpenOrder, Problem, Strategy, Supply, Today, optimize};
use crate::engine::Engine;
use crate::ledger::StockView;
use crate::model::{
    ChannelId, EpochMillis, IncomingRow, LocationId, Millis, Objective, Opening, Order, Plan, Qty,
    ShipmentLine, SkuId,
};
use crate::routing::{Lanes, Request, Scratch, price, route};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What came of a trace with orders held for some hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Hours that each order was held.
    pub hours: u32,
    /// Orders that were routed.
    pub orders: u64,
    /// Orders that could not be routed.
    pub refused: u64,
    /// Orders that were optimised once more, counted each time.
    pub looked_at: u64,
    /// Orders that then got another plan, counted each time.
    pub moved: u64,
    /// Shipments.
    pub shipments: u64,
    /// Orders of which something shipped.
    pub shipped: u64,
    /// Days from the order to its last delivery, summed over those of which something shipped.
    pub days: u64,
    /// Units that were never shipped.
    pub short_units: u64,
    /// The objective as of the release, by part.
    pub objective: Objective,
}

impl Held {
    /// Shipments beyond one for each order that ships.
    #[must_use]
    pub const fn extra(&self) -> u64 {
        self.shipments.saturating_sub(self.shipped)
    }
}

/// Plays orders in ascending order of time, each held for some hours. `tell` hears each order
/// that is routed.
#[must_use]
pub fn replay(
    engine: &Engine,
    opening: &Opening,
    orders: &[Arc<Order>],
    hours: u32,
    tell: &mut dyn FnMut(),
) -> Held {
    let lanes = engine.lanes();
    let mut play = Play {
        lanes: &lanes,
        stock: Stock::new(opening),
        held: Vec::new(),
        scratch: Scratch::default(),
        hold: Millis::from_hours(hours),
        told: Held {
            hours,
            ..Held::default()
        },
    };
    // Often enough that nobody waits much longer than he has to.
    let wave = Millis::from_hours((hours / 4).max(1));
    let mut next = orders.first().map_or(EpochMillis(0), |o| o.placed_at) + wave;
    for order in orders {
        while hours > 0 && next <= order.placed_at {
            play.wave(next);
            next = next + wave;
        }
        play.arrive(engine, order);
        tell();
    }
    while !play.held.is_empty() {
        play.wave(next);
        next = next + wave;
    }
    play.told
}

/// Units that may be promised, by SKU, then location.
struct Stock {
    units: Vec<Vec<(LocationId, i64)>>,
    /// What comes, the last first.
    incoming: Vec<IncomingRow>,
}

impl Stock {
    fn new(opening: &Opening) -> Self {
        let mut stock = Self {
            units: vec![Vec::new(); opening.items.len()],
            incoming: opening.incoming.clone(),
        };
        for row in &opening.stock {
            let kept = row.safety_stock.0 + row.held.as_ref().map_or(0, |h| h.0.0);
            let units = i64::from(row.on_hand.0) - i64::from(kept);
            stock.change(row.sku, row.location, units.max(0));
        }
        stock
            .incoming
            .sort_by_key(|row| std::cmp::Reverse(row.arrives_at));
        stock
    }

    fn change(&mut self, sku: SkuId, location: LocationId, units: i64) {
        let cells = &mut self.units[sku.index()];
        match cells.binary_search_by_key(&location, |c| c.0) {
            Ok(at) => cells[at].1 += units,
            Err(at) => cells.insert(at, (location, units)),
        }
    }

    fn advance(&mut self, now: EpochMillis) {
        while self
            .incoming
            .last()
            .is_some_and(|row| row.arrives_at <= now)
        {
            if let Some(row) = self.incoming.pop() {
                self.change(row.sku, row.to, i64::from(row.qty.0));
            }
        }
    }

    fn take(&mut self, order: &OpenOrder, location: LocationId, line: &ShipmentLine, sign: i64) {
        let sku = order.demands[usize::from(line.demand)].sku;
        self.change(sku, location, -sign * i64::from(line.qty.0));
    }

    fn push(&self, view: &mut StockView, sku: SkuId) {
        view.push_line(sku);
        for &(location, units) in &self.units[sku.index()] {
            if units > 0 {
                let qty = u32::try_from(units).unwrap_or(Qty::MAX.0).min(Qty::MAX.0);
                view.push_cell(location, Qty(qty), &[]);
            }
        }
    }
}

struct Play<'a> {
    lanes: &'a Lanes,
    stock: Stock,
    held: Vec<OpenOrder>,
    scratch: Scratch,
    hold: Millis,
    told: Held,
}

impl Play<'_> {
    /// Routes an order on what is left, as of the moment of its release.
    fn arrive(&mut self, engine: &Engine, order: &Order) {
        self.stock.advance(order.placed_at);
        let Some(mut open) = self.open(engine, order) else {
            self.told.refused += 1;
            return;
        };
        let mut view = StockView::default();
        for demand in &open.demands {
            self.stock.push(&mut view, demand.sku);
        }
        let now = order.placed_at + self.hold;
        let request = request(&open, now, &view);
        let Ok(decision) = route(self.lanes, &request, &mut self.scratch) else {
            self.told.refused += 1;
            return;
        };
        self.told.orders += 1;
        open.today = kept(&decision.plan);
        self.change(&open, 1);
        if self.hold == Millis(0) {
            self.release(&open, order.placed_at);
        } else {
            self.held.push(open);
        }
    }

    fn open(&self, engine: &Engine, order: &Order) -> Option<OpenOrder> {
        let destination = self.lanes.destination(&order.ship_to).ok()?;
        let policy = self
            .lanes
            .policy(&order.channel, order.preset.as_deref(), &order.policy)
            .ok()?;
        Some(OpenOrder {
            key: order.key.clone(),
            channel: ChannelId(0),
            placed_at: order.placed_at,
            destination,
            deliver_by: order.deliver_by,
            deliver_by_is_hard: order.deliver_by_is_hard,
            policy,
            demands: engine.demands(order, self.lanes).ok()?,
            excluded: engine.excluded(order).ok()?,
            pickup: None,
            today: Today::default(),
            strategy: Strategy::Gain,
            frozen: false,
        })
    }

    fn change(&mut self, order: &OpenOrder, sign: i64) {
        for kept in &order.today.shipments {
            for line in &kept.lines {
                self.stock.take(order, kept.location, line, sign);
            }
        }
    }

    /// Optimises everybody who is held, if somebody's time is up, and lets those go.
    fn wave(&mut self, now: EpochMillis) {
        self.stock.advance(now);
        if !self.held.iter().any(|o| o.placed_at + self.hold <= now) {
            return;
        }
        self.optimise(now);
        let (due, held): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|o| o.placed_at + self.hold <= now);
        self.held = held;
        for order in &due {
            self.release(order, now);
        }
    }

    fn optimise(&mut self, now: EpochMillis) {
        let held = std::mem::take(&mut self.held);
        for order in &held {
            self.change(order, -1);
        }
        let skus: BTreeSet<SkuId> = held
            .iter()
            .flat_map(|o| o.demands.iter().map(|d| d.sku))
            .collect();
        let mut view = StockView::default();
        for sku in skus {
            self.stock.push(&mut view, sku);
        }
        let mut problem = Problem {
            now,
            orders: held,
            supply: Supply::new(view),
            change_cents: 0,
            days: Vec::new(),
        };
        let effort = Effort {
            iterations: 60,
            rounds: 6,
            ..Effort::usual(20_000)
        };
        let outcome = optimize(&problem, self.lanes, effort, &mut |_| {
            ControlFlow::Continue(())
        });
        self.told.looked_at += problem.orders.len() as u64;
        self.told.moved += outcome.moves.len() as u64;
        for Move { order, to, .. } in &outcome.moves {
            let of = &mut problem.orders[*order];
            let promised = of.today.promised;
            of.today = kept(to);
            // What the customer was told stays what he was told.
            of.today.promised = promised.or(of.today.promised);
        }
        self.held = problem.orders;
        let held = std::mem::take(&mut self.held);
        for order in &held {
            self.change(order, 1);
        }
        self.held = held;
    }

    fn release(&mut self, order: &OpenOrder, now: EpochMillis) {
        let view = {
            let mut view = StockView::default();
            order.demands.iter().for_each(|d| view.push_line(d.sku));
            view
        };
        let request = request(order, now, &view);
        let shipments: Vec<_> = order
            .today
            .shipments
            .iter()
            .map(|k| (k.location, k.need_at.max(now), k.lines.clone()))
            .collect();
        let Some(plan) = price(self.lanes, &request, &shipments, &order.today.short) else {
            return;
        };
        let told = &mut self.told;
        told.shipments += plan.shipments.len() as u64;
        told.shipped += u64::from(!plan.shipments.is_empty());
        if let Some(last) = plan.delivered_on() {
            let placed = order.placed_at.0.div_euclid(86_400_000);
            told.days += u64::try_from(i64::from(last.0) - placed).unwrap_or(0);
        }
        told.short_units += plan.short_units();
        told.objective += plan.objective;
    }
}

fn kept(plan: &Plan) -> Today {
    let shipments = plan.shipments.iter().map(|s| Kept {
        location: s.location,
        // Its units are there: it may go whenever it is released.
        need_at: EpochMillis(0),
        ship_at: s.ship_at,
        lines: s.lines.clone(),
    });
    Today {
        shipments: shipments.collect(),
        short: plan.short.clone(),
        promised: plan.delivered_on(),
    }
}

/// A promise date that can no longer be kept costs, whatever the order says: it is held by us.
fn request<'a>(order: &'a OpenOrder, now: EpochMillis, view: &'a StockView) -> Request<'a> {
    Request {
        now,
        destination: &order.destination,
        deliver_by: order.deliver_by,
        deliver_by_is_hard: false,
        policy: order.policy,
        demands: &order.demands,
        stock: view,
        excluded: &order.excluded,
        pickup: None,
        days: &[],
    }
}
