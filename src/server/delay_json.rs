//! Delays as JSON.

use crate::engine::{DELAY_MEASURES, DelayGroup, DelaySpans, DelaySums, Engine};
use serde_json::{Value, json};

/// Rows of a report.
pub(super) fn report(engine: &Engine, rows: &[(DelayGroup, DelaySums)]) -> String {
    let rows = rows.iter().map(|(group, sums)| row(engine, group, sums));
    json!({"rows": rows.collect::<Vec<_>>()}).to_string()
}

fn row(engine: &Engine, group: &DelayGroup, sums: &DelaySums) -> Value {
    let registry = engine.registry();
    let mut row = json!({"sent": sums.sent});
    if let Some(day) = group.day {
        row["day"] = json!(day.to_string());
    }
    if let Some(channel) = group.channel {
        row["channel"] = json!(registry.channel_name(channel));
    }
    if let Some(location) = group.location {
        row["location"] = json!(registry.location_name(location));
    }
    for (name, spans) in DELAY_MEASURES.into_iter().zip(&sums.spans) {
        row[name] = measure(spans, sums.sent);
    }
    row
}

fn measure(spans: &DelaySpans, count: u64) -> Value {
    let shown = |span: u128| u64::try_from(span).unwrap_or(u64::MAX);
    let mean = spans.sum() / u128::from(count.max(1));
    json!({
        "mean_ms": shown(mean), "p50_ms": spans.at_most(500).0, "p90_ms": spans.at_most(900).0,
        "p99_ms": spans.at_most(990).0, "max_ms": spans.at_most(1_000).0, "sum_ms": shown(spans.sum()),
    })
}
