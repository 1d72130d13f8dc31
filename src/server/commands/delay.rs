//! `ORDER.DELAYS`: where orders lose time before they are sent.

use super::super::arguments::Arguments;
use super::super::delay_json as json;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use super::cost::day;
use crate::engine::DelayQuery;
use crate::model::{Day, Invalid};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[Command {
    name: "ORDER.DELAYS",
    group: "Orders",
    usage: "[BY DAY|CHANNEL|LOCATION]... [FROM day] [TO day]",
    summary: "Where the time of all that was sent in the last 31 days went, from placed to sent: by part of the delay. \
        Percentiles are at most 6.25 % too long; sums are exact, and those of `validation`, `routing`, `waiting` and \
        `transmission` add up to that of `total`.",
    arguments: &[
        (
            "BY DAY|CHANNEL|LOCATION",
            "a row for each; may be given several times, and one row for everything when absent. The day is the date of \
             sending in UTC",
        ),
        ("FROM day", "the first day that counts, such as 2026-11-23"),
        ("TO day", "the last day that counts"),
    ],
    reply: "JSON: `rows`, each with what it is grouped by, `sent` (how many fulfilment orders) and `validation`, `routing`, \
        `waiting` (of which `waiting_supply`, `waiting_hold`, `waiting_claim`), `transmission`, `total`, each with `mean_ms`, \
        `p50_ms`, `p90_ms`, `p99_ms`, `max_ms`, `sum_ms`; see \"Where time goes\" above",
    errors: &[],
    example: "ORDER.DELAYS BY CHANNEL BY LOCATION",
    writes: false,
    least: 0,
    most: None,
    run: delays,
}];

fn delays(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let mut query = DelayQuery::default();
    let (mut from, mut to) = (Day(i32::MIN), Day(i32::MAX));
    while !args.is_empty() {
        if args.take("BY") {
            if args.take("DAY") {
                query.by_day = true;
            } else if args.take("CHANNEL") {
                query.by_channel = true;
            } else if args.take("LOCATION") {
                query.by_location = true;
            } else {
                let word = args.text("BY")?;
                return Err(Invalid::new("BY", word, "DAY, CHANNEL or LOCATION").into());
            }
        } else if args.take("FROM") {
            from = day(&mut args, "FROM")?;
        } else if args.take("TO") {
            to = day(&mut args, "TO")?;
        } else {
            args.end("BY DAY, CHANNEL or LOCATION, FROM day or TO day")?;
        }
    }
    query.days = Some((from, to));
    let rows = call.engine.delay_report(&query);
    Ok(json::report(call.engine, &rows).into())
}
