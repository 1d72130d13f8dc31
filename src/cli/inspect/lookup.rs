//! An item or an order, from the map of a snapshot.

use crate::model::{Location, OrderKey, ServiceId};
use crate::snapshot::{Glance, Meta, OrderImage, Snapshot, SnapshotError};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Why nothing was found, and what to do.
const NO_SNAPSHOT: &str =
    "there is no snapshot yet; ask its server to take one: allot cli SNAPSHOT.TAKE";

/// What was asked and found.
#[derive(Default)]
pub(super) struct LookedUp {
    item: Option<Value>,
    order: Option<Value>,
}

/// Looks up what was asked.
pub(super) fn look(
    snapshot: Option<&Snapshot>,
    sku: Option<&str>,
    order: Option<&[String]>,
) -> Result<LookedUp, SnapshotError> {
    let mut found = LookedUp::default();
    let Some(snapshot) = snapshot else {
        if let Some(sku) = sku {
            found.item = Some(json!({"sku": sku, "found": false, "why": NO_SNAPSHOT}));
        }
        return Ok(found);
    };
    let glance = Glance::of(snapshot);
    if let Some(sku) = sku {
        found.item = Some(item(snapshot, &glance, sku)?);
    }
    if let Some([source, id]) = order {
        let image = glance.order(&OrderKey::new(source, id))?;
        found.order = match image {
            None => None,
            Some(image) => Some(of_order(&snapshot.meta()?, &image)),
        };
    }
    Ok(found)
}

fn item(snapshot: &Snapshot, glance: &Glance<'_>, name: &str) -> Result<Value, SnapshotError> {
    let Some(sku) = glance.sku(name)? else {
        return Ok(json!({
            "sku": name, "found": false, "why": format!("no such item in {}", snapshot.name()),
        }));
    };
    let meta = snapshot.meta()?;
    let (positions, plain) = glance.positions(sku)?;
    let rows = positions.iter().map(|p| {
        json!({
            "location": place(&meta.locations, p.location().index()), "on_hand": p.on_hand,
            "held": p.held, "safety_stock": p.safety, "reserved": p.reserved,
            "free": p.free(),
        })
    });
    let free: i64 = positions.iter().map(|p| p.free().max(0)).sum();
    Ok(json!({
        "sku": name, "found": true, "snapshot": snapshot.name(), "as_of_fact": snapshot.at().0,
        "positions": rows.collect::<Vec<_>>(), "free": free,
        "atp_depends_on_more": !plain,
    }))
}

fn of_order(meta: &Meta, image: &OrderImage) -> Value {
    let plan = &image.decision.plan;
    let shipments = plan.shipments.iter().map(|s| {
        json!({
            "location": place(&meta.locations, s.location.index()),
            "service": service(meta, s.service),
            "ship_at": s.ship_at.to_string(), "deliver_on": s.deliver_on.to_string(),
            "units": s.lines.iter().map(|l| u64::from(l.qty.0)).sum::<u64>(),
            "cents": s.cents.total().0,
        })
    });
    let claims = image.holding.iter().flat_map(|h| &h.claims);
    json!({
        "source": image.order.key.source(), "order": image.order.key.order(),
        "state": image.state.name(), "accepted_at": image.accepted_at.to_string(),
        "lines": image.order.lines.iter().map(|l| json!({"sku": l.sku, "qty": l.qty.0}))
            .collect::<Vec<_>>(),
        "shipments": shipments.collect::<Vec<_>>(),
        "units_held": claims.map(|c| u64::from(c.qty.0)).sum::<u64>(),
        "total_cents": plan.objective.total().0,
    })
}

fn place(locations: &[Location], index: usize) -> &str {
    locations.get(index).map_or("?", |l| &*l.id)
}

impl LookedUp {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({"item": self.item, "order": self.order})
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        if let Some(item) = &self.item {
            write_item(&mut out, item);
        }
        if let Some(order) = &self.order {
            let text = serde_json::to_string_pretty(order).unwrap_or_default();
            let _ = writeln!(out, "\nin the newest snapshot\n{text}");
        }
        out
    }
}

fn write_item(out: &mut String, item: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if item["found"] == false {
        let _ = writeln!(out, "{}: {}", text(&item["sku"]), text(&item["why"]));
        return;
    }
    let (sku, from) = (text(&item["sku"]), text(&item["snapshot"]));
    let _ = writeln!(out, "{sku} in {from}, as of fact {}\n", item["as_of_fact"]);
    let columns = [
        "location",
        "on_hand",
        "held",
        "safety_stock",
        "reserved",
        "free",
    ];
    let mut line = |cells: [String; 6]| {
        let [place, rest @ ..] = cells;
        let _ = write!(out, "{place:<16}");
        for cell in rest {
            let _ = write!(out, " {cell:>12}");
        }
        out.push('\n');
    };
    line(columns.map(str::to_owned));
    for row in item["positions"].as_array().into_iter().flatten() {
        line(columns.map(|c| {
            row[c]
                .as_str()
                .map_or_else(|| row[c].to_string(), str::to_owned)
        }));
    }
    let _ = writeln!(out, "\nfree in all {}", item["free"]);
    if item["atp_depends_on_more"] == true {
        out.push_str(
            "its ATP depends on more than these counts: supply on its way, allocations, or \
             reservations that run out\n",
        );
    }
}

/// The text id of a service, or that of collecting.
fn service(meta: &Meta, service: ServiceId) -> &str {
    match meta.services.get(service.index()) {
        Some(id) => id,
        None if service == ServiceId::PICKUP => ServiceId::PICKUP_NAME,
        None => "?",
    }
}
