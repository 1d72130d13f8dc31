//! Fulfilment orders as JSON.

use crate::engine::{Applied, DelayBudget, Engine, FulfillmentView, Phase, Release, Told};
use serde_json::{Value, json};

/// What a claim or a registration answers.
pub(super) fn handed(engine: &Engine, handed: &[(FulfillmentView, Release)]) -> String {
    let each = handed.iter().map(|(view, release)| {
        let mut one = part(engine, view);
        one["token"] = json!(release.token.to_string());
        one["repeated"] = json!(release.repeat);
        one
    });
    json!({"fulfillments": each.collect::<Vec<_>>()}).to_string()
}

/// The parts of an order, and where it stands.
pub(super) fn parts(engine: &Engine, state: &str, views: &[FulfillmentView]) -> String {
    let each = views.iter().map(|view| part(engine, view));
    json!({"state": state, "fulfillments": each.collect::<Vec<_>>()}).to_string()
}

/// What a location has to ship.
pub(super) fn list(engine: &Engine, waiting: usize, views: &[FulfillmentView]) -> String {
    let each = views.iter().map(|view| part(engine, view));
    json!({"waiting": waiting, "fulfillments": each.collect::<Vec<_>>()}).to_string()
}

/// What a message did.
pub(super) fn told(engine: &Engine, told: &Told) -> String {
    let (applied, from, to) = match told.applied {
        Applied::Moved { from, to } => ("moved", from, to),
        Applied::Late { state } => ("late", state, state),
    };
    let registry = engine.registry();
    let moved = told.moved.iter().map(|(sku, location, moved)| {
        let broken = moved.broken.iter().map(|b| u64::from(b.qty.0));
        json!({
            "sku": registry.sku_name(*sku), "location": registry.location_name(*location),
            "before": moved.before.0, "after": moved.after.0,
            "units_not_covered": broken.sum::<u64>(),
        })
    });
    json!({
        "applied": applied, "from": from.name(), "to": to.name(),
        "fulfillment": part(engine, &told.view), "moved": moved.collect::<Vec<_>>(),
        "placed": told.placed, "holds": told.holds,
    })
    .to_string()
}

/// Where time went; `waiting_ms` is all of the three that follow it.
pub(super) fn delay(budget: &DelayBudget) -> Value {
    let of = |phase| budget.of(phase).0;
    json!({
        "validation_ms": of(Phase::Validation), "routing_ms": of(Phase::Routing),
        "waiting_ms": budget.waiting().0, "waiting_supply_ms": of(Phase::Supply),
        "waiting_hold_ms": of(Phase::Hold), "waiting_claim_ms": of(Phase::Claim),
        "transmission_ms": of(Phase::Transmission), "total_ms": budget.total().0,
    })
}

fn part(engine: &Engine, view: &FulfillmentView) -> Value {
    let (part, order, registry) = (&view.part, &view.order, engine.registry());
    let lines = part.lines.iter().map(|line| {
        let u = line.units;
        json!({
            "sku": registry.sku_name(line.sku), "ordered": u.ordered.0, "picked": u.picked.0,
            "shipped": u.shipped.0, "delivered": u.delivered.0, "returned": u.returned.0,
            "short": u.short.0, "rerouted": u.rerouted.0, "cancelled": u.cancelled.0,
        })
    });
    let parcels = part.parcels.iter().map(|p| {
        let contents = p.contents.iter().filter_map(|&(line, qty)| {
            let line = part.lines.get(usize::from(line))?;
            Some(json!({"sku": registry.sku_name(line.sku), "qty": qty.0}))
        });
        json!({
            "carrier": p.tracking.carrier, "tracking": p.tracking.number,
            "contents": contents.collect::<Vec<_>>(),
            "cents": p.cents.map(|c| c.0), "delivered": p.delivered,
        })
    });
    let route = part.route.as_ref();
    let holder = part.holder.as_ref();
    let delay = part.times.sent().map(|(_, budget)| delay(&budget));
    let to = &order.ship_to;
    json!({
        "source": order.key.source(), "order": order.key.order(), "number": part.id.number,
        "state": part.state.name(), "since": part.since.to_string(),
        "location": route.map(|r| registry.location_name(r.location)),
        "service": route.map(|r| engine.service_name(r.service)),
        "ship_at": route.map(|r| r.ship_at.to_string()),
        "deliver_on": route.map(|r| r.deliver_on.to_string()),
        "forecast_cents": route.map(|r| r.cents.0),
        "ship_to": {
            "country": to.country, "postal": to.postal, "residential": to.residential,
        },
        "lines": lines.collect::<Vec<_>>(), "parcels": parcels.collect::<Vec<_>>(),
        "holder": holder.map(|h| &*h.name), "release": part.release,
        "lease_end": holder.and_then(|h| h.lease_end).map(|at| at.to_string()),
        "reason": part.reason, "late_messages": part.late, "delay": delay,
    })
}
