//! The rules of thumb by which shops route today, priced with the same tariffs.
//!
//! They are the comparison that the demo prints, so they are given every fair chance: they see the
//! same stock, choose the best service for each of their shipments by the same objective, may send as
//! many shipments, and what they cannot ship costs the same. Like Allot they ship nothing that may not
//! go there; stock buffers, capacities, sets and the least value to split they do not know.

use crate::engine::Engine;
use crate::ledger::{NoLog, Owner, StockView, Take, Want};
use crate::model::{
    ChannelId, EpochMillis, LocationId, Objective, Order, OwnerFact, Plan, Qty, ShipmentLine,
    ShortLine,
};
use crate::routing::{Demand, Destination, Request, distance_km, price};
use std::sync::Arc;

/// How a shop chooses locations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Every line from the nearest location that has any of it, then the next nearest, until it is
    /// filled.
    NearestFirst,
    /// The nearest location that has the whole order; if there is none, the location that has most
    /// of it, then the one that has most of the rest, and so on.
    GreedySplit,
}

/// What a rule cost over all orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleTotals {
    /// The objective, by part.
    pub objective: Objective,
    /// Orders that were shipped in one piece.
    pub whole: u64,
    /// Orders in more than one shipment.
    pub split: u64,
    /// Orders of which something was left unshipped.
    pub short: u64,
    /// Shipments in all.
    pub shipments: u64,
    /// Orders that could not be looked up (unknown SKU or place).
    pub refused: u64,
}

/// Routes `orders` by `rule` on an engine of its own, which nobody else uses.
#[must_use]
pub fn run(engine: &Engine, orders: &[Arc<Order>], rule: Rule) -> RuleTotals {
    let mut totals = RuleTotals::default();
    run_each(engine, orders, rule, |_, plan| match plan {
        Some(plan) => add(&mut totals, plan),
        None => totals.refused += 1,
    });
    totals
}

/// The same, showing every order with its plan; without one where it could not be looked up.
pub fn run_each(
    engine: &Engine,
    orders: &[Arc<Order>],
    rule: Rule,
    mut see: impl FnMut(&Order, Option<&Plan>),
) {
    let mut view = StockView::default();
    for order in orders {
        see(order, route_one(engine, order, rule, &mut view).as_ref());
    }
}

fn add(totals: &mut RuleTotals, plan: &Plan) {
    totals.objective += plan.objective;
    totals.shipments += plan.shipments.len() as u64;
    totals.whole += u64::from(plan.shipments.len() == 1 && plan.short.is_empty());
    totals.split += u64::from(plan.shipments.len() > 1);
    totals.short += u64::from(!plan.short.is_empty());
}

fn route_one(engine: &Engine, order: &Order, rule: Rule, view: &mut StockView) -> Option<Plan> {
    let lanes = engine.lanes();
    let now = order.placed_at;
    let pickup = order.pickup_at.as_deref();
    let pickup = pickup.map(|id| engine.registry().location("pickup_at", id));
    let pickup = pickup.transpose().ok()?;
    let destination = match pickup {
        Some(store) => lanes.doorstep(store).ok()?,
        None => lanes.destination(&order.ship_to).ok()?,
    };
    let channel = engine
        .registry()
        .channel_asked("channel", &order.channel)
        .ok()?;
    let demands = engine.demands(order, &lanes).ok()?;
    engine
        .ledger()
        .view(demands.iter().map(|d| d.sku), channel, now, view);
    let policy = lanes.policy(&order.channel, order.preset.as_deref(), &order.policy);
    let policy = policy.ok()?;
    let excluded = engine.excluded(order).ok()?;
    let request = Request {
        pickup,
        days: &[],
        now,
        destination: &destination,
        deliver_by: order.deliver_by,
        // A rule of thumb does not know promise dates: being late only costs.
        deliver_by_is_hard: false,
        policy,
        demands: &demands,
        stock: view,
        excluded: &excluded,
    };
    let mut open = Open::new(&request, &lanes, &destination);
    match rule {
        Rule::NearestFirst => open.nearest_first(),
        Rule::GreedySplit => open.greedy_split(),
    }
    let plan = open.plan(&request, &lanes)?;
    reserve(engine, order, &demands, channel, &plan, now)?;
    Some(plan)
}

/// Takes what the plan ships off the rule's own books.
fn reserve(
    engine: &Engine,
    order: &Order,
    demands: &[Demand],
    channel: ChannelId,
    plan: &Plan,
    now: EpochMillis,
) -> Option<()> {
    let owner = Arc::new(Owner {
        id: OwnerFact::Order(order.key.clone()),
        priority: 0,
        sequence: 0,
    });
    let lines = plan
        .shipments
        .iter()
        .flat_map(|s| s.lines.iter().map(move |line| (s, line)));
    let wants: Vec<Want> = lines
        .map(|(shipment, line)| Want {
            sku: demands[usize::from(line.demand)].sku,
            location: Some(shipment.location),
            qty: line.qty,
            need_at: shipment.need_at,
        })
        .collect();
    let take = Take {
        owner: &owner,
        channel,
        expires_at: EpochMillis::DISTANT_FUTURE,
        wants: &wants,
    };
    engine.ledger().take(&take, now, &NoLog).ok().map(drop)
}

/// Units that are not placed yet, and what is where.
struct Open {
    /// By demand.
    rest: Vec<u32>,
    /// By demand: the most that may be taken in all, where a channel's limit binds.
    limit: Vec<u32>,
    /// By location, nearest first: units that may be promised now, by demand.
    stock: Vec<(LocationId, Vec<u32>)>,
    /// By location in `stock`: what the rule takes, by demand.
    taken: Vec<Vec<u32>>,
    /// By location in `stock`: whether it ships something.
    used: Vec<bool>,
    /// Shipments that may still be added.
    shipments: usize,
}

impl Open {
    fn new(request: &Request<'_>, lanes: &crate::routing::Lanes, to: &Destination) -> Self {
        let count = request.demands.len();
        let mut stock: Vec<(LocationId, Vec<u32>)> = Vec::new();
        for demand in 0..count {
            for cell in request.stock.cells(demand) {
                let class = request.demands[demand].class;
                let there = request.pickup.is_none_or(|store| store == cell.location);
                let able = there && lanes.can_ship(cell.location, class, request.destination);
                if cell.now.is_zero() || !able {
                    continue;
                }
                let place = stock.iter().position(|(l, _)| *l == cell.location);
                let place = place.unwrap_or_else(|| {
                    stock.push((cell.location, vec![0; count]));
                    stock.len() - 1
                });
                stock[place].1[demand] = cell.now.0;
            }
        }
        stock.sort_by_cached_key(|(location, _)| (distance_km(lanes, *location, to), *location));
        let limit = (0..count)
            .map(|d| {
                request
                    .stock
                    .limit(d)
                    .map_or(u32::MAX, |steps| steps[0].qty.0)
            })
            .collect();
        Self {
            rest: request.demands.iter().map(|d| d.qty.0).collect(),
            limit,
            taken: vec![vec![0; count]; stock.len()],
            used: vec![false; stock.len()],
            shipments: usize::from(request.policy.max_shipments),
            stock,
        }
    }

    fn take(&mut self, place: usize, demand: usize) {
        let units = self.rest[demand]
            .min(self.stock[place].1[demand])
            .min(self.limit[demand]);
        if units == 0 || (!self.used[place] && self.shipments == 0) {
            return;
        }
        if !self.used[place] {
            self.used[place] = true;
            self.shipments -= 1;
        }
        self.taken[place][demand] += units;
        self.stock[place].1[demand] -= units;
        self.rest[demand] -= units;
        if self.limit[demand] < u32::MAX {
            self.limit[demand] -= units;
        }
    }

    fn nearest_first(&mut self) {
        for demand in 0..self.rest.len() {
            for place in 0..self.stock.len() {
                self.take(place, demand);
            }
        }
    }

    fn greedy_split(&mut self) {
        let has_all = |place: &usize| {
            let here = self.stock[*place].1.iter().zip(&self.rest).zip(&self.limit);
            here.into_iter()
                .all(|((have, want), limit)| have >= want && limit >= want)
        };
        if let Some(place) = (0..self.stock.len()).find(has_all) {
            (0..self.rest.len()).for_each(|demand| self.take(place, demand));
            return;
        }
        loop {
            if self.shipments == 0 {
                return;
            }
            let covers = |place: usize| -> u64 {
                let here = self.stock[place].1.iter().zip(&self.rest).zip(&self.limit);
                here.map(|((have, want), limit)| u64::from(*have.min(want).min(limit)))
                    .sum()
            };
            // Of equals the nearest: the search keeps the first.
            let best = (0..self.stock.len())
                .rev()
                .max_by_key(|&place| covers(place));
            let Some(place) = best.filter(|&place| covers(place) > 0) else {
                return;
            };
            (0..self.rest.len()).for_each(|demand| self.take(place, demand));
        }
    }

    /// Prices what was taken. A location from which no carrier takes it is left out.
    fn plan(mut self, request: &Request<'_>, lanes: &crate::routing::Lanes) -> Option<Plan> {
        for place in 0..self.stock.len() {
            let alone = self.shipment(place, request.now);
            let carried =
                alone.is_none_or(|shipment| price(lanes, request, &[shipment], &[]).is_some());
            if !carried {
                for demand in 0..self.rest.len() {
                    self.rest[demand] += std::mem::take(&mut self.taken[place][demand]);
                }
            }
        }
        let shipments: Vec<_> = (0..self.stock.len())
            .filter_map(|place| self.shipment(place, request.now))
            .collect();
        let rest = (0u16..).zip(&self.rest).filter(|(_, units)| **units > 0);
        let short: Vec<ShortLine> = rest
            .map(|(demand, &units)| ShortLine {
                demand,
                qty: Qty(units),
            })
            .collect();
        price(lanes, request, &shipments, &short)
    }

    fn shipment(
        &self,
        place: usize,
        now: EpochMillis,
    ) -> Option<(LocationId, EpochMillis, Vec<ShipmentLine>)> {
        let units = (0u16..)
            .zip(&self.taken[place])
            .filter(|(_, units)| **units > 0);
        let lines: Vec<ShipmentLine> = units
            .map(|(demand, &units)| ShipmentLine {
                demand,
                qty: Qty(units),
            })
            .collect();
        (!lines.is_empty()).then(|| (self.stock[place].0, now, lines))
    }
}
