//! Whether a move can be made, and what it writes down and wants.

use super::{Items, Layout, MoveOutcome, Moving};
use crate::engine::Engine;
use crate::engine::days::Rooms;
use crate::engine::error::EngineError;
use crate::engine::orders::{Resolved, request, wants};
use crate::engine::replan::{Leaving, Rest, new_parts};
use crate::ledger::{Reservation, StockView, Want};
use crate::lifecycle::{OrderRecord, OrderState};
use crate::model::{
    EpochMillis, Freed, LocationId, Order, Plan, ReplanReason, ReplannedFact, ShipmentLine,
    ShortLine, SkuId,
};
use crate::routing::{Lanes, Pricer};

/// A move that can be made if its units are there.
pub(super) struct Prepared {
    pub(super) fact: ReplannedFact,
    pub(super) wants: Vec<Want>,
    pub(super) rooms: Rooms,
}

impl Engine {
    /// What a move writes down and what it wants; else why it cannot be made.
    pub(super) fn prepare(
        &self,
        record: &OrderRecord<Reservation>,
        moving: &Moving,
        now: EpochMillis,
    ) -> Result<Result<Prepared, MoveOutcome>, EngineError> {
        if !is_open(record) {
            return Ok(Err(MoveOutcome::Released));
        }
        let has = layout(record);
        if has == moving.to && moving.from != moving.to {
            return Ok(Err(MoveOutcome::Already));
        }
        if has != moving.from {
            return Ok(Err(MoveOutcome::Changed));
        }
        let order = record.order.clone();
        let lanes = self.lanes.load();
        let resolved = self.resolve(&order, &lanes)?;
        let plan = planned(&order, &resolved, &lanes, moving, now);
        // From the same places at another time: whether it is done only the times can tell.
        if has == moving.to && handed(record) == wanted(moving) {
            return Ok(Err(MoveOutcome::Already));
        }
        let plan = match plan {
            Ok(plan) if has == moving.to && handed(record) == given(&plan, &resolved) => {
                return Ok(Err(MoveOutcome::Already));
            }
            Ok(plan) => plan,
            Err(why) => return Ok(Err(why)),
        };
        let skus: Vec<SkuId> = resolved.skus().collect();
        let mut leaving = Leaving::new(ReplanReason::Optimized, Rest::Waits);
        for part in record.parts().iter() {
            leaving.all_of(part, None);
        }
        let Some(holding) = record.holding.as_ref() else {
            return Ok(Err(MoveOutcome::Released));
        };
        let freed = holding.claims().iter().map(|claim| Freed {
            sku: claim.sku,
            location: claim.location,
            qty: claim.qty,
            first: false,
        });
        let fact = ReplannedFact {
            key: order.key.clone(),
            reason: leaving.reason,
            amended: None,
            freed: freed.collect(),
            given_up: leaving.given_up,
            left: Vec::new(),
            parts: new_parts(record, &skus, &plan, (true, None)),
            granted: Vec::new(),
        };
        let wants = wants(&plan, &resolved.demands);
        let rooms = self.rooms_of_parts(record, &fact.parts);
        Ok(Ok(Prepared { fact, wants, rooms }))
    }
}
/// Whether an order is open and nobody has, or had, a part of it.
pub(super) fn is_open(record: &OrderRecord<Reservation>) -> bool {
    let parts = record.parts();
    let untouched = parts.iter().all(|part| {
        let empty = part.lines.iter().all(|l| l.units.open().is_zero());
        let open = part.state.unreleased() && part.held_from.is_none();
        open || (empty && !part.state.with_holder() && !part.has_left())
    });
    record.state != OrderState::Cancelled && record.holding.is_some() && untouched
}

/// Where the units of an order are now.
fn layout(record: &OrderRecord<Reservation>) -> Layout {
    let mut layout = Layout::default();
    for part in record.parts().iter() {
        let open = part.lines.iter().map(|l| (l.sku, l.units.open()));
        let items: Items = open.filter(|(_, qty)| !qty.is_zero()).collect();
        match part.route {
            _ if items.is_empty() => {}
            Some(route) => layout.shipments.push((route.location, items)),
            None => layout.short.extend(items),
        }
    }
    layout.sorted()
}

/// What is handed over from where, and when. Sorted.
type Handed = Vec<(LocationId, Items, EpochMillis)>;

/// What the parts of an order hand over.
fn handed(record: &OrderRecord<Reservation>) -> Handed {
    let mut all = Handed::new();
    for part in record.parts().iter() {
        let open = part.lines.iter().map(|l| (l.sku, l.units.open()));
        let mut items: Items = open.filter(|(_, qty)| !qty.is_zero()).collect();
        items.sort_unstable();
        if let Some(route) = part.route.filter(|_| !items.is_empty()) {
            all.push((route.location, items, route.ship_at));
        }
    }
    all.sort_unstable();
    all
}

/// What a move was to hand over when it was planned.
fn wanted(moving: &Moving) -> Handed {
    let shipments = moving.to.shipments.iter().zip(&moving.ships);
    let one = |((at, items), ship_at): (&(LocationId, Items), &EpochMillis)| {
        (*at, items.clone(), *ship_at)
    };
    let mut all: Handed = shipments.map(one).collect();
    all.sort_unstable();
    all
}

/// What a plan hands over.
fn given(plan: &Plan, resolved: &Resolved) -> Handed {
    let skus: Vec<SkuId> = resolved.skus().collect();
    let shipments = plan.shipments.iter().map(|shipment| {
        let lines = shipment.lines.iter();
        let mut items: Items = lines
            .map(|line| (skus[usize::from(line.demand)], line.qty))
            .collect();
        items.sort_unstable();
        (shipment.location, items, shipment.ship_at)
    });
    let mut all: Handed = shipments.collect();
    all.sort_unstable();
    all
}

/// The plan that a move stands for, as of now; else why it cannot be.
fn planned(
    order: &Order,
    resolved: &Resolved,
    lanes: &Lanes,
    moving: &Moving,
    now: EpochMillis,
) -> Result<Plan, MoveOutcome> {
    let mut view = StockView::default();
    resolved.skus().for_each(|sku| view.push_line(sku));
    let request = request(order, resolved, (&view, &[]), now);
    let pricer = Pricer::new(lanes, &request, moving.deliver_by);
    let pricer = pricer.map_err(|_| MoveOutcome::Closed)?;
    let demand = |sku: SkuId| {
        let at = resolved.demands.iter().position(|d| d.sku == sku);
        at.and_then(|at| u16::try_from(at).ok())
            .ok_or(MoveOutcome::Changed)
    };
    let mut units = vec![0u64; resolved.demands.len()];
    let mut shipments = Vec::with_capacity(moving.to.shipments.len());
    for ((location, items), ready) in moving.to.shipments.iter().zip(&moving.ready) {
        if items.is_empty() {
            return Err(MoveOutcome::Changed);
        }
        let mut lines = Vec::with_capacity(items.len());
        for &(sku, qty) in items {
            let demand = demand(sku)?;
            if qty.is_zero() || !pricer.may_ship(*location, usize::from(demand)) {
                return Err(MoveOutcome::Closed);
            }
            units[usize::from(demand)] += u64::from(qty.0);
            lines.push(ShipmentLine { demand, qty });
        }
        shipments.push((*location, (*ready).max(now), lines));
    }
    let mut short = Vec::with_capacity(moving.to.short.len());
    for &(sku, qty) in &moving.to.short {
        let demand = demand(sku)?;
        if qty.is_zero() {
            return Err(MoveOutcome::Changed);
        }
        units[usize::from(demand)] += u64::from(qty.0);
        short.push(ShortLine { demand, qty });
    }
    let ordered = resolved.demands.iter().map(|d| u64::from(d.qty.0));
    if !units.into_iter().eq(ordered) || shipments.len() != moving.to.shipments.len() {
        return Err(MoveOutcome::Changed);
    }
    // With the date as the latest, a plan that delivers later does not exist.
    pricer.plan(&shipments, short).ok_or(MoveOutcome::Later)
}
