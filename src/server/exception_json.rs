//! Exceptions as JSON.

use crate::engine::{Engine, Exception, StuckCounts, StuckParts};
use crate::model::Topic;
use serde_json::{Value, json};

/// Several.
pub(super) fn list(engine: &Engine, found: &[Exception]) -> String {
    let each = found.iter().map(|exception| one(engine, exception));
    json!({"exceptions": each.collect::<Vec<_>>()}).to_string()
}

/// What stands still, and how much for each reason.
pub(super) fn stuck(engine: &Engine, parts: &StuckParts, counts: &StuckCounts) -> String {
    let each = parts.iter().map(|(exception, part)| {
        let mut shown = one(engine, exception);
        if let Some(view) = part {
            let (part, registry) = (&view.part, engine.registry());
            let location = part.route.as_ref().map(|r| r.location);
            shown["state"] = json!(part.state.name());
            shown["since"] = json!(part.since.to_string());
            shown["location"] = json!(location.map(|l| registry.location_name(l)));
            shown["holder"] = json!(part.holder.as_ref().map(|h| &*h.name));
        }
        shown
    });
    let causes = counts
        .iter()
        .map(|(cause, n)| (cause.name().to_owned(), json!(n)));
    let causes: serde_json::Map<String, Value> = causes.collect();
    json!({"causes": causes, "stuck": each.collect::<Vec<_>>()}).to_string()
}

/// One that was just resolved, or had been.
pub(super) fn resolved(engine: &Engine, exception: &Exception, repeated: bool) -> String {
    let mut shown = one(engine, exception);
    shown["repeated"] = json!(repeated);
    shown.to_string()
}

/// One.
pub(super) fn one(engine: &Engine, exception: &Exception) -> Value {
    let (finding, registry) = (&exception.finding, engine.registry());
    let cause = exception.cause();
    let mut shown = json!({
        "exception": exception.id, "kind": cause.kind().name(), "cause": cause.name(),
        "owner": cause.owner(), "detail": finding.detail, "action": cause.resolution(),
        "channel": finding.channel.map(|c| registry.channel_name(c)),
        "waits_for": finding.waits_for.iter().map(|&s| registry.sku_name(s)).collect::<Vec<_>>(),
        "opened": exception.opened.to_string(), "assigned_to": exception.assigned_to,
        "kept": exception.kept.is_some(),
        "resolved": exception.resolved.as_ref().map(|r| {
            let rule = r.rule.as_ref().map(|by| &*by.rule);
            json!({"at": r.at.to_string(), "by": r.by, "how": r.how, "rule": rule})
        }),
    });
    match &finding.subject.topic {
        Topic::Order { key, fulfillment } => {
            shown["source"] = json!(key.source());
            shown["order"] = json!(key.order());
            if let Some(number) = fulfillment {
                shown["fulfillment"] = json!(number);
            }
        }
        Topic::Position(sku, location) => {
            shown["sku"] = json!(registry.sku_name(*sku));
            shown["location"] = json!(registry.location_name(*location));
        }
        Topic::Location(location) => {
            shown["location"] = json!(registry.location_name(*location));
        }
    }
    shown
}
