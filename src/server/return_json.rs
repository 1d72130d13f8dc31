//! Returns as JSON.

use crate::engine::{Engine, ReturnView};
use crate::model::Grade;
use serde_json::{Value, json};

/// A return, and what a command did to it.
pub(super) fn one(engine: &Engine, view: &ReturnView) -> String {
    returned(engine, view).to_string()
}

/// All returns of an order.
pub(super) fn list(engine: &Engine, views: &[ReturnView]) -> String {
    let each = views.iter().map(|view| returned(engine, view));
    json!({"returns": each.collect::<Vec<_>>()}).to_string()
}

fn returned(engine: &Engine, view: &ReturnView) -> Value {
    let registry = engine.registry();
    let (all, part) = (&view.all, &view.all.fulfillment);
    let lines = all.lines.iter().map(|line| {
        let graded = line.graded.iter().map(|&(grade, qty)| {
            let mut one = json!({"grade": grade.name(), "qty": qty.0});
            if let Grade::OtherLocation(to) = grade {
                one["location"] = json!(registry.location_name(to));
            }
            one
        });
        json!({
            "sku": registry.sku_name(line.sku), "authorised": line.authorised.0,
            "received": line.received.0, "graded": graded.collect::<Vec<_>>(),
        })
    });
    let booked = view.booked.iter().map(|event| {
        json!({
            "n": event.number, "booking": event.booking.name(),
            "sku": registry.sku_name(event.sku), "qty": event.qty.0,
            "location": registry.location_name(event.location),
        })
    });
    let moved = view.moved.as_ref().map(|(sku, location, moved)| {
        json!({
            "sku": registry.sku_name(*sku), "location": registry.location_name(*location),
            "before": moved.before.0, "after": moved.after.0,
        })
    });
    json!({
        "return": view.id, "source": part.order.source(), "order": part.order.order(),
        "fulfillment": part.number, "state": view.state.name(),
        "location": registry.location_name(all.location),
        "authorised_at": all.authorised_at.to_string(), "closed": all.closed,
        "lines": lines.collect::<Vec<_>>(), "booked": booked.collect::<Vec<_>>(),
        "moved": moved, "repeated": view.repeated,
    })
}
