//! Orders as JSON again, for who keeps or sends them.

use super::rows::POLICY;
use crate::model::{Coordinate, Order, OrderLine, PolicyOverrides, ShipTo};
use serde_json::{Map, Value, json};

/// The order as [`order_json`](super::order_json) reads it back.
#[must_use]
pub fn order_to_json(order: &Order) -> Value {
    let lines: Vec<Value> = order.lines.iter().map(line_to_json).collect();
    let mut json = json!({
        "source": order.key.source(),
        "order": order.key.order(),
        "channel": order.channel,
        "placed_at": order.placed_at.to_string(),
        "priority": order.priority,
        "deliver_by_is_hard": order.deliver_by_is_hard,
        "lines": lines,
    });
    if order.pickup_at.is_none() || order.ship_to != ShipTo::default() {
        json["ship_to"] = ship_to_json(&order.ship_to);
    }
    if let Some(customer) = &order.customer {
        json["customer"] = json!(customer);
    }
    if let Some(store) = &order.pickup_at {
        json["pickup_at"] = json!(store);
    }
    if let Some(day) = order.deliver_by {
        json["deliver_by"] = json!(day.to_string());
    }
    if order.policy != PolicyOverrides::default() || order.preset.is_some() {
        json["policy"] = policy_to_json(&order.policy);
    }
    if let Some(preset) = &order.preset {
        json["policy"]["preset"] = json!(preset);
    }
    if !order.exclude.is_empty() {
        json["exclude"] = json!(order.exclude);
    }
    json
}

fn line_to_json(line: &OrderLine) -> Value {
    let mut json = json!({
        "line": line.line,
        "sku": line.sku,
        "qty": line.qty.0,
        "may_split": line.may_split,
    });
    if let Some(set) = &line.together {
        json["together"] = json!(set);
    }
    json
}

fn ship_to_json(to: &ShipTo) -> Value {
    let mut json = json!({"country": to.country, "postal": to.postal});
    if let Some(Coordinate { lat_e6, lon_e6 }) = to.coordinate {
        json["lat"] = json!(degrees(lat_e6));
        json["lon"] = json!(degrees(lon_e6));
    }
    if to.residential {
        json["residential"] = json!(true);
    }
    json
}

/// Degrees of millionths. The nearest double of a number with six decimals gives back the same
/// millionths when it is read.
#[allow(clippy::float_arithmetic)]
fn degrees(millionths: i32) -> f64 {
    f64::from(millionths) / 1e6
}

fn policy_to_json(policy: &PolicyOverrides) -> Value {
    let [
        split,
        speed,
        late,
        short,
        max_shipments,
        ship_complete,
        allow_backorder,
        min_value,
        effort,
    ] = POLICY;
    let cents = [
        (split, policy.split_penalty),
        (speed, policy.speed_value_per_day),
        (late, policy.late_per_day),
        (short, policy.short_per_unit),
        (min_value, policy.min_value_to_split),
    ];
    let flags = [
        (ship_complete, policy.ship_complete),
        (allow_backorder, policy.allow_backorder),
    ];
    let mut json = Map::new();
    json.extend(
        cents
            .iter()
            .filter_map(|(name, c)| Some(((*name).to_owned(), json!((*c)?.0)))),
    );
    let most = policy.max_shipments.map(u16::from);
    let numbers = [(max_shipments, most), (effort, policy.effort_percent)];
    json.extend(
        numbers
            .iter()
            .filter_map(|(name, n)| Some(((*name).to_owned(), json!((*n)?)))),
    );
    json.extend(
        flags
            .iter()
            .filter_map(|(name, f)| Some(((*name).to_owned(), json!((*f)?)))),
    );
    Value::Object(json)
}
