//! Costs as JSON.

use crate::engine::Engine;
use crate::engine::{CostGroup, CostPart, CostQuery, CostSums, OpenCosts, PartCosts};
use crate::model::ExtraCost;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows of a report with the names of their columns, and all of them together; what is still to ship
/// beside them where that is asked for.
pub(super) fn report(
    engine: &Engine,
    query: &CostQuery,
    shipped: Vec<(CostGroup, CostSums)>,
    open: Option<Vec<(CostGroup, OpenCosts)>>,
) -> String {
    let by = [
        ("day", query.by_day),
        ("location", query.by_location),
        ("carrier", query.by_carrier),
        ("channel", query.by_channel),
    ];
    let by = by.into_iter().filter(|(_, wanted)| *wanted);
    let mut columns: Vec<&str> = by.map(|(name, _)| name).collect();
    let groups = columns.len();
    columns.extend(["shipments", "forecast", "actual", "difference"]);
    columns.extend(CostPart::ALL.map(|(name, _)| name));
    let with_open = open.is_some();
    if with_open {
        columns.extend(["open_shipments", "open"]);
    }
    let mut rows: BTreeMap<CostGroup, (CostSums, OpenCosts)> = BTreeMap::new();
    for (group, sums) in shipped {
        rows.entry(group).or_default().0 = sums;
    }
    for (group, open) in open.into_iter().flatten() {
        rows.entry(group).or_default().1 = open;
    }
    let values = |(sums, open): &(CostSums, OpenCosts)| {
        let mut values = sum_values(sums);
        if with_open {
            values.extend([json!(open.shipments), number(open.cents)]);
        }
        values
    };
    let all = rows.iter().map(|(group, row)| {
        let mut shown = group_values(engine, group);
        shown.extend(values(row));
        Value::Array(shown)
    });
    let mut total = (CostSums::default(), OpenCosts::default());
    for (sums, open) in rows.values() {
        total.0.add(sums, 1);
        total.1.shipments += open.shipments;
        total.1.cents += open.cents;
    }
    let mut last = vec![Value::Null; groups];
    last.extend(values(&total));
    json!({"columns": columns, "rows": all.collect::<Vec<_>>(), "total": last}).to_string()
}

fn group_values(engine: &Engine, group: &CostGroup) -> Vec<Value> {
    let registry = engine.registry();
    let day = group.day.map(|d| json!(d.to_string()));
    let location = group.location.map(|l| json!(registry.location_name(l)));
    let carrier = group.carrier.as_ref().map(|c| json!(c));
    let channel = group.channel.map(|c| json!(registry.channel_name(c)));
    [day, location, carrier, channel]
        .into_iter()
        .flatten()
        .collect()
}

fn sum_values(sums: &CostSums) -> Vec<Value> {
    let mut values = vec![json!(sums.shipments)];
    let cents = [sums.forecast, sums.actual, sums.difference()];
    let parts = CostPart::ALL.map(|(_, part)| sums.part(part));
    values.extend(cents.into_iter().chain(parts).map(number));
    values
}

/// Sums of amounts that are bounded each: more than fits would take more parts than there can be.
fn number(cents: i128) -> Value {
    json!(i64::try_from(cents).unwrap_or(if cents < 0 { i64::MIN } else { i64::MAX }))
}

/// One part's costs.
pub(super) fn part(engine: &Engine, costs: &PartCosts) -> String {
    let (place, sums, prices) = (costs.place(), costs.sums(), costs.prices());
    let registry = engine.registry();
    let extras = ExtraCost::ALL.map(|(name, kind)| (name.to_owned(), json!(costs.extra(kind).0)));
    let parts = CostPart::ALL.map(|(name, part)| (name.to_owned(), number(sums.part(part))));
    json!({
        "day": place.day.to_string(), "location": registry.location_name(place.location),
        "carrier": place.carrier, "channel": registry.channel_name(place.channel),
        "forecast": costs.forecast().0,
        "split": prices.and_then(|p| p.split).map(|c| c.0),
        "distance": prices.and_then(|p| p.distance).map(|c| c.0),
        "partner": prices.and_then(|p| p.partner).map(|c| c.0),
        "paid": prices.map(|p| p.paid.0),
        "extras": extras.into_iter().collect::<serde_json::Map<_, _>>(),
        "difference": number(sums.difference()),
        "parts": parts.into_iter().collect::<serde_json::Map<_, _>>(),
    })
    .to_string()
}
