//! `[[remedies]]` and `[[thresholds]]` of `network.toml`: what resolves exceptions without anybody, and
//! at how many units an item is low.

use super::field::Field;
use super::node::{Node, inside};
use super::settings::{listed, span};
use super::supply::Known;
use crate::model::{
    Action, Cause, ExceptionKind, Invalid, RemedyRow, ThresholdRow, Topic, Trigger,
};

/// What happens, beside time.
const WHEN: [(&str, Trigger); 2] = [
    ("at_once", Trigger::AtOnce),
    ("stock_arrived", Trigger::StockArrived),
];

/// `[[remedies]]`, in the order of the file: of those that fit the first counts.
pub(super) fn remedies(field: Field<'_>) -> Result<Vec<RemedyRow>, Invalid> {
    let rows = listed(field, remedy)?;
    for (number, row) in rows.iter().enumerate() {
        let inside = |invalid| inside(&format!("{}[{number}]", field.name), invalid);
        if rows[..number].iter().any(|other| other.name == row.name) {
            let expected = "a name that no rule before it has";
            return Err(inside(Invalid::new("name", &row.name, expected)));
        }
    }
    Ok(rows)
}

fn remedy(row: &Node<'_>) -> Result<RemedyRow, Invalid> {
    let [
        name,
        cause_field,
        channel,
        when,
        seconds,
        minutes,
        hours,
        days,
        action,
    ] = row.fields(&[
        "name", "cause", "channel", "when", "seconds", "minutes", "hours", "days", "action",
    ])?;
    let wanted = action.one_of(&Action::ALL)?;
    let cause = cause_field.optional(cause)?;
    if cause.is_some_and(|cause| !wanted.helps(cause)) {
        let helped = Cause::ALL.iter().filter(|c| wanted.helps(**c));
        let helped: Vec<&str> = helped.map(|c| c.name()).collect();
        let expected = format!("what {} can end: {}", wanted.name(), helped.join(", "));
        return Err(cause_field.refuse(expected));
    }
    let span = span("when", [seconds, minutes, hours, days])?;
    let trigger = match (when.optional(|field| field.one_of(&WHEN))?, span) {
        (Some(trigger), None) => trigger,
        (None, Some(span)) => Trigger::After(span),
        (told, _) => {
            let both = told.map_or("nothing", |_| "both");
            let expected = "at_once or stock_arrived, or else one of seconds, minutes, hours, days";
            return Err(Invalid::new("when", both, expected));
        }
    };
    if wanted == Action::Cancel && cause.is_none() && trigger == Trigger::AtOnce {
        return Err(action.refuse("a cause or a time beside it, where it cancels"));
    }
    let at_risk = cause.is_some_and(|c| c.kind() == ExceptionKind::PromiseAtRisk);
    if at_risk && !channel.is_absent() {
        return Err(
            channel.refuse("no channel beside a promise at risk: it is found by its position")
        );
    }
    Ok(RemedyRow {
        name: name.id()?.into(),
        cause,
        channel: channel.optional(Field::id)?.map(Into::into),
        trigger,
        action: wanted,
    })
}

/// A cause of exceptions about orders: of others there is nothing to route or to cancel.
fn cause(field: Field<'_>) -> Result<Cause, Invalid> {
    let about_orders = Cause::ALL.iter().filter(|c| Topic::may_be_order(**c));
    let names: Vec<(&'static str, Cause)> = about_orders.map(|c| (c.name(), *c)).collect();
    field.one_of(&names)
}

/// `[[thresholds]]`.
pub(super) fn thresholds(
    field: Field<'_>,
    known: &Known<'_>,
) -> Result<Vec<ThresholdRow>, Invalid> {
    listed(field, |row| {
        let [sku, channel, low] = row.fields(&["sku", "channel", "low"])?;
        Ok(ThresholdRow {
            sku: sku.optional(|id| known.skus.find(id))?,
            channel: channel.optional(Field::id)?.map(Into::into),
            low: low.qty(0)?,
        })
    })
}
