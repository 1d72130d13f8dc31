//! An order's parts as its plan made them: one fulfilment order for each shipment, and one for what
//! waits for supply.
//!
//! They follow from the decision alone, so nothing is kept of them until something happens to one.

use super::fulfillment::{FulfillmentId, FulfillmentLine, FulfillmentOrder};
use super::quantities::Units;
use super::times::Times;
use crate::model::{Change, Decision, EpochMillis, Order, Qty, Route, Shipment, SkuId};

/// The parts of an order that was just accepted, numbered from 1: shipments in the order of the plan,
/// then what is short. `demands` are the SKUs of the plan's demands.
#[must_use]
pub fn planned(
    order: &Order,
    demands: &[SkuId],
    decision: &Decision,
    accepted_at: EpochMillis,
) -> Vec<FulfillmentOrder> {
    let plan = &decision.plan;
    let mut parts = Vec::with_capacity(plan.shipments.len() + 1);
    let sku = |demand: u16| demands.get(usize::from(demand)).copied();
    for shipment in &plan.shipments {
        let lines = shipment.lines.iter().map(|l| (sku(l.demand), l.qty));
        let route = Change::Route(route(shipment));
        parts.extend(part(order, parts.len(), lines, &route, accepted_at));
    }
    let short = plan.short.iter().map(|s| (sku(s.demand), s.qty));
    parts.extend(part(
        order,
        parts.len(),
        short,
        &Change::Backorder,
        accepted_at,
    ));
    parts
}

/// Where and how a shipment of a plan travels, and what it was forecast to cost.
#[must_use]
pub fn route(shipment: &Shipment) -> Route {
    let cents = &shipment.cents;
    Route {
        location: shipment.location,
        service: shipment.service,
        ship_at: shipment.ship_at,
        deliver_on: shipment.deliver_on,
        cents: cents.postage + cents.surcharges + cents.handling,
    }
}

/// `None` where there is nothing to ship. A plan is whole, so what it says can be done.
fn part(
    order: &Order,
    before: usize,
    lines: impl Iterator<Item = (Option<SkuId>, Qty)>,
    then: &Change,
    accepted_at: EpochMillis,
) -> Option<FulfillmentOrder> {
    let lines: Vec<FulfillmentLine> = lines
        .filter_map(|(sku, qty)| {
            let units = Units::of(qty);
            sku.map(|sku| FulfillmentLine { sku, units })
        })
        .collect();
    let number = u32::try_from(before + 1).ok()?;
    if lines.is_empty() {
        return None;
    }
    let id = FulfillmentId {
        order: order.key.clone(),
        number,
    };
    let times = Times::new(order.placed_at, accepted_at);
    let mut part = FulfillmentOrder::of(id, lines, times, accepted_at);
    for change in [&Change::Validate, then] {
        part.apply(change, accepted_at)
            .expect("what was just received can be validated, routed and backordered");
    }
    Some(part)
}
